//! Which folders of many small files are downloaded as one zip, where that takes less time than a call for each. Pure.

use std::collections::{BTreeSet, HashMap};

use engine::{
    entry::Entry,
    plan::{Step, StepKind, file::Group},
    relative_path::ancestors,
};

/// Minimum number of files for a zip; fewer are faster one by one.
const MIN_FILES: u64 = 12;
/// Maximum average size of the files in bytes; larger ones are faster one by one.
const MAX_AVERAGE_BYTES: u64 = 256 << 10;
/// Maximum size of a zip, so that there are several, and little is lost when one breaks off. Dropbox's own limit is 20 GB.
pub(super) const MAX_ZIP_BYTES: u64 = 16 << 20;
/// Maximum number of entries of a zip: Dropbox's limit is 10,000 with the folder itself.
pub(super) const MAX_ZIP_ENTRIES: u64 = 9_000;
/// Minimum part of a folder that must be wanted, in tenths.
const MIN_WANTED_TENTHS: u64 = 9;

/// Totals of the folders of a listing, by the folder's path.
#[derive(Clone, Debug, Default)]
pub(crate) struct FolderTotals(HashMap<Box<str>, Total>);

#[derive(Clone, Copy, Debug, Default)]
struct Total {
    files: u64,
    entries: u64,
    bytes: u64,
}

impl FolderTotals {
    /// Totals of what is listed, before any filter.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut totals = Self::default();
        for entry in entries {
            let bytes = entry.file().map(|file| file.size_bytes);
            totals.add(&entry.path, bytes);
        }
        totals
    }

    /// Returns totals that an earlier listing found.
    pub(crate) fn of_groups(groups: &[Group]) -> Self {
        let total = |group: &Group| Total {
            files: group.files,
            entries: group.entries,
            bytes: group.bytes,
        };
        Self(
            groups
                .iter()
                .map(|group| (group.path.as_str().into(), total(group)))
                .collect(),
        )
    }

    /// Returns the folders that are worth a zip if these files are wanted, sorted. `is_root` as in [`group`].
    pub(crate) fn worth(&self, steps: &[Step], is_root: bool) -> Vec<Group> {
        let wanted = Self::wanted(steps);
        let folders: BTreeSet<&str> = steps
            .iter()
            .filter_map(|step| self.zip_of(step, &wanted, is_root))
            .collect();
        let group = |path: &str| {
            let total = self.0.get(path)?;
            Some(Group {
                path: path.to_owned(),
                files: total.files,
                entries: total.entries,
                bytes: total.bytes,
            })
        };
        folders.into_iter().filter_map(group).collect()
    }

    /// Totals of files that are wanted.
    fn wanted(steps: &[Step]) -> Self {
        let mut wanted = Self::default();
        for step in steps.iter().filter(|step| is_plain(step)) {
            wanted.add(&step.from, Some(step.meta.size_bytes));
        }
        wanted
    }

    /// Returns the outermost folder around a file that is worth a zip. `None` means that there is none.
    fn zip_of<'a>(&self, step: &'a Step, wanted: &Self, is_root: bool) -> Option<&'a str> {
        if !is_plain(step) {
            return None;
        }
        folders(&step.from).find(|folder| self.is_worth(folder, wanted, is_root))
    }

    fn is_worth(&self, folder: &str, wanted: &Self, is_root: bool) -> bool {
        let (Some(wanted), Some(there)) = (wanted.0.get(folder), self.0.get(folder)) else {
            return false;
        };
        wanted.files >= MIN_FILES
            && wanted.bytes / wanted.files <= MAX_AVERAGE_BYTES
            && there.bytes <= MAX_ZIP_BYTES
            && there.entries <= MAX_ZIP_ENTRIES
            && wanted.files * 10 >= there.files * MIN_WANTED_TENTHS
            && wanted.bytes * 10 >= there.bytes * MIN_WANTED_TENTHS
            && !(is_root && folder.is_empty())
    }

    fn add(&mut self, path: &str, bytes: Option<u64>) {
        for folder in ancestors(path).chain([""]) {
            if !self.0.contains_key(folder) {
                self.0.insert(folder.into(), Total::default());
            }
            if let Some(total) = self.0.get_mut(folder) {
                total.entries += 1;
                total.files += u64::from(bytes.is_some());
                total.bytes += bytes.unwrap_or(0);
            }
        }
    }
}

