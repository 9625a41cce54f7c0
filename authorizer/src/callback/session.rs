//! A login as the browser sees it: which request gets which response.

use std::{collections::VecDeque, sync::mpsc::Sender};

use hyper::{
    Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use shared::secret::Secret;
use tokio::sync::oneshot;

use super::request::{Answer, FINAL_PATH, Meaning, is_own_host, meaning};
use crate::{
    listener::Request,
    pages::{POLICY, Page},
    peer::{self, Peer},
};

/// Maximum number of tabs that wait for the final page.
const MAX_WAITING: usize = 16;

/// What the thread that serves the browser reports to the one that waits for the login.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The answer to this login came.
    Answer(Answer),
    /// An answer without this login's state came.
    OtherLogin,
    /// The start address was opened once more; by whom isn't known.
    StartedTwice,
    /// The final page was fetched.
    FinalPageShown,
}

/// The login that is under way.
struct Login {
    state: Secret,
    ticket: Secret,
    /// The address of Dropbox's page.
    consent: String,
    started: bool,
}

/// The state of a login, as far as requests depend on it.
pub(super) struct Session {
    login: Option<Login>,
    answered: bool,
    /// The final page as HTML.
    final_page: Option<String>,
    /// Tabs that wait for the final page.
    waiting: VecDeque<oneshot::Sender<String>>,
    messages: Sender<Message>,
}

/// A response, now or later.
pub(super) enum Reply {
    Now(Response<String>),
    /// The HTML of a page, when it is known.
    Later(oneshot::Receiver<String>),
}

impl Reply {
    pub(super) async fn response(self) -> Response<String> {
        match self {
            Self::Now(response) => response,
            Self::Later(html) => page(StatusCode::OK, html.await.unwrap_or_else(|_| ELSEWHERE.html())),
        }
    }
}

impl Session {
    pub(super) fn new(messages: Sender<Message>) -> Self {
        Self {
            login: None,
            answered: false,
            final_page: None,
            waiting: VecDeque::new(),
            messages,
        }
    }

    /// Begins a login, whose answer carries `state`.
    pub(super) fn begin(&mut self, state: Secret, ticket: Secret, consent: String) {
        self.login = Some(Login {
            state,
            ticket,
            consent,
            started: false,
        });
    }

    /// Answers a request, and reports what matters to the login.
    pub(super) fn answer(&mut self, request: &Request) -> Reply {
        if !is_own_host(&request.host) {
            return Reply::Now(with_headers(StatusCode::MISDIRECTED_REQUEST, String::new()));
        }
        let state = self.login.as_ref().map(|login| &login.state);
        Reply::Now(match meaning(&request.target, state) {
            Meaning::Answer(answer) => {
                if !self.answered {
                    self.answered = true;
                    self.report(Message::Answer(answer));
                }
                redirect(FINAL_PATH)
            }
            Meaning::OtherLogin => {
                self.report(Message::OtherLogin);
                page(StatusCode::BAD_REQUEST, OTHER_LOGIN.html())
            }
            Meaning::Start(ticket) => self.start(&ticket, || peer::of(request.client, request.server)),
            Meaning::Final => return self.final_page(),
            Meaning::Unrelated => page(StatusCode::NOT_FOUND, NOTHING_HERE.html()),
        })
    }

    /// Sends only this user's browser on to Dropbox: that address contains what other users must not know. Where the system
    /// doesn't tell whose program asks, the first one is taken for the browser.
    fn start(&mut self, ticket: &Secret, peer: impl FnOnce() -> Peer) -> Response<String> {
        let Some(login) = self.login.as_mut().filter(|login| login.ticket == *ticket) else {
            return page(StatusCode::NOT_FOUND, NOTHING_HERE.html());
        };
        match peer() {
            Peer::Other => page(StatusCode::FORBIDDEN, NOTHING_HERE.html()),
            Peer::Unknown if login.started => {
                self.report(Message::StartedTwice);
                page(StatusCode::GONE, STARTED.html())
            }
            Peer::Own | Peer::Unknown => {
                login.started = true;
                redirect(&login.consent)
            }
        }
    }

    fn final_page(&mut self) -> Reply {
        if let Some(html) = self.final_page.clone() {
            self.report(Message::FinalPageShown);
            return Reply::Now(page(StatusCode::OK, html));
        }
        if !self.answered {
            return Reply::Now(page(StatusCode::NOT_FOUND, NOTHING_HERE.html()));
        }
        let (sender, html) = oneshot::channel();
        self.waiting.push_back(sender);
        if self.waiting.len() > MAX_WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            let _ = oldest.send(ELSEWHERE.html()); // it may be gone
        }
        Reply::Later(html)
    }

    /// Shows the final page to all tabs that wait for it, and returns whether there was one.
    pub(super) fn finish(&mut self, html: &str) -> bool {
        self.final_page = Some(html.to_owned());
        let waiting = std::mem::take(&mut self.waiting);
        let shown = waiting.into_iter().map(|tab| tab.send(html.to_owned()).is_ok());
        shown.fold(false, |any, shown| any | shown)
    }

    fn report(&self, message: Message) {
        let _ = self.messages.send(message); // at the end the receiver is gone
    }
}

