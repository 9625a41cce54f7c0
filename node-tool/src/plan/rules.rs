//! What happens to a file that is on both sides.

use super::{By, Comparison, Task, compare};
use crate::tree::FileInfo;

/// Why a file is not replaced.
pub const IMMUTABLE: &str = "another content is there, and --immutable is set";
/// Why a source is not removed.
pub const UNPROVEN: &str = "the one in the target has another content, so the source was not removed";

/// Which files of the source are to be copied, and which are good as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What tells files apart.
    pub by: By,
    /// Leave what is newer in the target.
    pub update: bool,
    /// Leave what is in the target at all.
    pub ignore_existing: bool,
    /// Leave what isn't in the target.
    pub existing: bool,
    /// What is in the target must never change.
    pub immutable: bool,
    /// A file counts as the same only if its content is proven to be: its source is removed afterwards.
    pub proves: bool,
}

/// What is to be done with a file that is on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Copy(Task),
    Same,
    Leave,
    Refuse(&'static str),
}

impl Rules {
    pub(super) fn decide(&self, source: &FileInfo, target: &FileInfo) -> Decision {
        if self.ignore_existing {
            return Decision::Leave;
        }
        let is_same_time = source.modified.is_same(target.modified);
        if self.update && !is_same_time && target.modified > source.modified {
            return Decision::Leave;
        }
        match compare(source, target, self.by) {
            Comparison::Same if self.proves => self.prove(source, target),
            Comparison::Same => Decision::Same,
            Comparison::Different(_) if self.immutable => Decision::Refuse(IMMUTABLE),
            Comparison::Different(why) => Decision::Copy(Task::Copy(why)),
            Comparison::HashDecides => Decision::Copy(Task::Settle {
                refusal: self.immutable.then_some(IMMUTABLE),
            }),
        }
    }

    /// What looks the same by size and time may differ all the same.
    fn prove(&self, source: &FileInfo, target: &FileInfo) -> Decision {
        let refusal = match self.by {
            _ if self.immutable => Some(IMMUTABLE),
            // Asked to look at sizes alone, nothing of that size is replaced.
            By::SizeOnly => Some(UNPROVEN),
            _ => None,
        };
        let is_same = source
            .known_hash()
            .zip(target.known_hash())
            .map(|(source, target)| source == target);
        match (is_same, refusal) {
            (Some(true), _) => Decision::Same,
            (Some(false), Some(refusal)) => Decision::Refuse(refusal),
            (Some(false), None) => Decision::Copy(Task::Copy(super::Why::ContentDiffers)),
            // An export has no hash on the server; it is made again to be sure.
            (None, None) if source.document().is_some() => {
                Decision::Copy(Task::Copy(super::Why::NotCompared))
            }
            (None, refusal) => Decision::Copy(Task::Settle { refusal }),
        }
    }
}
