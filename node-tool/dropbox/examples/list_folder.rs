//! Lists a folder of a Dropbox: `DROPBOX_TOKEN=… cargo run --example list_folder -- /Folder`
//!
//! The token is an access token of an app with the permissions `account_info.read` and `files.metadata.read`. Without a path, the
//! root is listed.

use std::{env, error::Error, io::Write, sync::Arc};

use dropbox::{Auth, Client, Credentials, DropboxPath, Endpoints, Http, Listed, RateLimiter, Secret};

/// How many calls may be under way at once.
const MAX_CALLS: usize = 8;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = env::var("DROPBOX_TOKEN").map_err(|_| "set DROPBOX_TOKEN to an access token")?;
    let path = DropboxPath::parse(&env::args().nth(1).unwrap_or_default())?;

    // Another address stands for Dropbox in tests.
    let origin = env::var("DROPBOX_URL").ok();
    let http = Http::new(Endpoints::new(origin.as_deref())?, "list-folder-example/1.0");
    let credentials = Credentials {
        access_token: Some(Secret::new(token)),
        ..Credentials::default()
    };
    let auth = Auth::new("example", credentials, http.clone());
    let client = Client::new(http, auth, MAX_CALLS, Arc::new(RateLimiter::default()));

    let entries = match client.list(&path, false).await? {
        Listed::Folder(listing) => listing.entries,
        Listed::File(file) => vec![file],
    };
    let mut out = std::io::stdout().lock();
    for entry in entries {
        match entry.file() {
            Some(file) => writeln!(out, "{:>12} {}", file.size_bytes, entry.path)?,
            None => writeln!(out, "{:>12} {}/", "", entry.path)?,
        }
    }
    Ok(())
}
