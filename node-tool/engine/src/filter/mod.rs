//! Which files and folders a command includes: rclone's filter flags, patterns and order of precedence.
//!
//! A [`Filter`] is plain data, made of [`Rules`], [`Limits`] and the like by a [`Builder`]:
//!
//! ```
//! use engine::filter::{Filter, Rules, Verdict};
//!
//! let mut rules = Rules::new(false);
//! rules.add(Verdict::Include, "*.h5")?;
//! rules.add(Verdict::Exclude, "/**")?;
//! let filter = Filter::builder().rules(rules).build();
//! // A listing that is whole, as Dropbox returns it: both sides of a copy pass through.
//! assert!(filter.select(Vec::new()).is_empty());
//! // A walk that can leave folders out: ask before listing one, and look for markers in what was listed.
//! assert!(filter.includes_dir("results"));
//! assert!(!filter.is_marker(".nobackup"));
//! # Ok::<(), engine::filter::GlobError>(())
//! ```
//!
//! Rules come in this order, whatever their order on the command line: `--include`, `--include-from`, `--exclude`,
//! `--exclude-from`, `--filter`, `--filter-from`; then, if there was an include, the exclusion of all the rest. The
//! first that matches decides. `--files-from` can't be combined with others.

mod age;
mod files_from;
mod folders;
mod glob;
mod limits;
mod partition;
mod regexp;
mod rule;
mod size;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

pub use age::Age;
pub use files_from::{FilesFrom, tidy};
pub use glob::GlobError;
pub use limits::Limits;
pub use partition::Partition;
pub use rule::{Rules, Verdict};
pub use size::Size;

use crate::{
    entry::{Entry, Kind, Modified},
    relative_path::{composed, depth, parent},
};

/// Which files and folders are in. Paths are relative to the folder that was listed, without a slash at the end.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    rules: Rules,
    limits: Limits,
    files_from: Option<FilesFrom>,
    markers: HashSet<String>,
    max_depth: Option<usize>,
    partition: Option<Partition>,
    names: HashSet<String>,
    is_of_one_file_system: bool,
}

/// Makes a [`Filter`] of its parts.
#[derive(Clone, Debug, Default)]
pub struct Builder(Filter);

impl Builder {
    /// Sets the rules; without any, nothing is left out by its path.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.0.rules = rules;
        self
    }

    /// Sets limits of size and time.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    /// Takes only the files that a list names; the other parts, except for the depth, don't count then.
    #[must_use]
    pub fn files_from(mut self, listed: Option<FilesFrom>) -> Self {
        self.0.files_from = listed;
        self
    }

    /// Leaves out folders that hold a file of one of these names.
    #[must_use]
    pub fn markers(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.0.markers = names.into_iter().collect();
        self
    }

    /// Sets how many folders deep a listing goes: 1 is the top only. `None` means no limit.
    #[must_use]
    pub fn max_depth(mut self, depth: Option<usize>) -> Self {
        self.0.max_depth = depth;
        self
    }

    /// Takes only one of several parts of the files. `None` takes all.
    #[must_use]
    pub fn partition(mut self, partition: Option<Partition>) -> Self {
        self.0.partition = partition;
        self
    }

    /// Takes only what has one of these names at the top, with all that is below. Without any, everything.
    #[must_use]
    pub fn names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.0.names = names
            .into_iter()
            .map(|name| composed(&name).into_owned())
            .collect();
        self
    }

    /// Leaves out folders of a local store that are on another file system than its root.
    #[must_use]
    pub fn one_file_system(mut self, is_wanted: bool) -> Self {
        self.0.is_of_one_file_system = is_wanted;
        self
    }

    /// Returns the filter.
    pub fn build(self) -> Filter {
        self.0
    }
}

impl Filter {
    /// Returns a builder of a filter that leaves nothing out yet.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns whether nothing is left out, so that no path need be checked.
    pub fn is_everything(&self) -> bool {
        self.rules.is_empty()
            && self.limits.is_empty()
            && self.files_from.is_none()
            && self.markers.is_empty()
            && self.max_depth.is_none()
            && self.partition.is_none()
            && self.names.is_empty()
            && !self.is_of_one_file_system
    }

    /// Returns whether a file is in, if its folders are: see [`Filter::includes_dir`].
    pub fn includes_file(&self, path: &str, size_bytes: u64, modified: Modified) -> bool {
        let path = &*composed(path);
        let is_listed = match &self.files_from {
            Some(listed) => listed.contains(path),
            None => {
                self.limits.include(size_bytes, modified)
                    && self.rules.includes_file(path)
                    && self.has_part(path)
            }
        };
        is_listed && self.is_named(path) && self.max_depth.is_none_or(|max| depth(path) <= max)
    }

    /// Returns whether a path is out whatever its size and time.
    pub fn rules_out(&self, path: &str) -> bool {
        let path = &*composed(path);
        let is_in = match &self.files_from {
            Some(listed) => listed.contains(path),
            None => self.rules.includes_file(path) && self.has_part(path),
        };
        !(is_in && self.is_named(path))
    }

    /// Returns whether what is at a path is below one of the names at the top.
    fn is_named(&self, path: &str) -> bool {
        let top = path.split('/').next().unwrap_or_default();
        self.names.is_empty() || self.names.contains(top)
    }

    fn has_part(&self, path: &str) -> bool {
        self.partition.is_none_or(|partition| partition.includes(path))
    }

