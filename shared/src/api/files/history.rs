//! Revisions of files.

use serde::{Deserialize, Serialize};

use super::metadata::FileMetadata;
use crate::api::{
    Route,
    salvage::{OddEntry, salvage},
};

/// Lists the revisions of a file.
pub const LIST_REVISIONS: Route<RevisionsArg, Revisions> = Route::rpc("files/list_revisions");

/// Restores a revision of a file.
pub const RESTORE: Route<RestoreArg, FileMetadata> = Route::rpc("files/restore");

/// `files.ListRevisionsArg`
#[derive(Clone, Debug, Serialize)]
pub struct RevisionsArg {
    /// The path of the file.
    pub path: String,
    /// Maximum number of revisions, 1 to 100.
    pub limit: u64,
}

/// `files.ListRevisionsResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Revisions {
    /// Whether the file is deleted now.
    pub is_deleted: bool,
    /// The revisions, the newest first.
    pub entries: Vec<FileMetadata>,
    /// The entries that can't be used.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl Revisions {
    /// Reads a response, even if some entries can't be used.
    ///
    /// # Errors
    /// When the response itself can't be read.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body).or_else(|error| Self::salvage(body).ok_or(error))
    }

    /// Reads a response with entries that can't be used. `None` means that the response itself can't be read.
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
    /// The path to restore to.
    pub path: String,
    /// The revision.
    pub rev: String,
}
