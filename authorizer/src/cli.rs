//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};
use shared::{completion::SHELLS, duration, oauth::check_app_key, pkce::Challenge};

/// Log in to Dropbox in this computer's browser, for a login node that has none.
#[derive(Debug, Parser)]
#[command(
    name = "authorizer",
    version = shared::version::VERSION,
    max_term_width = 100,
    override_usage = "authorizer [OPTIONS] <APP_KEY> [CHALLENGE]\n       authorizer --ssh <DESTINATION> [OPTIONS] <NAME>",
    after_help = "With ssh to the login node, nothing has to be pasted; dbx is the name of the account there:\n  \
                  authorizer --ssh me@login.example.org dbx\n\n\
                  Otherwise start on the login node, which prints the line to run here:\n  \
                  node-tool config create dbx"
)]
pub(crate) struct Cli {
    #[allow(rustdoc::bare_urls, reason = "the text is the program's help, too")]
    /// The app key, from the app's page at https://www.dropbox.com/developers/apps; with --ssh, the name of the
    /// account on the login node
    #[arg(value_name = "APP_KEY|NAME")]
    pub(crate) subject: String,
    /// The challenge that node-tool printed: the grant is then a one-time code that only that node can use
    #[arg(value_name = "CHALLENGE", allow_hyphen_values = true)]
    pub(crate) second: Option<String>,
    /// Further words, for [`words`](crate::words)
    #[arg(hide = true)]
    pub(crate) more: Vec<String>,
    /// The same as CHALLENGE
    #[arg(long, value_name = "CHALLENGE", value_parser = Challenge::parse, allow_hyphen_values = true)]
    pub(crate) challenge: Option<Challenge>,
    /// Connect the login node at DESTINATION through ssh, without any pasting
    #[arg(long, value_name = "DESTINATION", conflicts_with_all = ["challenge", "format", "app_secret_file"])]
    pub(crate) ssh: Option<String>,
    /// With --ssh: the command that starts node-tool there, if it isn't in the PATH that ssh sees
    #[arg(long, value_name = "COMMAND", requires = "ssh", default_value = "node-tool")]
    pub(crate) remote_command: String,
    /// With --ssh: the ssh command to use, with its options, such as 'ssh -p 2222'
    #[arg(long, value_name = "COMMAND", requires = "ssh", default_value = "ssh")]
    pub(crate) ssh_command: String,
    /// With --ssh: the app key, if the login node doesn't have one
    #[arg(long, value_name = "KEY", requires = "ssh", value_parser = check_app_key)]
    pub(crate) app_key: Option<String>,
    /// Print the address to open, and don't start a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Give up after this long, for example 90s, 10m or 1h30m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
    pub(crate) timeout: Duration,
    /// What to print: a grant, or the JSON that `rclone authorize` prints
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Grant)]
    pub(crate) format: Format,
    /// Read the app's secret from FILE ('-' asks for it): only for an app without PKCE
    #[arg(long, value_name = "FILE", conflicts_with = "challenge")]
    pub(crate) app_secret_file: Option<PathBuf>,
    /// Print the completion script for SHELL (bash, zsh or fish); no other argument is allowed
    #[arg(long, value_name = "SHELL", exclusive = true, value_parser = SHELLS)]
    pub(crate) completion: Option<String>,
    /// Print the manual page; no other argument is allowed
    #[arg(long, exclusive = true)]
    pub(crate) man: bool,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For node-tool
    Grant,
    /// For rclone
    Rclone,
}

impl Cli {
    /// Returns the words that are no flags.
    pub(crate) fn words(&self) -> Vec<&str> {
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
    fn a_challenge_may_begin_like_a_flag() {
        let challenge = "-PEbfg0lO6FXzxXzywikEQm4i5dB5ykwE9u-oyln3lo";
        let cli = Cli::try_parse_from(["authorizer", "key0key0key0key", "--challenge", challenge]).unwrap();
        assert!(cli.challenge == Challenge::parse(challenge).ok());
        let args = ["authorizer", "key0key0key0key", challenge, "--no-browser"];
        let cli = Cli::try_parse_from(args).unwrap();
        assert_eq!(cli.words(), ["key0key0key0key", challenge]);
        assert!(cli.no_browser);
    }
}
