//! The one-shot listener for Dropbox's redirect: loopback only, the right path, method, host and state, a
//! deadline, then gone. Stray requests (a favicon, another tab, a page that guesses, a port scanner, half a request) get their
//! answer, or get no further than the [`door`], and disturb nothing: only who knows the state can end the waiting.
//!
//! A thread of its own answers, so that strays are served at all times; what matters is told to the one who waits.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use shared::{exit, failure::Failure, oauth::REDIRECT_PORT, secret::Secret};
use tiny_http::{Header, Request, Response};
use url::Url;

use crate::{
    door,
    inside::{self, Room},
    pages::{POLICY, Page},
};

/// Where the browser is sent, so that the code disappears from its address bar.
const CLEAN_PATH: &str = "/done";
/// Where the browser begins; behind it comes what only the browser that is opened is told.
const START_PATH: &str = "/start/";
/// How often a signal is looked for.
const GLANCE: Duration = Duration::from_millis(100);
/// How long the browser may take to fetch the final page.
const FETCH: Duration = Duration::from_secs(3);
/// How long the final page can still be reloaded after that.
const RELOAD: Duration = Duration::from_secs(2);
/// How many tabs can wait for the final page.
const MOST_WAITING: usize = 16;

/// The listener.
pub struct Listener {
    desk: Arc<Mutex<Desk>>,
    news: Receiver<News>,
    interrupted: Arc<AtomicBool>,
    _rooms: Vec<Room>,
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

impl NoAnswer {
    /// In words, where nothing more is to be said.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Timeout => {
                Failure::new("the time ran out before the login was finished; nothing was granted")
                    .next("run this again; --timeout 30m waits longer")
            }
            Self::Interrupted => Failure::new("stopped before the login was finished; nothing was granted")
                .next("run this again")
                .code(exit::INTERRUPTED),
        }
    }
}

/// What is told to the one who waits.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// The answer to this login.
    Answer(Answer),
    /// An answer without this login's state.
    Foreign,
    /// The browser's way to Dropbox was asked for once more, by whom isn't known.
    StartedTwice,
    /// The final page was fetched.
    Shown,
}

/// What the thread that answers needs to know.
#[derive(Default)]
struct Desk {
    /// Of the login that is under way.
    login: Option<Login>,
    /// Whether its answer is there.
    answered: bool,
    /// What to show at the end.
    page: Option<String>,
    /// Tabs that wait for that.
    waiting: VecDeque<Request>,
}

struct Login {
    state: Secret,
    /// What stands behind [`START_PATH`].
    ticket: Secret,
    /// Dropbox's page.
    consent: String,
    started: bool,
}

/// What a request is.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The redirect that this login waits for.
    Answer(Answer),
    /// A redirect for another login, or a forged one.
    Foreign,
    /// The way to Dropbox.
    Start(Secret),
    /// The clean address.
    Clean,
    /// Anything else.
    Stray,
}

impl Listener {
    /// Listens on 127.0.0.1 and on `[::1]`, or on the one that there is: `localhost` may mean either. `interrupted` is set by
    /// signals.
    ///
    /// # Errors
    /// When the port is taken, or can't be listened on.
    pub fn bind(interrupted: Arc<AtomicBool>) -> io::Result<Self> {
        let listen = |address: SocketAddr| TcpListener::bind(address);
        let listeners = both_or_one(
            listen((Ipv4Addr::LOCALHOST, REDIRECT_PORT).into()),
            listen((Ipv6Addr::LOCALHOST, REDIRECT_PORT).into()),
        )?;
        let (sender, requests) = channel();
        let mut rooms = Vec::new();
        for listener in listeners {
            let (server, inside, room) = inside::start()?;
            rooms.push(room);
            door::open(listener, inside);
            let sender = sender.clone();
            thread::spawn(move || {
                for request in server.incoming_requests() {
                    if sender.send(request).is_err() {
                        return;
                    }
                }
            });
        }
        let desk: Arc<Mutex<Desk>> = Arc::default();
        let (tell, news) = channel();
        let behind = Arc::clone(&desk);
        thread::spawn(move || {
            for request in requests {
                if let Some(request) = admit(request) {
                    open(&behind).serve(request, &tell);
                }
            }
        });
        Ok(Self {
            desk,
            news,
            interrupted,
            _rooms: rooms,
        })
    }

