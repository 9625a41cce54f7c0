//! Many deletions, renames, copies or new folders in a few calls. The answer may be a job, which is then asked for.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Client, DropboxPath, Error, Fate,
    api::{
        Route,
        files::{
            COPY_BATCH, COPY_BATCH_CHECK, CREATE_FOLDER_BATCH, CREATE_FOLDER_BATCH_CHECK,
            CreateFolderBatchArg, DELETE_BATCH, DELETE_BATCH_CHECK, DeleteArg, DeleteBatchArg, Entries,
            JobArg, JobStatus, Launch, MAX_BATCH_ENTRIES, MOVE_BATCH, MOVE_BATCH_CHECK, Outcome, Relocated,
            RelocationArg, RelocationBatchArg,
        },
    },
    retry::Backoff,
};

/// The first wait for a job, and the longest between two questions for it.
const FIRST_JOB_WAIT: Duration = Duration::from_millis(100);
const MAX_JOB_WAIT: Duration = Duration::from_secs(5);
/// Maximum duration of a job; after that its outcome is not waited for.
const JOB_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a job runs before it is reported, and then again each time that it has doubled.
const NOTEWORTHY: Duration = Duration::from_secs(5);
/// Maximum number of checks of entries whose answer was lost, and the first wait before that.
const MAX_LOST_TRIES: u32 = 2;
const FIRST_LOST_WAIT: Duration = Duration::from_millis(500);
/// Maximum wait between rounds.
const MAX_ROUND_WAIT: Duration = Duration::from_secs(30);

type Launcher<A> = Route<A, Launch<Entries<Outcome>>>;
type Checker = Route<JobArg, JobStatus<Entries<Outcome>>>;

/// How a file or folder gets to another path on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// It is in both places.
    Copy,
    /// It is in the new place only.
    Move,
}

/// The outcome of each entry, in their order.
pub type Outcomes<T = ()> = Vec<Result<T, Error>>;

impl Client {
    /// Deletes files, and folders with all in them; something that isn't there is no error. An entry with a revision is deleted
    /// only if it is still that one.
    pub async fn delete_all(&self, targets: &[(DropboxPath, Option<String>)]) -> Outcomes {
        let arg = |entries: &[&(DropboxPath, Option<String>)]| DeleteBatchArg {
            entries: entries
                .iter()
                .map(|(path, rev)| DeleteArg {
                    path: path.as_str().to_owned(),
                    parent_rev: rev.clone(),
                })
                .collect(),
        };
        let outcomes = self.all(&DELETE_BATCH, &DELETE_BATCH_CHECK, targets, arg).await;
        forgive(outcomes, Error::is_not_found)
    }

    /// Copies or renames files and folders on the server, from the first place of a pair to the second, where nothing may be.
    /// Returns for each what is there now.
    pub async fn relocate_all(
        &self,
        how: Relocation,
        pairs: &[(DropboxPath, DropboxPath)],
    ) -> Outcomes<Relocated> {
        let mut outcomes = self.relocate_once(how, pairs).await;
        let mut backoff = Backoff::new(FIRST_LOST_WAIT, MAX_ROUND_WAIT);
        for _ in 0..MAX_LOST_TRIES {
            let is_lost = |outcome: &Result<Relocated, Error>| outcome.as_ref().is_err_and(Error::is_unknown);
            let lost: Vec<usize> = (0..pairs.len()).filter(|at| is_lost(&outcomes[*at])).collect();
            if lost.is_empty() {
                break;
            }
            tokio::time::sleep(backoff.next_wait()).await;
            self.relocate_lost(how, pairs, &lost, &mut outcomes).await;
        }
        outcomes
    }

    async fn relocate_once(
        &self,
        how: Relocation,
        pairs: &[(DropboxPath, DropboxPath)],
    ) -> Outcomes<Relocated> {
        let arg = |entries: &[&(DropboxPath, DropboxPath)]| RelocationBatchArg {
            entries: entries
                .iter()
                .map(|(from, to)| RelocationArg {
                    from_path: from.as_str().to_owned(),
                    to_path: to.as_str().to_owned(),
                })
                .collect(),
        };
        match how {
            Relocation::Copy => self.all(&COPY_BATCH, &COPY_BATCH_CHECK, pairs, arg).await,
            Relocation::Move => self.all(&MOVE_BATCH, &MOVE_BATCH_CHECK, pairs, arg).await,
        }
    }

