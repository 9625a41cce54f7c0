//! Entries of a listing, with their right names.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use serde::{Deserialize, Serialize};
use shared::api::files::Metadata;

use super::{DropboxPath, list::file_info};
use crate::tree::{Entry, Kind};

/// The entries of a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// Names that can't be used as a path here, with the reason.
    pub refused: Vec<(String, &'static str)>,
}

/// What was said of one path.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Item {
    /// Only if the path's last part is another.
    name: Option<Box<str>>,
    kind: Kind,
    id: Option<Box<str>>,
}

impl Item {
    fn new(path: &str, name: String, kind: Kind, id: Option<Box<str>>) -> Self {
        let name = (last(path) != name).then(|| name.into());
        Self { name, kind, id }
    }

    fn name<'a>(&'a self, path: &'a str) -> &'a str {
        self.name.as_deref().unwrap_or_else(|| last(path))
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Entries by their `path_lower`, the key that the server promises; names are put together at the end, since
/// `path_display` is right only in its last part and parents may come later than children.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Of the listed folder: components of its path.
    pub depth: usize,
    pub items: BTreeMap<Box<str>, Item>,
}

impl Collected {
    pub fn new(base: &DropboxPath) -> Self {
        Self {
            depth: base.depth(),
            items: BTreeMap::new(),
        }
    }

    /// Applies one entry by the rules of list_folder: a later one of the same path replaces it.
    pub fn apply(&mut self, metadata: Metadata) {
        match metadata {
            Metadata::File(file) => {
                let info = file_info(&file);
                if let Some(path) = file.path_lower {
                    self.remove_below(&path);
                    let item = Item::new(&path, file.name, Kind::File(info), Some(file.id.into()));
                    self.items.insert(path.into(), item);
                }
            }
            Metadata::Folder(folder) => {
                if let Some(path) = folder.path_lower {
                    let item = Item::new(&path, folder.name, Kind::Folder, folder.id.map(Into::into));
                    self.items.insert(path.into(), item);
                }
            }
            Metadata::Deleted(deleted) => {
                if let Some(path) = deleted.path_lower {
                    self.remove_below(&path);
                    self.items.remove(path.as_str());
                }
            }
            Metadata::Unknown => {}
        }
    }

    fn remove_below(&mut self, path: &str) {
        let prefix = format!("{path}/");
        let below: Vec<Box<str>> = self
            .items
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .take_while(|(p, _)| p.starts_with(&prefix))
            .map(|(p, _)| p.clone())
            .collect();
        for path in below {
            self.items.remove(&path);
        }
    }

    /// Takes it apart, since a large one exists only once in memory.
    pub fn resolve(self) -> Listing {
        let folders: HashMap<Box<str>, Box<str>> = self
            .items
            .iter()
            .filter(|(path, item)| item.kind == Kind::Folder && item.name(path) != last(path))
            .map(|(path, item)| (path.clone(), item.name(path).into()))
            .collect();
        let mut listing = Listing::default();
        listing.entries.reserve_exact(self.items.len());
        for (lower, item) in self.items {
            let Some(path) = relative(&lower, item.name(&lower), self.depth, &folders) else {
                continue;
            };
            match refuse(&path) {
                Some(reason) => listing.refused.push((path, reason)),
                None => listing.entries.push(Entry {
                    path,
                    kind: item.kind,
                    id: item.id,
                }),
            }
        }
        listing.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        listing
    }
}

/// The path below the listed folder, or nothing for that folder itself.
fn relative(lower: &str, name: &str, depth: usize, folders: &HashMap<Box<str>, Box<str>>) -> Option<String> {
    let cuts: Vec<usize> = lower.match_indices('/').map(|(at, _)| at).skip(1).collect();
    // Ends of all ancestors, the outermost first.
    let mut path = String::with_capacity(lower.len());
    for end in cuts.iter().skip(depth) {
        let ancestor = &lower[..*end];
        let name = folders
            .get(ancestor)
            .map_or_else(|| last(ancestor), AsRef::as_ref);
        path.push_str(name);
        path.push('/');
    }
    if cuts.len() < depth {
        return None;
    }
    path.push_str(name);
    path.shrink_to_fit();
    Some(path)
}

/// A name is data: one that would lead elsewhere is never followed.
fn refuse(path: &str) -> Option<&'static str> {
    path.split('/').find_map(|part| match part {
        "" => Some("it has an empty name"),
        "." | ".." => Some("its name would lead elsewhere"),
        part if part.contains('\0') => Some("its name has a NUL"),
        _ => None,
    })
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
    fn names_that_lead_elsewhere_are_refused() {
        let mut collected = Collected::new(&DropboxPath::default());
        collected.apply(file("/a/..", "..", "/a/.."));
        collected.apply(file("/..b", "..b", "/..b"));
        let listing = collected.resolve();
        assert_eq!((listing.entries.len(), listing.refused.len()), (1, 1));
    }
}
