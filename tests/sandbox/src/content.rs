//! Bytes of files: small ones in memory, the rest in one unlinked temporary file, so that a large upload costs disk and
//! not memory. Content is immutable and cheap to copy and to cut.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};

use super::hash::{BLOCK_BYTES, BlockDigest, BlockHasher, combine};

/// Bodies up to this size stay in memory.
const MEMORY_BYTES: usize = 64 * 1024;
/// How much is gathered before it goes to disk.
const SPILL_BYTES: usize = 1024 * 1024;

/// Where content lives.
#[derive(Debug)]
pub struct Store {
    file: File,
    next: AtomicU64,
}

/// A part of the store's file that is given back when nobody needs it.
#[derive(Debug)]
struct Extent {
    store: Arc<Store>,
    start: u64,
    len: u64,
}

#[derive(Clone, Debug)]
enum Source {
    Memory(Bytes),
    Disk(Arc<Extent>),
}

#[derive(Clone, Debug)]
struct Slice {
    source: Source,
    start: u64,
    len: u64,
}

/// Some bytes.
#[derive(Clone, Debug, Default)]
pub struct Content {
    slices: Vec<Slice>,
    len: u64,
}

/// A body that came in: its bytes and the digests of its blocks counted from its own start.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The bytes.
    pub content: Content,
    /// A digest for each block.
    pub digests: Vec<BlockDigest>,
}

/// Takes a body as it arrives.
pub struct Receiver {
    store: Arc<Store>,
    content: Content,
    waiting: BytesMut,
    hasher: BlockHasher,
}

impl Store {
    /// A store in `dir`, or in the system's place for temporary files.
    ///
    /// # Errors
    /// When the temporary file can't be made.
    pub fn new(dir: Option<&Path>) -> io::Result<Arc<Self>> {
        let file = match dir {
            Some(dir) => {
                std::fs::create_dir_all(dir)?;
                tempfile::tempfile_in(dir)?
            }
            None => tempfile::tempfile()?,
        };
        Ok(Arc::new(Self {
            file,
            next: AtomicU64::new(0),
        }))
    }

    fn keep(self: &Arc<Self>, bytes: &[u8]) -> io::Result<Slice> {
        let len = bytes.len() as u64;
        let start = self.next.fetch_add(len, Ordering::Relaxed);
        self.file.write_all_at(bytes, start)?;
        let extent = Extent {
            store: Arc::clone(self),
            start,
            len,
        };
        Ok(Slice {
            source: Source::Disk(Arc::new(extent)),
            start: 0,
            len,
        })
    }
}

impl Drop for Extent {
    fn drop(&mut self) {
        use rustix::fs::{FallocateFlags, fallocate};
        // A file system that can't punch holes only costs disk until the sandbox ends.
        let _ = fallocate(
            &self.store.file,
            FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
            self.start,
            self.len,
        );
    }
}

impl Content {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts `other` behind.
    pub fn append(&mut self, other: &Self) {
        self.slices.extend(other.slices.iter().cloned());
        self.len += other.len;
    }

    /// The bytes from `start`, `len` of them or as many as there are.
    pub fn cut(&self, start: u64, len: u64) -> Self {
        let mut out = Self::default();
        let (mut skip, mut left) = (start, len);
        for slice in &self.slices {
            if left == 0 {
                break;
            }
            if skip >= slice.len {
                skip -= slice.len;
                continue;
            }
            let take = (slice.len - skip).min(left);
            out.slices.push(Slice {
                source: slice.source.clone(),
                start: slice.start + skip,
                len: take,
            });
            out.len += take;
            left -= take;
            skip = 0;
        }
        out
    }

