//! How many calls may be under way: one adaptive limit that all calls of a login share.
//!
//! Each call holds a permit. The number of permits starts modest and grows while more of them carry more; it halves when Dropbox
//! asks to slow down or the network times out, and grows by one a round from then on (additive increase, multiplicative decrease).
//! A `Retry-After` stops everything until it is over, since Dropbox counts refused calls too.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::rate::RateLimiter;

/// Permits at the start.
const INITIAL_PERMITS: usize = 16;
/// Reasons to halve the limit that follow one within this time are about the same event, and count once.
const BACKOFF_WINDOW: Duration = Duration::from_secs(1);
/// Minimum time over which it is measured what the permits carry.
const SAMPLE_PERIOD: Duration = Duration::from_millis(250);
/// What a call counts for besides its bytes: its share of a connection that waits for the answer.
const CALL_BYTES: u64 = 32 * 1024;
/// How many times as much more permits must carry for the limit to grow on.
const WORTHWHILE_GAIN: f64 = 1.1;
/// How long a halving is reported as the reason of slow progress.
const RECENT: Duration = Duration::from_secs(10);
/// How often it is looked for a pause that other processes were asked for.
const BOARD_PERIOD: Duration = Duration::from_millis(250);

/// Where processes of one login share the pauses that Dropbox asks for.
pub trait PauseBoard: std::fmt::Debug + Send + Sync {
    /// Asks the others to send nothing for this long.
    fn publish(&self, pause: Duration);

    /// Returns how long nothing should be sent from now on. `None` means that calls may begin.
    fn current(&self) -> Option<Duration>;
}

/// Limits how many calls are under way at once.
#[derive(Debug)]
pub(crate) struct ConcurrencyLimit {
    state: Mutex<State>,
    freed: Notify,
    max_permits: usize,
    rates: Arc<RateLimiter>,
    board: Option<Arc<dyn PauseBoard>>,
}

#[derive(Debug)]
struct State {
    permits: usize,
    in_use: usize,
    /// Calls that succeeded since the limit changed last.
    successes: usize,
    /// Bytes that they moved, and [`CALL_BYTES`] for each.
    carried_bytes: u64,
    /// When counting `carried_bytes` began.
    sample_began: Instant,
    /// The most that was carried, in bytes a second, and by how many permits.
    best: (f64, usize),
    /// Fast growing is over: it didn't help any more, or there was a reason to back off.
    is_grown: bool,
    halved_at: Option<Instant>,
    /// No call may begin before this.
    paused_until: Option<Instant>,
    /// When the board was looked at. `None` means never.
    board_seen_at: Option<Instant>,
}

impl State {
    /// Returns how long no call may begin. `None` if one may now.
    fn pause(&self, now: Instant) -> Option<Duration> {
        self.paused_until?.checked_duration_since(now)
    }

    /// Grows by one permit after each round of successes, up to where the limit was before it was halved.
    fn grow_slowly(&mut self) -> bool {
        self.successes = 0;
        // Where growing ended because more permits didn't carry more, there is nothing to win back.
        let wins_back = self.halved_at.is_some() && self.permits < self.best.1.max(1);
        self.permits += usize::from(wins_back);
        wins_back
    }

    /// Grows by half as long as that pays, else goes back to the best number of permits.
    fn grow_fast(&mut self, took: Duration, max_permits: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = self.carried_bytes as f64 / took.as_secs_f64();
        if rate > self.best.0 * WORTHWHILE_GAIN {
            self.best = (rate, self.permits);
            self.permits = (self.permits * 3 / 2 + 1).min(max_permits);
        } else {
            self.permits = self.best.1;
            self.is_grown = true;
        }
        (self.successes, self.carried_bytes) = (0, 0);
    }
}

