//! Whether two files are the same.
//!
//! | size | time (1 s) | hash | |
//! |---|---|---|---|
//! | same | same | not compared | same |
//! | same | differs | known on both sides, or still to be computed | the hash decides |
//! | differs | | | different |
//!
//! That is the default; [`CompareBy`] has the others, and [`Tolerance`] says what counts as the same size and time.

use std::time::Duration;

use crate::entry::FileMeta;

/// How two files are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareBy {
    /// Size and time; the hash where only the time differs.
    #[default]
    SizeAndTime,
    /// Size and hash.
    Checksum,
    /// Size only.
    SizeOnly,
    /// Nothing: every file counts as different.
    Nothing,
}

/// What counts as the same size and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Two times that are less than this apart are the same.
    pub window: Duration,
    /// Whether files of different sizes may be the same.
    pub ignores_size: bool,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(1),
            ignores_size: false,
        }
    }
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Same,
    /// Not the same.
    Different(CopyReason),
    /// The checksum of one or both has to be computed.
    ChecksumDecides,
}

/// Why a file is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyReason {
    /// It isn't there yet.
    New,
    /// The size differs.
    SizeDiffers,
    /// The content differs.
    ContentDiffers,
    /// It was not compared.
    NotCompared,
}

impl CopyReason {
    /// Returns the reason in words.
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
pub fn compare(source: &FileMeta, target: &FileMeta, by: CompareBy, tolerance: Tolerance) -> Comparison {
    if by == CompareBy::Nothing {
        return Comparison::Different(CopyReason::NotCompared);
    }
    let is_same_time = source.modified.is_within(tolerance.window, target.modified);
    // What a document will be is known only when it is exported.
    if source.document().is_some() {
        return match is_same_time || by == CompareBy::SizeOnly {
            true => Comparison::Same,
            false => Comparison::Different(CopyReason::NotCompared),
        };
    }
    if source.size_bytes != target.size_bytes && !tolerance.ignores_size {
        return Comparison::Different(CopyReason::SizeDiffers);
    }
    match (by, source.checksum(), target.checksum()) {
        (CompareBy::SizeOnly, ..) => Comparison::Same,
        (CompareBy::SizeAndTime, ..) if is_same_time => Comparison::Same,
        (_, Some(source), Some(target)) if source == target => Comparison::Same,
        (_, Some(_), Some(_)) => Comparison::Different(CopyReason::ContentDiffers),
        _ => Comparison::ChecksumDecides,
    }
}
