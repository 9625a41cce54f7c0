//! The command line as the log has it: without what may be a secret.

use std::ffi::OsString;

use shared::{
    plain::{printable, quoted},
    raw,
};

use crate::rclone::flags::{Value, value_of_service};

/// What stands for a secret.
const HIDDEN: &str = "***";
/// Parts of the names of flags and settings whose values are secrets.
const SECRET_NAMES: [&str; 7] = [
    "secret",
    "token",
    "pass",
    "header",
    "auth",
    "cookie",
    "credential",
];
/// Flags whose names look so, and whose values are none.
const PUBLIC_FLAGS: [&str; 9] = [
    "--token-stdin",
    "--keep-token",
    "--app-secret-file",
    "--header-filename",
    "--link-password",
    "--link-password-file",
    "--password",
    "--password-file",
    "--no-password",
];
/// The verb whose arguments are settings.
const CONFIG: &str = "config";
/// What a pasted login begins with.
const LOGINS: [&str; 3] = ["dbxgrant", "sl.", "{"];

/// Returns the command line as a person could type it, with what may be a secret replaced by `***`: the values of flags for
/// passwords and tokens, the settings of `config create`, and what addresses have after a question mark.
pub(super) fn shown(args: &[OsString]) -> String {
    let args: Vec<String> = args.iter().map(|arg| raw::text(arg).into_owned()).collect();
    let mut words = Vec::with_capacity(args.len());
    let (mut is_secret, mut is_config, mut settings) = (false, false, 0);
    for (at, arg) in args.iter().enumerate() {
        let is_flag = arg.starts_with('-') && arg.len() > 1;
        let word = if at == 0 {
            arg.rsplit('/').next().unwrap_or_default().to_owned()
        } else if std::mem::take(&mut is_secret) {
            HIDDEN.to_owned()
        } else if is_flag {
            is_secret = !arg.contains('=') && is_secret_flag(arg);
            flag(arg)
        } else if is_config {
            settings += 1;
            // The subcommand, the name, and the type that rclone asks for.
            if settings <= 2 {
                without_secrets(arg)
            } else {
                setting(arg)
            }
        } else {
            without_secrets(arg)
        };
        is_config |= !is_flag && arg == CONFIG;
        words.push(quoted(&printable(&word)));
    }
    words.join(" ")
}

