//! Keeps files that are replaced or deleted.

use super::{BackupPlace, Kept};
use crate::{
    error::{ErrorKind, Result},
    plan::{BackupNames, Step},
};

/// Where and how files are kept that are replaced or deleted.
#[derive(Debug)]
pub struct Backup<'a> {
    /// The place.
    pub place: &'a dyn BackupPlace,
    /// How backups are named.
    pub names: BackupNames,
    /// Whether they are kept beside the new files. An older backup then gets the suffix once more; in a folder of backups it is
    /// replaced, as in rclone.
    pub is_beside: bool,
}

impl std::fmt::Debug for dyn BackupPlace + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store().fmt(f)
    }
}

impl Backup<'_> {
    /// Moves the files that steps replace or delete to where they are kept. Returns the outcomes in their order. Whatever is in a
    /// backup's place and is no file stays, and so does the file.
    pub(super) async fn keep(&self, steps: &[&Step]) -> Vec<Result<()>> {
        let kept: Vec<Kept<'_>> = steps
            .iter()
            .map(|step| Kept {
                from: &step.to,
                to: self.names.backup_of(&step.to),
                seen: Some(step.replaces.as_ref().unwrap_or(&step.meta)),
            })
            .collect();
        let mut outcomes = self.place.take(&kept).await;
        let mut again = Vec::new();
        for (at, outcome) in outcomes.iter_mut().enumerate() {
            let is_taken = outcome
                .as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::AlreadyExists);
            if !is_taken {
                continue;
            }
            match self.make_room(&self.place.path_of(&kept[at])).await {
                Ok(true) => again.push(at),
                Ok(false) => {}
                Err(error) => *outcome = Err(error),
            }
        }
        let second: Vec<Kept<'_>> = again.iter().map(|at| kept[*at].clone()).collect();
        if !second.is_empty() {
            for (at, outcome) in again.into_iter().zip(self.place.take(&second).await) {
                outcomes[at] = outcome;
            }
        }
        outcomes
    }

    /// Makes room for a backup where an older one is. Returns whether there is room now: what is no file stays.
    async fn make_room(&self, path: &str) -> Result<bool> {
        if !self.is_beside {
            return self.place.discard(path).await;
        }
        let older = self.names.backup_of(path);
        match self.place.rotate(path, &older).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                match Box::pin(self.make_room(&older)).await? {
                    true => self.place.rotate(path, &older).await,
                    false => Err(error),
                }
            }
            done => done,
        }
    }
}
