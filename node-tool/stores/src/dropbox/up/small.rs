//! Many files in one call: `start_batch` gives sessions, `append_batch` carries many files' bytes in one body, with all
//! sessions named in its header.
//!
//! Empty files are sent separately: whether `append_batch` takes an entry of no bytes is not documented.

use std::{cell::Cell, collections::VecDeque, io, sync::Arc};

use bytes::Bytes;
use shared::{
    api::files::{
        MAX_BATCH_ENTRIES, Outcome, SESSION_APPEND_BATCH, SESSION_START, SessionAppendBatchArg,
        SessionAppendEntry, SessionCursor, SessionStartArg,
    },
    content_hash::{ContentHash, Hasher},
};

use dropbox::{Error, NetworkError, Payload};
use engine::{
    digest::{Algorithm, Digester, Digests, digests_of},
    error::is_change,
};

use super::{budget::Budget, sent::Sent, tools::Tools};
use crate::{
    blocking::blocking,
    dropbox::{
        convert::payload as read_payload,
        item::{Item, failed, watch},
    },
    local::Source,
    memory::STREAM_BYTES,
};

/// The content of one call, and of the largest file that travels whole: large enough to hide a call's fixed cost, small
/// enough to repeat.
pub(super) const PACK_BYTES: u64 = 16 << 20;
/// Packs up to this size are read once and stay in memory if there is room; others are read again as they are sent.
const MAX_KEPT_BYTES: u64 = 4 << 20;

/// Maximum number of broken connections that are blamed on large headers before any call has succeeded.
const MAX_BREAKS: u32 = 2;

/// Whether the number of files limits the next pack, rather than their bytes.
pub(super) fn is_bounded_by_count(queue: &VecDeque<Item>, budget: &Budget) -> bool {
    let sizes = queue.iter().map(|item| item.step.meta.size_bytes);
    sizes.take(budget.good()).sum::<u64>() <= PACK_BYTES
}

/// Takes the next files that are sent together.
pub(super) fn next_pack(queue: &mut VecDeque<Item>, budget: &Budget) -> Vec<Item> {
    let (mut bytes, mut pack) = (0, Vec::new());
    let mut fits = 0;
    for item in queue.iter().take(MAX_BATCH_ENTRIES) {
        bytes += item.step.meta.size_bytes;
        if fits > 0 && bytes > PACK_BYTES {
            break;
        }
        fits += 1;
    }
    let entries = budget.entries(fits);
    while pack.len() < entries.min(fits) {
        pack.extend(queue.pop_front());
    }
    pack
}

/// A file of a pack, hashed.
struct Part {
    item: Item,
    source: Source,
    hash: ContentHash,
    session_id: String,
    digests: Digests,
    /// Its bytes, if they are kept.
    bytes: Option<Bytes>,
}

impl Part {
    fn size(&self) -> u64 {
        self.source.info.size_bytes
    }
}

/// Sends a pack. Files that arrived go to the committer, failures are reported.
pub(super) async fn send_pack(pack: Vec<Item>, tools: &Tools<'_>) {
    let total: u64 = pack.iter().map(|item| item.step.meta.size_bytes).sum();
    let room = (total <= MAX_KEPT_BYTES)
        .then(|| tools.memory.try_take(total))
        .flatten();
    let keeps = room.is_some();
    let mut memory = match room {
        Some(room) => Some(room),
        None => Some(tools.memory.take(STREAM_BYTES).await),
    };
    let sessions = match tools.plain.take(tools.client, pack.len()).await {
        Ok(sessions) => sessions,
        Err(error) => {
            return pack
                .iter()
                .for_each(|item| failed(tools.outcomes.run, &item.step, &error));
        }
    };
    let digests = Arc::clone(&tools.options.digests);
    let (parts, mut known, unread) = blocking(move || read_pack(pack, sessions, keeps, &digests)).await;
    for (item, error) in unread {
        tools.outcomes.unread(item, error);
    }
    let mut rounds = VecDeque::from([parts]);
    while let Some(mut parts) = rounds.pop_front() {
        if parts.is_empty() {
            continue;
        }
        // More files than are known to pass: a connection that breaks may be a refusal, too.
        let is_probe = parts.len() > 1 && !tools.budget.has_passed(parts.len());
        match append(&parts, known.take(), is_probe, tools).await {
            Ok(outcomes) => {
                if rounds.is_empty() {
                    // Others may read while these wait to be committed.
                    parts.iter_mut().for_each(|part| part.bytes = None);
                    memory = None;
                }
                hand_over(parts, outcomes, tools).await;
            }
            // The header was too large. Sessions survive a refused call.
            Err(error) if parts.len() > 1 && is_about_headers(&error, is_probe) => {
                let entries = tools.budget.refused(parts.len());
                while !parts.is_empty() {
                    let rest = parts.split_off(parts.len().min(entries));
                    rounds.push_back(std::mem::replace(&mut parts, rest));
                }
            }
            // One file changed while it was sent: resend the others.
            Err(Error::Changed) => {
                let (same, changed): (Vec<Part>, Vec<Part>) = parts
                    .into_iter()
                    .partition(|part| tokio::task::block_in_place(|| part.source.check_unchanged()).is_ok());
                let none = changed.is_empty();
                for part in changed {
                    tools.outcomes.unsent(part.item, &Error::Changed);
                }
                if none {
                    for part in same {
                        tools.outcomes.unsent(part.item, &Error::Changed);
                    }
                } else {
                    rounds.push_back(same);
                }
            }
            Err(error) => {
                // If not even a single file has passed, headers are not the cause, and the others need not try.
                let is_dead = matches!(error, Error::Network(_)) && !tools.budget.has_passed(1);
                let others = if is_dead {
                    std::mem::take(&mut rounds)
                } else {
                    VecDeque::new()
                };
                for part in parts.into_iter().chain(others.into_iter().flatten()) {
                    tools.outcomes.unsent(part.item, &error);
                }
            }
        }
    }
    drop(memory);
}

