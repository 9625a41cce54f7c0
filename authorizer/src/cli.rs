//! The command line, and the way from arguments to an exit code.

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use shared::{
    completion::SHELLS,
    duration,
    endpoints::{Endpoints, ORIGIN_VARIABLE},
    exit,
    failure::Failure,
    oauth::check_app_key,
    pkce::Challenge,
};

use crate::{completion, flow, say};

/// Log in to Dropbox in this computer's browser, for a login node that has none.
#[derive(Debug, Parser)]
#[command(
    name = "authorizer",
    version,
    max_term_width = 100,
    override_usage = "authorizer [OPTIONS] <APP_KEY> [CHALLENGE]\n       authorizer --ssh <DESTINATION> [OPTIONS] <NAME>",
    after_help = "With ssh to the login node, nothing has to be pasted; dbx is what the account will be called there:\n  \
                  authorizer --ssh me@login.example.org dbx\n\n\
                  Otherwise start on the login node, which prints the whole line to run here:\n  \
                  node-tool config create dbx"
)]
pub struct Cli {
    /// The app key, from the app's page at https://www.dropbox.com/developers/apps; with --ssh, what the account will be
    /// called on the login node
    #[arg(value_name = "APP_KEY|NAME")]
    pub subject: String,
    /// Answer a pairing that node-tool began: print a one-time grant that only that node can use
    #[arg(value_name = "CHALLENGE", allow_hyphen_values = true)]
    pub second: Option<String>,
    /// What else stands there; [`words`] makes sense of it.
    #[arg(hide = true)]
    pub more: Vec<String>,
    /// The same as CHALLENGE
    #[arg(long, value_name = "CHALLENGE", value_parser = Challenge::parse, allow_hyphen_values = true)]
    pub challenge: Option<Challenge>,
    /// Connect the login node at DESTINATION through ssh, without any pasting
    #[arg(long, value_name = "DESTINATION", conflicts_with_all = ["challenge", "format", "app_secret_file"])]
    pub ssh: Option<String>,
    /// With --ssh: how node-tool is called there, if it isn't in the PATH that ssh sees
    #[arg(long, value_name = "COMMAND", requires = "ssh", default_value = "node-tool")]
    pub remote_command: String,
    /// With --ssh: the ssh to use, with its options, such as 'ssh -p 2222'
    #[arg(long, value_name = "COMMAND", requires = "ssh", default_value = "ssh")]
    pub ssh_command: String,
    /// With --ssh: the app key, if the login node knows none
    #[arg(long, value_name = "KEY", requires = "ssh", value_parser = check_app_key)]
    pub app_key: Option<String>,
    /// Print the address to open and don't start a browser
    #[arg(long)]
    pub no_browser: bool,
    /// Give up after this long, for example 90s, 10m or 1h30m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
    pub timeout: Duration,
    /// What to print: a grant, or the JSON that `rclone authorize` prints
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Grant)]
    pub format: Format,
    /// Read the app's secret from FILE ('-' asks for it): only for an app without PKCE
    #[arg(long, value_name = "FILE", conflicts_with = "challenge")]
    pub app_secret_file: Option<PathBuf>,
    /// Print what SHELL (bash, zsh or fish) has to load to complete the arguments; alone
    #[arg(long, value_name = "SHELL", exclusive = true, value_parser = SHELLS)]
    pub completion: Option<String>,
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
    shared::process::keep_memory_private();
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(text) = completion::answer(&args) {
        say::result(&text);
        return ExitCode::SUCCESS;
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    let done = endpoints().and_then(|endpoints| flow::run(&cli, &endpoints));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::note(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn endpoints() -> Result<Endpoints, Failure> {
    let origin = std::env::var(ORIGIN_VARIABLE).ok();
    Endpoints::new(origin.as_deref()).map_err(|e| Failure::usage(e.to_string()))
}

impl Cli {
    /// The words that are no flags.
    pub fn words(&self) -> Vec<&str> {
        let words = std::iter::once(&self.subject)
            .chain(&self.second)
            .chain(&self.more);
        words.map(String::as_str).collect()
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
    fn one_challenge_in_64_begins_like_a_flag() {
        let challenge = "-PEbfg0lO6FXzxXzywikEQm4i5dB5ykwE9u-oyln3lo";
        let cli = Cli::try_parse_from(["authorizer", "key0key0key0key", "--challenge", challenge]).unwrap();
        assert!(cli.challenge == Challenge::parse(challenge).ok());
        let args = ["authorizer", "key0key0key0key", challenge, "--no-browser"];
        let cli = Cli::try_parse_from(args).unwrap();
        assert_eq!(cli.words(), ["key0key0key0key", challenge]);
        assert!(cli.no_browser);
    }
}
