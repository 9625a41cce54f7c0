//! A remote of the config as the Dropbox client sees it: its login, and keeping what the client finds out about it.

use std::{error::Error, sync::Arc};

use dropbox::{Auth, Change, Credentials, Http, TokenStore};
use shared::oauth::TokenAnswer;

use super::{Environment, Remote, Store, kept_login::KeptLogin};

/// The login of a remote in the config file.
#[derive(Debug)]
struct SavedLogin {
    store: Store,
    name: String,
}

impl TokenStore for SavedLogin {
    fn load(&self) -> Option<Credentials> {
        let config = self.store.load().ok()?;
        config.remotes.get(&self.name).map(Credentials::from)
    }

    fn save(&self, change: &Change) -> Result<(), Box<dyn Error + Send + Sync>> {
        // Another user's file or a pipe can't be saved: each run gets a token of its own.
        if !self.store.is_kept() {
            return Ok(());
        }
        self.store.update(|config| {
            if let Some(remote) = config.remotes.get_mut(&self.name) {
                let mut credentials = Credentials::from(&*remote);
                change.apply(&mut credentials);
                remote.set_credentials(credentials);
            }
        })?;
        Ok(())
    }
}

/// Returns the live tokens of `remote`, which `store` has under `name`; without a store, nothing is saved.
pub fn auth(store: Option<&Store>, name: &str, remote: &Remote, http: Http) -> Auth {
    let kept = store.and_then(|store| KeptLogin::of(store, name));
    let credentials = Credentials::from(remote);
    let credentials = match &kept {
        Some(kept) => kept.newest(credentials),
        None => credentials,
    };
    let auth = Auth::new(name, credentials, http);
    let auth = match (Environment::here().login_of(name), store) {
        (Some(variable), _) => auth.with_origin(format!("in {variable}")),
        (None, Some(store)) => auth.with_origin(format!("in the config {}", store.place())),
        (None, None) => auth,
    };
    match (kept, store) {
        (Some(kept), _) => auth.with_store(Arc::new(kept)),
        (None, Some(store)) => auth.with_store(Arc::new(SavedLogin {
            store: store.clone(),
            name: name.to_owned(),
        })),
        (None, None) => auth,
    }
}

impl From<&Remote> for Credentials {
    fn from(remote: &Remote) -> Self {
        Self {
            app_key: remote.app_key.clone(),
            app_secret: remote.app_secret.clone(),
            refresh_token: remote.refresh_token.clone(),
            access_token: remote.access_token.clone(),
            expires_at: remote.expires_at,
            scopes: remote.scopes.clone(),
            account_id: remote.account_id.clone(),
            root_namespace_id: remote.root_namespace_id.clone(),
            namespace_id: remote.namespace_id.clone(),
            account_root_id: remote.account_root_id.clone(),
            account_home_id: remote.account_home_id.clone(),
            member: remote.member.clone(),
        }
    }
}

impl Remote {
    /// Takes over a login; the remote's other settings stay.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        // Named one by one, so that none is forgotten.
        let Credentials {
            app_key,
            app_secret,
            refresh_token,
            access_token,
            expires_at,
            scopes,
            account_id,
            root_namespace_id,
            namespace_id,
            account_root_id,
            account_home_id,
            member,
        } = credentials;
        self.app_key = app_key;
        self.app_secret = app_secret;
        self.refresh_token = refresh_token;
        self.access_token = access_token;
        self.expires_at = expires_at;
        self.scopes = scopes;
        self.account_id = account_id;
        self.root_namespace_id = root_namespace_id;
        self.namespace_id = namespace_id;
        self.account_root_id = account_root_id;
        self.account_home_id = account_home_id;
        self.member = member;
    }

    /// Takes over an answer of the token endpoint.
    pub fn accept(&mut self, answer: &TokenAnswer) {
        let mut credentials = Credentials::from(&*self);
        credentials.accept(answer, jiff::Timestamp::now().as_second());
        self.set_credentials(credentials);
    }
}

#[cfg(test)]
mod tests {
    use shared::secret::Secret;

    use super::*;

    fn remote() -> Remote {
        let set = |text: &str| Some(text.to_owned());
        Remote {
            app_key: "key".into(),
            app_secret: Some(Secret::new("s")),
            refresh_token: Some(Secret::new("r")),
            access_token: Some(Secret::new("a")),
            expires_at: Some(7),
            scopes: vec!["x".into()],
            account_id: set("dbid:1"),
            root_namespace_id: set("1"),
            namespace_id: set("2"),
            account_root_id: set("3"),
            account_home_id: set("4"),
            display_name: set("Ada"),
            ..Remote::default()
        }
    }

    #[test]
    fn a_login_comes_back_as_it_went() {
        let mut other = Remote {
            display_name: Some("Ada".into()),
            ..Remote::default()
        };
        other.set_credentials(Credentials::from(&remote()));
        assert_eq!(other, remote());
    }

    #[test]
    fn what_a_client_finds_out_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(
            directory.path().join("config.toml"),
            super::super::Password::new(None),
        );
        store
            .update(|config| {
                config.remotes.insert("dbx".into(), remote());
            })
            .unwrap();
        let login = SavedLogin {
            store: store.clone(),
            name: "dbx".into(),
        };
        login.save(&Change::RootMoved("9".into())).unwrap();
        assert_eq!(login.load().unwrap().root_namespace_id.as_deref(), Some("9"));
        let kept = store.load().unwrap().remotes.remove("dbx").unwrap();
        assert_eq!(kept.display_name.as_deref(), Some("Ada"), "the rest stays");
        let gone = SavedLogin {
            name: "other".into(),
            ..login
        };
        assert!(gone.load().is_none() && gone.save(&Change::RootMoved("9".into())).is_ok());
    }
}
