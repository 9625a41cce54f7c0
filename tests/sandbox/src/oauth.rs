//! Apps, authorization codes and tokens: what `/oauth2/authorize` and `/oauth2/token` decide. Pages are in
//! [`pages`](super::pages), HTTP is in [`server`](super::server).

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::TEAM_ID;
use super::clock::Seconds;
use super::tree::AccountId;
use super::words::fresh;

/// Life of an access token, in seconds.
pub const ACCESS_LIFE: Seconds = 14_400;
/// Life of an authorization code, in seconds.
const CODE_LIFE: Seconds = 600;

/// Boxes that an app may tick, as far as the sandbox has routes for them.
pub const SCOPES: &[&str] = &[
    "account_info.read",
    "files.metadata.read",
    "files.metadata.write",
    "files.content.read",
    "files.content.write",
    "sharing.read",
    "sharing.write",
];

/// More boxes, which make an app one for whole teams: nobody else may allow it than an admin.
pub const TEAM_SCOPES: &[&str] = &["team_info.read", "members.read", "team_data.member"];

/// Some scopes.
pub type Scopes = BTreeSet<String>;

/// An app as the App Console knows it.
#[derive(Clone, Debug)]
pub struct App {
    /// The app key.
    pub key: String,
    /// The app secret.
    pub secret: String,
    /// Registered redirect URIs, compared character by character.
    pub redirects: Vec<String>,
    /// Ticked boxes.
    pub scopes: Scopes,
}

/// What the authorize page was asked for, after every check.
#[derive(Clone, Debug)]
pub struct Request {
    app: String,
    /// Where the answer goes; `None` shows the code.
    pub redirect: Option<String>,
    /// Comes back unchanged.
    pub state: Option<String>,
    challenge: Option<Challenge>,
    offline: bool,
    /// What will be granted.
    pub scopes: Scopes,
}

#[derive(Clone, Debug)]
enum Challenge {
    Sha256(String),
    Plain(String),
}

#[derive(Clone, Debug)]
struct Code {
    request: Request,
    account: AccountId,
    made: Seconds,
    used: bool,
    /// The refresh token that came of it, to end if the code is tried again.
    refresh: Option<String>,
}

#[derive(Clone, Debug)]
struct Refresh {
    app: String,
    account: AccountId,
    scopes: Scopes,
    with_secret: bool,
}

/// An access token.
#[derive(Clone, Debug)]
pub struct Access {
    /// The app that it was issued to.
    pub app: String,
    /// Whose.
    pub account: AccountId,
    /// What it may do.
    pub scopes: Scopes,
    /// When it ends.
    pub until: Seconds,
    /// What it came from.
    refresh: Option<String>,
}

/// All apps, codes and tokens.
#[derive(Debug, Default)]
pub struct Registry {
    /// By key.
    pub apps: HashMap<String, App>,
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Access>,
}

/// How the token endpoint refuses (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code for programs.
    pub error: &'static str,
    /// The sentence for people.
    pub description: String,
}

fn refusal(error: &'static str, description: impl Into<String>) -> Refusal {
    Refusal {
        error,
        description: description.into(),
    }
}

/// A form or query, each name once.
pub type Fields = HashMap<String, String>;

