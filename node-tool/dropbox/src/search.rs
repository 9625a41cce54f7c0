//! Searching.

use crate::{
    Client, DropboxPath, Error,
    api::files::{
        CursorArg, Metadata, MetadataV2, SEARCH, SEARCH_CONTINUE, SearchArg, SearchOptions, SearchResult,
    },
    pages::{NAMELESS, Pages},
};

/// Matches of a page; Dropbox allows 1 to 1000.
const PAGE_MATCHES: u64 = 1000;

impl Client {
    /// Returns files and folders below `path` that match, the best first; `only_names` leaves their content out.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn search(
        &self,
        path: &DropboxPath,
        query: &str,
        only_names: bool,
    ) -> Result<Vec<Metadata>, Error> {
        let arg = SearchArg {
            query: query.to_owned(),
            options: SearchOptions {
                path: path.as_str().to_owned(),
                max_results: PAGE_MATCHES,
                filename_only: only_names,
            },
        };
        let first = self.rpc_list(&SEARCH, &arg, SearchResult::read).await?;
        let mut pages = Pages::new(first, async |cursor| {
            let arg = CursorArg { cursor };
            self.rpc_list(&SEARCH_CONTINUE, &arg, SearchResult::read).await
        });
        let mut found = Vec::new();
        while let Some(page) = pages.next().await? {
            for odd in &page.odd {
                let path = odd.path.as_deref().unwrap_or(NAMELESS);
                tracing::warn!(object = %path, "left out: {}", odd.reason);
            }
            found.extend(page.matches.into_iter().filter_map(|hit| match hit.metadata {
                MetadataV2::Metadata { metadata } => Some(*metadata),
                MetadataV2::Other => None,
            }));
        }
        Ok(found)
    }
}
