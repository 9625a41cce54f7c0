//! One file a verb: its arguments, what it asks, what it prints. [`job`] is what copy, move and sync share.

mod app_hint;
mod ask;
pub mod change;
pub mod config;
pub mod copy;
pub mod help;
pub mod job;
pub mod list;
pub mod look;
pub mod symlinks;

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use shared::{endpoints::Endpoints, exit, failure::Failure, plain::quoted, trust};

use app_hint::{APP_CONSOLE, TEAM_APP_HINT, app_hint, missing_scope};

use crate::{
    config::{
        ACCESS_TOKEN_VARIABLE, CONFIG_VARIABLE, ConfigError, Defaults, Environment, PASSWORD_VARIABLE,
        Remote, Store, auth,
    },
    dropbox::{Cache, Client, DropboxPath, Error, Fate, Http, NetworkError, RateLimiter, RemotePath},
    location::Location,
    raw,
    side::{Side, SideError, View},
    transfer::Halt,
};

/// Parses a place on the command line. A local name need not be UTF-8.
pub fn place() -> impl clap::builder::TypedValueParser<Value = String> {
    use clap::builder::TypedValueParser;
    clap::builder::OsStringValueParser::new().map(|typed| raw::text(&typed).into_owned())
}

/// What every command works with.
#[derive(Debug)]
pub struct App {
    /// The config file.
    pub store: Store,
    /// Where Dropbox is.
    pub endpoints: Endpoints,
    /// The way there.
    pub http: Http,
    /// What the user's file and the centre's set for all remotes.
    pub defaults: Defaults,
    /// Connections at once, at most.
    pub transfers: usize,
    /// The rates that the user set.
    pub rates: Arc<RateLimiter>,
    /// Errors only.
    pub quiet: bool,
    /// How often a line tells how far a transfer is, where there is no terminal.
    pub stats: Option<std::time::Duration>,
    /// Where it is kept how far big files are.
    pub state: Option<std::path::PathBuf>,
    /// Where listings are kept from one run to the next.
    pub cache: Option<Cache>,
    /// Tries of one call, at most.
    pub tries: Option<u32>,
    /// Bytes of content in memory at once.
    pub memory_bytes: usize,
    /// When nothing new is to be begun any more.
    pub halt: Halt,
    /// How what is in a Dropbox is shown here.
    pub view: View,
    /// The accounts that were connected to, each once: what they may do at once counts for all their uses.
    pub clients: Mutex<HashMap<String, Arc<Client>>>,
}

impl App {
    /// Connects with a remote of the config.
    ///
    /// # Errors
    /// When there is no such remote; the nearest name is told.
    pub fn client(&self, name: &str) -> Result<Arc<Client>, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(name) {
            return Ok(Arc::clone(client));
        }
        let (remote, is_in_file) = self.remote(name)?;
        let store = is_in_file.then_some(&self.store);
        let auth = auth(store, name, &remote, self.http.clone());
        let client = Client::new(self.http.clone(), auth, self.transfers, Arc::clone(&self.rates));
        let client = Arc::new(client.with_cache(self.cache.clone()).with_tries(self.tries));
        clients.insert(name.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    /// No such remote: names the nearest, and where was looked.
    pub fn unknown_remote<'a>(&self, name: &str, known: impl Iterator<Item = &'a String> + Clone) -> Failure {
        unknown_remote(name, known).why(format!("the config is {}", self.store.place()))
    }

    /// What is known of a remote, and whether its login is the file's: another one is not renewed there.
    fn remote(&self, name: &str) -> Result<(Remote, bool), Failure> {
        let mut config = self.store.load().map_err(config_failure)?;
        let environment = Environment::here();
        let known = match config.remotes.contains_key(name) {
            true => Some(name.to_owned()),
            false => environment.alias(name, &config),
        };
        if let Some(remote) = known.and_then(|known| config.remotes.remove(&known)) {
            return Ok((remote, environment.login_of(name).is_none()));
        }
        let any = environment.any().map(|remote| (remote, false));
        any.ok_or_else(|| self.unknown_remote(name, config.remotes.keys()))
    }

    /// How what is in a remote's Dropbox is shown here: as the flags say, else as the remote's settings do.
    fn view_of(&self, name: &str) -> View {
        let mut view = self.view.clone();
        let Ok((remote, _)) = self.remote(name) else {
            return view;
        };
        view.encodes |= remote.encode_names;
        if !remote.export_formats.is_empty() && view.exports == USUAL_EXPORTS {
            view.exports = remote.export_formats;
        }
        view
    }

