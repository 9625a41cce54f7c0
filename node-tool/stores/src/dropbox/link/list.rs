//! Lists what is behind a link: folder by folder, as many at once as the client lets.

use std::sync::atomic::Ordering;

use dropbox::{DropboxPath, Error, LinkFolder, LinkProblem};
use engine::{
    Result,
    entry::{Entry, FileMeta, Kind, Modified, Version},
    filter::Filter,
    listing::{LeftOut, Listing, RootKind},
    relative_path::join,
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use shared::api::sharing::Link;

use super::{LinkStore, Location};
use crate::dropbox::{convert, dropbox_error};

/// Why a cloud document can't be had.
const NO_EXPORT: &str = "it is a cloud document, which a link hands out in a browser only";

impl LinkStore {
    /// Returns what is at a path below the link, under its own name. `None` means that the link opens and nothing is there.
    pub(super) async fn look(&self, path: &DropboxPath) -> Result<Option<Entry>> {
        let there = match self.client.open_link(&self.link, path).await {
            Ok(there) => there,
            Err(Error::Link(LinkProblem::NotFound)) if !path.is_root() => {
                let root = self.client.open_link(&self.link, &DropboxPath::default()).await;
                return root.map(|_| None).map_err(dropbox_error);
            }
            Err(error) => return Err(dropbox_error(error)),
        };
        self.learn(path, &there);
        let listed = match (there.rev.is_some(), path.parent()) {
            // Only a listing has the hash.
            (true, Some(parent)) => self.find_in(&parent, &there).await?,
            _ => None,
        };
        Ok(Some(listed.unwrap_or_else(|| entry(&there))))
    }

    fn learn(&self, path: &DropboxPath, there: &Link) {
        if path.is_root() {
            self.learned.name.lock().clone_from(&there.name);
        }
        let is_view_only = !there.link_permissions.allow_download;
        self.learned.is_view_only.store(is_view_only, Ordering::Relaxed);
    }

    /// Returns a file as the listing of its folder has it, if that is the same revision.
    async fn find_in(&self, folder: &DropboxPath, file: &Link) -> Result<Option<Entry>> {
        let listed = self
            .client
            .list_link(&self.link, folder)
            .await
            .map_err(dropbox_error)?;
        let is_it = |entry: &dropbox::Entry| {
            entry.path == file.name && entry.file().map(|info| &info.rev) == file.rev.as_ref()
        };
        Ok(listed.entries.into_iter().find(is_it).map(convert::entry))
    }

    /// Returns everything at and below this place, except for folders that the filter doesn't need.
    pub(super) async fn walk(&self, filter: &Filter) -> Result<Listing> {
        let top = match &self.place {
            Location::At(path) => path.clone(),
            Location::Around => DropboxPath::default(),
        };
        let Some(root) = self.look(&top).await? else {
            return Ok(Listing::default());
        };
        let is_around = self.place == Location::Around;
        let mut listing = Listing {
            root: match is_around || root.file().is_none() {
                true => RootKind::Folder,
                false => RootKind::File,
            },
            ..Listing::default()
        };
        let mut folders = FuturesUnordered::new();
        let list = |relative: String, path: DropboxPath| async move {
            let listed = self.client.list_link(&self.link, &path).await;
            listed.map(|listed| (relative, path, listed))
        };
        let begin = match (root.file().is_some(), is_around) {
            (true, _) => {
                take(&mut listing, root);
                None
            }
            (false, true) => {
                let name = root.path.clone();
                listing.entries.push(root);
                Some(name)
            }
            (false, false) => Some(String::new()),
        };
        folders.extend(begin.map(|relative| list(relative, top)));
        while let Some(listed) = folders.next().await {
            let (relative, path, listed) = listed.map_err(dropbox_error)?;
            let inner = add(&mut listing, &relative, listed, filter);
            folders.extend(
                inner
                    .into_iter()
                    .map(|name| list(join(&relative, &name), path.join(&name))),
            );
        }
        listing.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }
}

/// Adds what is in the folder `around`. Returns the names of the folders in it that are to be listed.
fn add(listing: &mut Listing, around: &str, listed: LinkFolder, filter: &Filter) -> Vec<String> {
    let refused = listed.refused.into_iter();
    listing
        .unreadable
        .extend(refused.map(|(name, reason)| LeftOut::new(join(around, &name), reason)));
    let depth = 2 + around.split('/').filter(|name| !name.is_empty()).count();
    let is_deepest = filter.max_depth().is_some_and(|max| depth > max);
    let mut inner = Vec::new();
    for found in listed.entries {
        let name = found.path.clone();
        let entry = Entry {
            path: join(around, &name),
            ..convert::entry(found)
        };
        if entry.file().is_none() {
            match filter.includes_dir(&entry.path) {
                true if !is_deepest => inner.push(name),
                true => {}
                false => {
                    listing.pruned.push(entry.path);
                    continue;
                }
            }
        }
        take(listing, entry);
    }
    inner
}

fn take(listing: &mut Listing, entry: Entry) {
    match entry.document().is_some() {
        true => listing.unreadable.push(LeftOut::new(entry.path, NO_EXPORT)),
        false => listing.entries.push(entry),
    }
}

/// Returns the entry of what a link leads to. Its content hash isn't known.
fn entry(there: &Link) -> Entry {
    let kind = match &there.rev {
        None => Kind::Folder,
        Some(rev) => Kind::File(FileMeta {
            size_bytes: there.size.unwrap_or_default(),
            modified: Modified {
                seconds: there.client_modified.map_or(0, |time| time.0),
                nanoseconds: 0,
            },
            version: Some(Box::new(Version {
                id: rev.clone(),
                checksum: None,
                document: None,
            })),
        }),
    };
    Entry {
        path: there.name.clone(),
        kind,
        id: there.id.as_deref().map(Into::into),
    }
}
