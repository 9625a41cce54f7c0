//! A store in memory: for tests of the engine, for examples, and as the simplest example of a store.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::content_hash::ContentHash;

use crate::{
    digest::{Algorithm, digests_of},
    entry::{Entry, FileMeta, Kind, Modified, Version},
    error::{Error, ErrorKind, Result, Retry},
    listing::{Capabilities, Listing, NameRules, Query, RootKind},
    plan::{Plan, PlanOptions, Refusal, Source, Step, Verb, plan},
    relative_path::{ancestors, fold, is_within, parent},
    run::{Arrived, BackupPlace, Event, Job, Kept, Run, RunOptions, Shutdown, Tally, Transfer, run},
    store::{Rename, Store},
};

/// A store in memory. Clones are one store.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    nodes: BTreeMap<String, Node>,
    ignores_case: bool,
    lists_checksums: bool,
    next_version: u64,
    /// What is reported as unreadable by the next listings.
    unreadable: Vec<String>,
    /// Errors of operations on a path.
    failures: HashMap<String, Error>,
    /// Number of changes that still succeed. `None` means all.
    changes_left: Option<usize>,
    /// What was changed, in order.
    changes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File {
        content: Vec<u8>,
        modified: Modified,
        version: u64,
    },
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().nodes.keys()).finish()
    }
}

impl MemoryStore {
    /// Returns an empty store that compares names byte by byte, and whose listings have no checksums, like a local folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an empty store that ignores letter case, and whose listings have checksums, like Dropbox.
    pub fn ignoring_case() -> Self {
        let store = Self::default();
        {
            let mut state = store.0.lock();
            state.ignores_case = true;
            state.lists_checksums = true;
        }
        store
    }

    /// Puts a file at a path, with the folders around it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        self.write_at(path, content, Modified::default());
    }

    /// Puts a file with a modification time at a path, with the folders around it.
    pub fn write_at(&self, path: &str, content: impl AsRef<[u8]>, modified: Modified) {
        self.0.lock().put(path, content.as_ref().to_vec(), modified);
    }

    /// Removes the file or the empty folder at a path, as another process would.
    pub fn remove(&self, path: &str) {
        let mut state = self.0.lock();
        let key = state.key(path);
        state.nodes.remove(&key);
    }

    /// Makes a folder, with those around it.
    pub fn make_dir(&self, path: &str) {
        self.0.lock().make_dir(path);
    }

    /// Returns the content of the file at a path. `None` means that no file is there.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.0.lock();
        match state.nodes.get(&state.key(path)) {
            Some(Node::File { content, .. }) => Some(content.clone()),
            _ => None,
        }
    }

    /// Returns all files with their content, sorted by path.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.lock();
        let files = state.nodes.iter().filter_map(|(path, node)| match node {
            Node::File { content, .. } => Some((path.clone(), content.clone())),
            Node::Folder => None,
        });
        files.collect()
    }

    /// Returns all folders, sorted by path.
    pub fn folders(&self) -> Vec<String> {
        let state = self.0.lock();
        let folders = state.nodes.iter().filter(|(_, node)| **node == Node::Folder);
        folders.map(|(path, _)| path.clone()).collect()
    }

    /// Makes all operations on a path fail from now on.
    pub fn fail(&self, path: &str, error: Error) {
        self.0.lock().failures.insert(path.to_owned(), error);
    }

    /// Reports a path as unreadable in listings from now on.
    pub fn make_unreadable(&self, path: &str) {
        self.0.lock().unreadable.push(path.to_owned());
    }

    /// Allows only this many more changes, as if the process were killed after them. `None` means no limit.
    pub fn allow_changes(&self, count: Option<usize>) {
        self.0.lock().changes_left = count;
    }

    /// Returns what was changed by operations of stores, in order: `+path` for a file that was made, `-path` for one that was
    /// removed, `~path` for one that got another name or place, `=path` for a time that was set; folders end in a slash.
    pub fn changes(&self) -> Vec<String> {
        self.0.lock().changes.clone()
    }
}

impl State {
    /// Whether times of existing files can be set, unlike in Dropbox.
    fn sets_times(&self) -> bool {
        !self.ignores_case
    }

    /// Returns the stored spelling of a path.
    fn key(&self, path: &str) -> String {
        if !self.ignores_case || self.nodes.contains_key(path) {
            return path.to_owned();
        }
        let wanted = fold(path);
        let found = self.nodes.keys().find(|known| fold(known) == wanted);
        found.cloned().unwrap_or_else(|| path.to_owned())
    }

