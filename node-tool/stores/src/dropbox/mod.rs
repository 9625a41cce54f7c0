//! A folder of a Dropbox as a store.

mod backup;
mod change;
mod convert;
mod down;
mod error;
mod item;
mod journal;
mod link;
mod namespaces;
mod past;
mod planned;
mod read;
mod recall;
mod relay;
mod relocate;
mod roots;
mod save_url;
mod shared_pause;
mod store;
mod transfer;
mod up;
mod view;

pub use backup::DropboxBackup;
pub use error::dropbox_error;
pub use journal::{Resumable, resumable};
pub use link::LinkStore;
pub(crate) use link::read_only as link_is_read_only;
pub use past::{AsOf, Deleted};
pub use planned::Changes;
pub use roots::{SameAccount, same_account, unite};
pub use shared_pause::SharedPause;
pub use store::DropboxStore;
pub use view::{LeavesOut, View};
