//! Talking to Dropbox. Knows no flags, no plans and no terminal; the only part that names reqwest.

mod account;
mod batch;
mod body;
mod cache;
mod client;
pub mod encoding;
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
mod retry;
mod token;

pub use batch::{Outcomes, Relocation};
pub use body::Payload;
pub use cache::Cache;
pub use client::{Client, Download};
pub use error::{Error, Fate, NetworkError};
pub use http::Http;
pub use list::Listed;
pub use listing::Listing;
pub use meter::{Meter, Rates};
pub use path::{DropboxPath, PathError, check_name, refused};
pub use pulse::{Flow, Watch};
pub use retry::{TRIES, Tries, with_retries};
pub use token::{exchange, knows_app};
