//! Actions as data: two listings become a list of what is to be done. Pure: no I/O, no flags, no terminal.

mod bundle;
mod compare;
mod mounts;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use unicode_normalization::UnicodeNormalization;

use crate::tree::{Entry, FileInfo, Kind};

pub use bundle::{Bundle, MOST_BYTES, MOST_ENTRIES, Weights, bundle};
pub use compare::{By, Comparison, Why, compare};
pub use mounts::Mounts;

/// One thing to do. Paths are relative to the two folders, which needn't spell them alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The source's path.
    pub from: String,
    /// The target's path.
    pub to: String,
    /// The source's file.
    pub source: FileInfo,
    /// The file that stands at the target now.
    pub over: Option<FileInfo>,
    /// What to do, and why.
    pub task: Task,
}

/// What to do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Copy it.
    Copy(Why),
    /// Copy it if the content's hash differs, or fail where nothing may be replaced.
    Settle {
        /// Whether it may be replaced.
        may_replace: bool,
    },
}

/// Why a file is not replaced.
pub const IMMUTABLE: &str = "another content is there, and --immutable is set";

/// A file that can't be copied, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The source's path.
    pub path: String,
    /// Why not.
    pub reason: String,
}

/// What is to be done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In the order of the source's paths.
    pub actions: Vec<Action>,
    /// What can't be done.
    pub obstacles: Vec<Obstacle>,
    /// Files that are the same on both sides.
    pub same: Vec<String>,
    /// Files that a rule leaves as they are, the same or not.
    pub left: u64,
    /// Where other namespaces begin in the target.
    pub mounts: Mounts,
}

/// How the target tells names apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As Dropbox does: case doesn't matter, and letters are composed (NFC).
    Dropbox,
    /// The same, with names mapped that Dropbox can't have.
    DropboxEncoded,
    /// As Linux does: byte by byte.
    Exact,
}

/// Which files of the source are to be copied, and which are good as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What tells files apart.
    pub by: By,
    /// Leave what is newer in the target.
    pub update: bool,
    /// Leave what is in the target at all.
    pub ignore_existing: bool,
    /// Leave what isn't in the target.
    pub existing: bool,
    /// What is in the target must never change.
    pub immutable: bool,
}

/// What must be done so that every file of `source` is in `target` too. Nothing is ever removed.
pub fn transfer(source: &[Entry], target: &[Entry], names: Names, rules: Rules) -> Plan {
    let there = by_name(target, names);
    let mut plan = Plan::default();
    let mut taken: HashMap<Cow<'_, str>, &str> = HashMap::new();
    for entry in source {
        let Kind::File(file) = &entry.kind else { continue };
        let obstacle = |reason: String| Obstacle {
            path: entry.path.clone(),
            reason,
        };
        let key = key(&entry.path, names);
        if let Some(reason) = refused_by(&entry.path, names) {
            plan.obstacles.push(obstacle(reason));
            continue;
        }
        if let Some(other) = taken.insert(key.clone(), &entry.path) {
            plan.obstacles.push(obstacle(match names {
                Names::Exact => "another file of the source has this name here".to_owned(),
                Names::Dropbox | Names::DropboxEncoded => {
                    format!("Dropbox can't tell it from '{other}', whose letters differ only in case or form")
                }
            }));
            continue;
        }
        let (over, task) = match there.get(&key) {
            None if rules.existing => {
                plan.left += 1;
                continue;
            }
            None => (None, Task::Copy(Why::New)),
            Some(Entry {
                kind: Kind::Folder, ..
            }) => {
                plan.obstacles
                    .push(obstacle("a folder of this name is there".into()));
                continue;
            }
            Some(Entry {
                kind: Kind::File(old),
                ..
            }) => match rules.decide(file, old) {
                Decision::Copy(task) => (Some(old), task),
                Decision::Same => {
                    plan.same.push(entry.path.clone());
                    continue;
                }
                Decision::Leave => {
                    plan.left += 1;
                    continue;
                }
                Decision::Refuse => {
                    plan.obstacles.push(obstacle(IMMUTABLE.into()));
                    continue;
                }
            },
        };
        let to = match (there.get(&key), names) {
            (Some(existing), _) => existing.path.clone(),
            (None, Names::Dropbox | Names::DropboxEncoded) => entry.path.nfc().collect(),
            (None, Names::Exact) => entry.path.clone(),
        };
        plan.actions.push(Action {
            from: entry.path.clone(),
            to,
            source: file.clone(),
            over: over.cloned(),
            task,
        });
    }
    plan
}

enum Decision {
    Copy(Task),
    Same,
    Leave,
    Refuse,
}