impl Registry {
    /// Checks what the authorize page was asked for.
    ///
    /// # Errors
    /// With the sentence that Dropbox's "Error (400)" page shows.
    pub fn read_request(&self, fields: &Fields) -> Result<Request, String> {
        let get = |name: &str| fields.get(name).map(String::as_str);
        let key = get("client_id").ok_or("Missing client_id.")?;
        let app = self
            .apps
            .get(key)
            .ok_or("Invalid client_id. Is the app key right?")?;
        match get("response_type") {
            Some("code") => {}
            Some("token") => return Err("response_type token is not enabled for this app.".into()),
            Some(other) => return Err(format!("Invalid response_type \"{other}\". It must be \"code\".")),
            None => return Err("Missing response_type.".into()),
        }
        if let Some(uri) = get("redirect_uri")
            && !app.redirects.iter().any(|known| known == uri)
        {
            return Err(format!(
                "Invalid redirect_uri: \"{uri}\". It must exactly match one of the redirect URIs you've pre-configured for your app (including the path)."
            ));
        }
        if get("state").is_some_and(|state| state.len() > 500) {
            return Err("\"state\": must be at most 500 characters".into());
        }
        let challenge = match (get("code_challenge"), get("code_challenge_method")) {
            (None, None) => None,
            (Some(text), Some("S256")) if is_verifier(text) && text.len() == 43 => {
                Some(Challenge::Sha256(text.to_owned()))
            }
            (Some(text), Some("plain") | None) if is_verifier(text) => {
                Some(Challenge::Plain(text.to_owned()))
            }
            _ => return Err("Invalid code_challenge or code_challenge_method.".into()),
        };
        let offline = match get("token_access_type") {
            Some("offline") => true,
            Some("online") | None => false,
            Some(other) => return Err(format!("Invalid token_access_type \"{other}\".")),
        };
        let scopes = match get("scope") {
            None => app.scopes.clone(),
            Some(text) => {
                let asked: Scopes = text
                    .split(' ')
                    .filter(|s| !s.is_empty())
                    .map(str::to_owned)
                    .collect();
                if let Some(unknown) = asked.iter().find(|scope| !app.scopes.contains(*scope)) {
                    return Err(format!("\"scope\": the app isn't allowed to ask for {unknown}"));
                }
                asked
            }
        };
        if scopes.is_empty() {
            return Err("No scope requested can be granted for this app.".into());
        }
        for name in ["force_reapprove", "force_reauthentication", "disable_signup"] {
            if let Some(value) = get(name).filter(|v| !["true", "false"].contains(v)) {
                return Err(format!("Invalid {name} \"{value}\"."));
            }
        }
        Ok(Request {
            app: key.to_owned(),
            redirect: get("redirect_uri").map(str::to_owned),
            state: get("state").map(str::to_owned),
            challenge,
            offline,
            scopes,
        })
    }

    /// Presses Allow: a code.
    pub fn allow(&mut self, request: Request, account: AccountId, now: Seconds) -> String {
        let code = fresh(43);
        self.codes.insert(
            code.clone(),
            Code {
                request,
                account,
                made: now,
                used: false,
                refresh: None,
            },
        );
        code
    }

    /// The token endpoint. `basic` is key and secret from an Authorization header.
    ///
    /// # Errors
    /// In RFC 6749's words.
    pub fn token(
        &mut self,
        fields: &Fields,
        basic: Option<(String, String)>,
        account_id: impl Fn(AccountId) -> String,
        now: Seconds,
    ) -> Result<Value, Refusal> {
        let get = |name: &str| fields.get(name).map(String::as_str);
        let (key, secret) = match basic {
            Some((key, secret)) => {
                if get("client_id").is_some_and(|id| id != key) || get("client_secret").is_some() {
                    return Err(refusal(
                        "invalid_request",
                        "more than one way to authenticate the client",
                    ));
                }
                (key, Some(secret))
            }
            None => {
                let key = get("client_id").ok_or_else(|| refusal("invalid_request", "missing client_id"))?;
                (key.to_owned(), get("client_secret").map(str::to_owned))
            }
        };
        let app = self
            .apps
            .get(&key)
            .ok_or_else(|| refusal("invalid_client", "Invalid client_id or client_secret"))?;
        if secret.as_ref().is_some_and(|secret| *secret != app.secret) {
            return Err(refusal("invalid_client", "Invalid client_id or client_secret"));
        }
        match get("grant_type") {
            Some("authorization_code") => self.exchange(fields, &key, secret.is_some(), account_id, now),
            Some("refresh_token") => self.renew(fields, &key, secret.is_some(), now),
            Some(other) => Err(refusal(
                "unsupported_grant_type",
                format!("unknown grant type {other}"),
            )),
            None => Err(refusal("invalid_request", "missing grant_type")),
        }
    }

