//! Earlier states of files.

use serde::{Deserialize, Serialize};

use super::metadata::FileMetadata;
use crate::api::{
    Route,
    salvage::{OddEntry, salvage},
};

/// Earlier states of a file.
pub const LIST_REVISIONS: Route<RevisionsArg, Revisions> = Route::rpc("files/list_revisions");

/// Makes an earlier state of a file the present one.
pub const RESTORE: Route<RestoreArg, FileMetadata> = Route::rpc("files/restore");

/// `files.ListRevisionsArg`
#[derive(Clone, Debug, Serialize)]
pub struct RevisionsArg {
    /// Of which file.
    pub path: String,
    /// 1 to 100.
    pub limit: u64,
}

/// `files.ListRevisionsResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Revisions {
    /// Whether the file is gone now.
    pub is_deleted: bool,
    /// The newest first.
    pub entries: Vec<FileMetadata>,
    /// What can't be used of them.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl Revisions {
    /// Reads an answer, of which not every entry need be usable.
    ///
    /// # Errors
    /// When the answer itself can't be read.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body).or_else(|error| Self::salvage(body).ok_or(error))
    }

    /// Reads an answer of which not every entry can be used. `None` if the answer itself can't be.
    pub fn salvage(body: &[u8]) -> Option<Self> {
        let (answer, entries, odd) = salvage::<Self, FileMetadata>(body, "entries", |_| true)?;
        Some(Self {
            entries,
            odd,
            ..answer
        })
    }
}

/// `files.RestoreArg`
#[derive(Clone, Debug, Serialize)]
pub struct RestoreArg {
    /// Where to.
    pub path: String,
    /// Which state.
    pub rev: String,
}
