//! A place that a person can name: on this machine or in a Dropbox.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use dropbox::Client;
use engine::{
    Result,
    entry::Entry,
    filter::Filter,
    listing::{Listing, Query, RootKind, Symlinks},
    relative_path::fold,
    run::BackupPlace,
    store::Store,
};
use shared::{plain::quoted, raw};

use crate::{
    documents::Documents,
    dropbox::{DropboxBackup, DropboxStore, LinkStore, dropbox_error, link_is_read_only},
    local::{self, LocalBackup, LocalStore},
};

/// A place, and the store to reach it.
#[derive(Clone, Debug)]
pub enum Place {
    /// On this machine.
    Local(LocalStore),
    /// In a Dropbox.
    Dropbox(DropboxStore),
    /// Behind a shared link, which can only be read.
    Link(LinkStore),
}

/// How a second place is related to a first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Neither contains the other.
    Apart,
    /// They are the same.
    Same,
    /// The second is in the first, at this path.
    Inside(String),
    /// The first is in the second, at this path.
    Around(String),
}

/// Shown as a person would type it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(store) => store.path().display().fmt(f),
            Self::Dropbox(store) => store.location().fmt(f),
            Self::Link(store) => store.fmt(f),
        }
    }
}

impl Place {
    /// Returns a place on this machine.
    pub fn local(path: &Path) -> Self {
        Self::Local(LocalStore::new(path))
    }

    /// Returns the place as a store.
    pub fn store(&self) -> &dyn Store {
        match self {
            Self::Local(store) => store,
            Self::Dropbox(store) => store,
            Self::Link(store) => store,
        }
    }

    /// Returns the store of a Dropbox. `None` elsewhere.
    pub fn dropbox(&self) -> Option<&DropboxStore> {
        match self {
            Self::Local(_) | Self::Link(_) => None,
            Self::Dropbox(store) => Some(store),
        }
    }

    /// Returns the store of a shared link. `None` elsewhere.
    pub fn link(&self) -> Option<&LinkStore> {
        match self {
            Self::Link(store) => Some(store),
            Self::Local(_) | Self::Dropbox(_) => None,
        }
    }

    /// Returns the client whose login reaches it. `None` on this machine.
    pub fn client(&self) -> Option<&Arc<Client>> {
        match self {
            Self::Local(_) => None,
            Self::Dropbox(store) => Some(store.client()),
            Self::Link(store) => Some(store.client()),
        }
    }

    /// Returns the path on this machine. `None` elsewhere.
    pub fn local_path(&self) -> Option<&Path> {
        match self {
            Self::Local(store) => Some(store.path()),
            Self::Dropbox(_) | Self::Link(_) => None,
        }
    }

    /// Returns whether it is on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Returns the name of its remote. `None` on this machine.
    pub fn remote(&self) -> Option<&str> {
        self.client().map(|client| client.remote())
    }

