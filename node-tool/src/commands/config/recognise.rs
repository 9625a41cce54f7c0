//! What a pasted text is: a grant, a code that Dropbox showed, the address where the browser ended, JSON with a token; or
//! something else that people take for one of these, which the error names.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use serde_json::Value;
use shared::{
    address_bar::{self, Address},
    grant::{Grant, GrantError},
    oauth::REDIRECT_URI,
    paste,
    secret::Secret,
};

/// Codes are longer than this; app keys and secrets are shorter.
const MIN_CODE_LENGTH: usize = 16;
/// Codes are shorter than this.
const MAX_CODE_LENGTH: usize = 128;
/// Refresh tokens, and the access tokens that the App Console generates, have this many characters; codes have 43.
const TOKEN_LENGTH: usize = 64;
/// JSON in base64 begins so.
const ENCODED_JSON: &str = "eyJ";

/// What was pasted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pasted {
    /// From the authorizer.
    Grant(Grant),
    /// A code that Dropbox showed, or that is in an address.
    Code(BrowserCode),
    /// From `rclone authorize`, or anything else that holds a token as JSON.
    Token(RcloneToken),
}

/// A code as a browser shows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BrowserCode {
    /// The code.
    pub code: Secret,
    /// The redirects that it may have been issued for, the likeliest first. `None` is a page that shows the code.
    pub redirects: Vec<Option<String>>,
}

/// The token that `rclone authorize` prints.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct RcloneToken {
    /// Good for API calls until `expiry`.
    #[serde(default)]
    pub access_token: Secret,
    /// Good for new access tokens.
    #[serde(default)]
    pub refresh_token: Option<Secret>,
    /// RFC 3339, with a zone.
    #[serde(default)]
    pub expiry: Option<String>,
}

/// What this login printed, which may come back by mistake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// The app key.
    pub app_key: Option<&'a str>,
    /// The challenge.
    pub challenge: &'a str,
}

/// Why a pasted text can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// Only white space.
    #[error("nothing was pasted")]
    Nothing,
    /// Unknown text.
    #[error("this is not a grant (which begins with 'dbxgrant1.'), and not a code of Dropbox")]
    Unknown,
    /// A grant with a fault.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// `sl.…`
    #[error("this is an access token, not a code: it ends in a few hours and can't renew itself")]
    AccessToken,
    /// A token without a mark.
    #[error(
        "this looks like a refresh token or a generated access token, not like a code: it has {TOKEN_LENGTH} characters"
    )]
    LongToken,
    /// Longer than any code.
    #[error("this is too long for a code: it has {0} characters")]
    TooLong(usize),
    /// The app key of this login.
    #[error("this is the app key, not what the browser or the authorizer gives")]
    AppKey,
    /// Another key, or a secret.
    #[error("this looks like an app key or an app secret, not like a code")]
    KeyLike,
    /// The challenge of this login.
    #[error("this is the challenge from the line above, not a code")]
    Challenge,
    /// The line to run elsewhere.
    #[error("this is the line to run on your laptop, not what it prints")]
    Line,
    /// The address to open.
    #[error("this is the address to open in a browser, not its result")]
    Consent,
    /// Another address.
    #[error("this address holds no code")]
    Address,
    /// Cancel was pressed.
    #[error("the login was cancelled in the browser")]
    Cancelled,
    /// Dropbox's answer in an address is no.
    #[error("Dropbox refused the login in the browser: {0}")]
    Refused(String),
    /// The end of JSON is missing.
    #[error("this is JSON whose end is missing")]
    JsonCut,
    /// JSON of another kind.
    #[error("this is JSON, and holds no token")]
    Json,
    /// JSON in base64 without a token.
    #[error("this is JSON in base64 (it begins with '{ENCODED_JSON}'), and holds no token")]
    EncodedJson,
    /// A piece of base64.
    #[error("this is a part of a grant or of JSON in base64")]
    Piece,
}

