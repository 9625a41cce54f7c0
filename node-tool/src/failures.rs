//! What is reported when something fails: what, why, and what to do next.

use std::{io, path::Path};

use dropbox::{DropboxPath, Error, Fate, LinkProblem, NetworkError};
use engine::Retry;
use shared::{
    exit,
    failure::{Advice, Failure},
    plain::quoted,
    trust,
};
use stores::Place;

use crate::{
    app_hint::{APP_CONSOLE, app_hint, missing_scope},
    config::{
        ACCESS_TOKEN_VARIABLE, CONFIG_VARIABLE, ConfigError, Environment, PASSWORD_VARIABLE, PasswordError,
    },
};

/// Returns the failure for a place that could not be read or changed.
pub(crate) fn place_failure(what: &str, place: &Place, error: &engine::Error) -> Failure {
    let what = format!("could not {what} '{place}'");
    engine_failure(what, error, place.remote().unwrap_or_default())
}

/// Returns the failure for an error of the engine or of a store. `remote` is the name of the Dropbox's remote.
pub(crate) fn engine_failure(what: impl Into<String>, error: &engine::Error, remote: &str) -> Failure {
    match error.cause::<Error>() {
        Some(error) => dropbox_failure(what, error, remote),
        None => Failure::new(what).why(error),
    }
}

/// Returns the failure for a place at which there is nothing.
pub(crate) fn missing(place: &Place) -> Failure {
    let failure = Failure::new(format!("'{place}' is not there")).code(exit::DIRECTORY_NOT_FOUND);
    if let Some(link) = place.link() {
        return failure.next(format!("node-tool lsf {}", quoted(&link.join_root().to_string())));
    }
    match place.dropbox() {
        None => failure,
        Some(store) => {
            // The folder around it may be missing too; the root never is.
            let root = store.client().location(&DropboxPath::default()).to_string();
            failure.next(format!("node-tool lsd {}", quoted(&root)))
        }
    }
}

/// Returns the exit code that says whether a repetition helps: [`exit::TEMPORARY`] if it may help everything that failed,
/// [`exit::FATAL_FOR_SOME`] if it can help nothing, else [`exit::ERROR`]. `None` if nothing failed.
pub(crate) fn exit_code(retry: Option<Retry>) -> Option<u8> {
    Some(match retry? {
        Retry::Later => exit::TEMPORARY,
        Retry::Never => exit::FATAL_FOR_SOME,
        Retry::Unknown => exit::ERROR,
    })
}

/// Returns the failure for an unusable config.
pub(crate) fn config_failure(error: ConfigError) -> Failure {
    let failure = Failure::usage("could not use the config").why(&error);
    let elsewhere = format!(
        "export {CONFIG_VARIABLE}=FILE   to have the config in a file of yours, then repeat the command"
    );
    match error {
        ConfigError::Malformed { path, .. } => failure.hint(format!(
            "fix '{}', or move it away and connect again; it was not changed",
            path.display()
        )),
        ConfigError::Locked(path) => {
            failure.hint(format!("if no node-tool runs, remove '{}'", path.display()))
        }
        ConfigError::OfRclone(_) => failure
            .next("node-tool config import   takes its remotes over into a config of yours, which is used from then on"),
        ConfigError::Password {
            source: PasswordError::NowhereForRclone,
            ..
        } => failure.hint("set RCLONE_CONFIG_PASS, or run this on a terminal"),
        ConfigError::Password { .. } => failure.hint(format!(
            "set {PASSWORD_VARIABLE}, or give --password-command CMD, or run this on a terminal"
        )),
        ConfigError::Crypt { .. } => failure.hint("try again; nothing was changed"),
        ConfigError::Variable(error) => failure.next(format!("unset {}", error.variable)),
        ConfigError::NotAFile { .. }
        | ConfigError::NotKept(_)
        | ConfigError::Foreign { .. }
        | ConfigError::Site(_) => failure.next(elsewhere),
        ConfigError::Io { path, source, .. } => match io_remedy(&path, &source) {
            Some(remedy) => failure.hint(remedy).next(elsewhere),
            None => failure.next(elsewhere),
        },
    }
}

/// Returns what to do about an error of the file system at the config's `path`.
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

/// Returns how to get a new login for a remote.
fn new_login(remote: &str) -> Advice {
    let environment = Environment::here();
    match environment.login_of(remote) {
        Some(variable) => Advice::Hint(format!(
            "set {variable} to a new login; the old one is of no use any more"
        )),
        None if environment.any().is_some() => Advice::Hint(format!(
            "set {ACCESS_TOKEN_VARIABLE} to a new token; the old one is of no use any more"
        )),
        None => Advice::Command(format!(
            "node-tool config reconnect {}",
            quoted(&format!("{remote}:"))
        )),
    }
}

/// Returns the value of the variable for certificates.
fn certificates() -> Option<String> {
    std::env::var(trust::CERTIFICATES_VARIABLE).ok()
}

/// Dropbox can't be used for `what`.
pub(crate) fn dropbox_failure(what: impl Into<String>, error: &Error, remote: &str) -> Failure {
    dropbox_failure_then(what, error, remote, new_login(remote))
}

