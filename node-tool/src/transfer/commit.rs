//! Makes files of closed sessions: one committer, never two commits at once, since each takes the
//! namespace's lock. Commits overlap the sending of what comes next.

use futures_util::{StreamExt, stream};
use shared::{
    api::files::{
        CommitInfo, FinishOutcome, MAX_BATCH_ENTRIES, SESSION_FINISH_BATCH, SessionCursor, SessionFinishArg,
        SessionFinishBatchArg, Time, WriteMode,
    },
    content_hash::ContentHash,
};
use tokio::sync::mpsc;

use super::{Event, Listener, journal::Journal};
use crate::{
    dropbox::{Client, DropboxPath, Error},
    local::Source,
    plan::Action,
};

/// Commit when this many wait and nothing is being committed: enough that a commit's fixed cost (300 ms seen)
/// is small beside its entries, few enough that committing starts while most is still to be sent.
const WORTH_A_COMMIT: usize = 250;
/// A contended or lost entry is tried this often.
const ENTRY_TRIES: u32 = 6;

/// A file whose bytes are all on the server.
#[derive(Debug)]
pub(super) struct Sent {
    pub action: Action,
    pub target: DropboxPath,
    pub session_id: String,
    pub hash: ContentHash,
    pub source: Source,
    /// Of a big file.
    pub journal: Option<Journal>,
}

impl Sent {
    /// Nobody has to go on with it.
    fn is_over(&self) {
        if let Some(journal) = &self.journal {
            journal.forget();
        }
    }
}

/// Where a file is to go, and over what: only over the revision that was seen.
pub(super) fn commit_info(action: &Action, target: &DropboxPath, with_time: bool) -> CommitInfo {
    let seen = action.over.as_ref().and_then(|old| old.remote.as_ref());
    CommitInfo {
        path: target.as_str().to_owned(),
        mode: seen.map_or(WriteMode::Add, |remote| WriteMode::Update {
            update: remote.rev.clone(),
        }),
        client_modified: with_time.then_some(Time(action.source.modified.seconds)),
        mute: true,
    }
}

/// Commits what comes until the senders are gone.
pub(super) async fn committer(client: &Client, mut sent: mpsc::UnboundedReceiver<Sent>, listener: &Listener) {
    let mut waiting: Vec<Sent> = Vec::new();
    loop {
        // Take what is there; wait for more only while there is too little.
        let open = if waiting.len() < WORTH_A_COMMIT {
            sent.recv_many(&mut waiting, MAX_BATCH_ENTRIES).await > 0
        } else {
            true
        };
        while waiting.len() < MAX_BATCH_ENTRIES
            && let Ok(more) = sent.try_recv()
        {
            waiting.push(more);
        }
        if waiting.is_empty() && !open {
            return;
        }
        if open && waiting.len() < WORTH_A_COMMIT {
            continue;
        }
        let rest = waiting.split_off(waiting.len().min(MAX_BATCH_ENTRIES));
        commit(client, std::mem::replace(&mut waiting, rest), listener).await;
    }
}

/// Commits up to 1000 files, and those among them again that met contention.
async fn commit(client: &Client, mut batch: Vec<Sent>, listener: &Listener) {
    // What changed on disk since it was read is not committed half.
    batch.retain(|sent| match sent.source.check_unchanged() {
        Ok(()) => true,
        Err(error) => {
            fail(listener, &sent.action, error.to_string(), None);
            false
        }
    });
    for round in 1..=ENTRY_TRIES {
        if batch.is_empty() {
            return;
        }
        let entries = batch.iter().map(finish_arg).collect();
        let arg = SessionFinishBatchArg { entries };
        let outcomes = match client.rpc(&SESSION_FINISH_BATCH, &arg).await {
            Ok(answer) => answer.entries,
            Err(error) => return settle_lost(client, batch, error, listener).await,
        };
        let (mut again, mut unclear) = (Vec::new(), Vec::new());
        let mut outcomes = outcomes.into_iter();
        for sent in batch {
            match outcomes.next() {
                Some(FinishOutcome::Success(file))
                    if file.content_hash.is_none_or(|hash| hash == sent.hash) =>
                {
                    sent.is_over();
                    done(listener, &sent.action);
                }
                Some(FinishOutcome::Success(_)) => {
                    sent.is_over();
                    fail(
                        listener,
                        &sent.action,
                        "Dropbox has other bytes than were sent; copy it again".into(),
                        None,
                    );
                }
                Some(FinishOutcome::Failure { failure }) => {
                    let error = Error::Route(failure);
                    let lost = error
                        .route()
                        .is_some_and(|e| e.has("lookup_failed") && e.has("not_found"));
                    if lost {
                        unclear.push((sent, error));
                    } else if error.fate() == crate::dropbox::Fate::TryAgain && round < ENTRY_TRIES {
                        again.push(sent);
                    } else {
                        fail(listener, &sent.action, error.to_string(), Some(error));
                    }
                }
                Some(FinishOutcome::Unknown) | None => {
                    unclear.push((sent, Error::NotDropbox("it misses an entry".into())));
                }
            }
        }
        settle_all(client, unclear, listener).await;
        batch = again;
        if !batch.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(500) * (1 << round)).await;
        }
    }
}

fn finish_arg(sent: &Sent) -> SessionFinishArg {
    SessionFinishArg {
        cursor: SessionCursor {
            session_id: sent.session_id.clone(),
            offset: sent.source.info.size_bytes,
        },
        commit: commit_info(&sent.action, &sent.target, true),
    }
}

/// The answer of a whole commit was lost: look, then decide, for each file.
async fn settle_lost(client: &Client, batch: Vec<Sent>, error: Error, listener: &Listener) {
    if error.is_unknown() {
        let unclear = batch.into_iter().map(|sent| (sent, error.clone())).collect();
        return settle_all(client, unclear, listener).await;
    }
    for sent in &batch {
        fail(listener, &sent.action, error.to_string(), Some(error.clone()));
    }
}

/// Settles many at once; the lanes limit them.
async fn settle_all(client: &Client, unclear: Vec<(Sent, Error)>, listener: &Listener) {
    stream::iter(unclear)
        .for_each_concurrent(client.pace().most(), |(sent, error)| async move {
            settle(client, &sent, error, listener).await;
        })
        .await;
}

/// Whether the file is there after all, with our bytes.
async fn settle(client: &Client, sent: &Sent, error: Error, listener: &Listener) {
    sent.is_over(); // the session is gone
    let there = client.stat(&sent.target).await.ok().flatten();
    let hash = there
        .as_ref()
        .and_then(|e| e.file())
        .and_then(|f| f.remote.as_ref())
        .and_then(|r| r.content_hash);
    if hash == Some(sent.hash) {
        done(listener, &sent.action);
    } else {
        fail(listener, &sent.action, error.to_string(), Some(error));
    }
}

fn done(listener: &Listener, action: &Action) {
    listener(Event::Copied {
        path: action.from.clone(),
        bytes: action.source.size_bytes,
        replaced: action.over.is_some(),
    });
}

pub(super) fn fail(listener: &Listener, action: &Action, reason: String, error: Option<Error>) {
    listener(Event::Failed {
        path: action.from.clone(),
        reason,
        error,
    });
}
