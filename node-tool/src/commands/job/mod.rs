//! What copy, move and sync have in common: two sides are listed, a plan is made, shown or carried out, and told.

mod ask;
mod carry;
mod flags;
mod keep;
mod preview;
mod renames;

use std::{sync::Arc, time::Instant};

use shared::{exit, failure::Failure};

pub use flags::{Flags, MoveFlags, SyncFlags};

use super::{App, missing, side_failure};
use crate::{
    dropbox::{Client, DropboxPath, Error},
    failed::FailedFile,
    filter::Filter,
    plan::{self, Action, Names, Plan},
    report::{self, Summary},
    roots,
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

/// All that is to be done.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// Files to copy.
    plan: Plan,
    /// Files of the target to rename: from, to.
    renames: Vec<(Entry, String)>,
    /// Files of the target to delete.
    deletes: Vec<Entry>,
    /// Folders of the target to delete, the inner first.
    folders: Vec<Entry>,
    /// Folders of the target to make.
    new_folders: Vec<String>,
}

/// The folders of a job.
#[derive(Debug)]
pub(super) struct Places {
    from: Side,
    to: Side,
    /// What `--backup-dir` names.
    backup: Option<Side>,
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
    let mut backup = flags.backup_dir.as_deref().map(|dir| app.side(dir)).transpose()?;
    from_one_root(&mut source, &mut dest, backup.as_mut(), verb).await?;
    let dest = by_one_name(&source, dest, verb).await?;
    refuse(&source, &dest)?;
    let filter = flags.filter.filter()?;
    let mut summary = Summary {
        is_move: verb == Verb::Move,
        ..Summary::default()
    };
    let mut found = source
        .look_and_weigh(&filter, flags.symlinks())
        .await
        .map_err(|e| side_failure("list", &source, &e))?;
    if found.what == What::Nothing {
        return Err(missing(&source));
    }
    if found.what == What::Folder {
        refuse_overlap(&source, &dest, verb)?;
    }
    if source.shares_paths(&dest) {
        found.as_they_are();
    }
    tell_left_out(&found, app, &mut summary);
    if verb == Verb::Move && carry::whole_folder_at_once(&source, &dest, &found, request, &filter).await? {
        report::note(&format!("moved '{}' as a whole", source.location()));
        return Ok(exit::SUCCESS);
    }
    let places = Places {
        from: source,
        to: dest,
        backup,
    };
    let (places, mut steps) = match found.what {
        What::File => one_file(request, places, &found, &mut summary).await?,
        _ => folders(request, places, &found, &filter, &mut summary).await?,
    };
    let over_limit = limit(flags, &mut steps);
    tell_obstacles(&steps.plan);
    if flags.dry_run {
        preview::show(&steps, &places, flags, &summary)?;
        return Ok(code(&summary, &steps, flags));
    }
    if flags.interactive {
        ask::each(&mut steps, verb).await?;
    } else {
        ask::many_deletes(&steps, request.sync, &places).await?;
    }
    let idle = steps.plan.actions.is_empty();
    let mut stopped = carry::out(request, steps, &places, app, found, &mut summary).await;
    summary.took = started.elapsed();
    if over_limit && stopped.is_none() {
        stopped = Some(
            Failure::new("stopped before --max-transfer was exceeded")
                .next("repeat the command to go on; finished files are not sent again")
                .code(exit::LIMIT),
        );
    }
    preview::list_failed(&summary);
    if !app.quiet || !summary.failed.is_empty() {
        report::note(&summary.to_string());
    }
    match stopped {
        Some(failure) => Err(failure),
        None => Ok(match summary.failure_code() {
            Some(code) => code,
            None if idle && flags.error_on_no_transfer => exit::NOTHING_TO_DO,
            None => exit::SUCCESS,
        }),
    }
}

