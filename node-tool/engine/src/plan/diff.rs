//! Two listings become a plan. Pure: no I/O, no flags, no terminal.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    CopyReason, Met, Obstacle, Pairing, Plan, Reason, Rules, Same, Step, StepId, StepKind,
    removal::{self, Removal, Removed},
    rules::Decision,
};
use crate::{
    entry::{Entry, FileMeta, Kind, LINK_ENDING, Special},
    listing::{Listing, NameRules},
    relative_path::{composed, fold, join, split},
};

/// What is copied.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Source<'a> {
    /// Files and folders that the filter lets in, sorted by path.
    pub entries: &'a [Entry],
    /// Entries that the filter leaves out, with all that is below them.
    pub left_out: &'a [String],
}

/// How two listings are compared.
#[derive(Debug)]
pub(super) struct DiffOptions<'a> {
    /// The target's name rules.
    pub names: NameRules,
    /// The rules for files that are on both sides.
    pub rules: Rules,
    /// What is removed in the target. `None` means that nothing is.
    pub removal: Option<Removal<'a>>,
    /// Whether files that say where a symlink leads become symlinks in the target.
    pub makes_links: bool,
    /// Whether cloud documents are copied as they are, and so match each other like files.
    pub documents_are_files: bool,
    /// Whether folders of the source are made in the target even if they are empty.
    pub makes_folders: bool,
    /// Whether files that are the same are listed.
    pub lists_same: bool,
}

/// What a diff finds besides the plan.
#[derive(Debug, Default)]
pub(super) struct Diff {
    pub plan: Plan,
    /// Files of the source whose content is proven to be in the target, by their numbers; only with [`Rules::proves`].
    pub proven: Vec<usize>,
    /// The number of the next step.
    pub next_id: u32,
}

/// Something of the target that is not what the source has there.
#[derive(Clone, Copy, Debug)]
enum Blocker {
    /// An entry, by its number: a folder where a file goes, or a file where a folder goes.
    Entry(usize),
    /// Something that is neither, by its number.
    Special(usize),
}

/// The target of a folder of the source.
#[derive(Clone, Debug, Default)]
struct Folder {
    /// Its path in the target.
    to: String,
    /// Whether the target has such a folder.
    is_there: bool,
    /// What is in its place, or in that of a folder around it.
    blocker: Option<Blocker>,
    /// Why the target can't have it.
    refusal: Option<String>,
}

/// Steps that wait for something else to be removed.
#[derive(Debug)]
enum Blocked {
    File(Step, Blocker),
    Folder(String, Blocker),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    File,
    Folder,
}

struct Differ<'a, 'o> {
    source: Source<'a>,
    target: &'a Listing,
    options: &'o DiffOptions<'o>,
    pairing: Pairing<'a>,
    folders: HashMap<&'a str, Folder>,
    others: HashMap<&'a str, usize>,
    /// New files and folders by their folded paths, with what they are; only where case doesn't matter.
    taken: HashMap<String, (&'a str, Sort)>,
    /// Cloud documents of the target by their folded paths.
    documents: HashMap<String, usize>,
    /// Files of the source by their path in the target, if that differs from their own.
    landings: HashMap<&'a str, &'a str>,
    blocked: Vec<Blocked>,
    found: Diff,
}

/// Returns the plan after which every file of the source is in the target too and, if anything is to be removed, nothing
/// else.
pub(super) fn diff(source: Source<'_>, target: &Listing, options: &DiffOptions<'_>) -> Diff {
    let is_hidden = |entry: &Entry| !options.documents_are_files && is_document(entry);
    let mut differ = Differ {
        source,
        target,
        options,
        pairing: Pairing::new(
            source.entries,
            &target.entries,
            options.names.ignores_case,
            is_hidden,
        ),
        folders: HashMap::new(),
        others: target
            .specials
            .iter()
            .enumerate()
            .map(|(at, (path, _))| (path.as_str(), at))
            .collect(),
        taken: HashMap::new(),
        documents: if options.documents_are_files {
            HashMap::new()
        } else {
            documents(&target.entries)
        },
        landings: HashMap::new(),
        blocked: Vec::new(),
        found: Diff::default(),
    };
    let top = Folder {
        is_there: true,
        ..Folder::default()
    };
    differ.folders.insert("", top);
    if options.makes_links {
        let landing = |entry: &'_ Entry| entry.file().is_some() && entry.path.ends_with(LINK_ENDING);
        for entry in source.entries.iter().filter(|entry| landing(entry)) {
            differ.landings.insert(landed(&entry.path), &entry.path);
        }
    }
    let mut before = None;
    for (at, entry) in source.entries.iter().enumerate() {
        if before.replace(&entry.path) == Some(&entry.path) {
            differ.obstacle(&entry.path, "another file of the source has this name here");
            continue;
        }
        match &entry.kind {
            Kind::Folder => differ.folder_entry(entry),
            Kind::File(file) => differ.file(at, entry, file),
        }
    }
    differ.finish()
}

/// Whether an entry is a cloud document, which is never paired, replaced or removed by way of its export's name.
fn is_document(entry: &Entry) -> bool {
    entry.document().is_some()
}

/// Returns the path at which a file that represents a symlink will be.
fn landed(path: &str) -> &str {
    path.strip_suffix(LINK_ENDING).unwrap_or(path)
}

impl<'a> Differ<'a, '_> {
    fn obstacle(&mut self, path: &str, reason: impl Into<String>) {
        self.found.plan.obstacles.push(Obstacle::new(path, reason));
    }

