//! The way from two listings and options to a plan.

use std::collections::{HashMap, HashSet};

use super::{
    BackupNames, Obstacle, Order, Plan, Refusal, Rules, Step, StepId, StepKind, Warning,
    diff::{self, Diff, DiffOptions},
    refuse,
    removal::{Removal, occupy},
};
use crate::{
    entry::{Entry, FileMeta, Kind},
    filter::Filter,
    listing::{Listing, NameRules},
    relative_path::{depth, fold},
};

/// What happens to source and target beyond copying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Nothing.
    #[default]
    Copy,
    /// The source's files are removed once they are in the target.
    Move,
    /// What the source lacks is deleted in the target.
    Sync,
}

/// Options of a plan.
#[derive(Clone, Debug)]
pub struct PlanOptions<'a> {
    /// What happens beyond copying.
    pub verb: Verb,
    /// The target's name rules.
    pub names: NameRules,
    /// Which files that are on both sides are copied.
    pub rules: Rules,
    /// What a sync may delete: what the filter rules out is left alone. `None` means everything.
    pub filter: Option<&'a Filter>,
    /// How many folders deep the target was listed: what is deeper is not known. `None` means all of them.
    pub max_depth: Option<usize>,
    /// Whether a sync deletes also what the filter leaves out.
    pub deletes_excluded: bool,
    /// Maximum number of files that a sync may delete. `None` means no limit.
    pub max_delete: Option<u64>,
    /// Maximum number of bytes of the files that a sync may delete. `None` means no limit.
    pub max_delete_bytes: Option<u64>,
    /// Whether a sync deletes also where something can't be copied. Where something can't be listed it never does.
    pub deletes_despite_failures: bool,
    /// Whether files that say where a symlink leads become symlinks in the target.
    pub makes_links: bool,
    /// Whether cloud documents are copied as they are, and so match each other like files.
    pub documents_are_files: bool,
    /// Whether empty folders of the source are made in the target.
    pub makes_empty_folders: bool,
    /// Whether a move removes folders of the source that are empty afterwards.
    pub removes_empty_source_folders: bool,
    /// The order in which files are copied. `None` means sorted by path.
    pub order: Option<Order>,
    /// Where in the target replaced and deleted files are kept, if they are.
    pub backup: BackupInTarget,
    /// Whether the plan lists the files that are the same on both sides: for a receipt.
    pub lists_same: bool,
}

impl Default for PlanOptions<'_> {
    fn default() -> Self {
        Self {
            verb: Verb::Copy,
            names: NameRules::EXACT,
            rules: Rules::default(),
            filter: None,
            max_depth: None,
            deletes_excluded: false,
            max_delete: None,
            max_delete_bytes: None,
            deletes_despite_failures: false,
            makes_links: false,
            documents_are_files: false,
            makes_empty_folders: false,
            removes_empty_source_folders: false,
            order: None,
            backup: BackupInTarget::default(),
            lists_same: false,
        }
    }
}

/// Which files of the target are backups, which a job leaves alone.
#[derive(Clone, Debug, Default)]
pub struct BackupInTarget {
    /// The folder of the target that holds them. `None` means that they are elsewhere.
    pub folder: Option<String>,
    /// The names that they have where they are kept beside the files. `None` means that they aren't.
    pub beside: Option<BackupNames>,
}

impl BackupInTarget {
    /// Returns whether a path is in the folder of backups.
    pub fn is_inside(&self, path: &str, ignores_case: bool) -> bool {
        let Some(folder) = &self.folder else { return false };
        match ignores_case {
            true => crate::relative_path::is_within(&fold(path), &fold(folder)),
            false => crate::relative_path::is_within(path, folder),
        }
    }

    fn holds(&self, entry: &Entry, ignores_case: bool) -> bool {
        let is_named_so = |names: &BackupNames| entry.file().is_some() && names.is_backup(&entry.path);
        self.beside.as_ref().is_some_and(is_named_so) || self.is_inside(&entry.path, ignores_case)
    }
}

