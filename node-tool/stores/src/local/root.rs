//! A folder held open, and what is done below it by relative path, without ever following a symlink.
//!
//! Another user may write to the same folder, and may put a symlink where a folder was between two system calls. A path that
//! was checked before proves nothing then: so each step begins at the open folder and has the kernel refuse symlinks
//! (`openat2` since Linux 5.6), or goes folder by folder with `O_NOFOLLOW`, and works on the handle that it reaches.
//!
//! The path to the folder itself is what the user typed, and may contain symlinks.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use parking_lot::RwLock;
use rustix::{
    fs::{
        AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, UTIME_OMIT, fchmod,
        fstat, fstatfs, linkat, mkdirat, openat, readlinkat, renameat, renameat_with, statat, symlinkat,
        unlinkat, utimensat,
    },
    io::Errno,
};

use super::temporary::{is_leftover, temporary_name};
use engine::entry::{FileMeta, LINK_ENDING, Modified};
use shared::raw;

/// Flags to open a folder on the way to another: it need not be readable.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PASSED: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PASSED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A folder held open. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Root(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// Opened on first use: it may have to be made.
    handle: OnceLock<OwnedFd>,
    /// Symlinks below it that are followed.
    links: RwLock<Arc<FolderLinks>>,
    is_stepwise: bool,
}

/// Symlinks to folders that are followed because the user said so, by their paths below a root, with the device and inode
/// of the folder that each led to when it was seen. One that has changed since is not followed.
pub(super) type FolderLinks = HashMap<String, (u64, u64)>;

/// A folder below a root, or the root itself.
#[derive(Debug)]
pub(super) enum Folder<'a> {
    Root(&'a OwnedFd),
    Below(OwnedFd),
}

impl AsFd for Folder<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(handle) => handle.as_fd(),
            Self::Below(handle) => handle.as_fd(),
        }
    }
}

impl Root {
    /// Returns a root at `path`, which is opened, and made if necessary, on first use.
    pub fn new(path: &Path) -> Self {
        Self(Arc::new(Inner {
            path: path.to_owned(),
            handle: OnceLock::new(),
            links: RwLock::default(),
            is_stepwise: false,
        }))
    }

    /// Follows these symlinks from now on.
    pub(super) fn go_through(&self, links: FolderLinks) {
        *self.0.links.write() = Arc::new(links);
    }

    /// Returns a root that doesn't use `openat2`, as on an old kernel.
    #[cfg(test)]
    pub(super) fn stepwise(path: &Path) -> Self {
        Self(Arc::new(Inner {
            path: path.to_owned(),
            handle: OnceLock::new(),
            links: RwLock::default(),
            is_stepwise: true,
        }))
    }

