//! Plans of small trees: what is copied, removed, refused and left alone.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use shared::content_hash::ContentHash;

use super::{
    diff::{Diff, DiffOptions, Source, diff},
    removal::Removal,
    *,
};
use crate::{
    entry::{Document, Entry, Modified, Special, Version},
    listing::{Listing, NameRules},
    relative_path::{ancestors, fold},
};

/// As Dropbox tells names apart, and some of the names that it refuses.
const DROPBOX: NameRules = NameRules {
    ignores_case: true,
    store: "Dropbox",
    refusal: |name| {
        (name.ends_with(' ') || name.contains('\\')).then(|| "Dropbox can't have this name".into())
    },
};

fn meta(size_bytes: u64, seconds: i64) -> FileMeta {
    FileMeta {
        size_bytes,
        modified: Modified {
            seconds,
            nanoseconds: 0,
        },
        version: None,
    }
}

fn file(path: &str, size_bytes: u64, seconds: i64) -> Entry {
    Entry::new_file(path, meta(size_bytes, seconds))
}

fn folder(path: &str) -> Entry {
    Entry::folder(path)
}

fn with_version(path: &str, meta: FileMeta, version: Version) -> Entry {
    let version = Some(Box::new(version));
    Entry::new_file(path, FileMeta { version, ..meta })
}

fn hashed(path: &str, seconds: i64, content: &[u8]) -> Entry {
    let version = Version {
        id: "1".into(),
        checksum: Some(ContentHash::of(content)),
        document: None,
    };
    with_version(path, meta(content.len() as u64, seconds), version)
}

/// A cloud document that is listed as its export `shown`.
fn document(shown: &str, own_path: &str) -> Entry {
    let document = Document {
        own_path: own_path.into(),
        chosen: Some("html".into()),
        ..Document::default()
    };
    let version = Version {
        id: "1".into(),
        checksum: None,
        document: Some(Box::new(document)),
    };
    with_version(shown, meta(1, 1), version)
}

/// A cloud document that is listed under its own name.
fn document_as_it_is(path: &str) -> Entry {
    let version = Version {
        id: "1".into(),
        checksum: None,
        document: Some(Box::default()),
    };
    with_version(path, meta(1, 1), version)
}

/// A tree in short: `d/` is a folder, `x` a file of one byte, `x=5` a file of five; folders around are added.
fn tree(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for word in text.split_whitespace() {
        let path = word.trim_end_matches('/').split('=').next().unwrap_or_default();
        let around: Vec<&str> = ancestors(path).collect();
        for folder_path in around.iter().rev() {
            if !entries.iter().any(|entry| entry.path == *folder_path) {
                entries.push(folder(folder_path));
            }
        }
        let size = word.split_once('=').map_or(1, |(_, size)| size.parse().unwrap());
        entries.push(if word.ends_with('/') {
            folder(path)
        } else {
            file(path, size, 1)
        });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

/// What to plan.
struct Case<'a> {
    source: Vec<Entry>,
    target: Vec<Entry>,
    names: NameRules,
    rules: Rules,
    removes: bool,
    takes_left_out: bool,
    left_out: &'a [&'a str],
    pruned: &'a [&'a str],
    specials: &'a [(&'a str, Special)],
    candidates: Option<Vec<bool>>,
    makes_links: bool,
    documents_are_files: bool,
    makes_folders: bool,
}

