//! `copy`: the contents of a folder into a folder, or one file into a folder.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use shared::{
    exit,
    failure::{Failure, printable},
};

use super::{App, dropbox_failure};
use crate::{
    dropbox::{Client, DropboxPath, Error, Fate, Listed},
    local,
    location::Location,
    plan::{self, Names, Plan, Task},
    report::{self, Progress, Summary},
    transfer::{self, Event, Limits, Listener},
    tree::Entry,
};

/// The arguments of `copy`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The contents of a folder go into DEST, as if a slash stood behind both; a file goes into DEST too.\n\
    What is there with the same size and time is skipped; nothing is ever deleted.\n\n\
    Examples:\n  node-tool copy results dbx:project/results -P\n  node-tool copy dbx:project/data /scratch/data --dry-run"
)]
pub struct Args {
    /// NAME:path, or a local path
    source: String,
    /// NAME:path, or a local path: the folder to copy into
    dest: String,
    /// Show what would be copied, and copy nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Show how far it is
    #[arg(short = 'P', long)]
    progress: bool,
}

/// Copies.
///
/// # Errors
/// When nothing could be done; what fails for single files is told at the end, and by the exit code.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let place = |text: &str| Location::parse(text).map_err(|e| Failure::usage(e.to_string()));
    let started = Instant::now();
    let (work, mut summary) = match (place(&args.source)?, place(&args.dest)?) {
        (Location::Local(from), Location::Remote { name, path }) => {
            up(from, path, app.client(&name)?, app).await?
        }
        (Location::Remote { name, path }, Location::Local(to)) => down(&path, to, app.client(&name)?).await?,
        (Location::Local(from), Location::Local(to)) => {
            return Err(Failure::usage("both places are on this machine").next(format!(
                "rsync -a {}/ {}/",
                from.display(),
                to.display()
            )));
        }
        (Location::Remote { .. }, Location::Remote { .. }) => {
            return Err(Failure::usage("copying from Dropbox to Dropbox is not built yet")
                .next("copy to a local folder first"));
        }
    };
    if args.dry_run {
        return dry_run(&work.plan, summary);
    }
    let remote = work.client.remote().to_owned();
    let stopped = carry_out(work, args, app, &mut summary).await;
    summary.took = started.elapsed();
    tell(&summary, stopped.as_ref(), &remote, app)
}

/// A plan with the two places it is for.
struct Work {
    plan: Plan,
    client: Client,
    direction: Direction,
}

enum Direction {
    Up { from: PathBuf, to: DropboxPath },
    Down { to: PathBuf },
}

async fn up(from: PathBuf, to: DropboxPath, client: Client, app: &App) -> Result<(Work, Summary), Failure> {
    let mut summary = Summary::default();
    let (from, source) = match local::stat(&from)
        .map_err(|e| Failure::new(format!("could not read '{}'", from.display())).why(e))?
    {
        None => {
            return Err(
                Failure::new(format!("'{}' is not there", from.display())).code(exit::DIRECTORY_NOT_FOUND)
            );
        }
        Some(file) if file.file().is_some() => {
            (from.parent().unwrap_or(Path::new("")).to_owned(), vec![file])
        }
        Some(_) => {
            let root = from.clone();
            let walked = tokio::task::spawn_blocking(move || local::walk(&root, true)).await;
            let walked = walked.map_err(|e| Failure::new("could not walk the source").why(e))?;
            for skipped in walked.skipped {
                let path = skipped.path.display().to_string();
                if skipped.is_error {
                    summary.failed.push((path, skipped.reason));
                } else if !app.quiet {
                    tracing::warn!("{path}: skipped, {}", skipped.reason);
                }
            }
            (from, walked.entries)
        }
    };
    let target = remote_target(&client, &to, only_file(&source)).await?;
    let plan = plan(&source, &target, Names::Dropbox, &mut summary);
    Ok((
        Work {
            plan,
            client,
            direction: Direction::Up { from, to },
        },
        summary,
    ))
}

async fn down(from: &DropboxPath, to: PathBuf, client: Client) -> Result<(Work, Summary), Failure> {
    let mut summary = Summary::default();
    let shown = format!("{}:{}", client.remote(), from.as_str().trim_start_matches('/'));
    let source = match client.list(from, true).await {
        Ok(Listed::File(file)) => vec![file],
        Ok(Listed::Folder(listing)) => {
            summary.failed.extend(
                listing
                    .refused
                    .into_iter()
                    .map(|(path, reason)| (path, reason.to_owned())),
            );
            listing.entries
        }
        Err(error) if error.is_not_found() => {
            return Err(Failure::new(format!("'{shown}' is not there"))
                .code(exit::DIRECTORY_NOT_FOUND)
                .next(format!("node-tool lsd {}:", client.remote())));
        }
        Err(error) => {
            return Err(dropbox_failure(
                format!("could not list '{shown}'"),
                &error,
                client.remote(),
            ));
        }
    };
    let target = local_target(&to, only_file(&source)).await?;
    let plan = plan(&source, &target, Names::Exact, &mut summary);
    Ok((
        Work {
            plan,
            client,
            direction: Direction::Down { to },
        },
        summary,
    ))
}

/// The name of the one file that is copied, if it is one.
fn only_file(source: &[Entry]) -> Option<&str> {
    match source {
        [entry] if entry.file().is_some() && !entry.path.contains('/') => Some(&entry.path),
        _ => None,
    }
}

