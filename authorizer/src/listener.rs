//! The HTTP server for the browser: whole GET requests come in, everything else is answered or dropped here.
//!
//! Every program on this computer can connect to it, also those of other users and, through a web page, of strangers. So
//! nothing that a client does or leaves undone may keep the browser out: the number of connections is bounded, and a new one
//! takes the place of the oldest; the head of a request is bounded in time and size; a connection carries one request; bodies
//! are never read. hyper enforces most of this.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::{self, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use hyper::{
    HeaderMap, Method, Response, StatusCode, Uri,
    header::{ALLOW, HOST, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// Maximum time in which the head of a request must arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum size of the head of a request; a redirect with a long code is far below.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long after the response a client's further bytes are read and dropped.
const LINGER: Duration = Duration::from_secs(1);
/// Maximum number of connections of one listener, where the limit of open files allows it: enough that a newcomer has time to
/// send its request, however fast others come.
const MAX_CONNECTIONS: usize = 512;
/// Number of open files to ask the system for.
const OPEN_FILES: u64 = 4096;
/// Pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A GET request: all of it that matters here. Cookies of other programs on localhost, for example, are left out.
#[derive(Debug)]
pub(crate) struct Request {
    /// The path and the query.
    pub(crate) target: String,
    /// The value of the only `Host` header.
    pub(crate) host: String,
    /// The client's end of the connection.
    pub(crate) client: SocketAddr,
    /// This program's end of the connection.
    pub(crate) server: SocketAddr,
}

/// Serves each of `listeners` in one thread of its own, which ends with the process.
///
/// # Errors
/// When the system has no thread or no event queue for it.
pub(crate) fn serve<H, F>(listeners: Vec<net::TcpListener>, handler: H) -> io::Result<()>
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<String>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let max = max_connections(listeners.len());
    for listener in listeners {
        listener.set_nonblocking(true)?;
        let _context = runtime.enter(); // `from_std` registers with it
        runtime.spawn(accept(TcpListener::from_std(listener)?, max, handler.clone()));
    }
    thread::Builder::new().spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(())
}

/// Maximum number of connections of each of so many listeners: half of the open files that the system allows.
fn max_connections(listeners: usize) -> usize {
    let files = shared::process::raise_open_files(OPEN_FILES).unwrap_or(OPEN_FILES);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    (files / 2 / listeners.max(1)).clamp(32, MAX_CONNECTIONS)
}

/// A connection that is being served.
struct Connection {
    task: AbortHandle,
    /// Whether its request is whole and its response isn't there yet.
    is_waiting: Arc<AtomicBool>,
}