impl Case<'_> {
    fn new(source: &str, target: &str) -> Self {
        Self {
            source: tree(source),
            target: tree(target),
            names: NameRules::EXACT,
            rules: Rules::default(),
            removes: false,
            takes_left_out: false,
            left_out: &[],
            pruned: &[],
            specials: &[],
            candidates: None,
            makes_links: false,
            documents_are_files: false,
            makes_folders: false,
        }
    }

    fn sync(source: &str, target: &str) -> Self {
        Self {
            removes: true,
            ..Self::new(source, target)
        }
    }

    fn diff(&self) -> Diff {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        let left_out = owned(self.left_out);
        let specials = self.specials.iter();
        let target = Listing {
            entries: self.target.clone(),
            specials: specials
                .map(|(path, special)| ((*path).to_owned(), *special))
                .collect(),
            pruned: owned(self.pruned),
            ..Listing::default()
        };
        let candidates = self
            .candidates
            .clone()
            .unwrap_or_else(|| vec![true; self.target.len()]);
        let options = DiffOptions {
            names: self.names,
            rules: self.rules,
            removal: self.removes.then_some(Removal {
                is_candidate: &candidates,
                takes_left_out: self.takes_left_out,
            }),
            makes_links: self.makes_links,
            documents_are_files: self.documents_are_files,
            makes_folders: self.makes_folders,
            lists_same: false,
        };
        let source = Source {
            entries: &self.source,
            left_out: &left_out,
        };
        diff(source, &target, &options)
    }

    fn plan(&self) -> Plan {
        self.diff().plan
    }

    /// The plan in short: `+to` copies, `-path` deletes, `-path/` removes a folder, `+path/` makes one, `then +to` copies
    /// afterwards, `!path` can't be.
    fn summary(&self) -> String {
        let plan = self.plan();
        let summary = |steps: &[Step], before: &str, after: &str| {
            let words = steps.iter().map(|step| format!("{before}{}{after}", step.to));
            words.collect::<Vec<_>>()
        };
        [
            summary(&plan.mkdirs, "+", "/"),
            summary(&plan.copies, "+", ""),
            summary(&plan.deletes, "-", ""),
            summary(&plan.rmdirs, "-", "/"),
            summary(&plan.late_mkdirs, "then+", "/"),
            summary(&plan.late_copies, "then+", ""),
            plan.obstacles.iter().map(|o| format!("!{}", o.path)).collect(),
        ]
        .concat()
        .join(" ")
    }
}

#[test]
fn what_is_missing_or_different_is_copied() {
    let source = vec![
        folder("d"),
        file("d/x", 1, 1),
        file("new", 1, 1),
        file("same", 1, 1),
        file("size", 2, 1),
        file("time", 1, 9),
    ];
    let case = Case {
        source,
        ..Case::new("", "d/ extra same size time")
    };
    let plan = case.plan();
    let done: Vec<_> = plan.copies.iter().map(|a| (&*a.to, a.kind)).collect();
    assert_eq!(
        done,
        [
            ("d/x", StepKind::Copy(CopyReason::New)),
            ("new", StepKind::Copy(CopyReason::New)),
            ("size", StepKind::Copy(CopyReason::SizeDiffers)),
            ("time", StepKind::CompareChecksum { refusal: None }),
        ]
    );
    assert_eq!(
        (plan.unchanged, plan.obstacles.len(), plan.deletes.len()),
        (1, 0, 0)
    );
}

#[test]
fn names_meet_exactly_first_and_else_as_dropbox_takes_them() {
    for (names, source, target, summary) in [
        // Up, from a tree of a Mac.
        (DROPBOX, "Fu\u{308}r.TXT=2", "f\u{fc}r.txt", "+f\u{fc}r.txt"),
        (DROPBOX, "ΣΑΣ", "σας σασ", "-σας"),
        // Down onto a tree of a Mac, or one with other letter case.
        (NameRules::EXACT, "f\u{fc}r/\u{e9}", "fu\u{308}r/e\u{301}", ""),
        (
            NameRules::EXACT,
            "NuGet/a NuGet/b=2 x",
            "nuget/A nuget/b",
            "+x +nuget/b",
        ),
        (NameRules::EXACT, "Dir/new", "dir/old", "+dir/new -dir/old"),
        // Linux has both: each meets its own.
        (NameRules::EXACT, "dir/x=2", "DIR/x dir/x", "+dir/x -DIR/x -DIR/"),
        (
            NameRules::EXACT,
            "Dir/x",
            "DIR/y dir/x",
            "+DIR/x -DIR/y -dir/x -dir/",
        ),
        // Up, of two that Dropbox can't tell apart the one that is spelled as there.
        (DROPBOX, "A=2 a=3", "a", "+a !A"),
        (DROPBOX, "A a", "", "+A !a"),
        (DROPBOX, "Data data/x", "", "+Data !data/x"),
        (DROPBOX, "Data/x data", "", "+Data/x !data"),
        (NameRules::EXACT, "a A", "", "+A +a"),
        // Two folders that Dropbox can't tell apart become one.
        (DROPBOX, "D/x d/y", "", "+D/x +d/y"),
        (DROPBOX, "D/x=2 d/x=3", "", "+D/x !d/x"),
        (DROPBOX, "D/x=2 d/x=3", "D/x", "+D/x !d/x"),
        (DROPBOX, "D/x=2 d/x=3 d/y", "d/X", "+d/X +d/y !d/x"),
        (DROPBOX, "D/x=2 d/X=3", "D/X", "+D/X !d/X"),
    ] {
        let case = Case {
            names,
            ..Case::sync(source, target)
        };
        let mut words: Vec<String> = case.summary().split(' ').map(str::to_owned).collect();
        words.sort();
        let mut expected: Vec<&str> = summary.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(words, expected, "{names:?} {source} -> {target}");
    }
}

