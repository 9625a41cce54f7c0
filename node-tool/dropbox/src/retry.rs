//! What is worth another try, and for how long: one loop for every call.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::{Error, Fate};

/// Tries of one call, counting the first, unless something says otherwise.
pub const TRIES: u32 = 8;
/// No new try of a call after this long. A pause that Dropbox asks for may be 300 s.
const PATIENCE: Duration = Duration::from_secs(900);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Tries where something else than Dropbox answers: it may be a stray page, and it may be a network's login.
const PORTAL_TRIES: u32 = 3;
/// A wait of this length is worth a word, one of several together too.
const NOTEWORTHY: Duration = Duration::from_secs(4);

/// The tries of one call.
#[derive(Debug)]
pub struct Tries {
    made: u32,
    most: u32,
    since: Instant,
}

impl Default for Tries {
    /// None yet, of [`TRIES`].
    fn default() -> Self {
        Self::new(TRIES)
    }
}

impl Tries {
    /// None yet, of `most`.
    pub fn new(most: u32) -> Self {
        Self {
            made: 0,
            most,
            since: Instant::now(),
        }
    }

    /// Something came of it: what fails from now on is another failure.
    pub fn made_progress(&mut self) {
        *self = Self::new(self.most);
    }

    /// Whether people should be told that there will be a wait of this length.
    pub fn is_noteworthy(&self, error: &Error, wait: Duration) -> bool {
        matches!(error, Error::Portal(_)) || self.since.elapsed() + wait >= NOTEWORTHY
    }

    /// How long to wait before the next try after `error`; nothing if there should be none.
    pub fn wait_after(&mut self, error: &Error) -> Option<Duration> {
        self.made += 1;
        let most = match error {
            Error::Portal(_) => self.most.min(PORTAL_TRIES),
            _ => self.most,
        };
        if error.fate() != Fate::TryAgain || self.made >= most || self.since.elapsed() > PATIENCE {
            return None;
        }
        let backoff = FIRST_WAIT
            .saturating_mul(1 << self.made.min(10).saturating_sub(1))
            .min(LONGEST_WAIT);
        let jittered = backoff.mul_f64(rand::rng().random_range(0.5..1.0));
        Some(error.retry_after().map_or(jittered, |after| jittered.max(after)))
    }
}

/// Repeats `call`, which has no lasting effect, until it succeeds or is not worth another try.
///
/// # Errors
/// The last try's.
pub async fn with_retries<T, F>(mut call: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut tries = Tries::default();
    let mut is_told = false;
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(wait) = tries.wait_after(&error) else {
            return Err(error);
        };
        if tries.is_noteworthy(&error, wait) && !std::mem::replace(&mut is_told, true) {
            tracing::warn!("{error}; trying again in {:.0} s", wait.as_secs_f64().max(1.0));
        }
        tracing::info!("waiting {:.1} s: {error}", wait.as_secs_f64());
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                .all(|(w, n)| *w <= FIRST_WAIT * (1 << (n - 1)) && *w <= LONGEST_WAIT)
        );
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
