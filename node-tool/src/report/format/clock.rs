//! Times as rclone writes them.

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};

use crate::tree::Modified;

/// In a zone; nothing beyond the year 9999.
pub(super) fn zoned(modified: Modified, zone: &TimeZone) -> Option<ZonedDateTime> {
    let nanoseconds = i32::try_from(modified.nanoseconds).ok()?;
    Some(
        Timestamp::new(modified.seconds, nanoseconds)
            .ok()?
            .to_zoned_datetime(zone.clone()),
    )
}

/// `2026-11-23 17:00:00`, with `digits` of a second's fraction.
pub(super) fn plain(modified: Modified, zone: &TimeZone, digits: usize) -> String {
    written(modified, zone, "%Y-%m-%d %H:%M:%S", digits)
}

/// `2026-11-23T17:00:00.123Z`, with `digits` of a second's fraction.
pub(super) fn rfc3339(modified: Modified, zone: &TimeZone, digits: usize) -> String {
    let offset = match zoned(modified, zone) {
        Some(time) if !time.offset().is_zero() => time.strftime("%:z").to_string(),
        _ => "Z".into(),
    };
    written(modified, zone, "%Y-%m-%dT%H:%M:%S", digits) + &offset
}

fn written(modified: Modified, zone: &TimeZone, form: &str, digits: usize) -> String {
    let Some(time) = zoned(modified, zone) else {
        return "unknown".into();
    };
    let mut text = time.strftime(form).to_string();
    if digits > 0 {
        let fraction = format!("{:09}", modified.nanoseconds);
        text.push('.');
        text.push_str(fraction.get(..digits).unwrap_or(&fraction));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_zone_and_digits() {
        let time = Modified {
            seconds: 86_400,
            nanoseconds: 123_456_789,
        };
        let india = TimeZone::fixed(jiff::tz::Offset::from_seconds(19_800).unwrap());
        assert_eq!(plain(time, &TimeZone::UTC, 0), "1970-01-02 00:00:00");
        assert_eq!(rfc3339(time, &TimeZone::UTC, 0), "1970-01-02T00:00:00Z");
        assert_eq!(rfc3339(time, &india, 3), "1970-01-02T05:30:00.123+05:30");
        let far = Modified {
            seconds: i64::MAX,
            nanoseconds: 0,
        };
        assert_eq!(plain(far, &india, 9), "unknown");
    }
}
