//! This machine's file system: walking, reading, and putting files in their place.

mod folders;
pub mod hashes;
pub mod link;
mod place;
mod read;
mod walk;

pub use folders::Folders;
pub use place::{Partial, Replace, leftovers, remove_file, rename_new, set_modified};
pub use read::{Changed, Identity, Source, hash_file, is_change};
pub use walk::{Skipped, Symlinks, Walked, stat, walk};

/// How many bytes this user may still write at `path`, or where it will be made.
pub fn free_bytes(path: &std::path::Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.exists())?;
    let there = if there.as_os_str().is_empty() {
        std::path::Path::new(".")
    } else {
        there
    };
    let space = rustix::fs::statvfs(there).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}
