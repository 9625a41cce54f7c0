//! Dropbox's OAuth 2 as data: the address that a person opens, the requests to the token endpoint, and its responses.
//!
//! Source: Dropbox OAuth guide and HTTP documentation (`/oauth2/authorize`, `/oauth2/token`), RFC 6749, RFC 7636.

use serde::Deserialize;
use url::form_urlencoded;

use crate::{
    endpoints::{Endpoints, Host},
    paste,
    pkce::Challenge,
    secret::Secret,
};

/// The redirect address, which has to be registered in the App Console exactly so.
pub const REDIRECT_URI: &str = "http://localhost:53682/";
/// The port of [`REDIRECT_URI`]. It is rclone's, so that users of rclone have registered it already.
pub const REDIRECT_PORT: u16 = 53682;
/// The path of the token endpoint on [`Host::Api`].
pub const TOKEN_PATH: &str = "/oauth2/token";

/// A request to the authorize page.
#[derive(Debug)]
pub struct AuthorizeRequest<'a> {
    /// The app key.
    pub app_key: &'a str,
    /// The PKCE challenge; `None` only for apps that use their secret instead.
    pub challenge: Option<&'a Challenge>,
    /// The address that the browser is sent to with the answer; `None` means that Dropbox shows the code.
    pub redirect_uri: Option<&'a str>,
    /// A text that comes back unchanged; only useful with a redirect.
    pub state: Option<&'a Secret>,
}

impl AuthorizeRequest<'_> {
    /// Returns the address to open in a browser. It asks for offline access, so that the token endpoint returns a refresh token.
    pub fn url(&self, endpoints: &Endpoints) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", self.app_key);
        query.append_pair("response_type", "code");
        query.append_pair("token_access_type", "offline");
        if let Some(challenge) = self.challenge {
            query.append_pair("code_challenge", challenge.as_str());
            query.append_pair("code_challenge_method", "S256");
        }
        if let Some(uri) = self.redirect_uri {
            query.append_pair("redirect_uri", uri);
        }
        if let Some(state) = self.state {
            query.append_pair("state", state.expose());
        }
        format!(
            "{}?{}",
            endpoints.url(Host::Web, "/oauth2/authorize"),
            query.finish()
        )
    }
}

/// Returns the line to run on the laptop. A valid app key and a challenge consist of ASCII letters, digits, `-` and `_`, so that
/// POSIX shells, cmd and PowerShell all read the same words, without quotes.
pub fn laptop_line(app_key: &str, challenge: &Challenge) -> String {
    format!("authorizer {app_key} {}", challenge.as_str())
}

/// Reads an app key as it is typed or pasted, without the quotes, spaces and invisible characters around it.
///
/// # Errors
/// When it is empty or contains a character that no app key has.
pub fn check_app_key(text: &str) -> Result<String, String> {
    let key = paste::word(text).filter(|key| {
        key.len() <= 64
            && !key.starts_with('-')
            && key
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
    });
    if let Some(key) = key {
        Ok(key)
    } else {
        Err(not_a_key(text))
    }
}

/// Reads an app key that a person typed, and refuses what looks like a name (`dbx`, `dropbox`) in its place.
///
/// # Errors
/// When it doesn't look like an app key.
pub fn check_typed_app_key(text: &str) -> Result<String, String> {
    let key = check_app_key(text)?;
    let digits = key.bytes().any(|c| c.is_ascii_digit());
    let is_usual = key.len() == 15 || (key.len() >= 8 && digits);
    if is_usual && !key.to_ascii_lowercase().contains("dropbox") {
        Ok(key)
    } else {
        Err(not_a_key(text))
    }
}

fn not_a_key(text: &str) -> String {
    format!(
        "'{text}' is not an app key; it is on your app's page in the Dropbox App Console: about 15 letters and digits"
    )
}

/// How a client proves to the token endpoint that the code is its own.
#[derive(Clone, Debug)]
pub enum Proof {
    /// PKCE: the verifier of the challenge that the code was issued for.
    Verifier(Secret),
    /// The app's secret, for the rare app without PKCE.
    AppSecret(Secret),
}

/// A request to the token endpoint.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// Exchanges a one-time code.
    Code {
        /// The app key.
        app_key: String,
        /// The code.
        code: Secret,
        /// The redirect address of the [`AuthorizeRequest`], or `None` if it had none.
        redirect_uri: Option<String>,
        /// The proof.
        proof: Proof,
    },
    /// Asks for a new access token.
    Refresh {
        /// The app key that the refresh token was issued to.
        app_key: String,
        /// The refresh token.
        refresh_token: Secret,
        /// The app's secret, if the token came without PKCE.
        app_secret: Option<Secret>,
    },
}

impl TokenRequest {
    /// Returns the body of the request, in `application/x-www-form-urlencoded`.
    pub fn form(&self) -> Secret {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match self {
            Self::Code {
                app_key,
                code,
                redirect_uri,
                proof,
            } => {
                form.append_pair("grant_type", "authorization_code");
                form.append_pair("code", code.expose());
                form.append_pair("client_id", app_key);
                if let Some(uri) = redirect_uri {
                    form.append_pair("redirect_uri", uri);
                }
                match proof {
                    Proof::Verifier(verifier) => form.append_pair("code_verifier", verifier.expose()),
                    Proof::AppSecret(secret) => form.append_pair("client_secret", secret.expose()),
                };
            }
            Self::Refresh {
                app_key,
                refresh_token,
                app_secret,
            } => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", refresh_token.expose());
                form.append_pair("client_id", app_key);
                if let Some(secret) = app_secret {
                    form.append_pair("client_secret", secret.expose());
                }
            }
        }
        Secret::new(form.finish())
    }
}

