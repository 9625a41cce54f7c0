//! Files that Dropbox fetches itself.

use std::time::Duration;

use crate::{
    Client, DropboxPath, Error, FileInfo,
    api::files::{SAVE_URL, SAVE_URL_CHECK, SaveUrlArg},
};

/// How long to wait for it: Dropbox gives up after 15 minutes.
const SAVE_TIMEOUT: Duration = Duration::from_secs(16 * 60);

impl Client {
    /// Has Dropbox fetch `url` into a new file at `path`. Returns the file and its name: where something is already, it gets another
    /// name.
    ///
    /// # Errors
    /// When Dropbox can't fetch it or make the file, or hasn't finished in 16 minutes.
    pub async fn save_url(&self, path: &DropboxPath, url: &str) -> Result<(String, FileInfo), Error> {
        let arg = SaveUrlArg {
            path: path.as_str().to_owned(),
            url: url.to_owned(),
        };
        let file = self.job(&SAVE_URL, &SAVE_URL_CHECK, &arg, SAVE_TIMEOUT).await?;
        let name = file.name.clone();
        Ok((name, FileInfo::from(&file)))
    }
}
