//! How a file arrives: under its name, or not at all.

use std::io;

use dropbox::Error;
use engine::{entry::LINK_ENDING, plan::Step};

use crate::local::{Partial, Replace};

/// Why a file, or a zip, was not downloaded.
#[derive(Debug)]
pub(super) enum Problem {
    Dropbox(Error),
    Disk(io::Error),
    Wrong(&'static str),
    /// The run was stopped; what has arrived is recorded.
    Halted,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Dropbox(error)
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Renames a downloaded file to its target, replacing only what was seen there, unless it may replace `anything`.
pub(super) fn put_in_place(partial: Partial, step: &Step, links: bool, anything: bool) -> io::Result<()> {
    let replace = match anything {
        true => Replace::Anything,
        false => Replace::Only(step.replaces.as_ref()),
    };
    if links && step.to.ends_with(LINK_ENDING) {
        return partial.put_as_symlink(step.meta.modified, replace);
    }
    partial.put_in_place(step.meta.modified, replace)
}