/// The response of the token endpoint. A refresh brings no new refresh token: the old one stays valid.
#[derive(Clone, Debug, Deserialize)]
pub struct TokenAnswer {
    /// The access token, for API calls.
    pub access_token: Secret,
    /// Seconds until the access token expires; usually 14400.
    #[serde(default)]
    pub expires_in: Option<u64>,
    /// The refresh token, for new access tokens; it doesn't expire.
    #[serde(default)]
    pub refresh_token: Option<Secret>,
    /// The permissions that were granted, separated by spaces.
    #[serde(default)]
    pub scope: Option<String>,
    /// The account: `dbid:…`.
    #[serde(default)]
    pub account_id: Option<String>,
    /// The team in the place of an account, if the app is one for whole teams.
    #[serde(default)]
    pub team_id: Option<String>,
}

/// The token endpoint's refusal (RFC 6749 §5.2).
#[derive(Clone, Debug, Deserialize)]
pub struct TokenRefusal {
    /// `invalid_grant`, `invalid_client`, …
    pub error: String,
    /// Dropbox's words for people.
    #[serde(default)]
    pub error_description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pkce::Verifier;

    #[test]
    fn the_line_for_the_laptop_means_the_same_to_every_shell() {
        let mut count = 0;
        for c in (0..0x3000).filter_map(char::from_u32) {
            let Ok(key) = check_app_key(&format!("a1{c}b2")) else {
                continue;
            };
            let challenge = Verifier::generate().unwrap().challenge();
            let line = laptop_line(&key, &challenge);
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(words, ["authorizer", &key, challenge.as_str()], "{c:?}");
            for word in words {
                let is_plain = word
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c));
                assert!(is_plain && !word.starts_with('-'), "{line}");
            }
            count += 1;
        }
        assert!(count > 64, "{count} keys");
    }

    #[test]
    fn the_address_asks_for_offline_access_with_pkce() {
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        let request = AuthorizeRequest {
            app_key: "key1",
            challenge: Some(&challenge),
            redirect_uri: Some(REDIRECT_URI),
            state: Some(&Secret::new("s t")),
        };
        assert_eq!(
            request.url(&Endpoints::default()),
            "https://www.dropbox.com/oauth2/authorize?client_id=key1&response_type=code&token_access_type=offline\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
             &redirect_uri=http%3A%2F%2Flocalhost%3A53682%2F&state=s+t"
        );
    }

    #[test]
    fn requests_are_forms_that_carry_their_fields_once() {
        let verifier = Verifier::generate().unwrap();
        let code = TokenRequest::Code {
            app_key: "k".into(),
            code: Secret::new("c&d"),
            redirect_uri: None,
            proof: Proof::Verifier(verifier.secret().clone()),
        };
        assert_eq!(
            code.form().expose(),
            format!(
                "grant_type=authorization_code&code=c%26d&client_id=k&code_verifier={}",
                verifier.secret().expose()
            )
        );
        let refresh = TokenRequest::Refresh {
            app_key: "k".into(),
            refresh_token: Secret::new("r"),
            app_secret: None,
        };
        assert_eq!(
            refresh.form().expose(),
            "grant_type=refresh_token&refresh_token=r&client_id=k"
        );
    }

    #[test]
    fn optional_fields_may_be_missing() {
        let full: TokenAnswer = serde_json::from_str(
            r#"{"access_token":"sl.a","token_type":"bearer","expires_in":14400,"refresh_token":"r","scope":"a b","uid":"1","account_id":"dbid:x"}"#,
        )
        .unwrap();
        assert_eq!(full.expires_in, Some(14400));
        let short: TokenAnswer = serde_json::from_str(r#"{"access_token":"sl.a"}"#).unwrap();
        assert!(short.refresh_token.is_none());
        assert!(!format!("{full:?}").contains("sl.a"));
    }

    #[test]
    fn a_name_is_not_taken_for_a_key() {
        for key in ["a1b2c3d4e5f6g7h", "abcdefghijklmno", "key12345"] {
            assert!(check_typed_app_key(key).is_ok(), "{key}");
        }
        for name in [
            "dbx",
            "dropbox",
            "Dropbox",
            "mydropbox1",
            "university",
            "work",
            "dbx:",
            "",
        ] {
            assert!(check_typed_app_key(name).is_err(), "{name}");
        }
    }

    #[test]
    fn app_keys_are_short_words() {
        for pasted in [
            "abc123def456ghi",
            "\"abc123def456ghi\"",
            "“abc123def456ghi”.",
            " abc123def456ghi\u{200b}\r\n",
            "App key: abc123def456ghi",
        ] {
            assert_eq!(
                check_app_key(pasted).as_deref(),
                Ok("abc123def456ghi"),
                "{pasted:?}"
            );
        }
        for bad in ["", "a b", "a/b", "--challenge=", &"x".repeat(65)] {
            assert!(
                check_app_key(bad).is_err() || bad.starts_with("--challenge") && !bad.contains('='),
                "{bad}"
            );
        }
    }
}
