//! Is it the same file?
//!
//! | size | time (1 s) | hash | |
//! |---|---|---|---|
//! | same | same | not looked at | same |
//! | same | differs | unknown yet | the hash decides |
//! | differs | | | different |

use crate::tree::FileInfo;

/// What a comparison by size and time gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Same,
    /// Not the same.
    Different(Why),
    /// Only the time differs.
    TimeDiffers,
}

/// Why a file is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It isn't there yet.
    New,
    /// Another size is there.
    SizeDiffers,
    /// Another content is there.
    ContentDiffers,
}

impl Why {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::SizeDiffers => "size differs",
            Self::ContentDiffers => "content differs",
        }
    }
}

/// Compares by size and time.
pub fn compare(source: &FileInfo, target: &FileInfo) -> Comparison {
    if source.size_bytes != target.size_bytes {
        Comparison::Different(Why::SizeDiffers)
    } else if source.modified.is_same(target.modified) {
        Comparison::Same
    } else {
        Comparison::TimeDiffers
    }
}
