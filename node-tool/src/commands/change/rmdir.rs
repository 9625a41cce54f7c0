//! `rmdir` and `rmdirs`: remove folders that hold nothing.

use std::collections::HashSet;

use shared::{exit, failure::Failure};

use super::{App, missing, not_a_folder, side_failure, told};
use crate::{
    filter::Filter,
    local::Symlinks,
    side::{Found, Side, What},
    tree::Entry,
};

/// The arguments of `rmdir`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool rmdir dbx:results/old")]
pub struct Args {
    /// The folder: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Remove nothing
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

async fn look(args: &Args, filter: &Filter, app: &App) -> Result<(Side, Found), Failure> {
    let side = app.side(&args.path)?;
    let found = side.look(filter, Symlinks::Tell).await;
    let found = found.map_err(|e| side_failure("list", &side, &e))?;
    match found.what {
        What::Nothing => Err(missing(&side)),
        What::File => Err(not_a_folder(&side)),
        What::Folder => Ok((side, found)),
    }
}

/// Removes one folder.
///
/// # Errors
/// When it isn't there, isn't empty or can't be removed.
pub async fn one(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, found) = look(args, &Filter::default().no_deeper_than(1), app).await?;
    if !found.entries.is_empty() || !found.skipped.is_empty() || !found.problems.is_empty() {
        return Err(Failure::new(format!("'{}' is not empty", side.location()))
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
        .chain(&found.problems)
        .map(|(path, _)| below(&side, path))
        .collect();
    let files = found
        .entries
        .iter()
        .filter(|entry| entry.file().is_some())
        .map(|entry| entry.path.as_str());
    for path in files.chain(outside.iter().map(String::as_str)) {
        let mut rest = path;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            occupied.insert(folder);
            rest = folder;
        }
        occupied.insert("");
    }
    let mut empty: Vec<&Entry> = found
        .entries
        .iter()
        .filter(|entry| entry.file().is_none() && !occupied.contains(entry.path.as_str()))
        .collect();
    empty.sort_by(|a, b| b.path.cmp(&a.path));
    let root_too = !args.leave_root && !occupied.contains("");
    remove(&side, &empty, root_too, args.one.dry_run).await
}

/// What was left out of a walk is named in full.
fn below(side: &Side, path: &str) -> String {
    match side {
        Side::Local(root) => path
            .strip_prefix(&*root.to_string_lossy())
            .map_or(path, |rest| rest.trim_start_matches('/'))
            .to_owned(),
        Side::Remote { .. } => path.to_owned(),
    }
}

async fn remove(side: &Side, folders: &[&Entry], root_too: bool, dry_run: bool) -> Result<u8, Failure> {
    if dry_run {
        for folder in folders {
            tracing::warn!(object = %folder.path, "Skipped remove directory as --dry-run is set");
        }
        if root_too {
            tracing::warn!(object = %side.location(), "Skipped remove directory as --dry-run is set");
        }
        return Ok(exit::SUCCESS);
    }
    let mut all_well = true;
    for (folder, outcome) in folders.iter().zip(side.remove(&[], folders).await) {
        all_well &= told(side, &folder.path, "Removed directory", outcome);
    }
    // The root of a Dropbox stays.
    if root_too && all_well && side.split().is_some() {
        all_well &= told(side, "", "Removed directory", side.remove_empty().await);
    }
    Ok(if all_well { exit::SUCCESS } else { exit::ERROR })
}
