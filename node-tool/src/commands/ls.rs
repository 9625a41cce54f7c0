//! `lsd`, `ls` and `lsl`: what rclone prints, sorted by path.

use shared::{exit, failure::Failure};

use super::{App, dropbox_failure};
use crate::{
    dropbox::Listed,
    local,
    location::Location,
    report,
    tree::{Entry, Kind, Modified},
};

/// The arguments of all three.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool ls dbx:results")]
pub struct Args {
    /// What to list: NAME:path, or a local folder
    path: String,
    /// Also list what is below (lsd only; the others do)
    #[arg(short = 'R', long)]
    recursive: bool,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Folders: `          -1 2026-11-23 15:00:00        -1 name`
    Folders,
    /// Files: `     1234 path`
    Sizes,
    /// Files: `     1234 2026-11-23 15:00:00.000000000 path`
    Times,
}

/// Lists.
///
/// # Errors
/// When the folder isn't there or can't be listed to its end.
pub async fn run(args: &Args, format: Format, app: &App) -> Result<u8, Failure> {
    let location = Location::parse(&args.path).map_err(|e| Failure::usage(e.to_string()))?;
    let recursive = format != Format::Folders || args.recursive;
    let (entries, complete) = entries(&location, recursive, app).await?;
    let now = jiff::Timestamp::now();
    report::results(entries.iter().filter_map(|entry| line(entry, format, now)))?;
    Ok(if complete { exit::SUCCESS } else { exit::ERROR })
}

/// What is at a place, and whether it is all.
async fn entries(location: &Location, recursive: bool, app: &App) -> Result<(Vec<Entry>, bool), Failure> {
    let not_found = || Failure::new(format!("'{location}' is not there")).code(exit::DIRECTORY_NOT_FOUND);
    match location {
        Location::Remote { name, path } => {
            let listed = app.client(name)?.list(path, recursive).await;
            match listed {
                Ok(Listed::File(file)) => Ok((vec![file], true)),
                Ok(Listed::Folder(listing)) => {
                    for (path, reason) in &listing.refused {
                        report::warn(&format!("left out '{path}': {reason}"));
                    }
                    Ok((listing.entries, listing.refused.is_empty()))
                }
                Err(error) if error.is_not_found() => {
                    Err(not_found().next(format!("node-tool lsd {}", parent(location))))
                }
                Err(error) => Err(dropbox_failure(
                    format!("could not list '{location}'"),
                    &error,
                    name,
                )),
            }
        }
        Location::Local(path) => match local::stat(path) {
            Ok(None) => Err(not_found()),
            Ok(Some(entry)) if entry.file().is_some() => Ok((vec![entry], true)),
            Ok(Some(_)) => {
                let walked = local::walk(path, recursive);
                for skipped in walked.skipped.iter().filter(|s| s.is_error) {
                    report::warn(&format!(
                        "left out '{}': {}",
                        skipped.path.display(),
                        skipped.reason
                    ));
                }
                let complete = walked.skipped.iter().all(|s| !s.is_error);
                Ok((walked.entries, complete))
            }
            Err(error) => Err(Failure::new(format!("could not list '{location}'")).why(error)),
        },
    }
}

fn parent(location: &Location) -> String {
    match location {
        Location::Remote { name, path } => Location::Remote {
            name: name.clone(),
            path: path.parent().unwrap_or_default(),
        }
        .to_string(),
        Location::Local(path) => path.parent().map(|p| p.display().to_string()).unwrap_or_default(),
    }
}

fn line(entry: &Entry, format: Format, now: jiff::Timestamp) -> Option<String> {
    let path = &entry.path;
    match (format, &entry.kind) {
        // Dropbox has no times for folders; rclone prints the present one.
        (Format::Folders, Kind::Folder) => Some(format!(
            "{:>12} {} {:>9} {path}",
            -1,
            local_time(now).strftime("%Y-%m-%d %H:%M:%S"),
            -1
        )),
        (Format::Sizes, Kind::File(file)) => Some(format!("{:>9} {path}", file.size_bytes)),
        (Format::Times, Kind::File(file)) => {
            Some(format!("{:>9} {} {path}", file.size_bytes, time(file.modified)))
        }
        _ => None,
    }
}

fn time(modified: Modified) -> String {
    let timestamp = jiff::Timestamp::new(modified.seconds, i32::try_from(modified.nanoseconds).unwrap_or(0));
    match timestamp {
        Ok(timestamp) => local_time(timestamp)
            .strftime("%Y-%m-%d %H:%M:%S.%9f")
            .to_string(),
        Err(_) => "unknown".into(),
    }
}

fn local_time(timestamp: jiff::Timestamp) -> jiff::ZonedDateTime {
    timestamp.to_zoned_datetime(jiff::tz::TimeZone::system())
}
