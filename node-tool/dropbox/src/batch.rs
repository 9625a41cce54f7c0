//! Many deletions, renames, copies or new folders in a few calls. The answer may be a job, which is then asked for.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde::Serialize;
use shared::api::{
    Route,
    files::{
        COPY_BATCH, COPY_BATCH_CHECK, CREATE_FOLDER_BATCH, CREATE_FOLDER_BATCH_CHECK, CreateFolderBatchArg,
        DELETE_BATCH, DELETE_BATCH_CHECK, DeleteArg, DeleteBatchArg, Entries, JobArg, JobStatus, Launch,
        MAX_BATCH_ENTRIES, MOVE_BATCH, MOVE_BATCH_CHECK, Outcome, RelocationArg, RelocationBatchArg,
    },
};

use super::{Client, DropboxPath, Error, Fate};

/// The first wait for a job, and the longest between two questions.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A job that is still under way after this long is left to itself.
const JOB_PATIENCE: Duration = Duration::from_secs(600);
/// After this long people are told that there is one, and then again each time that it has doubled.
const NOTEWORTHY: Duration = Duration::from_secs(5);
/// An entry that met other writers is tried so often.
const ENTRY_TRIES: u32 = 6;

/// What was lost on the way is looked for, and tried again, so often.
const LOST_TRIES: u32 = 2;

type Launcher<A> = Route<A, Launch<Entries<Outcome>>>;
type Checker = Route<JobArg, JobStatus<Entries<Outcome>>>;

/// What becomes of a file or folder on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// It is in both places.
    Copy,
    /// It is in the new place only.
    Move,
}

/// What came of each entry, in their order.
pub type Outcomes = Vec<Result<(), Error>>;