    /// Records what is in the way of `to`, the target of `path`.
    fn obstructed(&mut self, path: &str, to: &str, blocker: Blocker) {
        let (what, place) = self.blocking(blocker);
        let reason = if place == to {
            format!("{what} of this name is in the target")
        } else {
            format!("{what} is at '{place}' in the target")
        };
        let in_the_way = Some(place.to_owned());
        let is_folder_link = match blocker {
            Blocker::Special(at) => {
                matches!(self.target.specials[at].1, Special::Symlink { to_dir: true, .. })
            }
            Blocker::Entry(_) => false,
        };
        self.found.plan.obstacles.push(Obstacle {
            path: path.to_owned(),
            reason,
            in_the_way,
            is_folder_link,
        });
    }

    /// Finds the target of a folder of the source, and of the folders around it.
    fn folder(&mut self, path: &'a str) -> &Folder {
        if !self.folders.contains_key(path) {
            let (around, name) = split(path);
            let around = self.folder(around).clone();
            let folder = self.new_folder(path, name, around);
            self.folders.insert(path, folder);
        }
        &self.folders[path]
    }

    fn new_folder(&mut self, path: &'a str, name: &str, around: Folder) -> Folder {
        let names = self.options.names;
        if let Met::Entry(at) | Met::Taken(at) = self.pairing.meet(path, &around.to) {
            let there = &self.target.entries[at];
            let is_there = there.kind == Kind::Folder;
            if !is_there {
                self.pairing.claim(at, false);
            }
            let here = (!is_there).then_some(Blocker::Entry(at));
            return Folder {
                to: there.path.clone(),
                is_there,
                blocker: around.blocker.or(here),
                refusal: around.refusal,
            };
        }
        let to = join(&around.to, &new_name(names, name));
        let here = self.others.get(to.as_str()).map(|at| Blocker::Special(*at));
        let here = here.or_else(|| self.document(&to));
        let mut refusal = around.refusal.or_else(|| (names.refusal)(name));
        if names.ignores_case {
            let same = *self
                .taken
                .entry(fold(&to).into_owned())
                .or_insert((path, Sort::Folder));
            if same.1 == Sort::File {
                refusal = refusal.or_else(|| Some(self.same_name(same.0)));
            }
        }
        Folder {
            to,
            is_there: false,
            blocker: around.blocker.or(here),
            refusal,
        }
    }

    fn folder_entry(&mut self, entry: &'a Entry) {
        let folder = self.folder(&entry.path).clone();
        if !self.options.makes_folders || folder.is_there {
            return;
        }
        match (folder.refusal, folder.blocker) {
            (Some(reason), _) => self.obstacle(&entry.path, reason),
            (None, None) => {
                let step = self.mkdir(&folder.to);
                self.found.plan.mkdirs.push(step);
            }
            (None, Some(blocker)) => self.blocked.push(Blocked::Folder(folder.to, blocker)),
        }
    }