    /// The place that a person typed.
    ///
    /// # Errors
    /// When it is no place, or its remote isn't connected.
    pub fn side(&self, text: &str) -> Result<Side, Failure> {
        match Location::parse(text).map_err(|e| Failure::usage(e.to_string()))? {
            Location::Local(path) => Ok(Side::Local(path)),
            Location::Remote(RemotePath {
                remote,
                path,
                from_root,
            }) => {
                let client = self.client(&remote)?;
                let client = if from_root {
                    Arc::new(client.from_root())
                } else {
                    client
                };
                let view = self.view_of(&remote);
                let path = view.typed(&client, &path);
                path.check().map_err(|e| Failure::usage(e.to_string()))?;
                Ok(Side::Remote { client, path, view })
            }
        }
    }
}

/// A place could not be looked at or changed.
pub fn side_failure(what: &str, side: &Side, error: &SideError) -> Failure {
    let what = format!("could not {what} '{}'", side.location());
    match (side, error) {
        (Side::Remote { client, .. }, SideError::Dropbox(error)) => {
            dropbox_failure(what, error, client.remote())
        }
        _ => Failure::new(what).why(error),
    }
}

/// There is nothing at a place.
pub fn missing(side: &Side) -> Failure {
    let failure = Failure::new(format!("'{}' is not there", side.location())).code(exit::DIRECTORY_NOT_FOUND);
    match side {
        Side::Local(_) => failure,
        Side::Remote { client, .. } => {
            // The folder around it may be missing too; the root never is.
            let root = client.location(&DropboxPath::default()).to_string();
            failure.next(format!("node-tool lsd {}", quoted(&root)))
        }
    }
}

/// What cloud documents are exported to unless something says otherwise.
const USUAL_EXPORTS: [&str; 2] = ["html", "md"];
/// From this likeness on, of 1, a name is offered.
const NEAR: f64 = 0.75;

/// No such remote.
fn unknown_remote<'a>(name: &str, known: impl Iterator<Item = &'a String> + Clone) -> Failure {
    let failure = Failure::new(format!("there is no remote '{name}:'"));
    let names: Vec<String> = known.clone().map(|n| format!("{n}:")).collect();
    let near = known.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    let failure = match near.filter(|near| strsim::jaro_winkler(near, name) > NEAR) {
        _ if names.is_empty() => failure.why("no remote is set up yet"),
        Some(near) => failure
            .why(format!("there are: {}; did you mean {near}: ?", names.join(", ")))
            .next(format!("node-tool lsd {}", quoted(&format!("{near}:")))),
        None => failure
            .why(format!("there are: {}", names.join(", ")))
            .next("node-tool config list"),
    };
    failure.next(format!("node-tool config create {}", quoted(name)))
}

/// The config can't be used.
pub fn config_failure(error: ConfigError) -> Failure {
    let failure = Failure::usage("could not use the config").why(&error);
    let elsewhere = format!(
        "export {CONFIG_VARIABLE}=FILE   to have the config in a file of yours, then repeat the command"
    );
    match error {
        ConfigError::Malformed { path, .. } => failure.next(format!(
            "fix '{}', or move it away and connect again; it was not changed",
            path.display()
        )),
        ConfigError::Locked(path) => {
            failure.next(format!("if no node-tool runs, remove '{}'", path.display()))
        }
        ConfigError::Password { .. } => failure.next(format!(
            "set {PASSWORD_VARIABLE}, or give --password-command CMD, or run this on a terminal"
        )),
        ConfigError::Crypt { .. } => failure.next("try again; nothing was changed"),
        ConfigError::Variable(error) => failure.next(format!("unset {}", error.variable)),
        ConfigError::NotAFile { .. }
        | ConfigError::NotKept(_)
        | ConfigError::Foreign { .. }
        | ConfigError::Site(_) => failure.next(elsewhere),
        ConfigError::Io { path, source, .. } => match io_remedy(&path, &source) {
            Some(remedy) => failure.next(remedy).next(elsewhere),
            None => failure.next(elsewhere),
        },
    }
}

/// What helps against an error of the file system at the config's `path`.
fn io_remedy(path: &Path, error: &io::Error) -> Option<String> {
    let directory = path.parent().filter(|d| !d.as_os_str().is_empty());
    // What doesn't exist can't be looked at.
    let directory = directory.map_or(Path::new("."), |d| {
        d.ancestors().find(|d| d.exists()).unwrap_or(d)
    });
    let directory = directory.display();
    Some(match error.kind() {
        io::ErrorKind::PermissionDenied => format!("ls -ld '{directory}'   shows who may write there"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            format!("df -h '{directory}'   shows how much room there is; free some, then repeat the command")
        }
        io::ErrorKind::ResourceBusy => {
            format!(
                "mount the directory '{directory}' instead of the file alone: a mounted file can't be replaced"
            )
        }
        io::ErrorKind::ReadOnlyFilesystem => format!("'{directory}' is read-only here"),
        _ => return None,
    })
}

