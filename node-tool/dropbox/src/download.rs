//! Content on its way down.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;

use crate::{
    Error, NetworkError,
    http::network_error,
    limit::{concurrency::Permit, rate::Direction},
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
    stall_timeout: Duration,
}

impl<'a, Answer> Download<'a, Answer> {
    pub(crate) fn new(
        answer: Answer,
        response: Response,
        permit: Permit<'a>,
        stall_timeout: Duration,
    ) -> Self {
        Self {
            answer,
            partial: response.status().as_u16() == 206,
            response,
            permit,
            stall_timeout,
        }
    }

    /// Returns the same content with another answer, made of the one that came.
    pub fn map<Other>(self, make: impl FnOnce(Answer) -> Other) -> Download<'a, Other> {
        Download {
            answer: make(self.answer),
            partial: self.partial,
            response: self.response,
            permit: self.permit,
            stall_timeout: self.stall_timeout,
        }
    }

    /// Returns the next bytes, or `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks or stalls.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = tokio::time::timeout(self.stall_timeout, self.response.chunk()).await;
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

#[cfg(test)]
mod tests {
    use crate::{
        Error,
        api::files::{DOWNLOAD, PathArg},
        retry::Tries,
        testing::{Server, answer, login},
    };

    const FILE: &str =
        r#"{"name":"f","id":"id:1","client_modified":"2020-01-01T00:00:00Z","rev":"0123456789","size":5}"#;

    #[tokio::test]
    async fn a_range_comes_with_its_metadata() {
        let server = Server::start([answer(206, "ello").with_header("Dropbox-API-Result", FILE)]).await;
        let client = server.client(login("t"));
        let arg = PathArg { path: "/f".into() };
        let mut tries = Tries::default();
        let mut download = client
            .download(&DOWNLOAD, &arg, Some((1, 4)), &mut tries)
            .await
            .unwrap();
        assert!(download.partial && download.answer.size == 5);
        let mut bytes = Vec::new();
        while let Some(chunk) = download.chunk().await.unwrap() {
            bytes.extend(chunk);
        }
        assert_eq!(bytes, b"ello");
        let request = server.requests().remove(0);
        assert_eq!(request.header("range"), Some("bytes=1-4"));
        assert_eq!(request.header("dropbox-api-arg"), Some(r#"{"path":"/f"}"#));
    }

    #[tokio::test]
    async fn a_page_in_the_place_of_a_file_is_no_file() {
        let page = || answer(200, "<html>").with_header("Content-Type", "text/html");
        for (answer, is_portal) in [(page(), true), (answer(200, "hello"), false)] {
            let server = Server::start([answer]).await;
            let client = server.client(login("t"));
            let arg = PathArg { path: "/f".into() };
            let error = client
                .download(&DOWNLOAD, &arg, None, &mut Tries::new(Some(1)))
                .await
                .unwrap_err();
            assert_eq!(matches!(error, Error::Portal(_)), is_portal, "{error}");
            assert!(is_portal || matches!(error, Error::NotDropbox(_)), "{error}");
        }
    }
}
