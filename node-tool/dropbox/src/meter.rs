//! `--tpslimit` and `--bwlimit`: when the next call may begin, and when the next bytes may move. Whoever comes takes the
//! next free moment and waits for it, so that the rates hold for the whole process.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What is allowed; nothing is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Calls a second.
    pub calls: Option<f64>,
    /// Bytes of content a second, up.
    pub up: Option<u64>,
    /// Bytes of content a second, down.
    pub down: Option<u64>,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To Dropbox.
    Up,
    /// From it.
    Down,
}

/// The meter of a process.
#[derive(Debug, Default)]
pub struct Meter {
    rates: Rates,
    calls: Slots,
    up: Slots,
    down: Slots,
}

/// The moment from which on there is something free.
#[derive(Debug, Default)]
struct Slots(Mutex<Option<Instant>>);

impl Slots {
    /// Takes the next moment, and so much time from there on.
    fn take(&self, time: Duration) -> Instant {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mine = free.map_or(now, |free| free.max(now));
        *free = Some(mine + time);
        mine
    }
}

impl Meter {
    /// A meter for these rates.
    pub fn new(rates: Rates) -> Self {
        Self {
            rates,
            ..Self::default()
        }
    }

    /// Bytes a second that may go up; nothing is no limit.
    pub(super) fn up(&self) -> Option<u64> {
        self.rates.up
    }

    /// Waits until a call may begin.
    pub(super) async fn call(&self) {
        if let Some(calls) = self.rates.calls.filter(|calls| *calls > 0.0) {
            let at = self.calls.take(Duration::from_secs_f64(1.0 / calls));
            tokio::time::sleep_until(at.into()).await;
        }
    }

    /// When so many bytes may move; nothing is now.
    pub(super) fn bytes(&self, way: Way, count: usize) -> Option<Instant> {
        let (rate, slots) = match way {
            Way::Up => (self.rates.up?, &self.up),
            Way::Down => (self.rates.down?, &self.down),
        };
        #[expect(clippy::cast_precision_loss, reason = "a wait of a second more or less")]
        let time = Duration::from_secs_f64(count as f64 / rate.max(1) as f64);
        Some(slots.take(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_follow_each_other_at_the_rate() {
        let meter = Meter::new(Rates {
            up: Some(1000),
            ..Rates::default()
        });
        let first = meter.bytes(Way::Up, 500).unwrap();
        let second = meter.bytes(Way::Up, 2000).unwrap();
        let third = meter.bytes(Way::Up, 1).unwrap();
        assert_eq!(second - first, Duration::from_millis(500));
        assert_eq!(third - second, Duration::from_secs(2));
        assert_eq!(meter.bytes(Way::Down, 1), None);
    }
}
