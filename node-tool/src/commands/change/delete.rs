//! `delete` and `deletefile`: remove files, and leave folders unless asked.

use shared::{exit, failure::Failure};

use super::{App, missing, place_failure, report_outcome};
use engine::{
    Retry,
    entry::Entry,
    filter::{Filter, Size},
    listing::{RootKind, Symlinks},
};
use stores::{Place, documents::as_it_is};

use crate::{
    commands::{
        ask::{self, Standing},
        exit_code,
        sources::missing_or_pattern,
    },
    flags::filter::FilterFlags,
    report::{
        self,
        json::{self, Action, Object, Outcome, Step},
    },
    terminal,
};

/// The arguments of `delete`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool delete dbx:results --include '*.tmp' --dry-run")]
pub struct Args {
    /// The folder whose files are removed: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Show what would be removed, without removing it
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Ask before each file
    #[arg(short, long, conflicts_with = "dry_run")]
    interactive: bool,
    /// Don't ask before deleting
    #[arg(short, long, alias = "auto-confirm")]
    yes: bool,
    /// Delete nothing if more than N files would be deleted
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_delete: Option<i64>,
    /// Delete nothing if files of more than SIZE would be deleted
    #[arg(long, value_name = "SIZE")]
    max_delete_size: Option<Size>,
    /// Also remove folders that are empty afterwards
    #[arg(long)]
    rmdirs: bool,
    #[command(flatten)]
    filter: FilterFlags,
}

/// The arguments of `deletefile`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool deletefile dbx:results/run7.h5")]
pub struct FileArgs {
    /// The file: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Show what would be removed, without removing it
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Removes the files that the filters let in.
///
/// # Errors
/// When the folder isn't there or can't be listed.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let filter = args.filter.filter()?;
    let side = app.place(&args.path)?;
    let found = side.list_filtered(&filter, Symlinks::Report).await;
    let found = found.map_err(|e| place_failure("list", &side, &e))?;
    if found.root == RootKind::File {
        let own = side
            .own_place()
            .await
            .map_err(|e| place_failure("look at", &side, &e))?;
        if own.to_string() != side.to_string() {
            return Err(super::by_its_export(&side, &own));
        }
    }
    report::left_out(&found.unreadable)?;
    for left_out in &found.skipped {
        report::warn(&format!("left '{}': {}", left_out.path, left_out.reason));
    }
    let mut files: Vec<&Entry> = found
        .entries
        .iter()
        .filter(|entry| entry.file().is_some() && is_meant(entry, &filter, &side))
        .collect();
    let mut folders: Vec<&Entry> = found
        .entries
        .iter()
        .filter(|entry| entry.file().is_none())
        .collect();
    folders.sort_by(|a, b| b.path.cmp(&a.path));
    if !args.rmdirs {
        folders.clear();
    }
    let whole = match found.root {
        RootKind::Missing => return Err(missing_or_pattern("delete", &args.path, &side, " --dry-run")),
        RootKind::File => side.split().map(|(around, _)| around).unwrap_or(side),
        RootKind::Folder => side,
    };
    limit(args, &files)?;
    if args.interactive {
        files = wanted(files).await?;
    } else if !args.dry_run && !args.yes {
        let paths: Vec<&str> = files.iter().map(|entry| entry.path.as_str()).collect();
        ask::many_deletes(&paths, &whole).await?;
    }
    let mut failures = remove(&whole, &files, &folders, args.dry_run).await?;
    failures.extend(found.unreadable.iter().map(|_| Retry::Never));
    Ok(exit_code(Retry::of_all(failures)).unwrap_or(exit::SUCCESS))
}

/// Refuses to delete more than allowed.
fn limit(args: &Args, files: &[&Entry]) -> Result<(), Failure> {
    let count = files.len() as u64;
    let bytes = files
        .iter()
        .filter_map(|entry| entry.file())
        .map(|file| file.size_bytes)
        .sum();
    let too_much = |what: String, flag: String| {
        Failure::new(format!(
            "{what} would be deleted, more than {flag} allows; nothing was changed"
        ))
        .hint("look at them with --dry-run")
        .code(exit::FATAL)
    };
    let max = args.max_delete.and_then(|max| u64::try_from(max).ok());
    match (max, args.max_delete_size.and_then(|size| size.0)) {
        (Some(max), _) if count > max => Err(too_much(report::files(count), format!("--max-delete {max}"))),
        (_, Some(max)) if bytes > max => Err(too_much(
            report::bytes(bytes),
            format!("--max-delete-size {}", report::bytes(max)),
        )),
        _ => Ok(()),
    }
}