impl Rules {
    fn decide(&self, source: &FileInfo, target: &FileInfo) -> Decision {
        // Nothing can be written over a cloud document; it shows under the name of its export.
        if self.ignore_existing
            || target
                .document()
                .is_some_and(|document| document.chosen.is_some())
        {
            return Decision::Leave;
        }
        let is_same_time = source.modified.is_same(target.modified);
        if self.update && !is_same_time && target.modified > source.modified {
            return Decision::Leave;
        }
        match compare(source, target, self.by) {
            Comparison::Same => Decision::Same,
            Comparison::Different(_) if self.immutable => Decision::Refuse,
            Comparison::Different(why) => Decision::Copy(Task::Copy(why)),
            Comparison::HashDecides => Decision::Copy(Task::Settle {
                may_replace: !self.immutable,
            }),
        }
    }
}

/// What stands in the target and not in the source: files, and folders with the deepest first.
pub fn extra<'a>(source: &[Entry], target: &'a [Entry], names: Names) -> Extra<'a> {
    let wanted: HashSet<Cow<'_, str>> = source.iter().map(|entry| key(&entry.path, names)).collect();
    // A folder on the way to something wanted is wanted, whether the source's listing names it or not.
    let mut ways: HashSet<String> = HashSet::new();
    for path in &wanted {
        let mut rest: &str = path;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            if !ways.insert(folder.to_owned()) {
                break;
            }
            rest = folder;
        }
    }
    let mut extra = Extra::default();
    for entry in target {
        let key = key(&entry.path, names);
        if wanted.contains(&key) || ways.contains(&*key) {
            continue;
        }
        match &entry.kind {
            Kind::Folder => extra.folders.push(entry),
            Kind::File(_) => extra.files.push(entry),
        }
    }
    extra.folders.sort_by(|a, b| b.path.cmp(&a.path));
    extra
}

/// What stands in the target alone.
#[derive(Debug, Default)]
pub struct Extra<'a> {
    /// In the order of their paths.
    pub files: Vec<&'a Entry>,
    /// What is inside comes before what is outside.
    pub folders: Vec<&'a Entry>,
}

/// Which entry of the target a path meets: names are folded in the way of the stricter side, Dropbox's.
pub fn by_name(target: &[Entry], names: Names) -> HashMap<Cow<'_, str>, &Entry> {
    let mut there: HashMap<Cow<'_, str>, &Entry> = HashMap::with_capacity(target.len());
    for entry in target {
        there.entry(key(&entry.path, names)).or_insert(entry);
    }
    there
}

/// Why a file can't live on the other side.
fn refused_by(path: &str, names: Names) -> Option<String> {
    match names {
        Names::Dropbox => refused_names(path),
        Names::DropboxEncoded => refused_names(&crate::dropbox::encoding::encode(path)),
        Names::Exact => path
            .split('/')
            .any(|name| name.len() > 255)
            .then(|| "a name is over 255 bytes long".into()),
    }
}

fn refused_names(path: &str) -> Option<String> {
    let refused = path
        .split('/')
        .find_map(|name| crate::dropbox::check_name(name).err());
    refused.map(str::to_owned)
}