impl ConcurrencyLimit {
    /// Allows at most `max_permits` calls at once, which also keep to `rates`.
    pub(crate) fn new(max_permits: usize, rates: Arc<RateLimiter>) -> Self {
        let max_permits = max_permits.max(1);
        let state = State {
            permits: INITIAL_PERMITS.min(max_permits),
            in_use: 0,
            successes: 0,
            carried_bytes: 0,
            sample_began: Instant::now(),
            best: (0.0, 0),
            is_grown: false,
            halved_at: None,
            paused_until: None,
            board_seen_at: None,
        };
        Self {
            state: Mutex::new(state),
            freed: Notify::new(),
            max_permits,
            rates,
            board: None,
        }
    }

    /// Shares pauses with other processes.
    pub(crate) fn share(&mut self, board: Arc<dyn PauseBoard>) {
        self.board = Some(board);
    }

    /// Heeds a pause that another process was asked for. The board may be a file: it is looked at without holding the state.
    fn look_at_board(&self) {
        let Some(board) = &self.board else { return };
        let now = Instant::now();
        {
            let mut state = self.lock();
            let is_recent = |seen: Instant| now.duration_since(seen) < BOARD_PERIOD;
            if state.board_seen_at.is_some_and(is_recent) {
                return;
            }
            state.board_seen_at = Some(now);
        }
        let until = board.current().and_then(|pause| now.checked_add(pause));
        let mut state = self.lock();
        state.paused_until = state.paused_until.max(until);
    }

    /// Returns the rates that calls keep to.
    pub(crate) fn rates(&self) -> &Arc<RateLimiter> {
        &self.rates
    }

    /// Returns how many permits there can be at most.
    pub(crate) fn max_permits(&self) -> usize {
        self.max_permits
    }

    /// Returns how many permits there are now.
    pub(crate) fn permits(&self) -> usize {
        self.lock().permits
    }

    /// Waits for a permit. It is given back when the result is dropped.
    pub(crate) async fn acquire(&self) -> Permit<'_> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            match self.try_acquire() {
                Ok(permit) => {
                    self.rates.wait_for_call().await;
                    return permit;
                }
                Err(Busy::Paused(wait)) => tokio::time::sleep(wait).await,
                Err(Busy::AllInUse) => freed.await,
            }
        }
    }

    fn try_acquire(&self) -> Result<Permit<'_>, Busy> {
        self.look_at_board();
        let mut state = self.lock();
        if let Some(wait) = state.pause(Instant::now()) {
            return Err(Busy::Paused(wait.max(Duration::from_millis(1))));
        }
        if state.in_use >= state.permits {
            return Err(Busy::AllInUse);
        }
        state.in_use += 1;
        Ok(Permit { limit: self })
    }

    /// Records that a call succeeded.
    pub(crate) fn succeeded(&self) {
        let mut state = self.lock();
        state.successes += 1;
        state.carried_bytes += CALL_BYTES;
        if state.successes < state.permits || state.permits >= self.max_permits {
            return;
        }
        if state.is_grown {
            if state.grow_slowly() {
                drop(state);
                self.freed.notify_one();
            }
            return;
        }
        let now = Instant::now();
        let took = now.duration_since(state.sample_began);
        if took < SAMPLE_PERIOD {
            return;
        }
        state.grow_fast(took, self.max_permits);
        state.sample_began = now;
        drop(state);
        self.freed.notify_waiters();
    }

    /// Records that content moved, either way.
    pub(crate) fn carried(&self, bytes: u64) {
        self.lock().carried_bytes += bytes;
    }

    /// Dropbox or the network is overloaded: halves the limit, and lets no call begin for `pause`.
    pub(crate) fn back_off(&self, pause: Option<Duration>) {
        let mut state = self.lock();
        let now = Instant::now();
        let is_new = |at: Instant| now.duration_since(at) > BACKOFF_WINDOW;
        if state.halved_at.is_none_or(is_new) {
            state.best.1 = state.best.1.max(state.permits);
            state.permits = (state.permits / 2).max(1);
            state.is_grown = true;
            state.halved_at = Some(now);
            state.successes = 0;
        }
        if let Some(pause) = pause {
            state.paused_until = state.paused_until.max(now.checked_add(pause));
        }
        drop(state);
        if let Some((pause, board)) = pause.zip(self.board.as_ref()) {
            board.publish(pause);
        }
    }

    /// Returns what slows the calls down now, in words for people. `None` if nothing does.
    pub(crate) fn throttle_reason(&self) -> Option<String> {
        let state = self.lock();
        let now = Instant::now();
        if let Some(left) = state.pause(now) {
            return Some(format!("Dropbox says wait {} s", left.as_secs() + 1));
        }
        let is_recent = state.halved_at.is_some_and(|at| now.duration_since(at) < RECENT);
        is_recent.then(|| format!("going slower, {} at once", state.permits))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no permit now.
#[derive(Debug, PartialEq, Eq)]
enum Busy {
    /// No call may begin for this long.
    Paused(Duration),
    /// As many calls as are allowed are under way.
    AllInUse,
}

/// The right to have one call under way.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    limit: &'a ConcurrencyLimit,
}

