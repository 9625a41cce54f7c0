//! Digests of a file that is here or in a Dropbox, by reading it once.

use std::io;

use engine::{
    Error, Result, Retry,
    digest::{Algorithm, Digester, Digests},
    entry::FileMeta,
};
use shared::content_hash::{ContentHash, Hasher};

use crate::{Place, Range, Read, blocking::blocking, local::local_error, read::read_local};

/// What takes the bytes of a file, in their order.
trait Reader: Send + 'static {
    fn update(&mut self, bytes: &[u8]);
}

impl Reader for Digester {
    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Reader for (u64, Hasher) {
    fn update(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
        self.1.update(bytes);
    }
}

impl Place {
    /// Returns digests of the file at this place, as it was listed, by reading it once from its beginning to its end.
    ///
    /// # Errors
    /// When it can't be read to its end, or its bytes were damaged on the way.
    pub async fn digests(&self, file: &FileMeta, algorithms: &[Algorithm]) -> Result<Digests> {
        let digester = self.read_whole(file, Digester::new(algorithms)).await?;
        Ok(digester.finish())
    }

    /// Returns the number of bytes of the file and their content hash, by reading it as [`digests`](Self::digests) does.
    ///
    /// # Errors
    /// When it can't be read to its end, or its bytes were damaged on the way.
    pub async fn size_and_hash(&self, file: &FileMeta) -> Result<(u64, ContentHash)> {
        let (size_bytes, hasher) = self.read_whole(file, (0, Hasher::new())).await?;
        Ok((size_bytes, hasher.finish()))
    }

    async fn read_whole<R: Reader>(&self, file: &FileMeta, mut reader: R) -> Result<R> {
        match self {
            Self::Local(store) => {
                let path = store.path().to_owned();
                let read = blocking(move || {
                    let mut sink = |bytes: &[u8]| {
                        reader.update(bytes);
                        Ok(true)
                    };
                    read_local(&path, 0, u64::MAX, &mut sink)?;
                    Ok::<_, io::Error>(reader)
                });
                read.await.map_err(local_error)
            }
            Self::Dropbox(_) | Self::Link(_) => {
                let mut sink = |bytes: &[u8]| {
                    tokio::task::block_in_place(|| reader.update(bytes));
                    Ok(true)
                };
                match self.read(file, Range::All, &mut sink).await? {
                    Read::Damaged => Err(Error::new(
                        Retry::Later,
                        "the bytes that came have another content hash than Dropbox's",
                    )),
                    Read::Done { .. } | Read::Stopped => Ok(reader),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_local_file_is_read_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "hello").unwrap();
        let place = Place::local(&path);
        let digests = place
            .digests(&FileMeta::default(), &[Algorithm::Sha256, Algorithm::Md5])
            .await
            .unwrap();
        assert_eq!(
            digests,
            [
                (
                    Algorithm::Sha256,
                    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824".to_owned()
                ),
                (Algorithm::Md5, "5d41402abc4b2a76b9719d911017c592".to_owned())
            ]
        );
    }
}
