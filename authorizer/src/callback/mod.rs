//! Waits on localhost for Dropbox's redirect: the answer of this login, and of no other, ends the wait.
//!
//! Unrelated requests (a favicon, another tab, a page that guesses, a port scanner) get a response and change nothing: only who
//! knows the login's state can end the wait. The browser is served in a thread of its own, at all times; what matters to the
//! login is sent to the thread that waits.

mod request;
mod session;

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use shared::{oauth::REDIRECT_PORT, secret::Secret};

pub(crate) use request::Answer;
use request::START_PATH;
use session::{Message, Session};

use crate::{
    listener,
    pages::Page,
    wait::{POLL_INTERVAL, Stopped},
};

/// How long the browser may take to fetch the final page.
const FETCH_TIME: Duration = Duration::from_secs(3);
/// How long the final page can still be reloaded after that.
const RELOAD_TIME: Duration = Duration::from_secs(2);

/// The end of a login that the browser is sent back to.
pub(crate) struct Callback {
    session: Arc<Mutex<Session>>,
    messages: Receiver<Message>,
    interrupted: Arc<AtomicBool>,
}

/// What happens while an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It takes longer than it should.
    Slow,
    /// An answer to another login came.
    OtherLogin,
    /// The start address was opened a second time.
    StartedTwice,
}

impl Callback {
    /// Listens on 127.0.0.1 and `[::1]`, or on the one that this computer has: `localhost` may mean either. `interrupted` is set
    /// by signals.
    ///
    /// # Errors
    /// When the port is taken, or can't be listened on.
    pub(crate) fn bind(interrupted: Arc<AtomicBool>) -> io::Result<Self> {
        let listen = |address: SocketAddr| TcpListener::bind(address);
        let listeners = both_or_one(
            listen((Ipv4Addr::LOCALHOST, REDIRECT_PORT).into()),
            listen((Ipv6Addr::LOCALHOST, REDIRECT_PORT).into()),
        )?;
        let (sender, messages) = channel();
        let session = Arc::new(Mutex::new(Session::new(sender)));
        let served = Arc::clone(&session);
        listener::serve(listeners, move |request| {
            let reply = served.lock().answer(&request);
            reply.response()
        })?;
        Ok(Self {
            session,
            messages,
            interrupted,
        })
    }

    /// Begins to expect the answer that carries `state`, and returns the address at which the browser is sent on to `consent`.
    /// That address contains `ticket` and neither state nor challenge, since all users of a computer can see the arguments of
    /// programs.
    pub(crate) fn expect(&self, state: Secret, ticket: Secret, consent: String) -> String {
        let address = format!("http://localhost:{REDIRECT_PORT}{START_PATH}{}", ticket.expose());
        self.session.lock().begin(state, ticket, consent);
        address
    }

    /// Waits for the answer. The browser is sent on to an address without the code, whose page is that of
    /// [`show`](Self::show). `report` gets each kind of event once, [`Event::Slow`] after `slow_after`.
    ///
    /// # Errors
    /// When the deadline passes or `stop` is set.
    pub(crate) fn wait(
        &self,
        deadline: Instant,
        slow_after: Duration,
        stop: &AtomicBool,
        report: impl FnMut(Event),
    ) -> Result<Answer, Stopped> {
        wait(&self.messages, deadline, slow_after, stop, report)
    }

    /// Shows the final page to the browser: waits until it is fetched, and a moment longer for a reload.
    pub(crate) fn show(&self, page: Page<'_>) {
        let mut shown = self.session.lock().finish(&page.html());
        let mut until = Instant::now() + if shown { RELOAD_TIME } else { FETCH_TIME };
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if self.interrupted.load(Ordering::Relaxed) {
                return;
            }
            if self.messages.recv_timeout(left.min(POLL_INTERVAL)) == Ok(Message::FinalPageShown) && !shown {
                shown = true;
                until = Instant::now() + RELOAD_TIME;
            }
        }
    }
}

fn wait(
    messages: &Receiver<Message>,
    deadline: Instant,
    slow_after: Duration,
    stop: &AtomicBool,
    mut report: impl FnMut(Event),
) -> Result<Answer, Stopped> {
    let began = Instant::now();
    let mut reported: Vec<Event> = Vec::new();
    let mut once = |event| {
        if !reported.contains(&event) {
            reported.push(event);
            report(event);
        }
    };
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Stopped::Interrupted);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Stopped::Timeout);
        }
        if began.elapsed() >= slow_after {
            once(Event::Slow);
        }
        match messages.recv_timeout(left.min(POLL_INTERVAL)) {
            Ok(Message::Answer(answer)) => return Ok(answer),
            Ok(Message::OtherLogin) => once(Event::OtherLogin),
            Ok(Message::StartedTwice) => once(Event::StartedTwice),
            Ok(Message::FinalPageShown) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Stopped::Timeout),
        }
    }
}

/// Returns both listeners, or the one that this computer has. If another program has the port on either address, it is taken:
/// the browser might go there.
fn both_or_one<T>(four: io::Result<T>, six: io::Result<T>) -> io::Result<Vec<T>> {
    match (four, six) {
        (Err(error), _) | (_, Err(error)) if error.kind() == ErrorKind::AddrInUse => Err(error),
        (Ok(four), Ok(six)) => Ok(vec![four, six]),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(vec![one]),
        (Err(error), Err(_)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_reported_once_before_the_answer() {
        let (sender, messages) = channel();
        for item in [
            Message::OtherLogin,
            Message::OtherLogin,
            Message::StartedTwice,
            Message::OtherLogin,
            Message::Answer(Answer::Malformed),
        ] {
            sender.send(item).unwrap();
        }
        let mut reported = Vec::new();
        let far = Instant::now() + Duration::from_secs(600);
        let stop = AtomicBool::new(false);
        let answer = wait(&messages, far, Duration::ZERO, &stop, |event| {
            reported.push(event)
        });
        assert_eq!(answer, Ok(Answer::Malformed));
        assert_eq!(reported, [Event::Slow, Event::OtherLogin, Event::StartedTwice]);
    }

    #[test]
    fn a_wait_ends_at_its_deadline_or_by_a_signal() {
        let (_sender, messages) = channel();
        let mut reported = Vec::new();
        let stop = AtomicBool::new(false);
        let soon = Instant::now() + Duration::from_millis(5);
        let answer = wait(&messages, soon, Duration::from_secs(600), &stop, |event| {
            reported.push(event)
        });
        assert_eq!((answer, reported.len()), (Err(Stopped::Timeout), 0));
        stop.store(true, Ordering::Relaxed);
        let far = Instant::now() + Duration::from_secs(600);
        assert_eq!(
            wait(&messages, far, Duration::ZERO, &stop, |_| {}),
            Err(Stopped::Interrupted)
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
