//! Downloads one file: ranges of one pinned revision, over several connections if it is big, hashed as they arrive.
//!
//! What has arrived is recorded when a range is complete, for a slow one block by block, and to the last byte when the run is
//! stopped or a range fails.

use std::{
    fs::File,
    io,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use shared::content_hash::{Assembly, BLOCK_BYTES, ContentHash, Hasher};

use dropbox::Client;
use engine::{
    digest::{Algorithm, Digests},
    entry::Version,
    plan::StepId,
    run::Run,
};

use super::{
    arrival::Problem,
    content::{Content, Wanted},
    in_order::{InOrder, read},
};
use crate::{
    blocking::blocking,
    dropbox::journal::{Journal, Known},
    local::Partial,
    memory::{Memory, STREAM_BYTES},
};

/// Size of a range in bytes: a multiple of the block.
pub(super) const RANGE_BYTES: u64 = 4 * BLOCK_BYTES;
/// Minimum size of a call's buffers in bytes.
const CALL_BYTES: u64 = 64 * 1024;
/// Number of bytes gathered before they are hashed and written.
const WRITE_BYTES: usize = 256 * 1024;

/// A range that takes longer than this is recorded block by block: a killed run loses this much work, or one block.
const RECORD_PERIOD: Duration = Duration::from_secs(2);

/// The part of a range that is on disk already: whole blocks, and the hash of the bytes after them.
#[derive(Default)]
struct Begun {
    blocks: Vec<[u8; 32]>,
    rest: Hasher,
    rest_bytes: u64,
}

impl Begun {
    fn bytes(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK_BYTES + self.rest_bytes
    }

    /// Compares what was recorded of the `length` bytes from `start` on with what is on disk, which decides: a node that
    /// crashed may have recorded more than it wrote.
    fn find(file: &File, known: &Known, start: u64, length: u64) -> Self {
        let noted = known.run(start, length.div_ceil(BLOCK_BYTES));
        let mut begun = Self::default();
        for digest in noted {
            let at = begun.bytes();
            let block = BLOCK_BYTES.min(length - at);
            if Partial::blocks(file, start + at, block).as_deref() != Some(&[digest]) {
                return begun;
            }
            begun.blocks.push(digest);
            if begun.blocks.len() as u64 == length.div_ceil(BLOCK_BYTES) {
                return begun;
            }
        }
        let at = begun.bytes();
        if let Some((bytes, digest)) = known.parts.get(&(start + at))
            && *bytes < BLOCK_BYTES.min(length - at)
        {
            let mut rest = Hasher::new();
            let is_read = read(file, start + at, *bytes, |bytes| rest.update(bytes)).is_ok();
            if is_read && rest.part() == (*bytes, *digest) {
                (begun.rest, begun.rest_bytes) = (rest, *bytes);
            }
        }
        begun
    }
}

/// A file being downloaded.
pub(super) struct Down<'a> {
    pub client: &'a Client,
    pub content: Content<'a>,
    /// The path below the source.
    pub path: &'a str,
    pub version: &'a Version,
    pub size: u64,
    pub partial: &'a Partial,
    pub run: &'a Run,
    /// Whose bytes are reported to move.
    pub reported: Option<StepId>,
    pub journal: Option<&'a Journal>,
    pub memory: &'a Memory,
    /// The digests that are wanted.
    pub digests: &'a [Algorithm],
}

