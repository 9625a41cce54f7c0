//! A Dropbox client: listing, uploading, downloading, batches, and all that makes them bear a bad day, such as retries, limits,
//! tokens that are renewed, and answers that are not Dropbox's.
//!
//! Knows no flags, no config, no plans and no terminal. A program gives it [`Credentials`], and a [`TokenStore`] if new tokens are
//! to outlast the process.

mod account;
mod answer;
mod auth;
mod batch;
mod body;
mod cache;
mod cache_row;
mod client;
mod credentials;
pub mod encoding;
mod entry;
mod error;
mod export;
mod history;
mod http;
mod list;
mod listing;
mod meter;
mod pace;
mod pages;
mod path;
mod pulse;
mod remote_path;
mod retry;
mod token;

pub use auth::Auth;
pub use batch::{Outcomes, Relocation};
pub use body::{Payload, SourceChanged};
pub use cache::Cache;
pub use client::{Client, Download};
pub use credentials::{Change, Credentials, PathRoot, Start, TokenStore};
pub use entry::{Document, Entry, FileInfo, Kind};
pub use error::{Error, Fate, NetworkError};
pub use http::Http;
pub use list::Listed;
pub use listing::Listing;
pub use meter::{Meter, Rates};
pub use path::{DropboxPath, PathError, check_name, refused};
pub use pulse::{Flow, Watch};
pub use remote_path::RemotePath;
pub use retry::{TRIES, Tries, with_retries};
pub use token::{exchange, knows_app};