/// What is copied.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What the filter lets in.
    pub listing: &'a Listing,
    /// Entries that the filter leaves out, with all that is below them.
    pub left_out: &'a [String],
}

/// Returns the plan after which every file of the source is in the target too and, in a sync, nothing else.
///
/// # Errors
/// When the roots don't fit, or the plan is probably a mistake.
pub fn plan(source: Source<'_>, target: &Listing, options: &PlanOptions<'_>) -> Result<Plan, Refusal> {
    refuse::check_roots(source.listing, target)?;
    let is_sync = options.verb == Verb::Sync;
    let is_all_listed = source.listing.unreadable.is_empty() && target.unreadable.is_empty();
    let candidates = (is_sync && is_all_listed).then(|| candidates(target, options));
    let diff_options = DiffOptions {
        names: options.names,
        rules: Rules {
            proves: options.verb == Verb::Move,
            ..options.rules
        },
        removal: candidates.as_deref().map(|is_candidate| Removal {
            is_candidate,
            takes_left_out: options.deletes_excluded,
        }),
        makes_links: options.makes_links,
        documents_are_files: options.documents_are_files,
        makes_folders: options.makes_empty_folders,
        lists_same: options.lists_same,
    };
    let entries = diff::Source {
        entries: &source.listing.entries,
        left_out: source.left_out,
    };
    let Diff {
        mut plan,
        proven,
        next_id,
    } = diff::diff(entries, target, &diff_options);
    if let Some(order) = options.order {
        order.sort(&mut plan.copies);
    }
    if is_sync && !is_all_listed {
        plan.warnings.push(Warning::NotAllListed);
    }
    spare_source(&mut plan, source.listing, options);
    if is_sync {
        keep_folders_of_backups(&mut plan, options);
        if !options.deletes_despite_failures {
            withhold_deletes(&mut plan);
        }
        refuse::check_deletes(&plan, source.listing, options)?;
    }
    if options.verb == Verb::Move {
        leave_source(&mut plan, source, &proven, next_id, options);
    }
    Ok(plan)
}

/// Returns for each entry of the target whether a sync may delete it.
fn candidates(target: &Listing, options: &PlanOptions<'_>) -> Vec<bool> {
    let everything = Filter::default();
    let filter = options.filter.unwrap_or(&everything);
    let mut candidates = filter.selection(&target.entries);
    // What is in the deepest folders wasn't listed, or not in the source.
    let is_too_deep = |entry: &Entry| match entry.kind {
        Kind::Folder => options.max_depth.is_some_and(|max| depth(&entry.path) >= max),
        Kind::File(_) => options.max_depth.is_some_and(|max| depth(&entry.path) > max),
    };
    for (entry, is_candidate) in target.entries.iter().zip(&mut candidates) {
        *is_candidate &= !options.backup.holds(entry, options.names.ignores_case) && !is_too_deep(entry);
    }
    candidates
}

/// Removes from a plan the files whose backup would be in the place of another file of the source.
fn spare_source(plan: &mut Plan, source: &Listing, options: &PlanOptions<'_>) {
    let Some(names) = &options.backup.beside else {
        return;
    };
    let key = |path: &str| match options.names.ignores_case {
        true => fold(path).into_owned(),
        false => path.to_owned(),
    };
    let files = source.entries.iter().filter(|entry| entry.file().is_some());
    let taken: HashSet<String> = files.map(|entry| key(&entry.path)).collect();
    let mut obstacles = Vec::new();
    let mut is_free = |step: &Step| {
        let kept = names.backup_of(&step.to);
        let is_taken = taken.contains(&key(&kept));
        if is_taken {
            let reason = format!("its backup would be where '{kept}' of the source goes");
            obstacles.push(Obstacle::new(&*step.from, reason));
        }
        !is_taken
    };
    plan.copies
        .retain(|step| step.replaces.is_none() || is_free(step));
    plan.deletes.retain(|step| is_free(step));
    plan.obstacles.extend(obstacles);
}

