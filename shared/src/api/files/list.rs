//! Listings of folders, and waiting for changes in them.

use serde::{Deserialize, Serialize};

use super::{is_false, metadata::Metadata};
use crate::api::{
    Route,
    salvage::{OddEntry, salvage},
};

/// Maximum number of entries to ask for on a page.
pub const MAX_LIST_LIMIT: u32 = 2000;

/// Returns the first page of a listing.
pub const LIST_FOLDER: Route<ListFolderArg, ListFolderResult> = Route::rpc("files/list_folder");

/// Returns the next page of a listing, or what changed since its end.
pub const LIST_FOLDER_CONTINUE: Route<CursorArg, ListFolderResult> = Route::rpc("files/list_folder/continue");

/// Returns what is at a path (never the root).
pub const GET_METADATA: Route<PathArg, Metadata> = Route::rpc("files/get_metadata");

/// Returns the cursor of a listing that ends now.
pub const LATEST_CURSOR: Route<ListFolderArg, Latest> = Route::rpc("files/list_folder/get_latest_cursor");

/// Waits until something changes. The call must not carry an Authorization header.
pub const LONGPOLL: Route<LongpollArg, Longpoll> = Route::notify("files/list_folder/longpoll");

/// `files.ListFolderArg`
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListFolderArg {
    /// The path; `""` is the root.
    pub path: String,
    /// Whether to list everything below the folder.
    #[serde(skip_serializing_if = "is_false")]
    pub recursive: bool,
    /// Whether to list also what is deleted.
    #[serde(skip_serializing_if = "is_false")]
    pub include_deleted: bool,
    /// Approximate number of entries on a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// An argument that is only a cursor.
#[derive(Clone, Debug, Serialize)]
pub struct CursorArg {
    /// The cursor of the last page.
    pub cursor: String,
}

/// An argument that is only a path (or `id:…`, or for reading `rev:…`).
#[derive(Clone, Debug, Serialize)]
pub struct PathArg {
    /// The path.
    pub path: String,
}

/// `files.ListFolderResult`. A page may be empty although more pages follow.
#[derive(Clone, Debug, Deserialize)]
pub struct ListFolderResult {
    /// The entries, in no particular order.
    pub entries: Vec<Metadata>,
    /// The cursor of the next page, or of later changes.
    pub cursor: String,
    /// Whether another page follows now.
    pub has_more: bool,
    /// The entries that can't be used.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl ListFolderResult {
    /// Reads a page, even if some entries can't be used.
    ///
    /// # Errors
    /// When the page itself can't be read.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        let is_odd = |entry: &Metadata| matches!(entry, Metadata::Unknown);
        match serde_json::from_slice::<Self>(body) {
            Ok(page) if !page.entries.iter().any(is_odd) => Ok(page),
            page => Self::salvage(body).map_or(page, Ok),
        }
    }

    /// Reads a page with entries that can't be used. `None` means that the page itself can't be read.
    pub fn salvage(body: &[u8]) -> Option<Self> {
        let is_known = |entry: &Metadata| !matches!(entry, Metadata::Unknown);
        let (page, entries, odd) = salvage::<Self, Metadata>(body, "entries", is_known)?;
        Some(Self { entries, odd, ..page })
    }
}

/// `files.ListFolderGetLatestCursorResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Latest {
    /// The cursor of later changes.
    pub cursor: String,
}

/// `files.ListFolderLongpollArg`
#[derive(Clone, Debug, Serialize)]
pub struct LongpollArg {
    /// The cursor of a complete listing.
    pub cursor: String,
    /// How long to wait, 30 to 480 seconds; the server adds up to 90 at random.
    pub timeout: u64,
}

/// `files.ListFolderLongpollResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Longpoll {
    /// Whether something changed.
    pub changes: bool,
    /// Number of seconds to wait before the next poll.
    #[serde(default)]
    pub backoff: Option<u64>,
}
