//! How a login comes to the node: pasted, on stdin, or through `authorizer --ssh`.

use std::path::PathBuf;

use crate::terminal;

/// How the paste comes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct How {
    /// Read the paste from stdin: a grant of the authorizer, or the JSON that `rclone authorize` prints
    #[arg(long)]
    pub(super) token_stdin: bool,
    /// The file with the app's secret, for a token of an app that needs it to renew logins
    #[arg(long, value_name = "FILE")]
    pub(super) app_secret_file: Option<PathBuf>,
    /// Speak with `authorizer --ssh`: print the challenge on stdout, read the grant from stdin
    #[arg(long, hide = true, conflicts_with_all = ["token_stdin", "app_secret_file"])]
    pub(super) pairing: bool,
}

impl How {
    /// Returns whether a person can be asked.
    pub(super) fn may_ask(&self) -> bool {
        !self.token_stdin && !self.pairing && terminal::is_there()
    }
}