/// Accepts connections until the process ends.
async fn accept<H, F>(listener: TcpListener, max: usize, handler: H)
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<String>> + Send + 'static,
{
    let mut connections: VecDeque<Connection> = VecDeque::new();
    loop {
        let accepted = listener.accept().await;
        connections.retain(|connection| !connection.task.is_finished());
        if accepted.is_err() || connections.len() >= max {
            close_oldest(&mut connections);
        }
        match accepted {
            Ok((stream, client)) => {
                let is_waiting: Arc<AtomicBool> = Arc::default();
                let task = tokio::spawn(answer(stream, client, handler.clone(), Arc::clone(&is_waiting)));
                let task = task.abort_handle();
                connections.push_back(Connection { task, is_waiting });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await, // out of file descriptors, say
        }
    }
}

/// Closes the oldest connection that still sends its request, or has its response. Those that wait for the response are few:
/// the handler bounds them.
fn close_oldest(connections: &mut VecDeque<Connection>) {
    let oldest = connections
        .iter()
        .position(|connection| !connection.is_waiting.load(Ordering::Relaxed));
    if let Some(connection) = oldest.and_then(|at| connections.remove(at)) {
        connection.task.abort();
    }
}

/// Answers the one request of a connection. A client that goes away, or never sends a whole request, doesn't affect the login.
async fn answer<H, F>(stream: TcpStream, client: SocketAddr, handler: H, is_waiting: Arc<AtomicBool>)
where
    H: Fn(Request) -> F,
    F: Future<Output = Response<String>>,
{
    let Ok(server) = stream.local_addr() else {
        return;
    };
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let response = match admit(request.method(), request.uri(), request.headers()) {
            Ok((target, host)) => Ok(handler(Request {
                target,
                host,
                client,
                server,
            })),
            Err(status) => Err(refusal(status)),
        };
        let is_waiting = Arc::clone(&is_waiting);
        async move {
            is_waiting.store(true, Ordering::Relaxed);
            let response = match response {
                Ok(response) => response.await,
                Err(refusal) => refusal,
            };
            is_waiting.store(false, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(parts) = connection.without_shutdown().await {
        linger(parts.io.into_inner()).await;
    }
}

/// Ends a connection. What still arrives is read and dropped: a connection that is closed with unread bytes is reset, and may
/// lose the response.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_ok() {
        let mut rest = stream.take(MAX_HEAD_BYTES as u64);
        let _ = tokio::time::timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }
}

/// Returns the target and the host of a request for the handler.
fn admit(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(String, String), StatusCode> {
    if method != Method::GET {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let is_plain = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let hosts: Vec<&HeaderValue> = headers.get_all(HOST).iter().collect();
    let host = match hosts[..] {
        [host] => host.to_str().ok().filter(is_plain),
        _ => None,
    };
    let target = uri
        .path_and_query()
        .map(|target| target.as_str())
        .filter(is_plain);
    match (target, host) {
        (Some(target), Some(host)) => Ok((target.to_owned(), host.to_owned())),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

fn refusal(status: StatusCode) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{Ipv4Addr, TcpStream},
    };

    use super::*;

    /// Starts a server whose handler returns the request.
    fn start() -> SocketAddr {
        let listener = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        serve(vec![listener], |request| async move {
            Response::new(format!("{} {}", request.target, request.host))
        })
        .unwrap();
        address
    }

    fn connect(address: SocketAddr, text: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(HEAD_TIMEOUT * 5)).unwrap();
        stream.write_all(text).unwrap();
        stream
    }

    fn exchange(address: SocketAddr, text: &[u8]) -> String {
        let mut answer = Vec::new();
        let _ = connect(address, text).read_to_end(&mut answer); // perhaps it is reset
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn only_target_and_host_of_whole_get_requests_reach_the_handler() {
        let address = start();
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(MAX_HEAD_BYTES));
        for (request, status, body) in [
            (
                "GET /?a=b HTTP/1.1\r\nhOST:  localhost:1 \r\nCookie: \u{fc}\r\nContent-Length: 9\r\n\r\nrest",
                "200",
                "/?a=b localhost:1",
            ),
            ("GET //x/?a HTTP/1.0\r\nHost: a\r\n\r\n", "200", "//x/?a a"),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b",
                "405",
                "",
            ),
            ("GET / HTTP/1.1\r\n\r\n", "400", ""),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", ""),
            ("GET / HTTP/1.1\r\nHost: \u{fc}\r\n\r\n", "400", ""),
            ("GET /\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "200", "* a"),
            ("GET /\r\nHost: a\r\n\r\n", "400", ""),
            ("\u{16}\u{3}\u{1}\r\n\r\n", "400", ""),
            (&long, "431", ""),
        ] {
            let answer = exchange(address, request.as_bytes());
            let (head, rest) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
            assert!(
                head.split(' ').nth(1) == Some(status) && rest == body,
                "{request:.80}: {answer}"
            );
        }
    }

    #[test]
    fn a_connection_carries_one_request() {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2);
        let answer = exchange(start(), &request);
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }

    #[test]
    fn half_a_request_is_dropped_in_time() {
        let address = start();
        let started = std::time::Instant::now();
        for half in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"] {
            let _ = connect(address, half);
        }
        let _ = exchange(address, b"GET / HT");
        let took = started.elapsed();
        assert!(took >= HEAD_TIMEOUT && took < HEAD_TIMEOUT * 4, "{took:?}");
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_oldest() {
        let address = start();
        let held: Vec<TcpStream> = (0..MAX_CONNECTIONS + 10)
            .map(|_| connect(address, b"GET / HT"))
            .collect();
        let answer = exchange(address, b"GET /new HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(answer.ends_with("/new a"), "{answer}");
        let mut oldest = held.into_iter().next().unwrap();
        assert!(
            !matches!(oldest.read(&mut [0]), Ok(1..)),
            "it is closed without a response"
        );
    }
}
