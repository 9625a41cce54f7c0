//! Earlier states of files, searching, links, and waiting for changes.

use std::time::Duration;

use shared::api::{
    Nothing,
    files::{
        CursorArg, FileMetadata, LATEST_CURSOR, LIST_FOLDER_CONTINUE, LIST_REVISIONS, LONGPOLL,
        ListFolderArg, ListFolderResult, LongpollArg, Metadata, MetadataV2, RESTORE, RestoreArg, Revisions,
        RevisionsArg, SEARCH, SEARCH_CONTINUE, SearchArg, SearchOptions, SearchResult,
    },
    sharing::{CREATE_LINK, CreateLinkArg, LIST_LINKS, ListLinksArg, REVOKE_LINK, RevokeLinkArg},
};

use super::{Client, DropboxPath, Error, pages::Pages};

/// The most revisions that Dropbox gives.
const MOST_REVISIONS: u64 = 100;
/// A long poll's length in seconds.
const POLL_SECONDS: u64 = 60;
/// The longest pause between two polls that is kept, in seconds.
const LONGEST_BACKOFF: u64 = 300;

impl Client {
    /// The states of a file, the newest first, up to 100.
    ///
    /// # Errors
    /// When there never was such a file.
    pub async fn revisions(&self, path: &DropboxPath) -> Result<Revisions, Error> {
        let arg = RevisionsArg {
            path: path.as_str().to_owned(),
            limit: MOST_REVISIONS,
        };
        self.rpc_list(&LIST_REVISIONS, &arg, Revisions::read).await
    }

    /// Makes an earlier state the present one.
    ///
    /// # Errors
    /// When there is no such state.
    pub async fn restore(&self, path: &DropboxPath, rev: &str) -> Result<FileMetadata, Error> {
        let arg = RestoreArg {
            path: path.as_str().to_owned(),
            rev: rev.to_owned(),
        };
        self.rpc(&RESTORE, &arg).await
    }

    /// Files and folders below `path` that match; the best first.
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
                max_results: 1000,
                filename_only: only_names,
            },
        };
        let mut page = self.rpc_list(&SEARCH, &arg, SearchResult::read).await?;
        let (mut found, mut way) = (Vec::new(), Pages::default());
        loop {
            let hits = page.matches.len();
            for odd in &page.odd {
                let path = odd.path.as_deref().unwrap_or("a match without a name");
                tracing::warn!(object = %path, "left out: {}", odd.reason);
            }
            found.extend(page.matches.into_iter().filter_map(|hit| match hit.metadata {
                MetadataV2::Metadata { metadata } => Some(*metadata),
                MetadataV2::Other => None,
            }));
            let Some(cursor) = page.cursor.filter(|_| page.has_more) else {
                return Ok(found);
            };
            if let Some(wait) = way.turn(&cursor, hits)? {
                tokio::time::sleep(wait).await;
            }
            let arg = CursorArg { cursor };
            page = self.rpc_list(&SEARCH_CONTINUE, &arg, SearchResult::read).await?;
        }
    }

    /// A cursor at the present end of what is below `path`.
    ///
    /// # Errors
    /// When there is no such folder.
    pub async fn latest_cursor(&self, path: &DropboxPath) -> Result<String, Error> {
        let arg = ListFolderArg {
            path: path.as_str().to_owned(),
            recursive: true,
            limit: None,
        };
        Ok(self.rpc(&LATEST_CURSOR, &arg).await?.cursor)
    }

    /// Waits until something changes behind `cursor`, or a minute is over. Says whether something did.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn wait_for_change(&self, cursor: &str) -> Result<bool, Error> {
        let arg = LongpollArg {
            cursor: cursor.to_owned(),
            timeout: POLL_SECONDS,
        };
        let polled = self.rpc(&LONGPOLL, &arg).await?;
        if let Some(seconds) = polled.backoff {
            tokio::time::sleep(Duration::from_secs(seconds.min(LONGEST_BACKOFF))).await;
        }
        Ok(polled.changes)
    }

    /// What changed behind `cursor`; one page.
    ///
    /// # Errors
    /// When Dropbox can't be asked, or the cursor has to be made anew (`reset`).
    pub async fn changes(&self, cursor: String) -> Result<ListFolderResult, Error> {
        let arg = CursorArg { cursor };
        self.rpc_list(&LIST_FOLDER_CONTINUE, &arg, ListFolderResult::read)
            .await
    }

    /// A link to `path` that others can open: the one there is, or a new one.
    ///
    /// # Errors
    /// When there is nothing at `path`, or the account may not share it.
    pub async fn link(&self, path: &DropboxPath) -> Result<String, Error> {
        let arg = CreateLinkArg {
            path: path.as_str().to_owned(),
        };
        match self.rpc(&CREATE_LINK, &arg).await {
            Ok(link) => Ok(link.url),
            Err(error) if error.route().is_some_and(|e| e.has("shared_link_already_exists")) => {
                self.links(path).await?.into_iter().next().ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Ends all links to `path`; gives their addresses.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn unlink(&self, path: &DropboxPath) -> Result<Vec<String>, Error> {
        let links = self.links(path).await?;
        for url in &links {
            let Nothing = self
                .rpc(&REVOKE_LINK, &RevokeLinkArg { url: url.clone() })
                .await?;
        }
        Ok(links)
    }

    async fn links(&self, path: &DropboxPath) -> Result<Vec<String>, Error> {
        let arg = ListLinksArg {
            path: path.as_str().to_owned(),
            direct_only: true,
        };
        let links = self.rpc(&LIST_LINKS, &arg).await?.links;
        Ok(links.into_iter().map(|link| link.url).collect())
    }
}
