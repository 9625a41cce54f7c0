//! A file on its way down: ranges of one pinned revision, over several connections if it is big, hashed as they arrive.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use shared::{
    api::files::{DOWNLOAD, PathArg},
    content_hash::{Assembly, BLOCK_BYTES, ContentHash, Hasher},
};

use super::{
    BigFile, Event, Halt, Listener, Memory, STREAM_BYTES, blocking, download::Problem, journal::Journal,
};
use crate::{
    dropbox::{Client, Error, NetworkError},
    local::Partial,
    tree::RemoteInfo,
};

/// Bytes of a range: a multiple of the block.
pub(super) const RANGE_BYTES: u64 = 4 * BLOCK_BYTES;
/// What a call's buffers take at least.
const CALL_BYTES: u64 = 64 * 1024;
/// Bytes gathered before they are hashed and written.
const WRITE_BYTES: usize = 256 * 1024;

/// A file on its way down.
pub(super) struct Down<'a> {
    pub client: &'a Client,
    pub remote: &'a RemoteInfo,
    pub size: u64,
    pub partial: &'a Partial,
    pub listener: &'a Listener,
    pub big: Option<Arc<BigFile>>,
    pub journal: Option<&'a Journal>,
    pub halt: &'a Halt,
    pub memory: &'a Memory,
}

impl Down<'_> {
    /// Brings all bytes to disk that aren't `there`; gives the hash of all.
    pub async fn fetch(&self, there: &HashMap<u64, Vec<[u8; 32]>>) -> Result<ContentHash, Problem> {
        let mut assembly = Assembly::new(self.size);
        let mut missing = Vec::new();
        for start in (0..self.size).step_by(usize::try_from(RANGE_BYTES).unwrap_or(usize::MAX)) {
            if self.halt.is_asked() {
                return Err(Problem::Halted);
            }
            let length = RANGE_BYTES.min(self.size - start);
            // The disk has the last word: a node that crashed may have noted more than it wrote.
            if let Some(noted) = there.get(&start) {
                let file = self.partial.file();
                let blocks = blocking(move || Partial::blocks(&file, start, length)).await;
                if blocks.as_ref() == Some(noted) {
                    assembly.place(start, noted);
                    self.moved(length);
                    continue;
                }
            }
            missing.push(start);
        }
        if !there.is_empty() {
            tracing::info!(
                "going on with a download: {} parts are there, {} to fetch",
                there.len(),
                missing.len()
            );
        }
        let assembly = Mutex::new(assembly);
        stream::iter(missing)
            .take_while(|_| std::future::ready(!self.halt.is_asked()))
            .map(|start| self.range(start, &assembly))
            .buffer_unordered(self.client.pace().most())
            .try_collect::<Vec<()>>()
            .await?;
        let assembly = assembly
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match assembly.finish() {
            Some(hash) => Ok(hash),
            None if self.halt.is_asked() => Err(Problem::Halted),
            None => Err(Problem::Wrong("a part of it is missing")),
        }
    }

    fn moved(&self, bytes: u64) {
        (self.listener)(Event::Moved {
            bytes,
            of: self.big.clone(),
        });
    }

    /// Brings one range to disk. A connection that breaks is taken up again where it broke.
    async fn range(&self, start: u64, assembly: &Mutex<Assembly>) -> Result<(), Problem> {
        let end = self.size.min(start + RANGE_BYTES);
        let _memory = self.memory.take(STREAM_BYTES.min(end - start + CALL_BYTES)).await;
        let file = self.partial.file();
        let mut hasher = Hasher::new();
        let mut at = start;
        let mut tries = self.client.tries_of_a_call();
        while at < end {
            let before = at;
            let mut flush = |bytes: Bytes| -> io::Result<()> {
                tokio::task::block_in_place(|| {
                    hasher.update(&bytes);
                    Partial::write_at(&file, &bytes, at)
                })?;
                at += bytes.len() as u64;
                self.moved(bytes.len() as u64);
                Ok(())
            };
            let error = match self.stream(before, end, &mut flush).await {
                Ok(()) => continue,
                Err(Problem::Dropbox(error)) => error,
                Err(other) => return Err(other),
            };
            if at > before {
                tries = self.client.tries_of_a_call(); // it moved on
            }
            let Some(wait) = tries.wait_after(&error) else {
                return Err(error.into());
            };
            tokio::time::sleep(wait).await;
        }
        let blocks = hasher.into_blocks();
        assembly
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .place(start, &blocks);
        if let Some(journal) = self.journal {
            journal.note(start, &blocks);
        }
        Ok(())
    }

    /// Streams `from..end` to `flush`, once.
    async fn stream(
        &self,
        from: u64,
        end: u64,
        flush: &mut impl FnMut(Bytes) -> io::Result<()>,
    ) -> Result<(), Problem> {
        let Self {
            client, remote, size, ..
        } = *self;
        let whole = from == 0 && end == size;
        let arg = PathArg {
            path: format!("rev:{}", remote.rev),
        };
        let mut download = client
            .download(&DOWNLOAD, &arg, (!whole).then_some((from, end - 1)))
            .await?;
        if download.answer.rev != remote.rev || download.answer.size != size {
            return Err(Problem::Wrong("another revision came than was asked for"));
        }
        if !whole && !download.partial {
            return Err(Problem::Dropbox(Error::NotDropbox(
                "the range was ignored".into(),
            )));
        }
        let mut left = end - from;
        let mut gathered = BytesMut::new();
        let broken = loop {
            let chunk = match download.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            left = left
                .checked_sub(chunk.len() as u64)
                .ok_or_else(|| Error::NotDropbox("more bytes came than the file has".into()))?;
            gathered.extend_from_slice(&chunk);
            if gathered.len() >= WRITE_BYTES {
                flush(gathered.split().freeze())?;
            }
        };
        // What came before a connection broke is kept.
        if !gathered.is_empty() {
            flush(gathered.freeze())?;
        }
        if let Some(error) = broken {
            return Err(error.into());
        }
        if left > 0 {
            let broken = NetworkError::Broken {
                host: "Dropbox".into(),
                reason: format!("{left} bytes were missing at the end"),
            };
            return Err(Problem::Dropbox(Error::Network(broken)));
        }
        Ok(())
    }
}