fn code(summary: &Summary, steps: &Steps, flags: &Flags) -> u8 {
    match summary.failure_code() {
        Some(code) => code,
        None if steps.plan.actions.is_empty() && flags.error_on_no_transfer => exit::NOTHING_TO_DO,
        None => exit::SUCCESS,
    }
}

/// Expresses places of one login from one root. Where that can't be done, nothing may be removed.
async fn from_one_root(
    source: &mut Side,
    dest: &mut Side,
    backup: Option<&mut Side>,
    verb: Verb,
) -> Result<(), Failure> {
    let mut sides: Vec<&mut Side> = [source, dest].into_iter().chain(backup).collect();
    if let Err((at, error)) = roots::unite(&mut sides).await {
        return Err(side_failure("ask about the account of", sides[at], &error.into()));
    }
    let (source, dest) = (&*sides[0], &*sides[1]);
    let one_login = |a: &Client, b: &Client| a.shares_login(b) && !a.shares_paths(b);
    match (source, dest) {
        (Side::Remote { client, .. }, Side::Remote { client: other, .. })
            if verb != Verb::Copy && one_login(client, other) =>
        {
            Err(two_roots(source, dest, verb))
        }
        _ => Ok(()),
    }
}

fn two_roots(source: &Side, dest: &Side, verb: Verb) -> Failure {
    Failure::usage(format!(
        "'{}' and '{}' are one account, seen from different roots",
        source.location(),
        dest.location()
    ))
    .next(format!(
        "use one of them for both places, so that {} can tell them apart",
        verb.word()
    ))
}

/// Two remotes may be one account: then what stands on both sides is the same file, and removing the one removes the other.
/// Gives the target by the source's name if they are.
async fn by_one_name(source: &Side, dest: Side, verb: Verb) -> Result<Side, Failure> {
    let (
        Side::Remote { client, .. },
        Side::Remote {
            client: other,
            path,
            view,
        },
    ) = (source, &dest)
    else {
        return Ok(dest);
    };
    if client.shares_login(other) {
        return Ok(dest);
    }
    let ask = async |client: &Client, side: &Side| {
        let asked =
            async { Ok::<_, Error>((client.current_account().await?.account_id, client.space().await)) };
        asked
            .await
            .map_err(|e| side_failure("ask about the account of", side, &e.into()))
    };
    let (mine, theirs) = match (ask(client, source).await, ask(other, &dest).await) {
        (Ok(mine), Ok(theirs)) => (mine, theirs),
        // A copy removes nothing.
        (Err(_), _) | (_, Err(_)) if verb == Verb::Copy => return Ok(dest),
        (Err(failure), _) | (_, Err(failure)) => return Err(failure),
    };
    if mine == theirs {
        return Ok(Side::Remote {
            client: Arc::clone(client),
            path: path.clone(),
            view: view.clone(),
        });
    }
    if mine.0 == theirs.0 && verb != Verb::Copy {
        return Err(two_roots(source, &dest, verb));
    }
    Ok(dest)
}

/// Whether two paths of an account are one: Dropbox doesn't tell names apart by case or form.
fn is_one(a: &DropboxPath, b: &DropboxPath) -> bool {
    plan::key(a.as_str(), Names::Dropbox) == plan::key(b.as_str(), Names::Dropbox)
}

fn same_place() -> Failure {
    Failure::usage("source and target are the same place")
        .why("Dropbox doesn't tell names apart whose letters differ only in case or form")
}

/// What makes no sense.
fn refuse(source: &Side, dest: &Side) -> Result<(), Failure> {
    match (source, dest) {
        (Side::Local(from), Side::Local(to)) => Err(Failure::usage("both places are on this machine")
            .next(format!("rsync -a {}/ {}/", from.display(), to.display()))),
        (
            Side::Remote { client, path, .. },
            Side::Remote {
                client: other,
                path: to,
                ..
            },
        ) if client.shares_paths(other) && is_one(path, to) => Err(same_place()),
        _ => Ok(()),
    }
}

