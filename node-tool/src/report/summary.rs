//! What a transfer came to: counted while it runs, told in one line at its end.

use std::{fmt, time::Duration};

use crate::failed::{FailedFile, FailureKind};

/// Counts of a transfer.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Files that were copied.
    pub copied: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Files that were there already.
    pub same: u64,
    /// Files that differ and stay as they are, as a rule such as `--ignore-existing` says.
    pub left: u64,
    /// Files and folders that were removed from the target.
    pub deleted: u64,
    /// Files that were renamed in the target instead of being copied.
    pub renamed: u64,
    /// Whether files are gone from the source.
    pub is_move: bool,
    /// What failed.
    pub failed: Vec<FailedFile>,
    /// From start to end.
    pub took: Duration,
}

impl Summary {
    /// Returns the exit code that says what failed; `None` if nothing did.
    pub fn failure_code(&self) -> Option<u8> {
        FailureKind::exit_code(self.failed.iter().map(|failed| failed.kind))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = if self.is_move { "moved" } else { "copied" };
        write!(f, "{} {done} ({})", files(self.copied), bytes(self.copied_bytes))?;
        write!(f, ", {} already there", self.same)?;
        if self.left > 0 {
            write!(f, ", {} left as they are", self.left)?;
        }
        if self.renamed > 0 {
            write!(f, ", {} renamed", self.renamed)?;
        }
        if self.deleted > 0 {
            write!(f, ", {} deleted", self.deleted)?;
        }
        if !self.failed.is_empty() {
            write!(f, ", {} failed", self.failed.len())?;
        }
        let seconds = self.took.as_secs_f64();
        write!(f, ", {seconds:.1} s")?;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people"
        )]
        if self.copied_bytes > 0 && seconds > 0.0 {
            write!(f, ", {}/s", bytes((self.copied_bytes as f64 / seconds) as u64))?;
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
    use super::*;

    #[test]
    fn one_line_says_it_all() {
        let mut summary = Summary {
            copied: 2,
            copied_bytes: 3 << 20,
            same: 5,
            took: Duration::from_secs(2),
            ..Summary::default()
        };
        assert_eq!(
            summary.to_string(),
            "2 files copied (3.00 MiB), 5 already there, 2.0 s, 1.50 MiB/s"
        );
        summary.failed.push(FailedFile::permanent("x", "y"));
        assert!(summary.to_string().contains("1 failed"));
        summary.left = 3;
        assert!(
            summary
                .to_string()
                .contains("5 already there, 3 left as they are, 1 failed")
        );
    }
}
