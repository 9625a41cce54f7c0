//! Reading a file that is to be uploaded: chunks, hashes, and detecting that it changed.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use rustix::fs::Stat;
use shared::content_hash::{ContentHash, Hasher};

use super::{Root, hashes, link, root};
use engine::{
    entry::{FileMeta, Modified},
    error::Changed,
};

/// Size of one read in bytes: small enough to be freed soon, large enough for few system calls.
const CHUNK_BYTES: u64 = 256 * 1024;

/// What distinguishes two states of a file, the same on every node of a cluster except for the device. With the change time, since
/// some programs write into a file and set its modification time back; changing only its permissions costs a second reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file's size isn't the number of its bytes, as in /proc and on some FUSE file systems.
#[derive(Debug, thiserror::Error)]
#[error(
    "it has {} bytes than its size ({size_bytes}) says, so it can't be copied as it is: copy what 'cat' reads of it into a file, and \
     that one",
    if *.has_more { "more" } else { "fewer" }
)]
pub struct Untrue {
    size_bytes: u64,
    has_more: bool,
}

/// A file open for uploading.
#[derive(Clone, Debug)]
pub struct Source {
    content: Content,
    place: Place,
    identity: Identity,
    /// Its metadata when it was opened.
    pub info: FileMeta,
}

/// The path of a source.
#[derive(Clone, Debug)]
enum Place {
    /// A path whose symlinks are followed, as the user wants.
    Followed(PathBuf),
    /// A path below a folder, without following symlinks.
    Below(Root, String),
}

impl Place {
    /// Returns the target and metadata of the symlink that the name means. `None` if it means a file.
    fn link(&self) -> io::Result<Option<(Vec<u8>, Identity)>> {
        match self {
            Self::Followed(path) => match link::meant(path) {
                Some(link) => Ok(Some((
                    link::content(&link)?,
                    identity(&std::fs::symlink_metadata(&link)?),
                ))),
                None => Ok(None),
            },
            Self::Below(root, path) => {
                let (folder, name) = root.meant(path)?;
                if name == root::split(path).1 {
                    return Ok(None);
                }
                let there = root::stat_at(&folder, &name)?.ok_or(io::ErrorKind::NotFound)?;
                Ok(Some((root::link_content(&folder, &name)?, identity_of(&there))))
            }
        }
    }

    /// Opens the file.
    fn open(&self) -> io::Result<File> {
        match self {
            Self::Followed(path) => File::open(path),
            Self::Below(root, path) => {
                let (folder, name) = root.around(path, false)?;
                root::open_file(&folder, name)
            }
        }
    }

    /// Returns the metadata of what is there now.
    fn identity(&self) -> io::Result<Identity> {
        match self {
            Self::Followed(path) => Ok(identity(&std::fs::metadata(path)?)),
            Self::Below(root, path) => {
                let (folder, name) = root.around(path, false)?;
                let there = root::stat_at(&folder, name)?.ok_or(io::ErrorKind::NotFound)?;
                Ok(identity_of(&there))
            }
        }
    }
}

/// Where the bytes come from.
#[derive(Clone, Debug)]
enum Content {
    File(Arc<File>),
    /// Opened again when needed: the number of open files is limited.
    Parked,
    /// The target of a symlink.
    Link(Bytes),
}

