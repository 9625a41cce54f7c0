//! Reading a revision of a file in order, over as many connections as it takes: the one loop that downloads a file's bytes.

use std::ops::Range;

use bytes::Bytes;

use crate::{
    Client, Download, DropboxPath, Error, NetworkError, SharedLink, Tries,
    api::files::{DOWNLOAD, PathArg},
};

/// Number of bytes of a connection after which the attempts start to count again: a connection that keeps breaking still makes
/// progress, but a few bytes per call would never end.
const PROGRESS_BYTES: u64 = 256 << 10;

/// The bytes of one revision, or of a part of it, in order. A broken connection is continued where it broke.
#[derive(Debug)]
pub struct Reader<'a> {
    client: &'a Client,
    /// A shared link, and the path below it, through which the bytes come. `None` if they come by their revision.
    link: Option<(SharedLink, DropboxPath)>,
    rev: String,
    size_bytes: u64,
    /// The offsets of the next byte and of the one after the last.
    left: Range<u64>,
    tries: Tries,
    connection: Option<Connection<'a>>,
}

/// A connection that brings bytes.
#[derive(Debug)]
struct Connection<'a> {
    download: Download<'a, Pinned>,
    /// The offset of its first byte.
    from: u64,
}

/// Which bytes come: the revision that the server names, and its size in bytes.
#[derive(Debug)]
struct Pinned {
    rev: String,
    size: u64,
}

impl Client {
    /// Returns the bytes at `range` of the revision `rev`, whose file has `size_bytes`. Nothing is sent before the first chunk is
    /// asked for.
    pub fn read(&self, rev: &str, size_bytes: u64, range: Range<u64>) -> Reader<'_> {
        Reader {
            client: self,
            link: None,
            rev: rev.to_owned(),
            size_bytes,
            left: range,
            tries: self.tries(),
            connection: None,
        }
    }

    /// Returns the same of what is at a path below a shared link, which has to be that revision still.
    pub fn read_link(
        &self,
        place: (SharedLink, DropboxPath),
        rev: &str,
        size_bytes: u64,
        range: Range<u64>,
    ) -> Reader<'_> {
        Reader {
            link: Some(place),
            ..self.read(rev, size_bytes, range)
        }
    }
}

impl<'a> Reader<'a> {
    /// Returns the next bytes. `None` means that all have come. A future that is dropped loses the connection, which ends the reading.
    ///
    /// # Errors
    /// When they can't be had, or are those of another revision.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while !self.left.is_empty() {
            match self.try_chunk().await {
                Ok(chunk) => {
                    self.left.start += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                Err(error) => self.recover(error).await?,
            }
        }
        self.end().await
    }

    async fn try_chunk(&mut self) -> Result<Bytes, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let missing = self.left.end - self.left.start;
        match connection.download.chunk().await? {
            None => Err(Error::Network(NetworkError::Broken {
                host: "Dropbox".into(),
                reason: format!("{missing} bytes were missing at the end"),
            })),
            Some(chunk) if chunk.len() as u64 > missing => Err(too_many()),
            Some(chunk) => {
                self.connection = Some(connection);
                Ok(chunk)
            }
        }
    }

    async fn connect(&mut self) -> Result<Connection<'a>, Error> {
        let Range { start, end } = self.left;
        let part = (self.left != (0..self.size_bytes)).then_some((start, end - 1));
        let download = self.open(part).await?;
        if download.answer.rev != self.rev || download.answer.size != self.size_bytes {
            return Err(match self.link {
                // A link has the revision of now.
                Some(_) => Error::Changed,
                None => Error::Unreadable("another revision came than was asked for".into()),
            });
        }
        if part.is_some() && !download.partial {
            return Err(Error::NotDropbox("the range was ignored".into()));
        }
        Ok(Connection {
            download,
            from: start,
        })
    }

    async fn open(&mut self, part: Option<(u64, u64)>) -> Result<Download<'a, Pinned>, Error> {
        let (client, tries) = (self.client, &mut self.tries);
        if let Some((link, path)) = &self.link {
            let opened = client.download_link(link, path, part, tries).await?;
            return Ok(opened.map(|answer| Pinned {
                rev: answer.rev.unwrap_or_default(),
                size: answer.size.unwrap_or_default(),
            }));
        }
        let path = format!("rev:{}", self.rev);
        let opened = client.download(&DOWNLOAD, &PathArg { path }, part, tries).await?;
        Ok(opened.map(|answer| Pinned {
            rev: answer.rev,
            size: answer.size,
        }))
    }

    /// Waits before the next attempt after `error`, or returns it if there should be none.
    async fn recover(&mut self, error: Error) -> Result<(), Error> {
        if let Some(broken) = self.connection.take()
            && self.left.start - broken.from >= PROGRESS_BYTES
        {
            self.tries.made_progress();
        }
        let wait = self.tries.wait_after(&error).ok_or(error)?;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Checks that nothing comes after the last byte. A connection that breaks then has brought all.
    async fn end(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(mut connection) = self.connection.take() else {
            return Ok(None);
        };
        match connection.download.chunk().await {
            Ok(Some(_)) => Err(too_many()),
            Ok(None) | Err(_) => Ok(None),
        }
    }
}

