//! The two places of a job: which they are, and what is taken out of their listings before they are compared.

use engine::{
    filter::Filter,
    listing::{Listing, RootKind},
    plan::Verb,
};
use shared::{failure::Failure, plain::quoted, raw};
use stores::{Place, documents::Documents};

use super::{Flags, Request};
use crate::{
    commands::{App, place_failure},
    location::is_address,
};

/// Returns source and target.
pub(super) fn places(request: &Request<'_>, app: &App) -> Result<(Place, Place), Failure> {
    if is_address(request.source) {
        return app.places(request.source, request.dest);
    }
    let source = app.place(request.source)?;
    // A new local folder may be called like a remote.
    let dest = match source.is_local() {
        true => app.place(request.dest)?,
        false => app.place_as_typed(request.dest)?,
    };
    Ok((source, dest))
}

/// Returns the mark behind which everything is that changes in the source from now on, if that is a folder in a Dropbox and a plan
/// is to be written.
pub(super) async fn source_cursor(source: &Place, flags: &Flags) -> Result<Option<String>, Failure> {
    let store = source.dropbox().filter(|_| flags.plan_out.is_some());
    let Some(store) = store else { return Ok(None) };
    match source.stat().await {
        Ok(Some(there)) if there.file().is_none() => {}
        // The listing will say it.
        _ => return Ok(None),
    }
    let cursor = store.latest_cursor().await;
    cursor.map(Some).map_err(|e| place_failure("list", source, &e))
}

/// Refuses two places on this machine: that is another program's job.
pub(super) fn refuse_local(source: &Place, dest: &Place) -> Result<(), Failure> {
    match (source.local_path(), dest.local_path()) {
        (Some(from), Some(to)) => Err(Failure::usage("both places are on this machine").next(format!(
            "rsync -a {} {}",
            quoted(&format!("{}/", from.display())),
            quoted(&format!("{}/", to.display()))
        ))),
        _ => Ok(()),
    }
}

/// Refuses to write a plan of what another process could not find again.
pub(super) fn refuse_to_write(request: &Request<'_>, source: &Place) -> Result<(), Failure> {
    if request.flags.plan_out.is_none() {
        return Ok(());
    }
    let what = if source.link().is_some() {
        "what is behind a link"
    } else if !request.flags.copy_dest.is_empty() {
        "files of several folders"
    } else if request.rev.is_some() {
        "earlier states of files"
    } else {
        return Ok(());
    };
    Err(Failure::usage(format!("a plan of {what} can't be written")).hint("copy them without --plan-out"))
}

/// Within an account cloud documents are copied as they are. Otherwise their exports are copied from a source, and those of a
/// target have nothing to do with its files.
pub(super) fn with_documents(source: Place, dest: Place) -> (Place, Place) {
    if source.shares_paths(&dest) {
        let how = Documents::AsTheyAre;
        (source.with_documents(how), dest.with_documents(how))
    } else {
        (source, dest.with_documents(Documents::Apart))
    }
}

/// Takes out of the source's listing what is not to be copied. Returns what a sync must not delete for it, and what keeps the
/// folders of a move's source from being empty.
pub(super) fn prepare_source(
    listing: &mut Listing,
    dest: &Place,
    request: &Request<'_>,
    filter: &Filter,
) -> Vec<String> {
    let spares = request.verb == Verb::Sync && !request.sync.delete_excluded;
    let mut left_out = listing.apply_filter(filter, spares || request.moving.delete_empty_src_dirs);
    if spares && !request.flags.links {
        // What the source has as a symlink, a pipe or a device is left out as well.
        left_out.extend(listing.specials.iter().map(|(path, _)| path.clone()));
    }
    set_raw_names_apart(listing, dest);
    left_out
}

/// Sets apart what has names that aren't UTF-8, if it has no place in the Dropbox on the other side, whose names aren't mapped: it
/// must not be deleted for that.
pub(super) fn set_raw_names_apart(listing: &mut Listing, other: &Place) {
    let takes_none = other.dropbox().is_some_and(|store| !store.view().encodes);
    if takes_none && listing.root == RootKind::Folder {
        let reason = "its name is not UTF-8, which Dropbox needs; --encode-names maps such names";
        listing.set_apart(|entry| raw::is_raw(&entry.path), reason);
    }
}
