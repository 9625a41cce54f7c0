//! The places that the engine works on.
//!
//! A store gets whole lists of paths, never one file at a time: two thousand files of a Dropbox are listed, removed or renamed
//! in a few calls. Outcomes come back in the order of the list. How content is transferred is up to a
//! [`Transfer`](crate::run::Transfer), which is made for two stores and gets all files of a run at once.

use std::fmt;

use async_trait::async_trait;
use shared::content_hash::ContentHash;

use crate::{
    entry::{Entry, FileMeta, Modified},
    error::Result,
    listing::{Capabilities, Listing, Query},
};

/// A file to rename.
#[derive(Clone, Copy, Debug)]
pub struct Rename<'a> {
    /// Its path.
    pub from: &'a str,
    /// Its new path.
    pub to: &'a str,
    /// The modification time that it should have then, where the store can set it.
    pub modified: Option<Modified>,
}

/// A place that holds files and folders below a root.
#[async_trait(?Send)]
pub trait Store: fmt::Debug {
    /// Returns what the store can do.
    fn capabilities(&self) -> Capabilities;

    /// Returns what is at a path; the empty path is the root. `None` means that there is nothing.
    async fn stat(&self, path: &str) -> Result<Option<Entry>>;

    /// Returns what is at the root and below it. Nothing at the root is no error.
    async fn list(&self, query: Query<'_>) -> Result<Listing>;

    /// Makes folders and missing folders around them; an existing one is no error.
    async fn make_dirs(&self, paths: &[&str]) -> Vec<Result<()>>;

    /// Removes files, each only if it still is what was seen, where that is given. A missing one is no error.
    async fn remove_files(&self, files: &[(&str, Option<&FileMeta>)]) -> Vec<Result<()>>;

    /// Removes empty folders, the inner before the outer. The error for one that isn't empty is of the kind
    /// [`NotEmpty`](crate::ErrorKind::NotEmpty).
    async fn remove_dirs(&self, paths: &[&str]) -> Vec<Result<()>>;

    /// Renames files. Returns for each the store's name for its version then, if it has one and says so. The error for a new name
    /// that is taken is of the kind [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
    async fn rename(&self, renames: &[Rename<'_>]) -> Vec<Result<Option<Box<str>>>>;

    /// Returns the checksum of a file's content, reading it if necessary. `None` means that the store can't compute it.
    async fn checksum(&self, path: &str, meta: &FileMeta) -> Result<Option<ContentHash>>;

    /// Sets the modification time of a file; does nothing where the store can't.
    async fn set_modified(&self, path: &str, modified: Modified) -> Result<()>;
}
