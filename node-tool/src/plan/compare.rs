//! Is it the same file?
//!
//! | size | time (1 s) | hash | |
//! |---|---|---|---|
//! | same | same | not looked at | same |
//! | same | differs | known on both sides, or still to be computed | the hash decides |
//! | differs | | | different |
//!
//! That is the default; [`By`] has the others.

use crate::tree::FileInfo;

/// What tells files apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Size and time; the hash where only the time differs.
    #[default]
    SizeAndTime,
    /// Size and hash.
    Checksum,
    /// Size alone.
    SizeOnly,
    /// Nothing: all are different.
    Nothing,
}

/// What a comparison gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Same,
    /// Not the same.
    Different(Why),
    /// The hash has to be computed.
    HashDecides,
}

/// Why a file is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It isn't there yet.
    New,
    /// Another size is there.
    SizeDiffers,
    /// Another content is there.
    ContentDiffers,
    /// It was not compared.
    NotCompared,
}

impl Why {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::SizeDiffers => "size differs",
            Self::ContentDiffers => "content differs",
            Self::NotCompared => "not compared",
        }
    }
}

/// Compares two files.
pub fn compare(source: &FileInfo, target: &FileInfo, by: By) -> Comparison {
    if by == By::Nothing {
        return Comparison::Different(Why::NotCompared);
    }
    let is_same_time = source.modified.is_same(target.modified);
    // What a document will be is known only when it is exported.
    if source.document().is_some() {
        return match is_same_time || by == By::SizeOnly {
            true => Comparison::Same,
            false => Comparison::Different(Why::NotCompared),
        };
    }
    if source.size_bytes != target.size_bytes {
        return Comparison::Different(Why::SizeDiffers);
    }
    match (by, source.known_hash(), target.known_hash()) {
        (By::SizeOnly, ..) => Comparison::Same,
        (By::SizeAndTime, ..) if is_same_time => Comparison::Same,
        (_, Some(source), Some(target)) if source == target => Comparison::Same,
        (_, Some(_), Some(_)) => Comparison::Different(Why::ContentDiffers),
        _ => Comparison::HashDecides,
    }
}
