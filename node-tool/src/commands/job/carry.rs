//! Carries the steps out, in the order in which a failure loses nothing: make folders, keep, rename, copy, only then delete,
//! and last copy to where something was deleted.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shared::{exit, failure::Failure};

use super::{Backup, Job, Places, Request, Verb};
use crate::{
    commands::{App, dropbox_failure, side_failure},
    documents,
    dropbox::{Error, Relocation},
    failed::{FailedFile, FailureKind},
    filter::Filter,
    local,
    plan::{Action, Mounts, Names, Plan, Rename, Weights},
    report::{self, Progress, Summary},
    side::{Found, Side, SideError, What},
    transfer::{self, Event, Limits, Listener},
    tree::Entry,
};

/// Whether a whole folder can change its place in one call, and did.
pub(super) async fn whole_folder_at_once(
    source: &Side,
    dest: &Side,
    found: &Found,
    request: &Request<'_>,
    filter: &Filter,
) -> Result<bool, Failure> {
    let (
        Side::Remote { client, path, .. },
        Side::Remote {
            path: to,
            client: other,
            ..
        },
    ) = (source, dest)
    else {
        return Ok(false);
    };
    let flags = request.flags;
    let is_plain = filter.is_everything()
        && !(flags.dry_run || flags.interactive || flags.existing)
        && flags.max_transfer.is_none();
    let is_folder = found.what == What::Folder && found.problems.is_empty() && !path.is_root();
    if !client.shares_paths(other) || !is_plain || !is_folder || to.is_root() {
        return Ok(false);
    }
    let is_free = dest
        .stat()
        .await
        .map_err(|e| side_failure("look at", dest, &e))?
        .is_none();
    if !is_free {
        return Ok(false);
    }
    let pair = [(path.clone(), to.clone())];
    match client.relocate_all(Relocation::Move, &pair).await.pop() {
        Some(Ok(())) => Ok(true),
        // It is under way still: what is moved beside it would only be in its way.
        Some(Err(error @ Error::Unfinished(_))) => Err(dropbox_failure(
            format!("could not move '{}'", source.location()),
            &error,
            client.remote(),
        )),
        // Too many files for one call, for example: then file by file.
        _ => Ok(false),
    }
}

/// Says so if the other side hasn't room for everything; what fits is copied.
async fn warn_of_space(wanted: u64, places: &Places) {
    /// Less than this is not worth a question.
    const WORTH_ASKING: u64 = 100 << 20;
    if wanted < WORTH_ASKING {
        return;
    }
    let free = match &places.to {
        Side::Remote { client, .. } if !places.from.shares_paths(&places.to) => {
            let space = client.space_usage().await.ok();
            space.map(|s| {
                s.allocation
                    .allocated
                    .saturating_sub(s.allocation.used.unwrap_or(s.used))
            })
        }
        Side::Remote { .. } => None,
        Side::Local(path) => crate::local::free_bytes(path),
    };
    if let Some(free) = free.filter(|free| *free < wanted) {
        report::warn(&format!(
            "{} are to be copied, and '{}' has room for {}; what doesn't fit will fail",
            report::bytes(wanted),
            places.to.location(),
            report::bytes(free)
        ));
    }
}

/// Files deleted between two looks whether to stop.
const DELETED_AT_ONCE: usize = 1000;
/// After more changes than a page holds, the next run's listing is prepared.
const WORTH_LISTING: u64 = 2000;

/// What happened so far.
#[derive(Debug, Default)]
struct Told {
    summary: Summary,
    /// Paths of the source that are whole and right in the target; only kept if the source's files go away.
    done: Option<HashSet<String>>,
    /// Whether the server takes a file from the source as it copies it.
    is_gone: bool,
    /// What ends the run.
    stopped: Option<Error>,
}