impl Permit<'_> {
    /// Returns the rates that the call keeps to.
    pub(crate) fn rates(&self) -> &RateLimiter {
        &self.limit.rates
    }

    /// Records that content of the call moved.
    pub(crate) fn carried(&self, bytes: usize) {
        self.limit.carried(bytes as u64);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.limit.lock().in_use -= 1;
        self.limit.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_backing_off_permits_grow_one_by_one() {
        let limit = ConcurrencyLimit::new(10, Arc::default());
        assert_eq!(limit.permits(), 10);
        limit.back_off(None);
        limit.back_off(None);
        assert_eq!(limit.permits(), 5);
        (0..5).for_each(|_| limit.succeeded());
        assert_eq!(limit.permits(), 6);
        (0..1000).for_each(|_| limit.succeeded());
        assert_eq!(limit.permits(), 10);
    }

    /// A board in memory.
    #[derive(Debug, Default)]
    struct Board(Mutex<Option<Duration>>);

    impl PauseBoard for Board {
        fn publish(&self, pause: Duration) {
            *self.0.lock().unwrap() = Some(pause);
        }

        fn current(&self) -> Option<Duration> {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_pause_of_one_process_is_heeded_by_the_others() {
        let board: Arc<Board> = Arc::default();
        let limit = || {
            let mut limit = ConcurrencyLimit::new(4, Arc::default());
            limit.share(board.clone());
            limit
        };
        let (one, other) = (limit(), limit());
        assert!(other.try_acquire().is_ok());
        one.back_off(None);
        assert_eq!(board.current(), None, "others have no part in it");
        one.back_off(Some(Duration::from_secs(60)));
        assert!(matches!(limit().try_acquire(), Err(Busy::Paused(_))));
    }

    #[test]
    fn permits_grow_while_more_carry_more() {
        let limit = ConcurrencyLimit::new(100, Arc::default());
        let round = |bytes: u64| {
            limit.lock().sample_began = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
            limit.carried(bytes);
            (0..limit.permits()).for_each(|_| limit.succeeded());
            limit.permits()
        };
        assert_eq!(round(100 << 20), 25);
        assert_eq!(round(150 << 20), 38);
        assert_eq!(round(152 << 20), 25, "it didn't help");
        assert_eq!(round(900 << 20), 25);
    }

    #[test]
    fn there_is_no_permit_while_all_are_in_use_or_calls_pause() {
        let limit = ConcurrencyLimit::new(1, Arc::default());
        let permit = limit.try_acquire().unwrap();
        assert_eq!(limit.try_acquire().unwrap_err(), Busy::AllInUse);
        drop(permit);
        limit.back_off(Some(Duration::from_secs(1000)));
        let busy = limit.try_acquire().unwrap_err();
        assert!(matches!(busy, Busy::Paused(wait) if wait > Duration::from_secs(900)));
        assert!(limit.throttle_reason().unwrap().contains("wait"));
    }
}