/// Removes from a plan the removal of folders in which backups of deleted files stay, and what was to take their places.
fn keep_folders_of_backups(plan: &mut Plan, options: &PlanOptions<'_>) {
    if options.backup.beside.is_none() {
        return;
    }
    let mut occupied = HashSet::new();
    for step in &plan.deletes {
        occupy(&mut occupied, &step.to);
    }
    plan.rmdirs.retain(|step| !occupied.contains(&*step.to));
    let blocked = plan
        .late_copies
        .extract_if(.., |step| occupied.contains(&*step.to));
    let reason = "a folder is in its place, in which backups stay";
    plan.obstacles
        .extend(blocked.map(|step| Obstacle::new(&*step.from, reason)));
}

/// Removes all deletions if something can't be copied.
fn withhold_deletes(plan: &mut Plan) {
    if plan.obstacles.is_empty() || plan.deletes.is_empty() && plan.rmdirs.is_empty() {
        return;
    }
    plan.warnings.push(Warning::NotAllCopied);
    plan.drop_deletes();
    let waiting = std::mem::take(&mut plan.late_copies);
    let reason = "something else is in its place, and nothing will be deleted";
    plan.obstacles
        .extend(waiting.into_iter().map(|step| Obstacle::new(&*step.from, reason)));
}

/// Plans what a move removes from the source: each file after its own copy, and folders that are empty then.
fn leave_source(
    plan: &mut Plan,
    source: Source<'_>,
    proven: &[usize],
    next_id: u32,
    options: &PlanOptions<'_>,
) {
    let entries = &source.listing.entries;
    let mut ids = (next_id..).map(StepId);
    let copies: HashMap<&str, StepId> = plan.all_copies().map(|step| (&*step.from, step.id)).collect();
    let proven: HashSet<usize> = proven.iter().copied().collect();
    let mut occupied: HashSet<&str> = HashSet::new();
    let mut deletes = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let Some(file) = entry.file() else { continue };
        // Of two with one name, the first is the one that is copied.
        let is_second = at > 0 && entries[at - 1].path == entry.path;
        let copy = copies.get(entry.path.as_str()).copied().filter(|_| !is_second);
        let goes = copy.is_some() || proven.contains(&at);
        if goes {
            let kind = StepKind::DeleteSource { after: copy };
            let step = Step::new(kind, &entry.path, &entry.path, file.clone());
            deletes.push(Step {
                id: ids.next().unwrap_or_default(),
                ..step
            });
        }
        if !goes || entry.is_exported() {
            occupy(&mut occupied, &entry.path);
        }
    }
    if options.removes_empty_source_folders {
        plan.source_rmdirs = empty_folders(source, occupied, options)
            .into_iter()
            .map(|folder| Step {
                id: ids.next().unwrap_or_default(),
                ..Step::new(StepKind::RmdirSource, folder, folder, FileMeta::default())
            })
            .collect();
    }
    plan.source_deletes = deletes;
}

/// Returns the folders of the source that are empty after a move, the inner before the outer; `occupied` holds those of the
/// files that stay.
fn empty_folders<'a>(
    source: Source<'a>,
    mut occupied: HashSet<&'a str>,
    options: &PlanOptions<'_>,
) -> Vec<&'a str> {
    let listing = source.listing;
    let others = listing.specials.iter().map(|(path, _)| path.as_str());
    let unreadable = listing.unreadable.iter().map(|left_out| left_out.path.as_str());
    let skipped = listing.skipped.iter().map(|left_out| left_out.path.as_str());
    let left_out = source.left_out.iter().map(String::as_str);
    for path in others.chain(unreadable).chain(skipped).chain(left_out) {
        occupied.insert(path); // it may be a folder itself
        occupy(&mut occupied, path);
    }
    let is_known = |path: &str| options.max_depth.is_none_or(|max| depth(path) < max);
    let folders = listing.entries.iter().filter(|entry| entry.file().is_none());
    let mut empty: Vec<&str> = folders
        .map(|entry| entry.path.as_str())
        .filter(|path| is_known(path) && !occupied.contains(path))
        .collect();
    empty.sort_unstable_by(|a, b| b.cmp(a));
    empty
}
