//! Whether and when a failed call is tried again, and which waits are reported: one loop and one back-off for the whole crate.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rand::RngExt;

use crate::{Error, Fate};

/// Default maximum number of tries of one call, counting the first.
pub const MAX_TRIES: u32 = 8;
/// No call is tried again after this long. A pause that Dropbox asks for may be 300 s.
const RETRY_DEADLINE: Duration = Duration::from_secs(900);
const INITIAL_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// Maximum number of tries where something other than Dropbox answers, which may be a network's login page.
const MAX_PORTAL_TRIES: u32 = 3;
/// Minimum time that a call has been held up before a wait is reported.
const NOTEWORTHY: Duration = Duration::from_secs(4);
/// Minimum time between two reports of a wait.
const QUIET: Duration = Duration::from_secs(10);

/// Waits that double, up to a maximum.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self {
            next: first.min(max),
            max,
        }
    }

    /// Returns how long to wait now.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.max);
        wait
    }
}

/// The budget of tries of one call, or of several that bring one thing.
#[derive(Debug)]
pub struct Tries {
    made: u32,
    max: Option<u32>,
    since: Instant,
    backoff: Backoff,
}

impl Default for Tries {
    /// None yet.
    fn default() -> Self {
        Self::new(None)
    }
}

impl Tries {
    /// None yet, of `max`. `None` means [`MAX_TRIES`], of which those don't count where Dropbox was only too busy: sixteen jobs of
    /// one account that write at once all get their turn, but some of them only after minutes.
    pub fn new(max: Option<u32>) -> Self {
        Self {
            made: 0,
            max,
            since: Instant::now(),
            backoff: Backoff::new(INITIAL_BACKOFF, MAX_BACKOFF),
        }
    }

    /// Starts over, since the tries so far made progress: what fails from now on is another failure.
    pub fn made_progress(&mut self) {
        *self = Self::new(self.max);
    }

    /// Returns whether a wait of this length is worth reporting.
    fn is_noteworthy(&self, error: &Error, wait: Duration) -> bool {
        matches!(error, Error::Portal(_)) || self.since.elapsed() + wait >= NOTEWORTHY
    }

    /// Returns how long to wait before the next try after `error`. `None` if there should be none.
    pub fn wait_after(&mut self, error: &Error) -> Option<Duration> {
        let is_patient = self.max.is_none() && error.is_busy();
        self.made += u32::from(!is_patient);
        let max = self.max.unwrap_or(MAX_TRIES);
        let max = match error {
            Error::Portal(_) => max.min(MAX_PORTAL_TRIES),
            _ => max,
        };
        if error.fate() != Fate::TryAgain || self.made >= max || self.since.elapsed() > RETRY_DEADLINE {
            return None;
        }
        // Calls that failed together should not be repeated together.
        let jittered = self
            .backoff
            .next_wait()
            .mul_f64(rand::rng().random_range(0.5..1.0));
        Some(error.retry_after().map_or(jittered, |after| jittered.max(after)))
    }
}

/// Reports waits, but not each: many calls wait side by side.
#[derive(Debug, Default)]
pub(crate) struct WaitNotices {
    quiet_until: Mutex<Option<Instant>>,
}

impl WaitNotices {
    /// Reports a wait after `error`, unless another one was reported just now.
    fn report(&self, error: &Error, wait: Duration) {
        let now = Instant::now();
        let mut quiet_until = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet_until.is_some_and(|until| now < until) {
            return;
        }
        *quiet_until = now.checked_add(wait.max(QUIET));
        let seconds = wait.as_secs_f64().max(1.0);
        match error {
            Error::RateLimited { .. } => tracing::warn!("Dropbox says wait: trying again in {seconds:.0} s"),
            _ => tracing::warn!("{error}; trying again in {seconds:.0} s"),
        }
    }
}

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It may be tried again, if the error is of a kind that passes.
    Passing(Error),
    /// It is not to be tried again, whatever the error is.
    Final(Error),
}