/// Asks about each file. Returns those that are to be deleted.
async fn wanted(files: Vec<&Entry>) -> Result<Vec<&Entry>, Failure> {
    if !terminal::is_there() {
        return Err(
            Failure::usage("there is no terminal to ask on").hint("--dry-run shows what would be done")
        );
    }
    let mut standing = Standing::Ask;
    let mut kept = Vec::new();
    for file in files {
        if ask::wanted("delete", &file.path, &mut standing).await? {
            kept.push(file);
        }
    }
    Ok(kept)
}

/// Whether the filters let an entry in by its own name too: a cloud document is not deleted for the name of its export.
fn is_meant(entry: &Entry, filter: &Filter, side: &Place) -> bool {
    if !entry.is_exported() {
        return true;
    }
    let mut own = entry.clone();
    as_it_is(&mut own);
    let place = side.join(&own.path);
    let is_meant = !filter.select(vec![own]).is_empty();
    if !is_meant {
        report::warn(&format!(
            "left '{}': it is the export of a cloud document, '{}'",
            entry.path, place
        ));
    }
    is_meant
}

/// Removes one file.
///
/// # Errors
/// When it isn't there, or is a folder.
pub async fn file(args: &FileArgs, app: &App) -> Result<u8, Failure> {
    let side = app.place(&args.path)?;
    let there = side
        .stat()
        .await
        .map_err(|e| place_failure("look at", &side, &e))?;
    let entry = match there {
        None => {
            let own = side
                .own_place()
                .await
                .map_err(|e| place_failure("look at", &side, &e))?;
            return Err(if own.to_string() == side.to_string() {
                missing(&side).code(exit::FILE_NOT_FOUND)
            } else {
                super::by_its_export(&side, &own)
            });
        }
        Some(at) if at.file().is_none() => {
            return Err(Failure::new(format!("'{}' is a folder", side))
                .next(format!("node-tool purge {}", side.typed()))
                .code(exit::FILE_NOT_FOUND));
        }
        Some(at) => at,
    };
    let (around, name) = side.split().ok_or_else(|| missing(&side))?;
    let entry = Entry { path: name, ..entry };
    let failures = remove(&around, &[&entry], &[], args.dry_run).await?;
    Ok(exit_code(Retry::of_all(failures)).unwrap_or(exit::SUCCESS))
}

/// Removes them and reports what fails. Returns the kinds of the failures.
///
/// # Errors
/// When nothing else can succeed, which is said once.
async fn remove(
    side: &Place,
    files: &[&Entry],
    folders: &[&Entry],
    dry_run: bool,
) -> Result<Vec<Retry>, Failure> {
    if dry_run {
        for entry in files {
            let size = entry.file().map_or(0, |file| file.size_bytes);
            if json::is_on() {
                json::print(&Object::Step(Step {
                    size: Some(size),
                    ..Step::new(Action::Delete, &*entry.path)
                }))?;
                continue;
            }
            tracing::warn!(object = %entry.path, "Skipped delete as --dry-run is set (size {})",
                report::bytes(size)
            );
        }
        return Ok(Vec::new());
    }
    let mut failures = Vec::new();
    let targets: Vec<_> = files
        .iter()
        .map(|entry| (entry.path.as_str(), entry.file()))
        .collect();
    for (entry, outcome) in files.iter().zip(side.store().remove_files(&targets).await) {
        if let Err(error) = &outcome {
            if error.ends_run() {
                return Err(place_failure("delete from", side, error));
            }
            failures.push(error.retry());
        }
        report_outcome(side, &entry.path, Action::Delete, outcome);
    }
    let paths: Vec<&str> = folders.iter().map(|entry| entry.path.as_str()).collect();
    if !paths.is_empty() {
        for (path, outcome) in paths.iter().zip(side.store().remove_dirs(&paths).await) {
            if outcome.is_ok() {
                tracing::info!(object = %path, "Removed directory");
                json::print(&Object::Outcome(Outcome::done(Action::Rmdir, *path)))?;
            } // a folder that still holds something stays
        }
    }
    Ok(failures)
}
