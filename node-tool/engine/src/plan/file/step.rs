//! A step as a line of a plan file.

use serde::{Deserialize, Serialize};
use shared::content_hash::ContentHash;

use super::{is_false, time::Time};
use crate::{
    entry::{Document, FileMeta, Version},
    plan::{CopyReason, Reason, Step, StepId, StepKind},
};

/// What a step does, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    Mkdir,
    Rename,
    Copy,
    Delete,
    Rmdir,
    DeleteSource,
    RmdirSource,
}

/// Why a file is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Why {
    New,
    SizeDiffers,
    ContentDiffers,
    NotCompared,
    /// Only if its content differs.
    HashDecides,
}

/// A step as a line of a plan file, without the field `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    id: u32,
    pub(super) action: Action,
    /// The path before the step.
    path: String,
    /// The path after the step, of a copy and a rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    /// The rule by which a file whose content differs is not replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<Reason>,
    /// The step after which a file of the source is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<u32>,
    /// Whether it comes after the deletions.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) late: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<Time>,
    #[serde(default, rename = "rev", skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, rename = "content_hash", skip_serializing_if = "Option::is_none")]
    checksum: Option<ContentHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<Box<Document>>,
    /// The file of the target that is replaced or renamed, as it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<Box<Seen>>,
}

/// A file as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<Time>,
    #[serde(default, rename = "rev", skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, rename = "content_hash", skip_serializing_if = "Option::is_none")]
    checksum: Option<ContentHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<Box<Document>>,
}

impl Seen {
    fn of(meta: &FileMeta) -> Self {
        let version = meta.version.as_deref();
        Self {
            size: meta.size_bytes,
            modified: (meta.modified != Default::default()).then(|| meta.modified.into()),
            version: version.map(|version| version.id.clone()),
            checksum: version.and_then(|version| version.checksum),
            document: version.and_then(|version| version.document.clone()),
        }
    }

    fn meta(self) -> Option<FileMeta> {
        let modified = match self.modified {
            Some(time) => time.modified()?,
            None => Default::default(),
        };
        Some(FileMeta {
            size_bytes: self.size,
            modified,
            version: self.version.map(|id| {
                Box::new(Version {
                    id,
                    checksum: self.checksum,
                    document: self.document,
                })
            }),
        })
    }
}

/// The words of a kind of step.
#[derive(Default)]
struct Words {
    why: Option<Why>,
    refusal: Option<Reason>,
    after: Option<u32>,
}

impl StepRecord {
    /// Returns the record of a step; `is_late` if it comes after the deletions.
    pub fn of(step: &Step, is_late: bool) -> Self {
        let (action, words) = words(step.kind);
        let seen = Seen::of(&step.meta);
        let has_two_paths = matches!(action, Action::Copy | Action::Rename);
        let is_folder = matches!(action, Action::Mkdir | Action::Rmdir | Action::RmdirSource);
        Self {
            id: step.id.0,
            action,
            path: step.from.to_string(),
            to: (has_two_paths || step.from != step.to).then(|| step.to.to_string()),
            size: (!is_folder || seen.size > 0).then_some(seen.size),
            why: words.why,
            refusal: words.refusal,
            after: words.after,
            late: is_late,
            modified: seen.modified,
            version: seen.version,
            checksum: seen.checksum,
            document: seen.document,
            replaces: step.replaces.as_ref().map(|meta| Box::new(Seen::of(meta))),
        }
    }

    /// Returns the step. `None` if its fields don't go together.
    pub fn step(self) -> Option<Step> {
        let kind = self.kind()?;
        let seen = Seen {
            size: self.size.unwrap_or(0),
            modified: self.modified,
            version: self.version,
            checksum: self.checksum,
            document: self.document,
        };
        let replaces = match self.replaces {
            Some(seen) => Some(seen.meta()?),
            None => None,
        };
        let to = self.to.as_deref().unwrap_or(&self.path);
        Some(Step {
            id: StepId(self.id),
            replaces,
            ..Step::new(kind, &self.path, to, seen.meta()?)
        })
    }

    fn kind(&self) -> Option<StepKind> {
        Some(match (self.action, self.why) {
            (Action::Copy, Some(Why::New)) => StepKind::Copy(CopyReason::New),
            (Action::Copy, Some(Why::SizeDiffers)) => StepKind::Copy(CopyReason::SizeDiffers),
            (Action::Copy, Some(Why::ContentDiffers)) => StepKind::Copy(CopyReason::ContentDiffers),
            (Action::Copy, Some(Why::NotCompared)) => StepKind::Copy(CopyReason::NotCompared),
            (Action::Copy, Some(Why::HashDecides)) => StepKind::CompareChecksum {
                refusal: self.refusal,
            },
            (Action::Mkdir, None) => StepKind::Mkdir,
            (Action::Rename, None) => StepKind::Rename,
            (Action::Delete, None) => StepKind::Delete,
            (Action::Rmdir, None) => StepKind::Rmdir,
            (Action::DeleteSource, None) => StepKind::DeleteSource {
                after: self.after.map(StepId),
            },
            (Action::RmdirSource, None) => StepKind::RmdirSource,
            _ => return None,
        })
    }
}

fn words(kind: StepKind) -> (Action, Words) {
    let none = Words::default();
    match kind {
        StepKind::Mkdir => (Action::Mkdir, none),
        StepKind::Rename => (Action::Rename, none),
        StepKind::Delete => (Action::Delete, none),
        StepKind::Rmdir => (Action::Rmdir, none),
        StepKind::RmdirSource => (Action::RmdirSource, none),
        StepKind::DeleteSource { after } => {
            let after = after.map(|id| id.0);
            (Action::DeleteSource, Words { after, ..none })
        }
        StepKind::Copy(reason) => {
            let why = Some(match reason {
                CopyReason::New => Why::New,
                CopyReason::SizeDiffers => Why::SizeDiffers,
                CopyReason::ContentDiffers => Why::ContentDiffers,
                CopyReason::NotCompared => Why::NotCompared,
            });
            (Action::Copy, Words { why, ..none })
        }
        StepKind::CompareChecksum { refusal } => {
            let why = Some(Why::HashDecides);
            let words = Words { why, refusal, ..none };
            (Action::Copy, words)
        }
    }
}