    /// Checks the `lost` pairs, whose answer was lost, and relocates those again that didn't arrive. Their new places were free
    /// before, so a file there is the one that was relocated.
    async fn relocate_lost(
        &self,
        how: Relocation,
        pairs: &[(DropboxPath, DropboxPath)],
        lost: &[usize],
        outcomes: &mut Outcomes<Relocated>,
    ) {
        let looks = lost.iter().map(|at| async move {
            let (from, to) = &pairs[*at];
            (*at, self.relocated(how, from, to).await)
        });
        let looked: Vec<(usize, Option<Relocated>)> = stream::iter(looks)
            .buffer_unordered(self.max_calls())
            .collect()
            .await;
        let mut again = Vec::new();
        for (at, arrived) in looked {
            match arrived {
                Some(arrived) => outcomes[at] = Ok(arrived),
                None => again.push(at),
            }
        }
        let rest: Vec<_> = again.iter().map(|at| pairs[*at].clone()).collect();
        for (at, outcome) in again.into_iter().zip(self.relocate_once(how, &rest).await) {
            let (from, to) = &pairs[at];
            // The first attempt may have been in progress when it was checked.
            let is_late = outcome.as_ref().is_err_and(|error| {
                let route = error.route();
                route.is_some_and(|error| error.has("conflict") || error.has("from_lookup"))
            });
            let late = match is_late {
                true => self.relocated(how, from, to).await,
                false => None,
            };
            outcomes[at] = late.map_or(outcome, Ok);
        }
    }

    /// Returns what has arrived. `None` if it hasn't, or that isn't known.
    async fn relocated(&self, how: Relocation, from: &DropboxPath, to: &DropboxPath) -> Option<Relocated> {
        let arrived = self.stat(to).await.ok().flatten()?;
        if how == Relocation::Move && !matches!(self.stat(from).await, Ok(None)) {
            return None;
        }
        let file = arrived.file();
        Some(Relocated {
            rev: file.map(|file| file.rev.clone()),
            content_hash: file.and_then(|file| file.content_hash),
        })
    }

    /// Makes folders, with those around them; one that is there already is no error.
    pub async fn make_folders(&self, paths: &[DropboxPath]) -> Outcomes {
        let arg = |entries: &[&DropboxPath]| CreateFolderBatchArg {
            paths: entries.iter().map(|path| path.as_str().to_owned()).collect(),
        };
        let outcomes = self
            .all(&CREATE_FOLDER_BATCH, &CREATE_FOLDER_BATCH_CHECK, paths, arg)
            .await;
        forgive(outcomes, |error| {
            let route = error.route();
            route.is_some_and(|error| error.ends_with(&["conflict", "folder"]))
        })
    }

    /// Runs a batch for all `entries`, in as many calls as they need.
    async fn all<A: Serialize, E>(
        &self,
        launch: &Launcher<A>,
        check: &Checker,
        entries: &[E],
        arg: impl Fn(&[&E]) -> A,
    ) -> Outcomes<Relocated> {
        let mut outcomes = Vec::with_capacity(entries.len());
        for batch in entries.chunks(MAX_BATCH_ENTRIES) {
            outcomes.extend(self.batch(launch, check, batch, &arg).await);
        }
        outcomes
    }

