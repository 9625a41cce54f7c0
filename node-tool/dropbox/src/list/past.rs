//! Listings with what is deleted, and when each revision came.

use std::collections::HashMap;

use super::rows::{NO_PATH, below, name_below, refuse};
use crate::{
    Client, DropboxPath, Entry, Error,
    api::files::{LIST_FOLDER, ListFolderArg, ListFolderResult, MAX_LIST_LIMIT, Metadata, Time},
    pages::{NAMELESS, unless_reset},
};

/// What is and was in a folder.
#[derive(Debug, Default)]
pub struct PastListing {
    /// What is there, sorted by path, with the time when Dropbox got the revision of a file.
    pub there: Vec<(Entry, Option<Time>)>,
    /// The paths of files and folders that were deleted, sorted.
    pub gone: Vec<String>,
    /// Names that can't be used as a path here, with the reason.
    pub refused: Vec<(String, String)>,
}

/// The last word about a path.
struct Row {
    name: Option<String>,
    /// `None` means that it is deleted.
    there: Option<(Entry, Option<Time>)>,
}

impl Client {
    /// Lists the folder `path` with what was deleted from it; `recursive` with all that is and was below. Dropbox keeps no time of
    /// a deletion in a listing, nor whether it was a file.
    ///
    /// # Errors
    /// When there is no folder at `path`, or the listing doesn't come to its end.
    pub async fn list_with_deleted(&self, path: &DropboxPath, recursive: bool) -> Result<PastListing, Error> {
        unless_reset(async || self.all_pages(path, recursive).await).await
    }

    async fn all_pages(&self, path: &DropboxPath, recursive: bool) -> Result<PastListing, Error> {
        let arg = ListFolderArg {
            path: path.as_str().to_owned(),
            recursive,
            include_deleted: true,
            limit: Some(MAX_LIST_LIMIT),
        };
        let first = self.rpc_list(&LIST_FOLDER, &arg, ListFolderResult::read).await?;
        let (mut collected, mut pages) = (Rows::default(), self.list_pages(first));
        while let Some(page) = pages.next().await? {
            let odd = page.odd.into_iter();
            collected
                .odd
                .extend(odd.map(|odd| (odd.path.unwrap_or_else(|| NAMELESS.into()), odd.reason)));
            page.entries.into_iter().for_each(|entry| collected.take(entry));
        }
        Ok(collected.resolve(path.depth()))
    }
}

/// The last word about each path, by `path_lower`.
#[derive(Default)]
struct Rows {
    rows: HashMap<String, Row>,
    odd: Vec<(String, String)>,
}

impl Rows {
    fn take(&mut self, entry: Metadata) {
        let (path, row) = match entry {
            Metadata::File(file) => {
                let since = file.server_modified;
                (
                    file.path_lower.clone(),
                    Row {
                        name: Some(file.name.clone()),
                        there: Some((file.into(), since)),
                    },
                )
            }
            Metadata::Folder(folder) => (
                folder.path_lower.clone(),
                Row {
                    name: Some(folder.name.clone()),
                    there: Some((folder.into(), None)),
                },
            ),
            Metadata::Deleted(deleted) => (
                deleted.path_lower,
                Row {
                    name: deleted.name,
                    there: None,
                },
            ),
            Metadata::Unknown => (
                None,
                Row {
                    name: None,
                    there: None,
                },
            ),
        };
        match path {
            Some(path) => {
                self.rows.insert(path, row);
            }
            None => self
                .odd
                .push((row.name.unwrap_or_else(|| NAMELESS.into()), NO_PATH.into())),
        }
    }

    /// Makes a listing of what is below a folder of `depth` names.
    fn resolve(mut self, depth: usize) -> PastListing {
        let mut listing = PastListing {
            refused: std::mem::take(&mut self.odd)
                .into_iter()
                .map(|(path, reason)| (below(&path, depth), reason))
                .collect(),
            ..PastListing::default()
        };
        for (lower, row) in &self.rows {
            let name_of = |lower: &str| self.rows.get(lower)?.name.as_deref();
            let Some(path) = name_below(lower, depth, name_of) else {
                continue; // the folder itself
            };
            if let Some(reason) = refuse(&path) {
                listing.refused.push((path, reason.to_owned()));
                continue;
            }
            match row.there.clone().filter(|_| !self.is_below_gone(lower)) {
                Some((entry, since)) => listing.there.push((Entry { path, ..entry }, since)),
                None => listing.gone.push(path),
            }
        }
        listing.there.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        listing.gone.sort();
        listing
    }

    /// Whether something around it was deleted while the listing went on: of what is in it, nothing is said then.
    fn is_below_gone(&self, lower: &str) -> bool {
        let mut around = lower.match_indices('/').map(|(at, _)| &lower[..at]).skip(1);
        around.any(|folder| self.rows.get(folder).is_some_and(|row| row.there.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, answer, login};

    #[tokio::test]
    async fn the_last_word_counts_and_names_are_those_of_their_folders() {
        let file = |lower: &str, name: &str, time: &str| {
            format!(
                r#"{{".tag":"file","name":"{name}","path_lower":"{lower}","id":"id:1","client_modified":"2020-01-01T00:00:00Z","server_modified":"{time}","rev":"0123456789","size":1}}"#
            )
        };
        let folder = |lower: &str, name: &str| {
            format!(r#"{{".tag":"folder","name":"{name}","path_lower":"{lower}","id":"id:2"}}"#)
        };
        let gone = |lower: &str, name: &str| {
            format!(r#"{{".tag":"deleted","name":"{name}","path_lower":"{lower}"}}"#)
        };
        let page = |entries: &[String], has_more: bool| {
            let entries = entries.join(",");
            answer(
                200,
                &format!(r#"{{"entries":[{entries}],"cursor":"c","has_more":{has_more}}}"#),
            )
        };
        let server = Server::start([
            page(
                &[
                    folder("/top", "Top"),
                    gone("/top/old/x", "X"),
                    file("/top/f", "F", "2026-01-01T00:00:00Z"),
                    folder("/top/soon", "Soon"),
                    file("/top/soon/gone", "gone", "no time"),
                ],
                true,
            ),
            page(&[gone("/top/old", "Old"), gone("/top/soon", "Soon")], false),
        ])
        .await;
        let path = DropboxPath::parse("Top").unwrap();
        let listing = server
            .client(login("t"))
            .list_with_deleted(&path, true)
            .await
            .unwrap();
        let there: Vec<_> = listing
            .there
            .iter()
            .map(|(entry, since)| (entry.path.as_str(), since.is_some()))
            .collect();
        assert_eq!(there, [("F", true)]);
        assert_eq!(listing.gone, ["Old", "Old/X", "Soon", "Soon/gone"]);
        assert!(server.requests()[0].body.contains(r#""include_deleted":true"#));
    }
}
