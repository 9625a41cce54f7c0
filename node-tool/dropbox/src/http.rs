//! The HTTP clients: one for JSON calls, one for content.
//!
//! Content travels over HTTP/1.1, a connection for each stream: over HTTP/2 all streams share one
//! connection's window (measured at 80 ms: 658 MiB/s against 50). Trust comes from the system's store
//! (SSL_CERT_FILE is honoured), proxies from HTTPS_PROXY and NO_PROXY.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::redirect;
use shared::{
    cause::{self, innermost},
    endpoints::{Endpoints, Host},
    trust,
};

use crate::{
    Error, NetworkError,
    connection::{Connection, proxy_address},
    limit::stall::STALL_TIMEOUT,
};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// What is no limit.
const FOREVER: Duration = Duration::from_secs(30 * 86400);
/// How long idle connections are kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The HTTP connections of a program. They are set up for the first call, so that what needs no connection needs no certificates
/// either. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct Http {
    clients: Arc<OnceLock<Result<Clients, Error>>>,
    endpoints: Endpoints,
    user_agent: String,
    timeouts: Timeouts,
    connection: Arc<Connection>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Timeouts {
    /// Opening a connection.
    connect: Duration,
    /// A call in which nothing moves.
    stall: Duration,
}

#[derive(Clone, Debug)]
struct Clients {
    calls: reqwest::Client,
    content: reqwest::Client,
}

impl Http {
    /// Connects to `endpoints`, for a program that calls itself `user_agent`, such as `my-program/1.0`.
    pub fn new(endpoints: Endpoints, user_agent: impl Into<String>) -> Self {
        Self {
            clients: Arc::default(),
            endpoints,
            user_agent: user_agent.into(),
            timeouts: Timeouts {
                connect: CONNECT_TIMEOUT,
                stall: STALL_TIMEOUT,
            },
            connection: Arc::default(),
        }
    }

    /// Sets how connections are made. Counts only before the first call.
    #[must_use]
    pub fn with_connection(mut self, connection: Connection) -> Self {
        self.connection = Arc::new(connection);
        self
    }

    /// Sets how long nothing may move in a call, and how long a connection may take to open. `None` is the default, and zero is
    /// no limit. Counts only before the first call.
    #[must_use]
    pub fn with_timeouts(mut self, stall: Option<Duration>, connect: Option<Duration>) -> Self {
        let given = |timeout: Duration| if timeout.is_zero() { FOREVER } else { timeout };
        self.timeouts = Timeouts {
            connect: connect.map_or(CONNECT_TIMEOUT, given),
            stall: stall.map_or(STALL_TIMEOUT, given),
        };
        self
    }

    /// Returns how long nothing may move in a call.
    pub(crate) fn stall_timeout(&self) -> Duration {
        self.timeouts.stall
    }

    /// Returns a POST to `path` on `host`.
    ///
    /// # Errors
    /// When no secure connections can be set up, for example without any trusted certificate, or the proxy is of a kind that
    /// can't be used.
    pub(crate) fn post(&self, host: Host, path: &str) -> Result<reqwest::RequestBuilder, Error> {
        let clients = self.clients()?;
        let client = if host == Host::Content {
            &clients.content
        } else {
            &clients.calls
        };
        let request = client.post(self.endpoints.url(host, path));
        Ok(self.connection.add_headers(request, host, path))
    }

    /// Returns where a page sends a browser on to. `None` if it does not. Nothing that belongs to a login is sent.
    ///
    /// # Errors
    /// When it can't be asked, or is busy.
    pub(crate) async fn location(&self, host: Host, path: &str) -> Result<Option<String>, Error> {
        let page = self.clients()?.calls.get(self.endpoints.url(host, path));
        let page = self.connection.add_headers(page, host, path);
        let answer = page.timeout(self.stall_timeout()).send().await;
        let answer = answer.map_err(|error| network_error(&error))?;
        let status = answer.status();
        if status.is_server_error() {
            let (status, after) = (status.as_u16(), None);
            return Err(Error::Server { status, after });
        }
        let location = answer.headers().get(reqwest::header::LOCATION);
        let location = location.filter(|_| status.is_redirection());
        Ok(location
            .and_then(|location| location.to_str().ok())
            .map(str::to_owned))
    }

    fn clients(&self) -> Result<&Clients, Error> {
        let clients = self.clients.get_or_init(|| Clients::new(self));
        clients.as_ref().map_err(Clone::clone)
    }
}

