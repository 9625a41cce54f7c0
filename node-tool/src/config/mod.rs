//! The remotes that a user has connected, and where that is kept.
//!
//! `place` finds the file and keeps it private, `file` reads and changes it among many processes (`stores::lock`, `replace`),
//! `document` is its text, `crypt` and `password` keep it under a password, `site` is what a centre sets for its users,
//! `environment` has the remotes of variables, `token_store` gives logins to the Dropbox client and keeps what it finds out,
//! `rclone` reads rclone's file, which can be in force instead of ours (`choose`, `kept_login`). docs/config.md is the format as users see it.

mod choose;
pub mod crypt;
mod document;
mod environment;
mod error;
mod extra;
mod file;
mod kept_login;
mod keys;
mod password;
mod place;
pub mod rclone;
mod replace;
mod site;
mod token_store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
pub use shared::remote::check_name;
use shared::{api::users::RootInfo, secret::Secret};

pub use choose::{choose, named_by_variable};
pub use environment::{ACCESS_TOKEN_VARIABLE, Environment, VariableError, switch};
pub use error::ConfigError;
pub use extra::Extra;
pub use file::Store;
pub use password::{PASSWORD_VARIABLE, Password, PasswordError};
pub use place::{CONFIG_VARIABLE, Target, default_path};
pub use site::{SITE_VARIABLE, Site};
pub use token_store::auth;

/// Everything in the config file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Defaults of all remotes.
    #[serde(flatten)]
    pub defaults: Defaults,
    /// Whether the file's group may read it: its group and the group's permissions are kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub group_access: bool,
    /// By name, without the colon.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub remotes: BTreeMap<String, Remote>,
    /// Keys that this version doesn't know.
    #[serde(flatten)]
    pub extra: Extra,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Where the paths of a remote start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Root {
    /// At the member's own folder
    #[default]
    Home,
    /// At the team's space
    Team,
}

impl std::fmt::Display for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Home => "home",
            Self::Team => "team",
        })
    }
}

/// Settings that a centre or a user makes once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    /// The app to log in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_key: Option<String>,
    /// Where new remotes start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Root>,
    /// Maximum number of connections at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfers: Option<u16>,
    /// A line shown with errors of authorisation: whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Defaults {
    /// Returns these settings, completed by `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            app_key: self.app_key.or(other.app_key),
            root: self.root.or(other.root),
            transfers: self.transfers.or(other.transfers),
            help: self.help.or(other.help),
        }
    }
}

/// One connected account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remote {
    /// The app that the tokens were issued to.
    #[serde(default)]
    pub app_key: String,
    /// Needed for refreshing only if the tokens came without PKCE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_secret: Option<Secret>,
    /// Good until the user disconnects the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// Good until `expires_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
    /// Seconds since 1970 (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// What was granted, as Dropbox said at the login.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// `dbid:…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The namespace that `/` means, if it isn't the member's own folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_namespace_id: Option<String>,
    /// The namespace of the account's root, where `NAME:/…` starts: the team's space, or the person's own folder where there
    /// is no team. `None` until Dropbox was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_root_id: Option<String>,
    /// The namespace of the person's own folder. `None` until Dropbox was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_home_id: Option<String>,
    /// For display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// For display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The namespace that its paths start in, whatever the account's root is; rclone's `root_namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<String>,
    /// Whether the login is a whole team's, whose files are those of its members.
    #[serde(default, skip_serializing_if = "is_false")]
    pub team: bool,
    /// The e-mail address of the member of the team whose files are meant, without `--as-member`; rclone's `impersonate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The file that the login was imported from, whose program still uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_from: Option<String>,
    /// Whether names are mapped as rclone maps them, without `--encode-names`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encode_names: bool,
    /// What cloud documents are exported to, without `--export-formats`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub export_formats: Vec<String>,
    /// Keys that this version doesn't know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Remote {
    /// Removes everything that belongs to the login; the settings stay.
    pub fn forget_login(&mut self) {
        *self = Self {
            app_key: std::mem::take(&mut self.app_key),
            root_namespace_id: self.root_namespace_id.take(),
            namespace_id: self.namespace_id.take(),
            team: self.team,
            member: self.member.take(),
            encode_names: self.encode_names,
            export_formats: std::mem::take(&mut self.export_formats),
            extra: std::mem::take(&mut self.extra),
            ..Self::default()
        };
    }

    /// Whether the login is a whole team's, as far as is known.
    pub fn is_team(&self) -> bool {
        let is_of_teams = |scope: &String| scope.starts_with("team_") || scope.starts_with("members.");
        self.team || self.scopes.iter().any(is_of_teams)
    }

    /// Where its paths start.
    pub fn root(&self) -> Root {
        if self.root_namespace_id.is_some() {
            Root::Team
        } else {
            Root::Home
        }
    }

    /// Whether the account has a root beyond the person's own folder, as far as it is known.
    pub fn has_team_space(&self) -> bool {
        self.account_root_id.is_some() && self.account_root_id != self.account_home_id
    }

    /// Records where the account's paths start, as reported by Dropbox.
    pub fn learn(&mut self, info: &RootInfo) {
        self.account_root_id = Some(info.root_namespace_id.clone());
        self.account_home_id = Some(info.home_namespace_id.clone());
    }
}
