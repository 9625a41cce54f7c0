//! `size`: how many files, and how many bytes.

use shared::failure::Failure;

use super::{App, PlaceArgs};
use crate::report::{
    self,
    format::Total,
    json::{self, Object},
};

/// The arguments of `size`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool size dbx:results --include '*.h5'")]
pub struct Args {
    #[command(flatten)]
    place: PlaceArgs,
}

/// Counts.
///
/// # Errors
/// When the folder isn't there.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let listing = args.place.list(true, app).await?;
    let mut total = Total::default();
    for file in listing.entries.iter().filter_map(|entry| entry.file()) {
        total.add(file.document().is_none().then_some(file.size_bytes));
    }
    match json::is_on() {
        true => json::print_only(&Object::Size(json::Size {
            count: total.count,
            bytes: total.bytes,
            sizeless: total.sizeless,
        }))?,
        false => report::result(&format!("{total}\n"))?,
    }
    Ok(listing.code())
}
