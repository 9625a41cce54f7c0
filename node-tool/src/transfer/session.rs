//! One big file over many connections: a concurrent session takes pieces of whole blocks in any order.
//!
//! The closing piece goes alone and last: pieces still under way when a session is closed have been lost.

use std::{io, sync::Arc};

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
    small::{Item, Tools, open},
};
use crate::{
    dropbox::{Client, Error, Payload},
    local::Source,
};

/// Bytes of a piece: a multiple of the block.
const PIECE_BYTES: u64 = 2 * BLOCK_BYTES;

/// Sends a file in pieces; it goes to the committer, or its failure is told.
pub(super) async fn send_big(client: &Client, (mut action, target, path): Item, tools: &Tools<'_>) {
    let source = match open(&action, &path) {
        Ok(source) => source,
        Err(error) => return fail(tools.listener, &action, error.to_string(), None),
    };
    action.source = source.info.clone();
    let big = BigFile::of(&action);
    match send_pieces(client, &source, big.as_ref(), tools).await {
        Ok((session_id, hash)) => {
            let _ = tools.sent.send(Sent {
                action,
                target,
                session_id,
                hash,
                source,
            }); // the committer outlives all senders
        }
        Err(error) => fail(tools.listener, &action, error.to_string(), Some(error)),
    }
}

async fn send_pieces(
    client: &Client,
    source: &Source,
    big: Option<&Arc<BigFile>>,
    tools: &Tools<'_>,
) -> Result<(String, ContentHash), Error> {
    let size = source.info.size_bytes;
    let arg = SessionStartArg {
        session_type: Some(SessionType::Concurrent),
        ..SessionStartArg::default()
    };
    let session_id = client
        .upload(&SESSION_START, &arg, &Payload::empty())
        .await?
        .session_id;

    let last = (size - 1) / PIECE_BYTES * PIECE_BYTES;
    let offsets = (0..last).step_by(usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX));
    let piece = async |offset: u64, close: bool| {
        let (length, blocks) = send_piece(client, source, &session_id, offset, close, tools).await?;
        (tools.listener)(Event::Moved {
            bytes: length,
            of: big.cloned(),
        });
        Ok::<_, Error>((offset, blocks))
    };
    let mut assembly = Assembly::new(size);
    let mut sent = stream::iter(offsets)
        .map(|offset| piece(offset, false))
        .buffer_unordered(client.pace().most());
    while let Some((offset, blocks)) = sent.try_next().await? {
        assembly.place(offset, &blocks);
    }
    drop(sent);
    let (offset, blocks) = piece(last, true).await?;
    assembly.place(offset, &blocks);
    let hash = assembly
        .finish()
        .ok_or_else(|| Error::Source("a piece was left out".into()))?;
    Ok((session_id, hash))
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
