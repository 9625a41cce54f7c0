//! Saving a downloaded file: a temporary file beside the target, renamed when it is complete and verified.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    sync::Arc,
};

use rustix::{
    fs::{
        AtFlags, FlockOperation, Mode, OFlags, RenameFlags, Stat, flock, fstat, openat, renameat,
        renameat_with, unlinkat,
    },
    io::Errno,
};
use shared::content_hash::Hasher;

use super::{
    rights,
    root::{self, Folder, Root, is_file, is_one, is_symlink, rename_new_at, stat_at},
    temporary::{is_leftover, name_of, temporary_name},
    unfinished::Unfinished,
};
use engine::entry::{FileMeta, Modified};
use shared::raw;

/// Maximum number of attempts to replace a file that other processes replace at the same time.
const MAX_TRIES: u32 = 4;

/// A file that is being downloaded. Removed when dropped, unless it has its final name or is kept for another attempt.
#[derive(Debug)]
pub struct Partial {
    pub(super) file: Arc<File>,
    pub(super) root: Root,
    /// The path of the folder that it is in.
    pub(super) folder: String,
    name: String,
    /// The last name of its target.
    pub(super) target: String,
    /// Whether it has the mode of a file that replaces another, rather than that of a new one.
    is_private: bool,
    /// Registers it for removal when the process ends. `None` if it stays, for another attempt or because it is complete.
    unfinished: Option<Unfinished>,
}

impl Partial {
    /// Makes the temporary file beside `target`, a path below `root`, and missing folders around it.
    ///
    /// # Errors
    /// When a folder or the file can't be made, or something that isn't a file is at `target`.
    pub fn create(root: &Root, target: &str) -> io::Result<Self> {
        let (path, _) = root::split(target);
        let (folder, name) = root.around(target, true)?;
        let is_private = is_taken(&folder, name)?;
        Self::create_in(root, (path, &folder), name, is_private)
    }

