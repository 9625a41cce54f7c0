//! What is in each line of the log besides its text: `--log-format`.

use std::str::FromStr;

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};

/// What is in each line of the log, in rclone's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a word each")]
pub struct LogFormat {
    date: bool,
    time: bool,
    /// The time with its microseconds.
    microseconds: bool,
    /// In UTC instead of the system's zone.
    utc: bool,
    /// The place in the program that a line is from.
    source: bool,
    /// The number of the process.
    pub(super) pid: bool,
    level: bool,
    /// Whether lines are JSON, as with `--use-json-log`.
    pub json: bool,
}

impl Default for LogFormat {
    fn default() -> Self {
        Self {
            date: true,
            time: true,
            ..Self::EMPTY
        }
    }
}

impl LogFormat {
    const EMPTY: Self = Self {
        date: false,
        time: false,
        microseconds: false,
        utc: false,
        source: false,
        pid: false,
        level: true,
        json: false,
    };

    /// Returns a line, with its end. `source` is where it is from, if that is known.
    pub(super) fn line(self, level: &str, source: &str, text: &str) -> String {
        self.line_at(Timestamp::now(), level, source, text)
    }

    fn line_at(self, now: Timestamp, level: &str, source: &str, text: &str) -> String {
        let mut line = self.stamp(&now.to_zoned_datetime(match self.utc {
            true => TimeZone::UTC,
            false => TimeZone::system(),
        }));
        if self.source && !source.is_empty() {
            line += source;
            line += ": ";
        }
        if self.pid {
            line += &format!("[{}] ", std::process::id());
        }
        if self.level {
            line += &format!("{level:<6}: ");
        }
        line + text + "\n"
    }

    /// Returns the time in front of a line, with a blank behind each of its parts.
    fn stamp(self, now: &ZonedDateTime) -> String {
        let date = if self.date { "%Y/%m/%d " } else { "" };
        let time = match (self.microseconds, self.time) {
            (true, _) => "%H:%M:%S%.6f ",
            (_, true) => "%H:%M:%S ",
            (false, false) => "",
        };
        now.strftime(&format!("{date}{time}")).to_string()
    }
}

impl FromStr for LogFormat {
    type Err = String;

    /// Reads words in any letter case, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut format = Self::EMPTY;
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        for word in words {
            let is_on = match word.to_ascii_lowercase().as_str() {
                "date" => &mut format.date,
                "time" => &mut format.time,
                "microseconds" => &mut format.microseconds,
                "utc" => &mut format.utc,
                "longfile" | "shortfile" => &mut format.source,
                "pid" => &mut format.pid,
                "json" => &mut format.json,
                "nolevel" => {
                    format.level = false;
                    continue;
                }
                _ => {
                    return Err(
                        "give some of date, time, microseconds, UTC, longfile, shortfile, pid, nolevel and json, with commas"
                            .into(),
                    );
                }
            };
            *is_on = true;
        }
        Ok(format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_part_of_a_line() {
        let now = "2026-11-23T17:00:00.123456789Z".parse().unwrap();
        let pid = std::process::id();
        for (words, line) in [
            ("date,time,utc", "2026/11/23 17:00:00 INFO  : a: b\n"),
            ("UTC,Microseconds", "17:00:00.123456 INFO  : a: b\n"),
            ("UTC, date", "2026/11/23 INFO  : a: b\n"),
            ("", "INFO  : a: b\n"),
            ("nolevel", "a: b\n"),
            ("shortfile,pid", &format!("x.rs:7: [{pid}] INFO  : a: b\n")),
        ] {
            let format: LogFormat = words.parse().unwrap();
            assert_eq!(format.line_at(now, "INFO", "x.rs:7", "a: b"), line, "{words}");
        }
        assert!("date,colour".parse::<LogFormat>().is_err());
        assert!("json".parse::<LogFormat>().unwrap().json);
    }
}
