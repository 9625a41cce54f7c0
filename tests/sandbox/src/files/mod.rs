//! The `files` routes, a file for each family, and what they share: from a path to a node, or to a place for one.

pub mod commit;
pub mod edit;
pub mod jobs;
pub mod links;
pub mod list;
pub mod read;
pub mod reference;
pub mod relocate;
pub mod save_url;
pub mod session;
pub mod zip;

use dropbox_sdk::types::files::{LookupError, WriteConflictError, WriteError};

use super::names::{self, Anchor, Refusal};
use super::state::{Call, State};
use super::tree::{Found, NodeId, Ns};

/// Where something may be written.
#[derive(Clone, Debug)]
pub enum Target {
    /// Something is there.
    There(NodeId),
    /// Nothing is there.
    Free(Place),
}

/// A place for something new.
#[derive(Clone, Debug)]
pub struct Place {
    /// The last folder on the way that exists.
    pub folder: NodeId,
    /// Folders to make first.
    pub parents: Vec<String>,
    /// The new name.
    pub name: String,
    /// The folder's path as it was written.
    pub shown: String,
}

/// Finds what a read path names.
///
/// # Errors
/// As `LookupError` says it.
pub fn lookup(state: &State, call: &Call, text: &str) -> Result<NodeId, LookupError> {
    let path = names::parse(text).map_err(|_| LookupError::MalformedPath(None))?;
    match state.tree.walk(call.view, &path) {
        Found::Node(id) => Ok(state.tree.inside(id)),
        _ => Err(LookupError::NotFound),
    }
}

/// Finds where a write path leads, and whether the caller may write there.
///
/// # Errors
/// As `WriteError` says it.
pub fn target(state: &State, call: &Call, text: &str) -> Result<Target, WriteError> {
    let mut path = names::parse(text).map_err(|_| WriteError::MalformedPath(None))?;
    path.names.iter_mut().for_each(|name| *name = names::stored(name));
    for name in &path.names {
        match names::look(name) {
            Err(Refusal::Malformed) => return Err(WriteError::MalformedPath(None)),
            Err(Refusal::Disallowed) => return Err(WriteError::DisallowedName),
            Ok(()) if state.settings.refuse_astral && names::has_astral(name) => {
                return Err(WriteError::MalformedPath(None));
            }
            Ok(()) => {}
        }
    }
    if path.names.is_empty() && matches!(path.anchor, Anchor::Root | Anchor::Namespace(_)) {
        return Err(WriteError::MalformedPath(None));
    }
    match state.tree.walk(call.view, &path) {
        Found::Node(id) => Ok(Target::There(id)),
        Found::ThroughFile => Err(WriteError::Conflict(WriteConflictError::FileAncestor)),
        Found::Nowhere => Err(WriteError::MalformedPath(None)),
        Found::Missing { folder, mut rest } => {
            let inside = state.tree.inside(folder);
            let ns = state.tree.node(inside).map_or(Ns(0), |node| node.ns);
            may_write(state, call, ns)?;
            let name = rest.pop().unwrap_or_default();
            let mut parents = path.names;
            parents.pop();
            let shown = match path.anchor {
                Anchor::Root => parents.iter().map(|name| format!("/{name}")).collect(),
                _ => String::new(),
            };
            Ok(Target::Free(Place {
                folder: inside,
                parents: rest,
                name,
                shown,
            }))
        }
    }
}

/// Whether the caller may write in a namespace.
///
/// # Errors
/// `no_write_permission`, or `team_folder` for the team's own root.
pub fn may_write(state: &State, call: &Call, ns: Ns) -> Result<(), WriteError> {
    if state.tree.may_write(call.view.account, ns) {
        Ok(())
    } else {
        Err(WriteError::NoWritePermission)
    }
}

/// Makes the folders that are missing on the way and gives the last.
pub fn make_parents(state: &mut State, place: &Place) -> NodeId {
    let mut shown: Vec<&str> = place.shown.split('/').filter(|part| !part.is_empty()).collect();
    shown.truncate(shown.len().saturating_sub(place.parents.len()));
    let mut shown: String = shown.iter().map(|name| format!("/{name}")).collect();
    let mut at = place.folder;
    for name in &place.parents {
        at = state.tree.add_folder(at, name, &shown);
        shown = format!("{shown}/{name}");
    }
    at
}

/// A name in `folder` that nobody has, made from `name`.
pub fn free_name(
    state: &State,
    folder: NodeId,
    name: &str,
    make: impl Fn(&str, u32) -> String,
    first: u32,
) -> String {
    (first..u32::MAX)
        .map(|n| make(name, n))
        .find(|candidate| state.tree.child(folder, &names::folded(candidate)).is_none())
        .unwrap_or_default()
}

/// A field that the schema has checked to be text.
pub fn text<'a>(arg: &'a serde_json::Value, field: &str) -> &'a str {
    arg[field].as_str().unwrap_or_default()
}

/// A field that is true only when it was sent so.
pub fn flag(arg: &serde_json::Value, field: &str) -> bool {
    arg[field].as_bool().unwrap_or(false)
}
