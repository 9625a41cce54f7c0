//! `revisions`: the states of a file that Dropbox still has.

use shared::{exit, failure::Failure};

use super::{App, missing, remote, side_failure};
use crate::{dropbox::Error, report};

/// The arguments of `revisions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool revisions dbx:results/run7.h5")]
pub struct Args {
    /// The file, which may be deleted: NAME:path
    path: String,
}

/// Lists them, the newest first: revision, size, time, and what it is now.
///
/// # Errors
/// When there never was such a file.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, client, path) = remote(&args.path, app)?;
    let revisions = match client.revisions(&path).await {
        Ok(revisions) => revisions,
        Err(error) if error.is_not_found() => return Err(missing(&side).code(exit::FILE_NOT_FOUND)),
        Err(error) => return Err(side_failure("look at", &side, &Error::into(error))),
    };
    if revisions.is_deleted {
        report::note(&format!(
            "'{0}' is deleted; to have it back: node-tool restore {0}",
            side.location()
        ));
    }
    report::results(revisions.entries.iter().map(|state| {
        let time = jiff::Timestamp::from_second(state.client_modified.0).unwrap_or_default();
        let time = time
            .to_zoned_datetime(jiff::tz::TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string();
        format!("{} {:>12} {time}", state.rev, state.size)
    }))?;
    Ok(exit::SUCCESS)
}
