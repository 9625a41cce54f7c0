//! Listing: page by page, or only what changed since the last time.

pub(crate) mod cache;
mod cache_row;
pub(crate) mod past;
pub(crate) mod rows;
mod side;

use crate::{
    Client, DropboxPath, Entry, Error, Kind,
    api::files::{
        GET_METADATA, LIST_FOLDER, ListFolderArg, ListFolderResult, MAX_LIST_LIMIT, Metadata, PathArg,
    },
    blocking::blocking,
    pages::{Page, Pages, endless, unless_reset},
};

use cache::Place;
use rows::{Collected, Listing};
use side::{Outcome, side_by_side};

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

/// A listing, as far as it has come.
struct Progressed {
    collected: Collected,
    cursor: String,
    /// Whether there are pages behind the cursor.
    has_more: bool,
    pages: usize,
    /// In all pages.
    entries: usize,
    /// After this many pages it is looked whether they bring anything new.
    check_at: usize,
    /// How many different paths there were then.
    distinct: usize,
}

impl Progressed {
    /// No page of it has come.
    fn new(collected: Collected) -> Self {
        Self {
            collected,
            cursor: String::new(),
            has_more: true,
            pages: 0,
            entries: 0,
            check_at: FIRST_CHECK,
            distinct: 0,
        }
    }

    /// Takes a page.
    ///
    /// # Errors
    /// When the same entries come again and again, behind ever new cursors.
    async fn take(&mut self, page: ListFolderResult) -> Result<(), Error> {
        self.pages += 1;
        self.entries += page.count();
        self.collected.apply_page(page.entries, page.odd);
        (self.cursor, self.has_more) = (page.cursor, page.has_more);
        if !self.has_more || self.pages < self.check_at {
            return Ok(());
        }
        self.check_at = self.pages * 2;
        let (before, collected) = (self.distinct, std::mem::take(&mut self.collected));
        (self.collected, self.distinct) = blocking(move || {
            let distinct = collected.distinct();
            (collected, distinct)
        })
        .await;
        match self.distinct <= before || self.distinct > MAX_ENTRIES {
            true => Err(endless()),
            false => Ok(()),
        }
    }

    /// Makes a listing of it, which is kept in `place` if there is one, as begun at `since`.
    async fn resolve(self, place: Option<&Place>, since: u64) -> Listing {
        let (mut collected, cursor, place) = (self.collected, self.cursor, place.cloned());
        blocking(move || {
            if let Some(place) = place {
                collected.settle();
                place.save(&collected, &cursor, since);
            }
            collected.resolve()
        })
        .await
    }
}

impl Client {
    /// Lists `path`; `recursive` with all that is below. A file is listed as itself. Of a large folder that was listed before,
    /// only the changes are asked for, if the client [keeps listings](Self::with_cache).
    ///
    /// # Errors
    /// When there is nothing at `path`, or the listing doesn't come to its end.
    pub async fn list(&self, path: &DropboxPath, recursive: bool) -> Result<Listed, Error> {
        let place = match self.cache().await {
            Some((cache, identity)) if recursive => Some(cache.place(&identity, path)),
            _ => None,
        };
        if let Some(place) = &place
            && let Some(listing) = self.list_changes(path, place).await?
        {
            return Ok(Listed::Folder(listing));
        }
        unless_reset(async || self.list_again(path, recursive, place.as_ref()).await).await
    }

