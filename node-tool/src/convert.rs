//! From the Dropbox client's words to the engine's.

use std::io;

use bytes::Bytes;
use dropbox::{Payload, SourceChanged};

use crate::{local, tree};

impl From<dropbox::Entry> for tree::Entry {
    fn from(entry: dropbox::Entry) -> Self {
        Self {
            path: entry.path,
            kind: match entry.kind {
                dropbox::Kind::Folder => tree::Kind::Folder,
                dropbox::Kind::File(file) => tree::Kind::File(file.into()),
            },
            id: entry.id,
        }
    }
}

impl From<dropbox::FileInfo> for tree::FileInfo {
    fn from(file: dropbox::FileInfo) -> Self {
        Self {
            size_bytes: file.size_bytes,
            modified: tree::Modified {
                seconds: file.modified.0,
                nanoseconds: 0,
            },
            remote: Some(Box::new(tree::RemoteInfo {
                rev: file.rev,
                content_hash: file.content_hash,
                document: file.document.map(|document| Box::new((*document).into())),
            })),
        }
    }
}

impl From<dropbox::Document> for tree::Document {
    fn from(document: dropbox::Document) -> Self {
        Self {
            id: document.id,
            formats: document.formats,
            ..Self::default()
        }
    }
}

/// Converts what was listed, which may be a million entries. An entry of the client is no smaller than one of ours, so the new
/// list takes the place of the old one in memory.
pub fn entries(listed: Vec<dropbox::Entry>) -> Vec<tree::Entry> {
    const { assert!(size_of::<tree::Entry>() <= size_of::<dropbox::Entry>()) };
    listed.into_iter().map(Into::into).collect()
}

/// Returns a body whose bytes `reader` reads from local files.
pub fn payload(
    length_bytes: u64,
    reader: impl Fn(u64, usize) -> io::Result<Bytes> + Send + Sync + 'static,
) -> Payload {
    Payload::read(length_bytes, move |at, count| {
        reader(at, count).map_err(|error| {
            if local::is_change(&error) {
                io::Error::other(SourceChanged)
            } else {
                error
            }
        })
    })
}
