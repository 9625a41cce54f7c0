//! `--bwlimit`: a rate, or a timetable of rates, as rclone reads them: `10M`, `10M:1M`, `08:00,512k 19:00,10M Sat-00:00,off`.

use std::{str::FromStr, time::Duration};

use engine::filter::Size;
use jiff::ZonedDateTime;

const DAY_MINUTES: u32 = 24 * 60;
const WEEK_MINUTES: u32 = 7 * DAY_MINUTES;
/// As many of them as are written.
const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// Bytes per second, up and down. `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// To Dropbox.
    pub up: Option<u64>,
    /// From Dropbox.
    pub down: Option<u64>,
}

impl FromStr for Bandwidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (up, down) = text.split_once(':').unwrap_or((text, text));
        let rate = |text: &str| text.parse::<Size>().map(|size| size.0.filter(|rate| *rate > 0));
        match (rate(up), rate(down)) {
            (Ok(up), Ok(down)) => Ok(Self { up, down }),
            _ => Err("give a rate such as 10M, or 10M:2M for up and down".into()),
        }
    }
}

/// Rates that hold from moments of the week on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// Minutes since the beginning of Sunday, in the order in which they were typed; never empty.
    slots: Vec<(u32, Bandwidth)>,
}

impl FromStr for Timetable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let slots = match text.contains([' ', ',']) {
            false => vec![(0, text.parse()?)],
            true => {
                let slots: Result<Vec<_>, String> = text.split_whitespace().map(slots).collect();
                slots?.concat()
            }
        };
        match slots.is_empty() {
            false => Ok(Self { slots }),
            true => Err("give a rate such as 10M".into()),
        }
    }
}

/// Parses `08:00,512k`, of each day, or `Mon-08:00,512k`.
fn slots(text: &str) -> Result<Vec<(u32, Bandwidth)>, String> {
    let wrong = || format!("'{text}' is no slot of a timetable such as 08:00,512k or Sat-08:00,off");
    let (when, rate) = text.split_once(',').ok_or_else(wrong)?;
    let (days, time) = match when.split_once('-') {
        None => (0..7, when),
        Some((day, time)) => {
            let day = weekday(day).ok_or_else(wrong)?;
            (day..day + 1, time)
        }
    };
    let minute = minute(time).ok_or_else(wrong)?;
    let rate: Bandwidth = rate.parse()?;
    Ok(days.map(|day| (day * DAY_MINUTES + minute, rate)).collect())
}

/// Returns the number of a weekday, in full or in three letters; Sunday is 0.
fn weekday(text: &str) -> Option<u32> {
    let text = text.to_ascii_lowercase();
    let at = WEEKDAYS
        .iter()
        .position(|name| *name == text || name[..3] == text)?;
    u32::try_from(at).ok()
}

/// Returns the minute of a day that is written `08:05`.
fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, end: u32| -> Option<u32> {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| is_plain && *number < end)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

impl Timetable {
    /// Returns the rates at a moment, in the time zone that it has.
    pub fn at(&self, now: &ZonedDateTime) -> Bandwidth {
        self.at_minute(minute_of_week(now))
    }

    /// Returns how long after a moment the rates may change. `None` means never.
    pub fn until_change(&self, now: &ZonedDateTime) -> Option<Duration> {
        let minute = minute_of_week(now);
        let until = |(at, _): &(u32, Bandwidth)| (*at + WEEK_MINUTES - minute - 1) % WEEK_MINUTES + 1;
        let minutes = self
            .slots
            .iter()
            .map(until)
            .min()
            .filter(|_| self.slots.len() > 1)?;
        let into_minute = u64::try_from(now.second()).unwrap_or(0);
        Some(Duration::from_secs(
            (u64::from(minutes) * 60).saturating_sub(into_minute).max(1),
        ))
    }

    fn at_minute(&self, minute: u32) -> Bandwidth {
        let begun = self.slots.iter().filter(|(at, _)| *at <= minute);
        // Of two that begin at once, the later one counts; before the first one of a week, the one that was typed last does.
        let latest = begun.max_by_key(|(at, _)| *at).or(self.slots.last());
        latest.map(|(_, rate)| *rate).unwrap_or_default()
    }
}

