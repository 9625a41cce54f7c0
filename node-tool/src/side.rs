//! One side of a job: a folder or file on this machine or in a Dropbox, looked at and changed in the same words.

use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    convert,
    documents::{self, Documents, own_path},
    dropbox::{Client, DropboxPath, Error, Listed, PathError},
    filter::Filter,
    local::{self, Root, Symlinks},
    location::Location,
    plan::{Mounts, Names, Weights},
    raw,
    tree::{Entry, Kind},
};

pub use crate::view::View;

/// A place, with the way to it.
#[derive(Clone, Debug)]
pub enum Side {
    /// On this machine.
    Local(PathBuf),
    /// In a Dropbox.
    Remote {
        /// The account.
        client: Arc<Client>,
        /// The place in it.
        path: DropboxPath,
        /// How what is below it is shown here.
        view: View,
    },
}

/// What stands at a place.
#[derive(Debug, Default)]
pub struct Found {
    /// What it is.
    pub what: What,
    /// What is below it, or the file itself with its name for a path.
    pub entries: Vec<Entry>,
    /// What could not be listed or used, with the reason.
    pub problems: Vec<(String, String)>,
    /// What was left out and is no error, with the reason.
    pub skipped: Vec<(String, String)>,
    /// What is neither a file nor a folder, by its path below the place; only on this machine, and whatever the filter says.
    pub others: Vec<(String, local::Other)>,
    /// What is in the folders, before any filter; only of a folder in a Dropbox, under its own names.
    pub weights: Option<Weights>,
    /// Where other namespaces begin; only below a folder in a Dropbox.
    pub mounts: Mounts,
    /// Folders that the filter leaves out and that were not looked into; only on this machine.
    pub closed: Vec<String>,
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum What {
    /// Nothing.
    #[default]
    Nothing,
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// Why a place can't be looked at or changed.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    /// The file system.
    #[error("{0}")]
    Disk(#[from] io::Error),
    /// Dropbox.
    #[error("{0}")]
    Dropbox(#[from] Error),
    /// A folder.
    #[error("it is not empty")]
    NotEmpty,
    /// Dropbox can't have it.
    #[error("{0}")]
    Name(#[from] PathError),
    /// What a folder holds can't be told.
    #[error("something in it has a name that can't be used here")]
    Odd,
}

impl Side {
    /// How the two sides' names are told apart in it.
    pub fn names(&self) -> Names {
        match self {
            Self::Local(_) => Names::Exact,
            Self::Remote { view, .. } if view.encodes => Names::DropboxEncoded,
            Self::Remote { .. } => Names::Dropbox,
        }
    }

    /// The remote's name, if it is one.
    pub fn remote(&self) -> Option<&str> {
        match self {
            Self::Local(_) => None,
            Self::Remote { client, .. } => Some(client.remote()),
        }
    }

    /// Whether both are in one Dropbox, under paths that start at the same place: then their paths say how they lie, and the
    /// server copies and renames between them. Places of one login that were typed from different roots have to be
    /// [expressed from one](crate::roots::unite) before.
    pub fn shares_paths(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Remote { client, .. }, Self::Remote { client: other, .. }) => client.shares_paths(other),
            _ => false,
        }
    }

    /// Where it is, as a person would type it.
    pub fn location(&self) -> Location {
        match self {
            Self::Local(path) => Location::Local(path.clone()),
            Self::Remote { client, path, view } => Location::Remote(view.location(client, path)),
        }
    }

    /// Where it is, as a word of a command line that can be pasted into a shell.
    pub fn typed(&self) -> String {
        let text = self.location().to_string();
        let text = match self {
            Self::Local(_) if text.starts_with('-') => format!("./{text}"),
            _ => text,
        };
        shared::plain::quoted(&text)
    }

    /// The path in Dropbox of `relative` below it, in the names that Dropbox has; nothing is below a local place.
    pub fn below(&self, relative: &str) -> DropboxPath {
        match self {
            Self::Local(_) => DropboxPath::default(),
            Self::Remote { client, path, view } => view.below(client, path, relative),
        }
    }

    /// The same, as a path below this place.
    pub fn named(&self, relative: &str) -> String {
        match self {
            Self::Local(_) => relative.to_owned(),
            Self::Remote { path, .. } => {
                let below = self.below(relative);
                let below = below.as_str().strip_prefix(path.as_str()).unwrap_or_default();
                below.trim_start_matches('/').to_owned()
            }
        }
    }

    /// Finds out where `relative` is below it, if that is not known: see [`View::learn`].
    pub async fn learn(&self, relative: &str) {
        if let Self::Remote { client, path, view } = self {
            view.learn(client, path, relative).await;
        }
    }

    /// What something with the path `own` in Dropbox is called here.
    pub fn shown(&self, own: &str) -> String {
        match self {
            Self::Local(_) => own.to_owned(),
            Self::Remote { view, .. } => view.shown(own),
        }
    }

    /// The same place, with its cloud documents taken in another way.
    #[must_use]
    pub fn with_documents(self, documents: Documents) -> Self {
        match self {
            Self::Local(_) => self,
            Self::Remote { client, path, view } => Self::Remote {
                client,
                path,
                view: view.with_documents(documents),
            },
        }
    }

    /// The place of `relative` below it.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(raw::join(path, relative)),
            Self::Remote { client, view, .. } => Self::Remote {
                client: Arc::clone(client),
                path: self.below(relative),
                view: view.clone(),
            },
        }
    }

