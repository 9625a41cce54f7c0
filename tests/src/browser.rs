//! A person at a browser without a screen: opens the consent page, presses a button, follows where it leads.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context as _;
use url::Url;

/// The answer to a request for a page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its address, after redirects.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: String,
}

/// Requests a page without following redirects: with GET, or with POST if there is a form.
///
/// # Errors
/// When there is no answer.
pub fn fetch(url: &Url, form: Option<&str>) -> anyhow::Result<Page> {
    let host = url.host_str().context("no host")?;
    let port = url.port_or_known_default().context("no port")?;
    // As browsers do: `localhost` is tried on both of its addresses.
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port))
        .with_context(|| format!("connecting to {host}:{port}"))?;
    send(stream, url, form)
}

fn send(mut stream: TcpStream, url: &Url, form: Option<&str>) -> anyhow::Result<Page> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let request = match form {
        None => format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        Some(form) => format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    };
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(url, &String::from_utf8_lossy(&answer))
}

fn read(url: &Url, answer: &str) -> anyhow::Result<Page> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .with_context(|| format!("no answer from {url}: {answer:?}"))?;
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .context("no status")?
        .parse()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Page {
        url: url.clone(),
        status,
        headers,
        body: body.to_owned(),
    })
}

/// Requests a page and follows redirects.
///
/// # Errors
/// When there is no answer.
pub fn visit(url: &Url, form: Option<&str>) -> anyhow::Result<Page> {
    let mut page = fetch(url, form)?;
    for _ in 0..10 {
        let Some(to) = page
            .headers
            .get("location")
            .filter(|_| (300..400).contains(&page.status))
        else {
            return Ok(page);
        };
        page = fetch(&page.url.join(to)?, None)?;
    }
    anyhow::bail!("too many redirects from {url}")
}

/// A button of the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Allows the login.
    Allow,
    /// Refuses the login.
    Cancel,
}

/// Opens a consent page, presses a button and follows where it leads.
///
/// # Errors
/// When it is no consent page, or there is no answer.
pub fn press(consent: &str, button: Button) -> anyhow::Result<Page> {
    let url = Url::parse(consent)?;
    let page = visit(&url, None)?;
    anyhow::ensure!(
        page.status == 200,
        "no consent page but {}: {}",
        page.status,
        page.body
    );
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("request", url.query().unwrap_or_default());
    form.append_pair(
        "decision",
        if button == Button::Allow {
            "allow"
        } else {
            "cancel"
        },
    );
    visit(&page.url.join("/oauth2/authorize")?, Some(&form.finish()))
}

/// Returns the address of the consent page in the output of a program.
///
/// # Errors
/// When there is none.
pub fn consent_address(text: &str) -> anyhow::Result<String> {
    let found = text
        .split_whitespace()
        .find(|word| word.contains("/oauth2/authorize?"));
    found
        .map(str::to_owned)
        .with_context(|| format!("no address in: {text}"))
}

/// Returns the code that the page of a login without redirect shows.
///
/// # Errors
/// When there is none.
pub fn shown_code(page: &Page) -> anyhow::Result<String> {
    let (_, rest) = page
        .body
        .split_once("<code id=code>")
        .context("no code on the page")?;
    Ok(rest.split('<').next().unwrap_or_default().to_owned())
}
