//! A request to start nothing new.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A request to start nothing new: calls in flight are finished. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<(Mutex<State>, Notify)>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    active: usize,
    requested_by: Option<&'static str>,
}

/// Marks a run as active until dropped.
#[derive(Debug)]
pub struct ActiveGuard(Shutdown);

impl Shutdown {
    /// Requests it, in the name of a signal for example. Returns whether a run is active that will obey it.
    pub fn request(&self, by: &'static str) -> bool {
        let is_heeded = {
            let mut state = self.0.0.lock();
            state.requested_by = Some(by);
            state.active > 0
        };
        self.0.1.notify_waiters();
        is_heeded
    }

    /// Waits until it is requested.
    pub async fn requested(&self) {
        loop {
            let notified = self.0.1.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.is_requested() {
                return;
            }
            notified.await;
        }
    }

    /// Returns whether it was requested.
    pub fn is_requested(&self) -> bool {
        self.requested_by().is_some()
    }

    /// Returns in whose name it was requested.
    pub fn requested_by(&self) -> Option<&'static str> {
        self.0.0.lock().requested_by
    }

    /// Registers a run that obeys it.
    pub fn activate(&self) -> ActiveGuard {
        self.0.0.lock().active += 1;
        ActiveGuard(self.clone())
    }
}

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        self.0.0.0.lock().active -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_heeded_while_a_run_is_active() {
        let shutdown = Shutdown::default();
        let guard = shutdown.activate();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.requested().await }
        });
        assert!(!shutdown.is_requested());
        assert!(shutdown.request("Ctrl-C"));
        waiting.await.unwrap();
        shutdown.requested().await; // it stays requested
        drop(guard);
        assert!(!shutdown.request("SIGTERM"));
        assert_eq!(shutdown.requested_by(), Some("SIGTERM"));
    }
}
