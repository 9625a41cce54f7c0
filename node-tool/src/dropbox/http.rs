//! The HTTP clients: one for JSON calls, one for content.
//!
//! Content travels over HTTP/1.1, a connection for each stream: over HTTP/2 all streams share one
//! connection's window (measured at 80 ms: 658 MiB/s against 50). Trust comes from the system's store
//! (SSL_CERT_FILE is honoured), proxies from HTTPS_PROXY and NO_PROXY.

use std::{io, time::Duration};

use reqwest::redirect;
use shared::endpoints::{Endpoints, Host};

use super::{Error, NetworkError};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(20);
/// Idle connections stay this long.
const IDLE: Duration = Duration::from_secs(60);

/// The way out.
#[derive(Clone, Debug)]
pub struct Http {
    calls: reqwest::Client,
    content: reqwest::Client,
    endpoints: Endpoints,
}

impl Http {
    /// Clients for `endpoints`.
    ///
    /// # Errors
    /// When no TLS can be set up, for example without any trusted certificate.
    pub fn new(endpoints: Endpoints) -> Result<Self, Error> {
        let common = || {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("node-tool/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .connect_timeout(CONNECT)
                .pool_idle_timeout(IDLE)
                .tcp_keepalive(Duration::from_secs(30))
                .tcp_nodelay(true);
            if endpoints.is_loopback() {
                builder.no_proxy()
            } else {
                builder
            }
        };
        let set_up = |error: reqwest::Error| {
            Error::Network(NetworkError::Connect {
                host: "Dropbox".into(),
                reason: innermost(&error),
            })
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
            endpoints,
        })
    }

    /// A POST to `path` on `host`.
    pub(super) fn post(&self, host: Host, path: &str) -> reqwest::RequestBuilder {
        let client = if host == Host::Content {
            &self.content
        } else {
            &self.calls
        };
        client.post(self.endpoints.url(host, path))
    }
}

/// What a failed send means.
pub(super) fn network_error(error: &reqwest::Error) -> Error {
    let host = error
        .url()
        .and_then(|u| u.host_str())
        .unwrap_or("Dropbox")
        .to_owned();
    Error::Network(if let Some(reason) = distrust(error) {
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

/// What is wrong with the certificate, if that is the matter.
fn distrust(error: &reqwest::Error) -> Option<String> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(tls @ rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return Some(tls.to_string());
        }
        // An I/O error stands for what it wraps, and skips it in its chain of sources.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// The deepest cause: the others only repeat it.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
