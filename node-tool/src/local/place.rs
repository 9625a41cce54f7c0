//! Putting a downloaded file in its place: a temporary file beside it, renamed when it is whole and right.

use std::{
    fs::{self, File, FileTimes, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::fs::OFlags;
use shared::content_hash::Hasher;

use super::link;
use crate::tree::{FileInfo, Modified};

/// What stands around the digits in a temporary file's name.
const BEFORE: &str = ".node-tool.";
const BEHIND: &str = ".partial";

/// A file that is being downloaded. Removed when dropped, unless it was put in its place or is kept for another try.
#[derive(Debug)]
pub struct Partial {
    file: Arc<File>,
    path: PathBuf,
    target: PathBuf,
    /// Not to be removed.
    placed: bool,
}

impl Partial {
    /// Makes the temporary file beside `target`, with its folders.
    ///
    /// # Errors
    /// When a folder or the file can't be made, or something that isn't a file stands at `target`.
    pub fn create(target: &Path) -> io::Result<Self> {
        let parent = prepare(target)?;
        let path = parent.join(temporary_name());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o666)
            .open(&path)?;
        Ok(Self {
            file: Arc::new(file),
            path,
            target: target.to_owned(),
            placed: false,
        })
    }

    /// The temporary file of a transfer that may have been begun before; `id` names it, in 16 hexadecimal digits. It stays
    /// when dropped, for the next try. Says whether it was there.
    ///
    /// # Errors
    /// As [`Partial::create`]'s.
    pub fn resume(target: &Path, id: &str, size_bytes: u64) -> io::Result<(Self, bool)> {
        let parent = prepare(target)?;
        let path = parent.join(format!("{BEFORE}{id}{BEHIND}"));
        // Its name can be guessed: in a folder that others may write to, it could be somebody else's, or a symlink.
        let is_ours =
            |there: fs::Metadata| there.is_file() && there.uid() == rustix::process::geteuid().as_raw();
        let is_there = fs::symlink_metadata(&path).is_ok_and(is_ours);
        if !is_there {
            let _ = fs::remove_file(&path);
        }
        let mut open = OpenOptions::new();
        open.read(true).write(true).create_new(!is_there).mode(0o666);
        open.custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0));
        let file = open.open(&path)?;
        file.set_len(size_bytes)?; // an earlier state of the file may have been longer
        Ok((
            Self {
                file: Arc::new(file),
                path,
                target: target.to_owned(),
                placed: true,
            },
            is_there,
        ))
    }

    /// Takes the temporary file away: nobody shall go on with it.
    pub fn discard(mut self) {
        self.placed = false;
    }

    /// The digests of the blocks of a part of a file, if all of it is there.
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

    /// The open file, for writing at offsets.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Takes the room for all of it at once, where the file system can: a full disk shows before anything is fetched, and
    /// the file lies in one piece.
    ///
    /// # Errors
    /// When there isn't so much room.
    pub fn reserve(&self, size_bytes: u64) -> io::Result<()> {
        use rustix::{
            fs::{FallocateFlags, fallocate},
            io::Errno,
        };
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

    /// Gives the file its time and its name; what stood there is replaced at once, if it may be.
    ///
    /// # Errors
    /// When something else stands there than was seen, or it can't be renamed.
    pub fn put_in_place(mut self, modified: Modified, replace: Replace<'_>) -> io::Result<()> {
        set_times(&self.file, modified)?;
        if tells_late(&self.file) {
            self.file.sync_data()?;
        }
        let size_bytes = self.file.metadata()?.len();
        if !replace.check(&self.target, size_bytes, modified)? {
            self.placed = false;
            return Ok(());
        }
        match fs::rename(&self.path, &self.target) {
            // A file system that can't replace.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.target.is_file() => {
                fs::remove_file(&self.target)?;
                fs::rename(&self.path, &self.target)?;
            }
            renamed => renamed?,
        }
        self.placed = true;
        Ok(())
    }
}

impl Partial {
    /// Makes a symlink of what was written, and takes the file away.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn put_as_symlink(self, modified: Modified) -> io::Result<()> {
        let content = fs::read(&self.path)?;
        link::make(&self.target, &content, modified)
    }
}

/// What a file may take the place of.
#[derive(Clone, Copy, Debug)]
pub enum Replace<'a> {
    /// Whatever is there.
    Anything,
    /// Only what was seen when it was listed, which may be nothing.
    Only(Option<&'a FileInfo>),
}

