//! `revisions`: the states of a file that Dropbox still has.

use serde::Serialize;
use shared::{api::files::Time, exit, failure::Failure};

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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A state as `--json` shows it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct State<'a> {
    rev: &'a str,
    size: u64,
    /// The file's own time, as in `lsjson`.
    mod_time: Time,
    /// When Dropbox got it.
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<&'a str>,
    /// Whether it is what the file is now.
    is_current: bool,
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
    if args.json {
        let current = revisions
            .entries
            .first()
            .filter(|_| !revisions.is_deleted)
            .map(|now| &now.rev);
        let states: Vec<State<'_>> = revisions
            .entries
            .iter()
            .map(|state| State {
                rev: &state.rev,
                size: state.size,
                mod_time: state.client_modified,
                uploaded: state.server_modified,
                hash: state.content_hash.map(|hash| hash.to_string()),
                changed_by: state
                    .sharing_info
                    .as_ref()
                    .and_then(|info| info.modified_by.as_deref()),
                is_current: current == Some(&state.rev),
            })
            .collect();
        report::json_results(lines(&states).into_iter())?;
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

/// Returns the lines of an array with an object on each, as `lsjson` prints it.
fn lines(states: &[State<'_>]) -> Vec<String> {
    let last = states.len().saturating_sub(1);
    let object = |(at, state): (usize, &State<'_>)| {
        let comma = if at < last { "," } else { "" };
        serde_json::to_string(state).unwrap_or_default() + comma
    };
    let mut lines = vec!["[".to_owned()];
    lines.extend(states.iter().enumerate().map(object));
    lines.push("]".to_owned());
    lines
}
