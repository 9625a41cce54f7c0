//! Searching.

use serde::{Deserialize, Serialize};

use super::{list::CursorArg, metadata::Metadata};
use crate::api::{
    Route,
    salvage::{OddEntry, salvage},
};

/// Files and folders by name and content.
pub const SEARCH: Route<SearchArg, SearchResult> = Route::rpc("files/search_v2");

/// The next page of them.
pub const SEARCH_CONTINUE: Route<CursorArg, SearchResult> = Route::rpc("files/search/continue_v2");

/// `files.SearchV2Arg`
#[derive(Clone, Debug, Serialize)]
pub struct SearchArg {
    /// Up to 1000 characters.
    pub query: String,
    /// Where.
    pub options: SearchOptions,
}

/// `files.SearchOptions`
#[derive(Clone, Debug, Serialize)]
pub struct SearchOptions {
    /// Below this; `""` is everywhere.
    pub path: String,
    /// A page's length, 1 to 1000.
    pub max_results: u64,
    /// Not in the content.
    pub filename_only: bool,
}

/// `files.SearchV2Result`
#[derive(Clone, Debug, Deserialize)]
pub struct SearchResult {
    /// The best first.
    pub matches: Vec<SearchMatch>,
    /// Whether there are more.
    pub has_more: bool,
    /// For them.
    #[serde(default)]
    pub cursor: Option<String>,
    /// What can't be used of them.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl SearchResult {
    /// Reads a page, of which not every match need be usable.
    ///
    /// # Errors
    /// When the page itself can't be read.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body).or_else(|error| Self::salvage(body).ok_or(error))
    }

    /// Reads a page of which not every match can be used. `None` if the page itself can't be.
    pub fn salvage(body: &[u8]) -> Option<Self> {
        let (page, matches, odd) = salvage::<Self, SearchMatch>(body, "matches", |_| true)?;
        Some(Self { matches, odd, ..page })
    }
}

/// `files.SearchMatchV2`
#[derive(Clone, Debug, Deserialize)]
pub struct SearchMatch {
    /// What was found.
    pub metadata: MetadataV2,
}

/// `files.MetadataV2`
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum MetadataV2 {
    /// The usual.
    Metadata {
        /// What it is.
        metadata: Box<Metadata>,
    },
    /// A newer kind.
    #[serde(other)]
    Other,
}