    /// Returns its path, for messages.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    fn handle(&self, make: bool) -> io::Result<&OwnedFd> {
        if let Some(handle) = self.0.handle.get() {
            return Ok(handle);
        }
        let path = match self.0.path.as_os_str().is_empty() {
            true => Path::new("."),
            false => &self.0.path,
        };
        let opened = match openat(CWD, path, PASSED, Mode::empty()) {
            Err(Errno::NOENT) if make => {
                std::fs::create_dir_all(path)?;
                openat(CWD, path, PASSED, Mode::empty())
            }
            opened => opened,
        };
        let opened = opened.map_err(|error| match error {
            Errno::NOTDIR => io::Error::other("a file is where a folder should be"),
            error => error.into(),
        })?;
        Ok(self.0.handle.get_or_init(|| opened))
    }

    /// Opens the folder at `path`, which is empty for the root itself, and makes missing folders if allowed.
    pub(super) fn folder(&self, path: &str, make: bool) -> io::Result<Folder<'_>> {
        let root = self.handle(make)?;
        if path.is_empty() {
            return Ok(Folder::Root(root));
        }
        for part in path.split('/') {
            check_name(part)?;
        }
        if let Some(opened) = self.at_once(root, path) {
            return Ok(Folder::Below(opened));
        }
        let links = Arc::clone(&self.0.links.read());
        let (mut folder, mut passed) = (Folder::Root(root), 0);
        for part in path.split('/') {
            passed += part.len() + usize::from(passed > 0);
            let open = |folder: &Folder<'_>| {
                openat(
                    folder,
                    &*raw::name(part),
                    PASSED | OFlags::NOFOLLOW,
                    Mode::empty(),
                )
            };
            let opened = match open(&folder) {
                Err(Errno::NOENT) if make => {
                    match mkdirat(&folder, &*raw::name(part), Mode::from_raw_mode(0o777)) {
                        Ok(()) | Err(Errno::EXIST) => open(&folder),
                        Err(error) => Err(error),
                    }
                }
                opened => opened,
            };
            folder = Folder::Below(match (opened, links.get(&path[..passed])) {
                (Err(Errno::NOTDIR | Errno::LOOP), Some(expected)) => through(&folder, part, *expected)?,
                (opened, _) => opened.map_err(|error| in_the_way(&folder, part, error))?,
            });
        }
        Ok(folder)
    }

    /// Opens it with one call, if the kernel can and nothing is in the way; otherwise step by step, which finds out what is.
    #[cfg(target_os = "linux")]
    fn at_once(&self, root: &OwnedFd, path: &str) -> Option<OwnedFd> {
        use rustix::fs::{ResolveFlags, openat2};
        if self.0.is_stepwise {
            return None;
        }
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        openat2(
            root,
            &*raw::name(path),
            PASSED | OFlags::NOFOLLOW,
            Mode::empty(),
            resolve,
        )
        .ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn at_once(&self, _: &OwnedFd, _: &str) -> Option<OwnedFd> {
        None
    }

    /// Returns the open folder around `path`, and the last name.
    pub(super) fn around<'a>(&self, path: &'a str, make: bool) -> io::Result<(Folder<'_>, &'a str)> {
        let (folder, name) = split(path);
        check_name(name)?;
        Ok((self.folder(folder, make)?, name))
    }

    /// Returns what is at `path` itself, without following symlinks. `None` if there is nothing.
    #[cfg(test)]
    pub(super) fn stat(&self, path: &str) -> io::Result<Option<Stat>> {
        match self.around(path, false) {
            Ok((folder, name)) => stat_at(&folder, name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Checks the folders on the way to `path`, as far as they exist.
    ///
    /// # Errors
    /// When one of them is something else, or can't be entered.
    pub fn check(&self, path: &str) -> io::Result<()> {
        match self.around(path, false) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes the folder `path` and its missing parents; an empty path means the root itself.
    ///
    /// # Errors
    /// When something else is in the way, or it can't be made.
    pub fn make_folder(&self, path: &str) -> io::Result<()> {
        self.folder(path, true).map(drop)
    }

    /// Makes a symlink at `path` where nothing is, and missing folders around it. The same symlink may be there already.
    ///
    /// # Errors
    /// When something else is there, or it can't be made.
    pub fn make_symlink(&self, path: &str, target: &Path) -> io::Result<()> {
        let (folder, name) = self.around(path, true)?;
        match symlinkat(target, &folder, &*raw::name(name)) {
            Err(Errno::EXIST) => match link_content(&folder, name) {
                Ok(there) if there == target.as_os_str().as_encoded_bytes() => Ok(()),
                _ => Err(io::Error::other("something is there, and stays")),
            },
            made => Ok(made?),
        }
    }

    /// Removes the folder `path`, which must be empty.
    ///
    /// # Errors
    /// When it isn't empty, isn't a folder or can't be removed.
    pub fn remove_folder(&self, path: &str) -> io::Result<()> {
        let (folder, name) = self.around(path, false)?;
        Ok(unlinkat(&folder, &*raw::name(name), AtFlags::REMOVEDIR)?)
    }

    /// Removes the file at `path`, or the symlink that its name means, if it is unchanged since it was `seen`.
    ///
    /// It is renamed before it is compared for the last time: another process that puts a new file there at this moment keeps
    /// it.
    ///
    /// # Errors
    /// When it isn't there, isn't ours or has changed.
    pub fn remove_file(&self, path: &str, seen: Option<&FileMeta>) -> io::Result<()> {
        let (folder, name) = self.meant(path)?;
        let name = name.as_str();
        let before = stat_at(&folder, name)?.ok_or(io::ErrorKind::NotFound)?;
        let is_link = is_symlink(&before);
        if !(is_link || is_file(&before)) {
            return Err(io::Error::other("it is no file any more, and stays"));
        }
        let is_seen = |name: &str, there: &Stat| {
            let size_bytes = || match is_link {
                true => link_content(&folder, name).map_or(0, |content| content.len() as u64),
                false => info(there).size_bytes,
            };
            is_symlink(there) == is_link
                && seen.is_none_or(|seen| {
                    seen.modified == info(there).modified && seen.size_bytes == size_bytes()
                })
        };
        if !is_seen(name, &before) {
            return Err(changed());
        }
        let aside = temporary_name();
        rename_new_at(&folder, name, &folder, &aside)?;
        if stat_at(&folder, &aside)?.is_none_or(|there| is_seen(&aside, &there)) {
            return match unlinkat(&folder, aside.as_str(), AtFlags::empty()) {
                Err(Errno::NOENT) => Ok(()),
                removed => Ok(removed?),
            };
        }
        put_back(&folder, &aside, name)?;
        Err(changed())
    }

    /// Removes the temporary file at `path`.
    ///
    /// # Errors
    /// When its name isn't that of a temporary file, or it can't be removed.
    pub fn remove_leftover(&self, path: &str) -> io::Result<()> {
        let (folder, name) = self.around(path, false)?;
        if !is_leftover(name) {
            return Err(io::Error::other("it is not a temporary file of node-tool"));
        }
        Ok(unlinkat(&folder, &*raw::name(name), AtFlags::empty())?)
    }

    /// Renames to an unused path, whose missing folders are made.
    ///
    /// # Errors
    /// When something is there, or it can't be renamed.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (old, name) = self.around(from, false)?;
        let (new, new_name) = self.around(to, true)?;
        rename_new_at(&old, name, &new, new_name)
    }

    /// Sets the modification time of the file at `path`, or of the symlink that its name means.
    ///
    /// # Errors
    /// When it isn't there, isn't ours or is something else.
    pub fn set_modified(&self, path: &str, modified: Modified) -> io::Result<()> {
        let (folder, name) = self.meant(path)?;
        let there = stat_at(&folder, &name)?.ok_or(io::ErrorKind::NotFound)?;
        if !(is_file(&there) || name != split(path).1) {
            return Err(io::Error::other("it is no file any more"));
        }
        set_modified_at(&folder, &name, modified)
    }

    /// Sets the permissions of the file or folder at `path`, never of what a symlink leads to.
    ///
    /// # Errors
    /// When it isn't there, is a symlink or isn't ours.
    pub fn set_mode(&self, path: &str, mode: u32) -> io::Result<()> {
        let (folder, name) = self.around(path, false)?;
        let there = stat_at(&folder, name)?.ok_or(io::ErrorKind::NotFound)?;
        if is_symlink(&there) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if there.st_mode & 0o7777 == mode {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = openat(&folder, &*raw::name(name), flags, Mode::empty())?;
        Ok(fchmod(open, Mode::from_raw_mode(mode))?)
    }

    /// Makes a file without a name in the root, which is made if missing.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn unnamed(&self) -> io::Result<File> {
        let folder = self.folder("", true)?;
        let mode = Mode::RUSR | Mode::WUSR;
        #[cfg(target_os = "linux")]
        if let Ok(file) = openat(
            &folder,
            ".",
            OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC,
            mode,
        ) {
            return Ok(file.into());
        }
        let name = temporary_name();
        let file = openat(&folder, name.as_str(), NEW, mode)?;
        unlinkat(&folder, name.as_str(), AtFlags::empty())?;
        Ok(file.into())
    }

    /// Returns whether the file system is used by this machine only, so that locks and process ids mean something.
    pub(super) fn is_on_this_machine(&self) -> bool {
        // ext2 to ext4, XFS, Btrfs, tmpfs, ramfs, ZFS, overlayfs, F2FS.
        const LOCAL: [u64; 8] = [
            0xef53,
            0x5846_5342,
            0x9123_683e,
            0x0102_1994,
            0x8584_58f6,
            0x2fc1_2fc1,
            0x794c_7630,
            0xf2f5_2010,
        ];
        let kind = self.handle(false).ok().and_then(|root| fstatfs(root).ok());
        kind.is_some_and(|kind| LOCAL.contains(&(system_kind(&kind) & 0xffff_ffff)))
    }

    /// Returns the folder around `path`, and the name that it means there: its own, or that of a symlink without the ending.
    pub(super) fn meant(&self, path: &str) -> io::Result<(Folder<'_>, String)> {
        let (folder, name) = self.around(path, false)?;
        if let Some(stem) = name.strip_suffix(LINK_ENDING).filter(|stem| !stem.is_empty())
            && stat_at(&folder, name)?.is_none()
            && stat_at(&folder, stem)?.is_some_and(|there| is_symlink(&there))
        {
            return Ok((folder, stem.to_owned()));
        }
        Ok((folder, name.to_owned()))
    }
}

/// Flags to make a file where there must be none.
pub(super) const NEW: OFlags = OFlags::RDWR
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Returns the number of a file system's type.
#[expect(clippy::cast_sign_loss, reason = "its type differs between platforms")]
fn system_kind(system: &rustix::fs::StatFs) -> u64 {
    system.f_type as u64
}

/// Returns the folder part of a path, empty for the root, and the last name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Refuses what isn't a file name. Dropbox has no such names, but a server that claims to be Dropbox may send anything.
fn check_name(name: &str) -> io::Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "its path has a part that can't be a name on this machine",
        ));
    }
    Ok(())
}

