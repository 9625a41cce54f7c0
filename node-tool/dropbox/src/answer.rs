//! Turns an HTTP answer into its bytes, or into an error: of Dropbox, or of whatever answers in its place.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Response, header::HeaderMap};
use serde::de::DeserializeOwned;

use crate::{
    Error, NetworkError,
    api::{error::RouteError, salvage::is_json},
    http::network_error,
    limit::stall::STALL_TIMEOUT,
};

/// The reason that is reported for a web page in the place of an answer.
pub(crate) const LOGIN_PAGE: &str = "a web page came; perhaps this network wants a login of its own";
/// Maximum size of a JSON answer in bytes, unpacked: a page of 2000 entries with the longest paths has a tenth of it.
const MAX_ANSWER_BYTES: usize = 32 << 20;
/// Maximum number of bytes that are read of an answer that says why a call was refused.
const MAX_REFUSAL_BYTES: usize = 64 << 10;
/// The pause after a 429 that names none (the official SDK waits as long).
const UNNAMED_PAUSE: Duration = Duration::from_secs(5);

/// Returns an answer whose status is success.
///
/// # Errors
/// What any other status means.
pub(crate) async fn checked(mut response: Response) -> Result<Response, Error> {
    let status = response.status().as_u16();
    if status == 200 || status == 206 {
        return Ok(response);
    }
    if let Some(error) = refusal_of_network(status, response.headers()) {
        return Err(error);
    }
    let after = retry_after(response.headers());
    let mut body = BytesMut::new();
    // A body that can't be read is not needed: the status says most.
    let read = async {
        while body.len() < MAX_REFUSAL_BYTES
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk);
        }
    };
    let _ = tokio::time::timeout(STALL_TIMEOUT, read).await;
    Err(refusal(status, after, &body))
}

/// Reads a result that is the answer's body.
pub(crate) async fn read_json<R>(
    response: Response,
    read: &impl Fn(&[u8]) -> serde_json::Result<R>,
) -> Result<R, Error> {
    let body = limited(response, MAX_ANSWER_BYTES).await?;
    // The result of a Void route is `null`, or (seen) nothing at all.
    let body = if body.is_empty() {
        Bytes::from_static(b"null")
    } else {
        body
    };
    read(&body).map_err(|error| unread(&body, &error))
}

/// Reads a result that is in the answer's header, before its bytes.
pub(crate) fn read_result_header<R: DeserializeOwned>(response: &Response) -> Result<R, Error> {
    let headers = response.headers();
    let Some(result) = headers.get("Dropbox-API-Result") else {
        let kind = headers.get("content-type");
        let is_html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        return Err(match is_html {
            true => Error::Portal(LOGIN_PAGE.into()),
            false => Error::NotDropbox("it has no Dropbox-API-Result".into()),
        });
    };
    serde_json::from_slice(result.as_bytes()).map_err(|error| unread(result.as_bytes(), &error))
}

/// Returns what a network says in Dropbox's place by the status alone: a login at the proxy, an address elsewhere.
pub(crate) fn refusal_of_network(status: u16, headers: &HeaderMap) -> Option<Error> {
    match status {
        300..=399 => {
            let to = header(headers, "location").and_then(|to| reqwest::Url::parse(to).ok());
            let to = to
                .as_ref()
                .and_then(reqwest::Url::host_str)
                .unwrap_or("another address");
            Some(Error::Portal(format!(
                "it leads to {to}; perhaps this network wants a login of its own"
            )))
        }
        407 => Some(Error::Network(NetworkError::Proxy(
            "it wants a login (HTTP 407)".into(),
        ))),
        511 => Some(Error::Portal(
            "this network wants a login of its own (HTTP 511)".into(),
        )),
        _ => None,
    }
}

