//! `lsd`, `ls` and `lsl`: what rclone prints, sorted by path.

use shared::failure::Failure;

use super::{App, Place};
use crate::{
    report,
    tree::{Entry, FileInfo, Kind, Modified},
};

/// The arguments of all three.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
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
    let recursive = format != Format::Folders || args.recursive;
    let listing = args.place.list(recursive, app).await?;
    let now = jiff::Timestamp::now();
    report::results(
        listing
            .entries
            .iter()
            .filter_map(|entry| line(entry, format, now)),
    )?;
    Ok(listing.code())
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
        (Format::Sizes, Kind::File(file)) => Some(format!("{:>9} {path}", size(file))),
        (Format::Times, Kind::File(file)) => {
            Some(format!("{:>9} {} {path}", size(file), time(file.modified)))
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

/// As rclone shows it; a document's is known only when it is exported.
fn size(file: &FileInfo) -> i64 {
    match file.document() {
        Some(_) => -1,
        None => i64::try_from(file.size_bytes).unwrap_or(i64::MAX),
    }
}