    /// Begins to expect the answer that carries `state`, and gives the address at which the browser is sent on to
    /// `consent`. It says neither state nor challenge, since all users of a computer can see what programs are started with;
    /// `ticket` is a secret of its own.
    pub fn expect(&self, state: Secret, ticket: Secret, consent: String) -> String {
        let address = format!("http://localhost:{REDIRECT_PORT}{START_PATH}{}", ticket.expose());
        open(&self.desk).login = Some(Login {
            state,
            ticket,
            consent,
            started: false,
        });
        address
    }

    /// Waits for the answer. The browser is sent on to a clean page, which waits for [`Listener::show`]. What else happens
    /// is given to `tell`, also [`Event::Slow`] once, after `patience`.
    ///
    /// # Errors
    /// When the deadline passes or `stop` is set.
    pub fn wait(
        &self,
        deadline: Instant,
        patience: Duration,
        stop: &AtomicBool,
        tell: impl FnMut(Event),
    ) -> Result<Answer, NoAnswer> {
        wait(&self.news, deadline, patience, stop, tell)
    }

    /// Shows the final page to the browser, for as long as it takes to fetch it, and a moment for a reload.
    pub fn show(&self, page: Page<'_>) {
        let mut shown = open(&self.desk).finish(page.html());
        let mut until = Instant::now() + if shown { RELOAD } else { FETCH };
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if self.interrupted.load(Ordering::Relaxed) {
                return;
            }
            if self.news.recv_timeout(left.min(GLANCE)) == Ok(News::Shown) && !shown {
                shown = true;
                until = Instant::now() + RELOAD;
            }
        }
    }
}

/// What happens while an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It takes longer than it should.
    Slow,
    /// An answer to another login came.
    Foreign,
    /// The start address was opened a second time.
    StartedTwice,
}

fn wait(
    news: &Receiver<News>,
    deadline: Instant,
    patience: Duration,
    stop: &AtomicBool,
    mut tell: impl FnMut(Event),
) -> Result<Answer, NoAnswer> {
    let began = Instant::now();
    let mut told: Vec<Event> = Vec::new();
    let mut once = |event| {
        if !told.contains(&event) {
            told.push(event);
            tell(event);
        }
    };
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(NoAnswer::Interrupted);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(NoAnswer::Timeout);
        }
        if began.elapsed() >= patience {
            once(Event::Slow);
        }
        match news.recv_timeout(left.min(GLANCE)) {
            Ok(News::Answer(answer)) => return Ok(answer),
            Ok(News::Foreign) => once(Event::Foreign),
            Ok(News::StartedTwice) => once(Event::StartedTwice),
            Ok(News::Shown) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(NoAnswer::Timeout),
        }
    }
}

/// Both listeners, or the one that this computer has. A port that somebody else has on either is taken: the browser might go
/// there.
fn both_or_one<T>(four: io::Result<T>, six: io::Result<T>) -> io::Result<Vec<T>> {
    match (four, six) {
        (Err(error), _) | (_, Err(error)) if error.kind() == ErrorKind::AddrInUse => Err(error),
        (Ok(four), Ok(six)) => Ok(vec![four, six]),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(vec![one]),
        (Err(error), Err(_)) => Err(error),
    }
}

