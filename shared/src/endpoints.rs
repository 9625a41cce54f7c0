//! Dropbox's hosts, and the one way to replace them: an origin that takes the place of all.
//!
//! Source: Dropbox HTTP documentation, "API endpoints"; `dropbox-api-spec`, the routes' `host` attribute.

use url::{Host as UrlHost, Url};

/// The environment variable for an origin that takes the place of all of Dropbox's hosts.
pub const ORIGIN_VARIABLE: &str = "DROPBOX_URL";

/// A Dropbox host, by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Serves pages for people: the authorize page.
    Web,
    /// Serves calls with JSON in and out, and the token endpoint.
    Api,
    /// Serves calls that carry file content.
    Content,
    /// Serves long polling.
    Notify,
    /// Redirects from short links to others.
    Short,
}

/// Where requests go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    origin: Option<Url>,
}

/// Why an origin is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OriginError {
    /// It is not an address.
    #[error("{ORIGIN_VARIABLE} is '{0}', which is not an address such as https://dropbox.example")]
    NotAnAddress(String),
    /// It would send tokens over a network without encryption.
    #[error(
        "{ORIGIN_VARIABLE} is '{0}': it must be https, or http to this computer (localhost), since tokens travel there"
    )]
    Insecure(String),
    /// It has a path, a query, or credentials.
    #[error("{ORIGIN_VARIABLE} is '{0}': give scheme, host and port only")]
    NotAnOrigin(String),
}

impl Endpoints {
    /// Returns Dropbox's own hosts, or `origin` in the place of all of them.
    ///
    /// # Errors
    /// When `origin` isn't a bare origin that is https or loopback.
    pub fn new(origin: Option<&str>) -> Result<Self, OriginError> {
        let Some(text) = origin.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Self::default());
        };
        let url = Url::parse(text).map_err(|_| OriginError::NotAnAddress(text.into()))?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if url.host().is_none() {
            return Err(OriginError::NotAnAddress(text.into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::NotAnOrigin(
                "(hidden: it contains a password)".into(),
            ));
        }
        if !secure {
            return Err(OriginError::Insecure(text.into()));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::NotAnOrigin(text.into()));
        }
        Ok(Self { origin: Some(url) })
    }

    /// Returns the address of `path` (which starts with a slash) on `host`.
    pub fn url(&self, host: Host, path: &str) -> String {
        let base = match (&self.origin, host) {
            (Some(origin), _) => origin.as_str().trim_end_matches('/'),
            (None, Host::Web) => "https://www.dropbox.com",
            (None, Host::Api) => "https://api.dropboxapi.com",
            (None, Host::Content) => "https://content.dropboxapi.com",
            (None, Host::Notify) => "https://notify.dropboxapi.com",
            (None, Host::Short) => "https://db.tt",
        };
        format!("{base}{path}")
    }

    /// Returns whether requests stay on this computer. Proxies don't apply to them then.
    pub fn is_loopback(&self) -> bool {
        self.origin.as_ref().is_some_and(is_loopback)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Ipv4(ip)) => ip.is_loopback(),
        Some(UrlHost::Ipv6(ip)) => ip.is_loopback(),
        Some(UrlHost::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_host() {
        let real = Endpoints::new(None).unwrap();
        assert_eq!(
            real.url(Host::Web, "/oauth2/authorize"),
            "https://www.dropbox.com/oauth2/authorize"
        );
        assert_eq!(
            real.url(Host::Content, "/2/files/upload"),
            "https://content.dropboxapi.com/2/files/upload"
        );
        assert_eq!(Endpoints::new(Some("")).unwrap(), real);
    }

    #[test]
    fn an_origin_takes_the_place_of_all() {
        let local = Endpoints::new(Some("http://127.0.0.1:8080/")).unwrap();
        assert_eq!(local.url(Host::Notify, "/2/x"), "http://127.0.0.1:8080/2/x");
        assert!(local.is_loopback());
        assert!(!Endpoints::new(Some("https://example.org")).unwrap().is_loopback());
    }

    #[test]
    fn insecure_or_odd_origins_are_refused() {
        for bad in [
            "http://example.org",
            "ftp://localhost",
            "http://localhost.example.org",
            "nonsense",
            "https://a/b",
            "https://u:p@a",
            "http://10.0.0.1",
        ] {
            assert!(Endpoints::new(Some(bad)).is_err(), "{bad}");
        }
        for good in ["http://localhost:1", "http://[::1]:1", "https://a"] {
            assert!(Endpoints::new(Some(good)).is_ok(), "{good}");
        }
    }
}
