//! The line in which a node asks a laptop for a login, when they speak over ssh: `pairing1 APP_KEY CHALLENGE`.

use crate::{oauth::check_app_key, pkce::Challenge};

/// How the line begins; the number is its version.
const WORD: &str = "pairing1";
/// How long a challenge is.
const CHALLENGE: usize = 43;

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

    /// Finds the question in a line; `None` if there is none in it. What a shell prints before it without ending the line
    /// (a title, a colour, a greeting) and behind it (a colour's end) is passed over.
    pub fn parse(line: &str) -> Option<Self> {
        let places = line.match_indices(WORD);
        places
            .filter_map(|(at, word)| Self::read(&line[at + word.len()..]))
            .last()
    }

    fn read(text: &str) -> Option<Self> {
        let (app_key, rest) = text.strip_prefix(' ')?.trim_start().split_once(' ')?;
        let rest = rest.trim_start();
        let (challenge, behind) = rest.split_at_checked(CHALLENGE)?;
        let goes_on = behind
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if goes_on {
            return None;
        }
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
        let line = pairing.line();
        for around in [
            line.clone(),
            format!("{line}\r\n"),
            format!("\u{1b}]0;ann@login: ~\u{7}{line}"),
            format!("\u{1b}[0m\u{1b}[?2004l{line}\u{1b}[K\r"),
            format!("Welcome to the cluster{line}"),
            format!("pairing1 is a word here; {line}"),
            format!("\u{fffd}{line}\u{1b}[m"),
        ] {
            assert_eq!(Pairing::parse(&around), Some(pairing.clone()), "{around:?}");
        }
        for other in [
            "",
            "Welcome to the cluster",
            "pairing1 key",
            "pairing2 abc123 E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "pairing1 abc123 short",
            "pairing1abc123 E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "pairing1 abc123 E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMx",
            "pairing1 a/b E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "pairing1 abc123 E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-\u{fc}M",
        ] {
            assert_eq!(Pairing::parse(other), None, "{other}");
        }
    }
}
