//! `config delete`: ends a remote's login and forgets it.

use std::path::PathBuf;

use shared::{exit, failure::Failure, plain::quoted};

use super::{
    super::{App, config_failure},
    service,
};

use crate::{
    config::{Config, Remote, check_name, rclone},
    report,
};

/// The arguments of `config delete`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ending the login ends it on every machine that shares it. A login that was imported is rclone's too, and is \
                  ended only with --end-login.\n\nExample: node-tool config delete dbx"
)]
pub struct Args {
    /// The remote's name
    #[arg(value_parser = check_name)]
    pub(super) name: String,
    /// Remove only the remote here, without revoking its login
    #[arg(long)]
    pub(super) keep_token: bool,
    /// Revoke the login even if it was imported and another program uses it
    #[arg(long, conflicts_with = "keep_token")]
    pub(super) end_login: bool,
}

/// What happens to the login of a remote that is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It ends, wherever it is used.
    Ends,
    /// It stays, as the user wishes.
    Kept,
    /// It stays: these remotes use it too.
    Shared(Vec<String>),
    /// It stays: it was imported from this file, whose program uses it too.
    Imported(String),
}

impl Fate {
    /// Returns what happens to the login of `name` without any flags.
    pub(super) fn usual(name: &str, config: &Config) -> Self {
        let Some(remote) = config.remotes.get(name) else {
            return Self::Kept;
        };
        let shares = config
            .remotes
            .iter()
            .filter(|(other, kept)| *other != name && is_one_login(kept, remote));
        let shares: Vec<String> = shares.map(|(other, _)| format!("{other}:")).collect();
        match (&remote.imported_from, shares.is_empty()) {
            (_, false) => Self::Shared(shares),
            (Some(file), true) => Self::Imported(file.clone()),
            (None, true) => Self::Ends,
        }
    }
}

fn is_one_login(one: &Remote, other: &Remote) -> bool {
    match (&one.refresh_token, &other.refresh_token) {
        (Some(one), Some(other)) => one == other,
        // Without refresh tokens the access token is the login.
        (None, None) => one.access_token.is_some() && one.access_token == other.access_token,
        _ => false,
    }
}

/// The rclone.conf on this machine that has the same login, which was perhaps taken from it without `config import`.
fn in_rclones_hands(remote: &Remote) -> Option<String> {
    let token = remote.refresh_token.as_ref().or(remote.access_token.as_ref())?;
    let named = std::env::var_os("RCLONE_CONFIG").map(PathBuf::from);
    let mut places: Vec<PathBuf> = named.into_iter().collect();
    places.extend(rclone::usual_places().unwrap_or_default());
    let has_it = |place: &PathBuf| {
        let is_file = place.is_file(); // a pipe would be waited for
        is_file && std::fs::read(place).is_ok_and(|bytes| rclone::decode(&bytes).contains(token.expose()))
    };
    let found = places.into_iter().find(has_it);
    found.map(|place| place.display().to_string())
}

/// Ends the login and removes the remote.
pub(super) async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let name = &args.name;
    let config = app.store.load().map_err(config_failure)?;
    if !config.remotes.contains_key(name) {
        return Err(app.unknown_remote(name, config.remotes.keys()));
    }
    let fate = match Fate::usual(name, &config) {
        _ if args.keep_token => Fate::Kept,
        fate @ Fate::Shared(_) => fate,
        _ if args.end_login => Fate::Ends,
        Fate::Ends => match config.remotes.get(name).and_then(in_rclones_hands) {
            Some(file) => Fate::Imported(file),
            None => Fate::Ends,
        },
        fate => fate,
    };
    // A login that is ended before the remote can be removed would be lost for nothing.
    app.store.probe().map_err(config_failure)?;
    if fate == Fate::Ends {
        end(name, app).await?;
    }
    app.store
        .update(|config| config.remotes.remove(name))
        .map_err(config_failure)?;
    report::said(&match fate {
        Fate::Ends => format!("Deleted {name}: and ended its login\n"),
        Fate::Kept => format!("Deleted {name}:; its login is still alive\n"),
        Fate::Shared(others) => format!(
            "Deleted {name}:; its login is still used by {}\n",
            others.join(", ")
        ),
        Fate::Imported(file) => format!(
            "Deleted {name}:; its login is still alive, since '{file}' has it too: ending it would end rclone's\n\
             https://www.dropbox.com/account/connected_apps ends it everywhere\n"
        ),
    })?;
    Ok(exit::SUCCESS)
}

async fn end(name: &str, app: &App) -> Result<(), Failure> {
    service::end_login(app, name).await?.map_err(|error| {
        Failure::new(format!(
            "could not end the login of '{name}:'; it was not deleted"
        ))
        .why(&error)
        .next(format!(
            "node-tool config delete {} --keep-token   to forget it here only",
            quoted(name)
        ))
    })
}

#[cfg(test)]
mod tests {
    use shared::secret::Secret;

    use super::*;

    #[test]
    fn a_login_ends_only_if_nobody_else_uses_it() {
        let remote = |refresh: Option<&str>, access: &str, from: Option<&str>| Remote {
            refresh_token: refresh.map(Secret::new),
            access_token: Some(Secret::new(access)),
            imported_from: from.map(str::to_owned),
            ..Remote::default()
        };
        let mut config = Config::default();
        for (name, kept) in [
            ("own", remote(Some("1"), "a", None)),
            ("theirs", remote(Some("2"), "b", Some("rclone.conf"))),
            ("one", remote(Some("3"), "c", None)),
            ("two", remote(Some("3"), "d", Some("rclone.conf"))),
            ("old", remote(None, "e", None)),
            ("older", remote(None, "e", None)),
        ] {
            config.remotes.insert(name.into(), kept);
        }
        for (name, fate) in [
            ("own", Fate::Ends),
            ("theirs", Fate::Imported("rclone.conf".into())),
            ("one", Fate::Shared(vec!["two:".into()])),
            ("two", Fate::Shared(vec!["one:".into()])),
            ("old", Fate::Shared(vec!["older:".into()])),
        ] {
            assert_eq!(Fate::usual(name, &config), fate, "{name}");
        }
    }
}
