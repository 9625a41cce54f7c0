//! What the log looks like, and what happens to a file that is full, named as rclone's.

use std::time::Duration;

use engine::filter::Size;
use shared::duration;

use crate::report::{LogFormat, Rotation};

/// The flags of the log's lines and files.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct LogFlags {
    /// What is in each line of the log: date, time, microseconds, UTC, shortfile, pid, nolevel, json; with commas
    /// [default: date,time]
    #[arg(long, global = true, help_heading = "Output", value_name = "WORDS")]
    pub log_format: Option<LogFormat>,
    /// Set a log file aside that would be larger, and begin a new one
    #[arg(long, global = true, help_heading = "Output", value_name = "SIZE")]
    pub log_file_max_size: Option<Size>,
    /// Keep at most N log files that were set aside; 0 keeps all
    #[arg(long, global = true, help_heading = "Output", value_name = "N")]
    pub log_file_max_backups: Option<usize>,
    /// Remove log files that were set aside longer ago; 0 keeps all
    #[arg(long, global = true, help_heading = "Output", value_name = "DURATION", value_parser = duration::parse_as_rclone)]
    pub log_file_max_age: Option<Duration>,
    /// Compress log files that are set aside
    #[arg(long, global = true, help_heading = "Output")]
    pub log_file_compress: bool,
}

impl LogFlags {
    /// Returns what happens to a full file.
    pub fn rotation(&self) -> Rotation {
        Rotation {
            max_bytes: self.log_file_max_size.and_then(|size| size.0),
            max_backups: self.log_file_max_backups.filter(|count| *count > 0),
            max_age: self.log_file_max_age.filter(|age| !age.is_zero()),
            compresses: self.log_file_compress,
        }
    }
}
