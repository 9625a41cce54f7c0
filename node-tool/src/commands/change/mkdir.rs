//! `mkdir`: makes a folder, with those around it.

use shared::{exit, failure::Failure};

use super::{App, report_outcome, report_step};
use crate::report::json::{Action, Step};

/// The arguments of `mkdir`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool mkdir dbx:results/2026")]
pub struct Args {
    /// The folder: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Show what would be made, without making it
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Makes it; one that is there already is no error.
///
/// # Errors
/// When it can't be made.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.place(&args.path)?;
    if args.dry_run {
        report_step(&side.to_string(), "make directory", Step::new(Action::Mkdir, ""))?;
        return Ok(exit::SUCCESS);
    }
    match side.stat().await {
        Ok(Some(at)) if at.file().is_some() => {
            return Err(Failure::new(format!("could not make the folder '{}'", side))
                .why("a file of this name is there"));
        }
        Ok(Some(_)) => return Ok(exit::SUCCESS),
        Ok(None) | Err(_) => {} // making it says why it can't be made
    }
    let done = side
        .store()
        .make_dirs(&[""])
        .await
        .into_iter()
        .all(|done| report_outcome(&side, "", Action::Mkdir, done));
    Ok(if done { exit::SUCCESS } else { exit::ERROR })
}
