//! Detects lists that never end. Empty pages are normal, and a page may name itself for a moment; but cursors that form a circle, or
//! ever new ones with empty pages, would never end.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use crate::{Error, retry::Backoff};

/// Maximum number of repeated cursors.
const MAX_REPEATS: u32 = 10;
/// The first and the longest wait before a repeated cursor is followed.
const FIRST_REPEAT_WAIT: Duration = Duration::from_millis(200);
const MAX_REPEAT_WAIT: Duration = Duration::from_secs(2);
/// Maximum number of empty pages in a row.
const MAX_EMPTY: u32 = 300;

/// The pages of one list so far.
#[derive(Debug)]
pub(crate) struct Pages {
    seen: HashSet<u64>,
    repeats: u32,
    empty: u32,
    backoff: Backoff,
}

impl Pages {
    pub(crate) fn new() -> Self {
        Self {
            seen: HashSet::new(),
            repeats: 0,
            empty: 0,
            backoff: Backoff::new(FIRST_REPEAT_WAIT, MAX_REPEAT_WAIT),
        }
    }

    /// Takes a page with `entries` entries that names `next` as the way to go on. Returns how long to wait before that.
    ///
    /// # Errors
    /// When the list doesn't end.
    pub(crate) fn turn(&mut self, next: &str, entries: usize) -> Result<Option<Duration>, Error> {
        let mut hasher = DefaultHasher::new();
        next.hash(&mut hasher);
        self.empty = if entries == 0 { self.empty + 1 } else { 0 };
        let is_new = self.seen.insert(hasher.finish());
        self.repeats += u32::from(!is_new);
        if self.repeats > MAX_REPEATS || self.empty > MAX_EMPTY {
            return Err(endless());
        }
        Ok((!is_new).then(|| self.backoff.next_wait()))
    }
}

/// Returns the error for pages that lead nowhere.
pub(crate) fn endless() -> Error {
    Error::Unreadable("its pages don't come to an end".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages are taken before it is enough.
    fn taken(cursors: impl Iterator<Item = String>, entries: usize) -> usize {
        let mut pages = Pages::new();
        cursors
            .take(100_000)
            .take_while(|cursor| pages.turn(cursor, entries).is_ok())
            .count()
    }

    #[test]
    fn circles_and_endless_emptiness_end() {
        let fresh = || (0..).map(|n: u32| n.to_string());
        assert_eq!(taken(fresh(), 0), MAX_EMPTY as usize);
        assert_eq!(taken(fresh(), 1), 100_000, "many pages are nothing special");
        assert_eq!(
            taken((0..).map(|n: u32| (n % 3).to_string()), 5),
            3 + MAX_REPEATS as usize
        );
        assert_eq!(
            taken(std::iter::repeat("same".to_owned()), 0),
            1 + MAX_REPEATS as usize
        );
    }
}
