//! Modification times in a plan file: as people write them, with all their digits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entry::Modified;

/// A modification time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Time {
    /// Such as `2026-11-28T17:04:05.25Z`.
    Text(String),
    /// Seconds and nanoseconds since 1970, where no calendar reaches: some file systems have such times.
    Number(i64, u32),
}

impl From<Modified> for Time {
    fn from(time: Modified) -> Self {
        let nanoseconds = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds);
        let text = Timestamp::from_nanosecond(nanoseconds).map(|time| time.to_string());
        match text {
            Ok(text) if Self::parse(&text) == Some(time) => Self::Text(text),
            _ => Self::Number(time.seconds, time.nanoseconds),
        }
    }
}

impl Time {
    fn parse(text: &str) -> Option<Modified> {
        Some(text.parse::<Timestamp>().ok()?.into())
    }

    /// Returns the time. `None` if it is none.
    pub(super) fn modified(&self) -> Option<Modified> {
        match self {
            Self::Text(text) => Self::parse(text),
            Self::Number(seconds, nanoseconds) => Some(Modified {
                seconds: *seconds,
                nanoseconds: *nanoseconds,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_comes_back_as_it_was() {
        for (seconds, nanoseconds, text) in [
            (0, 0, Some("1970-01-01T00:00:00Z")),
            (1_500_000_000, 250_000_000, Some("2017-07-14T02:40:00.25Z")),
            (-1, 999_999_999, Some("1969-12-31T23:59:59.999999999Z")),
            (i64::MAX, 1, None),
            (i64::MIN, 0, None),
            (5, u32::MAX, None),
        ] {
            let modified = Modified { seconds, nanoseconds };
            let time = Time::from(modified);
            assert_eq!(time.modified(), Some(modified));
            match text {
                Some(text) => assert_eq!(time, Time::Text(text.into())),
                None => assert!(matches!(time, Time::Number(..)), "{time:?}"),
            }
        }
        assert_eq!(Time::Text("yesterday".into()).modified(), None);
    }
}
