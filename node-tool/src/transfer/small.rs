//! Many small files in one call: `start_batch` gives sessions, `append_batch` carries many files' bytes in one
//! body, with all sessions named in its header.
//!
//! How large that header may be is not documented, so the budget starts at 8 KiB and adapts. Empty files
//! travel apart: whether `append_batch` takes an entry of no bytes is not documented either.

use std::{collections::VecDeque, path::Path, sync::Mutex};

use bytes::Bytes;
use shared::{
    api::files::{
        MAX_BATCH_ENTRIES, Outcome, SESSION_APPEND_BATCH, SESSION_START, SESSION_START_BATCH,
        SessionAppendBatchArg, SessionAppendEntry, SessionCursor, SessionStartArg, SessionStartBatchArg,
    },
    content_hash::{ContentHash, Hasher},
};
use tokio::sync::mpsc;

use super::{
    Event, Listener, Memory,
    commit::{Sent, fail},
};
use crate::{
    dropbox::{Client, DropboxPath, Error, Payload},
    local::Source,
    plan::Action,
};

/// Files up to this size travel together.
pub(super) const SMALL_BYTES: u64 = 4 << 20;
/// The content of one call: large enough to hide its fixed cost, small enough to repeat.
const PACK_BYTES: u64 = 8 << 20;
/// The first header budget, in bytes of the argument.
const FIRST_BUDGET: usize = 7 * 1024;
/// Envoy's default limit for all headers together is 60 KiB; the token and the rest need some of it.
const LAST_BUDGET: usize = 52 * 1024;
/// One entry of the argument, with a session id of 69 characters and a length of 7 digits, and its comma.
const ENTRY_BYTES: usize = 140;

/// How large a header has been found to pass.
#[derive(Debug)]
pub(super) struct Budget(Mutex<(usize, usize)>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Mutex::new((FIRST_BUDGET, LAST_BUDGET)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (usize, usize)> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Files of one call.
    pub(super) fn entries(&self) -> usize {
        (self.lock().0 / ENTRY_BYTES).clamp(1, MAX_BATCH_ENTRIES)
    }

    fn passed(&self, bytes: usize) {
        let (now, most) = &mut *self.lock();
        if bytes * 2 > *now {
            *now = (*now * 2).min(*most);
        }
    }

    fn refused(&self, bytes: usize) {
        let (now, most) = &mut *self.lock();
        *most = (bytes / 2).max(ENTRY_BYTES).min(*most);
        *now = (*now).min(*most);
    }
}

/// One file of a pack.
pub(super) type Item = (Action, DropboxPath, std::path::PathBuf);

/// Takes the next files that travel together.
pub(super) fn next_pack(queue: &mut VecDeque<Item>, entries: usize) -> Vec<Item> {
    let mut bytes = 0;
    let mut pack = Vec::new();
    while let Some((action, _, _)) = queue.front() {
        let size = action.source.size_bytes;
        if !pack.is_empty() && (bytes + size > PACK_BYTES || pack.len() >= entries) {
            break;
        }
        bytes += size;
        pack.extend(queue.pop_front());
    }
    pack
}

/// A supply of fresh sessions, fetched up to 1000 at a time.
pub(super) struct Sessions {
    ready: tokio::sync::Mutex<(Vec<String>, usize)>,
}

impl Sessions {
    /// For `needed` files in all.
    pub(super) fn new(needed: usize) -> Self {
        Self {
            ready: tokio::sync::Mutex::new((Vec::new(), needed)),
        }
    }

    async fn take(&self, client: &Client, count: usize) -> Result<Vec<String>, Error> {
        let mut guard = self.ready.lock().await;
        let (ready, needed) = &mut *guard;
        while ready.len() < count {
            let ask = (*needed).max(count - ready.len()).min(MAX_BATCH_ENTRIES);
            let arg = SessionStartBatchArg {
                session_type: None,
                num_sessions: ask as u64,
            };
            let answer = client.rpc(&SESSION_START_BATCH, &arg).await?;
            if answer.session_ids.is_empty() {
                return Err(Error::NotDropbox("it has no sessions".into()));
            }
            *needed = needed.saturating_sub(answer.session_ids.len());
            ready.extend(answer.session_ids);
        }
        let rest = ready.len() - count;
        Ok(ready.split_off(rest))
    }
}

/// What sending needs.
pub(super) struct Tools<'a> {
    pub memory: &'a Memory,
    pub budget: &'a Budget,
    pub sessions: &'a Sessions,
    pub sent: &'a mpsc::UnboundedSender<Sent>,
    pub listener: &'a Listener,
    pub state: Option<&'a Path>,
}

/// A file of a pack, read.
struct Read {
    action: Action,
    target: DropboxPath,
    source: Source,
    bytes: Vec<Bytes>,
    hash: ContentHash,
}

