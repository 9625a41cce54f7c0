//! Keeps files of this machine that are replaced or deleted.

use std::io;

use async_trait::async_trait;
use engine::{
    Result,
    entry::LINK_ENDING,
    run::{BackupPlace, Kept},
    store::Store,
};

use super::{LocalStore, moving::move_file, store::local_error};

/// Keeps files of one folder in another.
#[derive(Debug)]
pub struct LocalBackup {
    target: LocalStore,
    place: LocalStore,
    makes_links: bool,
}

impl LocalBackup {
    /// Keeps files of `target` in `place`. If files that say where a symlink leads are symlinks there (`makes_links`), the symlinks
    /// are kept.
    pub fn new(target: LocalStore, place: LocalStore, makes_links: bool) -> Self {
        Self {
            target,
            place,
            makes_links,
        }
    }

    /// Returns the symlink of the target that a file represents, and the path at which it is kept.
    fn link(&self, file: &Kept<'_>) -> Option<(String, String)> {
        let link = file.from.strip_suffix(LINK_ENDING).filter(|_| self.makes_links)?;
        let is_file = std::fs::symlink_metadata(self.target.path_of(file.from)).is_ok();
        (!is_file).then(|| (link.to_owned(), file.to.replacen(LINK_ENDING, "", 1)))
    }

    fn take_one(&self, file: &Kept<'_>) -> io::Result<()> {
        let (from, to) = (self.target.root(), self.place.root());
        match self.link(file) {
            Some((link, kept)) => move_file((from, &link), (to, &kept), None),
            None => move_file((from, file.from), (to, &file.to), file.seen),
        }
    }
}

#[async_trait(?Send)]
impl BackupPlace for LocalBackup {
    async fn take(&self, files: &[Kept<'_>]) -> Vec<Result<()>> {
        files
            .iter()
            .map(|file| self.take_one(file).map_err(local_error))
            .collect()
    }

    fn path_of(&self, file: &Kept<'_>) -> String {
        self.link(file).map_or_else(|| file.to.clone(), |(_, kept)| kept)
    }

    async fn rotate(&self, path: &str, older: &str) -> Result<bool> {
        let root = self.place.root();
        let moved = move_file((root, path), (root, older), None);
        moved.map(|()| true).map_err(local_error)
    }

    async fn discard(&self, path: &str) -> Result<bool> {
        let removed = self.place.root().remove_file(path, None);
        removed.map(|()| true).map_err(local_error)
    }

    fn store(&self) -> &dyn Store {
        &self.place
    }
}
