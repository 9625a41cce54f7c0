//! The stores that the engine works on: folders of this machine and of Dropboxes, and the ways content travels between them.
//!
//! [`LocalStore`], [`DropboxStore`] and [`LinkStore`], which can only be read, implement [`engine::store::Store`]; [`Place`] is one of
//! them. [`transfer()`] returns the
//! way from one place to another.

#![warn(missing_docs, unreachable_pub)]

mod blocking;
mod change;
mod chunks;
mod digest;
mod digits;
pub mod documents;
pub mod dropbox;
pub mod local;
pub mod lock;
mod memory;
pub mod modes;
mod place;
mod read;
mod seek;
mod state_dir;
mod transfer;
mod write;

pub use change::TouchError;
pub use chunks::Input;
pub use dropbox::{
    AsOf, Changes, Deleted, DropboxStore, LinkStore, Resumable, SameAccount, SharedPause, resumable,
    same_account, unite,
};
pub use local::LocalStore;
pub use place::{Place, Relation, read_only_words};
pub use read::{Range, Read};
pub use seek::ReadSeek;
pub use state_dir::StateDir;
pub use transfer::{TransferOptions, transfer};
pub use write::{WriteOptions, Written};