    /// Returns whether both are in one Dropbox, under paths that start at the same place: then their paths can be compared, and the
    /// server copies and renames between them. Places of one login that were typed from different roots have to be
    /// [expressed from one](crate::unite) before.
    pub fn shares_paths(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dropbox(one), Self::Dropbox(other)) => one.client().shares_paths(other.client()),
            _ => false,
        }
    }

    /// Whether both are in one Dropbox, by one login.
    pub fn shares_login(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dropbox(one), Self::Dropbox(other)) => one.client().shares_login(other.client()),
            _ => false,
        }
    }

    /// Returns the same place by the login of `other`, whose account has to be the same. A place on this machine stays as it is.
    #[must_use]
    pub fn by_login_of(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Dropbox(store), Self::Dropbox(other)) => {
                let path = store.path().clone();
                Self::Dropbox(store.by(Arc::clone(other.client()), path))
            }
            (place, _) => place,
        }
    }

    /// Whether files can be moved between both without sending their content.
    pub fn is_on_side_of(&self, other: &Self) -> bool {
        (self.is_local() && other.is_local()) || self.shares_paths(other)
    }

    /// Returns where it is, as a word of a command line that can be pasted into a shell.
    pub fn typed(&self) -> String {
        let text = self.to_string();
        let text = match self {
            Self::Local(_) if text.starts_with('-') => format!("./{text}"),
            _ => text,
        };
        quoted(&text)
    }

    /// Returns what something is called here that has the path `own` in its store.
    pub fn shown(&self, own: &str) -> String {
        match self {
            Self::Local(_) | Self::Link(_) => own.to_owned(),
            Self::Dropbox(store) => store.shown(own),
        }
    }

    /// Looks up where `relative` is below it, if that is not known.
    pub async fn learn(&self, relative: &str) {
        if let Self::Dropbox(store) = self {
            store.learn(relative).await;
        }
    }

    /// Returns the same place, with another way of showing cloud documents.
    #[must_use]
    pub fn with_documents(self, documents: Documents) -> Self {
        match self {
            Self::Local(_) | Self::Link(_) => self,
            Self::Dropbox(store) => Self::Dropbox(store.with_documents(documents)),
        }
    }

    /// Returns whether its cloud documents count as the files under whose names they are shown.
    pub fn takes_documents_for_files(&self) -> bool {
        let view = self.dropbox().map(DropboxStore::view);
        view.is_some_and(|view| view.documents == Documents::AsTheyAre)
    }

    /// Returns the place of `relative` below it.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        match self {
            Self::Local(store) => Self::local(&store.path_of(relative)),
            Self::Dropbox(store) => Self::Dropbox(store.join(relative)),
            Self::Link(store) => Self::Link(store.join(relative)),
        }
    }

    /// Returns the folder that it is in, and its name. `None` for a root.
    pub fn split(&self) -> Option<(Self, String)> {
        match self {
            Self::Local(store) => {
                let parent = store.path().parent()?;
                let parent = match parent.as_os_str().is_empty() {
                    true => Path::new("."),
                    false => parent,
                };
                let name = raw::text(store.path().file_name()?).into_owned();
                Some((Self::local(parent), name))
            }
            Self::Dropbox(store) => {
                let (folder, name) = store.split()?;
                Some((Self::Dropbox(folder), name))
            }
            Self::Link(store) => {
                let (folder, name) = store.split()?;
                Some((Self::Link(folder), name))
            }
        }
    }

    /// Returns what is there itself, under its name. A cloud document is found by its own name only.
    ///
    /// # Errors
    /// When the store can't be asked.
    pub async fn stat(&self) -> Result<Option<Entry>> {
        self.store().stat("").await
    }

    /// Returns what is there itself, also where a listing shows a cloud document's export.
    ///
    /// # Errors
    /// When the store can't be asked.
    pub async fn find(&self) -> Result<Option<Entry>> {
        match self {
            Self::Local(_) | Self::Link(_) => self.stat().await,
            Self::Dropbox(store) => store.find().await,
        }
    }

    /// Returns where what is there is in its store: a cloud document may be called by its export's name.
    ///
    /// # Errors
    /// When the store can't be asked.
    pub async fn own_place(&self) -> Result<Self> {
        match self {
            Self::Local(_) | Self::Link(_) => Ok(self.clone()),
            Self::Dropbox(store) => Ok(Self::Dropbox(store.own_place().await?)),
        }
    }

    /// Returns what is there and below, with what the filter leaves out, except for folders that need not be listed. What a
    /// listing shows as a document's export can be named like that.
    ///
    /// # Errors
    /// When it can't be listed at all.
    pub async fn list(&self, filter: &Filter, symlinks: Symlinks) -> Result<Listing> {
        let mut listing = self.list_target(filter, symlinks).await?;
        if listing.root == RootKind::Missing
            && let Self::Dropbox(store) = self
            && let Some(document) = store.exported().await?
        {
            listing.root = RootKind::File;
            listing.entries.push(document);
        }
        Ok(listing)
    }

    /// Returns the same for a target: a document is never written over, so it is not found by its export's name.
    ///
    /// # Errors
    /// When it can't be listed at all.
    pub async fn list_target(&self, filter: &Filter, symlinks: Symlinks) -> Result<Listing> {
        self.store().list(Query { filter, symlinks }).await
    }

    /// Returns what is there and below, as far as the filter lets it in.
    ///
    /// # Errors
    /// When it can't be listed at all.
    pub async fn list_filtered(&self, filter: &Filter, symlinks: Symlinks) -> Result<Listing> {
        let mut listing = self.list(filter, symlinks).await?;
        listing.apply_filter(filter, false);
        Ok(listing)
    }

    /// Returns what is at some paths below it, without listing the folder: for targets, which a shared link never is.
    ///
    /// # Errors
    /// When the store can't be asked, or is a link.
    pub async fn list_only(&self, paths: &[&str]) -> Result<Listing> {
        match self {
            Self::Local(store) => store.list_only(paths),
            Self::Dropbox(store) => store.list_only(paths).await,
            Self::Link(_) => Err(link_is_read_only()),
        }
    }

    /// Removes the folder itself, which must be empty.
    ///
    /// # Errors
    /// When it isn't empty, isn't a folder or can't be removed.
    pub async fn remove_empty(&self) -> Result<()> {
        let removed = self.store().remove_dirs(&[""]).await.pop();
        removed.unwrap_or(Ok(()))
    }

    /// Returns the number of bytes that may still be written there. `None` if unknown.
    pub async fn free_bytes(&self) -> Option<u64> {
        match self {
            Self::Local(store) => local::free_bytes(store.path()),
            Self::Dropbox(store) => {
                let space = store.client().space_usage().await.ok()?;
                let used = space.allocation.used.unwrap_or(space.used);
                Some(space.allocation.allocated.saturating_sub(used))
            }
            Self::Link(_) => None,
        }
    }

    /// Returns what slows calls down at the moment, in words. `None` means nothing.
    pub fn throttle_reason(&self) -> Option<String> {
        self.client()?.throttle_reason()
    }

    /// Returns why nothing new can be made there. `None` means that it can.
    pub fn refusal(&self) -> Option<String> {
        if self.link().is_some() {
            return Some(link_is_read_only().to_string());
        }
        self.dropbox()?
            .path()
            .check_new()
            .err()
            .map(|error| error.to_string())
    }

    /// Returns why nothing may be changed there by what is known without listing it. `None` means that nothing forbids it.
    ///
    /// # Errors
    /// When a shared folder that was named can't be found.
    pub async fn write_refusal(&self) -> Result<Option<String>> {
        if self.link().is_some() {
            return Ok(Some(link_is_read_only().to_string()));
        }
        let Some(store) = self.dropbox() else {
            return Ok(None);
        };
        let folder = store.client().shared_folder().await.map_err(dropbox_error)?;
        let folder = folder.filter(|folder| !folder.may_write());
        Ok(folder.map(|folder| format!("'{}' is shared with this account for reading only", folder.name)))
    }

    /// Returns why nothing may be changed or made there, asking where that is needed: for what is written without listing the
    /// place before. `None` means that nothing forbids it.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn asked_write_refusal(&self) -> Result<Option<String>> {
        if let Some(reason) = self.write_refusal().await? {
            return Ok(Some(reason));
        }
        let Some(store) = self.dropbox() else {
            return Ok(None);
        };
        let is_read_only = store.is_read_only().await?;
        Ok(is_read_only.then(|| read_only_words(self)))
    }

    /// Returns how `other` is related to this place. Dropbox's names are compared as Dropbox does, local ones with symlinks
    /// resolved.
    pub fn relation(&self, other: &Self) -> Relation {
        match (self, other) {
            (Self::Dropbox(one), Self::Dropbox(other)) if one.client().shares_paths(other.client()) => {
                let fold = |part: &str| fold(part).into_owned();
                between(one.path().as_str(), other.path().as_str(), fold)
            }
            (Self::Local(one), Self::Local(other)) => between(
                &resolved(one.path()).to_string_lossy(),
                &resolved(other.path()).to_string_lossy(),
                str::to_owned,
            ),
            _ => Relation::Apart,
        }
    }

    /// Returns the path of `other` below this place without resolving symlinks: `--keep-dirlinks` goes through them.
    pub fn typed_inside(&self, other: &Self) -> Option<String> {
        let one = std::path::absolute(self.local_path()?).ok()?;
        let other = std::path::absolute(other.local_path()?).ok()?;
        let inside = other.strip_prefix(one).ok()?;
        Some(raw::text(inside.as_os_str()).into_owned())
    }

    /// Returns the way to keep files of this place in another. `None` if that is not on the same side. `makes_links` says that
    /// files whose content says where a symlink leads are symlinks here.
    pub fn backup_in(&self, place: &Self, makes_links: bool) -> Option<Box<dyn BackupPlace>> {
        match (self.clone(), place.clone()) {
            (Self::Local(target), Self::Local(place)) => {
                Some(Box::new(LocalBackup::new(target, place, makes_links)))
            }
            (Self::Dropbox(target), Self::Dropbox(place)) => Some(Box::new(DropboxBackup { target, place })),
            _ => None,
        }
    }
}

