//! Searches.

use serde::{Deserialize, Serialize};

use super::{list::CursorArg, metadata::Metadata};
use crate::api::{
    Route,
    salvage::{OddEntry, salvage},
};

/// Searches files and folders by name and content.
pub const SEARCH: Route<SearchArg, SearchResult> = Route::rpc("files/search_v2");

/// Returns the next page of a search.
pub const SEARCH_CONTINUE: Route<CursorArg, SearchResult> = Route::rpc("files/search/continue_v2");

/// `files.SearchV2Arg`
#[derive(Clone, Debug, Serialize)]
pub struct SearchArg {
    /// The words to search for, up to 1000 characters.
    pub query: String,
    /// Where to search.
    pub options: SearchOptions,
}

/// `files.SearchOptions`
#[derive(Clone, Debug, Serialize)]
pub struct SearchOptions {
    /// Searches below this path only; `""` is the root.
    pub path: String,
    /// Maximum number of matches on a page, 1 to 1000.
    pub max_results: u64,
    /// Searches names only, not content.
    pub filename_only: bool,
}

/// `files.SearchV2Result`
#[derive(Clone, Debug, Deserialize)]
pub struct SearchResult {
    /// The matches, the best first.
    pub matches: Vec<SearchMatch>,
    /// Whether there is another page.
    pub has_more: bool,
    /// The cursor of the next page.
    #[serde(default)]
    pub cursor: Option<String>,
    /// The matches that can't be used.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl SearchResult {
    /// Reads a page, even if some matches can't be used.
    ///
    /// # Errors
    /// When the page itself can't be read.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body).or_else(|error| Self::salvage(body).ok_or(error))
    }

    /// Reads a page with matches that can't be used. `None` means that the page itself can't be read.
    pub fn salvage(body: &[u8]) -> Option<Self> {
        let (page, matches, odd) = salvage::<Self, SearchMatch>(body, "matches", |_| true)?;
        Some(Self { matches, odd, ..page })
    }
}

/// `files.SearchMatchV2`
#[derive(Clone, Debug, Deserialize)]
pub struct SearchMatch {
    /// The metadata of the match.
    pub metadata: MetadataV2,
}

/// `files.MetadataV2`
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum MetadataV2 {
    /// Metadata that is known.
    Metadata {
        /// The metadata.
        metadata: Box<Metadata>,
    },
    /// A kind that is newer than this program.
    #[serde(other)]
    Other,
}
