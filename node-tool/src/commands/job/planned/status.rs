//! How far all processes are with a plan.

use std::collections::HashMap;

use engine::plan::{
    Step, StepId,
    file::PlanFile,
    progress::{Progress, WorkerProgress},
};
use shared::{
    exit,
    failure::{Failure, printable},
};

use super::{ending, take::unusable};
use crate::{
    plan_dir::{Logs, PlanDir, me},
    report::{
        self,
        json::{self, Count, FailedStep, Object, PlanStatus, Worker, WorkerState},
    },
};

/// Maximum number of failed files that are listed one by one.
const MAX_LISTED: usize = 50;

/// Returns the word for what became of a process.
fn word(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Running => "running",
        WorkerState::Ended => "ended",
        WorkerState::Killed => "killed",
    }
}

/// Shows how far a plan is.
///
/// # Errors
/// When that can't be read, or stdout can't be written.
pub(super) fn show(dir: &PlanDir, file: &PlanFile) -> Result<u8, Failure> {
    let logs = Logs::read(dir, file.plan.last_id()).map_err(|e| unusable(dir, &e))?;
    let status = status(dir, file, &logs.progress);
    match json::is_on() {
        true => json::print_only(&Object::Plan(status))?,
        false => report::results(lines(&status, dir).into_iter())?,
    }
    Ok(exit::SUCCESS)
}

fn status(dir: &PlanDir, file: &PlanFile, progress: &Progress) -> PlanStatus {
    let plan = &file.plan;
    let ending = plan.ending();
    let last = ending.steps().filter(|step| !step.is_copy());
    let (files, bytes) = counts(plan.all_copies(), progress);
    let paths: HashMap<StepId, &str> = plan.steps().map(|step| (step.id, &*step.from)).collect();
    let failed = progress.failed().filter_map(|(id, reason)| {
        Some(FailedStep {
            path: (*paths.get(&id)?).to_owned(),
            reason: reason.to_owned(),
        })
    });
    let own = me(None);
    PlanStatus {
        verb: file.header.verb,
        source: file.header.source.clone(),
        target: file.header.target.clone(),
        files,
        bytes,
        open: ending::open(file, progress) as u64,
        last: counts(last, progress).0,
        failed: failed.collect(),
        workers: by_age(progress)
            .map(|(name, known)| worker(name, known, dir.is_alive(name, progress, &own)))
            .collect(),
    }
}

fn worker(name: &str, known: &WorkerProgress, is_alive: bool) -> Worker {
    let worker = known.worker.as_ref();
    Worker {
        name: name.to_owned(),
        host: worker.map(|worker| worker.host.clone()).unwrap_or_default(),
        job: worker.and_then(|worker| worker.job.clone()),
        part: worker.and_then(|worker| worker.part.clone()),
        state: match (known.has_left, is_alive) {
            (true, _) => WorkerState::Ended,
            (false, true) => WorkerState::Running,
            (false, false) => WorkerState::Killed,
        },
        done: known.done,
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

fn lines(status: &PlanStatus, dir: &PlanDir) -> Vec<String> {
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
            .as_deref()
            .map(|part| format!(", part {part}"))
            .unwrap_or_default();
        let job = worker
            .job
            .as_deref()
            .map(|job| format!(", job {job}"))
            .unwrap_or_default();
        format!(
            "{} on {}{part}{job}: {} done",
            word(worker.state),
            worker.host,
            worker.done
        )
    }));
    let failed = status.failed.iter().take(MAX_LISTED);
    lines.extend(failed.map(|failed| {
        format!(
            "failed: '{}': {}",
            printable(&failed.path),
            printable(&failed.reason)
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
fn next(status: &PlanStatus) -> Option<&'static str> {
    let is_running = status
        .workers
        .iter()
        .any(|worker| worker.state == WorkerState::Running);
    let is_left = status.last.done < status.last.all || status.files.done < status.files.all;
    match status.open {
        _ if is_running => None,
        0 => is_left.then_some(" --finish"),
        _ => Some(""),
    }
}
