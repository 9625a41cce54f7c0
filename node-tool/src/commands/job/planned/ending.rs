//! What comes last: deletions, what goes to where something was deleted, and what is removed from the source.

use std::time::Instant;

use engine::plan::{
    Plan, StepId, Verb,
    file::PlanFile,
    progress::{Phase, Progress, Record},
};
use shared::{exit, failure::Failure};

use super::{super::App, Limits, site::Site, take::unusable, work};
use crate::{
    commands::exit_code,
    plan_dir::{Logs, PlanDir, Taken},
    report,
};

/// Does what comes last, if there is anything.
///
/// # Errors
/// As [`run`].
pub(super) async fn after_copies(
    dir: &PlanDir,
    file: &PlanFile,
    limits: Limits,
    app: &App,
) -> Result<u8, Failure> {
    let logs = Logs::read(dir, file.plan.last_id()).map_err(|e| unusable(dir, &e))?;
    refuse_open(dir, file, &logs.progress)?;
    if remaining(file, &logs.progress).is_none() {
        return Ok(exit::SUCCESS);
    }
    run(dir, file, limits, app).await
}

/// Does what comes last.
///
/// # Errors
/// When something isn't copied yet, or another process is at it.
pub(super) async fn run(dir: &PlanDir, file: &PlanFile, limits: Limits, app: &App) -> Result<u8, Failure> {
    let started = Instant::now();
    let logs = Logs::read(dir, file.plan.last_id()).map_err(|e| unusable(dir, &e))?;
    refuse_open(dir, file, &logs.progress)?;
    if remaining(file, &logs.progress).is_none() {
        report::note("nothing is left to do");
        return Ok(exit::SUCCESS);
    }
    let site = Site::find(file, limits, app).await?;
    let (log, mut logs) = work::begin(dir, file, None)?;
    let taken = dir
        .take("finish", &log, &logs.progress)
        .map_err(|e| unusable(dir, &e))?;
    let Taken::Mine(lease) = taken else {
        return Err(Failure::new("another process is at what comes last")
            .next(format!("node-tool run {} --status", dir.typed())));
    };
    logs.refresh().map_err(|e| unusable(dir, &e))?;
    let Some(plan) = remaining(file, &logs.progress) else {
        return Ok(exit::SUCCESS);
    };
    let sources: Vec<StepId> = plan
        .source_deletes
        .iter()
        .chain(&plan.source_rmdirs)
        .chain(&plan.late_mkdirs)
        .map(|step| step.id)
        .collect();
    let copied = file.plan.all_copies().map(|step| step.id);
    let copied: Vec<StepId> = copied.filter(|id| logs.progress.is_done(*id)).collect();
    let outcome = site.run(plan, &log, true, copied, app).await?;
    if outcome.stop.is_none() && outcome.tally.failed.is_empty() {
        sources.into_iter().for_each(|id| log.done(id));
        log.record(&Record::Phase(Phase::Finish));
    }
    drop(lease);
    work::finish(dir, &log, &outcome.tally)?;
    let is_move = file.header.verb == Verb::Move;
    work::tell_end(&outcome.tally, is_move, started, limits, app)?;
    if let Some(stop) = outcome.stop {
        return Err(site.stopped(stop, &format!("node-tool run {} --finish", dir.typed())));
    }
    Ok(exit_code(work::retry(&outcome.tally)).unwrap_or(exit::SUCCESS))
}

/// Refuses to do what comes last while something isn't copied.
fn refuse_open(dir: &PlanDir, file: &PlanFile, progress: &Progress) -> Result<(), Failure> {
    let count = open(file, progress);
    if count == 0 {
        return Ok(());
    }
    let failed = progress.failed().count();
    let failure = Failure::new(format!(
        "{} not copied yet; nothing was deleted or removed",
        steps(count)
    ));
    let failure = match failed {
        0 => failure,
        _ => failure.why(format!(
            "{} of them failed: node-tool run {} --status names them",
            failed,
            dir.typed()
        )),
    };
    let failure = failure.next(format!("node-tool run {}", dir.typed()));
    Err(match failed {
        0 => failure,
        _ => failure.hint("what has changed since the plan was made needs a new plan"),
    })
}

fn steps(count: usize) -> String {
    match count {
        1 => "1 step is".into(),
        _ => format!("{count} steps are"),
    }
}

/// Returns the number of steps that have to be done before what comes last.
pub(super) fn open(file: &PlanFile, progress: &Progress) -> usize {
    let plan = &file.plan;
    let before = plan.mkdirs.iter().chain(&plan.renames).chain(&plan.copies);
    before.filter(|step| !progress.is_done(step.id)).count()
}

/// Returns what is left of what comes last. `None` means nothing.
fn remaining(file: &PlanFile, progress: &Progress) -> Option<Plan> {
    let mut plan = file.plan.ending();
    plan.drop_done(|id| progress.is_done(id));
    let is_left = plan.steps().next().is_some();
    is_left.then_some(plan)
}