/// Dropbox can't be used for `what`; `log_in` is how to get a new login.
pub(crate) fn dropbox_failure_then(
    what: impl Into<String>,
    error: &Error,
    remote: &str,
    log_in: Advice,
) -> Failure {
    let failure = Failure::new(what).why(error);
    if let Some(scope) = missing_scope(error) {
        return failure
            .hint(format!(
                "tick '{scope}' under Permissions of the app at {APP_CONSOLE}, Submit, then:"
            ))
            .advise(log_in)
            .code(exit::FATAL);
    }
    if let Some(hint) = app_hint(error) {
        return failure.hint(hint).advise(log_in).code(exit::FATAL);
    }
    match error {
        Error::AppRefused(_) => failure
            .hint(format!("look at the app's page at {APP_CONSOLE}: is it still there and enabled? Then log in with its key, or another app's:"))
            .advise(match log_in {
                Advice::Command(command) => Advice::Command(format!("{command} --app-key KEY")),
                hint => hint,
            })
            .code(exit::FATAL),
        Error::NoMember(_) => failure
            .hint("the admin console at https://www.dropbox.com/team/admin lists the members, with their addresses")
            .code(exit::FATAL),
        Error::Link(problem) => link_failure(failure, *problem),
        Error::SharedFolder(_) => failure
            .next(format!("node-tool shared list {}", quoted(&format!("{remote}:"))))
            .code(exit::DIRECTORY_NOT_FOUND),
        Error::LoginOver(_) => failure.advise(log_in).code(exit::FATAL),
        Error::Access(_) => failure.code(exit::FATAL),
        Error::PathRoot(why) if why.root_namespace_id().is_some() => failure
            .hint("repeat the command; it will begin at the new root")
            .code(exit::FATAL),
        Error::PathRoot(_) => failure
            .next(format!("node-tool config edit {} --root home   lets its paths start at your own folder", quoted(remote)))
            .code(exit::FATAL),
        Error::BadLogin(_) => failure.advise(log_in).code(exit::FATAL),
        Error::Network(NetworkError::Untrusted { .. }) => {
            trust::untrusted(failure, certificates().as_deref()).code(exit::FATAL)
        }
        Error::Network(NetworkError::NoTls(_)) => {
            trust::no_certificates(failure, certificates().as_deref()).code(exit::FATAL)
        }
        Error::Network(NetworkError::Proxy(_)) => failure
            .hint("set HTTPS_PROXY to a proxy that lets you through, such as http://USER:PASSWORD@proxy.example.org:3128")
            .hint("or, if this machine reaches Dropbox without one: unset HTTPS_PROXY https_proxy ALL_PROXY all_proxy")
            .code(exit::FATAL),
        Error::Portal(_) => failure
            .hint("log in to this network, or ask its help desk for a way to api.dropboxapi.com; then run the command again")
            .code(exit::TEMPORARY),
        _ if error.is_refused_for_long() => failure.hint("try again when that time is over").code(exit::TEMPORARY),
        Error::Unfinished(_) => failure.hint("try again later").code(exit::TEMPORARY),
        Error::Network(_) => failure
            .hint("check the network; behind a proxy set HTTPS_PROXY")
            .code(exit::TEMPORARY),
        _ if error.fate() == Fate::TryAgain => failure.hint("try again later").code(exit::TEMPORARY),
        _ => failure,
    }
}

/// Returns the failure for a shared link that doesn't open, with what can be done about it.
fn link_failure(failure: Failure, problem: LinkProblem) -> Failure {
    match problem {
        LinkProblem::NotFound => failure
            .hint("in a shell, quote the whole address ('https://…?rlkey=…')")
            .code(exit::DIRECTORY_NOT_FOUND),
        LinkProblem::LeadsNowhere => failure
            .hint("open it in a browser, and give the address that it ends at")
            .code(exit::DIRECTORY_NOT_FOUND),
        LinkProblem::Denied { with_password: false } => failure.hint(
            "if it has a password, repeat the command with --link-password, which asks for it, or --link-password-file FILE",
        ),
        LinkProblem::Password { with_password: false } => failure.hint(
            "repeat the command with --link-password, which asks for it, or --link-password-file FILE",
        ),
        LinkProblem::Password { with_password: true } => failure.hint(
            "check it; with --link-password it is asked for, and node-tool link PATH --password sets another one",
        ),
        LinkProblem::Expired(_) => failure.hint(
            "ask the link's owner for another one; your own opens again with: node-tool link PATH --expire off",
        ),
        LinkProblem::Closed | LinkProblem::Blocked => failure.hint(
            "https://help.dropbox.com/share/banned-links says what can be done about it; or ask the owner to share the folder",
        ),
        LinkProblem::Withheld { .. } => failure.hint(
            "try again tomorrow; or ask the owner to share the folder with you, which has no such limits, and copy from 'dbx:{FOLDER}'",
        ),
        LinkProblem::Denied { with_password: true } => {
            failure.hint("check the password; ask the link's owner whether it is still open, and for whom")
        }
        LinkProblem::NoDownload => failure.hint("ask the link's owner to allow downloads"),
        LinkProblem::Unsupported => failure.hint("open it in a browser, or ask its owner for an export"),
        LinkProblem::Private => failure.hint("leave out the password, and the path below the link"),
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
