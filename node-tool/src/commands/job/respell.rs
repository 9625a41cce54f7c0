//! A move of something to its own place in Dropbox, spelled with other letters: `moveto dbx:a.bin dbx:A.bin`.

use engine::plan::Verb;
use shared::{
    exit,
    failure::{Failure, printable},
};
use stores::Place;

use super::{Request, overlap};
use crate::{
    commands::{missing, place_failure},
    report,
};

/// Renames it, if that is what is meant.
///
/// # Errors
/// When it isn't, or it can't be renamed.
pub(super) async fn run(request: &Request<'_>, source: &Place, dest: &Place) -> Result<u8, Failure> {
    let (Some(store), Some(other)) = (source.dropbox(), dest.dropbox()) else {
        return Err(overlap::same_place());
    };
    if request.verb == Verb::Copy {
        overlap::note_same_place();
        return Ok(exit::SUCCESS);
    }
    let (path, to) = (store.path(), other.path());
    let is_meant = request.verb == Verb::Move && path.name() != to.name();
    let (Some(folder), Some(name), true) = (path.parent(), to.name(), is_meant) else {
        return Err(overlap::same_place());
    };
    let there = source
        .stat()
        .await
        .map_err(|e| place_failure("look at", source, &e))?;
    let there = there.ok_or_else(|| missing(source))?;
    // A single file goes into a folder, unless its new name is given.
    let is_folder_meant = there.file().is_some() && !request.dest_is_name;
    if is_folder_meant || there.name() == name {
        return Err(overlap::same_place());
    }
    if request.flags.dry_run {
        tracing::warn!(object = %printable(there.name()), "Skipped rename to {} as --dry-run is set", printable(name));
        return Ok(exit::SUCCESS);
    }
    store
        .respell(&folder, name)
        .await
        .map_err(|e| place_failure("rename", source, &e))?;
    report::note(&format!("renamed '{source}' to '{}'", printable(name)));
    Ok(exit::SUCCESS)
}
