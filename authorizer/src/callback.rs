//! The one-shot listener for Dropbox's redirect: loopback only, the right path, method, host and state, a
//! deadline, then gone. Stray requests (a favicon, another tab, a port scanner, half a request) get their
//! refusal, or get no further than the [`door`], and disturb nothing.

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use shared::{oauth::REDIRECT_PORT, secret::Secret};
use tiny_http::{Header, Request, Response};
use url::Url;

use crate::{
    door,
    pages::{POLICY, Page},
};

/// Where the browser is sent, so that the code disappears from its address bar.
const CLEAN_PATH: &str = "/done";
/// How often a signal is looked for.
const GLANCE: Duration = Duration::from_millis(100);
/// How long the browser may take to fetch the final page.
const FETCH: Duration = Duration::from_secs(3);
/// How long the final page can still be reloaded after that.
const RELOAD: Duration = Duration::from_secs(2);

/// The listener.
pub struct Listener {
    requests: Receiver<Request>,
    interrupted: Arc<AtomicBool>,
}

/// What the redirect said.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Allowed.
    Code(Secret),
    /// Refused: RFC 6749's code, and words for people.
    Refused {
        /// `access_denied` is the Cancel button.
        error: String,
        /// Dropbox's words.
        description: String,
    },
    /// Meant for another login, or forged.
    WrongState,
    /// Has both a code and an error, or one of them twice.
    Malformed,
}

/// Why no answer came.
#[derive(Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The deadline passed.
    Timeout,
    /// Ctrl-C or SIGTERM, or the one who needs the answer is gone.
    Interrupted,
}

impl Listener {
    /// Listens on 127.0.0.1 and, where there is one, on `[::1]`: `localhost` may mean either. `interrupted` is set by signals.
    ///
    /// # Errors
    /// When the port is taken, or can't be listened on.
    pub fn bind(interrupted: Arc<AtomicBool>) -> io::Result<Self> {
        let mut listeners = vec![TcpListener::bind(SocketAddr::from((
            Ipv4Addr::LOCALHOST,
            REDIRECT_PORT,
        )))?];
        match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, REDIRECT_PORT))) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
            Err(_) => {} // no IPv6 here
        }
        let (sender, requests) = channel();
        for listener in listeners {
            let server = door::open(listener)?;
            let sender = sender.clone();
            thread::spawn(move || {
                for request in server.incoming_requests() {
                    if sender.send(request).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self {
            requests,
            interrupted,
        })
    }

    /// Waits for the redirect that carries `state`. The browser is sent on to a clean page, which waits for
    /// [`Listener::show`].
    ///
    /// # Errors
    /// When the deadline passes or `stop` is set.
    pub fn wait(&self, state: &Secret, deadline: Instant, stop: &AtomicBool) -> Result<Answer, NoAnswer> {
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(NoAnswer::Interrupted);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(NoAnswer::Timeout);
            }
            let request = match self.requests.recv_timeout(left.min(GLANCE)) {
                Ok(request) => request,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Err(NoAnswer::Timeout),
            };
            let Some(request) = admit(request) else { continue };
            match read_answer(request.url(), state) {
                Some(answer) => {
                    let clean = Response::empty(303).with_header(header("Location", CLEAN_PATH));
                    respond(request, clean);
                    return Ok(answer);
                }
                None => nothing_here(request),
            }
        }
    }

    /// Shows the final page to the browser, for as long as it takes to fetch it, and a moment for a reload.
    pub fn show(&self, page: Page<'_>) {
        let mut until = Instant::now() + FETCH;
        let mut shown = false;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if self.interrupted.load(Ordering::Relaxed) {
                return;
            }
            let Ok(request) = self.requests.recv_timeout(left.min(GLANCE)) else {
                continue;
            };
            let Some(request) = admit(request) else { continue };
            if request.url() != CLEAN_PATH {
                nothing_here(request);
                continue;
            }
            send_page(request, 200, page);
            if !shown {
                shown = true;
                until = Instant::now() + RELOAD;
            }
        }
    }
}

