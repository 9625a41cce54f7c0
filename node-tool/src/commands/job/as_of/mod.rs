//! A folder as it was: `restore DIR --as-of TIME`.
//!
//! In its own place it is a sync from then to now in which what came since stays, unless it is to go or is in the way; into
//! another place it is a copy.

mod show;

use std::{collections::HashSet, sync::Arc, time::Instant};

use engine::{
    entry::{Entry, Modified},
    filter::Filter,
    history::came_since,
    listing::{Listing, RootKind},
    plan::{self, CompareBy, Plan, PlanOptions, Refusal, Rules, Verb},
    run::{self, Run, RunOptions, Tally},
};
use shared::{exit, failure::Failure};
use stores::{AsOf, Place, Relation};

use super::{
    App, Flags, Job, MoveFlags, Request, SyncFlags, missing, observer, observer::Shown, outcomes, overlap,
    place_failure, tell, with_documents,
};
use crate::report::{self, json};

/// What was typed.
#[derive(Debug)]
pub struct AsOfRequest<'a> {
    /// The folder, which may be deleted.
    pub folder: &'a str,
    /// Where it is restored to. `None` means in its place.
    pub dest: Option<&'a str>,
    /// The moment.
    pub time: Modified,
    /// Whether what came since is deleted.
    pub deletes_new: bool,
    /// Whether nothing is asked.
    pub yes: bool,
    /// The filters, and how the plan and the progress are shown.
    pub flags: Flags,
}

/// A plan, and what it leaves alone.
struct Planned {
    plan: Plan,
    /// What came since and stays.
    kept: Vec<Entry>,
    /// The revisions that files have now.
    current: HashSet<String>,
}

/// Restores a folder.
///
/// # Errors
/// When nothing could be done. Failures of single files are reported at the end, and by the exit code.
pub async fn run(request: &AsOfRequest<'_>, app: &App) -> Result<u8, Failure> {
    let started = Instant::now();
    let (source, dest) = places(request, app).await?;
    let Some(store) = source.dropbox() else {
        return Err(Failure::usage(format!(
            "'{source}' is on this machine; only Dropbox keeps what was"
        )));
    };
    let filter = request.flags.filter.filter()?;
    let mut as_of = store
        .as_of(request.time)
        .await
        .map_err(|e| place_failure("list", &source, &e))?;
    let left_out = check(&mut as_of, request, &source, &filter)?;
    let is_in_place = source.relation(&dest) == Relation::Same;
    let planned = make_plan(as_of, request, (&source, &dest), is_in_place, &filter, left_out).await?;
    tell::obstacles(&planned.plan, &dest);
    let shown = show::Plan {
        plan: &planned.plan,
        kept: &planned.kept,
        time: request.time,
        dest: &dest,
        is_in_place,
        deletes_new: request.deletes_new,
    };
    if request.flags.dry_run && json::is_on() {
        shown.print_json()?;
    } else if !(app.quiet && request.yes) {
        shown.print(request.flags.dry_run);
    }
    if request.flags.dry_run {
        tell::failures(&tally(&planned));
        return Ok(tell::code(
            &tally(&planned),
            planned.plan.is_idle(),
            &request.flags,
        ));
    }
    if !request.yes && planned.plan.steps().next().is_some() {
        shown.ask().await?;
    }
    carry_out(planned, request, (source, dest), app, started).await
}

/// Returns the folder and where it goes.
async fn places(request: &AsOfRequest<'_>, app: &App) -> Result<(Place, Place), Failure> {
    let mut source = app.place(request.folder)?;
    let mut dest = match request.dest {
        Some(dest) => app.place(dest)?,
        None => source.clone(),
    };
    if request.deletes_new && request.dest.is_some() {
        return Err(
            Failure::usage("--delete-new is for a folder that is restored in its place")
                .hint("leave out either --delete-new or DEST"),
        );
    }
    overlap::from_one_root(&mut source, &mut dest, None, Verb::Copy).await?;
    let dest = overlap::by_one_name(&source, dest, Verb::Copy).await?;
    Ok(with_documents(source, dest))
}

/// Takes out what the filter leaves out, and refuses what can't be restored. Returns what was left out.
fn check(
    as_of: &mut AsOf,
    request: &AsOfRequest<'_>,
    source: &Place,
    filter: &Filter,
) -> Result<Vec<String>, Failure> {
    match (as_of.then.root, as_of.now.root) {
        (RootKind::Folder, _) => {}
        (RootKind::File, _) | (RootKind::Missing, RootKind::File) => {
            return Err(single_file(as_of, request, source));
        }
        (RootKind::Missing, _) => {
            let time = show::time(request.time);
            return Err(missing(source).why(format!("nothing that Dropbox remembers was there at {time}")));
        }
    }
    report::left_out(&as_of.then.unreadable)?;
    tell::skipped(&as_of.then);
    Ok(as_of.then.apply_filter(filter, true))
}

/// Returns the failure for a single file, which has a revision to name.
fn single_file(as_of: &AsOf, request: &AsOfRequest<'_>, source: &Place) -> Failure {
    let failure = Failure::usage(format!("'{source}' is a file; --as-of is for folders"));
    let file = as_of.then.entries.first().and_then(Entry::file);
    match file.and_then(|file| file.version.as_ref()) {
        None => failure.why(format!(
            "nothing that Dropbox remembers was there at {}",
            show::time(request.time)
        )),
        Some(version) => failure.next(match request.dest {
            None => format!("node-tool restore {} --rev {}", source.typed(), version.id),
            Some(dest) => format!(
                "node-tool copyto {} {} --rev {}",
                source.typed(),
                shared::plain::quoted(dest),
                version.id
            ),
        }),
    }
}

