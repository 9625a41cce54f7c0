//! Exchanges a code for a token at Dropbox; only if this computer holds the verifier.

use std::{thread, time::Duration};

use shared::{
    cause::{self, innermost},
    endpoints::{Endpoints, Host},
    exit,
    failure::Failure,
    oauth::{TOKEN_PATH, TokenAnswer, TokenRefusal, TokenRequest},
    trust,
};

/// Maximum number of attempts when Dropbox or the network fails for a moment.
const MAX_ATTEMPTS: u32 = 4;

/// Exchanges a code.
///
/// # Errors
/// When the code, the network or Dropbox is at fault; the failure says which.
pub(crate) fn exchange(endpoints: &Endpoints, request: &TokenRequest) -> Result<TokenAnswer, Failure> {
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
        let failure = Failure::new("could not set up secure connections").why(innermost(&e));
        trust::no_certificates(failure, certificates().as_deref())
    })?;
    for left in (0..MAX_ATTEMPTS).rev() {
        match attempt(&client, endpoints, request) {
            Ok(answer) => return Ok(answer),
            Err(AttemptError::Permanent(failure)) => return Err(failure),
            Err(AttemptError::Temporary(failure)) if left == 0 => return Err(failure),
            Err(AttemptError::Temporary(_)) => {
                thread::sleep(Duration::from_secs(u64::from(MAX_ATTEMPTS - left)))
            }
        }
    }
    Err(Failure::new("could not exchange the code"))
}

/// Why an attempt failed.
enum AttemptError {
    /// Another attempt may succeed.
    Temporary(Failure),
    /// Another attempt fails in the same way.
    Permanent(Failure),
}

fn attempt(
    client: &reqwest::blocking::Client,
    endpoints: &Endpoints,
    request: &TokenRequest,
) -> Result<TokenAnswer, AttemptError> {
    let what = || Failure::new("could not exchange the code for a token");
    let url = endpoints.url(Host::Api, TOKEN_PATH);
    let sent = client
        .post(&url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(request.form().expose().to_owned())
        .send();
    let answer = sent.map_err(|e| {
        if let Some(reason) = bad_certificate(&e) {
            return AttemptError::Permanent(untrusted(what(), &url, &reason));
        }
        AttemptError::Temporary(
            what()
                .why(format!("no answer from {url}: {}", innermost(&e)))
                .hint("check the network (behind a proxy set HTTPS_PROXY), then run this again"),
        )
    })?;
    let status = answer.status().as_u16();
    let body = answer
        .bytes()
        .map_err(|e| AttemptError::Temporary(what().why(innermost(&e)).hint("run this again")))?;
    if status == 200 {
        return serde_json::from_slice(&body).map_err(|_| {
            AttemptError::Permanent(
                what()
                    .why("the answer did not come from Dropbox; this network may require a login of its own")
                    .hint("open any web page, then run this again"),
            )
        });
    }
    if status == 429 || status >= 500 {
        return Err(AttemptError::Temporary(
            what()
                .why(format!("Dropbox had a problem of its own (HTTP {status})"))
                .hint("run this again in a minute"),
        ));
    }
    let failure = match serde_json::from_slice::<TokenRefusal>(&body) {
        Ok(refusal) => what()
            .why(format!(
                "Dropbox says: {} ({})",
                refusal.error_description.as_deref().unwrap_or("no reason given"),
                refusal.error
            ))
            .hint(match refusal.error.as_str() {
                "invalid_client" | "unauthorized_client" => {
                    "check the app key; an app without PKCE also needs --app-secret-file"
                }
                _ => "codes work once and for a few minutes: run this again",
            }),
        Err(_) => what()
            .why(format!("HTTP {status} without an explanation"))
            .hint("run this again"),
    };
    Err(AttemptError::Permanent(failure))
}

/// Adds that the server can't prove that it is Dropbox.
fn untrusted(failure: Failure, url: &str, reason: &str) -> Failure {
    let failure = failure.why(format!("{url} can't show that it is Dropbox: {reason}"));
    trust::untrusted(failure, certificates().as_deref()).code(exit::FATAL)
}

/// Returns the value of the variable for certificates.
fn certificates() -> Option<String> {
    std::env::var(trust::CERTIFICATES_VARIABLE).ok()
}

/// Returns what is wrong with the certificate; `None` if something else is wrong.
fn bad_certificate(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    match cause::find(error)? {
        tls @ rustls::Error::InvalidCertificate(_) => Some(tls.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_untrusted_certificate_is_found_however_deep_it_is() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let deep = io::Error::other(io::Error::other(tls));
        let reason = bad_certificate(&deep).unwrap();
        let text = untrusted(Failure::new("x"), "https://api.dropboxapi.com", &reason).to_string();
        assert!(
            text.contains("UnknownIssuer") && text.contains("SSL_CERT_FILE"),
            "{text}"
        );
        assert_eq!(bad_certificate(&io::Error::other("the network is down")), None);
    }
}
