//! `--metadata`: permissions of local files travel in a small file for each folder of a Dropbox ([`stores::modes`]), also from one
//! Dropbox to another.
//!
//! With the flag, these files are nobody's data: they are taken out of both listings, so that they are neither copied nor deleted,
//! and are read or written once everything else is done.

use std::{
    collections::{BTreeMap, HashMap},
    os::unix::fs::MetadataExt as _,
};

use engine::{
    entry::{Entry, FileMeta},
    listing::Listing,
    relative_path::{fold, join, name, parent},
};
use engine::{
    plan::{Plan, Step, StepId, StepKind},
    store::Store as _,
};
use futures_util::{StreamExt, stream};
use shared::content_hash::{ContentHash, Hasher};
use stores::{
    DropboxStore, LocalStore, Place, Range, Read,
    modes::{Child, MODES_NAME, Modes},
};

use crate::report;

/// Maximum number of files with permissions that are read or written at once.
const MAX_CONCURRENT: usize = 16;
/// Maximum size of such a file in bytes: a folder of a million files has less.
const MAX_BYTES: u64 = 64 << 20;

/// What is known of permissions before a job.
#[derive(Debug, Default)]
pub(super) struct Permissions {
    /// The files with permissions of the Dropbox, by the folded paths of their folders. Of two Dropboxes, the target's.
    kept: HashMap<String, Entry>,
    /// Those of the source, where both are Dropboxes.
    from: HashMap<String, Entry>,
    /// The folders of the source, each with what is in it.
    folders: BTreeMap<String, Vec<(String, bool)>>,
    /// Of a source whose permissions are written into a Dropbox: those of what is in it, by path.
    modes: HashMap<String, u32>,
    /// What of the source's permissions could not be read.
    unread: Vec<(String, engine::Error)>,
    /// Of a Dropbox as the target: what is in its folders, by their folded paths.
    others: HashMap<String, Vec<(String, bool)>>,
    /// The name of a single file in its source: of the others nothing is known.
    single: Option<String>,
}

/// Takes the files with permissions out of a listing.
fn take_out(listing: &mut Listing) -> Vec<Entry> {
    let is_one = |entry: &mut Entry| entry.file().is_some() && name(&entry.path) == MODES_NAME;
    listing.entries.extract_if(.., is_one).collect()
}

/// Returns files with permissions by the folded paths of their folders.
fn by_folder(found: Vec<Entry>) -> impl Iterator<Item = (String, Entry)> {
    let of_folder = |entry: Entry| (fold(parent(&entry.path)).into_owned(), entry);
    found.into_iter().map(of_folder)
}

/// The children of each folder.
fn children(listing: &Listing) -> impl Iterator<Item = (&str, (String, bool))> {
    listing.entries.iter().map(|entry| {
        let child = (name(&entry.path).to_owned(), entry.file().is_none());
        (parent(&entry.path), child)
    })
}

impl Permissions {
    /// Takes the files with permissions out of the source's listing; a filter doesn't matter to them.
    pub(super) fn take_source(&mut self, listing: &mut Listing, source: &Place, target: &Place) {
        let found = take_out(listing);
        match source {
            Place::Dropbox(_) | Place::Link(_) if target.is_local() => self.kept.extend(by_folder(found)),
            Place::Dropbox(_) | Place::Link(_) => self.from.extend(by_folder(found)),
            Place::Local(_) => found.iter().for_each(|entry| {
                tracing::warn!(object = %entry.path, "skipped, it holds permissions of a Dropbox");
            }),
        }
    }

    /// Notes what is in the source and in the job.
    pub(super) async fn note_source(&mut self, listing: &Listing, source: &Place, target: &Place) {
        if let Place::Local(store) = source {
            self.read_modes(listing, store);
        }
        for (folder, child) in children(listing) {
            self.folders.entry(folder.to_owned()).or_default().push(child);
        }
        if !source.is_local() && !target.is_local() {
            self.read_kept(source).await;
        }
    }

