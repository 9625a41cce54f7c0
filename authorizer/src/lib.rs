//! `authorizer`: logs in to Dropbox in the laptop's browser and prints a grant for the login node.
//!
//! ```text
//!   main ─▶ cli, completion, manual arguments, how shells complete them, the manual page
//!    ├───▶ print_grant               prints a grant (or rclone's token)
//!    │       ├─▶ words               the app key and the challenge on the command line
//!    │       ├─▶ exchange            asks for a token; only without a challenge
//!    │       └─▶ paste, output       what is printed
//!    ├───▶ connect ─▶ ssh            or: node-tool on the login node asks and gets its grant through ssh
//!    └both─▶ login ─▶ browser        opens Dropbox's page
//!              ├────▶ callback       waits for the redirect to localhost:53682, shows what happened
//!              │        └─▶ listener the HTTP server, which bounds what clients can do
//!              └────▶ hints          what to look at when the browser doesn't come back
//!
//!   command_line                    commands to paste, in the quotes of this system's shells
//! ```
//!
//! With a challenge, the code is all that passes through here, and only the node that made the challenge can use it; the
//! verifier and the tokens never exist on this computer.

#![warn(missing_docs, unreachable_pub)]

mod app_secret;
mod browser;
mod callback;
mod cli;
mod command_line;
mod completion;
mod connect;
mod exchange;
mod hints;
mod listener;
mod login;
mod manual;
mod output;
mod pages;
mod paste;
mod peer;
mod print_grant;
mod signals;
mod ssh;
mod wait;
mod words;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser as _;
use shared::{
    endpoints::{Endpoints, ORIGIN_VARIABLE},
    exit,
    failure::Failure,
};

use crate::{cli::Cli, signals::Signals};

/// Runs the program on the arguments of the process, and returns its exit code.
pub fn main() -> ExitCode {
    shared::process::keep_memory_private();
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(text) = completion::answer(&args) {
        output::result(&text);
        return ExitCode::SUCCESS;
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Makes the login that the command line asks for.
fn run(cli: &Cli) -> Result<(), Failure> {
    let origin = std::env::var(ORIGIN_VARIABLE).ok();
    let endpoints = Endpoints::new(origin.as_deref()).map_err(|e| Failure::usage(e.to_string()))?;
    let signals = Signals::catch()?;
    match &cli.ssh {
        Some(destination) => connect::run(cli, destination, &endpoints, &signals),
        None => print_grant::run(cli, &endpoints, &signals),
    }
}