    fn file(&mut self, at: usize, entry: &'a Entry, file: &FileMeta) {
        let (around, name) = split(&entry.path);
        let folder = self.folder(around).clone();
        let rules = self.options.rules;
        if let Some(reason) = self.lands_on(&entry.path) {
            return self.obstacle(&entry.path, reason);
        }
        let (to, blocker) = match self.pairing.meet(&entry.path, &folder.to) {
            Met::Taken(at) => {
                let reason = self.same_name(&self.target.entries[at].path);
                return self.obstacle(&entry.path, reason);
            }
            Met::Entry(met) => match &self.target.entries[met] {
                Entry {
                    path,
                    kind: Kind::File(old),
                    ..
                } => return self.pair(at, (entry, file), (path, old)),
                Entry {
                    path,
                    kind: Kind::Folder,
                    ..
                } => {
                    self.pairing.claim(met, false);
                    (path.clone(), Some(Blocker::Entry(met)))
                }
            },
            Met::Nothing => {
                if rules.existing {
                    self.found.plan.skipped += 1;
                    return;
                }
                if let Some(reason) = folder
                    .refusal
                    .clone()
                    .or_else(|| (self.options.names.refusal)(name))
                {
                    return self.obstacle(&entry.path, reason);
                }
                (join(&folder.to, &new_name(self.options.names, name)), None)
            }
        };
        let blocker = blocker.or(folder.blocker).or_else(|| self.at_landing(&to));
        if self.options.names.ignores_case {
            let key = fold(&to).into_owned();
            let first = *self.taken.entry(key).or_insert((&entry.path, Sort::File));
            if first.0 != entry.path || first.1 != Sort::File {
                let reason = self.same_name(first.0);
                return self.obstacle(&entry.path, reason);
            }
        }
        let step = self.copy(entry, file, &to, StepKind::Copy(CopyReason::New));
        match blocker {
            None => self.found.plan.copies.push(step),
            Some(blocker) => self.block(step, blocker),
        }
    }

