//! Entries of a listing as Dropbox says them, row by row, and how they become entries with their right names.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use crate::{
    DropboxPath, Entry, FileInfo, Kind,
    api::{files::Metadata, salvage::OddEntry},
    pages::NAMELESS,
};

/// The entries of a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// Names that can't be used as a path here, with the reason.
    pub refused: Vec<(String, String)>,
    /// Folders where another namespace is mounted, with its id.
    pub mounts: Vec<(String, Box<str>)>,
    /// The outermost folders that the account may only read. `""` is the listed folder.
    pub read_only: Vec<String>,
}

/// One entry of what was said.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// Its path in the server's lower case.
    pub path_lower: Cow<'a, str>,
    /// Its name, if that isn't just the last part of the path.
    pub name: Option<Cow<'a, str>>,
    pub kind: Cow<'a, Kind>,
    pub id: Option<Cow<'a, str>>,
    /// The namespace that is mounted there.
    pub namespace: Option<Cow<'a, str>>,
    /// Whether it is a folder that the account may only read.
    pub is_read_only: bool,
}

/// What only few entries have, by the numbers of these.
type ByNumber = HashMap<u32, Box<str>>;

/// All rows, in the order in which Dropbox said them: a later row of a path replaces an earlier one. Keyed by `path_lower`, which
/// Dropbox promises; names are put together at the end, since `path_display` is right only in its last part, and parents may come
/// later than children.
///
/// A million entries are to fit in a few hundred megabytes, so they exist once, and become a [`Listing`] where they stand.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// How many names the path of the listed folder has.
    depth: usize,
    /// Their paths are in lower case until the end.
    entries: Vec<Entry>,
    /// Names that aren't just the last part of the path, by the number of the entry.
    names: ByNumber,
    /// Namespaces that are mounted at folders.
    spaces: ByNumber,
    /// Folders that the account may only read.
    read_only: HashSet<u32>,
    /// The rows that say that something is gone.
    gone: HashSet<u32>,
    /// Rows that can't be used: the path as far as it is known, and why.
    odd: Vec<(Option<String>, String)>,
    /// The listed folder itself, or one around it, went away or became a file.
    is_uprooted: bool,
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns a key that sorts what is in a folder right behind it: a slash comes before all other characters.
fn tree_order(path: &str) -> impl Iterator<Item = u8> + '_ {
    path.bytes().map(|byte| if byte == b'/' { 0 } else { byte })
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn at_number(few: &ByNumber, at: usize) -> Option<Cow<'_, str>> {
    few.get(&number(at)).map(|text| Cow::Borrowed(&**text))
}

impl Collected {
    pub(crate) fn new(base: &DropboxPath) -> Self {
        Self {
            depth: base.depth(),
            ..Self::default()
        }
    }

    /// Takes what one page says.
    pub(crate) fn apply_page(&mut self, entries: Vec<Metadata>, odd: Vec<OddEntry>) {
        odd.into_iter().for_each(|odd| self.apply_odd(odd));
        entries.into_iter().for_each(|entry| self.apply(entry));
    }

    /// Takes one entry.
    pub(crate) fn apply(&mut self, metadata: Metadata) {
        match metadata {
            Metadata::File(file) => {
                let info = FileInfo::from(&file);
                match file.path_lower {
                    Some(path) => self.push(path, Some(&file.name), Kind::File(info), Some(file.id.into())),
                    None => self.odd.push((Some(file.name), NO_PATH.into())),
                }
            }
            Metadata::Folder(folder) => {
                let Some(path) = folder.path_lower else {
                    return self.odd.push((Some(folder.name), NO_PATH.into()));
                };
                let is_read_only = folder.sharing_info.as_ref().is_some_and(|info| info.read_only);
                let space = folder.sharing_info.and_then(|info| info.shared_folder_id);
                self.share(space.as_deref(), is_read_only);
                self.push(path, Some(&folder.name), Kind::Folder, folder.id.map(Into::into));
            }
            Metadata::Deleted(deleted) => match deleted.path_lower {
                Some(path) => self.take_away(path),
                None => self.odd.push((None, NO_PATH.into())),
            },
            Metadata::Unknown => self.odd.push((None, "it is of an unknown kind".into())),
        }
    }

