//! What `sync` removes: what is in the target, and neither in the source nor left alone.

use std::{borrow::Cow, collections::HashSet};

use super::Pairing;
use crate::{
    entry::{Entry, Kind, LINK_ENDING},
    listing::Listing,
    relative_path::{ancestors, fold},
};

/// What may be removed.
#[derive(Debug)]
pub(super) struct Removal<'a> {
    /// For each entry of the target, whether it may go: the filter lets it in, and nobody keeps a backup there.
    pub is_candidate: &'a [bool],
    /// Whether what the filter leaves out of the source goes too.
    pub takes_left_out: bool,
}

/// What is removed, by its numbers in the target.
#[derive(Debug, Default)]
pub(super) struct Removed {
    /// In the order of their paths.
    pub files: Vec<usize>,
    /// The inner before the outer.
    pub folders: Vec<usize>,
}

/// Finds what may go and what nothing holds: `left_out` are paths that the filter leaves out of the source.
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
    // A folder that something stays in stays.
    let mut occupied: HashSet<&str> = HashSet::new();
    let stays = target.entries.iter().enumerate().filter(|(at, _)| !goes[*at]);
    let stays = stays.map(|(_, entry)| entry.own_path());
    // A symlink that travels as a file goes when its entry does.
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

fn occupy<'a>(occupied: &mut HashSet<&'a str>, path: &'a str) {
    for folder in ancestors(path) {
        if !occupied.insert(folder) {
            break;
        }
    }
}
