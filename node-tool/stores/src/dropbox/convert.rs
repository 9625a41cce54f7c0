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

/// Number of entries that are converted between two times that memory is given back.
const CONVERTED_AT_ONCE: usize = 1 << 16;

/// Returns the engine's entries for those of the client, of which there may be a million: the old list shrinks, from its end, as
/// the new one grows.
pub(super) fn entries(mut listed: Vec<dropbox::Entry>) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(listed.len());
    while !listed.is_empty() {
        let rest = listed.len().saturating_sub(CONVERTED_AT_ONCE);
        entries.extend(listed.drain(rest..).rev().map(entry));
        listed.shrink_to_fit();
    }
    entries.reverse();
    entries
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_order() {
        for count in [0, 1, CONVERTED_AT_ONCE, 2 * CONVERTED_AT_ONCE + 3] {
            let folder = |number: usize| dropbox::Entry {
                path: format!("{number:07}"),
                kind: dropbox::Kind::Folder,
                id: None,
            };
            let converted = entries((0..count).map(folder).collect());
            assert_eq!(converted.len(), count);
            assert!(converted.is_sorted_by(|a, b| a.path < b.path), "{count}");
        }
    }
}
