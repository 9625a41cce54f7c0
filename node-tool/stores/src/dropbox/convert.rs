//! The engine's entries for those of the Dropbox client.

use std::io;

use bytes::Bytes;
use dropbox::{Payload, SourceChanged};
use engine::{
    entry::{Document, Entry, FileMeta, Kind, Modified, Version},
    error::is_change,
};

/// Returns the engine's entry for one of the client.
pub(super) fn entry(entry: dropbox::Entry) -> Entry {
    Entry {
        path: entry.path,
        kind: match entry.kind {
            dropbox::Kind::Folder => Kind::Folder,
            dropbox::Kind::File(file) => Kind::File(meta(file)),
        },
        id: entry.id,
    }
}

fn meta(file: dropbox::FileInfo) -> FileMeta {
    FileMeta {
        size_bytes: file.size_bytes,
        modified: Modified {
            seconds: file.modified.0,
            nanoseconds: 0,
        },
        version: Some(Box::new(Version {
            id: file.rev,
            checksum: file.content_hash,
            document: file.document.map(|document| {
                Box::new(Document {
                    id: document.id,
                    formats: document.formats,
                    ..Document::default()
                })
            }),
        })),
    }
}

/// Returns the engine's entries for those of the client, of which there may be a million. One of the client is no smaller than
/// one of the engine, so the new list takes the place of the old one in memory.
pub(super) fn entries(listed: Vec<dropbox::Entry>) -> Vec<Entry> {
    const { assert!(size_of::<Entry>() <= size_of::<dropbox::Entry>()) };
    listed.into_iter().map(entry).collect()
}

/// Returns a body whose bytes `reader` reads from local files.
pub(super) fn payload(
    length_bytes: u64,
    reader: impl Fn(u64, usize) -> io::Result<Bytes> + Send + Sync + 'static,
) -> Payload {
    Payload::read(length_bytes, move |at, count| {
        reader(at, count).map_err(|error| {
            if is_change(&error) {
                io::Error::other(SourceChanged)
            } else {
                error
            }
        })
    })
}
