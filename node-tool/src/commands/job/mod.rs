//! What copy, move and sync have in common: two sides are listed, a plan is made, shown or carried out, and told.

mod ask;
mod backup;
mod carry;
mod flags;
mod overlap;
mod preview;
mod renames;
mod respell;

use std::time::Instant;

use shared::{exit, failure::Failure};

pub use flags::{Flags, MoveFlags, SyncFlags};

use backup::Backup;
use overlap::Relation;

use super::{App, missing, side_failure};
use crate::{
    documents::{self, Documents},
    failed::FailedFile,
    filter::Filter,
    local,
    plan::{self, Action, Names, Plan},
    raw,
    report::{self, Summary},
    side::{Found, Side, What},
    tree::{Entry, Kind},
};

/// So many places are looked at one by one, side by side, rather than listing the folder that they are in.
const FEW: usize = 4;

/// What happens to the source and the target beyond copying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Nothing.
    Copy,
    /// The source's files go away.
    Move,
    /// What the source lacks goes away in the target.
    Sync,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Move => "move",
            Self::Sync => "sync",
        }
    }
}

/// What was typed.
#[derive(Debug)]
pub struct Request<'a> {
    /// What to do.
    pub verb: Verb,
    /// From where.
    pub source: &'a str,
    /// To where.
    pub dest: &'a str,
    /// DEST is what a single file will be called, not the folder it goes into.
    pub dest_is_name: bool,
    /// How.
    pub flags: &'a Flags,
    /// How `sync` does it.
    pub sync: &'a SyncFlags,
    /// How `move` does it.
    pub moving: MoveFlags,
}

/// The two folders of a job.
#[derive(Debug)]
pub(super) struct Places {
    from: Side,
    to: Side,
}

/// Carries a request out.
///
/// # Errors
/// When nothing could be done; what fails for single files is told at the end, and by the exit code.
pub async fn run(request: &Request<'_>, app: &App) -> Result<u8, Failure> {
    let started = Instant::now();
    let Request { verb, flags, .. } = *request;
    flags::check(flags)?;
    let (mut source, mut dest) = (app.side(request.source)?, app.side(request.dest)?);
    let mut kept = flags.backup_dir.as_deref().map(|dir| app.side(dir)).transpose()?;
    overlap::from_one_root(&mut source, &mut dest, kept.as_mut(), verb).await?;
    let dest = overlap::by_one_name(&source, dest, verb).await?;
    let (source, dest) = with_documents(source, dest);
    if let (Side::Local(from), Side::Local(to)) = (&source, &dest) {
        return Err(Failure::usage("both places are on this machine").next(format!(
            "rsync -a {} {}",
            shared::plain::quoted(&format!("{}/", from.display())),
            shared::plain::quoted(&format!("{}/", to.display()))
        )));
    }
    if overlap::relation(&source, &dest) == Relation::Same {
        return respell::run(request, &source, &dest).await;
    }
    let filter = flags.filter.filter()?;
    let kept = match kept {
        Some(kept) => {
            Some(overlap::by_one_name(&dest, overlap::by_one_name(&source, kept, verb).await?, verb).await?)
        }
        None => None,
    };
    let backup = backup_of(request, kept, &source, &dest, &filter).await?;
    let mut summary = Summary {
        is_move: verb == Verb::Move,
        ..Summary::default()
    };
    let mut found = source
        .survey_and_weigh(&filter, flags.symlinks())
        .await
        .map_err(|e| side_failure("list", &source, &e))?;
    if found.what == What::Nothing {
        return Err(missing(&source));
    }
    if found.what == What::Folder {
        overlap::refuse(&source, &dest, verb, &filter, request.sync.delete_excluded)?;
    }
    let spares = verb == Verb::Sync && !request.sync.delete_excluded;
    let mut left_out = select(&mut found, &filter, spares);
    if spares && !flags.links {
        // What the source has as a symlink, a pipe or a device is left out as well.
        left_out.extend(found.others.iter().map(|(path, _)| path.clone()));
    }
    leave_raw_names(&mut found, &dest);
    tell_left_out(&found, app, &mut summary);
    if verb == Verb::Move && carry::whole_folder_at_once(&source, &dest, &found, request, &filter).await? {
        report::note(&format!("moved '{}' as a whole", source.location()));
        return Ok(exit::SUCCESS);
    }
    let job = Job {
        request,
        filter: &filter,
        backup: backup.as_ref(),
        left_out: &left_out,
    };
    let (places, mut plan) = match found.what {
        What::File => job.one_file(source, dest, &found, &mut summary).await?,
        _ => job.folders(source, dest, &found, &mut summary).await?,
    };
    if flags.max_transfer.is_some() && !flags.dry_run {
        // Only what is really copied counts.
        plan.actions = carry::settled(
            std::mem::take(&mut plan.actions),
            &mut plan.proven,
            request,
            &places,
            app,
            &mut summary,
        )
        .await;
    }
    let over_limit = limit(flags, &mut plan);
    tell_obstacles(&plan, &places);
    if flags.dry_run {
        let leaves = match verb {
            Verb::Move => carry::leaving_at_once(request, &plan, &found.entries),
            Verb::Copy | Verb::Sync => Vec::new(),
        };
        preview::show(&plan, &leaves, &places, flags, &summary)?;
        let idle = plan.actions.is_empty() && plan.last.is_empty() && plan.renames.is_empty();
        return Ok(code(&summary, idle, flags));
    }
    if flags.interactive {
        ask::each(&mut plan, verb).await?;
    } else {
        ask::many_deletes(&plan, request.sync, &places).await?;
    }
    let mut stopped = carry::out(&job, plan, &places, app, found, &mut summary).await;
    summary.took = started.elapsed();
    if over_limit && stopped.is_none() {
        let next = match summary.copied {
            0 => "the first file is larger than that: give a larger --max-transfer, or --order-by size",
            _ => "repeat the command to continue; finished files are not sent again",
        };
        let failure = Failure::new("stopped before --max-transfer was exceeded").next(next);
        stopped = Some(failure.code(exit::LIMIT));
    }
    preview::list_failed(&summary);
    if !app.quiet || !summary.failed.is_empty() {
        report::note(&summary.to_string());
    }
    let idle = summary.copied + summary.renamed == 0;
    match stopped {
        Some(failure) => Err(failure),
        None => Ok(code(&summary, idle, flags)),
    }
}

