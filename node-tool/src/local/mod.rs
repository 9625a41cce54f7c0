//! This machine's file system: walking, reading, and putting files in their place.

mod folders;
pub mod hashes;
pub mod link;
mod place;
mod read;
mod walk;

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

pub use folders::Folders;
pub use place::{Partial, Replace, leftovers, remove_file, rename_new, set_modified};
pub use read::{Changed, Identity, Source, hash_file, is_change};
pub use walk::{Other, Skipped, Symlinks, Walked, stat, walk};

/// Whether something was written to last longer than `age` ago. A time in the future is that of another node's clock.
pub fn is_older(metadata: &std::fs::Metadata, age: Duration) -> bool {
    let written = metadata.modified().ok();
    let past = written.and_then(|at| SystemTime::now().duration_since(at).ok());
    past.is_some_and(|past| past > age)
}

/// Removes files that are ours and that nobody has written to for so long.
pub fn remove_old(directory: &Path, age: Duration, is_ours: impl Fn(&Path) -> bool) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if is_ours(&entry.path()) && entry.metadata().is_ok_and(|there| is_older(&there, age)) {
            let _ = std::fs::remove_file(entry.path()); // it is of no use and does no harm
        }
    }
}

/// How many bytes this user may still write at `path`, or where it will be made.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.exists())?;
    let there = if there.as_os_str().is_empty() {
        Path::new(".")
    } else {
        there
    };
    let space = rustix::fs::statvfs(there).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}
