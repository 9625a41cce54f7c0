//! Lists that come in pages: one loop for all of them, which ends even if a list doesn't, and begins anew if Dropbox resets it.
//!
//! Empty pages are normal, and a page may name itself for a moment; but cursors that form a circle, or ever new ones with empty
//! pages, would never end.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use crate::{
    Client, Error,
    api::{
        files::{ListFolderResult, SearchResult},
        sharing::{Links, SharedPage},
    },
    retry::Backoff,
};

/// What an entry without a name is called.
pub(crate) const NAMELESS: &str = "an entry without a name";

/// Maximum number of times that a list is begun anew because its cursor was reset.
const MAX_RESETS: u32 = 2;
/// Maximum number of repeated cursors.
const MAX_REPEATS: u32 = 10;
/// The first and the longest wait before a repeated cursor is followed.
const FIRST_REPEAT_WAIT: Duration = Duration::from_millis(200);
const MAX_REPEAT_WAIT: Duration = Duration::from_secs(2);
/// Maximum number of empty pages in a row.
const MAX_EMPTY: u32 = 300;

/// A page of a list.
pub(crate) trait Page {
    /// Returns the number of its entries, with those that can't be used.
    fn count(&self) -> usize;

    /// Returns the cursor of the next page. `None` means that this is the last one.
    fn next_cursor(&self) -> Option<&str>;
}

impl Page for ListFolderResult {
    fn count(&self) -> usize {
        self.entries.len() + self.odd.len()
    }

    fn next_cursor(&self) -> Option<&str> {
        self.has_more.then_some(&self.cursor)
    }
}

impl Page for SearchResult {
    fn count(&self) -> usize {
        self.matches.len() + self.odd.len()
    }

    fn next_cursor(&self) -> Option<&str> {
        self.cursor.as_deref().filter(|_| self.has_more)
    }
}

impl Page for Links {
    fn count(&self) -> usize {
        self.links.len()
    }

    fn next_cursor(&self) -> Option<&str> {
        self.cursor.as_deref().filter(|_| self.has_more)
    }
}

impl<E> Page for SharedPage<E> {
    fn count(&self) -> usize {
        self.entries.len()
    }

    fn next_cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

/// The pages of one list, in their order.
pub(crate) struct Pages<P, A> {
    /// `None` after the last page.
    next: Option<Next<P>>,
    /// Returns the page of a cursor.
    ask: A,
    progress: Progress,
}

/// The page that comes next.
enum Next<P> {
    /// It is here.
    Here(P),
    /// It is to be asked for, after a pause.
    At(String, Option<Duration>),
}

impl<P: Page, A: AsyncFnMut(String) -> Result<P, Error>> Pages<P, A> {
    /// Returns `first` and the pages that follow it, which `ask` returns for their cursors.
    pub(crate) fn new(first: P, ask: A) -> Self {
        Self::begin(Next::Here(first), ask)
    }

    /// Returns the pages behind `cursor`.
    pub(crate) fn behind(cursor: String, ask: A) -> Self {
        Self::begin(Next::At(cursor, None), ask)
    }

    fn begin(next: Next<P>, ask: A) -> Self {
        Self {
            next: Some(next),
            ask,
            progress: Progress::new(),
        }
    }

    /// Returns the next page. `None` means that the last one was returned.
    ///
    /// # Errors
    /// When it can't be asked for, or the list doesn't end.
    pub(crate) async fn next(&mut self) -> Result<Option<P>, Error> {
        let page = match self.next.take() {
            None => return Ok(None),
            Some(Next::Here(page)) => page,
            Some(Next::At(cursor, pause)) => {
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
                (self.ask)(cursor).await?
            }
        };
        if let Some(cursor) = page.next_cursor() {
            let pause = self.progress.turn(cursor, page.count())?;
            self.next = Some(Next::At(cursor.to_owned(), pause));
        }
        Ok(Some(page))
    }
}

impl Client {
    /// Returns a page of a folder's listing, and those that follow it.
    pub(crate) fn list_pages(
        &self,
        first: ListFolderResult,
    ) -> Pages<ListFolderResult, impl AsyncFnMut(String) -> Result<ListFolderResult, Error>> {
        Pages::new(first, async |cursor| self.changes(cursor).await)
    }

    /// Returns the pages behind the cursor of a listing.
    pub(crate) fn pages_behind(
        &self,
        cursor: String,
    ) -> Pages<ListFolderResult, impl AsyncFnMut(String) -> Result<ListFolderResult, Error>> {
        Pages::behind(cursor, async |cursor| self.changes(cursor).await)
    }
}

/// Returns a whole list, begun anew where Dropbox resets its cursor.
///
/// # Errors
/// Those of `list`, and a reset that comes again and again.
pub(crate) async fn unless_reset<T>(mut list: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut resets = 0;
    loop {
        match list().await {
            Err(error) if resets < MAX_RESETS && error.is_reset() => resets += 1,
            done => return done,
        }
    }
}

/// Where a list has been so far.
#[derive(Debug)]
pub(crate) struct Progress {
    seen: HashSet<u64>,
    repeats: u32,
    empty: u32,
    backoff: Backoff,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            seen: HashSet::new(),
            repeats: 0,
            empty: 0,
            backoff: Backoff::new(FIRST_REPEAT_WAIT, MAX_REPEAT_WAIT),
        }
    }

    /// Takes a page with `entries` entries that names `next` as the way to go on. Returns how long to wait before that.
    ///
    /// # Errors
    /// When the list doesn't end.
    pub(crate) fn turn(&mut self, next: &str, entries: usize) -> Result<Option<Duration>, Error> {
        let mut hasher = DefaultHasher::new();
        next.hash(&mut hasher);
        self.empty = if entries == 0 { self.empty + 1 } else { 0 };
        let is_new = self.seen.insert(hasher.finish());
        self.repeats += u32::from(!is_new);
        if self.repeats > MAX_REPEATS || self.empty > MAX_EMPTY {
            return Err(endless());
        }
        Ok((!is_new).then(|| self.backoff.next_wait()))
    }
}

/// Returns the error for pages that lead nowhere.
pub(crate) fn endless() -> Error {
    Error::Unreadable("its pages don't come to an end".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages are taken before it is enough.
    fn taken(cursors: impl Iterator<Item = String>, entries: usize) -> usize {
        let mut pages = Progress::new();
        cursors
            .take(100_000)
            .take_while(|cursor| pages.turn(cursor, entries).is_ok())
            .count()
    }

    #[test]
    fn circles_and_endless_emptiness_end() {
        let fresh = || (0..).map(|n: u32| n.to_string());
        assert_eq!(taken(fresh(), 0), MAX_EMPTY as usize);
        assert_eq!(taken(fresh(), 1), 100_000, "many pages are nothing special");
        assert_eq!(
            taken((0..).map(|n: u32| (n % 3).to_string()), 5),
            3 + MAX_REPEATS as usize
        );
        assert_eq!(
            taken(std::iter::repeat("same".to_owned()), 0),
            1 + MAX_REPEATS as usize
        );
    }
}
