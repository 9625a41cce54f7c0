//! What cloud documents become when they are exported.

use shared::content_hash::{ContentHash, Hasher};

use crate::{
    Client, Error,
    api::files::{EXPORT, ExportArg},
};

impl Client {
    /// Exports the document `id` and returns the size in bytes and the hash of what came; without a format, in the document's
    /// own default.
    ///
    /// # Errors
    /// When it can't be exported, or its bytes aren't those that Dropbox made.
    pub async fn hash_of_export(&self, id: &str, format: Option<&str>) -> Result<(u64, ContentHash), Error> {
        let arg = ExportArg {
            path: id.to_owned(),
            export_format: format.map(str::to_owned),
        };
        let mut tries = self.tries();
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
