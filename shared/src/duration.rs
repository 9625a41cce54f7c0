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
}
