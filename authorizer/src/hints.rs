//! What a person can do when the browser doesn't come back, or can't.

use std::io::{Error, ErrorKind};

use shared::{
    failure::Failure,
    oauth::{REDIRECT_PORT, REDIRECT_URI},
};

/// Windows' code for a port in a range that it keeps for itself.
const WSAEACCES: i32 = 10013;

/// Where the answer goes in the end, which decides what other ways there are.
#[derive(Clone, Debug)]
pub enum Way {
    /// To a node that waits at its prompt, and takes the code of this address, which has no redirect, as well.
    Prompt(String),
    /// To a node that is reached through ssh at this destination, under this name.
    Ssh(String, String),
    /// Nowhere: it is printed.
    Here,
}

impl Way {
    /// The way without a redirect, as a sentence or two, with the address on a line of its own.
    fn without_redirect(&self) -> String {
        match self {
            Self::Prompt(address) => format!(
                "open this address in any browser, and paste the code that it shows at the token> prompt on the login node:\n\n{address}"
            ),
            Self::Ssh(destination, name) => format!(
                "log in to {destination} yourself and run there: node-tool config create {name}   (if {name}: is there \
                 already: node-tool config reconnect {name}:)\n  It prints an address that needs no redirect, and takes the code that this shows."
            ),
            Self::Here => "run on the login node: node-tool config create dbx\n  It prints an address that needs no redirect, \
                           and takes the code that this shows."
                .into(),
        }
    }
}

/// What to look at when the browser takes long.
pub fn slow(way: &Way) -> String {
    format!(
        "\nStill waiting. What does the browser show?\n\
         - \"Error (400)\", or something about redirect_uri: at https://www.dropbox.com/developers/apps, choose the app,\n  \
         add this under Redirect URIs, to the letter: {REDIRECT_URI}\n  \
         and tick the boxes under Permissions and press Submit. Then open the address above again.\n\
         - \"refused to connect\", or no answer from localhost: the browser is on another computer than this program.\n  \
         Run this there, with the name of this computer, and open the address above again:\n  \
         ssh -L {REDIRECT_PORT}:localhost:{REDIRECT_PORT} {}\n\
         - Or without all that: {}\n",
        here(),
        way.without_redirect()
    )
}

/// What this computer may be called in a command; a placeholder where it isn't known.
fn here() -> String {
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

/// Why nobody can be listened to, and what else there is.
pub fn unbindable(error: &Error, way: &Way) -> Failure {
    unbindable_on(error, way, std::env::consts::OS)
}

fn unbindable_on(error: &Error, way: &Way, os: &str) -> Failure {
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
            .next(format!("end that program, then run this again; to find it: {find}"))
    } else if reserved {
        failure
            .why(format!("{error}; Windows keeps ranges of ports for Hyper-V, WSL and Docker, and this one may be in one"))
            .next("to see them: netsh interface ipv4 show excludedportrange protocol=tcp")
            .next("to have it back, as administrator: net stop winnat & net start winnat; then run this again")
    } else {
        failure.why(error)
    };
    failure
        .next(format!(
            "if the browser is on another computer, run the authorizer there; once the port is free here, this forwards it from \
             there: ssh -L {REDIRECT_PORT}:localhost:{REDIRECT_PORT} {}",
            here()
        ))
        .next(match way {
            Way::Prompt(_) => "or use the address above, which needs no port".into(),
            way => format!("or {}", way.without_redirect().replace("\n  ", " ")),
        })
}

/// What stands above [`unbindable`]'s words: the address without a redirect, where there is one.
pub fn instead(way: &Way) -> Option<String> {
    matches!(way, Way::Prompt(_)).then(|| format!("Without a redirect: {}\n", way.without_redirect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "https://www.dropbox.com/oauth2/authorize?client_id=k";

    fn ways() -> [Way; 3] {
        [
            Way::Prompt(PLAIN.into()),
            Way::Ssh("ann@login".into(), "dbx".into()),
            Way::Here,
        ]
    }

    #[test]
    fn who_waits_long_is_told_what_to_check_and_two_other_ways() {
        for way in ways() {
            let text = slow(&way);
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
            slow(&ways()[0]).lines().any(|line| line == PLAIN),
            "an address that can be copied"
        );
        assert!(slow(&ways()[1]).contains("node-tool config create dbx"));
    }

    #[test]
    fn a_port_that_cant_be_had_has_a_way_out_on_each_system() {
        for (kind, os, part) in [
            (ErrorKind::AddrInUse, "linux", "ss -ltnp"),
            (ErrorKind::AddrInUse, "macos", "lsof -i :53682"),
            (ErrorKind::AddrInUse, "windows", "netstat -ano"),
            (ErrorKind::PermissionDenied, "windows", "excludedportrange"),
            (ErrorKind::AddrNotAvailable, "linux", "could not listen"),
        ] {
            for way in ways() {
                let text = unbindable_on(&Error::from(kind), &way, os).to_string();
                assert!(text.contains(part), "{part} is missing:\n{text}");
                assert!(text.contains("ssh -L 53682:localhost:53682"), "{text}");
                assert!(instead(&way).is_some() || text.contains("no redirect"), "{text}");
                assert!(!text.contains("\\n"), "{text}");
            }
        }
        let by_code = Error::from_raw_os_error(WSAEACCES);
        assert!(
            unbindable_on(&by_code, &Way::Here, "windows")
                .to_string()
                .contains("winnat")
        );
    }
}
