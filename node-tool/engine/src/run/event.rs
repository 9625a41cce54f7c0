//! What a run reports while it works.

use std::sync::Arc;

use shared::content_hash::ContentHash;

use crate::{
    digest::Digests,
    error::Error,
    plan::{StepId, StepKind},
};

/// The subject of an event.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The step.
    pub id: StepId,
    /// What it does.
    pub kind: StepKind,
    /// The path before the step.
    pub from: &'a str,
    /// The path after the step.
    pub to: &'a str,
    /// Size of its file in bytes, as it was listed.
    pub size_bytes: u64,
}

/// What is known of a file that arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// The store's name for its version in the target or, where the target keeps none, for that of the source. `None` if neither
    /// does, or the answer was lost.
    pub version: Option<Box<str>>,
    /// The checksum of its content.
    pub checksum: Option<ContentHash>,
    /// The digests that were asked for, where the bytes passed through this process.
    pub digests: Digests,
}

/// Something that happened to a step.
#[derive(Clone, Debug)]
pub enum Event {
    /// Bytes of its content arrived at the target.
    Moved {
        /// Number of bytes.
        bytes: u64,
    },
    /// Bytes that had arrived have to be sent again.
    Returned {
        /// Number of bytes.
        bytes: u64,
    },
    /// The file is in the target, complete and verified.
    Copied {
        /// Its current size in bytes.
        bytes: u64,
        /// Whether it replaced another.
        replaced: bool,
        /// What is known of it.
        file: Arrived,
    },
    /// The checksum showed that the file is in the target already.
    Unchanged,
    /// The file of the source was removed: its content is in the target.
    SourceDeleted,
    /// The folder of the target is there.
    FolderMade,
    /// The file of the target has its new name.
    Renamed {
        /// The store's name for its version then. `None` if it has none, or it isn't known.
        version: Option<Box<str>>,
    },
    /// The file of the target was moved to where backups are kept, instead of being deleted.
    BackedUp,
    /// The file of the target was deleted.
    Deleted,
    /// The folder of the target was removed.
    FolderRemoved,
    /// The folder of the target stays: it is not empty.
    FolderKept(Error),
    /// A cloud document was exported, and stays in the source: an export isn't all of it.
    DocumentKept {
        /// Its own path in the source.
        own_path: String,
    },
    /// It failed.
    Failed(Error),
    /// Nothing is deleted, since not everything could be copied. About the run, not a step.
    DeletesWithheld,
}

/// Is notified of what happens, from any task.
pub trait Observer: Send + Sync {
    /// Called for each event. `None` means that it is not about a single step: bytes of many small files, or the run.
    fn event(&self, subject: Option<Subject<'_>>, event: &Event);

    /// Called when copying begins, with the number of files and of bytes.
    fn copies_begin(&self, files: u64, bytes: u64) {
        let _ = (files, bytes);
    }

    /// Called when copying has ended.
    fn copies_end(&self) {}
}

/// Several observers, which are notified one after the other.
impl Observer for Vec<Arc<dyn Observer>> {
    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        self.iter().for_each(|observer| observer.event(subject, event));
    }

    fn copies_begin(&self, files: u64, bytes: u64) {
        self.iter()
            .for_each(|observer| observer.copies_begin(files, bytes));
    }

    fn copies_end(&self) {
        self.iter().for_each(|observer| observer.copies_end());
    }
}

/// An observer that ignores everything.
impl Observer for () {
    fn event(&self, _: Option<Subject<'_>>, _: &Event) {}
}
