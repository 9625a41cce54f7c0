//! A folder of a Dropbox as a store.

mod backup;
mod convert;
mod documents;
mod down;
mod error;
mod item;
mod journal;
mod namespaces;
mod read;
mod relay;
mod relocate;
mod roots;
mod store;
mod transfer;
mod up;
mod view;

pub use backup::DropboxBackup;
pub use documents::{Documents, as_it_is, is_export, renamed};
pub use error::dropbox_error;
pub use journal::{Resumable, resumable};
pub use relay::Relay;
pub use relocate::Relocate;
pub use roots::{SameAccount, is_one_account, unite};
pub use store::DropboxStore;
pub use transfer::{Download, Upload};
pub use view::View;