fn code(summary: &Summary, is_idle: bool, flags: &Flags) -> u8 {
    match summary.failure_code() {
        Some(code) => code,
        None if is_idle && flags.error_on_no_transfer => exit::NOTHING_TO_DO,
        None => exit::SUCCESS,
    }
}

/// Finds out where replaced and deleted files are kept, before anything is listed.
async fn backup_of(
    request: &Request<'_>,
    side: Option<Side>,
    source: &Side,
    dest: &Side,
    filter: &Filter,
) -> Result<Option<Backup>, Failure> {
    let found = Backup::find(request.flags, side.clone(), (source, dest), filter).await;
    match (found, side) {
        // A single file goes into a folder, in which its backup may be.
        (Err(failure), Some(side)) if failure.exit_code() == exit::USAGE => {
            let is_file = matches!(source.stat().await, Ok(Some(there)) if there.file().is_some());
            let folder = |place: &Side| place.split().map(|(folder, _)| folder);
            let target = if request.dest_is_name {
                folder(dest)
            } else {
                Some(dest.clone())
            };
            match (is_file, folder(source), target) {
                (true, Some(from), Some(to)) => Backup::beside(request.flags, side, (&from, &to))
                    .ok_or(failure)
                    .map(Some),
                _ => Err(failure),
            }
        }
        (found, _) => found,
    }
}

/// Within an account cloud documents are copied as they are. Otherwise exports of them come from a source, and those of a
/// target have nothing to do with its files.
fn with_documents(source: Side, dest: Side) -> (Side, Side) {
    if source.shares_paths(&dest) {
        let how = Documents::AsTheyAre;
        (source.with_documents(how), dest.with_documents(how))
    } else {
        (source, dest.with_documents(Documents::Apart))
    }
}

/// Refuses a place that isn't there yet and can't be.
fn refuse_new(to: &Side, is_there: bool) -> Result<(), Failure> {
    match to {
        Side::Remote { path, .. } if !is_there => path.check_new().map_err(|e| Failure::usage(e.to_string())),
        _ => Ok(()),
    }
}

/// Whether Dropbox can tell all these paths apart.
fn are_apart(paths: &[&str]) -> bool {
    let mut seen = std::collections::HashSet::new();
    paths.iter().all(|path| seen.insert(plan::fold(path)))
}

/// Moves what has names that aren't UTF-8 to the problems, if it has no place in the Dropbox on the other side, whose names
/// aren't mapped: it must not be deleted for that.
fn leave_raw_names(found: &mut Found, other: &Side) {
    if other.names() != Names::Dropbox || found.what != What::Folder {
        return;
    }
    let raw = found.entries.extract_if(.., |entry| raw::is_raw(&entry.path));
    let reason = "its name is not UTF-8, which Dropbox needs; --encode-names maps such names";
    found
        .problems
        .extend(raw.map(|entry| (entry.path, reason.to_owned())));
}

