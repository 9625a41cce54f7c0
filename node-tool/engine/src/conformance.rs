//! What every store has to do, as a test that any store can be put through.
//!
//! [`check`] makes a new store for each law, and panics where one is broken:
//!
//! ```
//! use engine::{conformance::{self, TestStore}, memory_store::MemoryStore, store::Store};
//!
//! struct InMemory(MemoryStore);
//!
//! #[async_trait::async_trait(?Send)]
//! impl TestStore for InMemory {
//!     fn store(&self) -> &dyn Store {
//!         &self.0
//!     }
//!
//!     async fn write(&self, path: &str, content: &[u8]) {
//!         self.0.write(path, content);
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::check(async || InMemory(MemoryStore::new())).await;
//! # }
//! ```

use async_trait::async_trait;
use shared::content_hash::ContentHash;

use crate::{
    entry::{Entry, FileMeta, Modified},
    error::{ErrorKind, Result},
    filter::{Filter, Rules, Verdict},
    listing::{Listing, Query, RootKind, Symlinks},
    store::{Rename, Store},
};

/// A store under test, and a way to put files into it.
#[async_trait(?Send)]
pub trait TestStore {
    /// Returns the store.
    fn store(&self) -> &dyn Store;

    /// Puts a file at a path, with the folders around it; another file there is replaced.
    async fn write(&self, path: &str, content: &[u8]);
}

/// Checks all laws, each with a store of its own that `make` returns empty.
///
/// # Panics
/// When a law is broken.
pub async fn check<T: TestStore>(make: impl AsyncFn() -> T) {
    check_reading(&make).await;
    folders_are_made_with_those_around_them(&make().await).await;
    no_folder_is_made_of_a_file(&make().await).await;
    only_what_was_seen_is_removed(&make().await).await;
    outcomes_are_in_the_order_of_the_list(&make().await).await;
    only_empty_folders_are_removed(&make().await).await;
    folders_are_removed_from_the_inside_out(&make().await).await;
    files_get_other_names(&make().await).await;
    nothing_is_renamed_onto_something(&make().await).await;
    times_are_set_where_the_store_can(&make().await).await;
    lists_of_nothing_do_nothing(&make().await).await;
}

/// Checks the laws about reading, which are all that a store has to keep that can only be read.
///
/// # Panics
/// When a law is broken.
pub async fn check_reading<T: TestStore>(make: impl AsyncFn() -> T) {
    an_empty_store_lists_nothing(&make().await).await;
    listings_are_sorted(&make().await).await;
    listings_and_stat_agree(&make().await).await;
    listings_serve_the_filter(&make().await).await;
    stat_of_nothing_is_none(&make().await).await;
    case_counts_as_the_store_says(&make().await).await;
    checksums_are_those_of_the_content(&make().await).await;
}

async fn list(test: &dyn TestStore, filter: &Filter) -> Listing {
    let query = Query {
        filter,
        symlinks: Symlinks::default(),
    };
    test.store().list(query).await.expect("it can be listed")
}

async fn paths(test: &dyn TestStore) -> Vec<String> {
    let listing = list(test, &Filter::default()).await;
    listing.entries.into_iter().map(|entry| entry.path).collect()
}

async fn stat(test: &dyn TestStore, path: &str) -> Option<Entry> {
    test.store().stat(path).await.expect("it can be looked at")
}

async fn meta(test: &dyn TestStore, path: &str) -> FileMeta {
    let entry = stat(test, path).await;
    let meta = entry.as_ref().and_then(Entry::file).cloned();
    meta.unwrap_or_else(|| panic!("{path} is a file"))
}

/// Returns the content of a file, as far as its checksum shows.
async fn has_content(test: &dyn TestStore, path: &str, content: &[u8]) -> bool {
    let seen = meta(test, path).await;
    let checksum = test.store().checksum(path, &seen).await.expect("it can be read");
    seen.size_bytes == content.len() as u64 && checksum.is_none_or(|sum| sum == ContentHash::of(content))
}

fn only<T>(mut outcomes: Vec<Result<T>>) -> Result<T> {
    assert_eq!(outcomes.len(), 1, "one outcome for each path");
    outcomes.remove(0)
}

fn kind<T>(outcome: Result<T>) -> Option<ErrorKind> {
    outcome.err().map(|error| error.kind())
}

fn renaming<'a>(from: &'a str, to: &'a str) -> Rename<'a> {
    Rename {
        from,
        to,
        modified: None,
    }
}

async fn an_empty_store_lists_nothing(test: &dyn TestStore) {
    assert_eq!(paths(test).await, Vec::<String>::new());
}

