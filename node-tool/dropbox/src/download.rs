//! Content on its way down.

use bytes::Bytes;
use reqwest::Response;

use crate::{
    Error, NetworkError,
    http::network_error,
    limit::{concurrency::Permit, rate::Direction, stall::STALL_TIMEOUT},
};

/// Content on its way down, and what came with it. Counts as a call that is under way until it is dropped.
#[derive(Debug)]
pub struct Download<'a, Answer> {
    /// The result that came in the header: the file's metadata, for example.
    pub answer: Answer,
    /// Whether a range was asked for and is what comes (206).
    pub partial: bool,
    response: Response,
    permit: Permit<'a>,
}

impl<'a, Answer> Download<'a, Answer> {
    pub(crate) fn new(answer: Answer, response: Response, permit: Permit<'a>) -> Self {
        Self {
            answer,
            partial: response.status().as_u16() == 206,
            response,
            permit,
        }
    }

    /// Returns the next bytes, or `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks or stalls.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = tokio::time::timeout(STALL_TIMEOUT, self.response.chunk()).await;
        let stalled = |_| Error::Network(NetworkError::Timeout("Dropbox".into()));
        let chunk = chunk.map_err(stalled)?.map_err(|e| network_error(&e))?;
        let count = chunk.as_ref().map_or(0, Bytes::len);
        self.permit.carried(count);
        if let Some(at) = self.permit.rates().take_bytes(Direction::Download, count) {
            tokio::time::sleep_until(at.into()).await;
        }
        Ok(chunk)
    }
}
