//! Asks Dropbox's token endpoint for a token; only where this computer keeps the verifier.

use std::{thread, time::Duration};

use shared::{
    endpoints::{Endpoints, Host},
    failure::Failure,
    oauth::{TOKEN_PATH, TokenAnswer, TokenRefusal, TokenRequest},
};

/// Tries, when Dropbox or the network has a hiccup.
const TRIES: u32 = 4;

/// Exchanges a code.
///
/// # Errors
/// Says whether the code, the network or Dropbox was at fault.
pub fn exchange(endpoints: &Endpoints, request: &TokenRequest) -> Result<TokenAnswer, Failure> {
    let builder = reqwest::blocking::Client::builder()
        .user_agent(concat!("authorizer/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60));
    let builder = if endpoints.is_loopback() {
        builder.no_proxy()
    } else {
        builder
    };
    let client = builder.build().map_err(|e| {
        Failure::new("could not set up secure connections")
            .why(innermost(&e))
            .next("if the system has no certificates, set SSL_CERT_FILE to a bundle of them")
    })?;
    for left in (0..TRIES).rev() {
        match once(&client, endpoints, request) {
            Ok(answer) => return Ok(answer),
            Err(Again::No(failure)) => return Err(failure),
            Err(Again::Maybe(failure)) if left == 0 => return Err(failure),
            Err(Again::Maybe(_)) => thread::sleep(Duration::from_secs(u64::from(TRIES - left))),
        }
    }
    Err(Failure::new("could not exchange the code"))
}

enum Again {
    Maybe(Failure),
    No(Failure),
}

fn once(
    client: &reqwest::blocking::Client,
    endpoints: &Endpoints,
    request: &TokenRequest,
) -> Result<TokenAnswer, Again> {
    let what = || Failure::new("could not exchange the code for a token");
    let url = endpoints.url(Host::Api, TOKEN_PATH);
    let sent = client
        .post(&url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(request.form().expose().to_owned())
        .send();
    let answer = sent.map_err(|e| {
        Again::Maybe(
            what()
                .why(format!("no answer from {url}: {}", innermost(&e)))
                .next("check the network (behind a proxy set HTTPS_PROXY), then run it again"),
        )
    })?;
    let status = answer.status().as_u16();
    let body = answer
        .bytes()
        .map_err(|e| Again::Maybe(what().why(innermost(&e)).next("run it again")))?;
    if status == 200 {
        return serde_json::from_slice(&body).map_err(|_| {
            Again::No(
                what()
                    .why(
                        "the answer did not come from Dropbox; perhaps this network wants a login of its own",
                    )
                    .next("open any web page, then run it again"),
            )
        });
    }
    if status == 429 || status >= 500 {
        return Err(Again::Maybe(
            what()
                .why(format!("Dropbox had a problem of its own (HTTP {status})"))
                .next("run it again in a minute"),
        ));
    }
    let failure = match serde_json::from_slice::<TokenRefusal>(&body) {
        Ok(refusal) => what()
            .why(format!(
                "Dropbox says: {} ({})",
                refusal.error_description.as_deref().unwrap_or("no reason given"),
                refusal.error
            ))
            .next(match refusal.error.as_str() {
                "invalid_client" | "unauthorized_client" => {
                    "check the app key; an app without PKCE also needs --app-secret-file"
                }
                _ => "codes work once and for a few minutes: run it again",
            }),
        Err(_) => what()
            .why(format!("HTTP {status} without an explanation"))
            .next("run it again"),
    };
    Err(Again::No(failure))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