#[test]
fn a_name_that_dropbox_refuses_counts_only_where_it_is_new() {
    let case = Case {
        names: DROPBOX,
        source: vec![
            file("b\\c", 1, 1),
            file("bad ", 1, 1),
            file("dir", 1, 1),
            folder("o\\k"),
            file("o\\k/new", 1, 1),
            file("ok", 1, 1),
            file("there ", 1, 1),
        ],
        target: vec![folder("dir"), folder("o\\k"), file("there ", 1, 1)],
        ..Case::new("", "")
    };
    assert_eq!(case.summary(), "+o\\k/new +ok !b\\c !bad  !dir");
}

#[test]
fn rules_leave_files_as_they_are() {
    let source = [("new", 1), ("newer", 1), ("older", 1), ("same", 1), ("size", 2)];
    let target = [("newer", 1, 1), ("older", 1, 9), ("same", 1, 5), ("size", 1, 5)];
    let rules = Rules::default();
    for (rules, expected) in [
        (
            Rules {
                update: true,
                ..rules
            },
            "new newer size",
        ),
        (
            Rules {
                ignore_existing: true,
                ..rules
            },
            "new",
        ),
        (
            Rules {
                existing: true,
                ..rules
            },
            "newer older size",
        ),
        (
            Rules {
                by: CompareBy::SizeOnly,
                ..rules
            },
            "new size",
        ),
        (
            Rules {
                by: CompareBy::Nothing,
                ..rules
            },
            "new newer older same size",
        ),
        (
            Rules {
                by: CompareBy::Checksum,
                ..rules
            },
            "new newer older same size",
        ),
        (
            Rules {
                immutable: true,
                by: CompareBy::SizeOnly,
                ..rules
            },
            "new",
        ),
        // Before a source goes, what looks the same is compared.
        (
            Rules {
                proves: true,
                ..rules
            },
            "new newer older same size",
        ),
    ] {
        let case = Case {
            source: source.iter().map(|(path, size)| file(path, *size, 5)).collect(),
            target: target
                .iter()
                .map(|(path, size, at)| file(path, *size, *at))
                .collect(),
            rules,
            ..Case::new("", "")
        };
        let plan = case.plan();
        let paths: Vec<_> = plan.copies.iter().map(|a| &*a.from).collect();
        assert_eq!(paths.join(" "), expected, "{rules:?}");
    }
}

#[test]
fn a_source_goes_only_where_the_hash_says_so() {
    for (by, target, summary) in [
        (CompareBy::SizeAndTime, b"one", "same"),
        (CompareBy::SizeAndTime, b"two", "copy"),
        (CompareBy::SizeOnly, b"two", "refuse"),
        (CompareBy::Checksum, b"one", "same"),
    ] {
        let case = Case {
            source: vec![hashed("x", 1, b"one")],
            target: vec![hashed("x", 1, target)],
            rules: Rules {
                by,
                proves: true,
                ..Rules::default()
            },
            ..Case::new("", "")
        };
        let Diff { plan, proven, .. } = case.diff();
        let found = match (proven.len(), plan.copies.len(), plan.obstacles.len()) {
            (1, 0, 0) => "same",
            (0, 1, 0) => "copy",
            (0, 0, 1) => "refuse",
            _ => "something else",
        };
        assert_eq!(found, summary, "{by:?} {target:?}");
    }
}

#[test]
fn only_what_the_source_lacks_is_removed() {
    for (names, source, target, summary) in [
        (
            DROPBOX,
            "a/b/c keep/ x",
            "A/ a/B/C a/b/d gone/in/y Keep/ X",
            "-a/b/d -gone/in/y -gone/in/ -gone/",
        ),
        (NameRules::EXACT, "a/b", "a/b a/b2 c/", "-a/b2 -c/"),
        (NameRules::EXACT, "x", "x", ""),
        // An empty folder of the source where the target has a file.
        (NameRules::EXACT, "d/ x", "d x", "-d"),
    ] {
        let mut case = Case {
            names,
            ..Case::sync(source, target)
        };
        if names.ignores_case {
            // Dropbox has each folder once.
            case.target
                .retain(|entry| !["A", "a/b"].contains(&entry.path.as_str()));
        }
        assert_eq!(case.summary(), summary, "{source} -> {target}");
    }
}

