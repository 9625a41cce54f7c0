//! `config list` and `config show`.

use shared::{exit, failure::Failure};

use super::super::{App, config_failure, unknown_remote};
use crate::{
    config::{Remote, Root, check_name},
    report,
};

/// The arguments of `config show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The remote's name
    name: String,
}

/// Lists the remotes, a line each.
pub(super) fn list(app: &App) -> Result<u8, Failure> {
    let config = app.store.load().map_err(config_failure)?;
    if config.remotes.is_empty() {
        report::note("no remote is set up yet; node-tool config create dbx");
    }
    let width = config
        .remotes
        .keys()
        .map(|name| name.chars().count() + 1)
        .max()
        .unwrap_or(0);
    report::results(config.remotes.iter().map(|(name, remote)| {
        let name = format!("{name}:");
        format!("{name:width$} {}", who(remote)).trim_end().to_owned()
    }))?;
    Ok(exit::SUCCESS)
}

/// Shows one remote.
pub(super) fn show(args: &Args, app: &App) -> Result<u8, Failure> {
    let name = check_name(&args.name).map_err(Failure::usage)?;
    let config = app.store.load().map_err(config_failure)?;
    let remote = config
        .remotes
        .get(&name)
        .ok_or_else(|| unknown_remote(&name, config.remotes.keys()))?;
    let hidden = |present: bool| if present { "(kept, not shown)" } else { "(none)" };
    let until = remote
        .expires_at
        .and_then(|at| jiff::Timestamp::from_second(at).ok())
        .map(|t| format!("(kept, not shown; good until {t})"));
    let root = match remote.root() {
        Root::Home if remote.has_team_space() => format!("root = home ({name}:/ is the team space)"),
        root => format!("root = {root}"),
    };
    let lines = [
        format!("[{name}]"),
        format!("account = {}", who(remote)),
        format!(
            "account_id = {}",
            remote.account_id.as_deref().unwrap_or_default()
        ),
        format!("app_key = {}", remote.app_key),
        root,
        format!("scopes = {}", remote.scopes.join(" ")),
        format!("refresh_token = {}", hidden(remote.refresh_token.is_some())),
        format!(
            "access_token = {}",
            until.unwrap_or_else(|| hidden(remote.access_token.is_some()).into())
        ),
        format!("config file = {}", app.store.path().display()),
    ];
    report::results(lines.into_iter())?;
    Ok(exit::SUCCESS)
}

/// `Ann Example <ann@example.org>`
pub(super) fn who(remote: &Remote) -> String {
    match (&remote.display_name, &remote.email) {
        (Some(name), Some(email)) => format!("{name} <{email}>"),
        (Some(name), None) => name.clone(),
        (None, Some(email)) => email.clone(),
        (None, None) => String::new(),
    }
}

/// Prints where the config file is.
pub(super) fn path(app: &App) -> Result<u8, Failure> {
    report::result(&format!("{}\n", app.store.path().display()))?;
    Ok(exit::SUCCESS)
}
