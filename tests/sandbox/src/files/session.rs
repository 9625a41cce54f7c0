//! Upload sessions of both kinds, one by one and in batches.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use dropbox_sdk::types::files::{
    UploadSessionAppendBatchEntryError as EntryError, UploadSessionAppendBatchError as BatchError,
    UploadSessionAppendBatchResultEntry as AppendEntry, UploadSessionAppendError as AppendError,
    UploadSessionFinishBatchResultEntry as FinishEntry, UploadSessionFinishError as FinishError,
    UploadSessionLookupError as LookupError, UploadSessionOffsetError, UploadSessionStartError as StartError,
};
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::clock::Seconds;
use super::super::content::{Body, Content};
use super::super::hash::{BLOCK_BYTES, BlockDigest, combine};
use super::super::state::{Call, State};
use super::super::tree::AccountId;
use super::super::words::fresh_session;
use super::commit::{Ready, commit, shown};
use super::{flag, read::own_path, text};

/// Largest file, in bytes.
const LARGEST: u64 = (1 << 41) - (1 << 22);

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    account: AccountId,
    concurrent: bool,
    /// When it began.
    pub started: Seconds,
    pieces: BTreeMap<u64, Body>,
    /// The size, once it is closed.
    closed: Option<u64>,
}

impl Session {
    /// How long a session lives.
    pub const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

    fn new(account: AccountId, concurrent: bool, started: Seconds) -> Self {
        Self {
            account,
            concurrent,
            started,
            pieces: BTreeMap::new(),
            closed: None,
        }
    }

    /// The end of what is there without a hole.
    fn end(&self) -> u64 {
        let mut end = 0;
        for (offset, body) in &self.pieces {
            if *offset > end {
                break;
            }
            end = end.max(offset + body.content.len());
        }
        end
    }

    fn incorrect(&self) -> AppendError {
        AppendError::IncorrectOffset(UploadSessionOffsetError::new(self.end()))
    }

    /// Takes a piece.
    fn append(&mut self, offset: u64, body: Body, close: bool) -> Result<(), AppendError> {
        if self.closed.is_some() {
            return Err(AppendError::Closed);
        }
        let len = body.content.len();
        if offset.saturating_add(len) > LARGEST {
            return Err(AppendError::TooLarge);
        }
        if self.concurrent {
            if !offset.is_multiple_of(BLOCK_BYTES) {
                return Err(AppendError::ConcurrentSessionInvalidOffset);
            }
            if !close && (len == 0 || !len.is_multiple_of(BLOCK_BYTES)) {
                return Err(AppendError::ConcurrentSessionInvalidDataSize);
            }
            let again = self
                .pieces
                .get(&offset)
                .is_some_and(|known| known.content.len() == len);
            let end = offset + len;
            let overlaps = |(at, known): (&u64, &Body)| *at < end && at + known.content.len() > offset;
            if !again && self.pieces.iter().any(overlaps) {
                return Err(self.incorrect());
            }
            if close && self.pieces.keys().any(|at| *at > offset) {
                return Err(AppendError::ConcurrentSessionInvalidDataSize);
            }
        } else if offset != self.end() {
            return Err(self.incorrect());
        }
        if len > 0 {
            self.pieces.insert(offset, body);
        }
        if close {
            self.closed = Some(offset + len);
        }
        Ok(())
    }

    /// The whole file, or what keeps it from being one.
    fn whole(&self, offset: u64, batch: bool) -> Result<Ready, FinishError> {
        let lookup = |why| Err(FinishError::LookupFailed(why));
        match self.closed {
            None if self.concurrent => return Err(FinishError::ConcurrentSessionNotClosed),
            None if batch => return lookup(LookupError::NotClosed),
            _ => {}
        }
        let size = self.closed.unwrap_or_else(|| self.end());
        if self.end() != size {
            return Err(FinishError::ConcurrentSessionMissingData);
        }
        if offset != size {
            return lookup(LookupError::IncorrectOffset(UploadSessionOffsetError::new(size)));
        }
        let (mut content, mut digests, mut aligned) = (Content::default(), Vec::<BlockDigest>::new(), true);
        for (at, body) in &self.pieces {
            aligned &= at.is_multiple_of(BLOCK_BYTES);
            content.append(&body.content);
            digests.extend(&body.digests);
        }
        if !aligned {
            digests = content.digests().map_err(|_| FinishError::Other)?;
        }
        Ok(Ready {
            content,
            hash: combine(&digests),
        })
    }
}

