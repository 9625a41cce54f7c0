//! What goes back: results and every kind of refusal, in the forms that Dropbox uses.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a route gives back.
pub type Reply = Result<Value, Failure>;

/// Why a call is refused.
#[derive(Clone, Debug)]
pub enum Failure {
    /// 400 with a sentence.
    Bad(String),
    /// 401 with an AuthError.
    Auth(Value),
    /// 403 with an AccessError.
    Access(Value),
    /// 409 with the route's error.
    Route(Value),
    /// 422 with a PathRootError.
    PathRoot(Value),
    /// 429; the wait, in seconds, only for too many requests.
    TooMany(Option<u64>),
    /// Anything else as it stands.
    Plain(StatusCode, &'static str, String),
}

impl Failure {
    /// A route's error of an official type.
    pub fn route<E: Serialize>(error: &E) -> Self {
        match wire(error) {
            Ok(value) => Self::Route(value),
            Err(failure) => failure,
        }
    }

    /// A plain fault of ours.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        Self::Plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain",
            format!("sandbox: {why}"),
        )
    }

    /// The status, and the tag that says most, for the record.
    pub fn tag(&self) -> Option<String> {
        match self {
            Self::Auth(error) | Self::Access(error) | Self::Route(error) | Self::PathRoot(error) => {
                Some(tags(error).join("/"))
            }
            Self::TooMany(Some(_)) => Some("too_many_requests".into()),
            Self::TooMany(None) => Some("too_many_write_operations".into()),
            Self::Bad(why) => Some(why.clone()),
            Self::Plain(..) => None,
        }
    }

    /// The answer.
    pub fn into_response(self, route: &str) -> Response<Body> {
        match self {
            Self::Bad(why) => {
                let text = format!("Error in call to API function \"{route}\": {why}");
                plain(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", text)
            }
            Self::Auth(error) => coded(StatusCode::UNAUTHORIZED, &error),
            Self::Access(error) => coded(StatusCode::FORBIDDEN, &error),
            Self::Route(error) => coded(StatusCode::CONFLICT, &error),
            Self::PathRoot(error) => coded(StatusCode::UNPROCESSABLE_ENTITY, &error),
            Self::TooMany(wait) => {
                let error = match wait {
                    Some(seconds) => json!({"reason": {".tag": "too_many_requests"}, "retry_after": seconds}),
                    None => json!({"reason": {".tag": "too_many_write_operations"}}),
                };
                let mut response = coded(StatusCode::TOO_MANY_REQUESTS, &error);
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, wait.unwrap_or(0).into());
                response
            }
            Self::Plain(status, kind, body) => plain(status, kind, body),
        }
    }
}

/// A value of an official type as Dropbox sends it: defaults that the crate leaves out are there.
///
/// # Errors
/// When the type can't be written, which is a fault of the sandbox.
pub fn wire<T: Serialize>(value: &T) -> Reply {
    let mut value = serde_json::to_value(value).map_err(Failure::internal)?;
    fill(&mut value);
    Ok(value)
}

/// The real service writes these fields out, and clients in Go rely on it.
fn fill(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(fill),
        Value::Object(fields) => {
            fields.values_mut().for_each(fill);
            if fields.contains_key("server_modified") && fields.contains_key("rev") {
                fields.entry("is_downloadable").or_insert(Value::Bool(true));
            }
            if fields.get(".tag").is_some_and(|tag| tag == "folder")
                || fields.contains_key("shared_folder_id")
            {
                fill_folder(fields);
            }
        }
        _ => {}
    }
}

fn fill_folder(fields: &mut Map<String, Value>) {
    if let Some(Value::Object(info)) = fields.get_mut("sharing_info") {
        info.entry("traverse_only").or_insert(Value::Bool(false));
        info.entry("no_access").or_insert(Value::Bool(false));
    }
}

/// A result.
pub fn ok(value: &Value) -> Response<Body> {
    json_response(StatusCode::OK, value)
}

/// JSON with a status.
pub fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    plain(status, "application/json", value.to_string())
}

/// Text with a status.
pub fn plain(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

fn coded(status: StatusCode, error: &Value) -> Response<Body> {
    json_response(status, &json!({"error": error, "error_summary": summary(error)}))
}

/// The summary for people: all tags, and some dots so that nobody relies on it.
fn summary(error: &Value) -> String {
    static DOTS: AtomicUsize = AtomicUsize::new(0);
    let dots = [".", "..", "", "..."][DOTS.fetch_add(1, Ordering::Relaxed) % 4];
    let mut out = String::new();
    for tag in tags(error) {
        let _ = write!(out, "{tag}/");
    }
    out + dots
}

fn tags(error: &Value) -> Vec<&str> {
    let mut out = Vec::new();
    let mut at = error
        .get(".tag")
        .is_none()
        .then(|| error.get("reason"))
        .flatten()
        .unwrap_or(error);
    while let Some(tag) = at.get(".tag").and_then(Value::as_str) {
        out.push(tag);
        let inner = at
            .get(tag)
            .filter(|inner| inner.is_object())
            .or_else(|| at.get("reason"));
        match inner {
            Some(inner) => at = inner,
            None => break,
        }
    }
    out
}

/// JSON as a header may carry it: printable ASCII.
pub fn header_json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if (' '..='~').contains(&c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_name_every_tag() {
        let nested = json!({".tag": "path", "path": {".tag": "conflict", "conflict": {".tag": "folder"}}});
        assert!(summary(&nested).starts_with("path/conflict/folder/"));
        let beside =
            json!({".tag": "path", "reason": {".tag": "insufficient_space"}, "upload_session_id": "x"});
        assert!(summary(&beside).starts_with("path/insufficient_space/"));
        let rate = json!({"reason": {".tag": "too_many_requests"}, "retry_after": 1});
        assert!(summary(&rate).starts_with("too_many_requests/"));
    }

    #[test]
    fn headers_are_ascii() {
        assert_eq!(
            header_json(&json!({"a": "ü😀\u{7f}\n"})),
            r#"{"a":"\u00fc\ud83d\ude00\u007f\n"}"#
        );
    }
}