/// Does it all. Returns what ended it before its end.
pub(super) async fn out(
    job: &Job<'_>,
    mut plan: Plan,
    places: &Places,
    app: &App,
    found: Found,
    summary: &mut Summary,
) -> Option<Failure> {
    let Found {
        entries: source,
        weights,
        ..
    } = found;
    let request = job.request;
    // There may be millions.
    let source = if request.verb == Verb::Move {
        source
    } else {
        Vec::new()
    };
    let weights = weights.filter(|_| !request.flags.no_zip);
    make_folders(&plan.folders, places, summary).await;
    if let Some(backup) = job.backup {
        // What is the same after all stays where it is.
        plan.actions = settled(
            std::mem::take(&mut plan.actions),
            &mut plan.proven,
            request,
            places,
            app,
            summary,
        )
        .await;
        keep_replaced(&mut plan.actions, backup, request, places, summary).await;
    }
    rename(&plan.renames, places, summary).await;

    let _underway = app.halt.begin();
    let mut done = HashSet::from_iter(std::mem::take(&mut plan.proven));
    let actions = std::mem::take(&mut plan.actions);
    let mounts = plan.mounts.clone();
    let stopped = copy_in_time(actions, mounts, weights, request, places, app, summary, &mut done).await;
    if stopped.is_some() {
        return stopped;
    }
    let copied = summary.copied;
    match request.verb {
        Verb::Copy => {}
        Verb::Sync => {
            if let Some(stopped) = delete(&mut plan, job.backup, request, places, app, summary).await {
                return Some(stopped);
            }
            make_folders(&plan.last_folders, places, summary).await;
            let (last, mounts) = (std::mem::take(&mut plan.last), std::mem::take(&mut plan.mounts));
            let stopped = copy_in_time(last, mounts, None, request, places, app, summary, &mut done).await;
            if stopped.is_some() {
                return stopped;
            }
        }
        Verb::Move => leave_source(request, places, &source, &done, summary).await,
    }
    if let Side::Remote { client, path, .. } = &places.to
        && copied + summary.deleted > WORTH_LISTING
        && client.keeps_listings()
    {
        // The next run would have to ask for all these changes; it will thank us. A failure is its own affair.
        let _ = client.list(path, true).await;
    }
    None
}

async fn make_folders(folders: &[String], places: &Places, summary: &mut Summary) {
    let new: Vec<&str> = folders.iter().map(String::as_str).collect();
    for (path, made) in new.iter().zip(places.to.make_folders(&new).await) {
        count(summary, path, made, |_| {});
    }
}

/// Copies, as long as that may take. Returns what ended the run; `done` gets the paths of the source that are whole and right
/// in the target, if the source's files go away.
#[expect(
    clippy::too_many_arguments,
    reason = "it is called twice, with what one run has"
)]
async fn copy_in_time(
    actions: Vec<Action>,
    mounts: Mounts,
    weights: Option<Weights>,
    request: &Request<'_>,
    places: &Places,
    app: &App,
    summary: &mut Summary,
    done: &mut HashSet<String>,
) -> Option<Failure> {
    let plan = Plan {
        actions,
        mounts,
        ..Plan::default()
    };
    let told = Arc::new(Mutex::new(Told {
        summary: std::mem::take(summary),
        done: (request.verb == Verb::Move).then(|| std::mem::take(done)),
        is_gone: places.from.shares_paths(&places.to),
        ..Told::default()
    }));
    let copying = copy(plan, weights, request, places, app, &told);
    let in_time = match request.flags.max_duration {
        Some(most) => tokio::time::timeout(most, copying).await.is_ok(),
        None => {
            copying.await;
            true
        }
    };
    let counted = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    *summary = counted.summary;
    *done = counted.done.unwrap_or_default();
    if let Some(error) = counted.stopped {
        let remote = places.to.remote().or(places.from.remote()).unwrap_or_default();
        return Some(dropbox_failure("could not copy everything", &error, remote));
    }
    if let Some(stopped) = halted(app) {
        return Some(stopped);
    }
    (!in_time).then(|| {
        Failure::new("stopped after --max-duration")
            .next("repeat the command to continue; finished files are not sent again")
            .code(exit::DURATION)
    })
}

/// Whether a signal has ended it.
fn halted(app: &App) -> Option<Failure> {
    let signal = app.halt.asked()?;
    let failure = Failure::new(format!("stopped by {signal}"))
        .next("repeat the command to go on; finished files are not sent again");
    Some(failure.code(exit::INTERRUPTED))
}

/// Counts an outcome.
fn count(summary: &mut Summary, path: &str, outcome: Result<(), SideError>, good: impl FnOnce(&mut Summary)) {
    match outcome {
        Ok(()) => good(summary),
        Err(error) => summary
            .failed
            .push(FailedFile::new(path, error.to_string(), (&error).into())),
    }
}

fn limits(request: &Request<'_>, app: &App, weights: Option<Weights>) -> Limits {
    Limits {
        transfers: app.transfers,
        memory_bytes: app.memory_bytes,
        links: request.flags.links,
        // A file that was typed may be a symlink.
        follows: request.flags.copy_links || std::path::Path::new(request.source).is_file(),
        overwrite_newer: request.flags.overwrite_newer,
        zip: weights,
        halt: app.halt.clone(),
        open_files: crate::limits::OpenFiles::here().files,
        state: app.state.clone(),
    }
}

