//! Reading a file of a Dropbox in order, such as to print it.

use std::io;

use dropbox::{Client, Error, Tries};
use engine::{
    Result,
    entry::{Document, FileMeta},
};
use shared::{
    api::files::{DOWNLOAD, EXPORT, ExportArg, PathArg},
    content_hash::Hasher,
};

use super::{DropboxStore, error::dropbox_error};
use crate::read::{Range, Read};

/// Number of bytes after which the attempts start to count again: a connection that keeps breaking still makes progress.
const PROGRESS_BYTES: u64 = 256 << 10;

/// Handles the bytes. Returns whether more are wanted.
type Sink<'a> = dyn FnMut(&[u8]) -> io::Result<bool> + 'a;

impl DropboxStore {
    /// Reads a part of a file of this place, as it was listed, and hands its bytes to `sink` until that wants no more.
    ///
    /// # Errors
    /// When it can't be read to its end, or `sink` fails.
    pub async fn read(&self, file: &FileMeta, range: Range, sink: &mut Sink<'_>) -> Result<Read> {
        match file.document() {
            Some(document) => self.read_export(document, range, sink).await,
            None => self.read_file(file, range, sink).await,
        }
    }

    /// Reads a part of a cloud document's export, whose size is known when it comes.
    async fn read_export(&self, document: &Document, range: Range, sink: &mut Sink<'_>) -> Result<Read> {
        let arg = ExportArg {
            path: document.id.clone(),
            export_format: document.chosen.clone(),
        };
        let client = self.client();
        let mut tries = client.tries();
        let mut download = client
            .download(&EXPORT, &arg, None, &mut tries)
            .await
            .map_err(dropbox_error)?;
        let expected = download.answer.export_metadata.export_hash;
        let (from, to) = range.of(download.answer.export_metadata.size);
        let (mut at, mut hasher) = (0_u64, Hasher::new());
        while let Some(chunk) = download.chunk().await.map_err(dropbox_error)? {
            let within = |byte: u64| {
                let byte = byte.clamp(at, at + chunk.len() as u64) - at;
                usize::try_from(byte).unwrap_or(chunk.len())
            };
            let wanted = within(from)..within(to).max(within(from));
            if !sink(&chunk[wanted])? {
                return Ok(Read::Stopped);
            }
            hasher.update(&chunk);
            at += chunk.len() as u64;
        }
        Ok(match expected {
            Some(hash) if hash != hasher.finish() => Read::Damaged,
            _ => Read::Done { compared: true },
        })
    }

    async fn read_file(&self, file: &FileMeta, range: Range, sink: &mut Sink<'_>) -> Result<Read> {
        let (from, to) = range.of(file.size_bytes);
        let is_whole = from == 0 && to == file.size_bytes;
        let expected = file.checksum().filter(|_| is_whole);
        let mut reading = Reading {
            client: self.client(),
            rev: file
                .version
                .as_ref()
                .map(|version| version.id.clone())
                .unwrap_or_default(),
            size: file.size_bytes,
            at: from,
            to,
            hasher: expected.map(|_| Hasher::new()),
            sink,
        };
        if !reading.read_all().await? {
            return Ok(Read::Stopped);
        }
        Ok(match reading.hasher.map(Hasher::finish) == expected {
            true => Read::Done {
                compared: expected.is_some(),
            },
            false => Read::Damaged,
        })
    }
}

/// A part of one revision, on its way.
struct Reading<'a, 's> {
    client: &'a Client,
    rev: String,
    size: u64,
    at: u64,
    to: u64,
    hasher: Option<Hasher>,
    sink: &'a mut Sink<'s>,
}

impl Reading<'_, '_> {
    /// Reads to the end. A broken connection is continued where it broke. Returns whether all was wanted.
    async fn read_all(&mut self) -> Result<bool> {
        let mut tries = self.client.tries();
        while self.at < self.to {
            let before = self.at;
            let broken = match self.once(&mut tries).await? {
                None => return Ok(false),
                Some(_) if self.at >= self.to => break,
                Some(broken) => broken,
            };
            let error = broken.unwrap_or_else(|| Error::NotDropbox("it ended too early".into()));
            if self.at - before >= PROGRESS_BYTES {
                tries.made_progress();
            }
            let Some(wait) = tries.wait_after(&error) else {
                return Err(dropbox_error(error));
            };
            tokio::time::sleep(wait).await;
        }
        Ok(true)
    }

    /// Reads until a connection ends. Returns what broke it, if anything did. `None` means that no more is wanted.
    async fn once(&mut self, tries: &mut Tries) -> Result<Option<Option<Error>>> {
        let wrong = |reason: &str| Err(dropbox_error(Error::NotDropbox(reason.into())));
        let arg = PathArg {
            path: format!("rev:{}", self.rev),
        };
        let whole = self.at == 0 && self.to == self.size;
        let part = (!whole).then_some((self.at, self.to - 1));
        let opened = self.client.download(&DOWNLOAD, &arg, part, tries).await;
        let mut download = opened.map_err(dropbox_error)?;
        if !whole && !download.partial {
            return wrong("the range was ignored");
        }
        if download.answer.rev != self.rev || download.answer.size != self.size {
            return wrong("another revision came than was asked for");
        }
        loop {
            match download.chunk().await {
                Ok(Some(chunk)) => {
                    if chunk.len() as u64 > self.to - self.at {
                        return wrong("more bytes came than were asked for");
                    }
                    self.at += chunk.len() as u64;
                    if let Some(hasher) = &mut self.hasher {
                        tokio::task::block_in_place(|| hasher.update(&chunk));
                    }
                    if !(self.sink)(&chunk)? {
                        return Ok(None);
                    }
                }
                Ok(None) => return Ok(Some(None)),
                Err(error) => return Ok(Some(Some(error))),
            }
        }
    }
}
