//! The command line, and the way from arguments to an exit code.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use shared::{
    endpoints::{Endpoints, ORIGIN_VARIABLE},
    exit,
    failure::Failure,
    oauth::check_app_key,
    pkce::Challenge,
};

use crate::{flow, say};

/// Log in to Dropbox in this computer's browser and print a grant to paste on a login node.
#[derive(Debug, Parser)]
#[command(
    name = "authorizer",
    version,
    max_term_width = 100,
    after_help = "Usually the login node prints the whole line to run: start there with\n  node-tool config create dbx --app-key KEY"
)]
pub struct Cli {
    /// The app key, from the app's page at https://www.dropbox.com/developers/apps
    #[arg(value_parser = check_app_key)]
    pub app_key: String,
    /// Answer a pairing that node-tool began: print a one-time grant that only that node can use
    #[arg(long, value_name = "S256", value_parser = Challenge::parse)]
    pub challenge: Option<Challenge>,
    /// Print the address to open and don't start a browser
    #[arg(long)]
    pub no_browser: bool,
    /// Give up after this long, for example 90s, 10m or 1h30m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub timeout: Duration,
    /// What to print: a grant, or the JSON that `rclone authorize` prints
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Grant)]
    pub format: Format,
    /// Read the app's secret from FILE ('-' asks for it): only for an app without PKCE
    #[arg(long, value_name = "FILE", conflicts_with = "challenge")]
    pub app_secret_file: Option<PathBuf>,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For node-tool
    Grant,
    /// For rclone
    Rclone,
}

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    // A dump of a crashed process would hold codes and tokens.
    let _ = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    let done = prepare(&cli).and_then(|endpoints| flow::log_in(&cli, &endpoints));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::note(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn prepare(cli: &Cli) -> Result<Endpoints, Failure> {
    if cli.challenge.is_some() && cli.format == Format::Rclone {
        return Err(Failure::usage("--format rclone can't be used with --challenge")
            .why("with --challenge only a one-time code passes through here, and rclone needs a whole token")
            .next(format!("authorizer {} --format rclone", cli.app_key)));
    }
    let origin = std::env::var(ORIGIN_VARIABLE).ok();
    Endpoints::new(origin.as_deref()).map_err(|e| Failure::usage(e.to_string()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    match parsed.map(Duration::try_from) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => Err("give a time such as 90s, 10m or 1h30m".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_mistake() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_as_people_write_them() {
        for (text, seconds) in [("10m", 600), ("90s", 90), ("1h30m", 5400), ("1h 30m", 5400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "10", "-5m", "0s", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
