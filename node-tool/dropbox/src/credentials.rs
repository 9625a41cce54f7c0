//! What a login consists of, where the paths of its calls start, and how it is kept.

use std::{error::Error, fmt};

use shared::{oauth::TokenAnswer, secret::Secret};

use crate::api::users::RootInfo;

/// A login and what is known of its account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The app that the tokens were issued to.
    pub app_key: String,
    /// Needed for refreshing only if the tokens came without PKCE.
    pub app_secret: Option<Secret>,
    /// Good until the user disconnects the app.
    pub refresh_token: Option<Secret>,
    /// Good until `expires_at`.
    pub access_token: Option<Secret>,
    /// When the access token ends, in seconds since 1970 (UTC). `None` if it doesn't, as far as is known.
    pub expires_at: Option<i64>,
    /// What was granted, as Dropbox said at the login.
    pub scopes: Vec<String>,
    /// `dbid:…`
    pub account_id: Option<String>,
    /// The namespace where paths start as usual, which is the root of the account. `None` if they start in the person's own
    /// folder.
    pub root_namespace_id: Option<String>,
    /// The namespace where paths start, whatever the account's root is.
    pub namespace_id: Option<String>,
    /// The namespace of the account's root: the team's space, or the person's own folder where there is no team. `None` until
    /// Dropbox was asked.
    pub account_root_id: Option<String>,
    /// The namespace of the person's own folder. `None` until Dropbox was asked.
    pub account_home_id: Option<String>,
    /// The e-mail address of the member of a team on whose behalf calls are; only with the login of a team.
    pub member: Option<String>,
}

/// From where a path was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Where the login's settings say: `NAME:X`.
    Usual,
    /// At the root of the account: `NAME:/X`.
    Root,
}

/// Where the paths of a call start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRoot {
    /// At the person's own folder.
    Home,
    /// At the account's root, which is this namespace.
    Root(String),
    /// In this namespace, whatever the account's root is.
    Namespace(String),
}

impl PathRoot {
    /// Returns the value of `Dropbox-API-Path-Root`. `None` if no header is needed.
    pub fn header(&self) -> Option<String> {
        match self {
            Self::Home => None,
            // This mode fails loudly when the person changes teams (dropbox-api.md §6.7).
            Self::Root(id) => Some(serde_json::json!({".tag": "root", "root": id}).to_string()),
            Self::Namespace(id) => {
                Some(serde_json::json!({".tag": "namespace_id", "namespace_id": id}).to_string())
            }
        }
    }
}

impl Credentials {
    /// Returns where the paths of calls start, from where they were typed. `None` if Dropbox has to be asked.
    pub fn path_root(&self, start: Start) -> Option<PathRoot> {
        if let Some(namespace) = &self.namespace_id {
            return Some(PathRoot::Namespace(namespace.clone()));
        }
        match (&self.root_namespace_id, start) {
            (Some(root), _) => Some(PathRoot::Root(root.clone())),
            (None, Start::Usual) => Some(PathRoot::Home),
            (None, Start::Root) => self.account_root_id.clone().map(PathRoot::Root),
        }
    }

    /// Takes over what the token endpoint answered at `now`, in seconds since 1970.
    pub fn accept(&mut self, answer: &TokenAnswer, now: i64) {
        self.access_token = Some(answer.access_token.clone());
        self.expires_at = answer
            .expires_in
            .map(|seconds| now + i64::try_from(seconds).unwrap_or(i64::MAX / 2));
        if answer.refresh_token.is_some() {
            self.refresh_token.clone_from(&answer.refresh_token);
        }
        if let Some(scope) = &answer.scope {
            self.scopes = scope.split_whitespace().map(str::to_owned).collect();
        }
        if answer.account_id.is_some() {
            self.account_id.clone_from(&answer.account_id);
        }
    }
}

/// A change of a login that later runs need.
#[derive(Clone, Debug)]
pub enum Change {
    /// There is a new access token. Counts only for the login that it belongs to: there may be a new login.
    Tokens {
        /// The refresh token that the new one was asked for with.
        of: Secret,
        /// The new access token.
        access_token: Secret,
        /// When that ends, in seconds since 1970 (UTC).
        expires_at: Option<i64>,
        /// The refresh token from now on.
        refresh_token: Option<Secret>,
    },
    /// Dropbox said where the account's paths start.
    Root(RootInfo),
    /// The account's root is another namespace than before.
    RootMoved(String),
}

