//! What a dry run shows, and the list of what failed.

use serde::Serialize;
use shared::failure::{Failure, printable};

use super::{Flags, Places};
use crate::{
    plan::{Action, Plan, Task, Why},
    report::{self, Summary},
    tree::{Entry, Kind},
};

/// The most failed files that are listed one by one.
const LISTED: usize = 50;

/// A step as `--json` shows it.
#[derive(Serialize)]
#[serde(rename_all = "lowercase", tag = "action")]
enum Step<'a> {
    Copy {
        path: &'a str,
        to: &'a str,
        size: u64,
        why: Reason,
    },
    Rename {
        path: &'a str,
        to: &'a str,
        size: u64,
    },
    Delete {
        path: &'a str,
        size: u64,
    },
    Mkdir {
        path: &'a str,
    },
    Rmdir {
        path: &'a str,
    },
    /// Of a move: a file of the source goes, since it is in the target already.
    #[serde(rename = "delete-source")]
    Leave {
        path: &'a str,
        size: u64,
    },
    /// Of a move: a folder of the source goes.
    #[serde(rename = "rmdir-source")]
    LeaveFolder {
        path: &'a str,
    },
}

#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Reason {
    Known(Why),
    Open(&'static str),
}

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Self::Known(why) => why.words(),
            Self::Open(_) => "time differs, content would decide",
        }
    }
}

fn steps<'a>(plan: &'a Plan, leaves: &'a [&'a Entry]) -> impl Iterator<Item = Step<'a>> {
    let size = |entry: &Entry| entry.file().map_or(0, |file| file.size_bytes);
    let mkdir = |path: &'a String| Step::Mkdir { path };
    let copy = |action: &'a Action| Step::Copy {
        path: &action.from,
        to: &action.to,
        size: action.source.size_bytes,
        why: match action.task {
            Task::Copy(why) => Reason::Known(why),
            Task::Settle { .. } => Reason::Open("hash-decides"),
        },
    };
    let renames = plan.renames.iter().map(move |rename| Step::Rename {
        path: &rename.entry.path,
        to: &rename.to,
        size: size(&rename.entry),
    });
    let deletes = plan.deletes.iter().map(move |entry| Step::Delete {
        path: &entry.path,
        size: size(entry),
    });
    let gone = plan.rmdirs.iter().map(|entry| Step::Rmdir { path: &entry.path });
    let leaves = leaves.iter().map(move |entry| match entry.kind {
        Kind::File(_) => Step::Leave {
            path: &entry.path,
            size: size(entry),
        },
        Kind::Folder => Step::LeaveFolder { path: &entry.path },
    });
    plan.folders
        .iter()
        .map(mkdir)
        .chain(renames)
        .chain(plan.actions.iter().map(copy))
        .chain(deletes)
        .chain(gone)
        .chain(plan.last_folders.iter().map(mkdir))
        .chain(plan.last.iter().map(copy))
        .chain(leaves)
}

/// Shows what would be done.
///
/// # Errors
/// When stdout can't be written.
pub(super) fn show(
    plan: &Plan,
    leaves: &[&Entry],
    places: &Places,
    flags: &Flags,
    summary: &Summary,
) -> Result<(), Failure> {
    if flags.json {
        return report::json_results(
            steps(plan, leaves).map(|step| serde_json::to_string(&step).unwrap_or_default()),
        );
    }
    for step in steps(plan, leaves) {
        match step {
            Step::Copy { path, size, why, .. } => {
                tracing::warn!(object = %path, "Skipped {} as --dry-run is set (size {}, {})",
                    if summary.is_move { "move" } else { "copy" },
                    report::bytes(size),
                    why.words()
                )
            }
            Step::Rename { path, to, .. } => {
                tracing::warn!(object = %to, "Skipped rename from {path} as --dry-run is set");
            }
            Step::Delete { path, size } => {
                tracing::warn!(object = %path, "Skipped delete as --dry-run is set (size {})",
                    report::bytes(size)
                )
            }
            Step::Mkdir { path } => {
                tracing::warn!(object = %path, "Skipped make directory as --dry-run is set")
            }
            Step::Rmdir { path } => {
                tracing::warn!(object = %path, "Skipped remove directory as --dry-run is set")
            }
            Step::Leave { path, size } => {
                tracing::warn!(object = %path, "Skipped delete from the source as --dry-run is set (size {})",
                    report::bytes(size)
                )
            }
            Step::LeaveFolder { path } => {
                tracing::warn!(object = %path, "Skipped remove directory from the source as --dry-run is set")
            }
        }
    }
    let actions = || plan.actions.iter().chain(&plan.last);
    let bytes = actions().map(|a| a.source.size_bytes).sum();
    let mut line = format!(
        "dry run, {} to {}: {} to {} ({}), {} already there",
        places.from.location(),
        places.to.location(),
        report::files(actions().count() as u64),
        if summary.is_move { "move" } else { "copy" },
        report::bytes(bytes),
        summary.same
    );
    for (count, what) in [
        (summary.left, "left as they are"),
        (plan.renames.len() as u64, "to rename"),
        (plan.deletes.len() as u64, "to delete"),
        (summary.failed.len() as u64, "can't be copied"),
    ] {
        if count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    report::note(&line);
    list_failed(summary);
    Ok(())
}

/// Lists what failed, if it isn't too much.
pub(super) fn list_failed(summary: &Summary) {
    let mut failed = summary.failed.clone();
    failed.sort();
    for file in failed.iter().take(LISTED) {
        report::note(&format!(
            "failed: '{}': {}",
            printable(&file.path),
            printable(&file.reason)
        ));
    }
    if failed.len() > LISTED {
        report::note(&format!(
            "… and {} more; repeat with -v to see them all",
            failed.len() - LISTED
        ));
    }
}