    /// Takes an entry that can't be used: whatever was said of its path before is over, and it is a problem of the listing.
    pub(crate) fn apply_odd(&mut self, odd: OddEntry) {
        if let Some(path) = odd.path_lower.filter(|path| path.starts_with('/')) {
            self.take_away(path);
        }
        self.odd.push((odd.path, odd.reason));
    }

    /// Returns whether there are rows that can't be used.
    pub(crate) fn has_odd(&self) -> bool {
        !self.odd.is_empty()
    }

    /// Returns how many different paths there are.
    pub(crate) fn distinct(&self) -> usize {
        let paths: HashSet<&str> = self.entries.iter().map(|entry| entry.path.as_str()).collect();
        paths.len()
    }

    fn take_away(&mut self, path: String) {
        self.gone.insert(number(self.entries.len()));
        self.push(path, None, Kind::Folder, None);
    }

    /// Returns whether the listed folder went away or became a file.
    pub(crate) fn is_uprooted(&self) -> bool {
        self.is_uprooted
    }

    fn push(&mut self, mut path: String, name: Option<&str>, kind: Kind, id: Option<Box<str>>) {
        let is_end = kind != Kind::Folder || self.gone.contains(&number(self.entries.len()));
        self.is_uprooted |= is_end && path.matches('/').count() <= self.depth;
        if let Some(name) = name.filter(|name| *name != last(&path)) {
            self.names.insert(number(self.entries.len()), name.into());
        }
        path.shrink_to_fit();
        self.entries.push(Entry { path, kind, id });
    }

    /// Notes of the folder that comes next which namespace is mounted there, and whether the account may only read it.
    fn share(&mut self, space: Option<&str>, is_read_only: bool) {
        let next = number(self.entries.len());
        if let Some(space) = space {
            self.spaces.insert(next, space.into());
        }
        if is_read_only {
            self.read_only.insert(next);
        }
    }

    /// Puts back what was kept.
    pub(crate) fn restore(&mut self, row: Row<'_>) {
        self.share(row.namespace.as_deref(), row.is_read_only);
        let id = row.id.map(|id| id.into_owned().into());
        self.push(
            row.path_lower.into_owned(),
            row.name.as_deref(),
            row.kind.into_owned(),
            id,
        );
    }

    /// Forgets what doesn't count any more, and sorts the rest by path.
    pub(crate) fn settle(&mut self) {
        let valid = self.valid();
        let (mut names, mut spaces) = (ByNumber::with_capacity(self.names.len()), ByNumber::new());
        let mut read_only = HashSet::new();
        let kept = valid.iter().enumerate().filter(|(_, valid)| **valid);
        for (new, (old, _)) in kept.enumerate() {
            let (old, new) = (number(old), number(new));
            names.extend(self.names.remove(&old).map(|name| (new, name)));
            spaces.extend(self.spaces.remove(&old).map(|space| (new, space)));
            read_only.extend(self.read_only.remove(&old).then_some(new));
        }
        let mut at = 0;
        self.entries.retain(|_| {
            at += 1;
            valid[at - 1]
        });
        (self.names, self.spaces, self.gone) = (names, spaces, HashSet::new());
        self.read_only = read_only;
    }