fn minute_of_week(now: &ZonedDateTime) -> u32 {
    let day = u32::try_from(now.weekday().to_sunday_zero_offset()).unwrap_or(0);
    let minute = |number: i8| u32::try_from(number).unwrap_or(0);
    day * DAY_MINUTES + minute(now.hour()) * 60 + minute(now.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(rate: u64) -> Bandwidth {
        Bandwidth {
            up: Some(rate),
            down: Some(rate),
        }
    }

    /// A moment of the week that began on Sunday, 2026-11-22, such as `3 08:00`.
    fn moment(text: &str) -> ZonedDateTime {
        let (day, time) = text.split_once(' ').unwrap();
        let day: u32 = day.parse().unwrap();
        format!("2026-11-{:02}T{time}[Europe/Zurich]", 22 + day)
            .parse()
            .unwrap()
    }

    #[test]
    fn a_rate_holds_at_any_time() {
        let off = Bandwidth::default();
        for (text, rate) in [
            ("10M", same(10 << 20)),
            ("512", same(512 << 10)),
            ("off", off),
            ("0", off),
            (
                "10M:1M",
                Bandwidth {
                    up: Some(10 << 20),
                    down: Some(1 << 20),
                },
            ),
            (
                "off:2M",
                Bandwidth {
                    up: None,
                    down: Some(2 << 20),
                },
            ),
        ] {
            let table: Timetable = text.parse().unwrap();
            assert_eq!(table.at(&moment("3 17:30:05")), rate, "{text}");
            assert_eq!(table.until_change(&moment("3 17:30:05")), None);
        }
    }

    #[test]
    fn the_latest_slot_counts_as_in_rclone() {
        let day = "08:00,512k 12:00,10M 13:00,512k 18:00,30M 23:00,off";
        let week = "Mon-00:00,512 Fri-23:59,10M Sat-10:00,1M Sun-20:00,off";
        let mixed = "08:00,1M Saturday-08:00,2M 20:00,3M";
        for (table, now, rate) in [
            (day, "0 07:59:59", None),
            (day, "2 08:00:00", Some(512 << 10)),
            (day, "2 11:59:59", Some(512 << 10)),
            (day, "2 12:00:00", Some(10 << 20)),
            (day, "2 22:00:00", Some(30 << 20)),
            (day, "6 23:30:00", None),
            (week, "0 19:59:00", None),
            (week, "0 20:00:00", None),
            (week, "1 00:00:00", Some(512 << 10)),
            (week, "5 23:58:00", Some(512 << 10)),
            (week, "5 23:59:00", Some(10 << 20)),
            (week, "6 10:00:00", Some(1 << 20)),
            (mixed, "6 08:00:00", Some(2 << 20)),
            (mixed, "5 08:00:00", Some(1 << 20)),
            (mixed, "6 21:00:00", Some(3 << 20)),
            (mixed, "0 01:00:00", Some(3 << 20)),
            // Before its first slot of the week, the last one that was typed counts.
            ("Tue-00:00,1M Mon-00:00,2M", "0 12:00:00", Some(2 << 20)),
        ] {
            let parsed: Timetable = table.parse().unwrap();
            assert_eq!(parsed.at(&moment(now)).up, rate, "{table} at {now}");
        }
    }

    #[test]
    fn it_is_known_when_the_rate_may_change() {
        for (table, now, seconds) in [
            ("08:00,1M 18:00,off", "1 07:59:30", 30),
            ("08:00,1M 18:00,off", "1 08:00:00", 10 * 3600),
            ("08:00,1M 18:00,off", "6 18:00:00", 14 * 3600),
            ("Mon-08:00,1M Mon-08:01,2M", "1 08:01:00", 7 * 86_400 - 60),
        ] {
            let parsed: Timetable = table.parse().unwrap();
            assert_eq!(
                parsed.until_change(&moment(now)),
                Some(Duration::from_secs(seconds)),
                "{table} at {now}"
            );
        }
    }

    #[test]
    fn what_is_no_timetable_is_refused() {
        for text in [
            "",
            " ",
            "fast",
            "1M:2M:3M",
            "08:00,",
            "8:00,1M",
            "24:00,1M",
            "08:60,1M",
            "Foo-08:00,1M",
            "08:00,1M 09:00",
            "Mon-Tue-08:00,1M",
            "08:00,1M,2M",
            ",1M",
            "+8:00,1M",
        ] {
            assert!(text.parse::<Timetable>().is_err(), "{text:?}");
        }
    }
}