    /// Reads the permissions that are kept in a source which is no folder of this machine. What can't be read stays as it is in
    /// the target.
    async fn read_kept(&mut self, source: &Place) {
        let reads = self.folders.iter().map(async |(folder, children)| {
            let modes = match self.from.get(&*fold(folder)) {
                Some(kept) => read(source, kept).await,
                None => Ok(Modes::default()),
            };
            (folder, children, modes)
        });
        let reads: Vec<_> = stream::iter(reads)
            .buffer_unordered(MAX_CONCURRENT)
            .collect()
            .await;
        let (mut found, mut unread) = (HashMap::new(), Vec::new());
        for (folder, children, modes) in reads {
            match modes {
                Ok(modes) => found.extend(
                    children
                        .iter()
                        .map(|(name, is_folder)| (join(folder, name), modes.mode(name, *is_folder))),
                ),
                Err(error) => unread.push((join(folder, MODES_NAME), error)),
            }
        }
        self.modes.extend(found);
        self.unread.extend(unread);
    }

    /// Notes a single file, which is called `name` in the source's folder and `new_name` in the target's.
    ///
    /// # Errors
    /// When the Dropbox can't be asked.
    pub(super) async fn note_single(
        &mut self,
        (source, name): (&Place, &str),
        (target, new_name): (&Place, &str),
    ) -> engine::Result<()> {
        for place in [source, target] {
            let Some(store) = place.dropbox() else { continue };
            let found = by_folder(store.list_only(&[MODES_NAME]).await?.entries);
            match std::ptr::eq(place, source) && !target.is_local() {
                true => self.from.extend(found),
                false => self.kept.extend(found),
            }
        }
        if let Some(kept) = self.from.get("") {
            let mode = read(source, kept).await?.mode(name, false);
            self.modes.insert(new_name.to_owned(), mode);
        } else if !source.is_local() && !target.is_local() {
            self.modes
                .insert(new_name.to_owned(), Modes::default().mode(name, false));
        }
        if let Some(folder) = source.local_path() {
            let metadata = std::fs::metadata(folder.join(&*shared::raw::name(name)));
            let mode = metadata
                .ok()
                .map(|metadata| (new_name.to_owned(), metadata.mode()));
            self.modes.extend(mode);
        }
        self.single = Some(name.to_owned());
        self.folders
            .insert(String::new(), vec![(new_name.to_owned(), false)]);
        Ok(())
    }

    /// Takes what it needs from the target's listing.
    pub(super) fn take_target(&mut self, listing: &mut Listing, target: &Place) {
        let found = take_out(listing);
        if !target.is_local() {
            self.kept.extend(by_folder(found));
            for (folder, child) in children(listing) {
                let folder = fold(folder).into_owned();
                self.others.entry(folder).or_default().push(child);
            }
        }
    }

    /// A file's mode may change, and a moved one is gone, before everything is copied.
    fn read_modes(&mut self, listing: &Listing, store: &LocalStore) {
        let mode = |entry: &Entry| {
            let metadata = std::fs::symlink_metadata(store.path_of(&entry.path)).ok()?;
            let metadata = match metadata.is_symlink() {
                true => std::fs::metadata(store.path_of(&entry.path)).ok()?,
                false => metadata,
            };
            Some((entry.path.clone(), metadata.mode()))
        };
        self.modes = listing.entries.iter().filter_map(mode).collect();
    }
}