/// Opens the folder that a symlink points to, if it is the one that was seen.
fn through(folder: impl AsFd, name: &str, expected: (u64, u64)) -> io::Result<OwnedFd> {
    let opened = openat(folder, &*raw::name(name), PASSED, Mode::empty())?;
    if id(&fstat(&opened)?) != expected {
        return Err(io::Error::other(
            "the symlink to a folder leads somewhere else now, and is not written through",
        ));
    }
    Ok(opened)
}

/// Returns device and inode.
#[allow(
    clippy::useless_conversion,
    clippy::cast_sign_loss,
    reason = "their types differ between platforms"
)]
fn id(stat: &Stat) -> (u64, u64) {
    (u64::from(stat.st_dev), u64::from(stat.st_ino))
}

/// Returns why a folder can't be entered.
fn in_the_way(folder: impl AsFd, name: &str, error: Errno) -> io::Error {
    match (error, stat_at(&folder, name)) {
        (Errno::NOTDIR | Errno::LOOP, Ok(Some(there))) if is_symlink(&there) => {
            io::Error::other("a symlink is where a folder should be, and is not written through")
        }
        (Errno::NOTDIR, _) => io::Error::other("a file is where a folder should be"),
        (error, _) => error.into(),
    }
}

fn changed() -> io::Error {
    io::Error::other("it has changed meanwhile, and stays")
}

