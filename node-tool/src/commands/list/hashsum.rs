//! `hashsum`: Dropbox's content hash of each file, in the form of `sha256sum`.

use shared::{exit, failure::Failure};

use super::{App, PlaceArgs};
use crate::report::{
    self,
    format::{SumForm, sum_line},
};

/// The arguments of `hashsum`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool hashsum dropbox dbx:results > sums.txt")]
pub struct Args {
    /// The kind of hash; there is only Dropbox's
    #[arg(value_parser = ["dropbox"], ignore_case = true)]
    hash: String,
    /// Write base64 instead of hexadecimal digits
    #[arg(long)]
    base64: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Prints one line per file.
///
/// # Errors
/// When the folder isn't there.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let listing = args.place.list(true, app).await?;
    let form = if args.base64 {
        SumForm::Base64
    } else {
        SumForm::Hex
    };
    let mut code = listing.code();
    let items = tokio::task::block_in_place(|| listing.items(true, false));
    let lines = items.iter().filter(|item| !item.is_folder).map(|item| {
        let hash = item.hashes.first().map(|(_, value)| value.as_str());
        if hash.is_none() {
            // What a document will be is known only when it is exported.
            let is_document = item.size_bytes.is_none();
            if is_document {
                report::warn(&format!("'{}' is a cloud document, which has no hash", item.path));
            } else {
                report::warn(&format!("'{}' has no hash, or could not be read", item.path));
                code = exit::ERROR;
            }
        }
        sum_line(hash, 32, form, &item.path)
    });
    let lines: Vec<String> = lines.collect();
    report::results(lines.into_iter())?;
    Ok(code)
}
