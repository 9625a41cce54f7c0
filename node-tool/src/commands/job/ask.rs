//! Questions before anything is changed.

use engine::plan::{Plan, Step, Verb};
use shared::failure::Failure;
use stores::Place;

use super::SyncFlags;
use crate::{
    commands::ask::{self, Standing, wanted},
    terminal,
};

/// Asks before a sync that deletes more than a few files, if there is a person to answer.
///
/// # Errors
/// When the answer is no.
pub(super) async fn many_deletes(plan: &Plan, sync: &SyncFlags, target: &Place) -> Result<(), Failure> {
    if sync.yes {
        return Ok(());
    }
    let paths: Vec<&str> = plan.deletes.iter().map(|step| &*step.to).collect();
    ask::many_deletes(&paths, target).await
}

/// Asks before each step, and leaves out what isn't wanted.
///
/// # Errors
/// When the person quits, or there is no terminal.
pub(super) async fn each(plan: &mut Plan, verb: Verb) -> Result<(), Failure> {
    if !terminal::is_there() {
        return Err(
            Failure::usage("there is no terminal to ask on").hint("--dry-run shows what would be done")
        );
    }
    let word = if verb == Verb::Move { "move" } else { "copy" };
    let mut standing = Standing::Ask;
    for steps in [&mut plan.copies, &mut plan.late_copies] {
        keep_wanted(word, steps, &mut standing).await?;
    }
    keep_wanted("rename", &mut plan.renames, &mut Standing::Ask).await?;
    keep_wanted("delete", &mut plan.deletes, &mut Standing::Ask).await
}

async fn keep_wanted(what: &str, steps: &mut Vec<Step>, standing: &mut Standing) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for step in std::mem::take(steps) {
        if wanted(what, &step.from, standing).await? {
            kept.push(step);
        }
    }
    *steps = kept;
    Ok(())
}
