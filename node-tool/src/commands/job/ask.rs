//! Questions before anything is changed.

use shared::{exit, failure::Failure};

use super::{Places, SyncFlags, Verb};
use crate::{
    commands::ask,
    plan::{Action, Plan},
    report, terminal,
};

/// So many files are deleted without a question.
const HANDFUL: usize = 5;

/// Asks before a sync that deletes more than a handful, where somebody sits who can answer.
///
/// # Errors
/// When the answer is no.
pub(super) async fn many_deletes(plan: &Plan, sync: &SyncFlags, places: &Places) -> Result<(), Failure> {
    if plan.deletes.len() <= HANDFUL || sync.yes || !terminal::is_there() {
        return Ok(());
    }
    for entry in plan.deletes.iter().take(HANDFUL) {
        report::note(&format!("  {}", shared::failure::printable(&entry.path)));
    }
    report::note(&format!("  … and {} more", plan.deletes.len() - HANDFUL));
    let question = format!(
        "Delete {} from {}? (y/n)",
        report::files(plan.deletes.len() as u64),
        places.to.location()
    );
    if ask::yes(&question).await? {
        return Ok(());
    }
    Err(Failure::new("stopped; nothing was changed")
        .next("--dry-run shows all that sync would do, --yes answers the question")
        .code(exit::ERROR))
}

/// What is said to all questions of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Ask,
    All,
    None,
}

/// Asks before each step, and leaves out what isn't wanted.
///
/// # Errors
/// When somebody wants to quit, or nobody is there.
pub(super) async fn each(plan: &mut Plan, verb: Verb) -> Result<(), Failure> {
    if !terminal::is_there() {
        return Err(
            Failure::usage("there is no terminal to ask on").next("--dry-run shows what would be done")
        );
    }
    let word = if verb == Verb::Move { "move" } else { "copy" };
    let mut standing = Standing::Ask;
    for actions in [&mut plan.actions, &mut plan.last] {
        let mut wanted_ones: Vec<Action> = Vec::new();
        for action in std::mem::take(actions) {
            if wanted(word, &action.from, &mut standing).await? {
                wanted_ones.push(action);
            }
        }
        *actions = wanted_ones;
    }
    standing = Standing::Ask;
    let mut renames = Vec::new();
    for rename in std::mem::take(&mut plan.renames) {
        if wanted("rename", &rename.entry.path, &mut standing).await? {
            renames.push(rename);
        }
    }
    plan.renames = renames;
    standing = Standing::Ask;
    let mut deletes = Vec::new();
    for entry in std::mem::take(&mut plan.deletes) {
        if wanted("delete", &entry.path, &mut standing).await? {
            deletes.push(entry);
        }
    }
    plan.deletes = deletes;
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
