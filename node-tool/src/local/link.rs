//! `--links`: a symlink travels as a file whose name ends in `.rclonelink` and whose content is where the link leads, as in
//! rclone. A path with that ending at which nothing stands means the symlink without it.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::symlink,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::tree::Modified;

/// The ending.
pub const ENDING: &str = ".rclonelink";

/// The symlink that a path with the ending means, if it means one.
pub fn meant(path: &Path) -> Option<PathBuf> {
    let name = path.as_os_str().as_bytes().strip_suffix(ENDING.as_bytes())?;
    let link = PathBuf::from(OsStr::from_bytes(name));
    let is_link = fs::symlink_metadata(&link).is_ok_and(|there| there.is_symlink());
    (is_link && fs::symlink_metadata(path).is_err()).then_some(link)
}

/// Where a symlink leads, as the content of its file.
///
/// # Errors
/// When it can't be read.
pub fn content(link: &Path) -> io::Result<Vec<u8>> {
    Ok(fs::read_link(link)?.into_os_string().into_vec())
}

/// Makes the symlink that `path`, with the ending, means; what stands there is replaced at once.
///
/// # Errors
/// When `content` can't be a path, a folder stands there, or it can't be made.
pub fn make(path: &Path, content: &[u8], modified: Modified) -> io::Result<()> {
    let name = path.as_os_str().as_bytes().strip_suffix(ENDING.as_bytes());
    let link = PathBuf::from(OsStr::from_bytes(name.unwrap_or_default()));
    if content.is_empty() || content.contains(&0) {
        return Err(io::Error::other("it doesn't say where the symlink should lead"));
    }
    let parent = link.parent().unwrap_or(Path::new("."));
    let new = parent.join(super::place::temporary_name());
    symlink(OsStr::from_bytes(content), &new)?;
    let placed = set_modified(&new, modified).and_then(|()| fs::rename(&new, &link));
    if placed.is_err() {
        let _ = fs::remove_file(&new);
    }
    placed
}

/// Sets the time of a symlink itself.
///
/// # Errors
/// When it isn't ours.
pub fn set_modified(link: &Path, modified: Modified) -> io::Result<()> {
    let time = Timespec {
        tv_sec: modified.seconds,
        tv_nsec: modified.nanoseconds.into(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(utimensat(CWD, link, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
