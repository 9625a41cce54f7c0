//! `ls` and the other commands that list. This module has what they share: the place, the filters, and what could not be listed.

mod deleted;
pub mod listremotes;
pub mod ls;
pub mod lsf;
pub mod lsjson;
pub mod size;
pub mod tree;

use std::{os::unix::fs::MetadataExt, path::PathBuf};

use shared::{exit, failure::Failure};

use super::{App, missing, place_failure, sources::split_pattern};
use engine::{
    entry::{Entry, Modified},
    filter::Filter,
    listing::RootKind,
};
use stores::Place;

use crate::{
    flags::{
        filter::FilterFlags,
        symlinks::{SymlinkFlags, log_skipped},
    },
    report::{
        self,
        format::Item,
        json::{self, Object},
    },
};

/// A place, and which part of it to list.
#[derive(Debug, clap::Args)]
pub struct PlaceArgs {
    /// What to list: NAME:path, or a local folder
    #[arg(value_parser = crate::commands::place())]
    pub(in crate::commands) path: String,
    #[command(flatten)]
    pub(in crate::commands) filter: FilterFlags,
    #[command(flatten)]
    pub(in crate::commands) symlinks: SymlinkFlags,
}

/// What was found at a place.
pub(in crate::commands) struct Listing {
    pub side: Place,
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// What let them in.
    pub filter: Filter,
    /// Whether something could not be listed.
    is_cut: bool,
    /// Whether the one entry is the place itself.
    pub is_itself: bool,
    /// The time of entries that have none.
    default_time: Modified,
}

impl PlaceArgs {
    /// Lists the place; without `recursive` no deeper than the folder itself, or than `--max-depth`, as in rclone.
    ///
    /// # Errors
    /// When there is nothing, or it can't be listed at all.
    pub(in crate::commands) async fn list(&self, recursive: bool, app: &App) -> Result<Listing, Failure> {
        let there = self.list_at(&self.path, &self.filter, recursive, app).await?;
        if let Some(listing) = there {
            return Ok(listing);
        }
        let gone = |place: &str| Ok(missing(&app.place(place)?));
        let Some((folder, pattern)) = split_pattern(&self.path) else {
            return Err(gone(&self.path)?);
        };
        let mut filter = self.filter.clone();
        filter.take_pattern(&pattern)?;
        let recursive = recursive || pattern.trim_start_matches('/').contains('/');
        let there = self.list_at(&folder, &filter, recursive, app).await?;
        there.map_or_else(|| Err(gone(&folder)?), Ok)
    }

    /// Lists a place. `None` if there is nothing.
    async fn list_at(
        &self,
        place: &str,
        flags: &FilterFlags,
        recursive: bool,
        app: &App,
    ) -> Result<Option<Listing>, Failure> {
        let mut filter = flags.filter()?;
        if !recursive && flags.max_depth.is_none_or(|depth| depth < 0) {
            filter = filter.no_deeper_than(1);
        }
        let side = app.place(place)?;
        let found = side.list_filtered(&filter, self.symlinks.symlinks()).await;
        let found = found.map_err(|e| place_failure("list", &side, &e))?;
        if found.root == RootKind::Missing {
            return Ok(None);
        }
        log_skipped(&found);
        report::left_out(&found.unreadable)?;
        Ok(Some(Listing {
            side,
            is_cut: !found.unreadable.is_empty(),
            is_itself: found.root == RootKind::File,
            entries: found.entries,
            filter,
            default_time: app.default_time,
        }))
    }
}

impl Listing {
    /// Returns the exit code. If something could not be listed it is 6, as in rclone: repeating the command doesn't help.
    pub(in crate::commands) fn code(&self) -> u8 {
        if self.is_cut {
            exit::FATAL_FOR_SOME
        } else {
            exit::SUCCESS
        }
    }

    /// Returns the entries as the formats show them, with hashes and types only if they are asked for.
    pub(in crate::commands) fn items(&self, with_hash: bool, with_type: bool) -> Vec<Item> {
        let item = |entry: &Entry| {
            let mut item = Item::from(entry);
            if with_type {
                item.mime_type = Some(mime_type(entry));
            }
            if !with_hash {
                item.hashes.clear();
            } else if item.hashes.is_empty() && entry.file().is_some() {
                item.hashes.extend(self.hash(entry));
            }
            if item.is_folder {
                (item.size_bytes, item.modified) = self.folder(entry);
            }
            item
        };
        self.entries.iter().map(item).collect()
    }

    /// Prints an object for each entry that `is_shown`, where `--json` is on.
    ///
    /// # Errors
    /// When stdout can't be written.
    pub(super) fn print_json(&self, is_shown: impl Fn(&Entry) -> bool) -> Result<(), Failure> {
        let shown = || self.entries.iter().filter(|entry| is_shown(entry));
        let files = || shown().filter_map(Entry::file);
        json::count(|total| {
            total.files = Some(files().count() as u64);
            let sized = files().filter(|file| file.document().is_none());
            total.bytes = Some(sized.map(|file| file.size_bytes).sum());
        });
        json::print_all(shown().map(|entry| Object::Entry(entry.into())))
    }

    /// Returns a folder's size and time: those of the file system, or what rclone shows for a Dropbox, which has neither.
    fn folder(&self, entry: &Entry) -> (Option<u64>, Option<Modified>) {
        let path = self.local_path(entry);
        match path.and_then(|path| std::fs::metadata(path).ok()) {
            Some(metadata) => (
                Some(metadata.len()).filter(|_| !self.is_itself),
                Some(Modified {
                    seconds: metadata.mtime(),
                    nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
                }),
            ),
            None => (None, Some(self.default_time)),
        }
    }

    /// Returns the place of an entry.
    pub(in crate::commands) fn place_of(&self, entry: &Entry) -> Place {
        match self.is_itself {
            true => self.side.clone(),
            false => self.side.join(&entry.path),
        }
    }

    fn hash(&self, entry: &Entry) -> Option<(String, String)> {
        let hash = stores::local::hash_file(&self.local_path(entry)?).ok()?;
        Some(("dropbox".to_owned(), hash.to_string()))
    }

    /// Returns where an entry is on this machine.
    fn local_path(&self, entry: &Entry) -> Option<PathBuf> {
        match &self.side {
            Place::Local(store) if self.is_itself => Some(store.path().to_owned()),
            Place::Local(store) => Some(store.path_of(&entry.path)),
            Place::Dropbox(_) | Place::Link(_) => None,
        }
    }
}

/// Returns the current time.
pub fn now() -> Modified {
    jiff::Timestamp::now().into()
}

fn mime_type(entry: &Entry) -> String {
    if entry.file().is_none() {
        return "inode/directory".into();
    }
    let guess = mime_guess::from_path(&entry.path).first_or_octet_stream();
    match guess.type_() {
        mime_guess::mime::TEXT => format!("{guess}; charset=utf-8"),
        _ => guess.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_listed_has_rclones_code() {
        let listing = |is_cut| Listing {
            side: Place::local("x".as_ref()),
            entries: Vec::new(),
            filter: Filter::default(),
            is_cut,
            is_itself: false,
            default_time: Modified::default(),
        };
        assert_eq!((listing(false).code(), listing(true).code()), (0, 6));
    }
}
