//! A Dropbox client: listing, uploading, downloading and batches, and what makes them last through a bad day: retries, limits,
//! tokens that are renewed, and answers that are not Dropbox's.
//!
//! It knows no flags, no config, no plans and no terminal. A program gives it [`Credentials`], and a [`TokenStore`] if what the
//! client finds out, such as new tokens, is to outlast the process.
//!
//! ```text
//!   Client ── list, batch, revisions, search, links, shared_link, changes, account, export     what to ask
//!      │
//!      ▼
//!    call ──▶ auth ──▶ token       one call: signed, tried again, its token renewed
//!      │
//!      ▼
//!   retry, limit, body, answer, http     when, how many, how fast; from HTTP to results and errors
//! ```
//!
//! What there is no method for is called by its [route](api): [`Client::rpc`], [`Client::upload`] and [`Client::download`].
//!
//! ```no_run
//! # async fn list() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use dropbox::{Auth, Client, Credentials, DropboxPath, Endpoints, Http, Listed, RateLimiter, Secret};
//!
//! let http = Http::new(Endpoints::new(None)?, "my-program/1.0");
//! let credentials = Credentials {
//!     access_token: Some(Secret::new("sl.…")),
//!     ..Credentials::default()
//! };
//! let auth = Auth::new("dbx", credentials, http.clone());
//! let client = Client::new(http, auth, 8, Arc::new(RateLimiter::default()));
//! if let Listed::Folder(listing) = client.list(&DropboxPath::parse("/Photos")?, true).await? {
//!     println!("{} files and folders", listing.entries.len());
//! }
//! # Ok(())
//! # }
//! ```

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
mod connection;
mod credentials;
mod download;
pub mod encoding;
mod entry;
mod error;
mod export;
mod http;
mod limit;
mod link_address;
mod link_problem;
mod links;
mod list;
mod pages;
mod path;
mod reader;
mod remote_path;
mod retry;
mod revisions;
mod save_url;
mod search;
mod shared_folders;
mod shared_link;
mod shared_root;
mod short_link;
mod team;
#[cfg(test)]
mod testing;
mod token;

pub use shared::{
    api,
    content_hash::ContentHash,
    endpoints::{self, Endpoints},
    secret::Secret,
};

pub use auth::Auth;
pub use batch::{Outcomes, Relocation};
pub use body::{Payload, SourceChanged};
pub use client::Client;
pub use connection::{Connection, HeaderOf};
pub use credentials::{Change, Credentials, PathRoot, Start, TokenStore};
pub use download::Download;
pub use entry::{Document, Entry, FileInfo, Kind};
pub use error::{Error, Fate, NetworkError};
pub use export::Export;
pub use http::Http;
pub use limit::{
    concurrency::PauseBoard,
    rate::{RateLimiter, Rates},
    stall::{Flow, Watch},
};
pub use link_address::{LinkAddress, LinkAddressError, is_address};
pub use link_problem::LinkProblem;
pub use links::LinkWish;
pub use list::{Listed, cache::Cache, past::PastListing, rows::Listing};
pub use path::{DropboxPath, PathError, check_name, refused};
pub use reader::Reader;
pub use remote_path::RemotePath;
pub use retry::{MAX_TRIES, Tries};
pub use shared_link::{LinkFolder, SharedLink};
pub use token::{exchange, exchange_with_retries, knows_app};
