//! Locks between processes: files made with `O_EXCL`, which works on NFS and Lustre whether or not their `flock` does.
//!
//! A lock that is older than [`LOCK_LIFE`] belongs to a dead process and is taken away by renaming, which only one of several
//! takers can do. Who holds one for longer [keeps](Lock::keep) it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rand::RngExt;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

/// How long a lock lasts that its owner doesn't keep.
const LOCK_LIFE: Duration = Duration::from_secs(20);
/// How long to wait while the lock stays with one process.
const OWNER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait for the lock at all.
const LOCK_TIMEOUT: Duration = Duration::from_secs(600);
/// Prefix of the files that show the file system's time.
pub const CLOCK_PREFIX: &str = ".clock.";

/// A lock file that this process made; removed when dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
}

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It can't be made.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Another process keeps it.
    #[error("another process holds the lock")]
    Held,
}

impl Lock {
    /// Waits for the lock at `path` and takes it.
    ///
    /// # Errors
    /// When it can't be made, or another process keeps it.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let began = Instant::now();
        let (mut holder, mut held_since) = (None, began);
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
            let now = identity(fs::symlink_metadata(path));
            if now != holder {
                (holder, held_since) = (now, Instant::now());
            }
            if held_since.elapsed() > OWNER_TIMEOUT || began.elapsed() > LOCK_TIMEOUT {
                return Err(LockError::Held);
            }
            thread::sleep(Duration::from_millis(rand::rng().random_range(5..40)));
        }
    }

    /// Takes the lock at `path`, unless another process holds it; a dead one doesn't hold it the next time.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
        {
            Ok(mut file) => {
                let _ = writeln!(file, "{}", std::process::id()); // for people who look
                let path = path.to_owned();
                Ok(Some(Self { path, file }))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_if_stale(path);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Starts its life again, by the file system's clock. Has to be called more often than every 20 seconds.
    pub fn keep(&self) {
        touch(&self.file);
    }

    /// Returns whether the lock is still this process's. A process that was stopped for long may have lost it.
    pub fn is_held(&self) -> bool {
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

/// Gives a file the current time of its file system's clock.
pub fn touch(file: &File) {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    let _ = futimens(file, &times); // at worst another process takes it for dead
}

fn identity(metadata: io::Result<fs::Metadata>) -> Option<(u64, u64)> {
    metadata.ok().map(|m| (m.dev(), m.ino()))
}

/// Removes a lock whose owner is dead.
fn remove_if_stale(path: &Path) {
    let (Some(directory), Some(age)) = (path.parent(), age(path)) else {
        return;
    };
    if age <= LOCK_LIFE {
        return;
    }
    let aside = directory.join(format!("{CLOCK_PREFIX}{:016x}.stale", rand::random::<u64>()));
    if fs::rename(path, &aside).is_ok() {
        let _ = fs::remove_file(aside);
    }
}

/// Returns how long ago a file was made or [touched](touch). The age is by the file system's own clock, which may differ from this
/// machine's: a new file beside it has the time there. `None` means that there is no such file, or it can't be found out.
pub(crate) fn age(path: &Path) -> Option<Duration> {
    let made = |p: &Path| fs::metadata(p).and_then(|m| m.modified()).ok();
    let made_at = made(path)?;
    let rough_age = SystemTime::now()
        .duration_since(made_at)
        .unwrap_or_else(|ahead| ahead.duration());
    if rough_age < LOCK_LIFE / 2 {
        return Some(rough_age); // clocks that differ by so little don't matter
    }
    let probe = tempfile::Builder::new()
        .prefix(CLOCK_PREFIX)
        .tempfile_in(path.parent()?)
        .ok()?;
    Some(made(probe.path())?.duration_since(made_at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_owners_lock_is_taken_over_and_a_lost_one_is_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lock");
        let old = Lock::take(&path).unwrap();
        assert!(old.is_held());
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        old.file.set_modified(long_ago).unwrap();
        let new = Lock::take(&path).unwrap();
        assert!(!old.is_held() && new.is_held());
        drop(old);
        assert!(new.is_held());
        assert!(Lock::try_take(&path).unwrap().is_none());
        new.file.set_modified(long_ago).unwrap();
        new.keep();
        assert!(Lock::try_take(&path).unwrap().is_none() && new.is_held());
        drop(new);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
