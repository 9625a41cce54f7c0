//! The order of a run.

use std::{collections::HashSet, time::Instant};

use super::{Backup, Event, Run, Transfer, resolve};
use crate::{
    entry::own_path,
    error::{Error, Result, Retry},
    plan::{Plan, Step, StepId, StepKind, total_bytes},
    store::{Rename, Store},
};

/// Number of files that are deleted between two checks whether to stop.
const DELETE_BATCH: usize = 1000;

/// The stores of a run.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The source.
    pub source: &'a dyn Store,
    /// The target.
    pub target: &'a dyn Store,
    /// The way between the two.
    pub transfer: &'a dyn Transfer,
    /// Where replaced and deleted files are kept. `None` means nowhere.
    pub backup: Option<&'a Backup<'a>>,
    /// Whether a file of the target that differs only in its time keeps that.
    pub keeps_times: bool,
}

/// Options of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// When to stop copying. `None` means never.
    pub deadline: Option<Instant>,
    /// Maximum number of files that are read at once to compare them.
    pub concurrency: usize,
    /// Whether files are deleted even if something could not be copied.
    pub deletes_despite_failures: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            deadline: None,
            concurrency: 8,
            deletes_despite_failures: false,
        }
    }
}

/// What stopped a run early.
#[derive(Clone, Debug)]
pub enum Stop {
    /// An error while copying after which nothing else can succeed.
    CopyFailed(Error),
    /// An error while deleting after which nothing else can succeed.
    DeleteFailed(Error),
    /// A [`Shutdown`](super::Shutdown) was requested, in this name.
    Requested(&'static str),
    /// The deadline passed.
    Deadline,
}

/// Runs a plan; `run` has the tally afterwards. Returns what stopped it early.
///
/// Nothing is deleted in the target once something has failed, and each file of the source is removed only after its own copy.
pub async fn run(mut plan: Plan, job: &Job<'_>, options: RunOptions, run: &Run) -> Option<Stop> {
    let _active = run.shutdown().activate();
    make_dirs(&plan.mkdirs, job, run).await;
    if let Some(backup) = job.backup {
        // What turns out to be the same stays where it is.
        resolve(&mut plan, job, options.concurrency, run).await;
        keep_replaced(&mut plan.copies, backup, run).await;
    }
    rename(&plan.renames, job, run).await;
    let copies = std::mem::take(&mut plan.copies);
    if let Err(stop) = copy(copies, job, options, run).await {
        return Some(stop);
    }
    if let Err(stop) = delete(&mut plan, job, options, run).await {
        return Some(stop);
    }
    make_dirs(&plan.late_mkdirs, job, run).await;
    let late = std::mem::take(&mut plan.late_copies);
    if !late.is_empty()
        && let Err(stop) = copy(late, job, options, run).await
    {
        return Some(stop);
    }
    leave_source(&plan, job, run).await;
    job.transfer.finish(run.changes()).await;
    None
}

async fn make_dirs(steps: &[Step], job: &Job<'_>, run: &Run) {
    if steps.is_empty() {
        return;
    }
    let paths: Vec<&str> = steps.iter().map(|step| &*step.to).collect();
    run.report_all(steps, job.target.make_dirs(&paths).await, |()| Event::FolderMade);
}

/// Moves what is going to be replaced into the backup. What can't be kept is not replaced.
async fn keep_replaced(copies: &mut Vec<Step>, backup: &Backup<'_>, run: &Run) {
    if run.is_over() {
        // Nothing will be copied: what would be replaced stays where it is.
        copies.clear();
        return;
    }
    let replacing: Vec<&Step> = copies.iter().filter(|step| step.replaces.is_some()).collect();
    let outcomes = backup.keep(&replacing).await;
    let mut unkept: HashSet<StepId> = HashSet::new();
    for (step, outcome) in replacing.iter().zip(outcomes) {
        if let Err(error) = outcome {
            unkept.insert(step.id);
            let message = format!("could not be kept: {error}");
            run.report(step.id, Event::Failed(error.with_message(message)));
        }
    }
    copies.retain(|step| !unkept.contains(&step.id));
    for step in copies {
        step.replaces = None; // its place is free now
    }
}

async fn rename(steps: &[Step], job: &Job<'_>, run: &Run) {
    if steps.is_empty() {
        return;
    }
    let renames: Vec<Rename<'_>> = steps
        .iter()
        .map(|step| Rename {
            from: &step.from,
            to: &step.to,
            // Else the next run would find the times different.
            modified: Some(step.meta.modified),
        })
        .collect();
    let renamed = job.target.rename(&renames).await;
    run.report_all(steps, renamed, |version| Event::Renamed { version });
}

/// Copies, until the deadline.
async fn copy(copies: Vec<Step>, job: &Job<'_>, options: RunOptions, run: &Run) -> Result<(), Stop> {
    let bytes = total_bytes(&copies);
    run.observer().copies_begin(copies.len() as u64, bytes);
    let copying = async {
        let mut plan = Plan {
            copies,
            ..Plan::default()
        };
        resolve(&mut plan, job, options.concurrency, run).await;
        job.transfer.copy(plan.copies, run).await;
    };
    let in_time = match options.deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), copying).await.is_ok(),
        None => {
            copying.await;
            true
        }
    };
    run.observer().copies_end();
    match (run.fatal(), run.shutdown().requested_by()) {
        (Some(error), _) => Err(Stop::CopyFailed(error)),
        (None, Some(signal)) => Err(Stop::Requested(signal)),
        (None, None) if !in_time => Err(Stop::Deadline),
        (None, None) => Ok(()),
    }
}

