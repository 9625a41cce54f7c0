//! What a run that was killed has done without saying so: before its steps are carried out once more, the target is looked at.

use futures_util::{StreamExt, stream};

use super::{Event, Job, Run};
use crate::{
    entry::FileMeta,
    plan::{Plan, Step, StepKind},
};

/// Looks at the target of each copy and rename of a plan: those that are done already are reported and removed, and what was moved
/// into the backup need not be replaced any more. Looks at most at `concurrency` files at once.
///
/// Only needed where a step that was carried out can't be carried out again: a store puts the same content into the same place
/// twice without being asked to.
pub async fn recheck(plan: &mut Plan, job: &Job<'_>, concurrency: usize, run: &Run) {
    for steps in [&mut plan.renames, &mut plan.copies, &mut plan.late_copies] {
        *steps = stream::iter(std::mem::take(steps))
            .map(|step| recheck_one(step, job, run))
            .buffered(concurrency.max(1))
            .filter_map(|step| async { step })
            .collect()
            .await;
    }
}

async fn recheck_one(mut step: Step, job: &Job<'_>, run: &Run) -> Option<Step> {
    if run.is_over() {
        return None;
    }
    let there = match job.target.stat(&step.to).await {
        Ok(there) => there,
        Err(error) => {
            run.report(step.id, Event::Failed(error));
            return None;
        }
    };
    let there = there.as_ref().and_then(|entry| entry.file());
    let is_rename = step.kind == StepKind::Rename;
    match there {
        None if !is_rename && job.backup.is_some() => step.replaces = None,
        None => {}
        Some(now) if is_rename => {
            let old = step.replaces.as_ref();
            if old.is_some_and(|old| is_same(now, old)) && is_gone(&step, job).await {
                let version = now.version.as_ref().map(|version| version.id.as_str().into());
                run.report(step.id, Event::Renamed { version });
                return None;
            }
        }
        Some(now) if step.replaces.as_ref() == Some(now) => {}
        Some(now) if is_same(now, &step.meta) => {
            run.report(step.id, Event::Unchanged);
            return None;
        }
        Some(_) => {}
    }
    Some(step)
}

/// Returns whether nothing is at the old path of a rename.
async fn is_gone(step: &Step, job: &Job<'_>) -> bool {
    matches!(job.target.stat(&step.from).await, Ok(None))
}

/// Returns whether two files are the same, as far as that is known without reading them.
fn is_same(one: &FileMeta, other: &FileMeta) -> bool {
    one.size_bytes == other.size_bytes
        && match (one.checksum(), other.checksum()) {
            (Some(one), Some(other)) => one == other,
            _ => one.modified.is_same(other.modified),
        }
}
