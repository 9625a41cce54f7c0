//! Carries a plan out. Several files at once; one file's failure is that file's outcome and nobody else's.
//!
//! `upload`, `download`, `relocate` (on the server) and `relay` (between two accounts) each know one direction; `small` and
//! `session` are the two ways up, `ranges` and `zips` the two ways down, `commit` makes files of what was sent, `event` says
//! what happens to whoever listens.

mod budget;
mod commit;
mod cut;
mod download;
mod event;
mod journal;
mod outcome;
mod ranges;
mod relay;
mod relocate;
mod session;
mod sessions;
mod settle;
mod small;
mod upload;
mod zips;

pub use download::download;
pub use event::{BigFile, Event, Listener};
pub use journal::{Noted, noted};
pub use outcome::{Halt, Underway};
pub use relay::relay;
pub use relocate::relocate;
pub use settle::{Local, settle};
pub use upload::upload;

use std::path::PathBuf;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{limits::OpenFiles, plan::Weights};

/// What a call takes in memory whose bytes are read or written while they move.
const STREAM_BYTES: u64 = 3 << 19;

/// Does work that waits for the disk, while others go on. A panic in it is one here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await, // the runtime ends, and everything with it
        },
    }
}

/// What a run may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Files, or pieces of files, under way at once.
    pub transfers: usize,
    /// Bytes of file content in memory at once.
    pub memory_bytes: usize,
    /// Whether files that say where a symlink leads become symlinks.
    pub links: bool,
    /// Whether symlinks of the source are followed.
    pub follows: bool,
    /// Whether what is newer in the target, or came there meanwhile, is replaced.
    pub overwrite_newer: bool,
    /// What is in the source's folders, if those of many small files may come as zips.
    pub zip: Option<Weights>,
    /// When nothing new is to be begun any more.
    pub halt: Halt,
    /// Files of content that are open at once.
    pub open_files: usize,
    /// Where it is noted what has arrived of big files; without it an interrupted one starts anew.
    pub state: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transfers: 16,
            memory_bytes: 40 << 20,
            links: false,
            follows: false,
            overwrite_newer: false,
            zip: None,
            halt: Halt::default(),
            open_files: OpenFiles::here().files,
            state: None,
        }
    }
}

/// Bytes of memory, handed out by the KiB.
#[derive(Debug)]
struct Memory {
    kibibytes: Semaphore,
    most: u32,
}

impl Memory {
    fn new(bytes: usize) -> Self {
        let most = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).max(1);
        Self {
            kibibytes: Semaphore::new(most as usize),
            most,
        }
    }

    /// Never more than there is.
    fn kibibytes(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(1024))
            .unwrap_or(u32::MAX)
            .clamp(1, self.most)
    }

    /// Waits until `bytes` may be used.
    async fn take(&self, bytes: u64) -> SemaphorePermit<'_> {
        match self.kibibytes.acquire_many(self.kibibytes(bytes)).await {
            Ok(permit) => permit,
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    /// If `bytes` may be used now.
    fn try_take(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        self.kibibytes.try_acquire_many(self.kibibytes(bytes)).ok()
    }
}
