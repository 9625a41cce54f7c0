//! A move of something to its own place in Dropbox, spelled with other letters: `moveto dbx:a.bin dbx:A.bin`.
//!
//! Dropbox refuses a rename that changes nothing but the case of letters, so it takes two: to a name in between, and on.

use shared::failure::{Failure, printable};

use super::{Request, Verb, overlap};
use crate::{
    commands::{missing, side_failure},
    dropbox::{Client, DropboxPath, Error, Relocation},
    report,
    side::Side,
};

/// Renames it, if that is what is meant.
///
/// # Errors
/// When it isn't, or it can't be renamed.
pub(super) async fn run(request: &Request<'_>, source: &Side, dest: &Side) -> Result<u8, Failure> {
    let (Side::Remote { client, path, .. }, Side::Remote { path: to, .. }) = (source, dest) else {
        return Err(overlap::same_place());
    };
    if request.verb == Verb::Copy {
        overlap::note_same_place();
        return Ok(shared::exit::SUCCESS);
    }
    let is_meant = request.verb == Verb::Move && path.name() != to.name();
    let (Some(folder), Some(name), true) = (path.parent(), to.name(), is_meant) else {
        return Err(overlap::same_place());
    };
    let there = source
        .stat()
        .await
        .map_err(|e| side_failure("look at", source, &e))?;
    let there = there.ok_or_else(|| missing(source))?;
    // A single file goes into a folder, unless its new name is given.
    let is_folder_meant = there.file().is_some() && !request.dest_is_name;
    if is_folder_meant || there.name() == name {
        return Err(overlap::same_place());
    }
    if request.flags.dry_run {
        tracing::warn!(object = %printable(there.name()), "Skipped rename to {} as --dry-run is set", printable(name));
        return Ok(shared::exit::SUCCESS);
    }
    rename(client, path, &folder, name)
        .await
        .map_err(|e| side_failure("rename", source, &e.into()))?;
    report::note(&format!(
        "renamed '{}' to '{}'",
        source.location(),
        printable(name)
    ));
    Ok(shared::exit::SUCCESS)
}

async fn rename(client: &Client, from: &DropboxPath, folder: &DropboxPath, name: &str) -> Result<(), Error> {
    let between = folder.join(&format!("{name}.node-tool-{:08x}", rand::random::<u32>()));
    let to = folder.join(name);
    relocate(client, from, &between).await?;
    match relocate(client, &between, &to).await {
        Err(error) => match relocate(client, &between, from).await {
            Ok(()) => Err(error),
            Err(_) => Err(Error::Source(format!(
                "{error}; it is now at '{}'",
                between.as_str()
            ))),
        },
        done => done,
    }
}

async fn relocate(client: &Client, from: &DropboxPath, to: &DropboxPath) -> Result<(), Error> {
    let done = client
        .relocate_all(Relocation::Move, &[(from.clone(), to.clone())])
        .await
        .pop();
    done.unwrap_or(Ok(()))
}