/// Answers what must not come in. A name other than this computer's own in `Host` is DNS rebinding.
fn admit(request: Request) -> Option<Request> {
    let host = request
        .headers()
        .iter()
        .find(|h| h.field.equiv("Host"))
        .map(|h| h.value.as_str().to_ascii_lowercase());
    let ours = [
        format!("localhost:{REDIRECT_PORT}"),
        format!("127.0.0.1:{REDIRECT_PORT}"),
        format!("[::1]:{REDIRECT_PORT}"),
    ];
    if host.is_some_and(|host| ours.contains(&host)) {
        return Some(request);
    }
    respond(request, Response::empty(421));
    None
}

/// Reads the redirect's query; nothing if it isn't one.
fn read_answer(target: &str, state: &Secret) -> Option<Answer> {
    let url = Url::parse("http://localhost/").ok()?.join(target).ok()?;
    let all = |name: &str| {
        url.query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect::<Vec<_>>()
    };
    let (codes, errors, states) = (all("code"), all("error"), all("state"));
    if url.path() != "/" || codes.len() + errors.len() + states.len() == 0 {
        return None;
    }
    if states.len() != 1 || Secret::new(states[0].clone()) != *state {
        return Some(Answer::WrongState);
    }
    Some(match (codes.as_slice(), errors.as_slice()) {
        ([code], []) if !code.is_empty() => Answer::Code(Secret::new(code.clone())),
        ([], [error]) => Answer::Refused {
            error: error.clone(),
            description: all("error_description").pop().unwrap_or_default(),
        },
        _ => Answer::Malformed,
    })
}

fn nothing_here(request: Request) {
    let page = Page {
        good: false,
        title: "Nothing to see here",
        text: "The authorizer waits for the answer from Dropbox. Go on in the tab that Dropbox opened in.",
        detail: None,
    };
    send_page(request, 404, page);
}

fn send_page(request: Request, status: u16, page: Page<'_>) {
    let response = Response::from_string(page.html())
        .with_status_code(status)
        .with_header(header("Content-Type", "text/html; charset=utf-8"));
    respond(request, response);
}

fn respond<R: io::Read>(request: Request, response: Response<R>) {
    let headers = [
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", POLICY),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Connection", "close"),
    ];
    let response = headers.iter().fold(response, |response, (name, value)| {
        response.with_header(header(name, value))
    });
    let _ = request.respond(response); // a browser that went away is no concern
}

fn header(name: &str, value: &str) -> Header {
    match Header::from_bytes(name, value) {
        Ok(header) => header,
        Err(()) => unreachable!("all names and values are ASCII literals"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_redirect_is_an_answer() {
        let state = Secret::new("s1");
        let refused = |error: &str, description: &str| Answer::Refused {
            error: error.into(),
            description: description.into(),
        };
        for (target, answer) in [
            ("/", None),
            ("/favicon.ico", None),
            ("/?x=1", None),
            ("/other?code=c&state=s1", None),
            ("//evil/?code=c&state=s1", Some(Answer::Code(Secret::new("c")))),
            ("/?code=c&state=s1", Some(Answer::Code(Secret::new("c")))),
            ("/?code=c&state=s2", Some(Answer::WrongState)),
            ("/?code=c", Some(Answer::WrongState)),
            ("/?code=c&state=s1&state=s1", Some(Answer::WrongState)),
            ("/?code=c&error=e&state=s1", Some(Answer::Malformed)),
            ("/?code=c&code=d&state=s1", Some(Answer::Malformed)),
            ("/?state=s1", Some(Answer::Malformed)),
            (
                "/?error=access_denied&error_description=no+way&state=s1",
                Some(refused("access_denied", "no way")),
            ),
        ] {
            assert_eq!(read_answer(target, &state), answer, "{target}");
        }
    }
}
