//! `config delete`: ends a remote's login and forgets it.

use shared::{exit, failure::Failure};

use super::super::{App, config_failure, unknown_remote};
use crate::{config::check_name, dropbox::Error, report};

/// The arguments of `config delete`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ending the login ends it on every machine that shares it.\n\nExample: node-tool config delete dbx"
)]
pub struct Args {
    /// The remote's name
    #[arg(value_parser = check_name)]
    pub(super) name: String,
    /// Forget the remote here and leave its login alive
    #[arg(long)]
    pub(super) keep_token: bool,
}

/// Ends the login and removes the remote.
pub(super) async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let name = &args.name;
    let config = app.store.load().map_err(config_failure)?;
    let Some(remote) = config.remotes.get(name) else {
        return Err(unknown_remote(name, config.remotes.keys()));
    };
    let shares = config.remotes.iter().filter(|(other, kept)| {
        *other != name && kept.refresh_token.is_some() && kept.refresh_token == remote.refresh_token
    });
    let shares: Vec<String> = shares.map(|(other, _)| format!("{other}:")).collect();
    let end = !args.keep_token && shares.is_empty();
    if end {
        match app.client(name)?.revoke().await {
            // A login that is over already needs no ending.
            Ok(_) | Err(Error::LoginOver(_)) => {}
            Err(error) => {
                return Err(Failure::new(format!(
                    "could not end the login of '{name}:'; it was not deleted"
                ))
                .why(&error)
                .next(format!(
                    "node-tool config delete {name} --keep-token   to forget it here only"
                )));
            }
        }
    }
    app.store
        .update(|config| config.remotes.remove(name))
        .map_err(config_failure)?;
    report::result(&match (end, shares.is_empty()) {
        (true, _) => format!("Deleted {name}: and ended its login\n"),
        (false, true) => format!("Deleted {name}:; its login is still alive\n"),
        (false, false) => format!("Deleted {name}:; its login goes on as {}\n", shares.join(", ")),
    })?;
    Ok(exit::SUCCESS)
}
