//! The HTTP side: connections, plain and TLS, and which part of the sandbox answers.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::json;
use tokio::net::TcpListener;

use super::answer::{json_response, plain};
use super::faults::Faults;
use super::network::{Network, ThrottledStream};
use super::record::{Entry, Record};
use super::routes::Host;
use super::state::State;
use super::{api, control, files, gate, pages};

/// The sandbox behind its sockets.
pub struct Server {
    /// What it knows.
    state: Mutex<State>,
    /// Who called what.
    pub record: Record,
    /// What is to go wrong.
    pub faults: Faults,
    /// What the network is like.
    pub network: Arc<Network>,
    /// Where it is reached without TLS.
    pub origin: String,
    connections: AtomicU64,
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Its number.
    pub number: u64,
    /// Whether it speaks TLS; control is for plain ones only.
    pub tls: bool,
}

/// The connection is to be cut.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cut the connection, as it was asked to")]
pub struct Cut;

/// An answer with what the record wants to know of it.
pub struct Answer {
    /// What goes back.
    pub response: Response<Body>,
    /// Bytes that came in.
    pub bytes_in: u64,
    /// Entries in it.
    pub entries: usize,
    /// What kind of error.
    pub tag: Option<String>,
}

impl From<Response<Body>> for Answer {
    fn from(response: Response<Body>) -> Self {
        Self {
            response,
            bytes_in: 0,
            entries: 0,
            tag: None,
        }
    }
}

impl Server {
    /// Puts a state behind sockets.
    pub fn new(state: State, origin: String) -> Self {
        Self {
            state: Mutex::new(state),
            record: Record::default(),
            faults: Faults::default(),
            network: Arc::default(),
            origin,
            connections: AtomicU64::new(0),
        }
    }

