//! Copy references: a file or folder that another account of the same app can save.

use dropbox_sdk::types::files::{LookupError, WriteConflictError, WriteError};
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::clock::stamp;
use super::super::state::{Call, State};
use super::super::tree::{FileData, NodeId};
use super::super::words::fresh;
use super::commit::fits;
use super::{Target, lookup, make_parents, target, text};

/// Life of a reference, in seconds: thirty years.
const LIFE: i64 = 30 * 365 * 86_400;
/// Most files and folders in one reference.
const MOST: usize = 10_000;

/// `files/copy_reference/get`.
pub fn get(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let refuse = |error: LookupError| match wire(&error) {
        Ok(error) => Failure::Route(json!({".tag": "path", "path": error})),
        Err(failure) => failure,
    };
    let id = lookup(state, call, text(arg, "path")).map_err(refuse)?;
    let metadata = state.shower(call).node(id);
    let metadata = metadata.ok_or_else(|| Failure::Bad("path: The root folder is unsupported.".into()))?;
    let reference = fresh(22);
    state.references.insert(reference.clone(), id);
    Ok(json!({
        "metadata": wire(&metadata)?,
        "copy_reference": reference,
        "expires": stamp(call.now + LIFE),
    }))
}

/// `files/copy_reference/save`.
pub fn save(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let tag = |tag: &str| Failure::Route(json!({".tag": tag}));
    let id: NodeId = *state
        .references
        .get(text(arg, "copy_reference"))
        .ok_or_else(|| tag("invalid_copy_reference"))?;
    if state.tree.node(id).is_none() {
        return Err(tag("not_found"));
    }
    let all = state.tree.below(id, true);
    if all.len() > MOST {
        return Err(tag("too_many_files"));
    }
    let refuse = |error: WriteError| match wire(&error) {
        Ok(error) => Failure::Route(json!({".tag": "path", "path": error})),
        Err(failure) => failure,
    };
    let place = match target(state, call, text(arg, "path")).map_err(refuse)? {
        Target::Free(place) => place,
        Target::There(there) => {
            let conflict = match state.tree.is_folder(there) {
                true => WriteConflictError::Folder,
                false => WriteConflictError::File,
            };
            return Err(refuse(WriteError::Conflict(conflict)));
        }
    };
    let ns = state.tree.node(place.folder).map(|node| node.ns);
    let ns = ns.ok_or_else(|| Failure::internal("no such folder"))?;
    let sizes = all.iter().filter_map(|id| state.tree.file(*id));
    let bytes = sizes.map(|file| file.content.len()).sum();
    fits(state, ns, bytes, 0).map_err(refuse)?;
    let parent = make_parents(state, &place);
    let revs: Vec<String> = all.iter().map(|_| state.next_rev(ns)).collect();
    let mut revs = revs.into_iter();
    let (now, account) = (call.now, call.view.account);
    let mut renewed = |old: &FileData| FileData {
        rev: revs.next().unwrap_or_default(),
        server_modified: now,
        modified_by: account,
        ..old.clone()
    };
    let made = state
        .tree
        .duplicate(id, parent, &place.name, &place.shown, &mut renewed);
    let shown = made.and_then(|id| state.shower(call).node(id));
    let shown = shown.ok_or_else(|| Failure::internal("not copied"))?;
    Ok(json!({"metadata": wire(&shown)?}))
}