impl Client {
    /// Deletes; something that isn't there is no error. With a revision, only if it is still that one.
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
        let forgive = |outcome: Result<(), Error>| match outcome {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome,
        };
        outcomes.into_iter().map(forgive).collect()
    }

    /// Copies or renames files and folders on the server, from the first place of a pair to the second, where nothing may be.
    pub async fn relocate_all(&self, how: Relocation, pairs: &[(DropboxPath, DropboxPath)]) -> Outcomes {
        let arg = |entries: &[&(DropboxPath, DropboxPath)]| RelocationBatchArg {
            entries: entries
                .iter()
                .map(|(from, to)| RelocationArg {
                    from_path: from.as_str().to_owned(),
                    to_path: to.as_str().to_owned(),
                })
                .collect(),
        };
        let call = async |pairs: &[(DropboxPath, DropboxPath)]| match how {
            Relocation::Copy => self.all(&COPY_BATCH, &COPY_BATCH_CHECK, pairs, arg).await,
            Relocation::Move => self.all(&MOVE_BATCH, &MOVE_BATCH_CHECK, pairs, arg).await,
        };
        let mut outcomes = call(pairs).await;
        for round in 1..=LOST_TRIES {
            // Whose answer was lost: nothing was there before, so what is there now tells.
            let lost: Vec<usize> = outcomes
                .iter()
                .enumerate()
                .filter(|(_, outcome)| outcome.as_ref().is_err_and(Error::is_unknown))
                .map(|(at, _)| at)
                .collect();
            if lost.is_empty() {
                break;
            }
            tokio::time::sleep(FIRST_WAIT * 5 * round).await;
            let looks = lost.into_iter().map(|at| async move {
                let (from, to) = &pairs[at];
                (at, self.is_relocated(how, from, to).await)
            });
            let looked: Vec<(usize, bool)> = stream::iter(looks)
                .buffer_unordered(self.pace().most())
                .collect()
                .await;
            let mut again = Vec::new();
            for (at, is_there) in looked {
                if is_there {
                    outcomes[at] = Ok(());
                } else {
                    again.push(at);
                }
            }
            let rest: Vec<_> = again.iter().map(|at| pairs[*at].clone()).collect();
            for (at, outcome) in again.into_iter().zip(call(&rest).await) {
                let (from, to) = &pairs[at];
                // It may have been under way still when we looked.
                let is_late = outcome.as_ref().is_err_and(|e| {
                    e.route()
                        .is_some_and(|e| e.has("conflict") || e.has("from_lookup"))
                });
                outcomes[at] = if is_late && self.is_relocated(how, from, to).await {
                    Ok(())
                } else {
                    outcome
                };
            }
        }
        outcomes
    }

    async fn is_relocated(&self, how: Relocation, from: &DropboxPath, to: &DropboxPath) -> bool {
        let arrived = matches!(self.stat(to).await, Ok(Some(_)));
        arrived && (how == Relocation::Copy || matches!(self.stat(from).await, Ok(None)))
    }

    /// Makes folders, with those around them; one that is there already is no error.
    pub async fn make_folders(&self, paths: &[DropboxPath]) -> Outcomes {
        let arg = |entries: &[&DropboxPath]| CreateFolderBatchArg {
            paths: entries.iter().map(|path| path.as_str().to_owned()).collect(),
        };
        let outcomes = self
            .all(&CREATE_FOLDER_BATCH, &CREATE_FOLDER_BATCH_CHECK, paths, arg)
            .await;
        let forgive = |outcome: Result<(), Error>| match outcome {
            Err(error)
                if error
                    .route()
                    .is_some_and(|e| e.ends_with(&["conflict", "folder"])) =>
            {
                Ok(())
            }
            outcome => outcome,
        };
        outcomes.into_iter().map(forgive).collect()
    }

    async fn all<A: Serialize, E>(
        &self,
        launch: &Launcher<A>,
        check: &Checker,
        entries: &[E],
        arg: impl Fn(&[&E]) -> A,
    ) -> Outcomes {
        let mut outcomes: Outcomes = Vec::with_capacity(entries.len());
        for batch in entries.chunks(MAX_BATCH_ENTRIES) {
            let first = outcomes.len();
            outcomes.extend(
                batch
                    .iter()
                    .map(|_| Err(Error::NotDropbox("it misses an entry".into()))),
            );
            let mut waiting: Vec<usize> = (0..batch.len()).collect();
            for round in 1..=ENTRY_TRIES {
                let now: Vec<&E> = waiting.iter().map(|at| &batch[*at]).collect();
                let done = self.job(launch, check, &arg(&now)).await;
                let mut again = Vec::new();
                for (place, at) in waiting.into_iter().enumerate() {
                    let outcome = match &done {
                        Err(error) => Err(error.clone()),
                        Ok(all) => match all.get(place) {
                            Some(Outcome::Success) => Ok(()),
                            Some(Outcome::Failure { failure }) => Err(Error::Route(failure.clone())),
                            Some(Outcome::Unknown) | None => continue,
                        },
                    };
                    let is_contention = |error: &Error| {
                        error.route().is_some() && error.fate() == Fate::TryAgain && round < ENTRY_TRIES
                    };
                    if outcome.as_ref().is_err_and(is_contention) {
                        again.push(at);
                    }
                    outcomes[first + at] = outcome;
                }
                waiting = again;
                if waiting.is_empty() {
                    break;
                }
                tokio::time::sleep(FIRST_WAIT * (1 << round)).await;
            }
        }
        outcomes
    }

    async fn job<A: Serialize>(
        &self,
        launch: &Launcher<A>,
        check: &Checker,
        arg: &A,
    ) -> Result<Vec<Outcome>, Error> {
        let arg = match self.rpc(launch, arg).await? {
            Launch::Complete(done) => return Ok(done.entries),
            Launch::AsyncJobId { async_job_id } => JobArg { async_job_id },
            Launch::Other => return Err(Error::NotDropbox(format!("{} gave no job", launch.name))),
        };
        let mut wait = FIRST_WAIT;
        let (began, mut tell_after) = (Instant::now(), NOTEWORTHY);
        loop {
            tokio::time::sleep(wait).await;
            let waited = began.elapsed();
            if waited >= JOB_PATIENCE {
                return Err(Error::Unfinished(JOB_PATIENCE));
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
                JobStatus::InProgress => wait = (wait * 2).min(LONGEST_WAIT),
                JobStatus::Complete(done) => return Ok(done.entries),
                JobStatus::Failed { failed } => return Err(Error::Route(failed)),
                JobStatus::Other => return Err(Error::NotDropbox(format!("{} says nothing", check.name))),
            }
        }
    }
}
