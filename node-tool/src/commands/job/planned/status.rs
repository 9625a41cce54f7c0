//! How far all processes are with a plan.

use engine::plan::{
    Step,
    file::PlanFile,
    progress::{Progress, WorkerProgress},
};
use serde::Serialize;
use shared::{
    exit,
    failure::{Failure, printable},
};

use super::{ending, take::unusable};
use crate::{
    plan_dir::{Logs, PlanDir, me},
    report,
};

/// Maximum number of failed files that are listed one by one.
const MAX_LISTED: usize = 50;

/// How far a plan is.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "status")]
struct Status<'a> {
    verb: engine::plan::Verb,
    source: &'a str,
    target: &'a str,
    /// Files to copy.
    files: Count,
    /// Their bytes.
    bytes: Count,
    /// Number of steps that have to be done before what comes last.
    open: usize,
    /// Number of steps that come last, and how many of them are done.
    last: Count,
    failed: Vec<Failed<'a>>,
    workers: Vec<Worker<'a>>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Count {
    all: u64,
    done: u64,
}

#[derive(Debug, Serialize)]
struct Failed<'a> {
    path: &'a str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct Worker<'a> {
    name: &'a str,
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    state: State,
    /// Number of steps that it has done.
    done: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Running,
    Ended,
    /// It ended without saying so.
    Killed,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Killed => "killed",
        }
    }
}

/// Shows how far a plan is.
///
/// # Errors
/// When that can't be read, or stdout can't be written.
pub(super) fn show(dir: &PlanDir, file: &PlanFile, as_json: bool) -> Result<u8, Failure> {
    let logs = Logs::read(dir, file.plan.last_id()).map_err(|e| unusable(dir, &e))?;
    let status = status(dir, file, &logs.progress);
    if as_json {
        let line = serde_json::to_string(&status).unwrap_or_default();
        report::json_results(std::iter::once(line))?;
    } else {
        report::results(lines(&status, dir).into_iter())?;
    }
    Ok(exit::SUCCESS)
}

fn status<'a>(dir: &PlanDir, file: &'a PlanFile, progress: &'a Progress) -> Status<'a> {
    let plan = &file.plan;
    let ending = plan.ending();
    let last = ending.steps().filter(|step| !step.is_copy());
    let (files, bytes) = counts(plan.all_copies(), progress);
    let paths: std::collections::HashMap<_, _> = plan.steps().map(|step| (step.id, &*step.from)).collect();
    let failed = progress.failed().filter_map(|(id, reason)| {
        let path = paths.get(&id)?;
        Some(Failed { path, reason })
    });
    let own = me(None);
    let worker = |(name, known): (&'a String, &'a WorkerProgress)| {
        let worker = known.worker.as_ref();
        Worker {
            name,
            host: worker.map_or("", |worker| &worker.host),
            job: worker.and_then(|worker| worker.job.as_deref()),
            part: worker.and_then(|worker| worker.part.as_deref()),
            state: match known.has_left {
                true => State::Ended,
                false if dir.is_alive(name, progress, &own) => State::Running,
                false => State::Killed,
            },
            done: known.done,
        }
    };
    Status {
        verb: file.header.verb,
        source: &file.header.source,
        target: &file.header.target,
        files,
        bytes,
        open: ending::open(file, progress),
        last: counts(last, progress).0,
        failed: failed.collect(),
        workers: by_age(progress).map(worker).collect(),
    }
}

/// Returns the workers, those that began first before others.
fn by_age(progress: &Progress) -> impl Iterator<Item = (&String, &WorkerProgress)> {
    let mut workers: Vec<_> = progress.workers().iter().collect();
    workers.sort_by_key(|(name, known)| (known.worker.as_ref().map_or(0, |worker| worker.began), *name));
    workers.into_iter()
}

/// Returns how many steps there are and how many of them are done, and the same for their bytes.
fn counts<'a>(steps: impl Iterator<Item = &'a Step>, progress: &Progress) -> (Count, Count) {
    let (mut files, mut bytes) = (Count::default(), Count::default());
    for step in steps {
        files.all += 1;
        bytes.all += step.meta.size_bytes;
        if progress.is_done(step.id) {
            files.done += 1;
            bytes.done += step.meta.size_bytes;
        }
    }
    (files, bytes)
}

fn lines(status: &Status<'_>, dir: &PlanDir) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} {} to {}",
            super::super::word(status.verb),
            status.source,
            status.target
        ),
        format!(
            "{} of {} done ({} of {}), {} failed",
            status.files.done,
            report::files(status.files.all),
            report::bytes(status.bytes.done),
            report::bytes(status.bytes.all),
            status.failed.len()
        ),
    ];
    if status.last.all > 0 {
        lines.push(format!(
            "{} of {} last steps done",
            status.last.done, status.last.all
        ));
    }
    lines.extend(status.workers.iter().map(|worker| {
        let part = worker
            .part
            .map(|part| format!(", part {part}"))
            .unwrap_or_default();
        let job = worker.job.map(|job| format!(", job {job}")).unwrap_or_default();
        format!(
            "{} on {}{part}{job}: {} done",
            worker.state.word(),
            worker.host,
            worker.done
        )
    }));
    let failed = status.failed.iter().take(MAX_LISTED);
    lines.extend(failed.map(|failed| {
        format!(
            "failed: '{}': {}",
            printable(failed.path),
            printable(failed.reason)
        )
    }));
    if status.failed.len() > MAX_LISTED {
        lines.push(format!(
            "… and {} more; --json lists them all",
            status.failed.len() - MAX_LISTED
        ));
    }
    lines.extend(next(status).map(|flag| format!("next: node-tool run {}{flag}", dir.typed())));
    lines
}

/// Returns the flag of the command that continues it. `None` if all is done or others are at it.
fn next(status: &Status<'_>) -> Option<&'static str> {
    let is_running = status.workers.iter().any(|worker| worker.state == State::Running);
    let is_left = status.last.done < status.last.all || status.files.done < status.files.all;
    match status.open {
        _ if is_running => None,
        0 => is_left.then_some(" --finish"),
        _ => Some(""),
    }
}
