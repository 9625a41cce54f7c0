//! Makes files of closed sessions: all that wait in one call, and never two calls for a namespace at once, since each takes the
//! namespace's lock; other namespaces have locks of their own. Commits overlap the sending of what comes next.

use std::{
    collections::HashMap,
    io,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream, stream::FuturesUnordered};
use shared::{
    api::files::{
        CommitInfo, FinishOutcome, MAX_BATCH_ENTRIES, SESSION_FINISH_BATCH, SessionCursor, SessionFinishArg,
        SessionFinishBatchArg, Time, WriteMode,
    },
    content_hash::ContentHash,
};
use tokio::sync::mpsc;

use dropbox::{Client, Error, Tries};
use engine::Retry;

use crate::{
    blocking::blocking,
    dropbox::{
        item::{Item, Outcomes, copied, failed, is_lost, refused},
        journal::Journal,
        namespaces::Namespaces,
    },
    local::Source,
    transfer::TransferOptions,
};

/// Commit when this many wait and nothing is being committed: enough that a commit's fixed cost (300 ms seen)
/// is small beside its entries, few enough that committing starts while most is still to be sent.
const COMMIT_FILES: usize = 250;
/// Commit when this many bytes wait: a few huge files should not wait for hundreds of others.
const COMMIT_BYTES: u64 = 256 << 20;
/// Maximum number of files that wait: sending is faster than committing, and each one takes memory.
const MAX_WAITING: usize = 2 * MAX_BATCH_ENTRIES;
/// Maximum time without a commit while files wait: what is sent beside a huge file soon arrives.
const MAX_COMMIT_DELAY: Duration = Duration::from_secs(5);
/// Maximum number of attempts for a contended or lost entry.
const MAX_ENTRY_TRIES: u32 = 6;

/// A file whose bytes are all on the server.
#[derive(Debug)]
pub(super) struct Sent {
    pub item: Item,
    pub session_id: String,
    pub hash: ContentHash,
    pub source: Source,
    /// The journal of a big file.
    pub journal: Option<Journal>,
    /// Whether its time is omitted, since Dropbox refuses it.
    pub timeless: bool,
}

impl Sent {
    /// Forgets its journal: it need not be continued.
    fn forget_journal(&self) {
        if let Some(journal) = &self.journal {
            journal.forget();
        }
    }
}

/// Returns where a file goes, and what it may replace: only the revision that was seen, unless everything may be replaced.
pub(super) fn commit_info(item: &Item, options: &TransferOptions, timeless: bool) -> CommitInfo {
    let step = &item.step;
    let seen = step.replaces.as_ref().and_then(|old| old.version.as_ref());
    let mode = match seen {
        _ if options.overwrites_newer => WriteMode::Overwrite,
        Some(version) => WriteMode::Update {
            update: version.id.clone(),
        },
        None => WriteMode::Add,
    };
    CommitInfo {
        path: item.target().as_str().to_owned(),
        mode,
        client_modified: (!timeless).then_some(Time(step.meta.modified.seconds)),
        mute: true,
    }
}

/// What waits to be committed in one namespace.
#[derive(Default)]
struct Queue {
    waiting: Vec<Sent>,
    bytes: u64,
    /// A commit is in flight.
    is_busy: bool,
}

impl Queue {
    fn push(&mut self, sent: Sent) {
        self.bytes += sent.source.info.size_bytes;
        self.waiting.push(sent);
    }

    fn is_idle(&self) -> bool {
        !self.is_busy && !self.waiting.is_empty()
    }

    /// Takes what is to be committed now: anything, if it must not wait for more.
    fn next(&mut self, must_not_wait: bool) -> Option<Vec<Sent>> {
        let is_worth = self.waiting.len() >= COMMIT_FILES || self.bytes >= COMMIT_BYTES;
        if !self.is_idle() || !(is_worth || must_not_wait) {
            return None;
        }
        let rest = self.waiting.split_off(self.waiting.len().min(MAX_BATCH_ENTRIES));
        let batch = std::mem::replace(&mut self.waiting, rest);
        self.bytes = self.waiting.iter().map(|sent| sent.source.info.size_bytes).sum();
        self.is_busy = true;
        Some(batch)
    }
}

