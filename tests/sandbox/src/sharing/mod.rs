//! The `sharing` routes: links and their settings, what links lead to, folders and single files that people share.

pub mod folders;
pub mod links;
pub mod open;
mod paging;
pub mod policy;
pub mod received;

pub use links::{Audience, SharedLink};
pub use policy::LinkPolicy;
pub use received::Received;

use serde_json::{Value, json};

use super::answer::Failure;
use super::state::State;
use super::tree::{AccountId, NodeId};

/// A 409 with a tag that has no value.
fn refuse(tag: &str) -> Failure {
    Failure::Route(json!({".tag": tag}))
}

/// A 409 with a tag in a tag.
fn refuse_for(tag: &str, inner: &str) -> Failure {
    Failure::Route(json!({".tag": tag, tag: {".tag": inner}}))
}

/// What people call a node; the root of a shared folder has the name that its owner gave it, or where it is mounted.
fn name_of(state: &State, account: AccountId, id: NodeId) -> String {
    let Some(node) = state.tree.node(id) else {
        return String::new();
    };
    if node.parent.is_some() {
        return node.name.clone();
    }
    let Some(space) = state.tree.space(node.ns) else {
        return String::new();
    };
    let mount = space.members.get(&account).and_then(|member| member.mount);
    let mount = mount.and_then(|mount| state.tree.node(mount));
    mount.map_or_else(|| space.name.clone(), |node| node.name.clone())
}

/// Policies of a shared file or folder, which nothing here depends on.
fn folder_policy() -> Value {
    json!({
        "acl_update_policy": {".tag": "editors"},
        "shared_link_policy": {".tag": "anyone"},
        "member_policy": {".tag": "anyone"},
        "resolved_member_policy": {".tag": "anyone"},
    })
}