impl Permissions {
    /// Forgets what is deleted from the target: it has no permissions to be kept.
    fn forget<'a>(&mut self, deleted: impl Iterator<Item = &'a str>) {
        for path in deleted {
            if let Some(others) = self.others.get_mut(&*fold(parent(path))) {
                others.retain(|(child, _)| child != name(path));
            }
        }
    }

    /// Writes the permissions of a local source into a Dropbox, where they are others than before. Returns what failed.
    async fn write(&self, target: &DropboxStore) -> Vec<(String, engine::Error)> {
        let writes = self.folders.iter().map(async |(folder, children)| {
            let written = self.write_one(folder, children, target).await;
            written.err().map(|error| (join(folder, MODES_NAME), error))
        });
        let writes = stream::iter(writes).buffer_unordered(MAX_CONCURRENT);
        writes.filter_map(async |failed| failed).collect().await
    }

    async fn write_one(
        &self,
        folder: &str,
        children: &[(String, bool)],
        target: &DropboxStore,
    ) -> engine::Result<()> {
        let key = fold(folder);
        let old = self.kept.get(&*key);
        if self.single.is_some() {
            return self.write_single(children, old, target).await;
        }
        let mut all: BTreeMap<String, Child> = BTreeMap::new();
        for (name, is_folder) in self.others.get(&*key).into_iter().flatten() {
            all.insert(fold(name).into_owned(), child(name, *is_folder, None));
        }
        let is_own = |(name, _): &&(String, bool)| self.modes.contains_key(&join(folder, name));
        let own: Vec<&(String, bool)> = children.iter().filter(is_own).collect();
        own.iter().for_each(|(name, _)| drop(all.remove(&*fold(name))));
        if let Some(old) = old.filter(|_| !all.is_empty()) {
            let modes = read(&Place::Dropbox(target.clone()), old).await?;
            all.values_mut()
                .for_each(|child| child.mode = modes.mode(&child.name, child.is_folder));
        }
        for (name, is_folder) in own {
            let mode = self.modes.get(&join(folder, name)).copied();
            all.insert(fold(name).into_owned(), child(name, *is_folder, mode));
        }
        let all: Vec<Child> = all.into_values().collect();
        put(
            target,
            &join(folder, MODES_NAME),
            Modes::of(&all),
            old.and_then(Entry::file),
        )
        .await
    }

    /// Writes the permissions of a single file beside those of others.
    async fn write_single(
        &self,
        children: &[(String, bool)],
        old: Option<&Entry>,
        target: &DropboxStore,
    ) -> engine::Result<()> {
        let mut modes = match old {
            Some(old) => read(&Place::Dropbox(target.clone()), old).await?,
            None => Modes::default(),
        };
        for (name, is_folder) in children {
            if let Some(mode) = self.modes.get(name) {
                modes.set(&child(name, *is_folder, Some(*mode)));
            }
        }
        let modes = Some(modes).filter(|modes| !modes.is_usual());
        put(target, MODES_NAME, modes, old.and_then(Entry::file)).await
    }

    /// Sets the permissions of what was downloaded. Returns what failed.
    async fn set(&self, source: &Place, target: &LocalStore) -> Vec<(String, engine::Error)> {
        let with_modes = self.folders.iter().filter_map(|(folder, children)| {
            let kept = self.kept.get(&*fold(folder))?;
            Some((folder, children, kept))
        });
        let reads =
            with_modes.map(async |(folder, children, kept)| (folder, children, read(source, kept).await));
        let mut reads = stream::iter(reads).buffer_unordered(MAX_CONCURRENT);
        let (mut wanted, mut failed) = (Vec::new(), Vec::new());
        while let Some((folder, children, modes)) = reads.next().await {
            match modes {
                Ok(modes) => wanted.extend(children.iter().map(|(name, is_folder)| {
                    let own = self.single.as_ref().unwrap_or(name);
                    (join(folder, name), *is_folder, modes.mode(own, *is_folder))
                })),
                Err(error) => failed.push((join(folder, MODES_NAME), error)),
            }
        }
        // A folder after all that is in it: then it may be closed.
        wanted.sort_by(|a, b| (a.1, &b.0).cmp(&(b.1, &a.0)));
        for (path, _, mode) in wanted {
            match target.set_mode(&path, mode) {
                // It could not be copied, or is a symlink here.
                Err(error) if error.kind() == engine::ErrorKind::NotFound => {}
                Err(error) => failed.push((path, error)),
                Ok(()) => {}
            }
        }
        failed
    }

    /// Removes the files with permissions from a Dropbox from which all else was moved away.
    async fn leave(&self, source: &DropboxStore) -> Vec<(String, engine::Error)> {
        let kept = if self.from.is_empty() {
            &self.kept
        } else {
            &self.from
        };
        let kept: Vec<&Entry> = kept.values().collect();
        let files: Vec<_> = kept
            .iter()
            .map(|entry| (entry.path.as_str(), entry.file()))
            .collect();
        let removed = source.remove_files(&files).await.into_iter().zip(&kept);
        removed
            .filter_map(|(removed, entry)| Some((entry.path.clone(), removed.err()?)))
            .collect()
    }
}

