//! Waiting for changes in a folder.

use std::time::Duration;

use crate::{
    Client, DropboxPath, Error,
    api::files::{
        CursorArg, LATEST_CURSOR, LIST_FOLDER_CONTINUE, LONGPOLL, ListFolderArg, ListFolderResult,
        LongpollArg, MAX_LIST_LIMIT,
    },
};

/// How long a long poll waits, in seconds.
const POLL_SECONDS: u64 = 60;
/// The longest pause between two polls that Dropbox is granted, in seconds.
const MAX_BACKOFF_SECONDS: u64 = 300;

impl Client {
    /// Returns a cursor behind which everything is that changes below `path` from now on.
    ///
    /// # Errors
    /// When there is no such folder.
    pub async fn latest_cursor(&self, path: &DropboxPath) -> Result<String, Error> {
        let arg = ListFolderArg {
            path: path.as_str().to_owned(),
            recursive: true,
            limit: Some(MAX_LIST_LIMIT),
            ..ListFolderArg::default()
        };
        Ok(self.rpc(&LATEST_CURSOR, &arg).await?.cursor)
    }

    /// Waits until something changes behind `cursor`, or a minute is over. Returns whether something did.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn wait_for_change(&self, cursor: &str) -> Result<bool, Error> {
        let arg = LongpollArg {
            cursor: cursor.to_owned(),
            timeout: POLL_SECONDS,
        };
        let polled = self.rpc(&LONGPOLL, &arg).await?;
        if let Some(seconds) = polled.backoff {
            tokio::time::sleep(Duration::from_secs(seconds.min(MAX_BACKOFF_SECONDS))).await;
        }
        Ok(polled.changes)
    }

    /// Returns one page of what changed behind `cursor`.
    ///
    /// # Errors
    /// When Dropbox can't be asked, or the cursor is no longer valid (`reset`).
    pub async fn changes(&self, cursor: String) -> Result<ListFolderResult, Error> {
        let arg = CursorArg { cursor };
        self.rpc_list(&LIST_FOLDER_CONTINUE, &arg, ListFolderResult::read)
            .await
    }

    /// Passes all that changed behind `cursor` to `take`, page by page.
    ///
    /// # Errors
    /// When Dropbox can't be asked, the cursor is no longer valid (`reset`), or the changes don't come to their end.
    pub async fn all_changes(
        &self,
        cursor: String,
        mut take: impl FnMut(ListFolderResult),
    ) -> Result<(), Error> {
        let mut pages = self.pages_behind(cursor);
        while let Some(page) = pages.next().await? {
            take(page);
        }
        Ok(())
    }
}