/// Returns why nothing may be changed at a place in a folder that the account may only read.
pub fn read_only_words(place: &Place) -> String {
    format!("'{place}' is shared with this account for reading only")
}

fn between(first: &str, second: &str, key: impl Fn(&str) -> String) -> Relation {
    let parts = |path: &str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let (first, second) = (parts(first), parts(second));
    let common = first
        .iter()
        .zip(&second)
        .take_while(|(a, b)| key(a) == key(b))
        .count();
    match (common == first.len(), common == second.len()) {
        (true, true) => Relation::Same,
        (true, false) => Relation::Inside(second[common..].join("/")),
        (false, true) => Relation::Around(first[common..].join("/")),
        (false, false) => Relation::Apart,
    }
}

/// Returns a path with symlinks resolved, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut below = Vec::new();
    for there in path.ancestors() {
        if let Ok(there) = there.canonicalize() {
            return below.iter().rev().fold(there, |path, name| path.join(name));
        }
        below.extend(there.file_name());
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_related_name_by_name() {
        let folded = |part: &str| fold(part).into_owned();
        for (first, second, expected) in [
            ("/p/q", "/p/qb", Relation::Apart),
            ("/p/q", "/P/Q", Relation::Same),
            ("/p", "/P/Old/x", Relation::Inside("Old/x".into())),
            ("/p/q", "", Relation::Around("p/q".into())),
            ("", "", Relation::Same),
        ] {
            assert_eq!(between(first, second, folded), expected, "{first} {second}");
        }
        assert_eq!(between("/p", "/P", str::to_owned), Relation::Apart);
    }

    #[test]
    fn local_places_are_compared_where_their_symlinks_lead() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        assert_eq!(
            resolved(&root.join("link/not/there")),
            root.join("real/not/there")
        );
        let place = |name: &str| Place::local(&root.join(name));
        assert_eq!(
            place("real").relation(&place("link/old")),
            Relation::Inside("old".into())
        );
        assert_eq!(place("real").relation(&place("realm")), Relation::Apart);
    }

    #[tokio::test]
    async fn what_changed_since_it_was_listed_is_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["same", "changed", "gone"] {
            std::fs::write(directory.path().join(name), "text").unwrap();
        }
        let place = Place::local(directory.path());
        let listing = place
            .list_filtered(&Filter::default(), Symlinks::Report)
            .await
            .unwrap();
        std::fs::write(directory.path().join("changed"), "another text").unwrap();
        std::fs::remove_file(directory.path().join("gone")).unwrap();
        let files: Vec<_> = listing
            .entries
            .iter()
            .map(|entry| (entry.path.as_str(), entry.file()))
            .collect();
        let outcomes = place.store().remove_files(&files).await;
        let found: Vec<_> = files
            .iter()
            .zip(&outcomes)
            .map(|((path, _), done)| (*path, done.is_ok()))
            .collect();
        assert_eq!(found, [("changed", false), ("gone", true), ("same", true)]);
        assert!(directory.path().join("changed").exists());
    }
}
