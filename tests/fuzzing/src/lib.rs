//! Feeds damaged inputs to a parser, as a test like any other.
//!
//! [`run`] takes examples, damages them in the ways of [`mutate`], and calls the function under test. It fails when that panics or
//! takes longer than [`MAX_DURATION`], and then shows the smallest input that it found. Inputs with a new outcome are damaged further,
//! which stands in for coverage: libFuzzer would know more, and needs a nightly compiler and an instrumented build of everything.
//!
//! | variable | |
//! |---|---|
//! | `FUZZ_SECONDS` | how long each target runs; without it, [`ROUNDS`] inputs |
//! | `FUZZ_SEED` | the seed of the random numbers, 1 by default, so that a run can be repeated |

mod mutate;

use std::{
    collections::HashSet,
    env,
    hash::{DefaultHasher, Hash, Hasher as _},
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// Number of inputs when no time is given.
const ROUNDS: u64 = 1000;
/// Time after which a single input counts as endless.
const MAX_DURATION: Duration = Duration::from_secs(20);
/// Maximum number of inputs that are kept because of their outcome.
const MAX_POOL: usize = 2000;

/// Calls `target` with damaged `examples`. Its result says what kind of outcome there was, such as the text of an error.
///
/// # Panics
/// When `target` does, or takes too long; the message shows the input.
pub fn run<R: Hash>(examples: &[&[u8]], target: impl Fn(&[u8]) -> R) {
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let limit = number("FUZZ_SECONDS").map(Duration::from_secs);
    let began = Instant::now();
    let mut random = StdRng::seed_from_u64(seed);
    let mut pool: Vec<Vec<u8>> = examples.iter().map(|example| example.to_vec()).collect();
    pool.push(Vec::new());
    let mut outcomes = HashSet::new();
    for example in &pool {
        outcomes.extend(check(example, seed, &target));
    }
    for round in 0.. {
        let is_over = match limit {
            Some(limit) => began.elapsed() >= limit,
            None => round >= ROUNDS,
        };
        if is_over {
            return;
        }
        let input = mutate::mutate(&pool, &mut random);
        let Some(outcome) = check(&input, seed, &target) else {
            continue;
        };
        if pool.len() < MAX_POOL && outcomes.insert(outcome) {
            pool.push(input);
        } else if random.random_ratio(1, 100) {
            // Some that are not new, too: the way to what is new may be long.
            let place = random.random_range(0..pool.len());
            if place >= examples.len() {
                pool[place] = input;
            }
        }
    }
}

/// Calls the target once. Returns the hash of its outcome.
fn check<R: Hash>(input: &[u8], seed: u64, target: &impl Fn(&[u8]) -> R) -> Option<u64> {
    let began = Instant::now();
    let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| target(input))) else {
        let small = shrink(input, |input| {
            catch_unwind(AssertUnwindSafe(|| target(input))).is_err()
        });
        panic!("FUZZ_SEED={seed}: it panics with b\"{}\"", small.escape_ascii());
    };
    let took = began.elapsed();
    assert!(
        took < MAX_DURATION,
        "FUZZ_SEED={seed}: it takes {took:?} with b\"{}\"",
        input.escape_ascii()
    );
    let mut hasher = DefaultHasher::new();
    outcome.hash(&mut hasher);
    Some(hasher.finish())
}

/// Returns the smallest input that still fails, as far as removing parts of it leads.
fn shrink(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut small = input.to_vec();
    let mut part = small.len().div_ceil(2);
    while part > 0 {
        let mut at = 0;
        while at < small.len() {
            let end = (at + part).min(small.len());
            let without = [&small[..at], &small[end..]].concat();
            if fails(&without) {
                small = without;
            } else {
                at = end;
            }
        }
        part /= 2;
    }
    small
}

/// Reads a number from the environment. `None` means that there is none.
fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_is_found_and_shrunk() {
        let found = catch_unwind(|| {
            run(&[b"one two three"], |input| {
                assert!(!input.windows(2).any(|pair| pair == b"oo"), "found");
            });
        });
        let message = found.unwrap_err();
        let message = message.downcast_ref::<String>().unwrap();
        assert!(message.ends_with("b\"oo\""), "{message}");
    }

    #[test]
    fn a_seed_gives_the_same_inputs() {
        let inputs = || {
            let seen = std::cell::RefCell::new(Vec::new());
            run(&[b"{\"a\": 12}"], |input| seen.borrow_mut().push(input.to_vec()));
            seen.into_inner()
        };
        let first = inputs();
        if env::var_os("FUZZ_SECONDS").is_none() {
            assert!(first == inputs() && first.len() > 100);
        }
    }
}
