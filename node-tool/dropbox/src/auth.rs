//! The live access token of one login: renewed before it expires, by one task at a time, and once more when Dropbox refuses it.
//! New tokens are saved for the other processes of this user; a failure to save them is no reason to stop.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use shared::{oauth::TokenRequest, secret::Secret};
use tokio::sync::Mutex;

use crate::{
    Change, Credentials, Error, Http, PathRoot, Start, TokenStore, api::users::RootInfo, blocking::blocking,
    token::exchange_with_retries,
};

/// Number of seconds before its end at which a token is renewed, as in the official SDK.
const RENEW_BEFORE_SECONDS: i64 = 300;

/// How long a failed renewal is not tried again: otherwise each call would wait for all of its tries.
const RETRY_RENEWAL_AFTER: Duration = Duration::from_secs(60);

/// What a call is signed with.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// The access token.
    pub(crate) token: Secret,
    /// Where the paths of the call start.
    pub(crate) root: PathRoot,
}

/// The live tokens of one login. Clients take them from here.
#[derive(Debug)]
pub struct Auth {
    store: Option<Arc<dyn TokenStore>>,
    /// Where the login is kept, in words that follow the remote's name.
    origin: String,
    name: String,
    http: Http,
    has_one_start: bool,
    credentials: Mutex<Credentials>,
    /// The last renewal, if it failed.
    failed: std::sync::Mutex<Option<Failed>>,
}

/// A renewal that failed.
#[derive(Debug)]
struct Failed {
    refresh_token: Secret,
    error: Error,
    at: Instant,
}

impl Failed {
    /// Returns whether another renewal with this token would come to the same.
    fn counts_for(&self, refresh_token: &Secret) -> bool {
        let is_final = matches!(self.error, Error::LoginOver(_));
        self.refresh_token == *refresh_token && (is_final || self.at.elapsed() < RETRY_RENEWAL_AFTER)
    }
}

impl Auth {
    /// Returns the login of the remote `name`. New tokens are lost with the process, unless a [store](Self::with_store) keeps them.
    pub fn new(name: impl Into<String>, credentials: Credentials, http: Http) -> Self {
        Self {
            store: None,
            origin: String::new(),
            name: name.into(),
            http,
            has_one_start: credentials.path_root(Start::Usual) == credentials.path_root(Start::Root),
            credentials: Mutex::new(credentials),
            failed: std::sync::Mutex::new(None),
        }
    }