    fn put(&mut self, path: &str, content: Vec<u8>, modified: Modified) {
        self.make_dir(parent(path));
        self.next_version += 1;
        let version = self.next_version;
        let key = self.key(path);
        self.nodes.insert(
            key,
            Node::File {
                content,
                modified,
                version,
            },
        );
    }

    fn make_dir(&mut self, path: &str) {
        let around = std::iter::once(path)
            .chain(ancestors(path))
            .filter(|path| !path.is_empty());
        for folder in around {
            let key = self.key(folder);
            self.nodes.entry(key).or_insert(Node::Folder);
        }
    }

    fn meta(&self, node: &Node) -> Option<FileMeta> {
        let Node::File {
            content,
            modified,
            version,
        } = node
        else {
            return None;
        };
        let version = self.lists_checksums.then(|| {
            Box::new(Version {
                id: version.to_string(),
                checksum: Some(ContentHash::of(content)),
                document: None,
            })
        });
        Some(FileMeta {
            size_bytes: content.len() as u64,
            modified: *modified,
            version,
        })
    }

    fn entry(&self, path: &str) -> Option<Entry> {
        let node = self.nodes.get(&self.key(path))?;
        let kind = self.meta(node).map_or(Kind::Folder, Kind::File);
        Some(Entry {
            path: path.to_owned(),
            kind,
            id: None,
        })
    }

    /// Fails if the path is set to fail, or no more changes are allowed; otherwise records the change.
    fn change(&mut self, path: &str, what: String) -> Result<()> {
        if let Some(error) = self.failures.get(path) {
            return Err(error.clone());
        }
        if let Some(left) = &mut self.changes_left {
            if *left == 0 {
                return Err(Error::new(Retry::Later, "the process was killed").with_ends_run(true));
            }
            *left -= 1;
        }
        self.changes.push(what);
        Ok(())
    }

    /// Fails if a path no longer has what was seen there.
    fn check_seen(&self, path: &str, seen: Option<&FileMeta>) -> Result<()> {
        let there = self.nodes.get(&self.key(path)).and_then(|node| self.meta(node));
        match (there, seen) {
            (None, _) => Err(Error::new(Retry::Unknown, "it is not there").with_kind(ErrorKind::NotFound)),
            (Some(there), Some(seen)) if there != *seen => Err(changed()),
            _ => Ok(()),
        }
    }

    fn move_file(&mut self, from: &str, to: &str) -> Result<()> {
        let from = self.key(from);
        let is_same = self.key(to) == from;
        if self.nodes.contains_key(&self.key(to)) && !is_same {
            return Err(already_exists());
        }
        let node = self.nodes.remove(&from).ok_or_else(changed)?;
        self.make_dir(parent(to));
        self.nodes.insert(to.to_owned(), node);
        Ok(())
    }
}

fn already_exists() -> Error {
    Error::new(Retry::Unknown, "something is there").with_kind(ErrorKind::AlreadyExists)
}

fn changed() -> Error {
    Error::new(Retry::Later, "it is not what was listed").with_kind(ErrorKind::Changed)
}

