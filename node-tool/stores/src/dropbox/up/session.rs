//! One big file over many connections: a concurrent session takes chunks of whole blocks in any order.
//!
//! The closing chunk is sent alone and last: chunks still in flight when a session is closed have been lost.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use shared::{
    api::files::{SessionAppendArg, SessionCursor},
    content_hash::{Assembly, BLOCK_BYTES, ContentHash},
};

use dropbox::{Error, Flow};
use engine::{digest::Digests, plan::StepId};
use tokio::sync::OnceCell;

use super::{
    cut::Open,
    in_turn::InTurn,
    sent::{Sent, place},
    sessions::append,
    small::unread,
    tools::Tools,
};
use crate::{
    blocking::blocking,
    dropbox::{
        convert::payload,
        item::{Item, is_damaged, is_lost, watch},
        journal::{self, Journal, Known},
    },
    local::Source,
    memory::STREAM_BYTES,
};

/// Approximate number of chunks of a file: enough for many connections, few enough calls.
const CHUNKS: u64 = 64;
/// Number of chunks at the start that differ in length, and of short ones at the end: about as many as there are connections.
const STAGGERED: u64 = 16;
/// Minimum and maximum size of a chunk in bytes: what a killed transfer may have to send again.
const CHUNK_BYTES: (u64, u64) = (2 * BLOCK_BYTES, 8 * BLOCK_BYTES);

/// Maximum number of times that a chunk is read again whose bytes didn't match their hash on arrival.
pub(super) const MAX_REREADS: u32 = 3;
/// Maximum number of times that a file is started again whose session Dropbox has lost.
const MAX_RESTARTS: u32 = 2;

/// Sends a file in chunks; it goes to the committer, or its failure is reported.
pub(super) async fn send_big(mut item: Item, tools: &Tools<'_>) {
    let mut source = match item.open_as_planned() {
        Ok(source) => source,
        Err(error) => return tools.outcomes.unread(item, error),
    };
    item.step.meta = source.info.clone();
    let big = item.reported();
    let open = match big.and(tools.options.state_dir.as_ref()) {
        Some(state) => {
            let state = state.transfers();
            journal::sweep(&state);
            let place = place(tools.client, &item.path(), &item.target()).await;
            Journal::open(&state, &place, &source.fingerprint())
        }
        None => None,
    };
    let (journal, mut known) = open.map_or((None, None), |(journal, known)| (Some(journal), known));
    let mut restarts = 0;
    let sent = loop {
        let sending = Sending {
            source: &source,
            big,
            journal: journal.as_ref(),
            tools,
        };
        match sending.chunks(known.take()).await {
            // The session is gone: send everything again.
            Err(error) if restarts < MAX_RESTARTS && is_lost(&error) => restarts += 1,
            sent => break sent,
        }
    };
    match sent {
        Ok(Some((session_id, hash, digests))) => {
            source.park();
            let sent = Sent {
                item,
                session_id,
                hash,
                digests,
                source,
                journal,
                timeless: false,
            };
            let _ = tools.sent.send(sent).await; // the committer outlives all senders
        }
        Ok(None) => {} // the next run continues it
        Err(error) => tools.outcomes.unsent(item, &error),
    }
}

/// Returns the chunks of a file, and the one that closes the session: where they begin and how long they are. Always the same for a
/// size, so that another run recognizes them.
///
/// The closing chunk is sent alone, so it is short: the last block. In a file of many chunks, the first ones differ in length,
/// so that connections don't all wait for their answers at once; the last ones are short, so that they end together. If the
/// size is a multiple of the block, the closing call carries no bytes, as in Dropbox's own example.
fn chunks(size_bytes: u64) -> (Vec<(u64, u64)>, (u64, u64)) {
    let even = (size_bytes / CHUNKS).next_multiple_of(BLOCK_BYTES);
    let even = even.clamp(CHUNK_BYTES.0, CHUNK_BYTES.1);
    let has_many = size_bytes / even >= 2 * STAGGERED;
    let end = if has_many {
        size_bytes / BLOCK_BYTES * BLOCK_BYTES
    } else {
        (size_bytes - 1) / BLOCK_BYTES * BLOCK_BYTES
    };
    let (mut at, mut chunks) = (0, Vec::new());
    while at < end {
        let number = chunks.len() as u64;
        let length = match has_many {
            true if number < STAGGERED => even * (1 + number % 4) / 4,
            true => even.min((end - at) / STAGGERED),
            false => even,
        };
        let length = length
            .next_multiple_of(BLOCK_BYTES)
            .max(BLOCK_BYTES)
            .min(end - at);
        chunks.push((at, length));
        at += length;
    }
    (chunks, (end, size_bytes - end))
}

