//! Making folders, deleting, restoring.

use dropbox_sdk::types::files::{
    CreateFolderEntryError, CreateFolderError, DeleteError, LookupError, RestoreError, WriteConflictError,
    WriteError,
};
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::names;
use super::super::tree::NodeId;
use super::super::world::{Call, World};
use super::commit::{Ready, commit, shown};
use super::{Target, flag, free_name, jobs, lookup, make_parents, may_write, target, text};

fn create(world: &mut World, call: &Call, path: &str, autorename: bool) -> Result<NodeId, WriteError> {
    match target(world, call, path)? {
        Target::Free(place) => {
            let parent = make_parents(world, &place);
            Ok(world.tree.add_folder(parent, &place.name, &place.shown))
        }
        Target::There(id) if autorename => {
            let Some((parent, name, shown)) = world
                .tree
                .node(id)
                .and_then(|n| Some((n.parent?, n.name.clone(), n.shown_parent.clone())))
            else {
                return Err(WriteError::Conflict(WriteConflictError::Folder));
            };
            let name = free_name(world, parent, &name, names::numbered, 1);
            Ok(world.tree.add_folder(parent, &name, &shown))
        }
        Target::There(id) if world.tree.is_folder(id) => {
            Err(WriteError::Conflict(WriteConflictError::Folder))
        }
        Target::There(_) => Err(WriteError::Conflict(WriteConflictError::File)),
    }
}

/// `files/create_folder_v2`.
pub fn create_folder(world: &mut World, call: &Call, arg: &Value) -> Reply {
    let id = create(world, call, text(arg, "path"), flag(arg, "autorename"))
        .map_err(|error| Failure::route(&CreateFolderError::Path(error)))?;
    folder(world, call, id)
}

fn folder(world: &World, call: &Call, id: NodeId) -> Reply {
    let made = world
        .shower(call)
        .folder(id)
        .ok_or_else(|| Failure::internal("no such folder"))?;
    Ok(json!({"metadata": wire(&made)?}))
}

/// `files/create_folder_batch`: at once for a few, as a job otherwise.
pub fn create_folder_batch(world: &mut World, call: &Call, arg: &Value) -> Reply {
    let paths: Vec<String> = arg["paths"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let mut entries = Vec::new();
    for path in &paths {
        entries.push(match create(world, call, path, flag(arg, "autorename")) {
            Ok(id) => {
                let mut entry = json!({".tag": "success"});
                entry["metadata"] = folder(world, call, id)?["metadata"].take();
                entry
            }
            Err(error) => json!({".tag": "failure", "failure": wire(&CreateFolderEntryError::Path(error))?}),
        });
    }
    let result = json!({".tag": "complete", "entries": entries});
    if paths.len() <= 50 && !flag(arg, "force_async") {
        return Ok(result);
    }
    Ok(jobs::launch(world, "create_folder_batch", result))
}

/// Deletes what a path names; gives what was there.
fn remove(world: &mut World, call: &Call, arg: &Value) -> Result<Value, DeleteError> {
    let path = text(arg, "path");
    let id = match target(world, call, path) {
        Ok(Target::There(id)) => id,
        Ok(Target::Free(_)) => return Err(DeleteError::PathLookup(LookupError::NotFound)),
        Err(WriteError::MalformedPath(why)) => {
            return Err(DeleteError::PathLookup(LookupError::MalformedPath(why)));
        }
        Err(WriteError::NoWritePermission) if lookup(world, call, path).is_ok() => {
            return Err(DeleteError::PathWrite(WriteError::NoWritePermission));
        }
        Err(_) => return Err(DeleteError::PathLookup(LookupError::NotFound)),
    };
    let Some(ns) = world.tree.node(id).map(|node| node.ns) else {
        return Err(DeleteError::PathLookup(LookupError::NotFound));
    };
    may_write(world, call, ns).map_err(DeleteError::PathWrite)?;
    if let Some(rev) = arg["parent_rev"].as_str() {
        match world.tree.file(id) {
            Some(file) if file.rev == rev => {}
            Some(_) => {
                return Err(DeleteError::PathWrite(WriteError::Conflict(
                    WriteConflictError::File,
                )));
            }
            None => return Err(DeleteError::PathLookup(LookupError::NotFile)),
        }
    }
    let seen = world
        .shower(call)
        .node(id)
        .and_then(|node| wire(&node).ok())
        .unwrap_or_default();
    world.tree.remove(id, call.now);
    Ok(seen)
}

/// `files/delete_v2`.
pub fn delete(world: &mut World, call: &Call, arg: &Value) -> Reply {
    let seen = remove(world, call, arg).map_err(|error| Failure::route(&error))?;
    Ok(json!({"metadata": seen}))
}

/// `files/delete_batch`: always a job.
pub fn delete_batch(world: &mut World, call: &Call, arg: &Value) -> Reply {
    let mut entries = Vec::new();
    for entry in arg["entries"].as_array().into_iter().flatten() {
        entries.push(match remove(world, call, entry) {
            Ok(seen) => json!({".tag": "success", "metadata": seen}),
            Err(error) => json!({".tag": "failure", "failure": wire(&error)?}),
        });
    }
    Ok(jobs::launch(
        world,
        "delete_batch",
        json!({".tag": "complete", "entries": entries}),
    ))
}

/// `files/restore`.
pub fn restore(world: &mut World, call: &Call, arg: &Value) -> Reply {
    let revision = world.tree.revisions.get(text(arg, "rev")).cloned();
    let revision = revision.filter(|r| world.tree.may_see(call.view.account, r.ns));
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
    let id = commit(world, call, &info, &ready)
        .map_err(|error| Failure::route(&RestoreError::PathWrite(error)))?;
    shown(world, call, id)
}