/// Returns whether the value of a flag may be a secret. Of other services, any may be.
pub(crate) fn is_secret_flag(flag: &str) -> bool {
    let name = flag.split('=').next().unwrap_or(flag);
    let of_service = name.strip_prefix("--").map(|name| name.replace('_', "-"));
    match of_service.as_deref().and_then(value_of_service) {
        Some(value) => value == Value::Needed,
        None => flag.starts_with("--") && !PUBLIC_FLAGS.contains(&name) && is_secret_name(name),
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

fn flag(arg: &str) -> String {
    match arg.split_once('=') {
        Some((name, _)) if is_secret_flag(arg) => format!("{name}={HIDDEN}"),
        Some((name, value)) => format!("{name}={}", without_secrets(value)),
        None => arg.to_owned(),
    }
}

/// Returns a setting of `config create`: any of them may be a secret, as may what a person typed by mistake.
fn setting(arg: &str) -> String {
    match arg.split_once('=') {
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None if arg == "dropbox" => arg.to_owned(),
        None => HIDDEN.to_owned(),
    }
}

/// Returns whether a command line may hold a secret, so that it must not be repeated.
pub(crate) fn may_hold_secret(args: &[OsString]) -> bool {
    shown(args).contains(HIDDEN)
}

/// Returns a word without secrets of addresses and of remotes with settings.
pub(crate) fn without_secrets(arg: &str) -> String {
    if LOGINS.iter().any(|login| arg.starts_with(login)) {
        return HIDDEN.to_owned();
    }
    if arg.contains("://") {
        return address(arg);
    }
    // A remote with settings: `:dropbox,token=…:path`.
    match arg.split_once(',') {
        Some((remote, settings)) if is_with_settings(remote, settings) => {
            format!("{remote},{HIDDEN}")
        }
        _ => arg.to_owned(),
    }
}

/// Returns whether a word is a remote with settings, before whose path a colon is: `dbx,app_key=…:path`.
fn is_with_settings(remote: &str, settings: &str) -> bool {
    let before = settings.split(':').next().unwrap_or_default();
    let is_remote = !remote.contains('/') && !remote.get(1..).unwrap_or_default().contains(':');
    is_remote && before.len() < settings.len() && before.contains('=')
}

/// Returns an address without the name and password before its host, and without its query and fragment.
fn address(arg: &str) -> String {
    let (scheme, rest) = arg.split_once("://").unwrap_or(("", arg));
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, query) = rest.split_at(end);
    let host_end = path.find('/').unwrap_or(path.len());
    let (host, below) = path.split_at(host_end);
    let host = match host.rsplit_once('@') {
        Some((_, host)) => format!("{HIDDEN}@{host}"),
        None => host.to_owned(),
    };
    let query = query.chars().next().map(|mark| format!("{mark}{HIDDEN}"));
    format!("{scheme}://{host}{below}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_hidden() {
        for (typed, expected) in [
            (
                "/usr/bin/node-tool copy a dbx:b -v --transfers=4",
                "node-tool copy a dbx:b -v --transfers=4",
            ),
            (
                "node-tool ls dbx: --password-command cat|SECRET --log-file log",
                "node-tool ls dbx: --password-command '***' --log-file log",
            ),
            (
                "node-tool --password-command=echo|SECRET ls dbx:",
                "node-tool '--password-command=***' ls dbx:",
            ),
            (
                "node-tool ls dbx: --dropbox-client-secret SECRET --dropbox-token=SECRET",
                "node-tool ls dbx: --dropbox-client-secret '***' '--dropbox-token=***'",
            ),
            (
                "node-tool config create dbx dropbox client_secret=SECRET app_key=k",
                "node-tool config create dbx dropbox 'client_secret=***' 'app_key=***'",
            ),
            (
                "node-tool config create dbx dropbox token SECRET",
                "node-tool config create dbx dropbox '***' '***'",
            ),
            (
                "node-tool -v config create dbx --token-stdin --app-key abc",
                "node-tool -v config create dbx --token-stdin --app-key '***'",
            ),
            (
                "node-tool config create dbxgrant1.4.SECRET",
                "node-tool config create '***'",
            ),
            (
                "node-tool copyurl https://ann:SECRET@example.org/a/b?sig=SECRET#SECRET dbx:x",
                "node-tool copyurl 'https://***@example.org/a/b?***' dbx:x",
            ),
            (
                "node-tool ls :dropbox,token=SECRET:path",
                "node-tool ls ':dropbox,***'",
            ),
            (
                "node-tool copy a,b dbx:c,d/e=f:g",
                "node-tool copy a,b dbx:c,d/e=f:g",
            ),
            (
                "node-tool copyurl x --header Authorization:SECRET",
                "node-tool copyurl x --header '***'",
            ),
            ("node-tool copy sl.SECRET dbx:", "node-tool copy '***' dbx:"),
            (
                "node-tool copy a dbx: --s3-access-key-id SECRET --sftp_user=SECRET --drive-chunk-size 8M",
                "node-tool copy a dbx: --s3-access-key-id '***' '--sftp_user=***' --drive-chunk-size '***'",
            ),
            (
                "node-tool copy --crypt-pass-bad-blocks a dbx:",
                "node-tool copy --crypt-pass-bad-blocks a dbx:",
            ),
            (
                "node-tool ls dbx: --http-proxy http://ann:SECRET@proxy:3128",
                "node-tool ls dbx: --http-proxy 'http://***@proxy:3128'",
            ),
        ] {
            let args: Vec<OsString> = typed
                .split(' ')
                .map(|word| word.replace('|', " ").into())
                .collect();
            let said = shown(&args);
            assert!(!said.contains("SECRET"), "{typed}: {said}");
            assert_eq!(said, expected, "{typed}");
        }
    }
}
