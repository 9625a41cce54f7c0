//! Listing: pages into entries with their right names.

use std::collections::{BTreeMap, HashMap};

use shared::api::files::{
    CursorArg, FileMetadata, GET_METADATA, LIST_FOLDER, LIST_FOLDER_CONTINUE, ListFolderArg,
    ListFolderResult, MAX_LIST_LIMIT, Metadata, PathArg,
};

use super::{Client, DropboxPath, Error};
use crate::tree::{Document, Entry, FileInfo, Kind, Modified, RemoteInfo};

/// What a path turned out to be.
#[derive(Debug)]
pub enum Listed {
    /// A folder, and what is in it.
    Folder(Listing),
    /// A single file.
    File(Entry),
}

/// The entries of a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// Names that can't be used as a path here, with the reason.
    pub refused: Vec<(String, &'static str)>,
}

impl Client {
    /// Lists `path`; `recursive` with all that is below. A file is listed as itself.
    ///
    /// # Errors
    /// When there is nothing at `path`, or the listing doesn't come to its end.
    pub async fn list(&self, path: &DropboxPath, recursive: bool) -> Result<Listed, Error> {
        let mut collected = Collected::new(path);
        let arg = ListFolderArg {
            path: path.as_str().to_owned(),
            recursive,
            limit: Some(MAX_LIST_LIMIT),
        };
        let mut page = match self.rpc(&LIST_FOLDER, &arg).await {
            Ok(page) => page,
            Err(error) if error.route().is_some_and(|e| e.ends_with(&["not_folder"])) => {
                return match self.stat(path).await? {
                    Some(entry) => Ok(Listed::File(entry)),
                    None => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        loop {
            let ListFolderResult {
                entries,
                cursor,
                has_more,
            } = page;
            entries.into_iter().for_each(|entry| collected.apply(entry));
            if !has_more {
                return Ok(Listed::Folder(collected.resolve()));
            }
            page = self.rpc(&LIST_FOLDER_CONTINUE, &CursorArg { cursor }).await?;
        }
    }

    /// What stands at `path`; nothing if nothing does. The entry's path is its name alone.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn stat(&self, path: &DropboxPath) -> Result<Option<Entry>, Error> {
        if path.is_root() {
            return Ok(Some(Entry {
                path: String::new(),
                kind: Kind::Folder,
                id: None,
            }));
        }
        match self
            .rpc(
                &GET_METADATA,
                &PathArg {
                    path: path.as_str().to_owned(),
                },
            )
            .await
        {
            Ok(Metadata::File(file)) => Ok(Some(Entry {
                path: file.name.clone(),
                kind: Kind::File(file_info(&file)),
                id: Some(file.id.into()),
            })),
            Ok(Metadata::Folder(folder)) => Ok(Some(Entry {
                path: folder.name,
                kind: Kind::Folder,
                id: folder.id.map(Into::into),
            })),
            Ok(Metadata::Deleted(_) | Metadata::Unknown) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What is worth keeping of a file's metadata.
pub(super) fn file_info(file: &FileMetadata) -> FileInfo {
    FileInfo {
        size_bytes: file.size,
        modified: Modified {
            seconds: file.client_modified.0,
            nanoseconds: 0,
        },
        remote: Some(RemoteInfo {
            rev: file.rev.clone(),
            content_hash: file.content_hash,
            document: (!file.is_downloadable).then(|| Box::new(document(file))),
        }),
    }
}

fn document(file: &FileMetadata) -> Document {
    let info = file.export_info.clone().unwrap_or_default();
    let mut formats: Vec<String> = info.export_as.into_iter().collect();
    let default = formats.first().cloned();
    formats.extend(
        info.export_options
            .into_iter()
            .filter(|f| Some(f) != default.as_ref()),
    );
    Document {
        id: file.id.clone(),
        formats,
        ..Document::default()
    }
}

/// What was said of one path.
struct Item {
    name: String,
    kind: Kind,
    id: Option<Box<str>>,
}

/// Entries by their `path_lower`, the key that the server promises; names are put together at the end, since
/// `path_display` is right only in its last part and parents may come later than children.
struct Collected {
    depth: usize,
    items: BTreeMap<String, Item>,
}

impl Collected {
    fn new(base: &DropboxPath) -> Self {
        Self {
            depth: base.depth(),
            items: BTreeMap::new(),
        }
    }

    /// Applies one entry by the rules of list_folder: a later one of the same path replaces it.
    fn apply(&mut self, metadata: Metadata) {
        match metadata {
            Metadata::File(file) => {
                let info = file_info(&file);
                if let Some(path) = file.path_lower {
                    self.remove_below(&path);
                    let item = Item {
                        name: file.name,
                        kind: Kind::File(info),
                        id: Some(file.id.into()),
                    };
                    self.items.insert(path, item);
                }
            }
            Metadata::Folder(folder) => {
                if let Some(path) = folder.path_lower {
                    let item = Item {
                        name: folder.name,
                        kind: Kind::Folder,
                        id: folder.id.map(Into::into),
                    };
                    self.items.insert(path, item);
                }
            }
            Metadata::Deleted(deleted) => {
                if let Some(path) = deleted.path_lower {
                    self.remove_below(&path);
                    self.items.remove(&path);
                }
            }
            Metadata::Unknown => {}
        }
    }

    fn remove_below(&mut self, path: &str) {
        let prefix = format!("{path}/");
        let below: Vec<String> = self
            .items
            .range(prefix.clone()..)
            .take_while(|(p, _)| p.starts_with(&prefix))
            .map(|(p, _)| p.clone())
            .collect();
        for path in below {
            self.items.remove(&path);
        }
    }

    fn resolve(self) -> Listing {
        let folders: HashMap<&str, &str> = self
            .items
            .iter()
            .filter(|(_, item)| item.kind == Kind::Folder)
            .map(|(path, item)| (path.as_str(), item.name.as_str()))
            .collect();
        let mut listing = Listing::default();
        for (lower, item) in &self.items {
            let Some(path) = relative(lower, &item.name, self.depth, &folders) else {
                continue;
            };
            match refuse(&path) {
                Some(reason) => listing.refused.push((path, reason)),
                None => listing.entries.push(Entry {
                    path,
                    kind: item.kind.clone(),
                    id: item.id.clone(),
                }),
            }
        }
        listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
        listing
    }
}

/// The path below the listed folder, or nothing for that folder itself.
fn relative(lower: &str, name: &str, depth: usize, folders: &HashMap<&str, &str>) -> Option<String> {
    let cuts: Vec<usize> = lower.match_indices('/').map(|(at, _)| at).skip(1).collect();
    // Ends of all ancestors, the outermost first.
    let mut path = String::with_capacity(lower.len());
    for end in cuts.iter().skip(depth) {
        let ancestor = &lower[..*end];
        let name = folders
            .get(ancestor)
            .copied()
            .unwrap_or_else(|| ancestor.rsplit('/').next().unwrap_or(ancestor));
        path.push_str(name);
        path.push('/');
    }
    if cuts.len() < depth {
        return None;
    }
    path.push_str(name);
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
