//! Waiting for what can't be interrupted, so that a signal and the deadline count all the same.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::callback::NoAnswer;

/// How often a signal is looked for.
const GLANCE: Duration = Duration::from_millis(100);

/// Does `work` in a thread of its own and gives what comes of it. The thread is left alone if it takes too long.
///
/// # Errors
/// When the deadline passes or `stop` is set.
pub fn wait<T: Send + 'static>(
    stop: &AtomicBool,
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoAnswer> {
    let (sender, done) = channel();
    thread::spawn(move || sender.send(work()));
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(NoAnswer::Interrupted);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match done.recv_timeout(left.min(GLANCE)) {
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(NoAnswer::Timeout),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(NoAnswer::Timeout), // it panicked
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
        assert_eq!(wait(&stop, far, || 7), Ok(7));
        let (_keep, never) = channel::<()>();
        let hopeless = move || never.recv().is_ok();
        assert_eq!(wait(&stop, Instant::now(), hopeless), Err(NoAnswer::Timeout));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(wait(&stop, far, || 7), Err(NoAnswer::Interrupted));
    }
}
