//! `config import`: the Dropbox remotes of an rclone.conf. Says which can go on as they are and which need a new login.

use std::path::PathBuf;

use shared::{exit, failure::Failure, secret::Secret};

use super::{
    super::{App, config_failure},
    connect::keep_rclone_token,
    paste::RcloneToken,
};
use crate::{
    config::{Remote, check_name, rclone},
    report, terminal,
};

/// The environment variable that rclone reads its config's password from.
const PASSWORD_VARIABLE: &str = "RCLONE_CONFIG_PASS";

/// The arguments of `config import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An encrypted file's password comes from RCLONE_CONFIG_PASS, or is asked for.\n\n\
                  Example: node-tool config import ~/.config/rclone/rclone.conf"
)]
pub struct Args {
    /// rclone's config file; by default RCLONE_CONFIG or ~/.config/rclone/rclone.conf
    file: Option<PathBuf>,
}

/// What became of one remote.
enum Fate {
    GoesOn(Remote),
    NeedsLogin(Remote, &'static str),
    Left(String),
}

/// Imports.
pub(super) async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => usual_place()?,
    };
    let text = std::fs::read_to_string(&file)
        .map_err(|e| Failure::usage(format!("could not read '{}'", file.display())).why(e))?;
    let text = if rclone::is_encrypted(&text) {
        open(&text, &file).await?
    } else {
        text
    };
    let sections = rclone::sections(&text);
    let found: Vec<_> = sections
        .iter()
        .filter(|(_, keys)| keys.get("type").is_some_and(|t| t == "dropbox"))
        .collect();
    if found.is_empty() {
        return Err(
            Failure::usage(format!("'{}' has no Dropbox remote", file.display()))
                .why(format!("it has {} remotes of other kinds", sections.len())),
        );
    }
    let mut left = 0;
    for (name, keys) in found {
        let fate = read(name, keys);
        let line = app
            .store
            .update(|config| place(config, name, fate))
            .map_err(config_failure)?;
        left += u32::from(line.is_err());
        report::result(&format!("{}\n", line.unwrap_or_else(|left| left)))?;
    }
    Ok(if left == 0 { exit::SUCCESS } else { exit::ERROR })
}

fn usual_place() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os("RCLONE_CONFIG").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let base = etcetera::base_strategy::Xdg::new();
    let base = base.map_err(|_| Failure::usage("there is no home directory to look for rclone.conf in"))?;
    Ok(etcetera::BaseStrategy::config_dir(&base).join("rclone/rclone.conf"))
}

async fn open(text: &str, file: &std::path::Path) -> Result<String, Failure> {
    let password = match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) => Secret::new(password),
        Err(_) if terminal::is_there() => Secret::new(
            terminal::wait(|| terminal::ask_secret("password of rclone's config (not shown)> ")).await?,
        ),
        Err(_) => {
            return Err(Failure::usage(format!("'{}' is encrypted", file.display()))
                .next(format!("set {PASSWORD_VARIABLE} to its password")));
        }
    };
    rclone::open(text, &password).ok_or_else(|| {
        Failure::usage(format!("'{}' could not be opened", file.display()))
            .why("the password is wrong, or the file is damaged")
            .next("try again; nothing was changed")
    })
}

fn read(name: &str, keys: &rclone::Section) -> Fate {
    let get = |key: &str| keys.get(key).map(String::as_str).filter(|text| !text.is_empty());
    if let Err(why) = check_name(name) {
        return Fate::Left(why);
    }
    let mut remote = Remote {
        app_key: get("client_id").unwrap_or_default().to_owned(),
        ..Remote::default()
    };
    let token = get("token").and_then(|json| serde_json::from_str::<RcloneToken>(json).ok());
    let has_refresh = token
        .as_ref()
        .is_some_and(|token| token.refresh_token.as_ref().is_some_and(|t| !t.is_empty()));
    if token.is_some_and(|token| keep_rclone_token(&mut remote, token).is_err()) {
        remote.access_token = None;
    }
    remote.app_secret = get("client_secret").map(Secret::new);
    match (has_refresh, remote.app_key.is_empty()) {
        (true, false) => Fate::GoesOn(remote),
        (true, true) => {
            // Its token belongs to rclone's own app, whose secret only rclone has.
            remote.refresh_token = None;
            Fate::NeedsLogin(remote, "it was made with rclone's own app")
        }
        (false, _) => Fate::NeedsLogin(remote, "it has no refresh token"),
    }
}

fn place(config: &mut crate::config::Config, name: &str, fate: Fate) -> Result<String, String> {
    let taken = config.remotes.contains_key(name);
    match fate {
        Fate::Left(why) => Err(format!("{name}: left out: {why}")),
        _ if taken => Err(format!(
            "{name}: left out: there is a remote of this name already"
        )),
        Fate::GoesOn(remote) => {
            config.remotes.insert(name.to_owned(), remote);
            Ok(format!("{name}: imported, goes on as it is"))
        }
        Fate::NeedsLogin(remote, why) => {
            let key = if remote.app_key.is_empty() {
                " --app-key KEY"
            } else {
                ""
            };
            config.remotes.insert(name.to_owned(), remote);
            Ok(format!(
                "{name}: imported, but {why}: node-tool config reconnect {name}:{key}"
            ))
        }
    }
}