#[async_trait(?Send)]
impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        let state = self.0.lock();
        let ignores_case = state.ignores_case;
        Capabilities {
            names: NameRules {
                ignores_case,
                ..NameRules::EXACT
            },
            sets_times: state.sets_times(),
            stats_many: ignores_case,
            has_symlinks: false,
        }
    }

    async fn stat(&self, path: &str) -> Result<Option<Entry>> {
        let state = self.0.lock();
        match state.failures.get(path) {
            Some(error) => Err(error.clone()),
            None if path.is_empty() => Ok(Some(Entry::folder(""))),
            None => Ok(state.entry(path)),
        }
    }

    async fn list(&self, query: Query<'_>) -> Result<Listing> {
        let state = self.0.lock();
        let entries = state.nodes.keys().filter_map(|path| state.entry(path));
        let mut listing = Listing {
            root: RootKind::Folder,
            entries: entries.collect(),
            ..Listing::default()
        };
        listing.set_apart(|entry| state.unreadable.contains(&entry.path), "it can't be read");
        let is_pruned = |path: &str| {
            let mut around = ancestors(path);
            around.any(|folder| !query.filter.includes_dir(folder))
        };
        listing.entries.retain(|entry| match entry.kind {
            Kind::Folder if !query.filter.includes_dir(&entry.path) => {
                if !is_pruned(&entry.path) {
                    listing.pruned.push(entry.path.clone());
                }
                false
            }
            _ => !is_pruned(&entry.path),
        });
        Ok(listing)
    }

    async fn make_dirs(&self, paths: &[&str]) -> Vec<Result<()>> {
        let mut state = self.0.lock();
        let make = |path: &&str| {
            if matches!(state.nodes.get(&state.key(path)), Some(Node::File { .. })) {
                return Err(already_exists());
            }
            state.change(path, format!("+{path}/"))?;
            state.make_dir(path);
            Ok(())
        };
        paths.iter().map(make).collect()
    }

    async fn remove_files(&self, files: &[(&str, Option<&FileMeta>)]) -> Vec<Result<()>> {
        let mut state = self.0.lock();
        let remove = |(path, seen): &(&str, Option<&FileMeta>)| {
            match state.check_seen(path, *seen) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                checked => checked?,
            }
            state.change(path, format!("-{path}"))?;
            let key = state.key(path);
            state.nodes.remove(&key);
            Ok(())
        };
        files.iter().map(remove).collect()
    }

    async fn remove_dirs(&self, paths: &[&str]) -> Vec<Result<()>> {
        let mut state = self.0.lock();
        let remove = |path: &&str| {
            let is_below = |other: &&String| other.as_str() != *path && is_within(other, path);
            if state.nodes.keys().any(|other| is_below(&other)) {
                return Err(Error::new(Retry::Never, "it is not empty").with_kind(ErrorKind::NotEmpty));
            }
            state.change(path, format!("-{path}/"))?;
            let key = state.key(path);
            state.nodes.remove(&key);
            Ok(())
        };
        paths.iter().map(remove).collect()
    }

    async fn rename(&self, renames: &[Rename<'_>]) -> Vec<Result<Option<Box<str>>>> {
        let mut state = self.0.lock();
        let rename = |rename: &Rename<'_>| {
            let key = state.key(rename.to);
            if state.nodes.contains_key(&key) && key != state.key(rename.from) {
                return Err(already_exists());
            }
            state.change(rename.from, format!("~{}", rename.to))?;
            state.move_file(rename.from, rename.to)?;
            let time = rename.modified.filter(|_| state.sets_times());
            if let (Some(time), Some(Node::File { modified, .. })) = (time, state.nodes.get_mut(rename.to)) {
                *modified = time;
            }
            Ok(None)
        };
        renames.iter().map(rename).collect()
    }

    async fn checksum(&self, path: &str, _: &FileMeta) -> Result<Option<ContentHash>> {
        let state = self.0.lock();
        if let Some(error) = state.failures.get(path) {
            return Err(error.clone());
        }
        Ok(match state.nodes.get(&state.key(path)) {
            Some(Node::File { content, .. }) => Some(ContentHash::of(content)),
            _ => None,
        })
    }

    async fn set_modified(&self, path: &str, time: Modified) -> Result<()> {
        let mut state = self.0.lock();
        if !state.sets_times() {
            return Ok(());
        }
        state.change(path, format!("={path}"))?;
        let key = state.key(path);
        if let Some(Node::File { modified, .. }) = state.nodes.get_mut(&key) {
            *modified = time;
        }
        Ok(())
    }
}

/// Copies files from one store in memory to another.
#[derive(Debug)]
pub struct MemoryTransfer<'a> {
    /// The source.
    pub source: &'a MemoryStore,
    /// The target.
    pub target: &'a MemoryStore,
    /// Whether the source's file is removed with the copy, as in a rename on a server.
    pub takes_from_source: bool,
    /// The digests to compute.
    pub digests: &'a [Algorithm],
}

impl MemoryTransfer<'_> {
    fn copy_one(&self, step: &Step) -> Result<Event> {
        let source = self.source.0.lock();
        if let Some(error) = source.failures.get(&*step.from) {
            return Err(error.clone());
        }
        let Some(Node::File {
            content, modified, ..
        }) = source.nodes.get(&source.key(&step.from)).cloned()
        else {
            return Err(Error::new(Retry::Unknown, "it was removed meanwhile").with_kind(ErrorKind::NotFound));
        };
        drop(source);
        let mut target = self.target.0.lock();
        let key = target.key(&step.to);
        match (
            target.nodes.get(&key).map(|node| target.meta(node)),
            &step.replaces,
        ) {
            (None, None) => {}
            (Some(Some(there)), Some(seen)) if there == *seen => {}
            (Some(_), None) => return Err(already_exists()),
            _ => return Err(changed()),
        }
        let is_file = |path: &str| matches!(target.nodes.get(&target.key(path)), Some(Node::File { .. }));
        if ancestors(&step.to).any(is_file) {
            return Err(already_exists());
        }
        target.change(&step.to, format!("+{}", step.to))?;
        let (bytes, checksum) = (content.len() as u64, ContentHash::of(&content));
        let digests = digests_of(&content, self.digests);
        target.put(&step.to, content, modified);
        let there = target.nodes.get(&target.key(&step.to));
        let version = there.and_then(|node| target.meta(node)?.version);
        Ok(Event::Copied {
            bytes,
            replaced: step.replaces.is_some(),
            file: Arrived {
                version: version.map(|version| version.id.into()),
                checksum: Some(checksum),
                digests,
            },
        })
    }
}

