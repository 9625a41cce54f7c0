//! `lsjson`: one object per file and folder.

use jiff::tz::TimeZone;
use shared::{exit, failure::Failure};
use stores::Place;

use super::{App, PlaceArgs};
use crate::{
    commands::{missing, place_failure},
    report::{
        self,
        format::{Item, Lsjson},
    },
};

/// The arguments of `lsjson`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool lsjson -R --hash dbx:results | jq '.[].Path'")]
pub struct Args {
    /// Also list what is in subfolders
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Show hashes
    #[arg(long)]
    hash: bool,
    /// Omit times
    #[arg(long)]
    no_modtime: bool,
    /// Omit MIME types
    #[arg(long)]
    no_mimetype: bool,
    /// List only files
    #[arg(long, conflicts_with = "dirs_only")]
    files_only: bool,
    /// List only folders
    #[arg(long)]
    dirs_only: bool,
    /// Show the file or folder itself, not what is in it
    #[arg(long)]
    stat: bool,
    /// List what was deleted, with DeletedTime and, where it is known, ChangedBy: who changed it last
    #[arg(long, conflicts_with = "stat")]
    deleted: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Lists.
///
/// # Errors
/// When the folder isn't there.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    if args.stat {
        return stat(args, app).await;
    }
    if args.deleted {
        return deleted(args, app).await;
    }
    let listing = args.place.list(args.recursive, app).await?;
    let mut items = listing.items(args.hash, !args.no_mimetype);
    items.retain(|item| is_wanted(args, item));
    without_times(args, &mut items);
    report::json_results(form(&listing.side).lines(items.iter()))?;
    Ok(listing.code())
}

fn is_wanted(args: &Args, item: &Item) -> bool {
    match item.is_folder {
        true => !args.files_only,
        false => !args.dirs_only,
    }
}

async fn deleted(args: &Args, app: &App) -> Result<u8, Failure> {
    let (mut items, code) = super::deleted::list(&args.place, args.recursive, app).await?;
    items.retain(|item| is_wanted(args, item));
    for item in &mut items {
        item.mime_type = item.mime_type.take().filter(|_| !args.no_mimetype);
        item.hashes.retain(|_| args.hash);
    }
    without_times(args, &mut items);
    let form = form(&app.place(&args.place.path)?);
    report::json_results(form.lines(items.iter()))?;
    Ok(code)
}

async fn stat(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.place(&args.place.path)?;
    let entry = side
        .find()
        .await
        .map_err(|e| place_failure("look at", &side, &e))?;
    let entry = entry.ok_or_else(|| missing(&side))?;
    let is_folder = entry.file().is_none();
    let listing = super::Listing {
        entries: vec![entry],
        filter: engine::filter::Filter::default(),
        is_cut: false,
        is_itself: true,
        default_time: app.default_time,
        side,
    };
    let mut items = listing.items(args.hash, !args.no_mimetype);
    without_times(args, &mut items);
    for item in &mut items {
        if is_folder {
            // As in rclone: the place itself has no path below itself, and no ID.
            item.path = String::new();
            item.id = None;
        }
        report::json_results(std::iter::once(form(&listing.side).stat(item)))?;
    }
    Ok(exit::SUCCESS)
}

fn without_times(args: &Args, items: &mut [Item]) {
    if args.no_modtime {
        items.iter_mut().for_each(|item| item.modified = None);
    }
}

/// rclone takes UTC and whole seconds for Dropbox, and for local files the zone of the machine and nine digits.
fn form(side: &Place) -> Lsjson {
    match side {
        Place::Local(_) => Lsjson {
            zone: TimeZone::system(),
            digits: 9,
        },
        Place::Dropbox(_) | Place::Link(_) => Lsjson {
            zone: TimeZone::UTC,
            digits: 0,
        },
    }
}
