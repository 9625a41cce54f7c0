//! Making folders, deleting, restoring.

use dropbox_sdk::types::files::{
    CreateFolderEntryError, CreateFolderError, DeleteError, LookupError, RestoreError, WriteConflictError,
    WriteError,
};
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::names;
use super::super::state::{Call, State};
use super::super::tree::{NodeId, Revision};
use super::commit::{Ready, commit, shown};
use super::{Target, flag, free_name, jobs, lookup, make_parents, may_write, target, text};

fn create(state: &mut State, call: &Call, path: &str, autorename: bool) -> Result<NodeId, WriteError> {
    match target(state, call, path)? {
        Target::Free(place) => {
            let parent = make_parents(state, &place);
            Ok(state.tree.add_folder(parent, &place.name, &place.shown))
        }
        Target::There(id) if autorename => {
            let Some((parent, name, shown)) = state
                .tree
                .node(id)
                .and_then(|n| Some((n.parent?, n.name.clone(), n.shown_parent.clone())))
            else {
                return Err(WriteError::Conflict(WriteConflictError::Folder));
            };
            let name = free_name(state, parent, &name, names::numbered, 1);
            Ok(state.tree.add_folder(parent, &name, &shown))
        }
        Target::There(id) if state.tree.is_folder(id) => {
            Err(WriteError::Conflict(WriteConflictError::Folder))
        }
        Target::There(_) => Err(WriteError::Conflict(WriteConflictError::File)),
    }
}

/// `files/create_folder_v2`.
pub fn create_folder(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let id = create(state, call, text(arg, "path"), flag(arg, "autorename"))
        .map_err(|error| Failure::route(&CreateFolderError::Path(error)))?;
    folder(state, call, id)
}

fn folder(state: &State, call: &Call, id: NodeId) -> Reply {
    let made = state
        .shower(call)
        .folder(id)
        .ok_or_else(|| Failure::internal("no such folder"))?;
    Ok(json!({"metadata": wire(&made)?}))
}

/// `files/create_folder_batch`: at once for a few, as a job otherwise.
pub fn create_folder_batch(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let paths: Vec<String> = arg["paths"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let mut entries = Vec::new();
    for path in &paths {
        entries.push(match create(state, call, path, flag(arg, "autorename")) {
            Ok(id) => {
                let mut entry = json!({".tag": "success"});
                entry["metadata"] = folder(state, call, id)?["metadata"].take();
                entry
            }
            Err(error) => json!({".tag": "failure", "failure": wire(&CreateFolderEntryError::Path(error))?}),
        });
    }
    let result = json!({".tag": "complete", "entries": entries});
    if paths.len() <= 50 && !flag(arg, "force_async") {
        return Ok(result);
    }
    Ok(jobs::launch(state, "create_folder_batch", result))
}

/// Deletes what a path names; gives what was there.
fn remove(state: &mut State, call: &Call, arg: &Value) -> Result<Value, DeleteError> {
    let path = text(arg, "path");
    let id = match target(state, call, path) {
        Ok(Target::There(id)) => id,
        Ok(Target::Free(_)) => return Err(DeleteError::PathLookup(LookupError::NotFound)),
        Err(WriteError::MalformedPath(why)) => {
            return Err(DeleteError::PathLookup(LookupError::MalformedPath(why)));
        }
        Err(WriteError::NoWritePermission) if lookup(state, call, path).is_ok() => {
            return Err(DeleteError::PathWrite(WriteError::NoWritePermission));
        }
        Err(_) => return Err(DeleteError::PathLookup(LookupError::NotFound)),
    };
    let Some(ns) = state.tree.node(id).map(|node| node.ns) else {
        return Err(DeleteError::PathLookup(LookupError::NotFound));
    };
    may_write(state, call, ns).map_err(DeleteError::PathWrite)?;
    if let Some(rev) = arg["parent_rev"].as_str() {
        match state.tree.file(id) {
            Some(file) if file.rev == rev => {}
            Some(_) => {
                return Err(DeleteError::PathWrite(WriteError::Conflict(
                    WriteConflictError::File,
                )));
            }
            None => return Err(DeleteError::PathLookup(LookupError::NotFile)),
        }
    }
    let seen = state
        .shower(call)
        .node(id)
        .and_then(|node| wire(&node).ok())
        .unwrap_or_default();
    state.tree.remove(id, call.now);
    Ok(seen)
}

/// `files/delete_v2`.
pub fn delete(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let seen = remove(state, call, arg).map_err(|error| Failure::route(&error))?;
    Ok(json!({"metadata": seen}))
}

/// `files/delete_batch`: always a job.
pub fn delete_batch(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let mut entries = Vec::new();
    for entry in arg["entries"].as_array().into_iter().flatten() {
        entries.push(match remove(state, call, entry) {
            Ok(seen) => json!({".tag": "success", "metadata": seen}),
            Err(error) => json!({".tag": "failure", "failure": wire(&error)?}),
        });
    }
    Ok(jobs::launch(
        state,
        "delete_batch",
        json!({".tag": "complete", "entries": entries}),
    ))
}

/// `files/restore`.
pub fn restore(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let revision = state.kept_revision(call, text(arg, "rev")).cloned();
    let is_elsewhere = |revision: &Revision| {
        let place = super::read::own_path(state, call, text(arg, "path"));
        place.is_none_or(|(ns, path)| (ns, &path) != (revision.ns, &revision.path))
    };
    let revision = revision.filter(|revision| !(state.settings.restores_in_place && is_elsewhere(revision)));
    let revision = revision.ok_or_else(|| Failure::route(&RestoreError::InvalidRevision))?;
    let info = json!({
        "path": arg["path"],
        "mode": {".tag": "overwrite"},
        "client_modified": super::super::clock::stamp(revision.data.client_modified),
    });
    let ready = Ready {
        content: revision.data.content.clone(),
        hash: revision.data.hash.clone(),
    };
    let id = commit(state, call, &info, &ready)
        .map_err(|error| Failure::route(&RestoreError::PathWrite(error)))?;
    shown(state, call, id)
}