/// Sends an empty file: one call that opens and closes its session.
pub(super) async fn send_empty(item: Item, tools: &Tools<'_>) {
    let mut source = match tokio::task::block_in_place(|| item.open_as_planned()) {
        Ok(source) => source,
        Err(error) => return tools.outcomes.unread(item, error),
    };
    source.park();
    let arg = SessionStartArg {
        close: true,
        ..SessionStartArg::default()
    };
    match tools.client.upload(&SESSION_START, &arg, &Payload::empty()).await {
        Ok(started) => {
            let sent = Sent {
                journal: None,
                timeless: false,
                item,
                session_id: started.session_id,
                hash: ContentHash::of(&[]),
                digests: digests_of(&[], &tools.options.digests),
                source,
            };
            let _ = tools.sent.send(sent).await; // the committer outlives all senders
        }
        Err(error) => tools.outcomes.unsent(item, &error),
    }
}

/// Returns the parts of a pack, the hash of all together if that is what will be sent, and what can't be read.
type Read = (Vec<Part>, Option<ContentHash>, Vec<(Item, io::Error)>);

fn read_pack(pack: Vec<Item>, sessions: Vec<String>, keeps: bool, digests: &[Algorithm]) -> Read {
    let (count, mut all) = (pack.len(), Hasher::new());
    let (mut parts, mut unread) = (Vec::with_capacity(count), Vec::new());
    for (item, session_id) in pack.into_iter().zip(sessions) {
        let digester = Digester::new(digests);
        match read(item, session_id, keeps, (count > 1).then_some(&mut all), digester) {
            Ok(part) => parts.push(part),
            Err(broken) => unread.push(*broken),
        }
    }
    let known = match parts.as_slice() {
        [only] if count == 1 => Some(only.hash),
        _ => (parts.len() == count).then(|| all.finish()),
    };
    (parts, known, unread)
}

fn read(
    mut item: Item,
    session_id: String,
    keeps: bool,
    mut all: Option<&mut Hasher>,
    mut digester: Digester,
) -> Result<Part, Box<(Item, io::Error)>> {
    let length = usize::try_from(item.step.meta.size_bytes).unwrap_or_default();
    let mut kept = Vec::with_capacity(if keeps { length } else { 0 });
    let scanned = item.open_as_planned().and_then(|source| {
        let blocks = source.scan(0, source.info.size_bytes, |bytes| {
            digester.update(bytes);
            if let Some(all) = &mut all {
                all.update(bytes);
            }
            if keeps {
                kept.extend_from_slice(bytes);
            }
        })?;
        Ok((source, blocks))
    });
    let (mut source, blocks) = match scanned {
        Ok(scanned) => scanned,
        Err(error) => return Err(Box::new((item, error))),
    };
    item.step.meta = source.info.clone();
    source.park();
    Ok(Part {
        item,
        source,
        hash: ContentHash::of_blocks(&blocks),
        session_id,
        digests: digester.finish(),
        bytes: keeps.then(|| kept.into()),
    })
}

