//! Digests of a file whose chunks are read side by side: each waits for its turn to be read, not to be sent.

use std::{
    io,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use engine::digest::{Algorithm, Digester, Digests};
use parking_lot::Mutex;
use shared::content_hash::ContentHash;
use tokio::sync::watch;

use crate::{blocking::blocking, local::Source};

/// The digests of one file, as far as it was read.
pub(super) struct InTurn {
    digester: Mutex<Digester>,
    /// The offset of the next byte.
    next: watch::Sender<u64>,
    /// Whether a part was read again, so that the digests may be of other bytes than those that were sent.
    is_spoiled: AtomicBool,
}

impl InTurn {
    /// Returns one for a file that isn't read yet. `None` if no digests are wanted.
    pub(super) fn new(algorithms: &[Algorithm]) -> Option<Self> {
        let digester = Digester::new(algorithms);
        (!digester.is_idle()).then(|| Self {
            digester: Mutex::new(digester),
            next: watch::Sender::new(0),
            is_spoiled: AtomicBool::new(false),
        })
    }

    /// Reads the chunk at `chunk` once everything before `from` was read, and what is between the two. Returns the digests of
    /// the chunk's blocks.
    ///
    /// # Errors
    /// When it can't be read, or changed.
    pub(super) async fn scan(
        &self,
        source: &Source,
        from: u64,
        chunk: Range<u64>,
    ) -> io::Result<Vec<[u8; 32]>> {
        let mut next = self.next.subscribe();
        let _ = next.wait_for(|next| *next == from).await; // the sender is part of this
        let mut digester = std::mem::take(&mut *self.digester.lock());
        let (reader, end) = (source.clone(), chunk.end);
        let read = move || {
            reader.scan(from, chunk.start - from, |bytes| digester.update(bytes))?;
            let blocks = reader.scan(chunk.start, chunk.end - chunk.start, |bytes| {
                digester.update(bytes)
            })?;
            Ok::<_, io::Error>((blocks, digester))
        };
        let (blocks, digester) = blocking(read).await?;
        *self.digester.lock() = digester;
        self.next.send_replace(end);
        Ok(blocks)
    }

    /// Notes that a part of the file is read again.
    pub(super) fn spoil(&self) {
        self.is_spoiled.store(true, Ordering::Relaxed);
    }

    /// Returns the digests of the file, all of which was read. If a part was read twice, all is read again: it has to have the
    /// content that was sent.
    ///
    /// # Errors
    /// When it can't be read again, or has other content.
    pub(super) async fn finish(
        self,
        source: &Source,
        algorithms: &[Algorithm],
        hash: ContentHash,
    ) -> io::Result<Digests> {
        if !self.is_spoiled.into_inner() {
            return Ok(self.digester.into_inner().finish());
        }
        let (reader, mut digester) = (source.clone(), Digester::new(algorithms));
        let read = move || {
            let blocks = reader.scan(0, reader.info.size_bytes, |bytes| digester.update(bytes))?;
            Ok::<_, io::Error>((ContentHash::of_blocks(&blocks), digester.finish()))
        };
        match blocking(read).await? {
            (there, digests) if there == hash => Ok(digests),
            _ => Err(io::Error::other(engine::error::Changed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use engine::digest::digests_of;
    use shared::content_hash::BLOCK_BYTES;

    use super::*;

    const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

    fn file() -> (tempfile::TempDir, Source, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..2 * BLOCK_BYTES + 77).map(|n| (n % 251) as u8).collect();
        fs::write(directory.path().join("x"), &bytes).unwrap();
        let source = Source::open(&directory.path().join("x")).unwrap();
        (directory, source, bytes)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn chunks_that_begin_in_any_order_are_read_in_turn() {
        let (_directory, source, bytes) = file();
        let turns = InTurn::new(&ALGORITHMS).unwrap();
        let (size, block) = (bytes.len() as u64, BLOCK_BYTES);
        // The second block is in Dropbox already: only its digests are missing.
        let last = turns.scan(&source, block, 2 * block..size);
        let first = turns.scan(&source, 0, 0..block);
        let (last, first) = tokio::join!(last, first);
        let mut blocks = first.unwrap();
        blocks.extend(last.unwrap());
        assert_eq!(blocks.len(), 2);
        let digests = turns.finish(&source, &ALGORITHMS, ContentHash::of(&bytes)).await;
        assert_eq!(digests.unwrap(), digests_of(&bytes, &ALGORITHMS));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_read_twice_is_digested_anew() {
        let (_directory, source, bytes) = file();
        let turns = InTurn::new(&ALGORITHMS).unwrap();
        turns.spoil();
        let digests = turns.finish(&source, &ALGORITHMS, ContentHash::of(&bytes)).await;
        assert_eq!(digests.unwrap(), digests_of(&bytes, &ALGORITHMS));
        let turns = InTurn::new(&ALGORITHMS).unwrap();
        turns.spoil();
        assert!(
            turns
                .finish(&source, &ALGORITHMS, ContentHash::of(b"other"))
                .await
                .is_err()
        );
    }
}
