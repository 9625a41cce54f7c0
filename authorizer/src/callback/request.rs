//! What a request to the redirect address means to a login.

use shared::{oauth::REDIRECT_PORT, secret::Secret};
use url::Url;

/// The path that the browser is sent to, so that the code disappears from its address bar.
pub(super) const FINAL_PATH: &str = "/done";
/// The path that the browser begins at; a ticket follows it that only the opened browser gets.
pub(super) const START_PATH: &str = "/start/";

/// What the redirect said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The person chose *Allow*.
    Code(Secret),
    /// The login was refused or cancelled.
    Refused {
        /// The code of RFC 6749; `access_denied` is the *Cancel* button.
        error: String,
        /// Dropbox's words for people, perhaps empty.
        description: String,
    },
    /// The redirect has both a code and an error, or one of them twice.
    Malformed,
}

/// The meaning of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The redirect that this login waits for.
    Answer(Answer),
    /// A redirect of another login, or a forged one.
    OtherLogin,
    /// The way to Dropbox, with this ticket.
    Start(Secret),
    /// The final page.
    Final,
    /// Anything else.
    Unrelated,
}

/// Returns whether `host` is a name of this computer. Any other is DNS rebinding.
pub(super) fn is_own_host(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|name| host.eq_ignore_ascii_case(&format!("{name}:{REDIRECT_PORT}")))
}

/// Returns what a request for `target` means to a login with `state`; `None` means that no login has begun.
pub(super) fn meaning(target: &str, state: Option<&Secret>) -> Meaning {
    let base = Url::parse("http://localhost/");
    let Ok(url) = base.and_then(|base| base.join(target)) else {
        return Meaning::Unrelated;
    };
    if url.path() == FINAL_PATH {
        return Meaning::Final;
    }
    if let Some(ticket) = url.path().strip_prefix(START_PATH) {
        return Meaning::Start(Secret::new(ticket));
    }
    let all = |name: &str| {
        url.query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect::<Vec<_>>()
    };
    let (codes, errors, states) = (all("code"), all("error"), all("state"));
    if url.path() != "/" || codes.len() + errors.len() + states.len() == 0 {
        return Meaning::Unrelated;
    }
    let is_ours = match (&states[..], state) {
        ([given], Some(state)) => Secret::new(given.clone()) == *state,
        _ => false,
    };
    if !is_ours {
        return Meaning::OtherLogin;
    }
    Meaning::Answer(match (codes.as_slice(), errors.as_slice()) {
        ([code], []) if !code.is_empty() => Answer::Code(Secret::new(code.clone())),
        ([], [error]) => Answer::Refused {
            error: error.clone(),
            description: all("error_description").pop().unwrap_or_default(),
        },
        _ => Answer::Malformed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_redirect_of_this_login_is_an_answer() {
        let state = Secret::new("s1");
        let code = |code: &str| Meaning::Answer(Answer::Code(Secret::new(code)));
        let refused = |error: &str, description: &str| {
            Meaning::Answer(Answer::Refused {
                error: error.into(),
                description: description.into(),
            })
        };
        for (target, expected) in [
            ("/", Meaning::Unrelated),
            ("/favicon.ico", Meaning::Unrelated),
            ("/?x=1", Meaning::Unrelated),
            ("/other?code=c&state=s1", Meaning::Unrelated),
            ("/done", Meaning::Final),
            ("/start/t", Meaning::Start(Secret::new("t"))),
            ("//evil/?code=c&state=s1", code("c")),
            ("/?code=c&state=s1", code("c")),
            ("/?code=c&state=s2", Meaning::OtherLogin),
            ("/?code=c", Meaning::OtherLogin),
            ("/?error=access_denied", Meaning::OtherLogin),
            ("/?state=", Meaning::OtherLogin),
            ("/?code=c&state=s1&state=s1", Meaning::OtherLogin),
            ("/?code=c&error=e&state=s1", Meaning::Answer(Answer::Malformed)),
            ("/?code=c&code=d&state=s1", Meaning::Answer(Answer::Malformed)),
            ("/?state=s1", Meaning::Answer(Answer::Malformed)),
            (
                "/?error=access_denied&error_description=no+way&state=s1",
                refused("access_denied", "no way"),
            ),
        ] {
            assert_eq!(meaning(target, Some(&state)), expected, "{target}");
        }
        assert_eq!(
            meaning("/?code=c&state=s1", None),
            Meaning::OtherLogin,
            "before a login begins"
        );
    }

    #[test]
    fn only_names_of_this_computer_are_its_own() {
        for own in [
            "localhost:53682",
            "LocalHost:53682",
            "127.0.0.1:53682",
            "[::1]:53682",
        ] {
            assert!(is_own_host(own), "{own}");
        }
        for other in [
            "",
            "localhost",
            "localhost:1",
            "evil.example:53682",
            "127.0.0.2:53682",
        ] {
            assert!(!is_own_host(other), "{other}");
        }
    }
}