    /// Keeps in `store` what is found out, such as new tokens, and looks there first when the login has to be renewed.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn TokenStore>) -> Self {
        Self {
            store: Some(store),
            ..self
        }
    }

    /// Says in errors where the login is kept: words that follow the remote's name, such as `in the config FILE`.
    #[must_use]
    pub fn with_origin(self, origin: impl Into<String>) -> Self {
        Self {
            origin: origin.into(),
            ..self
        }
    }

    /// Returns the name that people know it by.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether all its paths start at one place, typed with a slash or not.
    pub(crate) fn has_one_start(&self) -> bool {
        self.has_one_start
    }

    /// Returns what identifies listings of this login: account, app and root. `None` if the account isn't known.
    pub(crate) async fn identity(&self, start: Start) -> Option<String> {
        let space = self.space(start).await;
        let credentials = self.credentials.lock().await;
        Some(format!(
            "{} {} {}",
            credentials.account_id.as_ref()?,
            credentials.app_key,
            space.as_deref().unwrap_or("home")
        ))
    }

    /// Returns the namespace that paths start in. `None` is the person's own folder, as far as is known.
    pub(crate) async fn space(&self, start: Start) -> Option<String> {
        let credentials = self.credentials.lock().await;
        match credentials.path_root(start) {
            Some(PathRoot::Root(id) | PathRoot::Namespace(id)) => {
                Some(id).filter(|id| credentials.account_home_id.as_ref() != Some(id))
            }
            Some(PathRoot::Home) | None => None,
        }
    }

    /// Returns whether it is known where paths start.
    pub(crate) async fn knows(&self, start: Start) -> bool {
        self.credentials.lock().await.path_root(start).is_some()
    }

    /// Keeps what Dropbox says about where the account's paths start, also for later runs.
    pub(crate) async fn learn(&self, info: &RootInfo) {
        let change = Change::Root(info.clone());
        let mut credentials = self.credentials.lock().await;
        let before = credentials.clone();
        change.apply(&mut credentials);
        // What is so for one member of a team isn't kept for its login.
        if *credentials == before || credentials.member.is_some() {
            return;
        }
        drop(credentials);
        self.save("where the account's root is", change).await;
    }

    /// Returns what a call is signed with; its token is good for minutes.
    ///
    /// # Errors
    /// When the token has to be renewed and can't be.
    pub(crate) async fn access(&self, start: Start) -> Result<Access, Error> {
        let mut credentials = self.credentials.lock().await;
        let token = match usable(&credentials) {
            Some(token) => token,
            None => self.refresh(&mut credentials, None).await?,
        };
        self.sendable(access(token, &credentials, start)?)
    }

    /// Returns what a call is signed with, if it can stand in a header.
    fn sendable(&self, access: Access) -> Result<Access, Error> {
        if !is_sendable(access.token.expose()) {
            return Err(self.bad_login("access token"));
        }
        let is_wrong = |header: String| !is_sendable(&header);
        if access.root.header().is_some_and(is_wrong) {
            return Err(self.bad_login("root namespace"));
        }
        Ok(access)
    }

    fn bad_login(&self, what: &str) -> Error {
        let place = format!("{}: {}", self.name, self.origin);
        Error::BadLogin(format!(
            "the {what} of {} has a character that none has",
            place.trim_end()
        ))
    }

    /// Returns another access token than the one that Dropbox refused.
    ///
    /// # Errors
    /// When there is no other, and it can't be renewed.
    pub(crate) async fn renew(&self, refused: &Secret) -> Result<Secret, Error> {
        let mut credentials = self.credentials.lock().await;
        let token = match usable(&credentials) {
            Some(token) if token != *refused => token, // another task was quicker
            _ => self.refresh(&mut credentials, Some(refused)).await?,
        };
        match is_sendable(token.expose()) {
            true => Ok(token),
            false => Err(self.bad_login("access token")),
        }
    }

    /// Notes that the account's root is another namespace now: later runs will use it, and this one, if it is `at_once`.
    pub(crate) async fn move_root(&self, namespace_id: &str, at_once: bool) {
        let change = Change::RootMoved(namespace_id.to_owned());
        let mut credentials = self.credentials.lock().await;
        if at_once {
            change.apply(&mut credentials);
        }
        if credentials.member.is_some() {
            return; // one member's root is not kept for the team's login
        }
        drop(credentials);
        self.save("the new root", change).await;
    }

    /// Returns what is known of the login now, new tokens included.
    pub(crate) async fn credentials(&self) -> Credentials {
        self.credentials.lock().await.clone()
    }

    /// Returns the e-mail address of the member of a team on whose behalf calls are.
    pub(crate) async fn member(&self) -> Option<String> {
        self.credentials.lock().await.member.clone()
    }

    /// Notes whose account it is that calls are on behalf of, for this process.
    pub(crate) async fn act_for(&self, account_id: &str) {
        self.credentials.lock().await.account_id = Some(account_id.to_owned());
    }

    /// Returns a new access token: one that another process has saved, or a fresh one.
    async fn refresh(
        &self,
        credentials: &mut Credentials,
        refused: Option<&Secret>,
    ) -> Result<Secret, Error> {
        // Another process may have refreshed, or reconnected, meanwhile.
        let saved = match self.store.clone() {
            Some(store) => blocking(move || store.load()).await,
            None => None,
        };
        // A login of another account is not this run's.
        let is_mine = |saved: &Credentials| {
            let (theirs, mine) = (&saved.account_id, &credentials.account_id);
            theirs.is_none() || mine.is_none() || theirs == mine
        };
        if let Some(saved) = saved.filter(is_mine) {
            // Where paths start stays as it was: what is under way belongs there, whatever is set meanwhile.
            *credentials = Credentials {
                namespace_id: credentials.namespace_id.take(),
                root_namespace_id: credentials.root_namespace_id.take(),
                account_root_id: credentials.account_root_id.take(),
                account_home_id: credentials.account_home_id.take(),
                account_id: match credentials.member {
                    Some(_) => credentials.account_id.take(),
                    None => saved.account_id.clone(),
                },
                member: credentials.member.take(),
                ..saved
            };
            if let Some(token) = usable(credentials).filter(|token| Some(token) != refused) {
                return Ok(token);
            }
        }
        let Some(refresh_token) = credentials.refresh_token.clone() else {
            return Err(Error::LoginOver("it was made without a refresh token".into()));
        };
        if !is_sendable(refresh_token.expose()) {
            return Err(self.bad_login("refresh token"));
        }
        if let Some(failed) = &*self.failed.lock().unwrap_or_else(PoisonError::into_inner)
            && failed.counts_for(&refresh_token)
        {
            return Err(failed.error.clone());
        }
        let request = TokenRequest::Refresh {
            app_key: credentials.app_key.clone(),
            refresh_token: refresh_token.clone(),
            app_secret: credentials.app_secret.clone(),
        };
        let answer = exchange_with_retries(&self.http, &request).await;
        let answer = answer.inspect_err(|error| {
            let failed = Failed {
                refresh_token: refresh_token.clone(),
                error: error.clone(),
                at: Instant::now(),
            };
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
        })?;
        credentials.accept(&answer, now());
        let change = Change::Tokens {
            of: refresh_token,
            access_token: answer.access_token.clone(),
            expires_at: credentials.expires_at,
            refresh_token: credentials.refresh_token.clone(),
        };
        self.save("the new access token", change).await;
        Ok(answer.access_token)
    }

    /// Keeps a change for other processes and later runs. `what` names it in a warning.
    async fn save(&self, what: &str, change: Change) {
        let Some(store) = self.store.clone() else {
            return;
        };
        if let Err(error) = blocking(move || store.save(&change)).await {
            tracing::warn!("{what} could not be saved, and is used for this run only: {error}");
        }
    }
}