/// Plans what makes the target as the folder was.
async fn make_plan(
    as_of: AsOf,
    request: &AsOfRequest<'_>,
    (source, dest): (&Place, &Place),
    is_in_place: bool,
    filter: &Filter,
    mut left_out: Vec<String>,
) -> Result<Planned, Failure> {
    let AsOf { now, then } = as_of;
    let current = now.entries.iter().filter_map(revision).collect();
    let (mut kept, target) = match is_in_place {
        true => (
            came_since(&now.entries, &then.entries)
                .into_iter()
                .cloned()
                .collect(),
            now,
        ),
        false => (Vec::new(), list_target(dest, filter).await?),
    };
    if request.deletes_new {
        kept.clear();
    }
    if is_in_place {
        // What the filter leaves out is no news.
        let mut wanted = filter.selection(&kept).into_iter();
        kept.retain(|_| wanted.next().unwrap_or(false));
        left_out.extend(kept.iter().map(|entry| entry.path.clone()));
    }
    let options = PlanOptions {
        verb: if is_in_place { Verb::Sync } else { Verb::Copy },
        names: dest.store().capabilities().names,
        rules: Rules {
            by: match dest.is_local() {
                true => CompareBy::SizeAndTime,
                false => CompareBy::Checksum, // known on both sides
            },
            ..Rules::default()
        },
        filter: Some(filter),
        max_depth: filter.max_depth(),
        documents_are_files: dest.takes_documents_for_files(),
        ..PlanOptions::default()
    };
    let listed = plan::Source {
        listing: &then,
        left_out: &left_out,
    };
    let plan = plan::plan(listed, &target, &options).map_err(|refusal| match refusal {
        Refusal::EmptySource { deletes } => nothing_then(source, request.time, deletes),
        refusal => tell::refusal(refusal, source, dest),
    })?;
    plan.warnings
        .iter()
        .for_each(|warning| report::warn(&warning.to_string()));
    Ok(Planned { plan, kept, current })
}

/// The failure where all that is there came since, and is to go.
fn nothing_then(source: &Place, time: Modified, deletes: u64) -> Failure {
    Failure::new(format!(
        "no file was in '{source}' at {}; nothing was deleted",
        show::time(time)
    ))
    .why(format!(
        "--delete-new would delete all {} in it",
        report::files(deletes)
    ))
    .next(format!(
        "node-tool delete {}    # if that is meant",
        source.typed()
    ))
}

async fn list_target(dest: &Place, filter: &Filter) -> Result<Listing, Failure> {
    let listed = dest.list_target(filter, engine::listing::Symlinks::Report).await;
    let listed = listed.map_err(|e| place_failure("list", dest, &e))?;
    super::planning::refuse_new(dest, listed.root != RootKind::Missing)?;
    Ok(listed)
}

fn revision(entry: &Entry) -> Option<String> {
    Some(entry.file()?.version.as_ref()?.id.clone())
}

fn tally(planned: &Planned) -> Tally {
    Tally::of_plan(&planned.plan)
}

/// Carries the plan out, and reports its outcome.
async fn carry_out(
    planned: Planned,
    request: &AsOfRequest<'_>,
    (source, dest): (Place, Place),
    app: &App,
    started: Instant,
) -> Result<u8, Failure> {
    let (tally, is_idle) = (tally(&planned), planned.plan.is_idle());
    let Planned {
        mut plan, current, ..
    } = planned;
    let sync = SyncFlags::default();
    let filter = Filter::default();
    let job = Job {
        request: &Request {
            verb: Verb::Copy,
            source: request.folder,
            dest: request.dest.unwrap_or(request.folder),
            dest_is_name: false,
            flags: &request.flags,
            sync: &sync,
            moving: MoveFlags::default(),
            rev: None,
            receipt: None,
        },
        filter: &filter,
        source,
        target: dest,
        backup: None,
        left_out: Vec::new(),
        elsewhere: Vec::new(),
        source_cursor: None,
        permissions: None,
        lists: None,
    };
    let mut options = job.transfer_options(app);
    options.revisions = Some(Arc::new(current));
    let concurrency = options.transfers.min(options.open_files);
    let Some(transfer) = stores::transfer(&job.source, &job.target, false, options) else {
        return Err(overlap::same_place()); // the source is in a Dropbox
    };
    let places = run::Job {
        source: job.source.store(),
        target: job.target.store(),
        transfer: &*transfer,
        backup: None,
        keeps_times: false,
    };
    let places_shown = (job.source.clone(), &job.target);
    let shown = Arc::new(Shown::new(request.flags.progress, app.stats, places_shown));
    let observers = job.observers(Arc::clone(&shown), &mut plan, false);
    let run = Run::new(&plan, tally, app.shutdown.clone(), Arc::new(observers));
    outcomes::report_failed(&run.tally(), &job.source);
    let bytes = plan::total_bytes(plan.all_copies());
    let options = RunOptions {
        deadline: None,
        concurrency,
        deletes_despite_failures: false,
    };
    let stop = tokio::select! {
        stop = run::run(plan, &places, options, &run) => stop,
        () = observer::watch(&shown, &job.source, &job.target, bytes) => None,
    };
    let tally = run.tally();
    outcomes::count(&tally);
    tell::failures(&tally);
    if !app.quiet || !tally.failed.is_empty() {
        report::note(&show::outcome(&tally, started.elapsed()));
    }
    match stop {
        Some(stop) => Err(job.stopped(stop)),
        None => Ok(tell::code(&tally, is_idle, &request.flags)),
    }
}

/// What is said when it was refused.
pub(super) fn refused() -> Failure {
    Failure::new("stopped; nothing was changed")
        .hint("--dry-run shows the whole plan, --yes answers the question")
        .code(exit::ERROR)
}
