//! A stream of unknown length, cut into chunks of whole blocks that are hashed as they are read.

use std::{
    io::{self, Read},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use shared::content_hash::{BLOCK_BYTES, Hasher};

use crate::blocking::blocking;

/// What is read, such as the standard input.
pub type Input = Box<dyn Read + Send>;

/// Chunks of an input, in their order.
pub(crate) struct Chunks {
    /// `None` while a chunk is read, and after an error.
    input: Option<Input>,
    at: u64,
    chunk_bytes: u64,
    pool: Pool,
}

/// Memory of chunks that have arrived, for those that follow: given back, it would come again from elsewhere, thread by thread.
#[derive(Clone, Default)]
struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

/// The memory of a chunk.
struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    pool: Pool,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.0.lock().push(std::mem::take(&mut self.bytes));
    }
}

/// A part of an input.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Number of bytes before it.
    pub(crate) offset: u64,
    /// Its bytes: as many as a chunk has, or fewer in the last one, which may be empty.
    pub(crate) bytes: Bytes,
    /// The digests of its blocks.
    pub(crate) blocks: Vec<[u8; 32]>,
    /// Whether the input ends with it.
    pub(crate) is_last: bool,
}

impl Chunk {
    /// Returns the number of bytes up to its end.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

impl Chunks {
    /// Cuts `input` into chunks of this many whole blocks.
    pub(crate) fn new(input: Input, blocks: u64) -> Self {
        Self {
            input: Some(input),
            at: 0,
            chunk_bytes: blocks.max(1) * BLOCK_BYTES,
            pool: Pool::default(),
        }
    }

    /// Reads the next chunk, on a thread that may wait. Must not be called again after the last one.
    ///
    /// # Errors
    /// When the input can't be read.
    pub(crate) async fn next(&mut self) -> io::Result<Chunk> {
        let mut input = self
            .input
            .take()
            .ok_or_else(|| io::Error::other("the input has ended"))?;
        let (offset, length, pool) = (self.at, self.chunk_bytes, self.pool.clone());
        let (input, chunk) = blocking(move || {
            let chunk = read(&mut input, (offset, length), pool);
            (input, chunk)
        })
        .await;
        let chunk = chunk?;
        self.input = Some(input);
        self.at = chunk.end();
        Ok(chunk)
    }
}

fn read(input: &mut Input, (offset, length): (u64, u64), pool: Pool) -> io::Result<Chunk> {
    let used = pool.0.lock().pop();
    let mut bytes = used.unwrap_or_else(|| vec![0; usize::try_from(length).unwrap_or(usize::MAX)]);
    let (mut filled, mut is_last) = (0, false);
    while filled < bytes.len() && !is_last {
        match input.read(&mut bytes[filled..]) {
            Ok(0) => is_last = true,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut hasher = Hasher::new();
    hasher.update(&bytes[..filled]);
    Ok(Chunk {
        offset,
        bytes: Bytes::from_owner(Buffer { bytes, filled, pool }),
        blocks: hasher.into_blocks(),
        is_last,
    })
}

#[cfg(test)]
mod tests {
    use shared::content_hash::ContentHash;

    use super::*;

    /// Hands out a few bytes at a time, as a pipe does.
    struct Drops(io::Cursor<Vec<u8>>, usize);

    impl Read for Drops {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            self.0.read(&mut buffer[..count])
        }
    }

    #[tokio::test]
    async fn chunks_are_whole_and_the_last_one_is_what_is_left() {
        let block = usize::try_from(BLOCK_BYTES).unwrap();
        for (size, lengths) in [
            (0, vec![0]),
            (1, vec![1]),
            (block - 1, vec![block - 1]),
            (block, vec![block, 0]),
            (2 * block + 7, vec![block, block, 7]),
        ] {
            let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let input = Drops(io::Cursor::new(content.clone()), 300_000);
            let mut chunks = Chunks::new(Box::new(input), 1);
            let (mut found, mut blocks, mut joined) = (Vec::new(), Vec::new(), Vec::new());
            loop {
                let chunk = chunks.next().await.unwrap();
                assert_eq!(chunk.offset, joined.len() as u64);
                found.push(chunk.bytes.len());
                blocks.extend_from_slice(&chunk.blocks);
                joined.extend_from_slice(&chunk.bytes);
                if chunk.is_last {
                    break;
                }
            }
            assert_eq!(found, lengths, "{size}");
            assert!(joined == content);
            assert_eq!(ContentHash::of_blocks(&blocks), ContentHash::of(&content));
        }
    }

    #[tokio::test]
    async fn an_input_that_fails_gives_no_more() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let mut chunks = Chunks::new(Box::new(Broken), 1);
        assert_eq!(chunks.next().await.unwrap_err().to_string(), "gone");
        assert!(chunks.next().await.is_err());
    }
}
