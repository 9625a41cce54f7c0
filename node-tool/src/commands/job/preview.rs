//! What a dry run shows.

use engine::{
    plan::{CopyReason, Plan, Step, StepKind, total_bytes},
    run::Tally,
};
use serde::Serialize;
use shared::failure::Failure;
use stores::Place;

use super::{Flags, tell};
use crate::report;

/// A step as `--json` shows it.
#[derive(Serialize)]
#[serde(rename_all = "lowercase", tag = "action")]
enum Shown<'a> {
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
    DeleteSource {
        path: &'a str,
        size: u64,
    },
    /// Of a move: a folder of the source goes.
    #[serde(rename = "rmdir-source")]
    RmdirSource {
        path: &'a str,
    },
}

#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Reason {
    Known(CopyReason),
    Open(&'static str),
}

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Self::Known(reason) => reason.words(),
            Self::Open(_) => "time differs, content would decide",
        }
    }
}

/// Returns how a step is shown. `None` for the part of a move that its copy shows already.
fn shown(step: &Step) -> Option<Shown<'_>> {
    let (path, to, size) = (&*step.from, &*step.to, step.meta.size_bytes);
    Some(match step.kind {
        StepKind::Mkdir => Shown::Mkdir { path },
        StepKind::Rename => Shown::Rename { path, to, size },
        StepKind::Copy(reason) => Shown::Copy {
            path,
            to,
            size,
            why: Reason::Known(reason),
        },
        StepKind::CompareChecksum { .. } => Shown::Copy {
            path,
            to,
            size,
            why: Reason::Open("hash-decides"),
        },
        StepKind::Delete => Shown::Delete { path, size },
        StepKind::Rmdir => Shown::Rmdir { path },
        StepKind::DeleteSource { after: Some(_) } => return None,
        StepKind::DeleteSource { after: None } if step.meta.is_exported() => return None,
        StepKind::DeleteSource { after: None } => Shown::DeleteSource { path, size },
        StepKind::RmdirSource => Shown::RmdirSource { path },
    })
}

/// Shows what would be done.
///
/// # Errors
/// When stdout can't be written.
pub(super) fn show(
    plan: &Plan,
    (source, target): (&Place, &Place),
    is_move: bool,
    flags: &Flags,
    tally: &Tally,
) -> Result<(), Failure> {
    let steps = || plan.steps().filter_map(shown);
    if flags.json {
        let lines = steps().map(|step| serde_json::to_string(&step).unwrap_or_default());
        return report::json_results(lines);
    }
    let verb = if is_move { "move" } else { "copy" };
    steps().for_each(|step| log(&step, verb));
    let mut line = format!(
        "dry run, {source} to {target}: {} to {verb} ({}), {} already there",
        report::files(plan.all_copies().count() as u64),
        report::bytes(total_bytes(plan.all_copies())),
        tally.unchanged
    );
    for (count, what) in [
        (tally.skipped, "left as they are"),
        (plan.renames.len() as u64, "to rename"),
        (plan.deletes.len() as u64, "to delete"),
        (tally.failed.len() as u64, "can't be copied"),
    ] {
        if count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    report::note(&line);
    tell::failures(tally);
    Ok(())
}

fn log(step: &Shown<'_>, verb: &str) {
    match step {
        Shown::Copy { path, size, why, .. } => {
            tracing::warn!(object = %path, "Skipped {verb} as --dry-run is set (size {}, {})",
                report::bytes(*size),
                why.words()
            );
        }
        Shown::Rename { path, to, .. } => {
            tracing::warn!(object = %to, "Skipped rename from {path} as --dry-run is set");
        }
        Shown::Delete { path, size } => {
            tracing::warn!(object = %path, "Skipped delete as --dry-run is set (size {})", report::bytes(*size));
        }
        Shown::Mkdir { path } => {
            tracing::warn!(object = %path, "Skipped make directory as --dry-run is set");
        }
        Shown::Rmdir { path } => {
            tracing::warn!(object = %path, "Skipped remove directory as --dry-run is set");
        }
        Shown::DeleteSource { path, size } => {
            tracing::warn!(object = %path, "Skipped delete from the source as --dry-run is set (size {})",
                report::bytes(*size)
            );
        }
        Shown::RmdirSource { path } => {
            tracing::warn!(object = %path, "Skipped remove directory from the source as --dry-run is set");
        }
    }
}
