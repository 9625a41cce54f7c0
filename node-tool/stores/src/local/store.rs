//! A folder of this machine as a store.

use std::{
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use engine::{
    Result,
    entry::{Entry, FileMeta, LINK_ENDING, Modified},
    listing::{Capabilities, LeftOut, Listing, NameRules, Query, RootKind},
    store::{Rename, Store},
};
use shared::{content_hash::ContentHash, raw};

use super::{Root, hash_file, read::Untrue, walk};
use crate::blocking::blocking;

/// A folder of this machine, or a file.
#[derive(Clone, Debug)]
pub struct LocalStore {
    root: Root,
}

impl LocalStore {
    /// Returns the store at `path`, which need not exist yet.
    pub fn new(path: &Path) -> Self {
        Self {
            root: Root::new(path),
        }
    }

    /// Returns where it is, as it was typed.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Returns the folder, held open.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Returns the path of something below it.
    pub fn path_of(&self, relative: &str) -> PathBuf {
        match relative {
            "" => self.path().to_owned(),
            relative => raw::join(self.path(), relative),
        }
    }

    /// Returns the symlink at a path as the file that it travels as. `None` if none is there.
    pub fn link_at(&self, relative: &str) -> Option<Entry> {
        let path = self.path_of(relative);
        let is_link = std::fs::symlink_metadata(&path).is_ok_and(|there| there.is_symlink());
        let file = walk::translated(&path).ok().filter(|_| is_link)?;
        Some(Entry::new_file(format!("{relative}{LINK_ENDING}"), file))
    }

    /// Sets the permissions of the file or folder at `path`, never of what a symlink leads to.
    ///
    /// # Errors
    /// When it isn't there, is a symlink or isn't ours.
    pub fn set_mode(&self, path: &str, mode: u32) -> Result<()> {
        self.root().set_mode(path, mode).map_err(local_error)
    }

    /// Returns what is at some paths themselves, where something is to go: symlinks are not followed.
    ///
    /// # Errors
    /// When the file system can't be read.
    pub fn list_only(&self, paths: &[&str]) -> Result<Listing> {
        let mut listing = Listing {
            root: RootKind::Folder,
            ..Listing::default()
        };
        for path in paths {
            if let Some(special) = walk::special_at(&self.path_of(path)) {
                listing.specials.push(((*path).to_owned(), special));
            } else if let Some(entry) = walk::stat(&self.path_of(path)).map_err(local_error)? {
                listing.entries.push(Entry {
                    path: (*path).to_owned(),
                    ..entry
                });
            }
        }
        Ok(listing)
    }
}

/// Returns the engine's error for one of this machine.
pub(crate) fn local_error(error: io::Error) -> engine::Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Untrue>()) {
        return engine::Error::from_cause(engine::Retry::Never, error);
    }
    error.into()
}

fn refusal(name: &str) -> Option<String> {
    (raw::name(name).len() > 255).then(|| "a name is over 255 bytes long".into())
}

/// What is already gone need not be removed.
fn forgive(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[async_trait(?Send)]
impl Store for LocalStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            names: NameRules {
                ignores_case: false,
                store: "this machine",
                refusal,
            },
            sets_times: true,
            stats_many: false,
            has_symlinks: true,
        }
    }

    async fn stat(&self, path: &str) -> Result<Option<Entry>> {
        let found = walk::stat(&self.path_of(path)).map_err(local_error)?;
        Ok(found.map(|entry| match path {
            "" => entry,
            path => Entry {
                path: path.to_owned(),
                ..entry
            },
        }))
    }

    async fn list(&self, query: Query<'_>) -> Result<Listing> {
        match walk::stat(self.path()).map_err(local_error)? {
            None => return Ok(Listing::default()),
            Some(file) if file.file().is_some() => {
                return Ok(Listing {
                    root: RootKind::File,
                    entries: vec![file],
                    ..Listing::default()
                });
            }
            Some(_) => {}
        }
        let (root, filter, symlinks) = (self.root.clone(), query.filter.clone(), query.symlinks);
        let walked = blocking(move || walk::walk(&root, &filter, symlinks)).await;
        let (unreadable, skipped): (Vec<_>, Vec<_>) =
            walked.skipped.into_iter().partition(|skipped| skipped.is_error);
        let left_out = |skipped: walk::Skipped| {
            LeftOut::new(raw::text(skipped.path.as_os_str()).into_owned(), skipped.reason)
        };
        Ok(Listing {
            read_only: Vec::new(),
            root: RootKind::Folder,
            entries: walked.entries,
            unreadable: unreadable.into_iter().map(left_out).collect(),
            skipped: skipped.into_iter().map(left_out).collect(),
            specials: walked.others,
            pruned: walked.closed,
        })
    }

    async fn make_dirs(&self, paths: &[&str]) -> Vec<Result<()>> {
        let make = |path: &&str| self.root.make_folder(path).map_err(local_error);
        paths.iter().map(make).collect()
    }

    async fn remove_files(&self, files: &[(&str, Option<&FileMeta>)]) -> Vec<Result<()>> {
        let remove = |(path, seen): &(&str, Option<&FileMeta>)| {
            forgive(self.root.remove_file(path, *seen)).map_err(local_error)
        };
        files.iter().map(remove).collect()
    }

    async fn remove_dirs(&self, paths: &[&str]) -> Vec<Result<()>> {
        let remove = |path: &&str| {
            let done = match *path {
                "" => std::fs::remove_dir(self.path()),
                path => forgive(self.root.remove_folder(path)),
            };
            done.map_err(local_error)
        };
        paths.iter().map(remove).collect()
    }

    async fn rename(&self, renames: &[Rename<'_>]) -> Vec<Result<Option<Box<str>>>> {
        let rename = |rename: &Rename<'_>| {
            self.root.rename(rename.from, rename.to).map_err(local_error)?;
            if let Some(modified) = rename.modified {
                self.root.set_modified(rename.to, modified).map_err(local_error)?;
            }
            Ok(None)
        };
        renames.iter().map(rename).collect()
    }

    /// Reads the file, unless its checksum was kept from an earlier run. Symlinks are followed.
    async fn checksum(&self, path: &str, _: &FileMeta) -> Result<Option<ContentHash>> {
        let path = self.path_of(path);
        let hash = blocking(move || hash_file(&path)).await;
        hash.map(Some).map_err(local_error)
    }

    async fn set_modified(&self, path: &str, modified: Modified) -> Result<()> {
        let (root, path) = (self.root.clone(), path.to_owned());
        blocking(move || root.set_modified(&path, modified))
            .await
            .map_err(local_error)
    }
}