/// Commits what arrives until the senders are gone.
pub(super) async fn committer(
    client: &Client,
    mut sent: mpsc::Receiver<Sent>,
    namespaces: &Namespaces,
    options: &TransferOptions,
    outcomes: &Outcomes<'_>,
) {
    let mut queues: HashMap<Option<&str>, Queue> = HashMap::new();
    let mut commits = FuturesUnordered::new();
    let mut is_open = true;
    let mut last_commit = Instant::now();
    loop {
        let mut waiting: usize = queues.values().map(|queue| queue.waiting.len()).sum();
        while waiting < MAX_WAITING
            && let Ok(one) = sent.try_recv()
        {
            waiting += 1;
            let namespace = namespaces.namespace_of(&one.item.step.to);
            queues.entry(namespace).or_default().push(one);
        }
        let is_full = waiting >= MAX_WAITING;
        let must_not_wait = is_full || !is_open || last_commit.elapsed() >= MAX_COMMIT_DELAY;
        for (namespace, queue) in &mut queues {
            if let Some(batch) = queue.next(must_not_wait) {
                last_commit = Instant::now();
                let namespace = *namespace;
                commits.push(async move {
                    commit(client, batch, options, outcomes).await;
                    namespace
                });
            }
        }
        if !is_open && commits.is_empty() {
            return;
        }
        let is_idle = queues.values().any(Queue::is_idle);
        tokio::select! {
            () = tokio::time::sleep_until((last_commit + MAX_COMMIT_DELAY).into()), if is_idle => {}
            Some(namespace) = commits.next(), if !commits.is_empty() => {
                queues.entry(namespace).or_default().is_busy = false;
            }
            more = sent.recv(), if is_open && !is_full => match more {
                Some(one) => queues.entry(namespaces.namespace_of(&one.item.step.to)).or_default().push(one),
                None => is_open = false,
            },
        }
    }
}