fn wrong_hash(arg: &Value, body: &Body) -> bool {
    arg["content_hash"]
        .as_str()
        .is_some_and(|hash| hash != body.hash())
}

fn is_concurrent(arg: &Value) -> bool {
    arg["session_type"][".tag"] == "concurrent"
}

/// `files/upload_session/start`.
pub fn start(state: &mut State, call: &Call, arg: &Value, body: Body) -> Reply {
    let (concurrent, close) = (is_concurrent(arg), flag(arg, "close"));
    if concurrent && !body.content.is_empty() {
        return Err(Failure::route(&StartError::ConcurrentSessionDataNotAllowed));
    }
    if concurrent && close {
        return Err(Failure::route(&StartError::ConcurrentSessionCloseNotAllowed));
    }
    if wrong_hash(arg, &body) {
        return Err(Failure::route(&StartError::ContentHashMismatch));
    }
    let mut session = Session::new(call.view.account, concurrent, call.now);
    session.append(0, body, close).or_else(|e| {
        if concurrent {
            Ok(())
        } else {
            Err(Failure::route(&e))
        }
    })?;
    let id = fresh_session();
    state.sessions.insert(id.clone(), session);
    Ok(json!({"session_id": id}))
}

/// `files/upload_session/start_batch`.
pub fn start_batch(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let count = arg["num_sessions"].as_u64().unwrap_or_default();
    let ids: Vec<String> = (0..count).map(|_| fresh_session()).collect();
    for id in &ids {
        state.sessions.insert(
            id.clone(),
            Session::new(call.view.account, is_concurrent(arg), call.now),
        );
    }
    Ok(json!({"session_ids": ids}))
}

fn find<'a>(state: &'a mut State, call: &Call, cursor: &Value) -> Option<&'a mut Session> {
    state.drop_old_sessions();
    state
        .sessions
        .get_mut(text(cursor, "session_id"))
        .filter(|session| session.account == call.view.account)
}

fn offset(cursor: &Value) -> u64 {
    cursor["offset"].as_u64().unwrap_or_default()
}

/// `files/upload_session/append_v2`.
pub fn append(state: &mut State, call: &Call, arg: &Value, body: Body) -> Reply {
    let session = find(state, call, &arg["cursor"]).ok_or_else(|| Failure::route(&AppendError::NotFound))?;
    if wrong_hash(arg, &body) {
        return Err(Failure::route(&AppendError::ContentHashMismatch));
    }
    session
        .append(offset(&arg["cursor"]), body, flag(arg, "close"))
        .map_err(|error| Failure::route(&error))?;
    Ok(Value::Null)
}

