//! A file that Dropbox fetches from an address itself.

use dropbox::FileInfo;
use engine::{Error, Result, Retry, entry::FileMeta, relative_path::fold};

use super::{DropboxStore, change::replace, error::dropbox_error};
use crate::Written;

impl DropboxStore {
    /// Has Dropbox fetch `url` into the file at this place, where `there` is now: no byte of it passes through here.
    ///
    /// # Errors
    /// When Dropbox can't fetch it, or the file can't take its place.
    pub async fn save_url(&self, url: &str, there: Option<&FileMeta>) -> Result<Written> {
        let (client, path) = (self.client(), self.path());
        let Some(old) = there.and_then(|file| file.version.as_ref()) else {
            let (name, file) = client.save_url(path, url).await.map_err(dropbox_error)?;
            let is_in_place = path.name().is_some_and(|wanted| fold(wanted) == fold(&name));
            return written(file, (!is_in_place).then_some(name));
        };
        // Dropbox never replaces a file by that: the new one is made beside the old one, and takes its place.
        let folder = path.parent().unwrap_or_default();
        let new = folder.join(&format!(".node-tool.{:016x}.url", rand::random::<u64>()));
        let (name, file) = client.save_url(&new, url).await.map_err(dropbox_error)?;
        let new = folder.join(&name);
        let Err(error) = replace(client, &new, path, &old.id).await else {
            return written(file, None);
        };
        let removed = client.delete_all(&[(new.clone(), None)]).await.pop();
        let error = dropbox_error(error);
        Err(match removed {
            Some(Err(_)) => {
                let words = format!("{error}; what came is in '{}'", client.location(&new));
                error.with_message(words)
            }
            _ => error,
        })
    }
}

fn written(file: FileInfo, beside: Option<String>) -> Result<Written> {
    let checksum = file
        .content_hash
        .ok_or_else(|| Error::new(Retry::Unknown, "Dropbox has no hash of it"))?;
    Ok(Written {
        size_bytes: file.size_bytes,
        checksum,
        version: Some(file.rev),
        beside,
    })
}
