//! Copying and moving on the server, one by one and in batches.

use std::sync::Arc;

use dropbox_sdk::types::files::{
    LookupError, Metadata, RelocationBatchErrorEntry, RelocationBatchResultEntry, RelocationError,
    WriteConflictError, WriteError,
};
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::names;
use super::super::state::{Call, State};
use super::super::tree::{FileData, NodeId};
use super::commit::fits;
use super::{Place, Target, flag, free_name, jobs, lookup, make_parents, may_write, target, text};

/// Most nodes in one operation.
const MOST: usize = 10_000;

/// Copy or move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The source stays.
    Copy,
    /// The source goes.
    Move,
}

fn relocate(
    state: &mut State,
    call: &Call,
    entry: &Value,
    autorename: bool,
    way: Way,
) -> Result<Metadata, RelocationError> {
    let (from_path, to_path) = (text(entry, "from_path"), text(entry, "to_path"));
    let from = lookup_write(state, call, from_path)?;
    let all = state.tree.below(from, true);
    if all.len() > MOST {
        return Err(RelocationError::TooManyFiles);
    }
    let Some(source) = state.tree.node(from).cloned() else {
        return Err(RelocationError::InternalError);
    };
    if way == Way::Move {
        may_write(state, call, source.ns).map_err(RelocationError::FromWrite)?;
    }
    let place = match target(state, call, to_path).map_err(RelocationError::To)? {
        Target::Free(place) => place,
        Target::There(there) if there == from => {
            return Err(RelocationError::To(WriteError::Conflict(conflict(state, there))));
        }
        Target::There(there) => renamed(state, there, autorename)?,
    };
    if state.tree.is_below(place.folder, from) {
        return Err(RelocationError::CantMoveFolderIntoItself);
    }
    let ns = state.tree.node(place.folder).map_or(source.ns, |node| node.ns);
    if way == Way::Copy {
        let bytes = all
            .iter()
            .filter_map(|id| state.tree.file(*id))
            .map(|file| file.content.len())
            .sum();
        fits(state, ns, bytes, 0).map_err(|_| RelocationError::InsufficientQuota)?;
    }
    let parent = make_parents(state, &place);
    let made = match way {
        Way::Move => {
            state
                .tree
                .relocate(from, parent, &place.name, &place.shown, call.now);
            Some(from)
        }
        Way::Copy => {
            let revs: Vec<String> = all.iter().map(|_| state.next_rev(ns)).collect();
            let mut revs = revs.into_iter();
            let (now, account) = (call.now, call.view.account);
            let mut fresh = |old: &FileData| FileData {
                rev: revs.next().unwrap_or_default(),
                server_modified: now,
                modified_by: account,
                ..old.clone()
            };
            state
                .tree
                .duplicate(from, parent, &place.name, &place.shown, &mut fresh)
        }
    };
    made.and_then(|id| state.shower(call).node(id))
        .ok_or(RelocationError::InternalError)
}

fn lookup_write(state: &State, call: &Call, path: &str) -> Result<NodeId, RelocationError> {
    let parsed =
        names::parse(path).map_err(|_| RelocationError::FromLookup(LookupError::MalformedPath(None)))?;
    match state.tree.walk(call.view, &parsed) {
        super::super::tree::Found::Node(id) if state.tree.node(id).is_some_and(|n| n.parent.is_some()) => {
            Ok(id)
        }
        _ => Err(RelocationError::FromLookup(LookupError::NotFound)),
    }
}

fn conflict(state: &State, there: NodeId) -> WriteConflictError {
    if state.tree.is_folder(there) {
        WriteConflictError::Folder
    } else {
        WriteConflictError::File
    }
}

fn renamed(state: &State, there: NodeId, autorename: bool) -> Result<Place, RelocationError> {
    let refuse = || RelocationError::To(WriteError::Conflict(conflict(state, there)));
    let node = state.tree.node(there).filter(|_| autorename).ok_or_else(refuse)?;
    let folder = node.parent.ok_or_else(refuse)?;
    let name = free_name(state, folder, &node.name, names::numbered, 1);
    Ok(Place {
        folder,
        parents: Vec::new(),
        name,
        shown: node.shown_parent.clone(),
    })
}

/// `files/copy_v2` and `files/move_v2`.
pub fn one(state: &mut State, call: &Call, arg: &Value, way: Way) -> Reply {
    let made =
        relocate(state, call, arg, flag(arg, "autorename"), way).map_err(|error| Failure::route(&error))?;
    Ok(json!({"metadata": wire(&made)?}))
}

/// `files/copy_batch_v2` and `files/move_batch_v2`: always a job.
pub fn batch(state: &mut State, call: &Call, arg: &Value, way: Way) -> Reply {
    let entries = Arc::new(arg["entries"].as_array().cloned().unwrap_or_default());
    let nested = has_nested(state, call, &entries);
    let mut out = Vec::new();
    for entry in entries.iter() {
        let result = if nested {
            Err(RelocationError::DuplicatedOrNestedPaths)
        } else {
            relocate(state, call, entry, flag(arg, "autorename"), way)
        };
        out.push(match result {
            Ok(made) => RelocationBatchResultEntry::Success(made),
            Err(error) => {
                RelocationBatchResultEntry::Failure(RelocationBatchErrorEntry::RelocationError(error))
            }
        });
    }
    let result = json!({".tag": "complete", "entries": wire(&out)?});
    Ok(jobs::launch(
        state,
        if way == Way::Copy {
            "copy_batch_v2"
        } else {
            "move_batch_v2"
        },
        result,
    ))
}

fn has_nested(state: &State, call: &Call, entries: &[Value]) -> bool {
    let mut sources: Vec<String> = entries
        .iter()
        .map(|entry| match lookup(state, call, text(entry, "from_path")) {
            Ok(id) => state
                .tree
                .paths(call.view, id)
                .map(|(lower, _)| lower)
                .unwrap_or_default(),
            Err(_) => names::folded(text(entry, "from_path")),
        })
        .map(|path| path + "/")
        .collect();
    sources.sort();
    sources.windows(2).any(|pair| pair[1].starts_with(&pair[0]))
}
