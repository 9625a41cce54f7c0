//! `about`: how much space the account has.

use serde::Serialize;
use shared::{exit, failure::Failure};

use super::{App, failed, remote};
use crate::report;

/// The arguments of `about`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool about dbx:")]
pub struct Args {
    /// The account: NAME:
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print exact numbers of bytes
    #[arg(long)]
    full: bool,
}

/// The order is rclone's.
#[derive(Serialize)]
struct Usage {
    total: u64,
    used: u64,
    free: u64,
}

/// Runs `about`.
///
/// # Errors
/// When Dropbox can't be asked.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, client, _) = remote(&args.path, app)?;
    let space = client.space_usage().await.map_err(failed("ask about", &side))?;
    let total = space.allocation.allocated;
    // In a team, all members' files count against the team's space.
    let used = space.allocation.used.unwrap_or(space.used);
    let usage = Usage {
        total,
        used,
        free: total.saturating_sub(used),
    };
    if args.json {
        let json = serde_json::to_string_pretty(&usage)
            .unwrap_or_default()
            .replace("  ", "\t");
        report::result(&format!("{json}\n"))?;
        return Ok(exit::SUCCESS);
    }
    let size = |bytes: u64| {
        if args.full {
            bytes.to_string()
        } else {
            report::format::size(bytes)
        }
    };
    report::result(&format!(
        "Total:   {}\nUsed:    {}\nFree:    {}\n",
        size(usage.total),
        size(usage.used),
        size(usage.free)
    ))?;
    Ok(exit::SUCCESS)
}
