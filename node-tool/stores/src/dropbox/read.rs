//! Reading a file of a Dropbox in order, such as to print it.

use std::io;

use dropbox::Client;
use engine::{
    Result,
    entry::{Document, FileMeta},
};
use shared::content_hash::Hasher;

use super::{
    DropboxStore, LinkStore,
    down::{Content, Wanted},
    error::dropbox_error,
};
use crate::read::{Range, Read};

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
            None => read_file(self.client(), Content::Revision, file, range, sink).await,
        }
    }

    /// Reads a part of a cloud document's export, whose size is known when it comes.
    async fn read_export(&self, document: &Document, range: Range, sink: &mut Sink<'_>) -> Result<Read> {
        let client = self.client();
        let mut tries = client.tries();
        let mut export = client
            .export(&document.id, document.chosen.as_deref(), &mut tries)
            .await
            .map_err(dropbox_error)?;
        let (from, to) = range.of(export.announced_bytes());
        let mut at = 0_u64;
        while let Some(chunk) = export.chunk().await.map_err(dropbox_error)? {
            let within = |byte: u64| {
                let byte = byte.clamp(at, at + chunk.len() as u64) - at;
                usize::try_from(byte).unwrap_or(chunk.len())
            };
            let wanted = within(from)..within(to).max(within(from));
            if !sink(&chunk[wanted])? {
                return Ok(Read::Stopped);
            }
            at += chunk.len() as u64;
        }
        Ok(match export.finish() {
            Ok(_) => Read::Done { compared: true },
            Err(_) => Read::Damaged,
        })
    }
}

impl LinkStore {
    /// Reads a part of the file of this place, as it was listed, and hands its bytes to `sink` until that wants no more.
    ///
    /// # Errors
    /// When it can't be read to its end, or `sink` fails.
    pub async fn read(&self, file: &FileMeta, range: Range, sink: &mut Sink<'_>) -> Result<Read> {
        read_file(self.client(), Content::Link(self), file, range, sink).await
    }
}

/// Reads a part of a file that is no cloud document; `content` is how its bytes are asked for.
async fn read_file(
    client: &Client,
    content: Content<'_>,
    file: &FileMeta,
    range: Range,
    sink: &mut Sink<'_>,
) -> Result<Read> {
    let (from, to) = range.of(file.size_bytes);
    let is_whole = from == 0 && to == file.size_bytes;
    let expected = file.checksum().filter(|_| is_whole);
    let mut hasher = expected.map(|_| Hasher::new());
    let wanted = Wanted {
        path: "",
        rev: file.version.as_ref().map_or("", |version| &version.id),
    };
    let mut reader = content.read(client, wanted, file.size_bytes, from..to);
    while let Some(chunk) = reader.chunk().await.map_err(dropbox_error)? {
        if let Some(hasher) = &mut hasher {
            tokio::task::block_in_place(|| hasher.update(&chunk));
        }
        if !sink(&chunk)? {
            return Ok(Read::Stopped);
        }
    }
    Ok(match hasher.map(Hasher::finish) == expected {
        true => Read::Done {
            compared: expected.is_some(),
        },
        false => Read::Damaged,
    })
}
