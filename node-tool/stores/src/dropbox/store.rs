//! A folder of a Dropbox, under the names that it has here.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use dropbox::{Client, DropboxPath, Listed, Relocation, RemotePath, encoding};
use engine::{
    Error, ErrorKind, Result, Retry,
    entry::{Entry, FileMeta, Modified, own_path},
    filter::Filter,
    listing::{Capabilities, LeftOut, Listing, NameRules, Query, RootKind},
    plan::{Step, file::Group},
    relative_path::{ancestors, is_within, parent},
    store::{Rename, Store},
};
use parking_lot::Mutex;
use shared::content_hash::ContentHash;

use super::{LeavesOut, View, convert, down::FolderTotals, error::dropbox_error, namespaces::Namespaces};
use crate::documents::{self, Documents};

/// Number of changes from which on the next run's listing is prepared: more than a page holds.
const MIN_CHANGES_TO_LIST: u64 = 2000;

/// A folder or file of a Dropbox.
#[derive(Clone, Debug)]
pub struct DropboxStore {
    client: Arc<Client>,
    path: DropboxPath,
    view: View,
    /// Whether a listing adds up what is in each folder.
    totals_folders: bool,
    learned: Arc<Learned>,
}

/// What listings showed besides the entries.
#[derive(Debug, Default)]
struct Learned {
    namespaces: Mutex<Namespaces>,
    folder_totals: Mutex<Option<FolderTotals>>,
}

impl DropboxStore {
    /// Returns the store at a path of a Dropbox.
    pub fn new(client: Arc<Client>, path: DropboxPath, view: View) -> Self {
        Self {
            client,
            path,
            view,
            totals_folders: false,
            learned: Arc::default(),
        }
    }

    /// Returns the client.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Returns its path in Dropbox.
    pub fn path(&self) -> &DropboxPath {
        &self.path
    }

    /// Returns how what is in it is shown here.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Returns where it is, as a person would type it.
    pub fn location(&self) -> RemotePath {
        self.view.location(&self.client, &self.path)
    }

    /// Returns the path in Dropbox of what is shown as `relative` below it.
    pub fn path_of(&self, relative: &str) -> DropboxPath {
        self.view.below(&self.client, &self.path, relative)
    }

    /// Returns the same as a path below this one, in the names that Dropbox has.
    pub fn own_name(&self, relative: &str) -> String {
        let path = self.path_of(relative);
        let below = path.as_str().strip_prefix(self.path.as_str()).unwrap_or_default();
        below.trim_start_matches('/').to_owned()
    }

    /// Returns what something is called here that has the path `own` in Dropbox.
    pub fn shown(&self, own: &str) -> String {
        self.view.shown(own)
    }

    /// Returns the same folder by another login or root.
    #[must_use]
    pub fn by(&self, client: Arc<Client>, path: DropboxPath) -> Self {
        Self::new(client, path, self.view.clone())
    }

    /// Returns the same place, with another way of showing cloud documents.
    #[must_use]
    pub fn with_documents(self, documents: Documents) -> Self {
        Self {
            view: self.view.with_documents(documents),
            ..self
        }
    }

    /// Returns the same place, whose listings add up what is in each folder, so that many small files can be downloaded as one zip.
    #[must_use]
    pub fn with_folder_totals(self) -> Self {
        Self {
            totals_folders: true,
            ..self
        }
    }

