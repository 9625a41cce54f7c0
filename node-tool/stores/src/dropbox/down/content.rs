//! How the bytes of a file are asked for: by their revision, or through a link.

use std::ops::Range;

use dropbox::{Client, Reader};

use super::super::link::LinkStore;

/// How the bytes of a file are asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::dropbox) enum Content<'a> {
    /// By the revision that was listed.
    Revision,
    /// Through a link, which has the revision of now: another one than was listed is refused.
    Link(&'a LinkStore),
}

/// A file, by its path below the source and its revision.
#[derive(Clone, Copy, Debug)]
pub(in crate::dropbox) struct Wanted<'a> {
    pub(in crate::dropbox) path: &'a str,
    pub(in crate::dropbox) rev: &'a str,
}

impl Content<'_> {
    /// Returns the bytes at `range` of a file of this size.
    pub(in crate::dropbox) fn read<'c>(
        self,
        client: &'c Client,
        file: Wanted<'_>,
        size_bytes: u64,
        range: Range<u64>,
    ) -> Reader<'c> {
        match self {
            Self::Revision => client.read(file.rev, size_bytes, range),
            Self::Link(store) => {
                let place = (store.link().clone(), store.path_of(file.path));
                client.read_link(place, file.rev, size_bytes, range)
            }
        }
    }
}