    /// The state, for one look or one change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers connections for ever.
    pub async fn listen(self: Arc<Self>, listener: TcpListener, tls: Option<Arc<rustls::ServerConfig>>) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let number = self.connections.fetch_add(1, Ordering::Relaxed);
            let server = Arc::clone(&self);
            let tls = tls.clone();
            tokio::spawn(async move {
                let connection = Connection {
                    number,
                    tls: tls.is_some(),
                };
                server.network.connect().await;
                let stream = ThrottledStream::new(stream, Arc::clone(&server.network));
                match tls {
                    None => server.connection(stream, connection).await,
                    Some(config) => {
                        if let Ok(stream) = tokio_rustls::TlsAcceptor::from(config).accept(stream).await {
                            server.connection(stream, connection).await;
                        }
                    }
                }
            });
        }
    }

    async fn connection<S>(self: Arc<Self>, stream: S, connection: Connection)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let service = service_fn(move |request| Arc::clone(&self).recorded(connection, request));
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().max_buf_size(1024 * 1024);
        builder
            .http2()
            .max_header_list_size(1024 * 1024)
            .initial_stream_window_size(8 << 20)
            .initial_connection_window_size(32 << 20);
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn recorded(
        self: Arc<Self>,
        connection: Connection,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Cut> {
        let at_ms = self.record.now_ms();
        let path = request.uri().path().to_owned();
        let (parts, body) = request.into_parts();
        let (host, version) = (gate::host(&parts), format!("{:?}", parts.version));
        let answer = self.answer(connection, &parts, body).await;
        if path.starts_with("/sandbox/") {
            return answer.map(|answer| answer.response);
        }
        let (status, bytes_in, entries, tag, bytes_out) = match &answer {
            Ok(a) => {
                let out = hyper::body::Body::size_hint(a.response.body())
                    .exact()
                    .or_else(|| promised(a.response.headers()))
                    .unwrap_or_default();
                (
                    a.response.status().as_u16(),
                    a.bytes_in,
                    a.entries,
                    a.tag.clone(),
                    out,
                )
            }
            Err(Cut) => (0, 0, 0, Some("cut".to_owned()), 0),
        };
        self.record.push(Entry {
            route: path.strip_prefix("/2/").unwrap_or(&path).to_owned(),
            host,
            status,
            entries,
            bytes_in,
            bytes_out,
            at_ms,
            took_ms: self.record.now_ms() - at_ms,
            connection: connection.number,
            version,
            tag,
        });
        answer.map(|answer| {
            let mut response = answer.response;
            let id = super::words::fresh(32);
            if let Ok(id) = http::HeaderValue::from_str(&id) {
                response.headers_mut().insert("x-dropbox-request-id", id);
            }
            response
        })
    }

    async fn answer(
        self: &Arc<Self>,
        connection: Connection,
        parts: &Parts,
        body: Incoming,
    ) -> Result<Answer, Cut> {
        let path = parts.uri.path();
        if let Some(command) = path.strip_prefix("/sandbox/")
            && !connection.tls
        {
            let body = collect(body).await;
            return Ok(control::run(self, command, &body).into());
        }
        let (limit, cuts) = {
            let state = self.state();
            (state.settings.header_limit, state.settings.header_cuts)
        };
        let size = gate::header_bytes(&parts.headers) + parts.uri.to_string().len();
        if size > limit && cuts {
            return Err(Cut);
        }
        if size > limit {
            return Ok(plain(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "text/plain",
                String::new(),
            )
            .into());
        }
        let role = gate::role(&gate::host(parts));
        let (web, api) = (
            matches!(role, None | Some(None)),
            matches!(role, None | Some(Some(Host::Api))),
        );
        match (parts.method.clone(), path) {
            (Method::GET, "/oauth2/authorize" | "/1/oauth2/authorize") if web => {
                Ok(self.authorize(parts).into())
            }
            (Method::POST, "/oauth2/authorize") if web => {
                let body = collect(body).await;
                Ok(self.decide(&body).into())
            }
            (Method::POST, "/oauth2/token" | "/1/oauth2/token") if api => self.token(parts, body).await,
            (_, path) if path.starts_with("/2/") => api::call(self, parts, body).await,
            (Method::GET, path) if path.starts_with("/temporary/") => Ok(self.temporary(path).into()),
            (Method::GET, path) if web && self.short(path).is_some() => Ok(self.lengthen(parts).into()),
            _ => Ok(plain(
                StatusCode::NOT_FOUND,
                "text/html",
                "<h1>Error (404)</h1>".to_owned(),
            )
            .into()),
        }
    }

    fn authorize(&self, parts: &Parts) -> Response<Body> {
        let query = parts.uri.query().unwrap_or_default();
        let state = self.state();
        let asked = pages::fields(query).and_then(|fields| state.oauth.read_request(&fields));
        match asked {
            Ok(request) => {
                let name = state
                    .accounts
                    .first()
                    .map(super::account::Account::display_name)
                    .unwrap_or_default();
                pages::consent(query, &name, &request)
            }
            Err(why) => pages::error(&why),
        }
    }

    fn decide(&self, body: &[u8]) -> Response<Body> {
        let form = pages::fields(&String::from_utf8_lossy(body)).unwrap_or_default();
        let query = form.get("request").cloned().unwrap_or_default();
        match self.press(&query, form.get("decision").is_some_and(|d| d == "allow")) {
            Err(why) => pages::error(&why),
            Ok((_, Some(to))) => pages::redirect(&to),
            Ok((Some(code), None)) => pages::code(&code),
            Ok((None, None)) => pages::cancelled(),
        }
    }

    /// Presses a button of the consent page for a query: the code, if allowed, and where the browser goes.
    ///
    /// # Errors
    /// With the sentence of the "Error (400)" page.
    pub fn press(&self, query: &str, allow: bool) -> Result<(Option<String>, Option<String>), String> {
        let mut state = self.state();
        let request = state.oauth.read_request(&pages::fields(query)?)?;
        if !allow {
            return Ok((
                None,
                pages::answer_url(&request, Err("The user chose not to give your app access.")),
            ));
        }
        let now = state.clock.now();
        let person = state.at_browser;
        let code = state.oauth.allow(request.clone(), person, now);
        let to = pages::answer_url(&request, Ok(&code));
        Ok((Some(code), to))
    }

    async fn token(&self, parts: &Parts, body: Incoming) -> Result<Answer, Cut> {
        if let Some(kind) = self.faults.next("oauth2/token")
            && let Some(answer) = api::before(self, "oauth2/token", &kind).await?
        {
            return Ok(answer);
        }
        let body = collect(body).await;
        // The token endpoint counts for itself.
        tokio::time::sleep_until(self.network.due("oauth2/token")).await;
        let refuse = |status, error: &str, why: &str| {
            let mut answer = Answer::from(json_response(
                status,
                &json!({"error": error, "error_description": why}),
            ));
            answer.tag = Some(error.to_owned());
            Ok(answer)
        };
        let kind = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        if kind.split(';').next() != Some("application/x-www-form-urlencoded") {
            return refuse(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "the body must be a form",
            );
        }
        let fields = match pages::fields(&String::from_utf8_lossy(&body)) {
            Ok(fields) => fields,
            Err(why) => return refuse(StatusCode::BAD_REQUEST, "invalid_request", &why),
        };
        let basic = basic(parts);
        let mut state = self.state();
        let now = state.clock.now();
        let ids: Vec<String> = state.accounts.iter().map(|account| account.id.clone()).collect();
        let id = |account: usize| ids.get(account).cloned().unwrap_or_default();
        match state.oauth.token(&fields, basic, id, now) {
            Ok(answer) => Ok(json_response(StatusCode::OK, &answer).into()),
            Err(why) => refuse(StatusCode::BAD_REQUEST, why.error, &why.description),
        }
    }

    /// Where a page sends browsers on to.
    fn short(&self, path: &str) -> Option<String> {
        self.state().short_links.get(path).cloned()
    }

    /// Sends a browser on. A login has no business here.
    fn lengthen(&self, parts: &Parts) -> Response<Body> {
        match self.short(parts.uri.path()) {
            Some(to) if !parts.headers.contains_key(AUTHORIZATION) => pages::redirect(&to),
            _ => plain(
                StatusCode::BAD_REQUEST,
                "text/plain",
                "a token on the web".to_owned(),
            ),
        }
    }

    fn temporary(&self, path: &str) -> Response<Body> {
        match files::links::follow(&self.state(), path.trim_start_matches("/temporary/")) {
            Some(content) => match content.read_all() {
                Ok(bytes) => Response::new(Body::from(bytes)),
                Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string()),
            },
            None => plain(StatusCode::GONE, "text/plain", String::new()),
        }
    }
}

/// Key and secret of a Basic header.
pub fn basic(parts: &Parts) -> Option<(String, String)> {
    let text = parts
        .headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    text.split_once(':')
        .map(|(key, secret)| (key.to_owned(), secret.to_owned()))
}

/// The length of a body that comes as a stream.
fn promised(headers: &http::HeaderMap) -> Option<u64> {
    headers
        .get(http::header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

async fn collect(body: Incoming) -> Vec<u8> {
    let limited = http_body_util::Limited::new(body, 16 << 20);
    limited
        .collect()
        .await
        .map(|body| body.to_bytes().to_vec())
        .unwrap_or_default()
}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
