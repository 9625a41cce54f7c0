//! Listing: page by page, or only what changed since the last time.

use shared::api::files::{
    CursorArg, GET_METADATA, LIST_FOLDER, LIST_FOLDER_CONTINUE, ListFolderArg, ListFolderResult,
    MAX_LIST_LIMIT, Metadata, PathArg,
};

use super::{
    Client, DropboxPath, Error, cache,
    entry::{Entry, Kind},
    listing::{Collected, Listing},
    pages::Pages,
};

/// A listing whose cursor is reset on the way is begun anew so often.
const RESETS: u32 = 2;

/// After this many pages it is looked for the first time whether they bring anything new.
const FIRST_CHECK: usize = 100;
/// No account has so many files and folders; their list would fill a node's memory.
const MAX_ENTRIES: usize = 20_000_000;

/// What a path turned out to be.
#[derive(Debug)]
pub enum Listed {
    /// A folder, and what is in it.
    Folder(Listing),
    /// A single file.
    File(Entry),
}

/// Where a listing ended.
struct End {
    cursor: String,
    pages: usize,
    /// In the pages that were asked for with a cursor.
    entries: usize,
}

impl Client {
    /// Lists `path`; `recursive` with all that is below. A file is listed as itself. Of a large folder that was listed
    /// before, only the changes are asked for.
    ///
    /// # Errors
    /// When there is nothing at `path`, or the listing doesn't come to its end.
    pub async fn list(&self, path: &DropboxPath, recursive: bool) -> Result<Listed, Error> {
        let kept = match (self.cache(), self.identity().await) {
            (Some(cache), Some(identity)) if recursive => Some(cache.place(&identity, path)),
            _ => None,
        };
        if let Some(place) = &kept
            && let Some(mut known) = tokio::task::block_in_place(|| place.load(path))
        {
            match self.pages(&mut known.collected, known.cursor, 0).await {
                Ok(_) if known.collected.is_uprooted() || known.collected.has_odd() => place.forget(),
                Ok(end) => {
                    if end.entries > 0 {
                        known.collected.settle();
                        tokio::task::block_in_place(|| {
                            place.save(&known.collected, &end.cursor, known.since)
                        });
                    }
                    return Ok(Listed::Folder(known.collected.resolve()));
                }
                // The server has the last word: whatever it doesn't like about the cursor, it is asked from the beginning.
                Err(error) if error.route().is_some() || matches!(error, Error::BadRequest(_)) => {
                    tracing::info!("listing '{}' from the beginning: {error}", path.as_str());
                    place.forget();
                }
                Err(error) => return Err(error),
            }
        }
        let mut resets = 0;
        loop {
            let page = match self.first_page(path, recursive).await {
                Ok(page) => page,
                Err(error) if error.route().is_some_and(|e| e.ends_with(&["not_folder"])) => {
                    return match self.stat(path).await? {
                        Some(entry) => Ok(Listed::File(entry)),
                        None => Err(error),
                    };
                }
                Err(error) => return Err(error),
            };
            let mut collected = Collected::new(path);
            let cursor = page.cursor;
            page.odd.into_iter().for_each(|odd| collected.apply_odd(odd));
            page.entries.into_iter().for_each(|entry| collected.apply(entry));
            let end = if page.has_more {
                self.pages(&mut collected, cursor, 1).await
            } else {
                Ok(End {
                    cursor,
                    pages: 1,
                    entries: 0,
                })
            };
            match end {
                Ok(end) => {
                    // One page would be asked for anyhow.
                    if let Some(place) = kept.filter(|_| end.pages > 1 && !collected.has_odd()) {
                        collected.settle();
                        tokio::task::block_in_place(|| place.save(&collected, &end.cursor, cache::now()));
                    }
                    return Ok(Listed::Folder(collected.resolve()));
                }
                Err(error) if resets < RESETS && error.route().is_some_and(|e| e.has("reset")) => resets += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn first_page(&self, path: &DropboxPath, recursive: bool) -> Result<ListFolderResult, Error> {
        let arg = ListFolderArg {
            path: path.as_str().to_owned(),
            recursive,
            limit: Some(MAX_LIST_LIMIT),
        };
        self.rpc_list(&LIST_FOLDER, &arg, ListFolderResult::read).await
    }

    /// Applies all pages from `cursor` on.
    async fn pages(
        &self,
        collected: &mut Collected,
        mut cursor: String,
        mut pages: usize,
    ) -> Result<End, Error> {
        let (mut count, mut way) = (0, Pages::default());
        let (mut check_at, mut distinct) = (FIRST_CHECK, 0);
        loop {
            let arg = CursorArg { cursor };
            let ListFolderResult {
                entries,
                cursor: next,
                has_more,
                odd,
            } = self
                .rpc_list(&LIST_FOLDER_CONTINUE, &arg, ListFolderResult::read)
                .await?;
            if has_more && let Some(wait) = way.turn(&next, entries.len() + odd.len())? {
                tokio::time::sleep(wait).await;
            }
            (cursor, pages, count) = (next, pages + 1, count + entries.len() + odd.len());
            odd.into_iter().for_each(|odd| collected.apply_odd(odd));
            entries.into_iter().for_each(|entry| collected.apply(entry));
            if !has_more {
                return Ok(End {
                    cursor,
                    pages,
                    entries: count,
                });
            }
            // The same entries again and again, behind ever new cursors.
            if pages >= check_at {
                check_at = pages * 2;
                let before = std::mem::replace(
                    &mut distinct,
                    tokio::task::block_in_place(|| collected.distinct()),
                );
                if distinct <= before || distinct > MAX_ENTRIES {
                    return Err(Error::Unreadable("its pages don't come to an end".into()));
                }
            }
        }
    }

    /// What stands at `path`; nothing if nothing does. The entry's path is its name alone.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn stat(&self, path: &DropboxPath) -> Result<Option<Entry>, Error> {
        if path.is_root() {
            return Ok(Some(Entry {
                path: String::new(),
                kind: Kind::Folder,
                id: None,
            }));
        }
        match self
            .rpc(
                &GET_METADATA,
                &PathArg {
                    path: path.as_str().to_owned(),
                },
            )
            .await
        {
            Ok(Metadata::File(file)) => Ok(Some(file.into())),
            Ok(Metadata::Folder(folder)) => Ok(Some(folder.into())),
            Ok(Metadata::Deleted(_) | Metadata::Unknown) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
