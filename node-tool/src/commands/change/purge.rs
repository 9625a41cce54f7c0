//! `purge`: removes a folder and everything in it.

use shared::{exit, failure::Failure};

use super::{App, missing, not_a_folder, place_failure, report_step};
use crate::{
    report::json::{self, Action, Object, Outcome, Step},
    terminal,
};

/// The arguments of `purge`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool purge dbx:results/old --dry-run")]
pub struct Args {
    /// The folder: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Show what would be removed, without removing it
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Don't ask for confirmation
    #[arg(short, long, alias = "auto-confirm", conflicts_with = "interactive")]
    yes: bool,
    /// Ask for confirmation, as it does on a terminal anyway
    #[arg(short, long, hide = true)]
    interactive: bool,
}

/// Removes it.
///
/// # Errors
/// When it isn't there or can't be removed.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.place(&args.path)?;
    let there = side
        .find()
        .await
        .map_err(|e| place_failure("look at", &side, &e))?;
    match there {
        None => return Err(missing(&side)),
        Some(at) if at.file().is_some() => return Err(not_a_folder(&side)),
        Some(_) => {}
    }
    if args.dry_run {
        report_step(&side.to_string(), "purge", Step::new(Action::Purge, ""))?;
        return Ok(exit::SUCCESS);
    }
    if args.interactive && !terminal::is_there() {
        return Err(
            Failure::usage("there is no terminal to ask on").hint("--dry-run shows what would be done")
        );
    }
    if !args.yes && terminal::is_there() {
        let question = format!("Delete '{}' and everything in it? (y/n)", side);
        if !super::super::ask::yes(&question).await? {
            return Err(Failure::new("stopped; nothing was changed"));
        }
    }
    if side.is_dropbox_root() {
        return Err(
            Failure::usage("the root of a Dropbox can't be removed").next(format!(
                "node-tool delete {} --rmdirs    # removes all that is in it",
                side.typed()
            )),
        );
    }
    side.remove_all()
        .await
        .map_err(|e| place_failure("remove", &side, &e))?;
    tracing::info!(object = %side, "Purged");
    json::print(&Object::Outcome(Outcome::done(Action::Purge, "")))?;
    Ok(exit::SUCCESS)
}
