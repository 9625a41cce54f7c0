//! The meaning of a Dropbox remote of rclone here: its login, its settings, and what is not supported.

use serde::Deserialize;
use shared::{oauth::check_app_key, secret::Secret};

use super::{
    Section,
    encoding::{self, Encoding},
};
use crate::config::Remote;

/// Settings that make a remote mean other files, with the words for it; rclone takes any value for set.
const OTHER_FILES: [(&str, &str); 3] = [
    ("impersonate_admin", "it works as an administrator of the team"),
    ("auth_url", "it logs in at another address"),
    ("token_url", "it logs in at another address"),
];
/// The same for settings that are true or false.
const OTHER_VIEWS: [(&str, &str); 5] = [
    ("shared_files", "its paths are files that others share"),
    ("shared_folders", "its paths start at the list of shared folders"),
    ("skip_shared_folders", "it leaves shared folders out"),
    (
        "skip_unowned_folders",
        "it leaves the shared folders of others out",
    ),
    ("client_credentials", "it logs in without a person"),
];
/// Settings that change which cloud documents are seen, true or false.
const DOCUMENTS: [(&str, &str); 2] = [
    ("skip_exports", "cloud documents are left out"),
    ("show_all_exports", "cloud documents have their own names"),
];
/// Settings that are taken over, and those of speed alone, which there is no need for here.
const UNDERSTOOD: [&str; 20] = [
    "type",
    "description",
    "client_id",
    "client_secret",
    "token",
    "root_namespace",
    "impersonate",
    "encoding",
    "export_formats",
    "chunk_size",
    "pacer_min_sleep",
    "batch_mode",
    "batch_size",
    "batch_timeout",
    "batch_commit_timeout",
    "upload_cutoff",
    "copy_cutoff",
    // What rclone called client_id and client_secret before 2017.
    "app_key",
    "app_secret",
    "config_refresh_token",
];
/// What documents can be exported to.
const FORMATS: [&str; 2] = ["html", "md"];

/// The token of a remote of rclone, which is JSON, or in old files the access token alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    /// Good for API calls until `expires_at`.
    pub access_token: Secret,
    /// Good for new access tokens.
    pub refresh_token: Option<Secret>,
    /// In seconds since 1970 (UTC). `None` if the token has no end.
    pub expires_at: Option<i64>,
}

/// The reason why a token can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Neither JSON nor a token.
    #[error("its token can't be read")]
    Unreadable,
    /// The time is none.
    #[error("its token's expiry is not a time")]
    Expiry,
}

#[derive(Deserialize)]
struct TokenJson {
    access_token: Secret,
    #[serde(default)]
    refresh_token: Option<Secret>,
    #[serde(default)]
    expiry: Option<String>,
}

impl Token {
    /// Reads the value of `token`.
    ///
    /// # Errors
    /// When it isn't one.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if !text.starts_with('{') {
            let is_token = text.bytes().all(|c| c.is_ascii_graphic());
            return match is_token && !text.is_empty() {
                true => Ok(Self {
                    access_token: Secret::new(text),
                    refresh_token: None,
                    expires_at: None,
                }),
                false => Err(TokenError::Unreadable),
            };
        }
        let json: TokenJson = serde_json::from_str(text).map_err(|_| TokenError::Unreadable)?;
        let expiry = json.expiry.filter(|text| !text.is_empty());
        let expiry = expiry.map(|text| text.parse::<jiff::Timestamp>()).transpose();
        let expiry = expiry.map_err(|_| TokenError::Expiry)?;
        Ok(Self {
            access_token: json.access_token,
            refresh_token: json.refresh_token.filter(|token| !token.is_empty()),
            // Go's zero time, of the year 1, is a token without an end.
            expires_at: expiry.map(jiff::Timestamp::as_second).filter(|at| *at > 0),
        })
    }
}

/// The state of a remote's login here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// It can be renewed, if Dropbox agrees.
    Renewable,
    /// A token of the old kind, without an end.
    Endless,
    /// It ends at this time (seconds since 1970) and can't be renewed.
    Until(i64),
    /// A new one is needed, for this reason.
    Missing(String),
}

