//! Temporary links to a file's bytes.

use dropbox_sdk::types::files::{GetTemporaryLinkError, LookupError};
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::content::Content;
use super::super::state::{Call, State};
use super::super::words::fresh;
use super::{lookup, text};

/// Life of a link, in seconds.
const LIFE: i64 = 4 * 3600;

/// `files/get_temporary_link`; `origin` is where the link will be served.
pub fn temporary(state: &mut State, call: &Call, arg: &Value, origin: &str) -> Reply {
    let refuse = |error| Failure::route(&GetTemporaryLinkError::Path(error));
    let id = lookup(state, call, text(arg, "path")).map_err(refuse)?;
    let file = state
        .shower(call)
        .file(id)
        .ok_or_else(|| refuse(LookupError::NotFile))?;
    if !file.is_downloadable {
        return Err(Failure::route(&GetTemporaryLinkError::UnsupportedFile));
    }
    let token = fresh(40);
    state
        .links
        .insert(token.clone(), (file.rev.clone(), call.now + LIFE));
    Ok(json!({"metadata": wire(&file)?, "link": format!("{origin}/temporary/{token}")}))
}

/// What a temporary link leads to; `None` when it is over or never was.
pub fn follow(state: &State, token: &str) -> Option<Content> {
    let (rev, until) = state.links.get(token)?;
    let revision = state
        .tree
        .revisions
        .get(rev)
        .filter(|_| state.clock.now() < *until)?;
    Some(revision.data.content.clone())
}
