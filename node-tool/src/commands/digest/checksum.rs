//! `checksum`: whether files have the digests that a sum file says.

use shared::failure::Failure;

use super::{
    App,
    hashsum::algorithm,
    verify::{Verify, verify},
};
use crate::{
    commands::{
        list::PlaceArgs,
        look::check::outputs::{OutputFlags, Outputs},
    },
    flags::{filter::FilterFlags, symlinks::SymlinkFlags},
};

/// The arguments of `checksum`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "SUMFILE may be what md5sum and similar programs print, or a receipt of a transfer (--report). A receipt has Dropbox's \
                  hash of each file, so that comparing it with a Dropbox needs no bytes: HASH is dropbox then.\n\n\
                  Examples:\n  node-tool checksum sha256 SHA256SUMS dbx:results --download\n  \
                  node-tool checksum dropbox receipt.jsonl dbx:results --combined -"
)]
pub struct Args {
    /// The digest: md5, sha1, crc32, sha256, sha512 or dropbox
    hash: String,
    /// The file with the digests: NAME:path, or a local path; - is the standard input
    #[arg(value_name = "SUMFILE", value_parser = crate::commands::place())]
    sums: String,
    /// The files: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Ignore files that SUMFILE lacks
    #[arg(long)]
    one_way: bool,
    /// Read the files of a Dropbox; otherwise there is only the hash that Dropbox has
    #[arg(long)]
    download: bool,
    #[command(flatten)]
    outputs: OutputFlags,
    #[command(flatten)]
    filter: FilterFlags,
    #[command(flatten)]
    symlinks: SymlinkFlags,
}

/// Compares; exit code 1 if anything differs.
///
/// # Errors
/// When there is no such digest, no sum file or no folder.
pub async fn run(args: Args, app: &App) -> Result<u8, Failure> {
    let wanted = Verify {
        algorithm: algorithm(&args.hash)?,
        sums: args.sums,
        place: PlaceArgs {
            path: args.path,
            filter: args.filter,
            symlinks: args.symlinks,
        },
        one_way: args.one_way,
        download: args.download,
        outputs: Outputs::open(&args.outputs)?,
    };
    verify(wanted, app).await
}