/// Says which cloud documents of the target a sync leaves there.
fn tell_documents<'a>(documents: impl Iterator<Item = &'a Entry>, places: &Places) {
    let paths: Vec<String> = documents.map(|entry| format!("'{}'", entry.path)).collect();
    if paths.is_empty() {
        return;
    }
    report::note(&format!(
        "cloud documents in '{}' are left as they are, no file can stand for them: {}{}",
        places.to.location(),
        paths[..paths.len().min(3)].join(", "),
        if paths.len() > 3 { ", …" } else { "" }
    ));
}

/// Returns the folder that a single file goes into, and its name there. `name` is its own.
fn single_target(
    request: &Request<'_>,
    dest: Side,
    entry: Option<&Entry>,
    typed: &str,
    name: &str,
) -> (Side, String) {
    let is_document = entry.is_some_and(|entry| documents::document(entry).is_some());
    match dest.split() {
        Some((folder, wanted)) if request.dest_is_name && is_document => {
            // Called by its export's name, a document stays a document.
            let is_by_export = documents::is_export(typed) && plan::fold(typed) != plan::fold(name);
            let wanted = if is_by_export {
                documents::renamed(name, &wanted)
            } else {
                wanted
            };
            (folder, wanted)
        }
        Some((folder, wanted)) if request.dest_is_name => (folder, wanted),
        _ if is_document => (dest, name.to_owned()),
        _ => (dest, typed.to_owned()),
    }
}

/// Takes what the filter leaves out from what was found. Returns its paths, if somebody `asks` for them.
fn select(found: &mut Found, filter: &Filter, asks: bool) -> Vec<String> {
    if filter.is_everything() {
        return Vec::new();
    }
    let mut left_out = if asks {
        std::mem::take(&mut found.closed)
    } else {
        Vec::new()
    };
    let mut selection = filter.selection(&found.entries).into_iter();
    found.entries.retain(|entry| {
        let is_in = selection.next().unwrap_or(false);
        if asks && !is_in {
            left_out.push(entry.path.clone());
        }
        is_in
    });
    left_out
}

fn tell_left_out(found: &Found, app: &App, summary: &mut Summary) {
    for (path, reason) in &found.skipped {
        if !app.quiet {
            tracing::warn!(object = %path, "skipped, {reason}");
        }
    }
    // A listing that could not be had at all is another matter: these have names or permissions that are in the way.
    let problems = found.problems.iter();
    summary
        .failed
        .extend(problems.map(|(path, reason)| FailedFile::permanent(path, reason)));
}

/// Names the files that can't be copied, before anything moves.
fn tell_obstacles(plan: &Plan, places: &Places) {
    let mut reasons: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for obstacle in &plan.obstacles {
        reasons.entry(&obstacle.reason).or_default().push(&obstacle.path);
    }
    for (reason, paths) in reasons {
        let some: Vec<String> = paths.iter().take(3).map(|path| format!("'{path}'")).collect();
        let more = if paths.len() > 3 { ", …" } else { "" };
        report::warn(&format!(
            "{} can't be copied: {reason}: {}{more}",
            report::files(paths.len() as u64),
            some.join(", ")
        ));
    }
    if let Some(way) = plan.obstacles.iter().find_map(|o| o.in_the_way.as_deref()) {
        let old = places.to.join(&format!("{way}.old"));
        let (now, new) = (places.to.join(way).typed(), old.typed());
        let rename = match places.to {
            Side::Local(_) => "mv",
            Side::Remote { .. } => "node-tool moveto",
        };
        report::note(&format!("  next: {rename} {now} {new}"));
    }
    if plan.obstacles.iter().any(|obstacle| obstacle.is_folder_link) {
        report::note("  or go through symlinks that lead to folders: -K (--keep-dirlinks)");
    }
}

/// A request with what was made of its flags.
#[derive(Debug)]
pub(super) struct Job<'a> {
    request: &'a Request<'a>,
    filter: &'a Filter,
    backup: Option<&'a Backup>,
    /// What the filter leaves out of the source.
    left_out: &'a [String],
}

