//! `check`: whether two folders have the same contents, by size and hash.

pub(in crate::commands) mod outputs;

use std::collections::HashSet;

use engine::{
    digest::Algorithm,
    entry::{Entry, FileMeta},
    filter::Filter,
    listing::{Listing, RootKind},
    plan::pair_all,
    relative_path::{ancestors, fold},
};
use futures_util::{StreamExt, stream};
use shared::{content_hash::ContentHash, exit, failure::Failure};
use stores::Place;

use self::outputs::{OutputFlags, Outputs};
use super::{App, missing, place_failure};
use crate::{
    commands::{
        digest::verify::{Verify, verify},
        list::PlaceArgs,
    },
    flags::filter::FilterFlags,
    flags::symlinks::{SymlinkFlags, log_skipped},
    report::{
        self,
        format::Checked,
        json::{self, Object},
    },
};

/// Maximum number of files that are hashed at once.
const MAX_CONCURRENT_HASHES: usize = 4;

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Checksums are compared where both sides have them without reading; local files are read.\n\n\
                  Examples:\n  node-tool check results dbx:project/results --combined -\n  \
                  node-tool check --checkfile sha256 SHA256SUMS dbx:project/results --download"
)]
pub struct Args {
    /// NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    source: String,
    /// NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    dest: String,
    /// Compare only sizes
    #[arg(long)]
    size_only: bool,
    /// Read all files on both sides and compare their bytes
    #[arg(long, conflicts_with = "size_only")]
    download: bool,
    /// Compare DEST with the digests of this kind in SOURCE, which is a sum file (md5sum's output) or a receipt
    #[arg(short = 'C', long, value_name = "HASH", conflicts_with = "size_only")]
    checkfile: Option<Algorithm>,
    /// Ignore files that only DEST has
    #[arg(long)]
    one_way: bool,
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
/// When one of the folders isn't there, or a file can't be written to.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    if let Some(algorithm) = args.checkfile {
        return verify(args.verify(algorithm)?, app).await;
    }
    let filter = args.filter.filter()?;
    let (source, dest) = app.places(&args.source, &args.dest)?;
    let mut outputs = Outputs::open(&args.outputs)?;
    let mut listed = Vec::new();
    let mut is_cut = false;
    for side in [&source, &dest] {
        let found = side
            .list(&filter, args.symlinks.symlinks())
            .await
            .map_err(|e| place_failure("list", side, &e))?;
        match (found.root, listed.is_empty()) {
            (RootKind::Missing, true) => return Err(missing(side)),
            (RootKind::Missing, false) => {
                // As in rclone: all that the source has is missing there.
                report::error(&missing(side));
                is_cut = true;
            }
            _ => {}
        }
        log_skipped(&found);
        listed.push(found);
    }
    // As in a sync: what the filter leaves out of the source isn't compared, and the rest is, whatever it says of the target's.
    let left_out = leave_out(&mut listed[0], &filter);
    let is_left_out = |path: &str| {
        let key = fold(path);
        left_out.contains(&*key) || ancestors(&key).any(|folder| left_out.contains(folder))
    };
    let (mine, theirs) = (&listed[0].entries, &listed[1].entries);
    let selection = filter.selection(theirs);
    let wanted = theirs.iter().zip(selection).filter(|(_, is_in)| *is_in);
    let wanted: HashSet<&str> = wanted.map(|(entry, _)| entry.path.as_str()).collect();
    let is_extra = |other: &Entry| wanted.contains(other.path.as_str()) && !is_left_out(&other.path);
    let mut outcomes: Vec<(&str, Checked, String)> = Vec::new();
    let mut both = Vec::new();
    for (entry, other) in pair_all(mine, theirs, dest.store().capabilities().names.ignores_case) {
        match (entry, other) {
            (Some(entry), Some(other)) => match (entry.file(), other.file()) {
                (Some(file), Some(target)) => both.push((entry, file, other, target)),
                (Some(_), None) => {
                    outcomes.push((
                        &entry.path,
                        Checked::Different,
                        "is a folder in the target".into(),
                    ));
                }
                (None, Some(_)) if !args.one_way => {
                    outcomes.push((
                        &other.path,
                        Checked::Different,
                        "is a folder in the source".into(),
                    ));
                }
                (None, _) => {}
            },
            (Some(entry), None) if entry.file().is_some() => {
                outcomes.push((&entry.path, Checked::MissingOnTarget, "file not in target".into()));
            }
            // A cloud document of the target is nothing that a copy could have brought there.
            (None, Some(other)) if other.is_exported() => {}
            (None, Some(other)) if other.file().is_some() && !args.one_way && is_extra(other) => {
                outcomes.push((&other.path, Checked::MissingOnSource, "file not in source".into()));
            }
            _ => {}
        }
    }
    let places = [(&source, listed[0].root), (&dest, listed[1].root)];
    let compared = stream::iter(both).map(|(entry, file, other, target)| async move {
        let (outcome, why) = compare((entry, file), (other, target), places, args.by()).await;
        (entry.path.as_str(), outcome, why)
    });
    outcomes.extend(compared.buffered(MAX_CONCURRENT_HASHES).collect::<Vec<_>>().await);
    outcomes.sort_by(|a, b| a.0.cmp(b.0));
    let mut different: usize = 0;
    let mut matching = 0;
    for (path, outcome, why) in &outcomes {
        outputs.write(*outcome, path)?;
        json::print(&Object::Checked(json::Checked::new(path, *outcome, why)))?;
        if *outcome == Checked::Same {
            matching += 1;
        } else {
            different += 1;
            tracing::error!(object = %path, "{why}");
        }
    }
    outputs.finish()?;
    let problems = listed.iter().map(|found| found.unreadable.len()).sum::<usize>();
    for found in &listed {
        report::left_out(&found.unreadable)?;
    }
    json::count(|total| (total.different, total.unchanged) = (Some(different as u64), Some(matching)));
    report::note(&format!(
        "{different} differences found, {matching} matching files"
    ));
    Ok(if different + problems == 0 && !is_cut {
        exit::SUCCESS
    } else if different == 0 && !is_cut {
        exit::FATAL_FOR_SOME // as rclone's: repeating it doesn't help
    } else {
        exit::ERROR
    })
}

