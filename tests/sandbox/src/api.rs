//! One call of `/2/…`: faults, body, gate, route, answer.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body as Out;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, RANGE,
};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};

use tokio::time::Instant;

use super::answer::{Failure, header_json, ok, plain};
use super::content::{Body, Content, Receiver};
use super::faults::Kind;
use super::files::links;
use super::files::list;
use super::files::read::{Asked, Download, own_path, range};
use super::gate;
use super::network::Refused;
use super::routes::{Act, Route, find};
use super::schema::check;
use super::server::{Answer, Cut, Server, basic};
use super::state::{Call, State};
use super::tree::Ns;

/// Most bytes of a body: 150 MiB.
const LARGEST: u64 = 150 * 1024 * 1024;
/// Most bytes of a body that is JSON.
const LARGEST_JSON: u64 = 8 * 1024 * 1024;
/// How much of a file goes out at a time.
const OUT_BYTES: usize = 256 * 1024;

/// Answers a call.
///
/// # Errors
/// When a fault asks for the connection to be cut.
pub async fn call(server: &Arc<Server>, parts: &Parts, body: Incoming) -> Result<Answer, Cut> {
    let name = parts.uri.path().trim_start_matches("/2/");
    let Some(route) = find(name) else {
        return Ok(refused(name, gate::unknown(name), 0));
    };
    let fault = server.faults.next(name);
    if let Some(kind) = &fault
        && let Some(answer) = before(server, name, kind).await?
    {
        drain(body).await;
        return Ok(answer);
    }
    if let Err(failure) = gate::form(parts, route) {
        drain(body).await;
        return Ok(refused(name, failure, 0));
    }
    let received = match receive(server, route, body, fault.as_ref()).await? {
        Ok(received) => received,
        Err(failure) => return Ok(refused(name, failure, 0)),
    };
    let received = match (&fault, route.act) {
        (Some(Kind::Flip), Act::Upload(_)) => match damaged(server, &received) {
            Ok(damaged) => damaged,
            Err(error) => return Ok(refused(name, Failure::internal(error), 0)),
        },
        _ => received,
    };
    let due = server.network.due(name);
    let answer = carry_out(server, parts, route, received, fault.as_ref(), due).await?;
    tokio::time::sleep_until(due).await;
    Ok(answer)
}

/// Carries out a call that has come whole.
///
/// # Errors
/// When the connection is to be cut.
async fn carry_out(
    server: &Arc<Server>,
    parts: &Parts,
    route: &Route,
    received: Body,
    fault: Option<&Kind>,
    due: Instant,
) -> Result<Answer, Cut> {
    let (name, bytes_in) = (route.name, received.content.len());
    let (spaces, entries) = written(server, parts, route, &received);
    let held = server.network.call(name, due, &spaces, entries).await;
    let _held = match held {
        Ok(held) => held,
        Err(Refused::Busy) => return Ok(refused(name, Failure::TooMany(None), bytes_in)),
        Err(Refused::TooMany(wait)) => return Ok(refused(name, Failure::TooMany(Some(wait)), bytes_in)),
    };
    let outcome = match route.act {
        Act::Longpoll => longpoll(server, parts, route, &received).await,
        _ => run(server, parts, route, received, fault),
    };
    if fault == Some(&Kind::CutAfter) {
        return Err(Cut);
    }
    Ok(match outcome {
        Ok(Outcome::Json(value)) => {
            let entries = value["entries"].as_array().map_or(0, Vec::len);
            let uploads = matches!(route.act, Act::Upload(_));
            let response = match fault {
                Some(Kind::Truncate) => cut_short(&value),
                Some(Kind::Flip) if !uploads => plain(
                    StatusCode::OK,
                    "application/json",
                    value.to_string().replacen(['{', 'n'], "z", 1),
                ),
                Some(Kind::Odd { entry }) => {
                    plain(StatusCode::OK, "application/json", with_odd(&value, entry))
                }
                _ => packed(parts, &value),
            };
            Answer {
                response,
                bytes_in,
                entries,
                tag: None,
            }
        }
        Ok(Outcome::File(download)) => Answer {
            response: file(parts, &download, fault),
            bytes_in,
            entries: 0,
            tag: None,
        },
        Err(failure) => refused(name, failure, bytes_in),
    })
}

