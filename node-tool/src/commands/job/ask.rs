//! Questions before anything is changed.

use engine::plan::{Plan, Step, Verb};
use shared::{exit, failure::Failure};
use stores::Place;

use super::SyncFlags;
use crate::{commands::ask, report, terminal};

/// Maximum number of files that are deleted without a question.
const CONFIRM_ABOVE: usize = 5;

/// Asks before a sync that deletes more than a few files, if there is a person to answer.
///
/// # Errors
/// When the answer is no.
pub(super) async fn many_deletes(plan: &Plan, sync: &SyncFlags, target: &Place) -> Result<(), Failure> {
    if plan.deletes.len() <= CONFIRM_ABOVE || sync.yes || !terminal::is_there() {
        return Ok(());
    }
    for step in plan.deletes.iter().take(CONFIRM_ABOVE) {
        report::note(&format!("  {}", shared::failure::printable(&step.to)));
    }
    report::note(&format!("  … and {} more", plan.deletes.len() - CONFIRM_ABOVE));
    let question = format!(
        "Delete {} from {target}? (y/n)",
        report::files(plan.deletes.len() as u64)
    );
    if ask::yes(&question).await? {
        return Ok(());
    }
    Err(Failure::new("stopped; nothing was changed")
        .hint("--dry-run shows all that sync would do, --yes answers the question")
        .code(exit::ERROR))
}

/// The answer to all questions of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Ask,
    All,
    None,
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

async fn wanted(what: &str, path: &str, standing: &mut Standing) -> Result<bool, Failure> {
    if *standing != Standing::Ask {
        return Ok(*standing == Standing::All);
    }
    report::result(&format!(
        "node-tool: {what} \"{}\"?\ny) Yes, this is OK (default)\nn) No, skip this\n\
         s) Skip all {what} operations with no more questions\n!) Do all {what} operations with no more questions\n\
         q) Exit now.\n",
        shared::failure::printable(path)
    ))?;
    let answer = ask::checked("y/n/s/!/q", Some("y"), |text| match text {
        "y" | "n" | "s" | "!" | "q" => Ok(text.to_owned()),
        _ => Err("type one of y, n, s, !, q".into()),
    })
    .await?;
    match answer.as_str() {
        "s" => *standing = Standing::None,
        "!" => *standing = Standing::All,
        "q" => return Err(Failure::new("stopped; nothing was changed").code(exit::ERROR)),
        _ => {}
    }
    Ok(answer == "y" || answer == "!")
}