    /// Returns the place of `relative` below it.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        Self::new(
            Arc::clone(&self.client),
            self.path_of(relative),
            self.view.clone(),
        )
    }

    /// Returns the folder that it is in, and its name here. `None` for the root of a Dropbox.
    pub fn split(&self) -> Option<(Self, String)> {
        let folder = Self::new(Arc::clone(&self.client), self.path.parent()?, self.view.clone());
        Some((folder, self.view.shown(self.path.name()?)))
    }

    /// Looks up where `relative` is below it, if that is not known: see [`View::learn`].
    pub async fn learn(&self, relative: &str) {
        self.view.learn(&self.client, &self.path, relative).await;
    }

    /// Returns what is at the place itself, also where a listing shows a cloud document's export.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn find(&self) -> Result<Option<Entry>> {
        match self.stat("").await? {
            None => self.exported().await,
            Some(there) => Ok(Some(self.view.show_one(there))),
        }
    }

    /// Returns the cloud document whose export is shown under this name.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn exported(&self) -> Result<Option<Entry>> {
        let Some((folder, name)) = self.split() else {
            return Ok(None);
        };
        for own in documents::own_names(&name) {
            let there = match self.client.stat(&folder.path_of(&own)).await {
                Err(error) if error.route().is_some() => None,
                there => there.map_err(dropbox_error)?,
            };
            let there = there.map(|entry| self.shown_entry(entry));
            let shown = there.and_then(|entry| documents::show_as(entry, &name, &self.view.exports));
            if let Some(mut shown) = shown {
                if self.view.documents != Documents::Exported {
                    documents::as_it_is(&mut shown);
                }
                return Ok(Some(shown));
            }
        }
        Ok(None)
    }

    fn shown_entry(&self, entry: dropbox::Entry) -> Entry {
        let entry = convert::entry(entry);
        Entry {
            path: self.view.shown(&entry.path),
            ..entry
        }
    }

    /// Returns where what is called like this is in Dropbox: a cloud document may be called by its export's name.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn own_place(&self) -> Result<Self> {
        let Some((folder, _)) = self.split().filter(|(_, name)| documents::is_export(name)) else {
            return Ok(self.clone());
        };
        if self.stat("").await?.is_some() {
            return Ok(self.clone());
        }
        let document = self.exported().await?;
        Ok(document.map_or_else(|| self.clone(), |document| folder.join(document.own_path())))
    }

    /// Returns what is at some paths, without listing the folder: it may hold millions of others. Cloud documents are found by
    /// their own names only.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn list_only(&self, paths: &[&str]) -> Result<Listing> {
        let look = |path: String| async move {
            self.learn(&path).await;
            if self.path_of(&path).check().is_err() {
                return Ok(None); // the plan will say so
            }
            match self.client.stat_with_access(&self.path_of(&path)).await {
                Ok(there) => Ok(there.map(|(entry, is_read_only)| {
                    let entry = Entry {
                        path,
                        ..convert::entry(entry)
                    };
                    (entry, is_read_only)
                })),
                // An invalid name: the copy will report it.
                Err(error) if error.route().is_some() => Ok(None),
                Err(error) => Err(dropbox_error(error)),
            }
        };
        let looks = paths.iter().map(|path| look((*path).to_owned()));
        let own = self.client.stat_with_access(&self.path);
        let (own, there) = tokio::join!(own, futures_util::future::join_all(looks));
        let own = match self.path.check() {
            Ok(()) => own.map_err(dropbox_error)?,
            Err(_) => None,
        };
        let mut listing = Listing {
            root: match &own {
                None => RootKind::Missing,
                Some((own, _)) if own.file().is_some() => RootKind::File,
                Some(_) => RootKind::Folder,
            },
            read_only: own
                .filter(|(_, is_read_only)| *is_read_only)
                .map(|_| String::new())
                .into_iter()
                .collect(),
            ..Listing::default()
        };
        for entry in there {
            let Some((entry, is_read_only)) = entry? else {
                continue;
            };
            if is_read_only {
                listing.read_only.push(entry.path.clone());
            }
            listing.entries.push(entry);
        }
        Ok(listing)
    }

    /// Returns whether nothing may be changed or made at this place, because it is, or would be, in a folder that the account
    /// may only read.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn is_read_only(&self) -> Result<bool> {
        self.client.is_read_only(&self.path).await.map_err(dropbox_error)
    }

    /// Returns the folders that listings leave out, of those where namespaces are mounted.
    async fn mounts_left_out(&self, mounts: &[(String, Box<str>)]) -> Result<Vec<String>> {
        let is_any = self.view.leaves_out != LeavesOut::Nothing && !mounts.is_empty();
        let own: HashSet<String> = match self.view.leaves_out {
            LeavesOut::NotOwned if is_any => {
                let folders = self
                    .client
                    .as_usual()
                    .shared_folders()
                    .await
                    .map_err(dropbox_error)?;
                let own = folders
                    .into_iter()
                    .filter(|folder| folder.access_type.tag == "owner");
                own.map(|folder| folder.shared_folder_id).collect()
            }
            _ => HashSet::new(),
        };
        let left_out = mounts
            .iter()
            .filter(|(_, space)| is_any && !own.contains(&**space));
        Ok(left_out.map(|(path, _)| path.clone()).collect())
    }

    /// Returns the namespaces that the last listing found below it.
    pub(super) fn namespaces(&self) -> Namespaces {
        self.learned.namespaces.lock().clone()
    }

    /// Returns what the last listing found in each folder, once.
    pub(super) fn take_folder_totals(&self) -> Option<FolderTotals> {
        self.learned.folder_totals.lock().take()
    }

    /// Takes what an earlier listing found: which namespaces are below it, and what is in some folders.
    pub(super) fn set_learned(&self, namespaces: Namespaces, totals: Option<FolderTotals>) {
        *self.learned.namespaces.lock() = namespaces;
        *self.learned.folder_totals.lock() = totals;
    }

    /// Returns what the last listing found in the folders that are worth a zip, if these files are copied.
    pub(super) fn zip_folders(&self, copies: &[Step]) -> Vec<Group> {
        let totals = self.learned.folder_totals.lock();
        let totals = totals.as_ref();
        totals.map_or_else(Vec::new, |totals| totals.worth(copies, self.path.is_root()))
    }

    /// Returns steps whose targets have the names that Dropbox has.
    pub(super) fn with_own_names(&self, mut steps: Vec<Step>) -> Vec<Step> {
        if self.view.encodes {
            for step in &mut steps {
                step.to = self.own_name(&step.to).into();
            }
        }
        steps
    }

    /// Brings the kept listing up to date after many changes: the next run would have to ask for all of them.
    pub(super) async fn prepare_listing(&self, changes: u64) {
        if changes > MIN_CHANGES_TO_LIST && self.client.keeps_listings() {
            let _ = self.client.list(&self.path, true).await; // the next run asks again
        }
    }

    /// Removes the root itself if it is an empty folder.
    async fn remove_root(&self) -> Result<()> {
        match self.client.list(&self.path, false).await.map_err(dropbox_error)? {
            Listed::Folder(listing) if listing.entries.is_empty() && listing.refused.is_empty() => {
                let done = self.client.delete_all(&[(self.path.clone(), None)]).await.pop();
                done.unwrap_or(Ok(())).map_err(dropbox_error)
            }
            _ => Err(not_empty()),
        }
    }

    /// Removes those of `folders` (Dropbox's own names) that are empty now. Deleting a folder in Dropbox deletes all in
    /// it, so one listing first shows what is left, and only the outermost empty folders are deleted.
    async fn remove_empty(&self, folders: &[String]) -> Vec<Result<()>> {
        let there = match self.client.list(&self.path, true).await {
            Ok(Listed::Folder(listing)) if listing.refused.is_empty() => listing.entries,
            Ok(_) => return folders.iter().map(|_| Err(odd())).collect(),
            Err(error) => {
                return folders
                    .iter()
                    .map(|_| Err(dropbox_error(error.clone())))
                    .collect();
            }
        };
        let unwanted: HashSet<&str> = folders.iter().map(String::as_str).collect();
        let mut occupied: HashSet<&str> = HashSet::new();
        for entry in &there {
            let is_unwanted = entry.file().is_none() && unwanted.contains(entry.path.as_str());
            for folder in ancestors(&entry.path).take_while(|_| !is_unwanted) {
                if !occupied.insert(folder) {
                    break;
                }
            }
        }
        let is_empty = |path: &str| unwanted.contains(path) && !occupied.contains(path);
        let is_outermost = |path: &&&str| is_empty(path) && !is_empty(parent(path));
        let outermost: Vec<&str> = unwanted.iter().filter(is_outermost).copied().collect();
        let paths: Vec<_> = outermost
            .iter()
            .map(|path| (self.path.join(path), None))
            .collect();
        let deleted = self.client.delete_all(&paths).await;
        let outcomes: HashMap<&str, _> = outermost.iter().copied().zip(&deleted).collect();
        let outcome = |folder: &String| {
            if occupied.contains(folder.as_str()) {
                return Err(not_empty());
            }
            let outer = std::iter::once(folder.as_str()).chain(ancestors(folder));
            let outermost = outer.take_while(|path| is_empty(path)).last().unwrap_or(folder);
            match outcomes.get(outermost) {
                Some(Err(error)) => Err(dropbox_error((*error).clone())),
                _ => Ok(()),
            }
        };
        folders.iter().map(outcome).collect()
    }
}

