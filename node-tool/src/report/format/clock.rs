//! Times as rclone writes them, also those that lie beyond the years that a calendar library knows: a file may have any time.

use jiff::{Timestamp, tz::TimeZone};

use engine::entry::Modified;

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A time as a clock on the wall and a calendar show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub year: i64,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
    second_of_day: i64,
    /// East of Greenwich, in seconds.
    offset: i64,
}

/// The time in a zone.
pub(super) fn civil(modified: Modified, zone: &TimeZone) -> Civil {
    let nearest = Timestamp::from_second(modified.seconds).unwrap_or(if modified.seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    });
    let offset = i64::from(zone.to_offset(nearest).seconds());
    let local = modified.seconds.saturating_add(offset);
    let (year, month, day) = date(local.div_euclid(DAY));
    Civil {
        year,
        month,
        day,
        second_of_day: local.rem_euclid(DAY),
        offset,
    }
}

/// Year, month and day of the day that is so many after 1970-01-01, in the calendar of today. Years are counted from March, so
/// that the day that leap years add is the last; 400 of them have always the same number of days.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "months and days are small"
)]
fn date(days: i64) -> (i64, u8, u8) {
    const ERA_DAYS: i64 = 146_097;
    let since_march_of_year_0 = days + 719_468;
    let era = since_march_of_year_0.div_euclid(ERA_DAYS);
    let day_of_era = since_march_of_year_0.rem_euclid(ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = if months_since_march < 10 {
        months_since_march + 3
    } else {
        months_since_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

impl Civil {
    /// `2026-11-23`
    fn date(self) -> String {
        let sign = if self.year < 0 { "-" } else { "" };
        format!("{sign}{:04}-{:02}-{:02}", self.year.abs(), self.month, self.day)
    }

    /// `17:00:00`
    fn time(self) -> String {
        let (minutes, seconds) = (self.second_of_day / 60, self.second_of_day % 60);
        format!("{:02}:{:02}:{seconds:02}", minutes / 60, minutes % 60)
    }

    /// `Nov 23 17:00` in `this_year`, `Nov 23  2025` else.
    pub(super) fn short(self, this_year: i64) -> String {
        let month = MONTHS.get(usize::from(self.month) - 1).unwrap_or(&"");
        let rest = if self.year == this_year {
            self.time()[..5].to_owned()
        } else {
            format!(" {:04}", self.year)
        };
        format!("{month} {:02} {rest}", self.day)
    }
}

/// `2026-11-23 17:00:00`, with `digits` of a second's fraction.
pub fn plain(modified: Modified, zone: &TimeZone, digits: usize) -> String {
    let civil = civil(modified, zone);
    format!("{} {}{}", civil.date(), civil.time(), fraction(modified, digits))
}

/// `2026-11-23T17:00:00.123Z`, with `digits` of a second's fraction.
pub(super) fn rfc3339(modified: Modified, zone: &TimeZone, digits: usize) -> String {
    let civil = civil(modified, zone);
    let offset = match civil.offset / 60 {
        0 => "Z".into(),
        minutes => {
            let sign = if minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    };
    format!(
        "{}T{}{}{offset}",
        civil.date(),
        civil.time(),
        fraction(modified, digits)
    )
}

fn fraction(modified: Modified, digits: usize) -> String {
    if digits == 0 {
        return String::new();
    }
    let fraction = format!("{:09}", modified.nanoseconds);
    format!(".{}", fraction.get(..digits).unwrap_or(&fraction))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Modified {
        Modified {
            seconds,
            nanoseconds: 0,
        }
    }

    #[test]
    fn times_have_zone_and_digits() {
        let time = Modified {
            seconds: 86_400,
            nanoseconds: 123_456_789,
        };
        let zone = |seconds| TimeZone::fixed(jiff::tz::Offset::from_seconds(seconds).unwrap());
        assert_eq!(plain(time, &TimeZone::UTC, 0), "1970-01-02 00:00:00");
        assert_eq!(rfc3339(time, &TimeZone::UTC, 0), "1970-01-02T00:00:00Z");
        assert_eq!(rfc3339(time, &zone(19_800), 3), "1970-01-02T05:30:00.123+05:30");
        assert_eq!(rfc3339(time, &zone(-12_600), 0), "1970-01-01T20:30:00-03:30");
    }

    #[test]
    fn times_far_away_are_times_too() {
        for (seconds, shown) in [
            (253_402_300_799, "9999-12-31 23:59:59"),
            (253_402_300_800, "10000-01-01 00:00:00"),
            (-62_135_596_800, "0001-01-01 00:00:00"),
            (-62_167_219_201, "-0001-12-31 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
        ] {
            assert_eq!(plain(at(seconds), &TimeZone::UTC, 0), shown);
        }
        for seconds in [i64::MAX, i64::MIN] {
            assert!(plain(at(seconds), &TimeZone::UTC, 9).contains(':'));
        }
    }

    #[test]
    fn short_forms_show_the_year_only_if_it_is_another() {
        let civil = civil(at(86_400 * 400), &TimeZone::UTC);
        assert_eq!(civil.short(1971), "Feb 05 00:00");
        assert_eq!(civil.short(1970), "Feb 05  1971");
    }

    proptest! {
        #[test]
        fn they_are_those_of_a_calendar_library(seconds in -377_000_000_000_i64..253_000_000_000) {
            let time = Timestamp::from_second(seconds).unwrap().to_zoned_datetime(TimeZone::UTC);
            prop_assume!(time.year() >= 0);
            prop_assert_eq!(plain(at(seconds), &TimeZone::UTC, 0), time.strftime("%Y-%m-%d %H:%M:%S").to_string());
        }
    }
}