fn open(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// Answers a request, and tells what matters.
    fn serve(&mut self, request: Request, tell: &Sender<News>) {
        let state = self.login.as_ref().map(|login| &login.state);
        match read(request.url(), state) {
            Kind::Answer(answer) => {
                redirect(request, CLEAN_PATH);
                if !self.answered {
                    self.answered = true;
                    let _ = tell.send(News::Answer(answer)); // nobody listens at the end
                }
            }
            Kind::Foreign => {
                send_page(request, 400, FOREIGN);
                let _ = tell.send(News::Foreign);
            }
            Kind::Start(ticket) => self.start(request, &ticket, tell),
            Kind::Clean if self.page.is_some() => {
                self.send_final(request);
                let _ = tell.send(News::Shown);
            }
            Kind::Clean if self.answered => {
                self.waiting.push_back(request);
                if self.waiting.len() > MOST_WAITING
                    && let Some(oldest) = self.waiting.pop_front()
                {
                    send_page(oldest, 200, ELSEWHERE);
                }
            }
            Kind::Clean | Kind::Stray => send_page(request, 404, NOTHING_HERE),
        }
    }

    /// Sends the browser on to Dropbox, and nobody else: the address says what a stranger must not know. Where it isn't known
    /// who asks, the first to come is the browser.
    fn start(&mut self, request: Request, ticket: &Secret, tell: &Sender<News>) {
        let peer = value(&request, door::PEER_HEADER).unwrap_or_default();
        let Some(login) = self.login.as_mut().filter(|login| login.ticket == *ticket) else {
            return send_page(request, 404, NOTHING_HERE);
        };
        match peer.as_str() {
            "own" => {}
            "other" => return send_page(request, 403, NOTHING_HERE),
            _ if login.started => {
                let _ = tell.send(News::StartedTwice);
                return send_page(request, 410, STARTED);
            }
            _ => {}
        }
        login.started = true;
        redirect(request, &login.consent);
    }

    /// Shows the final page to all who wait, and says whether anybody did.
    fn finish(&mut self, html: String) -> bool {
        self.page = Some(html);
        let waiting = std::mem::take(&mut self.waiting);
        let shown = !waiting.is_empty();
        waiting.into_iter().for_each(|request| self.send_final(request));
        shown
    }

    fn send_final(&self, request: Request) {
        send_html(request, 200, self.page.clone().unwrap_or_default());
    }
}

const NOTHING_HERE: Page<'_> = Page {
    good: false,
    title: "Nothing to see here",
    text: "The authorizer waits for the answer from Dropbox. Go on in the tab that Dropbox opened in.",
    detail: None,
};
const FOREIGN: Page<'_> = Page {
    good: false,
    title: "This answer belongs to another login",
    text: "It changed nothing: the authorizer goes on waiting. Close old Dropbox tabs, and go on in the newest, or open the \
           address in the terminal.",
    detail: None,
};
const STARTED: Page<'_> = Page {
    good: false,
    title: "This address was opened before",
    text: "Go on in the tab where Dropbox opened, or copy the long address from the terminal.",
    detail: None,
};
const ELSEWHERE: Page<'_> = Page {
    good: true,
    title: "Go back to the terminal",
    text: "It says how the login went. You can close this tab.",
    detail: None,
};

