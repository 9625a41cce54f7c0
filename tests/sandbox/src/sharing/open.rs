//! What links lead to, seen by who opens them.
//!
//! That an expired or closed link, a wrong password and a link without downloads are all `shared_link_access_denied` is a guess;
//! clients have to understand the others as well.

use serde_json::{Value, json};

use super::super::answer::{Failure, Reply};
use super::super::clock::stamp;
use super::super::files::read::Download;
use super::super::files::text;
use super::super::names::{self, Anchor};
use super::super::state::{Call, State};
use super::super::tree::NodeId;
use super::links::find;
use super::{Audience, SharedLink, name_of, refuse};

/// Why a link doesn't open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// There is no such link, or nothing there.
    NotFound,
    /// Not for this caller, or not any more.
    Denied,
    /// A private link takes neither path nor password.
    Unsupported,
}

impl From<Closed> for Failure {
    fn from(closed: Closed) -> Self {
        refuse(match closed {
            Closed::NotFound => "shared_link_not_found",
            Closed::Denied => "shared_link_access_denied",
            Closed::Unsupported => "unsupported_parameter_field",
        })
    }
}

/// Opens a link: returns it, and what is at a path below it.
///
/// # Errors
/// When the caller may not, or nothing is there.
pub fn open<'a>(
    state: &'a State,
    call: &Call,
    url: &str,
    path: Option<&str>,
    password: Option<&str>,
) -> Result<(&'a SharedLink, NodeId), Closed> {
    let link = &state.shared_links[find(state, url).ok_or(Closed::NotFound)?];
    admit(state, call, link, path, password)?;
    let path = path.unwrap_or_default();
    if path.is_empty() {
        return Ok((link, link.node));
    }
    // Another anchor would lead out of the link.
    let parsed = names::parse(path).ok().filter(|path| path.anchor == Anchor::Root);
    let mut at = link.node;
    for name in &parsed.ok_or(Closed::NotFound)?.names {
        at = state
            .tree
            .child(at, &names::folded(name))
            .ok_or(Closed::NotFound)?;
    }
    Ok((link, state.tree.inside(at)))
}

fn admit(
    state: &State,
    call: &Call,
    link: &SharedLink,
    path: Option<&str>,
    password: Option<&str>,
) -> Result<(), Closed> {
    let caller = state.accounts.get(call.view.account).ok_or(Closed::Denied)?;
    let owner = state.accounts.get(link.owner).ok_or(Closed::NotFound)?;
    if link.is_banned || link.expires.is_some_and(|end| end <= call.now) {
        return Err(Closed::Denied);
    }
    let ns = state.tree.node(link.node).map(|node| node.ns);
    let is_member = ns.is_some_and(|ns| state.tree.may_see(call.view.account, ns));
    let is_private = link.audience == Audience::NoOne;
    let is_let_in = match state.link_policy.effective(link.audience, owner) {
        Audience::Public => true,
        Audience::Team => caller.in_team && owner.in_team,
        Audience::NoOne => is_member || link.invited.contains(&call.view.account),
    };
    if !is_let_in {
        return Err(Closed::Denied);
    }
    if is_private && (path.is_some_and(|path| !path.is_empty()) || password.is_some()) {
        return Err(Closed::Unsupported);
    }
    match &link.password {
        Some(right) if password != Some(right) => Err(Closed::Denied),
        _ => Ok(()),
    }
}

/// `SharedLinkMetadata` of what is at or below a link.
pub fn metadata(state: &State, call: &Call, link: &SharedLink, id: NodeId) -> Reply {
    let Some(node) = state.tree.node(id) else {
        return Err(Failure::internal("no such node"));
    };
    let caller = state.account(call)?;
    let is_owner = link.owner == call.view.account;
    let mut out = json!({
        "url": link.url(),
        "name": name_of(state, link.owner, id),
        "id": node.id,
        "link_permissions": state.link_policy.permissions(link, caller, is_owner),
    });
    if let Some(end) = link.expires {
        out["expires"] = json!(stamp(end));
    }
    if is_owner && let Some((lower, _)) = state.tree.paths(call.view, id) {
        out["path_lower"] = json!(lower);
    }
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

fn asked<'a>(state: &'a State, call: &Call, arg: &Value) -> Result<(&'a SharedLink, NodeId), Failure> {
    let (path, password) = (arg["path"].as_str(), arg["link_password"].as_str());
    open(state, call, text(arg, "url"), path, password).map_err(Failure::from)
}

/// `sharing/get_shared_link_metadata`.
pub fn link_metadata(state: &State, call: &Call, arg: &Value) -> Reply {
    let (link, id) = asked(state, call, arg)?;
    metadata(state, call, link, id)
}

/// `sharing/get_shared_link_file`.
pub fn link_file(state: &State, call: &Call, arg: &Value) -> Result<Download, Failure> {
    let (link, id) = asked(state, call, arg)?;
    let Some(data) = state.tree.file(id) else {
        return Err(refuse("shared_link_is_directory"));
    };
    if data.document {
        return Err(refuse("unsupported_link_type"));
    }
    if !link.allow_download {
        return Err(refuse("shared_link_access_denied"));
    }
    Ok(Download {
        result: metadata(state, call, link, id)?,
        content: data.content.clone(),
        tag: data.rev.clone(),
        is_archive: false,
    })
}
