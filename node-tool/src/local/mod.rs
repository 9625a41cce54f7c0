//! This machine's file system: walking, reading, and putting files in their place.

pub mod hashes;
pub mod link;
mod moving;
mod place;
mod read;
mod rights;
mod root;
mod scratch;
mod unfinished;
mod walk;

use std::path::Path;

use rustix::fs::{AtFlags, CWD, utimensat};

pub use moving::move_file;
pub use place::{Leftover, Partial, Replace, leftovers};
pub use read::{Changed, Identity, Source, Untrue, hash_file, is_change};
pub use root::Root;
pub use scratch::Scratch;
pub use shared::replace::{is_older, remove_old};
pub use unfinished::remove_unfinished;
pub use walk::{Other, Skipped, Symlinks, Walked, other_at, stat, translated, walk};

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

/// Sets the modification time of what the user typed, or of the symlink that its name means.
///
/// # Errors
/// When it isn't there, or isn't ours.
pub fn set_modified(path: &Path, modified: crate::tree::Modified) -> std::io::Result<()> {
    let (link, flags) = match link::meant(path) {
        Some(link) => (Some(link), AtFlags::SYMLINK_NOFOLLOW),
        None => (None, AtFlags::empty()),
    };
    Ok(utimensat(
        CWD,
        link.as_deref().unwrap_or(path),
        &root::times(modified),
        flags,
    )?)
}
