//! What a folder held at a moment in the past, from the versions of its files. Pure: what to ask a store next, and what its
//! answers mean.
//!
//! A store lists the versions of a path, the newest first, page by page. Deletions are no versions: a page says how the newest of
//! its versions ended, and so the end of each version can be asked for.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    entry::{Entry, FileMeta, Kind, Modified},
    relative_path::{ancestors, fold},
};

/// A version of a file, and when the store got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastVersion {
    /// When the store got it.
    pub since: Modified,
    /// The store's lasting name of the file.
    pub id: Option<Box<str>>,
    /// The version.
    pub meta: FileMeta,
}

impl PastVersion {
    /// Returns the store's name of the version.
    fn name(&self) -> &str {
        self.meta.version.as_ref().map_or("", |version| &version.id)
    }
}

/// What came after a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The next version, or nothing: the file was there all the time.
    Followed,
    /// The file was deleted or moved away at this moment.
    GoneAt(Modified),
    /// The file was deleted or moved away, and it isn't known when.
    Gone,
}

/// Some versions of a path, as a store lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The versions, the newest first.
    pub versions: Vec<PastVersion>,
    /// What came after the newest of them.
    pub end: End,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// What is known of the versions of a path.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// The newest first.
    versions: Vec<PastVersion>,
    /// What came after a version, by its index.
    ends: BTreeMap<usize, End>,
    is_complete: bool,
}

/// What was at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This version of a file.
    Version(PastVersion),
    /// No file, as far as the store remembers.
    Nothing,
    /// That isn't known yet: ask for the versions before the one of this name.
    Ask {
        /// The name of a version.
        before: String,
        /// Whether one is enough, since only the end of the newest is wanted.
        one: bool,
    },
}

impl Trail {
    /// Takes the versions before the one of the name `before`; `None` means the newest.
    pub fn learn(&mut self, before: Option<&str>, page: Page) {
        let at = match before {
            None => 0,
            Some(name) => match self.versions.iter().position(|version| version.name() == name) {
                Some(at) => at + 1,
                None => return,
            },
        };
        self.ends.insert(at, page.end);
        if at == self.versions.len() {
            // A page without versions is the last, whatever it promises.
            self.is_complete = !page.has_more || page.versions.is_empty();
            self.versions.extend(page.versions);
        }
    }

    /// Returns what was at the path at `time`.
    pub fn at(&self, time: Modified) -> Answer {
        let Some(at) = self.versions.iter().position(|version| version.since <= time) else {
            return match self.versions.last().filter(|_| !self.is_complete) {
                Some(oldest) => Answer::Ask {
                    before: oldest.name().to_owned(),
                    one: false,
                },
                None => Answer::Nothing,
            };
        };
        match self.ends.get(&at) {
            Some(End::GoneAt(moment)) if *moment <= time => Answer::Nothing,
            Some(_) => Answer::Version(self.versions[at].clone()),
            None => Answer::Ask {
                before: self.versions[at - 1].name().to_owned(),
                one: true,
            },
        }
    }
}

/// Something that is there now, and when the store got it.
#[derive(Clone, Debug)]
pub struct Present {
    /// What is there.
    pub entry: Entry,
    /// When the store got the version of a file. `None` means that this isn't known.
    pub since: Option<Modified>,
}

impl Present {
    /// Returns whether it may have been another version, or not there, at `time`.
    pub fn is_newer(&self, time: Modified) -> bool {
        self.entry.file().is_some() && self.since.is_none_or(|since| since > time)
    }
}

/// Returns what was there: what is there now and isn't newer, and the versions in `past`, by their paths, where `None` means that no
/// file was there. Sorted by path; a folder is there if it is there now, or something is in it.
///
/// A file that is now elsewhere is recognised by its lasting name: a server may keep the time of a file that it moves.
pub fn state<'a>(
    present: impl IntoIterator<Item = &'a Present>,
    past: HashMap<String, Option<PastVersion>>,
) -> Vec<Entry> {
    let mut home: HashMap<&str, &str> = HashMap::new();
    for (path, version) in &past {
        let id = version.as_ref().and_then(|version| version.id.as_deref());
        home.extend(id.map(|id| (id, path.as_str())));
    }
    let was_elsewhere = |entry: &Entry| {
        let id = entry.id.as_deref().filter(|_| entry.file().is_some());
        id.and_then(|id| home.get(id))
            .is_some_and(|path| *path != entry.path)
    };
    let stayed = present
        .into_iter()
        .map(|present| &present.entry)
        .filter(|entry| !past.contains_key(&entry.path) && !was_elsewhere(entry));
    let mut entries: Vec<Entry> = stayed.cloned().collect();
    entries.extend(past.into_iter().filter_map(|(path, version)| {
        let version = version?;
        Some(Entry {
            path,
            kind: Kind::File(version.meta),
            id: version.id,
        })
    }));
    with_folders(entries)
}