/// A folder can't be moved into itself, nor be the same as a part of itself.
fn refuse_overlap(source: &Side, dest: &Side, verb: Verb) -> Result<(), Failure> {
    let (
        Side::Remote { client, path, .. },
        Side::Remote {
            client: other,
            path: to,
            ..
        },
    ) = (source, dest)
    else {
        return Ok(());
    };
    let key = |path: &DropboxPath| plan::key(path.as_str(), Names::Dropbox).into_owned();
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let (from, to) = (key(path), key(to));
    if verb == Verb::Copy || !client.shares_paths(other) || !(within(&from, &to) || within(&to, &from)) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "can't {} '{}' and '{}': one is inside the other",
        verb.word(),
        source.location(),
        dest.location()
    )))
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
fn tell_obstacles(plan: &Plan) {
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
}

/// How the names of the target are to be taken.
fn names(places: &Places) -> Names {
    places.to.names()
}

async fn one_file(
    request: &Request<'_>,
    places: Places,
    found: &Found,
    summary: &mut Summary,
) -> Result<(Places, Steps), Failure> {
    let Places {
        from: source,
        to: dest,
        backup,
    } = places;
    let (from, name) = source.split().ok_or_else(|| missing(&source))?;
    let (to, new_name) = match dest.split() {
        Some((folder, new_name)) if request.dest_is_name => (folder, new_name),
        _ => (dest, name.clone()),
    };
    if matches!(to.stat().await.map_err(|e| side_failure("look at", &to, &e))?, Some(at) if at.file().is_some())
    {
        return Err(Failure::usage(format!(
            "'{}' is a file; {} needs a folder to copy into",
            to.location(),
            request.verb.word()
        )));
    }
    let place = to.join(&new_name);
    if let (
        Side::Remote { client, path, .. },
        Side::Remote {
            client: other,
            path: new,
            ..
        },
    ) = (&source, &place)
        && client.shares_paths(other)
        && is_one(path, new)
    {
        return Err(same_place());
    }
    let there = place
        .stat()
        .await
        .map_err(|e| side_failure("look at", &place, &e))?;
    let wanted: Vec<Entry> = found
        .entries
        .iter()
        .map(|entry| Entry {
            path: new_name.clone(),
            kind: entry.kind.clone(),
            id: entry.id.clone(),
        })
        .collect();
    let there: Vec<Entry> = there.into_iter().collect();
    let places = Places { from, to, backup };
    let mut plan = make_plan(&wanted, &there, &places, request, summary);
    for action in &mut plan.actions {
        action.from.clone_from(&name);
    }
    plan.same.iter_mut().for_each(|path| path.clone_from(&name));
    let steps = Steps {
        plan,
        ..Steps::default()
    };
    Ok((places, steps))
}

fn make_plan(
    source: &[Entry],
    target: &[Entry],
    places: &Places,
    request: &Request<'_>,
    summary: &mut Summary,
) -> Plan {
    let mut plan = plan::transfer(source, target, names(places), request.flags.rules());
    summary.same = plan.same.len() as u64 + plan.left;
    let told = plan
        .obstacles
        .iter()
        .map(|o| FailedFile::permanent(&o.path, &o.reason));
    summary.failed.extend(told);
    if let Some(order) = request.flags.order_by {
        order.sort(&mut plan.actions);
    }
    plan
}

