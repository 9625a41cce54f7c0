//! Carries out a share of a plan's copies.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{
    ErrorKind, Retry,
    plan::{
        Plan,
        file::PlanFile,
        progress::{Phase, Record},
    },
    run::{Stop, Tally},
};
use shared::{exit, failure::Failure};

use super::{
    super::{App, outcomes, tell},
    Limits, Share,
    site::{Outcome, Site},
    take::{Next, Units, unusable},
};
use crate::{
    commands::exit_code,
    plan_dir::{Logs, PlanDir, Taken, WorkerLog, me},
    report::{self, Summary},
};

/// How long to wait until another look at what others are at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often that is done before what is left is left to others: until those that are dead have lost it.
const MAX_LOOKS: u32 = 70;

/// Carries out a share. Returns the exit code.
///
/// # Errors
/// When it can't be begun, or has to be stopped.
pub(super) async fn run(
    dir: &PlanDir,
    file: &PlanFile,
    share: Share,
    limits: Limits,
    app: &App,
) -> Result<u8, Failure> {
    let started = Instant::now();
    let site = Site::find(file, limits, app).await?;
    let part = match share {
        Share::Part(part) => Some(part),
        Share::Everything | Share::Free => None,
    };
    let (log, mut logs) = begin(dir, file, part)?;
    let mut tally = Tally::default();
    let mut stop = before_copies(dir, file, &site, (&log, &mut logs), &mut tally, app).await?;
    let units = Units::new(file, share, &logs.progress);
    let (mut held, mut waited) = (0, 0);
    while stop.is_none() {
        match units.next(dir, &log, &mut logs)? {
            Next::Nothing => break,
            Next::Held(count) if share == Share::Free && waited >= MAX_LOOKS => {
                held = count;
                break;
            }
            // Who is at it may be a process that was killed, on another machine.
            Next::Held(_) => {
                waited += 1;
                stop = wait(limits, app).await;
            }
            Next::Batch(batch) => {
                waited = 0;
                log.record(&Record::Took(batch.units.clone()));
                if !batch.steps.is_empty() {
                    let plan = Plan::of_copies(batch.steps.clone());
                    let outcome = site.run(plan, &log, batch.is_again, [], app).await?;
                    stop = outcome.stop.clone();
                    add(&mut tally, outcome);
                }
                if stop.is_none() {
                    log.record(&Record::Ended(batch.units.clone()));
                }
                batch.give_back();
            }
        }
    }
    finish(dir, &log, &tally)?;
    let next = next_line(dir, share);
    tell_end(&tally, false, started, limits, app)?;
    if let Some(stop) = stop {
        return Err(site.stopped(stop, &next));
    }
    if held > 0 && !app.quiet {
        report::note(&format!(
            "other processes are at what is left; to see how far they are: node-tool run {} --status",
            dir.typed()
        ));
    }
    Ok(exit_code(retry(&tally)).unwrap_or(exit::SUCCESS))
}

/// Begins the log of this process, and reads those of all.
pub(super) fn begin(
    dir: &PlanDir,
    file: &PlanFile,
    part: Option<engine::plan::shard::Part>,
) -> Result<(Arc<WorkerLog>, Logs), Failure> {
    let log = WorkerLog::begin(dir, me(part)).map_err(|e| unusable(dir, &e))?;
    let logs = Logs::read(dir, file.plan.last_id()).map_err(|e| unusable(dir, &e))?;
    Ok((Arc::new(log), logs))
}

/// Reports that what was done could not be noted.
///
/// # Errors
/// When that is so.
pub(super) fn finish(dir: &PlanDir, log: &WorkerLog, tally: &Tally) -> Result<(), Failure> {
    log.flush();
    match log.take_error() {
        None => Ok(()),
        Some((path, error)) => Err(Failure::new(format!("could not write '{}'", path.display()))
            .why(error)
            .hint(format!(
                "{} copied here; 'node-tool run {}' finds out which",
                report::files(tally.copied),
                dir.typed()
            ))),
    }
}

/// Lists what failed, and reports the outcome of this process. `is_move` says that files are gone from the source.
pub(super) fn tell_end(
    tally: &Tally,
    is_move: bool,
    started: Instant,
    limits: Limits,
    app: &App,
) -> Result<(), Failure> {
    outcomes::count(tally);
    let summary = Summary {
        tally,
        is_move,
        took: started.elapsed(),
    };
    tell::end(&summary, tally.copied_bytes, limits.shows_progress, app.quiet)
}

/// Makes folders and renames files, which one process does for all; the others wait for it.
async fn before_copies(
    dir: &PlanDir,
    file: &PlanFile,
    site: &Site<'_>,
    (log, logs): (&Arc<WorkerLog>, &mut Logs),
    tally: &mut Tally,
    app: &App,
) -> Result<Option<Stop>, Failure> {
    let mut has_waited = false;
    loop {
        logs.refresh().map_err(|e| unusable(dir, &e))?;
        let mut plan = file.plan.beginning();
        plan.drop_done(|id| logs.progress.is_done(id));
        // What another one has tried just now is not tried again at once.
        if plan.steps().next().is_none() || has_waited && logs.progress.has_ended(Phase::Begin) {
            return Ok(None);
        }
        match dir
            .take("begin", log, &logs.progress)
            .map_err(|e| unusable(dir, &e))?
        {
            Taken::Held => {
                has_waited = true;
                if let Some(stop) = wait(
                    Limits {
                        deadline: None,
                        shows_progress: false,
                    },
                    app,
                )
                .await
                {
                    return Ok(Some(stop));
                }
            }
            Taken::Mine(lease) => {
                let folders: Vec<_> = plan.mkdirs.iter().map(|step| step.id).collect();
                let outcome = site.run(plan, log, true, [], app).await?;
                let stop = outcome.stop.clone();
                if stop.is_none() && outcome.tally.failed.is_empty() {
                    folders.into_iter().for_each(|id| log.done(id));
                }
                log.record(&Record::Phase(Phase::Begin));
                drop(lease);
                add(tally, outcome);
                return Ok(stop);
            }
        }
    }
}

/// Waits a little. Returns why it has to stop.
async fn wait(limits: Limits, app: &App) -> Option<Stop> {
    if limits.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
        return Some(Stop::Deadline);
    }
    let _active = app.shutdown.activate();
    tokio::select! {
        () = tokio::time::sleep(LOOK_AGAIN) => {}
        () = app.shutdown.requested() => {}
    }
    app.shutdown.requested_by().map(Stop::Requested)
}

fn add(tally: &mut Tally, outcome: Outcome) {
    let own = outcome.tally;
    tally.copied += own.copied;
    tally.copied_bytes += own.copied_bytes;
    tally.unchanged += own.unchanged;
    tally.skipped += own.skipped;
    tally.deleted += own.deleted;
    tally.renamed += own.renamed;
    tally.failed.extend(own.failed);
}

/// Returns whether carrying out the same plan once more helps: not where a file is no longer what was planned.
pub(super) fn retry(tally: &Tally) -> Option<Retry> {
    Retry::of_all(tally.failed.iter().map(|failed| match failed.error.kind() {
        ErrorKind::Changed => Retry::Never,
        _ => failed.error.retry(),
    }))
}

/// Returns the command that continues this one.
fn next_line(dir: &PlanDir, share: Share) -> String {
    let plan = dir.typed();
    match share {
        Share::Everything => format!("node-tool run {plan}"),
        Share::Free => format!("node-tool run {plan} --take"),
        Share::Part(part) => format!("node-tool run {plan} --part {part}"),
    }
}
