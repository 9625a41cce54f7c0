//! One big file over many connections: a concurrent session takes pieces of whole blocks in any order.
//!
//! The closing piece goes alone and last: pieces still under way when a session is closed have been lost.

use std::{collections::HashMap, io, path::Path, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use shared::{
    api::files::{
        SESSION_APPEND, SESSION_START, SessionAppendArg, SessionCursor, SessionStartArg, SessionType,
    },
    content_hash::{Assembly, BLOCK_BYTES, ContentHash},
};

use super::{
    BigFile, Event,
    commit::{Sent, fail},
    journal::{self, Journal, Known},
    small::{Item, Tools, open},
};
use crate::{
    dropbox::{Client, DropboxPath, Error, Payload},
    local::Source,
};

/// Bytes of a piece: a multiple of the block.
const PIECE_BYTES: u64 = 2 * BLOCK_BYTES;

/// So often a file is begun anew whose session Dropbox has lost.
const RESTARTS: u32 = 2;

/// Sends a file in pieces; it goes to the committer, or its failure is told.
pub(super) async fn send_big(client: &Client, (mut action, target, path): Item, tools: &Tools<'_>) {
    let source = match open(&action, &path) {
        Ok(source) => source,
        Err(error) => return fail(tools.listener, &action, error.to_string(), None),
    };
    action.source = source.info.clone();
    let big = BigFile::of(&action);
    let open = big.as_ref().and(tools.state).and_then(|state| {
        journal::sweep(state);
        Journal::open(state, &place(client, &path, &target), &source.fingerprint())
    });
    let (journal, mut known) = open.map_or((None, None), |(journal, known)| (Some(journal), known));
    let mut restarts = 0;
    let sent = loop {
        let sending = Sending {
            client,
            source: &source,
            big: big.as_ref(),
            journal: journal.as_ref(),
            tools,
        };
        match sending.pieces(known.take()).await {
            // The session is gone: all of it is sent anew.
            Err(error) if restarts < RESTARTS && is_lost(&error) => restarts += 1,
            sent => break sent,
        }
    };
    match sent {
        Ok((session_id, hash)) => {
            let _ = tools.sent.send(Sent {
                action,
                target,
                session_id,
                hash,
                source,
                journal,
            }); // the committer outlives all senders
        }
        Err(error) => fail(tools.listener, &action, error.to_string(), Some(error)),
    }
}

fn is_lost(error: &Error) -> bool {
    let is_gone = |e: &shared::api::error::RouteError| {
        ["not_found", "incorrect_offset", "closed"]
            .iter()
            .any(|tag| e.has(tag))
    };
    error.route().is_some_and(is_gone)
}

/// From where to where.
fn place(client: &Client, path: &Path, target: &DropboxPath) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("up\n{}\n{}\n{}", client.remote(), target.as_str(), path.display())
}

/// A file on its way up.
struct Sending<'a> {
    client: &'a Client,
    source: &'a Source,
    big: Option<&'a Arc<BigFile>>,
    journal: Option<&'a Journal>,
    tools: &'a Tools<'a>,
}

impl Sending<'_> {
    /// Sends what isn't `known` to be there; gives session and hash.
    async fn pieces(&self, known: Option<Known>) -> Result<(String, ContentHash), Error> {
        let size = self.source.info.size_bytes;
        let (session_id, there) = match known {
            Some(known) => (known.token, known.pieces),
            None => (self.start().await?, HashMap::new()),
        };
        let last = (size - 1) / PIECE_BYTES * PIECE_BYTES;
        let mut assembly = Assembly::new(size);
        let mut missing = Vec::new();
        for offset in (0..last).step_by(usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX)) {
            match there
                .get(&offset)
                .filter(|blocks| blocks.len() as u64 == PIECE_BYTES / BLOCK_BYTES)
            {
                Some(blocks) => {
                    assembly.place(offset, blocks);
                    self.moved(PIECE_BYTES);
                }
                None => missing.push(offset),
            }
        }
        if !there.is_empty() {
            tracing::info!(
                "going on with an upload: {} pieces are there, {} to send",
                there.len(),
                missing.len() + 1
            );
        }
        let mut sent = stream::iter(missing)
            .map(|offset| self.piece(&session_id, offset, false))
            .buffer_unordered(self.client.pace().most());
        while let Some((offset, blocks)) = sent.try_next().await? {
            assembly.place(offset, &blocks);
            if let Some(journal) = self.journal {
                journal.note(offset, &blocks);
            }
        }
        drop(sent);
        let (offset, blocks) = self.piece(&session_id, last, true).await?;
        assembly.place(offset, &blocks);
        let hash = assembly
            .finish()
            .ok_or_else(|| Error::Source("a piece was left out".into()))?;
        Ok((session_id, hash))
    }

    async fn start(&self) -> Result<String, Error> {
        let arg = SessionStartArg {
            session_type: Some(SessionType::Concurrent),
            ..SessionStartArg::default()
        };
        let started = self
            .client
            .upload(&SESSION_START, &arg, &Payload::empty())
            .await?;
        if let Some(journal) = self.journal {
            journal.begin(&started.session_id);
        }
        Ok(started.session_id)
    }

    async fn piece(&self, session_id: &str, offset: u64, close: bool) -> Result<(u64, Vec<[u8; 32]>), Error> {
        let (length, blocks) =
            send_piece(self.client, self.source, session_id, offset, close, self.tools).await?;
        self.moved(length);
        Ok((offset, blocks))
    }

    fn moved(&self, bytes: u64) {
        (self.tools.listener)(Event::Moved {
            bytes,
            of: self.big.cloned(),
        });
    }
}

async fn send_piece(
    client: &Client,
    source: &Source,
    session_id: &str,
    offset: u64,
    close: bool,
    tools: &Tools<'_>,
) -> Result<(u64, Vec<[u8; 32]>), Error> {
    let length = PIECE_BYTES.min(source.info.size_bytes - offset);
    let _memory = tools.memory.take(length).await;
    let reader = source.clone();
    let read = tokio::task::spawn_blocking(move || reader.read(offset, length)).await;
    let (chunks, blocks) = read
        .map_err(|e| Error::Source(e.to_string()))?
        .map_err(|e| Error::Source(e.to_string()))?;

    let (reader, expected) = (source.clone(), blocks.clone());
    let payload = Payload::streamed(chunks, move || {
        let (chunks, blocks) = reader.read(offset, length)?;
        if blocks == expected {
            Ok(chunks)
        } else {
            Err(io::Error::other(crate::local::Changed))
        }
    });
    let arg = SessionAppendArg {
        cursor: SessionCursor {
            session_id: session_id.to_owned(),
            offset,
        },
        close,
        content_hash: Some(ContentHash::of_blocks(&blocks)),
    };
    match client.upload(&SESSION_APPEND, &arg, &payload).await {
        Ok(_) => {}
        // A try whose answer was lost had arrived. The commit's hash tells if it was something else.
        Err(Error::Route(e)) if close && e.has("closed") => {}
        Err(Error::Route(e)) if e.correct_offset().is_some_and(|at| at >= offset + length) => {}
        Err(error) => return Err(error),
    }
    Ok((length, blocks))
}