/// Returns the digests of blocks that are known to have arrived, or how many bytes haven't.
type Run = Result<Vec<[u8; 32]>, u64>;

/// A chunk in runs of blocks, each with its offset.
fn known_runs(known: &Known, offset: u64, length: u64) -> Vec<(u64, Run)> {
    let (mut at, end, mut runs) = (offset, offset + length, Vec::new());
    while at < end {
        let there = known.run(at, (end - at) / BLOCK_BYTES);
        let count = if there.is_empty() {
            let next = known.blocks.range(at..end).map(|(at, _)| *at).next();
            let bytes = next.unwrap_or(end) - at;
            runs.push((at, Err(bytes)));
            bytes
        } else {
            let bytes = there.len() as u64 * BLOCK_BYTES;
            runs.push((at, Ok(there)));
            bytes
        };
        at += count;
    }
    runs
}

/// What of a file has to be sent.
#[derive(Clone, Copy)]
struct Missing {
    /// Everything between here and the chunk has arrived before.
    after: u64,
    /// The offset of the chunk.
    offset: u64,
    /// Its length in bytes.
    length: u64,
}

/// A chunk, as it was read for the digests of its file, if any are wanted.
struct Chunk<'a> {
    offset: u64,
    /// The turns, and the digests of its blocks. `None` means that it is read when it is sent.
    read: Option<(&'a InTurn, Vec<[u8; 32]>)>,
}

impl<'a> Chunk<'a> {
    async fn read(source: &Source, missing: Missing, turns: Option<&'a InTurn>) -> Result<Self, Error> {
        let Missing {
            after,
            offset,
            length,
        } = missing;
        let read = match turns {
            Some(turns) => {
                let blocks = turns.scan(source, after, offset..offset + length).await;
                Some((turns, blocks.map_err(unread)?))
            }
            None => None,
        };
        Ok(Self { offset, read })
    }

    /// Returns the digests of the blocks of a part of it, if it was read.
    fn blocks(&self, at: u64, length: u64) -> Option<Vec<[u8; 32]>> {
        let (_, blocks) = self.read.as_ref()?;
        let first = usize::try_from((at - self.offset) / BLOCK_BYTES).ok()?;
        let count = usize::try_from(length.div_ceil(BLOCK_BYTES)).ok()?;
        Some(blocks.get(first..first + count)?.to_vec())
    }

    /// Notes that a part of it is read again: what was digested may not be what is sent.
    fn reread(&self) {
        if let Some((turns, _)) = &self.read {
            turns.spoil();
        }
    }
}

/// A file being uploaded.
struct Sending<'a> {
    source: &'a Source,
    /// Whose bytes are reported to move.
    big: Option<StepId>,
    journal: Option<&'a Journal>,
    tools: &'a Tools<'a>,
}