/// Returns what is left to copy once the hash has decided where it has to.
pub(super) async fn settled(
    actions: Vec<Action>,
    proven: &mut Vec<String>,
    request: &Request<'_>,
    places: &Places,
    app: &App,
    summary: &mut Summary,
) -> Vec<Action> {
    let local = match (&places.from, &places.to) {
        (Side::Local(from), _) => transfer::Local::Source(from),
        (_, Side::Local(to)) => transfer::Local::Target(local::Root::new(to)),
        _ => return actions,
    };
    let told = Arc::new(Mutex::new(Told {
        summary: std::mem::take(summary),
        done: Some(HashSet::new()),
        ..Told::default()
    }));
    let listener: Listener = {
        let told = Arc::clone(&told);
        Arc::new(move |event| told.lock().unwrap_or_else(PoisonError::into_inner).hear(event))
    };
    let plan = Plan {
        actions,
        ..Plan::default()
    };
    let plan = transfer::settle(plan, local, &limits(request, app, None), &listener).await;
    let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    *summary = told.summary;
    proven.extend(told.done.into_iter().flatten());
    plan.actions
}

/// Moves what is going to be replaced into the backup. What can't be kept is not replaced.
async fn keep_replaced(
    actions: &mut Vec<Action>,
    backup: &Backup,
    request: &Request<'_>,
    places: &Places,
    summary: &mut Summary,
) {
    let old: Vec<Entry> = actions
        .iter()
        .filter_map(|action| {
            Some(Entry {
                path: action.to.clone(),
                kind: crate::tree::Kind::File(action.over.clone()?),
                id: None,
            })
        })
        .collect();
    let files: Vec<&Entry> = old.iter().collect();
    let outcomes = backup.keep(&files, request.flags, places).await;
    let mut lost = HashSet::new();
    for (entry, outcome) in old.iter().zip(outcomes) {
        if let Err(error) = outcome {
            lost.insert(entry.path.clone());
            let reason = format!("could not be kept: {error}");
            summary
                .failed
                .push(FailedFile::new(&entry.path, reason, (&error).into()));
        }
    }
    actions.retain(|action| !lost.contains(&action.to));
    for action in actions {
        action.over = None; // its place is free now
    }
}

async fn rename(renames: &[Rename], places: &Places, summary: &mut Summary) {
    let outcomes: Vec<Result<(), SideError>> = match &places.to {
        Side::Remote { client, .. } => {
            let pairs: Vec<_> = renames
                .iter()
                .map(|rename| (places.to.below(&rename.entry.path), places.to.below(&rename.to)))
                .collect();
            let outcomes = client.relocate_all(Relocation::Move, &pairs).await;
            outcomes
                .into_iter()
                .map(|done| done.map_err(Into::into))
                .collect()
        }
        Side::Local(root) => {
            let root = local::Root::new(root);
            let rename = |rename: &Rename| {
                root.rename(&rename.entry.path, &rename.to)?;
                // Else the next run would find the times different.
                Ok(root.set_modified(&rename.to, rename.source.modified)?)
            };
            renames.iter().map(rename).collect()
        }
    };
    for (rename, outcome) in renames.iter().zip(outcomes) {
        count(summary, &rename.entry.path, outcome, |summary| {
            summary.renamed += 1;
            tracing::info!(object = %rename.to, "Renamed from {}", rename.entry.path);
        });
    }
}

async fn copy(
    plan: Plan,
    weights: Option<Weights>,
    request: &Request<'_>,
    places: &Places,
    app: &App,
    told: &Arc<Mutex<Told>>,
) {
    let limits = limits(request, app, weights);
    let total = plan.actions.iter().map(|a| a.source.size_bytes).sum();
    let progress = Arc::new(Progress::new(
        request.flags.progress,
        plan.actions.len() as u64,
        total,
        app.stats,
    ));
    let listener: Listener = {
        let (progress, told) = (Arc::clone(&progress), Arc::clone(told));
        Arc::new(move |event| {
            if let Event::Moved { bytes, of } = &event {
                return progress.moved(
                    *bytes,
                    of.as_ref().map(|file| (file.path.as_str(), file.size_bytes)),
                );
            }
            if let Event::Returned { bytes, of } = &event {
                return progress.returned(*bytes, of.as_ref().map(|file| file.path.as_str()));
            }
            told.lock().unwrap_or_else(PoisonError::into_inner).hear(event);
            progress.file_done();
        })
    };
    tokio::select! {
        () = send(plan, request, places, limits, &listener) => {}
        ((), ()) = async { tokio::join!(warn_of_space(total, places), tell_weather(places, &progress)) } => {}
    }
    progress.finish();
}

