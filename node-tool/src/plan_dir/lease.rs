//! Leases: who is at what. A lease is a symlink whose content is the name of the worker, and which only one can make, as with a file
//! and `O_EXCL`: that works on NFS and Lustre whether or not their `flock` does. A worker shows that it lives by the time of its
//! log; a dead one loses its leases.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use engine::plan::progress::{Progress, Worker};

use super::{LEASES, PlanDir, Standing, WorkerLog};

/// How long a worker on another machine counts as alive after the last sign of life.
const LIFE: Duration = Duration::from_secs(60);

/// Maximum number of attempts to take a lease that others give back or lose at the same time.
const MAX_TRIES: u32 = 4;

/// A lease of this process; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    path: PathBuf,
    worker: String,
}

/// The outcome of asking for a lease.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is this process's.
    Mine(Lease),
    /// Another worker is at it.
    Held,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A process that was stopped for long may have lost it.
        if holder_of(&self.path).is_ok_and(|holder| holder == self.worker) {
            let _ = fs::remove_file(&self.path); // a lease that stays is taken over
        }
    }
}

impl PlanDir {
    /// Asks for the lease of `what`, a word without slashes.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) fn take(&self, what: &str, own: &WorkerLog, progress: &Progress) -> io::Result<Taken> {
        let folder = self.path.join(LEASES);
        let path = folder.join(what);
        for _ in 0..MAX_TRIES {
            match make(&path, own.name()) {
                Ok(()) => {
                    let worker = own.name().to_owned();
                    return Ok(Taken::Mine(Lease { path, worker }));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(&folder)?;
                    continue;
                }
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Err(_) => {}
            }
            match holder_of(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {} // it was given back just now
                Err(error) => return Err(error),
                Ok(holder) if self.is_held(&path, &holder, own, progress) => return Ok(Taken::Held),
                Ok(holder) => remove(&path, &holder),
            }
        }
        Ok(Taken::Held)
    }

    /// Returns whether the holder of a lease lives.
    fn is_held(&self, path: &Path, holder: &str, own: &WorkerLog, progress: &Progress) -> bool {
        if progress.workers().contains_key(holder) {
            return self.is_alive(holder, progress, own.worker());
        }
        // Its log isn't known yet, or the name isn't written yet.
        self.is_fresh(path) || !holder.is_empty() && self.is_fresh(&self.log_path(holder))
    }

    /// Returns whether a worker lives, as `own` can tell.
    pub(crate) fn is_alive(&self, name: &str, progress: &Progress, own: &Worker) -> bool {
        let Some(known) = progress.workers().get(name) else {
            return false;
        };
        let standing = known
            .worker
            .as_ref()
            .map_or(Standing::Unknown, |worker| Standing::of(worker, own));
        match standing {
            _ if known.has_left => false,
            Standing::Alive => true,
            Standing::Dead => false,
            Standing::Unknown => self.is_fresh(&self.log_path(name)),
        }
    }

    /// Returns whether a file was written lately, by the file system's own clock.
    fn is_fresh(&self, path: &Path) -> bool {
        let modified = |path: &Path| fs::symlink_metadata(path).and_then(|there| there.modified()).ok();
        let Some(then) = modified(path) else { return false };
        let probe = tempfile::Builder::new()
            .prefix(".clock.")
            .tempfile_in(self.path.join(LEASES));
        let now = probe.ok().and_then(|probe| modified(probe.path()));
        let now = now.unwrap_or_else(SystemTime::now);
        now.duration_since(then).unwrap_or_default() <= LIFE
    }
}

/// Makes a lease; that is an error if there is one. A symlink is there with its content at once, or not at all, whenever this process
/// is killed.
fn make(path: &Path, worker: &str) -> io::Result<()> {
    match symlink(worker, path) {
        // Some file systems have none.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported
            ) =>
        {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(worker.as_bytes())
        }
        made => made,
    }
}

/// Returns the worker that has a lease.
fn holder_of(path: &Path) -> io::Result<String> {
    match fs::read_link(path) {
        Ok(worker) => Ok(worker.to_string_lossy().into_owned()),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => fs::read_to_string(path),
        Err(error) => Err(error),
    }
}

/// Removes the lease of a dead worker. Of several processes that want to, only one can rename it.
fn remove(path: &Path, holder: &str) {
    let aside = path.with_extension(format!("{:08x}", rand::random::<u32>()));
    if fs::rename(path, &aside).is_err() {
        return;
    }
    // In between, another process may have taken it over.
    match holder_of(&aside) {
        Ok(other) if other != holder => {
            let _ = make(path, &other); // if a third one was faster, two do the same
        }
        _ => {}
    }
    let _ = fs::remove_file(&aside); // it is in nobody's way
}

#[cfg(test)]
mod tests {
    use engine::plan::{StepId, progress::Record};

    use super::*;
    use crate::plan_dir::{Logs, me};

    fn worker(machine: &str) -> Worker {
        Worker {
            machine: machine.into(),
            ..me(None)
        }
    }

    fn is_mine(taken: &io::Result<Taken>) -> bool {
        matches!(taken, Ok(Taken::Mine(_)))
    }

    #[test]
    fn one_worker_at_a_time_has_a_lease() {
        let temp = tempfile::tempdir().unwrap();
        let dir = PlanDir {
            path: temp.path().to_owned(),
        };
        let (one, two) = (
            WorkerLog::begin(&dir, worker("a")).unwrap(),
            WorkerLog::begin(&dir, worker("b")).unwrap(),
        );
        let progress = |dir: &PlanDir| Logs::read(dir, StepId(1)).unwrap().progress;
        let first = dir.take("unit-1", &one, &progress(&dir));
        assert!(is_mine(&first));
        assert!(!is_mine(&dir.take("unit-1", &two, &progress(&dir))));
        assert!(is_mine(&dir.take("unit-2", &two, &progress(&dir))));
        drop(first);
        assert!(is_mine(&dir.take("unit-1", &two, &progress(&dir))));
    }

    #[test]
    fn the_dead_lose_their_leases() {
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        for (how, machine, loses) in [
            ("left", "b", true),
            ("silent", "b", true),
            ("alive", "b", false),
            // Of this machine it is known that the process lives.
            ("silent", "a", false),
        ] {
            let temp = tempfile::tempdir().unwrap();
            let dir = PlanDir {
                path: temp.path().to_owned(),
            };
            let own = WorkerLog::begin(&dir, worker("a")).unwrap();
            let other = WorkerLog::begin(&dir, worker(machine)).unwrap();
            let progress = Logs::read(&dir, StepId(1)).unwrap().progress;
            let lease = dir.take("unit-1", &other, &progress);
            assert!(is_mine(&lease));
            match how {
                "left" => other.record(&Record::Left),
                "silent" => {
                    let log = OpenOptions::new()
                        .append(true)
                        .open(dir.log_path(other.name()))
                        .unwrap();
                    log.set_modified(long_ago).unwrap();
                }
                _ => {}
            }
            let progress = Logs::read(&dir, StepId(1)).unwrap().progress;
            assert_eq!(
                is_mine(&dir.take("unit-1", &own, &progress)),
                loses,
                "{how} {machine}"
            );
            if how == "silent" && loses {
                other.beat();
                assert!(dir.is_fresh(&dir.log_path(other.name())));
            }
        }
    }
}