impl Source {
    /// Opens a regular file, or the symlink that its name means. Symlinks on the way are followed.
    ///
    /// # Errors
    /// When it can't be opened or is neither.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(Place::Followed(path.to_owned()))
    }

    /// Opens the regular file at a path below a folder, or the symlink that its name means. Another user may have put a
    /// symlink there since the folder was listed, to a file that is not theirs to read: it is not followed.
    ///
    /// # Errors
    /// When it can't be opened or is neither.
    pub fn open_below(root: &Root, path: &str) -> io::Result<Self> {
        Self::open_at(Place::Below(root.clone(), path.to_owned()))
    }

    fn open_at(place: Place) -> io::Result<Self> {
        if let Some((content, identity)) = place.link()? {
            return Ok(Self {
                info: FileMeta {
                    size_bytes: content.len() as u64,
                    ..identity.info()
                },
                identity,
                content: Content::Link(content.into()),
                place,
            });
        }
        let file = place.open()?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file any more"));
        }
        let source = Self {
            content: Content::File(Arc::new(file)),
            place,
            identity: identity(&metadata),
            info: super::walk::file_info(&metadata),
        };
        source.check_end()?;
        Ok(source)
    }

    /// Checks that there is nothing after the end that the size implies.
    fn check_end(&self) -> io::Result<()> {
        let Content::File(file) = &self.content else {
            return Ok(());
        };
        let size_bytes = self.identity.size_bytes;
        if file.read_at(&mut [0], size_bytes)? == 0 {
            return Ok(());
        }
        if identity(&file.metadata()?) != self.identity {
            return Err(io::Error::other(Changed));
        }
        Err(io::Error::other(Untrue {
            size_bytes,
            has_more: true,
        }))
    }

    /// Returns a value that identifies this state of the file on any node of a cluster.
    pub fn fingerprint(&self) -> String {
        let Identity {
            inode,
            size_bytes,
            modified: (seconds, nanoseconds),
            changed: (changed, changed_nanoseconds),
            ..
        } = self.identity;
        format!("{inode} {size_bytes} {seconds}.{nanoseconds:09} {changed}.{changed_nanoseconds:09}")
    }

    /// Closes the file; it is opened again, and must still be the same, when it is read.
    pub fn park(&mut self) {
        if let Content::File(_) = self.content {
            self.content = Content::Parked;
        }
    }

    /// Reads `length_bytes` from `offset_bytes`, chunk by chunk, and returns the digests of their blocks.
    ///
    /// # Errors
    /// When the bytes are no longer there, or `each` fails.
    pub fn scan(
        &self,
        offset_bytes: u64,
        length_bytes: u64,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<Vec<[u8; 32]>> {
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; usize::try_from(CHUNK_BYTES.min(length_bytes)).unwrap_or(usize::MAX)];
        let (mut at, end) = (offset_bytes, offset_bytes + length_bytes);
        while at < end {
            let count = usize::try_from(end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
            self.read_exact_at(&mut buffer[..count], at)?;
            hasher.update(&buffer[..count]);
            each(&buffer[..count]);
            at += count as u64;
        }
        Ok(hasher.into_blocks())
    }

    /// Reads exactly these bytes of the file, which must be unchanged since it was opened.
    ///
    /// # Errors
    /// [`Changed`], wrapped, or when it can't be read.
    pub fn read_exact_at(&self, chunk: &mut [u8], at: u64) -> io::Result<()> {
        let read = match &self.content {
            Content::File(file) => self.read_file(file, chunk, at),
            Content::Parked => self.read_file(&self.place.open()?, chunk, at),
            Content::Link(bytes) => {
                let from = usize::try_from(at).unwrap_or(usize::MAX);
                let piece = bytes.get(from..from.saturating_add(chunk.len()));
                chunk.copy_from_slice(piece.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        };
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound => io::Error::other(Changed),
            _ => error,
        })
    }

    /// Returns a reader of what follows `start_bytes`, for a request body.
    pub fn reader(&self, start_bytes: u64) -> impl Fn(u64, usize) -> io::Result<Bytes> + Send + Sync + use<> {
        let source = self.clone();
        move |at, count| {
            let mut bytes = vec![0; count];
            source.read_exact_at(&mut bytes, start_bytes + at)?;
            Ok(bytes.into())
        }
    }

    fn read_file(&self, file: &File, chunk: &mut [u8], at: u64) -> io::Result<()> {
        let read = file.read_exact_at(chunk, at);
        let is_same = identity(&file.metadata()?) == self.identity;
        match read {
            Ok(()) if is_same => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && is_same => {
                Err(io::Error::other(Untrue {
                    size_bytes: self.identity.size_bytes,
                    has_more: false,
                }))
            }
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Err(io::Error::other(Changed)),
        }
    }

    /// Checks that the file is unchanged since it was opened, and still at its path.
    ///
    /// # Errors
    /// [`Changed`], wrapped, or when it can't be looked at.
    pub fn check_unchanged(&self) -> io::Result<()> {
        let at_path = || match &self.content {
            Content::Link(_) => Ok(self.place.link()?.map(|(_, identity)| identity)),
            _ => self.place.identity().map(Some),
        };
        let is_open_same = match &self.content {
            Content::File(file) => identity(&file.metadata()?) == self.identity,
            Content::Parked | Content::Link(_) => true,
        };
        match at_path() {
            Ok(there) if is_open_same && there == Some(self.identity) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Err(io::Error::other(Changed)),
        }
    }
}