/// Sends a pack; what arrived goes to the committer, what failed is told.
pub(super) async fn send_pack(client: &Client, pack: Vec<Item>, tools: &Tools<'_>) {
    let total: u64 = pack.iter().map(|(action, ..)| action.source.size_bytes).sum();
    let _memory = tools.memory.take(total).await;
    let files = tokio::task::block_in_place(|| read_all(pack, tools.listener));
    let sessions = match tools.sessions.take(client, files.len()).await {
        Ok(sessions) => sessions,
        Err(error) => {
            return files.iter().for_each(|file| {
                fail(
                    tools.listener,
                    &file.action,
                    error.to_string(),
                    Some(error.clone()),
                )
            });
        }
    };
    let mut rounds = VecDeque::from([files.into_iter().zip(sessions).collect::<Vec<_>>()]);
    while let Some(mut files) = rounds.pop_front() {
        if files.is_empty() {
            continue;
        }
        match append(client, &files, tools).await {
            Ok(outcomes) => hand_over(files, outcomes, tools),
            // The header was too large: halve, and remember. Sessions survive a refused call.
            Err(error) if files.len() > 1 && is_about_headers(&error) => {
                tools.budget.refused(files.len() * ENTRY_BYTES);
                let second = files.split_off(files.len() / 2);
                rounds.extend([files, second]);
            }
            Err(error) => files.iter().for_each(|(file, _)| {
                fail(
                    tools.listener,
                    &file.action,
                    error.to_string(),
                    Some(error.clone()),
                )
            }),
        }
    }
}

/// Sends a file of no bytes: one call that opens and closes its session.
pub(super) async fn send_empty(client: &Client, (action, target, path): Item, tools: &Tools<'_>) {
    let source = match tokio::task::block_in_place(|| open(&action, &path)) {
        Ok(source) => source,
        Err(error) => return fail(tools.listener, &action, error.to_string(), None),
    };
    let arg = SessionStartArg {
        close: true,
        ..SessionStartArg::default()
    };
    match client.upload(&SESSION_START, &arg, &Payload::empty()).await {
        Ok(started) => {
            let sent = Sent {
                journal: None,
                action,
                target,
                session_id: started.session_id,
                hash: ContentHash::of(&[]),
                source,
            };
            let _ = tools.sent.send(sent); // the committer outlives all senders
        }
        Err(error) => fail(tools.listener, &action, error.to_string(), Some(error)),
    }
}

/// Opens a file, which must still have the size that was planned with.
pub(super) fn open(action: &Action, path: &std::path::Path) -> std::io::Result<Source> {
    let source = Source::open(path)?;
    if source.info.size_bytes == action.source.size_bytes {
        Ok(source)
    } else {
        Err(std::io::Error::other(crate::local::Changed))
    }
}

fn read_all(pack: Vec<Item>, listener: &Listener) -> Vec<Read> {
    let mut files = Vec::with_capacity(pack.len());
    for (mut action, target, path) in pack {
        let read = open(&action, &path)
            .and_then(|source| source.read(0, source.info.size_bytes).map(|read| (source, read)));
        match read {
            Ok((source, (bytes, blocks))) => {
                action.source = source.info.clone();
                files.push(Read {
                    action,
                    target,
                    source,
                    bytes,
                    hash: ContentHash::of_blocks(&blocks),
                });
            }
            Err(error) => fail(listener, &action, error.to_string(), None),
        }
    }
    files
}

async fn append(client: &Client, files: &[(Read, String)], tools: &Tools<'_>) -> Result<Vec<Outcome>, Error> {
    let entry = |(file, session_id): &(Read, String)| SessionAppendEntry {
        cursor: SessionCursor {
            session_id: session_id.clone(),
            offset: 0,
        },
        length: file.source.info.size_bytes,
        close: true,
    };
    let chunks: Vec<Bytes> = files
        .iter()
        .flat_map(|(file, _)| file.bytes.iter().cloned())
        .collect();
    let mut hasher = Hasher::new();
    tokio::task::block_in_place(|| chunks.iter().for_each(|chunk| hasher.update(chunk)));
    let arg = SessionAppendBatchArg {
        entries: files.iter().map(entry).collect(),
        content_hash: Some(hasher.finish()),
    };
    let answer = client
        .upload(&SESSION_APPEND_BATCH, &arg, &Payload::kept(chunks))
        .await?;
    tools.budget.passed(files.len() * ENTRY_BYTES);
    Ok(answer.entries)
}

fn hand_over(files: Vec<(Read, String)>, outcomes: Vec<Outcome>, tools: &Tools<'_>) {
    let mut outcomes = outcomes.into_iter();
    for (file, session_id) in files {
        let size = file.source.info.size_bytes;
        let arrived = match outcomes.next() {
            Some(Outcome::Success) => Ok(()),
            // An earlier try of the same call had arrived, and its answer was lost.
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
                (tools.listener)(Event::Moved {
                    bytes: size,
                    of: None,
                });
                let Read {
                    action,
                    target,
                    source,
                    hash,
                    ..
                } = file;
                let _ = tools.sent.send(Sent {
                    journal: None,
                    action,
                    target,
                    session_id,
                    hash,
                    source,
                }); // the committer outlives all senders
            }
            Err(error) => fail(tools.listener, &file.action, error.to_string(), Some(error)),
        }
    }
}

/// Whether a refusal can be about the size of the headers: none of these statuses says so for certain.
fn is_about_headers(error: &Error) -> bool {
    match error {
        Error::BadRequest(text) => !text.contains("Error in call to API function"),
        Error::Network(crate::dropbox::NetworkError::Broken { .. }) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_budget_grows_with_success_and_remembers_refusals() {
        let budget = Budget::new();
        assert_eq!(budget.entries(), 51);
        budget.passed(51 * ENTRY_BYTES);
        assert_eq!(budget.entries(), 102);
        budget.passed(10 * ENTRY_BYTES);
        assert_eq!(budget.entries(), 102);
        budget.refused(102 * ENTRY_BYTES);
        (0..20).for_each(|_| budget.passed(budget.entries() * ENTRY_BYTES));
        assert_eq!(budget.entries(), 51);
        (0..20).for_each(|_| budget.refused(ENTRY_BYTES));
        assert_eq!(budget.entries(), 1);
    }
}