/// Commits up to 1,000 files, and retries those that met contention.
async fn commit(client: &Client, batch: Vec<Sent>, options: &TransferOptions, outcomes: &Outcomes<'_>) {
    // What changed on disk since it was read is not committed half.
    let mut batch = unchanged(batch, outcomes).await;
    // All kinds of failures share one number of attempts.
    let mut tries = client.tries();
    for round in 1..=MAX_ENTRY_TRIES {
        let Some((sent, results)) = finish(client, batch, options, outcomes, &mut tries).await else {
            return;
        };
        let (mut again, mut unclear) = (Vec::new(), Vec::new());
        let mut results = results.into_iter();
        for sent in sent {
            match results.next() {
                Some(FinishOutcome::Success(file))
                    if file.content_hash.is_none_or(|hash| hash == sent.hash) =>
                {
                    is_done(&sent, outcomes);
                }
                Some(FinishOutcome::Success(_)) => {
                    sent.forget_journal();
                    refused(
                        outcomes.run,
                        &sent.item.step,
                        Retry::Later,
                        "Dropbox has other bytes than were sent; copy it again",
                    );
                }
                Some(FinishOutcome::Failure { failure }) => {
                    let error = Error::Route(failure);
                    // Perhaps because an earlier attempt had created the file.
                    if error.route().is_some_and(|e| e.has("lookup_failed")) || is_lost(&error) {
                        unclear.push((sent, error));
                    } else if error.fate() == dropbox::Fate::TryAgain && round < MAX_ENTRY_TRIES {
                        again.push(sent);
                    } else {
                        failed(outcomes.run, &sent.item.step, &error);
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
            tokio::time::sleep(Duration::from_millis(500) * (1 << round)).await;
        }
    }
}

/// Sends a commit until it is answered. Returns its entries and the result of each. `None` if there is no more to do.
async fn finish(
    client: &Client,
    mut batch: Vec<Sent>,
    options: &TransferOptions,
    outcomes: &Outcomes<'_>,
    tries: &mut Tries,
) -> Option<(Vec<Sent>, Vec<FinishOutcome>)> {
    while !batch.is_empty() {
        let entries = batch.iter().map(|sent| finish_arg(sent, options)).collect();
        let arg = SessionFinishBatchArg { entries };
        let error = match client.rpc_within(&SESSION_FINISH_BATCH, &arg, tries).await {
            Ok(answer) => return Some((batch, answer.entries)),
            Err(error) => error,
        };
        match (&error, batch.as_mut_slice()) {
            _ if error.is_unknown() => {
                let Some(wait) = tries.wait_after(&error) else {
                    let unclear = batch.into_iter().map(|sent| (sent, error.clone())).collect();
                    settle_all(client, unclear, outcomes).await;
                    return None;
                };
                tracing::info!(
                    "checking the result of a commit in {:.1} s: {error}",
                    wait.as_secs_f64()
                );
                tokio::time::sleep(wait).await;
                batch = still_missing(client, batch, outcomes).await;
            }
            // One odd entry can cause that, such as a time out of Dropbox's range.
            (Error::BadRequest(_), [only]) if !only.timeless => {
                let path = &only.item.step.from;
                tracing::warn!(object = %path, "trying it without its modification time: {error}");
                only.timeless = true;
            }
            (Error::BadRequest(_), [_, _, ..]) => {
                let rest = batch.split_off(batch.len() / 2);
                for half in [batch, rest] {
                    Box::pin(commit(client, half, options, outcomes)).await;
                }
                return None;
            }
            _ => {
                for sent in &batch {
                    failed(outcomes.run, &sent.item.step, &error);
                }
                return None;
            }
        }
    }
    None
}

fn is_done(sent: &Sent, outcomes: &Outcomes<'_>) {
    sent.forget_journal();
    copied(outcomes.run, &sent.item.step);
}

async fn unchanged(batch: Vec<Sent>, outcomes: &Outcomes<'_>) -> Vec<Sent> {
    let check = |sent: Sent| (sent.source.check_unchanged().err(), sent);
    let checked = blocking(move || batch.into_iter().map(check).collect::<Vec<_>>()).await;
    let keep = |(error, sent): (Option<io::Error>, Sent)| match error {
        None => Some(sent),
        Some(error) => {
            sent.forget_journal();
            outcomes.unread(sent.item, error);
            None
        }
    };
    checked.into_iter().filter_map(keep).collect()
}

fn finish_arg(sent: &Sent, options: &TransferOptions) -> SessionFinishArg {
    SessionFinishArg {
        cursor: SessionCursor {
            session_id: sent.session_id.clone(),
            offset: sent.source.info.size_bytes,
        },
        commit: commit_info(&sent.item, options, sent.timeless),
    }
}

/// Returns the entries that a commit with a lost answer did not create. If the first was not created, the others aren't checked.
async fn still_missing(client: &Client, batch: Vec<Sent>, outcomes: &Outcomes<'_>) -> Vec<Sent> {
    let has_begun = match batch.first() {
        Some(first) => is_there(client, first).await,
        None => false,
    };
    if !has_begun {
        return batch;
    }
    let look = |sent: Sent| async move { (is_there(client, &sent).await, sent) };
    let looked: Vec<(bool, Sent)> = stream::iter(batch)
        .map(look)
        .buffered(client.max_calls())
        .collect()
        .await;
    let (done, missing): (Vec<_>, Vec<_>) = looked.into_iter().partition(|(is_there, _)| *is_there);
    done.iter().for_each(|(_, sent)| is_done(sent, outcomes));
    missing.into_iter().map(|(_, sent)| sent).collect()
}

/// Checks many at once; the permits limit them.
async fn settle_all(client: &Client, unclear: Vec<(Sent, Error)>, outcomes: &Outcomes<'_>) {
    stream::iter(unclear)
        .for_each_concurrent(client.max_calls(), |(sent, error)| async move {
            if is_there(client, &sent).await {
                return is_done(&sent, outcomes);
            }
            if is_lost(&error) {
                sent.forget_journal();
            }
            outcomes.unsent(sent.item, &error);
        })
        .await;
}

/// Returns whether the file was created after all, with our bytes.
async fn is_there(client: &Client, sent: &Sent) -> bool {
    let there = client.stat(&sent.item.target()).await.ok().flatten();
    let remote = there
        .as_ref()
        .and_then(|entry| entry.file())
        .and_then(|file| file.content_hash);
    remote == Some(sent.hash)
}
