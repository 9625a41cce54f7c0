//! Two listings become a plan. Pure: no I/O, no flags, no terminal.

use std::collections::{HashMap, HashSet};

use super::{
    Action, Met, Names, Obstacle, Pairing, Plan, Rules, Task, Why,
    names::{fold, join, split},
    removal::{self, Removal},
    rules::{Decision, IMMUTABLE},
};
use crate::{
    local::{Other, link::ENDING as LINK_ENDING},
    tree::{Entry, FileInfo, Kind},
};

/// What is copied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    /// Files and folders that the filter lets in, sorted by path.
    pub entries: &'a [Entry],
    /// What is there and was left out by the filter, with all that is below it.
    pub left_out: &'a [String],
}

/// What stands where it goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// Files and folders, sorted by path, whatever the filter says.
    pub entries: &'a [Entry],
    /// What is neither a file nor a folder.
    pub others: &'a [(String, Other)],
    /// Folders that were not looked into.
    pub closed: &'a [String],
}

/// How a plan is made.
#[derive(Debug)]
pub struct Options<'a> {
    /// How the target tells names apart.
    pub names: Names,
    /// What is done with files that are on both sides.
    pub rules: Rules,
    /// What goes away in the target; `None` means nothing.
    pub removal: Option<Removal<'a>>,
    /// Whether files that say where a symlink leads become symlinks in the target.
    pub makes_links: bool,
    /// Whether cloud documents are copied as they are, and so meet each other like files.
    pub documents_are_files: bool,
    /// Whether folders of the source are made in the target even if they are empty.
    pub makes_folders: bool,
}

/// Something of the target that is not what the source has there.
#[derive(Clone, Copy, Debug)]
enum Blocker {
    /// An entry, by its number: a folder where a file goes, or a file where a folder goes.
    Entry(usize),
    /// Something that is neither, by its number.
    Other(usize),
}

/// Where a folder of the source goes.
#[derive(Clone, Debug, Default)]
struct Folder {
    /// Its path in the target.
    to: String,
    /// Whether the target has such a folder.
    is_there: bool,
    /// What stands in its place, or in that of a folder around it.
    blocker: Option<Blocker>,
    /// Why the target can't have it.
    refusal: Option<String>,
}

/// What waits for something else to go away.
#[derive(Debug)]
enum Blocked {
    File(Action, Blocker),
    Folder(String, Blocker),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    File,
    Folder,
}

struct Maker<'a, 'o> {
    source: Source<'a>,
    target: Target<'a>,
    options: &'o Options<'o>,
    pairing: Pairing<'a>,
    folders: HashMap<&'a str, Folder>,
    others: HashMap<&'a str, usize>,
    /// New files and folders by their folded paths, with what they are; only where case doesn't matter.
    taken: HashMap<String, (&'a str, Sort)>,
    /// Cloud documents of the target by their folded paths.
    documents: HashMap<String, usize>,
    /// Files of the source by the path where they will stand, if that is not their own.
    landings: HashMap<&'a str, &'a str>,
    blocked: Vec<Blocked>,
    plan: Plan,
}

/// Returns what must be done so that every file of the source is in the target too, and, if anything is to be removed, nothing
/// else.
pub fn make(source: Source<'_>, target: Target<'_>, options: &Options<'_>) -> Plan {
    let is_hidden = |entry: &Entry| !options.documents_are_files && is_document(entry);
    let mut maker = Maker {
        source,
        target,
        options,
        pairing: Pairing::new(source.entries, target.entries, options.names, is_hidden),
        folders: HashMap::new(),
        others: target
            .others
            .iter()
            .enumerate()
            .map(|(at, (path, _))| (path.as_str(), at))
            .collect(),
        taken: HashMap::new(),
        documents: if options.documents_are_files {
            HashMap::new()
        } else {
            documents(target.entries)
        },
        landings: HashMap::new(),
        blocked: Vec::new(),
        plan: Plan::default(),
    };
    let top = Folder {
        is_there: true,
        ..Folder::default()
    };
    maker.folders.insert("", top);
    if options.makes_links {
        let landing = |entry: &'_ Entry| entry.file().is_some() && entry.path.ends_with(LINK_ENDING);
        for entry in source.entries.iter().filter(|entry| landing(entry)) {
            maker.landings.insert(landed(&entry.path), &entry.path);
        }
    }
    let mut before = None;
    for entry in source.entries {
        if before.replace(&entry.path) == Some(&entry.path) {
            maker.obstacle(&entry.path, "another file of the source has this name here");
            continue;
        }
        match &entry.kind {
            Kind::Folder => maker.folder_entry(entry),
            Kind::File(file) => maker.file(entry, file),
        }
    }
    maker.finish()
}

/// Whether an entry is a cloud document, which is never paired, replaced or removed by way of its export's name.
fn is_document(entry: &Entry) -> bool {
    entry.file().is_some_and(|file| file.document().is_some())
}

/// Returns where a file that says where a symlink leads will stand.
fn landed(path: &str) -> &str {
    path.strip_suffix(LINK_ENDING).unwrap_or(path)
}

impl<'a> Maker<'a, '_> {
    fn obstacle(&mut self, path: &str, reason: impl Into<String>) {
        self.plan.obstacles.push(Obstacle {
            path: path.to_owned(),
            reason: reason.into(),
            in_the_way: None,
            is_folder_link: false,
        });
    }