enum Outcome {
    Json(Value),
    File(Box<Download>),
}

fn refused(name: &str, failure: Failure, bytes_in: u64) -> Answer {
    let tag = failure.tag();
    Answer {
        response: failure.into_response(name),
        bytes_in,
        entries: 0,
        tag,
    }
}

async fn drain(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// Faults that answer instead of the route.
///
/// # Errors
/// When the connection is to be cut.
pub async fn before(server: &Server, name: &str, kind: &Kind) -> Result<Option<Answer>, Cut> {
    let html = "<!doctype html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>";
    Ok(Some(match kind {
        Kind::Status { status, html: page } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let (kind, text) = if *page {
                ("text/html", html)
            } else {
                ("text/plain", "something went wrong")
            };
            plain(status, kind, text.to_owned()).into()
        }
        Kind::TooMany {
            retry_after: _,
            plain: true,
        } => plain(
            StatusCode::TOO_MANY_REQUESTS,
            "text/plain",
            "too many requests".into(),
        )
        .into(),
        Kind::TooMany { retry_after, .. } => {
            let mut answer = refused(name, Failure::TooMany(Some(retry_after.unwrap_or(1))), 0);
            if retry_after.is_none() {
                answer.response.headers_mut().remove(http::header::RETRY_AFTER);
            }
            answer
        }
        Kind::Contention => refused(name, Failure::TooMany(None), 0),
        Kind::Route { error } => refused(name, Failure::Route(error.clone()), 0),
        Kind::Access { error } => refused(name, Failure::Access(error.clone()), 0),
        Kind::CutBefore => return Err(Cut),
        Kind::Garbage => plain(StatusCode::OK, "application/json", "{\"entries\": [{]".into()).into(),
        Kind::Portal => plain(
            StatusCode::OK,
            "text/html",
            "<html><h1>Welcome to the hotel network</h1></html>".into(),
        )
        .into(),
        Kind::Stall { millis } => {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
            return Ok(None);
        }
        Kind::Answer {
            status,
            headers,
            body,
        } => invented(*status, headers, body).into(),
        Kind::Bomb { mebibytes } => bomb(*mebibytes).into(),
        Kind::Expire => {
            let mut state = server.state();
            let now = state.clock.now();
            state.oauth.expire(now);
            return Ok(None);
        }
        Kind::Revoke => {
            server.state().oauth.revoke_all();
            return Ok(None);
        }
        Kind::LoseSessions => {
            server.state().sessions.clear();
            return Ok(None);
        }
        Kind::ResetCursors => {
            server.state().cursors.values_mut().for_each(list::Cursor::kill);
            return Ok(None);
        }
        Kind::EndLinks => {
            server.state().shared_links.clear();
            return Ok(None);
        }
        Kind::Withdraw => {
            server.withdraw_all();
            return Ok(None);
        }
        Kind::Unmount => {
            server.unmount_all();
            return Ok(None);
        }
        Kind::CutDuring
        | Kind::CutAfter
        | Kind::Truncate
        | Kind::Flip
        | Kind::Drip { .. }
        | Kind::Odd { .. }
        | Kind::Entry { .. } => {
            return Ok(None);
        }
    }))
}