fn not_empty() -> Error {
    Error::new(Retry::Never, "it is not empty").with_kind(ErrorKind::NotEmpty)
}

/// Returns an error for a folder whose contents can't be listed.
fn odd() -> Error {
    Error::new(Retry::Never, "something in it has a name that can't be used here")
}

/// Returns whether the contents of folders are listed too.
fn is_deep(filter: &Filter) -> bool {
    filter.max_depth() != Some(1)
}

fn encoded_refusal(name: &str) -> Option<String> {
    dropbox::refused(&encoding::encode(name))
}

#[async_trait(?Send)]
impl Store for DropboxStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            names: NameRules {
                ignores_case: true,
                store: "Dropbox",
                refusal: match self.view.encodes {
                    true => encoded_refusal,
                    false => dropbox::refused,
                },
            },
            sets_times: false,
            stats_many: true,
            has_symlinks: false,
        }
    }

    async fn stat(&self, path: &str) -> Result<Option<Entry>> {
        let place = self.path_of(path);
        // Dropbox would report that, rather than that nothing is there.
        if place.check().is_err() {
            return Ok(None);
        }
        let there = self.client.stat(&place).await.map_err(dropbox_error)?;
        Ok(there.map(|entry| match path {
            "" => self.shown_entry(entry),
            path => Entry {
                path: path.to_owned(),
                ..convert::entry(entry)
            },
        }))
    }

    async fn list(&self, query: Query<'_>) -> Result<Listing> {
        let deep = is_deep(query.filter);
        let listed = match self.client.list(&self.path, deep).await {
            Ok(listed) => listed,
            Err(error) if error.is_not_found() => return Ok(Listing::default()),
            Err(error) => return Err(dropbox_error(error)),
        };
        let listing = match listed {
            Listed::File(file) => {
                let mut listing = Listing {
                    root: RootKind::File,
                    entries: vec![convert::entry(file)],
                    ..Listing::default()
                };
                self.view.show_file(&mut listing);
                return Ok(listing);
            }
            Listed::Folder(listing) => listing,
        };
        let left_out = self.mounts_left_out(&listing.mounts).await?;
        *self.learned.namespaces.lock() = Namespaces::new(listing.mounts);
        let refused = listing.refused.into_iter();
        let mut shown = Listing {
            root: RootKind::Folder,
            entries: convert::entries(listing.entries),
            unreadable: refused.map(|(path, reason)| LeftOut::new(path, reason)).collect(),
            read_only: listing
                .read_only
                .iter()
                .map(|folder| self.view.shown(folder))
                .collect(),
            ..Listing::default()
        };
        let is_in = |path: &str| !left_out.iter().any(|folder| is_within(path, folder));
        if !left_out.is_empty() {
            shown.entries.retain(|entry| is_in(&entry.path));
            shown.unreadable.retain(|left_out| is_in(&left_out.path));
            shown.pruned = left_out.iter().map(|folder| self.view.shown(folder)).collect();
        }
        self.view.show(&mut shown, &self.client, &self.path);
        // A zip would bring what is left out.
        if self.totals_folders && !self.view.encodes && deep && left_out.is_empty() {
            *self.learned.folder_totals.lock() = Some(FolderTotals::of(&shown.entries));
        }
        Ok(shown)
    }

    async fn make_dirs(&self, paths: &[&str]) -> Vec<Result<()>> {
        let all: Vec<_> = paths.iter().map(|path| self.path_of(path)).collect();
        let good: Vec<_> = all
            .iter()
            .filter(|path| path.check_new().is_ok())
            .cloned()
            .collect();
        let mut outcomes = self.client.make_folders(&good).await.into_iter();
        let outcome = |path: &DropboxPath| match path.check_new() {
            Ok(()) => outcomes.next().unwrap_or(Ok(())).map_err(dropbox_error),
            Err(error) => Err(Error::from_cause(Retry::Never, error).with_kind(ErrorKind::InvalidName)),
        };
        all.iter().map(outcome).collect()
    }

    async fn remove_files(&self, files: &[(&str, Option<&FileMeta>)]) -> Vec<Result<()>> {
        let target = |(path, seen): &(&str, Option<&FileMeta>)| {
            let version = seen.and_then(|file| file.version.as_ref());
            let path = self.path_of(own_path(path, *seen));
            (path, version.map(|version| version.id.clone()))
        };
        let targets: Vec<_> = files.iter().map(target).collect();
        let deleted = self.client.delete_all(&targets).await;
        deleted
            .into_iter()
            .map(|done| done.map_err(dropbox_error))
            .collect()
    }

    async fn remove_dirs(&self, paths: &[&str]) -> Vec<Result<()>> {
        if paths.is_empty() {
            return Vec::new();
        }
        let (root, below): (Vec<&str>, Vec<&str>) = paths.iter().partition(|path| path.is_empty());
        let folders: Vec<String> = below.iter().map(|path| self.own_name(path)).collect();
        let mut outcomes = match folders.is_empty() {
            true => Vec::new(),
            false => self.remove_empty(&folders).await,
        };
        for _ in root {
            outcomes.push(self.remove_root().await);
        }
        outcomes
    }

    async fn rename(&self, renames: &[Rename<'_>]) -> Vec<Result<Option<Box<str>>>> {
        let pair = |rename: &Rename<'_>| (self.path_of(rename.from), self.path_of(rename.to));
        let pairs: Vec<_> = renames.iter().map(pair).collect();
        let outcomes = self.client.relocate_all(Relocation::Move, &pairs).await;
        let outcomes = outcomes.into_iter();
        outcomes
            .map(|done| done.map(|made| made.rev.map(Into::into)).map_err(dropbox_error))
            .collect()
    }

    async fn checksum(&self, _: &str, meta: &FileMeta) -> Result<Option<ContentHash>> {
        Ok(meta.checksum())
    }

    async fn set_modified(&self, _: &str, _: Modified) -> Result<()> {
        Ok(())
    }
}
