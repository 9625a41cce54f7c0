//! `purge`: removes a folder with all in it.

use shared::{exit, failure::Failure};

use super::{App, missing, not_a_folder, side_failure};
use crate::{side::Side, terminal};

/// The arguments of `purge`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool purge dbx:results/old --dry-run")]
pub struct Args {
    /// The folder: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
}

/// Removes it.
///
/// # Errors
/// When it isn't there or can't be removed.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.side(&args.path)?;
    let there = side
        .find()
        .await
        .map_err(|e| side_failure("look at", &side, &e))?;
    match there {
        None => return Err(missing(&side)),
        Some(at) if at.file().is_some() => return Err(not_a_folder(&side)),
        Some(_) => {}
    }
    if args.dry_run {
        tracing::warn!(object = %side.location(), "Skipped purge as --dry-run is set");
        return Ok(exit::SUCCESS);
    }
    if !args.yes && terminal::is_there() {
        let question = format!("Delete '{}' and everything in it? (y/n)", side.location());
        if !super::super::ask::yes(&question).await? {
            return Err(Failure::new("stopped; nothing was changed"));
        }
    }
    match &side {
        Side::Local(path) => std::fs::remove_dir_all(path)
            .map_err(|e| Failure::new(format!("could not remove '{}'", side.location())).why(e))?,
        Side::Remote { path, .. } if path.is_root() => {
            return Err(
                Failure::usage("the root of a Dropbox can't be removed").next(format!(
                    "node-tool delete {} --rmdirs    # removes all that is in it",
                    side.typed()
                )),
            );
        }
        Side::Remote { client, path, .. } => {
            if let Some(Err(error)) = client.delete_all(&[(path.clone(), None)]).await.pop() {
                return Err(side_failure("remove", &side, &error.into()));
            }
        }
    }
    tracing::info!(object = %side.location(), "Purged");
    Ok(exit::SUCCESS)
}
