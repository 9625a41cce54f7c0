//! `lsd`, `ls` and `lsl`: what rclone prints, sorted by path.

use jiff::tz::TimeZone;
use shared::failure::Failure;

use super::{App, PlaceArgs, deleted};
use crate::report::{
    self,
    format::{Item, on_one_line, plain_time, short_size},
    json,
};

/// The arguments of all three.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also list subfolders (lsd only; the others always do)
    #[arg(short = 'R', long)]
    recursive: bool,
    /// List what was deleted: size, when it was deleted, path and, where it is known, who changed it last
    #[arg(long)]
    deleted: bool,
    /// Print sizes with Ki, Mi, Gi …
    #[arg(long)]
    human_readable: bool,
    #[command(flatten)]
    place: PlaceArgs,
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
    let zone = TimeZone::system();
    if args.deleted {
        let (items, code) = deleted::list(&args.place, recursive, app).await?;
        if json::is_on() {
            let wants_folders = format == Format::Folders;
            let shown = items.iter().filter(|item| item.is_folder == wants_folders);
            json::print_all(shown.map(|item| json::Object::Entry(item.into())))?;
            return Ok(code);
        }
        report::results(items.iter().filter_map(|item| format.deleted_line(item, &zone)))?;
        return Ok(code);
    }
    let listing = args.place.list(recursive, app).await?;
    if json::is_on() {
        let wants_folders = format == Format::Folders;
        listing.print_json(|entry| entry.file().is_none() == wants_folders)?;
        return Ok(listing.code());
    }
    let items = listing.items(false, false);
    report::results(
        items
            .iter()
            .filter_map(|item| format.line(item, &zone, args.human_readable)),
    )?;
    Ok(listing.code())
}

impl Format {
    /// Returns the line of an item. `None` if items of its kind are not shown.
    fn line(self, item: &Item, zone: &TimeZone, is_for_people: bool) -> Option<String> {
        let path = on_one_line(&item.path);
        let size = match item.size_bytes.filter(|_| is_for_people) {
            Some(bytes) => short_size(bytes),
            None => item.size_or_minus_one().to_string(),
        };
        let time = |digits| {
            item.modified
                .map(|time| plain_time(time, zone, digits))
                .unwrap_or_default()
        };
        match (self, item.is_folder) {
            // How many files are in it is never known.
            (Self::Folders, true) => Some(format!("{size:>12} {} {:>9} {path}", time(0), -1)),
            (Self::Sizes, false) => Some(format!("{size:>9} {path}")),
            (Self::Times, false) => Some(format!("{size:>9} {} {path}", time(9))),
            _ => None,
        }
    }
}

impl Format {
    /// Returns the line of something that is deleted. `None` if items of its kind are not shown.
    fn deleted_line(self, item: &Item, zone: &TimeZone) -> Option<String> {
        /// In the place of a time that isn't known, and as wide.
        const UNKNOWN: &str = "-                  ";
        let gone = item.gone.clone().unwrap_or_default();
        let time =
            |time: Option<_>| time.map_or_else(|| UNKNOWN.to_owned(), |time| plain_time(time, zone, 0));
        let (path, size, at) = (on_one_line(&item.path), item.size_or_minus_one(), time(gone.at));
        let by = gone.changed_by.map(|by| format!("  ({})", on_one_line(&by)));
        let by = by.unwrap_or_default();
        match (self, item.is_folder) {
            (Self::Folders, true) => Some(format!("{size:>12} {at} {:>9} {path}", -1)),
            (Self::Sizes, false) => Some(format!("{size:>9} {at} {path}{by}")),
            (Self::Times, false) => Some(format!("{size:>9} {} {at} {path}{by}", time(item.modified))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::format::Gone;
    use engine::entry::Modified;

    #[test]
    fn what_is_deleted_has_the_time_of_its_deletion() {
        let at = |seconds| {
            Some(Modified {
                seconds,
                nanoseconds: 0,
            })
        };
        let item = |is_folder, gone: Gone| Item {
            path: "d/x".into(),
            is_folder,
            size_bytes: (!is_folder).then_some(7),
            modified: at(946_684_800).filter(|_| !is_folder),
            gone: Some(gone),
            ..Item::default()
        };
        let known = || Gone {
            at: at(946_684_860),
            changed_by: Some("Ann".into()),
        };
        for (format, item, line) in [
            (
                Format::Sizes,
                item(false, known()),
                "        7 2000-01-01 00:01:00 d/x  (Ann)",
            ),
            (
                Format::Times,
                item(false, known()),
                "        7 2000-01-01 00:00:00 2000-01-01 00:01:00 d/x  (Ann)",
            ),
            (
                Format::Sizes,
                item(false, Gone::default()),
                "        7 -                   d/x",
            ),
            (
                Format::Folders,
                item(true, Gone::default()),
                "          -1 -                          -1 d/x",
            ),
        ] {
            assert_eq!(format.deleted_line(&item, &TimeZone::UTC).as_deref(), Some(line));
        }
    }

    #[test]
    fn sizes_for_people_are_short() {
        for (bytes, size) in [(2, "        2"), (3_000_000, "  2.861Mi"), (4096, "      4Ki")] {
            let item = Item {
                path: "x".into(),
                size_bytes: Some(bytes),
                ..Item::default()
            };
            let line = Format::Sizes.line(&item, &TimeZone::UTC, true);
            assert_eq!(line.as_deref(), Some(&*format!("{size} x")));
        }
    }

    #[test]
    fn a_name_stays_on_its_line() {
        let item = |is_folder| Item {
            path: "d/new\nline\u{1b}[2J".into(),
            is_folder,
            size_bytes: (!is_folder).then_some(7),
            modified: Some(Modified {
                seconds: 946_684_800,
                nanoseconds: 5,
            }),
            ..Item::default()
        };
        for (format, is_folder, line) in [
            (
                Format::Folders,
                true,
                "          -1 2000-01-01 00:00:00        -1 d/new␊line␛[2J",
            ),
            (Format::Sizes, false, "        7 d/new␊line␛[2J"),
            (
                Format::Times,
                false,
                "        7 2000-01-01 00:00:00.000000005 d/new␊line␛[2J",
            ),
        ] {
            assert_eq!(
                format.line(&item(is_folder), &TimeZone::UTC, false).as_deref(),
                Some(line)
            );
            assert_eq!(format.line(&item(!is_folder), &TimeZone::UTC, true), None);
        }
    }
}
