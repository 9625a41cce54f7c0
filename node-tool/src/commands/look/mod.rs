//! Looking closer: at one file, at the account, at the past, at changes as they come. One file a verb.

pub mod about;
pub mod cat;
pub mod check;
pub mod link;
pub mod restore;
pub mod revisions;
pub mod search;
pub mod watch;

use std::sync::Arc;

use shared::failure::Failure;

use super::{App, missing, side_failure};
use crate::{
    dropbox::{Client, DropboxPath},
    side::Side,
};

/// A place that has to be in a Dropbox.
fn remote(text: &str, app: &App) -> Result<(Side, Arc<Client>, DropboxPath), Failure> {
    let side = app.side(text)?;
    match &side {
        Side::Remote { client, path, .. } => {
            let (client, path) = (Arc::clone(client), path.clone());
            Ok((side, client, path))
        }
        Side::Local(_) => Err(Failure::usage(format!(
            "'{text}' is on this machine; this needs a place in a Dropbox"
        ))
        .next("name it as dbx:path")),
    }
}
