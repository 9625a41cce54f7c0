//! A file that is sent and not committed.

use std::path::Path;

use dropbox::{Client, DropboxPath};
use engine::digest::Digests;
use shared::content_hash::ContentHash;

use crate::{
    dropbox::{item::Item, journal::Journal},
    local::Source,
};

/// A file whose bytes are all on the server.
#[derive(Debug)]
pub(super) struct Sent {
    pub item: Item,
    pub session_id: String,
    pub hash: ContentHash,
    pub digests: Digests,
    pub source: Source,
    /// The journal of a big file.
    pub journal: Option<Journal>,
    /// Whether its time is omitted, since Dropbox refuses it.
    pub timeless: bool,
}

impl Sent {
    /// Forgets its journal: it need not be continued.
    pub(super) fn forget_journal(&self) {
        if let Some(journal) = &self.journal {
            journal.forget();
        }
    }
}

/// Returns from where to where a file goes, which identifies it in what outlasts the process.
pub(super) async fn place(client: &Client, path: &Path, target: &DropboxPath) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let target = client.lasting_name(target).await;
    format!("up\n{}\n{target}\n{}", client.remote(), path.display())
}