/// Returns the files that are there now and weren't then, as far as nothing that was there needs their place: they may stay.
pub fn came_since<'a>(now: &'a [Entry], then: &[Entry]) -> Vec<&'a Entry> {
    let was: HashSet<_> = then.iter().map(|entry| fold(&entry.path)).collect();
    let files = now.iter().filter(|entry| entry.file().is_some());
    // A folder that was there is among them: so is each that something needs.
    files.filter(|entry| !was.contains(&fold(&entry.path))).collect()
}

/// Adds the folders that files are in, and leaves out what can't have been there beside them; sorted by path.
fn with_folders(mut entries: Vec<Entry>) -> Vec<Entry> {
    let files = entries.iter().filter(|entry| entry.file().is_some());
    let around: HashMap<String, String> = files
        .flat_map(|entry| ancestors(&entry.path))
        .map(|folder| (fold(folder).into_owned(), folder.to_owned()))
        .collect();
    entries.retain(|entry| entry.file().is_none() || !around.contains_key(&*fold(&entry.path)));
    let there: HashSet<String> = entries
        .iter()
        .map(|entry| fold(&entry.path).into_owned())
        .collect();
    let missing = around.into_iter().filter(|(key, _)| !there.contains(key));
    entries.extend(missing.map(|(_, folder)| Entry::folder(folder)));
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entry::Version;

    fn at(seconds: i64) -> Modified {
        Modified {
            seconds,
            nanoseconds: 0,
        }
    }

    fn version(name: &str, since: i64) -> PastVersion {
        let version = Version {
            id: name.into(),
            ..Version::default()
        };
        PastVersion {
            since: at(since),
            id: Some(format!("id of {name}").into()),
            meta: FileMeta {
                version: Some(Box::new(version)),
                ..FileMeta::default()
            },
        }
    }

    fn page(versions: &[(&str, i64)], end: End, has_more: bool) -> Page {
        Page {
            versions: versions
                .iter()
                .map(|(name, since)| version(name, *since))
                .collect(),
            end,
            has_more,
        }
    }

    fn said(answer: &Answer) -> String {
        match answer {
            Answer::Version(version) => version.name().to_owned(),
            Answer::Nothing => "nothing".into(),
            Answer::Ask { before, one: true } => format!("end before {before}"),
            Answer::Ask { before, one: false } => format!("more before {before}"),
        }
    }

    #[test]
    fn a_trail_says_what_was_there_or_what_to_ask() {
        let followed = End::Followed;
        for (versions, end, has_more, time, expected) in [
            // There all the time.
            (&[("b", 20), ("a", 10)][..], followed, false, 25, "b"),
            (&[("b", 20), ("a", 10)], followed, false, 20, "b"),
            (&[("b", 20), ("a", 10)], followed, false, 19, "end before b"),
            (&[("b", 20), ("a", 10)], followed, false, 9, "nothing"),
            // Deleted since.
            (&[("a", 10)], End::GoneAt(at(30)), false, 29, "a"),
            (&[("a", 10)], End::GoneAt(at(30)), false, 30, "nothing"),
            (&[("a", 10)], End::Gone, false, 50, "a"),
            // Older ones are on another page.
            (&[("c", 30), ("b", 20)], followed, true, 15, "more before b"),
            (&[], End::GoneAt(at(1)), false, 5, "nothing"),
        ] {
            let mut trail = Trail::default();
            trail.learn(None, page(versions, end, has_more));
            assert_eq!(
                said(&trail.at(at(time))),
                expected,
                "{versions:?} {end:?} at {time}"
            );
        }
    }

    #[test]
    fn a_deletion_between_two_versions_is_seen() {
        for (end, expected) in [
            (End::Followed, "a"),
            (End::GoneAt(at(12)), "nothing"),
            (End::GoneAt(at(17)), "a"),
        ] {
            let mut trail = Trail::default();
            trail.learn(None, page(&[("b", 20), ("a", 10)], End::Followed, false));
            trail.learn(Some("b"), page(&[("a", 10)], end, false));
            assert_eq!(said(&trail.at(at(15))), expected, "{end:?}");
        }
    }

    #[test]
    fn a_page_says_how_the_one_before_it_ended_and_an_empty_one_is_the_last() {
        let mut trail = Trail::default();
        trail.learn(None, page(&[("c", 30)], End::Followed, true));
        trail.learn(Some("c"), page(&[("b", 20)], End::GoneAt(at(25)), true));
        assert_eq!(said(&trail.at(at(27))), "nothing");
        assert_eq!(said(&trail.at(at(22))), "b");
        assert_eq!(said(&trail.at(at(5))), "more before b");
        trail.learn(Some("b"), page(&[], End::Followed, true));
        assert_eq!(said(&trail.at(at(5))), "nothing");
        trail.learn(Some("unknown"), page(&[("x", 1)], End::Followed, false));
        assert_eq!(said(&trail.at(at(5))), "nothing");
    }

    fn present(path: &str, since: Option<i64>, id: &str) -> Present {
        let entry = match since {
            None => Entry::folder(path),
            Some(_) => Entry {
                id: Some(id.into()),
                ..Entry::new_file(path, FileMeta::default())
            },
        };
        Present {
            entry,
            since: since.map(at),
        }
    }

    fn was(id: &str) -> Option<PastVersion> {
        let version = version("v", 1);
        Some(PastVersion {
            id: Some(id.into()),
            ..version
        })
    }

    #[test]
    fn the_state_is_what_stayed_and_what_was() {
        for (now, past, expected) in [
            // Unchanged, changed, new, deleted.
            (
                vec![
                    present("same", Some(1), "1"),
                    present("new", Some(9), "2"),
                    present("old", Some(9), "3"),
                ],
                vec![("new", None), ("old", was("3")), ("gone/deep/x", was("4"))],
                "gone/ gone/deep/ gone/deep/x old same",
            ),
            // Moved within the folder: it was at its old place only, although its time is old.
            (
                vec![present("d", None, ""), present("d/new", Some(1), "7")],
                vec![("old", was("7"))],
                "d/ old",
            ),
            // A folder that became a file, and came back.
            (
                vec![present("a", Some(9), "1")],
                vec![("a", None), ("a/x", was("2"))],
                "a/ a/x",
            ),
            (
                vec![present("a", Some(1), "1")],
                vec![("a/x", was("2"))],
                "a/ a/x",
            ),
            // In another case of letters.
            (vec![present("A", None, "")], vec![("a/x", was("2"))], "A/ a/x"),
            (vec![present("empty", None, "")], vec![], "empty/"),
        ] {
            let past = past
                .into_iter()
                .map(|(path, was)| (path.to_owned(), was))
                .collect();
            let shown: Vec<String> = state(&now, past)
                .iter()
                .map(|entry| match entry.file() {
                    Some(_) => entry.path.clone(),
                    None => format!("{}/", entry.path),
                })
                .collect();
            assert_eq!(shown.join(" "), expected);
        }
    }

    #[test]
    fn what_came_since_may_stay_unless_its_place_is_needed() {
        let now = [
            Entry::new_file("a", FileMeta::default()),
            Entry::folder("d"),
            Entry::new_file("d/New", FileMeta::default()),
            Entry::new_file("same", FileMeta::default()),
        ];
        let then = [
            Entry::folder("A"),
            Entry::new_file("A/x", FileMeta::default()),
            Entry::folder("d"),
            Entry::new_file("SAME", FileMeta::default()),
        ];
        let came: Vec<&str> = came_since(&now, &then)
            .into_iter()
            .map(|entry| entry.path.as_str())
            .collect();
        assert_eq!(came, ["d/New"]);
    }

    /// What happened to one path, in order: a version came, or it was deleted.
    fn events() -> impl Strategy<Value = Vec<(bool, i64)>> {
        prop::collection::vec((any::<bool>(), 1..4_i64), 0..12).prop_map(|steps| {
            let mut now = 0;
            let mut is_there = false;
            steps
                .into_iter()
                .map(|(writes, wait)| {
                    now += wait;
                    is_there = writes || !is_there;
                    (is_there, now)
                })
                .collect()
        })
    }

    /// What a store says of it.
    fn listed(events: &[(bool, i64)], before: Option<&str>, limit: usize) -> Page {
        let end = before.map_or(events.len(), |name| name.parse().unwrap());
        let events = &events[..end];
        let mut versions: Vec<PastVersion> = Vec::new();
        for (number, (writes, time)) in events.iter().enumerate().rev() {
            if *writes {
                versions.push(version(&number.to_string(), *time));
            }
        }
        let has_more = versions.len() > limit;
        versions.truncate(limit);
        Page {
            versions,
            end: match events.last() {
                Some((false, time)) => End::GoneAt(at(*time)),
                _ => End::Followed,
            },
            has_more,
        }
    }

    proptest! {
        #[test]
        fn a_trail_finds_what_was_there(events in events(), time in 0..40_i64, limit in 1..4_usize) {
            let mut trail = Trail::default();
            trail.learn(None, listed(&events, None, limit));
            let mut calls = 1;
            let found = loop {
                match trail.at(at(time)) {
                    Answer::Ask { before, one } => {
                        let limit = if one { 1 } else { limit };
                        trail.learn(Some(&before), listed(&events, Some(&before), limit));
                        calls += 1;
                    }
                    answer => break said(&answer),
                }
            };
            let last = events.iter().enumerate().rev().find(|(_, (_, moment))| *moment <= time);
            let expected = match last {
                Some((number, (true, _))) => number.to_string(),
                _ => "nothing".into(),
            };
            prop_assert_eq!(found, expected);
            prop_assert!(calls <= events.len() + 2);
        }
    }
}