/// A remote as it is here.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The remote.
    pub remote: Remote,
    /// Its login.
    pub login: Login,
    /// What is not the same as in rclone.
    pub differences: Vec<String>,
}

/// Takes a remote over.
///
/// # Errors
/// When its paths would mean other files here; the error explains why.
pub fn take(keys: &Section, now: i64) -> Result<Taken, String> {
    let get = |key: &str| keys.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let is_true =
        |key: &str| get(key).is_some_and(|text| matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True"));
    if let Some((key, why)) = OTHER_FILES.iter().find(|(key, _)| get(key).is_some()) {
        return Err(format!("{key} is set: {why}"));
    }
    if let Some((key, why)) = OTHER_VIEWS.iter().find(|(key, _)| is_true(key)) {
        return Err(format!("{key} is true: {why}"));
    }
    let mut differences: Vec<String> = DOCUMENTS
        .iter()
        .filter(|(key, _)| is_true(key))
        .map(|(key, meaning)| format!("{key} isn't known here ({meaning} in rclone)"))
        .collect();
    let mut remote = Remote {
        // Quotes are part of the value in rclone, and no part of a key.
        app_key: get("client_id")
            .unwrap_or_default()
            .trim_matches(['"', '\''])
            .to_owned(),
        app_secret: get("client_secret").map(|text| Secret::new(text.trim_matches(['"', '\'']))),
        namespace_id: get("root_namespace").map(str::to_owned),
        team: get("impersonate").is_some(),
        member: get("impersonate").map(str::to_owned),
        ..Remote::default()
    };
    match encoding::read(keys.get("encoding").map(String::as_str)) {
        Encoding::Usual => remote.encode_names = true,
        Encoding::Nothing => {}
        Encoding::Other(difference) => {
            remote.encode_names = true;
            differences.push(format!(
                "names are mapped with rclone's default encoding here: {difference}"
            ));
        }
    }
    if let Some(formats) = get("export_formats") {
        let (known, unknown): (Vec<&str>, Vec<&str>) = formats
            .split(',')
            .map(|format| format.trim().trim_start_matches('.'))
            .partition(|format| FORMATS.contains(format));
        remote.export_formats = known.into_iter().map(str::to_owned).collect();
        if !unknown.is_empty() {
            differences.push(format!("export_formats: {} isn't known here", unknown.join(", ")));
        }
    }
    let is_odd = |key: &str| {
        let is_handled = |known: &[(&str, &str)]| known.iter().any(|(known, _)| *known == key);
        !(UNDERSTOOD.contains(&key)
            || is_handled(&OTHER_FILES)
            || is_handled(&OTHER_VIEWS)
            || is_handled(&DOCUMENTS))
    };
    let odd = keys
        .iter()
        .filter(|(key, value)| is_odd(key) && !value.is_empty());
    differences.extend(odd.map(|(key, _)| format!("the setting {key} isn't known here")));
    let login = take_login(&mut remote, get("token"), now);
    Ok(Taken {
        remote,
        login,
        differences,
    })
}

fn take_login(remote: &mut Remote, token: Option<&str>, now: i64) -> Login {
    let token = match token.map(Token::parse) {
        Some(Ok(token)) => token,
        Some(Err(error)) => return Login::Missing(error.to_string()),
        None => return Login::Missing("it has no token".into()),
    };
    let can_renew = token.refresh_token.is_some();
    remote.access_token = Some(token.access_token);
    remote.expires_at = token.expires_at;
    match (can_renew, token.expires_at) {
        (false, None) => return Login::Endless,
        (false, Some(end)) if end > now => return Login::Until(end),
        (false, Some(_)) => return Login::Missing("it has no refresh token".into()),
        (true, _) => {}
    }
    if remote.app_key.is_empty() {
        // Its token belongs to rclone's own app, whose secret only rclone has.
        return Login::Missing("it was made with rclone's own app".into());
    }
    if check_app_key(&remote.app_key).is_err() {
        remote.app_key.clear();
        return Login::Missing("its client_id is not an app key".into());
    }
    remote.refresh_token = token.refresh_token;
    Login::Renewable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(lines: &[(&str, &str)]) -> Section {
        lines
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn taken(lines: &[(&str, &str)]) -> Taken {
        take(&section(lines), 1_000_000_000).unwrap()
    }

    #[test]
    fn logins_are_told_apart() {
        let token = |rest: &str| format!("{{\"access_token\":\"a\",\"token_type\":\"bearer\"{rest}}}");
        let renewable = token(",\"refresh_token\":\"r\",\"expiry\":\"2026-11-23T20:00:00.5+01:00\"");
        let missing = |why: &str| Login::Missing(why.into());
        for (key, token, login) in [
            ("k", renewable.clone(), Login::Renewable),
            ("\"k\"", renewable.clone(), Login::Renewable),
            (
                "",
                renewable.clone(),
                missing("it was made with rclone's own app"),
            ),
            ("my key!", renewable, missing("its client_id is not an app key")),
            ("k", token(",\"expiry\":\"0001-01-01T00:00:00Z\""), Login::Endless),
            ("k", token(",\"refresh_token\":\"\""), Login::Endless),
            ("", "LongLivedTokenOfOld".into(), Login::Endless),
            (
                "k",
                token(",\"expiry\":\"2001-09-09T02:00:00Z\""),
                Login::Until(1_000_000_800),
            ),
            (
                "k",
                token(",\"expiry\":\"2001-09-09T01:00:00Z\""),
                missing("it has no refresh token"),
            ),
            (
                "k",
                token(",\"expiry\":\"soon\""),
                missing("its token's expiry is not a time"),
            ),
            ("k", "{".into(), missing("its token can't be read")),
            ("k", String::new(), missing("it has no token")),
        ] {
            let found = taken(&[("client_id", key), ("token", &token)]);
            assert_eq!(found.login, login, "{key} {token}");
            assert_eq!(found.remote.refresh_token.is_some(), login == Login::Renewable);
        }
    }

    #[test]
    fn what_means_other_files_is_refused_by_name() {
        for (key, value) in [
            ("impersonate_admin", "dbmid:x"),
            ("shared_files", "true"),
            ("shared_folders", "1"),
            ("skip_shared_folders", "True"),
            ("skip_unowned_folders", "t"),
            ("token_url", "https://example.org"),
        ] {
            let refused = take(&section(&[(key, value)]), 0).unwrap_err();
            assert!(refused.starts_with(key), "{refused}");
        }
        for (key, value) in [
            ("shared_folders", "false"),
            ("impersonate", ""),
            ("chunk_size", "8M"),
            ("batch_mode", "off"),
        ] {
            assert_eq!(taken(&[(key, value)]).differences, Vec::<String>::new(), "{key}");
        }
    }

    #[test]
    fn settings_are_kept_and_what_differs_is_named() {
        let plain = taken(&[]).remote;
        assert!(plain.encode_names, "rclone maps names unless told otherwise");
        assert!(!taken(&[("encoding", "None")]).remote.encode_names);
        assert_eq!(
            taken(&[("root_namespace", "123")]).remote.namespace_id.as_deref(),
            Some("123")
        );
        let bob = taken(&[("impersonate", "bob@example.org")]).remote;
        assert!(bob.team && bob.member.as_deref() == Some("bob@example.org"));
        assert_eq!(
            taken(&[("export_formats", "md, .html")]).remote.export_formats,
            ["md", "html"]
        );
        for (key, value, named) in [
            ("encoding", "BackSlash,Ctl", "Ctl"),
            ("skip_exports", "true", "skip_exports"),
            ("show_all_exports", "true", "show_all_exports"),
            ("export_formats", "docx,md", "docx"),
            ("hide_everything", "true", "hide_everything"),
            ("override.root_namespace", "7", "override.root_namespace"),
        ] {
            let found = taken(&[(key, value)]).differences;
            assert!(found.len() == 1 && found[0].contains(named), "{found:?}");
        }
    }
}