async fn listings_are_sorted(test: &dyn TestStore) {
    for path in ["b", "a/z", "a-b", "a.b", "a/b/c", "c/d"] {
        test.write(path, b"x").await;
    }
    let listing = list(test, &Filter::default()).await;
    assert_eq!(listing.root, RootKind::Folder);
    let found: Vec<&str> = listing.entries.iter().map(|entry| entry.path.as_str()).collect();
    let sorted = ["a", "a-b", "a.b", "a/b", "a/b/c", "a/z", "b", "c", "c/d"];
    assert_eq!(found, sorted, "files and folders, sorted by path");
    assert!(listing.unreadable.is_empty(), "all can be read");
}

async fn listings_and_stat_agree(test: &dyn TestStore) {
    test.write("d/file", b"12345").await;
    for listed in list(test, &Filter::default()).await.entries {
        let there = stat(test, &listed.path).await.expect("what is listed is there");
        assert_eq!(there.path, listed.path);
        match (there.file(), listed.file()) {
            (Some(there), Some(listed)) => {
                assert_eq!((there.size_bytes, listed.size_bytes), (5, 5));
                assert!(there.modified.is_same(listed.modified), "the same time");
            }
            (there, listed) => assert!(there.is_none() && listed.is_none(), "the same kind"),
        }
    }
}

async fn listings_serve_the_filter(test: &dyn TestStore) {
    for path in ["keep/x", "skip/deep/y", "skip/z", "x"] {
        test.write(path, b"x").await;
    }
    let mut rules = Rules::new(false);
    rules.add(Verdict::Exclude, "/skip/**").expect("it is a pattern");
    let filter = Filter::builder().rules(rules).build();
    let mut listing = list(test, &filter).await;
    let left_out = listing.apply_filter(&filter, true);
    let found: Vec<&str> = listing.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(found, ["keep", "keep/x", "x"]);
    assert!(
        left_out.iter().any(|path| path == "skip"),
        "what was left out is known"
    );
}

async fn stat_of_nothing_is_none(test: &dyn TestStore) {
    test.write("d/file", b"x").await;
    for path in ["nothing", "d/nothing", "nothing/below", "d/fil"] {
        assert_eq!(stat(test, path).await, None, "{path}");
    }
}

async fn case_counts_as_the_store_says(test: &dyn TestStore) {
    test.write("Dir/File", b"x").await;
    let ignores_case = test.store().capabilities().names.ignores_case;
    for path in ["dir/file", "DIR/FILE"] {
        assert_eq!(stat(test, path).await.is_some(), ignores_case, "{path}");
    }
}

async fn folders_are_made_with_those_around_them(test: &dyn TestStore) {
    for round in ["new", "there already"] {
        let outcomes = test.store().make_dirs(&["a/b/c", "d", "a/b"]).await;
        assert_eq!(outcomes.len(), 3);
        for outcome in outcomes {
            assert!(outcome.is_ok(), "{round}: {outcome:?}");
        }
        assert_eq!(paths(test).await, ["a", "a/b", "a/b/c", "d"], "{round}");
    }
}

async fn no_folder_is_made_of_a_file(test: &dyn TestStore) {
    test.write("x", b"content").await;
    assert!(only(test.store().make_dirs(&["x"]).await).is_err());
    assert!(has_content(test, "x", b"content").await, "the file stays");
}

async fn only_what_was_seen_is_removed(test: &dyn TestStore) {
    test.write("changed", b"old").await;
    test.write("same", b"same").await;
    test.write("unseen", b"whatever").await;
    let (old, same) = (meta(test, "changed").await, meta(test, "same").await);
    test.write("changed", b"new and longer").await;
    let outcome = only(test.store().remove_files(&[("changed", Some(&old))]).await);
    assert!(outcome.is_err(), "it is another file by now");
    assert!(has_content(test, "changed", b"new and longer").await, "it stays");
    let store = test.store();
    assert!(only(store.remove_files(&[("same", Some(&same))]).await).is_ok());
    assert!(only(store.remove_files(&[("unseen", None)]).await).is_ok());
    assert_eq!(paths(test).await, ["changed"]);
    let gone = only(store.remove_files(&[("same", Some(&same))]).await);
    assert!(gone.is_ok(), "what is gone already is no error: {gone:?}");
}

async fn outcomes_are_in_the_order_of_the_list(test: &dyn TestStore) {
    for path in ["a", "b", "c"] {
        test.write(path, b"old").await;
    }
    let seen = [
        meta(test, "c").await,
        meta(test, "b").await,
        meta(test, "a").await,
    ];
    test.write("b", b"new and longer").await;
    let files = [
        ("c", Some(&seen[0])),
        ("b", Some(&seen[1])),
        ("a", Some(&seen[2])),
    ];
    let outcomes = test.store().remove_files(&files).await;
    let good: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true]);
    test.write("x", b"x").await;
    test.write("y", b"y").await;
    let renames = [renaming("y", "b"), renaming("x", "z")];
    let outcomes = test.store().rename(&renames).await;
    let good: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(good, [false, true]);
    assert_eq!(paths(test).await, ["b", "y", "z"]);
}

