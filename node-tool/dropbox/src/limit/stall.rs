//! Tells a slow upload from a stalled one, and reports how far an upload is.
//!
//! A slow line is no reason to give up; one on which nothing moves is. Bytes that were handed to the network count as sent until
//! the call fails: then they are reported as returned.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long an answer's header, or the next bytes, may take (the official SDK waits 100 s).
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(100);

/// What became of bytes of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// This many more were handed to the network.
    Sent(u64),
    /// This many that were reported as sent have to be sent again.
    Returned(u64),
}

/// Is called with each [`Flow`], from any task.
pub type Watch = Arc<dyn Fn(Flow) + Send + Sync>;

/// Watches the bytes of one body.
pub(crate) struct StallGuard {
    /// When bytes moved last; in the future while rate limiting pauses them.
    moved_at: Mutex<Instant>,
    /// Bytes that were reported as sent, of a call that isn't over.
    unconfirmed_bytes: AtomicU64,
    watch: Option<Watch>,
}

impl StallGuard {
    pub(crate) fn new(watch: Option<Watch>) -> Self {
        Self {
            moved_at: Mutex::new(Instant::now()),
            unconfirmed_bytes: AtomicU64::new(0),
            watch,
        }
    }

    fn note_movement(&self, at: Instant) {
        let mut moved_at = self.moved_at.lock().unwrap_or_else(PoisonError::into_inner);
        *moved_at = at.max(*moved_at);
    }

    fn report(&self, flow: Flow) {
        if let Some(watch) = &self.watch {
            watch(flow);
        }
    }

    /// The body is sent from its beginning, perhaps not for the first time.
    pub(crate) fn started(&self) {
        self.note_movement(Instant::now());
        self.report_returned();
    }

    /// Bytes were handed to the network.
    pub(crate) fn progressed(&self, bytes: u64) {
        self.note_movement(Instant::now());
        self.unconfirmed_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.report(Flow::Sent(bytes));
    }

    /// Rate limiting pauses the body until `at`.
    pub(crate) fn paused_until(&self, at: Instant) {
        self.note_movement(at);
    }

    /// The call succeeded: what was sent has arrived.
    pub(crate) fn completed(&self) {
        self.unconfirmed_bytes.store(0, Ordering::Relaxed);
    }

    fn report_returned(&self) {
        let bytes = self.unconfirmed_bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            self.report(Flow::Returned(bytes));
        }
    }

    /// Returns how long nothing has moved.
    fn idle(&self) -> Duration {
        let moved_at = *self.moved_at.lock().unwrap_or_else(PoisonError::into_inner);
        Instant::now().saturating_duration_since(moved_at)
    }

    /// Runs `call` until nothing has moved for `timeout`. `None` means that it stalled.
    pub(crate) async fn run_until_stalled<T>(
        &self,
        timeout: Duration,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(call);
        loop {
            let left = timeout.checked_sub(self.idle()).filter(|left| !left.is_zero())?;
            if let Ok(done) = tokio::time::timeout(left, &mut call).await {
                return Some(done);
            }
        }
    }
}

impl Drop for StallGuard {
    fn drop(&mut self) {
        self.report_returned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_arrive_is_reported_as_returned() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let watch: Watch = {
            let reported = Arc::clone(&reported);
            Arc::new(move |flow| reported.lock().unwrap().push(flow))
        };
        let guard = StallGuard::new(Some(watch));
        guard.started();
        guard.progressed(5);
        guard.progressed(2);
        guard.started();
        guard.progressed(7);
        guard.completed();
        guard.progressed(1);
        drop(guard);
        let expected = [
            Flow::Sent(5),
            Flow::Sent(2),
            Flow::Returned(7),
            Flow::Sent(7),
            Flow::Sent(1),
            Flow::Returned(1),
        ];
        assert_eq!(*reported.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_slow_line_is_waited_for_and_a_stalled_one_is_not() {
        let guard = StallGuard::new(None);
        let stalled = guard
            .run_until_stalled(Duration::ZERO, std::future::pending::<()>())
            .await;
        assert_eq!(stalled, None);
        guard.paused_until(Instant::now() + Duration::from_secs(3600));
        let slow = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(
            guard.run_until_stalled(Duration::from_nanos(1), slow).await,
            Some(7)
        );
    }
}
