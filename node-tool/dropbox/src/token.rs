//! The token endpoint: from codes and refresh tokens to access tokens.

use std::time::Duration;

use shared::{
    endpoints::Host,
    oauth::{TOKEN_PATH, TokenAnswer, TokenRefusal, TokenRequest},
    secret::Secret,
};

use crate::{
    Error, Http,
    answer::{LOGIN_PAGE, is_page, limited, refusal_of_network, retry_after},
    http::network_error,
    retry::{Failed, Tries, WaitNotices, retry},
};

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Asks the token endpoint once.
///
/// # Errors
/// [`Error::LoginOver`] when the code or refresh token isn't accepted, [`Error::AppRefused`] when the app isn't; anything else
/// as it comes.
pub async fn exchange(http: &Http, request: &TokenRequest) -> Result<TokenAnswer, Error> {
    let answer = http
        .post(Host::Api, TOKEN_PATH)?
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(request.form().expose().to_owned())
        .timeout(TIMEOUT)
        .send()
        .await
        .map_err(|e| network_error(&e))?;
    let status = answer.status().as_u16();
    let after = retry_after(answer.headers());
    if let Some(error) = refusal_of_network(status, answer.headers()) {
        return Err(error);
    }
    let body = limited(answer, MAX_ANSWER_BYTES).await?;
    match status {
        200 => serde_json::from_slice(&body).map_err(|_| match is_page(&body) {
            true => Error::Portal(LOGIN_PAGE.into()),
            false => Error::NotDropbox("it is not a token".into()),
        }),
        429 => Err(Error::RateLimited {
            after,
            contention: false,
        }),
        500.. => Err(Error::Server { status, after }),
        _ => match serde_json::from_slice::<TokenRefusal>(&body) {
            Ok(refusal) => Err(refused(refusal)),
            Err(_) => Err(Error::NotDropbox(format!("HTTP {status} without an explanation"))),
        },
    }
}

/// Asks the token endpoint, and again where that may help.
///
/// # Errors
/// The last try's.
pub async fn exchange_with_retries(http: &Http, request: &TokenRequest) -> Result<TokenAnswer, Error> {
    let attempt = async || exchange(http, request).await.map_err(Failed::Passing);
    retry(
        "oauth2/token",
        &mut Tries::default(),
        &WaitNotices::default(),
        attempt,
    )
    .await
}

/// Returns what a refusal means: something is wrong with the app, or with what it sent.
fn refused(refusal: TokenRefusal) -> Error {
    let is_app = matches!(refusal.error.as_str(), "invalid_client" | "unauthorized_client");
    let why = refusal.error_description.unwrap_or(refusal.error);
    if is_app {
        Error::AppRefused(why)
    } else {
        Error::LoginOver(why)
    }
}

/// Asks whether Dropbox knows the app, without a login: a refresh token that nobody has is refused, but with other words
/// where the app itself is. Tried once, as it comes before a person does anything.
///
/// # Errors
/// When Dropbox can't be reached.
pub async fn knows_app(http: &Http, app_key: &str) -> Result<bool, Error> {
    let request = TokenRequest::Refresh {
        app_key: app_key.to_owned(),
        refresh_token: Secret::new("is-anybody-there"),
        app_secret: None,
    };
    match exchange(http, &request).await {
        Ok(_) | Err(Error::LoginOver(_) | Error::Server { .. } | Error::RateLimited { .. }) => Ok(true),
        Err(Error::AppRefused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
