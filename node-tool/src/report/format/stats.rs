//! The block that rclone prints while it works and at the end: `Transferred: …`.

use std::{fmt, time::Duration};

use super::size;

/// Counts of a run, as rclone shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Bytes that have arrived.
    pub bytes: u64,
    /// Bytes that are to arrive, those that have included.
    pub total_bytes: u64,
    /// Bytes per second.
    pub bytes_per_second: u64,
    /// What failed.
    pub errors: u64,
    /// Files that were compared and are there already.
    pub checks: u64,
    /// Files that were deleted.
    pub deletes: u64,
    /// Files that got another name instead of being copied.
    pub renames: u64,
    /// Files that have arrived.
    pub transfers: u64,
    /// Files that are to arrive, those that have included.
    pub total_transfers: u64,
    /// Since the start.
    pub elapsed: Duration,
}

impl Stats {
    /// Returns the line with bytes, percentage, rate and remaining time, as `--stats-one-line` shows it.
    pub fn one_line(&self) -> String {
        format!(
            "{:>13} / {}, {}, {}/s, ETA {}",
            size(self.bytes),
            size(self.total_bytes),
            percent(self.bytes, self.total_bytes),
            size(self.bytes_per_second),
            self.remaining()
        )
    }

    fn remaining(&self) -> String {
        let left = self.total_bytes.checked_sub(self.bytes);
        match left.and_then(|left| left.checked_div(self.bytes_per_second)) {
            Some(seconds) if self.total_bytes > 0 => spelled(seconds),
            _ => "-".to_owned(),
        }
    }
}

/// The block, with the end of its last line.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Transferred:   \t{}", self.one_line())?;
        if self.errors > 0 {
            writeln!(f, "Errors:        {:>10}", self.errors)?;
        }
        if self.checks > 0 {
            let (checks, whole) = (self.checks, percent(self.checks, self.checks));
            writeln!(f, "Checks:        {checks:>10} / {checks}, {whole}")?;
        }
        if self.deletes > 0 {
            writeln!(f, "Deleted:       {:>10} (files)", self.deletes)?;
        }
        if self.renames > 0 {
            writeln!(f, "Renamed:       {:>10}", self.renames)?;
        }
        if self.total_transfers > 0 {
            let (done, all) = (self.transfers, self.total_transfers);
            writeln!(f, "Transferred:   {done:>10} / {all}, {}", percent(done, all))?;
        }
        writeln!(f, "Elapsed time:  {:>10}s", elapsed(self.elapsed))
    }
}

fn percent(part: u64, whole: u64) -> String {
    match (part * 100 + whole / 2).checked_div(whole) {
        Some(percent) => format!("{percent}%"),
        None => "-".to_owned(),
    }
}

/// Seconds with larger units before them: `1m5.0`.
fn elapsed(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let seconds = f64::from(u32::try_from(time.as_millis() % 60_000 / 100).unwrap_or(0)) / 10.0;
    match (hours, minutes) {
        (0, 0) => format!("{seconds:.1}"),
        (0, minutes) => format!("{minutes}m{seconds:.1}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds:.1}"),
    }
}

/// Whole seconds in units that are not zero: `1h5s`.
fn spelled(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let text: String = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_rclones() {
        let nothing = Stats::default();
        assert_eq!(
            nothing.to_string(),
            "Transferred:   \t          0 B / 0 B, -, 0 B/s, ETA -\nElapsed time:         0.0s\n"
        );
        let some = Stats {
            bytes: 1_601_175,
            total_bytes: 3_000_003,
            bytes_per_second: 1_076_888,
            errors: 1,
            checks: 3,
            deletes: 2,
            renames: 1,
            transfers: 1,
            total_transfers: 2,
            elapsed: Duration::from_millis(61_530),
        };
        assert_eq!(
            some.to_string(),
            "Transferred:   \t    1.527 MiB / 2.861 MiB, 53%, 1.027 MiB/s, ETA 1s\n\
             Errors:                 1\n\
             Checks:                 3 / 3, 100%\n\
             Deleted:                2 (files)\n\
             Renamed:                1\n\
             Transferred:            1 / 2, 50%\n\
             Elapsed time:       1m1.5s\n"
        );
    }

    #[test]
    fn times_are_short() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3605, "1h5s"),
            (90_061, "1d1h1m1s"),
        ] {
            assert_eq!(spelled(seconds), text);
        }
        assert_eq!(elapsed(Duration::from_secs(3600)), "1h0m0.0");
    }
}
