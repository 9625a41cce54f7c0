//! Writing one file from a stream whose length is known when it ends.

use std::{io, sync::Arc};

use engine::{Error, Result, Retry, entry::FileMeta, entry::Modified};
use shared::content_hash::ContentHash;

use crate::{
    LocalStore, Place, StateDir,
    blocking::blocking,
    chunks::{Chunk, Chunks, Input},
    dropbox::link_is_read_only,
    local::{Partial, Replace, local_error},
};

/// Options of [`Place::write`].
#[derive(Clone)]
pub struct WriteOptions {
    /// Maximum number of bytes of content in memory at once.
    pub memory_bytes: usize,
    /// Where processes of one login agree on turns. `None` means that this process commits without regard to others.
    pub state_dir: Option<StateDir>,
    /// Whether what came there since it was looked at is replaced.
    pub overwrites_newer: bool,
    /// The number of bytes that the stream must have. `None` means any.
    pub size_bytes: Option<u64>,
    /// The file's modification time.
    pub modified: Modified,
    /// Whether whoever may read the file on this machine may run it, too.
    pub is_executable: bool,
    /// Called with the number of bytes that have arrived since the last call.
    pub moved: Arc<dyn Fn(u64) + Send + Sync>,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The checksum of what was read, which is what the store has.
    pub checksum: ContentHash,
    /// The store's name for the version. `None` where stores keep no versions.
    pub version: Option<String>,
    /// The name under which it is instead, because something else came to its place meanwhile.
    pub beside: Option<String>,
}

impl WriteOptions {
    /// Returns an error if a stream can't have ended with `chunk`, or can't go on behind it.
    ///
    /// # Errors
    /// When it is longer than it should be, or shorter.
    pub(crate) fn check(&self, chunk: &Chunk) -> Result<()> {
        let Some(size) = self.size_bytes else {
            return Ok(());
        };
        let end = chunk.end();
        let reason = match chunk.is_last {
            _ if end > size => format!("the input has more than the {size} bytes that --size says"),
            true if end < size => format!("the input ended after {end} of {size} bytes"),
            _ => return Ok(()),
        };
        Err(Error::new(Retry::Never, reason))
    }
}

/// Returns the error for an input that can't be read.
pub(crate) fn unreadable(error: &io::Error) -> Error {
    Error::new(Retry::Unknown, format!("the input could not be read: {error}"))
}

impl Place {
    /// Writes what `input` reads to the file at this place, where `there` is now. The file appears when the stream has ended and all
    /// of it has arrived and been verified; until then nothing is there, or what was there before.
    ///
    /// # Errors
    /// When the input can't be read to its end, or the file can't be written.
    pub async fn write(
        &self,
        input: Input,
        there: Option<&FileMeta>,
        options: &WriteOptions,
    ) -> Result<Written> {
        match self {
            Self::Local(_) => {
                let (folder, name) = self.split().ok_or_else(no_name)?;
                let Self::Local(folder) = folder else {
                    return Err(no_name());
                };
                write_local(&folder, &name, input, there, options).await
            }
            Self::Dropbox(store) => store.write(input, there, options).await,
            Self::Link(_) => Err(link_is_read_only()),
        }
    }

    /// Writes what `input` reads to the file at a path below this folder, as [`write`](Self::write) does. Symlinks below this
    /// folder are not followed.
    ///
    /// # Errors
    /// When the input can't be read to its end, or the file can't be written.
    pub async fn write_below(
        &self,
        path: &str,
        input: Input,
        there: Option<&FileMeta>,
        options: &WriteOptions,
    ) -> Result<Written> {
        match self {
            Self::Local(folder) => write_local(folder, path, input, there, options).await,
            Self::Dropbox(folder) => folder.join(path).write(input, there, options).await,
            Self::Link(_) => Err(link_is_read_only()),
        }
    }
}

fn no_name() -> Error {
    Error::new(Retry::Never, "it is no file's name")
}

async fn write_local(
    folder: &LocalStore,
    name: &str,
    input: Input,
    there: Option<&FileMeta>,
    options: &WriteOptions,
) -> Result<Written> {
    let (root, target) = (folder.root().clone(), name.to_owned());
    let partial = blocking(move || Partial::create(&root, &target))
        .await
        .map_err(local_error)?;
    let (mut chunks, mut blocks) = (Chunks::new(input, 1), Vec::new());
    let size_bytes = loop {
        let chunk = chunks.next().await.map_err(|e| unreadable(&e))?;
        options.check(&chunk)?;
        let (end, length, is_last) = (chunk.end(), chunk.bytes.len() as u64, chunk.is_last);
        blocks.extend_from_slice(&chunk.blocks);
        let file = partial.file();
        blocking(move || Partial::write_at(&file, &chunk.bytes, chunk.offset))
            .await
            .map_err(local_error)?;
        (options.moved)(length);
        if is_last {
            break end;
        }
    };
    let (there, modified, overwrites) = (there.cloned(), options.modified, options.overwrites_newer);
    if options.is_executable {
        blocking({
            let file = partial.file();
            move || make_executable(&file)
        })
        .await
        .map_err(local_error)?;
    }
    blocking(move || {
        let replace = match overwrites {
            true => Replace::Anything,
            false => Replace::Only(there.as_ref()),
        };
        partial.put_in_place(modified, replace)
    })
    .await
    .map_err(local_error)?;
    Ok(Written {
        size_bytes,
        checksum: ContentHash::of_blocks(&blocks),
        version: None,
        beside: None,
    })
}

/// Lets everyone run a file who may read it.
fn make_executable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut permissions = file.metadata()?.permissions();
    let mode = permissions.mode();
    permissions.set_mode(mode | (mode & 0o444) >> 2);
    file.set_permissions(permissions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> WriteOptions {
        WriteOptions {
            memory_bytes: 40 << 20,
            state_dir: None,
            overwrites_newer: false,
            size_bytes: None,
            modified: Modified {
                seconds: 1_500_000_000,
                nanoseconds: 0,
            },
            is_executable: false,
            moved: Arc::new(|_| {}),
        }
    }

    fn input(bytes: &[u8]) -> Input {
        Box::new(io::Cursor::new(bytes.to_vec()))
    }

    #[tokio::test]
    async fn a_local_file_appears_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/file");
        let place = Place::local(&path);
        let written = place.write(input(b"text"), None, &options()).await.unwrap();
        assert_eq!(written.checksum, ContentHash::of(b"text"));
        assert_eq!(
            (written.size_bytes, std::fs::read(&path).unwrap()),
            (4, b"text".to_vec())
        );
        for size_bytes in [Some(3), Some(5)] {
            let options = WriteOptions {
                size_bytes,
                ..options()
            };
            let there = place.stat().await.unwrap();
            let there = there.as_ref().and_then(|entry| entry.file());
            assert!(place.write(input(b"more"), there, &options).await.is_err());
        }
        // What came there since it was looked at stays.
        assert!(place.write(input(b"longer"), None, &options()).await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"text");
        let names = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "nothing else is left");
    }
}
