//! `config userinfo`: who is connected; `config disconnect`: the login ends, the settings stay.

use serde::Serialize;
use shared::{exit, failure::Failure, plain::quoted};

use super::{
    super::{App, config_failure, dropbox_failure},
    delete::Fate,
    service,
};
use crate::{config::check_name, report};

/// The arguments of `config userinfo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool config userinfo dbx:")]
pub struct UserInfoArgs {
    /// The remote's name
    #[arg(value_name = "NAME:", value_parser = check_name)]
    name: String,
}

/// The arguments of `config disconnect`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends the login everywhere and keeps the settings: 'node-tool config reconnect' logs in again. 'node-tool config delete' \
                  also forgets the settings.\n\nExample: node-tool config disconnect dbx:"
)]
pub struct DisconnectArgs {
    /// The remote's name
    #[arg(value_name = "NAME:", value_parser = check_name)]
    pub(super) name: String,
    /// Revoke the login even if another remote or program uses it
    #[arg(long)]
    end_login: bool,
}

/// What Dropbox says of a person.
#[derive(Serialize)]
struct Person {
    account_id: String,
    email: String,
    name: String,
}

/// Shows who is connected.
pub(super) async fn userinfo(args: &UserInfoArgs, app: &App) -> Result<u8, Failure> {
    let account = app.client(&args.name)?.current_account().await;
    let account = account.map_err(|e| dropbox_failure("could not ask about the account", &e, &args.name))?;
    let person = Person {
        account_id: account.account_id,
        email: account.email,
        name: account.name.display_name,
    };
    if report::json::is_own() {
        let json = serde_json::to_string_pretty(&person).unwrap_or_default();
        report::json_results(json.lines().map(|line| line.replacen("  ", "\t", 1)))?;
        return Ok(exit::SUCCESS);
    }
    let lines = [
        ("account_id", person.account_id),
        ("email", person.email),
        ("name", person.name),
    ];
    report::results(
        lines
            .into_iter()
            .map(|(key, value)| format!("{key:>20}: {value}")),
    )?;
    Ok(exit::SUCCESS)
}

/// Ends the login of a remote, and keeps its settings.
pub(super) async fn disconnect(args: &DisconnectArgs, app: &App) -> Result<u8, Failure> {
    let name = &args.name;
    let config = app.store.load().map_err(config_failure)?;
    if !config.remotes.contains_key(name) {
        return Err(app.unknown_remote(name, config.remotes.keys()));
    }
    if !args.end_login {
        let also = match Fate::usual(name, &config) {
            Fate::Shared(others) => Some(others.join(", ")),
            Fate::Imported(file) => Some(format!("the program of '{file}'")),
            Fate::Ends | Fate::Kept => None,
        };
        if let Some(also) = also {
            return Err(
                Failure::usage(format!("the login of '{name}:' is used by {also}, too"))
                    .why("ending it would end it for all of them")
                    .next(format!(
                        "node-tool config disconnect {} --end-login",
                        quoted(name)
                    )),
            );
        }
    }
    // A login that is ended before the file can be changed would be kept there for nothing.
    app.store.probe().map_err(config_failure)?;
    service::end_login(app, name)
        .await?
        .map_err(|error| Failure::new(format!("could not end the login of '{name}:'")).why(&error))?;
    app.store
        .update(|config| {
            if let Some(remote) = config.remotes.get_mut(name) {
                remote.forget_login();
            }
        })
        .map_err(config_failure)?;
    report::said(&format!("Ended the login of {name}:; its settings stay\n"))?;
    report::note(&format!(
        "to log in again: node-tool config reconnect {}",
        quoted(&format!("{name}:"))
    ));
    Ok(exit::SUCCESS)
}
