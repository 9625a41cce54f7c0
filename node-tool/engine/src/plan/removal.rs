//! What `sync` removes: what is in the target, and neither in the source nor left alone.

use std::{borrow::Cow, collections::HashSet};

use super::Pairing;
use crate::{
    entry::{Entry, Kind, LINK_ENDING},
    listing::Listing,
    relative_path::{ancestors, fold},
};

/// Options of what may be removed.
#[derive(Debug)]
pub(super) struct Removal<'a> {
    /// For each entry of the target, whether it may be removed: the filter lets it in, and it is no backup.
    pub is_candidate: &'a [bool],
    /// Whether what the filter leaves out of the source is removed too.
    pub takes_left_out: bool,
}

/// What is removed, by indices of the target.
#[derive(Debug, Default)]
pub(super) struct Removed {
    /// Files, sorted by path.
    pub files: Vec<usize>,
    /// Folders, the inner before the outer.
    pub folders: Vec<usize>,
}

/// Returns what may be removed and is not needed: `left_out` are paths that the filter leaves out of the source.
pub(super) fn find(
    left_out: &[String],
    target: &Listing,
    pairing: &Pairing<'_>,
    removal: &Removal<'_>,
    is_kept: impl Fn(&Entry) -> bool,
) -> Removed {
    let left_out: HashSet<Cow<'_, str>> = if removal.takes_left_out {
        HashSet::new()
    } else {
        left_out.iter().map(|path| fold(path)).collect()
    };
    let is_left_out = |path: &str| {
        !left_out.is_empty() && {
            let key = fold(path);
            left_out.contains(&key) || ancestors(&key).any(|folder| left_out.contains(folder))
        }
    };
    let goes: Vec<bool> = target
        .entries
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            removal.is_candidate.get(at).copied().unwrap_or(false)
                && !pairing.is_claimed(at)
                && !is_kept(entry)
                && !is_left_out(&entry.path)
        })
        .collect();
    // A folder with something that stays in it stays.
    let mut occupied: HashSet<&str> = HashSet::new();
    let stays = target.entries.iter().enumerate().filter(|(at, _)| !goes[*at]);
    let stays = stays.map(|(_, entry)| entry.own_path());
    // A symlink that is listed as a file is removed with its entry.
    let gone: HashSet<&str> = target
        .entries
        .iter()
        .enumerate()
        .filter(|(at, _)| goes[*at])
        .filter_map(|(_, entry)| entry.path.strip_suffix(LINK_ENDING))
        .collect();
    let others = target
        .specials
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| !gone.contains(path));
    for path in stays.chain(others) {
        occupy(&mut occupied, path);
    }
    for folder in &target.pruned {
        occupied.insert(folder);
        occupy(&mut occupied, folder);
    }
    let mut removed = Removed::default();
    for (at, entry) in target.entries.iter().enumerate().filter(|(at, _)| goes[*at]) {
        match entry.kind {
            Kind::File(_) => removed.files.push(at),
            Kind::Folder if !occupied.contains(entry.path.as_str()) => removed.folders.push(at),
            Kind::Folder => {}
        }
    }
    let path = |at: &usize| target.entries[*at].path.as_str();
    removed.folders.sort_by(|a, b| path(b).cmp(path(a)));
    removed
}

/// Adds the folders around `path`, which stays.
pub(super) fn occupy<'a>(occupied: &mut HashSet<&'a str>, path: &'a str) {
    for folder in ancestors(path) {
        if !occupied.insert(folder) {
            break;
        }
    }
}