    /// Runs one batch, and again for the entries that failed because others wrote at the same time.
    async fn batch<A: Serialize, E>(
        &self,
        launch: &Launcher<A>,
        check: &Checker,
        batch: &[E],
        arg: &impl Fn(&[&E]) -> A,
    ) -> Outcomes<Relocated> {
        let missing = || Err(Error::NotDropbox("it misses an entry".into()));
        let mut outcomes: Outcomes<Relocated> = batch.iter().map(|_| missing()).collect();
        let mut waiting: Vec<usize> = (0..batch.len()).collect();
        let mut tries = self.tries();
        loop {
            let now: Vec<&E> = waiting.iter().map(|at| &batch[*at]).collect();
            let done = self.job(launch, check, &arg(&now), JOB_TIMEOUT).await;
            let done = done.map(|done| done.entries);
            let (mut again, mut busy) = (Vec::new(), None);
            for (place, at) in waiting.into_iter().enumerate() {
                let Some(outcome) = outcome_at(&done, place) else {
                    continue;
                };
                if let Some(error) = outcome.as_ref().err().filter(|error| is_contention(error)) {
                    busy.get_or_insert_with(|| error.clone());
                    again.push(at);
                }
                outcomes[at] = outcome;
            }
            waiting = again;
            let Some(wait) = busy.and_then(|error| tries.wait_after(&error)) else {
                return outcomes;
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Makes a call, and waits for the job that it may become, at most for `timeout`.
    pub(crate) async fn job<A: Serialize, R: DeserializeOwned>(
        &self,
        launch: &Route<A, Launch<R>>,
        check: &Route<JobArg, JobStatus<R>>,
        arg: &A,
        timeout: Duration,
    ) -> Result<R, Error> {
        let arg = match self.rpc(launch, arg).await? {
            Launch::Complete(done) => return Ok(done),
            Launch::AsyncJobId { async_job_id } => JobArg { async_job_id },
            Launch::Other => return Err(Error::NotDropbox(format!("{} gave no job", launch.name))),
        };
        let mut backoff = Backoff::new(FIRST_JOB_WAIT, MAX_JOB_WAIT);
        let (began, mut tell_after) = (Instant::now(), NOTEWORTHY);
        loop {
            tokio::time::sleep(backoff.next_wait()).await;
            let waited = began.elapsed();
            if waited >= timeout {
                return Err(Error::Unfinished(timeout));
            }
            if waited >= tell_after {
                tell_after *= 2;
                tracing::warn!(
                    "Dropbox is still at work on it ({}), for {} s now",
                    launch.name,
                    waited.as_secs()
                );
            }
            match self.rpc(check, &arg).await? {
                JobStatus::InProgress => {}
                JobStatus::Complete(done) => return Ok(done),
                JobStatus::Failed { failed } => return Err(Error::Route(failed)),
                JobStatus::Other => return Err(Error::NotDropbox(format!("{} says nothing", check.name))),
            }
        }
    }
}

/// Returns what a batch says of the entry at `place`. `None` if it says nothing that can be used.
fn outcome_at(done: &Result<Vec<Outcome>, Error>, place: usize) -> Option<Result<Relocated, Error>> {
    match done {
        Err(error) => Some(Err(error.clone())),
        Ok(all) => match all.get(place)? {
            Outcome::Success { success } => Some(Ok(success.clone().unwrap_or_default())),
            Outcome::Failure { failure } => Some(Err(Error::Route(failure.clone()))),
            Outcome::Unknown => None,
        },
    }
}

/// Returns whether an entry failed because others wrote at the same time.
fn is_contention(error: &Error) -> bool {
    error.route().is_some() && error.fate() == Fate::TryAgain
}

/// Replaces errors that say that there was nothing to do by success.
fn forgive(outcomes: Outcomes<Relocated>, is_done: impl Fn(&Error) -> bool) -> Outcomes {
    let forgive = |outcome: Result<Relocated, Error>| match outcome {
        Err(error) if !is_done(&error) => Err(error),
        _ => Ok(()),
    };
    outcomes.into_iter().map(forgive).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::error::RouteError;

    fn failure(tags: &str) -> RouteError {
        RouteError::from_body(format!(r#"{{"error":{tags}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn outcomes_are_told_apart_entry_by_entry() {
        let busy = failure(r#"{".tag":"too_many_write_operations"}"#);
        let done = Ok(vec![
            Outcome::Success { success: None },
            Outcome::Failure { failure: busy },
            Outcome::Unknown,
        ]);
        assert!(matches!(outcome_at(&done, 0), Some(Ok(_))));
        assert!(matches!(outcome_at(&done, 1), Some(Err(error)) if is_contention(&error)));
        assert!(outcome_at(&done, 2).is_none() && outcome_at(&done, 3).is_none());
        let lost = Err(Error::BadRequest("x".into()));
        assert!(matches!(outcome_at(&lost, 3), Some(Err(error)) if !is_contention(&error)));
    }

    #[test]
    fn only_what_there_was_nothing_to_do_for_is_forgiven() {
        let gone = Error::Route(failure(
            r#"{".tag":"path_lookup","path_lookup":{".tag":"not_found"}}"#,
        ));
        let other = Error::Route(failure(r#"{".tag":"path_write"}"#));
        let outcomes = forgive(
            vec![Ok(Relocated::default()), Err(gone), Err(other)],
            Error::is_not_found,
        );
        assert_eq!(
            outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, true, false]
        );
    }
}