/// By what two paths are the same name. Mostly that is the path itself, which costs nothing.
pub fn key(path: &str, names: Names) -> Cow<'_, str> {
    match names {
        Names::Exact => Cow::Borrowed(path),
        _ if path
            .bytes()
            .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) =>
        {
            Cow::Borrowed(path)
        }
        // Letter by letter: `str::to_lowercase` knows the final sigma, which Dropbox does not.
        Names::Dropbox | Names::DropboxEncoded => path.nfc().flat_map(char::to_lowercase).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Modified;
    use proptest::prelude::*;

    fn file(path: &str, size_bytes: u64, seconds: i64) -> Entry {
        Entry {
            path: path.into(),
            kind: Kind::File(FileInfo {
                size_bytes,
                modified: Modified {
                    seconds,
                    nanoseconds: 0,
                },
                remote: None,
            }),
            id: None,
        }
    }

    fn folder(path: &str) -> Entry {
        Entry {
            path: path.into(),
            kind: Kind::Folder,
            id: None,
        }
    }

    #[test]
    fn what_is_missing_or_different_is_copied() {
        let source = [
            file("new", 1, 1),
            file("same", 1, 1),
            file("size", 2, 1),
            file("time", 1, 9),
            folder("d"),
            file("d/x", 1, 1),
        ];
        let target = [
            file("same", 1, 1),
            file("size", 1, 1),
            file("time", 1, 1),
            file("extra", 1, 1),
            folder("d"),
        ];
        let plan = transfer(&source, &target, Names::Exact, Rules::default());
        let done: Vec<_> = plan.actions.iter().map(|a| (a.to.as_str(), a.task)).collect();
        assert_eq!(
            done,
            [
                ("new", Task::Copy(Why::New)),
                ("size", Task::Copy(Why::SizeDiffers)),
                ("time", Task::Settle { may_replace: true }),
                ("d/x", Task::Copy(Why::New))
            ]
        );
        assert_eq!((plan.same.len(), plan.obstacles.len()), (1, 0));
    }

    #[test]
    fn dropbox_names_meet_without_regard_to_case_and_form() {
        let plan = transfer(
            &[file("Fu\u{308}r.TXT", 2, 1)],
            &[file("f\u{fc}r.txt", 1, 1)],
            Names::Dropbox,
            Rules::default(),
        );
        assert_eq!(plan.actions[0].to, "f\u{fc}r.txt");
        let plan = transfer(
            &[file("ΣΑΣ", 1, 1)],
            &[file("σας", 1, 1), file("σασ", 1, 1)],
            Names::Dropbox,
            Rules::default(),
        );
        assert_eq!(plan.same.len(), 1);
    }

    #[test]
    fn obstacles_are_told_and_the_rest_goes_on() {
        let source = [
            file("A", 1, 1),
            file("a", 1, 1),
            file("bad ", 1, 1),
            file("b\\c", 1, 1),
            file("dir", 1, 1),
            file("ok", 1, 1),
        ];
        let plan = transfer(&source, &[folder("dir")], Names::Dropbox, Rules::default());
        let paths = |p: &Plan| p.obstacles.iter().map(|o| o.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&plan), ["a", "bad ", "b\\c", "dir"]);
        assert_eq!(
            plan.actions.iter().map(|a| a.to.as_str()).collect::<Vec<_>>(),
            ["A", "ok"]
        );
    }

    #[test]
    fn rules_leave_files_as_they_are() {
        let source = [
            file("new", 1, 5),
            file("newer", 1, 5),
            file("older", 1, 5),
            file("same", 1, 5),
            file("size", 2, 5),
        ];
        let target = [
            file("newer", 1, 1),
            file("older", 1, 9),
            file("same", 1, 5),
            file("size", 1, 5),
        ];
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
                    by: By::SizeOnly,
                    ..rules
                },
                "new size",
            ),
            (
                Rules {
                    by: By::Nothing,
                    ..rules
                },
                "new newer older same size",
            ),
            (
                Rules {
                    by: By::Checksum,
                    ..rules
                },
                "new newer older same size",
            ),
            (
                Rules {
                    immutable: true,
                    by: By::SizeOnly,
                    ..rules
                },
                "new",
            ),
        ] {
            let plan = transfer(&source, &target, Names::Exact, rules);
            let paths: Vec<_> = plan.actions.iter().map(|a| a.from.as_str()).collect();
            assert_eq!(paths.join(" "), expected, "{rules:?}");
        }
    }

    #[test]
    fn only_what_the_source_lacks_is_extra() {
        let source = [file("a/b/c", 1, 1), folder("keep"), file("x", 1, 1)];
        let target = [
            folder("A"),
            folder("a/B"),
            file("a/b/C", 1, 1),
            file("a/b/d", 1, 1),
            folder("gone"),
            folder("gone/in"),
            file("gone/in/y", 1, 1),
            folder("Keep"),
            file("X", 1, 1),
        ];
        let paths = |entries: &[&Entry]| entries.iter().map(|e| e.path.clone()).collect::<Vec<_>>();
        let found = extra(&source, &target, Names::Dropbox);
        assert_eq!(paths(&found.files), ["a/b/d", "gone/in/y"]);
        assert_eq!(paths(&found.folders), ["gone/in", "gone"]);
        let found = extra(&source, &target, Names::Exact);
        assert_eq!(paths(&found.files), ["a/b/C", "a/b/d", "gone/in/y", "X"]);
    }

    proptest! {
        #[test]
        fn a_plan_that_was_carried_out_leaves_nothing_to_do(
            source in proptest::collection::btree_map("[ab]{1,3}", (0u64..3, 0i64..3), 0..12),
            target in proptest::collection::btree_map("[ab]{1,3}", (0u64..3, 0i64..3), 0..12),
        ) {
            let entries = |m: &std::collections::BTreeMap<String, (u64, i64)>| m.iter().map(|(p, (s, t))| file(p, *s, *t)).collect::<Vec<_>>();
            let source = entries(&source);
            let mut result: HashMap<String, Entry> = entries(&target).into_iter().map(|e| (e.path.clone(), e)).collect();
            for action in transfer(&source, &entries(&target), Names::Exact, Rules::default()).actions {
                result.insert(action.to.clone(), Entry { path: action.to, kind: Kind::File(action.source), id: None });
            }
            let result: Vec<Entry> = result.into_values().collect();
            prop_assert!(transfer(&source, &result, Names::Exact, Rules::default()).actions.is_empty());
            prop_assert!(target.keys().all(|path| result.iter().any(|e| e.path == *path)));
        }
    }
}
