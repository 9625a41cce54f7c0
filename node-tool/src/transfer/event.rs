//! What the engine says while it works. Who listens is not its business.

use std::sync::Arc;

use crate::{
    dropbox::{Error, Flow, Watch},
    failed::FailedFile,
    plan::Action,
};

/// From this size on, a file is worth a bar of its own, in bytes.
const BIG_BYTES: u64 = 32 << 20;

/// A file that takes a while.
#[derive(Debug, PartialEq, Eq)]
pub struct BigFile {
    /// Its path in the source.
    pub path: String,
    /// In bytes.
    pub size_bytes: u64,
}

impl BigFile {
    /// The file of an action, if it is big.
    pub(super) fn of(action: &Action) -> Option<Arc<Self>> {
        let size_bytes = action.source.size_bytes;
        (size_bytes >= BIG_BYTES).then(|| {
            Arc::new(Self {
                path: action.from.clone(),
                size_bytes,
            })
        })
    }
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Bytes of file content arrived on the other side.
    Moved {
        /// How many.
        bytes: u64,
        /// Whose, if it is a big file: one of many small ones is not worth showing.
        of: Option<Arc<BigFile>>,
    },
    /// Bytes that had moved have to go once more.
    Returned {
        /// How many.
        bytes: u64,
        /// Whose, if it is a big file.
        of: Option<Arc<BigFile>>,
    },
    /// A file is there, whole and right.
    Copied {
        /// Its path.
        path: String,
        /// Its size.
        bytes: u64,
        /// Whether it replaced another.
        replaced: bool,
    },
    /// The hash showed that a file is there already.
    Same {
        /// Its path.
        path: String,
    },
    /// A file could not be copied.
    Failed {
        /// Which, and why.
        file: FailedFile,
        /// Set when it was Dropbox that failed.
        error: Option<Error>,
    },
}

/// Takes events, from any task.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// Tells a listener how the bytes of a call go.
pub(super) fn watch(listener: &Listener, of: Option<Arc<BigFile>>) -> Watch {
    let listener = Arc::clone(listener);
    Arc::new(move |flow| {
        let of = of.clone();
        listener(match flow {
            Flow::Sent(bytes) => Event::Moved { bytes, of },
            Flow::Returned(bytes) => Event::Returned { bytes, of },
        });
    })
}
