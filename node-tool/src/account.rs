//! The live access token of one remote: refreshed before it expires, by one task at a time, and once more
//! when Dropbox refuses it. New tokens are saved for the other processes of this user; that failing is no
//! reason to stop.

use shared::{
    oauth::{TokenAnswer, TokenRequest},
    secret::Secret,
};
use tokio::sync::Mutex;

use crate::{
    config::{Remote, Store},
    dropbox::{Error, Http, exchange},
};

/// Refresh this long before the end, as the official SDK does. In seconds.
const EARLY_SECONDS: i64 = 300;

/// What a call is signed with.
#[derive(Clone, Debug)]
pub struct Access {
    /// The access token.
    pub token: Secret,
    /// The namespace that `/` means; none is the member's own folder.
    pub root: Option<String>,
}

/// The tokens of one remote.
#[derive(Debug)]
pub struct Account {
    store: Option<Store>,
    name: String,
    http: Http,
    remote: Mutex<Remote>,
}

impl Account {
    /// The tokens of `remote`, which `store` has under `name`; without a store, nothing is saved yet.
    pub fn new(store: Option<Store>, name: String, remote: Remote, http: Http) -> Self {
        Self {
            store,
            name,
            http,
            remote: Mutex::new(remote),
        }
    }

    /// The remote's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account, the app and the root that paths start from; nothing if the account isn't known.
    pub async fn identity(&self) -> Option<String> {
        let remote = self.remote.lock().await;
        let root = remote.root_namespace_id.as_deref().unwrap_or("home");
        Some(format!(
            "{} {} {root}",
            remote.account_id.as_ref()?,
            remote.app_key
        ))
    }

    /// An access token that is good for minutes.
    ///
    /// # Errors
    /// When it has to be refreshed and can't be.
    pub async fn access(&self) -> Result<Access, Error> {
        let mut remote = self.remote.lock().await;
        let token = match usable(&remote) {
            Some(token) => token,
            None => self.refresh(&mut remote, None).await?,
        };
        let root = remote.root_namespace_id.clone();
        Ok(Access { token, root })
    }

    /// Another access token than the one that Dropbox refused.
    ///
    /// # Errors
    /// When it can't be refreshed.
    pub async fn renew(&self, refused: &Secret) -> Result<Access, Error> {
        let mut remote = self.remote.lock().await;
        let token = match usable(&remote) {
            Some(token) if token != *refused => token, // another task was quicker
            _ => self.refresh(&mut remote, Some(refused)).await?,
        };
        let root = remote.root_namespace_id.clone();
        Ok(Access { token, root })
    }

    /// The team space has another namespace now: later runs will use it, and this one, if it is `at_once`.
    pub async fn move_root(&self, namespace_id: &str, at_once: bool) {
        if at_once {
            self.remote.lock().await.root_namespace_id = Some(namespace_id.to_owned());
        }
        let root = namespace_id.to_owned();
        self.save("the new root", move |kept| kept.root_namespace_id = Some(root))
            .await;
    }

    /// What is known of the remote now, new tokens included.
    pub async fn into_remote(self) -> Remote {
        self.remote.into_inner()
    }

    async fn refresh(&self, remote: &mut Remote, refused: Option<&Secret>) -> Result<Secret, Error> {
        // Another process may have refreshed, or reconnected, meanwhile.
        let saved = self.store.as_ref().and_then(|store| store.load().ok());
        if let Some(saved) = saved.and_then(|mut config| config.remotes.remove(&self.name)) {
            *remote = saved;
            if let Some(token) = usable(remote).filter(|token| Some(token) != refused) {
                return Ok(token);
            }
        }
        let Some(refresh_token) = remote.refresh_token.clone() else {
            return Err(Error::LoginOver("it was made without a refresh token".into()));
        };
        let request = TokenRequest::Refresh {
            app_key: remote.app_key.clone(),
            refresh_token: refresh_token.clone(),
            app_secret: remote.app_secret.clone(),
        };
        let answer = crate::dropbox::with_retries(|| exchange(&self.http, &request)).await?;
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