fn access(token: Secret, credentials: &Credentials, start: Start) -> Result<Access, Error> {
    let unknown = || Error::NotDropbox("it didn't say where the account's root is".into());
    let root = credentials.path_root(start).ok_or_else(unknown)?;
    Ok(Access { token, root })
}

/// Returns whether text can be in a header: tokens are printable ASCII without spaces.
fn is_sendable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the access token, if it doesn't end soon.
fn usable(credentials: &Credentials) -> Option<Secret> {
    let fresh = credentials
        .expires_at
        .is_none_or(|end| end - RENEW_BEFORE_SECONDS > now());
    credentials
        .access_token
        .clone()
        .filter(|token| fresh && !token.is_empty())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MemoryStore, Server, answer, login};

    const REFUSED: &str = r#"{"error":"invalid_grant","error_description":"revoked"}"#;

    fn expired() -> Credentials {
        Credentials {
            expires_at: Some(now()),
            ..login("old")
        }
    }

    fn auth(server: &Server, store: &Arc<MemoryStore>) -> Auth {
        let store: Arc<dyn TokenStore> = Arc::clone(store) as _;
        Auth::new("dbx", expired(), server.http.clone()).with_store(store)
    }

    #[tokio::test]
    async fn a_token_that_ends_soon_is_renewed_and_saved() {
        let server = Server::start([answer(
            200,
            r#"{"access_token":"new","token_type":"bearer","expires_in":14400}"#,
        )])
        .await;
        let store = Arc::new(MemoryStore {
            kept: Some(expired()).into(),
            ..MemoryStore::default()
        });
        let access = auth(&server, &store).access(Start::Usual).await.unwrap();
        assert_eq!(access.token, Secret::new("new"));
        assert_eq!(
            server.requests()[0].body,
            "grant_type=refresh_token&refresh_token=refresh&client_id=key"
        );
        let kept = store.load().unwrap();
        assert_eq!(kept.access_token, Some(Secret::new("new")));
        assert!(kept.expires_at.unwrap() > now() + RENEW_BEFORE_SECONDS);
    }

    #[tokio::test]
    async fn a_token_that_another_process_has_renewed_is_taken_unless_it_is_somebody_elses() {
        for (account, is_taken) in [("dbid:1", true), ("dbid:2", false)] {
            let server = Server::start([answer(400, REFUSED)]).await;
            let theirs = Credentials {
                account_id: Some(account.into()),
                root_namespace_id: Some("9".into()),
                ..login("theirs")
            };
            let store = Arc::new(MemoryStore {
                kept: Some(theirs).into(),
                ..MemoryStore::default()
            });
            let auth = auth(&server, &store);
            let access = auth.access(Start::Usual).await;
            assert_eq!(access.is_ok(), is_taken, "{account}");
            assert_eq!(server.asked().is_empty(), is_taken, "{account}");
            assert_eq!(
                auth.credentials().await.root_namespace_id,
                None,
                "paths start as before"
            );
        }
    }

    #[tokio::test]
    async fn a_renewal_that_was_refused_is_not_tried_again() {
        let server = Server::start([answer(400, REFUSED)]).await;
        let auth = auth(&server, &Arc::default());
        for _ in 0..2 {
            let error = auth.access(Start::Usual).await.unwrap_err();
            assert!(matches!(error, Error::LoginOver(_)), "{error}");
        }
        assert_eq!(server.asked(), ["/oauth2/token"]);
    }

    #[tokio::test]
    async fn a_token_that_no_header_can_carry_is_named_with_its_place() {
        let server = Server::start([]).await;
        let auth = Auth::new("dbx", login("a\nb"), server.http.clone()).with_origin("in the config /x");
        let error = auth.access(Start::Usual).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the access token of dbx: in the config /x has a character that none has"
        );
        let auth = Auth::new("dbx", login("a b"), server.http.clone());
        let error = auth.access(Start::Usual).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the access token of dbx: has a character that none has"
        );
    }
}