impl Unusable {
    /// Returns what to do, in one line.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Nothing => {
                "If the browser shows 'Error (400)', the app key is wrong, or no box is ticked under Permissions of the app."
            }
            Self::Unknown | Self::KeyLike | Self::Address | Self::TooLong(_) => {
                "Paste the grant that the authorizer printed, or the code or address that the browser shows."
            }
            Self::AccessToken | Self::LongToken => {
                "Run the line on your laptop or open the address, and paste what they give; or paste the token as JSON, with its refresh_token."
            }
            Self::AppKey | Self::Challenge | Self::Line => {
                "Run the line on your laptop, and paste the grant that it prints."
            }
            Self::Consent => "Open it in any browser, choose Allow, and paste the code that Dropbox shows.",
            Self::Cancelled => "Open the address again, and choose Allow.",
            Self::Refused(_) => "Open the address again, or run the line on your laptop again.",
            Self::JsonCut => "Paste the rest, or all of it again.",
            Self::Json | Self::EncodedJson => {
                "rclone's token has an access_token and a refresh_token in it; paste all that `rclone authorize` printed."
            }
            Self::Piece => "Copy the whole line again, from its first character to its last.",
            Self::Grant(error) => match error {
                GrantError::Truncated { .. } => "Paste the rest, or the whole grant again.",
                GrantError::OtherApp { .. } | GrantError::OtherChallenge => {
                    "Run the line that is printed above on your laptop, and paste what it prints then."
                }
                GrantError::NewerVersion(_) => "Update node-tool, or use an older authorizer.",
                _ => "Copy the whole line again, from its first character to its last.",
            },
        }
    }

    /// Whether the rest may follow: what came is a beginning.
    pub(super) fn may_go_on(&self) -> bool {
        matches!(self, Self::JsonCut | Self::Grant(GrantError::Truncated { .. }))
    }
}

/// Returns what a text is.
///
/// # Errors
/// When it is nothing that a login can be made with.
pub(super) fn recognise(text: &str, known: Known<'_>) -> Result<Pasted, Unusable> {
    match Grant::parse(text) {
        Ok(grant) => return Ok(Pasted::Grant(grant)),
        Err(GrantError::Empty | GrantError::NotAGrant) => {}
        Err(error) => return Err(error.into()),
    }
    let plain = paste::plain(text);
    if plain.trim().is_empty() {
        return Err(Unusable::Nothing);
    }
    if let Some(found) = json(&plain) {
        return found.map(Pasted::Token);
    }
    if is_line(&plain, known) {
        return Err(Unusable::Line);
    }
    match address_bar::read(text) {
        Some(address) => from_address(address),
        None => from_word(text, known),
    }
}

/// Whether the line for the laptop was pasted, or its program's name.
fn is_line(plain: &str, known: Known<'_>) -> bool {
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.first().is_some_and(|word| *word == "authorizer")
        || (words.len() > 1
            && known.app_key.is_some_and(|key| words.contains(&key))
            && words.contains(&known.challenge))
}

fn from_address(address: Address) -> Result<Pasted, Unusable> {
    match address {
        Address::Code { code, redirect_uri } => Ok(Pasted::Code(BrowserCode {
            code,
            redirects: vec![Some(redirect_uri), None],
        })),
        Address::Refused { error, .. } if error == "access_denied" => Err(Unusable::Cancelled),
        Address::Refused { error, description } if description.is_empty() => Err(Unusable::Refused(error)),
        Address::Refused { error, description } => Err(Unusable::Refused(format!("{description} ({error})"))),
        Address::Consent => Err(Unusable::Consent),
        Address::Silent => Err(Unusable::Address),
    }
}

fn from_word(text: &str, known: Known<'_>) -> Result<Pasted, Unusable> {
    let words = paste::words(text).concat();
    let joined = words.concat();
    if words.iter().chain([&joined]).any(|word| word == known.challenge) {
        return Err(Unusable::Challenge);
    }
    if known
        .app_key
        .is_some_and(|key| words.iter().any(|word| word == key) || joined == key)
    {
        return Err(Unusable::AppKey);
    }
    if joined.starts_with("sl.") || words.iter().any(|word| word.starts_with("sl.")) {
        return Err(Unusable::AccessToken);
    }
    if let Some(found) = words.iter().chain([&joined]).find_map(|word| encoded_json(word)) {
        return found.map(Pasted::Token);
    }
    let word = paste::word(text).ok_or(Unusable::Unknown)?;
    check_code(&word)?;
    Ok(Pasted::Code(BrowserCode {
        code: Secret::new(word),
        redirects: vec![None, Some(REDIRECT_URI.to_owned())],
    }))
}

/// Checks that a word can be a code.
fn check_code(word: &str) -> Result<(), Unusable> {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|b| test(&b));
    let is_mixed = has(u8::is_ascii_digit) || (has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase));
    let is_pure = word
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || b"-_.~".contains(&c));
    match word.len() {
        _ if !is_pure || !is_mixed => Err(Unusable::Unknown),
        12..MIN_CODE_LENGTH if !has(u8::is_ascii_uppercase) => Err(Unusable::KeyLike),
        ..MIN_CODE_LENGTH => Err(Unusable::Unknown),
        TOKEN_LENGTH => Err(Unusable::LongToken),
        _ if is_piece(word) => Err(Unusable::Piece),
        length if length > MAX_CODE_LENGTH => Err(Unusable::TooLong(length)),
        _ => Ok(()),
    }
}