impl Sending<'_> {
    /// Sends what isn't `known` to be there. Returns session, hash and digests. `None` if the run was stopped.
    async fn chunks(&self, known: Option<Known>) -> Result<Option<(String, ContentHash, Digests)>, Error> {
        let size = self.source.info.size_bytes;
        let mut known = known.unwrap_or_default();
        let session = OnceCell::new_with(Some(std::mem::take(&mut known.token)).filter(|id| !id.is_empty()));
        let (all, last) = chunks(size);
        let mut assembly = Assembly::new(size);
        let (count, mut after) = (all.len(), 0);
        let (mut missing, mut whole) = (Vec::new(), 0);
        for (offset, length) in all {
            let before = missing.len();
            for (at, blocks) in known_runs(&known, offset, length) {
                match blocks {
                    Ok(blocks) => {
                        assembly.place(at, &blocks);
                        self.moved(blocks.len() as u64 * BLOCK_BYTES);
                    }
                    Err(length) => {
                        missing.push(Missing {
                            after,
                            offset: at,
                            length,
                        });
                        after = at + length;
                    }
                }
            }
            whole += usize::from(missing.len() == before);
        }
        if !known.blocks.is_empty() {
            tracing::info!("continuing an upload: {whole} of {count} parts are there");
        }
        let turns = InTurn::new(&self.tools.options.digests);
        let mut sent = stream::iter(missing)
            .take_while(|_| std::future::ready(!self.tools.outcomes.run.is_over()))
            .map(|missing| self.parts(&session, missing, turns.as_ref()))
            .buffer_unordered(self.tools.client.max_calls());
        while let Some(parts) = sent.try_next().await? {
            for (offset, blocks) in parts {
                assembly.place(offset, &blocks);
            }
        }
        drop(sent);
        if self.tools.outcomes.run.is_over() {
            return Ok(None);
        }
        let missing = Missing {
            after,
            offset: last.0,
            length: last.1,
        };
        let read = Chunk::read(self.source, missing, turns.as_ref()).await?;
        let (offset, blocks) = self.chunk(&session, last.0, last.1, None, &read).await?;
        assembly.place(offset, &blocks);
        let hash = assembly
            .finish()
            .ok_or_else(|| Error::Source("a chunk was left out".into()))?;
        let session_id = session.get_or_try_init(|| self.start()).await?.clone();
        let digests = match turns {
            Some(turns) => {
                let digests = turns.finish(self.source, &self.tools.options.digests, hash);
                digests.await.map_err(unread)?
            }
            None => Digests::default(),
        };
        Ok(Some((session_id, hash, digests)))
    }

    /// Sends a chunk, in several calls if the link is slow. What has arrived is recorded at once; when the run is stopped, the
    /// rest is not sent.
    async fn parts(
        &self,
        session: &OnceCell<String>,
        missing: Missing,
        turns: Option<&InTurn>,
    ) -> Result<Vec<(u64, Vec<[u8; 32]>)>, Error> {
        let Missing { offset, length, .. } = missing;
        let read = Chunk::read(self.source, missing, turns).await?;
        let (mut at, end, mut sent) = (offset, offset + length, Vec::new());
        while at < end && (at == offset || !self.tools.outcomes.run.is_over()) {
            let part = self.tools.cut.length(end - at);
            let open = self.tools.cut.open(part);
            let too_late = async {
                self.tools.outcomes.run.shutdown().requested().await;
                if open.is_worth_waiting_for() {
                    std::future::pending::<()>().await;
                }
            };
            let (offset, blocks) = tokio::select! {
                done = self.chunk(session, at, part, Some(&open), &read) => done?,
                () = too_late => break,
            };
            open.answered();
            if let Some(journal) = self.journal {
                journal.note(offset, &blocks);
            }
            sent.push((offset, blocks));
            at += part;
        }
        Ok(sent)
    }

    async fn start(&self) -> Result<String, Error> {
        let session_id = self.tools.concurrent.one(self.tools.client).await?;
        if let Some(journal) = self.journal {
            journal.begin(&session_id);
        }
        Ok(session_id)
    }

    /// Sends a part of the file in one call. A part that isn't `open` closes the session.
    async fn chunk(
        &self,
        session: &OnceCell<String>,
        offset: u64,
        length: u64,
        open: Option<&Open<'_>>,
        read: &Chunk<'_>,
    ) -> Result<(u64, Vec<[u8; 32]>), Error> {
        let mut known = read.blocks(offset, length);
        for _ in 0..MAX_REREADS {
            match self.piece_once(session, offset, length, open, known.take()).await {
                Err(error) if is_damaged(&error) => read.reread(),
                sent => return sent,
            }
        }
        self.piece_once(session, offset, length, open, None).await
    }

    async fn piece_once(
        &self,
        session: &OnceCell<String>,
        offset: u64,
        length: u64,
        open: Option<&Open<'_>>,
        known: Option<Vec<[u8; 32]>>,
    ) -> Result<(u64, Vec<[u8; 32]>), Error> {
        let close = open.is_none();
        let _memory = self.tools.memory.take(STREAM_BYTES).await;
        let reader = self.source.clone();
        let scanned = async {
            match known {
                Some(blocks) => Ok(blocks),
                None => blocking(move || reader.scan(offset, length, |_| {}))
                    .await
                    .map_err(unread),
            }
        };
        // The first chunks are read while the session is started.
        let (blocks, session_id) = tokio::try_join!(scanned, session.get_or_try_init(|| self.start()))?;
        let payload = payload(length, self.source.reader(offset));
        let (report, counted) = (watch(self.tools.outcomes.run, self.big), open.map(Open::sent));
        let payload = payload.watched(Arc::new(move |flow| {
            if let (Flow::Sent(bytes), Some(counted)) = (flow, &counted) {
                counted(bytes);
            }
            report(flow);
        }));
        let arg = SessionAppendArg {
            cursor: SessionCursor {
                session_id: session_id.clone(),
                offset,
            },
            close,
            content_hash: Some(ContentHash::of_blocks(&blocks)),
        };
        if append(self.tools.client, &arg, &payload).await? {
            self.moved(length);
        }
        Ok((offset, blocks))
    }

    fn moved(&self, bytes: u64) {
        self.tools.outcomes.run.moved(self.big, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_of_a_piece_is_not_sent_again() {
        let block = BLOCK_BYTES;
        let mut known = Known::default();
        let shape = |known: &Known| -> Vec<(u64, bool, u64)> {
            let runs = known_runs(known, 2 * block, 4 * block).into_iter();
            runs.map(|(at, run)| match run {
                Ok(blocks) => (at / block, true, blocks.len() as u64),
                Err(bytes) => (at / block, false, bytes / block),
            })
            .collect()
        };
        assert_eq!(shape(&known), [(2, false, 4)]);
        known.blocks.insert(3 * block, [1; 32]);
        assert_eq!(shape(&known), [(2, false, 1), (3, true, 1), (4, false, 2)]);
        known.blocks.insert(2 * block, [1; 32]);
        known.blocks.insert(5 * block, [1; 32]);
        known.blocks.insert(9 * block, [1; 32]);
        assert_eq!(shape(&known), [(2, true, 2), (4, false, 1), (5, true, 1)]);
        known.blocks.insert(4 * block, [1; 32]);
        assert_eq!(shape(&known), [(2, true, 4)]);
    }

    #[test]
    fn chunks_cover_a_file_in_whole_blocks() {
        for size in [
            (16 << 20) + 1,
            100 << 20,
            (17 << 20) + 3,
            (1 << 30) - 1,
            1 << 30,
            (1 << 30) + 5,
            1 << 40,
        ] {
            let (chunks, last) = chunks(size);
            let mut at = 0;
            for (offset, length) in &chunks {
                assert_eq!(*offset, at, "{size}");
                assert!(*length > 0 && length % BLOCK_BYTES == 0, "{size}");
                assert!(*length <= CHUNK_BYTES.1, "{size}");
                at += length;
            }
            assert_eq!(last.0, at, "{size}");
            assert_eq!(at + last.1, size, "{size}");
            assert!(last.1 <= BLOCK_BYTES, "{size}");
        }
        assert!(
            (60..100).contains(&chunks(1 << 30).0.len()),
            "{}",
            chunks(1 << 30).0.len()
        );
    }
}
