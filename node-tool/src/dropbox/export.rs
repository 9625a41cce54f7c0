//! What cloud documents become when they are exported.

use shared::{
    api::files::{EXPORT, ExportArg},
    content_hash::{ContentHash, Hasher},
};

use super::{Client, Error};
use crate::tree::Document;

impl Client {
    /// Exports a document and returns the size and hash of what came.
    ///
    /// # Errors
    /// When it can't be exported, or its bytes aren't those that Dropbox made.
    pub async fn hash_of_export(&self, document: &Document) -> Result<(u64, ContentHash), Error> {
        let arg = ExportArg {
            path: document.id.clone(),
            export_format: document.chosen.clone(),
        };
        let mut tries = self.tries_of_a_call();
        let mut download = self.download(&EXPORT, &arg, None, &mut tries).await?;
        let expected = download.answer.export_metadata.export_hash;
        let (mut size, mut hasher) = (0, Hasher::new());
        while let Some(chunk) = download.chunk().await? {
            hasher.update(&chunk);
            size += chunk.len() as u64;
        }
        let hash = hasher.finish();
        if expected.is_some_and(|expected| expected != hash) {
            return Err(Error::NotDropbox(
                "the export's bytes were damaged on the way".into(),
            ));
        }
        Ok((size, hash))
    }
}