impl Change {
    /// Changes what is kept.
    pub fn apply(&self, kept: &mut Credentials) {
        match self {
            Self::Tokens {
                of,
                access_token,
                expires_at,
                refresh_token,
            } => {
                if kept.refresh_token.as_ref() == Some(of) {
                    kept.access_token = Some(access_token.clone());
                    kept.expires_at = *expires_at;
                    kept.refresh_token.clone_from(refresh_token);
                }
            }
            Self::Root(info) => {
                kept.account_root_id = Some(info.root_namespace_id.clone());
                kept.account_home_id = Some(info.home_namespace_id.clone());
            }
            Self::RootMoved(root) => {
                if kept.root_namespace_id.is_some() {
                    kept.root_namespace_id = Some(root.clone());
                }
                kept.account_root_id = Some(root.clone());
            }
        }
    }
}

/// Keeps one login from one run to the next. Other processes may use and change it meanwhile.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// Returns the login as it is kept now. `None` if it can't be read or isn't there any more.
    fn load(&self) -> Option<Credentials>;

    /// [Applies](Change::apply) a change to what is kept now. May block for as long as another process does the same.
    ///
    /// # Errors
    /// When the change can't be kept. The client goes on with what it knows.
    fn save(&self, change: &Change) -> Result<(), Box<dyn Error + Send + Sync>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Credentials {
        Credentials {
            access_token: Some(Secret::new("old")),
            refresh_token: Some(Secret::new("r1")),
            expires_at: Some(5),
            ..Credentials::default()
        }
    }

    #[test]
    fn new_tokens_count_for_their_own_login_only() {
        for (of, expected) in [("r1", "new"), ("r2", "old")] {
            let mut kept = login();
            let change = Change::Tokens {
                of: Secret::new(of),
                access_token: Secret::new("new"),
                expires_at: None,
                refresh_token: Some(Secret::new("r1")),
            };
            change.apply(&mut kept);
            assert_eq!(kept.access_token, Some(Secret::new(expected)), "{of}");
        }
    }

    #[test]
    fn a_moved_root_stays_the_root_only_where_paths_started_there() {
        for (before, after) in [(None, None), (Some("1"), Some("2"))] {
            let mut kept = login();
            kept.root_namespace_id = before.map(str::to_owned);
            Change::RootMoved("2".into()).apply(&mut kept);
            assert_eq!(kept.root_namespace_id.as_deref(), after);
            assert_eq!(kept.account_root_id.as_deref(), Some("2"));
        }
    }

    #[test]
    fn paths_start_where_the_settings_say() {
        let set = |text: &str| Some(text.to_owned());
        let home = login();
        assert_eq!(home.path_root(Start::Usual), Some(PathRoot::Home));
        assert_eq!(home.path_root(Start::Root), None, "Dropbox has to be asked");
        let team = Credentials {
            account_root_id: set("7"),
            ..login()
        };
        assert_eq!(team.path_root(Start::Root), Some(PathRoot::Root("7".into())));
        let rooted = Credentials {
            root_namespace_id: set("8"),
            ..team
        };
        assert_eq!(rooted.path_root(Start::Usual), Some(PathRoot::Root("8".into())));
        let fixed = Credentials {
            namespace_id: set("9"),
            ..rooted
        };
        for start in [Start::Usual, Start::Root] {
            assert_eq!(fixed.path_root(start), Some(PathRoot::Namespace("9".into())));
        }
    }

    #[test]
    fn an_answer_replaces_what_it_names() {
        let mut kept = login();
        let answer: TokenAnswer = serde_json::from_str(
            r#"{"access_token":"new","token_type":"bearer","expires_in":10,"scope":"a b"}"#,
        )
        .unwrap();
        kept.accept(&answer, 100);
        assert_eq!(kept.access_token, Some(Secret::new("new")));
        assert_eq!(kept.refresh_token, Some(Secret::new("r1")), "it stays");
        assert_eq!(kept.expires_at, Some(110));
        assert_eq!(kept.scopes, ["a", "b"]);
    }
}
