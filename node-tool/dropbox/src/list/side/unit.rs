//! A folder that is being listed, and where its list stands.

use std::time::Duration;

use super::{Source, estimate::Sample};
use crate::{
    Error,
    api::files::ListFolderResult,
    pages::{Page, Progress},
};

/// The call that comes next.
#[derive(Debug)]
pub(super) enum Ask {
    /// The first page of a folder.
    Folder { path: String, recursive: bool },
    /// The page of a cursor, after a pause.
    Cursor(String, Option<Duration>),
}

impl Ask {
    /// Calls.
    pub(super) async fn call<S: Source>(self, source: &S) -> Result<ListFolderResult, Error> {
        match self {
            Self::Folder { path, recursive } => source.folder(&path, recursive).await,
            Self::Cursor(cursor, pause) => {
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
                source.page(cursor).await
            }
        }
    }
}

/// A list of pages.
#[derive(Debug)]
pub(super) struct Unit {
    /// The folder.
    pub path: String,
    /// Whether all that is below it is listed.
    pub recursive: bool,
    /// `None` while a call is under way, and after the last one.
    next: Option<Ask>,
    progress: Progress,
    is_begun: bool,
    is_done: bool,
    pages: usize,
    entries: usize,
}

impl Unit {
    /// Begins with a folder.
    pub(super) fn folder(path: String, recursive: bool) -> Self {
        let next = Ask::Folder {
            path: path.clone(),
            recursive,
        };
        Self::begin(path, recursive, next)
    }

    /// Goes on behind a cursor.
    pub(super) fn behind(cursor: String) -> Self {
        Self::begin(String::new(), true, Ask::Cursor(cursor, None))
    }

    fn begin(path: String, recursive: bool, next: Ask) -> Self {
        Self {
            path,
            recursive,
            next: Some(next),
            progress: Progress::new(),
            is_begun: false,
            is_done: false,
            pages: 0,
            entries: 0,
        }
    }

    /// Returns the next call. `None` while one is under way, and after the last one.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        self.is_begun = true;
        self.next.take()
    }

    /// Takes a page.
    ///
    /// # Errors
    /// When the list doesn't end.
    pub(super) fn take(&mut self, page: &ListFolderResult) -> Result<(), Error> {
        self.pages += 1;
        self.entries += page.count();
        match page.next_cursor() {
            None => self.is_done = true,
            Some(cursor) => {
                let pause = self.progress.turn(cursor, page.count())?;
                self.next = Some(Ask::Cursor(cursor.to_owned(), pause));
            }
        }
        Ok(())
    }

    /// There is nothing more to list.
    pub(super) fn end(&mut self) {
        (self.is_done, self.next) = (true, None);
    }

    /// Returns whether its last page has come.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Returns whether a call of it was made.
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Returns whether a call of it can be made.
    pub(super) fn is_ready(&self) -> bool {
        self.next.is_some()
    }

    /// Returns whether a call of it is under way.
    pub(super) fn is_asking(&self) -> bool {
        self.is_begun && !self.is_done && self.next.is_none()
    }

    /// Returns the number of pages that have come.
    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    /// Returns what it has shown of its size.
    pub(super) fn sample(&self) -> Sample {
        Sample {
            pages: self.pages,
            entries: self.entries,
            is_done: self.is_done,
        }
    }
}
