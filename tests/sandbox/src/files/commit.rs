//! Putting a file into the tree: write modes, conflicts, quota, and what counts as "the same".

use dropbox_sdk::types::files::{UploadError, UploadWriteFailed, WriteConflictError, WriteError};
use serde_json::Value;

use super::super::answer::{Failure, Reply, wire};
use super::super::clock::parse_stamp;
use super::super::content::{Body, Content};
use super::super::names;
use super::super::state::{Call, State};
use super::super::tree::{FileData, NodeId, Ns};
use super::super::words::fresh_session;
use super::{Place, Target, flag, free_name, make_parents, may_write, target, text};

/// Bytes with their content hash.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The bytes.
    pub content: Content,
    /// Their hash.
    pub hash: String,
}

impl From<Body> for Ready {
    fn from(body: Body) -> Self {
        Self {
            hash: body.hash(),
            content: body.content,
        }
    }
}

/// Commits a file as a CommitInfo says.
///
/// # Errors
/// As `WriteError` says it; then nothing has changed.
pub fn commit(state: &mut State, call: &Call, info: &Value, ready: &Ready) -> Result<NodeId, WriteError> {
    let autorename = flag(info, "autorename");
    match target(state, call, text(info, "path"))? {
        Target::Free(place) => {
            let mode = text(&info["mode"], ".tag");
            if mode == "update" && flag(info, "strict_conflict") {
                return Err(WriteError::Conflict(WriteConflictError::File));
            }
            place_new(state, call, info, ready, &place)
        }
        Target::There(id) if state.tree.is_folder(id) => {
            if autorename {
                return beside(state, call, info, ready, id, names::numbered, 1);
            }
            Err(WriteError::Conflict(WriteConflictError::Folder))
        }
        Target::There(id) => over(state, call, info, ready, id),
    }
}

fn over(
    state: &mut State,
    call: &Call,
    info: &Value,
    ready: &Ready,
    id: NodeId,
) -> Result<NodeId, WriteError> {
    let Some((now, ns)) = state
        .tree
        .file(id)
        .cloned()
        .zip(state.tree.node(id).map(|node| node.ns))
    else {
        return Err(WriteError::Other);
    };
    may_write(state, call, ns)?;
    let same = now.hash == ready.hash && now.content.len() == ready.content.len();
    let strict = flag(info, "strict_conflict");
    let mode = &info["mode"];
    let replaces = match text(mode, ".tag") {
        "overwrite" => true,
        "update" => text(mode, "update") == now.rev,
        _ => false,
    };
    if same && (replaces || !strict) {
        return Ok(id);
    }
    if replaces {
        fits(state, ns, ready.content.len(), now.content.len())?;
        let data = data(state, call, info, ready, ns);
        state.tree.replace_file(id, data);
        return Ok(id);
    }
    if !flag(info, "autorename") {
        return Err(WriteError::Conflict(WriteConflictError::File));
    }
    if text(mode, ".tag") == "update" {
        beside(state, call, info, ready, id, names::conflicted, 1)
    } else {
        beside(state, call, info, ready, id, names::numbered, 1)
    }
}

/// Writes next to what is there, under a new name.
fn beside(
    state: &mut State,
    call: &Call,
    info: &Value,
    ready: &Ready,
    id: NodeId,
    make: fn(&str, u32) -> String,
    first: u32,
) -> Result<NodeId, WriteError> {
    let Some((parent, name, shown)) = state
        .tree
        .node(id)
        .and_then(|n| Some((n.parent?, n.name.clone(), n.shown_parent.clone())))
    else {
        return Err(WriteError::Conflict(WriteConflictError::Folder));
    };
    let name = free_name(state, parent, &name, make, first);
    place_new(
        state,
        call,
        info,
        ready,
        &Place {
            folder: parent,
            parents: Vec::new(),
            name,
            shown,
        },
    )
}

fn place_new(
    state: &mut State,
    call: &Call,
    info: &Value,
    ready: &Ready,
    place: &Place,
) -> Result<NodeId, WriteError> {
    let ns = state.tree.node(place.folder).map_or(Ns(0), |node| node.ns);
    may_write(state, call, ns)?;
    fits(state, ns, ready.content.len(), 0)?;
    let parent = make_parents(state, place);
    let data = data(state, call, info, ready, ns);
    Ok(state.tree.add_file(parent, &place.name, &place.shown, data))
}

/// Whether so many more bytes fit the quota of who pays for the namespace.
pub fn fits(state: &State, ns: Ns, plus: u64, minus: u64) -> Result<(), WriteError> {
    let Some(owner) = state.tree.space(ns).map(|space| space.owner) else {
        return Err(WriteError::Other);
    };
    let used = state.tree.used(owner).saturating_sub(minus) + plus;
    let quota = state.accounts.get(owner).map_or(0, |account| account.quota_bytes);
    if used > quota {
        Err(WriteError::InsufficientSpace)
    } else {
        Ok(())
    }
}

fn data(state: &mut State, call: &Call, info: &Value, ready: &Ready, ns: Ns) -> FileData {
    let client_modified = info["client_modified"]
        .as_str()
        .and_then(parse_stamp)
        .unwrap_or(call.now);
    FileData {
        rev: state.next_rev(ns),
        content: ready.content.clone(),
        hash: ready.hash.clone(),
        client_modified,
        server_modified: call.now,
        modified_by: call.view.account,
        document: false,
        symlink: None,
    }
}

/// `files/upload`.
pub fn upload(state: &mut State, call: &Call, arg: &Value, body: Body) -> Reply {
    if arg["content_hash"]
        .as_str()
        .is_some_and(|hash| hash != body.hash())
    {
        return Err(Failure::route(&UploadError::ContentHashMismatch));
    }
    let id = commit(state, call, arg, &body.into()).map_err(|reason| {
        Failure::route(&UploadError::Path(UploadWriteFailed::new(
            reason,
            fresh_session(),
        )))
    })?;
    shown(state, call, id)
}

/// A file as a route shows it.
pub fn shown(state: &State, call: &Call, id: NodeId) -> Reply {
    state
        .shower(call)
        .file(id)
        .map_or_else(|| Err(Failure::internal("no such file")), |file| wire(&file))
}
