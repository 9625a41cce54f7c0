//! `rmdir` and `rmdirs`: remove empty folders.

use std::collections::HashSet;

use shared::{exit, failure::Failure};

use super::{App, missing, not_a_folder, place_failure, report_outcome, report_step};
use crate::report::json::{Action, Step};
use engine::{
    filter::Filter,
    listing::{Listing, RootKind, Symlinks},
    relative_path::ancestors,
};
use stores::Place;

/// The arguments of `rmdir`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool rmdir dbx:results/old")]
pub struct Args {
    /// The folder: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Show what would be removed, without removing it
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// The arguments of `rmdirs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool rmdirs dbx:results --leave-root")]
pub struct AllArgs {
    #[command(flatten)]
    one: Args,
    /// Keep the folder itself
    #[arg(long)]
    leave_root: bool,
}

async fn look(args: &Args, filter: &Filter, app: &App) -> Result<(Place, Listing), Failure> {
    let side = app.place(&args.path)?;
    let found = side.list_filtered(filter, Symlinks::Report).await;
    let found = found.map_err(|e| place_failure("list", &side, &e))?;
    match found.root {
        RootKind::Missing => Err(missing(&side)),
        RootKind::File => Err(not_a_folder(&side)),
        RootKind::Folder => Ok((side, found)),
    }
}

/// Removes one folder.
///
/// # Errors
/// When it isn't there, isn't empty or can't be removed.
pub async fn one(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, found) = look(args, &Filter::default().no_deeper_than(1), app).await?;
    if !found.entries.is_empty() || !found.skipped.is_empty() || !found.unreadable.is_empty() {
        return Err(Failure::new(format!("'{}' is not empty", side))
            .next(format!(
                "node-tool rmdirs {}    # removes empty folders in it",
                side.typed()
            ))
            .next(format!(
                "node-tool purge {}    # removes it with all in it",
                side.typed()
            )));
    }
    remove(&side, &[], true, args.dry_run).await
}

/// Removes all empty folders.
///
/// # Errors
/// When the folder isn't there or can't be listed.
pub async fn all(args: &AllArgs, app: &App) -> Result<u8, Failure> {
    let (side, found) = look(&args.one, &Filter::default(), app).await?;
    let mut occupied: HashSet<&str> = HashSet::new();
    let outside: Vec<String> = found
        .skipped
        .iter()
        .chain(&found.unreadable)
        .map(|left_out| below(&side, &left_out.path))
        .collect();
    let files = found
        .entries
        .iter()
        .filter(|entry| entry.file().is_some())
        .map(|entry| entry.path.as_str());
    for path in files.chain(outside.iter().map(String::as_str)) {
        occupied.extend(ancestors(path).chain([""]));
    }
    let mut empty: Vec<&str> = found
        .entries
        .iter()
        .filter(|entry| entry.file().is_none() && !occupied.contains(entry.path.as_str()))
        .map(|entry| entry.path.as_str())
        .collect();
    empty.sort_unstable_by(|a, b| b.cmp(a));
    let root_too = !args.leave_root && !occupied.contains("");
    remove(&side, &empty, root_too, args.one.dry_run).await
}

/// What was left out of a walk is named in full.
fn below(place: &Place, path: &str) -> String {
    let root = place.local_path().map(|root| root.to_string_lossy().into_owned());
    root.and_then(|root| path.strip_prefix(&root))
        .map_or(path, |rest| rest.trim_start_matches('/'))
        .to_owned()
}

async fn remove(side: &Place, folders: &[&str], root_too: bool, dry_run: bool) -> Result<u8, Failure> {
    if dry_run {
        for folder in folders {
            report_step(folder, "remove directory", Step::new(Action::Rmdir, *folder))?;
        }
        if root_too {
            report_step(
                &side.to_string(),
                "remove directory",
                Step::new(Action::Rmdir, ""),
            )?;
        }
        return Ok(exit::SUCCESS);
    }
    let mut all_well = true;
    for (folder, outcome) in folders.iter().zip(side.store().remove_dirs(folders).await) {
        all_well &= report_outcome(side, folder, Action::Rmdir, outcome);
    }
    // The root of a Dropbox stays.
    if root_too && all_well && side.split().is_some() {
        all_well &= report_outcome(side, "", Action::Rmdir, side.remove_empty().await);
    }
    Ok(if all_well { exit::SUCCESS } else { exit::ERROR })
}
