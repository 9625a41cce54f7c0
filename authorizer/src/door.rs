//! The door before the HTTP server: it lets whole requests in and nothing else.
//!
//! tiny_http waits for ever on half a request, and a few of those make it deaf for the browser (its pool counts a
//! thread as idle until it wakes). So connections come in here, each in a thread of its own with a deadline and a size
//! limit, and only a GET whose head is complete is passed on to the server behind.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tiny_http::Server;

/// How long a request's head may take.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long a request's head may be, in bytes; a redirect with a long code is far below.
const HEAD_BYTES: usize = 32 * 1024;
/// The answer to anything but GET.
const NOT_ALLOWED: &[u8] =
    b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// How long a visitor who goes on talking is listened to.
const LINGER: Duration = Duration::from_secs(1);
/// How many connections may be half way through at once.
const MOST: usize = 128;

/// Opens the door at `listener` and gives the server behind it.
///
/// # Errors
/// When there is no loopback port for the server.
pub fn open(listener: TcpListener) -> io::Result<Server> {
    let behind = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = behind.local_addr()?;
    let server = Server::from_listener(behind, None).map_err(io::Error::other)?;
    let inside = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(connection) = connection else {
                thread::sleep(Duration::from_millis(50)); // out of file descriptors, say
                continue;
            };
            if inside.fetch_add(1, Ordering::Relaxed) >= MOST {
                inside.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let inside = Arc::clone(&inside);
            thread::spawn(move || {
                // Whoever goes away half way is no concern of the login.
                let _ = pass(connection, address);
                inside.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    Ok(server)
}

/// Reads a request's head, hands it in, and hands the answer out.
fn pass(mut visitor: TcpStream, address: SocketAddr) -> io::Result<()> {
    let head = read_head(&mut visitor)?;
    visitor.set_write_timeout(Some(HEAD_TIME))?;
    if head.starts_with(b"GET ") {
        let mut inside = TcpStream::connect(address)?;
        inside.write_all(&head)?;
        inside.shutdown(Shutdown::Write)?; // no body is taken
        io::copy(&mut inside, &mut visitor)?;
    } else {
        visitor.write_all(NOT_ALLOWED)?;
    }
    visitor.shutdown(Shutdown::Write)?;
    // What still comes is read and dropped: closing before would take the answer back.
    visitor.set_read_timeout(Some(LINGER))?;
    io::copy(&mut visitor.take(HEAD_BYTES as u64), &mut io::sink()).map(|_| ())
}

fn read_head(visitor: &mut TcpStream) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + HEAD_TIME;
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > HEAD_BYTES {
            return Err(io::ErrorKind::TimedOut.into());
        }
        visitor.set_read_timeout(Some(left))?;
        let count = visitor.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&buffer[..count]);
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            head.truncate(end + 4);
            return Ok(head);
        }
    }
}
