//! Bytes on their way up: handed out chunk by chunk, each freed as soon as it is sent.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::meter::{Meter, Way};

/// A way to get the same bytes once more.
type Again = Arc<dyn Fn() -> io::Result<Vec<Bytes>> + Send + Sync>;

/// The body of an upload, which may have to be sent more than once.
#[derive(Clone)]
pub struct Payload {
    first: Arc<Mutex<Option<Vec<Bytes>>>>,
    again: Option<Again>,
    length_bytes: u64,
}

impl Payload {
    /// Bytes that stay in memory until the call is over.
    pub fn kept(chunks: Vec<Bytes>) -> Self {
        let length_bytes = chunks.iter().map(|c| c.len() as u64).sum();
        Self {
            first: Arc::new(Mutex::new(Some(chunks.clone()))),
            again: Some(Arc::new(move || Ok(chunks.clone()))),
            length_bytes,
        }
    }

    /// Bytes that are freed while they are sent; a repetition reads them `again`.
    pub fn streamed(
        chunks: Vec<Bytes>,
        again: impl Fn() -> io::Result<Vec<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        let length_bytes = chunks.iter().map(|c| c.len() as u64).sum();
        Self {
            first: Arc::new(Mutex::new(Some(chunks))),
            again: Some(Arc::new(again)),
            length_bytes,
        }
    }

    /// No bytes.
    pub fn empty() -> Self {
        Self::kept(Vec::new())
    }

    /// How many bytes.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The bytes as a body; blocks on the disk when it is not the first time.
    pub(super) fn open(&self, meter: &Arc<Meter>) -> io::Result<Body> {
        let first = self
            .first
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        let chunks = match (first, &self.again) {
            (Some(chunks), _) => chunks,
            (None, Some(again)) => again()?,
            (None, None) => return Err(io::Error::other("the bytes are gone")),
        };
        Ok(Body {
            left_bytes: chunks.iter().map(|c| c.len() as u64).sum(),
            chunks: chunks.into(),
            meter: Arc::clone(meter),
            wait: None,
        })
    }
}

/// Chunks in order, with their exact length known.
pub(super) struct Body {
    chunks: VecDeque<Bytes>,
    left_bytes: u64,
    meter: Arc<Meter>,
    /// Until the next chunk may go.
    wait: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.wait.is_none() {
            let next = self.chunks.front().map_or(0, Bytes::len);
            let at = self.meter.bytes(Way::Up, next).filter(|_| next > 0);
            self.wait = at.map(|at| Box::pin(tokio::time::sleep_until(at.into())));
        }
        if let Some(wait) = &mut self.wait {
            std::task::ready!(wait.as_mut().poll(context));
            self.wait = None;
        }
        let next = self.chunks.pop_front();
        if let Some(chunk) = &next {
            self.left_bytes -= chunk.len() as u64;
        }
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes)
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }
}