    /// Notes what stands in the way of `to`, where `path` would have gone.
    fn obstructed(&mut self, path: &str, to: &str, blocker: Blocker) {
        let (what, place) = self.blocking(blocker);
        let reason = if place == to {
            format!("{what} of this name is in the target")
        } else {
            format!("{what} is at '{place}' in the target")
        };
        let in_the_way = Some(place.to_owned());
        let is_folder_link = match blocker {
            Blocker::Other(at) => matches!(self.target.others[at].1, Other::Symlink { to_dir: true, .. }),
            Blocker::Entry(_) => false,
        };
        self.plan.obstacles.push(Obstacle {
            path: path.to_owned(),
            reason,
            in_the_way,
            is_folder_link,
        });
    }

    /// Finds out where a folder of the source goes, with the folders around it.
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
        let to = join(&around.to, &names.new_name(name));
        let here = self.others.get(to.as_str()).map(|at| Blocker::Other(*at));
        let here = here.or_else(|| self.document(&to));
        let mut refusal = around.refusal.or_else(|| names.refusal(name));
        if names.is_folding() {
            let same = self
                .taken
                .entry(fold(&to).into_owned())
                .or_insert((path, Sort::Folder));
            if same.1 == Sort::File {
                refusal = refusal.or_else(|| Some(same_name(same.0)));
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
            (None, None) => self.plan.folders.push(folder.to),
            (None, Some(blocker)) => self.blocked.push(Blocked::Folder(folder.to, blocker)),
        }
    }

    fn file(&mut self, entry: &'a Entry, file: &FileInfo) {
        let (around, name) = split(&entry.path);
        let folder = self.folder(around).clone();
        let rules = self.options.rules;
        let action = |to: String, over: Option<&FileInfo>, task| Action {
            from: entry.path.clone(),
            to,
            source: file.clone(),
            over: over.cloned(),
            task,
        };
        if let Some(reason) = self.lands_on(&entry.path) {
            return self.obstacle(&entry.path, reason);
        }
        let (to, blocker) = match self.pairing.meet(&entry.path, &folder.to) {
            Met::Taken(at) => {
                let other = &self.target.entries[at].path;
                let reason = same_name(other);
                return self.obstacle(&entry.path, reason);
            }
            Met::Entry(at) => match &self.target.entries[at] {
                Entry {
                    path,
                    kind: Kind::File(old),
                    ..
                } => {
                    if let Some(blocker) = self.at_landing(path) {
                        let blocked = action(path.clone(), None, Task::Copy(Why::New));
                        return self.block(blocked, blocker);
                    }
                    return match rules.decide(file, old) {
                        Decision::Copy(task) => {
                            self.plan.actions.push(action(path.clone(), Some(old), task));
                        }
                        Decision::Same => {
                            self.plan.same += 1;
                            if rules.proves {
                                self.plan.proven.push(entry.path.clone());
                            }
                        }
                        Decision::Leave => self.plan.left += 1,
                        Decision::Refuse(reason) => self.obstacle(&entry.path, reason),
                    };
                }
                Entry {
                    path,
                    kind: Kind::Folder,
                    ..
                } => {
                    self.pairing.claim(at, false);
                    (path.clone(), Some(Blocker::Entry(at)))
                }
            },
            Met::Nothing => {
                if rules.existing {
                    self.plan.left += 1;
                    return;
                }
                if let Some(reason) = folder
                    .refusal
                    .clone()
                    .or_else(|| self.options.names.refusal(name))
                {
                    return self.obstacle(&entry.path, reason);
                }
                (join(&folder.to, &self.options.names.new_name(name)), None)
            }
        };
        let blocker = blocker.or(folder.blocker).or_else(|| self.at_landing(&to));
        if self.options.names.is_folding() {
            let key = fold(&to).into_owned();
            let first = *self.taken.entry(key).or_insert((&entry.path, Sort::File));
            if first.0 != entry.path || first.1 != Sort::File {
                return self.obstacle(&entry.path, same_name(first.0));
            }
        }
        let action = action(to, None, Task::Copy(Why::New));
        match blocker {
            None => self.plan.actions.push(action),
            Some(blocker) => self.block(action, blocker),
        }
    }

