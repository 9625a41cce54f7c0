//! `revisions`: the states of a file that Dropbox still has.

use shared::{
    api::files::{FileMetadata, Time},
    exit,
    failure::Failure,
};
use stores::Place;

use super::{App, below_root, failed_or_missing};

use engine::entry::Modified;

use crate::report::{
    self,
    format::plain_time,
    json::{self, Object, Revision},
};

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
    if json::is_on() {
        let is_there = !revisions.is_deleted;
        let states = revisions.entries.iter().enumerate();
        json::print_all(states.map(|(at, state)| object(&side, state, at == 0 && is_there)))?;
        return Ok(exit::SUCCESS);
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

/// Returns a state as an object.
fn object(side: &Place, state: &FileMetadata, is_current: bool) -> Object {
    let info = state.sharing_info.as_ref();
    Object::Revision(Revision {
        path: side.to_string(),
        rev: state.rev.clone(),
        size: state.size,
        modified: time(state.client_modified),
        uploaded: state.server_modified.map(time),
        content_hash: state.content_hash,
        changed_by: info.and_then(|info| info.modified_by.clone()),
        is_current,
    })
}

/// Returns a time as objects have it.
fn time(time: Time) -> String {
    json::time(Modified {
        seconds: time.0,
        nanoseconds: 0,
    })
    .unwrap_or_default()
}