impl Permissions {
    /// Adds to a plan the files with permissions of folders that it removes.
    pub(super) fn remove_with_folders(&mut self, plan: &mut Plan) {
        self.forget(plan.deletes.iter().chain(&plan.rmdirs).map(|step| &*step.to));
        let ids = plan.steps().map(|step| step.id.0 + 1);
        let mut next = ids.max().unwrap_or(0);
        for folder in plan.rmdirs.iter().filter(|step| step.kind == StepKind::Rmdir) {
            let Some(kept) = self.kept.remove(&*fold(&folder.to)) else {
                continue;
            };
            let Some(file) = kept.file() else { continue };
            plan.deletes.push(Step {
                id: StepId(next),
                ..Step::new(StepKind::Delete, &kept.path, &kept.path, file.clone())
            });
            next += 1;
        }
    }

    /// Keeps or sets the permissions once everything else is done; `is_left` says that all files were moved away. Returns whether
    /// nothing failed.
    pub(super) async fn finish(&self, source: &Place, target: &Place, is_left: bool) -> bool {
        tell(&self.unread);
        let mut failed = match target {
            Place::Dropbox(target) => self.write(target).await,
            Place::Local(target) => self.set(source, target).await,
            Place::Link(_) => Vec::new(), // never a target
        };
        let is_well = failed.is_empty() && self.unread.is_empty();
        if let Some(source) = source.dropbox()
            && is_left
            && is_well
            && self.single.is_none()
        {
            failed = self.leave(source).await;
        }
        tell(&failed);
        failed.is_empty() && self.unread.is_empty()
    }
}

/// Makes a file with permissions what it should be: `None` means that there is none.
async fn put(
    target: &DropboxStore,
    path: &str,
    modes: Option<Modes>,
    old: Option<&FileMeta>,
) -> engine::Result<()> {
    match (modes.map(|modes| modes.to_bytes()), old) {
        (None, None) => Ok(()),
        (None, Some(old)) => {
            let removed = target.remove_files(&[(path, Some(old))]).await.pop();
            removed.unwrap_or(Ok(()))
        }
        (Some(bytes), old) => {
            let hash = hash(&bytes);
            match old.and_then(FileMeta::checksum) == Some(hash) {
                true => Ok(()),
                false => target.put_small(path, bytes, hash, old).await,
            }
        }
    }
}

/// Reports what failed.
fn tell(failed: &[(String, engine::Error)]) {
    for (path, error) in failed {
        report::warn(&format!("the permissions were not kept: '{path}': {error}"));
    }
}

/// A child with its permissions, or the usual ones.
fn child(name: &str, is_folder: bool, mode: Option<u32>) -> Child {
    let usual = if is_folder { 0o755 } else { 0o644 };
    Child {
        name: name.to_owned(),
        is_folder,
        mode: mode.unwrap_or(usual),
    }
}

fn hash(bytes: &[u8]) -> ContentHash {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finish()
}

async fn read(place: &Place, kept: &Entry) -> engine::Result<Modes> {
    let odd = |why: String| engine::Error::new(engine::Retry::Never, why);
    let file = kept.file().filter(|file| file.size_bytes <= MAX_BYTES);
    let file = file.ok_or_else(|| odd("it is too large".into()))?;
    let mut bytes = Vec::new();
    let mut take = |chunk: &[u8]| {
        bytes.extend_from_slice(chunk);
        Ok(true)
    };
    match place.join(&kept.path).read(file, Range::All, &mut take).await? {
        Read::Done { .. } => Modes::parse(&bytes).map_err(odd),
        Read::Damaged | Read::Stopped => Err(odd("its bytes were damaged on the way".into())),
    }
}
