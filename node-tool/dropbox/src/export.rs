//! What cloud documents become when they are exported.

use bytes::Bytes;
use shared::content_hash::{ContentHash, Hasher};

use crate::{
    Client, Download, Error, Tries,
    api::files::{EXPORT, ExportArg, Exported},
};

/// A cloud document on its way down, in another format. It can't be continued where it broke: Dropbox makes it again each time.
#[derive(Debug)]
pub struct Export<'a> {
    download: Download<'a, Exported>,
    size_bytes: u64,
    hasher: Hasher,
}

impl Client {
    /// Exports the document `id`, with what is left of `tries`; without a format, in the document's own default.
    ///
    /// # Errors
    /// When it can't be exported.
    pub async fn export(
        &self,
        id: &str,
        format: Option<&str>,
        tries: &mut Tries,
    ) -> Result<Export<'_>, Error> {
        let arg = ExportArg {
            path: id.to_owned(),
            export_format: format.map(str::to_owned),
        };
        Ok(Export {
            download: self.download(&EXPORT, &arg, None, tries).await?,
            size_bytes: 0,
            hasher: Hasher::new(),
        })
    }
}

impl Export<'_> {
    /// Returns the size in bytes that Dropbox announces.
    pub fn announced_bytes(&self) -> u64 {
        self.download.answer.export_metadata.size
    }

    /// Returns the number of bytes that have come.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns the next bytes. `None` means that all have come.
    ///
    /// # Errors
    /// When the connection breaks or stalls.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = self.download.chunk().await?;
        if let Some(chunk) = &chunk {
            self.hasher.update(chunk);
            self.size_bytes += chunk.len() as u64;
        }
        Ok(chunk)
    }

    /// Returns the hash of what came.
    ///
    /// # Errors
    /// When it is not what Dropbox made.
    pub fn finish(self) -> Result<ContentHash, Error> {
        let hash = self.hasher.finish();
        match self.download.answer.export_metadata.export_hash {
            Some(expected) if expected != hash => Err(Error::NotDropbox(
                "the export's bytes were damaged on the way".into(),
            )),
            _ => Ok(hash),
        }
    }
}
