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

use super::{
    Limits,
    journal::Journal,
    outcome::{Item, Outcomes, is_lost},
};
use crate::{
    dropbox::{Client, Error},
    local::Source,
};

/// Commit when this many wait and nothing is being committed: enough that a commit's fixed cost (300 ms seen)
/// is small beside its entries, few enough that committing starts while most is still to be sent.
const WORTH_A_COMMIT: usize = 250;
/// A contended or lost entry is tried this often.
const ENTRY_TRIES: u32 = 6;

/// A file whose bytes are all on the server.
#[derive(Debug)]
pub(super) struct Sent {
    pub item: Item,
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

/// Where a file is to go, and over what: only over the revision that was seen, unless everything may be replaced.
pub(super) fn commit_info(item: &Item, limits: &Limits) -> CommitInfo {
    let action = &item.action;
    let seen = action.over.as_ref().and_then(|old| old.remote.as_ref());
    let mode = match seen {
        _ if limits.overwrite_newer => WriteMode::Overwrite,
        Some(remote) => WriteMode::Update {
            update: remote.rev.clone(),
        },
        None => WriteMode::Add,
    };
    CommitInfo {
        path: item.target.as_str().to_owned(),
        mode,
        client_modified: Some(Time(action.source.modified.seconds)),
        mute: true,
    }
}

/// Commits what comes until the senders are gone.
pub(super) async fn committer(
    client: &Client,
    mut sent: mpsc::UnboundedReceiver<Sent>,
    limits: &Limits,
    outcomes: &Outcomes<'_>,
) {
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
        commit(client, std::mem::replace(&mut waiting, rest), limits, outcomes).await;
    }
}

/// Commits up to 1000 files, and those among them again that met contention.
async fn commit(client: &Client, batch: Vec<Sent>, limits: &Limits, outcomes: &Outcomes<'_>) {
    // What changed on disk since it was read is not committed half.
    let mut batch = tokio::task::block_in_place(|| unchanged(batch, outcomes));
    for round in 1..=ENTRY_TRIES {
        if batch.is_empty() {
            return;
        }
        let entries = batch.iter().map(|sent| finish_arg(sent, limits)).collect();
        let arg = SessionFinishBatchArg { entries };
        let results = match client.rpc(&SESSION_FINISH_BATCH, &arg).await {
            Ok(answer) => answer.entries,
            Err(error) => return settle_lost(client, batch, &error, outcomes).await,
        };
        let (mut again, mut unclear) = (Vec::new(), Vec::new());
        let mut results = results.into_iter();
        for sent in batch {
            match results.next() {
                Some(FinishOutcome::Success(file))
                    if file.content_hash.is_none_or(|hash| hash == sent.hash) =>
                {
                    sent.is_over();
                    outcomes.copied(&sent.item.action);
                }
                Some(FinishOutcome::Success(_)) => {
                    sent.is_over();
                    outcomes.refused(
                        &sent.item.action,
                        "Dropbox has other bytes than were sent; copy it again",
                    );
                }
                Some(FinishOutcome::Failure { failure }) => {
                    let error = Error::Route(failure);
                    // Perhaps because an earlier try had made a file of it.
                    if error.route().is_some_and(|e| e.has("lookup_failed")) || is_lost(&error) {
                        unclear.push((sent, error));
                    } else if error.fate() == crate::dropbox::Fate::TryAgain && round < ENTRY_TRIES {
                        again.push(sent);
                    } else {
                        outcomes.failed(&sent.item.action, &error);
                    }
                }
                Some(FinishOutcome::Unknown) | None => {
                    unclear.push((sent, Error::NotDropbox("it misses an entry".into())));
                }
            }
        }
        settle_all(client, unclear, outcomes).await;
        batch = again;
        if !batch.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(500) * (1 << round)).await;
        }
    }
}

fn unchanged(batch: Vec<Sent>, outcomes: &Outcomes<'_>) -> Vec<Sent> {
    let check = |sent: Sent| match sent.source.check_unchanged() {
        Ok(()) => Some(sent),
        Err(error) => {
            sent.is_over();
            outcomes.unread(sent.item, &error);
            None
        }
    };
    batch.into_iter().filter_map(check).collect()
}

fn finish_arg(sent: &Sent, limits: &Limits) -> SessionFinishArg {
    SessionFinishArg {
        cursor: SessionCursor {
            session_id: sent.session_id.clone(),
            offset: sent.source.info.size_bytes,
        },
        commit: commit_info(&sent.item, limits),
    }
}

/// The answer of a whole commit was lost: look, then decide, for each file.
async fn settle_lost(client: &Client, batch: Vec<Sent>, error: &Error, outcomes: &Outcomes<'_>) {
    if error.is_unknown() {
        let unclear = batch.into_iter().map(|sent| (sent, error.clone())).collect();
        return settle_all(client, unclear, outcomes).await;
    }
    for sent in &batch {
        outcomes.failed(&sent.item.action, error);
    }
}

/// Settles many at once; the lanes limit them.
async fn settle_all(client: &Client, unclear: Vec<(Sent, Error)>, outcomes: &Outcomes<'_>) {
    stream::iter(unclear)
        .for_each_concurrent(client.pace().most(), |(sent, error)| async move {
            settle(client, sent, &error, outcomes).await;
        })
        .await;
}

/// Whether the file is there after all, with our bytes.
async fn settle(client: &Client, sent: Sent, error: &Error, outcomes: &Outcomes<'_>) {
    sent.is_over(); // the session is gone
    let there = client.stat(&sent.item.target).await.ok().flatten();
    let hash = there
        .as_ref()
        .and_then(|e| e.file())
        .and_then(|f| f.remote.as_ref())
        .and_then(|r| r.content_hash);
    if hash == Some(sent.hash) {
        outcomes.copied(&sent.item.action);
    } else {
        outcomes.unsent(sent.item, error);
    }
}
