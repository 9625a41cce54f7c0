//! `cleanup`: what killed transfers left: unfinished files, and journals of their progress.

use std::{path::Path, time::Duration};

use shared::{exit, failure::Failure};

use stores::{
    local::{self, LocalStore},
    resumable,
};

use super::{App, place_failure, report_step};
use crate::report::{
    self,
    json::{self, Action, Object, Outcome, Step},
};

/// Files written within this time may belong to a download that is still running.
const MIN_AGE: Duration = Duration::from_secs(3600);
/// The same if no process of this machine uses the file, and no other machine can.
const MIN_AGE_IF_DEAD: Duration = Duration::from_secs(60);

/// The arguments of `cleanup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool cleanup /scratch/ann --dry-run")]
pub struct Args {
    /// The local folder to clean up, including its subfolders
    #[arg(default_value = ".", value_parser = crate::commands::place())]
    path: String,
    /// Show what would be removed, without removing it
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Also remove files written within the last hour, and forget the progress of transfers: only if no node-tool is running
    #[arg(long)]
    all: bool,
}

/// Removes them.
///
/// # Errors
/// When the folder can't be looked at.
pub fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.place(&args.path)?;
    let Some(root) = side.local_path() else {
        return Err(Failure::usage("there is nothing to clean up in a Dropbox")
            .why("unfinished uploads go away by themselves after 7 days, deleted files after some weeks")
            .next("node-tool cleanup .    # or another local folder"));
    };
    let store = LocalStore::new(root);
    let opened = store.root();
    let found = local::leftovers(opened).map_err(|e| place_failure("look at", &side, &e.into()))?;
    let (mut count, mut bytes, mut well) = (0, 0, true);
    for leftover in found {
        let path = root.join(&leftover.path);
        if leftover.is_alive == Some(true) {
            report::note(&format!(
                "'{}' belongs to a download that runs, and stays",
                path.display()
            ));
            continue;
        }
        if !args.all && !is_left(&leftover) {
            report::note(&format!(
                "'{}' is fresh and stays; --all removes it too",
                path.display()
            ));
            continue;
        }
        if args.dry_run {
            let step = Step {
                size: Some(leftover.metadata.len()),
                ..Step::new(Action::Delete, &*leftover.path)
            };
            report_step(&path.display().to_string(), "delete", step)?;
        } else if let Err(error) = opened.remove_leftover(&leftover.path) {
            report::warn(&format!("could not remove '{}': {error}", path.display()));
            let outcome = Outcome::failed(Action::Delete, &*leftover.path, &error.into());
            json::print(&Object::Outcome(outcome))?;
            well = false;
            continue;
        } else {
            json::print(&Object::Outcome(Outcome {
                size: Some(leftover.metadata.len()),
                ..Outcome::done(Action::Delete, &*leftover.path)
            }))?;
        }
        count += 1;
        bytes += leftover.metadata.len();
    }
    json::count(|total| (total.files, total.bytes) = (Some(count), Some(bytes)));
    let done = if args.dry_run {
        "could be removed"
    } else {
        "removed"
    };
    report::note(&format!(
        "{} ({}) {done}",
        report::files(count),
        report::bytes(bytes)
    ));
    if let Some(state) = &app.state {
        well &= forget(args, root, &state.transfers());
    }
    Ok(if well { exit::SUCCESS } else { exit::ERROR })
}

/// Returns whether no process uses it any more. Where other nodes use the same files, only its age shows that.
fn is_left(leftover: &local::Leftover) -> bool {
    match leftover.is_alive {
        Some(true) => false,
        Some(false) => local::is_older(&leftover.metadata, MIN_AGE_IF_DEAD),
        None => local::is_older(&leftover.metadata, MIN_AGE),
    }
}

/// Shows the transfers of files below `root` that can be continued, or forgets them. Returns whether that succeeded.
fn forget(args: &Args, root: &Path, journals: &Path) -> bool {
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let mut well = true;
    for transfer in resumable(journals)
        .iter()
        .filter(|transfer| transfer.local.starts_with(&root))
    {
        let words = &transfer.words;
        if !args.all || args.dry_run {
            report::note(&format!(
                "{words} can continue where it stopped; --all forgets its progress"
            ));
        } else if let Err(error) = transfer.forget() {
            report::warn(&format!("could not forget {words}: {error}"));
            well = false;
        } else {
            report::note(&format!("forgot how far {words} was"));
        }
    }
    well
}