/// Returns whether a body is a web page.
pub(crate) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// Returns the bytes of an answer, of which there may be `max`.
pub(crate) async fn limited(mut response: Response, max: usize) -> Result<Bytes, Error> {
    let mut all = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| network_error(&e))? {
        if all.len() + chunk.len() > max {
            return Err(Error::Unreadable(format!("it has more than {} MiB", max >> 20)));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// Returns what an answer means that can't be read as what was expected.
fn unread(body: &[u8], error: &serde_json::Error) -> Error {
    match () {
        () if is_page(body) => Error::Portal(LOGIN_PAGE.into()),
        // It came whole: asking again would bring the same.
        () if is_json(body) => Error::Unreadable(error.to_string()),
        () => Error::NotDropbox(error.to_string()),
    }
}

/// Returns what a status that isn't success means, with the body that explains it.
fn refusal(status: u16, after: Option<Duration>, body: &[u8]) -> Error {
    let text = || {
        String::from_utf8_lossy(body)
            .chars()
            .take(400)
            .collect::<String>()
    };
    let scope = || RouteError::from_scope_text(&text());
    match (status, RouteError::from_body(body)) {
        (401 | 403, Some(error)) => Error::Access(error),
        (404 | 409, Some(error)) => Error::Route(error),
        (422, Some(error)) => Error::PathRoot(error),
        (429, Some(error)) if error.has("too_many_write_operations") => Error::RateLimited {
            after: after.filter(|after| !after.is_zero()), // seen: 0, which means nothing
            contention: true,
        },
        (429, _) => Error::RateLimited {
            after: after.or_else(|| pause_in(body)).or(Some(UNNAMED_PAUSE)),
            contention: false,
        },
        (400 | 401 | 403, _) => scope().map_or_else(|| denied(status, body, text()), Error::Access),
        (408 | 500.., _) => Error::Server { status, after },
        (404 | 409 | 422, None) => unexplained(status),
        _ => Error::BadRequest(format!("HTTP {status} {}", text())),
    }
}

/// Returns what a 400, 401 or 403 means that names no error and no scope.
fn denied(status: u16, body: &[u8], text: String) -> Error {
    match status {
        400 => Error::BadRequest(text),
        403 if is_page(body) => Error::Portal(
            "a web page came (HTTP 403); perhaps a filter of this network doesn't let Dropbox through".into(),
        ),
        _ => unexplained(status),
    }
}

fn unexplained(status: u16) -> Error {
    Error::NotDropbox(format!("HTTP {status} without an explanation"))
}

/// Returns the same pause as in `Retry-After`, in the body of a 429: `{"error": {"reason": …, "retry_after": 15}}`.
fn pause_in(body: &[u8]) -> Option<Duration> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body["error"]["retry_after"].as_u64().map(Duration::from_secs)
}

/// Returns the pause of `Retry-After`: seconds, or a date, which is compared with the answer's own.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header(headers, "retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text: &str| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second());
    let now = header(headers, "date")
        .and_then(date)
        .unwrap_or_else(|| jiff::Timestamp::now().as_second());
    let seconds = date(text)?.saturating_sub(now);
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

/// Returns a header's value, if it is text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fate;

    #[test]
    fn pauses_are_found_wherever_they_are_named() {
        let body = r#"{"error":{"reason":{".tag":"too_many_requests"},"retry_after":15}}"#;
        let busy = r#"{"error":{"reason":{".tag":"too_many_write_operations"}}}"#;
        let seconds = Duration::from_secs;
        for (status, header, body, after) in [
            (429, Some(7), body, Some(seconds(7))),
            (429, None, body, Some(seconds(15))),
            (429, None, "slow down", Some(UNNAMED_PAUSE)),
            (429, Some(0), busy, None),
            (429, Some(2), busy, Some(seconds(2))),
            (503, Some(3), "<html>", Some(seconds(3))),
            (503, None, "<html>", None),
        ] {
            let error = refusal(status, header.map(seconds), body.as_bytes());
            assert_eq!(error.retry_after(), after, "{status} {header:?} {body}");
            assert_eq!(error.fate(), Fate::TryAgain);
        }
    }

    #[test]
    fn pauses_may_be_dates_and_nonsense_is_no_pause() {
        let of = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", after.parse().unwrap());
            if let Some(date) = date {
                headers.insert("date", date.parse().unwrap());
            }
            retry_after(&headers).map(|after| after.as_secs())
        };
        let now = Some("Wed, 25 Nov 2026 18:00:00 GMT");
        assert_eq!(of("Wed, 25 Nov 2026 18:01:30 GMT", now), Some(90));
        assert_eq!(of("Wed, 25 Nov 2026 17:00:00 GMT", now), Some(0));
        assert_eq!(of(" 7 ", now), Some(7));
        assert_eq!(of("86400", now), Some(86400));
        assert!(of("9200000000000000000", now).is_some_and(|seconds| seconds > 86400));
        for nonsense in ["-5", "", "soon", "NaN", "inf", "1e400"] {
            assert_eq!(of(nonsense, now), None, "{nonsense}");
        }
    }

    #[test]
    fn what_answers_in_dropboxs_place_is_known_by_its_status() {
        let mut headers = HeaderMap::new();
        assert!(refusal_of_network(200, &headers).is_none() && refusal_of_network(409, &headers).is_none());
        assert!(matches!(
            refusal_of_network(407, &headers),
            Some(Error::Network(NetworkError::Proxy(_)))
        ));
        headers.insert(
            "location",
            "https://login.hotel.example/x?token=1".parse().unwrap(),
        );
        for status in [301, 302, 303, 307, 308] {
            let error = refusal_of_network(status, &headers).unwrap();
            assert!(error.ends_run() && error.fate() == Fate::TryAgain);
            assert!(
                error.to_string().contains("login.hotel.example;") && !error.to_string().contains("token"),
                "{error}"
            );
        }
        assert!(matches!(refusal(403, None, b" <html>"), Error::Portal(_)));
        assert!(matches!(refusal(500, None, b"<html>"), Error::Server { .. }));
    }

    #[test]
    fn statuses_become_fates() {
        for (status, body, fate) in [
            (400, "Error in call to API function", Fate::SkipFile),
            (
                400,
                "Error in call to API function \"files/upload\": Your app (ID: 1) is not permitted to access this endpoint, because it does not have the required scope 'files.content.write'.",
                Fate::StopRun,
            ),
            (
                401,
                r#"{"error":{".tag":"missing_scope","required_scope":"x"}}"#,
                Fate::StopRun,
            ),
            (
                409,
                r#"{"error":{".tag":"path","path":{".tag":"not_found"}}}"#,
                Fate::SkipFile,
            ),
            (
                409,
                r#"{"error":{".tag":"path","path":{".tag":"insufficient_space"}}}"#,
                Fate::StopRun,
            ),
            (
                409,
                r#"{"error":{".tag":"path","path":{".tag":"too_many_write_operations"}}}"#,
                Fate::TryAgain,
            ),
            (409, "<html>", Fate::TryAgain),
            (429, "slow down", Fate::TryAgain),
            (500, "", Fate::TryAgain),
            (503, "<html>", Fate::TryAgain),
        ] {
            assert_eq!(
                refusal(status, None, body.as_bytes()).fate(),
                fate,
                "{status} {body}"
            );
        }
    }
}