impl Down<'_> {
    /// Writes all bytes to disk that aren't `known` to be there. Returns the hash and the digests of all.
    pub(super) async fn fetch(&self, known: Option<Known>) -> Result<(ContentHash, Digests), Problem> {
        let known = Arc::new(known.unwrap_or_default());
        let is_resumed = !known.blocks.is_empty() || !known.parts.is_empty();
        let (mut assembly, digests) = (Assembly::new(self.size), InOrder::new(self.digests));
        let (mut missing, mut whole) = (Vec::new(), 0);
        for start in (0..self.size).step_by(usize::try_from(RANGE_BYTES).unwrap_or(usize::MAX)) {
            if self.run.shutdown().is_requested() {
                return Err(Problem::Halted);
            }
            let length = RANGE_BYTES.min(self.size - start);
            let begun = if is_resumed {
                let (file, known) = (self.partial.file(), Arc::clone(&known));
                blocking(move || Begun::find(&file, &known, start, length)).await
            } else {
                Begun::default()
            };
            self.moved(begun.bytes().min(length));
            assembly.place(start, &begun.blocks);
            if begun.bytes() >= length {
                self.arrived(digests.as_ref(), start..start + length)?;
                whole += 1;
            } else {
                missing.push((start, begun));
            }
        }
        if is_resumed {
            tracing::info!(
                "continuing a download: {whole} of {} parts are on disk",
                whole + missing.len()
            );
        }
        let assembly = Mutex::new(assembly);
        stream::iter(missing)
            .take_while(|_| std::future::ready(!self.run.shutdown().is_requested()))
            .map(|(start, begun)| self.range(start, begun, &assembly, digests.as_ref()))
            .buffer_unordered(self.client.max_calls())
            .try_collect::<Vec<()>>()
            .await?;
        let assembly = assembly.into_inner();
        match assembly.finish() {
            Some(hash) => Ok((hash, digests.map(InOrder::finish).unwrap_or_default())),
            None if self.run.shutdown().is_requested() => Err(Problem::Halted),
            None => Err(Problem::Wrong("a part of it is missing")),
        }
    }

    fn moved(&self, bytes: u64) {
        self.run.moved(self.reported, bytes);
    }

    /// Hands a range that is on disk to the digests, if any are wanted.
    fn arrived(&self, digests: Option<&InOrder>, range: Range<u64>) -> io::Result<()> {
        match digests {
            Some(digests) => tokio::task::block_in_place(|| digests.arrived(&self.partial.file(), range)),
            None => Ok(()),
        }
    }

    /// Writes one range to disk.
    async fn range(
        &self,
        start: u64,
        begun: Begun,
        assembly: &Mutex<Assembly>,
        digests: Option<&InOrder>,
    ) -> Result<(), Problem> {
        let end = self.size.min(start + RANGE_BYTES);
        let _memory = self.memory.take(STREAM_BYTES.min(end - start + CALL_BYTES)).await;
        let mut writing = Writing {
            down: self,
            file: self.partial.file(),
            at: start + begun.bytes(),
            first: start + begun.blocks.len() as u64 * BLOCK_BYTES,
            hasher: begun.rest,
            digests,
            noted: 0,
            noted_at: Instant::now(),
        };
        self.write_to(end, &mut writing).await?;
        let (first, noted) = (writing.first, std::mem::take(&mut writing.noted));
        let blocks = std::mem::take(&mut writing.hasher).into_blocks();
        assembly.lock().place(first, &blocks);
        if let Some(journal) = self.journal {
            journal.note(first + noted as u64 * BLOCK_BYTES, &blocks[noted..]);
        }
        self.arrived(digests, start..end)?;
        Ok(())
    }

    /// Writes what is missing up to `end`. What arrived before it failed, or the run was stopped, is written too.
    async fn write_to(&self, end: u64, writing: &mut Writing<'_>) -> Result<(), Problem> {
        let file = Wanted {
            path: self.path,
            rev: &self.version.id,
        };
        let mut reader = self.content.read(self.client, file, self.size, writing.at..end);
        let mut gathered = BytesMut::new();
        let ended = loop {
            let next = tokio::select! {
                next = reader.chunk() => next,
                () = self.halted() => break Err(Problem::Halted),
            };
            match next {
                Ok(Some(chunk)) => gathered.extend_from_slice(&chunk),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
            if gathered.len() >= WRITE_BYTES {
                writing.flush(&gathered.split().freeze())?;
            }
        };
        if !gathered.is_empty() {
            writing.flush(&gathered.freeze())?;
        }
        ended
    }

    /// Completes when the run is stopped, if what has arrived is kept.
    async fn halted(&self) {
        match self.journal {
            Some(_) => self.run.shutdown().requested().await,
            None => std::future::pending().await,
        }
    }
}

/// The bytes of a range being written to disk. What is there is recorded, however it ends.
struct Writing<'a> {
    down: &'a Down<'a>,
    file: Arc<File>,
    /// The offset of the next bytes.
    at: u64,
    /// The offset of the first byte that the hasher has seen.
    first: u64,
    hasher: Hasher,
    digests: Option<&'a InOrder>,
    /// Number of the hasher's blocks that are recorded.
    noted: usize,
    noted_at: Instant,
}

impl Writing<'_> {
    fn flush(&mut self, bytes: &Bytes) -> io::Result<()> {
        tokio::task::block_in_place(|| {
            self.hasher.update(bytes);
            Partial::write_at(&self.file, bytes, self.at)?;
            if let Some(digests) = self.digests {
                digests.written(self.at, bytes);
            }
            Ok::<_, io::Error>(())
        })?;
        self.at += bytes.len() as u64;
        self.down.moved(bytes.len() as u64);
        if self.hasher.whole_blocks().len() > self.noted && self.noted_at.elapsed() >= RECORD_PERIOD {
            self.note();
        }
        Ok(())
    }

    /// Records the complete blocks.
    fn note(&mut self) {
        let new = &self.hasher.whole_blocks()[self.noted..];
        if let Some(journal) = self.down.journal.filter(|_| !new.is_empty()) {
            journal.note(self.first + self.noted as u64 * BLOCK_BYTES, new);
        }
        (self.noted, self.noted_at) = (self.hasher.whole_blocks().len(), Instant::now());
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.note();
        let (bytes, digest) = self.hasher.part();
        if let Some(journal) = self.down.journal.filter(|_| bytes > 0) {
            journal.note_part(self.first + self.noted as u64 * BLOCK_BYTES, bytes, &digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn only_what_is_on_disk_as_it_was_noted_is_not_fetched_again() {
        let bytes: Vec<u8> = (0..(9 << 20) + 7_u32).map(|n| (n % 251) as u8).collect();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        let digest = |from: usize, to: usize| {
            let mut hasher = Hasher::new();
            hasher.update(&bytes[from..to]);
            hasher.into_blocks()[0]
        };
        let block = 4 << 20;
        let mut known = Known::default();
        let begun = |known: &Known| Begun::find(&file, known, 0, bytes.len() as u64).bytes();
        assert_eq!(begun(&known), 0);
        known.parts.insert(0, (100, digest(0, 100)));
        assert_eq!(begun(&known), 100);
        known.parts.insert(0, (100, digest(0, 101)));
        assert_eq!(begun(&known), 0, "other bytes");
        known.blocks.insert(0, digest(0, block));
        assert_eq!(begun(&known), block as u64);
        known.parts.insert(block as u64, (5, digest(block, block + 5)));
        assert_eq!(begun(&known), block as u64 + 5);
        known
            .blocks
            .insert(2 * block as u64, digest(2 * block, bytes.len()));
        assert_eq!(begun(&known), block as u64 + 5, "there is a hole before it");
        known.blocks.insert(block as u64, digest(block, 2 * block));
        assert!(begun(&known) >= bytes.len() as u64, "all of it");
        file.write_all_at(b"x", 3).unwrap();
        assert_eq!(begun(&known), 0, "the disk has the last word");
    }
}
