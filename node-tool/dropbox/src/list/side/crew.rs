//! What is called next, and what becomes of the answers.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
};

use futures_util::{StreamExt as _, future::join, stream::FuturesUnordered};

use super::{
    Outcome, Source,
    estimate::{Tree, Verdict},
    unit::{Ask, Unit},
};
use crate::{
    DropboxPath, Error,
    api::files::{ListFolderResult, Metadata},
    list::{Progressed, is_refusal, rows::Collected},
    pages::Page as _,
};

/// Minimum number of folders of which some may stand for the others.
const MIN_FOLDERS: usize = 10;
/// Minimum number of folders around them that is a gain.
const MIN_OUTER_FOLDERS: usize = 4;
/// How deep it is looked for so many folders.
const MAX_LEVELS: usize = 3;
/// Maximum number of pages of a folder's own entries.
const MAX_FOLDER_PAGES: usize = 16;
/// After so many of them at least one in so many entries has to be a folder.
const FEW_FOLDER_PAGES: usize = 4;
const FEW_FOLDERS: usize = 4;
/// One in so many folders is looked at, within these bounds.
const SAMPLED: usize = 5;
const MIN_SAMPLES: usize = 2;
const MAX_SAMPLES: usize = 6;

/// Whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// The one cursor's.
    One,
    /// That of the unit with this number.
    Unit(usize),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Looking for folders.
    Search,
    /// Looking at some of them, while the one cursor goes on.
    Samples,
    /// Listing all of them, while the one cursor waits.
    All,
    /// It doesn't pay or doesn't work: the one cursor goes on alone.
    Left,
}

struct Crew {
    one: Unit,
    /// What the one cursor has brought.
    one_listed: Progressed,
    /// The cursor that was taken before any folder was listed.
    before: String,
    /// What the folders have brought.
    listed: Progressed,
    stage: Stage,
    units: Vec<Unit>,
    /// The number of the first unit that counts now.
    first: usize,
    /// The paths of the folders that were found, level by level.
    levels: Vec<Vec<String>>,
    /// Those that were found on the level that is being searched.
    found: Vec<String>,
    /// Whether something in a folder can't be used, so that nobody knows whether it is a folder.
    has_odd: bool,
    search_calls: usize,
    search_entries: usize,
    look_calls: usize,
    /// The paths of folders that were gone, or files, when they were to be listed.
    vanished: Vec<String>,
}

/// Continues the recursive listing of the folder `base` that has begun with `listed`, side by side if that pays.
///
/// # Errors
/// When Dropbox can't be asked, or the one cursor is refused.
pub(in crate::list) async fn side_by_side<S: Source>(
    source: &S,
    base: &DropboxPath,
    mut listed: Progressed,
) -> Result<Outcome, Error> {
    let mut one = Unit::behind(listed.cursor.clone());
    let (page, before) = join(source.page(listed.cursor.clone()), source.latest()).await;
    let (page, _) = (page?, one.ask());
    one.take(&page)?;
    listed.take(page).await?;
    let before = match before {
        _ if one.is_done() => return Ok(Outcome::Complete(listed)),
        Ok(before) => before,
        // Whatever it is, the one cursor needs none of it.
        Err(error) => {
            tracing::info!("not listing side by side: {error}");
            return Ok(Outcome::GoOn(listed));
        }
    };
    let crew = Crew {
        one,
        one_listed: listed,
        before,
        listed: Progressed::new(Collected::new(base)),
        stage: Stage::Search,
        units: vec![Unit::folder(base.as_str().to_owned(), false)],
        first: 0,
        levels: Vec::new(),
        found: Vec::new(),
        has_odd: false,
        search_calls: 1,
        search_entries: 0,
        look_calls: 0,
        vanished: Vec::new(),
    };
    crew.run(source).await
}

/// Makes one call.
async fn call<S: Source>(source: &S, who: Who, ask: Ask) -> (Who, Result<ListFolderResult, Error>) {
    (who, ask.call(source).await)
}