async fn append(
    parts: &[Part],
    known: Option<ContentHash>,
    is_probe: bool,
    tools: &Tools<'_>,
) -> Result<Vec<Outcome>, Error> {
    let entry = |part: &Part| SessionAppendEntry {
        cursor: SessionCursor {
            session_id: part.session_id.clone(),
            offset: 0,
        },
        length: part.size(),
        close: true,
    };
    let (hash, payload) = tokio::task::block_in_place(|| body(parts, known)).map_err(unread)?;
    let arg = SessionAppendBatchArg {
        entries: parts.iter().map(entry).collect(),
        content_hash: Some(hash),
    };
    let payload = payload.watched(watch(tools.outcomes.run, None));
    let breaks = Cell::new(0);
    let is_answer = |error: &Error| {
        breaks.set(breaks.get() + 1);
        let is_clear = tools.budget.has_passed(1) || breaks.get() >= MAX_BREAKS;
        is_clear && is_about_headers(error, is_probe)
    };
    let answer = tools
        .client
        .upload_unless(&SESSION_APPEND_BATCH, &arg, &payload, is_answer)
        .await?;
    tools.budget.passed(parts.len());
    Ok(answer.entries)
}

/// Returns what a failed read means for a call.
pub(super) fn unread(error: io::Error) -> Error {
    if is_change(&error) {
        Error::Changed
    } else {
        Error::Source(error.to_string())
    }
}

/// Returns the files one after the other, with the hash of all, unless it is `known`.
fn body(parts: &[Part], known: Option<ContentHash>) -> io::Result<(ContentHash, Payload)> {
    let mut hasher = Hasher::new();
    let kept: Option<Vec<Bytes>> = parts.iter().map(|part| part.bytes.clone()).collect();
    if let Some(chunks) = kept {
        let hash = known.unwrap_or_else(|| {
            chunks.iter().for_each(|chunk| hasher.update(chunk));
            hasher.finish()
        });
        return Ok((hash, Payload::kept(chunks)));
    }
    let (mut end, mut files) = (0, Vec::with_capacity(parts.len()));
    for part in parts {
        if known.is_none() {
            part.source.scan(0, part.size(), |bytes| hasher.update(bytes))?;
        }
        end += part.size();
        files.push((end, part.source.clone()));
    }
    let hash = known.unwrap_or_else(|| hasher.finish());
    let files: Arc<[(u64, Source)]> = files.into();
    let reader = move |at: u64, count: usize| {
        let mut bytes = vec![0; count];
        let mut done = 0;
        while done < count {
            let from = at + done as u64;
            let index = files.partition_point(|(end, _)| *end <= from);
            let (end, source) = files.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
            let start = end - source.info.size_bytes;
            let here = usize::try_from(end - from).map_or(count - done, |left| left.min(count - done));
            source.read_exact_at(&mut bytes[done..done + here], from - start)?;
            done += here;
        }
        Ok(bytes.into())
    };
    Ok((hash, read_payload(end, reader)))
}

async fn hand_over(parts: Vec<Part>, outcomes: Vec<Outcome>, tools: &Tools<'_>) {
    let mut outcomes = outcomes.into_iter();
    for part in parts {
        let size = part.size();
        let arrived = match outcomes.next() {
            Some(Outcome::Success { .. }) => Ok(()),
            // An earlier attempt of the same call had arrived, and its answer was lost.
            Some(Outcome::Failure { failure })
                if failure.has("closed") || failure.correct_offset() == Some(size) =>
            {
                Ok(())
            }
            Some(Outcome::Failure { failure }) => Err(Error::Route(failure)),
            Some(Outcome::Unknown) | None => Err(Error::NotDropbox("it misses an entry".into())),
        };
        match arrived {
            Ok(()) => {
                let sent = Sent {
                    journal: None,
                    timeless: false,
                    item: part.item,
                    session_id: part.session_id,
                    hash: part.hash,
                    digests: part.digests,
                    source: part.source,
                };
                let _ = tools.sent.send(sent).await; // the committer outlives all senders
            }
            Err(error) => {
                tools.outcomes.run.returned(None, size);
                tools.outcomes.unsent(part.item, &error);
            }
        }
    }
}

/// Returns whether a refusal may be due to the size of the headers: none of these statuses is certain. Some proxies just
/// close the connection.
fn is_about_headers(error: &Error, is_probe: bool) -> bool {
    match error {
        Error::BadRequest(text) => !text.contains("Error in call to API function"),
        Error::Network(NetworkError::Broken { .. }) => is_probe,
        _ => false,
    }
}
