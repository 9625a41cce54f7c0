//! A shared folder as the place where paths start, mounted or not: `NAME:{Folder}/path`.

use std::pin::Pin;

use tokio::sync::OnceCell;

use crate::{
    Client, Error,
    api::sharing::{FOLDER_METADATA, FolderArg, SharedFolder},
};

/// A shared folder in which the paths of a client start. Which one it is is asked once, at the first call.
#[derive(Debug)]
pub(crate) struct SharedRoot {
    /// Its name, or `ns:ID`.
    pub(crate) typed: String,
    pub(crate) folder: OnceCell<SharedFolder>,
}

impl SharedRoot {
    pub(crate) fn new(typed: &str) -> Self {
        Self {
            typed: typed.to_owned(),
            folder: OnceCell::new(),
        }
    }

    /// Returns the folder. Not an `async fn`, since it is a part of each call and makes calls itself.
    pub(crate) fn find<'a>(
        &'a self,
        client: &'a Client,
    ) -> Pin<Box<dyn Future<Output = Result<&'a SharedFolder, Error>> + 'a>> {
        let ask = async || match self.typed.strip_prefix("ns:") {
            Some(id) => by_id(client, id).await,
            None => choose(client.shared_folders().await?, &self.typed),
        };
        Box::pin(self.folder.get_or_try_init(ask))
    }
}

async fn by_id(client: &Client, id: &str) -> Result<SharedFolder, Error> {
    let arg = FolderArg {
        shared_folder_id: id.to_owned(),
    };
    let unknown = format!("no folder with the id {id} is shared with this account");
    match client.rpc(&FOLDER_METADATA, &arg).await {
        Err(error) if error.route().is_some() => Err(Error::SharedFolder(unknown)),
        Err(Error::BadRequest(_)) => Err(Error::SharedFolder(unknown)),
        done => done,
    }
}

/// Returns the only folder of a name: the name that is spelled like that, otherwise one that differs in letter case.
fn choose(folders: Vec<SharedFolder>, name: &str) -> Result<SharedFolder, Error> {
    let (mut exact, mut others) = (Vec::new(), Vec::new());
    for folder in folders {
        if folder.name == name {
            exact.push(folder);
        } else if folder.name.to_lowercase() == name.to_lowercase() {
            others.push(folder);
        }
    }
    let mut found = if exact.is_empty() { others } else { exact };
    match found.len() {
        0 => Err(Error::SharedFolder(format!(
            "no folder '{name}' is shared with this account, or not any more"
        ))),
        1 => Ok(found.remove(0)),
        count => {
            let one = |folder: &SharedFolder| {
                let owners = folder.owner_display_names.clone().unwrap_or_default();
                format!("{{ns:{}}} of {}", folder.shared_folder_id, owners.join(", "))
            };
            let all: Vec<String> = found.iter().map(one).collect();
            Err(Error::SharedFolder(format!(
                "{count} folders '{name}' are shared with this account; say which: {}",
                all.join("; ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DropboxPath,
        testing::{Server, answer, login},
    };

    fn folder(name: &str, id: &str) -> SharedFolder {
        let json = format!(
            r#"{{"name":"{name}","shared_folder_id":"{id}","access_type":{{".tag":"editor"}},"owner_display_names":["Bea"]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_name_means_one_folder_or_none() {
        let all = || {
            vec![
                folder("Lab", "1"),
                folder("lab", "2"),
                folder("Two", "3"),
                folder("Two", "4"),
            ]
        };
        for (name, id) in [
            ("Lab", Ok("1")),
            ("lab", Ok("2")),
            ("LAB", Err("2 folders")),
            ("Two", Err("{ns:3} of Bea; {ns:4}")),
            ("x", Err("no folder 'x'")),
        ] {
            match (choose(all(), name), id) {
                (Ok(found), Ok(id)) => assert_eq!(found.shared_folder_id, id),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
    }

    #[tokio::test]
    async fn paths_start_in_the_folder_which_is_asked_for_once() {
        const FOLDER: &str = r#"{".tag":"folder","name":"a","id":"id:1","path_lower":"/a"}"#;
        let folders =
            r#"{"entries":[{"name":"Lab","shared_folder_id":"77","access_type":{".tag":"viewer"}}]}"#;
        let server = Server::start([answer(200, folders), answer(200, FOLDER), answer(200, FOLDER)]).await;
        let client = server.client(login("t")).in_shared_folder("Lab");
        let path = DropboxPath::parse("a").unwrap();
        for _ in 0..2 {
            client.stat(&path).await.unwrap();
        }
        let roots: Vec<_> = server
            .requests()
            .iter()
            .map(|request| request.header("dropbox-api-path-root").map(str::to_owned))
            .collect();
        let root = Some(r#"{".tag":"namespace_id","namespace_id":"77"}"#.to_owned());
        assert_eq!(roots, [None, root.clone(), root]);
        assert_eq!(client.location(&path).to_string(), "dbx:{Lab}/a");
        assert!(!client.shared_folder().await.unwrap().unwrap().may_write());
        assert!(!client.shares_paths(&client.as_usual()));
        assert!(client.shares_paths(&client.as_usual().in_shared_folder("Lab")));
    }
}
