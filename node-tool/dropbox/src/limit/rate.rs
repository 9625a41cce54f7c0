//! Rates that the user sets (`--tpslimit` and `--bwlimit` of rclone): when the next call may begin, and when the next bytes may
//! move. Each caller takes the next free moment and waits for it, so that the rates hold for all that share a limiter.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What is allowed; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Calls a second.
    pub calls_per_second: Option<f64>,
    /// Number of calls that may begin at once, as long as the rate holds in the long run. 0 counts as 1.
    pub burst: u32,
    /// Bytes of content a second, to Dropbox.
    pub upload_bytes_per_second: Option<u64>,
    /// Bytes of content a second, from Dropbox.
    pub download_bytes_per_second: Option<u64>,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To Dropbox.
    Upload,
    /// From Dropbox.
    Download,
}

/// Keeps calls and their content to [`Rates`]. All clients that share one keep to them together.
#[derive(Debug, Default)]
pub struct RateLimiter {
    calls_per_second: Option<f64>,
    burst: u32,
    /// Bytes a second; 0 is no limit.
    upload_rate: AtomicU64,
    download_rate: AtomicU64,
    calls: NextFree,
    upload: NextFree,
    download: NextFree,
}

/// The moment from which on nothing is taken. `None` if nothing was taken yet.
#[derive(Debug, Default)]
struct NextFree(Mutex<Option<Instant>>);

impl NextFree {
    /// Takes the next free moment and `time` from there on. Returns that moment.
    fn take(&self, time: Duration) -> Instant {
        self.take_of_burst(time, Duration::ZERO)
    }

    /// The same, where the next moments may be taken up to `ahead` early.
    fn take_of_burst(&self, time: Duration, ahead: Duration) -> Instant {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mine = free.map_or(now, |free| free.max(now));
        *free = Some(mine + time);
        mine.checked_sub(ahead).map_or(now, |early| early.max(now))
    }
}

fn rate(rate: &AtomicU64) -> Option<u64> {
    Some(rate.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
}

impl RateLimiter {
    /// Keeps to `rates`.
    pub fn new(rates: Rates) -> Self {
        let limiter = Self {
            calls_per_second: rates.calls_per_second,
            burst: rates.burst,
            ..Self::default()
        };
        limiter.set_bytes_per_second(rates.upload_bytes_per_second, rates.download_bytes_per_second);
        limiter
    }

    /// Sets how many bytes a second may move from now on, to Dropbox and from it. What has taken its moment keeps it.
    pub fn set_bytes_per_second(&self, upload: Option<u64>, download: Option<u64>) {
        self.upload_rate.store(upload.unwrap_or(0), Ordering::Relaxed);
        self.download_rate.store(download.unwrap_or(0), Ordering::Relaxed);
    }

    /// Returns how many bytes a second may be uploaded. `None` is no limit.
    pub(crate) fn upload_bytes_per_second(&self) -> Option<u64> {
        rate(&self.upload_rate)
    }

    /// Waits until a call may begin.
    pub(crate) async fn wait_for_call(&self) {
        if let Some(rate) = self.calls_per_second.filter(|rate| *rate > 0.0) {
            let time = Duration::from_secs_f64(1.0 / rate);
            let ahead = time.saturating_mul(self.burst.saturating_sub(1));
            let at = self.calls.take_of_burst(time, ahead);
            tokio::time::sleep_until(at.into()).await;
        }
    }

    /// Takes the right to move `count` bytes. Returns when they may move; `None` is now.
    pub(crate) fn take_bytes(&self, direction: Direction, count: usize) -> Option<Instant> {
        let (rate, free) = match direction {
            Direction::Upload => (rate(&self.upload_rate)?, &self.upload),
            Direction::Download => (rate(&self.download_rate)?, &self.download),
        };
        #[expect(clippy::cast_precision_loss, reason = "a wait of a second more or less")]
        let time = Duration::from_secs_f64(count as f64 / rate.max(1) as f64);
        Some(free.take(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_follow_each_other_at_the_rate() {
        let limiter = RateLimiter::new(Rates {
            upload_bytes_per_second: Some(1000),
            ..Rates::default()
        });
        let first = limiter.take_bytes(Direction::Upload, 500).unwrap();
        let second = limiter.take_bytes(Direction::Upload, 2000).unwrap();
        let third = limiter.take_bytes(Direction::Upload, 1).unwrap();
        assert_eq!(second - first, Duration::from_millis(500));
        assert_eq!(third - second, Duration::from_secs(2));
        assert_eq!(limiter.take_bytes(Direction::Download, 1), None);
        limiter.set_bytes_per_second(None, Some(1000));
        assert_eq!(limiter.take_bytes(Direction::Upload, 500), None);
        assert!(limiter.take_bytes(Direction::Download, 1).is_some());
    }

    #[test]
    fn a_burst_begins_at_once_and_the_rest_at_the_rate() {
        let free = NextFree::default();
        let (time, ahead) = (Duration::from_secs(100), Duration::from_secs(200));
        let moments: Vec<Instant> = (0..5).map(|_| free.take_of_burst(time, ahead)).collect();
        let later = |at: usize| moments[at].duration_since(moments[0]).as_secs();
        // Three at once; then each waits for its moment, less what passed in between.
        assert_eq!([later(1), later(2)], [0, 0]);
        assert!(
            (99..=100).contains(&later(3)) && (199..=200).contains(&later(4)),
            "{moments:?}"
        );
    }
}