#[test]
fn what_the_filter_leaves_out_of_the_source_is_left_alone() {
    let left_out = ["d", "Big", "cache"];
    let target = "BIG=9 cache/x cache/y/z d/e/f d/x old";
    for (takes_left_out, summary) in [
        (false, "-old"),
        (
            true,
            "-BIG -cache/x -cache/y/z -d/e/f -d/x -old -d/e/ -d/ -cache/y/ -cache/",
        ),
    ] {
        let case = Case {
            names: DROPBOX,
            left_out: &left_out,
            takes_left_out,
            ..Case::sync("k", &format!("{target} k"))
        };
        assert_eq!(case.summary(), summary);
    }
}

#[test]
fn what_is_no_candidate_stays_with_its_folders() {
    let mut case = Case::sync("k", "a/b/backup a/c k");
    let stays = |entry: &Entry| entry.path != "a/b/backup";
    case.candidates = Some(case.target.iter().map(stays).collect());
    assert_eq!(case.summary(), "-a/c");
    let case = Case {
        pruned: &["a/closed"],
        specials: &[("b/pipe", Special::Fifo)],
        ..Case::sync("k", "a/ b/c b/d/ k")
    };
    assert_eq!(case.summary(), "-b/c -b/d/");
}

#[test]
fn a_file_and_a_folder_of_one_name_change_places_only_in_a_sync() {
    for (source, target, copied, synced) in [
        ("x", "x/a x/b/c", "!x", "-x/a -x/b/c -x/b/ -x/ then+x"),
        ("d/a d/b/c", "d", "!d/a !d/b/c", "-d then+d/a then+d/b/c"),
        ("d/a d/b/c k", "d/b k", "+d/a !d/b/c", "+d/a -d/b then+d/b/c"),
    ] {
        assert_eq!(Case::new(source, target).summary(), copied, "{source}");
        assert_eq!(Case::sync(source, target).summary(), synced, "{source}");
    }
    // Something in the folder stays: so does the folder.
    let mut case = Case::sync("x", "x/a x/kept");
    case.candidates = Some(case.target.iter().map(|entry| entry.path != "x/kept").collect());
    assert_eq!(case.summary(), "-x/a !x");
    for (rules, summary) in [
        (
            Rules {
                ignore_existing: true,
                ..Rules::default()
            },
            "",
        ),
        (
            Rules {
                immutable: true,
                ..Rules::default()
            },
            "!x",
        ),
    ] {
        let case = Case {
            rules,
            ..Case::new("x", "x/a")
        };
        assert_eq!(case.summary(), summary);
    }
    let case = Case {
        makes_folders: true,
        ..Case::sync("d/ e/ k", "d k")
    };
    assert_eq!(case.summary(), "+e/ -d then+d/");
}

#[test]
fn what_is_no_file_is_in_the_way_and_named() {
    let link = |to_dir| Special::Symlink {
        to_dir,
        dangling: false,
    };
    for (source, specials, obstacle, reason) in [
        (
            "x",
            [("x", link(false))],
            "x",
            "a symlink to a file of this name is in the target",
        ),
        (
            "d/e/x",
            [("d", link(true))],
            "d/e/x",
            "a symlink to a folder is at 'd' in the target",
        ),
        (
            "d/x",
            [("d/x", Special::Fifo)],
            "d/x",
            "a named pipe of this name is in the target",
        ),
    ] {
        for removes in [false, true] {
            let case = Case {
                specials: &specials,
                removes,
                ..Case::new(source, "")
            };
            let plan = case.plan();
            let summary: Vec<_> = plan
                .obstacles
                .iter()
                .map(|o| (o.path.as_str(), o.reason.as_str()))
                .collect();
            assert_eq!(summary, [(obstacle, reason)], "{source}");
            assert!(plan.copies.is_empty());
        }
    }
}

