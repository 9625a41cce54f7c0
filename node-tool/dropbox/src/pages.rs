//! Whether pages that follow each other lead anywhere. Empty ones are nothing special, and one may lead to itself for a
//! moment; cursors in a circle, or for ever new ones with nothing behind them, never end by themselves.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use super::Error;

/// Cursors that come again, with a longer pause after each.
const REPEATS: u32 = 10;
const REPEAT_WAIT: Duration = Duration::from_millis(200);
/// Pages in a row that may be empty.
const EMPTY: u32 = 300;

/// What was seen of the pages so far.
#[derive(Debug, Default)]
pub(super) struct Pages {
    seen: HashSet<u64>,
    repeats: u32,
    empty: u32,
}

impl Pages {
    /// Takes a page that names `next` as the way to go on. Returns how long to wait before that.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn turn(&mut self, next: &str, entries: usize) -> Result<Option<Duration>, Error> {
        let mut hasher = DefaultHasher::new();
        next.hash(&mut hasher);
        self.empty = if entries == 0 { self.empty + 1 } else { 0 };
        let is_new = self.seen.insert(hasher.finish());
        self.repeats += u32::from(!is_new);
        if self.repeats > REPEATS || self.empty > EMPTY {
            return Err(Error::Unreadable("its pages don't come to an end".into()));
        }
        Ok((!is_new).then(|| REPEAT_WAIT * self.repeats))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages are taken before it is enough.
    fn taken(cursors: impl Iterator<Item = String>, entries: usize) -> usize {
        let mut pages = Pages::default();
        cursors
            .take(100_000)
            .take_while(|cursor| pages.turn(cursor, entries).is_ok())
            .count()
    }

    #[test]
    fn circles_and_endless_emptiness_end() {
        let fresh = || (0..).map(|n: u32| n.to_string());
        assert_eq!(taken(fresh(), 0), EMPTY as usize);
        assert_eq!(taken(fresh(), 1), 100_000, "many pages are nothing special");
        assert_eq!(
            taken((0..).map(|n: u32| (n % 3).to_string()), 5),
            3 + REPEATS as usize
        );
        assert_eq!(
            taken(std::iter::repeat("same".to_owned()), 0),
            1 + REPEATS as usize
        );
    }
}
