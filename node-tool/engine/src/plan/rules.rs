//! What happens to a file that is on both sides.

use super::{CompareBy, Comparison, CopyReason, StepKind, Tolerance, compare};
use crate::entry::FileMeta;

/// Why a file with different content is left unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It must not be replaced.
    Immutable,
    /// It was not to be compared by content, so it is not replaced; and the source's file is not removed.
    Unproven,
}

impl Reason {
    /// Returns the reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Immutable => "another content is there, and --immutable is set",
            Self::Unproven => "the one in the target has another content, so the source was not removed",
        }
    }
}

/// Which files of the source are to be copied, and which are good as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// How files are compared.
    pub by: CompareBy,
    /// What counts as the same size and time.
    pub tolerance: Tolerance,
    /// Whether files that are newer in the target are skipped.
    pub update: bool,
    /// Whether all files that are in the target are skipped.
    pub ignore_existing: bool,
    /// Whether files that aren't in the target are skipped.
    pub existing: bool,
    /// Whether files in the target must never change.
    pub immutable: bool,
    /// Whether a file counts as the same only if its content is proven to be, since its source is removed afterwards.
    pub proves: bool,
}

/// What to do with a file that is on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Copy(StepKind),
    Same,
    Leave,
    Refuse(Reason),
}

impl Rules {
    pub(super) fn decide(&self, source: &FileMeta, target: &FileMeta) -> Decision {
        if self.ignore_existing {
            return Decision::Leave;
        }
        let is_same_time = source.modified.is_within(self.tolerance.window, target.modified);
        if self.update && !is_same_time && target.modified > source.modified {
            return Decision::Leave;
        }
        match compare(source, target, self.by, self.tolerance) {
            Comparison::Same if self.proves => self.prove(source, target),
            Comparison::Same => Decision::Same,
            Comparison::Different(_) if self.immutable => Decision::Refuse(Reason::Immutable),
            Comparison::Different(why) => Decision::Copy(StepKind::Copy(why)),
            Comparison::ChecksumDecides => Decision::Copy(StepKind::CompareChecksum {
                refusal: self.immutable.then_some(Reason::Immutable),
            }),
        }
    }

    /// What looks the same by size and time may differ all the same.
    fn prove(&self, source: &FileMeta, target: &FileMeta) -> Decision {
        let refusal = match self.by {
            _ if self.immutable => Some(Reason::Immutable),
            // With only sizes compared, no file of the same size is replaced.
            CompareBy::SizeOnly => Some(Reason::Unproven),
            _ => None,
        };
        let is_same = source
            .checksum()
            .zip(target.checksum())
            .map(|(source, target)| source == target);
        match (is_same, refusal) {
            (Some(true), _) => Decision::Same,
            (Some(false), Some(refusal)) => Decision::Refuse(refusal),
            (Some(false), None) => Decision::Copy(StepKind::Copy(CopyReason::ContentDiffers)),
            // An export has no hash on the server; it is made again to be sure.
            (None, None) if source.document().is_some() => {
                Decision::Copy(StepKind::Copy(CopyReason::NotCompared))
            }
            (None, refusal) => Decision::Copy(StepKind::CompareChecksum { refusal }),
        }
    }
}
