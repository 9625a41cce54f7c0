//! How it went with each file: told to the listener, or kept for another round when the file changed under our hands.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use super::{BigFile, Event, Listener, event};
use crate::{
    dropbox::{DropboxPath, Error, Watch},
    failed::{FailedFile, FailureKind},
    local,
    plan::Action,
    raw,
};

/// A request to begin nothing new: what is under way is brought to an end.
#[derive(Clone, Debug, Default)]
pub struct Halt(Arc<(Mutex<State>, Notify)>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    transfers: usize,
    asked: Option<&'static str>,
}

/// Says that a transfer is under way, until it is dropped.
#[derive(Debug)]
pub struct Underway(Halt);

impl Halt {
    /// Asks, in somebody's name. Says whether anything is under way that will listen.
    pub fn ask(&self, by: &'static str) -> bool {
        let mut state = self.lock();
        state.asked = Some(by);
        let is_heard = state.transfers > 0;
        drop(state);
        self.0.1.notify_waiters();
        is_heard
    }

    /// Waits until it is asked.
    pub async fn wait(&self) {
        loop {
            let asked = self.0.1.notified();
            tokio::pin!(asked);
            asked.as_mut().enable();
            if self.is_asked() {
                return;
            }
            asked.await;
        }
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.asked().is_some()
    }

    /// Who asked.
    pub fn asked(&self) -> Option<&'static str> {
        self.lock().asked
    }

    /// A transfer begins that will listen.
    pub fn begin(&self) -> Underway {
        self.lock().transfers += 1;
        Underway(self.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.lock().transfers -= 1;
    }
}

/// The two folders of a job.
#[derive(Debug)]
pub(super) struct Folders {
    pub from: local::Root,
    pub to: DropboxPath,
    /// Whether symlinks of the source are followed.
    pub follows: bool,
}

/// A file on its way up. There may be a million of them.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub action: Action,
    pub folders: Arc<Folders>,
}

impl Item {
    /// Where it is here.
    pub fn path(&self) -> PathBuf {
        raw::join(self.folders.from.path(), &self.action.from)
    }

    /// Opens it for reading.
    pub fn open(&self) -> io::Result<local::Source> {
        if self.folders.follows {
            local::Source::open(&self.path())
        } else {
            local::Source::open_below(&self.folders.from, &self.action.from)
        }
    }

    /// Where it goes.
    pub fn target(&self) -> DropboxPath {
        self.folders.to.join(&self.action.to)
    }
}

/// Where outcomes go.
pub(super) struct Outcomes<'a> {
    listener: &'a Listener,
    halt: &'a Halt,
    /// Nothing else can succeed.
    hopeless: AtomicBool,
    changed: Mutex<Vec<Item>>,
    /// Whether files that changed may be tried once more.
    more_rounds: AtomicBool,
}

impl<'a> Outcomes<'a> {
    pub fn new(listener: &'a Listener, halt: &'a Halt) -> Self {
        Self {
            listener,
            halt,
            hopeless: AtomicBool::new(false),
            changed: Mutex::default(),
            more_rounds: AtomicBool::new(true),
        }
    }

    /// Whether nothing new is to be begun.
    pub fn is_over(&self) -> bool {
        self.halt.is_asked() || self.hopeless.load(Ordering::Relaxed)
    }

    /// Who is told.
    pub fn listener(&self) -> &Listener {
        self.listener
    }

    pub fn event(&self, event: Event) {
        (self.listener)(event);
    }

    /// Tells how the bytes of a call go.
    pub fn watch(&self, of: Option<&Arc<BigFile>>) -> Watch {
        event::watch(self.listener, of.cloned())
    }

    pub fn copied(&self, action: &Action) {
        self.event(Event::Copied {
            path: action.from.clone(),
            bytes: action.source.size_bytes,
            replaced: action.over.is_some(),
        });
    }

    /// Dropbox failed.
    pub fn failed(&self, action: &Action, error: &Error) {
        // Said once: to the others the same would happen.
        if error.ends_run() && self.hopeless.swap(true, Ordering::Relaxed) {
            return;
        }
        let file = FailedFile::new(&action.from, error.to_string(), error.into());
        self.event(Event::Failed {
            file,
            error: Some(error.clone()),
        });
    }

    /// Something else failed.
    pub fn refused(&self, action: &Action, kind: FailureKind, reason: impl Into<String>) {
        let file = FailedFile::new(&action.from, reason, kind);
        self.event(Event::Failed { file, error: None });
    }

    /// The file could not be read: if that is because it changed, it gets another round.
    pub fn unread(&self, item: Item, error: &io::Error) {
        if local::is_change(error) && self.more_rounds.load(Ordering::Relaxed) {
            self.lock().push(item);
        } else if error.kind() == io::ErrorKind::NotFound {
            self.refused(&item.action, error.into(), "it was removed meanwhile");
        } else {
            self.refused(&item.action, error.into(), error.to_string());
        }
    }

    /// Sending failed. If the file has changed, or Dropbox has lost its session, it gets another round.
    pub fn unsent(&self, item: Item, error: &Error) {
        match error {
            Error::Changed => self.unread(item, &io::Error::other(local::Changed)),
            error if (is_lost(error) || is_damaged(error)) && self.more_rounds.load(Ordering::Relaxed) => {
                self.lock().push(item)
            }
            error => self.failed(&item.action, error),
        }
    }

    /// The files that changed since the last time.
    pub fn take_changed(&self, last: bool) -> Vec<Item> {
        self.more_rounds.store(!last, Ordering::Relaxed);
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Item>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether bytes arrived that weren't those of their hash: damaged on the way, or changed between two looks.
pub(super) fn is_damaged(error: &Error) -> bool {
    error
        .route()
        .is_some_and(|e| e.ends_with(&["content_hash_mismatch"]))
}

/// Whether an upload session is of no use any more.
pub(super) fn is_lost(error: &Error) -> bool {
    let is_gone = |e: &shared::api::error::RouteError| {
        ["not_found", "incorrect_offset", "closed", "not_closed"]
            .iter()
            .any(|tag| e.has(tag))
            || e.has("concurrent_session_missing_data")
    };
    error.route().is_some_and(is_gone)
}
