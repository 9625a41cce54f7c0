//! Ages as rclone writes them: `90` (seconds), `1h30m`, `10d`, `1.5w`, `1M`, `1y`, `2026-11-23`, `off`.

use std::str::FromStr;

use jiff::{Timestamp, civil, tz::TimeZone};

use crate::entry::Modified;

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 24 * 3600 * SECOND;

/// An age given by a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// No limit.
    Off,
    /// This many nanoseconds before now; a negative number means the future.
    Ago(i128),
    /// This moment.
    At(Modified),
}

impl Age {
    /// Returns the moment that was this long ago. `None` means no limit.
    pub fn before(self, now: Modified) -> Option<Modified> {
        match self {
            Self::Off => None,
            Self::At(moment) => Some(moment),
            Self::Ago(nanoseconds) => {
                let now = i128::from(now.seconds) * SECOND + i128::from(now.nanoseconds);
                let then = now.saturating_sub(nanoseconds);
                let seconds = then.div_euclid(SECOND);
                Some(Modified {
                    seconds: i64::try_from(seconds).unwrap_or(if seconds < 0 { i64::MIN } else { i64::MAX }),
                    nanoseconds: u32::try_from(then.rem_euclid(SECOND)).unwrap_or(0),
                })
            }
        }
    }

    /// Parses an age; dates without a zone are in `zone`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        units(text)
            .or_else(|| long(text))
            .map(Self::Ago)
            .or_else(|| moment(text, zone).map(Self::At))
            .ok_or_else(|| {
                "give a number of seconds, one with ms, s, m, h, d, w, M or y, such as 10d, or a date such as \
                 2026-11-23 or 2026-11-23T17:00:00Z"
                    .into()
            })
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, &TimeZone::system())
    }
}

/// `1h30m`: numbers with units up to hours, one after the other.
fn units(text: &str) -> Option<i128> {
    let (is_negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0;
    while !rest.is_empty() {
        let number_ends = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(number_ends);
        let unit_ends = behind
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_ends);
        let unit = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return None,
        };
        sum += times(number, unit)?;
        rest = behind;
    }
    Some(if is_negative { -sum } else { sum })
}

/// `1.5w`: one number, with a unit from days up, or of seconds.
fn long(text: &str) -> Option<i128> {
    let (number, unit) = match text.chars().next_back()? {
        'd' => (text.strip_suffix('d')?, DAY),
        'w' => (text.strip_suffix('w')?, 7 * DAY),
        'M' => (text.strip_suffix('M')?, 30 * DAY),
        'y' => (text.strip_suffix('y')?, 365 * DAY),
        _ => (text, SECOND),
    };
    times(number, unit)
}

fn times(number: &str, unit: i128) -> Option<i128> {
    let number: f64 = number.parse().ok()?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "units are small; of an age of years nobody misses nanoseconds"
    )]
    number.is_finite().then_some((number * unit as f64) as i128)
}

fn moment(text: &str, zone: &TimeZone) -> Option<Modified> {
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
        let date = text.parse::<civil::DateTime>().ok()?;
        Some(date.to_zoned_datetime(zone.clone()).ok()?.timestamp())
    })?;
    Some(timestamp.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_as_rclone_reads_them() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let at = |seconds| {
            Age::At(Modified {
                seconds,
                nanoseconds: 0,
            })
        };
        for (text, age) in [
            ("off", Age::Off),
            ("90", Age::Ago(90 * SECOND)),
            ("0", Age::Ago(0)),
            ("1e3", Age::Ago(1000 * SECOND)),
            ("1h30m", Age::Ago(5400 * SECOND)),
            ("1.5h", Age::Ago(5400 * SECOND)),
            ("-10s", Age::Ago(-10 * SECOND)),
            ("500ms", Age::Ago(SECOND / 2)),
            ("5m", Age::Ago(300 * SECOND)),
            ("5M", Age::Ago(150 * DAY)),
            ("10d", Age::Ago(10 * DAY)),
            ("1.5w", Age::Ago(DAY * 21 / 2)),
            ("1y", Age::Ago(365 * DAY)),
            ("1970-01-02T00:00:00Z", at(86_400)),
            ("1970-01-02T00:00:00+01:00", at(82_800)),
            ("1970-01-02T02:00:00", at(86_400)),
            ("1970-01-02 02:00:00", at(86_400)),
            ("1970-01-02", at(79_200)),
        ] {
            assert_eq!(Age::parse(text, &zone), Ok(age), "{text}");
        }
        for text in ["", "x", "1d12h", "h", "1.2.3s", "-", "NaN", "2026-13-01", "1 d"] {
            assert!(Age::parse(text, &zone).is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_is_a_moment_before_now() {
        let now = Modified {
            seconds: 100,
            nanoseconds: 5,
        };
        assert_eq!(Age::Off.before(now), None);
        assert_eq!(
            Age::Ago(10).before(now),
            Some(Modified {
                seconds: 99,
                nanoseconds: 999_999_995
            })
        );
        assert_eq!(
            Age::Ago(-SECOND).before(now),
            Some(Modified {
                seconds: 101,
                nanoseconds: 5
            })
        );
        assert!(Age::Ago(i128::MAX).before(now).is_some());
    }
}
