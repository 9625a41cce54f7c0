//! What a store holds, and the rules that its names follow, as plain data.

use std::fmt;

use crate::{
    entry::{Entry, Special},
    filter::Filter,
};

/// How a store compares names, and which it can't have.
#[derive(Clone, Copy)]
pub struct NameRules {
    /// Whether two names that differ only in letter case or Unicode form are the same.
    pub ignores_case: bool,
    /// The store's name in messages.
    pub store: &'static str,
    /// Returns why the store can't have a new file or folder of this name. `None` means that it can.
    pub refusal: fn(&str) -> Option<String>,
}

impl NameRules {
    /// The rules of a store that allows each name and compares bytes.
    pub const EXACT: Self = Self {
        ignores_case: false,
        store: "the store",
        refusal: |_| None,
    };
}

impl fmt::Debug for NameRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameRules")
            .field("store", &self.store)
            .field("ignores_case", &self.ignores_case)
            .finish_non_exhaustive()
    }
}

/// What a store can do.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Its name rules.
    pub names: NameRules,
    /// Whether modification times of existing files can be set.
    pub sets_times: bool,
    /// Whether some paths can be looked up at once without listing all.
    pub stats_many: bool,
    /// Whether files of the ending [`LINK_ENDING`](crate::entry::LINK_ENDING) can become symlinks.
    pub has_symlinks: bool,
}

/// What to do about symlinks when listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// Leaves them out and reports each.
    #[default]
    Report,
    /// Leaves them out.
    Skip,
    /// Follows them.
    Follow,
    /// Lists them as files whose content is their target.
    Translate,
    /// In a target: follows those that lead to folders outside it, and leaves out and reports the others.
    Enter,
}

impl Symlinks {
    /// Returns how the target of a job is listed: to follow links is meant for the source. A link in the target that leads to a
    /// folder elsewhere must not make what is there a part of the target, where `sync` would delete it.
    #[must_use]
    pub fn in_target(self) -> Self {
        match self {
            Self::Follow => Self::Report,
            other => other,
        }
    }
}

/// Options of a listing.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Folders that it rules out need not be listed; it is not applied to files.
    pub filter: &'a Filter,
    /// What to do about symlinks.
    pub symlinks: Symlinks,
}

/// What is at the root of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RootKind {
    /// Nothing.
    #[default]
    Missing,
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// A path that was left out of a listing, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Its path, for messages.
    pub path: String,
    /// The reason, in words.
    pub reason: String,
}

impl LeftOut {
    /// Returns an entry that was left out.
    pub fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
        }
    }
}

/// What a store holds.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// What is at the root itself.
    pub root: RootKind,
    /// Files and folders, sorted by path; of a root that is a file, the file under its name.
    pub entries: Vec<Entry>,
    /// What could not be listed or used: nothing may be deleted for its absence.
    pub unreadable: Vec<LeftOut>,
    /// What was left out and is no error.
    pub skipped: Vec<LeftOut>,
    /// What is neither a file nor a folder, sorted by path, regardless of the filter.
    pub specials: Vec<(String, Special)>,
    /// Folders that the filter rules out, or that are to be left out otherwise, and that were not looked into.
    pub pruned: Vec<String>,
    /// Folders in which nothing may be changed, as far as the listing tells. `""` is the root.
    pub read_only: Vec<String>,
}

impl Listing {
    /// Removes what a filter leaves out from the entries. Returns its paths, with those of the folders that were not looked
    /// into, if `wants_paths`.
    pub fn apply_filter(&mut self, filter: &Filter, wants_paths: bool) -> Vec<String> {
        let mut left_out = match wants_paths {
            true => std::mem::take(&mut self.pruned),
            false => Vec::new(),
        };
        if filter.is_everything() {
            return left_out;
        }
        let mut selection = filter.selection(&self.entries).into_iter();
        self.entries.retain(|entry| {
            let is_in = selection.next().unwrap_or(false);
            if wants_paths && !is_in {
                left_out.push(entry.path.clone());
            }
            is_in
        });
        left_out
    }

    /// Moves the entries for which `is_unusable` returns a reason to the unreadable ones, so that they are not deleted.
    pub fn set_apart(&mut self, is_unusable: impl Fn(&Entry) -> bool, reason: &str) {
        let unusable = self.entries.extract_if(.., |entry| is_unusable(entry));
        let unusable = unusable.map(|entry| LeftOut::new(entry.path, reason));
        self.unreadable.extend(unusable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entry::FileMeta,
        filter::{Rules, Verdict},
    };

    fn listing() -> Listing {
        Listing {
            entries: vec![
                Entry::new_file("a", FileMeta::default()),
                Entry::folder("d"),
                Entry::new_file("d/b.log", FileMeta::default()),
            ],
            pruned: vec!["cache".into()],
            ..Listing::default()
        }
    }

    fn paths(listing: &Listing) -> Vec<&str> {
        listing.entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    #[test]
    fn what_a_filter_leaves_out_is_known_if_asked_for() {
        let mut rules = Rules::new(false);
        rules.add(Verdict::Exclude, "*.log").unwrap();
        let filter = Filter::builder().rules(rules).build();
        for (wants_paths, left_out) in [(true, &["cache", "d/b.log"][..]), (false, &[])] {
            let mut listing = listing();
            assert_eq!(listing.apply_filter(&filter, wants_paths), left_out);
            assert_eq!(paths(&listing), ["a", "d"]);
        }
        let mut listing = listing();
        assert_eq!(listing.apply_filter(&Filter::default(), true), ["cache"]);
        assert_eq!(paths(&listing), ["a", "d", "d/b.log"]);
    }

    #[test]
    fn what_is_set_apart_counts_as_unreadable() {
        let mut listing = listing();
        listing.set_apart(|entry| entry.path.starts_with('a'), "its name is not UTF-8");
        assert_eq!(paths(&listing), ["d", "d/b.log"]);
        assert_eq!(listing.unreadable, [LeftOut::new("a", "its name is not UTF-8")]);
    }

    #[test]
    fn links_are_not_followed_in_a_target() {
        for (source, target) in [
            (Symlinks::Follow, Symlinks::Report),
            (Symlinks::Skip, Symlinks::Skip),
            (Symlinks::Translate, Symlinks::Translate),
            (Symlinks::Enter, Symlinks::Enter),
        ] {
            assert_eq!(source.in_target(), target);
        }
    }
}
