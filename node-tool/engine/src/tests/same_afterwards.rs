//! Laws of whole jobs, on random trees.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::support::*;
use crate::{
    memory_store::MemoryStore,
    plan::{PlanOptions, Verb},
    relative_path::{ancestors, fold, is_within},
};

/// Files of a tree: each with what it holds, and when it was changed.
type Tree = BTreeMap<&'static str, (&'static str, i64)>;

/// Random trees in which nothing is both a file and a folder. The same time never hides another content.
fn trees() -> impl Strategy<Value = Tree> {
    let paths = prop::sample::select(vec!["a", "b", "a/b", "a/b/c", "b/a", "c!", "c", "c/d", "d/e/f"]);
    let contents = prop::sample::select(vec![("", 10), ("x", 20), ("y", 30), ("zz", 40), ("x", 50)]);
    prop::collection::vec((paths, contents), 0..8).prop_map(|files| {
        let mut tree = Tree::new();
        for (path, file) in files {
            let is_free = !tree
                .keys()
                .any(|other| is_within(path, other) || is_within(other, path));
            if is_free || tree.contains_key(path) {
                tree.insert(path, file);
            }
        }
        tree
    })
}

fn put(store: &MemoryStore, tree: &Tree) {
    for (path, (content, seconds)) in tree {
        store.write_at(path, content, at(*seconds));
    }
}

fn stores(source: &Tree, target: &Tree, folds: bool) -> (MemoryStore, MemoryStore) {
    let stores = (exact(""), if folds { folding("") } else { exact("") });
    put(&stores.0, source);
    put(&stores.1, target);
    stores
}

fn verbs() -> impl Strategy<Value = Verb> {
    prop::sample::select(vec![Verb::Copy, Verb::Move, Verb::Sync])
}

/// What is hardly meant is refused, and that is another test.
fn is_meant(verb: Verb, source: &Tree) -> bool {
    verb != Verb::Sync || !source.is_empty()
}

