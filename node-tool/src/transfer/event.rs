//! What the engine says while it works. Who listens is not its business.

use std::sync::Arc;

use crate::dropbox::Error;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Bytes of file content arrived on the other side.
    Moved {
        /// How many.
        bytes: u64,
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
        /// Its path.
        path: String,
        /// Why.
        reason: String,
        /// Set when it was Dropbox that failed.
        error: Option<Error>,
    },
}

/// Takes events, from any task.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;