async fn send(mut plan: Plan, request: &Request<'_>, places: &Places, limits: Limits, listener: &Listener) {
    if places.to.names() == Names::DropboxEncoded && !places.from.shares_paths(&places.to) {
        for action in &mut plan.actions {
            action.to = places.to.named(&action.to);
        }
    }
    match (&places.from, &places.to) {
        (Side::Local(from), Side::Remote { client, path, .. }) => {
            transfer::upload(client, plan, from, path, limits, listener).await;
        }
        (Side::Remote { client, path, .. }, Side::Local(to)) => {
            transfer::download(client, plan, path, to, limits, listener).await;
        }
        (
            Side::Remote { client, .. },
            Side::Remote {
                client: other,
                path: to,
                ..
            },
        ) => {
            if client.shares_paths(other) {
                let how = match request.verb {
                    Verb::Move => Relocation::Move,
                    Verb::Copy | Verb::Sync => Relocation::Copy,
                };
                let (from, to) = (
                    |path: &str| places.from.below(path),
                    |path: &str| places.to.below(path),
                );
                transfer::relocate(client, how, plan, from, to, limits, listener).await;
            } else {
                transfer::relay(client, other, plan, to, limits, listener).await;
            }
        }
        (Side::Local(_), Side::Local(_)) => {} // was refused
    }
}

/// Says now and then what slows the calls down; never ends.
async fn tell_weather(places: &Places, progress: &Progress) {
    const OFTEN: Duration = Duration::from_millis(500);
    loop {
        tokio::time::sleep(OFTEN).await;
        let weather = |side: &Side| match side {
            Side::Remote { client, .. } => client.throttle_reason(),
            Side::Local(_) => None,
        };
        progress.tell(weather(&places.from).or_else(|| weather(&places.to)));
    }
}

impl Told {
    fn is_done(&mut self, path: String) {
        if let Some(done) = &mut self.done {
            done.insert(path);
        }
    }

    fn hear(&mut self, event: Event) {
        let summary = &mut self.summary;
        match event {
            Event::Moved { .. } | Event::Returned { .. } => {}
            Event::Copied {
                path,
                bytes,
                replaced,
            } => {
                summary.copied += 1;
                summary.copied_bytes += bytes;
                tracing::info!(object = %path, "Copied ({})",
                    if replaced { "replaced existing" } else { "new" }
                );
                if !self.is_gone {
                    self.is_done(path);
                }
            }
            Event::Same { path } => {
                summary.same += 1;
                tracing::info!(object = %path, "Unchanged, only the time differed");
                self.is_done(path);
            }
            Event::Failed { file, error } => {
                tracing::info!(object = %file.path, "{}", file.reason);
                if self.stopped.is_none() {
                    self.stopped = error.filter(Error::ends_run);
                }
                summary.failed.push(file);
            }
        }
    }
}

