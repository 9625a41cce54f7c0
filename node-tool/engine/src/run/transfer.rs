//! Traits to copy content from one store to another, and to keep what is replaced.

use async_trait::async_trait;

use super::Run;
use crate::{
    entry::FileMeta,
    error::Result,
    plan::Step,
    store::{Rename, Store},
};

/// Copies content from one store to another, all files of a run at once.
#[async_trait(?Send)]
pub trait Transfer {
    /// Executes copy steps, and [reports](Run::report) the outcome of each. Starts nothing new once the run
    /// [is over](Run::is_over). All steps are of the kind [`StepKind::Copy`](crate::plan::StepKind::Copy).
    async fn copy(&self, steps: Vec<Step>, run: &Run);

    /// Returns whether the content leaves the source as it is copied, as when a server renames it.
    fn takes_from_source(&self) -> bool {
        false
    }

    /// Called at the end of a run in which `changes` files of the target changed: a store may prepare the next listing.
    async fn finish(&self, changes: u64) {
        let _ = changes;
    }
}

/// Where replaced and deleted files are kept: another root in the same store as the target, or the target itself.
#[async_trait(?Send)]
pub trait BackupPlace {
    /// Moves files of the target to paths of this place, each only if it still is what was seen. The error where something has
    /// the new path is of the kind [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
    async fn take(&self, files: &[Kept<'_>]) -> Vec<Result<()>>;

    /// Returns the path at which a file is really kept: what represents a symlink has another name.
    fn path_of(&self, file: &Kept<'_>) -> String {
        file.to.clone()
    }

    /// Renames an older backup. Returns whether `path` is unused now: what is no file stays.
    async fn rotate(&self, path: &str, older: &str) -> Result<bool> {
        let there = self.store().stat(path).await?;
        if there.as_ref().is_none_or(|entry| entry.file().is_none()) {
            return Ok(there.is_none());
        }
        let rename = Rename {
            from: path,
            to: older,
            modified: None,
        };
        let renamed = self.store().rename(&[rename]).await.pop();
        renamed.unwrap_or(Ok(None)).map(|_| true)
    }

    /// Removes an older backup. Returns whether `path` is unused now: what is no file stays.
    async fn discard(&self, path: &str) -> Result<bool> {
        let there = self.store().stat(path).await?;
        let Some(file) = there.as_ref().and_then(|entry| entry.file()) else {
            return Ok(there.is_none());
        };
        let removed = self.store().remove_files(&[(path, Some(file))]).await.pop();
        removed.unwrap_or(Ok(())).map(|()| true)
    }

    /// Returns the place as a store.
    fn store(&self) -> &dyn Store;
}

/// A file that is kept.
#[derive(Clone, Debug)]
pub struct Kept<'a> {
    /// Its path in the target.
    pub from: &'a str,
    /// Its path in the place where it is kept.
    pub to: String,
    /// What was seen of it. `None` takes whatever is there.
    pub seen: Option<&'a FileMeta>,
}
