//! The door before the HTTP server: it lets whole requests in and nothing else.
//!
//! tiny_http waits for ever on half a request, and a few of those make it deaf for the browser (its pool counts a
//! thread as idle until it wakes). So connections come in here. One thread holds all that haven't said their whole
//! request yet: a bounded number, each for a short time, and the oldest goes when a new one comes, so that nobody can keep the
//! browser out by being there first. Of a whole GET only its target and host go on to the server, in words of ours; nothing
//! else that it says (cookies of other programs on localhost, a body, odd bytes) can confuse it.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    inside::Inside,
    peer::{self, Peer},
};

/// How long a request's head may take.
const HEAD_TIME: Duration = Duration::from_secs(3);
/// How long a request's head may be, in bytes; a redirect with a long code is far below.
const HEAD_BYTES: usize = 32 * 1024;
/// How long an answer may take on its way.
const WRITE_TIME: Duration = Duration::from_secs(5);
/// How long a request may hold its place if others need it: answers are quick, but not everybody reads them.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// How long a visitor who goes on talking is listened to.
const LINGER: Duration = Duration::from_secs(1);
/// How many connections may be half way through at once, and how many requests on their way to an answer, where the limit of
/// open files allows it: enough that a newcomer has time to speak, however fast others come.
const MOST_HALF: usize = 512;
const MOST_WHOLE: usize = 128;
/// A request takes four files: the connection, a handle to end it, and both ends of the way inside.
const FILES: usize = 4;
/// How often those who talk are looked at.
const GLANCE: Duration = Duration::from_millis(2);
/// The header in which the server is told who asks.
pub const PEER_HEADER: &str = "X-Peer";
/// How requests begin for which the server wants to know it.
const ASKS_FOR_START: &str = "GET /start/";

/// Opens the door at `listener`, before the server `inside`.
pub fn open(listener: TcpListener, inside: Inside) {
    thread::spawn(move || {
        let files = open_files() / 2; // there are two doors
        let hall = Hall {
            inside,
            most: (files / 2 / FILES).clamp(4, MOST_WHOLE),
            whole: Arc::default(),
            count: AtomicU64::default(),
        };
        let most = (files / 2).clamp(16, MOST_HALF);
        let mut half = VecDeque::new();
        loop {
            if hall.has_room() {
                come_in(&listener, &mut half, most, &hall);
            }
            half = listen_to(half, &hall);
            if !half.is_empty() {
                thread::sleep(GLANCE);
            }
        }
    });
}

/// How many files this process may have open; as many as are needed, if the system lets it.
fn open_files() -> usize {
    const WANTED: u64 = 4096;
    let files = rlimit::increase_nofile_limit(WANTED).unwrap_or(256);
    usize::try_from(files).unwrap_or(usize::MAX)
}

/// A visitor who hasn't said everything yet.
struct Visitor {
    stream: TcpStream,
    head: Vec<u8>,
    since: Instant,
}

/// What a visitor's words amount to.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// Not everything yet.
    Half,
    /// A GET, in our words.
    Get(String),
    /// What gets this answer.
    Odd(&'static str),
    /// Nothing that HTTP has: TLS, say.
    Noise,
}

/// Takes in whoever waits; sleeps until somebody comes, if nobody is inside.
fn come_in(listener: &TcpListener, half: &mut VecDeque<Visitor>, most: usize, hall: &Hall) {
    let mut wait = half.is_empty();
    for _ in 0..most {
        let came = listener
            .set_nonblocking(!wait)
            .and_then(|()| listener.accept())
            .and_then(|(stream, _)| stream.set_nonblocking(true).map(|()| stream));
        match came {
            Ok(stream) => {
                half.push_back(Visitor {
                    stream,
                    head: Vec::new(),
                    since: Instant::now(),
                });
                wait = false;
                if !hall.has_room() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => {
                // Out of file descriptors, say: the oldest makes room.
                match half.pop_front() {
                    Some(oldest) => drop(hear_out(oldest, hall)),
                    None => thread::sleep(Duration::from_millis(50)),
                }
                return;
            }
        }
        if half.len() > most
            && let Some(oldest) = half.pop_front()
        {
            drop(hear_out(oldest, hall)); // perhaps it has finished just now
        }
    }
}

/// Hears everybody, and gives those who haven't finished.
fn listen_to(half: VecDeque<Visitor>, hall: &Hall) -> VecDeque<Visitor> {
    half.into_iter()
        .filter_map(|visitor| hear_out(visitor, hall))
        .collect()
}

/// Hears one, who goes on if it has said everything, and is given back if it may go on talking, or has to wait for room.
fn hear_out(mut visitor: Visitor, hall: &Hall) -> Option<Visitor> {
    if !hall.has_room() {
        return Some(visitor);
    }
    match visitor.hear() {
        Ok(Said::Half) if visitor.since.elapsed() < HEAD_TIME => return Some(visitor),
        Ok(Said::Get(request)) => hall.serve(visitor.stream, Errand::Ask(request)),
        Ok(Said::Odd(answer)) => hall.serve(visitor.stream, Errand::Tell(answer)),
        Ok(Said::Half | Said::Noise) | Err(_) => {} // whoever goes away half way is no concern of the login
    }
    None
}

impl Visitor {
    /// Reads what has come.
    fn hear(&mut self) -> io::Result<Said> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.head.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Said::Half),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            match understand(&self.head) {
                Said::Half => {}
                said => return Ok(said),
            }
        }
    }
}