/// Takes what the filter leaves out from what was found. Returns the folded paths of that.
fn leave_out(found: &mut Listing, filter: &Filter) -> HashSet<String> {
    let mut selection = filter.selection(&found.entries).into_iter();
    let left_out = found
        .entries
        .extract_if(.., |_| !selection.next().unwrap_or(false));
    left_out.map(|entry| fold(&entry.path).into_owned()).collect()
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Sizes alone.
    Size,
    /// Checksums, which Dropbox has without reading.
    Checksum,
    /// The bytes, read on both sides.
    Bytes,
}

impl Args {
    fn by(&self) -> By {
        match (self.size_only, self.download) {
            (true, _) => By::Size,
            (_, true) => By::Bytes,
            _ => By::Checksum,
        }
    }

    /// Returns what `--checkfile` asks for.
    fn verify(&self, algorithm: Algorithm) -> Result<Verify, Failure> {
        Ok(Verify {
            algorithm,
            sums: self.source.clone(),
            place: PlaceArgs {
                path: self.dest.clone(),
                filter: self.filter.clone(),
                symlinks: self.symlinks,
            },
            one_way: self.one_way,
            download: self.download,
            outputs: Outputs::open(&self.outputs)?,
        })
    }
}

async fn compare(
    (entry, file): (&Entry, &FileMeta),
    (other, target): (&Entry, &FileMeta),
    [(source, source_is), (dest, dest_is)]: [(&Place, RootKind); 2],
    by: By,
) -> (Checked, String) {
    let has_size = file.document().is_none() && target.document().is_none();
    if has_size && file.size_bytes != target.size_bytes {
        return (Checked::Different, "sizes differ".into());
    }
    if has_size && by == By::Size {
        return (Checked::Same, String::new());
    }
    let (mine, theirs) = match by {
        By::Size | By::Checksum => (
            hash(source, source_is, entry, file).await,
            hash(dest, dest_is, other, target).await,
        ),
        By::Bytes => tokio::join!(
            read(source, source_is, entry, file),
            read(dest, dest_is, other, target)
        ),
    };
    match (mine, theirs) {
        (Ok(mine), Ok(theirs)) if mine.0 != theirs.0 => (Checked::Different, "sizes differ".into()),
        (Ok(mine), Ok(theirs)) if by == By::Size || mine.1 == theirs.1 => (Checked::Same, String::new()),
        (Ok(_), Ok(_)) if by == By::Bytes => (Checked::Different, "contents differ".into()),
        (Ok(_), Ok(_)) => (Checked::Different, "hashes differ".into()),
        (Err(error), _) | (_, Err(error)) => (Checked::Failed, format!("could not be compared: {error}")),
    }
}

/// The size and hash of a file. A cloud document's are known when it is exported.
async fn hash(
    place: &Place,
    root: RootKind,
    entry: &Entry,
    file: &FileMeta,
) -> engine::Result<(u64, ContentHash)> {
    match place {
        Place::Dropbox(store) => store.size_and_checksum(file).await,
        Place::Local(_) | Place::Link(_) => {
            let path = if root == RootKind::File { "" } else { &entry.path };
            let checksum = place.store().checksum(path, file).await?;
            let unknown = || engine::Error::new(engine::Retry::Unknown, "it has no checksum");
            Ok((file.size_bytes, checksum.ok_or_else(unknown)?))
        }
    }
}

/// The size and hash of the bytes of a file, all of which are read.
async fn read(
    place: &Place,
    root: RootKind,
    entry: &Entry,
    file: &FileMeta,
) -> engine::Result<(u64, ContentHash)> {
    let place = match root {
        RootKind::File => place.clone(),
        _ => place.join(&entry.path),
    };
    place.size_and_hash(file).await
}