/// What stands in the target on Dropbox: all of it, or what has the name of the one file that is copied.
async fn remote_target(client: &Client, to: &DropboxPath, only: Option<&str>) -> Result<Vec<Entry>, Failure> {
    let shown = format!("{}:{}", client.remote(), to.as_str().trim_start_matches('/'));
    let listed = match only {
        Some(name) => client
            .stat(&to.join(name))
            .await
            .map(|found| found.into_iter().collect()),
        None => match client.list(to, true).await {
            Ok(Listed::Folder(listing)) => Ok(listing.entries),
            Ok(Listed::File(_)) => return Err(target_is_a_file(&shown)),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        },
    };
    listed.map_err(|error| dropbox_failure(format!("could not list '{shown}'"), &error, client.remote()))
}

/// What stands in the target on this machine: all of it, or what has the name of the one file that is copied.
async fn local_target(to: &Path, only: Option<&str>) -> Result<Vec<Entry>, Failure> {
    let stat = |path: &Path| {
        local::stat(path).map_err(|e| Failure::new(format!("could not read '{}'", path.display())).why(e))
    };
    match (stat(to)?, only) {
        (None, _) => Ok(Vec::new()),
        (Some(file), _) if file.file().is_some() => Err(target_is_a_file(&to.display().to_string())),
        (Some(_), Some(name)) => Ok(stat(&to.join(name))?.into_iter().collect()),
        (Some(_), None) => {
            let root = to.to_owned();
            let walked = tokio::task::spawn_blocking(move || local::walk(&root, true)).await;
            Ok(walked
                .map_err(|e| Failure::new("could not walk the target").why(e))?
                .entries)
        }
    }
}

fn target_is_a_file(path: &str) -> Failure {
    Failure::usage(format!("'{path}' is a file; copy needs a folder to copy into"))
}

fn plan(source: &[Entry], target: &[Entry], names: Names, summary: &mut Summary) -> Plan {
    let mut plan = plan::copy(source, target, names);
    summary.same = plan.same;
    summary
        .failed
        .extend(plan.obstacles.drain(..).map(|o| (o.path, o.reason)));
    plan
}

async fn carry_out(work: Work, args: &Args, app: &App, summary: &mut Summary) -> Option<Error> {
    let limits = Limits {
        transfers: app.transfers,
        ..Limits::default()
    };
    let total = work.plan.actions.iter().map(|a| a.source.size_bytes).sum();
    let progress = Arc::new(Progress::new(
        args.progress,
        work.plan.actions.len() as u64,
        total,
    ));
    let counted = Arc::new((Mutex::new((std::mem::take(summary), None)), AtomicU64::new(0)));
    let listener: Listener = {
        let (progress, counted) = (Arc::clone(&progress), Arc::clone(&counted));
        Arc::new(move |event| listen(event, &progress, &counted))
    };
    match &work.direction {
        Direction::Up { from, to } => {
            transfer::upload(&work.client, work.plan, from, to, limits, &listener).await
        }
        Direction::Down { to } => transfer::download(&work.client, work.plan, to, limits, &listener).await,
    }
    progress.finish();
    let mut guard = counted
        .0
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    *summary = std::mem::take(&mut guard.0);
    guard.1.take()
}

type Counted = (Mutex<(Summary, Option<Error>)>, AtomicU64);

fn listen(event: Event, progress: &Progress, counted: &Counted) {
    let mut guard = counted
        .0
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let (summary, stopped) = &mut *guard;
    match event {
        Event::Moved { bytes } => return progress.moved(bytes),
        Event::Copied {
            path,
            bytes,
            replaced,
        } => {
            summary.copied += 1;
            summary.copied_bytes += bytes;
            tracing::info!(
                "{path}: Copied ({})",
                if replaced { "replaced existing" } else { "new" }
            );
        }
        Event::Same { path } => {
            summary.same += 1;
            tracing::info!("{path}: Unchanged, only the time differed");
        }
        Event::Failed { path, reason, error } => {
            tracing::info!("{path}: {reason}");
            if stopped.is_none() {
                *stopped = error.filter(|e| e.fate() == Fate::StopRun);
            }
            summary.failed.push((path, reason));
        }
    }
    progress.files_done(counted.1.fetch_add(1, Ordering::Relaxed) + 1);
}

fn dry_run(plan: &Plan, summary: Summary) -> Result<u8, Failure> {
    for action in &plan.actions {
        let why = match action.task {
            Task::Copy(why) => why.words(),
            Task::Settle => "time differs, content would decide",
        };
        tracing::warn!(
            "{}: Skipped copy as --dry-run is set (size {}, {why})",
            action.from,
            report::bytes(action.source.size_bytes)
        );
    }
    let bytes = plan.actions.iter().map(|a| a.source.size_bytes).sum();
    report::note(&format!(
        "dry run: {} files to copy ({}), {} already there, {} can't be copied",
        plan.actions.len(),
        report::bytes(bytes),
        summary.same,
        summary.failed.len()
    ));
    list_failed(&summary);
    Ok(if summary.failed.is_empty() {
        exit::SUCCESS
    } else {
        exit::ERROR
    })
}

/// The most failed files that are listed one by one.
const LISTED: usize = 50;

fn list_failed(summary: &Summary) {
    let mut failed = summary.failed.clone();
    failed.sort();
    for (path, reason) in failed.iter().take(LISTED) {
        report::note(&format!("failed: '{}': {}", printable(path), printable(reason)));
    }
    if failed.len() > LISTED {
        report::note(&format!(
            "… and {} more; repeat with -v to see them all",
            failed.len() - LISTED
        ));
    }
}

fn tell(summary: &Summary, stopped: Option<&Error>, remote: &str, app: &App) -> Result<u8, Failure> {
    list_failed(summary);
    if !app.quiet || !summary.failed.is_empty() {
        report::note(&summary.to_string());
    }
    match stopped {
        Some(error) => Err(dropbox_failure("could not copy everything", error, remote)),
        None if summary.failed.is_empty() => Ok(exit::SUCCESS),
        None => Ok(exit::ERROR),
    }
}