/// Makes sense of what was said so far.
fn understand(head: &[u8]) -> Said {
    let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") else {
        let first = head.first();
        return match first {
            Some(byte) if !byte.is_ascii_uppercase() => Said::Noise,
            _ if head.len() > HEAD_BYTES => Said::Odd("431 Request Header Fields Too Large"),
            _ => Said::Half,
        };
    };
    let mut lines = head[..end].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.next().unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else {
        return Said::Odd("400 Bad Request");
    };
    if method != b"GET" {
        return Said::Odd("405 Method Not Allowed\r\nAllow: GET");
    }
    let hosts: Vec<&[u8]> = lines.filter_map(host).collect();
    let plain = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
    match hosts[..] {
        [host] if plain(host) && plain(target) && version.starts_with(b"HTTP/1.") => Said::Get(format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            String::from_utf8_lossy(target),
            String::from_utf8_lossy(host)
        )),
        _ => Said::Odd("400 Bad Request"),
    }
}

/// The value of a Host header.
fn host(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    name.eq_ignore_ascii_case(b"host").then(|| value.trim_ascii())
}

/// What is to be done for a visitor.
enum Errand {
    /// Ask the server.
    Ask(String),
    /// Answer with this status.
    Tell(&'static str),
}

/// Where those are who have said everything.
struct Hall {
    inside: Inside,
    most: usize,
    whole: Arc<Mutex<VecDeque<Guest>>>,
    count: AtomicU64,
}

/// One who has said everything.
struct Guest {
    number: u64,
    since: Instant,
    handle: TcpStream,
    answered: Arc<AtomicBool>,
}

impl Hall {
    /// Does an errand in a thread of its own.
    fn serve(&self, visitor: TcpStream, errand: Errand) {
        let Ok((number, answered)) = self.enter(&visitor) else {
            return;
        };
        let (inside, whole) = (self.inside.clone(), Arc::clone(&self.whole));
        let run = move || {
            let _ = run(visitor, errand, &inside, &answered); // whoever goes away is no concern of the login
            leave(&whole, number);
        };
        if thread::Builder::new().stack_size(256 * 1024).spawn(run).is_err() {
            leave(&self.whole, number); // no room for a thread: the visitor may come again
        }
    }

    /// Whether one more can come, perhaps in the place of one who has its answer and only lingers, or who takes long to read it.
    fn has_room(&self) -> bool {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if whole.len() < self.most {
            return true;
        }
        let can_go =
            |guest: &Guest| guest.answered.load(Ordering::Relaxed) || guest.since.elapsed() > ANSWER_TIME;
        let oldest = whole.iter().position(can_go);
        if let Some(guest) = oldest.and_then(|at| whole.remove(at)) {
            let _ = guest.handle.shutdown(Shutdown::Both); // and its thread notices
        }
        oldest.is_some()
    }

    fn enter(&self, visitor: &TcpStream) -> io::Result<(u64, Arc<AtomicBool>)> {
        let handle = visitor.try_clone()?;
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let answered: Arc<AtomicBool> = Arc::default();
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole.push_back(Guest {
            number,
            since: Instant::now(),
            handle,
            answered: Arc::clone(&answered),
        });
        Ok((number, answered))
    }
}

fn leave(whole: &Mutex<VecDeque<Guest>>, number: u64) {
    let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
    whole.retain(|guest| guest.number != number);
}

/// Gets the answer and hands it out.
fn run(mut visitor: TcpStream, errand: Errand, inside: &Inside, answered: &AtomicBool) -> io::Result<()> {
    visitor.set_nonblocking(false)?;
    visitor.set_write_timeout(Some(WRITE_TIME))?;
    let answer = match errand {
        Errand::Ask(request) => {
            let peer = if request.starts_with(ASKS_FOR_START) {
                word(visitor.peer_addr()?, visitor.local_addr()?)
            } else {
                "other" // it takes time to find out, and doesn't matter
            };
            inside.ask(format!("{request}{PEER_HEADER}: {peer}\r\n\r\n").as_bytes())?
        }
        Errand::Tell(status) => {
            format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
        }
    };
    visitor.write_all(&answer)?;
    visitor.shutdown(Shutdown::Write)?;
    answered.store(true, Ordering::Relaxed);
    // What still comes is read and dropped: closing before would take the answer back.
    visitor.set_read_timeout(Some(LINGER))?;
    io::copy(&mut visitor.take(HEAD_BYTES as u64), &mut io::sink()).map(|_| ())
}

fn word(far: SocketAddr, near: SocketAddr) -> &'static str {
    match peer::of(far, near) {
        Peer::Own => "own",
        Peer::Other => "other",
        Peer::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_target_and_host_go_on() {
        for (head, said) in [
            ("", Said::Half),
            ("GET / HT", Said::Half),
            ("GET / HTTP/1.1\r\nHost: x\r\n", Said::Half),
            (
                "GET /?a=b HTTP/1.1\r\nhOST:  localhost:1 \r\nCookie: ü\r\nContent-Length: 9\r\nX-Peer: own\r\n\r\nrest",
                Said::Get("GET /?a=b HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n".into()),
            ),
            ("\u{16}\u{3}\u{1}", Said::Noise),
            (
                "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
                Said::Odd("405 Method Not Allowed\r\nAllow: GET"),
            ),
            ("GET / HTTP/1.1\r\n\r\n", Said::Odd("400 Bad Request")),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                Said::Odd("400 Bad Request"),
            ),
            ("GET /ü HTTP/1.1\r\nHost: a\r\n\r\n", Said::Odd("400 Bad Request")),
            ("GET /\r\nHost: a\r\n\r\n", Said::Odd("400 Bad Request")),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Said::Odd("400 Bad Request")),
        ] {
            assert_eq!(understand(head.as_bytes()), said, "{head:?}");
        }
        let long = format!("GET /{}", "x".repeat(HEAD_BYTES));
        assert_eq!(
            understand(long.as_bytes()),
            Said::Odd("431 Request Header Fields Too Large")
        );
    }
}