    /// Reads up to `max` bytes from `start`; empty at the end.
    ///
    /// # Errors
    /// When the temporary file can't be read.
    pub fn read(&self, start: u64, max: usize) -> io::Result<Bytes> {
        let part = self.cut(start, max as u64);
        if let [
            Slice {
                source: Source::Memory(bytes),
                start,
                len,
            },
        ] = part.slices.as_slice()
        {
            let from = usize::try_from(*start).map_err(io::Error::other)?;
            let len = usize::try_from(*len).map_err(io::Error::other)?;
            return Ok(bytes.slice(from..from + len));
        }
        let mut out = BytesMut::zeroed(usize::try_from(part.len).map_err(io::Error::other)?);
        let mut at = 0;
        for slice in &part.slices {
            let len = usize::try_from(slice.len).map_err(io::Error::other)?;
            let target = &mut out[at..at + len];
            match &slice.source {
                Source::Memory(bytes) => {
                    let from = usize::try_from(slice.start).map_err(io::Error::other)?;
                    target.copy_from_slice(&bytes[from..from + len]);
                }
                Source::Disk(extent) => {
                    extent
                        .store
                        .file
                        .read_exact_at(target, extent.start + slice.start)?;
                }
            }
            at += len;
        }
        Ok(out.freeze())
    }

    /// All bytes at once; for tests and small things.
    ///
    /// # Errors
    /// When the temporary file can't be read.
    pub fn read_all(&self) -> io::Result<Bytes> {
        self.read(0, usize::try_from(self.len).map_err(io::Error::other)?)
    }

    /// Hashes the bytes anew.
    ///
    /// # Errors
    /// When the temporary file can't be read.
    pub fn digests(&self) -> io::Result<Vec<BlockDigest>> {
        let mut hasher = BlockHasher::default();
        let mut at = 0;
        while at < self.len {
            let piece = self.read(at, SPILL_BYTES)?;
            hasher.push(&piece);
            at += piece.len() as u64;
        }
        Ok(hasher.finish())
    }
}

impl Body {
    /// Makes a body of bytes in memory.
    ///
    /// # Errors
    /// When the temporary file can't be written.
    pub fn of(store: &Arc<Store>, bytes: &[u8]) -> io::Result<Self> {
        let mut receiver = Receiver::new(store);
        receiver.push(bytes)?;
        receiver.finish()
    }

    /// The body's content hash.
    pub fn hash(&self) -> String {
        combine(&self.digests)
    }

    /// The body cut into blocks with their digests, in order.
    pub fn blocks(&self) -> impl Iterator<Item = (Content, BlockDigest)> + '_ {
        self.digests
            .iter()
            .zip(0_u64..)
            .map(|(digest, index)| (self.content.cut(index * BLOCK_BYTES, BLOCK_BYTES), *digest))
    }
}

impl Receiver {
    /// Starts a body.
    pub fn new(store: &Arc<Store>) -> Self {
        Self {
            store: Arc::clone(store),
            content: Content::default(),
            waiting: BytesMut::new(),
            hasher: BlockHasher::default(),
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When the temporary file can't be written.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.push(bytes);
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= SPILL_BYTES {
            self.spill()
        } else {
            Ok(())
        }
    }

    /// Ends the body.
    ///
    /// # Errors
    /// When the temporary file can't be written.
    pub fn finish(mut self) -> io::Result<Body> {
        if self.content.is_empty() && self.waiting.len() <= MEMORY_BYTES {
            if !self.waiting.is_empty() {
                let bytes = self.waiting.split().freeze();
                let len = bytes.len() as u64;
                self.content.append(&Content {
                    slices: vec![Slice {
                        source: Source::Memory(bytes),
                        start: 0,
                        len,
                    }],
                    len,
                });
            }
        } else {
            self.spill()?;
        }
        Ok(Body {
            content: self.content,
            digests: self.hasher.finish(),
        })
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let slice = self.store.keep(&self.waiting)?;
        self.waiting.clear();
        let len = slice.len;
        self.content.append(&Content {
            slices: vec![slice],
            len,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_content_is_cut_and_read_like_small() {
        let store = Store::new(None).unwrap();
        let bytes: Vec<u8> = (0..3_000_000_u32)
            .map(|i| u8::try_from(i % 251).unwrap())
            .collect();
        let body = Body::of(&store, &bytes).unwrap();
        assert_eq!(body.content.len(), 3_000_000);
        assert_eq!(body.content.read_all().unwrap(), bytes);
        let part = body.content.cut(1_000_000, 1_500_000);
        assert_eq!(part.read_all().unwrap(), bytes[1_000_000..2_500_000]);
        assert_eq!(part.cut(7, 9).read_all().unwrap(), bytes[1_000_007..1_000_016]);
        assert_eq!(part.digests().unwrap().len(), 1);
        assert_eq!(body.digests, body.content.digests().unwrap());
    }
}