/// Whether a word is base64 of text: by chance, a code isn't.
fn is_piece(word: &str) -> bool {
    (0..4).any(|skip| {
        let rest = word.get(skip..).unwrap_or_default();
        let whole = &rest[..rest.len() / 4 * 4];
        URL_SAFE_NO_PAD
            .decode(whole)
            .is_ok_and(|bytes| bytes.len() > 9 && bytes.iter().all(|b| (b' '..=b'~').contains(b)))
    })
}

/// A word that is JSON in base64, as rclone passes it on: the token in it, if there is one.
fn encoded_json(word: &str) -> Option<Result<RcloneToken, Unusable>> {
    let at = word.find(ENCODED_JSON)?;
    let coded = word[at..].split('.').next()?; // of a signed token, the first part
    let coded = coded.trim_end_matches('=');
    let whole = URL_SAFE_NO_PAD
        .decode(coded)
        .or_else(|_| STANDARD_NO_PAD.decode(coded));
    let value = whole.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match value.as_ref().and_then(token_in) {
        Some(token) => Some(Ok(token)),
        None if at == 0 => Some(Err(Unusable::EncodedJson)),
        None => None,
    }
}

/// JSON in a text: the token in it. Nothing in what we read contains spaces, so a wrap is taken out wherever it is.
fn json(plain: &str) -> Option<Result<RcloneToken, Unusable>> {
    let text: String = plain.chars().filter(|c| !c.is_whitespace()).collect();
    let mut problem = None;
    for (at, _) in text.match_indices('{') {
        for text in [text[at..].to_owned(), text[at..].replace('\'', "\"")] {
            match serde_json::Deserializer::from_str(&text)
                .into_iter::<Value>()
                .next()
            {
                Some(Ok(value)) => match token_in(&value) {
                    Some(token) => return Some(Ok(token)),
                    None => drop(problem.get_or_insert(Unusable::Json)),
                },
                Some(Err(error)) if error.is_eof() && text.contains("\"access_token") => {
                    problem.get_or_insert(Unusable::JsonCut);
                }
                _ => {}
            }
        }
    }
    problem.map(Err)
}

