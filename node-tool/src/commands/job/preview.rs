//! What a dry run shows.

use std::time::Duration;

use engine::{
    plan::{CopyReason, Plan, Step, StepKind, total_bytes},
    run::Tally,
};
use shared::failure::Failure;
use stores::Place;

use super::{outcomes, tell};
use crate::report::{
    self,
    format::Stats,
    json::{self, Action, Object},
};

/// Returns the counts that a run of the plan would have, which rclone shows for a dry run, too.
pub(super) fn stats(plan: &Plan, tally: &Tally, took: Duration) -> Stats {
    let (bytes, transfers) = (total_bytes(plan.all_copies()), plan.all_copies().count() as u64);
    Stats {
        bytes,
        total_bytes: bytes,
        errors: tally.failed.len() as u64,
        checks: tally.unchanged + tally.skipped,
        deletes: plan.deletes.len() as u64,
        renames: plan.renames.len() as u64,
        transfers,
        total_transfers: transfers,
        elapsed: took,
        ..Stats::default()
    }
}

/// A step as it is shown.
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
    DeleteSource {
        path: &'a str,
        size: u64,
    },
    /// Of a move: a folder of the source goes.
    RmdirSource {
        path: &'a str,
    },
}

/// Why a file would be copied.
#[derive(Clone, Copy)]
enum Reason {
    Known(CopyReason),
    /// Its content would decide whether it is.
    Open,
}

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Self::Known(reason) => reason.words(),
            Self::Open => "time differs, content would decide",
        }
    }

    /// Returns its name in objects.
    fn name(self) -> Option<String> {
        match self {
            Self::Known(reason) => match serde_json::to_value(reason) {
                Ok(serde_json::Value::String(name)) => Some(name),
                _ => None,
            },
            Self::Open => Some("hash-decides".into()),
        }
    }
}

impl From<Shown<'_>> for Object {
    fn from(step: Shown<'_>) -> Self {
        let of = |action, path: &str, size| json::Step {
            size,
            ..json::Step::new(action, path)
        };
        Self::Step(match step {
            Shown::Copy { path, to, size, why } => json::Step {
                to: Some(to.into()),
                why: why.name(),
                ..of(Action::Copy, path, Some(size))
            },
            Shown::Rename { path, to, size } => json::Step {
                to: Some(to.into()),
                ..of(Action::Rename, path, Some(size))
            },
            Shown::Delete { path, size } => of(Action::Delete, path, Some(size)),
            Shown::Mkdir { path } => of(Action::Mkdir, path, None),
            Shown::Rmdir { path } => of(Action::Rmdir, path, None),
            Shown::DeleteSource { path, size } => of(Action::DeleteSource, path, Some(size)),
            Shown::RmdirSource { path } => of(Action::RmdirSource, path, None),
        })
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
            why: Reason::Open,
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
    tally: &Tally,
) -> Result<(), Failure> {
    let steps = || plan.steps().filter_map(shown);
    if json::is_on() {
        outcomes::count(&Tally {
            copied: plan.all_copies().count() as u64,
            copied_bytes: total_bytes(plan.all_copies()),
            renamed: plan.renames.len() as u64,
            deleted: plan.deletes.len() as u64,
            ..tally.clone()
        });
        return json::print_all(steps().map(Object::from));
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