impl Crew {
    async fn run<S: Source>(mut self, source: &S) -> Result<Outcome, Error> {
        let mut calls = FuturesUnordered::new();
        loop {
            if self.stage == Stage::All && self.units[self.first..].iter().all(Unit::is_done) {
                match self.catch_up(source).await {
                    Ok(true) => return Ok(Outcome::Complete(self.listed)),
                    Err(error) if !is_refusal(&error) => return Err(error),
                    _ => self.stage = Stage::Left,
                }
            }
            if self.stage == Stage::Left && !self.one.is_asking() {
                return Ok(Outcome::GoOn(self.one_listed));
            }
            while let Some((who, ask)) = self.next_call(source.width()) {
                calls.push(call(source, who, ask));
            }
            match calls.next().await {
                Some((Who::One, page)) => {
                    let page = page?;
                    self.one.take(&page)?;
                    self.one_listed.take(page).await?;
                    if self.one.is_done() {
                        return Ok(Outcome::Complete(self.one_listed));
                    }
                }
                Some((Who::Unit(at), Ok(page))) => self.take(at, page).await?,
                Some((Who::Unit(at), Err(error))) => self.refused(at, error)?,
                // There is nothing left to ask for, which the one cursor will find out.
                None => self.stage = Stage::Left,
            }
            self.proceed();
        }
    }

    /// Returns the next call, if `width` may be under way.
    fn next_call(&mut self, width: usize) -> Option<(Who, Ask)> {
        if matches!(self.stage, Stage::Search | Stage::Samples)
            && let Some(ask) = self.one.ask()
        {
            return Some((Who::One, ask));
        }
        let current = || self.units.iter().enumerate().skip(self.first);
        let begun = current().filter(|(_, unit)| unit.is_begun());
        let in_use = current().filter(|(_, unit)| unit.is_asking()).count();
        let may_begin = match self.stage {
            Stage::Left => return None,
            Stage::All => in_use < width,
            Stage::Search | Stage::Samples => in_use < width && self.tree().may_look(),
        };
        if !may_begin {
            return None;
        }
        let may_add = self.stage != Stage::Samples || begun.clone().count() < self.wanted_samples();
        let fresh = || current().find(|(_, unit)| !unit.is_begun()).filter(|_| may_add);
        let going_on = begun
            .filter(|(_, unit)| unit.is_ready())
            .min_by_key(|(_, unit)| unit.pages());
        let at = match self.stage {
            // First something of each.
            Stage::Samples => fresh().or(going_on),
            _ => going_on.or_else(fresh),
        };
        let at = at?.0;
        match self.stage {
            Stage::Search => self.search_calls += 1,
            _ => self.look_calls += 1,
        }
        Some((Who::Unit(at), self.units[at].ask()?))
    }

    fn wanted_samples(&self) -> usize {
        let folders = self.units.len() - self.first;
        (folders / SAMPLED).clamp(MIN_SAMPLES, MAX_SAMPLES)
    }

    /// Returns what is known of the tree.
    fn tree(&self) -> Tree {
        let units = match self.stage {
            Stage::Search => &[],
            _ => &self.units[self.first..],
        };
        let shown = units.iter().filter(|unit| unit.pages() > 0 || unit.is_done());
        let outer = self.levels.iter().rev().nth(1).map(Vec::len);
        Tree {
            one: (self.one_listed.pages, self.one_listed.entries),
            search_calls: self.search_calls,
            search_entries: self.search_entries,
            look_calls: self.look_calls,
            folders: units.len(),
            outer_folders: outer.filter(|outer| *outer >= MIN_OUTER_FOLDERS),
            wanted_samples: self.wanted_samples(),
            samples: shown.map(Unit::sample).collect(),
        }
    }

    /// Takes a page of a unit.
    async fn take(&mut self, at: usize, page: ListFolderResult) -> Result<(), Error> {
        let unit = &mut self.units[at];
        if unit.is_done() || self.stage == Stage::Left {
            return Ok(());
        }
        unit.take(&page)?;
        if !unit.recursive {
            self.search_entries += page.count();
            self.has_odd |= !page.odd.is_empty();
            for entry in &page.entries {
                match entry {
                    Metadata::Folder(folder) if folder.path_lower.is_some() => {
                        self.found.extend(folder.path_lower.clone());
                    }
                    Metadata::File(_) | Metadata::Deleted(_) => {}
                    Metadata::Folder(_) | Metadata::Unknown => self.has_odd = true,
                }
            }
        }
        self.listed.take(page).await
    }

