//! The grant: the text that a person pastes from the laptop to the login node.
//!
//! One line of printable ASCII, version 1:
//!
//! ```text
//! dbxgrant1.<payload length>.<payload>.<checksum>
//! ```
//!
//! The payload is JSON in base64url without padding, its length is in decimal characters, and the
//! checksum is the first 12 hexadecimal digits of the SHA-256 of everything before it. So a reader knows
//! whether a paste is whole, and tells a truncated one from an altered one. A newer format gets a higher
//! number after `dbxgrant`; this reader reports it as newer.
//!
//! [`Grant::parse`] accepts everything that [`paste`] can undo, and any text around the grant.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{paste, pkce::Challenge, secret::Secret};

/// The line printed before a grant on a terminal.
pub const BEGIN_MARKER: &str = "-----BEGIN GRANT (paste from here)-----";
/// The line printed after a grant on a terminal.
pub const END_MARKER: &str = "-----END GRANT (to here)-----";

const WORD: &str = "dbxgrant";
const VERSION: u32 = 1;
const CHECKSUM_DIGITS: usize = 12;
/// How a payload begins: `{"kind":` in base64url.
const PAYLOAD_START: &str = "eyJraW5kIjoi";

/// What the laptop hands to the login node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Grant {
    /// A one-time code that only the holder of the challenge's verifier can use.
    Code(CodeGrant),
    /// A whole token.
    Token(TokenGrant),
}

/// A one-time authorization code, bound to a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeGrant {
    /// The app key that the code was issued to.
    pub app_key: String,
    /// The code.
    pub code: Secret,
    /// The challenge that the code was issued for.
    pub challenge: String,
    /// The redirect address that the code was issued for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

/// A whole token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenGrant {
    /// The app key that the token was issued to.
    pub app_key: String,
    /// The access token, valid for API calls until `expires_at`.
    pub access_token: Secret,
    /// The refresh token, for new access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token expires, in seconds since 1970 (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The permissions that were granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The account: `dbid:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The app's secret, if refreshing needs it (an app without PKCE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_secret: Option<Secret>,
}

/// What is wrong with a pasted text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Nothing was pasted.
    #[error("nothing was pasted")]
    Empty,
    /// It contains no grant.
    #[error("this is not a grant: a grant starts with '{WORD}{VERSION}.'")]
    NotAGrant,
    /// The end is missing.
    #[error("the grant is cut off: {missing} of its characters are missing at the end")]
    Truncated {
        /// Minimum number of missing characters.
        missing: usize,
    },
    /// A character is not the one that was printed.
    #[error("the grant was altered on the way: its checksum does not match; copy the whole line again")]
    Altered,
    /// The beginning is missing.
    #[error("this is a part of a grant: its beginning is missing (a grant starts with '{WORD}{VERSION}.')")]
    BeginningMissing,
    /// The grant has a newer format.
    #[error("the grant has version {0}, and this program understands version {VERSION}; update node-tool")]
    NewerVersion(u32),
    /// The grant is for another app.
    #[error(
        "the grant was made for the app key '{found}', not for '{expected}'; run the authorizer with '{expected}'"
    )]
    OtherApp {
        /// The app key in the grant.
        found: String,
        /// The app key that was expected.
        expected: String,
    },
    /// The grant is for another pairing.
    #[error(
        "the grant was made for another pairing (another challenge); run the authorizer line that was printed last"
    )]
    OtherChallenge,
}

impl Grant {
    /// Returns the grant as its one line, without a line end.
    pub fn encode(&self) -> Secret {
        let json = serde_json::to_vec(self).unwrap_or_default(); // strings and numbers only: cannot fail
        let payload = URL_SAFE_NO_PAD.encode(json);
        let head = format!("{WORD}{VERSION}.{}.{payload}.", payload.len());
        Secret::new(format!("{head}{}", checksum(&head)))
    }

    /// Finds the grant in a pasted text, whatever surrounds it and whatever happened to it on its way, as long as all of its
    /// characters arrived; its length and checksum prove that.
    ///
    /// # Errors
    /// When the text doesn't contain a whole, unaltered grant of a version that this reader knows.
    pub fn parse(pasted: &str) -> Result<Self, GrantError> {
        let mut problem = None;
        for text in paste::readings(pasted, belongs) {
            match find(&text) {
                Ok(grant) => return Ok(grant),
                Err(error @ GrantError::NewerVersion(_)) => return Err(error),
                // The first reading is the likeliest, so its problem is reported.
                Err(error) => drop(problem.get_or_insert(error)),
            }
        }
        Err(problem.unwrap_or(GrantError::Empty))
    }

