//! Whether bytes on their way up still move, and who is told how far they are.
//!
//! A slow line is no reason to give up, a silent one is. What was handed to the network counts as sent until the call fails:
//! then it is taken back.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What became of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// So many more were handed to the network.
    Sent(u64),
    /// So many have to go once more.
    Returned(u64),
}

/// Is told, from any task.
pub type Watch = Arc<dyn Fn(Flow) + Send + Sync>;

/// The pulse of one body.
pub(super) struct Pulse {
    last: Mutex<Instant>,
    /// Bytes that were told as sent, of a call that isn't over.
    open_bytes: AtomicU64,
    watch: Option<Watch>,
}

impl Pulse {
    pub fn new(watch: Option<Watch>) -> Self {
        Self {
            last: Mutex::new(Instant::now()),
            open_bytes: AtomicU64::new(0),
            watch,
        }
    }

    fn beat(&self, at: Instant) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = at.max(*last);
    }

    fn tell(&self, flow: Flow) {
        if let Some(watch) = &self.watch {
            watch(flow);
        }
    }

    /// The body is sent from its beginning, perhaps not for the first time.
    pub fn begin(&self) {
        self.beat(Instant::now());
        self.give_back();
    }

    /// Bytes were handed to the network.
    pub fn sent(&self, bytes: u64) {
        self.beat(Instant::now());
        self.open_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell(Flow::Sent(bytes));
    }

    /// Nothing will move until then, as the user wishes.
    pub fn rests_until(&self, at: Instant) {
        self.beat(at);
    }

    /// The call succeeded: what was sent has arrived.
    pub fn arrived(&self) {
        self.open_bytes.store(0, Ordering::Relaxed);
    }

    fn give_back(&self) {
        let bytes = self.open_bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            self.tell(Flow::Returned(bytes));
        }
    }

    /// How long nothing has moved.
    fn quiet(&self) -> Duration {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        Instant::now().saturating_duration_since(last)
    }

    /// Waits for `call` as long as its bytes move, and `patience` beyond.
    pub async fn outlasts<T>(&self, patience: Duration, call: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(call);
        loop {
            let left = patience
                .checked_sub(self.quiet())
                .filter(|left| !left.is_zero())?;
            if let Ok(done) = tokio::time::timeout(left, &mut call).await {
                return Some(done);
            }
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_arrive_is_given_back() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let watch: Watch = {
            let told = Arc::clone(&told);
            Arc::new(move |flow| told.lock().unwrap().push(flow))
        };
        let pulse = Pulse::new(Some(watch));
        pulse.begin();
        pulse.sent(5);
        pulse.sent(2);
        pulse.begin();
        pulse.sent(7);
        pulse.arrived();
        pulse.sent(1);
        drop(pulse);
        let expected = [
            Flow::Sent(5),
            Flow::Sent(2),
            Flow::Returned(7),
            Flow::Sent(7),
            Flow::Sent(1),
            Flow::Returned(1),
        ];
        assert_eq!(*told.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_slow_line_is_waited_for_and_a_silent_one_is_not() {
        let pulse = Pulse::new(None);
        let silent = pulse.outlasts(Duration::ZERO, std::future::pending::<()>()).await;
        assert_eq!(silent, None);
        pulse.rests_until(Instant::now() + Duration::from_secs(3600));
        let slow = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(pulse.outlasts(Duration::from_nanos(1), slow).await, Some(7));
    }
}
