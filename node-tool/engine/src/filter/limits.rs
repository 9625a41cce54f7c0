//! Limits of size and time; what is equal to a limit is in.

use crate::entry::Modified;

/// Limits of a file's size and time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Minimum size in bytes.
    pub min_bytes: Option<u64>,
    /// Maximum size in bytes.
    pub max_bytes: Option<u64>,
    /// Earliest modification time.
    pub oldest: Option<Modified>,
    /// Latest modification time.
    pub newest: Option<Modified>,
}

impl Limits {
    /// Returns whether a file is within all of them.
    pub fn include(&self, size_bytes: u64, modified: Modified) -> bool {
        self.min_bytes.is_none_or(|min| size_bytes >= min)
            && self.max_bytes.is_none_or(|max| size_bytes <= max)
            && self.oldest.is_none_or(|oldest| modified >= oldest)
            && self.newest.is_none_or(|newest| modified <= newest)
    }

    /// Returns whether there are no limits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_a_limit_is_in() {
        let at = |seconds| Modified {
            seconds,
            nanoseconds: 0,
        };
        let limits = Limits {
            min_bytes: Some(10),
            max_bytes: Some(20),
            oldest: Some(at(100)),
            newest: Some(at(200)),
        };
        for (size, seconds, is_in) in [
            (10, 100, true),
            (20, 200, true),
            (9, 150, false),
            (21, 150, false),
            (15, 99, false),
            (15, 201, false),
        ] {
            assert_eq!(limits.include(size, at(seconds)), is_in, "{size} {seconds}");
        }
        assert!(Limits::default().include(u64::MAX, at(i64::MIN)));
        assert!(Limits::default().is_empty());
    }
}
