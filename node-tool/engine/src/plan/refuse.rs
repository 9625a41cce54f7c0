//! Refuses plans that are probably mistakes.

use super::{Plan, PlanOptions, Verb, total_bytes};
use crate::listing::{Listing, RootKind};

/// Why a plan is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The source doesn't exist.
    #[error("nothing is at the source")]
    NoSource,
    /// The target is a file, not a folder to copy into.
    #[error("the target is a file")]
    TargetIsFile,
    /// The source holds no files, and a sync would delete all of the target.
    #[error("the source is empty; a sync would delete all {deletes} files of the target")]
    EmptySource {
        /// Number of files that would be deleted.
        deletes: u64,
    },
    /// More files would be deleted than allowed.
    #[error("{deletes} files would be deleted, more than {max}")]
    TooManyDeletes {
        /// Number of files that would be deleted.
        deletes: u64,
        /// Maximum number of files that may be deleted.
        max: u64,
    },
    /// More bytes would be deleted than allowed.
    #[error("files of {bytes} bytes would be deleted, more than {max}")]
    TooManyBytes {
        /// Number of bytes that would be deleted.
        bytes: u64,
        /// Maximum number of bytes that may be deleted.
        max: u64,
    },
}

/// Refuses roots that nothing can be copied from or into.
pub(super) fn check_roots(source: &Listing, target: &Listing) -> Result<(), Refusal> {
    match (source.root, target.root) {
        (RootKind::Missing, _) => Err(Refusal::NoSource),
        (RootKind::Folder, RootKind::File) => Err(Refusal::TargetIsFile),
        _ => Ok(()),
    }
}

/// Refuses deletions that are probably mistakes.
pub(super) fn check_deletes(plan: &Plan, source: &Listing, options: &PlanOptions<'_>) -> Result<(), Refusal> {
    if options.verb != Verb::Sync {
        return Ok(());
    }
    let deletes = plan.deletes.len() as u64;
    let source_has_files = source.entries.iter().any(|entry| entry.file().is_some());
    if !source_has_files && deletes > 0 {
        return Err(Refusal::EmptySource { deletes });
    }
    match options.max_delete {
        Some(max) if deletes > max => return Err(Refusal::TooManyDeletes { deletes, max }),
        _ => {}
    }
    let bytes = total_bytes(&plan.deletes);
    match options.max_delete_bytes {
        Some(max) if bytes > max => Err(Refusal::TooManyBytes { bytes, max }),
        _ => Ok(()),
    }
}