/// Returns what is at a name itself. `None` if there is nothing.
pub(super) fn stat_at(folder: impl AsFd, name: &str) -> io::Result<Option<Stat>> {
    match statat(folder, &*raw::name(name), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) => Ok(Some(there)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

pub(super) fn is_file(stat: &Stat) -> bool {
    kind(stat) == FileType::RegularFile
}

pub(super) fn is_symlink(stat: &Stat) -> bool {
    kind(stat) == FileType::Symlink
}

/// Returns size and modification time.
#[expect(clippy::useless_conversion, reason = "their types differ between platforms")]
pub(super) fn info(stat: &Stat) -> FileMeta {
    FileMeta {
        size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
        modified: Modified {
            seconds: i64::from(stat.st_mtime),
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
        },
        version: None,
    }
}

/// Returns whether two metadata are of the same file.
pub(super) fn is_one(a: &Stat, b: &Stat) -> bool {
    id(a) == id(b)
}

/// Opens a regular file for reading. Doesn't block if a named pipe has taken its place.
pub(super) fn open_file(folder: impl AsFd, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file: File = match openat(folder, &*raw::name(name), flags, Mode::empty()) {
        Err(Errno::LOOP) => return Err(io::Error::other("it is a symlink now")),
        opened => opened?.into(),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file any more"));
    }
    Ok(file)
}

/// Returns the target of a symlink.
pub(super) fn link_content(folder: impl AsFd, name: &str) -> io::Result<Vec<u8>> {
    Ok(readlinkat(folder, &*raw::name(name), Vec::new())?.into_bytes())
}

/// Sets the time of what is at a name itself; that needs no permission to write to it.
pub(super) fn set_modified_at(folder: impl AsFd, name: &str, modified: Modified) -> io::Result<()> {
    Ok(utimensat(
        folder,
        &*raw::name(name),
        &times(modified),
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

/// Returns a modification time for the system; the access time stays as it is.
pub(super) fn times(modified: Modified) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: modified.seconds,
            tv_nsec: modified.nanoseconds.into(),
        },
    }
}

/// Renames to an unused name.
///
/// Where the file system can't do that in one step (NFS), a second name is made, which fails if there is one, and the first
/// removed. Where it can't do that either, existence is checked first, which leaves a moment in between.
pub(super) fn rename_new_at(from: impl AsFd, name: &str, to: impl AsFd, new_name: &str) -> io::Result<()> {
    match renameat_with(
        &from,
        &*raw::name(name),
        &to,
        &*raw::name(new_name),
        RenameFlags::NOREPLACE,
    ) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {}
        renamed => return Ok(renamed?),
    }
    match linkat(
        &from,
        &*raw::name(name),
        &to,
        &*raw::name(new_name),
        AtFlags::empty(),
    ) {
        Ok(()) => match unlinkat(&from, &*raw::name(name), AtFlags::empty()) {
            Err(Errno::NOENT) => return Ok(()),
            removed => return Ok(removed?),
        },
        Err(error @ (Errno::EXIST | Errno::XDEV | Errno::NOENT)) => return Err(error.into()),
        Err(_) => {}
    }
    if stat_at(&to, new_name)?.is_some() {
        return Err(Errno::EXIST.into());
    }
    Ok(renameat(from, &*raw::name(name), to, &*raw::name(new_name))?)
}

/// Gives a file that was renamed away its name back. If another file has taken it, it gets another that shows whose it is.
pub(super) fn put_back(folder: impl AsFd, aside: &str, name: &str) -> io::Result<()> {
    match rename_new_at(&folder, aside, &folder, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let kept = format!("{name}.{:08x}", rand::random::<u32>());
            rename_new_at(&folder, aside, &folder, &kept)?;
            Err(io::Error::other(format!(
                "another one came there at the same moment; the one before is kept as '{kept}'"
            )))
        }
        done => done,
    }
}

