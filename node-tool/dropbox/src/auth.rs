//! The live access token of one remote: refreshed before it expires, by one task at a time, and once more
//! when Dropbox refuses it. New tokens are saved for the other processes of this user; that failing is no
//! reason to stop.

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

/// Refresh this long before the end, as the official SDK does. In seconds.
const EARLY_SECONDS: i64 = 300;

/// After a renewal failed that may succeed later, others don't try it again for this long: each would wait as long.
const FAILED_FOR: Duration = Duration::from_secs(60);

/// What a call is signed with.
#[derive(Clone, Debug)]
pub struct Access {
    /// The access token.
    pub token: Secret,
    /// Where the paths of the call start.
    pub root: PathRoot,
}

/// The live tokens of one remote.
#[derive(Debug)]
pub struct Auth {
    store: Option<Arc<dyn TokenStore>>,
    /// Where the login is kept, in words that follow the remote's name.
    origin: String,
    name: String,
    http: Http,
    has_one_start: bool,
    credentials: Mutex<Credentials>,
    /// What came of the last renewal, if it failed.
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
    /// Whether another one with this token would come to the same.
    fn counts_for(&self, refresh_token: &Secret) -> bool {
        let is_final = matches!(self.error, Error::LoginOver(_));
        self.refresh_token == *refresh_token && (is_final || self.at.elapsed() < FAILED_FOR)
    }
}

impl Auth {
    /// Uses a login that people know as the remote `name`. Nothing that is found out about it outlasts the process, unless a
    /// [store](Self::with_store) keeps it.
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

    /// The remote's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether all its paths start at one place, typed with a slash or not.
    pub fn has_one_start(&self) -> bool {
        self.has_one_start
    }

    /// The account, the app and the root that paths start from. `None` if the account isn't known.
    pub async fn identity(&self, start: Start) -> Option<String> {
        let space = self.space(start).await;
        let credentials = self.credentials.lock().await;
        Some(format!(
            "{} {} {}",
            credentials.account_id.as_ref()?,
            credentials.app_key,
            space.as_deref().unwrap_or("home")
        ))
    }

    /// The namespace that paths start in. `None` is the person's own folder, as far as it is known.
    pub async fn space(&self, start: Start) -> Option<String> {
        let credentials = self.credentials.lock().await;
        match credentials.path_root(start) {
            Some(PathRoot::Root(id) | PathRoot::Namespace(id)) => {
                Some(id).filter(|id| credentials.account_home_id.as_ref() != Some(id))
            }
            Some(PathRoot::Home) | None => None,
        }
    }

    /// Whether it is known where paths start.
    pub async fn knows(&self, start: Start) -> bool {
        self.credentials.lock().await.path_root(start).is_some()
    }

    /// Keeps what Dropbox says about where the account's paths start, also for later runs.
    pub async fn learn(&self, info: &RootInfo) {
        let change = Change::Root(info.clone());
        let mut credentials = self.credentials.lock().await;
        let before = credentials.clone();
        change.apply(&mut credentials);
        if *credentials == before {
            return;
        }
        drop(credentials);
        self.save("where the account's root is", change).await;
    }

    /// An access token that is good for minutes.
    ///
    /// # Errors
    /// When it has to be refreshed and can't be.
    pub async fn access(&self, start: Start) -> Result<Access, Error> {
        let mut credentials = self.credentials.lock().await;
        let token = match usable(&credentials) {
            Some(token) => token,
            None => self.refresh(&mut credentials, None).await?,
        };
        self.sendable(access(token, &credentials, start)?)
    }

    /// What a call is signed with, if it can stand in a header.
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

    /// Another access token than the one that Dropbox refused.
    ///
    /// # Errors
    /// When it can't be refreshed.
    pub async fn renew(&self, refused: &Secret, start: Start) -> Result<Access, Error> {
        let mut credentials = self.credentials.lock().await;
        let token = match usable(&credentials) {
            Some(token) if token != *refused => token, // another task was quicker
            _ => self.refresh(&mut credentials, Some(refused)).await?,
        };
        self.sendable(access(token, &credentials, start)?)
    }

    /// The account's root is another namespace now: later runs will use it, and this one, if it is `at_once`.
    pub async fn move_root(&self, namespace_id: &str, at_once: bool) {
        let change = Change::RootMoved(namespace_id.to_owned());
        if at_once {
            change.apply(&mut *self.credentials.lock().await);
        }
        self.save("the new root", change).await;
    }

    /// What is known of the login now, new tokens included.
    pub async fn credentials(&self) -> Credentials {
        self.credentials.lock().await.clone()
    }

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
        // Somebody else's login is none of this run's.
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

/// Whether text can stand in a header: tokens are printable ASCII without blanks.
fn is_sendable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The access token, if it doesn't end soon.
fn usable(credentials: &Credentials) -> Option<Secret> {
    let fresh = credentials
        .expires_at
        .is_none_or(|end| end - EARLY_SECONDS > now());
    credentials
        .access_token
        .clone()
        .filter(|token| fresh && !token.is_empty())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
