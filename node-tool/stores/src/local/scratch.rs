//! A temporary folder that doesn't outlive its process for long: the next one removes what a killed one left.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use tempfile::TempDir;

/// What the names begin with.
const PREFIX: &str = "node-tool.";
/// The file in it that is locked while its process runs.
const LOCK: &str = ".in-use";

/// A temporary folder, removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    /// Dropped first.
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes one in `TMPDIR`, and removes those that no process uses any more.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn new() -> io::Result<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    fn new_in(directory: &Path) -> io::Result<Self> {
        sweep(directory);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(directory)?;
        let lock = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.path().join(LOCK))?;
        let _ = lock.try_lock(); // where there are no locks, it is never swept
        Ok(Self { folder, _lock: lock })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of dead processes. Where locks don't work, none is removed; one without a file to lock is just being made.
fn sweep(directory: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_named = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        let is_ours = || {
            entry
                .metadata()
                .is_ok_and(|there| there.is_dir() && there.uid() == own)
        };
        if !is_named || !is_ours() {
            continue;
        }
        let lock = File::options()
            .write(true)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
            .open(entry.path().join(LOCK));
        let Ok(lock) = lock else { continue };
        match lock.try_lock() {
            Ok(()) => {
                let _ = fs::remove_dir_all(entry.path()); // the next one tries again
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_are_removed_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let alive = Scratch::new_in(directory.path()).unwrap();
        let dead = directory.path().join("node-tool.dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("7"), "half").unwrap();
        let foreign = directory.path().join("node-tool.notes");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("file"), "mine").unwrap();
        let other = Scratch::new_in(directory.path()).unwrap();
        assert!(!dead.exists());
        assert!(foreign.join("file").exists() && alive.path().exists());
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
    }
}
