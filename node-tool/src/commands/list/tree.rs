//! `tree`: a listing as lines and branches.

use jiff::tz::TimeZone;
use shared::failure::Failure;

use super::{App, PlaceArgs, now};
use crate::report::{
    self,
    format::{Sort, TreeView},
    json,
};

/// The arguments of `tree`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool tree --level 2 dbx:results")]
#[expect(clippy::struct_excessive_bools, reason = "a flag each")]
pub struct Args {
    /// Also show names that begin with a dot
    #[arg(short, long)]
    all: bool,
    /// Show folders only
    #[arg(short, long)]
    dirs_only: bool,
    /// Show whole paths
    #[arg(long)]
    full_path: bool,
    /// Don't draw branches
    #[arg(long)]
    noindent: bool,
    /// Don't print the number of files and folders at the end
    #[arg(long)]
    noreport: bool,
    /// Go at most N folders deep
    #[arg(long, value_name = "N")]
    level: Option<usize>,
    /// Show sizes
    #[arg(short, long)]
    size: bool,
    /// Show times
    #[arg(short = 'D', long)]
    modtime: bool,
    /// Put names in quotes
    #[arg(short = 'Q', long)]
    quote: bool,
    /// Sort by name, size or mtime
    #[arg(long, value_parser = ["name", "size", "mtime"])]
    sort: Option<String>,
    /// Sort by time, as --sort mtime does
    #[arg(short = 't', long, conflicts_with = "sort")]
    sort_modtime: bool,
    /// Sort in reverse
    #[arg(short = 'r', long)]
    sort_reverse: bool,
    /// List folders first
    #[arg(long)]
    dirsfirst: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Runs `tree`.
///
/// # Errors
/// When the folder isn't there.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let view = TreeView {
        all: args.all,
        dirs_only: args.dirs_only,
        full_path: args.full_path,
        quote: args.quote,
        size: args.size,
        modified: args.modtime,
        indent: !args.noindent,
        report: !args.noreport,
        level: args.level,
        sort: match args.sort.as_deref() {
            _ if args.sort_modtime => Sort::Time,
            Some("size") => Sort::Size,
            Some("mtime") => Sort::Time,
            _ if args.dirsfirst => Sort::FoldersFirst,
            _ => Sort::Name,
        },
        reverse: args.sort_reverse,
        zone: TimeZone::system(),
    };
    let listing = args.place.list(true, app).await?;
    if json::is_on() {
        listing.print_json(|entry| entry.file().is_none() || !args.dirs_only)?;
        return Ok(listing.code());
    }
    report::results(view.lines(&listing.items(false, false), now()).into_iter())?;
    Ok(listing.code())
}