    fn exchange(
        &mut self,
        fields: &Fields,
        key: &str,
        with_secret: bool,
        account_id: impl Fn(AccountId) -> String,
        now: Seconds,
    ) -> Result<Value, Refusal> {
        let get = |name: &str| fields.get(name).map(String::as_str);
        let text = get("code").ok_or_else(|| refusal("invalid_request", "missing code"))?;
        let gone = || refusal("invalid_grant", "code doesn't exist or has expired");
        let code = self.codes.get_mut(text).ok_or_else(gone)?;
        if code.used {
            // A code tried twice may have been stolen: what came of it ends (RFC 6749 §4.1.2).
            if let Some(refresh) = code.refresh.take() {
                self.revoke_refresh(&refresh);
            }
            return Err(gone());
        }
        if now - code.made > CODE_LIFE || code.request.app != key {
            return Err(gone());
        }
        if get("redirect_uri").map(str::to_owned) != code.request.redirect {
            return Err(refusal("invalid_grant", "redirect_uri mismatch"));
        }
        match (&code.request.challenge, get("code_verifier")) {
            (None, None) if with_secret => {}
            (None, None) => {
                return Err(refusal(
                    "invalid_client",
                    "No auth function available for given request",
                ));
            }
            (None, Some(_)) => return Err(refusal("invalid_grant", "code_verifier without code_challenge")),
            (Some(_), None) => return Err(refusal("invalid_grant", "missing code_verifier")),
            (Some(challenge), Some(verifier)) => {
                if !is_verifier(verifier) || !challenge.fits(verifier) {
                    return Err(refusal("invalid_grant", "invalid code verifier"));
                }
            }
        }
        code.used = true;
        let (account, scopes, offline) = (code.account, code.request.scopes.clone(), code.request.offline);
        let refresh = offline.then(|| {
            let token = fresh(64);
            code.refresh = Some(token.clone());
            let with_secret = code.request.challenge.is_none();
            let kept = Refresh {
                app: key.to_owned(),
                account,
                scopes: scopes.clone(),
                with_secret,
            };
            self.refresh.insert(token.clone(), kept);
            token
        });
        let is_team = is_for_teams(&scopes);
        let mut answer = self.issue(key, account, scopes, refresh.clone(), now);
        answer["uid"] = json!("12345");
        if is_team {
            answer["team_id"] = json!(TEAM_ID);
        } else {
            answer["account_id"] = json!(account_id(account));
        }
        if let Some(token) = refresh {
            answer["refresh_token"] = json!(token);
        }
        Ok(answer)
    }

    fn renew(
        &mut self,
        fields: &Fields,
        key: &str,
        with_secret: bool,
        now: Seconds,
    ) -> Result<Value, Refusal> {
        let token = fields
            .get("refresh_token")
            .ok_or_else(|| refusal("invalid_request", "missing refresh_token"))?;
        let kept = self.refresh.get(token).filter(|kept| kept.app == key);
        let kept = kept.ok_or_else(|| refusal("invalid_grant", "refresh token is invalid or revoked"))?;
        if kept.with_secret && !with_secret {
            return Err(refusal("invalid_client", "Invalid client_id or client_secret"));
        }
        let scopes = match fields.get("scope") {
            None => kept.scopes.clone(),
            Some(text) => {
                let asked: Scopes = text
                    .split(' ')
                    .filter(|s| !s.is_empty())
                    .map(str::to_owned)
                    .collect();
                if !asked.is_subset(&kept.scopes) {
                    return Err(refusal(
                        "invalid_scope",
                        "scope is not a subset of what was granted",
                    ));
                }
                asked
            }
        };
        let (account, token) = (kept.account, token.clone());
        let mut answer = self.issue(key, account, scopes, Some(token), now);
        if let Some(fields) = answer.as_object_mut() {
            fields.remove("scope");
        }
        Ok(answer)
    }

    fn issue(
        &mut self,
        app: &str,
        account: AccountId,
        scopes: Scopes,
        refresh: Option<String>,
        now: Seconds,
    ) -> Value {
        let token = format!("sl.u.{}", fresh(1300));
        let scope = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let access = Access {
            app: app.to_owned(),
            account,
            scopes,
            until: now + ACCESS_LIFE,
            refresh,
        };
        self.access.insert(token.clone(), access);
        json!({"access_token": token, "token_type": "bearer", "expires_in": ACCESS_LIFE, "scope": scope})
    }

