//! Bytes on their way up: read from disk while they are sent, some ahead, so that a call of any size takes little memory.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::{
    Error,
    limit::{
        rate::{Direction, RateLimiter},
        stall::{StallGuard, Watch},
    },
};

/// Reads bytes of a body: from an offset, this many.
type Reader = Arc<dyn Fn(u64, usize) -> io::Result<Bytes> + Send + Sync>;

/// How many bytes are read at a time.
const CHUNK_BYTES: u64 = 256 * 1024;

/// The error that a [payload](Payload::read)'s reader wraps into an I/O error when the source isn't any more what it was when its
/// hash was taken: then the call fails with [`Error::Changed`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it changed while it was read")]
pub struct SourceChanged;

/// The body of an upload, which may have to be sent more than once.
#[derive(Clone)]
pub struct Payload {
    content: Content,
    length_bytes: u64,
    broken: Arc<Mutex<Option<Error>>>,
    guard: Arc<StallGuard>,
}

#[derive(Clone)]
enum Content {
    Kept(Vec<Bytes>),
    Read(Reader),
}

impl Payload {
    /// Makes a body of bytes that stay in memory until the call is over.
    pub fn kept(chunks: Vec<Bytes>) -> Self {
        Self::new(chunks.iter().map(|c| c.len() as u64).sum(), Content::Kept(chunks))
    }

    /// Makes a body of `length_bytes` bytes that `reader` reads while they are sent: from an offset, this many, at most 256 KiB at a
    /// time and one chunk ahead. It is called on threads that may block, and again for each try of the call.
    pub fn read(
        length_bytes: u64,
        reader: impl Fn(u64, usize) -> io::Result<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::new(length_bytes, Content::Read(Arc::new(reader)))
    }

    /// Makes a body without bytes.
    pub fn empty() -> Self {
        Self::kept(Vec::new())
    }

    fn new(length_bytes: u64, content: Content) -> Self {
        Self {
            content,
            length_bytes,
            broken: Arc::default(),
            guard: Arc::new(StallGuard::new(None)),
        }
    }

    /// Reports to `watch` how many of its bytes are sent.
    #[must_use]
    pub fn watched(self, watch: Watch) -> Self {
        Self {
            guard: Arc::new(StallGuard::new(Some(watch))),
            ..self
        }
    }

    /// Returns what watches whether its bytes still move.
    pub(crate) fn guard(&self) -> &StallGuard {
        &self.guard
    }

    /// Returns its length.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// Returns why the bytes could not be read, if they could not.
    pub(crate) fn broken(&self) -> Option<Error> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the bytes from their beginning, to be sent at these rates.
    pub(crate) fn open(&self, rates: &Arc<RateLimiter>) -> Body {
        let chunks = match &self.content {
            Content::Kept(chunks) => Chunks::Kept(chunks.clone().into()),
            Content::Read(reader) => Chunks::Read {
                reader: Arc::clone(reader),
                at: 0,
                end: self.length_bytes,
                next: None,
            },
        };
        self.guard.started();
        Body {
            guard: Arc::clone(&self.guard),
            chunks,
            left_bytes: self.length_bytes,
            broken: Arc::clone(&self.broken),
            ready: None,
            rates: Arc::clone(rates),
            wait: None,
        }
    }
}

/// Chunks in order, of a known length.
pub(crate) struct Body {
    chunks: Chunks,
    left_bytes: u64,
    broken: Arc<Mutex<Option<Error>>>,
    /// The next chunk, which may have to wait for its turn.
    ready: Option<Bytes>,
    rates: Arc<RateLimiter>,
    guard: Arc<StallGuard>,
    wait: Option<Pin<Box<tokio::time::Sleep>>>,
}

enum Chunks {
    Kept(VecDeque<Bytes>),
    Read {
        reader: Reader,
        /// Where the chunk after `next` begins.
        at: u64,
        end: u64,
        next: Option<JoinHandle<io::Result<Bytes>>>,
    },
}