impl Replace<'_> {
    /// Whether a file of this size and time has still to be put there: another process may have been quicker with the same.
    fn check(self, target: &Path, size_bytes: u64, modified: Modified) -> io::Result<bool> {
        let Self::Only(seen) = self else { return Ok(true) };
        let now = match fs::symlink_metadata(target) {
            Ok(now) => now,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        if now.is_symlink() {
            return Err(io::Error::other("a symlink of this name is there, and stays"));
        }
        let now = super::walk::file_info(&now);
        match seen {
            Some(seen) if seen.size_bytes == now.size_bytes && seen.modified == now.modified => Ok(true),
            _ if now.size_bytes == size_bytes && now.modified.is_same(modified) => Ok(false),
            Some(_) => Err(io::Error::other("the one here has changed meanwhile, and stays")),
            None => Err(io::Error::other("another one came here meanwhile, and stays")),
        }
    }
}

/// Whether a file system says only in the end that something could not be written, when nobody listens any more: on NFS and
/// SMB a full disk may show when the file is closed.
fn tells_late(file: &File) -> bool {
    const NFS: i128 = 0x6969;
    const CIFS: i128 = 0xff53_4d42;
    const SMB2: i128 = 0xfe53_4d42;
    let kind = rustix::fs::fstatfs(file).map(|system| system.f_type);
    kind.is_ok_and(|kind| [NFS, CIFS, SMB2].contains(&i128::from(kind)))
}

/// Renames to where nothing is.
///
/// # Errors
/// When something is there, or it can't be renamed.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that can't tell.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if fs::symlink_metadata(to).is_err() => {
            fs::rename(from, to)
        }
        renamed => Ok(renamed?),
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the folder around a target, at which no folder may stand.
fn prepare(target: &Path) -> io::Result<&Path> {
    let parent = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    if fs::symlink_metadata(target).is_ok_and(|m| m.is_dir()) {
        return Err(io::Error::other("a folder stands where the file should go"));
    }
    Ok(parent)
}

/// Short, hidden, and says whose it is.
pub(super) fn temporary_name() -> String {
    format!("{BEFORE}{:016x}{BEHIND}", rand::random::<u64>())
}

/// Whether a file's name is that of a download that is under way or was killed.
pub(super) fn is_leftover(name: &str) -> bool {
    let digits = name
        .strip_prefix(BEFORE)
        .and_then(|rest| rest.strip_suffix(BEHIND));
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What killed processes left below a folder.
///
/// # Errors
/// When the folder itself can't be listed.
pub fn leftovers(root: &Path) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
    fs::read_dir(root)?;
    let found = walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .flatten();
    let found =
        found.filter(|item| !item.file_type().is_dir() && item.file_name().to_str().is_some_and(is_leftover));
    Ok(found
        .filter_map(|item| Some((item.path().to_owned(), item.metadata().ok()?)))
        .collect())
}

/// Removes a file, or the symlink that its name means, if it still is as it was `seen`.
///
/// # Errors
/// When it isn't there, isn't ours or has changed.
pub fn remove_file(path: &Path, seen: Option<&FileInfo>) -> io::Result<()> {
    let link = link::meant(path);
    let now = match &link {
        Some(link) => fs::symlink_metadata(link)?,
        None => fs::metadata(path)?,
    };
    let now = super::walk::file_info(&now);
    let is_same_size = |seen: &FileInfo| link.is_some() || seen.size_bytes == now.size_bytes;
    if seen.is_some_and(|seen| seen.modified != now.modified || !is_same_size(seen)) {
        return Err(io::Error::other("it has changed meanwhile, and stays"));
    }
    fs::remove_file(link.as_deref().unwrap_or(path))
}

/// Sets the modification time of an existing file.
///
/// # Errors
/// When it isn't ours.
pub fn set_modified(path: &Path, modified: Modified) -> io::Result<()> {
    if let Some(link) = link::meant(path) {
        return link::set_modified(&link, modified);
    }
    set_times(&OpenOptions::new().write(true).open(path)?, modified)
}

fn set_times(file: &File, modified: Modified) -> io::Result<()> {
    let magnitude = Duration::from_secs(modified.seconds.unsigned_abs());
    let time = if modified.seconds >= 0 {
        UNIX_EPOCH.checked_add(magnitude)
    } else {
        UNIX_EPOCH.checked_sub(magnitude)
    };
    let time: SystemTime = time.ok_or_else(|| io::Error::other("its time can't be kept"))?
        + Duration::from_nanos(modified.nanoseconds.into());
    file.set_times(FileTimes::new().set_modified(time))
}
