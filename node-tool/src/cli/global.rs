//! Flags that every command takes.

use std::{path::PathBuf, time::Duration};

use clap::{
    ArgAction, Args,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use shared::duration;

use engine::filter::{Age, Size};

use crate::{
    config::CONFIG_VARIABLE,
    flags::{bandwidth::Timetable, links::LinkFlags, log::LogFlags, network::NetworkFlags},
};

/// Flags that every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Use at most N connections at once [default: as many as help, up to 96; --memory allows about 26 with large files]
    #[arg(long, global = true, help_heading = "Limits", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub transfers: Option<u16>,
    /// Hold at most SIZE of content in memory; with more, more connections can be busy at once [default: 40M]
    #[arg(
        long,
        global = true,
        help_heading = "Limits",
        value_name = "SIZE",
        alias = "max-buffer-memory"
    )]
    pub memory: Option<Size>,
    /// Try each call at most N times [default: 8]
    #[arg(long, global = true, help_heading = "Limits", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub low_level_retries: Option<u32>,
    /// Begin at most N calls per second
    #[arg(long, global = true, help_heading = "Limits", value_name = "N", value_parser = calls)]
    pub tpslimit: Option<f64>,
    /// Begin at most N calls at once, as long as --tpslimit holds in the long run
    #[arg(long, global = true, help_heading = "Limits", value_name = "N")]
    pub tpslimit_burst: Option<u32>,
    /// Use at most N connections at once, as --transfers does; 0 is no limit
    #[arg(long, global = true, hide = true, value_name = "N")]
    pub max_connections: Option<u16>,
    /// Give up a call in which nothing moves for this long; 0 is never [default: 1m40s]
    #[arg(long, global = true, help_heading = "Limits", value_name = "DURATION", value_parser = duration::parse_as_rclone)]
    pub timeout: Option<Duration>,
    /// Wait this long for a connection; 0 is forever [default: 20s]
    #[arg(long, global = true, help_heading = "Limits", value_name = "DURATION", value_parser = duration::parse_as_rclone)]
    pub contimeout: Option<Duration>,
    /// Move at most RATE per second: KiB, or with b, k, M, G; UP:DOWN for each direction; or a timetable of rates:
    /// '08:00,512k 19:00,10M Sat-00:00,off'
    #[arg(long, global = true, help_heading = "Limits", value_name = "RATE")]
    pub bwlimit: Option<Timetable>,
    /// Print what happens to each file; -vv also prints each request
    #[arg(short, long, global = true, help_heading = "Output", action = ArgAction::Count)]
    pub verbose: u8,
    /// Print only errors
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Output",
        conflicts_with = "verbose"
    )]
    pub quiet: bool,
    /// Print what is at least as important: DEBUG, INFO, NOTICE or ERROR; -vv is DEBUG, and -v is INFO
    #[arg(long, global = true, help_heading = "Output", value_name = "LEVEL", ignore_case = true, conflicts_with_all = ["verbose", "quiet"],
          value_parser = ["DEBUG", "INFO", "NOTICE", "ERROR"])]
    pub log_level: Option<String>,
    /// Use colours: always, never, or on a terminal only (auto)
    #[arg(long, global = true, help_heading = "Output", value_name = "WHEN", ignore_case = true, value_parser = ["auto", "never", "always"])]
    pub color: Option<String>,
    /// Show this time for what has none, as folders of a Dropbox [default: 2000-01-01T00:00:00Z]
    #[arg(
        long,
        global = true,
        help_heading = "Output",
        value_name = "TIME",
        allow_hyphen_values = true
    )]
    pub default_time: Option<Age>,
    /// Append the log to FILE
    #[arg(long, global = true, help_heading = "Output", value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    #[command(flatten)]
    pub log: LogFlags,
    /// Print what is listed or done as JSON, one object per line, the total last
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Write the log as JSON, one object per line
    #[arg(long, global = true, help_heading = "Output")]
    pub use_json_log: bool,
    /// Without a terminal, print progress every DURATION (10s, 5m); 0 disables it [default with -P: after 5s, then less and
    /// less often, at least every 1m]
    #[arg(long, global = true, help_heading = "Output", value_name = "DURATION", value_parser = duration::parse_as_rclone)]
    pub stats: Option<Duration>,
    /// Read and write the config in FILE instead of ~/.config/node-tool/config.toml
    #[arg(long, global = true, help_heading = "Global", value_name = "FILE", env = CONFIG_VARIABLE, value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub config: Option<PathBuf>,
    /// Keep listings and hashes in DIR instead of ~/.cache/node-tool
    #[arg(long, global = true, help_heading = "Global", value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// Call itself NAME in calls to Dropbox
    #[arg(long, global = true, help_heading = "Global", value_name = "NAME")]
    pub user_agent: Option<String>,
    /// List everything again instead of only what changed since the last time, and hash local files again
    #[arg(long, global = true, help_heading = "Global")]
    pub no_cache: bool,
    /// Run CMD with the shell and use its first line as the password of an encrypted config
    #[arg(long, global = true, help_heading = "Global", value_name = "CMD")]
    pub password_command: Option<String>,
    /// Whether to ask for the password of an encrypted config, on a terminal
    #[arg(long, global = true, help_heading = "Global", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", action = ArgAction::Set)]
    pub ask_password: bool,
    /// Map names that Dropbox can't store (backslashes, spaces at the end, bytes that aren't UTF-8 …) as rclone maps them, also
    /// in typed paths
    #[arg(long, global = true, help_heading = "Global")]
    pub encode_names: bool,
    /// Export cloud documents, such as Paper, to the first of these formats that they have
    #[arg(long, global = true, help_heading = "Global", value_name = "FORMATS", value_delimiter = ',', default_value = "html,md", action = ArgAction::Set,
          alias = "dropbox-export-formats", value_parser = ["html", "md"])]
    pub export_formats: Vec<String>,
    /// With the login of a team's app: use the files of the member with this e-mail address
    #[arg(
        long,
        global = true,
        help_heading = "Global",
        value_name = "EMAIL",
        alias = "dropbox-impersonate"
    )]
    pub as_member: Option<String>,
    #[command(flatten)]
    pub network: NetworkFlags,
    #[command(flatten)]
    pub links: LinkFlags,
}

impl Global {
    /// Returns how much is logged: `-v` once is 1, and whether only errors are.
    pub fn log_level(&self) -> (u8, bool) {
        match self.log_level.as_deref().map(str::to_ascii_uppercase).as_deref() {
            Some("DEBUG") => (2, false),
            Some("INFO") => (1, false),
            Some("NOTICE") => (0, false),
            Some("ERROR") => (0, true),
            _ => (self.verbose, self.quiet),
        }
    }
}

fn calls(text: &str) -> Result<f64, String> {
    let calls = text
        .parse()
        .ok()
        .filter(|calls: &f64| calls.is_finite() && *calls >= 0.0);
    calls.ok_or_else(|| "give a number such as 10 or 0.5".into())
}