async fn receive(
    server: &Server,
    route: &Route,
    mut body: Incoming,
    fault: Option<&Kind>,
) -> Result<Result<Body, Failure>, Cut> {
    let upload = matches!(route.act, Act::Upload(_));
    let most = if upload { LARGEST } else { LARGEST_JSON };
    let store = Arc::clone(&server.state().store);
    let (mut receiver, mut len) = (Receiver::new(&store), 0_u64);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Cut) };
        let Some(data) = frame.data_ref() else { continue };
        if fault == Some(&Kind::CutDuring) {
            return Err(Cut);
        }
        len += data.len() as u64;
        if len > most {
            drain(body).await;
            let failure = if upload {
                Failure::Route(json!({".tag": "payload_too_large"}))
            } else {
                Failure::Bad("request body: too large".into())
            };
            return Ok(Err(failure));
        }
        if let Err(error) = receiver.push(data) {
            return Ok(Err(Failure::internal(error)));
        }
    }
    if fault == Some(&Kind::CutDuring) {
        return Err(Cut);
    }
    Ok(receiver.finish().map_err(Failure::internal))
}

fn argument(parts: &Parts, route: &Route, received: &Body) -> Result<Value, Failure> {
    let value = match route.act {
        Act::Upload(_) | Act::Download(_) => gate::header_argument(&parts.headers)?,
        _ => gate::body_argument(
            parts,
            route,
            &received.content.read_all().map_err(Failure::internal)?,
        )?,
    };
    let place = if matches!(route.act, Act::Upload(_) | Act::Download(_)) {
        "HTTP header \"Dropbox-API-Arg\""
    } else {
        "request body"
    };
    check(route.arg, value).map_err(|why| Failure::Bad(format!("{place}: {why}")))
}