/// Deletes what the source lacks, if everything else went well. Returns what makes all else hopeless.
async fn delete(
    plan: &mut Plan,
    backup: Option<&Backup>,
    request: &Request<'_>,
    places: &Places,
    app: &App,
    summary: &mut Summary,
) -> Option<Failure> {
    let (deletes, rmdirs) = (
        std::mem::take(&mut plan.deletes),
        std::mem::take(&mut plan.rmdirs),
    );
    if deletes.is_empty() && rmdirs.is_empty() {
        return None;
    }
    if !summary.failed.is_empty() {
        report::warn("not everything could be copied, so nothing was deleted");
        plan.last_folders.clear();
        for action in std::mem::take(&mut plan.last) {
            let reason = "something else is in its place, and nothing was deleted";
            summary
                .failed
                .push(FailedFile::new(action.from, reason, FailureKind::Unknown));
        }
        return None;
    }
    let mut stopped = None;
    let mut files: Vec<&Entry> = deletes.iter().collect();
    if let Some(backup) = backup {
        let outcomes = backup.keep(&files, request.flags, places).await;
        for (entry, outcome) in files.iter().zip(outcomes) {
            count(summary, &entry.path, outcome, |summary| {
                summary.deleted += 1;
                tracing::info!(object = %entry.path, "Moved into the backup");
            });
        }
        files.clear();
    }
    let folders: Vec<&Entry> = rmdirs.iter().collect();
    let mut outcomes = Vec::new();
    for batch in files.chunks(DELETED_AT_ONCE) {
        if app.halt.is_asked() {
            break;
        }
        outcomes.extend(places.to.remove(batch, &[]).await);
        tokio::task::yield_now().await;
    }
    if outcomes.len() == files.len() && !app.halt.is_asked() {
        outcomes.extend(places.to.remove(&[], &folders).await);
    }
    for (place, (entry, outcome)) in files.iter().chain(&folders).zip(outcomes).enumerate() {
        let is_folder = place >= files.len();
        match outcome {
            Ok(()) => {
                summary.deleted += u64::from(!is_folder);
                tracing::info!(object = %entry.path, "{}",
                    if is_folder { "Removed directory" } else { "Deleted" }
                );
            }
            // It still holds what somebody put there.
            Err(error) if is_folder => tracing::info!(object = %entry.path, "kept, {error}"),
            Err(error) => {
                summary
                    .failed
                    .push(FailedFile::new(&entry.path, error.to_string(), (&error).into()));
                if let SideError::Dropbox(error) = error {
                    stopped = stopped.or(Some(error).filter(Error::ends_run));
                }
            }
        }
    }
    let remote = places.to.remote().unwrap_or_default();
    let failure = stopped.map(|error| dropbox_failure("could not delete everything", &error, remote));
    failure.or_else(|| halted(app))
}

/// Removes from the source what is in the target now.
async fn leave_source(
    request: &Request<'_>,
    places: &Places,
    source: &[Entry],
    done: &HashSet<String>,
    summary: &mut Summary,
) {
    let (files, folders) = leaving(request, source, done);
    for entry in source.iter().filter(|entry| done.contains(&entry.path)) {
        if documents::is_exported(entry) {
            report::note(&format!(
                "'{}' was exported and stays: it is a cloud document, and an export isn't all of it",
                places.from.join(documents::own_path(entry)).location()
            ));
        }
    }
    let outcomes = places.from.remove(&files, &folders).await;
    for (place, (entry, outcome)) in files.iter().chain(&folders).zip(outcomes).enumerate() {
        match outcome {
            Err(error) if place < files.len() => {
                let reason = format!("it was copied and not removed: {error}");
                summary
                    .failed
                    .push(FailedFile::new(&entry.path, reason, (&error).into()));
            }
            _ => {}
        }
    }
}

/// Returns the files of the source that go, and its folders, the inner before the outer.
fn leaving<'a>(
    request: &Request<'_>,
    source: &'a [Entry],
    done: &HashSet<String>,
) -> (Vec<&'a Entry>, Vec<&'a Entry>) {
    // Of two with one name, the first is the one that was copied.
    let mut names = HashSet::new();
    let mut files: Vec<&Entry> = source.iter().filter(|entry| entry.file().is_some()).collect();
    files.retain(|entry| {
        done.contains(&entry.path) && names.insert(entry.path.as_str()) && !documents::is_exported(entry)
    });
    let mut folders: Vec<&Entry> = source.iter().filter(|entry| entry.file().is_none()).collect();
    folders.sort_by(|a, b| b.path.cmp(&a.path));
    if !request.moving.delete_empty_src_dirs {
        folders.clear();
    }
    (files, folders)
}

/// Returns what a move removes from the source besides the files that it copies: a dry run shows it.
pub(super) fn leaving_at_once<'a>(request: &Request<'_>, plan: &Plan, source: &'a [Entry]) -> Vec<&'a Entry> {
    let proven: HashSet<String> = plan.proven.iter().cloned().collect();
    let (files, folders) = leaving(request, source, &proven);
    let copied: HashSet<&str> = plan.actions.iter().map(|action| action.from.as_str()).collect();
    let goes = |entry: &&Entry| {
        let is_there = proven.contains(&entry.path) || copied.contains(entry.path.as_str());
        is_there && !documents::is_exported(entry)
    };
    let stays = source
        .iter()
        .filter(|entry| entry.file().is_some() && !goes(entry));
    let occupied: HashSet<&str> = stays
        .flat_map(|entry| crate::plan::ancestors(&entry.path))
        .collect();
    let empty = folders
        .into_iter()
        .filter(|folder| !occupied.contains(folder.path.as_str()));
    files.into_iter().chain(empty).collect()
}
