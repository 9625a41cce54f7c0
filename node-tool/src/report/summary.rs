//! The outcome of a transfer: counted while it runs, reported in one line at its end.

use std::{fmt, time::Duration};

use engine::run::Tally;

use super::format::Stats;

/// The outcome of a run, in one line.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a> {
    /// The counts.
    pub tally: &'a Tally,
    /// Whether files are gone from the source.
    pub is_move: bool,
    /// From start to end.
    pub took: Duration,
}

impl Summary<'_> {
    /// Returns it as rclone counts. `total_bytes` were to be copied.
    pub(super) fn stats(&self, total_bytes: u64) -> Stats {
        let tally = self.tally;
        let failed = tally.failed.len() as u64;
        Stats {
            bytes: tally.copied_bytes,
            // What turned out to be there already was not to be copied.
            total_bytes: if failed == 0 {
                tally.copied_bytes
            } else {
                total_bytes
            },
            bytes_per_second: per_second(tally.copied_bytes, self.took),
            errors: failed,
            checks: tally.unchanged + tally.skipped,
            deletes: tally.deleted,
            renames: tally.renamed,
            transfers: tally.copied,
            total_transfers: tally.copied + failed,
            elapsed: self.took,
        }
    }
}

/// Returns the mean rate in bytes per second; 0 if nothing took time.
pub(super) fn per_second(bytes: u64, took: Duration) -> u64 {
    let milliseconds = u128::max(took.as_millis(), 1);
    u64::try_from(u128::from(bytes) * 1000 / milliseconds).unwrap_or(u64::MAX)
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = self.tally;
        let done = if self.is_move { "moved" } else { "copied" };
        write!(
            f,
            "{} {done} ({})",
            files(tally.copied),
            bytes(tally.copied_bytes)
        )?;
        write!(f, ", {} already there", tally.unchanged)?;
        if tally.skipped > 0 {
            write!(f, ", {} left as they are", tally.skipped)?;
        }
        if tally.renamed > 0 {
            write!(f, ", {} renamed", tally.renamed)?;
        }
        if tally.deleted > 0 {
            write!(f, ", {} deleted", tally.deleted)?;
        }
        if !tally.failed.is_empty() {
            write!(f, ", {} failed", tally.failed.len())?;
        }
        let seconds = self.took.as_secs_f64();
        write!(f, ", {seconds:.1} s")?;
        if tally.copied_bytes > 0 && !self.took.is_zero() {
            write!(f, ", {}/s", bytes(per_second(tally.copied_bytes, self.took)))?;
        }
        Ok(())
    }
}

/// `1 file`, `2 files`
pub fn files(count: u64) -> String {
    if count == 1 {
        "1 file".into()
    } else {
        format!("{count} files")
    }
}

/// A size for people: `1.5 MiB`.
pub fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

#[cfg(test)]
mod tests {
    use engine::{Error, Retry, run::Failed};

    use super::*;

    #[test]
    fn one_line_says_it_all() {
        let mut tally = Tally {
            copied: 2,
            copied_bytes: 3 << 20,
            unchanged: 5,
            ..Tally::default()
        };
        let line = |tally: &Tally| {
            let summary = Summary {
                tally,
                is_move: false,
                took: Duration::from_secs(2),
            };
            summary.to_string()
        };
        assert_eq!(
            line(&tally),
            "2 files copied (3.00 MiB), 5 already there, 2.0 s, 1.50 MiB/s"
        );
        tally.failed.push(Failed {
            path: "x".into(),
            error: Error::new(Retry::Never, "y"),
        });
        assert!(line(&tally).contains("1 failed"));
        tally.skipped = 3;
        assert!(line(&tally).contains("5 already there, 3 left as they are, 1 failed"));
    }
}
