//! Two listings become a plan: all steps as data, each with an id. Pure: no I/O, no flags, no terminal. A dry run shows the plan;
//! a run carries it out.

mod backup_names;
mod compare;
mod diff;
pub mod file;
mod limit;
mod order;
mod pair;
mod phases;
mod planner;
pub mod progress;
mod refuse;
mod removal;
mod rules;
pub mod shard;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use crate::entry::FileMeta;

pub use backup_names::BackupNames;
pub use compare::{CompareBy, Comparison, CopyReason, Tolerance, compare};
pub use limit::Cutoff;
pub use order::{Order, OrderBy};
pub use pair::{Met, Pairing, pair_all};
pub use planner::{BackupInTarget, PlanOptions, Source, Verb, plan};
pub use refuse::Refusal;
pub use rules::{Reason, Rules};

/// The number of a step in its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Makes a folder of the target.
    Mkdir,
    /// Renames a file of the target from `from` to `to`, which has the content of `meta` then.
    Rename,
    /// Copies a file.
    Copy(CopyReason),
    /// Copies a file if its checksum differs from that of the one in the target.
    CompareChecksum {
        /// The rule by which it is not replaced. `None` means that it is replaced.
        refusal: Option<Reason>,
    },
    /// Deletes a file of the target.
    Delete,
    /// Removes a folder of the target that is empty by then.
    Rmdir,
    /// Removes a file of the source once its content is in the target.
    DeleteSource {
        /// The step that brings it there. `None` means that it is there already.
        after: Option<StepId>,
    },
    /// Removes a folder of the source that is empty by then.
    RmdirSource,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// What it does.
    pub kind: StepKind,
    /// The path before the step; for a copy, in the source.
    pub from: Arc<str>,
    /// The path after the step, in the target.
    pub to: Arc<str>,
    /// The file's metadata from the listing; for a rename, that of the source's file.
    pub meta: FileMeta,
    /// The file of the target that it replaces, or renames.
    pub replaces: Option<FileMeta>,
}

impl Step {
    /// Returns a step that has no number yet.
    pub fn new(kind: StepKind, from: &str, to: &str, meta: FileMeta) -> Self {
        let from: Arc<str> = from.into();
        // Both paths are usually equal; then they share memory.
        let to = if *from == *to {
            Arc::clone(&from)
        } else {
            to.into()
        };
        Self {
            id: StepId::default(),
            kind,
            from,
            to,
            meta,
            replaces: None,
        }
    }

    /// Returns whether it copies, or may copy.
    pub fn is_copy(&self) -> bool {
        matches!(self.kind, StepKind::Copy(_) | StepKind::CompareChecksum { .. })
    }
}

/// Returns the number of bytes of the files of some steps, as they were listed.
pub fn total_bytes<'a>(steps: impl IntoIterator<Item = &'a Step>) -> u64 {
    steps.into_iter().map(|step| step.meta.size_bytes).sum()
}

/// A file that can't be copied, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Obstacle {
    /// The source's path.
    pub path: String,
    /// The reason, in words.
    pub reason: String,
    /// The target's path of what is in the way, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_the_way: Option<String>,
    /// Whether that is a symlink to a folder, which could be followed.
    #[serde(default)]
    pub is_folder_link: bool,
}

impl Obstacle {
    /// Returns an obstacle that is about the file itself.
    pub fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
            in_the_way: None,
            is_folder_link: false,
        }
    }
}

/// A file that is the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Same {
    /// Its path in the source.
    pub from: Arc<str>,
    /// Its path in the target.
    pub to: Arc<str>,
    /// Its metadata in the source.
    pub source: FileMeta,
    /// Its metadata in the target.
    pub target: FileMeta,
}

/// All steps of a job. The fields that hold steps are in the order in which they are carried out.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Folders of the target to make first.
    pub mkdirs: Vec<Step>,
    /// Files of the target to rename.
    pub renames: Vec<Step>,
    /// Files to copy.
    pub copies: Vec<Step>,
    /// Files of the target to delete, if all went well so far.
    pub deletes: Vec<Step>,
    /// Folders of the target to remove, the inner before the outer.
    pub rmdirs: Vec<Step>,
    /// Folders to make where something else was before.
    pub late_mkdirs: Vec<Step>,
    /// Files to copy to where something else was before.
    pub late_copies: Vec<Step>,
    /// Files of the source to remove, each after its own copy.
    pub source_deletes: Vec<Step>,
    /// Folders of the source to remove, the inner before the outer.
    pub source_rmdirs: Vec<Step>,
    /// What can't be done.
    pub obstacles: Vec<Obstacle>,
    /// Number of files that are the same on both sides.
    pub unchanged: u64,
    /// These files, if they are wanted: [`PlanOptions::lists_same`].
    pub same: Vec<Same>,
    /// Number of files that a rule leaves unchanged, whether they are the same or not.
    pub skipped: u64,
    /// A warning to show before the run.
    pub warnings: Vec<Warning>,
}

/// A warning about a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Something could not be listed, so nothing will be deleted.
    NotAllListed,
    /// Something can't be copied, so nothing will be deleted.
    NotAllCopied,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllListed => "something could not be listed, so nothing will be deleted",
            Self::NotAllCopied => "not everything can be copied, so nothing will be deleted",
        })
    }
}

impl Plan {
    /// Returns all steps in the order in which they are carried out.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.mkdirs
            .iter()
            .chain(&self.renames)
            .chain(&self.copies)
            .chain(&self.deletes)
            .chain(&self.rmdirs)
            .chain(&self.late_mkdirs)
            .chain(&self.late_copies)
            .chain(&self.source_deletes)
            .chain(&self.source_rmdirs)
    }

    /// Returns the steps that copy.
    pub fn all_copies(&self) -> impl Iterator<Item = &Step> {
        self.copies.iter().chain(&self.late_copies)
    }

    /// Returns whether it neither copies nor renames anything.
    pub fn is_idle(&self) -> bool {
        self.copies.is_empty() && self.late_copies.is_empty() && self.renames.is_empty()
    }

    /// Replaces the source's path of the steps: a single file can get a new name in the target.
    pub fn set_source_path(&mut self, path: &str) {
        let steps = self.copies.iter_mut().chain(&mut self.late_copies);
        for step in steps.chain(&mut self.source_deletes) {
            step.from = path.into();
        }
        for same in &mut self.same {
            same.from = path.into();
        }
    }

    /// Removes all deletions, and the steps that depend on them.
    pub(crate) fn drop_deletes(&mut self) {
        self.deletes.clear();
        self.rmdirs.clear();
        self.late_mkdirs.clear();
    }
}
