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

    /// How long to wait before the next try after `error`; nothing if there should be none.
    pub fn wait_after(&mut self, error: &Error) -> Option<Duration> {
        self.made += 1;
        if error.fate() != Fate::TryAgain || self.made >= self.most || self.since.elapsed() > PATIENCE {
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
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(wait) = tries.wait_after(&error) else {
            return Err(error);
        };
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
