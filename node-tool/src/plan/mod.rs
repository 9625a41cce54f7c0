//! Actions as data: two listings become a list of what is to be done. Pure: no I/O, no flags, no terminal.

mod compare;

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::tree::{Entry, FileInfo, Kind};

pub use compare::{Comparison, Why, compare};

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
    /// Size is the same and the time isn't: the content's hash decides.
    Settle,
}

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
    pub same: u64,
}

/// How the target tells names apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As Dropbox does: case doesn't matter, and letters are composed (NFC).
    Dropbox,
    /// As Linux does: byte by byte.
    Exact,
}

/// What must be done so that every file of `source` is in `target` too. Nothing is ever removed.
pub fn copy(source: &[Entry], target: &[Entry], names: Names) -> Plan {
    // Which entry of the target a path meets: names are folded in the way of the stricter side, Dropbox's.
    let mut there: HashMap<String, &Entry> = HashMap::with_capacity(target.len());
    for entry in target {
        there.entry(key(&entry.path, names)).or_insert(entry);
    }
    let mut plan = Plan::default();
    let mut taken: HashMap<String, &str> = HashMap::new();
    for entry in source {
        let Kind::File(file) = &entry.kind else { continue };
        let obstacle = |reason: String| Obstacle {
            path: entry.path.clone(),
            reason,
        };
        let key = key(&entry.path, names);
        if let Some(reason) = refused_by(&entry.path, file, names) {
            plan.obstacles.push(obstacle(reason));
            continue;
        }
        if names == Names::Dropbox
            && let Some(other) = taken.insert(key.clone(), &entry.path)
        {
            plan.obstacles.push(obstacle(format!(
                "Dropbox can't tell it from '{other}', whose letters differ only in case or form"
            )));
            continue;
        }
        let (over, comparison) = match there.get(&key) {
            None => (None, Comparison::Different(Why::New)),
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
            }) => (Some(old), compare(file, old)),
        };
        let task = match comparison {
            Comparison::Same => {
                plan.same += 1;
                continue;
            }
            Comparison::Different(why) => Task::Copy(why),
            Comparison::TimeDiffers => Task::Settle,
        };
        let to = match (there.get(&key), names) {
            (Some(existing), _) => existing.path.clone(),
            (None, Names::Dropbox) => entry.path.nfc().collect(),
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

/// Why a file can't live on the other side.
fn refused_by(path: &str, file: &FileInfo, names: Names) -> Option<String> {
    match names {
        Names::Dropbox => path
            .split('/')
            .find_map(|name| crate::dropbox::check_name(name).err())
            .map(str::to_owned),
        Names::Exact if file.remote.as_ref().is_some_and(|r| !r.downloadable) => {
            Some("it is a cloud document, which can only be exported".into())
        }
        Names::Exact => path
            .split('/')
            .any(|name| name.len() > 255)
            .then(|| "a name is over 255 bytes long".into()),
    }
}

/// By what two paths are the same name.
fn key(path: &str, names: Names) -> String {
    match names {
        // Letter by letter: `str::to_lowercase` knows the final sigma, which Dropbox does not.
        Names::Dropbox => path.nfc().flat_map(char::to_lowercase).collect(),
        Names::Exact => path.to_owned(),
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
        }
    }

    fn folder(path: &str) -> Entry {
        Entry {
            path: path.into(),
            kind: Kind::Folder,
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
        let plan = copy(&source, &target, Names::Exact);
        let done: Vec<_> = plan.actions.iter().map(|a| (a.to.as_str(), a.task)).collect();
        assert_eq!(
            done,
            [
                ("new", Task::Copy(Why::New)),
                ("size", Task::Copy(Why::SizeDiffers)),
                ("time", Task::Settle),
                ("d/x", Task::Copy(Why::New))
            ]
        );
        assert_eq!((plan.same, plan.obstacles.len()), (1, 0));
    }

    #[test]
    fn dropbox_names_meet_without_regard_to_case_and_form() {
        let plan = copy(
            &[file("Fu\u{308}r.TXT", 2, 1)],
            &[file("f\u{fc}r.txt", 1, 1)],
            Names::Dropbox,
        );
        assert_eq!(plan.actions[0].to, "f\u{fc}r.txt");
        let plan = copy(
            &[file("ΣΑΣ", 1, 1)],
            &[file("σας", 1, 1), file("σασ", 1, 1)],
            Names::Dropbox,
        );
        assert_eq!(plan.same, 1);
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
        let plan = copy(&source, &[folder("dir")], Names::Dropbox);
        let paths = |p: &Plan| p.obstacles.iter().map(|o| o.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&plan), ["a", "bad ", "b\\c", "dir"]);
        assert_eq!(
            plan.actions.iter().map(|a| a.to.as_str()).collect::<Vec<_>>(),
            ["A", "ok"]
        );
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
            for action in copy(&source, &entries(&target), Names::Exact).actions {
                result.insert(action.to.clone(), Entry { path: action.to, kind: Kind::File(action.source) });
            }
            let result: Vec<Entry> = result.into_values().collect();
            prop_assert!(copy(&source, &result, Names::Exact).actions.is_empty());
            prop_assert!(target.keys().all(|path| result.iter().any(|e| e.path == *path)));
        }
    }
}