#[test]
fn two_names_that_land_in_one_place_are_known() {
    let link = Special::Symlink {
        to_dir: false,
        dangling: true,
    };
    for (source, target, specials, copied, synced) in [
        // A symlink would take a file's place.
        (
            "a.rclonelink",
            "a",
            vec![],
            "!a.rclonelink",
            "-a then+a.rclonelink",
        ),
        (
            "a.rclonelink",
            "a/b",
            vec![],
            "!a.rclonelink",
            "-a/b -a/ then+a.rclonelink",
        ),
        // And a file that of a symlink.
        (
            "a=2",
            "a.rclonelink",
            vec![("a", link)],
            "!a",
            "-a.rclonelink then+a",
        ),
        // Both come from the source.
        (
            "a a.rclonelink k",
            "",
            vec![],
            "+k !a !a.rclonelink",
            "+k !a !a.rclonelink",
        ),
        // Nothing is in the way.
        ("a.rclonelink b", "a.rclonelink b", vec![("a", link)], "", ""),
    ] {
        for (removes, summary) in [(false, copied), (true, synced)] {
            let case = Case {
                specials: &specials,
                makes_links: true,
                removes,
                ..Case::new(source, target)
            };
            assert_eq!(case.summary(), summary, "{source} -> {target}");
        }
    }
    let case = Case::new("a a.rclonelink", "");
    assert_eq!(
        case.summary(),
        "+a +a.rclonelink",
        "they are two files where no links are made"
    );
}

#[test]
fn a_cloud_document_is_met_by_its_own_name_only() {
    let case = Case {
        names: DROPBOX,
        target: vec![
            document("Plan.html", "Plan.paper"),
            folder("d"),
            document("d/x.md", "d/x.paper"),
        ],
        ..Case::sync("Plan.html plan.PAPER", "")
    };
    assert_eq!(case.summary(), "+Plan.html !plan.PAPER");
    assert_eq!(
        case.plan().obstacles[0].reason,
        "a cloud document is at 'Plan.paper' in the target"
    );
}

#[test]
fn documents_that_are_copied_as_they_are_meet_each_other() {
    let case = Case {
        names: DROPBOX,
        documents_are_files: true,
        source: vec![document_as_it_is("Plan.paper")],
        target: vec![document_as_it_is("extra.paper"), document_as_it_is("plan.PAPER")],
        ..Case::sync("", "")
    };
    assert_eq!(case.plan().unchanged, 1);
    assert_eq!(case.summary(), "-extra.paper");
}

#[test]
fn a_check_pairs_each_entry_once() {
    for (ignores_case, source, target, expected) in [
        (false, "a d/x", "a d/x d/y", "a=a d=d d/x=d/x -=d/y"),
        (true, "A D/x", "a d/X", "A=a D=d D/x=d/X"),
        // Of two spellings, the one that is spelled exactly so.
        (true, "A a", "a", "A=- a=a"),
        (true, "D/x d/y", "d/x", "D=d D/x=d/x d=d d/y=-"),
        (false, "A", "a", "A=a"),
        (false, "A a", "a b", "A=- a=a -=b"),
        (true, "", "b", "-=b"),
    ] {
        let (source, target) = (tree(source), tree(target));
        let path = |entry: Option<&Entry>| entry.map_or("-".to_owned(), |entry| entry.path.clone());
        let pairs = pair_all(&source, &target, ignores_case).into_iter();
        let pairs: Vec<String> = pairs
            .map(|(here, there)| format!("{}={}", path(here), path(there)))
            .collect();
        assert_eq!(pairs.join(" "), expected);
    }
}

/// Carries a plan out on names alone.
fn carried_out(target: &[Entry], plan: &Plan) -> Vec<(String, bool)> {
    let mut there: BTreeMap<String, bool> = target
        .iter()
        .map(|entry| (entry.path.clone(), entry.file().is_some()))
        .collect();
    let put = |there: &mut BTreeMap<String, bool>, step: &Step| {
        for around in ancestors(&step.to) {
            assert_ne!(
                there.insert(around.to_owned(), false),
                Some(true),
                "a file is in the way of {}",
                step.to
            );
        }
        assert_ne!(
            there.insert(step.to.to_string(), true),
            Some(false),
            "a folder is in the way of {}",
            step.to
        );
    };
    plan.copies.iter().for_each(|step| put(&mut there, step));
    for step in plan.deletes.iter().chain(&plan.rmdirs) {
        let below = format!("{}/", step.to);
        assert!(
            !there.keys().any(|path| path.starts_with(&below)),
            "{} is not empty",
            step.to
        );
        there.remove(&*step.to);
    }
    plan.late_copies.iter().for_each(|step| put(&mut there, step));
    there.into_iter().collect()
}

