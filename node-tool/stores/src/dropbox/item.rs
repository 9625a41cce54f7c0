//! A file being uploaded, and its outcome: reported, or kept for another round if the file changed meanwhile.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use dropbox::{DropboxPath, Error, Flow, Watch};
use engine::{
    Retry,
    entry::FileMeta,
    error::{Changed, is_change},
    plan::{Step, StepId},
    run::{Arrived, Event, Run},
};
use parking_lot::Mutex;
use shared::{
    api::{error::RouteError, files::Relocated},
    raw,
};

use super::error::dropbox_error;
use crate::local::{self, local_error};

/// Minimum size in bytes of files whose progress is reported.
const REPORTED_BYTES: u64 = 32 << 20;

/// Returns the path for progress events, if the file is large enough.
pub(super) fn reported(step: &Step, meta: &FileMeta) -> Option<StepId> {
    (meta.size_bytes >= REPORTED_BYTES).then_some(step.id)
}

/// The two roots of an upload.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) from: local::Root,
    pub(super) to: DropboxPath,
    /// Whether symlinks of the source are followed.
    pub(super) follows: bool,
    /// Whether a file that is no longer what was listed is reported, rather than sent as it is now.
    pub(super) only_listed: bool,
}

/// A file being uploaded. There may be a million of them.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) step: Step,
    pub(super) roots: Arc<Roots>,
}

impl Item {
    /// Returns where it is here.
    pub(super) fn path(&self) -> PathBuf {
        raw::join(self.roots.from.path(), &self.step.from)
    }

    /// Opens it for reading.
    pub(super) fn open(&self) -> io::Result<local::Source> {
        if self.roots.follows {
            local::Source::open(&self.path())
        } else {
            local::Source::open_below(&self.roots.from, &self.step.from)
        }
    }

    /// Opens it for reading, if it still has its planned size, and its time where that counts.
    pub(super) fn open_as_planned(&self) -> io::Result<local::Source> {
        let source = self.open()?;
        let planned = &self.step.meta;
        let is_listed = !self.roots.only_listed || source.info.modified == planned.modified;
        match source.info.size_bytes == planned.size_bytes && is_listed {
            true => Ok(source),
            false => Err(io::Error::other(Changed)),
        }
    }

    /// Returns where it goes.
    pub(super) fn target(&self) -> DropboxPath {
        self.roots.to.join(&self.step.to)
    }

    /// Returns the path for progress events, if the file is large enough.
    pub(super) fn reported(&self) -> Option<StepId> {
        reported(&self.step, &self.step.meta)
    }
}

/// Returns a callback that reports the progress of a call.
pub(super) fn watch(run: &Run, of: Option<StepId>) -> Watch {
    let run = run.clone();
    Arc::new(move |flow| match flow {
        Flow::Sent(bytes) => run.moved(of, bytes),
        Flow::Returned(bytes) => run.returned(of, bytes),
    })
}

/// Reports that a file was copied, its size in bytes and what else is known of it then.
pub(super) fn copied(run: &Run, step: &Step, bytes: u64, file: Arrived) {
    run.report(
        step.id,
        Event::Copied {
            bytes,
            replaced: step.replaces.is_some(),
            file,
        },
    );
}

/// Reports that the server copied a file by itself: all its bytes at once. Its hash is the one that was listed, where the answer has
/// none.
pub(super) fn copied_by_server(run: &Run, step: &Step, made: Relocated) {
    run.moved(None, step.meta.size_bytes);
    let file = Arrived {
        checksum: made.content_hash.or(step.meta.checksum()),
        version: made.rev.map(Into::into),
        ..Arrived::default()
    };
    copied(run, step, step.meta.size_bytes, file);
}

/// Reports that Dropbox failed.
pub(super) fn failed(run: &Run, step: &Step, error: &Error) {
    run.report(step.id, Event::Failed(dropbox_error(error.clone())));
}

/// Reports that something else failed.
pub(super) fn refused(run: &Run, step: &Step, retry: Retry, reason: impl Into<String>) {
    run.report(step.id, Event::Failed(engine::Error::new(retry, reason)));
}

/// Where outcomes of uploads go.
pub(super) struct Outcomes<'a> {
    pub(super) run: &'a Run,
    changed: Mutex<Vec<Item>>,
    /// Whether files that changed may be tried again.
    more_rounds: AtomicBool,
}

impl<'a> Outcomes<'a> {
    /// Returns one that reports to a run.
    pub(super) fn new(run: &'a Run) -> Self {
        Self {
            run,
            changed: Mutex::default(),
            more_rounds: AtomicBool::new(true),
        }
    }

    /// Reports a file that could not be read: if that is because it changed, it gets another round.
    pub(super) fn unread(&self, item: Item, error: io::Error) {
        let may_change = !item.roots.only_listed && self.more_rounds.load(Ordering::Relaxed);
        if is_change(&error) && may_change {
            self.changed.lock().push(item);
            return;
        }
        let is_gone = error.kind() == io::ErrorKind::NotFound;
        let mut error = local_error(error);
        if is_gone {
            error = error.with_message("it was removed meanwhile");
        }
        self.run.report(item.step.id, Event::Failed(error));
    }

    /// Reports a file that could not be sent. If the file has changed, or Dropbox has lost its session, it gets another round.
    pub(super) fn unsent(&self, item: Item, error: &Error) {
        match error {
            Error::Changed => self.unread(item, io::Error::other(Changed)),
            error if (is_lost(error) || is_damaged(error)) && self.more_rounds.load(Ordering::Relaxed) => {
                self.changed.lock().push(item);
            }
            error => failed(self.run, &item.step, error),
        }
    }

    /// Returns the files that changed since the last time; after the `last` time, changes are failures.
    pub(super) fn take_changed(&self, last: bool) -> Vec<Item> {
        self.more_rounds.store(!last, Ordering::Relaxed);
        std::mem::take(&mut *self.changed.lock())
    }
}

/// Returns whether the bytes that arrived didn't match their hash: damaged on the way, or changed between two reads.
pub(super) fn is_damaged(error: &Error) -> bool {
    error
        .route()
        .is_some_and(|e| e.ends_with(&["content_hash_mismatch"]))
}

/// Returns whether an upload session is no longer usable.
pub(super) fn is_lost(error: &Error) -> bool {
    let is_gone = |e: &RouteError| {
        ["not_found", "incorrect_offset", "closed", "not_closed"]
            .iter()
            .any(|tag| e.has(tag))
            || e.has("concurrent_session_missing_data")
    };
    error.route().is_some_and(is_gone)
}