/// Repeats `attempt` until it succeeds or isn't worth another try. `name` is that of the call, for the log.
pub(crate) async fn retry<T>(
    name: &str,
    tries: &mut Tries,
    notices: &WaitNotices,
    mut attempt: impl AsyncFnMut() -> Result<T, Failed>,
) -> Result<T, Error> {
    loop {
        let error = match attempt().await {
            Ok(done) => return Ok(done),
            Err(Failed::Final(error)) => return Err(error),
            Err(Failed::Passing(error)) => error,
        };
        let Some(wait) = tries.wait_after(&error) else {
            return Err(error);
        };
        if tries.is_noteworthy(&error, wait) {
            notices.report(&error, wait);
        }
        tracing::info!("{name}: waiting {:.1} s: {error}", wait.as_secs_f64());
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_is_repeated_until_it_succeeds_or_is_final() {
        let broken = || Error::Server {
            status: 500,
            after: None,
        };
        let run = async |fails: u32, last: fn(Error) -> Failed| {
            let mut made = 0;
            let mut tries = Tries::default();
            let result = retry("x", &mut tries, &WaitNotices::default(), async || {
                made += 1;
                match made {
                    _ if made <= fails => Err(Failed::Passing(broken())),
                    _ if made == fails + 1 && fails == 2 => Err(last(broken())),
                    _ => Ok(made),
                }
            })
            .await;
            (result.ok(), made)
        };
        assert_eq!(run(0, Failed::Final).await, (Some(1), 1));
        assert_eq!(run(2, Failed::Final).await, (None, 3));
        assert_eq!(run(2, Failed::Passing).await, (Some(4), 4));
        assert_eq!(run(100, Failed::Final).await, (None, MAX_TRIES));
    }

    #[test]
    fn waits_grow_and_end() {
        let mut tries = Tries::default();
        let broken = Error::Server {
            status: 500,
            after: None,
        };
        let waits: Vec<Duration> = std::iter::from_fn(|| tries.wait_after(&broken)).collect();
        assert_eq!(waits.len(), 7);
        assert!(
            waits
                .iter()
                .zip(1..)
                .all(|(w, n)| *w <= INITIAL_BACKOFF * (1 << (n - 1)) && *w <= MAX_BACKOFF)
        );
    }

    #[test]
    fn a_busy_account_is_waited_for_longer_unless_a_number_is_set() {
        let busy = Error::RateLimited {
            after: None,
            contention: true,
        };
        let waits = |max: Option<u32>| {
            let mut tries = Tries::new(max);
            std::iter::from_fn(|| tries.wait_after(&busy)).take(100).count()
        };
        assert_eq!([waits(None), waits(Some(3)), waits(Some(1))], [100, 2, 0]);
        // The other errors of the same call have their number all the same.
        let mut tries = Tries::default();
        assert!((0..50).all(|_| tries.wait_after(&busy).is_some()));
        let broken = Error::Server {
            status: 500,
            after: None,
        };
        assert_eq!(std::iter::from_fn(|| tries.wait_after(&broken)).count(), 7);
    }

    #[test]
    fn what_is_out_of_all_bounds_is_not_waited_for() {
        for seconds in [901, 86_400, u64::MAX / 2, u64::MAX] {
            let error = Error::RateLimited {
                after: Some(Duration::from_secs(seconds)),
                contention: false,
            };
            assert_eq!(error.fate(), Fate::StopRun, "{seconds}");
            assert_eq!(Tries::default().wait_after(&error), None, "{seconds}");
            assert!(error.to_string().contains(&seconds.to_string()), "{error}");
        }
    }

    #[test]
    fn a_page_of_something_else_is_tried_thrice_and_told_at_once() {
        let portal = Error::Portal("x".into());
        let mut tries = Tries::default();
        assert!(tries.is_noteworthy(&portal, Duration::ZERO));
        assert_eq!(std::iter::from_fn(|| tries.wait_after(&portal)).count(), 2);
        let busy = Error::Server {
            status: 500,
            after: None,
        };
        assert!(!tries.is_noteworthy(&busy, Duration::from_secs(1)));
        assert!(tries.is_noteworthy(&busy, NOTEWORTHY));
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept() {
        let error = Error::RateLimited {
            after: Some(Duration::from_secs(300)),
            contention: false,
        };
        assert!(Tries::default().wait_after(&error).unwrap() >= Duration::from_secs(300));
        assert_eq!(
            Tries::default().wait_after(&Error::BadRequest(String::new())),
            None
        );
    }
}