/// A result, compressed where that is asked for and pays.
fn packed(parts: &Parts, value: &Value) -> Response<Out> {
    const WORTH: usize = 1400;
    let asked = parts
        .headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    let text = value.to_string();
    if !asked || text.len() < WORTH {
        return ok(value);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let Ok(packed) = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()) else {
        return ok(value);
    };
    let mut response = Response::new(Out::from(packed));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

/// An answer that no Dropbox gives.
fn invented(status: u16, headers: &[(String, String)], body: &str) -> Response<Out> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_string();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = plain(status, "application/json", body.replace("{n}", &number));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An answer that grows a thousandfold when it is unpacked.
fn bomb(mebibytes: usize) -> Response<Out> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let blanks = vec![b' '; 1 << 20];
    let packed = (0..mebibytes)
        .try_for_each(|_| encoder.write_all(&blanks))
        .and_then(|()| encoder.finish());
    let mut response = Response::new(Out::from(packed.unwrap_or_default()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

/// A listing's or search's answer with a text before its entries.
fn with_odd(value: &Value, entry: &str) -> String {
    let text = value.to_string();
    ["\"entries\":[", "\"matches\":["].iter().fold(text, |text, key| {
        text.replacen(&format!("{key}]"), &format!("{key}{entry}]"), 1)
            .replacen(&format!("{key}{{"), &format!("{key}{entry},{{"), 1)
    })
}

/// An answer that promises more than it brings.
fn cut_short(value: &Value) -> Response<Out> {
    let text = Bytes::from(value.to_string());
    let len = text.len();
    let pieces = [Ok(text.slice(..len / 2)), Err(std::io::Error::other("cut short"))];
    let mut response = Response::new(Out::from_stream(futures_util::stream::iter(pieces)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, len.into());
    response
}

/// What came in, with one bit wrong.
fn damaged(server: &Server, received: &Body) -> std::io::Result<Body> {
    let bytes = received.content.read_all()?;
    let middle = bytes.len() / 2;
    let store = Arc::clone(&server.state().store);
    Body::of(&store, &flipped(&bytes, middle))
}

/// Takes the first entry out of a batch, with its bytes.
fn without_first(arg: &mut Value, received: Body) -> Result<Body, Failure> {
    let Some(entries) = arg["entries"]
        .as_array_mut()
        .filter(|entries| !entries.is_empty())
    else {
        return Ok(received);
    };
    let first = entries.remove(0);
    let Some(length) = first["length"].as_u64() else {
        return Ok(received);
    };
    let content = received.content.cut(length, u64::MAX);
    let digests = content.digests().map_err(Failure::internal)?;
    if let Some(hash) = arg.as_object_mut() {
        hash.remove("content_hash");
    }
    Ok(Body { content, digests })
}

fn run(
    server: &Server,
    parts: &Parts,
    route: &Route,
    received: Body,
    fault: Option<&Kind>,
) -> Result<Outcome, Failure> {
    if let Act::App(act) = route.act {
        let known = basic(parts).is_some_and(|(key, secret)| {
            server
                .state()
                .oauth
                .apps
                .get(&key)
                .is_some_and(|app| app.secret == secret)
        });
        let arg = argument(parts, route, &received)?;
        return if known {
            act(&arg).map(Outcome::Json)
        } else {
            Err(Failure::Bad("Invalid app key or secret.".into()))
        };
    }
    let mut state = server.state();
    if let Act::Team(act) = route.act {
        gate::team(&state, &parts.headers, route)?;
        let arg = argument(parts, route, &received)?;
        return act(&state, &arg).map(Outcome::Json);
    }
    let call = gate::caller(&state, &parts.headers, route)?;
    let mut arg = argument(parts, route, &received)?;
    let received = match fault {
        Some(Kind::Entry { .. }) => without_first(&mut arg, received)?,
        _ => received,
    };
    let mut outcome = match route.act {
        Act::Rpc(act) => act(&mut state, &call, &arg).map(Outcome::Json),
        Act::Upload(act) => act(&mut state, &call, &arg, received).map(Outcome::Json),
        Act::Download(act) => {
            if !received.content.is_empty() {
                return Err(Failure::Bad("This API function takes no body.".into()));
            }
            act(&state, &call, &arg).map(|download| Outcome::File(Box::new(download)))
        }
        Act::Link => links::temporary(&mut state, &call, &arg, &server.origin).map(Outcome::Json),
        Act::Revoke => {
            state.oauth.revoke(&gate::token(&parts.headers));
            Ok(Outcome::Json(Value::Null))
        }
        Act::Longpoll | Act::App(_) | Act::Team(_) => Err(Failure::internal("answered elsewhere")),
    };
    state.announce();
    if let (Ok(Outcome::Json(value)), Some(Kind::Entry { error })) = (&mut outcome, fault)
        && let Some(entries) = value["entries"].as_array_mut()
    {
        entries.insert(0, json!({".tag": "failure", "failure": error}));
    }
    outcome
}

/// The namespaces that a call writes to, and with how many entries; the gate has still to look at it.
fn written(server: &Server, parts: &Parts, route: &Route, received: &Body) -> (BTreeSet<Ns>, usize) {
    if !server.network.locks(route.name) {
        return Default::default();
    }
    let state = server.state();
    let call = gate::caller(&state, &parts.headers, route);
    let (Ok(call), Ok(arg)) = (call, argument(parts, route, received)) else {
        return Default::default();
    };
    let mut paths = Vec::new();
    let entries = arg["entries"].as_array().or(arg["paths"].as_array());
    for one in entries.map_or(std::slice::from_ref(&arg), Vec::as_slice) {
        let commit = one.get("commit").unwrap_or(one);
        let path = ["path", "to_path", "from_path"]
            .iter()
            .find_map(|field| commit[*field].as_str());
        paths.extend(path.or(one.as_str()));
    }
    let spaces = paths
        .iter()
        .filter_map(|path| space(&state, &call, path))
        .collect();
    (spaces, entries.map_or(1, Vec::len))
}

fn space(state: &State, call: &Call, path: &str) -> Option<Ns> {
    own_path(state, call, path).map(|(ns, _)| ns)
}

async fn longpoll(
    server: &Server,
    parts: &Parts,
    route: &Route,
    received: &Body,
) -> Result<Outcome, Failure> {
    if parts.headers.contains_key(AUTHORIZATION) {
        return Err(Failure::Bad("This API function takes no Authorization.".into()));
    }
    let arg = argument(parts, route, received)?;
    let seconds = arg["timeout"].as_u64().unwrap_or(30);
    let mut changed = server.state().changed.subscribe();
    let wait = async {
        loop {
            changed.borrow_and_update();
            if list::poll(&server.state(), &arg)? {
                return Ok::<_, Failure>(true);
            }
            // The sender lives as long as the server; a cursor that was reset is noticed within a second.
            let _ = tokio::time::timeout(Duration::from_secs(1), changed.changed()).await;
        }
    };
    let changes = match tokio::time::timeout(Duration::from_secs(seconds), wait).await {
        Ok(result) => result?,
        Err(_) => false,
    };
    Ok(Outcome::Json(json!({"changes": changes})))
}

fn file(parts: &Parts, download: &Download, fault: Option<&Kind>) -> Response<Out> {
    let size = download.content.len();
    let header = parts.headers.get(RANGE).and_then(|value| value.to_str().ok());
    let header = header.filter(|_| !download.is_archive);
    let tag = format!("\"{}\"", download.tag);
    if !download.is_archive && parts.headers.get("if-none-match").and_then(|v| v.to_str().ok()) == Some(&tag)
    {
        return plain(StatusCode::NOT_MODIFIED, "text/plain", String::new());
    }
    let (status, part) = match range(header, size) {
        Asked::All => (StatusCode::OK, 0..size),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Asked::Nothing => {
            let mut response = plain(StatusCode::RANGE_NOT_SATISFIABLE, "text/plain", String::new());
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                response.headers_mut().insert(CONTENT_RANGE, value);
            }
            return response;
        }
    };
    let content = download.content.cut(part.start, part.end - part.start);
    let len = content.len();
    let mut response = Response::new(stream(content, fault));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut set = |name: http::HeaderName, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    };
    if download.is_archive {
        set(CONTENT_TYPE, "application/zip".into());
    } else {
        set(CONTENT_TYPE, "application/octet-stream".into());
        set(CONTENT_LENGTH, len.to_string());
        set(ACCEPT_RANGES, "bytes".into());
        set(ETAG, tag);
    }
    set(
        http::HeaderName::from_static("dropbox-api-result"),
        header_json(&download.result),
    );
    set(
        http::HeaderName::from_static("x-server-response-time"),
        "12".into(),
    );
    if status == StatusCode::PARTIAL_CONTENT {
        set(
            CONTENT_RANGE,
            format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1)),
        );
    }
    response
}

