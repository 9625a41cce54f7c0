//! Finds the entry of the target that corresponds to an entry of the source.
//!
//! Folder by folder: a name matches the name that is spelled exactly like it, otherwise one that Dropbox considers the same.
//! So a tree from a Mac (NFD) or one whose letters differ in case matches itself, in either direction, and where Linux has
//! both spellings side by side each matches its own.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, RandomState},
};

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
///
/// Makes no table of paths, which would take more memory than a million entries do: it searches in their order, from the one
/// that was found last.
#[derive(Debug)]
pub struct Pairing<'a> {
    target: &'a [Entry],
    ignores_case: bool,
    /// The numbers of the entries in the order of their paths. `None` means that they are in it.
    order: Option<Vec<u32>>,
    /// The place in this order where the last search ended.
    last: Cell<usize>,
    /// The entries that match nothing.
    hidden: HashSet<usize>,
    /// Made when the first path isn't found exactly.
    folded: OnceCell<Folded>,
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
        let hidden = target.iter().enumerate().filter(|(_, entry)| is_hidden(entry));
        let mut pairing = Self {
            target,
            ignores_case,
            order: (!target.is_sorted_by(|a, b| a.path <= b.path)).then(|| {
                let mut order: Vec<u32> = (0..number(target.len())).collect();
                order.sort_by_key(|at| &target[*at as usize].path);
                order
            }),
            last: Cell::new(0),
            hidden: hidden.map(|(at, _)| at).collect(),
            folded: OnceCell::new(),
            claimed: vec![false; target.len()],
        };
        for entry in source {
            if let Some(at) = pairing.find(&entry.path) {
                pairing.claimed[at] = true;
            }
        }
        pairing
    }

    /// Returns the number of the entry at exactly this path.
    pub fn find(&self, path: &str) -> Option<usize> {
        let mut place = self.first_from(path);
        while place < self.target.len() && self.in_order(place).1 == path {
            let at = self.in_order(place).0;
            if !self.hidden.contains(&at) {
                return Some(at);
            }
            place += 1;
        }
        None
    }

    /// Returns the first place in the order whose path is not before `path`.
    fn first_from(&self, path: &str) -> usize {
        let is_before = |place: usize| self.in_order(place).1 < path;
        // A source is searched for in its own order: what comes next is near.
        let mut low = self.last.get();
        let mut high = self.target.len();
        if low >= high || !is_before(low) {
            (low, high) = (0, low.min(high));
        }
        let mut step = 1;
        while low + step < high && is_before(low + step) {
            low += step;
            step *= 2;
        }
        high = high.min(low + step);
        while low < high {
            let middle = low + (high - low) / 2;
            match is_before(middle) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        self.last.set(low.saturating_sub(1));
        low
    }

    /// Returns the number and the path of the entry at a place in the order.
    fn in_order(&self, place: usize) -> (usize, &'a str) {
        let at = self.order.as_ref().map_or(place, |order| order[place] as usize);
        (at, &self.target[at].path)
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
        let folded = self.folded.get_or_init(|| Folded::new(self));
        let key = fold(&wanted);
        let is_candidate = |at: &usize| {
            let path = &self.target[*at].path;
            split(path).0 == folder && fold(path) == key
        };
        let candidates: Vec<usize> = folded.all(&key).filter(is_candidate).collect();
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

/// Entries of the target by the hashes of their folded paths.
#[derive(Debug, Default)]
struct Folded {
    hasher: RandomState,
    /// Sorted.
    numbers: Vec<(u32, u32)>,
}

impl Folded {
    fn new(pairing: &Pairing<'_>) -> Self {
        let mut folded = Self::default();
        for (at, entry) in pairing.target.iter().enumerate() {
            if pairing.find(&entry.path) == Some(at) {
                let hash = folded.hash(&fold(&entry.path));
                folded.numbers.push((hash, number(at)));
            }
        }
        folded.numbers.sort_unstable();
        folded
    }

    fn hash(&self, key: &str) -> u32 {
        // Its low half distinguishes enough.
        self.hasher.hash_one(key) as u32
    }

    /// Returns the numbers of the entries whose folded path may be `key`, in their order.
    fn all(&self, key: &str) -> impl Iterator<Item = usize> {
        let hash = self.hash(key);
        let first = self.numbers.partition_point(|(other, _)| *other < hash);
        let same = self.numbers[first..]
            .iter()
            .take_while(move |(other, _)| *other == hash);
        same.map(|(_, at)| *at as usize)
    }
}