/// `files/upload_session/append_batch`.
pub fn append_batch(state: &mut State, call: &Call, arg: &Value, body: &Body) -> Reply {
    let entries = arg["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let length = |entry: &Value| entry["length"].as_u64().unwrap_or_default();
    if entries.is_empty() {
        return Err(Failure::Bad(
            "entries: list has 0 items and should have at least 1".into(),
        ));
    }
    if entries.iter().map(length).sum::<u64>() != body.content.len() {
        return Err(Failure::route(&BatchError::LengthMismatch));
    }
    if wrong_hash(arg, body) {
        return Err(Failure::route(&BatchError::ContentHashMismatch));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = entries
        .iter()
        .map(|e| text(&e["cursor"], "session_id"))
        .find(|id| !seen.insert(*id))
    {
        return Err(Failure::Bad(format!("entries: session {twice} is named twice")));
    }
    let (mut at, mut out) = (0, Vec::new());
    for entry in entries {
        let len = length(entry);
        let content = body.content.cut(at, len);
        at += len;
        out.push(append_entry(state, call, entry, content)?);
    }
    wire(&dropbox_sdk::types::files::UploadSessionAppendBatchResult::new(
        out,
    ))
}

fn append_entry(
    state: &mut State,
    call: &Call,
    entry: &Value,
    content: Content,
) -> Result<AppendEntry, Failure> {
    if content.is_empty() {
        return Ok(AppendEntry::Failure(EntryError::Other));
    }
    let digests = content.digests().map_err(Failure::internal)?;
    let Some(session) = find(state, call, &entry["cursor"]) else {
        return Ok(AppendEntry::Failure(EntryError::NotFound));
    };
    let result = session.append(
        offset(&entry["cursor"]),
        Body { content, digests },
        flag(entry, "close"),
    );
    Ok(match result {
        Ok(()) => AppendEntry::Success,
        Err(error) => AppendEntry::Failure(match error {
            AppendError::IncorrectOffset(at) => EntryError::IncorrectOffset(at),
            AppendError::Closed => EntryError::Closed,
            AppendError::TooLarge => EntryError::TooLarge,
            AppendError::ConcurrentSessionInvalidOffset => EntryError::ConcurrentSessionInvalidOffset,
            AppendError::ConcurrentSessionInvalidDataSize => EntryError::ConcurrentSessionInvalidDataSize,
            AppendError::NotFound => EntryError::NotFound,
            _ => EntryError::Other,
        }),
    })
}

/// `files/upload_session/finish`.
pub fn finish(state: &mut State, call: &Call, arg: &Value, body: Body) -> Reply {
    let refuse = |error: FinishError| Failure::route(&error);
    let session = find(state, call, &arg["cursor"])
        .ok_or_else(|| refuse(FinishError::LookupFailed(LookupError::NotFound)))?;
    if wrong_hash(arg, &body) {
        return Err(refuse(FinishError::ContentHashMismatch));
    }
    let mut at = offset(&arg["cursor"]);
    let mut last = session.clone();
    if !body.content.is_empty() {
        if last.concurrent {
            return Err(refuse(FinishError::ConcurrentSessionDataNotAllowed));
        }
        let len = body.content.len();
        last.append(at, body, false).map_err(|error| {
            refuse(FinishError::LookupFailed(match error {
                AppendError::Closed => LookupError::Closed,
                AppendError::IncorrectOffset(at) => LookupError::IncorrectOffset(at),
                AppendError::TooLarge => LookupError::TooLarge,
                _ => LookupError::Other,
            }))
        })?;
        at += len;
    }
    let ready = last.whole(at, false).map_err(refuse)?;
    let id = commit(state, call, &arg["commit"], &ready).map_err(|error| refuse(FinishError::Path(error)))?;
    state.sessions.remove(text(&arg["cursor"], "session_id"));
    shown(state, call, id)
}

/// `files/upload_session/finish_batch_v2`.
#[expect(deprecated, reason = "nobody says that the service doesn't give it any more")]
pub fn finish_batch(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let entries = arg["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut out = Vec::new();
    let mut first = None;
    for entry in entries {
        if entry.get("content_hash").is_some() {
            return Err(Failure::Bad(
                "entries: content_hash has no meaning without data".into(),
            ));
        }
        // Whether a batch may reach into several namespaces is not known; the spec still has an error for it.
        let space = own_path(state, call, text(&entry["commit"], "path")).map(|(ns, _)| ns);
        if space.is_some() && *first.get_or_insert(space) != space {
            out.push(FinishEntry::Failure(FinishError::TooManySharedFolderTargets));
            continue;
        }
        out.push(match finish_entry(state, call, entry) {
            Ok(file) => FinishEntry::Success(file),
            Err(error) => FinishEntry::Failure(error),
        });
    }
    wire(&dropbox_sdk::types::files::UploadSessionFinishBatchResult::new(
        out,
    ))
}

fn finish_entry(
    state: &mut State,
    call: &Call,
    entry: &Value,
) -> Result<dropbox_sdk::types::files::FileMetadata, FinishError> {
    let session =
        find(state, call, &entry["cursor"]).ok_or(FinishError::LookupFailed(LookupError::NotFound))?;
    let ready = session.whole(offset(&entry["cursor"]), true)?;
    let id = commit(state, call, &entry["commit"], &ready).map_err(FinishError::Path)?;
    state.sessions.remove(text(&entry["cursor"], "session_id"));
    state.shower(call).file(id).ok_or(FinishError::Other)
}
