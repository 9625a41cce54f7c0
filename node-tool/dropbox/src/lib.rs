//! A Dropbox client: listing, uploading, downloading, batches, and all that makes them bear a bad day, such as retries, limits,
//! tokens that are renewed, and answers that are not Dropbox's.
//!
//! Knows no flags, no config, no plans and no terminal. A program gives it [`Credentials`], and a [`TokenStore`] if new tokens are
//! to outlast the process.

#![warn(missing_docs, unreachable_pub)]

mod account;
mod answer;
mod auth;
mod batch;
mod blocking;
mod body;
mod call;
mod changes;
mod client;
mod credentials;
mod download;
pub mod encoding;
mod entry;
mod error;
mod export;
mod http;
mod limit;
mod links;
mod list;
mod pages;
mod path;
mod remote_path;
mod retry;
mod revisions;
mod search;
mod token;

pub use shared::{api, content_hash::ContentHash, endpoints::Endpoints, secret::Secret};

pub use auth::Auth;
pub use batch::{Outcomes, Relocation};
pub use body::{Payload, SourceChanged};
pub use client::Client;
pub use credentials::{Change, Credentials, PathRoot, Start, TokenStore};
pub use download::Download;
pub use entry::{Document, Entry, FileInfo, Kind};
pub use error::{Error, Fate, NetworkError};
pub use http::Http;
pub use limit::{
    rate::{RateLimiter, Rates},
    stall::{Flow, Watch},
};
pub use list::{Listed, cache::Cache, rows::Listing};
pub use path::{DropboxPath, PathError, check_name, refused};
pub use remote_path::RemotePath;
pub use retry::{MAX_TRIES, Tries};
pub use token::{exchange, exchange_with_retries, knows_app};
