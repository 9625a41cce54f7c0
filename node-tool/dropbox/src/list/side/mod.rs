//! Lists the folders of a large tree side by side.
//!
//! One cursor gives its pages one after the other. A tree that hasn't come to its end after [`LARGE`] of them is looked at while the
//! cursor goes on: which folders it has, and how large a few of them are, with a share of the calls that can be spared.
//! If they are worth it, the cursor stops, and the folders are listed by a recursive cursor each; else they are forgotten.
//!
//! What changes meanwhile: a cursor is taken before any of that, and what changed behind it is applied last. All that has
//! not changed since was listed as it is; of what has, the last word comes with the changes. So the rows of the one cursor, which
//! began earlier, and those of the folders are never mixed.

mod crew;
mod estimate;
mod unit;

#[cfg(test)]
mod tests;

use super::Progressed;
use crate::{Client, DropboxPath, Error, api::files::ListFolderResult};

pub(super) use crew::side_by_side;

/// After this many pages a tree is large.
pub(super) const LARGE: usize = 16;
/// Maximum number of folders that are listed at once.
const MAX_WIDTH: usize = 16;
/// Minimum number of calls at once that is a gain.
const MIN_WIDTH: usize = 4;

/// How a tree's listing came out of it.
pub(super) enum Outcome {
    /// It is complete.
    Complete(Progressed),
    /// The one cursor has to go on, after what it has brought.
    GoOn(Progressed),
}

/// Where listings come from.
pub(super) trait Source {
    /// Returns the first page of a folder's listing.
    async fn folder(&self, path: &str, recursive: bool) -> Result<ListFolderResult, Error>;

    /// Returns the page of a cursor.
    async fn page(&self, cursor: String) -> Result<ListFolderResult, Error>;

    /// Returns a cursor behind which everything is that changes below the root from now on.
    async fn latest(&self) -> Result<String, Error>;

    /// Returns how many calls may be under way now.
    fn width(&self) -> usize;
}

/// A folder of a Dropbox.
pub(super) struct Folder<'a> {
    pub client: &'a Client,
    pub path: &'a DropboxPath,
}

impl Source for Folder<'_> {
    async fn folder(&self, path: &str, recursive: bool) -> Result<ListFolderResult, Error> {
        self.client.first_page(path, recursive).await
    }

    async fn page(&self, cursor: String) -> Result<ListFolderResult, Error> {
        self.client.changes(cursor).await
    }

    async fn latest(&self) -> Result<String, Error> {
        self.client.latest_cursor(self.path).await
    }

    fn width(&self) -> usize {
        self.client.login.limit.permits().min(MAX_WIDTH)
    }
}

/// Returns whether so many calls at once are enough for listing side by side.
pub(super) fn is_wide(calls: usize) -> bool {
    calls >= MIN_WIDTH
}
