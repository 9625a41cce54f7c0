//! The live access token of one remote: refreshed before it expires, by one task at a time, and once more
//! when Dropbox refuses it. New tokens are saved for the other processes of this user; that failing is no
//! reason to stop.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use shared::{
    api::users::RootInfo,
    oauth::{TokenAnswer, TokenRequest},
    secret::Secret,
};
use tokio::sync::Mutex;

use crate::{
    config::{Environment, PathRoot, Remote, Start, Store},
    dropbox::{Error, Http, exchange},
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

/// The tokens of one remote.
#[derive(Debug)]
pub struct Account {
    store: Option<Store>,
    name: String,
    http: Http,
    has_one_start: bool,
    remote: Mutex<Remote>,
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

impl Account {
    /// The tokens of `remote`, which `store` has under `name`; without a store, nothing is saved yet.
    pub fn new(store: Option<Store>, name: String, remote: Remote, http: Http) -> Self {
        Self {
            store,
            name,
            http,
            has_one_start: remote.path_root(Start::Usual) == remote.path_root(Start::Root),
            remote: Mutex::new(remote),
            failed: std::sync::Mutex::new(None),
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
        let remote = self.remote.lock().await;
        Some(format!(
            "{} {} {}",
            remote.account_id.as_ref()?,
            remote.app_key,
            space.as_deref().unwrap_or("home")
        ))
    }

    /// The namespace that paths start in. `None` is the person's own folder, as far as it is known.
    pub async fn space(&self, start: Start) -> Option<String> {
        let remote = self.remote.lock().await;
        match remote.path_root(start) {
            Some(PathRoot::Root(id) | PathRoot::Namespace(id)) => {
                Some(id).filter(|id| remote.account_home_id.as_ref() != Some(id))
            }
            Some(PathRoot::Home) | None => None,
        }
    }

    /// Whether it is known where paths start.
    pub async fn knows(&self, start: Start) -> bool {
        self.remote.lock().await.path_root(start).is_some()
    }

    /// Keeps what Dropbox says about where the account's paths start, also for later runs.
    pub async fn learn(&self, info: &RootInfo) {
        let mut remote = self.remote.lock().await;
        let before = remote.clone();
        remote.learn(info);
        if *remote == before {
            return;
        }
        drop(remote);
        let info = info.clone();
        self.save("where the account's root is", move |kept| kept.learn(&info))
            .await;
    }

    /// An access token that is good for minutes.
    ///
    /// # Errors
    /// When it has to be refreshed and can't be.
    pub async fn access(&self, start: Start) -> Result<Access, Error> {
        let mut remote = self.remote.lock().await;
        let token = match usable(&remote) {
            Some(token) => token,
            None => self.refresh(&mut remote, None).await?,
        };
        self.sendable(access(token, &remote, start)?)
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
        let place = match (Environment::here().login_of(&self.name), &self.store) {
            (Some(variable), _) => format!("of {}: in {variable}", self.name),
            (None, Some(store)) => format!("of {}: in the config {}", self.name, store.place()),
            (None, None) => format!("of {}:", self.name),
        };
        Error::BadLogin(format!("the {what} {place} has a character that none has"))
    }

    /// Another access token than the one that Dropbox refused.
    ///
    /// # Errors
    /// When it can't be refreshed.
    pub async fn renew(&self, refused: &Secret, start: Start) -> Result<Access, Error> {
        let mut remote = self.remote.lock().await;
        let token = match usable(&remote) {
            Some(token) if token != *refused => token, // another task was quicker
            _ => self.refresh(&mut remote, Some(refused)).await?,
        };
        self.sendable(access(token, &remote, start)?)
    }

    /// The account's root is another namespace now: later runs will use it, and this one, if it is `at_once`.
    pub async fn move_root(&self, namespace_id: &str, at_once: bool) {
        let root = namespace_id.to_owned();
        let change = move |remote: &mut Remote| {
            if remote.root_namespace_id.is_some() {
                remote.root_namespace_id = Some(root.clone());
            }
            remote.account_root_id = Some(root);
        };
        if at_once {
            change.clone()(&mut *self.remote.lock().await);
        }
        self.save("the new root", change).await;
    }

    /// What is known of the remote now, new tokens included.
    pub async fn to_remote(&self) -> Remote {
        self.remote.lock().await.clone()
    }

    async fn refresh(&self, remote: &mut Remote, refused: Option<&Secret>) -> Result<Secret, Error> {
        // Another process may have refreshed, or reconnected, meanwhile.
        let saved = self.store.as_ref().and_then(|store| store.load().ok());
        let saved = saved.and_then(|mut config| config.remotes.remove(&self.name));
        // Somebody else's login is none of this run's.
        let is_mine = |saved: &Remote| {
            let (theirs, mine) = (&saved.account_id, &remote.account_id);
            theirs.is_none() || mine.is_none() || theirs == mine
        };
        if let Some(saved) = saved.filter(is_mine) {
            // Where paths start stays as it was: what is under way belongs there, whatever is set meanwhile.
            *remote = Remote {
                namespace_id: remote.namespace_id.take(),
                root_namespace_id: remote.root_namespace_id.take(),
                account_root_id: remote.account_root_id.take(),
                account_home_id: remote.account_home_id.take(),
                ..saved
            };
            if let Some(token) = usable(remote).filter(|token| Some(token) != refused) {
                return Ok(token);
            }
        }
        let Some(refresh_token) = remote.refresh_token.clone() else {
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
            app_key: remote.app_key.clone(),
            refresh_token: refresh_token.clone(),
            app_secret: remote.app_secret.clone(),
        };
        let answer = crate::dropbox::with_retries(|| exchange(&self.http, &request)).await;
        let answer = answer.inspect_err(|error| {
            let failed = Failed {
                refresh_token: refresh_token.clone(),
                error: error.clone(),
                at: Instant::now(),
            };
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
        })?;
        take(remote, &answer);
        let new = remote.clone();
        self.save("the new access token", move |kept| {
            // Only if it is still the same login: someone may have reconnected.
            if kept.refresh_token.as_ref() == Some(&refresh_token) {
                kept.access_token = new.access_token;
                kept.expires_at = new.expires_at;
                kept.refresh_token = new.refresh_token;
            }
        })
        .await;
        Ok(answer.access_token)
    }

    async fn save(&self, what: &str, change: impl FnOnce(&mut Remote) + Send + 'static) {
        // Another user's file, a pipe: each run gets a token of its own.
        let Some(store) = self.store.clone().filter(Store::is_kept) else {
            return;
        };
        let name = self.name.clone();
        let saved = tokio::task::spawn_blocking(move || {
            store.update(|config| {
                if let Some(kept) = config.remotes.get_mut(&name) {
                    change(kept);
                }
            })
        })
        .await;
        if let Ok(Err(error)) = saved {
            tracing::warn!("{what} could not be saved, and is used for this run only: {error}");
        }
    }
}

fn access(token: Secret, remote: &Remote, start: Start) -> Result<Access, Error> {
    let unknown = || Error::NotDropbox("it didn't say where the account's root is".into());
    let root = remote.path_root(start).ok_or_else(unknown)?;
    Ok(Access { token, root })
}

/// Whether text can stand in a header: tokens are printable ASCII without blanks.
fn is_sendable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The access token, if it doesn't end soon.
fn usable(remote: &Remote) -> Option<Secret> {
    let fresh = remote.expires_at.is_none_or(|end| end - EARLY_SECONDS > now());
    remote
        .access_token
        .clone()
        .filter(|token| fresh && !token.is_empty())
}

/// Puts an answer of the token endpoint into a remote.
pub fn take(remote: &mut Remote, answer: &TokenAnswer) {
    remote.access_token = Some(answer.access_token.clone());
    remote.expires_at = answer
        .expires_in
        .map(|seconds| now() + i64::try_from(seconds).unwrap_or(i64::MAX / 2));
    if answer.refresh_token.is_some() {
        remote.refresh_token.clone_from(&answer.refresh_token);
    }
    if let Some(scope) = &answer.scope {
        remote.scopes = scope.split_whitespace().map(str::to_owned).collect();
    }
    if answer.account_id.is_some() {
        remote.account_id.clone_from(&answer.account_id);
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