    /// Returns whether a folder needs to be listed, if the folders around it are and no marker is in it. What is below
    /// one that needn't is out; the top (an empty path) is always in.
    pub fn includes_dir(&self, path: &str) -> bool {
        if path.is_empty() {
            return true;
        }
        let path = &*composed(path);
        let is_on_the_way = match &self.files_from {
            Some(listed) => listed.leads_through(path),
            None => self.rules.includes_folder(path),
        };
        is_on_the_way && self.is_named(path) && self.max_depth.is_none_or(|max| depth(path) <= max)
    }

    /// Returns whether anything below a folder may be in, by the folder's path and those around it.
    pub fn leads_to(&self, folder: &str) -> bool {
        self.includes_dir(folder)
            && crate::relative_path::ancestors(folder).all(|around| self.includes_dir(around))
    }

    /// Returns whether folders on other file systems are left out.
    pub fn is_of_one_file_system(&self) -> bool {
        self.is_of_one_file_system
    }

    /// Returns whether a file of this name leaves its folder out, with all that is below (`--exclude-if-present`).
    pub fn is_marker(&self, name: &str) -> bool {
        self.markers.contains(name)
    }

    /// Returns the files that `--files-from` names, if it was given.
    pub fn files_from(&self) -> Option<&FilesFrom> {
        self.files_from.as_ref()
    }

    /// Returns how many folders deep a listing goes, if there is a limit: 1 is the top only.
    pub fn max_depth(&self) -> Option<usize> {
        self.max_depth
    }

    /// Returns the filter, going no deeper than `depth` folders.
    #[must_use]
    pub fn no_deeper_than(&self, depth: usize) -> Self {
        Self {
            max_depth: Some(self.max_depth.map_or(depth, |max| max.min(depth))),
            ..self.clone()
        }
    }

    /// Returns the entries of a listing, with all that is below, that are in.
    pub fn select(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        if self.is_everything() {
            return entries;
        }
        let mut selection = self.selection(&entries).into_iter();
        entries.retain(|_| selection.next().unwrap_or(false));
        entries
    }

    /// Returns for each entry of a listing, with all that is below and in any order, whether it is in.
    pub fn selection(&self, entries: &[Entry]) -> Vec<bool> {
        if self.is_everything() {
            return vec![true; entries.len()];
        }
        let marked = self.marked_folders(entries);
        let mut known: HashMap<String, bool> = HashMap::new();
        let folded = self.met_by_fold(entries);
        let mut is_in = |entry: &Entry| match &entry.kind {
            Kind::Folder => self.reaches(&entry.path, &marked, &mut known),
            Kind::File(file) => {
                let is_met = !folded.is_empty()
                    && file.version.is_some()
                    && folded.contains(&*crate::relative_path::fold(&entry.path))
                    && self.max_depth.is_none_or(|max| depth(&entry.path) <= max);
                (is_met || self.includes_file(&entry.path, file.size_bytes, file.modified))
                    && self.reaches(parent(&entry.path), &marked, &mut known)
            }
        };
        entries.iter().map(&mut is_in).collect()
    }

    /// Returns the folded paths of `--files-from` that no entry has exactly: in a Dropbox they name what differs in case only.
    fn met_by_fold(&self, entries: &[Entry]) -> HashSet<String> {
        let Some(listed) = &self.files_from else {
            return HashSet::new();
        };
        let exact: HashSet<Cow<'_, str>> = entries.iter().map(|entry| composed(&entry.path)).collect();
        let missing = listed.iter().filter(|path| !exact.contains(*path));
        missing
            .map(|path| crate::relative_path::fold(path).into_owned())
            .collect()
    }

    /// Returns a filter with only the depth of this one: what `--delete-excluded` lists in a target.
    #[must_use]
    pub fn depth_only(&self) -> Self {
        Self {
            max_depth: self.max_depth,
            is_of_one_file_system: self.is_of_one_file_system,
            ..Self::default()
        }
    }

    fn marked_folders(&self, entries: &[Entry]) -> HashSet<String> {
        let markers = entries
            .iter()
            .filter(|entry| entry.file().is_some() && self.is_marker(entry.name()));
        markers.map(|entry| parent(&entry.path).to_owned()).collect()
    }

    /// Returns whether a folder and all around it are in.
    fn reaches(&self, folder: &str, marked: &HashSet<String>, known: &mut HashMap<String, bool>) -> bool {
        if let Some(is_in) = known.get(folder) {
            return *is_in;
        }
        let is_in = !marked.contains(folder)
            && self.includes_dir(folder)
            && (folder.is_empty() || self.reaches(parent(folder), marked, known));
        known.insert(folder.to_owned(), is_in);
        is_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_the_top_let_in_all_that_is_below_them() {
        let filter = Filter::builder()
            .names(["a".to_owned(), "b.txt".to_owned()])
            .build();
        let includes = |path| filter.includes_file(path, 1, Modified::default());
        assert!(includes("a/x") && includes("a") && includes("b.txt"));
        assert!(!includes("c") && !includes("ab") && !includes("c/a"));
        assert!(filter.includes_dir("") && filter.includes_dir("a/d") && !filter.includes_dir("c"));
        assert!(filter.rules_out("c") && !filter.rules_out("a/x"));
        assert!(!filter.is_everything());
    }
}
