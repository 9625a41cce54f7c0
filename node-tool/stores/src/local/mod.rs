//! This machine's file system: walking, reading and writing files.

mod backup;
pub mod hashes;
mod link;
mod moving;
mod partial;
mod read;
mod rights;
mod root;
mod scratch;
mod store;
mod temporary;
mod unfinished;
mod walk;

use std::path::Path;

use rustix::fs::{AtFlags, CWD, utimensat};

pub use backup::LocalBackup;
pub use partial::{Leftover, Partial, Replace, leftovers};
pub use read::{Source, Untrue, hash_file};
pub use root::Root;
pub use scratch::Scratch;
pub use shared::replace::{is_older, remove_old};
pub use store::LocalStore;
pub(crate) use store::local_error;
pub use temporary::temporary_name;
pub use unfinished::remove_unfinished;
pub use walk::special_at;

/// Returns how many bytes this user may still write at `path`, or where it will be made.
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

/// Returns where a symlink leads that a typed path with the ending of such files means. `None` if it means a file.
///
/// # Errors
/// When the symlink can't be read.
pub fn link_content(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    link::meant(path).map(|link| link::content(&link)).transpose()
}

/// Sets the modification time of what the user typed, or of the symlink that its name means.
///
/// # Errors
/// When it isn't there, or isn't ours.
pub fn set_modified(path: &Path, modified: engine::entry::Modified) -> std::io::Result<()> {
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

/// Returns the names in a folder, sorted.
#[cfg(test)]
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
