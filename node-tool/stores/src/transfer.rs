//! How content is transferred.

use std::{collections::HashSet, sync::Arc};

use engine::{digest::Algorithm, run::Transfer};

use crate::{Place, StateDir};

/// Options of a transfer.
#[derive(Clone, Debug)]
pub struct TransferOptions {
    /// Maximum number of files, or parts of files, in progress at once.
    pub transfers: usize,
    /// Maximum number of bytes of file content in memory at once.
    pub memory_bytes: usize,
    /// Maximum number of files of content that are open at once.
    pub open_files: usize,
    /// Whether files that say where a symlink leads become symlinks in a local target.
    pub makes_links: bool,
    /// Whether symlinks of a local source are followed.
    pub follows_links: bool,
    /// Whether what is newer in the target, or came there meanwhile, is replaced.
    pub overwrites_newer: bool,
    /// Whether a local file that is no longer what was listed is reported, rather than sent as it is now.
    pub sends_only_listed: bool,
    /// Where what outlasts the process is kept. `None` means that an interrupted transfer starts again, and that other processes are
    /// not heeded.
    pub state_dir: Option<StateDir>,
    /// Set if the files of a Dropbox are named by revisions that need not be what is at their paths now; those in the set are.
    pub revisions: Option<Arc<HashSet<String>>>,
    /// Digests to compute of each file whose bytes pass through this process.
    pub digests: Arc<[Algorithm]>,
}

/// Returns the way from one place to another. `takes_source` means that the source's files are removed as they arrive, where a
/// server can do that. `None` if both are on this machine, or the target is a shared link.
pub fn transfer(
    source: &Place,
    target: &Place,
    takes_source: bool,
    options: TransferOptions,
) -> Option<Box<dyn Transfer>> {
    Some(match (source.clone(), target.clone()) {
        (Place::Local(_), Place::Local(_)) | (_, Place::Link(_)) => return None,
        (Place::Local(source), Place::Dropbox(target)) => target.upload_from(source, options),
        (Place::Dropbox(source), Place::Local(target)) => source.download_to(target, options),
        (Place::Link(source), Place::Local(target)) => source.download_to(target, options),
        (Place::Link(source), Place::Dropbox(target)) => source.transfer_to(target, options),
        (Place::Dropbox(source), Place::Dropbox(target)) => source.transfer_to(target, takes_source, options),
    })
}
