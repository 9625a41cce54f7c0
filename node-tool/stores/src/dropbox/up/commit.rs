//! Makes files of closed sessions: all that wait in one call, and never two calls for a namespace at once, since each takes the
//! namespace's lock; other namespaces have locks of their own. Commits overlap the sending of what comes next.

use std::{
    collections::HashMap,
    io,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream, stream::FuturesUnordered};
use shared::api::files::{
    CommitInfo, FinishOutcome, MAX_BATCH_ENTRIES, SessionCursor, SessionFinishArg, Time, WriteMode,
};
use tokio::sync::mpsc;

use dropbox::{Client, Error, Tries};
use engine::{Retry, entry::Version, run::Arrived};

use super::{pending::Pending, sent::Sent, turns::Turns};
use crate::{
    blocking::blocking,
    dropbox::{
        item::{Item, Outcomes, copied, failed, is_lost, refused},
        namespaces::Namespaces,
    },
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

/// Returns where a file goes, and what it may replace: only the revision that was seen, unless everything may be replaced.
pub(super) fn commit_info(item: &Item, options: &TransferOptions, timeless: bool) -> CommitInfo {
    let step = &item.step;
    let seen = step.replaces.as_ref().and_then(|old| old.version.as_deref());
    CommitInfo {
        path: item.target().as_str().to_owned(),
        mode: write_mode(seen, options.overwrites_newer),
        client_modified: (!timeless).then_some(Time(step.meta.modified.seconds)),
        mute: true,
        autorename: false,
    }
}

/// Returns what may be replaced: only the version that was seen, unless everything may be.
pub(super) fn write_mode(seen: Option<&Version>, overwrites: bool) -> WriteMode {
    match overwrites {
        true => WriteMode::Overwrite,
        false => WriteMode::over(seen.map(|version| version.id.as_str())),
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

/// Makes files of what was sent.
pub(super) struct Committer<'a> {
    pub client: &'a Client,
    pub namespaces: &'a Namespaces,
    pub options: &'a TransferOptions,
    pub outcomes: &'a Outcomes<'a>,
    pub turns: &'a Turns,
    pub pending: &'a Pending,
}

impl Committer<'_> {
    /// Commits what arrives until the senders are gone.
    pub(super) async fn run(&self, mut sent: mpsc::Receiver<Sent>) {
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
                let namespace = self.namespaces.namespace_of(&one.item.step.to);
                queues.entry(namespace).or_default().push(one);
            }
            let is_full = waiting >= MAX_WAITING;
            let must_not_wait = is_full || !is_open || last_commit.elapsed() >= MAX_COMMIT_DELAY;
            for (namespace, queue) in &mut queues {
                if let Some(batch) = queue.next(must_not_wait) {
                    last_commit = Instant::now();
                    let namespace = *namespace;
                    commits.push(async move {
                        self.commit(namespace, batch).await;
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
                    Some(one) => {
                        let namespace = self.namespaces.namespace_of(&one.item.step.to);
                        queues.entry(namespace).or_default().push(one);
                    }
                    None => is_open = false,
                },
            }
        }
    }

    /// Commits up to 1,000 files of one namespace, and again those that others were in the way of.
    async fn commit(&self, namespace: Option<&str>, batch: Vec<Sent>) {
        // What changed on disk since it was read is not committed half.
        let mut batch = self.unchanged(batch).await;
        // All kinds of failures share one budget.
        let mut tries = self.client.tries();
        while let Some((sent, results)) = self.finish(namespace, batch, &mut tries).await {
            let again = self.settle(sent, results).await;
            let Some((_, error)) = again.first() else { return };
            let Some(wait) = tries.wait_after(error) else {
                return self.give_up(again).await;
            };
            batch = again.into_iter().map(|(sent, _)| sent).collect();
            // It may take minutes, and the job's time may end before.
            self.pending.keep(self.client, batch.iter()).await;
            tokio::time::sleep(wait).await;
        }
    }

    /// Reports the results of a commit. Returns the files that may be committed again as they are.
    async fn settle(&self, sent: Vec<Sent>, results: Vec<FinishOutcome>) -> Vec<(Sent, Error)> {
        let (mut again, mut unclear) = (Vec::new(), Vec::new());
        let mut results = results.into_iter();
        for sent in sent {
            match results.next() {
                Some(FinishOutcome::Success(file))
                    if file.content_hash.is_none_or(|hash| hash == sent.hash) =>
                {
                    self.is_done(&sent, file.rev).await;
                }
                Some(FinishOutcome::Success(_)) => {
                    self.forget(&sent).await;
                    refused(
                        self.outcomes.run,
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
                    } else if error.fate() == dropbox::Fate::TryAgain {
                        again.push((sent, error));
                    } else {
                        self.pending.done(self.client, &sent).await;
                        failed(self.outcomes.run, &sent.item.step, &error);
                    }
                }
                Some(FinishOutcome::Unknown) | None => {
                    unclear.push((sent, Error::NotDropbox("it misses an entry".into())));
                }
            }
        }
        self.settle_all(unclear).await;
        again
    }

    /// Sends a commit until it is answered. Returns its entries and the result of each. `None` if there is no more to do.
    async fn finish(
        &self,
        namespace: Option<&str>,
        mut batch: Vec<Sent>,
        tries: &mut Tries,
    ) -> Option<(Vec<Sent>, Vec<FinishOutcome>)> {
        while !batch.is_empty() {
            let entries: Vec<_> = batch.iter().map(|sent| finish_arg(sent, self.options)).collect();
            let finished = {
                let finishing = self.turns.finish(self.client, namespace, &entries, tries);
                let mut finishing = std::pin::pin!(finishing);
                tokio::select! {
                    finished = &mut finishing => finished,
                    // There are seconds left, and others' turn may take longer.
                    () = self.outcomes.run.shutdown().requested() => {
                        self.pending.keep(self.client, batch.iter()).await;
                        finishing.await
                    }
                }
            };
            let error = match finished {
                Ok(outcomes) => return Some((batch, outcomes)),
                Err(error) => error,
            };
            match (&error, batch.as_mut_slice()) {
                _ if error.is_unknown() => {
                    let Some(wait) = tries.wait_after(&error) else {
                        let unclear = batch.into_iter().map(|sent| (sent, error.clone())).collect();
                        self.settle_all(unclear).await;
                        return None;
                    };
                    tracing::info!(
                        "checking the result of a commit in {:.1} s: {error}",
                        wait.as_secs_f64()
                    );
                    tokio::time::sleep(wait).await;
                    batch = self.still_missing(batch).await;
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
                        Box::pin(self.commit(namespace, half)).await;
                    }
                    return None;
                }
                _ => {
                    let all = batch.into_iter().map(|sent| (sent, error.clone())).collect();
                    self.give_up(all).await;
                    return None;
                }
            }
        }
        None
    }

    /// Reports files that could not be committed, and keeps them for another run where that may commit them.
    async fn give_up(&self, files: Vec<(Sent, Error)>) {
        let may_pass = |error: &Error| error.fate() != dropbox::Fate::SkipFile;
        let kept = files.iter().filter(|(_, error)| may_pass(error));
        self.pending.keep(self.client, kept.map(|(sent, _)| sent)).await;
        for (sent, error) in &files {
            failed(self.outcomes.run, &sent.item.step, error);
        }
    }

    /// Reports a file that is in the target now, as its revision `rev`.
    async fn is_done(&self, sent: &Sent, rev: String) {
        self.forget(sent).await;
        let arrived = Arrived {
            version: Some(rev.into()),
            checksum: Some(sent.hash),
            digests: sent.digests.clone(),
        };
        let bytes = sent.source.info.size_bytes;
        copied(self.outcomes.run, &sent.item.step, bytes, arrived);
    }

    /// Forgets what is kept of a file for another run.
    async fn forget(&self, sent: &Sent) {
        sent.forget_journal();
        self.pending.done(self.client, sent).await;
    }

    async fn unchanged(&self, batch: Vec<Sent>) -> Vec<Sent> {
        let check = |sent: Sent| (sent.source.check_unchanged().err(), sent);
        let checked = blocking(move || batch.into_iter().map(check).collect::<Vec<_>>()).await;
        let keep = |(error, sent): (Option<io::Error>, Sent)| match error {
            None => Some(sent),
            Some(error) => {
                sent.forget_journal();
                self.outcomes.unread(sent.item, error);
                None
            }
        };
        checked.into_iter().filter_map(keep).collect()
    }

    /// Returns the entries that a commit with a lost answer did not create. If the first was not created, the others aren't
    /// checked.
    async fn still_missing(&self, batch: Vec<Sent>) -> Vec<Sent> {
        let has_begun = match batch.first() {
            Some(first) => find(self.client, first).await.is_some(),
            None => false,
        };
        if !has_begun {
            return batch;
        }
        let look = |sent: Sent| async move { (find(self.client, &sent).await, sent) };
        let looked: Vec<(Option<String>, Sent)> = stream::iter(batch)
            .map(look)
            .buffered(self.client.max_calls())
            .collect()
            .await;
        let mut missing = Vec::new();
        for (there, sent) in looked {
            match there {
                Some(rev) => self.is_done(&sent, rev).await,
                None => missing.push(sent),
            }
        }
        missing
    }

    /// Checks many at once; the permits limit them.
    async fn settle_all(&self, unclear: Vec<(Sent, Error)>) {
        stream::iter(unclear)
            .for_each_concurrent(self.client.max_calls(), |(sent, error)| async move {
                if let Some(rev) = find(self.client, &sent).await {
                    return self.is_done(&sent, rev).await;
                }
                if is_lost(&error) {
                    self.forget(&sent).await;
                }
                self.outcomes.unsent(sent.item, &error);
            })
            .await;
    }
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

/// Returns the revision of the file, if it was created after all, with our bytes.
async fn find(client: &Client, sent: &Sent) -> Option<String> {
    let there = client.stat(&sent.item.target()).await.ok().flatten()?;
    let file = there.file()?;
    (file.content_hash == Some(sent.hash)).then(|| file.rev.clone())
}
