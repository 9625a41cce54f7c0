//! Single files that people share, and what is shared about a file.

use serde_json::{Value, json};

use super::super::answer::{Failure, Reply};
use super::super::clock::{Seconds, stamp};
use super::super::files::{lookup, text};
use super::super::state::{Call, State};
use super::super::tree::{AccountId, NodeId};
use super::{folder_policy, name_of, paging, refuse_for};

/// A file that one account shares with another.
#[derive(Clone, Debug)]
pub struct Received {
    /// The file.
    pub node: NodeId,
    /// Whose it is.
    pub owner: AccountId,
    /// With whom it is shared.
    pub account: AccountId,
    /// When.
    pub invited: Seconds,
    /// The address of the link to it, which opens for those who were invited.
    pub url: String,
}

fn shared_file(state: &State, file: &Received) -> Option<Value> {
    let node = state.tree.node(file.node)?;
    let owner = state.accounts.get(file.owner)?;
    Some(json!({
        "access_type": {".tag": "viewer"},
        "id": node.id,
        "name": name_of(state, file.owner, file.node),
        "owner_display_names": [owner.display_name()],
        "policy": folder_policy(),
        "preview_url": file.url,
        "time_invited": stamp(file.invited),
    }))
}

/// The word of the list's cursors.
const WORD: &str = "received";

fn all(state: &State, call: &Call) -> Vec<Value> {
    let files = state.received.iter();
    let mine = files.filter(|file| file.account == call.view.account);
    mine.filter_map(|file| shared_file(state, file)).collect()
}

/// `sharing/list_received_files`.
pub fn list(state: &State, call: &Call, arg: &Value) -> Reply {
    Ok(paging::page(&all(state, call), paging::first(arg, 100), WORD))
}

/// `sharing/list_received_files/continue`.
pub fn list_continue(state: &State, call: &Call, arg: &Value) -> Reply {
    Ok(paging::page(
        &all(state, call),
        paging::following(arg, WORD)?,
        WORD,
    ))
}

/// `sharing/get_file_metadata`, of a file of one's own or one that was received.
pub fn file_metadata(state: &State, call: &Call, arg: &Value) -> Reply {
    let named = text(arg, "file");
    let received = state.received.iter().find(|file| {
        file.account == call.view.account && state.tree.node(file.node).is_some_and(|node| node.id == named)
    });
    if let Some(shown) = received.and_then(|file| shared_file(state, file)) {
        return Ok(shown);
    }
    let invalid = |_| refuse_for("access_error", "invalid_file");
    let id = lookup(state, call, named).map_err(invalid)?;
    if state.tree.is_folder(id) {
        return Err(refuse_for("access_error", "is_folder"));
    }
    let Some(node) = state.tree.node(id) else {
        return Err(Failure::internal("no such node"));
    };
    let owner = state.tree.space(node.ns).map(|space| space.owner);
    let access = match owner == Some(call.view.account) {
        true => "owner",
        false if state.tree.may_write(call.view.account, node.ns) => "editor",
        false => "viewer",
    };
    let mut out = json!({
        "access_type": {".tag": access},
        "id": node.id,
        "name": node.name,
        "policy": folder_policy(),
        "preview_url": format!("https://www.dropbox.com/scl/fi/{}", node.id.trim_start_matches("id:")),
    });
    if let Some(owner) = owner.and_then(|owner| state.accounts.get(owner)) {
        out["owner_display_names"] = json!([owner.display_name()]);
    }
    if let Some((lower, display)) = state.tree.paths(call.view, id) {
        (out["path_lower"], out["path_display"]) = (json!(lower), json!(display));
    }
    Ok(out)
}
