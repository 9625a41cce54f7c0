//! `revisions`: the states of a file that Dropbox still has.

use shared::{exit, failure::Failure};

use super::{App, below_root, failed_or_missing};

use engine::entry::Modified;

use crate::report::{self, format::plain_time};

/// The arguments of `revisions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool revisions dbx:results/run7.h5")]
pub struct Args {
    /// The file, which may be deleted: NAME:path
    #[arg(value_parser = crate::commands::place())]
    path: String,
}

/// Lists them, the newest first: revision, size, time, and what it is now.
///
/// # Errors
/// When there never was such a file.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, client, path) = below_root(&args.path, "list the revisions of", app).await?;
    let revisions = client.revisions(&path).await;
    let revisions = revisions.map_err(failed_or_missing("look at", &side, exit::FILE_NOT_FOUND))?;
    for odd in &revisions.odd {
        report::warn(&format!("left out a state of it: {}", odd.reason));
    }
    if revisions.is_deleted {
        report::note(&format!(
            "'{}' is deleted; to have it back: node-tool restore {}",
            side,
            side.typed()
        ));
    }
    let zone = jiff::tz::TimeZone::system();
    report::results(revisions.entries.iter().map(|state| {
        let modified = Modified {
            seconds: state.client_modified.0,
            nanoseconds: 0,
        };
        let time = plain_time(modified, &zone, 0);
        format!("{} {:>12} {time}", state.rev, state.size)
    }))?;
    Ok(exit::SUCCESS)
}
