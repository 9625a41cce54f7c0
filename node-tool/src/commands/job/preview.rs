//! What a dry run shows, and the list of what failed.

use serde::Serialize;
use shared::failure::{Failure, printable};

use super::{Flags, Places, Steps};
use crate::{
    plan::{Task, Why},
    report::{self, Summary},
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

fn steps(steps: &Steps) -> impl Iterator<Item = Step<'_>> {
    let size = |entry: &crate::tree::Entry| entry.file().map_or(0, |file| file.size_bytes);
    let folders = steps.new_folders.iter().map(|path| Step::Mkdir { path });
    let renames = steps.renames.iter().map(move |(entry, to)| Step::Rename {
        path: &entry.path,
        to,
        size: size(entry),
    });
    let copies = steps.plan.actions.iter().map(|action| Step::Copy {
        path: &action.from,
        to: &action.to,
        size: action.source.size_bytes,
        why: match action.task {
            Task::Copy(why) => Reason::Known(why),
            Task::Settle { .. } => Reason::Open("hash-decides"),
        },
    });
    let deletes = steps.deletes.iter().map(move |entry| Step::Delete {
        path: &entry.path,
        size: size(entry),
    });
    let gone = steps
        .folders
        .iter()
        .map(|entry| Step::Rmdir { path: &entry.path });
    folders.chain(renames).chain(copies).chain(deletes).chain(gone)
}

/// Shows what would be done.
///
/// # Errors
/// When stdout can't be written.
pub(super) fn show(all: &Steps, places: &Places, flags: &Flags, summary: &Summary) -> Result<(), Failure> {
    if flags.json {
        return report::results(steps(all).map(|step| serde_json::to_string(&step).unwrap_or_default()));
    }
    for step in steps(all) {
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
        }
    }
    let actions = &all.plan.actions;
    let bytes = actions.iter().map(|a| a.source.size_bytes).sum();
    let mut line = format!(
        "dry run, {} to {}: {} to {} ({}), {} already there",
        places.from.location(),
        places.to.location(),
        report::files(actions.len() as u64),
        if summary.is_move { "move" } else { "copy" },
        report::bytes(bytes),
        summary.same
    );
    for (count, what) in [
        (all.renames.len(), "to rename"),
        (all.deletes.len(), "to delete"),
        (summary.failed.len(), "can't be copied"),
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
