//! What a person can do when the browser doesn't come back, or can't.

use std::io::{Error, ErrorKind};

use shared::{
    failure::Failure,
    oauth::{REDIRECT_PORT, REDIRECT_URI},
};

/// Windows' error code for a port in a range that it reserves.
const WSAEACCES: i32 = 10013;

/// Where the code goes in the end, which decides what other ways there are.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// To a node that waits at its prompt, which also takes the code that Dropbox shows at this address, without a redirect.
    Prompt(String),
    /// To a node that ssh reaches at this destination, for the account of this name.
    Ssh(String, String),
    /// Nowhere else: a token is printed here.
    Here,
}

impl Destination {
    /// Returns how to log in without a redirect, in one or two lines, with the address on a line of its own.
    fn without_redirect(&self) -> String {
        match self {
            Self::Prompt(address) => format!(
                "open this address in any browser, and paste the code that it shows at the token> prompt on the login node:\n\n{address}"
            ),
            Self::Ssh(destination, name) => format!(
                "log in to {destination} yourself and run there: node-tool config create {name}   (if {name}: exists \
                 already: node-tool config reconnect {name}:)\n  It prints an address that needs no redirect, and takes the code that this shows."
            ),
            Self::Here => "run on the login node: node-tool config create dbx\n  It prints an address that needs no redirect, \
                           and takes the code that this shows."
                .into(),
        }
    }
}

/// Returns what to check when the browser takes long.
pub(crate) fn slow(destination: &Destination) -> String {
    format!(
        "\nStill waiting. What does the browser show?\n\
         - \"Error (400)\", or something about redirect_uri: at https://www.dropbox.com/developers/apps, choose the app,\n  \
         add this under Redirect URIs, exactly: {REDIRECT_URI}\n  \
         and tick the boxes under Permissions and press Submit. Then open the address above again.\n\
         - \"refused to connect\", or no answer from localhost: the browser is on another computer than this program.\n  \
         Run this there, with the name of this computer, and open the address above again:\n  \
         ssh -L {REDIRECT_PORT}:localhost:{REDIRECT_PORT} {}\n\
         - Or without all that: {}\n",
        this_computer(),
        destination.without_redirect()
    )
}

/// Returns this computer as an ssh destination, with placeholders for what isn't known.
fn this_computer() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME"));
    let is_plain = |name: &String| {
        !name.is_empty()
            && name
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
    };
    format!(
        "{}@THIS_COMPUTER",
        user.ok().filter(is_plain).unwrap_or_else(|| "USER".into())
    )
}

/// Returns the failure to listen for the redirect, with what else the person can do.
pub(crate) fn cannot_listen(error: &Error, destination: &Destination) -> Failure {
    cannot_listen_on(error, destination, std::env::consts::OS)
}

fn cannot_listen_on(error: &Error, destination: &Destination, os: &str) -> Failure {
    let failure = Failure::new(format!(
        "could not listen on localhost:{REDIRECT_PORT} for Dropbox's answer"
    ));
    let reserved = os == "windows"
        && (error.kind() == ErrorKind::PermissionDenied || error.raw_os_error() == Some(WSAEACCES));
    let failure = if error.kind() == ErrorKind::AddrInUse {
        let find = match os {
            "windows" => format!("netstat -ano | findstr :{REDIRECT_PORT}"),
            "linux" => format!("ss -ltnp 'sport = :{REDIRECT_PORT}'"),
            _ => format!("lsof -i :{REDIRECT_PORT}"),
        };
        failure
            .why("another program uses the port: perhaps another authorizer, `rclone authorize`, or an ssh that forwards it")
            .hint(format!("end that program, then run this again; to find it: {find}"))
    } else if reserved {
        failure
            .why(format!("{error}; Windows reserves ranges of ports for Hyper-V, WSL and Docker, and this one may be in one"))
            .hint("to see them: netsh interface ipv4 show excludedportrange protocol=tcp")
            .hint("to free it, as administrator: net stop winnat & net start winnat; then run this again")
    } else {
        failure.why(error)
    };
    let failure = failure.hint(format!(
        "if the browser is on another computer, run the authorizer there; once the port is free here, this forwards it from \
         there: ssh -L {REDIRECT_PORT}:localhost:{REDIRECT_PORT} {}",
        this_computer()
    ));
    match destination {
        Destination::Prompt(_) => failure.hint("or use the address above, which needs no port"),
        Destination::Ssh(..) | Destination::Here => {
            let text = format!("or {}", destination.without_redirect());
            text.lines()
                .fold(failure, |failure, line| failure.hint(line.trim_start()))
        }
    }
}

/// Returns the text to print above [`cannot_listen`]: the address without a redirect, if there is one.
pub(crate) fn instead_of_listening(destination: &Destination) -> Option<String> {
    matches!(destination, Destination::Prompt(_))
        .then(|| format!("Without a redirect: {}\n", destination.without_redirect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "https://www.dropbox.com/oauth2/authorize?client_id=k";

    fn destinations() -> [Destination; 3] {
        [
            Destination::Prompt(PLAIN.into()),
            Destination::Ssh("ann@login".into(), "dbx".into()),
            Destination::Here,
        ]
    }

    #[test]
    fn a_long_wait_explains_what_to_check_and_two_other_ways() {
        for destination in destinations() {
            let text = slow(&destination);
            for part in [
                REDIRECT_URI,
                "tick the boxes",
                "ssh -L 53682:localhost:53682",
                "without all that",
            ] {
                assert!(text.contains(part), "{part} is missing:\n{text}");
            }
        }
        assert!(
            slow(&destinations()[0]).lines().any(|line| line == PLAIN),
            "an address that can be copied"
        );
        assert!(slow(&destinations()[1]).contains("node-tool config create dbx"));
    }

    #[test]
    fn a_port_that_is_not_free_has_a_way_out_on_each_system() {
        for (kind, os, part) in [
            (ErrorKind::AddrInUse, "linux", "ss -ltnp"),
            (ErrorKind::AddrInUse, "macos", "lsof -i :53682"),
            (ErrorKind::AddrInUse, "windows", "netstat -ano"),
            (ErrorKind::PermissionDenied, "windows", "excludedportrange"),
            (ErrorKind::AddrNotAvailable, "linux", "could not listen"),
        ] {
            for destination in destinations() {
                let text = cannot_listen_on(&Error::from(kind), &destination, os).to_string();
                assert!(text.contains(part), "{part} is missing:\n{text}");
                assert!(text.contains("ssh -L 53682:localhost:53682"), "{text}");
                assert!(
                    instead_of_listening(&destination).is_some() || text.contains("no redirect"),
                    "{text}"
                );
                assert!(!text.contains("\\n"), "each hint is one line: {text}");
            }
        }
        let by_code = Error::from_raw_os_error(WSAEACCES);
        assert!(
            cannot_listen_on(&by_code, &Destination::Here, "windows")
                .to_string()
                .contains("winnat")
        );
    }
}