    /// Returns the rows that are worth keeping, once it is [settled](Self::settle).
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.entries.iter().enumerate().map(|(at, entry)| Row {
            path_lower: Cow::Borrowed(entry.path.as_str()),
            name: at_number(&self.names, at),
            kind: Cow::Borrowed(&entry.kind),
            id: entry.id.as_deref().map(Cow::Borrowed),
            namespace: at_number(&self.spaces, at),
            is_read_only: self.read_only.contains(&number(at)),
        })
    }

    /// Returns which rows count: the last of their path, unless something around them went away or became a file later.
    fn valid(&self) -> Vec<bool> {
        let path = |at: u32| self.entries[at as usize].path.as_str();
        let mut order: Vec<u32> = (0..number(self.entries.len())).collect();
        order.sort_unstable_by(|a, b| tree_order(path(*a)).cmp(tree_order(path(*b))).then(a.cmp(b)));
        let mut valid = vec![false; self.entries.len()];
        // Folders around the current path: whatever below them was said before this number is over.
        let mut around: Vec<(&str, u32)> = Vec::new();
        for same in order.chunk_by(|a, b| path(*a) == path(*b)) {
            let Some(newest) = same.last().copied() else {
                continue;
            };
            let here = path(newest);
            while around.last().is_some_and(|(folder, _)| {
                !here
                    .strip_prefix(folder)
                    .is_some_and(|rest| rest.starts_with('/'))
            }) {
                around.pop();
            }
            let inherited = around.last().map_or(0, |(_, over)| *over);
            let ends = |at: &&u32| self.gone.contains(at) || self.entries[**at as usize].file().is_some();
            let own = same.iter().rev().find(ends).map_or(0, |at| at + 1);
            valid[newest as usize] = !self.gone.contains(&newest) && newest >= inherited;
            around.push((here, inherited.max(own)));
        }
        valid
    }

    /// Makes a listing of it.
    pub(crate) fn resolve(mut self) -> Listing {
        self.settle();
        let mut folders: HashMap<Box<str>, Box<str>> = HashMap::new();
        for (at, name) in &self.names {
            let entry = &self.entries[*at as usize];
            if entry.kind == Kind::Folder {
                folders.insert(entry.path.as_str().into(), name.clone());
            }
        }
        let mut listing = Listing::default();
        let mut at = 0;
        for (path, reason) in std::mem::take(&mut self.odd) {
            let path = path.unwrap_or_else(|| NAMELESS.into());
            listing.refused.push((below(&path, self.depth), reason));
        }
        let (names, depth, refused) = (self.names, self.depth, &mut listing.refused);
        let (mut spaces, mounts) = (self.spaces, &mut listing.mounts);
        let (flagged, mut read_only) = (self.read_only, HashSet::new());
        self.entries.retain_mut(|entry| {
            at += 1;
            let name = names
                .get(&number(at - 1))
                .map_or_else(|| last(&entry.path), AsRef::as_ref);
            let Some(path) = relative(&entry.path, name, depth, &folders) else {
                read_only.extend(flagged.contains(&number(at - 1)).then(String::new));
                return false;
            };
            if flagged.contains(&number(at - 1)) {
                read_only.insert(path.clone());
            }
            if let Some(reason) = refuse(&path) {
                refused.push((path, reason.to_owned()));
                return false;
            }
            if let Some(space) = spaces.remove(&number(at - 1)) {
                mounts.push((path.clone(), space));
            }
            entry.path = path;
            true
        });
        self.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        listing.entries = self.entries;
        listing.read_only = outermost(&read_only);
        listing
    }
}

/// Returns those of `folders` that are in none of the others, sorted. All that are in a folder of the set are in it, too.
fn outermost(folders: &HashSet<String>) -> Vec<String> {
    let around = |path: &str| path.rsplit_once('/').map_or("", |(around, _)| around).to_owned();
    let is_outermost = |path: &&String| path.is_empty() || !folders.contains(&around(path));
    let mut outermost: Vec<String> = folders.iter().filter(is_outermost).cloned().collect();
    outermost.sort_unstable();
    outermost
}

/// Why an entry without a path can't be used.
pub(super) const NO_PATH: &str = "Dropbox gives no path for it";