    /// Returns the app key that the grant was made for.
    pub fn app_key(&self) -> &str {
        match self {
            Self::Code(code) => &code.app_key,
            Self::Token(token) => &token.app_key,
        }
    }

    /// Checks that the grant was made for `app_key`.
    ///
    /// # Errors
    /// When it wasn't.
    pub fn check_app_key(&self, app_key: &str) -> Result<(), GrantError> {
        if self.app_key() == app_key {
            Ok(())
        } else {
            Err(GrantError::OtherApp {
                found: self.app_key().to_owned(),
                expected: app_key.to_owned(),
            })
        }
    }
}

impl CodeGrant {
    /// Checks that the code was issued for `challenge`.
    ///
    /// # Errors
    /// When it was issued for another one.
    pub fn check_challenge(&self, challenge: &Challenge) -> Result<(), GrantError> {
        if self.challenge == challenge.as_str() {
            Ok(())
        } else {
            Err(GrantError::OtherChallenge)
        }
    }
}

/// Returns whether a grant may contain this character.
fn belongs(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Finds the first whole grant in a text of a grant's characters.
fn find(text: &str) -> Result<Grant, GrantError> {
    if text.is_empty() {
        return Err(GrantError::Empty);
    }
    let mut problem = None;
    for (start, _) in text.match_indices(WORD) {
        match read(&text[start..]) {
            Ok(grant) => return Ok(grant),
            Err(error) => drop(problem.get_or_insert(error)),
        }
    }
    Err(problem.unwrap_or_else(|| without_word(text)))
}

/// Returns what is wrong with a text that doesn't contain [`WORD`].
fn without_word(text: &str) -> GrantError {
    if WORD.starts_with(text) {
        GrantError::Truncated { missing: WORD.len() }
    } else if text.contains(PAYLOAD_START) || is_tail(text) {
        GrantError::BeginningMissing
    } else {
        GrantError::NotAGrant
    }
}

/// Returns whether a text ends like a grant: a part of the payload, a full stop, the checksum.
fn is_tail(text: &str) -> bool {
    let Some((payload, check)) = strip_end_marker(text).rsplit_once('.') else {
        return false;
    };
    let is_hex = check
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    check.len() == CHECKSUM_DIGITS && is_hex && payload.len() > CHECKSUM_DIGITS && !payload.contains('.')
}

/// Reads the grant that `text` begins with.
fn read(text: &str) -> Result<Grant, GrantError> {
    let (version, body) = head(text)?;
    if version > VERSION {
        return Err(GrantError::NewerVersion(version));
    }
    if version < 1 {
        return Err(GrantError::NotAGrant);
    }
    let (length, payload_at) = payload_length(text, body)?;
    let checksum_at = payload_at + length + 1;
    let end = checksum_at + CHECKSUM_DIGITS;
    // A paste cut off by hand may still be followed by the end marker.
    let whole = strip_end_marker(text).len();
    if whole < end {
        return Err(GrantError::Truncated { missing: end - whole });
    }
    let (head, check) = (&text[..checksum_at], &text[checksum_at..end]);
    if checksum(head) != check {
        return Err(GrantError::Altered);
    }
    let json = URL_SAFE_NO_PAD
        .decode(&text[payload_at..payload_at + length])
        .map_err(|_| GrantError::Altered)?;
    serde_json::from_slice(&json).map_err(|_| GrantError::Altered)
}

/// Reads `dbxgrant<number>.`: the version, and where the rest starts.
fn head(text: &str) -> Result<(u32, usize), GrantError> {
    let digits = text[WORD.len()..].bytes().take_while(u8::is_ascii_digit).count();
    let after = WORD.len() + digits;
    match (text[WORD.len()..after].parse(), text.as_bytes().get(after)) {
        (Ok(version), Some(b'.')) => Ok((version, after + 1)),
        (_, None) => Err(GrantError::Truncated {
            missing: CHECKSUM_DIGITS,
        }),
        _ => Err(GrantError::NotAGrant),
    }
}

/// Reads `<payload length>.`: the length, and where the payload starts.
fn payload_length(text: &str, at: usize) -> Result<(usize, usize), GrantError> {
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    match (
        text[at..at + digits].parse::<usize>(),
        text.as_bytes().get(at + digits),
    ) {
        (Ok(length), Some(b'.')) if length <= 1 << 24 => Ok((length, at + digits + 1)),
        (_, None) => Err(GrantError::Truncated {
            missing: CHECKSUM_DIGITS,
        }),
        _ => Err(GrantError::Altered),
    }
}

/// Returns a text without the end marker and what follows it. The marker may be truncated, too.
fn strip_end_marker(text: &str) -> &str {
    let end: String = END_MARKER.chars().filter(|&c| belongs(c)).collect();
    if let Some(at) = text.find(&end) {
        return &text[..at];
    }
    (5..=end.len())
        .rev()
        .find_map(|length| text.strip_suffix(&end[..length]))
        .unwrap_or(text)
}

fn checksum(head: &str) -> String {
    let digest = Sha256::digest(head.as_bytes());
    HEXLOWER.encode(&digest[..CHECKSUM_DIGITS / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code() -> Grant {
        Grant::Code(CodeGrant {
            app_key: "appkey1".into(),
            code: Secret::new("one-time-code-of-some-forty-three-characters"),
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
            redirect_uri: Some("http://localhost:53682/".into()),
        })
    }

    fn token(length: usize) -> Grant {
        Grant::Token(TokenGrant {
            app_key: "appkey1".into(),
            access_token: Secret::new("sl.".to_owned() + &"x".repeat(length)),
            refresh_token: Some(Secret::new("refresh")),
            expires_at: Some(1_800_000_000),
            scopes: vec!["files.content.read".into()],
            account_id: Some("dbid:abc".into()),
            app_secret: None,
        })
    }

    #[test]
    fn a_grant_of_this_version_is_written_and_read_as_ever() {
        for (sample, grant) in [
            (include_str!("../tests/fixtures/grant-v1-code"), code()),
            (include_str!("../tests/fixtures/grant-v1-token"), token(10)),
        ] {
            assert_eq!(grant.encode().expose(), sample.trim_end());
            assert_eq!(Grant::parse(sample), Ok(grant));
            let newer = sample.replace("dbxgrant1", "dbxgrant2");
            assert_eq!(Grant::parse(&newer), Err(GrantError::NewerVersion(2)));
        }
    }

    #[test]
    fn survives_what_terminals_and_chat_windows_do() {
        for grant in [code(), token(10), token(9_000)] {
            let line = grant.encode().expose().to_owned();
            assert!(line.bytes().all(|c| c.is_ascii_graphic()));
            let wrapped = |width: usize, end: &str| {
                line.as_bytes()
                    .chunks(width)
                    .map(|c| String::from_utf8_lossy(c))
                    .collect::<Vec<_>>()
                    .join(end)
            };
            for damaged in [
                line.clone(),
                format!("  {line}\r\n"),
                format!("\"{line}\""),
                format!("“{line}”"),
                format!("`{line}`\n"),
                wrapped(80, "\n"),
                wrapped(76, "\r\n> "),
                wrapped(7, " "),
                wrapped(40, "\u{200b}"),
                format!("{BEGIN_MARKER}\n{line}\n{END_MARKER}\n"),
                format!("{BEGIN_MARKER}\r\n{}\r\n{END_MARKER}", wrapped(80, "\r\n")),
                format!("from here)-----\n{line}\n-----END GR"),
                format!("{line}{line}"),
                format!("{line} and more"),
                format!("see: {line}"),
            ] {
                assert_eq!(Grant::parse(&damaged).as_ref(), Ok(&grant), "{damaged:.80}");
            }
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let line = code().encode().expose().to_owned();
        let swapped = line.replacen('e', "f", 3);
        for (text, expected) in [
            ("", GrantError::Empty),
            (" \r\n", GrantError::Empty),
            ("hello there", GrantError::NotAGrant),
            ("{\"access_token\":\"x\"}", GrantError::NotAGrant),
            ("dbxgrant2.10.abc", GrantError::NewerVersion(2)),
            ("dbxgrant17.", GrantError::NewerVersion(17)),
            (&line[..line.len() - 3], GrantError::Truncated { missing: 3 }),
            (
                &format!("{}\n{END_MARKER}", &line[..line.len() - 30]),
                GrantError::Truncated { missing: 30 },
            ),
            (&swapped, GrantError::Altered),
            (&line[3..], GrantError::BeginningMissing),
            (&line[13..], GrantError::BeginningMissing),
            (&line[60..], GrantError::BeginningMissing),
        ] {
            assert_eq!(Grant::parse(text), Err(expected), "{text:.60}");
        }
        assert!(matches!(
            code().check_app_key("other"),
            Err(GrantError::OtherApp { .. })
        ));
        let Grant::Code(inner) = code() else {
            unreachable!()
        };
        let other = Challenge::parse("A9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert_eq!(inner.check_challenge(&other), Err(GrantError::OtherChallenge));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?} {:?}", code(), token(5));
        assert!(!shown.contains("one-time") && !shown.contains("sl.x") && !shown.contains("\"refresh\""));
    }

    /// What may happen to a text on its way: the damage's number, a width or place.
    fn damage(text: &str, which: u8, at: usize) -> String {
        let width = 3 + at % 90;
        let chars: Vec<char> = text.chars().collect();
        let wrap = |end: &str| {
            let pieces: Vec<String> = chars.chunks(width).map(|piece| piece.iter().collect()).collect();
            pieces.join(end)
        };
        let each = |before: &str, after: &str| {
            let lines: Vec<String> = text
                .lines()
                .map(|line| format!("{before}{line}{after}"))
                .collect();
            lines.join("\n")
        };
        let inside = |put: &str| {
            let at = at % (chars.len() + 1);
            let (head, tail) = chars.split_at(at);
            format!(
                "{}{put}{}",
                head.iter().collect::<String>(),
                tail.iter().collect::<String>()
            )
        };
        match which {
            0 => wrap("\n"),
            1 => wrap("\r\n"),
            2 => wrap("\r"),
            3 => wrap(" "),
            4 => wrap("\\\n"),
            5 => each("> ", ""),
            6 => each("│ ", &format!("{} │", " ".repeat(at % 9))),
            7 => format!("+-----+\n{}\n+-----+", each("| ", " |")),
            8 => format!("┌─────┐\n{text}\n└─────┘"),
            9 => format!("\u{1b}[1;32m{text}\u{1b}[0m"),
            10 => format!("[1;32m{text}[0m"),
            11 => inside("\u{1b}[7m"),
            12 => inside("\u{200b}"),
            13 => inside("\u{a0}"),
            14 => inside("\u{16}"),
            15 => format!("“{text}”"),
            16 => format!("'{text}'"),
            17 => format!("```text\n{text}\n```"),
            18 => format!("({text})."),
            19 => format!("[{text}]"),
            20 => format!("token> {text}"),
            21 => format!("Grant: {text}"),
            22 => format!("[ann@laptop ~]$ {text}"),
            23 => format!(
                "{BEGIN_MARKER}\n{text}\n{END_MARKER}\nPaste it at the token> prompt on the login node."
            ),
            24 => quoted_printable(text),
            25 => paste::decode(
                &("\u{feff}".to_owned() + text)
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<_>>(),
            ),
            26 => text
                .replace('&', "&amp;")
                .replace('>', "&gt;")
                .replace('"', "&quot;"),
            27 => format!("\u{1b}[200~{text}\u{1b}[201~"),
            28 => text.replace('\n', "\n\n"),
            29 => format!("\u{1b}]0;ann@laptop: ~\u{7}{text}"),
            30 => text.replace("--", "—"),
            _ => format!("  {text}\r\n\r\n"),
        }
    }

    /// As mail programs write it: lines of 76 characters, everything else than plain ASCII encoded.
    fn quoted_printable(text: &str) -> String {
        let mut out = String::new();
        let mut column = 0;
        for byte in text.replace("\r\n", "\n").replace('\r', "\n").bytes() {
            let piece = match byte {
                b'\n' => "\r\n".to_owned(),
                b'!'..=b'<' | b'>'..=b'~' | b' ' => char::from(byte).to_string(),
                byte => format!("={byte:02X}"),
            };
            if byte != b'\n' && column + piece.len() > 75 {
                out += "=\r\n";
                column = 0;
            }
            column = if byte == b'\n' { 0 } else { column + piece.len() };
            out += &piece;
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]
        #[test]
        fn a_grant_survives_any_damage_that_keeps_its_information(
            length in 0usize..400,
            mut damages in proptest::collection::vec((0u8..32, any::<usize>()), 0..5),
        ) {
            // A mail is encoded once, when it is sent: what is wrapped after that may have lost where an escape begins.
            damages.sort_by_key(|(which, _)| *which == 24);
            damages.dedup_by_key(|(which, _)| *which);
            let whole = if length == 0 { code() } else { token(length) };
            let line = whole.encode().expose().to_owned();
            let damaged = damages.iter().fold(line, |text, (which, at)| damage(&text, *which, *at));
            prop_assert_eq!(Grant::parse(&damaged), Ok(whole), "{:?}\n{}", damages, damaged);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_a_panic(text in ".{0,200}") {
            prop_assert!(Grant::parse(&text).is_err());
        }

        #[test]
        fn any_cut_or_changed_character_is_noticed(at in 0usize..200, replacement in "[A-Za-z0-9_.-]") {
            let line = code().encode().expose().to_owned();
            let at = at % line.len();
            prop_assert!(Grant::parse(&line[..at]).is_err());
            let changed = format!("{}{replacement}{}", &line[..at], &line[at + 1..]);
            if changed != line {
                prop_assert!(Grant::parse(&changed).is_err());
            }
        }
    }
}