    /// Tokens without a browser: access and refresh, as after a PKCE login.
    pub fn grant(
        &mut self,
        key: &str,
        account: AccountId,
        scopes: Scopes,
        secret: bool,
        now: Seconds,
    ) -> (String, String) {
        let refresh = fresh(64);
        let kept = Refresh {
            app: key.to_owned(),
            account,
            scopes: scopes.clone(),
            with_secret: secret,
        };
        self.refresh.insert(refresh.clone(), kept);
        let answer = self.issue(key, account, scopes, Some(refresh.clone()), now);
        (
            answer["access_token"].as_str().unwrap_or_default().to_owned(),
            refresh,
        )
    }

    /// An access token, alive or not.
    pub fn access(&self, token: &str) -> Option<&Access> {
        self.access.get(token)
    }

    /// Ends all access tokens' time.
    pub fn expire(&mut self, now: Seconds) {
        self.access
            .values_mut()
            .for_each(|access| access.until = access.until.min(now - 1));
    }

    /// `auth/token/revoke`: this token, its refresh token, and all other access tokens of that.
    pub fn revoke(&mut self, token: &str) {
        if let Some(access) = self.access.remove(token)
            && let Some(refresh) = access.refresh
        {
            self.revoke_refresh(&refresh);
        }
    }

    /// The person disconnected the app.
    pub fn revoke_all(&mut self) {
        self.access.clear();
        self.refresh.clear();
        self.codes.clear();
    }

    fn revoke_refresh(&mut self, refresh: &str) {
        self.refresh.remove(refresh);
        self.access
            .retain(|_, access| access.refresh.as_deref() != Some(refresh));
    }
}

/// Whether tokens with these scopes are for a whole team.
pub fn is_for_teams(scopes: &Scopes) -> bool {
    scopes
        .iter()
        .any(|scope| scope.starts_with("team_") || scope.starts_with("members."))
}

impl Challenge {
    fn fits(&self, verifier: &str) -> bool {
        match self {
            Self::Plain(text) => text == verifier,
            Self::Sha256(text) => *text == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
        }
    }
}

/// 43 to 128 characters of RFC 7636's alphabet.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn registry() -> Registry {
        let scopes = SCOPES.iter().map(|s| (*s).to_owned()).collect();
        let app = App {
            key: "k".into(),
            secret: "s".into(),
            redirects: vec!["http://localhost:53682/".into()],
            scopes,
        };
        Registry {
            apps: HashMap::from([("k".into(), app)]),
            ..Registry::default()
        }
    }

    fn fields(text: &str) -> Fields {
        url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect()
    }

    #[test]
    fn a_code_works_once_and_only_with_its_verifier() {
        let mut registry = registry();
        let ask = format!(
            "client_id=k&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256&token_access_type=offline"
        );
        let request = registry.read_request(&fields(&ask)).unwrap();
        let code = registry.allow(request, 0, 100);
        let ask = |verifier: &str| {
            fields(&format!(
                "grant_type=authorization_code&client_id=k&code={code}&code_verifier={verifier}"
            ))
        };
        let id = |_| "dbid:x".to_owned();
        let wrong = VERIFIER.replace('d', "e");
        assert_eq!(
            registry.token(&ask(&wrong), None, id, 101).unwrap_err().error,
            "invalid_grant"
        );
        let answer = registry.token(&ask(VERIFIER), None, id, 102).unwrap();
        let refresh = answer["refresh_token"].as_str().unwrap().to_owned();
        let renew = fields(&format!(
            "grant_type=refresh_token&client_id=k&refresh_token={refresh}"
        ));
        let renewed = registry.token(&renew, None, id, 103).unwrap();
        assert!(renewed.get("refresh_token").is_none());
        assert_eq!(
            registry.token(&ask(VERIFIER), None, id, 104).unwrap_err().error,
            "invalid_grant"
        );
        assert_eq!(
            registry.token(&renew, None, id, 105).unwrap_err().error,
            "invalid_grant",
            "a stolen code ends it all"
        );
    }

    #[test]
    fn the_page_refuses_what_was_not_registered() {
        let registry = registry();
        let why = |text: &str| registry.read_request(&fields(text)).unwrap_err();
        assert!(why("response_type=code").contains("client_id"));
        assert!(why("client_id=other&response_type=code").contains("client_id"));
        let unregistered = "client_id=k&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A53682";
        assert!(why(unregistered).contains("must exactly match"));
        assert!(why("client_id=k&response_type=code&scope=team_info.read").contains("scope"));
    }
}