#[async_trait(?Send)]
impl Transfer for MemoryTransfer<'_> {
    async fn copy(&self, steps: Vec<Step>, run: &Run) {
        for step in steps {
            if run.is_over() {
                return;
            }
            let event = self.copy_one(&step).unwrap_or_else(Event::Failed);
            if let Event::Copied { bytes, .. } = event {
                run.moved(Some(step.id), bytes);
                if self.takes_from_source {
                    let mut source = self.source.0.lock();
                    let key = source.key(&step.from);
                    source.nodes.remove(&key);
                }
            }
            run.report(step.id, event);
            tokio::task::yield_now().await;
        }
    }

    fn takes_from_source(&self) -> bool {
        self.takes_from_source
    }
}

/// Keeps files of a store in memory in another one, or beside the new files in the same one.
#[derive(Debug)]
pub struct MemoryBackup {
    target: MemoryStore,
    place: MemoryStore,
}

impl MemoryBackup {
    /// Keeps files of `target` in `place`.
    pub fn new(target: &MemoryStore, place: &MemoryStore) -> Self {
        Self {
            target: target.clone(),
            place: place.clone(),
        }
    }

    fn take_one(&self, file: &Kept<'_>) -> Result<()> {
        if Arc::ptr_eq(&self.target.0, &self.place.0) {
            let mut state = self.target.0.lock();
            state.check_seen(file.from, file.seen)?;
            if state.nodes.contains_key(&state.key(&file.to)) {
                return Err(already_exists());
            }
            state.change(file.from, format!("~{}", file.to))?;
            return state.move_file(file.from, &file.to);
        }
        let mut target = self.target.0.lock();
        target.check_seen(file.from, file.seen)?;
        let mut place = self.place.0.lock();
        if place.nodes.contains_key(&place.key(&file.to)) {
            return Err(already_exists());
        }
        target.change(file.from, format!("~{}", file.to))?;
        let key = target.key(file.from);
        let node = target.nodes.remove(&key).ok_or_else(changed)?;
        place.make_dir(parent(&file.to));
        place.nodes.insert(file.to.clone(), node);
        Ok(())
    }
}

#[async_trait(?Send)]
impl BackupPlace for MemoryBackup {
    async fn take(&self, files: &[Kept<'_>]) -> Vec<Result<()>> {
        files.iter().map(|file| self.take_one(file)).collect()
    }

    fn store(&self) -> &dyn Store {
        &self.place
    }
}

/// Lists both stores and returns the plan.
///
/// # Errors
/// As those of [`plan`].
pub async fn plan_of(
    source: &MemoryStore,
    target: &MemoryStore,
    options: &PlanOptions<'_>,
) -> Result<Plan, Refusal> {
    let everything = crate::filter::Filter::default();
    let filter = options.filter.unwrap_or(&everything);
    let query = Query {
        filter,
        symlinks: crate::listing::Symlinks::default(),
    };
    let mut listing = source.list(query).await.unwrap_or_default();
    let spares = options.verb == Verb::Sync && !options.deletes_excluded;
    let wants_paths = spares || options.removes_empty_source_folders;
    let left_out = listing.apply_filter(filter, wants_paths);
    let every = filter.depth_only();
    let query = Query {
        filter: if options.deletes_excluded { &every } else { filter },
        ..query
    };
    let there = target.list(query).await.unwrap_or_default();
    let source = Source {
        listing: &listing,
        left_out: &left_out,
    };
    let options = PlanOptions {
        filter: options.filter.filter(|_| !options.deletes_excluded),
        max_depth: filter.max_depth(),
        ..options.clone()
    };
    plan(source, &there, &options)
}

/// Runs a whole job: lists, plans and runs.
///
/// # Errors
/// As those of [`plan`].
pub async fn sync(
    source: &MemoryStore,
    target: &MemoryStore,
    options: &PlanOptions<'_>,
) -> Result<Tally, Refusal> {
    let options = PlanOptions {
        names: target.capabilities().names,
        ..options.clone()
    };
    let plan = plan_of(source, target, &options).await?;
    let transfer = MemoryTransfer {
        source,
        target,
        takes_from_source: false,
        digests: &[],
    };
    let job = Job {
        source,
        target,
        transfer: &transfer,
        backup: None,
        keeps_times: false,
    };
    let this = Run::new(&plan, Tally::of_plan(&plan), Shutdown::default(), Arc::new(()));
    run(plan, &job, RunOptions::default(), &this).await;
    Ok(this.tally())
}
