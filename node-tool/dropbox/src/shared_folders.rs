//! Folders and files that people share with the account, mounted or not.

use serde::de::DeserializeOwned;

use crate::{
    Client, Error,
    api::{
        Nothing, Route,
        files::CursorArg,
        sharing::{
            FOLDER_METADATA, FolderArg, LIST_FOLDERS, LIST_FOLDERS_CONTINUE, LIST_RECEIVED,
            LIST_RECEIVED_CONTINUE, ListFilesArg, ListFoldersArg, MOUNT_FOLDER, SharedFile, SharedFolder,
            SharedPage, UNMOUNT_FOLDER,
        },
    },
    pages::Pages,
};

impl Client {
    /// Returns all shared folders that the account has access to, its own among them.
    ///
    /// # Errors
    /// When the list doesn't come to its end.
    pub async fn shared_folders(&self) -> Result<Vec<SharedFolder>, Error> {
        let first = self.rpc(&LIST_FOLDERS, &ListFoldersArg { limit: 1000 }).await?;
        self.shared_pages(first, &LIST_FOLDERS_CONTINUE).await
    }

    /// Returns all files that others share singly with the account.
    ///
    /// # Errors
    /// When the list doesn't come to its end.
    pub async fn received_files(&self) -> Result<Vec<SharedFile>, Error> {
        let first = self.rpc(&LIST_RECEIVED, &ListFilesArg { limit: 300 }).await?;
        self.shared_pages(first, &LIST_RECEIVED_CONTINUE).await
    }

    /// Returns what is on a page and on those that follow it.
    async fn shared_pages<E: DeserializeOwned>(
        &self,
        first: SharedPage<E>,
        following: &Route<CursorArg, SharedPage<E>>,
    ) -> Result<Vec<E>, Error> {
        let mut pages = Pages::new(first, async |cursor| {
            self.rpc(following, &CursorArg { cursor }).await
        });
        let mut all = Vec::new();
        while let Some(page) = pages.next().await? {
            all.extend(page.entries);
        }
        Ok(all)
    }

    /// Mounts a shared folder at the top of the person's own folder, and returns it as it is then: under another name if its own
    /// is taken there.
    ///
    /// # Errors
    /// When the account has no access to it, or it is mounted.
    pub async fn mount_folder(&self, id: &str) -> Result<SharedFolder, Error> {
        let arg = folder_arg(id);
        let look = async || {
            let there = self.rpc(&FOLDER_METADATA, &arg).await.ok()?;
            there.path_lower.is_some().then_some(there)
        };
        self.unless_done(async || self.rpc(&MOUNT_FOLDER, &arg).await, look)
            .await
    }

    /// Unmounts a shared folder: it stays where it is, and isn't seen in the person's own folder any more.
    ///
    /// # Errors
    /// When the account has no access to it, or it isn't mounted.
    pub async fn unmount_folder(&self, id: &str) -> Result<(), Error> {
        let arg = folder_arg(id);
        let look = async || {
            let there = self.rpc(&FOLDER_METADATA, &arg).await.ok()?;
            there.path_lower.is_none().then_some(Nothing)
        };
        let unmount = async || self.rpc(&UNMOUNT_FOLDER, &arg).await;
        self.unless_done(unmount, look).await.map(|Nothing| ())
    }

    /// Makes a change. Where the answer is lost, `look` says whether it was made; if it wasn't, it is tried again.
    async fn unless_done<T>(
        &self,
        change: impl AsyncFn() -> Result<T, Error>,
        look: impl AsyncFn() -> Option<T>,
    ) -> Result<T, Error> {
        let mut tries = self.tries();
        loop {
            let error = match change().await {
                Err(error) if error.is_unknown() => error,
                done => return done,
            };
            if let Some(done) = look().await {
                return Ok(done);
            }
            let wait = tries.wait_after(&error).ok_or(error)?;
            tokio::time::sleep(wait).await;
        }
    }
}

fn folder_arg(id: &str) -> FolderArg {
    FolderArg {
        shared_folder_id: id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, answer, login};

    #[tokio::test]
    async fn a_lost_answer_is_looked_up_and_what_was_not_done_is_done() {
        const FOLDER: &str = r#"{"name":"a","shared_folder_id":"1","access_type":{".tag":"viewer"}"#;
        let lost = || answer(503, "");
        let mounted = || answer(200, &format!(r#"{FOLDER},"path_lower":"/a"}}"#));
        let unmounted = || answer(200, &format!("{FOLDER}}}"));
        for (answers, calls) in [
            (vec![lost(), mounted()], 2),
            (vec![lost(), unmounted(), mounted()], 3),
            (vec![lost(), lost(), mounted()], 3),
        ] {
            let server = Server::start(answers).await;
            let folder = server.client(login("t")).mount_folder("1").await.unwrap();
            assert!(folder.path_lower.is_some());
            assert_eq!(server.requests().len(), calls);
        }
        let server = Server::start([lost(), mounted(), lost(), unmounted()]).await;
        server.client(login("t")).unmount_folder("1").await.unwrap();
        assert_eq!(server.requests().len(), 4);
    }

    #[tokio::test]
    async fn folders_come_in_pages() {
        let folder = |name: &str| {
            format!(
                r#"{{"name":"{name}","shared_folder_id":"1","access_type":{{".tag":"viewer"}},"owner_display_names":["Bea"]}}"#
            )
        };
        let server = Server::start([
            answer(200, &format!(r#"{{"entries":[{}],"cursor":"c"}}"#, folder("a"))),
            answer(200, &format!(r#"{{"entries":[{}],"cursor":null}}"#, folder("b"))),
        ])
        .await;
        let folders = server.client(login("t")).shared_folders().await.unwrap();
        let names: Vec<_> = folders.iter().map(|folder| folder.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(!folders[0].may_write() && folders[0].path_lower.is_none());
    }
}
