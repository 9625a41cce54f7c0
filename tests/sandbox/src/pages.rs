//! The pages that a person sees: consent, the code to copy, and "Error (400)".

use axum::body::Body;
use http::header::LOCATION;
use http::{HeaderValue, Response, StatusCode};

use super::answer::plain;
use super::oauth::{Fields, Request};

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}\
button{font:inherit;padding:.5rem 1.5rem;margin-right:.5rem}code{font-size:1.1rem;word-break:break-all}";

fn page(status: StatusCode, title: &str, body: &str) -> Response<Body> {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{body}"
    );
    plain(status, "text/html; charset=utf-8", html)
}

/// Asks whether the app may.
pub fn consent(query: &str, name: &str, request: &Request) -> Response<Body> {
    let scopes: String = request
        .scopes
        .iter()
        .map(|scope| format!("<li>{}</li>", escape(scope)))
        .collect();
    let body = format!(
        "<p>Signed in as {}. <b>A registered app</b> would like to:</p><ul>{scopes}</ul>\
         <form method=post action=/oauth2/authorize><input type=hidden name=request value=\"{}\">\
         <button name=decision value=cancel>Cancel</button><button name=decision value=allow>Allow</button></form>",
        escape(name),
        escape(query),
    );
    page(StatusCode::OK, "Dropbox (sandbox)", &body)
}

/// Shows the code of a login without redirect.
pub fn code(code: &str) -> Response<Body> {
    let body = format!(
        "<p>Enter this code into the app to finish the process.</p><p><code id=code>{}</code></p>",
        escape(code)
    );
    page(StatusCode::OK, "Access code generated", &body)
}

/// The page after Cancel when there is nowhere to go back to.
pub fn cancelled() -> Response<Body> {
    page(StatusCode::OK, "Cancelled", "<p>The app was not connected.</p>")
}

/// Dropbox's page for requests that never reach the app.
pub fn error(why: &str) -> Response<Body> {
    let body = format!(
        "<p>It seems the app you were using submitted a bad request.</p><p>{}</p>",
        escape(why)
    );
    page(StatusCode::BAD_REQUEST, "Error (400)", &body)
}

/// Sends the browser on.
pub fn redirect(to: &str) -> Response<Body> {
    let mut response = plain(StatusCode::FOUND, "text/plain", String::new());
    if let Ok(value) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, value);
    }
    response
}

/// The address that ends a login: the redirect with code or error, and the state as it came.
pub fn answer_url(request: &Request, outcome: Result<&str, &str>) -> Option<String> {
    let mut url = url::Url::parse(request.redirect.as_deref()?).ok()?;
    {
        let mut query = url.query_pairs_mut();
        match outcome {
            Ok(code) => query.append_pair("code", code),
            Err(why) => query
                .append_pair("error_description", why)
                .append_pair("error", "access_denied"),
        };
        if let Some(state) = &request.state {
            query.append_pair("state", state);
        }
    }
    Some(url.into())
}

/// Fields of a query or a form, each name once.
///
/// # Errors
/// With the name that comes twice (RFC 6749 §3.1, §3.2).
pub fn fields(text: &str) -> Result<Fields, String> {
    let mut fields = Fields::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        if fields
            .insert(name.clone().into_owned(), value.into_owned())
            .is_some()
        {
            return Err(format!("The parameter {name} must not be repeated."));
        }
    }
    Ok(fields)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
