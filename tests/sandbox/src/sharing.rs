//! The few `sharing` routes that a client of files meets.

use serde_json::{Value, json};

use super::answer::{Failure, Reply};
use super::clock::stamp;
use super::files::text;
use super::state::{Call, State};
use super::tree::{NodeId, Ns, SpaceKind};
use super::words::fresh;

/// `sharing/list_folders` and `sharing/list_mountable_folders`.
pub fn list_folders(state: &State, call: &Call, mounted: bool) -> Reply {
    let mut entries = Vec::new();
    for (ns, space) in state
        .tree
        .spaces
        .iter()
        .filter(|(_, space)| space.kind == SpaceKind::Shared)
    {
        let Some(member) = space.members.get(&call.view.account) else {
            continue;
        };
        if mounted != member.mount.is_some() {
            continue;
        }
        let node = member.mount.and_then(|id| state.tree.node(id));
        let name = node.map_or_else(|| format!("Shared {}", ns.0), |node| node.name.clone());
        let mut entry = json!({
            "access_type": {".tag": if member.read_only { "viewer" } else { "editor" }},
            "is_inside_team_folder": false,
            "is_team_folder": false,
            "name": name,
            "policy": {
                "acl_update_policy": {".tag": "editors"},
                "shared_link_policy": {".tag": "anyone"},
                "member_policy": {".tag": "anyone"},
                "resolved_member_policy": {".tag": "anyone"},
            },
            "preview_url": "https://www.dropbox.com/scl/fo/sandbox",
            "shared_folder_id": ns.0.to_string(),
            "time_invited": stamp(call.now),
            "access_inheritance": {".tag": "inherit"},
        });
        if let Some((lower, _)) = member.mount.and_then(|id| state.tree.paths(call.view, id)) {
            entry["path_lower"] = json!(lower);
        }
        entries.push(entry);
    }
    Ok(json!({"entries": entries}))
}

/// `sharing/mount_folder`.
pub fn mount(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let ns = text(arg, "shared_folder_id").parse().map(Ns).ok();
    let member = ns.and_then(|ns| state.tree.space(ns)?.members.get(&call.view.account).copied());
    let (Some(ns), Some(member)) = (ns, member) else {
        return Err(Failure::Route(
            json!({".tag": "access_error", "access_error": {".tag": "invalid_id"}}),
        ));
    };
    if member.mount.is_some() {
        return Err(Failure::Route(json!({".tag": "already_mounted"})));
    }
    let Some(root) = state.tree.space(call.view.root).map(|space| space.root) else {
        return Err(Failure::internal("no root"));
    };
    let name = format!("Shared {}", ns.0);
    let folder = state.tree.add_folder(root, &name, "");
    state
        .tree
        .join(ns, call.view.account, member.read_only, Some(folder));
    let listed = list_folders(state, call, true)?;
    let found = listed["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|e| text(e, "shared_folder_id") == text(arg, "shared_folder_id"));
    found.cloned().ok_or_else(|| Failure::internal("not mounted"))
}

/// `sharing/create_shared_link_with_settings`: one link for each file or folder.
pub fn create_link(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let id = shared(state, call, text(arg, "path"))?;
    if let Some((url, _)) = state.shared_links.iter().find(|(_, shared)| **shared == id) {
        let there = link(state, call, url, id)?;
        return Err(Failure::Route(json!({
            ".tag": "shared_link_already_exists",
            "shared_link_already_exists": {".tag": "metadata", "metadata": there},
        })));
    }
    let url = format!(
        "https://www.dropbox.com/scl/fi/{}/{}?dl=0",
        fresh(21).to_lowercase(),
        "file"
    );
    state.shared_links.insert(url.clone(), id);
    link(state, call, &url, id)
}

/// `sharing/list_shared_links`.
pub fn list_links(state: &State, call: &Call, arg: &Value) -> Reply {
    if !arg["cursor"].is_null() {
        return Err(Failure::Route(json!({".tag": "reset"})));
    }
    let of = match arg["path"].as_str() {
        Some(path) => Some(shared(state, call, path)?),
        None => None,
    };
    let mut links = Vec::new();
    for (url, id) in &state.shared_links {
        // The links of folders around a file lead to it too; none of the tests' clients asks for them.
        if of.is_none_or(|of| of == *id) {
            links.push(link(state, call, url, *id)?);
        }
    }
    Ok(json!({"links": links, "has_more": false}))
}

/// `sharing/revoke_shared_link`.
pub fn revoke_link(state: &mut State, _: &Call, arg: &Value) -> Reply {
    match state.shared_links.remove(text(arg, "url")) {
        Some(_) => Ok(Value::Null),
        None => Err(Failure::Route(json!({".tag": "shared_link_not_found"}))),
    }
}

fn shared(state: &State, call: &Call, path: &str) -> Result<NodeId, Failure> {
    super::files::lookup(state, call, path).map_err(|error| {
        super::answer::wire(&error).map_or_else(
            |f| f,
            |error| Failure::Route(json!({".tag": "path", "path": error})),
        )
    })
}

fn link(state: &State, call: &Call, url: &str, id: NodeId) -> Reply {
    let Some(node) = state.tree.node(id) else {
        return Err(Failure::internal("no such node"));
    };
    let permissions = json!({
        "can_revoke": true,
        "resolved_visibility": {".tag": "public"},
        "revoke_failure_reason": {".tag": "owner_only"},
        "visibility_policies": [],
        "can_set_expiry": false, "can_remove_expiry": false, "allow_download": true,
        "can_allow_download": true, "can_disallow_download": false, "allow_comments": false,
        "team_restricts_comments": false,
    });
    let lower = state.tree.paths(call.view, id).map(|(lower, _)| lower);
    let mut out = json!({
        "url": url,
        "name": node.name, "id": node.id, "path_lower": lower, "link_permissions": permissions,
    });
    match state.tree.file(id) {
        Some(file) => {
            out[".tag"] = json!("file");
            out["client_modified"] = json!(stamp(file.client_modified));
            out["server_modified"] = json!(stamp(file.server_modified));
            out["rev"] = json!(file.rev);
            out["size"] = json!(file.content.len());
        }
        None => out[".tag"] = json!("folder"),
    }
    Ok(out)
}
