//! What `config` asks of Dropbox: tokens, whether it knows an app, who is connected, and the end of a login.

use std::{fmt, sync::Arc};

use dropbox::{Client, Error, Fate};
use shared::{
    api::users::{Account, SpaceUsage, Team},
    exit,
    failure::{Advice, Failure},
    oauth::{TokenAnswer, TokenRequest},
};

use super::super::{App, dropbox_failure_then, missing_scope};
use crate::config::{Remote, auth};

/// Why Dropbox gave no token.
#[derive(Debug)]
pub(super) enum NoToken {
    /// It doesn't accept the code or the login, in these words.
    LoginOver(String),
    /// It doesn't accept the app, in these words.
    AppRefused(String),
    /// That could not be found out, for this reason.
    Unknown(String),
}

/// Exchanges a code or a refresh token for an access token.
pub(super) async fn exchange(app: &App, request: &TokenRequest) -> Result<TokenAnswer, NoToken> {
    dropbox::exchange_with_retries(&app.http, request)
        .await
        .map_err(|error| match error {
            Error::LoginOver(why) => NoToken::LoginOver(why),
            Error::AppRefused(why) => NoToken::AppRefused(why),
            error => NoToken::Unknown(error.to_string()),
        })
}

/// Why Dropbox did not answer.
#[derive(Debug)]
pub(super) struct Unanswered(Error);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Unanswered {
    /// Whether the same question may be answered later.
    pub(super) fn is_temporary(&self) -> bool {
        self.0.fate() == Fate::TryAgain
    }

    /// Returns what is said of it. `name` is the remote's; `log_in` is how to get a new login.
    pub(super) fn failure(&self, what: &str, name: &str, log_in: Advice) -> Failure {
        dropbox_failure_then(what, &self.0, name, log_in)
    }

    /// Returns what is said when it was to say who has just logged in.
    pub(super) fn login_failure(&self, name: &str, again: &str) -> Failure {
        match &self.0 {
            // Dropbox gave a token and takes it for nothing that we need.
            Error::LoginOver(why) => Failure::new("Dropbox doesn't accept this token")
                .why(why)
                .next(again)
                .code(exit::FATAL),
            _ => self.failure(
                "could not ask who is connected",
                name,
                Advice::Command(again.to_owned()),
            ),
        }
    }
}

/// Returns whether Dropbox knows an app.
pub(super) async fn knows_app(app: &App, app_key: &str) -> Result<bool, Unanswered> {
    dropbox::knows_app(&app.http, app_key).await.map_err(Unanswered)
}

/// Asks who is connected, and puts what was found out about the login into `remote`. `None` if the app lacks `scope`, which that
/// needs.
pub(super) async fn account(
    app: &App,
    name: &str,
    remote: &mut Remote,
    scope: &str,
) -> Result<Option<(Account, Option<SpaceUsage>)>, Unanswered> {
    let auth = auth(None, name, remote, app.http.clone());
    let client =
        Client::new(app.http.clone(), auth, app.transfers, Arc::clone(&app.rates)).with_tries(app.tries);
    let found = match client.current_account().await {
        Ok(account) => Some((account, client.space_usage().await.ok())),
        Err(error) if missing_scope(&error) == Some(scope) => None,
        Err(error) => return Err(Unanswered(error)),
    };
    remote.set_credentials(client.credentials().await); // it may have been refreshed
    Ok(found)
}

/// Asks which team is connected, and puts what was found out about the login into `remote`. `None` if it isn't a team's.
pub(super) async fn team(app: &App, name: &str, remote: &mut Remote) -> Result<Option<Team>, Unanswered> {
    let auth = auth(None, name, remote, app.http.clone());
    let client =
        Client::new(app.http.clone(), auth, app.transfers, Arc::clone(&app.rates)).with_tries(app.tries);
    let found = match client.team().await {
        Ok(team) => Some(team),
        Err(error) if missing_scope(&error).is_some() || matches!(error, Error::BadRequest(_)) => None,
        Err(error) => return Err(Unanswered(error)),
    };
    remote.set_credentials(client.credentials().await); // it may have been refreshed
    Ok(found)
}

/// Ends the login of a remote; one that is over already needs no ending.
pub(super) async fn end_login(app: &App, name: &str) -> Result<Result<(), Unanswered>, Failure> {
    Ok(match app.client(name)?.revoke().await {
        Ok(_) | Err(Error::LoginOver(_)) => Ok(()),
        Err(error) => Err(Unanswered(error)),
    })
}