    /// Returns why a file can't stand where it would, because another file of the source does.
    fn lands_on(&self, path: &str) -> Option<String> {
        let is_there = |path: &str| {
            self.source
                .entries
                .binary_search_by(|entry| entry.path.as_str().cmp(path))
                .is_ok()
        };
        if let Some(link) = self.landings.get(path) {
            return Some(format!("the symlink of '{link}' would stand in its place"));
        }
        let place = landed(path);
        (self.options.makes_links && place != path && is_there(place))
            .then(|| format!("its symlink would stand where '{place}' is"))
    }

    /// Returns what stands where a file of the target's path `to` will really stand, other than the file itself.
    fn at_landing(&self, to: &str) -> Option<Blocker> {
        if self.options.makes_links && to.ends_with(LINK_ENDING) {
            let place = landed(to);
            return self.pairing.find(place).map(Blocker::Entry);
        }
        let other = self.others.get(to).map(|at| Blocker::Other(*at));
        other.or_else(|| self.document(to))
    }

    /// Returns the cloud document that stands at a path of the target.
    fn document(&self, path: &str) -> Option<Blocker> {
        if self.documents.is_empty() {
            return None;
        }
        self.documents.get(&*fold(path)).map(|at| Blocker::Entry(*at))
    }

    fn block(&mut self, action: Action, blocker: Blocker) {
        let rules = self.options.rules;
        if rules.ignore_existing {
            self.plan.left += 1;
        } else if rules.immutable {
            self.obstacle(&action.from, IMMUTABLE);
        } else {
            self.blocked.push(Blocked::File(action, blocker));
        }
    }

    /// Decides what is removed, and with it what becomes of all that is blocked.
    fn finish(mut self) -> Plan {
        let are_files = self.options.documents_are_files;
        let is_kept = |entry: &Entry| !are_files && is_document(entry);
        let removed = match &self.options.removal {
            Some(removal) => removal::find(self.source, self.target, &self.pairing, removal, is_kept),
            None => removal::Removed::default(),
        };
        let links: HashSet<&str> = removed
            .files
            .iter()
            .map(|at| self.target.entries[*at].path.as_str())
            .filter_map(|path| path.strip_suffix(LINK_ENDING))
            .collect();
        let (files, folders): (HashSet<usize>, HashSet<usize>) = (
            removed.files.iter().copied().collect(),
            removed.folders.iter().copied().collect(),
        );
        let goes_away = |blocker: &Blocker| match blocker {
            Blocker::Entry(at) => files.contains(at) || folders.contains(at),
            Blocker::Other(at) => links.contains(self.target.others[*at].0.as_str()),
        };
        for blocked in std::mem::take(&mut self.blocked) {
            match blocked {
                Blocked::File(action, blocker) if goes_away(&blocker) => self.plan.last.push(action),
                Blocked::Folder(path, blocker) if goes_away(&blocker) => self.plan.last_folders.push(path),
                Blocked::File(action, blocker) => self.obstructed(&action.from, &action.to, blocker),
                Blocked::Folder(path, blocker) => self.obstructed(&path, &path, blocker),
            }
        }
        let entry = |at: &usize| self.target.entries[*at].clone();
        self.plan.deletes = removed.files.iter().map(entry).collect();
        self.plan.rmdirs = removed.folders.iter().map(entry).collect();
        self.plan
    }

    /// Returns what a blocker is, with its article, and where it is.
    fn blocking(&self, blocker: Blocker) -> (&'static str, &'a str) {
        match blocker {
            Blocker::Other(at) => {
                let (path, other) = &self.target.others[at];
                (other.words(), path)
            }
            Blocker::Entry(at) => {
                let entry = &self.target.entries[at];
                let what = match &entry.kind {
                    Kind::Folder => "a folder",
                    Kind::File(_) if is_document(entry) => "a cloud document",
                    Kind::File(_) => "a file",
                };
                (what, own_path(entry))
            }
        }
    }
}

/// Returns what an entry is called in Dropbox, where a document is shown under the name of its export.
pub(super) fn own_path(entry: &Entry) -> &str {
    let document = entry.file().and_then(|file| file.document());
    document.map_or(&entry.path, |document| match document.own_path.as_str() {
        "" => &entry.path,
        own => own,
    })
}

fn documents(entries: &[Entry]) -> HashMap<String, usize> {
    let documents = entries.iter().enumerate().filter(|(_, entry)| is_document(entry));
    documents
        .map(|(at, entry)| (fold(own_path(entry)).into_owned(), at))
        .collect()
}

fn same_name(other: &str) -> String {
    format!("Dropbox can't tell it from '{other}', whose letters differ only in case or form")
}
