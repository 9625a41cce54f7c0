//! Every call written down, for tests and benchmarks to count.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

/// One call.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The route, such as `files/upload`, or the path for pages.
    pub route: String,
    /// The host it was sent to, as written.
    pub host: String,
    /// The answer's status; 0 when the connection was cut.
    pub status: u16,
    /// Entries of a batch or a page.
    pub entries: usize,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body, if known when it began.
    pub bytes_out: u64,
    /// When it came, in milliseconds since the sandbox began.
    pub at_ms: u64,
    /// How long until the answer began.
    pub took_ms: u64,
    /// The number of the connection.
    pub connection: u64,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// The error's tags, or what was said.
    pub tag: Option<String>,
}

/// All calls so far.
#[derive(Debug)]
pub struct Record {
    began: Instant,
    entries: Mutex<Vec<Entry>>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            entries: Mutex::default(),
        }
    }
}

impl Record {
    /// Milliseconds since the beginning.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Writes a call down.
    pub fn push(&self, entry: Entry) {
        self.lock().push(entry);
    }

    /// All calls.
    pub fn all(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// How often each route was called.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.lock().iter() {
            *counts.entry(entry.route.clone()).or_default() += 1;
        }
        counts
    }

    /// Forgets all calls.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