    /// Brings the listing that is kept in `place` up to date. `None` if none is kept there, or it can't be used any more.
    async fn list_changes(&self, path: &DropboxPath, place: &Place) -> Result<Option<Listing>, Error> {
        let (base, kept) = (path.clone(), place.clone());
        let Some(known) = blocking(move || kept.load(&base)).await else {
            return Ok(None);
        };
        let listed = Progressed::new(known.collected);
        match collect(listed, self.pages_behind(known.cursor), usize::MAX).await {
            Ok(ended) if ended.collected.is_uprooted() || ended.collected.has_odd() => {
                place.forget();
                Ok(None)
            }
            Ok(ended) => {
                let place = (ended.entries > 0).then_some(place);
                Ok(Some(ended.resolve(place, known.since).await))
            }
            // The server has the last word: whatever it doesn't like about the cursor, it is asked from the beginning.
            Err(error) if is_refusal(&error) => {
                tracing::info!("listing '{}' from the beginning: {error}", path.as_str());
                place.forget();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Lists `path` from the beginning, and keeps a large listing in `place`.
    async fn list_again(
        &self,
        path: &DropboxPath,
        recursive: bool,
        place: Option<&Place>,
    ) -> Result<Listed, Error> {
        let page = match self.first_page(path.as_str(), recursive).await {
            Ok(page) => page,
            Err(error) if error.route().is_some_and(|e| e.ends_with(&["not_folder"])) => {
                let there = self.stat(path).await?;
                return there.map(Listed::File).ok_or(error);
            }
            Err(error) => return Err(error),
        };
        let listed = Progressed::new(Collected::new(path));
        let ended = match recursive && side::is_wide(self.max_calls()) {
            false => collect(listed, self.list_pages(page), usize::MAX).await?,
            true => {
                let listed = collect(listed, self.list_pages(page), side::LARGE).await?;
                self.list_large(path, listed).await?
            }
        };
        // Keeping a single page would save no call: one page is requested in any case.
        let place = place.filter(|_| ended.pages > 1 && !ended.collected.has_odd());
        Ok(Listed::Folder(ended.resolve(place, cache::now()).await))
    }

    /// Lists the rest of a recursive listing: of a large tree its folders side by side, if that pays.
    async fn list_large(&self, path: &DropboxPath, listed: Progressed) -> Result<Progressed, Error> {
        if !listed.has_more {
            return Ok(listed);
        }
        let source = side::Folder { client: self, path };
        match side_by_side(&source, path, listed).await? {
            Outcome::Complete(listed) => Ok(listed),
            Outcome::GoOn(listed) => {
                let pages = self.pages_behind(listed.cursor.clone());
                collect(listed, pages, usize::MAX).await
            }
        }
    }

    async fn first_page(&self, path: &str, recursive: bool) -> Result<ListFolderResult, Error> {
        let arg = ListFolderArg {
            path: path.to_owned(),
            recursive,
            limit: Some(MAX_LIST_LIMIT),
            ..ListFolderArg::default()
        };
        self.rpc_list(&LIST_FOLDER, &arg, ListFolderResult::read).await
    }

    /// Returns what stands at `path`, or `None`. The path of the entry is its name alone.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn stat(&self, path: &DropboxPath) -> Result<Option<Entry>, Error> {
        Ok(self.stat_with_access(path).await?.map(|(entry, _)| entry))
    }

    /// Returns the same, and whether the account may only read it. Of the root that is unknown, and told as `false`.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn stat_with_access(&self, path: &DropboxPath) -> Result<Option<(Entry, bool)>, Error> {
        if path.is_root() {
            let root = Entry {
                path: String::new(),
                kind: Kind::Folder,
                id: None,
            };
            return Ok(Some((root, false)));
        }
        let arg = PathArg {
            path: path.as_str().to_owned(),
        };
        match self.rpc(&GET_METADATA, &arg).await {
            Ok(Metadata::File(file)) => {
                let is_read_only = file.sharing_info.as_ref().is_some_and(|info| info.read_only);
                Ok(Some((file.into(), is_read_only)))
            }
            Ok(Metadata::Folder(folder)) => {
                let is_read_only = folder.sharing_info.as_ref().is_some_and(|info| info.read_only);
                Ok(Some((folder.into(), is_read_only)))
            }
            Ok(Metadata::Deleted(_) | Metadata::Unknown) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether nothing may be changed or made at `path`, because it is, or would be, in a folder that the account may
    /// only read.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn is_read_only(&self, path: &DropboxPath) -> Result<bool, Error> {
        let mut at = Some(path.clone());
        while let Some(path) = at.filter(|path| !path.is_root()) {
            match self.stat_with_access(&path).await {
                Ok(Some((_, is_read_only))) => return Ok(is_read_only),
                Ok(None) => {}
                Err(error) if error.route().is_some() => {} // below a file, for example: what is done there will say so
                Err(error) => return Err(error),
            }
            at = path.parent();
        }
        let folder = self.shared_folder().await?;
        Ok(folder.is_some_and(|folder| !folder.may_write()))
    }

    /// Returns where something of the account is, by the id that Dropbox has for it (`id:…`). `None` means that the account has
    /// no such thing, or sees it at no path.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn path_of_id(&self, id: &str) -> Result<Option<DropboxPath>, Error> {
        let shown = match self.rpc(&GET_METADATA, &PathArg { path: id.to_owned() }).await {
            Ok(Metadata::File(file)) => file.path_display,
            Ok(Metadata::Folder(folder)) => folder.path_display,
            Ok(Metadata::Deleted(_) | Metadata::Unknown) => None,
            Err(error) if error.route().is_some() => None,
            Err(error) => return Err(error),
        };
        Ok(shown.and_then(|path| DropboxPath::parse(&path).ok()))
    }
}

/// Applies pages to what was listed before: all, or as many as make `most` with those before.
async fn collect<A: AsyncFnMut(String) -> Result<ListFolderResult, Error>>(
    mut listed: Progressed,
    mut pages: Pages<ListFolderResult, A>,
    most: usize,
) -> Result<Progressed, Error> {
    while listed.pages < most
        && let Some(page) = pages.next().await?
    {
        listed.take(page).await?;
    }
    Ok(listed)
}

/// Returns whether the server refuses a call as it is: another one may be answered.
fn is_refusal(error: &Error) -> bool {
    error.route().is_some() || matches!(error, Error::BadRequest(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Cache,
        testing::{Answer, Server, answer, login},
    };

    fn folder(name: &str) -> String {
        format!(r#"{{".tag":"folder","name":"{name}","id":"id:{name}","path_lower":"/{name}"}}"#)
    }

    fn page(entries: &[String], cursor: &str, has_more: bool) -> Answer {
        let entries = entries.join(",");
        answer(
            200,
            &format!(r#"{{"entries":[{entries}],"cursor":"{cursor}","has_more":{has_more}}}"#),
        )
    }

    fn reset() -> Answer {
        answer(409, r#"{"error_summary":"reset/","error":{".tag":"reset"}}"#)
    }

    async fn names(client: &Client) -> Vec<String> {
        match client.list(&DropboxPath::default(), true).await.unwrap() {
            Listed::Folder(listing) => listing.entries.into_iter().map(|entry| entry.path).collect(),
            Listed::File(file) => panic!("{file:?}"),
        }
    }

    #[tokio::test]
    async fn pages_follow_each_other_and_a_reset_starts_again() {
        let server = Server::start([
            page(&[folder("gone")], "c1", true),
            reset(),
            page(&[folder("a")], "c1", true),
            page(&[folder("b")], "c2", false),
        ])
        .await;
        assert_eq!(names(&server.client(login("t"))).await, ["a", "b"]);
    }

    #[tokio::test]
    async fn a_kept_listing_is_brought_up_to_date_and_dropped_if_its_cursor_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let deleted = r#"{".tag":"deleted","name":"a","path_lower":"/a"}"#.to_owned();
        let server = Server::start([
            page(&[folder("a")], "c1", true),
            page(&[folder("b")], "c2", false),
            page(&[deleted, folder("c")], "c3", false),
            reset(),
            page(&[folder("d")], "c4", false),
        ])
        .await;
        let client = server.client(login("t"));
        let client = client.with_cache(Some(Cache::new(directory.path().to_owned())));
        assert_eq!(names(&client).await, ["a", "b"]);
        assert_eq!(names(&client).await, ["b", "c"]);
        assert_eq!(names(&client).await, ["d"]);
        let cursors: Vec<String> = server
            .requests()
            .into_iter()
            .map(|request| request.body)
            .filter(|body| body.contains("cursor"))
            .collect();
        assert_eq!(
            cursors,
            [r#"{"cursor":"c1"}"#, r#"{"cursor":"c2"}"#, r#"{"cursor":"c3"}"#]
        );
    }

    #[tokio::test]
    async fn a_file_is_listed_as_itself() {
        let server = Server::start([
            answer(409, r#"{"error":{".tag":"path","path":{".tag":"not_folder"}}}"#),
            answer(
                200,
                r#"{".tag":"file","name":"f","id":"id:1","client_modified":"2020-01-01T00:00:00Z","rev":"0123456789","size":3}"#,
            ),
        ])
        .await;
        let path = DropboxPath::parse("f").unwrap();
        let listed = server.client(login("t")).list(&path, true).await.unwrap();
        assert!(matches!(listed, Listed::File(file) if file.file().unwrap().size_bytes == 3));
    }
}
