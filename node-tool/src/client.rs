//! What commands use of the Dropbox client that are about Dropbox alone: links, shared folders, earlier states, the account. All
//! other commands know stores only.

pub(crate) use dropbox::{
    Client, DropboxPath, Error, LinkAddress, LinkWish,
    api::sharing::{Link, LinkSettings, SharedFile, SharedFolder},
};