const NOTHING_HERE: Page<'_> = Page {
    good: false,
    title: "Nothing to see here",
    text: "The authorizer waits for the answer from Dropbox. Continue in the tab that Dropbox opened in.",
    detail: None,
};
const OTHER_LOGIN: Page<'_> = Page {
    good: false,
    title: "This answer belongs to another login",
    text: "It changed nothing: the authorizer is still waiting. Close old Dropbox tabs, and continue in the newest, or open the \
           address in the terminal.",
    detail: None,
};
const STARTED: Page<'_> = Page {
    good: false,
    title: "This address was opened before",
    text: "Continue in the tab where Dropbox opened, or copy the long address from the terminal.",
    detail: None,
};
const ELSEWHERE: Page<'_> = Page {
    good: true,
    title: "Go back to the terminal",
    text: "It says how the login went. You can close this tab.",
    detail: None,
};

fn page(status: StatusCode, html: String) -> Response<String> {
    let mut response = with_headers(status, html);
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

/// Sends the browser on, so that it forgets the address that it came with.
fn redirect(to: &str) -> Response<String> {
    let mut response = with_headers(StatusCode::SEE_OTHER, String::new());
    match HeaderValue::from_str(to) {
        Ok(to) => drop(response.headers_mut().insert(LOCATION, to)),
        Err(_) => unreachable!("it is a path of ours, or an address whose odd characters are encoded"),
    }
    response
}

fn with_headers(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    fn begun() -> (Session, Receiver<Message>) {
        let (sender, messages) = channel();
        let mut session = Session::new(sender);
        session.begin(
            Secret::new("s"),
            Secret::new("t"),
            "https://dropbox.example/".into(),
        );
        (session, messages)
    }

    fn get(target: &str) -> Request {
        Request {
            target: target.into(),
            host: "localhost:53682".into(),
            client: ([127, 0, 0, 1], 1).into(),
            server: ([127, 0, 0, 1], 2).into(),
        }
    }

    fn status(reply: Reply) -> u16 {
        match reply {
            Reply::Now(response) => response.status().as_u16(),
            Reply::Later(_) => 0,
        }
    }

    #[test]
    fn the_start_address_leads_only_its_own_user_to_dropbox_and_an_unknown_one_once() {
        for (peers, statuses, reported) in [
            ([Peer::Own, Peer::Own], [303, 303], 0),
            ([Peer::Other, Peer::Own], [403, 303], 0),
            ([Peer::Unknown, Peer::Unknown], [303, 410], 1),
            ([Peer::Own, Peer::Unknown], [303, 410], 1),
            ([Peer::Unknown, Peer::Own], [303, 303], 0),
        ] {
            let (mut session, messages) = begun();
            let ticket = Secret::new("t");
            let got = peers.map(|peer| session.start(&ticket, || peer).status().as_u16());
            assert_eq!(
                (got, messages.try_iter().count()),
                (statuses, reported),
                "{peers:?}"
            );
        }
        let (mut session, _messages) = begun();
        let guessed = session.start(&Secret::new("x"), || panic!("it need not be known"));
        assert_eq!(guessed.status(), 404);
    }

    #[test]
    fn the_final_page_is_waited_for_after_the_answer() {
        let (mut session, messages) = begun();
        assert_eq!(status(session.answer(&get("/done"))), 404);
        assert_eq!(status(session.answer(&get("/?code=c&state=s"))), 303);
        assert_eq!(status(session.answer(&get("/?code=other&state=s"))), 303);
        let mut tabs: Vec<_> = (0..MAX_WAITING + 2)
            .map(|_| match session.answer(&get("/done")) {
                Reply::Later(html) => html,
                Reply::Now(_) => panic!("there is no page yet"),
            })
            .collect();
        drop(tabs.pop());
        assert!(tabs[1].try_recv().unwrap().contains("Go back to the terminal"));
        assert!(session.finish("the page"));
        assert_eq!(tabs[2].try_recv().unwrap(), "the page");
        assert_eq!(status(session.answer(&get("/done"))), 200);
        let code = Answer::Code(Secret::new("c"));
        let all: Vec<Message> = messages.try_iter().collect();
        assert_eq!(all, [Message::Answer(code), Message::FinalPageShown]);
    }

    #[test]
    fn a_tab_that_is_gone_has_seen_nothing() {
        let (mut session, _messages) = begun();
        session.answer(&get("/?code=c&state=s"));
        drop(session.answer(&get("/done")));
        assert!(!session.finish("the page"));
    }

    #[test]
    fn every_response_forbids_scripts_and_caches() {
        let (mut session, _messages) = begun();
        for target in ["/", "/done", "/?code=c&state=x", "/start/x", "/?code=c&state=s"] {
            let Reply::Now(response) = session.answer(&get(target)) else {
                panic!("{target}")
            };
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store", "{target}");
            assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], POLICY, "{target}");
        }
        let mut foreign = get("/?code=c&state=s");
        foreign.host = "evil.example".into();
        assert_eq!(status(session.answer(&foreign)), 421);
    }
}