/// Returns the folders that files need.
fn needed(store: &MemoryStore) -> Vec<String> {
    let files = store.files();
    let mut folders: Vec<String> = files
        .keys()
        .flat_map(|path| ancestors(path).map(str::to_owned))
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn after_a_sync_the_target_equals_the_source(source in trees(), target in trees(), folds in any::<bool>()) {
        prop_assume!(is_meant(Verb::Sync, &source));
        let (source, target) = stores(&source, &target, folds);
        let outcome = block_on(go(&source, &target, &How::sync()));
        prop_assert_eq!(outcome.failed(), Vec::<String>::new());
        prop_assert_eq!(source.files(), target.files());
        prop_assert_eq!(needed(&source), target.folders());
    }

    #[test]
    fn a_second_job_does_nothing(source in trees(), target in trees(), verb in verbs(), folds in any::<bool>()) {
        prop_assume!(is_meant(verb, &source));
        let (source, target) = stores(&source, &target, folds);
        block_on(go(&source, &target, &How::verb(verb)));
        let changes = target.changes().len();
        if verb == Verb::Sync || verb == Verb::Copy {
            block_on(go(&source, &target, &How::verb(verb)));
            prop_assert_eq!(target.changes().len(), changes);
        } else {
            prop_assert!(block_on(go(&source, &target, &How::verb(verb))).plan.is_empty() || !source.files().is_empty());
        }
    }

    #[test]
    fn a_dry_run_shows_what_the_run_then_does(source in trees(), target in trees(), verb in verbs()) {
        prop_assume!(is_meant(verb, &source));
        // With checksums in both listings nothing is left to find out.
        let (from, to) = (folding(""), folding(""));
        put(&from, &source);
        put(&to, &target);
        let mut how = How::verb(verb);
        how.options.removes_empty_source_folders = true;
        let outcome = block_on(go(&from, &to, &how));
        let lost = from.changes().into_iter().map(|change| format!("source {change}"));
        let changes: Vec<String> = to.changes().into_iter().chain(lost).collect();
        prop_assert_eq!(outcome.plan, changes);
    }

    #[test]
    fn what_a_checksum_decides_is_all_that_a_plan_leaves_open(source in trees(), target in trees(), verb in verbs()) {
        prop_assume!(is_meant(verb, &source));
        let (source, target) = stores(&source, &target, false);
        let outcome = block_on(go(&source, &target, &How::verb(verb)));
        let open: Vec<&str> = outcome.plan.iter().filter_map(|step| step.strip_prefix('?')).collect();
        let is_open = |change: &String| open.contains(&&change[1..]);
        let changes = target.changes();
        let left: Vec<&String> = changes.iter().filter(|change| !is_open(change)).collect();
        let certain = outcome.plan.iter().filter(|step| !step.starts_with('?') && !step.starts_with("source"));
        prop_assert_eq!(certain.collect::<Vec<_>>(), left);
        for change in changes.iter().filter(|change| is_open(change)) {
            prop_assert!(change.starts_with('+') || change.starts_with('='), "{}", change);
        }
    }

    #[test]
    fn a_copy_removes_nothing(source in trees(), target in trees(), folds in any::<bool>()) {
        let (from, to) = stores(&source, &target, folds);
        block_on(go(&from, &to, &How::default()));
        for path in target.keys() {
            prop_assert!(to.read(path).is_some(), "{} is gone", path);
        }
        prop_assert!(!to.changes().iter().any(|change| change.starts_with('-')));
        prop_assert_eq!(from.changes().len(), 0);
    }

    #[test]
    fn a_move_leaves_in_the_source_only_what_could_not_go(source in trees(), target in trees()) {
        let (from, to) = stores(&source, &target, false);
        let outcome = block_on(go(&from, &to, &How::moving()));
        let mut failed: Vec<&str> = outcome.tally.failed.iter().map(|failed| failed.path.as_str()).collect();
        failed.sort_unstable();
        let files = from.files();
        let left: Vec<&str> = files.keys().map(String::as_str).collect();
        prop_assert_eq!(left, failed);
        for (path, (content, _)) in source.iter().filter(|(path, _)| !files.contains_key(**path)) {
            prop_assert_eq!(to.read(path), Some(content.as_bytes().to_vec()));
        }
        prop_assert_eq!(needed(&from), from.folders());
    }

    #[test]
    fn a_job_that_is_cut_off_anywhere_goes_on(source in trees(), target in trees(), verb in verbs(), count in 0..12_usize) {
        prop_assume!(is_meant(verb, &source));
        let (whole, cut) = (stores(&source, &target, false), stores(&source, &target, false));
        let how = How::verb(verb);
        block_on(go(&whole.0, &whole.1, &how));
        cut.0.allow_changes(Some(count));
        cut.1.allow_changes(Some(count));
        block_on(go(&cut.0, &cut.1, &how));
        for (content, _) in source.values() {
            let is_there = holds(&cut.0, content.as_bytes()) || holds(&cut.1, content.as_bytes());
            prop_assert!(is_there, "{} is lost", content);
        }
        cut.0.allow_changes(None);
        cut.1.allow_changes(None);
        // What a cut move left in the source may be nothing at all.
        block_on(go(&cut.0, &cut.1, &how));
        prop_assert_eq!((shown(&cut.0), shown(&cut.1)), (shown(&whole.0), shown(&whole.1)));
    }

    #[test]
    fn a_sync_that_fails_anywhere_deletes_nothing(source in trees(), target in trees(), which in 0..8_usize) {
        let (from, to) = stores(&source, &target, false);
        let Some(path) = source.keys().nth(which) else { return Ok(()) };
        // Else it is replaced, or waits for what is in its place.
        prop_assume!(!target.keys().any(|other| is_within(other, path) || is_within(path, other)));
        from.fail(path, broken());
        let outcome = block_on(go(&from, &to, &How::sync()));
        prop_assert!(!outcome.tally.failed.is_empty());
        prop_assert!(!to.changes().iter().any(|change| change.starts_with('-')), "{:?}", to.changes());
    }

    #[test]
    fn what_the_filter_leaves_out_is_as_before(source in trees(), target in trees()) {
        let (from, to) = stores(&source, &target, false);
        let filter = excluding(&["/a/**", "c!"]);
        let how = How {
            options: PlanOptions { filter: Some(&filter), ..How::sync().options },
            ..How::default()
        };
        let is_out = |path: &str| path.starts_with("a/") || path == "c!";
        let Ok(_) = block_on(try_go(&from, &to, &how)) else { return Ok(()) };
        let left: Vec<_> = to.files().into_iter().filter(|(path, _)| is_out(path)).collect();
        let before: Vec<_> = target.iter().filter(|(path, _)| is_out(path))
            .map(|(path, (content, _))| ((*path).to_owned(), content.as_bytes().to_vec())).collect();
        prop_assert_eq!(left, before);
    }

    #[test]
    fn tracked_renames_end_in_the_same_tree(source in trees(), target in trees(), folds in any::<bool>()) {
        prop_assume!(is_meant(Verb::Sync, &source));
        let (from, to) = stores(&source, &target, folds);
        let how = How { tracks_renames: true, ..How::sync() };
        let outcome = block_on(go(&from, &to, &how));
        prop_assert_eq!(outcome.failed(), Vec::<String>::new());
        prop_assert_eq!(from.files(), to.files());
    }

    #[test]
    fn with_backups_nothing_of_the_target_is_lost(source in trees(), target in trees(), beside in any::<bool>()) {
        prop_assume!(is_meant(Verb::Sync, &source));
        let (from, to) = stores(&source, &target, false);
        let place = exact("");
        let keeps = if beside { Keeps::Beside(".bak") } else { Keeps::In(place.clone()) };
        block_on(go(&from, &to, &How::sync().keeping(keeps)));
        for (content, _) in target.values() {
            prop_assert!(holds(&to, content.as_bytes()) || holds(&place, content.as_bytes()), "{} is lost", content);
        }
    }

    #[test]
    fn letters_of_either_case_never_lose_a_file(source in trees(), upper in prop::collection::vec(any::<bool>(), 8)) {
        let from = exact("");
        for ((path, (content, seconds)), upper) in source.iter().zip(upper) {
            let path = if upper { path.to_uppercase() } else { (*path).to_owned() };
            from.write_at(&path, content, at(*seconds));
        }
        let before = from.files();
        let to = folding("");
        let outcome = block_on(go(&from, &to, &How::moving()));
        for (path, content) in before {
            prop_assert!(from.read(&path) == Some(content.clone()) || to.read(&fold(&path)) == Some(content), "{} is lost", path);
        }
        prop_assert_eq!(outcome.tally.failed.len(), from.files().len());
    }
}
