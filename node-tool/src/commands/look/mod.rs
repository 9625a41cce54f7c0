//! Commands that show more than a listing: one file, the account, earlier states, changes. One file per verb.

pub mod about;
pub mod cat;
pub mod check;
pub mod restore;
pub mod revisions;
pub mod search;
pub mod watch;

use std::sync::Arc;

use shared::failure::Failure;

use super::{App, missing, place_failure};
use stores::{Place, dropbox::dropbox_error};

use crate::{
    client::{Client, DropboxPath, Error},
    report::format::on_one_line,
};

/// A path from the root of a Dropbox as a line shows it; `slash` is what paths of this remote begin with.
fn shown(slash: &str, side: &Place, path: Option<&str>) -> String {
    let path = path.unwrap_or_default().trim_start_matches('/');
    format!("{slash}{}", on_one_line(&side.shown(path)))
}

/// Returns what is said of a call to Dropbox that failed.
pub(super) fn failed(what: &str, side: &Place) -> impl Fn(Error) -> Failure + Copy {
    move |error| place_failure(what, side, &dropbox_error(error))
}

/// Returns the same, except that where nothing is, that is said, with the exit code `code`.
fn failed_or_missing(what: &str, side: &Place, code: u8) -> impl Fn(Error) -> Failure + Copy {
    move |error| match error.is_not_found() {
        true => missing(side).code(code),
        false => failed(what, side)(error),
    }
}

/// A file or folder that has to be in a Dropbox, and not its root. A document may be called by the name of its export.
pub(super) async fn below_root(
    text: &str,
    what: &str,
    app: &App,
) -> Result<(Place, Arc<Client>, DropboxPath), Failure> {
    let (side, client, path) = remote(text, app)?;
    if path.is_root() {
        return Err(Failure::new(format!("could not {what} '{}'", side))
            .why("it is the root of a Dropbox; name a file or folder in it")
            .next(format!("node-tool lsf {}", side.typed())));
    }
    let own = side.own_place().await;
    let own = own.map_err(|e| place_failure("look at", &side, &e))?;
    let path = own.dropbox().map(|store| store.path().clone()).unwrap_or(path);
    Ok((own, client, path))
}

/// A place that has to be in a Dropbox.
pub(super) fn remote(text: &str, app: &App) -> Result<(Place, Arc<Client>, DropboxPath), Failure> {
    let side = app.place(text)?;
    if side.link().is_some() {
        return Err(Failure::usage(format!(
            "'{side}' is a shared link; this needs a place in your own Dropbox, such as dbx:path"
        )));
    }
    let Some(store) = side.dropbox() else {
        return Err(Failure::usage(format!(
            "'{text}' is on this machine; this needs a place in a Dropbox, such as dbx:path"
        ))
        .next("node-tool config list    # shows what is connected"));
    };
    let (client, path) = (Arc::clone(store.client()), store.path().clone());
    Ok((side, client, path))
}