/// Returns a whole path without its first `depth` names and the slashes around them.
pub(super) fn below(path: &str, depth: usize) -> String {
    let Some(whole) = path.strip_prefix('/') else {
        return path.to_owned();
    };
    let rest: Vec<&str> = whole.split('/').skip(depth).collect();
    if rest.is_empty() {
        whole.to_owned()
    } else {
        rest.join("/")
    }
}

/// Returns the path below the listed folder. `None` for that folder itself.
fn relative(lower: &str, name: &str, depth: usize, folders: &HashMap<Box<str>, Box<str>>) -> Option<String> {
    let name_of = |path: &str| match path == lower {
        true => Some(name),
        false => folders.get(path).map(AsRef::as_ref),
    };
    name_below(lower, depth, name_of)
}

/// Returns the path below a folder of `depth` names of something with the path `lower` in lower case, of which `name_of` knows the
/// names of those that differ from their path. `None` for the folder itself.
pub(super) fn name_below<'a>(
    lower: &str,
    depth: usize,
    name_of: impl Fn(&str) -> Option<&'a str>,
) -> Option<String> {
    let cuts = lower.match_indices('/').map(|(at, _)| at).skip(1);
    // Ends of all ancestors, the outermost first, and its own.
    let ends: Vec<usize> = cuts.chain([lower.len()]).collect();
    if ends.len() <= depth {
        return None;
    }
    let mut path = String::with_capacity(lower.len());
    for (number, end) in ends.iter().enumerate().skip(depth) {
        let here = &lower[..*end];
        if number > depth {
            path.push('/');
        }
        path.push_str(name_of(here).unwrap_or_else(|| last(here)));
    }
    path.shrink_to_fit();
    Some(path)
}

/// Returns why a path can't be used here. Names are data: one that would lead elsewhere is never followed.
pub(super) fn refuse(path: &str) -> Option<&'static str> {
    path.split('/').find_map(|part| match part {
        "" => Some("it has an empty name"),
        "." | ".." => Some("its name would lead elsewhere"),
        part if part.contains('\0') => Some("its name has a NUL"),
        _ => None,
    })
}

