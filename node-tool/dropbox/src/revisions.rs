//! Earlier states of files.

use crate::{
    Client, DropboxPath, Error,
    api::files::{FileMetadata, LIST_REVISIONS, RESTORE, RestoreArg, Revisions, RevisionsArg},
};

/// Maximum number of revisions that Dropbox returns.
const MAX_REVISIONS: u64 = 100;

impl Client {
    /// Returns the states of a file, the newest first, up to 100.
    ///
    /// # Errors
    /// When there never was such a file.
    pub async fn revisions(&self, path: &DropboxPath) -> Result<Revisions, Error> {
        let arg = RevisionsArg {
            path: path.as_str().to_owned(),
            limit: MAX_REVISIONS,
        };
        self.rpc_list(&LIST_REVISIONS, &arg, Revisions::read).await
    }

    /// Makes an earlier state the present one.
    ///
    /// # Errors
    /// When there is no such state.
    pub async fn restore(&self, path: &DropboxPath, rev: &str) -> Result<FileMetadata, Error> {
        let arg = RestoreArg {
            path: path.as_str().to_owned(),
            rev: rev.to_owned(),
        };
        self.rpc(&RESTORE, &arg).await
    }
}
