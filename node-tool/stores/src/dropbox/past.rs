//! What a folder of a Dropbox held at a moment in the past, and what was deleted from it.

use std::collections::{HashMap, HashSet};

use dropbox::{Client, DropboxPath, PastListing};
use engine::{
    Error, Result, Retry,
    entry::{Entry, Modified},
    history::{self, Answer, End, Page, PastVersion, Present, Trail},
    listing::{LeftOut, Listing, RootKind},
    relative_path::{below, fold},
};
use futures_util::{StreamExt, stream};
use shared::api::files::{FileMetadata, Revisions, Time};

use super::{DropboxStore, convert, error::dropbox_error};
use crate::documents::Documents;

/// Number of revisions that are asked for first: most files have fewer.
const FIRST_REVISIONS: u64 = 10;
/// Maximum number of revisions of a page.
const MAX_REVISIONS: u64 = 100;

/// A folder now and then.
#[derive(Debug)]
pub struct AsOf {
    /// What is there now.
    pub now: Listing,
    /// What was there then; the versions of files are named as they were.
    pub then: Listing,
}

/// Something that was deleted.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// Its path below the folder.
    pub path: String,
    /// The last version of a file. `None` for a folder.
    pub last: Option<Entry>,
    /// When it was deleted or moved away, if that is known.
    pub at: Option<Modified>,
    /// The account that changed the file last, if that is known: in shared folders it is.
    pub changed_by: Option<String>,
}

/// What is known of a path's past.
enum Known {
    /// The version of a file that was there, if one was.
    File(Option<PastVersion>),
    /// It was a folder.
    Folder,
}

impl DropboxStore {
    /// Returns what was there at `time`, and what is there now. Each file that changed since, or is deleted, costs a call or a few.
    ///
    /// # Errors
    /// When it can't be listed at all.
    pub async fn as_of(&self, time: Modified) -> Result<AsOf> {
        let Some(listed) = self.list_past(true).await? else {
            return self.file_as_of(time).await;
        };
        let refused = listed.refused.into_iter();
        let mut unreadable: Vec<LeftOut> = refused.map(|(path, why)| LeftOut::new(path, why)).collect();
        let present: Vec<Present> = listed
            .there
            .into_iter()
            .map(|(entry, since)| Present {
                entry: convert::entry(entry),
                since: since.map(moment),
            })
            .collect();
        let newer = present.iter().filter(|present| present.is_newer(time));
        let newer = newer.map(|present| present.entry.path.clone());
        let asked: Vec<String> = newer.chain(listed.gone).collect();
        let mut past = HashMap::new();
        let mut looks = stream::iter(asked)
            .map(async |path| {
                let known = what_was(self.client(), &self.path().join(&path), time).await;
                (path, known)
            })
            .buffer_unordered(self.client().max_calls());
        while let Some((path, known)) = looks.next().await {
            match known {
                Ok(Known::File(version)) => {
                    past.insert(path, version);
                }
                Ok(Known::Folder) => {}
                Err(error) if error.ends_run() => return Err(error),
                Err(error) => unreadable.push(LeftOut::new(path, format!("its past is unknown: {error}"))),
            }
        }
        drop(looks);
        let root = match present.is_empty() && past.values().all(Option::is_none) {
            true => RootKind::Missing,
            false => RootKind::Folder,
        };
        let then = Listing {
            root,
            entries: history::state(&present, past),
            unreadable: unreadable.clone(),
            ..Listing::default()
        };
        let now = Listing {
            root: RootKind::Folder,
            entries: present.into_iter().map(|present| present.entry).collect(),
            unreadable,
            ..Listing::default()
        };
        Ok(self.shown_as_of(AsOf { now, then }))
    }

    /// Returns both under the names that they have here.
    fn shown_as_of(&self, mut as_of: AsOf) -> AsOf {
        if self.view().documents == Documents::Exported {
            // Only what a document is now can be exported.
            let current: HashSet<&str> = as_of.now.entries.iter().filter_map(revision).collect();
            let is_lost = |entry: &Entry| {
                entry.document().is_some() && revision(entry).is_some_and(|rev| !current.contains(rev))
            };
            let lost = as_of.then.entries.extract_if(.., |entry| is_lost(entry));
            let reason = "it is a cloud document, and only what it is now can be exported";
            let lost: Vec<_> = lost.map(|entry| LeftOut::new(entry.path, reason)).collect();
            as_of.then.skipped.extend(lost);
        }
        for listing in [&mut as_of.now, &mut as_of.then] {
            self.view().show(listing, self.client(), self.path());
            listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
        }
        as_of
    }

