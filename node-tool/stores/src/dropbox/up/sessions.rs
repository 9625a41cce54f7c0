//! A supply of fresh upload sessions: `start_batch` makes up to a thousand in one call. And a chunk of one on its way.

use shared::api::files::{
    MAX_BATCH_ENTRIES, SESSION_APPEND, SESSION_START_BATCH, SessionAppendArg, SessionStartBatchArg,
    SessionType,
};

use dropbox::{Client, Error, Payload};

/// Sessions of one type.
pub(super) struct Sessions {
    kind: Option<SessionType>,
    /// The unused sessions, and how many more will be needed.
    ready: tokio::sync::Mutex<(Vec<String>, usize)>,
}

impl Sessions {
    /// Returns a supply for `needed` files in all; without a type, of sequential sessions.
    pub(super) fn new(needed: usize, kind: Option<SessionType>) -> Self {
        Self {
            kind,
            ready: tokio::sync::Mutex::new((Vec::new(), needed)),
        }
    }

    /// Takes `count` of them.
    pub(super) async fn take(&self, client: &Client, count: usize) -> Result<Vec<String>, Error> {
        let mut guard = self.ready.lock().await;
        let (ready, needed) = &mut *guard;
        while ready.len() < count {
            let ask = (*needed).max(count - ready.len()).min(MAX_BATCH_ENTRIES);
            let arg = SessionStartBatchArg {
                session_type: self.kind,
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

    /// Takes one.
    pub(super) async fn one(&self, client: &Client) -> Result<String, Error> {
        let mut sessions = self.take(client, 1).await?;
        sessions
            .pop()
            .ok_or_else(|| Error::NotDropbox("it has no sessions".into()))
    }
}

/// Sends a chunk of a session. Returns whether an attempt with a lost answer had arrived before.
///
/// The offset that Dropbox reports then means nothing where chunks come in any order. If that attempt hadn't arrived, the session
/// has a gap, and the commit fails.
pub(super) async fn append(
    client: &Client,
    arg: &SessionAppendArg,
    payload: &Payload,
) -> Result<bool, Error> {
    match client.upload(&SESSION_APPEND, arg, payload).await {
        Ok(_) => Ok(false),
        Err(Error::Route(e)) if arg.close && e.has("closed") || e.correct_offset().is_some() => Ok(true),
        Err(error) => Err(error),
    }
}