/// A folder that is downloaded as a zip.
#[derive(Debug)]
pub(super) struct ZipGroup {
    /// Its path relative to the source.
    pub folder: String,
    /// Its files that are wanted.
    pub steps: Vec<Step>,
}

/// Splits steps into folders that are worth a zip, and the rest. `is_root` means that the source itself can't be zipped.
pub(super) fn group(steps: Vec<Step>, there: &FolderTotals, is_root: bool) -> (Vec<ZipGroup>, Vec<Step>) {
    let wanted = FolderTotals::wanted(&steps);
    let mut groups: HashMap<String, Vec<Step>> = HashMap::new();
    let mut rest = Vec::new();
    for step in steps {
        let folder = there.zip_of(&step, &wanted, is_root).map(str::to_owned);
        match folder {
            Some(folder) => groups.entry(folder).or_default().push(step),
            None => rest.push(step),
        }
    }
    let mut groups: Vec<ZipGroup> = groups
        .into_iter()
        .map(|(folder, steps)| ZipGroup { folder, steps })
        .collect();
    groups.sort_by(|a, b| a.folder.cmp(&b.folder));
    (groups, rest)
}

/// Returns the folders that a path is in, the outermost first.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once("").chain(path.match_indices('/').map(|(at, _)| &path[..at]))
}

/// Returns whether only the number of bytes decides.
fn is_plain(step: &Step) -> bool {
    matches!(step.kind, StepKind::Copy(_)) && step.meta.document().is_none() && step.meta.checksum().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::{
        entry::{FileMeta, Version},
        plan::CopyReason,
    };
    use shared::content_hash::ContentHash;

    fn meta(size_bytes: u64) -> FileMeta {
        FileMeta {
            size_bytes,
            version: Some(Box::new(Version {
                id: "1".into(),
                checksum: Some(ContentHash::of(b"")),
                document: None,
            })),
            ..FileMeta::default()
        }
    }

    fn step(path: &str, size: u64) -> Step {
        Step::new(StepKind::Copy(CopyReason::New), path, path, meta(size))
    }

    fn files(folder: &str, count: u64, size: u64) -> Vec<(String, u64)> {
        (0..count)
            .map(|n| (format!("{folder}/{n}").trim_start_matches('/').to_owned(), size))
            .collect()
    }

    /// Returns the folders to download as zips, and the number of other files, if those of `left_out` aren't wanted.
    fn split(all: &[(String, u64)], left_out: &str, is_root: bool) -> (Vec<String>, usize) {
        let entries: Vec<Entry> = all
            .iter()
            .map(|(path, size)| Entry::new_file(path, meta(*size)))
            .collect();
        let steps = all
            .iter()
            .filter(|(path, _)| left_out.is_empty() || !path.starts_with(left_out))
            .map(|(path, size)| step(path, *size))
            .collect();
        let (groups, rest) = group(steps, &FolderTotals::of(&entries), is_root);
        (groups.into_iter().map(|b| b.folder).collect(), rest.len())
    }

    #[test]
    fn what_another_process_knows_of_the_chosen_folders_is_enough() {
        let all = [files("a/x", 50, 1000), files("a/y", 50, 1000), files("b", 3, 10)].concat();
        let entries: Vec<Entry> = all
            .iter()
            .map(|(path, size)| Entry::new_file(path, meta(*size)))
            .collect();
        let steps: Vec<Step> = all.iter().map(|(path, size)| step(path, *size)).collect();
        let totals = FolderTotals::of(&entries);
        let worth = totals.worth(&steps, true);
        let paths: Vec<&str> = worth.iter().map(|group| group.path.as_str()).collect();
        assert_eq!(paths, ["a"]);
        let (groups, rest) = group(steps, &FolderTotals::of_groups(&worth), true);
        assert_eq!((groups.len(), groups[0].steps.len(), rest.len()), (1, 100, 3));
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