    /// A unit's call was refused: its folder may be gone. Whatever else it is, the one cursor has none of it.
    fn refused(&mut self, at: usize, error: Error) -> Result<(), Error> {
        if self.stage == Stage::Left {
            return Ok(());
        }
        let unit = &mut self.units[at];
        let is_no_folder =
            error.is_not_found() || error.route().is_some_and(|e| e.ends_with(&["not_folder"]));
        match is_refusal(&error) {
            true if is_no_folder && unit.recursive => {
                unit.end();
                self.vanished.push(unit.path.clone());
            }
            true => {
                tracing::info!("not listing side by side: '{}': {error}", unit.path);
                self.stage = Stage::Left;
            }
            false => return Err(error),
        }
        Ok(())
    }

    /// Goes to the next stage where it is time.
    fn proceed(&mut self) {
        match self.stage {
            Stage::Search => {
                let units = &self.units[self.first..];
                let are_few = self.found.len() * FEW_FOLDERS < self.search_entries;
                let most = if are_few {
                    FEW_FOLDER_PAGES
                } else {
                    MAX_FOLDER_PAGES
                };
                let is_long = |unit: &Unit| !unit.is_done() && unit.pages() >= most;
                if self.has_odd || units.iter().any(is_long) {
                    self.stage = Stage::Left;
                } else if units.iter().all(Unit::is_done) {
                    self.next_level();
                }
            }
            Stage::Samples => match self.tree().judge() {
                Verdict::Look => {}
                Verdict::Leave => self.stage = Stage::Left,
                Verdict::Folders => self.stage = Stage::All,
                Verdict::OuterFolders => {
                    self.units[self.first..].iter_mut().for_each(Unit::end);
                    let outer = self.levels.iter().rev().nth(1).cloned();
                    self.begin(outer.unwrap_or_default(), true);
                    self.stage = Stage::All;
                }
            },
            Stage::All | Stage::Left => {}
        }
    }

    /// The folders of a level are known: looks at some of them if they are many, else for those in them.
    fn next_level(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        found.sort_unstable();
        found.dedup();
        self.levels.push(found.clone());
        self.stage = match found.len() {
            0 => Stage::Left,
            MIN_FOLDERS.. => Stage::Samples,
            _ if self.levels.len() == MAX_LEVELS => Stage::Left,
            _ => Stage::Search,
        };
        self.begin(found, self.stage == Stage::Samples);
    }

    /// From now on these folders are the units that count: in an order that has nothing to do with their names, so that the first
    /// of them are like the others, and that is the same each time.
    fn begin(&mut self, mut folders: Vec<String>, recursive: bool) {
        folders.sort_by_cached_key(|path| {
            let mut hasher = DefaultHasher::new();
            path.hash(&mut hasher);
            hasher.finish()
        });
        self.first = self.units.len();
        let units = folders.into_iter().map(|path| Unit::folder(path, recursive));
        self.units.extend(units);
    }

    /// Applies what has changed since the beginning. Returns whether the listing is right then: a folder that was gone when it was
    /// to be listed must be among the changes.
    async fn catch_up<S: Source>(&mut self, source: &S) -> Result<bool, Error> {
        let mut changed = HashSet::new();
        let mut rest = Unit::behind(self.before.clone());
        while let Some(ask) = rest.ask() {
            let page = ask.call(source).await?;
            rest.take(&page)?;
            if !self.vanished.is_empty() {
                changed.extend(page.entries.iter().filter_map(path).map(str::to_owned));
            }
            self.listed.take(page).await?;
        }
        let is_changed = |path: &String| {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            ends.into_iter().any(|end| changed.contains(&path[..end]))
        };
        Ok(self.vanished.iter().all(is_changed))
    }
}

/// Returns the path by which an entry is identified.
fn path(entry: &Metadata) -> Option<&str> {
    match entry {
        Metadata::File(file) => file.path_lower.as_deref(),
        Metadata::Folder(folder) => folder.path_lower.as_deref(),
        Metadata::Deleted(deleted) => deleted.path_lower.as_deref(),
        Metadata::Unknown => None,
    }
}
