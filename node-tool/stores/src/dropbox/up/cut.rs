//! How much of a big file one call carries, and which calls to wait for when the run is stopped.
//!
//! Dropbox keeps either all of a call or none of it. So on a slow link calls are cut down to what is sent in seconds, and when a
//! person or a time limit stops the run, the calls that can't end in time are dropped in favour of those that can.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use shared::content_hash::BLOCK_BYTES;

/// How long one call should take.
const CALL_TIME: Duration = Duration::from_secs(6);
/// How long calls in flight may take when the run is stopped: a little less than the process has.
const SHUTDOWN_TIME: Duration = Duration::from_millis(4500);

/// The calls of a run that carry parts of big files.
#[derive(Debug)]
pub(super) struct Cut {
    state: Mutex<State>,
    /// Number of bytes that were handed to the network.
    sent: Arc<AtomicU64>,
    since: Instant,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes per second of one call.
    rate: Option<f64>,
    next: u64,
    open: HashMap<u64, Arc<AtomicU64>>,
    /// The calls that continue after the stop.
    kept: Option<Vec<u64>>,
}

/// A call in flight.
#[derive(Debug)]
pub(super) struct Open<'a> {
    cut: &'a Cut,
    number: u64,
    left: Arc<AtomicU64>,
    length: u64,
    /// When its first bytes were sent; before that it waits for others.
    began: Arc<OnceLock<Instant>>,
}

impl Cut {
    /// Returns an empty set; `rate` is what one call sends per second, if that is limited.
    pub(super) fn new(rate: Option<f64>) -> Self {
        let state = State {
            rate,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            sent: Arc::default(),
            since: Instant::now(),
        }
    }

    /// Returns how many of `length` bytes the next call should carry: whole blocks, and at least one.
    pub(super) fn length(&self, length: u64) -> u64 {
        let Some(rate) = self.lock().rate else {
            return length;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bound, in blocks"
        )]
        let blocks = (rate * CALL_TIME.as_secs_f64()) as u64 / BLOCK_BYTES;
        length.min(blocks.max(1).saturating_mul(BLOCK_BYTES))
    }

    /// Registers a call of `length` bytes.
    pub(super) fn open(&self, length: u64) -> Open<'_> {
        let left = Arc::new(AtomicU64::new(length));
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, Arc::clone(&left));
        Open {
            cut: self,
            number,
            left,
            length,
            began: Arc::default(),
        }
    }

    /// Returns the calls in flight that can end in time at the rate of all together, the most advanced first.
    fn choose(&self) -> Vec<u64> {
        let mut all: Vec<(u64, u64)> = {
            let state = self.lock();
            let left = |(number, left): (&u64, &Arc<AtomicU64>)| (left.load(Ordering::Relaxed), *number);
            state.open.iter().map(left).collect()
        };
        all.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = self.sent.load(Ordering::Relaxed) as f64 / self.since.elapsed().as_secs_f64().max(0.1);
        let mut room = rate * SHUTDOWN_TIME.as_secs_f64();
        let fits = |(left, _): &(u64, u64)| {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let left = *left as f64;
            room -= left;
            room >= 0.0
        };
        all.into_iter()
            .take_while(fits)
            .map(|(_, number)| number)
            .collect()
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Open<'_> {
    /// Records that bytes of it were handed to the network.
    pub(super) fn sent(&self) -> impl Fn(u64) + Send + Sync + 'static + use<> {
        let (left, all) = (Arc::clone(&self.left), Arc::clone(&self.cut.sent));
        let began = Arc::clone(&self.began);
        move |bytes| {
            began.get_or_init(Instant::now);
            all.fetch_add(bytes, Ordering::Relaxed);
            let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(bytes))
            });
        }
    }

    /// Records that it was answered, which shows how fast a call is.
    pub(super) fn answered(&self) {
        let Some(began) = self.began.get() else { return };
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = self.length as f64 / began.elapsed().as_secs_f64().max(0.001);
        let mut state = self.cut.lock();
        state.rate = Some(state.rate.map_or(rate, |old| (old * 3.0 + rate) / 4.0));
    }

    /// Returns whether to wait for its end now that the run is stopped.
    pub(super) fn is_worth_waiting_for(&self) -> bool {
        if self.began.get().is_none() {
            return false;
        }
        let kept = self.cut.lock().kept.clone();
        let kept = kept.unwrap_or_else(|| {
            let chosen = self.cut.choose();
            self.cut.lock().kept.get_or_insert(chosen).clone()
        });
        kept.contains(&self.number)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.cut.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_cut_to_what_is_sent_in_seconds() {
        let cut = Cut::new(None);
        assert_eq!(cut.length(32 << 20), 32 << 20, "nothing is known yet");
        for (rate, length, expected) in [
            (10_000.0, 32 << 20, 4 << 20),
            (2_000_000.0, 32 << 20, 8 << 20),
            (13_000_000.0, 32 << 20, 32 << 20),
            (10_000.0, 100, 100),
        ] {
            let cut = Cut::new(Some(rate));
            assert_eq!(cut.length(length), expected, "{rate}");
        }
    }

    #[test]
    fn after_a_halt_the_most_advanced_calls_are_waited_for() {
        let mut cut = Cut::new(None);
        cut.since = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        let calls: Vec<Open<'_>> = (0..4).map(|_| cut.open(8 << 20)).collect();
        // 22 MiB in 10 s: some 10 MiB can still be sent.
        for (call, mebibytes) in calls.iter().zip([7_u64, 1, 6, 8]) {
            call.sent()(mebibytes << 20);
        }
        let worth: Vec<bool> = calls.iter().map(Open::is_worth_waiting_for).collect();
        assert_eq!(worth, [true, false, true, true]);
        drop(calls);
        assert!(cut.lock().open.is_empty());
    }
}
