//! One adaptive limit that all requests of the process share.
//!
//! Requests take a lane each. The number of lanes starts modest and grows while more lanes carry more; it halves when
//! Dropbox asks to slow down or the network times out, and then grows by one a round only. A `Retry-After` stops
//! everything until it is over, since Dropbox counts refused calls too.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::Meter;

/// Lanes at the start.
const FIRST_LANES: usize = 16;
/// After one halving, others within this time are about the same event.
const CALM: Duration = Duration::from_secs(1);
/// A look at what the lanes carry takes at least this long.
const LOOK: Duration = Duration::from_millis(250);
/// What a call counts beside its bytes: its share of a connection that waits for the answer.
const CALL_BYTES: u64 = 32 * 1024;
/// More lanes must carry so much more to be worth it.
const WORTH: f64 = 1.1;

/// How long a halving is worth a word.
const RECENT: Duration = Duration::from_secs(10);

/// The limit.
#[derive(Debug)]
pub struct Pace {
    state: Mutex<State>,
    freed: Notify,
    most: usize,
    meter: Arc<Meter>,
}

#[derive(Debug)]
struct State {
    lanes: usize,
    busy: usize,
    /// Calls that went well since the last change.
    good: usize,
    /// Bytes that they carried, and themselves.
    carried: u64,
    since: Instant,
    /// The most that was carried in a second, and by how many lanes.
    best: (f64, usize),
    /// Growing is over: it didn't help any more, or there was trouble.
    grown: bool,
    halved_at: Option<Instant>,
    closed_until: Option<Instant>,
}

impl Pace {
    /// Never more than `most` requests at once.
    pub fn new(most: usize, meter: Arc<Meter>) -> Self {
        let most = most.max(1);
        let state = State {
            lanes: FIRST_LANES.min(most),
            busy: 0,
            good: 0,
            carried: 0,
            since: Instant::now(),
            best: (0.0, 0),
            grown: false,
            halved_at: None,
            closed_until: None,
        };
        Self {
            state: Mutex::new(state),
            freed: Notify::new(),
            most,
            meter,
        }
    }

    /// The rates that the user set.
    pub(super) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// The most lanes there can be.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many lanes there are now.
    pub(super) fn lanes(&self) -> usize {
        self.lock().lanes
    }

    /// Waits for a lane; it is given back when the result is dropped.
    pub async fn lane(&self) -> Lane<'_> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            match self.try_lane() {
                Ok(lane) => {
                    self.meter.call().await;
                    return lane;
                }
                Err(Some(wait)) => tokio::time::sleep(wait).await,
                Err(None) => freed.await,
            }
        }
    }

    /// A lane, or how long the gate is closed, or nothing if all lanes are busy.
    fn try_lane(&self) -> Result<Lane<'_>, Option<Duration>> {
        let mut state = self.lock();
        if let Some(wait) = state
            .closed_until
            .and_then(|until| until.checked_duration_since(Instant::now()))
        {
            return Err(Some(wait.max(Duration::from_millis(1))));
        }
        if state.busy >= state.lanes {
            return Err(None);
        }
        state.busy += 1;
        Ok(Lane { pace: self })
    }

    /// A request went well.
    pub fn went_well(&self) {
        let mut state = self.lock();
        state.good += 1;
        state.carried += CALL_BYTES;
        if state.good < state.lanes || state.lanes >= self.most {
            return;
        }
        if state.grown {
            state.good = 0;
            // After trouble: slowly. After the best was found: not at all.
            if state.halved_at.is_none() || state.lanes >= state.best.1.max(1) {
                return;
            }
            state.lanes += 1;
            drop(state);
            return self.freed.notify_one();
        }
        let now = Instant::now();
        let took = now.duration_since(state.since);
        if took < LOOK {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = state.carried as f64 / took.as_secs_f64();
        if rate > state.best.0 * WORTH {
            state.best = (rate, state.lanes);
            state.lanes = (state.lanes * 3 / 2 + 1).min(self.most);
        } else {
            state.lanes = state.best.1;
            state.grown = true;
        }
        (state.good, state.carried, state.since) = (0, 0, now);
        drop(state);
        self.freed.notify_waiters();
    }

    /// Content moved, either way.
    pub(super) fn moved(&self, bytes: u64) {
        self.lock().carried += bytes;
    }

    /// Dropbox or the network is overloaded: fewer lanes, and none at all for `pause`.
    pub fn slow_down(&self, pause: Option<Duration>) {
        let mut state = self.lock();
        let now = Instant::now();
        if state.halved_at.is_none_or(|at| now.duration_since(at) > CALM) {
            state.best.1 = state.best.1.max(state.lanes);
            state.lanes = (state.lanes / 2).max(1);
            state.grown = true;
            state.halved_at = Some(now);
            state.good = 0;
        }
        if let Some(pause) = pause {
            let until = now.checked_add(pause);
            state.closed_until = state.closed_until.max(until);
        }
    }

    /// What slows the calls down now, in plain words.
    pub fn weather(&self) -> Option<String> {
        let state = self.lock();
        let now = Instant::now();
        if let Some(left) = state
            .closed_until
            .and_then(|until| until.checked_duration_since(now))
        {
            return Some(format!("Dropbox says wait {} s", left.as_secs() + 1));
        }
        let is_recent = state.halved_at.is_some_and(|at| now.duration_since(at) < RECENT);
        is_recent.then(|| format!("going slower, {} at once", state.lanes))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The right to have one request under way.
#[derive(Debug)]
pub struct Lane<'a> {
    pace: &'a Pace,
}

impl Lane<'_> {
    /// The rates that the user set.
    pub(super) fn meter(&self) -> &Meter {
        &self.pace.meter
    }

    /// Content moved on it.
    pub(super) fn moved(&self, bytes: usize) {
        self.pace.moved(bytes as u64);
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.pace.lock().busy -= 1;
        self.pace.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_trouble_lanes_grow_one_by_one() {
        let pace = Pace::new(10, Arc::default());
        assert_eq!(pace.lock().lanes, 10);
        pace.slow_down(None);
        pace.slow_down(None);
        assert_eq!(pace.lock().lanes, 5);
        (0..5).for_each(|_| pace.went_well());
        assert_eq!(pace.lock().lanes, 6);
        (0..1000).for_each(|_| pace.went_well());
        assert_eq!(pace.lock().lanes, 10);
    }

    #[test]
    fn lanes_grow_while_more_carry_more() {
        let pace = Pace::new(100, Arc::default());
        let round = |bytes: u64| {
            pace.lock().since = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
            pace.moved(bytes);
            let lanes = pace.lock().lanes;
            (0..lanes).for_each(|_| pace.went_well());
            pace.lock().lanes
        };
        assert_eq!(round(100 << 20), 25);
        assert_eq!(round(150 << 20), 38);
        assert_eq!(round(152 << 20), 25, "it didn't help");
        assert_eq!(round(900 << 20), 25);
    }

    #[test]
    fn a_closed_gate_and_full_lanes_give_nothing() {
        let pace = Pace::new(1, Arc::default());
        let lane = pace.try_lane().unwrap();
        assert_eq!(pace.try_lane().unwrap_err(), None);
        drop(lane);
        pace.slow_down(Some(Duration::from_secs(1000)));
        assert!(pace.try_lane().unwrap_err().unwrap() > Duration::from_secs(900));
    }
}
