//! Revisions of files.

use serde::{Deserialize, Serialize};

use super::metadata::{FileMetadata, Time, lenient_time};
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
    /// Lists only revisions older than this one of the same path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_rev: Option<String>,
}

/// `files.ListRevisionsResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Revisions {
    /// Whether the file was deleted or moved after the newest of these revisions: now or, of a page, before the next revision.
    pub is_deleted: bool,
    /// When it was deleted, if it was.
    #[serde(default, deserialize_with = "lenient_time")]
    pub server_deleted: Option<Time>,
    /// Whether there are older ones.
    #[serde(default)]
    pub has_more: bool,
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