fn trees() -> impl Strategy<Value = Vec<Entry>> {
    let paths = prop::sample::select(vec![
        "a", "b", "a/b", "a/b/c", "A", "b/a", "b/C", "c!", "c", "c/d",
    ]);
    prop::collection::vec((paths, 1..3_u64), 0..7).prop_map(|files| {
        let mut entries: Vec<Entry> = Vec::new();
        for (path, size) in files {
            let is_free = !entries.iter().any(|entry| entry.path == path)
                && ancestors(path)
                    .all(|around| !entries.iter().any(|e| e.path == around && e.file().is_some()));
            if is_free {
                for around in ancestors(path) {
                    if !entries.iter().any(|entry| entry.path == around) {
                        entries.push(folder(around));
                    }
                }
                entries.push(file(path, size, 1));
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries
    })
}

/// The files of a tree, and nothing else.
fn files(entries: &[Entry]) -> Vec<String> {
    entries
        .iter()
        .filter(|entry| entry.file().is_some())
        .map(|entry| entry.path.clone())
        .collect()
}

proptest! {
    #[test]
    fn after_a_sync_the_target_has_the_files_of_the_source(source in trees(), target in trees()) {
        // Dropbox tells names apart where this source does.
        let unique: HashSet<_> = source.iter().map(|e| fold(&e.path).into_owned()).collect();
        prop_assume!(unique.len() == source.len());
        let case = Case { source, target, removes: true, ..Case::new("", "") };
        let plan = case.plan();
        prop_assert!(plan.obstacles.is_empty(), "{:?}", plan.obstacles);
        let there = carried_out(&case.target, &plan);
        let mut there: Vec<String> = there.into_iter().filter(|(_, is_file)| *is_file).map(|(path, _)| fold(&path).into_owned()).collect();
        let mut wanted: Vec<String> = files(&case.source).iter().map(|path| fold(path).into_owned()).collect();
        there.sort();
        wanted.sort();
        prop_assert_eq!(there, wanted);
    }

    #[test]
    fn a_copy_removes_nothing_and_a_second_one_does_nothing(source in trees(), target in trees(), folds in any::<bool>()) {
        let names = if folds { DROPBOX } else { NameRules::EXACT };
        if folds {
            let unique: HashSet<_> = target.iter().map(|e| fold(&e.path).into_owned()).collect();
            prop_assume!(unique.len() == target.len());
        }
        let case = Case { source, target, names, ..Case::new("", "") };
        let plan = case.plan();
        let there = carried_out(&case.target, &plan);
        for path in files(&case.target) {
            prop_assert!(there.contains(&(path.clone(), true)), "{path} is gone");
        }
        let after: Vec<Entry> = there.iter().map(|(path, is_file)| match is_file {
            false => folder(path),
            true => case.source.iter().rev().find(|entry| plan.copies.iter().any(|a| *a.from == *entry.path && *a.to == **path))
                .map_or_else(|| case.target.iter().find(|e| e.path == *path).unwrap().clone(), |entry| Entry { path: path.clone(), ..entry.clone() }),
        }).collect();
        let again = Case { source: case.source.clone(), target: after, names, ..Case::new("", "") };
        prop_assert!(again.plan().copies.is_empty(), "{:?}", again.plan().copies);
    }

    #[test]
    fn nothing_is_removed_that_the_source_has_or_leaves_out(source in trees(), target in trees(), out in prop::collection::vec(0..6_usize, 0..3)) {
        let left_out: Vec<String> = out.iter().filter_map(|at| source.get(*at)).map(|entry| entry.path.clone()).collect();
        let is_out = |path: &str| left_out.iter().any(|o| o == path || path.starts_with(&format!("{o}/")));
        let selected: Vec<Entry> = source.iter().filter(|entry| !is_out(&entry.path)).cloned().collect();
        let left: Vec<&str> = left_out.iter().map(String::as_str).collect();
        let case = Case { source: selected, target, removes: true, left_out: &left, ..Case::new("", "") };
        for step in &case.plan().deletes {
            let has = source.iter().any(|s| s.file().is_some() && *s.path == *step.to);
            prop_assert!(!has && !is_out(&step.to), "{}", step.to);
        }
    }
}
