//! Folders that people share: listing, mounting, unmounting.

use serde_json::{Value, json};

use super::super::answer::{Failure, Reply};
use super::super::clock::stamp;
use super::super::files::{free_name, text};
use super::super::names;
use super::super::state::{Call, State};
use super::super::tree::{Member, Ns, Space, SpaceKind};
use super::{folder_policy, paging, refuse, refuse_for};

/// Which folders a listing has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that the caller has access to, mounted or not.
    All,
    /// Those that the caller can mount or unmount: not those in other shared folders.
    Mountable,
}

impl Which {
    fn word(self) -> &'static str {
        match self {
            Self::All => "folders",
            Self::Mountable => "mountable",
        }
    }
}

/// `SharedFolderMetadata`, if the caller is a member.
fn shared_folder(state: &State, call: &Call, ns: Ns, space: &Space) -> Option<Value> {
    let member = space.members.get(&call.view.account)?;
    let mount = member.mount.and_then(|id| state.tree.node(id));
    let access = match (space.owner == call.view.account, member.read_only) {
        (_, true) => "viewer",
        (true, false) => "owner",
        (false, false) => "editor",
    };
    let mut entry = json!({
        "access_type": {".tag": access},
        "is_inside_team_folder": false,
        "is_team_folder": false,
        "name": mount.map_or(&space.name, |node| &node.name),
        "policy": folder_policy(),
        "preview_url": format!("https://www.dropbox.com/scl/fo/{}", ns.0),
        "shared_folder_id": ns.0.to_string(),
        "time_invited": stamp(call.now),
        "access_inheritance": {".tag": "inherit"},
        "folder_id": state.tree.node(space.root).map(|root| &root.id),
    });
    if let Some(owner) = state.accounts.get(space.owner) {
        entry["owner_display_names"] = json!([owner.display_name()]);
    }
    if let Some((lower, display)) = member.mount.and_then(|id| state.tree.paths(call.view, id)) {
        (entry["path_lower"], entry["path_display"]) = (json!(lower), json!(display));
    }
    if let Some(parent) = outer(state, member) {
        entry["parent_shared_folder_id"] = json!(parent.0.to_string());
    }
    Some(entry)
}

/// The shared folder in which one is mounted.
fn outer(state: &State, member: &Member) -> Option<Ns> {
    let ns = member.mount.and_then(|id| state.tree.node(id))?.ns;
    let is_shared = |space: &Space| space.kind == SpaceKind::Shared;
    state.tree.space(ns).is_some_and(is_shared).then_some(ns)
}

fn all(state: &State, call: &Call, which: Which) -> Vec<Value> {
    let spaces = state.tree.spaces.iter().filter(|(_, space)| {
        let member = space.members.get(&call.view.account);
        let is_inner = member.is_some_and(|member| outer(state, member).is_some());
        space.kind == SpaceKind::Shared && !(which == Which::Mountable && is_inner)
    });
    spaces
        .filter_map(|(ns, space)| shared_folder(state, call, *ns, space))
        .collect()
}

/// `sharing/list_folders` and `sharing/list_mountable_folders`.
pub fn list(state: &State, call: &Call, arg: &Value, which: Which) -> Reply {
    let part = paging::first(arg, 1000);
    Ok(paging::page(&all(state, call, which), part, which.word()))
}

/// The next page of either; a cursor of the other is refused.
pub fn list_continue(state: &State, call: &Call, arg: &Value, which: Which) -> Reply {
    let part = paging::following(arg, which.word())?;
    Ok(paging::page(&all(state, call, which), part, which.word()))
}

/// The tag of `SharedFolderAccessError`, if a folder can't be reached.
fn reach(state: &State, call: &Call, id: &str) -> Result<(Ns, Member), &'static str> {
    let ns = id.parse().map(Ns).map_err(|_| "invalid_id")?;
    let shared = state
        .tree
        .space(ns)
        .filter(|space| space.kind == SpaceKind::Shared);
    let member = shared.ok_or("invalid_id")?.members.get(&call.view.account);
    Ok((ns, *member.ok_or("not_a_member")?))
}

/// `sharing/get_folder_metadata`.
pub fn folder_metadata(state: &State, call: &Call, arg: &Value) -> Reply {
    let (ns, _) = reach(state, call, text(arg, "shared_folder_id")).map_err(refuse)?;
    show(state, call, ns)
}

fn show(state: &State, call: &Call, ns: Ns) -> Reply {
    let shown = state
        .tree
        .space(ns)
        .and_then(|space| shared_folder(state, call, ns, space));
    shown.ok_or_else(|| Failure::internal("no such folder"))
}

/// `sharing/mount_folder`: in the caller's own folder, under another name where its own is taken.
pub fn mount(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let reached = reach(state, call, text(arg, "shared_folder_id"));
    let (ns, member) = reached.map_err(|tag| refuse_for("access_error", tag))?;
    if member.mount.is_some() {
        return Err(refuse("already_mounted"));
    }
    let home = state.account(call)?.home;
    let (Some(root), Some(name)) = (
        state.tree.space(home).map(|space| space.root),
        state.tree.space(ns).map(|space| space.name.clone()),
    ) else {
        return Err(Failure::internal("no root"));
    };
    let name = match state.tree.child(root, &names::folded(&name)) {
        Some(_) => free_name(state, root, &name, names::numbered, 1),
        None => name,
    };
    let folder = state.tree.add_folder(root, &name, "");
    state
        .tree
        .join(ns, call.view.account, member.read_only, Some(folder));
    show(state, call, ns)
}

/// `sharing/unmount_folder`.
pub fn unmount(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let reached = reach(state, call, text(arg, "shared_folder_id"));
    let (_, member) = reached.map_err(|tag| refuse_for("access_error", tag))?;
    let Some(folder) = member.mount else {
        return Err(refuse_for("access_error", "unmounted"));
    };
    if outer(state, &member).is_some() {
        return Err(refuse("not_unmountable"));
    }
    state.tree.remove(folder, call.now);
    Ok(Value::Null)
}
