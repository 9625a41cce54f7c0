//! Keeps files of a Dropbox that are replaced or deleted.

use async_trait::async_trait;
use dropbox::Relocation;
use engine::{
    Result,
    run::{BackupPlace, Kept},
    store::Store,
};

use super::{DropboxStore, error::dropbox_error};

/// Keeps files of one folder in another of the same Dropbox.
#[derive(Debug)]
pub struct DropboxBackup {
    /// The folder.
    pub target: DropboxStore,
    /// Where they are kept.
    pub place: DropboxStore,
}

#[async_trait(?Send)]
impl BackupPlace for DropboxBackup {
    async fn take(&self, files: &[Kept<'_>]) -> Vec<Result<()>> {
        let pair = |file: &Kept<'_>| (self.target.path_of(file.from), self.place.path_of(&file.to));
        let pairs: Vec<_> = files.iter().map(pair).collect();
        let outcomes = self.target.client().relocate_all(Relocation::Move, &pairs).await;
        outcomes
            .into_iter()
            .map(|done| done.map(drop).map_err(dropbox_error))
            .collect()
    }

    fn store(&self) -> &dyn Store {
        &self.place
    }
}