/// The first token in JSON, however deep it lies: rclone nests it as text.
fn token_in(value: &Value) -> Option<RcloneToken> {
    match value {
        Value::Object(fields)
            if fields.contains_key("access_token") || fields.contains_key("refresh_token") =>
        {
            let token: RcloneToken = serde_json::from_value(value.clone()).ok()?;
            let is_empty =
                token.access_token.is_empty() && token.refresh_token.as_ref().is_none_or(Secret::is_empty);
            (!is_empty).then_some(token)
        }
        Value::Object(fields) => fields.values().find_map(token_in),
        Value::Array(items) => items.iter().find_map(token_in),
        Value::String(text) if text.starts_with('{') => token_in(&serde_json::from_str(text).ok()?),
        Value::String(text) if text.starts_with(ENCODED_JSON) => encoded_json(text)?.ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use shared::grant::{BEGIN_MARKER, CodeGrant, END_MARKER};

    use super::*;

    const KEY: &str = "a1b2c3d4e5f6g7h";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const CODE: &str = "VofXAX8DO1sAAAAAAAACUKBwkDZyMg1zKT0f_FNONeA";
    const JSON: &str = r#"{"access_token":"sl.x","token_type":"bearer","refresh_token":"r","expiry":"2026-11-23T20:00:00.5+01:00"}"#;

    fn read(text: &str) -> Result<Pasted, Unusable> {
        let known = Known {
            app_key: Some(KEY),
            challenge: CHALLENGE,
        };
        recognise(text, known)
    }

    fn grant() -> Grant {
        Grant::Code(CodeGrant {
            app_key: "k".into(),
            code: Secret::new("c".repeat(200)),
            challenge: CHALLENGE.into(),
            redirect_uri: None,
        })
    }

    #[test]
    fn grants_and_codes_are_read() {
        let line = grant().encode().expose().to_owned();
        let pasted = format!("{BEGIN_MARKER}\n{line}\n{END_MARKER}\n");
        assert_eq!(read(&pasted), Ok(Pasted::Grant(grant())));
        for pasted in [
            CODE.to_owned(),
            format!(" {CODE} \r\n"),
            format!("Code: “{CODE}”."),
            "abcDEF0123456789_-xyz".into(),
        ] {
            let Ok(Pasted::Code(read)) = read(&pasted) else {
                panic!("{pasted}")
            };
            assert_eq!(read.redirects, [None, Some(REDIRECT_URI.to_owned())]);
        }
        for pasted in [
            format!("http://localhost:53682/?code={CODE}&state=s"),
            format!("code={CODE}&state=s"),
        ] {
            let Ok(Pasted::Code(read)) = read(&pasted) else {
                panic!("{pasted}")
            };
            assert_eq!(read.code, Secret::new(CODE));
            assert_eq!(read.redirects[0].as_deref(), Some(REDIRECT_URI));
        }
    }

    #[test]
    fn tokens_as_json_are_read_whatever_lies_around_them() {
        let wrapped: Vec<&str> = (0..JSON.len())
            .step_by(20)
            .map(|at| &JSON[at..(at + 20).min(JSON.len())])
            .collect();
        let nested = serde_json::json!({"token": JSON}).to_string();
        for pasted in [
            JSON.to_owned(),
            format!("Paste the following into your remote machine --->\n{JSON}\n<---End paste"),
            format!("config_token> {JSON}"),
            format!("[dbx]\ntype = dropbox\ntoken = {JSON}\n"),
            JSON.replace('"', "“"),
            JSON.replace('"', "\\\""),
            JSON.replace('"', "'"),
            JSON.replace('"', "&quot;"),
            format!("'{JSON}'"),
            wrapped.join("\n"),
            wrapped.join("\r\n> "),
            wrapped.join(" "),
            JSON.replace(',', ",\n  "),
            format!("```json\n{JSON}\n```"),
            format!("\u{feff}\u{1b}[1m{JSON}\u{1b}[0m"),
            nested.clone(),
            format!("{{\"dbx\":{nested}}}"),
            URL_SAFE_NO_PAD.encode(JSON),
            STANDARD.encode(&nested),
        ] {
            let Ok(Pasted::Token(token)) = read(&pasted) else {
                panic!("{pasted}: {:?}", read(&pasted))
            };
            assert_eq!(token.access_token, Secret::new("sl.x"), "{pasted}");
            assert_eq!(token.refresh_token, Some(Secret::new("r")), "{pasted}");
            assert_eq!(token.expiry.as_deref(), Some("2026-11-23T20:00:00.5+01:00"));
        }
    }

    #[test]
    fn what_is_something_else_is_called_by_its_name() {
        let line = grant().encode().expose().to_owned();
        let address =
            format!("https://www.dropbox.com/oauth2/authorize?client_id={KEY}&code_challenge={CHALLENGE}");
        let refresh = "aB3".repeat(22)[..64].to_owned();
        for (pasted, name) in [
            ("", Unusable::Nothing),
            (" \r\n", Unusable::Nothing),
            ("hello", Unusable::Unknown),
            ("what is this now please and thanks", Unusable::Unknown),
            (KEY, Unusable::AppKey),
            (&format!("“{KEY}”"), Unusable::AppKey),
            (CHALLENGE, Unusable::Challenge),
            (
                &format!("  {}\n{}", &CHALLENGE[..20], &CHALLENGE[20..]),
                Unusable::Challenge,
            ),
            (&format!("--challenge {CHALLENGE}"), Unusable::Challenge),
            (&format!("authorizer {KEY} {CHALLENGE}"), Unusable::Line),
            (
                &format!("authorizer {KEY} --challenge {CHALLENGE}"),
                Unusable::Line,
            ),
            (&format!("{KEY} {CHALLENGE}"), Unusable::Line),
            (&address, Unusable::Consent),
            ("http://localhost:53682/", Unusable::Address),
            (
                "http://localhost:53682/?error=access_denied&state=s",
                Unusable::Cancelled,
            ),
            (
                "error=server_error&error_description=a+b",
                Unusable::Refused("a b (server_error)".into()),
            ),
            ("sl.u.AbCdEf0123456789-_AbCdEf", Unusable::AccessToken),
            (
                "token> sl.B0123456789abcdefghijklmnopqrstuvwxyz",
                Unusable::AccessToken,
            ),
            (&refresh, Unusable::LongToken),
            ("z9y8x7w6v5u4t3s", Unusable::KeyLike),
            (
                &line[..60],
                Unusable::Grant(GrantError::Truncated {
                    missing: line.len() - 60,
                }),
            ),
            (&line[4..], Unusable::Grant(GrantError::BeginningMissing)),
            (&line[100..], Unusable::Grant(GrantError::BeginningMissing)),
            (&line[50..150], Unusable::Piece),
            (
                &URL_SAFE_NO_PAD.encode("{\"client_id\":\"abc\"}"),
                Unusable::EncodedJson,
            ),
            (
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
                Unusable::EncodedJson,
            ),
            (&JSON[..40], Unusable::JsonCut),
            ("{\"a\":1}", Unusable::Json),
            (&"aB3".repeat(50), Unusable::TooLong(150)),
        ] {
            assert_eq!(read(pasted), Err(name), "{pasted}");
        }
    }

    #[test]
    fn no_word_for_a_paste_shows_it() {
        for pasted in [
            "sl.u.AbCdEf0123456789-_AbCdEf",
            &"aB3".repeat(22)[..64],
            "z9y8x7w6v5u4t3s",
        ] {
            let problem = read(pasted).unwrap_err();
            assert!(!format!("{problem} {problem:?} {}", problem.advice()).contains(&pasted[5..]));
        }
    }
}
