//! `--backup-dir` and `--suffix`: what is replaced or deleted is kept under another name.

use shared::failure::Failure;

use super::{Flags, Places};
use crate::{
    dropbox::Relocation,
    local,
    side::{Side, SideError},
    tree::Entry,
};

/// Whether anything is to be kept.
pub(super) fn is_wanted(flags: &Flags) -> bool {
    flags.backup_dir.is_some() || flags.suffix.is_some()
}

/// The backup folder's path below the target, if it is there: `sync` leaves it alone.
pub(super) fn inside(places: &Places) -> Option<String> {
    let backup = places.backup.as_ref()?;
    let below = match (backup, &places.to) {
        (Side::Remote { path, .. }, Side::Remote { path: to, .. }) if backup.shares_paths(&places.to) => {
            path.below(to)?.as_str().trim_start_matches('/').to_owned()
        }
        (Side::Local(path), Side::Local(to)) => path.strip_prefix(to).ok()?.to_str()?.to_owned(),
        _ => return None,
    };
    (!below.is_empty()).then_some(below)
}

/// Whether a path is a folder's, or in it.
pub(super) fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where things are kept.
///
/// # Errors
/// When that is on another side than the target.
pub(super) fn place(flags: &Flags, places: &Places) -> Result<Side, Failure> {
    let Some(side) = &places.backup else {
        return Ok(places.to.clone());
    };
    let both_here = matches!((side, &places.to), (Side::Local(_), Side::Local(_)));
    if !both_here && !side.shares_paths(&places.to) {
        return Err(
            Failure::usage("--backup-dir has to be on the same side as the target")
                .next(format!("--backup-dir {}-backup", places.to.location())),
        );
    }
    let is_target = match (side, &places.to) {
        (Side::Remote { path, .. }, Side::Remote { path: to, .. }) => super::is_one(path, to),
        (Side::Local(path), Side::Local(to)) => match (path.canonicalize(), to.canonicalize()) {
            (Ok(path), Ok(to)) => path == to,
            _ => path == to,
        },
        _ => false,
    };
    if is_target && flags.suffix.is_none() {
        return Err(Failure::usage("--backup-dir can't be the target itself")
            .next("give another folder, or --suffix .bak"));
    }
    Ok(side.clone())
}

/// Renames files of the target into the backup. Gives the outcomes in their order.
pub(super) async fn keep(
    files: &[&Entry],
    backup: &Side,
    flags: &Flags,
    places: &Places,
) -> Vec<Result<(), SideError>> {
    match (&places.to, backup) {
        (Side::Remote { client, .. }, Side::Remote { .. }) => {
            let pairs: Vec<_> = files
                .iter()
                .map(|entry| {
                    (
                        places.to.below(&entry.path),
                        backup.below(&flags.kept_name(&entry.path)),
                    )
                })
                .collect();
            // A backup of before makes room.
            let targets: Vec<_> = pairs.iter().map(|(_, to)| (to.clone(), None)).collect();
            client.delete_all(&targets).await;
            let outcomes = client.relocate_all(Relocation::Move, &pairs).await;
            outcomes
                .into_iter()
                .map(|done| done.map_err(Into::into))
                .collect()
        }
        (Side::Local(root), Side::Local(kept)) => {
            let folders = local::Folders::new(kept);
            // A backup of before is replaced.
            let keep = |entry: &&Entry| {
                let to = folders.make_around(&flags.kept_name(&entry.path))?;
                Ok(std::fs::rename(root.join(&entry.path), to)?)
            };
            files.iter().map(keep).collect()
        }
        _ => Vec::new(),
    }
}
