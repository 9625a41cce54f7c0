//! Folders and files that people share with the account, mounted or not.

use serde::de::DeserializeOwned;

use crate::{
    Client, Error,
    api::{
        Nothing, Route,
        files::CursorArg,
        sharing::{
            FolderArg, LIST_FOLDERS, LIST_FOLDERS_CONTINUE, LIST_RECEIVED, LIST_RECEIVED_CONTINUE,
            ListFilesArg, ListFoldersArg, MOUNT_FOLDER, SharedFile, SharedFolder, SharedPage, UNMOUNT_FOLDER,
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
        let arg = FolderArg {
            shared_folder_id: id.to_owned(),
        };
        self.rpc(&MOUNT_FOLDER, &arg).await
    }

    /// Unmounts a shared folder: it stays where it is, and isn't seen in the person's own folder any more.
    ///
    /// # Errors
    /// When the account has no access to it, or it isn't mounted.
    pub async fn unmount_folder(&self, id: &str) -> Result<(), Error> {
        let arg = FolderArg {
            shared_folder_id: id.to_owned(),
        };
        let Nothing = self.rpc(&UNMOUNT_FOLDER, &arg).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, answer, login};

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
