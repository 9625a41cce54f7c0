//! `config password`: the config file under a password, or not.

use std::{io::Read as _, path::PathBuf};

use shared::{exit, failure::Failure, secret::Secret};

use super::super::{App, ask, config_failure};
use crate::{config::PASSWORD_VARIABLE, report, terminal};

/// The subcommands of `config password`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Encrypt the config, or change its password
    #[command(after_help = "Example: node-tool config password set")]
    Set {
        /// Read the new password from FILE's first line ('-' is stdin) instead of asking for it
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
    },
    /// Store the config without a password
    #[command(after_help = "Example: node-tool config password remove")]
    Remove,
}

/// Changes the password.
pub(super) async fn run(command: &Command, app: &App) -> Result<u8, Failure> {
    let said = match command {
        Command::Set { new_password_file } => {
            // The old one first: a person shouldn't think up a new one in vain.
            app.store.load().map_err(config_failure)?;
            let new = match new_password_file {
                Some(file) => read(file)?,
                None if terminal::is_there() => ask::new_password().await?,
                None => {
                    return Err(
                        Failure::usage("there is no terminal to ask for the new password on")
                            .next("node-tool config password set --new-password-file FILE"),
                    );
                }
            };
            app.store.set_password(Some(new)).map_err(config_failure)?;
            format!("The config is encrypted. Batch jobs need {PASSWORD_VARIABLE} or --password-command\n")
        }
        Command::Remove => {
            if !app.store.is_encrypted().map_err(config_failure)? {
                return Err(
                    Failure::usage("the config has no password").next("node-tool config password set")
                );
            }
            app.store.set_password(None).map_err(config_failure)?;
            "The config is no longer encrypted; only you may read it (0600)\n".into()
        }
    };
    report::said(&said)?;
    Ok(exit::SUCCESS)
}

fn read(file: &PathBuf) -> Result<Secret, Failure> {
    let mut text = String::new();
    let done = if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|read| text = read)
    };
    done.map_err(|e| Failure::usage(format!("could not read '{}'", file.display())).why(e))?;
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Secret::new(line)),
        None => Err(Failure::usage(format!("'{}' holds no password", file.display()))),
    }
}
