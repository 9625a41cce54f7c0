//! What a run reports while it works.

use crate::{error::Error, plan::StepId};

/// What a step is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The step.
    pub id: StepId,
    /// The path that it begins with.
    pub from: &'a str,
    /// The path that it ends with.
    pub to: &'a str,
    /// Size of its file in bytes, as it was listed.
    pub size_bytes: u64,
}

/// Something that happened to a step.
#[derive(Clone, Debug)]
pub enum Event {
    /// Bytes of its content arrived at the target.
    Moved {
        /// Number of bytes.
        bytes: u64,
    },
    /// Bytes that had moved have to be sent once more.
    Returned {
        /// Number of bytes.
        bytes: u64,
    },
    /// The file is in the target, whole and checked.
    Copied {
        /// Size in bytes that it has by now.
        bytes: u64,
        /// Whether it replaced another.
        replaced: bool,
    },
    /// The checksum showed that the file is in the target already.
    Unchanged,
    /// The file of the target has its new name.
    Renamed,
    /// The file of the target was moved to where backups are kept, instead of being deleted.
    BackedUp,
    /// The file of the target was deleted.
    Deleted,
    /// The folder of the target was removed.
    FolderRemoved,
    /// The folder of the target stays: it still holds something.
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

/// Hears what happens, from any task.
pub trait Observer: Send + Sync {
    /// Something happened. `None` means that it is about no single step: bytes of many small files, or the run.
    fn event(&self, subject: Option<Subject<'_>>, event: &Event);

    /// Copying begins, of so many files with so many bytes in all.
    fn copies_begin(&self, files: u64, bytes: u64) {
        let _ = (files, bytes);
    }

    /// Copying has ended.
    fn copies_end(&self) {}
}

/// Hears nothing.
impl Observer for () {
    fn event(&self, _: Option<Subject<'_>>, _: &Event) {}
}
