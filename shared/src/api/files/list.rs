//! Listing folders, and waiting for changes in them.

use serde::{Deserialize, Serialize};

use super::{is_false, metadata::Metadata};
use crate::api::{
    Route,
    salvage::{OddEntry, salvage},
};

/// The most entries to ask a listing page for.
pub const MAX_LIST_LIMIT: u32 = 2000;

/// One page of a listing, from its start.
pub const LIST_FOLDER: Route<ListFolderArg, ListFolderResult> = Route::rpc("files/list_folder");

/// The next page, or what changed since.
pub const LIST_FOLDER_CONTINUE: Route<CursorArg, ListFolderResult> = Route::rpc("files/list_folder/continue");

/// What stands at a path (never the root).
pub const GET_METADATA: Route<PathArg, Metadata> = Route::rpc("files/get_metadata");

/// Where a listing would end now.
pub const LATEST_CURSOR: Route<ListFolderArg, Latest> = Route::rpc("files/list_folder/get_latest_cursor");

/// Waits until something changes; carries no Authorization.
pub const LONGPOLL: Route<LongpollArg, Longpoll> = Route::notify("files/list_folder/longpoll");

/// `files.ListFolderArg`
#[derive(Clone, Debug, Serialize)]
pub struct ListFolderArg {
    /// `""` is the root.
    pub path: String,
    /// With all that is below.
    #[serde(skip_serializing_if = "is_false")]
    pub recursive: bool,
    /// About how many entries a page should have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// An argument that is a cursor alone.
#[derive(Clone, Debug, Serialize)]
pub struct CursorArg {
    /// As the last page gave it.
    pub cursor: String,
}

/// An argument that is a path alone (or `id:…`, or for reading `rev:…`).
#[derive(Clone, Debug, Serialize)]
pub struct PathArg {
    /// The path.
    pub path: String,
}

/// `files.ListFolderResult`. A page may be empty and still have more behind it.
#[derive(Clone, Debug, Deserialize)]
pub struct ListFolderResult {
    /// In no promised order.
    pub entries: Vec<Metadata>,
    /// For the next page, or for what changes later.
    pub cursor: String,
    /// Whether there is a next page now.
    pub has_more: bool,
    /// What can't be used of the page, entry by entry.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl ListFolderResult {
    /// Reads a page, of which not every entry need be usable.
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

    /// Reads a page of which not every entry can be used. `None` if the page itself can't be.
    pub fn salvage(body: &[u8]) -> Option<Self> {
        let is_known = |entry: &Metadata| !matches!(entry, Metadata::Unknown);
        let (page, entries, odd) = salvage::<Self, Metadata>(body, "entries", is_known)?;
        Some(Self { entries, odd, ..page })
    }
}

/// `files.ListFolderGetLatestCursorResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Latest {
    /// For what changes from now on.
    pub cursor: String,
}

/// `files.ListFolderLongpollArg`
#[derive(Clone, Debug, Serialize)]
pub struct LongpollArg {
    /// Of a listing that came to its end.
    pub cursor: String,
    /// 30 to 480 seconds; up to 90 are added at random.
    pub timeout: u64,
}

/// `files.ListFolderLongpollResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Longpoll {
    /// Whether it is worth asking.
    pub changes: bool,
    /// Seconds to wait before the next poll.
    #[serde(default)]
    pub backoff: Option<u64>,
}