impl Clients {
    fn new(http: &Http) -> Result<Self, Error> {
        let is_loopback = http.endpoints.is_loopback();
        if let Some(problem) = proxy_problem(|name| std::env::var(name).ok())
            && !is_loopback
            && !http.connection.has_proxy()
        {
            return Err(Error::Network(NetworkError::Proxy(problem)));
        }
        let common = || {
            let builder = reqwest::Client::builder()
                .user_agent(&http.user_agent)
                .redirect(redirect::Policy::none())
                .connect_timeout(http.timeouts.connect)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .tcp_keepalive(Duration::from_secs(30))
                .tcp_nodelay(true);
            http.connection
                .set_up(if is_loopback { builder.no_proxy() } else { builder })
        };
        let set_up = |error: reqwest::Error| {
            let certificates = std::env::var(trust::CERTIFICATES_VARIABLE).ok();
            let reason = innermost(&error);
            let reason = if reason.contains("certificate") {
                trust::why_no_certificates(certificates.as_deref())
            } else {
                reason
            };
            Error::Network(NetworkError::NoTls(reason))
        };
        Ok(Self {
            // An answer's header may hold a whole FileMetadata.
            calls: common()
                .http2_max_header_list_size(64 * 1024)
                .build()
                .map_err(set_up)?,
            content: common()
                .http1_only()
                .no_gzip() // lengths and ranges are those of the bytes themselves
                .pool_max_idle_per_host(128)
                .build()
                .map_err(set_up)?,
        })
    }
}

/// Returns what is wrong with the proxy that the environment names, if anything. One of a foreign kind would silently not be used, and
/// connections past it end in nothing. Its address is not repeated: it may hold a password.
fn proxy_problem(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name: &&&str| variable(name).is_some_and(|value| !value.is_empty());
    let none = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| variable(name))
        .unwrap_or_default();
    if none
        .split(',')
        .any(|host| host.trim() == "*" || host.contains("dropbox"))
    {
        return None;
    }
    let name = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .find(set)?;
    let value = variable(name)?;
    let problem = proxy_address(&value).err()?;
    Some(format!("{name} {problem}"))
}

/// Returns how the proxy refused, if that is why an error came.
fn refused_by_proxy(error: &reqwest::Error) -> Option<String> {
    // The type isn't public.
    cause::chain(error).find_map(|error| match error.to_string().as_str() {
        "tunnel error: proxy authorization required" => Some("it wants a login (HTTP 407)".into()),
        "tunnel error: unsuccessful" => Some("it refuses connections to Dropbox".into()),
        _ => None,
    })
}

/// Returns what a request means that could not be sent, or whose answer could not be read.
pub(crate) fn network_error(error: &reqwest::Error) -> Error {
    let host = error
        .url()
        .and_then(|u| u.host_str())
        .unwrap_or("Dropbox")
        .to_owned();
    // Nothing was sent, and nothing will be: a header with a character that no header can have, for example.
    if error.is_builder() {
        return Error::BadRequest(format!("it can't be sent ({})", innermost(error)));
    }
    if let Some(reason) = refused_by_proxy(error) {
        return Error::Network(NetworkError::Proxy(reason));
    }
    Error::Network(if let Some(reason) = bad_certificate(error) {
        NetworkError::Untrusted { host, reason }
    } else if error.is_connect() {
        NetworkError::Connect {
            host,
            reason: innermost(error),
        }
    } else if error.is_timeout() {
        NetworkError::Timeout(host)
    } else {
        NetworkError::Broken {
            host,
            reason: innermost(error),
        }
    })
}

/// Returns what is wrong with the certificate; `None` if something else is wrong.
fn bad_certificate(error: &reqwest::Error) -> Option<String> {
    match cause::find(error)? {
        tls @ rustls::Error::InvalidCertificate(_) => Some(tls.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_cannot_be_used_is_found_before_it_is_tried() {
        for (set, words) in [
            (
                vec![("HTTPS_PROXY", "socks5://u:secret@proxy:1080")],
                Some("socks5"),
            ),
            (vec![("all_proxy", "ftp://proxy:21")], Some("ftp")),
            (
                vec![("https_proxy", "http://")],
                Some("https_proxy is not an address"),
            ),
            (
                vec![("https_proxy", "http://proxy:notaport")],
                Some("not an address"),
            ),
            (
                vec![("HTTPS_PROXY", "http://proxy:3128"), ("all_proxy", "ftp://x")],
                None,
            ),
            (vec![("HTTPS_PROXY", "proxy:3128")], None),
            (vec![("HTTPS_PROXY", "HTTPS://proxy:3128")], None),
            (vec![("HTTPS_PROXY", "")], None),
            (
                vec![("HTTPS_PROXY", "socks5://x"), ("NO_PROXY", ".local, *")],
                None,
            ),
            (vec![("HTTP_PROXY", "socks5://x")], None),
            (vec![], None),
        ] {
            let problem = proxy_problem(|name| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            match words {
                None => assert_eq!(problem, None, "{set:?}"),
                Some(words) => {
                    let problem = problem.unwrap();
                    assert!(
                        problem.contains(words) && !problem.contains("secret"),
                        "{problem}"
                    );
                }
            }
        }
    }
}
