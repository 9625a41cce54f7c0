//! The line in which a login node asks the laptop for a login, through ssh: `pairing1 APP_KEY CHALLENGE`.

use crate::{oauth::check_app_key, pkce::Challenge};

/// The beginning of the line, in all versions.
const WORD: &str = "pairing";
/// The version, which follows [`WORD`] without a space.
const VERSION: &str = "1";
/// Number of characters of a challenge.
const CHALLENGE_LENGTH: usize = 43;

/// A request for a login. The node holds the challenge's verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// The app to log in with.
    pub app_key: String,
    /// The challenge that the code will be bound to.
    pub challenge: Challenge,
}

impl Pairing {
    /// Returns the line, without its end.
    pub fn line(&self) -> String {
        format!("{WORD}{VERSION} {} {}", self.app_key, self.challenge.as_str())
    }

    /// Finds the pairing in a line. `None` means that there is none. What a shell prints on the same line before it (a title, a
    /// colour, a greeting) and after it (the end of a colour) is ignored.
    pub fn parse(line: &str) -> Option<Self> {
        pairings(line)
            .filter_map(|(version, pairing)| (version == VERSION).then_some(pairing))
            .last()
    }

    /// Returns whether a line contains a pairing of another version of node-tool.
    pub fn is_of_other_version(line: &str) -> bool {
        pairings(line).any(|(version, _)| version != VERSION)
    }

    fn read(text: &str) -> Option<Self> {
        let (app_key, rest) = text.strip_prefix(' ')?.trim_start().split_once(' ')?;
        let rest = rest.trim_start();
        let (challenge, after) = rest.split_at_checked(CHALLENGE_LENGTH)?;
        let continues = after
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if continues {
            return None;
        }
        Some(Self {
            app_key: check_app_key(app_key).ok()?,
            challenge: Challenge::parse(challenge).ok()?,
        })
    }
}

/// Returns the pairings in a line, with their versions.
fn pairings(line: &str) -> impl Iterator<Item = (&str, Pairing)> {
    line.match_indices(WORD).filter_map(|(at, word)| {
        let rest = &line[at + word.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (version, rest) = rest.split_at(digits);
        Some((version, Pairing::read(rest)?)).filter(|_| digits > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairing_of_this_version_is_written_and_read_as_ever() {
        let sample = include_str!("../tests/fixtures/pairing-v1");
        let pairing = Pairing::parse(sample).unwrap();
        assert_eq!(pairing.app_key, "abc123");
        assert_eq!(pairing.line(), sample.trim_end());
        let newer = sample.replace("pairing1", "pairing2");
        assert!(Pairing::parse(&newer).is_none() && Pairing::is_of_other_version(&newer));
    }

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
            assert_eq!(
                Pairing::is_of_other_version(other),
                other.starts_with("pairing2"),
                "{other}"
            );
        }
    }
}
