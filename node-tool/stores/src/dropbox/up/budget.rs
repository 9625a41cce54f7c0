//! How large the header of an `append_batch` may be. That is not documented, and a proxy on the way may allow less than
//! Dropbox: it starts within 8 KiB for all headers together, grows by trying one call at a time, and goes back when one is
//! refused.

use parking_lot::{Mutex, MutexGuard};

use shared::api::files::MAX_BATCH_ENTRIES;

/// The size of all headers together, at first.
const FIRST: usize = 8 * 1024;
/// Envoy's default limit for all headers together is 60 KiB.
const LAST: usize = 56 * 1024;
/// What HTTP, the route and our user agent take.
const COMMON: usize = 450;
/// One entry of the argument, with a session id of 69 characters and a length of 7 digits, and its comma.
const ENTRY_BYTES: usize = 138;
/// Limits closer than this fraction of what is known to pass are not distinguished: each probe costs a call.
const GRAIN: usize = 4;

/// The numbers of entries that have been found to pass.
#[derive(Debug)]
pub(super) struct Budget(Mutex<State>);

#[derive(Debug)]
struct State {
    /// This number has passed, or is believed to.
    good: usize,
    /// Whether it has passed.
    proven: bool,
    /// This number was refused, or is believed to be.
    bad: usize,
    /// Whether it was refused.
    was_refused: bool,
    /// Whether a call that tries more is in flight.
    trying: bool,
}

impl State {
    /// Returns whether what passes and what doesn't are close enough.
    fn is_near(&self) -> bool {
        let grain = if self.was_refused {
            (self.good / GRAIN).max(1)
        } else {
            1
        };
        self.bad - self.good <= grain
    }
}

impl Budget {
    /// Returns a budget for a given number of bytes of headers besides the argument, such as the token.
    pub(super) fn new(other_bytes: usize) -> Self {
        let entries = |bytes: usize| {
            let left = bytes.saturating_sub(other_bytes + COMMON);
            (left / ENTRY_BYTES).clamp(1, MAX_BATCH_ENTRIES)
        };
        Self(Mutex::new(State {
            good: entries(FIRST),
            proven: false,
            bad: entries(LAST) + 1,
            was_refused: false,
            trying: false,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Returns the number that is known to pass.
    pub(super) fn good(&self) -> usize {
        self.lock().good
    }

    /// Returns whether this number has passed in a call.
    pub(super) fn has_passed(&self, entries: usize) -> bool {
        let state = self.lock();
        state.proven && entries <= state.good
    }

    /// Returns the number of files for the next call, if there are `waiting`; one call at a time tries more than is known to pass.
    pub(super) fn entries(&self, waiting: usize) -> usize {
        let state = &mut *self.lock();
        let next = if state.was_refused {
            state.good.midpoint(state.bad)
        } else {
            (state.good * 2).min(state.bad - 1)
        };
        let worth = next > state.good && !state.is_near();
        if state.proven && !state.trying && worth && waiting > state.good {
            state.trying = true;
            return next;
        }
        state.good
    }

    /// Returns whether the limit is known well enough.
    pub(super) fn is_settled(&self) -> bool {
        let state = self.lock();
        state.proven && state.is_near()
    }

    /// Records that a call with this number passed.
    pub(super) fn passed(&self, entries: usize) {
        let state = &mut *self.lock();
        if entries > state.good {
            state.good = entries;
            state.trying = false;
        }
        state.proven |= entries >= state.good;
    }

    /// Records that a call with this number was refused. Returns how many to try instead.
    pub(super) fn refused(&self, entries: usize) -> usize {
        let state = &mut *self.lock();
        state.bad = state.bad.min(entries);
        state.was_refused = true;
        if state.good >= state.bad {
            state.good = (entries / 2).max(1);
            state.proven = false;
        }
        state.trying = false;
        state.good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends so many files through a server that takes `most` entries: calls in all.
    fn calls(files: usize, most: usize) -> usize {
        let budget = Budget::new(300);
        let (mut left, mut calls) = (files, 0);
        while left > 0 {
            let mut entries = budget.entries(left).min(left);
            calls += 1;
            while entries > most {
                entries = budget.refused(entries).min(left);
                calls += 1;
            }
            budget.passed(entries);
            left -= entries;
        }
        calls
    }

    #[test]
    fn few_calls_are_wasted_wherever_the_limit_is() {
        for (most, at_most) in [(1000, 10), (350, 12), (120, 24), (52, 47), (20, 110), (1, 2010)] {
            let made = calls(2000, most);
            assert!(made <= at_most, "{most} at once: {made} calls");
        }
    }

    #[test]
    fn one_call_at_a_time_tries_more() {
        let budget = Budget::new(300);
        let first = budget.entries(2000);
        assert_eq!(budget.entries(2000), first, "nothing is known yet");
        budget.passed(first);
        assert_eq!(budget.entries(2000), 2 * first);
        assert_eq!(budget.entries(2000), first);
        budget.refused(2 * first);
        assert!(!budget.is_settled());
        let third = budget.entries(2000);
        assert!(first < third && third < 2 * first, "{third}");
        assert_eq!(budget.entries(3), first, "there is nothing to try it with");
    }
}
