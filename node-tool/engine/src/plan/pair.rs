//! Finds the entry of the target that corresponds to an entry of the source.
//!
//! Folder by folder: a name matches the name that is spelled exactly like it, otherwise one that Dropbox considers the same.
//! So a tree from a Mac (NFD) or one whose letters differ in case matches itself, in either direction, and where Linux has
//! both spellings side by side each matches its own.

use std::{borrow::Cow, cell::OnceCell, collections::HashMap};

use crate::{
    entry::{Entry, Kind},
    relative_path::{fold, join, split},
};

/// What is at the target of an entry of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// Nothing.
    Nothing,
    /// The entry of the target with this index.
    Entry(usize),
    /// An entry that belongs to another entry of the source, spelled exactly like it; the target can't distinguish the two.
    Taken(usize),
}

/// The entries of a target, found by the paths of a source.
#[derive(Debug)]
pub struct Pairing<'a> {
    target: &'a [Entry],
    ignores_case: bool,
    exact: HashMap<&'a str, u32>,
    /// Made when the first path isn't found exactly.
    folded: OnceCell<Folded<'a>>,
    /// The entries that have been matched.
    claimed: Vec<bool>,
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl<'a> Pairing<'a> {
    /// Prepares to pair `source` with `target`: what is spelled exactly the same is claimed first. `is_hidden` names entries
    /// of the target that match nothing.
    pub fn new(
        source: &[Entry],
        target: &'a [Entry],
        ignores_case: bool,
        is_hidden: impl Fn(&Entry) -> bool,
    ) -> Self {
        let mut exact = HashMap::with_capacity(target.len());
        for (at, entry) in target.iter().enumerate() {
            if !is_hidden(entry) {
                exact.entry(entry.path.as_str()).or_insert(number(at));
            }
        }
        let mut claimed = vec![false; target.len()];
        for entry in source {
            if let Some(at) = exact.get(entry.path.as_str()) {
                claimed[*at as usize] = true;
            }
        }
        Self {
            target,
            ignores_case,
            exact,
            folded: OnceCell::new(),
            claimed,
        }
    }

    /// Returns the number of the entry at exactly this path.
    pub fn find(&self, path: &str) -> Option<usize> {
        self.exact.get(path).map(|at| *at as usize)
    }

    /// Returns whether an entry has been matched.
    pub fn is_claimed(&self, at: usize) -> bool {
        self.claimed[at]
    }

    /// Marks an entry as matched or unmatched.
    pub fn claim(&mut self, at: usize, is_met: bool) {
        self.claimed[at] = is_met;
    }

    /// Returns what `name` matches in a folder of the target. `path` is the path in the source, which is the target's own
    /// unless a folder around it is spelled differently.
    pub fn meet(&mut self, path: &str, folder: &str) -> Met {
        let (around, name) = split(path);
        let wanted = if around == folder {
            Cow::Borrowed(path)
        } else {
            Cow::Owned(join(folder, name))
        };
        if let Some(at) = self.find(&wanted) {
            // The folder around may be that of two folders of the source: then both may have this name.
            if wanted != path && self.claimed[at] && self.ignores_case {
                return Met::Taken(at);
            }
            self.claimed[at] = true;
            return Met::Entry(at);
        }
        let folded = self.folded.get_or_init(|| Folded::new(self.target, &self.exact));
        let in_folder = |at: &usize| split(&self.target[*at].path).0 == folder;
        let candidates: Vec<usize> = folded.all(&fold(&wanted)).filter(in_folder).collect();
        let free = candidates.iter().copied().find(|at| !self.claimed[*at]);
        match (free, candidates.first().copied()) {
            (Some(at), _) => {
                self.claimed[at] = true;
                Met::Entry(at)
            }
            (None, Some(at)) if self.ignores_case => Met::Taken(at),
            _ => Met::Nothing,
        }
    }
}

/// Returns each entry of a source with what it matches in a target, then the entries of the target that match nothing.
pub fn pair_all<'a>(
    source: &'a [Entry],
    target: &'a [Entry],
    ignores_case: bool,
) -> Vec<(Option<&'a Entry>, Option<&'a Entry>)> {
    let mut pairing = Pairing::new(source, target, ignores_case, |_| false);
    let mut folders: HashMap<&str, String> = HashMap::from([("", String::new())]);
    let mut pairs = Vec::with_capacity(source.len());
    for entry in source {
        let (around, name) = split(&entry.path);
        let around = folders.get(around).cloned().unwrap_or_else(|| around.to_owned());
        let met = match pairing.meet(&entry.path, &around) {
            Met::Entry(at) => Some(&target[at]),
            Met::Taken(at) if entry.kind == Kind::Folder => Some(&target[at]),
            Met::Taken(_) | Met::Nothing => None,
        };
        if entry.kind == Kind::Folder {
            let there = met.map_or_else(|| join(&around, name), |there| there.path.clone());
            folders.insert(&entry.path, there);
        }
        pairs.push((Some(entry), met));
    }
    let rest = target
        .iter()
        .enumerate()
        .filter(|(at, _)| !pairing.is_claimed(*at));
    pairs.extend(rest.map(|(_, entry)| (None, Some(entry))));
    pairs
}

/// Entries of the target by their folded paths.
#[derive(Debug, Default)]
struct Folded<'a> {
    first: HashMap<Cow<'a, str>, u32>,
    /// The others of the same folded path, by the first: only a case-sensitive file system has some.
    more: HashMap<u32, Vec<u32>>,
}

impl<'a> Folded<'a> {
    fn new(target: &'a [Entry], exact: &HashMap<&'a str, u32>) -> Self {
        let mut folded = Self {
            first: HashMap::with_capacity(exact.len()),
            more: HashMap::new(),
        };
        for (at, entry) in target.iter().enumerate() {
            if exact.get(entry.path.as_str()) != Some(&number(at)) {
                continue;
            }
            let first = *folded.first.entry(fold(&entry.path)).or_insert(number(at));
            if first != number(at) {
                folded.more.entry(first).or_default().push(number(at));
            }
        }
        folded
    }

    fn all(&self, key: &str) -> impl Iterator<Item = usize> {
        let first = self.first.get(key).copied();
        let more = first.and_then(|first| self.more.get(&first));
        first
            .into_iter()
            .chain(more.into_iter().flatten().copied())
            .map(|at| at as usize)
    }
}
