//! Compares files with the digests in a sum file or a receipt: `checksum`, `check --checkfile` and `md5sum --checkfile`.

use std::io::Read as _;

use engine::{
    digest::Algorithm,
    entry::{Entry, FileMeta},
};
use futures_util::{StreamExt, stream};
use shared::{exit, failure::Failure};
use stores::{Place, Range};

use super::{
    App,
    compute::{MAX_CONCURRENT_READS, digest, is_known},
    place_failure,
    sum_file::{Sum, Sums, parse},
};
use crate::{
    commands::{
        list::{Listing, PlaceArgs},
        look::check::outputs::Outputs,
        missing,
    },
    report::{
        self,
        format::Checked,
        json::{self, Object},
    },
};

/// Maximum number of lines of a sum file that are named because they can't be used.
const MAX_ODD: usize = 3;

/// What is to be compared.
pub(in crate::commands) struct Verify {
    /// The digest.
    pub algorithm: Algorithm,
    /// The place of the sum file, as it was typed.
    pub sums: String,
    /// The files.
    pub place: PlaceArgs,
    /// Whether files that the sum file lacks are ignored.
    pub one_way: bool,
    /// Whether the files of a Dropbox are read.
    pub download: bool,
    /// Where the outcomes are listed.
    pub outputs: Outputs,
}

/// A path, the outcome, and why.
type Outcome = (String, Checked, String);

/// Compares; exit code 1 if anything differs.
///
/// # Errors
/// When there is no sum file or no folder.
pub(in crate::commands) async fn verify(mut wanted: Verify, app: &App) -> Result<u8, Failure> {
    let sums = read_sums(&wanted.sums, wanted.algorithm, app).await?;
    for odd in sums.odd.iter().take(MAX_ODD) {
        report::warn(&format!("'{}': {odd}", wanted.sums));
    }
    if let Some(more) = sums.odd.len().checked_sub(MAX_ODD + 1) {
        report::warn(&format!("'{}': {} more such lines", wanted.sums, more + 1));
    }
    let listing = wanted.place.list(true, app).await?;
    if !is_known(&listing.side, wanted.algorithm, wanted.download) {
        return Err(unsupported(&wanted, &listing));
    }
    let mut outcomes = compare(&listing, sums, &wanted).await;
    outcomes.sort_by(|a, b| a.0.cmp(&b.0));
    let (mut different, mut matching) = (0, 0);
    for (path, outcome, why) in &outcomes {
        wanted.outputs.write(*outcome, path)?;
        json::print(&Object::Checked(json::Checked::new(path, *outcome, why)))?;
        if *outcome == Checked::Same {
            matching += 1;
        } else {
            different += 1;
            tracing::error!(object = %path, "{why}");
        }
    }
    wanted.outputs.finish()?;
    json::count(|total| (total.different, total.unchanged) = (Some(different), Some(matching)));
    report::note(&format!(
        "{different} differences found, {matching} matching files"
    ));
    Ok(match different {
        0 => listing.code(),
        _ => exit::ERROR,
    })
}

fn unsupported(wanted: &Verify, listing: &Listing) -> Failure {
    let (algorithm, sums) = (wanted.algorithm, shared::plain::quoted(&wanted.sums));
    Failure::new(format!("Dropbox has no {algorithm} of a file"))
        .why("it keeps a hash of its own, 'dropbox'")
        .next(format!(
            "node-tool checksum {algorithm} {sums} {} --download    # reads the files",
            listing.side.typed()
        ))
}

async fn read_sums(name: &str, algorithm: Algorithm, app: &App) -> Result<Sums, Failure> {
    if name == "-" {
        let mut bytes = Vec::new();
        let read = tokio::task::block_in_place(|| std::io::stdin().lock().read_to_end(&mut bytes));
        read.map_err(|e| Failure::new("could not read the standard input").why(e))?;
        return parse(&bytes, algorithm, "the standard input");
    }
    let place = app.place(name)?;
    let failed = |error: engine::Error| place_failure("read", &place, &error);
    let there = place
        .find()
        .await
        .map_err(failed)?
        .ok_or_else(|| missing(&place))?;
    let Some(file) = there.file() else {
        return Err(Failure::usage(format!(
            "'{place}' is a folder, not a file with digests"
        )));
    };
    let mut bytes = Vec::new();
    let mut sink = |chunk: &[u8]| {
        bytes.extend_from_slice(chunk);
        Ok(true)
    };
    place.read(file, Range::All, &mut sink).await.map_err(failed)?;
    parse(&bytes, algorithm, name)
}

async fn compare(listing: &Listing, mut sums: Sums, wanted: &Verify) -> Vec<Outcome> {
    let (mut both, mut outcomes) = (Vec::new(), Vec::new());
    for entry in &listing.entries {
        let Some(file) = entry.file() else { continue };
        match sums.take(&entry.path) {
            Some(sum) => both.push((entry, file, sum)),
            None if wanted.one_way => {}
            None => outcomes.push((
                entry.path.clone(),
                Checked::MissingOnSource,
                "digest not found".to_owned(),
            )),
        }
    }
    let compared = stream::iter(both).map(|(entry, file, sum)| async move {
        let place = listing.place_of(entry);
        let (outcome, why) = compare_one(&place, file, &sum, wanted).await;
        (entry.path.clone(), outcome, why)
    });
    outcomes.extend(compared.buffered(MAX_CONCURRENT_READS).collect::<Vec<_>>().await);
    // What the filter leaves out is not missing.
    let left: Vec<Entry> = sums
        .into_paths()
        .map(|path| Entry::new_file(path, FileMeta::default()))
        .collect();
    let selection = listing.filter.selection(&left);
    let is_missing = left.into_iter().zip(selection).filter(|(_, is_in)| *is_in);
    outcomes.extend(is_missing.map(|(entry, _)| {
        let why = format!("file not in '{}'", listing.side);
        (entry.path, Checked::MissingOnTarget, why)
    }));
    outcomes
}

async fn compare_one(place: &Place, file: &FileMeta, sum: &Sum, wanted: &Verify) -> (Checked, String) {
    let has_size = file.document().is_none();
    if has_size && sum.size_bytes.is_some_and(|size| size != file.size_bytes) {
        return (Checked::Different, "sizes differ".into());
    }
    match digest(place, file, wanted.algorithm, wanted.download).await {
        Ok(Some(found)) if found == sum.digest => (Checked::Same, String::new()),
        Ok(Some(_)) => (Checked::Different, "digests differ".into()),
        Ok(None) => (
            Checked::Failed,
            "it is a cloud document, which has no hash".into(),
        ),
        Err(error) => (Checked::Failed, format!("could not be read: {error}")),
    }
}