async fn folders(
    request: &Request<'_>,
    places: Places,
    found: &Found,
    filter: &Filter,
    summary: &mut Summary,
) -> Result<(Places, Steps), Failure> {
    let to = &places.to;
    let Request {
        verb, flags, sync, ..
    } = *request;
    let few: Vec<&str> = found.entries.iter().map(|entry| entry.path.as_str()).collect();
    let is_few = verb == Verb::Copy
        && to.remote().is_some()
        && (1..=FEW).contains(&few.len())
        && !flags.create_empty_src_dirs
        && !few.iter().any(|path| Side::is_export(path));
    let surveyed = if is_few {
        to.survey_only(&few).await
    } else {
        to.survey(filter, flags.symlinks().in_target()).await
    };
    let mut target = surveyed.map_err(|e| side_failure("list", to, &e))?;
    if target.what == What::File {
        return Err(Failure::usage(format!(
            "'{}' is a file; {} needs a folder to copy into",
            to.location(),
            verb.word()
        )));
    }
    let mut plan = make_plan(&found.entries, &target.entries, &places, request, summary);
    plan.mounts = std::mem::take(&mut target.mounts);
    let mut steps = Steps {
        plan,
        ..Steps::default()
    };
    if verb == Verb::Sync {
        if found.problems.is_empty() && target.problems.is_empty() {
            extras(&mut steps, &target, found, filter, request, &places)?;
        } else {
            report::warn("something could not be listed, so nothing will be deleted");
        }
    }
    if sync.track_renames && verb == Verb::Sync {
        renames::find(&mut steps, &places).await;
    }
    if flags.create_empty_src_dirs {
        let there = plan::by_name(&target.entries, names(&places));
        let is_new = |entry: &&Entry| {
            entry.kind == Kind::Folder && !there.contains_key(&plan::key(&entry.path, names(&places)))
        };
        steps.new_folders = found
            .entries
            .iter()
            .filter(is_new)
            .map(|e| e.path.clone())
            .collect();
    }
    Ok((places, steps))
}

/// What `sync` has to delete.
fn extras(
    steps: &mut Steps,
    target: &Found,
    found: &Found,
    filter: &Filter,
    request: &Request<'_>,
    places: &Places,
) -> Result<(), Failure> {
    let selected;
    let candidates: &[Entry] = if request.sync.delete_excluded {
        &target.entries
    } else {
        selected = filter.select(target.entries.clone());
        &selected
    };
    let backups = keep::inside(places);
    let extra = plan::extra(&found.entries, candidates, names(places));
    let is_backup = |entry: &&Entry| {
        backups
            .as_ref()
            .is_some_and(|folder| keep::is_within(&entry.path, folder))
    };
    steps.deletes = extra
        .files
        .into_iter()
        .filter(|e| !is_backup(e))
        .cloned()
        .collect();
    // A folder that still holds what the filters left out is not empty, and stays.
    steps.folders = extra
        .folders
        .into_iter()
        .filter(|e| !is_backup(e))
        .cloned()
        .collect();
    let source_is_empty = !found.entries.iter().any(|entry| entry.file().is_some());
    if source_is_empty && !steps.deletes.is_empty() {
        return Err(Failure::new(format!(
            "'{}' is empty; nothing was deleted",
            places.from.location()
        ))
        .why(format!(
            "sync would delete all {} of the target",
            report::files(steps.deletes.len() as u64)
        ))
        .next(format!(
            "if that is meant: node-tool delete {}",
            places.to.location()
        )));
    }
    if let Some(most) = request.sync.max_delete
        && steps.deletes.len() as u64 > most
    {
        return Err(Failure::new(format!(
            "{} would be deleted, more than --max-delete {most} allows; nothing was changed",
            report::files(steps.deletes.len() as u64)
        ))
        .next("look at them with --dry-run")
        .code(exit::FATAL));
    }
    Ok(())
}

/// Cuts the plan where `--max-transfer` says. Says whether it had to.
fn limit(flags: &Flags, steps: &mut Steps) -> bool {
    let Some(most) = flags.max_transfer.and_then(|size| size.0) else {
        return false;
    };
    let mut sum = 0;
    let fits = |action: &Action| {
        sum += action.source.size_bytes;
        sum <= most
    };
    let count = steps
        .plan
        .actions
        .iter()
        .map(fits)
        .take_while(|fits| *fits)
        .count();
    let is_cut = count < steps.plan.actions.len();
    steps.plan.actions.truncate(count);
    if is_cut {
        // What isn't copied yet mustn't be missed yet.
        steps.deletes.clear();
        steps.folders.clear();
    }
    is_cut
}