impl Chunks {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        match self {
            Self::Kept(chunks) => Poll::Ready(Ok(chunks.pop_front())),
            Self::Read {
                reader,
                at,
                end,
                next,
            } => {
                let mut ahead = || {
                    let from = *at;
                    let count = CHUNK_BYTES.min(*end - from);
                    let reader = Arc::clone(reader);
                    *at += count;
                    (count > 0).then(|| {
                        tokio::task::spawn_blocking(move || {
                            reader(from, usize::try_from(count).unwrap_or(usize::MAX))
                        })
                    })
                };
                if next.is_none() {
                    *next = ahead();
                }
                let Some(reading) = next else {
                    return Poll::Ready(Ok(None));
                };
                let chunk = ready!(Pin::new(reading).poll(context));
                *next = ahead();
                Poll::Ready(chunk.map_err(io::Error::other).flatten().map(Some))
            }
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.ready.is_none() {
            let next = match ready!(this.chunks.poll_next(context)) {
                Ok(next) => next,
                Err(error) => {
                    let is_change = error.get_ref().is_some_and(|inner| inner.is::<SourceChanged>());
                    let why = if is_change {
                        Error::Changed
                    } else {
                        Error::Source(error.to_string())
                    };
                    *this.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                    return Poll::Ready(Some(Err(error)));
                }
            };
            let Some(chunk) = next else {
                return Poll::Ready(None);
            };
            let at = this.rates.take_bytes(Direction::Upload, chunk.len());
            at.iter().for_each(|at| this.guard.paused_until(*at));
            this.wait = at.map(|at| Box::pin(tokio::time::sleep_until(at.into())));
            this.ready = Some(chunk);
        }
        if let Some(wait) = &mut this.wait {
            ready!(wait.as_mut().poll(context));
            this.wait = None;
        }
        let chunk = this.ready.take();
        let bytes = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        this.left_bytes -= bytes;
        this.guard.progressed(bytes);
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes)
    }

    fn is_end_stream(&self) -> bool {
        self.left_bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ContentHash, Flow,
        api::files::{SESSION_START, SessionStartArg, SessionStarted},
        testing::{Server, answer, login},
    };

    fn arg(content: &[u8]) -> SessionStartArg {
        SessionStartArg {
            content_hash: Some(ContentHash::of(content)),
            ..SessionStartArg::default()
        }
    }

    async fn send(server: &Server, payload: &Payload) -> Result<SessionStarted, Error> {
        let client = server.client(login("t"));
        client.upload(&SESSION_START, &arg(b"x"), payload).await
    }

    #[tokio::test]
    async fn a_body_is_read_again_for_each_try_and_its_bytes_are_taken_back() {
        let content: Vec<u8> = (0..CHUNK_BYTES + 10)
            .map(|at| b'a' + u8::try_from(at % 26).unwrap())
            .collect();
        let server = Server::start([answer(500, ""), answer(200, r#"{"session_id":"s"}"#)]).await;
        let flows = Arc::new(Mutex::new(Vec::new()));
        let payload = {
            let (content, flows) = (content.clone(), Arc::clone(&flows));
            let read = move |at: u64, count| {
                let at = usize::try_from(at).unwrap();
                Ok(Bytes::copy_from_slice(&content[at..at + count]))
            };
            let watch: Watch = Arc::new(move |flow| flows.lock().unwrap().push(flow));
            Payload::read(CHUNK_BYTES + 10, read).watched(watch)
        };
        assert_eq!(send(&server, &payload).await.unwrap().session_id, "s");
        for request in server.requests() {
            assert_eq!(request.body.as_bytes(), content);
        }
        let whole = [Flow::Sent(CHUNK_BYTES), Flow::Sent(10)];
        let flows = flows.lock().unwrap();
        assert_eq!(flows[..2], whole);
        assert_eq!(flows[2..], [Flow::Returned(CHUNK_BYTES + 10), whole[0], whole[1]]);
    }

    #[tokio::test]
    async fn a_source_that_fails_is_not_taken_for_the_network() {
        type Fails = fn() -> io::Error;
        let cases: [(Fails, &str); 2] = [
            (|| io::Error::other(SourceChanged), "it changed while it was read"),
            (|| io::Error::other("no disk"), "could not read it: no disk"),
        ];
        for (error, words) in cases {
            let server = Server::start([]).await;
            let payload = Payload::read(5, move |_, _| Err(error()));
            assert_eq!(send(&server, &payload).await.unwrap_err().to_string(), words);
        }
    }
}
