//! Which folders of many small files come as one zip, where that takes less time than a call for each. Pure.

use std::collections::HashMap;

use super::{Action, Task};
use crate::tree::Entry;

/// Fewer files than this come faster one by one.
const LEAST_FILES: u64 = 12;
/// Larger files do, too, on average.
const MOST_AVERAGE: u64 = 256 << 10;
/// A zip is no larger than this, so that there are several, and little is lost when one breaks off. Dropbox's own limit is 20 GB.
pub const MOST_BYTES: u64 = 16 << 20;
/// Entries of a zip: Dropbox's limit is 10,000 with the folder itself.
pub const MOST_ENTRIES: u64 = 9_000;
/// So much of a folder must be wanted, in tenths.
const WANTED_TENTHS: u64 = 9;

/// What is in the folders of a listing, all in all: by the folder's path.
#[derive(Clone, Debug, Default)]
pub struct Weights(HashMap<Box<str>, Weight>);

#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    files: u64,
    entries: u64,
    bytes: u64,
}

impl Weights {
    /// Of what is listed, before any filter.
    pub fn of(entries: &[Entry]) -> Self {
        let mut weights = Self::default();
        for entry in entries {
            let bytes = entry.file().map(|file| file.size_bytes);
            weights.add(&entry.path, bytes);
        }
        weights
    }

    fn add(&mut self, path: &str, bytes: Option<u64>) {
        let mut rest = path;
        loop {
            rest = rest.rsplit_once('/').map_or("", |(folder, _)| folder);
            if !self.0.contains_key(rest) {
                self.0.insert(rest.into(), Weight::default());
            }
            if let Some(weight) = self.0.get_mut(rest) {
                weight.entries += 1;
                weight.files += u64::from(bytes.is_some());
                weight.bytes += bytes.unwrap_or(0);
            }
            if rest.is_empty() {
                return;
            }
        }
    }
}

/// A folder that comes as a zip.
#[derive(Debug)]
pub struct Bundle {
    /// Relative to the source.
    pub folder: String,
    /// Its files that are wanted.
    pub actions: Vec<Action>,
}

/// Takes the actions apart: folders that are worth a zip, and the rest. `is_root` says that the source itself can't be zipped.
pub fn bundle(actions: Vec<Action>, there: &Weights, is_root: bool) -> (Vec<Bundle>, Vec<Action>) {
    let mut wanted = Weights::default();
    for action in actions.iter().filter(|action| is_plain(action)) {
        wanted.add(&action.from, Some(action.source.size_bytes));
    }
    let is_worth = |folder: &str| {
        let (Some(wanted), Some(there)) = (wanted.0.get(folder), there.0.get(folder)) else {
            return false;
        };
        wanted.files >= LEAST_FILES
            && wanted.bytes / wanted.files <= MOST_AVERAGE
            && there.bytes <= MOST_BYTES
            && there.entries <= MOST_ENTRIES
            && wanted.files * 10 >= there.files * WANTED_TENTHS
            && wanted.bytes * 10 >= there.bytes * WANTED_TENTHS
            && !(is_root && folder.is_empty())
    };
    let mut bundles: HashMap<String, Vec<Action>> = HashMap::new();
    let mut rest = Vec::new();
    for action in actions {
        let folder = is_plain(&action)
            .then(|| folders(&action.from).find(|folder| is_worth(folder)))
            .flatten();
        match folder.map(str::to_owned) {
            Some(folder) => bundles.entry(folder).or_default().push(action),
            None => rest.push(action),
        }
    }
    let mut bundles: Vec<Bundle> = bundles
        .into_iter()
        .map(|(folder, actions)| Bundle { folder, actions })
        .collect();
    bundles.sort_by(|a, b| a.folder.cmp(&b.folder));
    (bundles, rest)
}

/// The folders that a path is in, the outermost first.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once("").chain(path.match_indices('/').map(|(at, _)| &path[..at]))
}

/// Whether it is a matter of bytes alone.
fn is_plain(action: &Action) -> bool {
    matches!(action.task, Task::Copy(_))
        && action.source.document().is_none()
        && action
            .source
            .remote
            .as_ref()
            .is_some_and(|remote| remote.content_hash.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::Why,
        tree::{FileInfo, Kind, Modified, RemoteInfo},
    };
    use shared::content_hash::ContentHash;

    fn info(size_bytes: u64) -> FileInfo {
        FileInfo {
            size_bytes,
            modified: Modified {
                seconds: 0,
                nanoseconds: 0,
            },
            remote: Some(Box::new(RemoteInfo {
                rev: "1".into(),
                content_hash: Some(ContentHash::of(b"")),
                document: None,
            })),
        }
    }

    fn action(path: &str, size: u64) -> Action {
        Action {
            from: path.into(),
            to: path.into(),
            source: info(size),
            over: None,
            task: Task::Copy(Why::New),
        }
    }

    fn files(folder: &str, count: u64, size: u64) -> Vec<(String, u64)> {
        (0..count)
            .map(|n| (format!("{folder}/{n}").trim_start_matches('/').to_owned(), size))
            .collect()
    }

    /// Folders that come as zips, and the number of other files, if those of `left_out` aren't wanted.
    fn split(all: &[(String, u64)], left_out: &str, is_root: bool) -> (Vec<String>, usize) {
        let entries: Vec<Entry> = all
            .iter()
            .map(|(path, size)| Entry {
                path: path.clone(),
                kind: Kind::File(info(*size)),
                id: None,
            })
            .collect();
        let actions = all
            .iter()
            .filter(|(path, _)| left_out.is_empty() || !path.starts_with(left_out))
            .map(|(path, size)| action(path, *size))
            .collect();
        let (bundles, rest) = bundle(actions, &Weights::of(&entries), is_root);
        (bundles.into_iter().map(|b| b.folder).collect(), rest.len())
    }

    #[test]
    fn folders_are_chosen_from_above() {
        let small = [files("a/x", 50, 1000), files("a/y", 50, 1000), files("b", 3, 10)].concat();
        assert_eq!(split(&small, "", false), (vec![String::new()], 0));
        assert_eq!(split(&small, "", true), (vec!["a".into()], 3));
        assert_eq!(
            split(&small, "a/x", false),
            (vec!["a/y".into()], 3),
            "most is not wanted"
        );
        let large = [files("a/x", 90, 100_000), files("a/y", 90, 100_000)].concat();
        assert_eq!(
            split(&large, "", false),
            (vec!["a/x".into(), "a/y".into()], 0),
            "too large for one"
        );
        let big = [files("a", 40, 1000), vec![("a/big".into(), 1 << 30)]].concat();
        assert_eq!(
            split(&big, "", false),
            (vec![], 41),
            "a big file would come along"
        );
        assert_eq!(split(&files("", 3, 10), "", false), (vec![], 3));
        assert_eq!(split(&files("", 20, 1 << 20), "", false), (vec![], 20));
    }
}
