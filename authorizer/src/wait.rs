//! Waits that a signal or the deadline of the login ends.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use shared::{exit, failure::Failure};

/// How often a wait looks for a signal.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Why a wait ended without a result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The deadline passed.
    Timeout,
    /// Ctrl-C or SIGTERM, or the login node that needs the result is gone.
    Interrupted,
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Timeout => {
                Self::new("the time ran out before the login was finished; nothing was granted")
                    .hint("run this again; --timeout 30m waits longer")
            }
            Stopped::Interrupted => Self::new("stopped before the login was finished; nothing was granted")
                .hint("run this again")
                .code(exit::INTERRUPTED),
        }
    }
}

/// Runs `work`, which can't be interrupted, in a thread of its own and returns its result. If it takes too long, the thread is
/// left behind.
///
/// # Errors
/// When the deadline passes or `stop` is set.
pub(crate) fn for_work<T: Send + 'static>(
    stop: &AtomicBool,
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stopped> {
    let (sender, result) = channel();
    thread::spawn(move || sender.send(work()));
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Stopped::Interrupted);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match result.recv_timeout(left.min(POLL_INTERVAL)) {
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(Stopped::Timeout),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Stopped::Timeout), // it panicked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_and_hopeless_work_is_left() {
        let stop = AtomicBool::new(false);
        let far = Instant::now() + Duration::from_secs(600);
        assert_eq!(for_work(&stop, far, || 7), Ok(7));
        let (_keep, never) = channel::<()>();
        let hopeless = move || never.recv().is_ok();
        assert_eq!(for_work(&stop, Instant::now(), hopeless), Err(Stopped::Timeout));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(for_work(&stop, far, || 7), Err(Stopped::Interrupted));
    }
}
