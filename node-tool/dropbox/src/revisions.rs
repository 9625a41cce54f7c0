//! Earlier states of files.

use crate::{
    Client, DropboxPath, Error,
    api::files::{
        FileMetadata, GET_METADATA, LIST_REVISIONS, Metadata, PathArg, RESTORE, RestoreArg, Revisions,
        RevisionsArg,
    },
};

/// Maximum number of revisions that Dropbox returns.
const MAX_REVISIONS: u64 = 100;

impl Client {
    /// Returns the states of a file, the newest first, up to 100.
    ///
    /// # Errors
    /// When there never was such a file.
    pub async fn revisions(&self, path: &DropboxPath) -> Result<Revisions, Error> {
        self.revisions_before(path, MAX_REVISIONS, None).await
    }

    /// Returns up to `limit` states of a file (at most 100), the newest first, of those before the revision `before` if that is
    /// given.
    ///
    /// # Errors
    /// When there never was such a file.
    pub async fn revisions_before(
        &self,
        path: &DropboxPath,
        limit: u64,
        before: Option<&str>,
    ) -> Result<Revisions, Error> {
        let arg = RevisionsArg {
            path: path.as_str().to_owned(),
            limit,
            before_rev: before.map(str::to_owned),
        };
        self.rpc_list(&LIST_REVISIONS, &arg, Revisions::read).await
    }

    /// Returns a revision of any file. `None` means that there is no such revision, or not any more.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn revision(&self, rev: &str) -> Result<Option<FileMetadata>, Error> {
        let arg = PathArg {
            path: format!("rev:{rev}"),
        };
        match self.rpc(&GET_METADATA, &arg).await {
            Ok(Metadata::File(file)) => Ok(Some(file)),
            Ok(_) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
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
