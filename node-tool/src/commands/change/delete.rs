//! `delete` and `deletefile`: remove files, and leave folders unless asked.

use shared::{exit, failure::Failure};

use super::{App, missing, side_failure, told};
use crate::{
    documents,
    failed::FailureKind,
    filter::{self, Filter},
    local::Symlinks,
    report,
    side::{Side, SideError, What},
    tree::Entry,
};

/// The arguments of `delete`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool delete dbx:results --include '*.tmp' --dry-run")]
pub struct Args {
    /// The folder whose files go: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Also remove folders that are empty then
    #[arg(long)]
    rmdirs: bool,
    #[command(flatten)]
    filter: filter::Flags,
}

/// The arguments of `deletefile`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool deletefile dbx:results/run7.h5")]
pub struct FileArgs {
    /// The file: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Removes the files that the filters let in.
///
/// # Errors
/// When the folder isn't there or can't be listed.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let filter = args.filter.filter()?;
    let side = app.side(&args.path)?;
    let found = side.look(&filter, Symlinks::Tell).await;
    let found = found.map_err(|e| side_failure("list", &side, &e))?;
    if found.what == What::File {
        let own = side
            .own_place()
            .await
            .map_err(|e| side_failure("look at", &side, &e))?;
        if own.location() != side.location() {
            return Err(super::by_its_export(&side, &own));
        }
    }
    for (path, reason) in &found.problems {
        report::warn(&format!("left out '{path}': {reason}"));
    }
    for (path, reason) in &found.skipped {
        report::warn(&format!("left '{path}': {reason}"));
    }
    let files: Vec<&Entry> = found
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
    let whole = match found.what {
        What::Nothing => return Err(missing(&side)),
        What::File => side.split().map(|(around, _)| around).unwrap_or(side),
        What::Folder => side,
    };
    let mut failures = remove(&whole, &files, &folders, args.dry_run).await?;
    failures.extend(found.problems.iter().map(|_| FailureKind::Permanent));
    Ok(FailureKind::exit_code(failures).unwrap_or(exit::SUCCESS))
}

/// Whether the filters let an entry in by its own name too: a cloud document is not deleted for the name of its export.
fn is_meant(entry: &Entry, filter: &Filter, side: &Side) -> bool {
    if !documents::is_exported(entry) {
        return true;
    }
    let mut own = entry.clone();
    documents::as_it_is(&mut own);
    let place = side.join(&own.path);
    let is_meant = !filter.select(vec![own]).is_empty();
    if !is_meant {
        report::warn(&format!(
            "left '{}': it is the export of a cloud document, '{}'",
            entry.path,
            place.location()
        ));
    }
    is_meant
}

/// Removes one file.
///
/// # Errors
/// When it isn't there, or is a folder.
pub async fn file(args: &FileArgs, app: &App) -> Result<u8, Failure> {
    let side = app.side(&args.path)?;
    let there = side
        .stat()
        .await
        .map_err(|e| side_failure("look at", &side, &e))?;
    let entry = match there {
        None => {
            let own = side
                .own_place()
                .await
                .map_err(|e| side_failure("look at", &side, &e))?;
            return Err(if own.location() == side.location() {
                missing(&side).code(exit::FILE_NOT_FOUND)
            } else {
                super::by_its_export(&side, &own)
            });
        }
        Some(at) if at.file().is_none() => {
            return Err(Failure::new(format!("'{}' is a folder", side.location()))
                .next(format!("node-tool purge {}", side.typed()))
                .code(exit::FILE_NOT_FOUND));
        }
        Some(at) => at,
    };
    let (around, name) = side.split().ok_or_else(|| missing(&side))?;
    let entry = Entry { path: name, ..entry };
    let failures = remove(&around, &[&entry], &[], args.dry_run).await?;
    Ok(FailureKind::exit_code(failures).unwrap_or(exit::SUCCESS))
}

/// Removes them and reports what fails. Returns the kinds of the failures.
///
/// # Errors
/// When nothing else can succeed, which is said once.
async fn remove(
    side: &Side,
    files: &[&Entry],
    folders: &[&Entry],
    dry_run: bool,
) -> Result<Vec<FailureKind>, Failure> {
    if dry_run {
        for entry in files {
            let size = entry.file().map_or(0, |file| file.size_bytes);
            tracing::warn!(object = %entry.path, "Skipped delete as --dry-run is set (size {})",
                report::bytes(size)
            );
        }
        return Ok(Vec::new());
    }
    let mut failures = Vec::new();
    let outcomes = side.remove(files, folders).await;
    for (place, (entry, outcome)) in files.iter().chain(folders).zip(outcomes).enumerate() {
        if place < files.len() {
            if let Err(error) = &outcome {
                if matches!(error, SideError::Dropbox(error) if error.ends_run()) {
                    return Err(side_failure("delete from", side, error));
                }
                failures.push(FailureKind::from(error));
            }
            told(side, &entry.path, "Deleted", outcome);
        } else if outcome.is_ok() {
            tracing::info!(object = %entry.path, "Removed directory");
        } // a folder that still holds something stays
    }
    Ok(failures)
}