    /// Decides about a file that is on both sides.
    fn pair(&mut self, at: usize, (entry, file): (&'a Entry, &FileMeta), (path, old): (&str, &FileMeta)) {
        let rules = self.options.rules;
        if let Some(blocker) = self.at_landing(path) {
            let step = self.copy(entry, file, path, StepKind::Copy(CopyReason::New));
            return self.block(step, blocker);
        }
        match rules.decide(file, old) {
            Decision::Copy(kind) => {
                let step = Step {
                    replaces: Some(old.clone()),
                    ..self.copy(entry, file, path, kind)
                };
                self.found.plan.copies.push(step);
            }
            Decision::Same => {
                self.found.plan.unchanged += 1;
                if self.options.lists_same {
                    self.found.plan.same.push(same((&entry.path, file), (path, old)));
                }
                if rules.proves {
                    self.found.proven.push(at);
                }
            }
            Decision::Leave => self.found.plan.skipped += 1,
            Decision::Refuse(reason) => self.obstacle(&entry.path, reason.words()),
        }
    }

    fn numbered(&mut self, step: Step) -> Step {
        let id = StepId(self.found.next_id);
        self.found.next_id += 1;
        Step { id, ..step }
    }

    fn copy(&mut self, entry: &Entry, file: &FileMeta, to: &str, kind: StepKind) -> Step {
        self.numbered(Step::new(kind, &entry.path, to, file.clone()))
    }

    fn mkdir(&mut self, path: &str) -> Step {
        self.numbered(Step::new(StepKind::Mkdir, path, path, FileMeta::default()))
    }

    /// Returns a step that removes an entry of the target.
    fn removal(&mut self, kind: StepKind, at: usize) -> Step {
        let entry = &self.target.entries[at];
        let meta = entry.file().cloned().unwrap_or_default();
        self.numbered(Step::new(kind, &entry.path, &entry.path, meta))
    }

    fn same_name(&self, other: &str) -> String {
        let store = self.options.names.store;
        format!("{store} can't tell it from '{other}', whose letters differ only in case or form")
    }

    /// Returns why a file can't be at its path, because another file of the source is.
    fn lands_on(&self, path: &str) -> Option<String> {
        let is_there = |path: &str| {
            self.source
                .entries
                .binary_search_by(|entry| entry.path.as_str().cmp(path))
                .is_ok()
        };
        if let Some(link) = self.landings.get(path) {
            return Some(format!("the symlink of '{link}' would take its place"));
        }
        let place = landed(path);
        (self.options.makes_links && place != path && is_there(place))
            .then(|| format!("its symlink would be where '{place}' is"))
    }

    /// Returns what is where a file with the target's path `to` will really be, other than the file itself.
    fn at_landing(&self, to: &str) -> Option<Blocker> {
        if self.options.makes_links && to.ends_with(LINK_ENDING) {
            let place = landed(to);
            return self.pairing.find(place).map(Blocker::Entry);
        }
        let other = self.others.get(to).map(|at| Blocker::Special(*at));
        other.or_else(|| self.document(to))
    }

    /// Returns the cloud document at a path of the target.
    fn document(&self, path: &str) -> Option<Blocker> {
        if self.documents.is_empty() {
            return None;
        }
        self.documents.get(&*fold(path)).map(|at| Blocker::Entry(*at))
    }

    fn block(&mut self, step: Step, blocker: Blocker) {
        let rules = self.options.rules;
        if rules.ignore_existing {
            self.found.plan.skipped += 1;
        } else if rules.immutable {
            self.obstacle(&step.from, Reason::Immutable.words());
        } else {
            self.blocked.push(Blocked::File(step, blocker));
        }
    }

    /// Decides what is removed, and so what happens to everything that is blocked.
    fn finish(mut self) -> Diff {
        let are_files = self.options.documents_are_files;
        let is_kept = |entry: &Entry| !are_files && is_document(entry);
        let removed = match &self.options.removal {
            Some(removal) => {
                removal::find(self.source.left_out, self.target, &self.pairing, removal, is_kept)
            }
            None => Removed::default(),
        };
        self.release_blocked(&removed);
        for at in removed.files {
            let step = self.removal(StepKind::Delete, at);
            self.found.plan.deletes.push(step);
        }
        for at in removed.folders {
            let step = self.removal(StepKind::Rmdir, at);
            self.found.plan.rmdirs.push(step);
        }
        self.found
    }

    /// Appends the steps that wait for something that is removed, and reports those that wait for anything else.
    fn release_blocked(&mut self, removed: &Removed) {
        let links: HashSet<&str> = removed
            .files
            .iter()
            .map(|at| self.target.entries[*at].path.as_str())
            .filter_map(|path| path.strip_suffix(LINK_ENDING))
            .collect();
        let gone: HashSet<usize> = removed.files.iter().chain(&removed.folders).copied().collect();
        let target = self.target;
        let goes_away = |blocker: &Blocker| match blocker {
            Blocker::Entry(at) => gone.contains(at),
            Blocker::Special(at) => links.contains(target.specials[*at].0.as_str()),
        };
        for blocked in std::mem::take(&mut self.blocked) {
            match blocked {
                Blocked::File(step, blocker) if goes_away(&blocker) => self.found.plan.late_copies.push(step),
                Blocked::Folder(path, blocker) if goes_away(&blocker) => {
                    let step = self.mkdir(&path);
                    self.found.plan.late_mkdirs.push(step);
                }
                Blocked::File(step, blocker) => self.obstructed(&step.from, &step.to, blocker),
                Blocked::Folder(path, blocker) => self.obstructed(&path, &path, blocker),
            }
        }
    }

    /// Returns what a blocker is, with its article, and where it is.
    fn blocking(&self, blocker: Blocker) -> (&'static str, &'a str) {
        match blocker {
            Blocker::Special(at) => {
                let (path, special) = &self.target.specials[at];
                (special.words(), path)
            }
            Blocker::Entry(at) => {
                let entry = &self.target.entries[at];
                let what = match &entry.kind {
                    Kind::Folder => "a folder",
                    Kind::File(_) if is_document(entry) => "a cloud document",
                    Kind::File(_) => "a file",
                };
                (what, entry.own_path())
            }
        }
    }
}

fn same((from, source): (&str, &FileMeta), (to, target): (&str, &FileMeta)) -> Same {
    let from: Arc<str> = from.into();
    let to = if *from == *to {
        Arc::clone(&from)
    } else {
        to.into()
    };
    Same {
        from,
        to,
        source: source.clone(),
        target: target.clone(),
    }
}

fn documents(entries: &[Entry]) -> HashMap<String, usize> {
    let documents = entries.iter().enumerate().filter(|(_, entry)| is_document(entry));
    documents
        .map(|(at, entry)| (fold(entry.own_path()).into_owned(), at))
        .collect()
}

/// Returns the name under which a new file or folder is made.
fn new_name(names: NameRules, name: &str) -> Cow<'_, str> {
    if names.ignores_case {
        composed(name)
    } else {
        Cow::Borrowed(name)
    }
}
