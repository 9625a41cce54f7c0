//! Where only the time differs, the checksum decides whether a file is copied at all.

use futures_util::{StreamExt, stream};

use shared::content_hash::ContentHash;

use super::{Event, Job, Run};
use crate::{
    entry::FileMeta,
    error::{Error, Result, Retry},
    plan::{CopyReason, Plan, Step, StepKind},
    store::Store,
};

/// Turns each comparison into a copy, or removes it where the content is the same; then the file of the target gets
/// the time of the source, where the target can set it. At most `concurrency` files are read at once.
pub async fn resolve(plan: &mut Plan, job: &Job<'_>, concurrency: usize, run: &Run) {
    for steps in [&mut plan.copies, &mut plan.late_copies] {
        if steps.iter().all(|step| matches!(step.kind, StepKind::Copy(_))) {
            continue;
        }
        *steps = stream::iter(std::mem::take(steps))
            .map(|step| resolve_one(step, job, run))
            .buffered(concurrency.max(1))
            .filter_map(|step| async { step })
            .collect()
            .await;
    }
}

async fn resolve_one(mut step: Step, job: &Job<'_>, run: &Run) -> Option<Step> {
    let StepKind::CompareChecksum { refusal } = step.kind else {
        return Some(step);
    };
    if run.is_over() {
        return None;
    }
    match (is_same(&step, job).await, refusal) {
        (Ok(true), _) => run.report(step.id, Event::Unchanged),
        (Ok(false), Some(refusal)) => {
            run.report(step.id, Event::Failed(Error::new(Retry::Never, refusal.words())));
        }
        (Ok(false), None) => {
            step.kind = StepKind::Copy(CopyReason::ContentDiffers);
            return Some(step);
        }
        (Err(error), _) => run.report(step.id, Event::Failed(error)),
    }
    None
}

/// Returns the checksum of a file, reading it if the listing has none. `None` if it can't be had.
pub(super) async fn known_or_read(store: &dyn Store, path: &str, meta: &FileMeta) -> Option<ContentHash> {
    match meta.checksum() {
        Some(known) => Some(known),
        None => store.checksum(path, meta).await.ok()?,
    }
}

/// Returns whether both sides have the same content. What can't be read counts as different: copying it reports why.
async fn is_same(step: &Step, job: &Job<'_>) -> Result<bool> {
    let Some(old) = &step.replaces else {
        return Ok(false);
    };
    let source = known_or_read(job.source, &step.from, &step.meta).await;
    let is_same = source.is_some() && source == known_or_read(job.target, &step.to, old).await;
    let is_other_time = !old.modified.is_same(step.meta.modified) && !job.keeps_times;
    if is_same && is_other_time && job.target.capabilities().sets_times {
        job.target.set_modified(&step.to, step.meta.modified).await?;
    }
    Ok(is_same)
}