/// Deletes what the source lacks, if everything else went well.
async fn delete(plan: &mut Plan, job: &Job<'_>, options: RunOptions, run: &Run) -> Result<(), Stop> {
    if plan.deletes.is_empty() && plan.rmdirs.is_empty() {
        return Ok(());
    }
    if run.has_failures() && !options.deletes_despite_failures {
        withhold_deletes(plan, run);
        return Ok(());
    }
    match job.backup {
        Some(backup) => {
            let files: Vec<&Step> = plan.deletes.iter().collect();
            let outcomes = backup.keep(&files).await;
            run.report_all(&plan.deletes, outcomes, |()| Event::BackedUp);
        }
        None => delete_files(&plan.deletes, job, run).await,
    }
    if !run.shutdown().is_requested() {
        remove_folders(&plan.rmdirs, job, run).await;
    }
    match (run.fatal(), run.shutdown().requested_by()) {
        (Some(error), _) => Err(Stop::DeleteFailed(error)),
        (None, Some(signal)) => Err(Stop::Requested(signal)),
        (None, None) => Ok(()),
    }
}

fn withhold_deletes(plan: &mut Plan, run: &Run) {
    run.observer().event(None, &Event::DeletesWithheld);
    plan.drop_deletes();
    let reason = "something else is in its place, and nothing was deleted";
    for step in std::mem::take(&mut plan.late_copies) {
        run.report(step.id, Event::Failed(Error::new(Retry::Unknown, reason)));
    }
}

async fn delete_files(steps: &[Step], job: &Job<'_>, run: &Run) {
    for batch in steps.chunks(DELETE_BATCH) {
        if run.shutdown().is_requested() {
            return;
        }
        let files: Vec<_> = batch.iter().map(|step| (&*step.to, Some(&step.meta))).collect();
        run.report_all(batch, job.target.remove_files(&files).await, |()| Event::Deleted);
        tokio::task::yield_now().await;
    }
}

async fn remove_folders(steps: &[Step], job: &Job<'_>, run: &Run) {
    if steps.is_empty() {
        return;
    }
    let folders: Vec<&str> = steps.iter().map(|step| &*step.to).collect();
    for (step, outcome) in steps.iter().zip(job.target.remove_dirs(&folders).await) {
        run.report(
            step.id,
            match outcome {
                Ok(()) => Event::FolderRemoved,
                // It still contains what another process put there.
                Err(error) => Event::FolderKept(error),
            },
        );
    }
}

/// Removes from the source what is in the target now.
async fn leave_source(plan: &Plan, job: &Job<'_>, run: &Run) {
    // `None` means that it may not be there.
    let has_copied = |step: &Step| match step.kind {
        StepKind::DeleteSource { after: Some(copy) } => run.has_copied(copy),
        _ => Some(false),
    };
    let there = plan
        .source_deletes
        .iter()
        .filter(|step| has_copied(step).is_some());
    let (documents, files): (Vec<&Step>, Vec<&Step>) = there.partition(|step| step.meta.is_exported());
    for step in documents {
        let own_path = own_path(&step.from, Some(&step.meta)).to_owned();
        run.report(step.id, Event::DocumentKept { own_path });
    }
    // What the server has moved is already gone.
    let is_gone = |step: &Step| job.transfer.takes_from_source() && has_copied(step) == Some(true);
    let left: Vec<&Step> = files.into_iter().filter(|step| !is_gone(step)).collect();
    if !left.is_empty() {
        let targets: Vec<_> = left.iter().map(|step| (&*step.from, Some(&step.meta))).collect();
        for (step, outcome) in left.iter().zip(job.source.remove_files(&targets).await) {
            let event = match outcome {
                Ok(()) => Event::SourceDeleted,
                Err(error) => {
                    let message = format!("it was copied and not removed: {error}");
                    Event::Failed(error.with_message(message))
                }
            };
            run.report(step.id, event);
        }
    }
    let folders: Vec<&str> = plan.source_rmdirs.iter().map(|step| &*step.from).collect();
    if !folders.is_empty() {
        let _ = job.source.remove_dirs(&folders).await; // one that still holds something stays
    }
}