    /// Returns the same of a single file; where there never was one, nothing.
    async fn file_as_of(&self, time: Modified) -> Result<AsOf> {
        let mut as_of = AsOf {
            now: Listing::default(),
            then: Listing::default(),
        };
        if let Some(entry) = self.client().stat(self.path()).await.map_err(dropbox_error)? {
            as_of.now.root = RootKind::File;
            as_of.now.entries.push(convert::entry(entry));
        }
        if let Known::File(Some(version)) = what_was(self.client(), self.path(), time).await? {
            as_of.then.root = RootKind::File;
            let name = self.path().name().unwrap_or_default();
            as_of.then.entries.push(Entry {
                id: version.id,
                ..Entry::new_file(name, version.meta)
            });
        }
        for listing in [&mut as_of.now, &mut as_of.then] {
            self.view().show_file(listing);
        }
        Ok(as_of)
    }

    /// Returns what was deleted from the folder, sorted by path; `recursive` with all that was below it. Each costs a call. `None`
    /// means that it is a single file, or never was there.
    ///
    /// # Errors
    /// When it can't be listed.
    pub async fn deleted(&self, recursive: bool) -> Result<Option<(Vec<Deleted>, Vec<LeftOut>)>> {
        let Some(listed) = self.list_past(recursive).await? else {
            return Ok(None);
        };
        let refused = listed.refused.into_iter();
        let mut left_out: Vec<LeftOut> = refused.map(|(path, why)| LeftOut::new(path, why)).collect();
        let looks = stream::iter(listed.gone).map(async |path| {
            let place = self.path().join(&path);
            (path, self.client().revisions_before(&place, 1, None).await)
        });
        let mut looks = looks.buffer_unordered(self.client().max_calls());
        let mut deleted = Vec::new();
        while let Some((path, looked)) = looks.next().await {
            match looked {
                Ok(revisions) => deleted.push(file_deleted(path, revisions)),
                Err(error) if error.route().is_some_and(|e| e.ends_with(&["not_file"])) => {
                    deleted.push(Deleted {
                        path,
                        last: None,
                        at: None,
                        changed_by: None,
                    });
                }
                // Nothing is kept of it.
                Err(error) if error.is_not_found() => {}
                Err(error) if error.ends_run() => return Err(dropbox_error(error)),
                Err(error) => left_out.push(LeftOut::new(path, error.to_string())),
            }
        }
        for entry in &mut deleted {
            entry.path = self.view().shown(&entry.path);
        }
        deleted.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some((deleted, left_out)))
    }

    /// Returns a file of a revision, under its name. `None` means that Dropbox doesn't have the revision, or not any more.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn revision(&self, rev: &str) -> Result<Option<Entry>> {
        let found = self.client().revision(rev).await.map_err(dropbox_error)?;
        Ok(found.map(|file| convert::entry(file.into())))
    }

    /// Lists the folder with what was deleted. A folder that is deleted itself is found in the nearest one that is there. `None`
    /// means that it is, or was, a single file, or never was there.
    async fn list_past(&self, recursive: bool) -> Result<Option<PastListing>> {
        let client = self.client();
        match client.list_with_deleted(self.path(), recursive).await {
            Ok(listing) => return Ok(Some(listing)),
            Err(error) if error.route().is_some_and(|e| e.ends_with(&["not_folder"])) => return Ok(None),
            Err(error) if !error.is_not_found() => return Err(dropbox_error(error)),
            Err(_) => {}
        }
        match client.revisions_before(self.path(), 1, None).await {
            Ok(_) => return Ok(None),
            Err(error) if error.route().is_none() => return Err(dropbox_error(error)),
            Err(_) => {}
        }
        tracing::info!(
            "'{}' is not there now: looking for what was in it",
            self.location()
        );
        let mut around = self.path().parent();
        while let Some(folder) = around {
            match client.list_with_deleted(&folder, true).await {
                Ok(listing) => return Ok(part_of(listing, &folder, self.path(), recursive)),
                Err(error) if !error.is_not_found() => return Err(dropbox_error(error)),
                Err(_) => around = folder.parent(),
            }
        }
        Ok(None)
    }
}

