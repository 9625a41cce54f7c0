//! How connections are made and what goes with each call, beside what the environment says.

use std::net::IpAddr;

use reqwest::{
    Certificate, ClientBuilder, Identity, Proxy, RequestBuilder, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use shared::{cause::innermost, endpoints::Host};

/// Headers that calls set themselves: another value would break them, or have them mean other files.
const OWN_HEADERS: [&str; 8] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "range",
    "transfer-encoding",
];
/// What the names of Dropbox's own headers begin with: they say whose files a call means, and from which root.
const OWN_PREFIX: &str = "dropbox-";

/// The calls that a header goes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderOf {
    /// All calls.
    All,
    /// Those that send content.
    Uploads,
    /// Those that fetch content.
    Downloads,
}

/// How connections are made.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// What is trusted instead of the system's certificates. `None` if those are.
    certificates: Option<Vec<Certificate>>,
    identity: Option<Identity>,
    proxy: Option<Proxy>,
    local_address: Option<IpAddr>,
    headers: Vec<(HeaderOf, HeaderName, HeaderValue)>,
}

impl Connection {
    /// Trusts the certificates of a PEM file, and others that are given so, instead of the system's.
    ///
    /// # Errors
    /// When there is none in it; returns why.
    pub fn trust(&mut self, pem: &[u8]) -> Result<(), String> {
        let found = Certificate::from_pem_bundle(pem).map_err(|error| innermost(&error))?;
        if found.is_empty() {
            return Err("it contains no certificate in PEM format".into());
        }
        self.certificates.get_or_insert_default().extend(found);
        Ok(())
    }

    /// Identifies itself to servers and proxies that ask for it by a certificate, with its private key, both in PEM format.
    ///
    /// # Errors
    /// When one of them can't be read, as is an encrypted key; returns why.
    pub fn identify(&mut self, certificate: &[u8], key: &[u8]) -> Result<(), String> {
        let both = [certificate, b"\n", key].concat();
        self.identity = Some(Identity::from_pem(&both).map_err(|error| innermost(&error))?);
        Ok(())
    }

    /// Connects by a proxy, such as `http://proxy.example.org:3128`, whatever the environment says.
    ///
    /// # Errors
    /// When it is no such address; returns why, without the address: it may hold a password.
    pub fn use_proxy(&mut self, address: &str) -> Result<(), String> {
        let address = proxy_address(address)?;
        self.proxy = Some(Proxy::all(address).map_err(|error| innermost(&error))?);
        Ok(())
    }

    /// Connects from an address of this machine.
    pub fn bind(&mut self, address: IpAddr) {
        self.local_address = Some(address);
    }

    /// Sends a header with calls.
    ///
    /// # Errors
    /// When its name or value can't be a header's, or calls set it themselves; returns why, without the value: it may be a secret.
    pub fn send(&mut self, with: HeaderOf, name: &str, value: &str) -> Result<(), String> {
        let invalid = || format!("'{name}' can't be the name of a header");
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        if OWN_HEADERS.contains(&known.as_str()) || known.as_str().starts_with(OWN_PREFIX) {
            return Err(format!("calls set the header {name} themselves"));
        }
        let value = HeaderValue::from_str(value);
        let mut value =
            value.map_err(|_| format!("the value of {name} has a character that no header can have"))?;
        value.set_sensitive(true);
        self.headers.push((with, known, value));
        Ok(())
    }

