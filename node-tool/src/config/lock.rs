//! The lock beside the config file: a file made with `O_EXCL`, which works on NFS and Lustre whether or not their `flock` does.
//!
//! A lock that is older than [`LOCK_LIFE`] belongs to a dead process and is taken away by renaming, which only one of several
//! takers can do.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rand::RngExt;

use super::ConfigError;

/// A change takes milliseconds, or a second if the file is encrypted; no process holds the lock this long and lives.
const LOCK_LIFE: Duration = Duration::from_secs(20);
/// How long to wait while the lock stays with one process.
const OWNER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait for the lock at all.
const LOCK_TIMEOUT: Duration = Duration::from_secs(600);
/// Prefix of the files that show the file system's time.
pub(super) const CLOCK_PREFIX: &str = ".clock.";

/// A lock file that this process made; removed when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Waits for the lock at `path` and takes it.
    ///
    /// # Errors
    /// When it can't be made, or another process keeps it.
    pub(super) fn take(path: PathBuf) -> Result<Self, ConfigError> {
        let began = Instant::now();
        let (mut holder, mut held_since) = (None, began);
        loop {
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
            {
                Ok(mut file) => {
                    let _ = writeln!(file, "{}", std::process::id()); // for people who look
                    return Ok(Self { path, file });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => {
                    let doing = "could not lock";
                    return Err(ConfigError::Io { doing, path, source });
                }
            }
            remove_if_stale(&path);
            let now = identity(fs::symlink_metadata(&path));
            if now != holder {
                (holder, held_since) = (now, Instant::now());
            }
            if held_since.elapsed() > OWNER_TIMEOUT || began.elapsed() > LOCK_TIMEOUT {
                return Err(ConfigError::Locked(path));
            }
            thread::sleep(Duration::from_millis(rand::rng().random_range(5..40)));
        }
    }

    /// Returns whether the lock is still this process's. A process that was stopped for long may have lost it.
    pub(super) fn is_held(&self) -> bool {
        let own = identity(self.file.metadata());
        own.is_some() && own == identity(fs::symlink_metadata(&self.path))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_held() {
            let _ = fs::remove_file(&self.path); // a lock that stays is taken over later
        }
    }
}

fn identity(metadata: io::Result<fs::Metadata>) -> Option<(u64, u64)> {
    metadata.ok().map(|m| (m.dev(), m.ino()))
}

/// Removes a lock whose owner is dead. The age is by the file system's own clock, which may differ from this machine's:
/// a new file beside it has the time there.
fn remove_if_stale(path: &Path) {
    let Some(directory) = path.parent() else { return };
    let made = |p: &Path| fs::metadata(p).and_then(|m| m.modified()).ok();
    let Some(locked_at) = made(path) else { return };
    let now_here = SystemTime::now();
    let rough_age = now_here
        .duration_since(locked_at)
        .unwrap_or_else(|ahead| ahead.duration());
    if rough_age < LOCK_LIFE / 2 {
        return;
    }
    let Ok(probe) = tempfile::Builder::new()
        .prefix(CLOCK_PREFIX)
        .tempfile_in(directory)
    else {
        return;
    };
    let Some(now) = made(probe.path()) else { return };
    if now.duration_since(locked_at).unwrap_or_default() > LOCK_LIFE {
        let aside = probe.path().with_extension("stale");
        if fs::rename(path, &aside).is_ok() {
            let _ = fs::remove_file(aside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_owners_lock_is_taken_over_and_a_lost_one_is_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lock");
        let old = Lock::take(path.clone()).unwrap();
        assert!(old.is_held());
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        old.file.set_modified(long_ago).unwrap();
        let new = Lock::take(path.clone()).unwrap();
        assert!(!old.is_held() && new.is_held());
        drop(old);
        assert!(new.is_held());
        drop(new);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
