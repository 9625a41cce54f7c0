//! `--links`: a symlink travels as a file whose name ends in `.rclonelink` and whose content is where the link leads, as in
//! rclone. A path with that ending at which there is nothing means the symlink without it.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::FileExt,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, symlinkat, unlinkat};

use super::{
    partial::{New, Partial, Put, Replace},
    root::{Folder, set_modified_at},
    temporary::temporary_name,
};
use engine::entry::{LINK_ENDING, Modified};

/// Maximum length in bytes of a symlink's target in Linux.
const MOST_BYTES: usize = 4095;

/// Returns the symlink that a path with the ending means, if it means one.
pub(super) fn meant(path: &Path) -> Option<PathBuf> {
    let name = path.as_os_str().as_bytes().strip_suffix(LINK_ENDING.as_bytes())?;
    let link = PathBuf::from(OsStr::from_bytes(name));
    let is_link = fs::symlink_metadata(&link).is_ok_and(|there| there.is_symlink());
    (is_link && fs::symlink_metadata(path).is_err()).then_some(link)
}

/// Returns the target of a symlink, as the content of its file.
///
/// # Errors
/// When it can't be read.
pub(super) fn content(link: &Path) -> io::Result<Vec<u8>> {
    Ok(fs::read_link(link)?.into_os_string().into_vec())
}

impl Partial {
    /// Makes a symlink of what was written, and removes the file.
    ///
    /// # Errors
    /// When it can't be made, or something other than was seen is there.
    pub fn put_as_symlink(self, modified: Modified, replace: Replace<'_>) -> io::Result<()> {
        let length = usize::try_from(self.file.metadata()?.len()).unwrap_or(usize::MAX);
        if length > MOST_BYTES {
            return Err(io::Error::other("it is too long to say where a symlink leads"));
        }
        let mut content = vec![0; length];
        self.file.read_exact_at(&mut content, 0)?;
        let folder = self.root.folder(&self.folder, false)?;
        make(&folder, &self.target, &content, modified, replace)
    }
}

/// Makes the symlink that `name`, with the ending, means, replacing only what it may replace.
fn make(
    folder: &Folder<'_>,
    name: &str,
    content: &[u8],
    modified: Modified,
    replace: Replace<'_>,
) -> io::Result<()> {
    let link = name.strip_suffix(LINK_ENDING).filter(|link| !link.is_empty());
    let link = link.ok_or_else(|| io::Error::other("its name says of no symlink"))?;
    if content.is_empty() || content.contains(&0) {
        return Err(io::Error::other("it doesn't say where the symlink should lead"));
    }
    let temporary = temporary_name();
    symlinkat(OsStr::from_bytes(content), folder, temporary.as_str())?;
    let new = New {
        folder,
        temporary: &temporary,
        name: link,
        twin: None,
    };
    let placed = set_modified_at(folder, &temporary, modified).and_then(|()| new.put(replace, |_| {}));
    if !matches!(placed, Ok(Put::Placed)) {
        let _ = unlinkat(folder, temporary.as_str(), AtFlags::empty()); // its failure would add nothing to the first
    }
    placed.map(drop)
}
