//! `link`: a link that others can open.

use shared::{exit, failure::Failure};

use super::{App, below_root, failed};
use crate::report::{
    self,
    json::{self, Action, Link, Object, Outcome},
};

/// The arguments of `link`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The app needs the permission sharing.write for it (and sharing.read for --unlink).\n\n\
                  Example: node-tool link dbx:results/paper.pdf"
)]
pub struct Args {
    /// A file or folder: NAME:path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Revoke all links to it
    #[arg(long)]
    unlink: bool,
    /// Show what would be done, without doing it
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Prints the link, or revokes all links.
///
/// # Errors
/// When there is nothing, or it may not be shared.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, client, path) =
        below_root(&args.path, if args.unlink { "unlink" } else { "link to" }, app).await?;
    if args.dry_run {
        let what = if args.unlink { "unlink" } else { "link" };
        tracing::warn!(object = %side, "Skipped {what} as --dry-run is set");
        return Ok(exit::SUCCESS);
    }
    if args.unlink {
        let ended = client.unlink(&path).await.map_err(failed("unlink", &side))?;
        let ends = |_: &String| Object::Outcome(Outcome::done(Action::Unlink, side.to_string()));
        json::print_all(ended.iter().map(ends))?;
        report::note(&format!(
            "{} ended",
            if ended.len() == 1 {
                "1 link".into()
            } else {
                format!("{} links", ended.len())
            }
        ));
    } else {
        let url = client.link(&path).await.map_err(failed("link to", &side))?;
        match json::is_on() {
            true => json::print(&Object::Link(Link {
                path: side.to_string(),
                url,
            }))?,
            false => report::result(&format!("{url}\n"))?,
        }
    }
    Ok(exit::SUCCESS)
}