    /// Returns whether it names a proxy.
    pub(crate) fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    /// Sets up a client.
    pub(crate) fn set_up(&self, mut builder: ClientBuilder) -> ClientBuilder {
        if let Some(certificates) = &self.certificates {
            builder = builder.tls_certs_only(certificates.iter().cloned());
        }
        if let Some(identity) = &self.identity {
            builder = builder.identity(identity.clone());
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        builder.local_address(self.local_address)
    }

    /// Adds the headers of a call.
    pub(crate) fn add_headers(&self, mut request: RequestBuilder, host: Host, path: &str) -> RequestBuilder {
        let mut headers = HeaderMap::new();
        for (with, name, value) in &self.headers {
            if is_of(*with, host, path) {
                headers.insert(name.clone(), value.clone());
            }
        }
        if !headers.is_empty() {
            request = request.headers(headers);
        }
        request
    }
}

/// Returns whether a header goes with a call.
fn is_of(with: HeaderOf, host: Host, path: &str) -> bool {
    let is_upload = path.contains("/upload");
    match with {
        HeaderOf::All => true,
        HeaderOf::Uploads => host == Host::Content && is_upload,
        HeaderOf::Downloads => host == Host::Content && !is_upload,
    }
}

/// Returns the address of a proxy, with its kind.
///
/// # Errors
/// When it is of a kind that can't be used, or no address; returns why, without the address.
pub(crate) fn proxy_address(text: &str) -> Result<Url, String> {
    let scheme = text.split_once("://").map_or("http", |(scheme, _)| scheme);
    if !["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Err(format!(
            "names a proxy of the kind '{scheme}'; only http:// and https:// can be used"
        ));
    }
    let address = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    let url = Url::parse(&address).ok().filter(Url::has_host);
    url.ok_or_else(|| "is not an address such as http://proxy.example.org:3128".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, answer};

    #[test]
    fn headers_go_with_their_calls() {
        for (with, host, path, is) in [
            (HeaderOf::All, Host::Api, "/2/files/list_folder", true),
            (HeaderOf::All, Host::Content, "/2/files/upload", true),
            (
                HeaderOf::Uploads,
                Host::Content,
                "/2/files/upload_session/append_v2",
                true,
            ),
            (
                HeaderOf::Uploads,
                Host::Api,
                "/2/files/upload_session/finish_batch_v2",
                false,
            ),
            (HeaderOf::Uploads, Host::Content, "/2/files/download", false),
            (HeaderOf::Downloads, Host::Content, "/2/files/download_zip", true),
            (HeaderOf::Downloads, Host::Content, "/2/files/upload", false),
            (HeaderOf::Downloads, Host::Api, "/2/files/list_folder", false),
        ] {
            assert_eq!(is_of(with, host, path), is, "{with:?} {path}");
        }
    }

    /// Makes a call to a server.
    async fn call(server: &Server, connection: Connection) -> reqwest::Result<reqwest::Response> {
        let http = server.http.clone().with_connection(connection);
        let request = http.post(Host::Content, "/2/files/upload").unwrap();
        request.send().await
    }

    #[tokio::test]
    async fn headers_and_calls_by_a_proxy_arrive() {
        let server = Server::start([answer(200, "{}")]).await;
        let mut connection = Connection::default();
        for (with, name) in [
            (HeaderOf::All, "X-All"),
            (HeaderOf::Uploads, "X-Up"),
            (HeaderOf::Downloads, "X-Down"),
        ] {
            connection.send(with, name, "1").unwrap();
        }
        call(&server, connection).await.unwrap();
        let asked = &server.requests()[0];
        assert_eq!(
            ["x-all", "x-up", "x-down"].map(|name| asked.header(name).is_some()),
            [true, true, false]
        );

        let (server, proxy) = (Server::start([]).await, Server::start([answer(200, "{}")]).await);
        let mut connection = Connection::default();
        connection.use_proxy(&proxy.origin).unwrap();
        call(&server, connection).await.unwrap();
        let asked = format!("{}/2/files/upload", server.origin);
        assert_eq!(
            (server.asked().len(), proxy.requests()[0].path.clone()),
            (0, asked)
        );
    }

    #[tokio::test]
    async fn a_call_comes_from_the_address_that_is_named() {
        let server = Server::start([answer(200, "{}"), answer(200, "{}")]).await;
        for (address, works) in [("127.0.0.1", true), ("192.0.2.1", false)] {
            let mut connection = Connection::default();
            connection.bind(address.parse().unwrap());
            // Clients are set up once.
            let server = match works {
                true => &server,
                false => &Server::start([answer(200, "{}")]).await,
            };
            assert_eq!(call(server, connection).await.is_ok(), works, "{address}");
        }
    }

    #[test]
    fn headers_that_calls_need_and_those_that_are_none_are_refused_without_their_values() {
        let mut connection = Connection::default();
        for (name, value) in [
            ("Authorization", "Bearer SECRET"),
            ("dropbox-api-arg", "SECRET"),
            ("Dropbox-API-Select-User", "SECRET"),
            ("HOST", "SECRET"),
            ("a b", "SECRET"),
            ("", "SECRET"),
            ("X-A", "SECRET\n"),
        ] {
            let why = connection.send(HeaderOf::All, name, value).unwrap_err();
            assert!(!why.contains("SECRET"), "{why}");
        }
        connection.send(HeaderOf::All, "X-Project", "SECRET").unwrap();
        assert!(!format!("{connection:?}").contains("SECRET"));
    }

    #[test]
    fn files_without_a_certificate_and_proxies_of_other_kinds_are_refused() {
        let mut connection = Connection::default();
        assert!(connection.trust(b"no certificate").is_err());
        assert!(connection.identify(b"x", b"y").is_err());
        for wrong in ["socks5://u:SECRET@x", "http://", "http://u:SECRET@x:port"] {
            let why = connection.use_proxy(wrong).unwrap_err();
            assert!(!why.contains("SECRET"), "{why}");
        }
        connection.use_proxy("proxy:3128").unwrap();
        assert!(connection.has_proxy());
    }
}