    fn create_in(
        root: &Root,
        (path, folder): (&str, &Folder<'_>),
        target: &str,
        is_private: bool,
    ) -> io::Result<Self> {
        let name = temporary_name();
        let unfinished = Unfinished::begin(root, &join(path, &name))?;
        let file = match openat(folder, name.as_str(), root::NEW, mode(is_private)) {
            Ok(file) => file,
            Err(error) => {
                unfinished.done();
                return Err(error.into());
            }
        };
        mark_alive(root, &file);
        Ok(Self {
            file: Arc::new(file.into()),
            root: root.clone(),
            folder: path.to_owned(),
            name,
            target: target.to_owned(),
            is_private,
            unfinished: Some(unfinished),
        })
    }

    /// Returns the temporary file of a transfer that may have begun before; `id` names it, in 16 hexadecimal digits. It stays
    /// when dropped, for the next attempt. Also returns whether it was there.
    ///
    /// Its name can be guessed: in a folder that others may write to, a symlink, a second name of another file of ours, or a
    /// file of theirs could be there. Only a regular file that is ours and has no other name is taken, and this is checked on the
    /// open file, so that nothing can change in between. If what is there can't be removed, the file gets a name that
    /// can't be guessed, and won't be found again.
    ///
    /// # Errors
    /// As [`Partial::create`]'s.
    pub fn resume(root: &Root, target: &str, id: &str, size_bytes: u64) -> io::Result<(Self, bool)> {
        let (path, _) = root::split(target);
        let (folder, last) = root.around(target, true)?;
        let is_private = is_taken(&folder, last)?;
        let name = name_of(id);
        let found = ours(&folder, &name);
        let is_there = found.is_some();
        let file = match found {
            Some(file) => file,
            None => {
                let _ = unlinkat(&folder, name.as_str(), AtFlags::empty()); // if it can't be removed, the next line says so
                match openat(&folder, name.as_str(), root::NEW, mode(is_private)) {
                    Ok(file) => file.into(),
                    Err(Errno::EXIST) => {
                        let fresh = Self::create_in(root, (path, &folder), last, is_private)?;
                        fresh.file.set_len(size_bytes)?;
                        return Ok((fresh, false));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        mark_alive(root, &file);
        // An earlier state of the file may have been longer.
        if let Err(error) = file.set_len(size_bytes) {
            let _ = unlinkat(&folder, name.as_str(), AtFlags::empty()); // it can't be gone on with
            return Err(error);
        }
        let partial = Self {
            file: Arc::new(file),
            root: root.clone(),
            folder: path.to_owned(),
            name,
            target: last.to_owned(),
            // Of one that was there it isn't known.
            is_private: is_private || is_there,
            unfinished: None,
        };
        Ok((partial, is_there))
    }

    /// Removes what an earlier attempt of a transfer left under this id, which no other attempt will continue.
    pub fn forget(root: &Root, target: &str, id: &str) {
        let path = join(root::split(target).0, &name_of(id));
        let _ = root.remove_leftover(&path); // mostly there is none
    }

    /// Removes the temporary file, so that no other attempt continues it.
    pub fn discard(self) {
        let _ = self.root.remove_leftover(&join(&self.folder, &self.name)); // as in `drop`
    }

    /// Returns the digests of the blocks of a part of a file, if all of it is there.
    pub fn blocks(file: &File, offset_bytes: u64, length_bytes: u64) -> Option<Vec<[u8; 32]>> {
        let mut hasher = Hasher::new();
        let mut chunk = vec![0; 1 << 18];
        let (mut at, end) = (offset_bytes, offset_bytes + length_bytes);
        while at < end {
            let length = usize::try_from(end - at).map_or(chunk.len(), |left| left.min(chunk.len()));
            file.read_exact_at(&mut chunk[..length], at).ok()?;
            hasher.update(&chunk[..length]);
            at += length as u64;
        }
        Some(hasher.into_blocks())
    }

    /// Returns the open file, for writing at offsets.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Allocates space for all of it at once, where the file system can: a full disk shows before anything is fetched, and
    /// the file lies in one piece.
    ///
    /// # Errors
    /// When there isn't enough space.
    pub fn reserve(&self, size_bytes: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, size_bytes) {
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(error.into()),
            // Many file systems of clusters can't; then it grows as it comes.
            _ => Ok(()),
        }
    }

    /// Writes at an offset.
    ///
    /// # Errors
    /// When the disk is full, for example.
    pub fn write_at(file: &File, bytes: &[u8], offset_bytes: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset_bytes)
    }

    /// Sets the file's time and gives it its name. What was there is replaced at once, if it may be; the file takes over its mode
    /// and, where allowed, its owner, group, ACL and extended attributes.
    ///
    /// # Errors
    /// When something other than was seen is there, or the file can't be renamed.
    pub fn put_in_place(mut self, modified: Modified, replace: Replace<'_>) -> io::Result<()> {
        rights::set_modified(&self.file, modified)?;
        if tells_late(&self.file) {
            self.file.sync_data()?;
        }
        let size_bytes = self.file.metadata()?.len();
        let root = self.root.clone();
        let folder = root.folder(&self.folder, false)?;
        let new = New {
            folder: &folder,
            temporary: &self.name,
            name: &self.target,
            twin: Some((size_bytes, modified)),
        };
        let dress = |old: Option<&Stat>| match old {
            Some(old) => rights::take_over(&self.file, &folder, &self.target, old),
            None if self.is_private => rights::as_new(&self.file, &folder),
            None => {}
        };
        match new.put(replace, dress)? {
            Put::Placed => self.keep(),
            Put::Superseded => self.remove(),
        }
        Ok(())
    }

    /// Marks it as complete: it has its name.
    fn keep(&mut self) {
        if let Some(unfinished) = self.unfinished.take() {
            unfinished.done();
        }
        self.name.clear();
    }

    /// Removes it: it is no longer needed.
    fn remove(&mut self) {
        if !self.name.is_empty() {
            let _ = self.root.remove_leftover(&join(&self.folder, &self.name)); // it may be gone
        }
        self.keep();
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.unfinished.is_some() {
            self.remove();
        }
    }
}

/// What a file may replace.
#[derive(Clone, Copy, Debug)]
pub enum Replace<'a> {
    /// Whatever file is there.
    Anything,
    /// Only what was seen when it was listed; `None` means only an unused name.
    Only(Option<&'a FileMeta>),
}

/// The outcome of a rename.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It has its name.
    Placed,
    /// Another process was first with the same content; the temporary file is still there.
    Superseded,
}

/// A temporary file, or symlink, to be renamed in the same folder.
pub(super) struct New<'a> {
    pub folder: &'a Folder<'a>,
    pub temporary: &'a str,
    pub name: &'a str,
    /// Size and time of the file; a file that has the same is considered the same. `None` for a symlink.
    pub twin: Option<(u64, Modified)>,
}

impl New<'_> {
    /// Renames it, replacing only what it may replace. `dress` is called with what is replaced, before it is.
    ///
    /// A file that another process makes there in between is not lost: where nothing was seen, the kernel is asked not to
    /// replace anything; where a file was seen, both are exchanged, and what was there is checked afterwards. File
    /// systems that can't do this (NFS can't exchange) leave the moment between a look and the renaming.
    pub(super) fn put(&self, replace: Replace<'_>, dress: impl Fn(Option<&Stat>)) -> io::Result<Put> {
        for _ in 0..MAX_TRIES {
            let Some(old) = stat_at(self.folder, self.name)? else {
                dress(None);
                match rename_new_at(self.folder, self.temporary, self.folder, self.name) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                    renamed => renamed?,
                }
                return Ok(Put::Placed);
            };
            if !self.may_replace(&old, replace)? {
                return Ok(Put::Superseded);
            }
            dress(Some(&old));
            if self.exchange(&old, replace)? {
                return Ok(Put::Placed);
            }
        }
        Err(io::Error::other(
            "others replace it again and again, and it stays",
        ))
    }

    /// Returns whether what is there now is to be replaced. `false` if it is the same as the new file.
    fn may_replace(&self, now: &Stat, replace: Replace<'_>) -> io::Result<bool> {
        let is_link = self.twin.is_none();
        match root::kind(now) {
            rustix::fs::FileType::Directory => {
                return Err(io::Error::other("a folder is where the file should go"));
            }
            _ if is_file(now) && !is_link || is_symlink(now) && is_link => {}
            rustix::fs::FileType::Symlink => {
                return Err(io::Error::other("a symlink of this name is there, and stays"));
            }
            rustix::fs::FileType::RegularFile => {
                return Err(io::Error::other("a file of this name is there, and stays"));
            }
            _ => return Err(io::Error::other("something that is no file is there, and stays")),
        }
        let Replace::Only(seen) = replace else {
            return Ok(true);
        };
        let now = root::info(now);
        let is_twin =
            |(size, modified): (u64, Modified)| now.size_bytes == size && now.modified.is_same(modified);
        match seen {
            Some(seen) if seen.size_bytes == now.size_bytes && seen.modified == now.modified => Ok(true),
            _ if self.twin.is_some_and(is_twin) => Ok(false),
            Some(_) => Err(io::Error::other("the one here has changed meanwhile, and stays")),
            None => Err(io::Error::other("another one came here meanwhile, and stays")),
        }
    }

    /// Replaces `old`. Returns `false` if that was no longer there: then what was there is restored.
    fn exchange(&self, old: &Stat, replace: Replace<'_>) -> io::Result<bool> {
        let swap = || {
            renameat_with(
                self.folder,
                self.temporary,
                self.folder,
                &*raw::name(self.name),
                RenameFlags::EXCHANGE,
            )
        };
        let own = stat_at(self.folder, self.temporary)?;
        match swap() {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(false),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {
                return self.replace(old, replace);
            }
            Err(error) => return Err(error.into()),
        }
        let is_old = |there: &Stat| {
            is_one(there, old)
                && there.st_size == old.st_size
                && root::info(there).modified == root::info(old).modified
        };
        match stat_at(self.folder, self.temporary)? {
            Some(there) if !is_old(&there) => {
                swap()?;
                let back = stat_at(self.folder, self.temporary)?;
                if let (Some(own), Some(back)) = (own, back)
                    && !is_one(&own, &back)
                {
                    // A third process has replaced ours in between: its file must not be taken for ours.
                    root::put_back(self.folder, self.temporary, self.name)?;
                    return Err(io::Error::other(
                        "others replace it at the same time, and it stays",
                    ));
                }
                Ok(false)
            }
            _ => {
                // What was there is gone as soon as its only name is.
                match unlinkat(self.folder, self.temporary, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => Ok(true),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Replaces it on a file system that can't exchange two names.
    fn replace(&self, old: &Stat, replace: Replace<'_>) -> io::Result<bool> {
        let now = stat_at(self.folder, self.name)?;
        if !matches!(replace, Replace::Anything) && now.is_none_or(|now| root::info(&now) != root::info(old))
        {
            return Ok(false);
        }
        match renameat(self.folder, self.temporary, self.folder, &*raw::name(self.name)) {
            // A file system that can't replace.
            Err(Errno::EXIST) => {
                unlinkat(self.folder, &*raw::name(self.name), AtFlags::empty())?;
                renameat(self.folder, self.temporary, self.folder, &*raw::name(self.name))?;
            }
            renamed => renamed?,
        }
        Ok(true)
    }
}

fn mode(is_private: bool) -> Mode {
    Mode::from_raw_mode(if is_private { 0o600 } else { 0o666 })
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Returns whether a file is at a name. Anything else there is an error, which shows before anything is fetched.
fn is_taken(folder: &Folder<'_>, name: &str) -> io::Result<bool> {
    match stat_at(folder, name)? {
        None => Ok(false),
        Some(there) if is_file(&there) => Ok(true),
        Some(there) => Err(io::Error::other(match root::kind(&there) {
            rustix::fs::FileType::Directory => "a folder is where the file should go",
            rustix::fs::FileType::Symlink => "a symlink of this name is there, and stays",
            _ => "something that is no file is there, and stays",
        })),
    }
}

/// Returns the temporary file of an earlier attempt, if it is ours and has no other name.
fn ours(folder: &Folder<'_>, name: &str) -> Option<File> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if !stat_at(folder, name).ok()?.is_some_and(|there| is_file(&there)) {
        return None;
    }
    let file = openat(folder, &*raw::name(name), flags, Mode::empty()).ok()?;
    let there = fstat(&file).ok()?;
    let is_ours =
        is_file(&there) && there.st_nlink == 1 && there.st_uid == rustix::process::geteuid().as_raw();
    is_ours.then(|| file.into())
}

/// Locks a temporary file for as long as it is open, where that shows that its process is alive. On file systems that nodes
/// share a lock proves nothing, and costs a call.
fn mark_alive(root: &Root, file: impl std::os::fd::AsFd) {
    if root.is_on_this_machine() {
        let _ = flock(file, FlockOperation::NonBlockingLockExclusive); // without it, only its age counts
    }
}

/// Returns whether a temporary file belongs to a running process. `None` if unknown.
fn is_alive(root: &Root, path: &str) -> Option<bool> {
    if !root.is_on_this_machine() {
        return None;
    }
    let (folder, name) = root.around(path, false).ok()?;
    let file = root::open_file(&folder, name).ok()?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Some(false),
        Err(Errno::WOULDBLOCK) => Some(true),
        Err(_) => None,
    }
}

/// Returns whether a file system may report write errors only when a file is closed, which drops ignore: on NFS and
/// SMB a full disk may show when the file is closed.
fn tells_late(file: &File) -> bool {
    const NFS: i128 = 0x6969;
    const CIFS: i128 = 0xff53_4d42;
    const SMB2: i128 = 0xfe53_4d42;
    let kind = rustix::fs::fstatfs(file).map(|system| system.f_type);
    kind.is_ok_and(|kind| [NFS, CIFS, SMB2].contains(&i128::from(kind)))
}

/// A file that a process left below a folder, or still writes to.
#[derive(Debug)]
pub struct Leftover {
    /// Its path below the folder.
    pub path: String,
    /// Its current metadata.
    pub metadata: fs::Metadata,
    /// Whether its process is running. `None` if unknown.
    pub is_alive: Option<bool>,
}

/// Returns the files that processes left below a folder. Names that aren't UTF-8 are never ours.
///
/// # Errors
/// When the folder itself can't be listed.
pub fn leftovers(root: &Root) -> io::Result<Vec<Leftover>> {
    fs::read_dir(root.path())?;
    let found = walkdir::WalkDir::new(root.path())
        .sort_by_file_name()
        .into_iter()
        .flatten();
    let found =
        found.filter(|item| !item.file_type().is_dir() && item.file_name().to_str().is_some_and(is_leftover));
    Ok(found
        .filter_map(|item| {
            let path = item.path().strip_prefix(root.path()).ok()?.to_str()?.to_owned();
            Some(Leftover {
                is_alive: is_alive(root, &path),
                metadata: item.metadata().ok()?,
                path,
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
        path::{Path, PathBuf},
    };

    use super::*;
    use crate::local::{names, root::info};

    const TIME: Modified = Modified {
        seconds: 1_500_000_000,
        nanoseconds: 0,
    };

    fn root() -> (tempfile::TempDir, Root, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root");
        fs::create_dir(&path).unwrap();
        (directory, Root::new(&path), path)
    }

    fn arrived(root: &Root, target: &str, bytes: &[u8]) -> Partial {
        let partial = Partial::create(root, target).unwrap();
        Partial::write_at(&partial.file(), bytes, 0).unwrap();
        partial
    }

    fn seen(root: &Root, path: &str) -> FileMeta {
        info(&root.stat(path).unwrap().unwrap())
    }

    #[test]
    fn a_file_that_came_meanwhile_stays() {
        let (_directory, root, path) = root();
        let partial = arrived(&root, "file", b"theirs");
        fs::write(path.join("file"), "mine").unwrap();
        assert!(partial.put_in_place(TIME, Replace::Only(None)).is_err());
        assert_eq!(fs::read(path.join("file")).unwrap(), b"mine");

        let before = seen(&root, "file");
        let partial = arrived(&root, "file", b"theirs");
        fs::write(path.join("file"), "mine, edited").unwrap();
        assert!(partial.put_in_place(TIME, Replace::Only(Some(&before))).is_err());
        assert_eq!(fs::read(path.join("file")).unwrap(), b"mine, edited");

        let now = seen(&root, "file");
        let partial = arrived(&root, "file", b"theirs");
        partial.put_in_place(TIME, Replace::Only(Some(&now))).unwrap();
        assert_eq!(fs::read(path.join("file")).unwrap(), b"theirs");
        assert_eq!(seen(&root, "file").modified, TIME);
        // The same once more is no conflict.
        let partial = arrived(&root, "file", b"theirs");
        partial.put_in_place(TIME, Replace::Only(None)).unwrap();
        fs::remove_file(path.join("file")).unwrap();
        let partial = arrived(&root, "file", b"theirs");
        partial.put_in_place(TIME, Replace::Only(Some(&now))).unwrap();
        assert_eq!(names(&path), ["file"], "nothing else is left");
    }

    /// Others that replace the file all the time, each with a file of its own: none of theirs may be lost by what we do.
    #[test]
    fn no_file_of_another_process_is_lost_in_between() {
        let (_directory, root, path) = root();
        let target = path.join("file");
        for round in 0..200_u32 {
            let _ = fs::remove_file(&target);
            let started = std::sync::Barrier::new(2);
            let other = std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    started.wait();
                    fs::File::create_new(&target)
                        .map(|file| file.write_all_at(b"mine", 0))
                        .is_ok()
                });
                let partial = arrived(&root, "file", b"their content");
                started.wait();
                let placed = partial.put_in_place(TIME, Replace::Only(None)).is_ok();
                let made = other.join().unwrap();
                assert!(
                    placed != made,
                    "round {round}: one of them has it: {placed} {made}"
                );
                made
            });
            let expected: &[u8] = if other { b"mine" } else { b"their content" };
            assert_eq!(fs::read(&target).unwrap(), expected, "round {round}");
        }
        assert_eq!(names(&path), ["file"]);
    }

    #[test]
    fn what_is_no_file_is_never_replaced() {
        for replace in [Replace::Anything, Replace::Only(None)] {
            let (directory, root, path) = root();
            fs::create_dir(path.join("folder")).unwrap();
            fs::write(directory.path().join("victim"), "precious").unwrap();
            symlink("../victim", path.join("link")).unwrap();
            drop(std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap());
            for name in ["folder", "link", "socket"] {
                assert!(Partial::create(&root, name).is_err(), "{name}");
                // It may also come later.
                let partial = arrived(&root, "later", b"x");
                fs::rename(path.join(name), path.join("later")).unwrap();
                assert!(partial.put_in_place(TIME, replace).is_err(), "{name}");
                fs::rename(path.join("later"), path.join(name)).unwrap();
            }
            assert_eq!(names(&path), ["folder", "link", "socket"]);
            assert_eq!(fs::read(directory.path().join("victim")).unwrap(), b"precious");
        }
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_new_one_has_the_umasks() {
        let (_directory, root, path) = root();
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().mode() & 0o7777;
        fs::write(path.join("plain"), "").unwrap();
        arrived(&root, "new", b"x")
            .put_in_place(TIME, Replace::Only(None))
            .unwrap();
        assert_eq!(mode("new"), mode("plain"));
        for (old, expected) in [
            (0o600, 0o600),
            (0o755, 0o755),
            (0o640, 0o640),
            (0o666, 0o666),
            (0o4711, 0o711),
        ] {
            fs::write(path.join("file"), "old").unwrap();
            fs::set_permissions(path.join("file"), fs::Permissions::from_mode(old)).unwrap();
            let before = seen(&root, "file");
            let partial = arrived(&root, "file", b"new");
            assert_eq!(
                partial.file().metadata().unwrap().mode() & 0o077,
                0,
                "until then nobody else reads it"
            );
            partial.put_in_place(TIME, Replace::Only(Some(&before))).unwrap();
            assert_eq!(mode("file"), expected, "{old:o}");
            assert_eq!(fs::read(path.join("file")).unwrap(), b"new");
        }
        // What was begun to replace a file, and is new in the end.
        let partial = arrived(&root, "file", b"new");
        fs::remove_file(path.join("file")).unwrap();
        partial.put_in_place(TIME, Replace::Only(None)).unwrap();
        assert_eq!(mode("file"), mode("plain"));
        assert_eq!(names(&path), ["file", "new", "plain"]);
    }

    #[test]
    fn a_half_file_is_gone_on_with_if_it_is_ours_and_nothing_else() {
        let (directory, root, path) = root();
        let id = "0123456789abcdef";
        let name = format!(".node-tool.{id}.partial");
        let resume = || Partial::resume(&root, "file", id, 8).unwrap();
        assert!(!resume().1);
        let (partial, is_there) = resume();
        assert!(is_there);
        Partial::write_at(&partial.file(), b"content!", 0).unwrap();
        drop(partial);
        assert_eq!(fs::read(path.join(&name)).unwrap(), b"content!", "it stays");
        // A second name of a file of ours.
        let victim = directory.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        type Plant = fn(&Path, &Path) -> io::Result<()>;
        let plants: [Plant; 3] = [
            |victim, name| fs::hard_link(victim, name),
            |victim, name| symlink(victim, name),
            |_, name| drop_ok(std::os::unix::net::UnixListener::bind(name)),
        ];
        for plant in plants {
            fs::remove_file(path.join(&name)).unwrap();
            plant(&victim, &path.join(&name)).unwrap();
            let (partial, is_there) = resume();
            assert!(!is_there);
            Partial::write_at(&partial.file(), b"content!", 0).unwrap();
            assert_eq!(fs::read(&victim).unwrap(), b"precious");
        }
        // A folder can't be taken away: then it gets another name, and goes when it isn't finished.
        fs::remove_file(path.join(&name)).unwrap();
        fs::create_dir(path.join(&name)).unwrap();
        let (partial, is_there) = resume();
        assert!(!is_there);
        drop(partial);
        assert_eq!(names(&path), [name]);
    }

    fn drop_ok<T>(made: io::Result<T>) -> io::Result<()> {
        made.map(drop)
    }

    #[test]
    fn a_folder_that_became_a_symlink_gets_nothing() {
        let (directory, root, path) = root();
        let outside = directory.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let partial = arrived(&root, "sub/file", b"x");
        fs::rename(path.join("sub"), path.join("moved")).unwrap();
        symlink("../outside", path.join("sub")).unwrap();
        assert!(partial.put_in_place(TIME, Replace::Only(None)).is_err());
        assert!(Partial::create(&root, "sub/other").is_err());
        assert!(names(&outside).is_empty());
    }

    #[test]
    fn a_symlink_is_made_only_where_one_was_seen_or_nothing() {
        let (_directory, root, path) = root();
        let put = |replace: Replace<'_>| {
            arrived(&root, "link.rclonelink", b"../victim").put_as_symlink(TIME, replace)
        };
        put(Replace::Only(None)).unwrap();
        assert_eq!(fs::read_link(path.join("link")).unwrap(), Path::new("../victim"));
        assert!(put(Replace::Only(None)).is_err(), "one is there now");
        let now = seen(&root, "link");
        put(Replace::Only(Some(&now))).unwrap();
        fs::remove_file(path.join("link")).unwrap();
        fs::write(path.join("link"), "a file").unwrap();
        for replace in [Replace::Only(None), Replace::Only(Some(&now)), Replace::Anything] {
            assert!(put(replace).is_err());
        }
        assert_eq!(fs::read(path.join("link")).unwrap(), b"a file");
        assert_eq!(names(&path), ["link"]);
    }

    #[test]
    fn leftovers_are_known_to_be_alive_or_not() {
        let (_directory, root, path) = root();
        let partial = arrived(&root, "file", b"x");
        fs::write(path.join(".node-tool.00000000000000ff.partial"), "left").unwrap();
        let alive: Vec<_> = leftovers(&root)
            .unwrap()
            .iter()
            .map(|left| left.is_alive)
            .collect();
        if root.is_on_this_machine() {
            assert_eq!(alive.iter().filter(|alive| **alive == Some(true)).count(), 1);
            assert_eq!(alive.iter().filter(|alive| **alive == Some(false)).count(), 1);
        } else {
            assert_eq!(alive, [None, None]);
        }
        drop(partial);
        assert_eq!(leftovers(&root).unwrap().len(), 1);
    }
}
