//! The token endpoint.

use std::time::Duration;

use shared::{
    endpoints::Host,
    oauth::{TOKEN_PATH, TokenAnswer, TokenRefusal, TokenRequest},
};

use super::{
    Error, Http,
    client::{is_page, limited, refusal_of_network},
    http::network_error,
};

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Asks the token endpoint once.
///
/// # Errors
/// [`Error::LoginOver`] when the code or refresh token isn't accepted; anything else as it comes.
pub async fn exchange(http: &Http, request: &TokenRequest) -> Result<TokenAnswer, Error> {
    let answer = http
        .post(Host::Api, TOKEN_PATH)?
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(request.form().expose().to_owned())
        .timeout(Duration::from_secs(60))
        .send()
        .await
        .map_err(|e| network_error(&e))?;
    let status = answer.status().as_u16();
    let after = super::client::retry_after(answer.headers());
    if let Some(error) = refusal_of_network(status, answer.headers()) {
        return Err(error);
    }
    let body = limited(answer, MAX_ANSWER_BYTES).await?;
    match status {
        200 => serde_json::from_slice(&body).map_err(|_| match is_page(&body) {
            true => Error::Portal(super::client::LOGIN_PAGE.into()),
            false => Error::NotDropbox("it is not a token".into()),
        }),
        429 => Err(Error::RateLimited {
            after,
            contention: false,
        }),
        500.. => Err(Error::Server { status, after }),
        _ => match serde_json::from_slice::<TokenRefusal>(&body) {
            Ok(refusal) => Err(Error::LoginOver(
                refusal.error_description.unwrap_or(refusal.error),
            )),
            Err(_) => Err(Error::NotDropbox(format!("HTTP {status} without an explanation"))),
        },
    }
}