fn stream(content: Content, fault: Option<&Kind>) -> Out {
    let len = content.len();
    let (piece, pause) = match fault {
        Some(Kind::Drip { millis }) => (1024, Some(Duration::from_millis(*millis))),
        _ => (OUT_BYTES, None),
    };
    let stop = if fault == Some(&Kind::Truncate) {
        len / 2
    } else {
        len
    };
    let flip = (fault == Some(&Kind::Flip)).then_some(len / 2);
    let pieces = futures_util::stream::unfold(0_u64, move |at| {
        let content = content.clone();
        async move {
            if at >= len {
                return None;
            }
            if at >= stop {
                return Some((Err(std::io::Error::other("cut short")), len));
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            let most = piece.min(usize::try_from(stop - at).unwrap_or(piece));
            match content.read(at, most) {
                Ok(bytes) => {
                    let next = at + bytes.len() as u64;
                    let bytes = match flip {
                        Some(spot) if (at..next).contains(&spot) => {
                            flipped(&bytes, usize::try_from(spot - at).unwrap_or(0))
                        }
                        _ => bytes,
                    };
                    Some((Ok(bytes), next))
                }
                Err(error) => Some((Err(error), len)),
            }
        }
    });
    Out::from_stream(pieces)
}

fn flipped(bytes: &Bytes, at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    bytes.into()
}