impl Job<'_> {
    async fn one_file(
        &self,
        source: Side,
        dest: Side,
        found: &Found,
        summary: &mut Summary,
    ) -> Result<(Places, Plan), Failure> {
        let (from, typed) = source.split().ok_or_else(|| missing(&source))?;
        let entry = found.entries.first();
        let name = entry.map_or(&typed, |entry| &entry.path).clone();
        let (to, new_name) = single_target(self.request, dest, entry, &typed, &name);
        let around = to.stat().await.map_err(|e| side_failure("look at", &to, &e))?;
        refuse_new(&to, around.is_some())?;
        if around.is_some_and(|at| at.file().is_some()) {
            return Err(self.not_a_folder(&to));
        }
        to.learn(&new_name).await;
        let place = to.join(&new_name);
        if overlap::relation(&source, &place) == Relation::Same {
            if self.request.verb != Verb::Copy {
                return Err(overlap::same_place());
            }
            overlap::note_same_place();
            return Ok((Places { from, to }, Plan::default()));
        }
        let mut there = place
            .look_at_target()
            .await
            .map_err(|e| side_failure("look at", &place, &e))?;
        let link = new_name.strip_suffix(local::link::ENDING);
        if let (Side::Local(_), true, Some(link)) = (&to, self.request.flags.links, link) {
            // It becomes a symlink, in whose place something else may be.
            let place = to.join(link);
            let found = place.look_at_target().await;
            let found = found.map_err(|e| side_failure("look at", &place, &e))?;
            there.entries.extend(found.entries);
            there.entries.extend(place.as_link(&new_name));
        }
        let wanted: Vec<Entry> = found
            .entries
            .iter()
            .map(|entry| Entry {
                path: new_name.clone(),
                kind: entry.kind.clone(),
                id: entry.id.clone(),
            })
            .collect();
        let places = Places { from, to };
        let mut plan = self.plan(&wanted, &there, &places, None);
        let single = |path: &mut String| path.clone_from(&name);
        plan.actions
            .iter_mut()
            .for_each(|action| single(&mut action.from));
        plan.proven.iter_mut().for_each(single);
        self.account_for(&plan, summary);
        Ok((places, plan))
    }

    async fn folders(
        &self,
        from: Side,
        to: Side,
        found: &Found,
        summary: &mut Summary,
    ) -> Result<(Places, Plan), Failure> {
        let Request {
            verb, flags, sync, ..
        } = *self.request;
        let few: Vec<&str> = found.entries.iter().map(|entry| entry.path.as_str()).collect();
        let is_few = verb == Verb::Copy
            && to.remote().is_some()
            && (1..=FEW).contains(&few.len())
            // Dropbox would say of each of two spellings that it is there.
            && are_apart(&few)
            && !flags.create_empty_src_dirs;
        let every;
        let filter = if sync.delete_excluded {
            every = self.filter.depth_only();
            &every
        } else {
            self.filter
        };
        let surveyed = if is_few {
            to.survey_only(&few).await
        } else {
            to.survey(filter, flags.symlinks_of_target()).await
        };
        let mut target = surveyed.map_err(|e| side_failure("list", &to, &e))?;
        if target.what == What::File {
            return Err(self.not_a_folder(&to));
        }
        refuse_new(&to, target.what != What::Nothing)?;
        leave_raw_names(&mut target, &from);
        if let Some(backup) = self.backup {
            backup.check_source(&found.entries, &to)?;
        }
        let removes = verb == Verb::Sync && found.problems.is_empty() && target.problems.is_empty();
        if verb == Verb::Sync && !removes {
            report::warn("something could not be listed, so nothing will be deleted");
        }
        let candidates = removes.then(|| self.candidates(&target, filter));
        let places = Places { from, to };
        let mut plan = self.plan(&found.entries, &target, &places, candidates.as_deref());
        plan.mounts = std::mem::take(&mut target.mounts);
        if let Some(backup) = self.backup {
            backup.spare_source(&mut plan, &found.entries, flags);
        }
        if verb == Verb::Sync {
            withhold(&mut plan);
            let is_kept = |(at, entry): &(usize, &Entry)| {
                let is_candidate = candidates.as_ref().is_some_and(|all| all[*at]);
                is_candidate && documents::document(entry).is_some()
            };
            if !places.to.takes_documents_for_files() {
                let entries = target.entries.iter().enumerate().filter(is_kept);
                tell_documents(entries.map(|(_, entry)| entry), &places);
            }
            self.check_deletes(&plan, found, &places)?;
        }
        if sync.track_renames && verb == Verb::Sync {
            let links = flags.links && places.to.remote().is_none();
            renames::find(&mut plan, &places, links).await;
        }
        self.account_for(&plan, summary);
        Ok((places, plan))
    }

    fn plan(&self, source: &[Entry], target: &Found, places: &Places, candidates: Option<&[bool]>) -> Plan {
        let Request {
            verb, flags, sync, ..
        } = *self.request;
        let options = plan::Options {
            names: places.to.names(),
            rules: plan::Rules {
                proves: verb == Verb::Move,
                ..flags.rules()
            },
            removal: candidates.map(|is_candidate| plan::Removal {
                is_candidate,
                takes_left_out: sync.delete_excluded,
            }),
            makes_links: flags.links && places.to.remote().is_none(),
            documents_are_files: places.to.takes_documents_for_files(),
            makes_folders: flags.create_empty_src_dirs,
        };
        let source = plan::Source {
            entries: source,
            left_out: self.left_out,
        };
        let target = plan::Target {
            entries: &target.entries,
            others: &target.others,
            closed: &target.closed,
        };
        let mut plan = plan::make(source, target, &options);
        if let Some(order) = flags.order_by {
            order.sort(&mut plan.actions);
        }
        plan
    }

    /// Returns which entries of the target `sync` may delete.
    fn candidates(&self, target: &Found, filter: &Filter) -> Vec<bool> {
        let mut candidates = filter.selection(&target.entries);
        // What is in the deepest folders wasn't listed.
        let is_closed = |entry: &Entry| {
            entry.kind == Kind::Folder
                && filter
                    .max_depth()
                    .is_some_and(|max| entry.path.split('/').count() >= max)
        };
        for (entry, is_candidate) in target.entries.iter().zip(&mut candidates) {
            let is_kept = self
                .backup
                .is_some_and(|backup| backup.holds(entry, self.request.flags));
            *is_candidate &= !is_kept && !is_closed(entry);
        }
        candidates
    }

    /// Counts what needs no copying, and what can't be copied.
    fn account_for(&self, plan: &Plan, summary: &mut Summary) {
        summary.same = plan.same;
        summary.left = plan.left;
        let told = plan
            .obstacles
            .iter()
            .map(|o| FailedFile::permanent(&o.path, &o.reason));
        summary.failed.extend(told);
    }

    fn not_a_folder(&self, to: &Side) -> Failure {
        Failure::usage(format!(
            "'{}' is a file; {} needs a folder to copy into",
            to.location(),
            self.request.verb.word()
        ))
        .code(exit::ERROR)
    }

    /// Refuses deletions that are hardly meant.
    fn check_deletes(&self, plan: &Plan, found: &Found, places: &Places) -> Result<(), Failure> {
        let source_is_empty = !found.entries.iter().any(|entry| entry.file().is_some());
        let count = plan.deletes.len() as u64;
        if source_is_empty && count > 0 {
            return Err(Failure::new(format!(
                "'{}' is empty; nothing was deleted",
                places.from.location()
            ))
            .why(format!(
                "sync would delete all {} of the target",
                report::files(count)
            ))
            .next(format!(
                "node-tool delete {}    # if that is meant",
                places.to.typed()
            )));
        }
        match self.request.sync.max_delete {
            Some(most) if count > most => Err(Failure::new(format!(
                "{} would be deleted, more than --max-delete {most} allows; nothing was changed",
                report::files(count)
            ))
            .next("look at them with --dry-run")
            .code(exit::FATAL)),
            _ => Ok(()),
        }
    }
}