async fn only_empty_folders_are_removed(test: &dyn TestStore) {
    test.write("full/x", b"x").await;
    test.store().make_dirs(&["empty"]).await;
    let mut outcomes = test.store().remove_dirs(&["full", "empty"]).await;
    assert!(outcomes.pop().is_some_and(|empty| empty.is_ok()));
    assert_eq!(kind(only(outcomes)), Some(ErrorKind::NotEmpty));
    assert_eq!(paths(test).await, ["full", "full/x"]);
}

async fn folders_are_removed_from_the_inside_out(test: &dyn TestStore) {
    test.store().make_dirs(&["a/b/c"]).await;
    for outcome in test.store().remove_dirs(&["a/b/c", "a/b", "a"]).await {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    assert_eq!(paths(test).await, Vec::<String>::new());
}

async fn files_get_other_names(test: &dyn TestStore) {
    test.write("old", b"content").await;
    let modified = Modified {
        seconds: 1_500_000_000,
        nanoseconds: 0,
    };
    let rename = Rename {
        modified: Some(modified),
        ..renaming("old", "new/deep/name")
    };
    let renamed = only(test.store().rename(&[rename]).await);
    assert!(renamed.is_ok(), "{renamed:?}");
    assert_eq!(paths(test).await, ["new", "new/deep", "new/deep/name"]);
    assert!(has_content(test, "new/deep/name", b"content").await);
    if test.store().capabilities().sets_times {
        assert!(meta(test, "new/deep/name").await.modified.is_same(modified));
    }
    assert!(
        only(test.store().rename(&[renaming("old", "other")]).await).is_err(),
        "nothing is there"
    );
}

async fn nothing_is_renamed_onto_something(test: &dyn TestStore) {
    test.write("from", b"one").await;
    test.write("to", b"two").await;
    test.write("folder/x", b"three").await;
    for to in ["to", "folder"] {
        let outcome = only(test.store().rename(&[renaming("from", to)]).await);
        assert_eq!(kind(outcome), Some(ErrorKind::AlreadyExists), "{to}");
    }
    assert_eq!(paths(test).await, ["folder", "folder/x", "from", "to"]);
    assert!(has_content(test, "from", b"one").await && has_content(test, "to", b"two").await);
}

async fn checksums_are_those_of_the_content(test: &dyn TestStore) {
    for content in [&b""[..], b"abc"] {
        test.write("x", content).await;
        let seen = meta(test, "x").await;
        let wanted = Some(ContentHash::of(content));
        let checksum = test.store().checksum("x", &seen).await.expect("it can be read");
        assert!(checksum.is_none() || checksum == wanted, "of the content");
        for listed in list(test, &Filter::default()).await.entries {
            let known = listed.file().and_then(FileMeta::checksum);
            assert!(known.is_none() || known == wanted, "in the listing");
        }
    }
}

async fn times_are_set_where_the_store_can(test: &dyn TestStore) {
    test.write("x", b"content").await;
    let before = meta(test, "x").await.modified;
    let modified = Modified {
        seconds: 1_400_000_000,
        nanoseconds: 0,
    };
    let done = test.store().set_modified("x", modified).await;
    assert!(done.is_ok(), "{done:?}");
    let expected = match test.store().capabilities().sets_times {
        true => modified,
        false => before,
    };
    assert!(meta(test, "x").await.modified.is_same(expected));
    assert!(has_content(test, "x", b"content").await);
}

async fn lists_of_nothing_do_nothing(test: &dyn TestStore) {
    let store = test.store();
    assert!(store.make_dirs(&[]).await.is_empty());
    assert!(store.remove_files(&[]).await.is_empty());
    assert!(store.remove_dirs(&[]).await.is_empty());
    assert!(store.rename(&[]).await.is_empty());
    assert_eq!(paths(test).await, Vec::<String>::new());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory_store::MemoryStore;

    struct InMemory(MemoryStore);

    #[async_trait(?Send)]
    impl TestStore for InMemory {
        fn store(&self) -> &dyn Store {
            &self.0
        }

        async fn write(&self, path: &str, content: &[u8]) {
            self.0.write(path, content);
        }
    }

    #[tokio::test]
    async fn a_store_in_memory_conforms() {
        check(async || InMemory(MemoryStore::new())).await;
    }

    #[tokio::test]
    async fn a_store_in_memory_that_ignores_case_conforms() {
        check(async || InMemory(MemoryStore::ignoring_case())).await;
    }
}
