//! A plan as a file: JSON lines that a person can read, and that other processes carry out.
//!
//! The first line is the [`Header`], the last one counts the lines before it and has their checksum, so that a plan that was cut,
//! changed or put into another order is refused. Steps are in the order in which they are carried out. `docs/formats.md` has all
//! fields. Reading and writing are pure: where the lines are kept is up to the caller.

mod lines;
mod step;
mod time;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
};

use serde::{Deserialize, Serialize};

use super::{Plan, Verb};
use lines::{Line, Seal};

pub use step::StepRecord;

/// The version of the format.
pub const VERSION: u32 = 1;

/// A plan, and what other processes need to carry it out without listing anything.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// What was planned, with what.
    pub header: Header,
    /// The steps. Its warnings are not kept: they were shown when it was made.
    pub plan: Plan,
    /// What is carried out together.
    pub together: Together,
}

/// What was planned, with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub version: u32,
    /// The program that made it, with its version.
    pub program: String,
    /// When it was made, in seconds since 1970.
    pub made_at: i64,
    /// The verb.
    pub verb: Verb,
    /// The source, absolute, as a person would type it.
    pub source: String,
    /// The target, absolute, as a person would type it.
    pub target: String,
    /// The accounts of the remotes of both, by the remotes' names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<String, Account>,
    /// The source's mark behind which everything is that changed since it was listed. `None` where a store has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_cursor: Option<String>,
    /// How the steps are carried out.
    pub options: Options,
}

/// The account that a remote was connected to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The service's lasting name of the account.
    pub id: String,
    /// Where its paths start. `None` is the person's own folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

/// How the steps of a plan are carried out: what of the command line still counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Whether files that say where a symlink leads become symlinks, and the other way round.
    #[serde(skip_serializing_if = "is_false")]
    pub links: bool,
    /// Whether symlinks of the source are followed.
    #[serde(skip_serializing_if = "is_false")]
    pub follows_links: bool,
    /// Whether what changed in the target meanwhile is replaced.
    #[serde(skip_serializing_if = "is_false")]
    pub overwrites_newer: bool,
    /// Whether files of the target whose content is the same keep their times.
    #[serde(skip_serializing_if = "is_false")]
    pub keeps_times: bool,
    /// Where what is replaced or deleted is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupRecord>,
}

/// Where and how files are kept that are replaced or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRecord {
    /// The folder, absolute, as a person would type it. `None` means beside the new files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// What is appended to their names.
    #[serde(default)]
    pub suffix: String,
    /// Whether the suffix comes before the extension.
    #[serde(default)]
    pub keeps_extension: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Which files are carried out together, whoever does it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Together {
    /// Folders of the source whose files travel as one, none of them within another.
    pub groups: Vec<Group>,
    /// Folders of the target with a write lock of their own.
    pub namespaces: Vec<Namespace>,
}

/// A folder of the source whose files travel as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its path; empty for the source itself.
    pub path: String,
    /// Number of files in it, also of those that aren't copied.
    pub files: u64,
    /// Number of files and folders in it.
    pub entries: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

/// A folder of the target with a write lock of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its path.
    pub path: String,
    /// The store's name for it.
    pub id: String,
}

/// Why a plan file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is no plan of node-tool")]
    NoPlan,
    /// Another version of the format.
    #[error("it has version {0} of the format, and this program knows version {VERSION}")]
    OtherVersion(u32),
    /// Its end is missing.
    #[error("its end is missing, after line {0}")]
    Cut(usize),
    /// It was changed after it was written.
    #[error("it was changed or damaged after it was written (line {line}: {reason})")]
    Damaged {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl PlanFile {
    /// Writes it. The same plan gives the same bytes.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut seal = Seal::new(out);
        seal.line(&Line::Plan(&self.header))?;
        for namespace in &self.together.namespaces {
            seal.line(&Line::Namespace(namespace))?;
        }
        for group in &self.together.groups {
            seal.line(&Line::Group(group))?;
        }
        for obstacle in &self.plan.obstacles {
            seal.line(&Line::Obstacle(obstacle))?;
        }
        let late = self.plan.late_mkdirs.len() + self.plan.late_copies.len();
        let after = self.plan.source_deletes.len() + self.plan.source_rmdirs.len();
        let count = self.plan.steps().count();
        for (at, step) in self.plan.steps().enumerate() {
            let is_late = (count - after - late..count - after).contains(&at);
            seal.line(&Line::Step(&StepRecord::of(step, is_late)))?;
        }
        seal.line(&Line::Totals(&Totals::of(&self.plan)))?;
        seal.end()
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// When it isn't a whole, unchanged plan of this version.
    pub fn read(input: impl BufRead) -> Result<Self, PlanFileError> {
        lines::read(input)
    }
}

/// What a plan adds up to, for people who read the file, and what only counts are known of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Number of files to copy, or to compare by content first.
    pub copies: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Number of files of the target to rename.
    pub renames: u64,
    /// Number of files of the target to delete.
    pub deletes: u64,
    /// Number of files that can't be copied.
    pub obstacles: u64,
    /// Number of files that are the same on both sides.
    pub unchanged: u64,
    /// Number of files that a rule leaves unchanged.
    pub skipped: u64,
}

impl Totals {
    /// Returns those of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self {
            copies: plan.all_copies().count() as u64,
            bytes: super::total_bytes(plan.all_copies()),
            renames: plan.renames.len() as u64,
            deletes: plan.deletes.len() as u64,
            obstacles: plan.obstacles.len() as u64,
            unchanged: plan.unchanged,
            skipped: plan.skipped,
        }
    }
}
