//! Durations as people write them: `90s`, `10m`, `1h30m`.

use std::time::Duration;

/// Reads a duration, which must not be zero.
///
/// # Errors
/// When it is none; the error says how to write one.
pub fn parse(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    match parsed.map(Duration::try_from) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => Err("give a time such as 90s, 10m or 1h30m".into()),
    }
}

/// Reads a duration as rclone writes them: `0`, `30` (seconds), `1.5d`, `1h30m`, with units up to years.
///
/// # Errors
/// When it is none; the error says how to write one.
pub fn parse_as_rclone(text: &str) -> Result<Duration, String> {
    const DAY: f64 = 86400.0;
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 'd')) => (&text[..at], DAY),
        Some((at, 'w')) => (&text[..at], 7.0 * DAY),
        Some((at, 'M')) => (&text[..at], 30.0 * DAY),
        Some((at, 'y')) => (&text[..at], 365.0 * DAY),
        _ => (text, 1.0),
    };
    let seconds = number.parse().ok().filter(|number: &f64| number.is_finite());
    match seconds.map(|number| Duration::try_from_secs_f64(number * unit)) {
        Some(Ok(duration)) => Ok(duration),
        _ => parse(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_people_write_them() {
        for (text, seconds) in [("10m", 600), ("90s", 90), ("1h30m", 5400), ("1h 30m", 5400)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "10", "-5m", "0s", "soon"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rclones_durations_may_have_longer_units_or_none() {
        for (text, seconds) in [
            ("0", 0),
            ("10", 10),
            ("1.5d", 129_600),
            ("2w", 1_209_600),
            ("1h30m", 5400),
        ] {
            assert_eq!(parse_as_rclone(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "-5", "-1d", "d", "soon", "inf", "1e300y"] {
            assert!(parse_as_rclone(bad).is_err(), "{bad}");
        }
    }
}
