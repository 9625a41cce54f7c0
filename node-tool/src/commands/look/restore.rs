//! `restore`: an earlier state of a file becomes the present one.

use shared::{exit, failure::Failure};

use super::{App, below_root, failed, failed_or_missing, missing};
use crate::report;

/// The arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool restore dbx:results/run7.h5 --rev 0153e1a2f4b00000000001a2b3c4d5")]
pub struct Args {
    /// The file, which may be deleted: NAME:path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// The revision to restore: see 'node-tool revisions' [default: the last]
    #[arg(long)]
    rev: Option<String>,
}

/// Restores.
///
/// # Errors
/// When there is no such state.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, client, path) = below_root(&args.path, "restore", app).await?;
    let rev = match &args.rev {
        Some(rev) => rev.clone(),
        None => {
            let revisions = client.revisions(&path).await;
            let revisions = revisions.map_err(failed_or_missing("look at", &side, exit::FILE_NOT_FOUND))?;
            if !revisions.is_deleted {
                return Err(
                    Failure::usage(format!("'{}' is there; which earlier state is meant?", side)).next(
                        format!("node-tool revisions {}    # then give --rev", side.typed()),
                    ),
                );
            }
            let last = revisions.entries.first().ok_or_else(|| missing(&side))?;
            last.rev.clone()
        }
    };
    let file = client
        .restore(&path, &rev)
        .await
        .map_err(|e| failed("restore", &side)(e).next(format!("node-tool revisions {}", side.typed())))?;
    report::note(&format!(
        "restored '{}' ({}) as it was at {rev}",
        side,
        report::bytes(file.size)
    ));
    Ok(exit::SUCCESS)
}
