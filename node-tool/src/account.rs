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

/// The tokens of one remote.
#[derive(Debug)]
pub struct Account {
    store: Store,
    name: String,
    http: Http,
    remote: Mutex<Remote>,
}

impl Account {
    /// The tokens of `remote`, which `store` has under `name`.
    pub fn new(store: Store, name: String, remote: Remote, http: Http) -> Self {
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

    /// An access token that is good for minutes.
    ///
    /// # Errors
    /// When it has to be refreshed and can't be.
    pub async fn bearer(&self) -> Result<Secret, Error> {
        let mut remote = self.remote.lock().await;
        match usable(&remote) {
            Some(token) => Ok(token),
            None => self.refresh(&mut remote, None).await,
        }
    }

    /// Another access token than the one that Dropbox refused.
    ///
    /// # Errors
    /// When it can't be refreshed.
    pub async fn renew(&self, refused: &Secret) -> Result<Secret, Error> {
        let mut remote = self.remote.lock().await;
        match usable(&remote) {
            Some(token) if token != *refused => Ok(token), // another task was quicker
            _ => self.refresh(&mut remote, Some(refused)).await,
        }
    }

    async fn refresh(&self, remote: &mut Remote, refused: Option<&Secret>) -> Result<Secret, Error> {
        // Another process may have refreshed, or reconnected, meanwhile.
        if let Some(saved) = self
            .store
            .load()
            .ok()
            .and_then(|mut c| c.remotes.remove(&self.name))
        {
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
        self.save(remote.clone(), refresh_token).await;
        Ok(answer.access_token)
    }

    async fn save(&self, remote: Remote, refreshed_from: Secret) {
        let (store, name) = (self.store.clone(), self.name.clone());
        let saved = tokio::task::spawn_blocking(move || {
            store.update(|config| {
                // Only if it is still the same login: someone may have reconnected or deleted it.
                if let Some(kept) = config
                    .remotes
                    .get_mut(&name)
                    .filter(|kept| kept.refresh_token.as_ref() == Some(&refreshed_from))
                {
                    kept.access_token = remote.access_token;
                    kept.expires_at = remote.expires_at;
                    kept.refresh_token = remote.refresh_token;
                }
            })
        })
        .await;
        if let Ok(Err(error)) = saved {
            tracing::warn!("the new access token could not be saved, and is used for this run only: {error}");
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