/// Answers what must not come in. A name other than this computer's own in `Host` is DNS rebinding.
fn admit(request: Request) -> Option<Request> {
    let host = value(&request, "Host").map(|host| host.to_ascii_lowercase());
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

fn value(request: &Request, name: &'static str) -> Option<String> {
    let header = request.headers().iter().find(|header| header.field.equiv(name));
    header.map(|header| header.value.as_str().to_owned())
}

/// Says what a request for `target` is, to a login with `state`.
fn read(target: &str, state: Option<&Secret>) -> Kind {
    let base = Url::parse("http://localhost/");
    let Ok(url) = base.and_then(|base| base.join(target)) else {
        return Kind::Stray;
    };
    if url.path() == CLEAN_PATH {
        return Kind::Clean;
    }
    if let Some(ticket) = url.path().strip_prefix(START_PATH) {
        return Kind::Start(Secret::new(ticket));
    }
    let all = |name: &str| {
        url.query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect::<Vec<_>>()
    };
    let (codes, errors, states) = (all("code"), all("error"), all("state"));
    if url.path() != "/" || codes.len() + errors.len() + states.len() == 0 {
        return Kind::Stray;
    }
    let ours = match (&states[..], state) {
        ([given], Some(state)) => Secret::new(given.clone()) == *state,
        _ => false,
    };
    if !ours {
        return Kind::Foreign;
    }
    Kind::Answer(match (codes.as_slice(), errors.as_slice()) {
        ([code], []) if !code.is_empty() => Answer::Code(Secret::new(code.clone())),
        ([], [error]) => Answer::Refused {
            error: error.clone(),
            description: all("error_description").pop().unwrap_or_default(),
        },
        _ => Answer::Malformed,
    })
}

fn send_page(request: Request, status: u16, page: Page<'_>) {
    send_html(request, status, page.html());
}

fn send_html(request: Request, status: u16, html: String) {
    let response = Response::from_string(html)
        .with_status_code(status)
        .with_header(header("Content-Type", "text/html; charset=utf-8"));
    respond(request, response);
}

/// Sends the browser on, so that the address it came with is forgotten.
fn redirect(request: Request, to: &str) {
    respond(request, Response::empty(303).with_header(header("Location", to)));
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
        Err(()) => unreachable!("all names and values are ASCII: literals, and an address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_redirect_of_this_login_is_an_answer() {
        let state = Secret::new("s1");
        let code = |code: &str| Kind::Answer(Answer::Code(Secret::new(code)));
        let refused = |error: &str, description: &str| {
            Kind::Answer(Answer::Refused {
                error: error.into(),
                description: description.into(),
            })
        };
        for (target, kind) in [
            ("/", Kind::Stray),
            ("/favicon.ico", Kind::Stray),
            ("/?x=1", Kind::Stray),
            ("/other?code=c&state=s1", Kind::Stray),
            ("/done", Kind::Clean),
            ("/start/t", Kind::Start(Secret::new("t"))),
            ("//evil/?code=c&state=s1", code("c")),
            ("/?code=c&state=s1", code("c")),
            ("/?code=c&state=s2", Kind::Foreign),
            ("/?code=c", Kind::Foreign),
            ("/?error=access_denied", Kind::Foreign),
            ("/?state=", Kind::Foreign),
            ("/?code=c&state=s1&state=s1", Kind::Foreign),
            ("/?code=c&error=e&state=s1", Kind::Answer(Answer::Malformed)),
            ("/?code=c&code=d&state=s1", Kind::Answer(Answer::Malformed)),
            ("/?state=s1", Kind::Answer(Answer::Malformed)),
            (
                "/?error=access_denied&error_description=no+way&state=s1",
                refused("access_denied", "no way"),
            ),
        ] {
            assert_eq!(read(target, Some(&state)), kind, "{target}");
        }
        assert_eq!(
            read("/?code=c&state=s1", None),
            Kind::Foreign,
            "before a login begins"
        );
    }

    #[test]
    fn the_one_who_waits_is_told_once_and_then_gets_the_answer() {
        let (sender, news) = channel();
        for item in [
            News::Foreign,
            News::Foreign,
            News::StartedTwice,
            News::Foreign,
            News::Answer(Answer::Malformed),
        ] {
            sender.send(item).unwrap();
        }
        let mut told = Vec::new();
        let far = Instant::now() + Duration::from_secs(600);
        let stop = AtomicBool::new(false);
        let answer = wait(&news, far, Duration::ZERO, &stop, |event| told.push(event));
        assert_eq!(answer, Ok(Answer::Malformed));
        assert_eq!(told, [Event::Slow, Event::Foreign, Event::StartedTwice]);
    }

    #[test]
    fn a_patient_one_is_told_nothing_and_the_end_of_patience_is_not_the_end() {
        let (_sender, news) = channel();
        let mut told = Vec::new();
        let stop = AtomicBool::new(false);
        let soon = Instant::now() + Duration::from_millis(5);
        let answer = wait(&news, soon, Duration::from_secs(600), &stop, |event| {
            told.push(event)
        });
        assert_eq!((answer, told.len()), (Err(NoAnswer::Timeout), 0));
        stop.store(true, Ordering::Relaxed);
        let far = Instant::now() + Duration::from_secs(600);
        assert_eq!(
            wait(&news, far, Duration::ZERO, &stop, |_| {}),
            Err(NoAnswer::Interrupted)
        );
    }

    #[test]
    fn one_loopback_is_enough_but_a_taken_port_is_taken() {
        let no = |kind: ErrorKind| Err::<&str, _>(io::Error::from(kind));
        let none = ErrorKind::AddrNotAvailable;
        assert_eq!(both_or_one(Ok("4"), Ok("6")).unwrap(), ["4", "6"]);
        assert_eq!(both_or_one(Ok("4"), no(none)).unwrap(), ["4"]);
        assert_eq!(both_or_one(no(none), Ok("6")).unwrap(), ["6"]);
        assert_eq!(
            both_or_one(no(ErrorKind::PermissionDenied), Ok("6")).unwrap(),
            ["6"]
        );
        for (four, six) in [
            (no(ErrorKind::AddrInUse), Ok("6")),
            (Ok("4"), no(ErrorKind::AddrInUse)),
            (no(none), no(ErrorKind::AddrInUse)),
        ] {
            assert_eq!(both_or_one(four, six).unwrap_err().kind(), ErrorKind::AddrInUse);
        }
        let both = both_or_one(no(ErrorKind::PermissionDenied), no(none));
        assert_eq!(both.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}
