//! What is done to one place of a Dropbox: removing it with all in it, making an empty file, giving it another name or time.

use dropbox::{Client, DropboxPath, Payload, Relocation};
use engine::{
    Error, Result, Retry,
    entry::{Document, FileMeta, Modified},
};
use shared::{
    api::files::{CommitInfo, Time, UPLOAD, UploadArg, WriteMode},
    content_hash::ContentHash,
    plain::quoted,
};

use super::{DropboxStore, error::dropbox_error};
use crate::change::TouchError;

impl DropboxStore {
    /// Removes the folder with all in it.
    ///
    /// # Errors
    /// When it can't be removed.
    pub(crate) async fn remove_all(&self) -> Result<()> {
        let target = [(self.path().clone(), None)];
        let removed = self.client().delete_all(&target).await.pop();
        removed.unwrap_or(Ok(())).map_err(dropbox_error)
    }

    /// Gives an empty file another modification time, or makes one where nothing is.
    ///
    /// # Errors
    /// When it can't be made, or can't take the place of the old one.
    pub(crate) async fn touch_empty(&self, old: Option<&FileMeta>, time: Modified) -> Result<(), TouchError> {
        let (client, path) = (self.client(), self.path());
        let make = |error| TouchError::Make(dropbox_error(error));
        let Some(old) = old.and_then(|file| file.version.as_ref()) else {
            return upload_empty(client, path, time).await.map_err(make);
        };
        // Dropbox takes the same content for no change at all, so the new file is made beside the old one, and takes its place.
        let folder = path.parent().unwrap_or_default();
        let new = folder.join(&format!(".node-tool.{:016x}.touch", rand::random::<u64>()));
        upload_empty(client, &new, time).await.map_err(make)?;
        let error = match replace(client, &new, path, &old.id).await {
            Ok(()) => return Ok(()),
            Err(error) => dropbox_error(error),
        };
        let removed = client.delete_all(&[(new.clone(), None)]).await.pop();
        let left = matches!(removed, Some(Err(_))).then(|| quoted(&client.location(&new).to_string()));
        Err(TouchError::Touch(error, left))
    }

    /// Uploads a small file to `path`, whose content has this checksum, over what was seen there.
    ///
    /// # Errors
    /// When it can't be uploaded, or something else is there by now.
    pub async fn put_small(
        &self,
        path: &str,
        bytes: Vec<u8>,
        checksum: ContentHash,
        old: Option<&FileMeta>,
    ) -> Result<()> {
        let old = old.and_then(|old| old.version.as_ref());
        let arg = UploadArg {
            commit: CommitInfo {
                path: self.path_of(path).as_str().to_owned(),
                mode: WriteMode::over(old.map(|old| old.id.as_str())),
                client_modified: None,
                mute: true,
                autorename: false,
            },
            content_hash: checksum,
        };
        let payload = Payload::kept(vec![bytes.into()]);
        let uploaded = self.client().upload(&UPLOAD, &arg, &payload).await;
        uploaded.map(drop).map_err(dropbox_error)
    }

    /// Returns the size and checksum of a file. A cloud document's are known when it is exported.
    ///
    /// # Errors
    /// When it has none, or the document can't be exported.
    pub async fn size_and_checksum(&self, file: &FileMeta) -> Result<(u64, ContentHash)> {
        match (file.checksum(), file.document()) {
            (Some(checksum), _) => Ok((file.size_bytes, checksum)),
            (None, Some(document)) => export_totals(self.client(), document)
                .await
                .map_err(dropbox_error),
            (None, None) => Err(Error::new(Retry::Unknown, "Dropbox has no hash of it")),
        }
    }

    /// Moves the whole folder to a place of the same Dropbox at which nothing is, in one call. Returns whether it did: where
    /// that is too much for one call, it has to go file by file.
    ///
    /// # Errors
    /// When it can't be asked whether the place is free, or the server hasn't finished: what is moved beside it would only be in
    /// its way.
    pub async fn move_whole(&self, target: &Self) -> Result<bool> {
        if target
            .client()
            .stat(target.path())
            .await
            .map_err(dropbox_error)?
            .is_some()
        {
            return Ok(false);
        }
        let pair = [(self.path().clone(), target.path().clone())];
        match self.client().relocate_all(Relocation::Move, &pair).await.pop() {
            Some(Ok(_)) => Ok(true),
            Some(Err(error @ dropbox::Error::Unfinished(_))) => Err(dropbox_error(error)),
            _ => Ok(false),
        }
    }

    /// Gives it another name in its folder. Dropbox refuses a rename that changes nothing but the case of letters, so it takes
    /// two: to a name in between, and on.
    ///
    /// # Errors
    /// When it can't be renamed; then it has its old name, or the error says where it is.
    pub async fn respell(&self, folder: &DropboxPath, name: &str) -> Result<()> {
        let (client, from) = (self.client(), self.path());
        let between = folder.join(&format!("{name}.node-tool-{:08x}", rand::random::<u32>()));
        relocate(client, from, &between).await.map_err(dropbox_error)?;
        let Err(error) = relocate(client, &between, &folder.join(name)).await else {
            return Ok(());
        };
        let words = error.to_string();
        match relocate(client, &between, from).await {
            Ok(()) => Err(dropbox_error(error)),
            Err(_) => {
                let words = format!("{words}; it is now at '{}'", between.as_str());
                Err(Error::new(Retry::Unknown, words))
            }
        }
    }
}

async fn relocate(client: &Client, from: &DropboxPath, to: &DropboxPath) -> Result<(), dropbox::Error> {
    let moved = client
        .relocate_all(Relocation::Move, &[(from.clone(), to.clone())])
        .await
        .pop();
    moved.map_or(Ok(()), |moved| moved.map(drop))
}

/// Puts the file `new` in the place of the revision `rev` at `path`. If that fails, the old one is there again.
pub(super) async fn replace(
    client: &Client,
    new: &DropboxPath,
    path: &DropboxPath,
    rev: &str,
) -> Result<(), dropbox::Error> {
    let old = [(path.clone(), Some(rev.to_owned()))];
    client.delete_all(&old).await.pop().unwrap_or(Ok(()))?;
    let moves = [(new.clone(), path.clone())];
    let moved = client.relocate_all(Relocation::Move, &moves).await.pop();
    let Some(Err(error)) = moved else { return Ok(()) };
    // If another file came there meanwhile, it stays.
    if !error.route().is_some_and(|route| route.has("conflict")) {
        let _ = client.restore(path, rev).await; // what failed first is reported
    }
    Err(error)
}

/// Exports a document and returns the size in bytes and the hash of what came.
async fn export_totals(client: &Client, document: &Document) -> Result<(u64, ContentHash), dropbox::Error> {
    let format = document.chosen.as_deref();
    let mut export = client.export(&document.id, format, &mut client.tries()).await?;
    while export.chunk().await?.is_some() {}
    Ok((export.size_bytes(), export.finish()?))
}

/// Uploads an empty file to where nothing is.
async fn upload_empty(client: &Client, path: &DropboxPath, time: Modified) -> Result<(), dropbox::Error> {
    let arg = UploadArg {
        commit: CommitInfo {
            path: path.as_str().to_owned(),
            mode: WriteMode::Add,
            client_modified: Some(Time(time.seconds)),
            mute: true,
            autorename: false,
        },
        content_hash: ContentHash::of_blocks(&[]),
    };
    client.upload(&UPLOAD, &arg, &Payload::empty()).await.map(drop)
}
