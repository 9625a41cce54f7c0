//! Reading a file that is to be uploaded: pieces, hashes, and noticing that it changed.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use shared::content_hash::{ContentHash, Hasher};

use crate::tree::FileInfo;

/// Bytes of one chunk of a piece: small enough to be freed soon, large enough for few system calls.
const CHUNK_BYTES: u64 = 256 * 1024;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
}

/// The file isn't what it was when it was opened.
#[derive(Debug, thiserror::Error)]
#[error("it changed while it was read")]
pub struct Changed;

/// A file open for uploading.
#[derive(Clone, Debug)]
pub struct Source {
    file: Arc<File>,
    path: PathBuf,
    identity: Identity,
    /// As it was when it was opened.
    pub info: FileInfo,
}

impl Source {
    /// Opens a regular file.
    ///
    /// # Errors
    /// When it can't be opened or isn't a regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file any more"));
        }
        Ok(Self {
            file: Arc::new(file),
            path: path.to_owned(),
            identity: identity(&metadata),
            info: super::walk::file_info(&metadata),
        })
    }

    /// Reads `length_bytes` from `offset_bytes`, in chunks, and hashes them by blocks.
    ///
    /// # Errors
    /// When they aren't there: the file became shorter.
    pub fn read(&self, offset_bytes: u64, length_bytes: u64) -> io::Result<(Vec<Bytes>, Vec<[u8; 32]>)> {
        let mut hasher = Hasher::new();
        let mut chunks = Vec::new();
        let mut at = offset_bytes;
        let end = offset_bytes + length_bytes;
        while at < end {
            let mut chunk = vec![0; usize::try_from(CHUNK_BYTES.min(end - at)).unwrap_or(usize::MAX)];
            self.file
                .read_exact_at(&mut chunk, at)
                .map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => io::Error::other(Changed),
                    _ => error,
                })?;
            hasher.update(&chunk);
            at += chunk.len() as u64;
            chunks.push(Bytes::from(chunk));
        }
        Ok((chunks, hasher.into_blocks()))
    }

    /// Checks that the file is still what was opened, and still stands at its path.
    ///
    /// # Errors
    /// [`Changed`], wrapped, or when it can't be looked at.
    pub fn check_unchanged(&self) -> io::Result<()> {
        let same = identity(&self.file.metadata()?) == self.identity
            && identity(&std::fs::metadata(&self.path)?) == self.identity;
        if same {
            Ok(())
        } else {
            Err(io::Error::other(Changed))
        }
    }
}

fn identity(metadata: &Metadata) -> Identity {
    Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        size_bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

/// The content hash of a file.
///
/// # Errors
/// When it can't be read.
pub fn hash_file(path: &Path) -> io::Result<ContentHash> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