/// Returns the path that these bytes are.
pub(super) fn os(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::local::names;

    /// A root with a folder, a file and a link to a folder outside, and that folder.
    fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let (root, outside) = (directory.path().join("root"), directory.path().join("outside"));
        fs::create_dir_all(root.join("real")).unwrap();
        fs::create_dir_all(outside.join("deep")).unwrap();
        fs::write(root.join("file"), "text").unwrap();
        fs::write(outside.join("precious"), "precious").unwrap();
        symlink("../outside", root.join("link")).unwrap();
        symlink("nothing", root.join("dangling")).unwrap();
        (directory, root, outside)
    }

    /// With and without `openat2`.
    fn both(path: &Path) -> [Root; 2] {
        [Root::new(path), Root::stepwise(path)]
    }

    #[test]
    fn only_folders_are_ways() {
        for at in 0..2 {
            let (_directory, path, outside) = place();
            let root = &both(&path)[at];
            for (folder, is_good) in [
                ("", true),
                ("real", true),
                ("new/deep", true),
                ("link", false),
                ("link/deep", false),
                ("link/new", false),
                ("dangling", false),
                ("dangling/x", false),
                ("file", false),
                ("..", false),
                ("real/../..", false),
                ("real//x", false),
                (".", false),
            ] {
                assert_eq!(root.make_folder(folder).is_ok(), is_good, "{folder}");
            }
            assert!(path.join("new/deep").is_dir());
            assert_eq!(names(&outside), ["deep", "precious"]);
            let error = root.make_folder("link/new").unwrap_err().to_string();
            assert!(error.contains("symlink"), "{error}");
            let error = root.make_folder("file/x").unwrap_err().to_string();
            assert!(error.contains("a file is where"), "{error}");
        }
    }

    #[test]
    fn nothing_is_changed_through_a_symlink() {
        for at in 0..2 {
            let (_directory, path, outside) = place();
            let root = &both(&path)[at];
            let time = Modified {
                seconds: 1,
                nanoseconds: 0,
            };
            let before = fs::metadata(outside.join("precious")).unwrap();
            for done in [
                root.remove_file("link/precious", None),
                root.remove_folder("link/deep"),
                root.rename("link/precious", "real/mine"),
                root.rename("file", "link/planted"),
                root.set_modified("link/precious", time),
                root.hash("link/precious").map(drop),
                root.check("link/precious"),
                root.remove_leftover("link/.node-tool.0123456789abcdef.partial"),
            ] {
                assert!(done.is_err());
            }
            // The link itself is no folder and no file.
            assert!(root.remove_folder("link").is_err());
            assert!(root.set_modified("link", time).is_err());
            assert!(root.hash("link").is_err());
            assert_eq!(names(&outside), ["deep", "precious"]);
            let after = fs::metadata(outside.join("precious")).unwrap();
            assert_eq!(after.modified().unwrap(), before.modified().unwrap());
        }
    }

    #[test]
    fn links_that_the_user_wants_are_gone_through_while_they_lead_to_the_same_folder() {
        use std::os::unix::fs::MetadataExt;
        let (directory, path, outside) = place();
        let there = fs::metadata(&outside).unwrap();
        let root = Root::new(&path);
        root.go_through([("link".to_owned(), (there.dev(), there.ino()))].into());
        root.make_folder("link/new/deep").unwrap();
        root.rename("link/precious", "link/new/precious").unwrap();
        assert_eq!(names(&outside), ["deep", "new"]);
        assert!(root.remove_folder("link").is_err(), "the link itself stays");
        // Another one, and the same with another end.
        symlink("../outside", path.join("other")).unwrap();
        assert!(root.make_folder("other/x").is_err());
        fs::create_dir(directory.path().join("elsewhere")).unwrap();
        fs::remove_file(path.join("link")).unwrap();
        symlink("../elsewhere", path.join("link")).unwrap();
        let error = root.make_folder("link/x").unwrap_err().to_string();
        assert!(error.contains("somewhere else"), "{error}");
        assert!(names(&directory.path().join("elsewhere")).is_empty());
    }

    #[test]
    fn a_root_may_be_a_symlink_itself_and_is_held_when_it_is_replaced() {
        let (directory, path, outside) = place();
        let way = directory.path().join("way");
        symlink("root", &way).unwrap();
        for root in both(&way) {
            root.make_folder("real").unwrap();
            fs::remove_file(&way).unwrap();
            symlink("outside", &way).unwrap();
            root.make_folder("made").unwrap();
            root.remove_folder("made").unwrap();
            assert_eq!(names(&outside), ["deep", "precious"]);
            fs::remove_file(&way).unwrap();
            symlink("root", &way).unwrap();
        }
        assert!(path.join("real").is_dir());
    }

    #[test]
    fn a_file_is_removed_only_as_it_was_seen() {
        let (_directory, path, _) = place();
        let root = Root::new(&path);
        let seen = info(&root.stat("file").unwrap().unwrap());
        fs::write(path.join("file"), "longer text").unwrap();
        assert!(root.remove_file("file", Some(&seen)).is_err());
        assert_eq!(fs::read(path.join("file")).unwrap(), b"longer text");
        assert!(root.remove_file("real", None).is_err());
        let link = info(&root.stat("link").unwrap().unwrap());
        assert!(root.remove_file("link.rclonelink", Some(&seen)).is_err());
        root.remove_file("link.rclonelink", Some(&link)).unwrap();
        let seen = info(&root.stat("file").unwrap().unwrap());
        root.remove_file("file", Some(&seen)).unwrap();
        assert_eq!(names(&path), ["dangling", "real"]);
        let gone = root.remove_file("file", Some(&seen)).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_rename_replaces_nothing() {
        let (_directory, path, _) = place();
        let root = Root::new(&path);
        fs::write(path.join("other"), "other").unwrap();
        for taken in ["other", "real", "link", "dangling"] {
            let error = root.rename("file", taken).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{taken}");
        }
        root.rename("file", "new/deep/file").unwrap();
        assert_eq!(fs::read(path.join("new/deep/file")).unwrap(), b"text");
    }

    #[test]
    fn an_unnamed_file_leaves_no_name() {
        let (_directory, path, _) = place();
        let before = names(&path);
        let file = Root::new(&path).unnamed().unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"x", 0).unwrap();
        assert_eq!(names(&path), before);
    }
}