    /// Whether its cloud documents are taken for the files that they are called.
    pub fn takes_documents_for_files(&self) -> bool {
        matches!(self, Self::Remote { view, .. } if view.documents == Documents::AsTheyAre)
    }

    /// The folder it is in, and its name; a root has neither.
    pub fn split(&self) -> Option<(Self, String)> {
        match self {
            Self::Local(path) => {
                let parent = path.parent()?;
                let parent = if parent.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    parent
                };
                Some((
                    Self::Local(parent.to_owned()),
                    raw::text(path.file_name()?).into_owned(),
                ))
            }
            Self::Remote { client, path, view } => Some((
                Self::Remote {
                    client: Arc::clone(client),
                    path: path.parent()?,
                    view: view.clone(),
                },
                view.shown(path.name()?),
            )),
        }
    }

    /// What stands there itself, with its name for a path. A cloud document is found by its own name only.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn stat(&self) -> Result<Option<Entry>, SideError> {
        match self {
            Self::Local(path) => Ok(local::stat(path)?),
            // Dropbox would say so, and not that nothing is there.
            Self::Remote { path, .. } if path.check().is_err() => Ok(None),
            Self::Remote { client, path, view } => Ok(client.stat(path).await?.map(|entry| Entry {
                path: view.shown(&entry.path),
                ..Entry::from(entry)
            })),
        }
    }

    /// The same, also where a listing shows a cloud document's export.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn find(&self) -> Result<Option<Entry>, SideError> {
        match (self.stat().await?, self) {
            (None, _) => self.exported().await,
            (Some(there), Self::Remote { view, .. }) => Ok(Some(view.show_one(there))),
            (there, Self::Local(_)) => Ok(there),
        }
    }

    /// The cloud document whose export is shown under this name.
    async fn exported(&self) -> Result<Option<Entry>, SideError> {
        let Some((around, name)) = self.split() else {
            return Ok(None);
        };
        let Self::Remote { client, view, .. } = &around else {
            return Ok(None);
        };
        for own in documents::own_names(&name) {
            let there = match client.stat(&around.below(&own)).await {
                Err(error) if error.route().is_some() => None,
                there => there?,
            };
            let there = there.map(|entry| Entry {
                path: view.shown(&entry.path),
                ..Entry::from(entry)
            });
            let shown = there.and_then(|entry| documents::show_as(entry, &name, &view.exports));
            if let Some(mut shown) = shown {
                if view.documents != Documents::Exported {
                    documents::as_it_is(&mut shown);
                }
                return Ok(Some(shown));
            }
        }
        Ok(None)
    }

    /// Where what stands here is in Dropbox: a cloud document may be called by its export's name.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn own_place(&self) -> Result<Self, SideError> {
        if !self.split().is_some_and(|(_, name)| documents::is_export(&name)) || self.stat().await?.is_some()
        {
            return Ok(self.clone());
        }
        let shown = self.exported().await?;
        Ok(match (shown, self.split()) {
            (Some(document), Some((around, _))) => around.join(own_path(&document)),
            _ => self.clone(),
        })
    }

    /// Returns what stands there and below, as far as `filter` lets it in.
    ///
    /// # Errors
    /// When it can't be listed at all.
    pub async fn look(&self, filter: &Filter, symlinks: Symlinks) -> Result<Found, SideError> {
        let mut found = self.survey_or_export(filter, symlinks).await?;
        found.entries = filter.select(found.entries);
        Ok(found)
    }

    /// Returns the same as [`Side::survey`], with the weights of its folders.
    ///
    /// # Errors
    /// When it can't be listed at all.
    pub async fn survey_and_weigh(&self, filter: &Filter, symlinks: Symlinks) -> Result<Found, SideError> {
        let mut found = self.survey_or_export(filter, symlinks).await?;
        if let Self::Remote { view, .. } = self
            && found.what == What::Folder
            && !view.encodes
            && is_deep(filter)
        {
            found.weights = Some(Weights::of(&found.entries));
        }
        Ok(found)
    }

    /// Returns what stands at the place itself, where a file is to go: a symlink is not followed.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn look_at_target(&self) -> Result<Found, SideError> {
        let mut found = Found::default();
        if let Self::Local(path) = self
            && let Some(other) = local::other_at(path)
        {
            let name = path.file_name().map(|name| raw::text(name).into_owned());
            found.others.extend(name.map(|name| (name, other)));
        } else {
            found.entries.extend(self.stat().await?);
        }
        Ok(found)
    }

    /// Returns the symlink at a place of this machine as the file that it travels as, under the name `name`; `None` if none is
    /// there.
    pub fn as_link(&self, name: &str) -> Option<Entry> {
        let Self::Local(path) = self else { return None };
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink());
        let file = local::translated(path).ok().filter(|_| is_link)?;
        Some(Entry {
            path: name.to_owned(),
            kind: Kind::File(file),
            id: None,
        })
    }

    /// What a listing shows as a document's export can be named like that. Not in a target: it is never written over.
    async fn survey_or_export(&self, filter: &Filter, symlinks: Symlinks) -> Result<Found, SideError> {
        let mut found = self.survey(filter, symlinks).await?;
        if found.what == What::Nothing
            && let Some(document) = self.exported().await?
        {
            found.what = What::File;
            found.entries.push(document);
        }
        Ok(found)
    }

    /// What stands there and below, with what `filter` leaves out, except folders that were never looked into.
    ///
    /// # Errors
    /// When it can't be listed at all.
    pub async fn survey(&self, filter: &Filter, symlinks: Symlinks) -> Result<Found, SideError> {
        match self {
            Self::Local(path) => look_here(path, filter, symlinks).await,
            Self::Remote { client, path, view } => {
                let mut found = look_there(client, path, filter).await?;
                match found.what {
                    What::Folder => view.show(&mut found, client, path),
                    What::File => view.show_file(&mut found),
                    What::Nothing => {}
                }
                Ok(found)
            }
        }
    }

    /// What stands at some places below a folder in a Dropbox, without listing it: it may hold millions of others. Cloud
    /// documents are found by their own names only.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn survey_only(&self, paths: &[&str]) -> Result<Found, SideError> {
        let look = |path: String| async move {
            self.learn(&path).await;
            if self.below(&path).check().is_err() {
                return Ok(None); // the plan will say so
            }
            match self.join(&path).stat().await {
                Ok(there) => Ok(there.map(|entry| Entry { path, ..entry })),
                // A name that can't be there: the copy will say so.
                Err(SideError::Dropbox(error)) if error.route().is_some() => Ok(None),
                Err(error) => Err(error),
            }
        };
        let looks = paths.iter().map(|path| look((*path).to_owned()));
        let (own, there) = tokio::join!(self.stat(), futures_util::future::join_all(looks));
        let what = match own? {
            None => What::Nothing,
            Some(own) if own.file().is_some() => What::File,
            Some(_) => What::Folder,
        };
        let mut found = Found {
            what,
            ..Found::default()
        };
        for entry in there {
            found.entries.extend(entry?);
        }
        Ok(found)
    }

    /// Removes files (only if they still are what was listed) and then folders, which must be empty, the inner before the outer.
    /// Gives the outcomes in the order files, folders.
    pub async fn remove(&self, files: &[&Entry], folders: &[&Entry]) -> Vec<Result<(), SideError>> {
        match self {
            Self::Local(root) => {
                let root = Root::new(root);
                let files = files
                    .iter()
                    .map(|entry| root.remove_file(&entry.path, entry.file()));
                let folders = folders.iter().map(|folder| root.remove_folder(&folder.path));
                files.chain(folders).map(|done| Ok(forgive(done)?)).collect()
            }
            Self::Remote { client, path, .. } => {
                let target = |entry: &&Entry| {
                    let rev = entry.file().and_then(|file| file.remote.as_ref());
                    (self.below(own_path(entry)), rev.map(|remote| remote.rev.clone()))
                };
                let files: Vec<_> = files.iter().map(target).collect();
                let deleted = client.delete_all(&files).await;
                let mut outcomes: Vec<Result<(), SideError>> = deleted
                    .into_iter()
                    .map(|outcome| outcome.map_err(Into::into))
                    .collect();
                let folders: Vec<String> = folders.iter().map(|folder| self.named(&folder.path)).collect();
                outcomes.extend(delete_empty(client, path, &folders).await);
                outcomes
            }
        }
    }

    /// Removes the folder itself, which must be empty.
    ///
    /// # Errors
    /// When it isn't empty, isn't a folder or can't be removed.
    pub async fn remove_empty(&self) -> Result<(), SideError> {
        match self {
            Self::Local(path) => Ok(std::fs::remove_dir(path)?),
            Self::Remote { client, path, .. } => match client.list(path, false).await? {
                Listed::Folder(listing) if listing.entries.is_empty() && listing.refused.is_empty() => {
                    let done = client.delete_all(&[(path.clone(), None)]).await.pop();
                    Ok(done.unwrap_or(Ok(()))?)
                }
                _ => Err(SideError::NotEmpty),
            },
        }
    }

    /// Makes folders, with those around them.
    pub async fn make_folders(&self, relative: &[&str]) -> Vec<Result<(), SideError>> {
        match self {
            Self::Local(root) => {
                let root = Root::new(root);
                relative.iter().map(|path| Ok(root.make_folder(path)?)).collect()
            }
            Self::Remote { client, .. } => {
                let all: Vec<_> = relative.iter().map(|below| self.below(below)).collect();
                let good: Vec<_> = all
                    .iter()
                    .filter(|path| path.check_new().is_ok())
                    .cloned()
                    .collect();
                let mut outcomes = client.make_folders(&good).await.into_iter();
                all.iter()
                    .map(|path| {
                        path.check_new()?;
                        Ok(outcomes.next().unwrap_or(Ok(()))?)
                    })
                    .collect()
            }
        }
    }
}