/// How to get a new login for a remote.
fn new_login(remote: &str) -> String {
    let environment = Environment::here();
    match environment.login_of(remote) {
        Some(variable) => format!("set {variable} to a new login; the old one is of no use any more"),
        None if environment.any().is_some() => {
            format!("set {ACCESS_TOKEN_VARIABLE} to a new token; the old one is of no use any more")
        }
        None => format!("node-tool config reconnect {}", quoted(&format!("{remote}:"))),
    }
}

/// What the variable for certificates says.
fn certificates() -> Option<String> {
    std::env::var(trust::CERTIFICATES_VARIABLE).ok()
}

/// Dropbox can't be used for `what`.
pub fn dropbox_failure(what: impl Into<String>, error: &Error, remote: &str) -> Failure {
    dropbox_failure_then(what, error, remote, &new_login(remote))
}

/// Dropbox can't be used for `what`; `log_in` is the command for a new login.
fn dropbox_failure_then(what: impl Into<String>, error: &Error, remote: &str, log_in: &str) -> Failure {
    let failure = Failure::new(what).why(error);
    if let Some(scope) = missing_scope(error) {
        return failure
            .next(format!(
                "tick '{scope}' under Permissions of the app at {APP_CONSOLE}, Submit, then:"
            ))
            .next(log_in)
            .code(exit::FATAL);
    }
    if let Some(hint) = app_hint(error) {
        return failure.next(hint).next(log_in).code(exit::FATAL);
    }
    match error {
        Error::AppRefused(_) => failure
            .next(format!("look at the app's page at {APP_CONSOLE}: is it still there and enabled? Then log in with its key, or another app's:"))
            .next(format!("{log_in} --app-key KEY"))
            .code(exit::FATAL),
        Error::LoginOver(_) => failure.next(log_in).code(exit::FATAL),
        Error::Access(_) => failure.code(exit::FATAL),
        Error::PathRoot(why) if why.root_namespace_id().is_some() => failure
            .next("repeat the command; it will begin at the new root")
            .code(exit::FATAL),
        Error::PathRoot(_) => failure
            .next(format!("node-tool config edit {} --root home   lets its paths start at your own folder", quoted(remote)))
            .code(exit::FATAL),
        Error::BadLogin(_) => failure.next(log_in).code(exit::FATAL),
        Error::Network(NetworkError::Untrusted { .. }) => {
            trust::untrusted(failure, certificates().as_deref()).code(exit::FATAL)
        }
        Error::Network(NetworkError::NoTls(_)) => {
            trust::no_certificates(failure, certificates().as_deref()).code(exit::FATAL)
        }
        Error::Network(NetworkError::Proxy(_)) => failure
            .next("set HTTPS_PROXY to a proxy that lets you through, such as http://USER:PASSWORD@proxy.example.org:3128")
            .next("or, if this machine reaches Dropbox without one: unset HTTPS_PROXY https_proxy ALL_PROXY all_proxy")
            .code(exit::FATAL),
        Error::Portal(_) => failure
            .next("log in to this network, or ask its help desk for a way to api.dropboxapi.com; then run the command again")
            .code(exit::TEMPORARY),
        _ if error.is_refused_for_long() => failure.next("try again when that time is over").code(exit::TEMPORARY),
        Error::Unfinished(_) => failure.next("try again later").code(exit::TEMPORARY),
        Error::Network(_) => failure
            .next("check the network; behind a proxy set HTTPS_PROXY")
            .code(exit::TEMPORARY),
        _ if error.fate() == Fate::TryAgain => failure.next("try again later").code(exit::TEMPORARY),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_config_has_a_next_step() {
        let path = || Path::new("/none/config.toml").to_owned();
        let mut errors = vec![
            ConfigError::NotAFile {
                path: path(),
                kind: "a device",
            },
            ConfigError::NotKept("in memory only".into()),
            ConfigError::Foreign {
                path: path(),
                owner: 7,
            },
            ConfigError::Site(path()),
            ConfigError::Locked(path()),
            ConfigError::Malformed {
                path: path(),
                reason: "line 1".into(),
            },
        ];
        for kind in [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::ResourceBusy,
            io::ErrorKind::NotADirectory,
            io::ErrorKind::Other,
        ] {
            let doing = "could not write";
            let (path, source) = (path(), kind.into());
            errors.push(ConfigError::Io { doing, path, source });
        }
        for error in errors {
            let said = config_failure(error).to_string();
            assert!(
                said.contains("\n  next: ") || said.contains("\n  hint: "),
                "{said}"
            );
            assert!(
                !said.contains("'/none'"),
                "what is not there is not looked at: {said}"
            );
        }
    }
}