impl Identity {
    /// Returns size and modification time.
    fn info(&self) -> FileMeta {
        FileMeta {
            size_bytes: self.size_bytes,
            modified: Modified {
                seconds: self.modified.0,
                nanoseconds: u32::try_from(self.modified.1).unwrap_or(0),
            },
            version: None,
        }
    }
}

fn identity(metadata: &Metadata) -> Identity {
    Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        size_bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

#[allow(
    clippy::useless_conversion,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::unnecessary_cast,
    reason = "their types differ between platforms"
)]
fn identity_of(stat: &Stat) -> Identity {
    Identity {
        device: stat.st_dev as u64,
        inode: stat.st_ino as u64,
        size_bytes: stat.st_size as u64,
        modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

/// Returns the content hash of a file: kept from an earlier run, or by reading it.
///
/// # Errors
/// When it can't be read.
pub fn hash_file(path: &Path) -> io::Result<ContentHash> {
    let mut hasher = Hasher::new();
    if let Some(link) = link::meant(path) {
        hasher.update(&link::content(&link)?);
        return Ok(hasher.finish());
    }
    hash_open(&mut File::open(path)?)
}

/// Returns the content hash of an open file.
pub(super) fn hash_open(file: &mut File) -> io::Result<ContentHash> {
    let before = file.metadata()?;
    if let Some(known) = hashes::find(&before) {
        return Ok(known);
    }
    let (mut hasher, mut buffer, mut length) = (Hasher::new(), vec![0; 1 << 18], 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let hash = hasher.finish();
    // A file that is longer or shorter than its size may have other content each time.
    if identity(&file.metadata()?) == identity(&before) && length == before.len() {
        hashes::note(&before, hash);
    }
    Ok(hash)
}

impl Root {
    /// Returns the content hash of the file at `path`, or of the file that represents the symlink that its name means.
    ///
    /// # Errors
    /// When it isn't there, is something else or can't be read.
    pub fn hash(&self, path: &str) -> io::Result<ContentHash> {
        let (folder, name) = self.meant(path)?;
        if name != root::split(path).1 {
            let mut hasher = Hasher::new();
            hasher.update(&root::link_content(&folder, &name)?);
            return Ok(hasher.finish());
        }
        hash_open(&mut root::open_file(&folder, &name)?)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_file_that_became_a_symlink_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let (root, secret) = (directory.path().join("root"), directory.path().join("secret"));
        fs::create_dir_all(root.join("sub")).unwrap();
        for path in [&secret, &root.join("file"), &root.join("sub/secret")] {
            fs::write(path, "secret").unwrap();
        }
        let below = Root::new(&root);
        let mut parked = Source::open_below(&below, "file").unwrap();
        let open = parked.clone();
        parked.park();
        let mut bytes = [0; 6];
        parked.read_exact_at(&mut bytes, 0).unwrap();
        fs::remove_file(root.join("file")).unwrap();
        symlink(&secret, root.join("file")).unwrap();
        assert!(Source::open_below(&below, "file").is_err());
        assert!(parked.read_exact_at(&mut bytes, 0).is_err());
        assert!(engine::error::is_change(&open.check_unchanged().unwrap_err()));
        assert!(Source::open(&root.join("file")).is_ok(), "where the user says so");

        fs::rename(root.join("sub"), root.join("moved")).unwrap();
        symlink("..", root.join("sub")).unwrap();
        assert!(Source::open_below(&below, "sub/secret").is_err());
        // As --links has it.
        let link = Source::open_below(&below, "sub.rclonelink").unwrap();
        let mut content = [0; 2];
        link.read_exact_at(&mut content, 0).unwrap();
        assert_eq!(&content, b"..");
        link.check_unchanged().unwrap();
        fs::remove_file(root.join("sub")).unwrap();
        assert!(link.check_unchanged().is_err());
    }

    #[test]
    fn a_size_that_is_not_the_length_is_not_believed() {
        for (path, word) in [("/proc/cpuinfo", "more bytes"), ("/proc/version", "more bytes")] {
            if !Path::new(path).exists() {
                continue;
            }
            let error = Source::open(Path::new(path)).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let path = Path::new("/sys/devices/system/cpu/online");
        if path.exists() {
            let source = Source::open(path).unwrap();
            let error = source.scan(0, source.info.size_bytes, |_| {}).unwrap_err();
            assert!(error.to_string().contains("fewer bytes"), "{error}");
        }
    }
}
