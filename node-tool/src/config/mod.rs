//! The remotes that a user has connected, and where that is kept.
//!
//! `place` finds the file and keeps it private, `file` reads and replaces it safely.

mod file;
mod place;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::secret::Secret;

pub use file::{ConfigError, Store};
pub use place::{CONFIG_VARIABLE, default_path};

/// Everything in the config file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// By name, without the colon.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub remotes: BTreeMap<String, Remote>,
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
    /// For showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// For showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Checks a remote's name as rclone does: letters, digits, `_ - . + @` and blanks, not starting with `-` or a blank.
///
/// # Errors
/// Says what a name may be.
pub fn check_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix(':').unwrap_or(text);
    let legal = |c: char| c.is_alphanumeric() || "_-.+@ ".contains(c);
    if name.is_empty() || name.starts_with(['-', ' ']) || name.ends_with(' ') || !name.chars().all(legal) {
        return Err(format!(
            "'{text}' can't be a remote's name: use letters, digits, '_', '-', '.', '+', '@'"
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_in_rclone() {
        for (text, name) in [
            ("dbx", "dbx"),
            ("dbx:", "dbx"),
            ("my box", "my box"),
            ("a.b+c@d-e_1", "a.b+c@d-e_1"),
        ] {
            assert_eq!(check_name(text).unwrap(), name);
        }
        for bad in ["", ":", "-x", " x", "x ", "a/b", "a:b", "a\nb"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
