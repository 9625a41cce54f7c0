//! The line in which a node asks a laptop for a login, when they speak over ssh: `pairing1 APP_KEY CHALLENGE`.

use crate::{oauth::check_app_key, pkce::Challenge};

/// How the line begins; the number is its version.
const WORD: &str = "pairing1";

/// A node's question. The node keeps the challenge's verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// The app to log in with.
    pub app_key: String,
    /// What the code will be bound to.
    pub challenge: Challenge,
}

impl Pairing {
    /// The line, without its end.
    pub fn line(&self) -> String {
        format!("{WORD} {} {}", self.app_key, self.challenge.as_str())
    }

    /// Reads the line; nothing if it is something else, such as a banner.
    pub fn parse(line: &str) -> Option<Self> {
        let [WORD, app_key, challenge] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            return None;
        };
        Some(Self {
            app_key: check_app_key(app_key).ok()?,
            challenge: Challenge::parse(challenge).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_and_nothing_else_is_one() {
        let pairing = Pairing {
            app_key: "abc123".into(),
            challenge: Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap(),
        };
        assert_eq!(Pairing::parse(&format!("{}\r\n", pairing.line())), Some(pairing));
        for other in [
            "",
            "Welcome to the cluster",
            "pairing1 key",
            "pairing2 abc123 E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "pairing1 abc123 short",
        ] {
            assert_eq!(Pairing::parse(other), None, "{other}");
        }
    }
}
