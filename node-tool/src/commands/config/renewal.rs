//! Whether a token that came from elsewhere can renew itself: tried once when it comes, since otherwise it fails after four
//! hours, in a job at night.

use std::path::Path;

use shared::{exit, failure::Failure, oauth::TokenRequest, paste, plain::quoted, secret::Secret};

use super::{
    super::App,
    service::{self, NoToken},
};
use crate::{config::Remote, report, terminal};

/// Maximum number of further attempts after a wrong secret.
const MAX_FURTHER_SECRETS: u32 = 3;
/// Access tokens that end begin so; the older ones, without an end, don't.
const SHORT_LIVED: &str = "sl.";

/// The outcome of a renewal.
#[derive(Debug)]
pub(super) enum Renewal {
    /// There is a new access token.
    Works,
    /// There is nothing to renew it with.
    NoRefreshToken,
    /// The app's tokens come only with its secret.
    NeedsSecret,
    /// The secret isn't the app's.
    WrongSecret,
    /// The refresh token was revoked, or is another app's.
    Over(String),
    /// Dropbox doesn't know the app, or it is disabled.
    NoApp(String),
    /// It could not be found out.
    Unknown(String),
}

/// Renews the token of `remote`, and keeps the new one in it.
pub(super) async fn renew(remote: &mut Remote, app: &App) -> Renewal {
    let Some(refresh_token) = remote.refresh_token.clone() else {
        return Renewal::NoRefreshToken;
    };
    let request = TokenRequest::Refresh {
        app_key: remote.app_key.clone(),
        refresh_token,
        app_secret: remote.app_secret.clone(),
    };
    match service::exchange(app, &request).await {
        Ok(answer) => {
            remote.accept(&answer);
            Renewal::Works
        }
        Err(NoToken::LoginOver(why)) => Renewal::Over(why),
        Err(NoToken::AppRefused(why)) => {
            let is_known = service::knows_app(app, &remote.app_key).await;
            match (is_known, &remote.app_secret) {
                (Ok(true), None) => Renewal::NeedsSecret,
                (Ok(true), Some(_)) => Renewal::WrongSecret,
                _ => Renewal::NoApp(why),
            }
        }
        Err(NoToken::Unknown(why)) => Renewal::Unknown(why),
    }
}

/// Asks for the app's secret until the token can be renewed with it. An empty answer gives up.
///
/// # Errors
/// When there is no terminal any more.
pub(super) async fn ask_secret(remote: &mut Remote, app: &App) -> Result<Renewal, Failure> {
    report::notes(&format!(
        "  The app '{}' renews logins only with its secret, which is on its page at\n  \
         https://www.dropbox.com/developers/apps. It is kept in the config. Press Enter alone to leave it.",
        remote.app_key
    ));
    let given = remote.app_secret.take();
    let mut renewal = if given.is_some() {
        Renewal::WrongSecret
    } else {
        Renewal::NeedsSecret
    };
    for _ in 0..MAX_FURTHER_SECRETS {
        let text = terminal::wait(|| terminal::ask_secret("app secret (not shown)> ")).await?;
        let Some(secret) = paste::word(&text) else { break };
        remote.app_secret = Some(Secret::new(secret));
        renewal = renew(remote, app).await;
        if !matches!(renewal, Renewal::WrongSecret) {
            break;
        }
        report::note("  That is not the secret of this app.");
    }
    Ok(renewal)
}

/// Reads the app's secret from a file.
///
/// # Errors
/// When it can't be read or holds no secret.
pub(super) fn read_secret(file: &Path) -> Result<Secret, Failure> {
    let bytes = std::fs::read(file).map_err(|e| {
        Failure::usage(format!(
            "could not read the app's secret from '{}'",
            file.display()
        ))
        .why(e)
    })?;
    paste::word(&paste::decode(&bytes))
        .map(Secret::new)
        .ok_or_else(|| {
            Failure::usage(format!(
                "'{}' doesn't hold an app secret: one word is expected",
                file.display()
            ))
        })
}

impl Renewal {
    /// Returns what is wrong, and what to do.
    pub(super) fn words(&self, app_key: &str) -> (String, String) {
        let retry = "Run the line on your laptop or open the address above, and paste what it shows.";
        match self {
            Self::Works => (String::new(), String::new()),
            Self::NoRefreshToken => ("it has no refresh token".into(), retry.into()),
            Self::NeedsSecret => (
                format!(
                    "this token was made with the secret of the app '{app_key}', and renews itself only with it"
                ),
                retry.into(),
            ),
            Self::WrongSecret => (
                format!("the secret is not that of the app '{app_key}'"),
                retry.into(),
            ),
            Self::Over(why) => (
                format!(
                    "this login was revoked, or is of another app than '{app_key}': Dropbox says '{why}'"
                ),
                retry.into(),
            ),
            Self::NoApp(why) => (
                format!("Dropbox doesn't know the app key '{app_key}', or the app is disabled ({why})"),
                "Compare it with your app's page at https://www.dropbox.com/developers/apps.".into(),
            ),
            Self::Unknown(why) => (
                format!("could not test whether this token renews itself: {why}"),
                "Paste it once more when Dropbox can be reached.".into(),
            ),
        }
    }

    /// Returns the failure for a script.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Unknown(_) => exit::TEMPORARY,
            _ => exit::FATAL,
        }
    }
}

/// When a token that can't renew itself ends, and what to do about it.
pub(super) fn end_of(remote: &Remote, name: &str) -> String {
    let is_short = remote
        .access_token
        .as_ref()
        .is_some_and(|token| token.expose().starts_with(SHORT_LIVED));
    let end = remote
        .expires_at
        .and_then(|at| jiff::Timestamp::from_second(at).ok());
    let end = match end {
        Some(at) => format!("it ends at {at}"),
        None if is_short => "it ends in a few hours".into(),
        None => {
            return "this token has no refresh token; it is of the older kind that works until it is revoked"
                .into();
        }
    };
    format!(
        "this token has no refresh token: {end}. For a login that renews itself: node-tool config reconnect {}",
        quoted(&format!("{name}:"))
    )
}
