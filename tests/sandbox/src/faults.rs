//! Faults on request: which call is to fail, and how.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Kind {
    /// A status with a short text, or with an HTML page as a proxy sends it.
    Status {
        /// The status.
        status: u16,
        /// As a page.
        #[serde(default)]
        html: bool,
    },
    /// 429, as JSON with a wait or as bare text.
    TooMany {
        /// Seconds to wait, in header and body.
        #[serde(default)]
        retry_after: Option<u64>,
        /// As text, without the header.
        #[serde(default)]
        plain: bool,
    },
    /// 429 `too_many_write_operations`.
    Contention,
    /// 409 with this error.
    Route {
        /// The route's error, with its `.tag`.
        error: Value,
    },
    /// 403 with this error.
    Access {
        /// The AccessError.
        error: Value,
    },
    /// The connection is cut before anything is done.
    CutBefore,
    /// The connection is cut while the body comes in.
    CutDuring,
    /// The work is done, then the connection is cut.
    CutAfter,
    /// The answer's body ends half way.
    Truncate,
    /// A bit of what is carried is wrong: of a download's or an upload's bytes, or of an answer's JSON.
    Flip,
    /// The first entry of a batch fails with this error, the others are done.
    Entry {
        /// The entry's error, with its `.tag`.
        error: Value,
    },
    /// The answer comes this much later.
    Stall {
        /// Milliseconds.
        millis: u64,
    },
    /// A download's body comes in small pieces with pauses.
    Drip {
        /// Milliseconds between pieces of 1 KiB.
        millis: u64,
    },
    /// 200 with something that isn't JSON.
    Garbage,
    /// 200 with the page of a hotel's network.
    Portal,
    /// Whatever a server may say that isn't Dropbox, or is out of its mind; `{n}` in the body is another number each time.
    Answer {
        /// The status.
        status: u16,
        /// Its headers.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// Its body.
        body: String,
    },
    /// 200 with a JSON string that is tiny on the wire and this large once it is unpacked.
    Bomb {
        /// Its size.
        mebibytes: usize,
    },
    /// The work is done, and this text, which need not be JSON, is put before the entries of the answer.
    Odd {
        /// An entry.
        entry: String,
    },
    /// All access tokens have just expired.
    Expire,
    /// The person has just disconnected the app.
    Revoke,
    /// All upload sessions are gone.
    LoseSessions,
    /// All cursors answer `reset`.
    ResetCursors,
    /// All links have just been revoked.
    EndLinks,
    /// The owners of all folders that others share with the account take that back.
    Withdraw,
    /// The account's shared folders are unmounted.
    Unmount,
}

/// Which calls go wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// The route, or `*`.
    pub route: String,
    /// The first call of that route from now on that goes wrong, counted from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many calls go wrong.
    #[serde(default = "one")]
    pub times: u32,
    /// How.
    pub kind: Kind,
    #[serde(skip)]
    seen: u32,
}

fn one() -> u32 {
    1
}

impl Fault {
    /// The next call of a route goes wrong in this way.
    pub fn on(route: &str, kind: Kind) -> Self {
        Self {
            route: route.to_owned(),
            nth: 1,
            times: 1,
            kind,
            seen: 0,
        }
    }

    /// Only from the n-th call on.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// So many calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// All faults that are set.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds one.
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// Removes all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// What happens to this call of a route.
    pub fn next(&self, route: &str) -> Option<Kind> {
        let mut hit = None;
        for fault in self
            .lock()
            .iter_mut()
            .filter(|fault| fault.route == "*" || fault.route == route)
        {
            fault.seen += 1;
            if hit.is_none() && fault.seen >= fault.nth && fault.seen - fault.nth < fault.times {
                hit = Some(fault.kind.clone());
            }
        }
        hit
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_hit_the_calls_they_name() {
        let faults = Faults::default();
        faults.add(Fault::on("a", Kind::CutAfter).nth(2).times(2));
        let hits: Vec<bool> = (0..5).map(|_| faults.next("a").is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert_eq!(faults.next("b"), None);
    }
}