/// Returns why a name can't be used here, as one part of a path.
pub(crate) fn refuse_name(name: &str) -> Option<&'static str> {
    match name.contains('/') {
        true => Some("its name has a slash"),
        false => refuse(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(json: &str) -> Metadata {
        serde_json::from_str(json).unwrap()
    }

    fn file(lower: &str, name: &str, display: &str) -> Metadata {
        metadata(&format!(
            r#"{{".tag":"file","name":"{name}","path_lower":"{lower}","path_display":"{display}","id":"id:1","client_modified":"2020-01-01T00:00:00Z","rev":"0123456789","size":1}}"#
        ))
    }

    fn folder(lower: &str, name: &str) -> Metadata {
        metadata(&format!(
            r#"{{".tag":"folder","name":"{name}","path_lower":"{lower}","id":"id:1"}}"#
        ))
    }

    fn deleted(lower: &str) -> Metadata {
        metadata(&format!(
            r#"{{".tag":"deleted","name":"x","path_lower":"{lower}"}}"#
        ))
    }

    fn paths(base: &str, all: Vec<Metadata>) -> Vec<String> {
        let mut collected = Collected::new(&DropboxPath::parse(base).unwrap());
        all.into_iter().for_each(|entry| collected.apply(entry));
        collected.resolve().entries.into_iter().map(|e| e.path).collect()
    }

    #[test]
    fn names_come_from_the_folders_entries_wherever_they_stand() {
        let all = vec![
            file("/base/ccc/ddd/file.txt", "File.txt", "/Base/CCC/ddd/File.txt"),
            folder("/base/ccc", "ccc"),
            folder("/base/ccc/ddd", "DdD"),
            folder("/base", "Base"),
        ];
        assert_eq!(paths("BASE", all), ["ccc", "ccc/DdD", "ccc/DdD/File.txt"]);
    }

    #[test]
    fn later_entries_win() {
        let all = vec![
            folder("/a", "a"),
            file("/a/x", "x", "/a/x"),
            file("/b", "b", "/b"),
            deleted("/a"),
            file("/b", "B", "/B"),
            folder("/c", "c"),
            file("/c/y", "y", "/c/y"),
            file("/c", "c", "/c"),
        ];
        assert_eq!(paths("", all), ["B", "c"]);
    }

    #[test]
    fn what_is_said_in_any_order_ends_as_if_it_was_done_step_by_step() {
        use proptest::prelude::*;
        // Paths of a small world, so that they meet often.
        let names = prop::sample::select(vec!["/a", "/a/b", "/a/b/c", "/a/b!", "/ab", "/a/d", "/e"]);
        let said = prop::collection::vec((names, 0..3_u8), 0..12);
        proptest!(|(said in said)| {
            let mut collected = Collected::new(&DropboxPath::default());
            let mut world: std::collections::BTreeMap<&str, u8> = Default::default();
            for (path, what) in said {
                let name = path.rsplit('/').next().unwrap();
                let below = format!("{path}/");
                if what != 1 {
                    world.retain(|known, _| !known.starts_with(&below));
                }
                match what {
                    0 => world.insert(path, 0),
                    1 => world.insert(path, 1),
                    _ => world.remove(path),
                };
                collected.apply(match what {
                    0 => file(path, name, path),
                    1 => folder(path, name),
                    _ => deleted(path),
                });
            }
            let listed: Vec<(String, u8)> = collected
                .resolve()
                .entries
                .into_iter()
                .map(|e| (format!("/{}", e.path), u8::from(e.file().is_none())))
                .collect();
            let mut expected: Vec<(String, u8)> = world.into_iter().map(|(p, k)| (p.to_owned(), k)).collect();
            expected.sort();
            prop_assert_eq!(listed, expected);
        });
    }

    #[test]
    fn a_folder_that_is_no_folder_any_more_is_noticed() {
        for (end, expected) in [
            (deleted("/base"), true),
            (file("/base", "base", "/base"), true),
            (deleted("/base/a"), false),
            (folder("/base", "base"), false),
        ] {
            let mut collected = Collected::new(&DropboxPath::parse("base").unwrap());
            collected.apply(file("/base/a", "a", "/base/a"));
            collected.apply(end);
            assert_eq!(collected.is_uprooted(), expected);
        }
        let mut collected = Collected::new(&DropboxPath::default());
        collected.apply(deleted("/a"));
        assert!(!collected.is_uprooted(), "the root stays");
    }

    #[test]
    fn what_cannot_be_used_is_a_problem_and_not_a_file() {
        let mut collected = Collected::new(&DropboxPath::parse("base").unwrap());
        collected.apply(file("/base/sub/was", "was", "/Base/Sub/was"));
        collected.apply(file("/base/ok", "ok", "/base/ok"));
        for (path, lower) in [
            (Some("/Base/Sub/Was"), Some("/base/sub/was")),
            (Some("name"), None),
            (None, None),
        ] {
            collected.apply_odd(OddEntry {
                path: path.map(str::to_owned),
                path_lower: lower.map(str::to_owned),
                reason: "why".into(),
            });
        }
        collected.apply(metadata(r#"{".tag":"folder","name":"nowhere"}"#));
        assert!(collected.has_odd() && !collected.is_uprooted());
        let listing = collected.resolve();
        let paths: Vec<&str> = listing.entries.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, ["ok"], "what was known of it before is over");
        let refused: Vec<&str> = listing.refused.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(refused, ["Sub/Was", "name", "an entry without a name", "nowhere"]);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let mut collected = Collected::new(&DropboxPath::default());
        collected.apply(file("/a/..", "..", "/a/.."));
        collected.apply(file("/..b", "..b", "/..b"));
        let listing = collected.resolve();
        assert_eq!((listing.entries.len(), listing.refused.len()), (1, 1));
    }
}
