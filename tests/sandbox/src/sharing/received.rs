//! Single files that people share, and what is shared about a file.

use serde_json::{Value, json};

use super::super::answer::{Failure, Reply};
use super::super::clock::{Seconds, stamp};
use super::super::files::{lookup, text};
use super::super::state::{Call, State};
use super::super::tree::{AccountId, NodeId};
use super::{folder_policy, name_of, refuse, refuse_for};

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

fn page(state: &State, call: &Call, from: usize, limit: usize) -> Value {
    let mine = state
        .received
        .iter()
        .filter(|file| file.account == call.view.account);
    let all: Vec<Value> = mine.filter_map(|file| shared_file(state, file)).collect();
    let entries: Vec<Value> = all.iter().skip(from).take(limit).cloned().collect();
    let end = from + entries.len();
    let mut out = json!({"entries": entries});
    if end < all.len() {
        out["cursor"] = json!(format!("received {end} {limit}"));
    }
    out
}

/// `sharing/list_received_files`.
pub fn list(state: &State, call: &Call, arg: &Value) -> Reply {
    let limit = arg["limit"].as_u64().and_then(|n| usize::try_from(n).ok());
    Ok(page(state, call, 0, limit.unwrap_or(100)))
}

/// `sharing/list_received_files/continue`.
pub fn list_continue(state: &State, call: &Call, arg: &Value) -> Reply {
    let numbers = text(arg, "cursor").strip_prefix("received ");
    let numbers = numbers.and_then(|rest| rest.split_once(' '));
    let numbers = numbers.and_then(|(from, limit)| Some((from.parse().ok()?, limit.parse().ok()?)));
    let (from, limit) = numbers.ok_or_else(|| refuse("invalid_cursor"))?;
    Ok(page(state, call, from, limit))
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
