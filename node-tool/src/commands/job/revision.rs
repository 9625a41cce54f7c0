//! A single file as it was: `copyto --rev`.

use engine::{
    entry::Entry,
    listing::{Listing, RootKind},
};
use shared::{exit, failure::Failure};
use stores::Place;

use super::Request;
use crate::commands::place_failure;

/// Returns a listing of the file at `place` as it was at the revision `rev`; it may be deleted.
///
/// # Errors
/// When the place is on this machine, or Dropbox doesn't have the revision.
pub(super) async fn list(place: &Place, rev: &str) -> Result<Listing, Failure> {
    let entry = find(place, rev).await?;
    let name = place.split().map_or_else(|| entry.path.clone(), |(_, name)| name);
    Ok(Listing {
        root: RootKind::File,
        entries: vec![Entry { path: name, ..entry }],
        ..Listing::default()
    })
}

/// Returns a file as it was at the revision `rev`.
///
/// # Errors
/// When the place is on this machine, or Dropbox doesn't have the revision.
pub(crate) async fn find(place: &Place, rev: &str) -> Result<Entry, Failure> {
    let Some(store) = place.dropbox() else {
        return Err(Failure::usage(format!(
            "'{place}' is on this machine; only Dropbox keeps revisions"
        )));
    };
    let found = store.revision(rev).await;
    let found = found.map_err(|e| place_failure("look at", place, &e))?;
    found.ok_or_else(|| {
        Failure::new(format!("'{place}' has no revision {rev}"))
            .why("Dropbox has no such revision, or not any more")
            .next(format!("node-tool revisions {}", place.typed()))
            .code(exit::FILE_NOT_FOUND)
    })
}

/// The failure for a revision that is to be copied over its own file.
pub(super) fn in_place(request: &Request<'_>, place: &Place) -> Failure {
    Failure::usage("source and target are the same file").next(format!(
        "node-tool restore {} --rev {}",
        place.typed(),
        request.rev.unwrap_or_default()
    ))
}