/// Returns the part of a listing of `folder` that is below `path`. `None` if nothing was at `path`.
fn part_of(
    listing: PastListing,
    folder: &DropboxPath,
    path: &DropboxPath,
    recursive: bool,
) -> Option<PastListing> {
    let whole = fold(path.as_str()).into_owned();
    let within = below(&whole, &fold(folder.as_str()))
        .unwrap_or_default()
        .to_owned();
    let names = within.split('/').count();
    let is_in = |path: &str| {
        let rest = fold(path);
        let rest = below(&rest, &within);
        rest.is_some_and(|rest| !rest.is_empty() && (recursive || !rest.contains('/')))
    };
    let was_there = listing
        .gone
        .iter()
        .any(|path| below(&fold(path), &within).is_some());
    // Folding may change lengths, but never the number of names.
    let cut = |path: &str| path.split('/').skip(names).collect::<Vec<_>>().join("/");
    let gone = listing.gone.iter().filter(|path| is_in(path));
    let part = PastListing {
        there: Vec::new(),
        gone: gone.map(|path| cut(path)).collect(),
        refused: Vec::new(),
    };
    was_there.then_some(part)
}

fn revision(entry: &Entry) -> Option<&str> {
    Some(&entry.file()?.version.as_ref()?.id)
}

fn moment(time: Time) -> Modified {
    Modified {
        seconds: time.0,
        nanoseconds: 0,
    }
}

fn file_deleted(path: String, revisions: Revisions) -> Deleted {
    let last = revisions.entries.into_iter().next();
    let sharing = last.as_ref().and_then(|file| file.sharing_info.clone());
    Deleted {
        at: revisions.server_deleted.map(moment),
        changed_by: sharing.and_then(|info| info.modified_by),
        last: last.map(|file| Entry {
            path: path.clone(),
            ..convert::entry(file.into())
        }),
        path,
    }
}

/// Finds out what was at a path.
async fn what_was(client: &Client, path: &DropboxPath, time: Modified) -> Result<Known> {
    let mut trail = Trail::default();
    let (mut before, mut limit) = (None, FIRST_REVISIONS);
    loop {
        let revisions = match client.revisions_before(path, limit, before.as_deref()).await {
            Ok(revisions) => revisions,
            Err(error) if error.route().is_some_and(|e| e.ends_with(&["not_file"])) => {
                return Ok(Known::Folder);
            }
            // Nothing is kept of it.
            Err(error) if error.is_not_found() => return Ok(Known::File(None)),
            Err(error) => return Err(dropbox_error(error)),
        };
        trail.learn(before.as_deref(), page(revisions)?);
        match trail.at(time) {
            Answer::Version(version) => return Ok(Known::File(Some(version))),
            Answer::Nothing => return Ok(Known::File(None)),
            Answer::Ask { before: from, one } => {
                before = Some(from);
                limit = if one { 1 } else { MAX_REVISIONS };
            }
        }
    }
}

/// Returns a page of revisions as the engine knows it.
fn page(revisions: Revisions) -> Result<Page> {
    if let Some(odd) = revisions.odd.first() {
        return Err(Error::new(Retry::Unknown, &odd.reason));
    }
    let versions: Option<Vec<PastVersion>> = revisions.entries.into_iter().map(past_version).collect();
    let versions = versions
        .ok_or_else(|| Error::new(Retry::Unknown, "Dropbox doesn't say when its revisions were made"))?;
    Ok(Page {
        versions,
        end: match (revisions.is_deleted, revisions.server_deleted) {
            (false, _) => End::Followed,
            (true, Some(time)) => End::GoneAt(moment(time)),
            (true, None) => End::Gone,
        },
        has_more: revisions.has_more,
    })
}

fn past_version(file: FileMetadata) -> Option<PastVersion> {
    let since = moment(file.server_modified?);
    let entry = convert::entry(file.into());
    Some(PastVersion {
        since,
        meta: entry.file()?.clone(),
        id: entry.id,
    })
}
