//! The remotes that a user has connected, and where that is kept.
//!
//! `place` finds the file and keeps it private, `file` reads and replaces it safely, `crypt` and `password` keep it
//! under a password, `site` is what a centre sets for its users, `rclone` reads rclone's file.

pub mod crypt;
mod file;
mod password;
mod place;
pub mod rclone;
mod site;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
pub use shared::remote::check_name;
use shared::secret::Secret;

pub use file::{ConfigError, Store};
pub use password::{PASSWORD_VARIABLE, Password};
pub use place::{CONFIG_VARIABLE, default_path};
pub use site::{SITE_VARIABLE, Site};

/// Everything in the config file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// What holds for all remotes unless they say otherwise.
    #[serde(flatten)]
    pub defaults: Defaults,
    /// By name, without the colon.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub remotes: BTreeMap<String, Remote>,
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
    /// Connections at once, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfers: Option<u16>,
    /// A line shown with errors of authorisation: whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Defaults {
    /// These, and where they are silent, `other`.
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// The app that the tokens were issued to.
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
    /// For showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// For showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Remote {
    /// Where its paths start.
    pub fn root(&self) -> Root {
        if self.root_namespace_id.is_some() {
            Root::Team
        } else {
            Root::Home
        }
    }
}