/// What is gone already needs no removing.
fn forgive(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

async fn look_here(path: &Path, filter: &Filter, symlinks: Symlinks) -> Result<Found, SideError> {
    match local::stat(path)? {
        None => Ok(Found::default()),
        Some(file) if file.kind != Kind::Folder => Ok(Found {
            what: What::File,
            entries: vec![file],
            ..Found::default()
        }),
        Some(_) => {
            let (root, filter) = (path.to_owned(), filter.clone());
            let walked = tokio::task::spawn_blocking(move || local::walk(&root, &filter, symlinks)).await;
            let walked = walked.map_err(io::Error::other)?;
            let told = |errors: bool| {
                let of_kind = walked
                    .skipped
                    .iter()
                    .filter(move |skipped| skipped.is_error == errors);
                of_kind
                    .map(|s| (raw::text(s.path.as_os_str()).into_owned(), s.reason.clone()))
                    .collect()
            };
            Ok(Found {
                what: What::Folder,
                problems: told(true),
                skipped: told(false),
                others: walked.others,
                entries: walked.entries,
                closed: walked.closed,
                ..Found::default()
            })
        }
    }
}

/// Whether what is below folders is listed too.
fn is_deep(filter: &Filter) -> bool {
    filter.max_depth() != Some(1)
}

async fn look_there(client: &Client, path: &DropboxPath, filter: &Filter) -> Result<Found, SideError> {
    match client.list(path, is_deep(filter)).await {
        Ok(Listed::File(file)) => Ok(Found {
            what: What::File,
            entries: vec![file.into()],
            ..Found::default()
        }),
        Ok(Listed::Folder(listing)) => Ok(Found {
            what: What::Folder,
            entries: convert::entries(listing.entries),
            mounts: Mounts::new(listing.mounts),
            problems: listing.refused,
            ..Found::default()
        }),
        Err(error) if error.is_not_found() => Ok(Found::default()),
        Err(error) => Err(error.into()),
    }
}

/// Deletes those of `folders` that hold nothing any more: deleting a folder on Dropbox deletes all in it, so one listing
/// says first what there still is, and only the outermost of what is empty need be named.
async fn delete_empty(client: &Client, root: &DropboxPath, folders: &[String]) -> Vec<Result<(), SideError>> {
    if folders.is_empty() {
        return Vec::new();
    }
    let there = match client.list(root, true).await {
        Ok(Listed::Folder(listing)) if listing.refused.is_empty() => listing.entries,
        Ok(_) => return folders.iter().map(|_| Err(SideError::Odd)).collect(),
        Err(error) => return folders.iter().map(|_| Err(error.clone().into())).collect(),
    };
    let mut occupied: HashSet<&str> = HashSet::new();
    let unwanted: HashSet<&str> = folders.iter().map(String::as_str).collect();
    for entry in &there {
        if entry.file().is_none() && unwanted.contains(entry.path.as_str()) {
            continue;
        }
        let mut rest = entry.path.as_str();
        while let Some((folder, _)) = rest.rsplit_once('/') {
            if !occupied.insert(folder) {
                break;
            }
            rest = folder;
        }
    }
    let is_empty = |path: &str| unwanted.contains(path) && !occupied.contains(path);
    let is_outermost = |path: &str| !path.rsplit_once('/').is_some_and(|(around, _)| is_empty(around));
    let targets: Vec<&str> = unwanted
        .iter()
        .copied()
        .filter(|path| is_empty(path) && is_outermost(path))
        .collect();
    let paths: Vec<_> = targets.iter().map(|path| (root.join(path), None)).collect();
    let deleted = client.delete_all(&paths).await;
    let outcome_of: HashMap<&str, &Result<(), Error>> = targets.iter().copied().zip(&deleted).collect();
    folders
        .iter()
        .map(|folder| {
            let mut path = folder.as_str();
            if occupied.contains(path) {
                return Err(SideError::NotEmpty);
            }
            while let Some((around, _)) = path.rsplit_once('/').filter(|(around, _)| is_empty(around)) {
                path = around;
            }
            Ok(outcome_of
                .get(path)
                .map_or(Ok(()), |outcome| (*outcome).clone())?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_changed_since_it_was_listed_is_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["same", "changed", "gone"] {
            std::fs::write(directory.path().join(name), "text").unwrap();
        }
        let side = Side::Local(directory.path().to_owned());
        let found = side.look(&Filter::default(), Symlinks::Tell).await.unwrap();
        std::fs::write(directory.path().join("changed"), "another text").unwrap();
        std::fs::remove_file(directory.path().join("gone")).unwrap();
        let files: Vec<&Entry> = found.entries.iter().collect();
        let outcomes = side.remove(&files, &[]).await;
        let told: Vec<_> = found
            .entries
            .iter()
            .zip(&outcomes)
            .map(|(e, o)| (e.path.as_str(), o.is_ok()))
            .collect();
        assert_eq!(told, [("changed", false), ("gone", true), ("same", true)]);
        assert!(directory.path().join("changed").exists());
    }
}