fn too_many() -> Error {
    Error::NotDropbox("more bytes came than were asked for".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, answer, login};

    const META: &str =
        r#"{"name":"f","id":"id:1","client_modified":"2020-01-01T00:00:00Z","rev":"0123456789","size":5}"#;

    async fn read(server: &Server, range: Range<u64>) -> Result<Vec<u8>, Error> {
        let client = server.client(login("t")).with_tries(Some(2));
        let mut reader = client.read("0123456789", 5, range);
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.chunk().await? {
            bytes.extend(chunk);
        }
        Ok(bytes)
    }

    #[tokio::test]
    async fn what_breaks_is_continued_where_it_broke() {
        let part = |status, text| answer(status, text).with_header("Dropbox-API-Result", META);
        let server = Server::start([part(200, "he"), part(206, "llo")]).await;
        assert_eq!(read(&server, 0..5).await.unwrap(), b"hello");
        let ranges: Vec<_> = server
            .requests()
            .iter()
            .map(|request| request.header("range").map(str::to_owned))
            .collect();
        assert_eq!(ranges, [None, Some("bytes=2-4".into())]);
    }

    #[tokio::test]
    async fn other_bytes_than_were_asked_for_are_refused() {
        let part = |status, text| answer(status, text).with_header("Dropbox-API-Result", META);
        let other = META.replace("0123456789", "9876543210");
        let of_another = answer(206, "ell").with_header("Dropbox-API-Result", &other);
        for (answer, words) in [
            (part(206, "hello"), "more bytes"),
            (part(200, "ell"), "range was ignored"),
            (of_another, "another revision"),
        ] {
            let server = Server::start([answer.clone(), answer]).await;
            let error = read(&server, 1..4).await.unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[tokio::test]
    async fn a_file_behind_a_link_that_changed_is_told_from_an_answer_that_cant_be_used() {
        let meta = META
            .replace("0123456789", "9876543210")
            .replacen('{', r#"{"url":"u","#, 1);
        let server = Server::start([answer(200, "hello").with_header("Dropbox-API-Result", &meta)]).await;
        let client = server.client(login("t"));
        let link = SharedLink::new("https://www.dropbox.com/s/a/f", None);
        let mut reader = client.read_link((link, DropboxPath::default()), "0123456789", 5, 0..5);
        let error = reader.chunk().await.unwrap_err();
        assert!(matches!(error, Error::Changed), "{error}");
    }

    #[tokio::test]
    async fn an_empty_range_costs_no_call() {
        let server = Server::start([]).await;
        assert_eq!(read(&server, 5..5).await.unwrap(), b"");
        assert!(server.requests().is_empty());
    }
}