/// Deletes nothing if something can't be copied.
fn withhold(plan: &mut Plan) {
    if plan.obstacles.is_empty() || plan.deletes.is_empty() && plan.rmdirs.is_empty() {
        return;
    }
    report::warn("not everything can be copied, so nothing will be deleted");
    plan.deletes.clear();
    plan.rmdirs.clear();
    plan.last_folders.clear();
    let waiting = std::mem::take(&mut plan.last);
    plan.obstacles
        .extend(waiting.into_iter().map(|action| plan::Obstacle {
            path: action.from,
            reason: "something else is in its place, and nothing will be deleted".into(),
            in_the_way: None,
            is_folder_link: false,
        }));
}

/// Cuts the plan where `--max-transfer` says. Returns whether it had to.
fn limit(flags: &Flags, plan: &mut Plan) -> bool {
    let Some(most) = flags.max_transfer.and_then(|size| size.0) else {
        return false;
    };
    let mut sum = 0;
    let mut cut = |actions: &mut Vec<Action>| {
        let fits = |action: &Action| {
            let is_copied = matches!(action.task, plan::Task::Copy(_));
            sum += if is_copied { action.source.size_bytes } else { 0 };
            sum <= most
        };
        let count = actions.iter().map(fits).take_while(|fits| *fits).count();
        let is_cut = count < actions.len();
        actions.truncate(count);
        is_cut
    };
    let is_cut = cut(&mut plan.actions) | cut(&mut plan.last);
    if is_cut {
        // What isn't copied yet mustn't be missed yet.
        plan.deletes.clear();
        plan.rmdirs.clear();
        plan.last_folders.clear();
        plan.last.clear();
    }
    is_cut
}
