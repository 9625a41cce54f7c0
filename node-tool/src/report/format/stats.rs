//! The block that rclone prints while it works and at the end: `Transferred: …`.

use std::{fmt, time::Duration};

use serde::Serialize;

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

/// Counts of a run, with the names that rclone's JSON log has for them.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    bytes: u64,
    checks: u64,
    deleted_dirs: u64,
    deletes: u64,
    elapsed_time: f64,
    errors: u64,
    /// Remaining time in seconds. `None` if unknown.
    eta: Option<u64>,
    fatal_error: bool,
    listed: u64,
    renames: u64,
    retry_error: bool,
    server_side_copies: u64,
    server_side_copy_bytes: u64,
    server_side_move_bytes: u64,
    server_side_moves: u64,
    speed: f64,
    total_bytes: u64,
    total_checks: u64,
    total_transfers: u64,
    transfer_time: f64,
    transfers: u64,
}

impl Stats {
    /// Returns the counts for a JSON log. What isn't counted here is 0.
    pub fn counts(&self) -> Counts {
        let seconds = self.elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "rclone has fractions")]
        let speed = self.bytes_per_second as f64;
        Counts {
            bytes: self.bytes,
            checks: self.checks,
            deleted_dirs: 0,
            deletes: self.deletes,
            elapsed_time: seconds,
            errors: self.errors,
            eta: self.seconds_left(),
            fatal_error: false,
            listed: 0,
            renames: self.renames,
            retry_error: self.errors > 0,
            server_side_copies: 0,
            server_side_copy_bytes: 0,
            server_side_move_bytes: 0,
            server_side_moves: 0,
            speed,
            total_bytes: self.total_bytes,
            total_checks: self.checks,
            total_transfers: self.total_transfers,
            transfer_time: seconds,
            transfers: self.transfers,
        }
    }

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
        self.seconds_left().map_or_else(|| "-".to_owned(), spelled)
    }

    fn seconds_left(&self) -> Option<u64> {
        let left = self.total_bytes.checked_sub(self.bytes)?;
        let seconds = left.checked_div(self.bytes_per_second)?;
        (self.total_bytes > 0).then_some(seconds)
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
    fn counts_have_rclones_names() {
        let stats = Stats {
            bytes: 6,
            total_bytes: 10,
            bytes_per_second: 2,
            ..Stats::default()
        };
        let json = serde_json::to_value(stats.counts()).unwrap();
        let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        // What rclone 1.75 prints, with the fields sorted.
        let rclones = "bytes checks deletedDirs deletes elapsedTime errors eta fatalError listed renames retryError \
                       serverSideCopies serverSideCopyBytes serverSideMoveBytes serverSideMoves speed totalBytes totalChecks \
                       totalTransfers transferTime transfers";
        assert_eq!(names.join(" "), rclones);
        assert_eq!((&json["eta"], &json["speed"]), (&2.into(), &2.0.into()));
        assert!(serde_json::to_value(Stats::default().counts()).unwrap()["eta"].is_null());
    }

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
