//! Listing a folder, the changes since, and waiting for them.

use std::sync::Arc;

use dropbox_sdk::types::files::{
    ListFolderContinueError, ListFolderError, ListFolderLongpollError, LookupError, Metadata,
};
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::clock::Seconds;
use super::super::names::{self, Anchor};
use super::super::sharing::open::{Closed, open};
use super::super::state::{Call, State};
use super::super::tree::{Found, NodeId, Ns, View};
use super::super::words::fresh;
use super::{flag, text};

/// What a listing was asked for.
#[derive(Clone, Debug)]
struct Ask {
    view: View,
    folder: NodeId,
    recursive: bool,
    deleted: bool,
    mounts: bool,
    documents: bool,
    /// Whether deleted entries say that they can be restored.
    restorable: bool,
    limit: usize,
    /// The link through which the folder is seen.
    link: Option<LinkAsk>,
}

/// A link, the path below it, and the password.
#[derive(Clone, Debug)]
struct LinkAsk {
    url: String,
    path: String,
    password: Option<String>,
}

/// Where a listing stands.
#[derive(Clone, Debug)]
pub struct Cursor {
    ask: Arc<Ask>,
    /// What was there when the listing began.
    items: Arc<Vec<Item>>,
    /// The next of them.
    next: usize,
    /// Changes up to this one are in the listing.
    since: u64,
    page: usize,
    /// It came from a call with `include_media_info`, which long polls don't take.
    media: bool,
    dead: bool,
}

#[derive(Clone, Debug)]
enum Item {
    Node(NodeId),
    Gone(Ns, String, String),
}

impl Cursor {
    /// From now on it answers `reset`.
    pub fn kill(&mut self) {
        self.dead = true;
    }
}

fn begin(state: &State, call: &Call, arg: &Value) -> Result<Cursor, LookupError> {
    let path = text(arg, "path");
    let parsed = names::parse(path).map_err(|_| LookupError::MalformedPath(None))?;
    let link = arg["shared_link"].is_object().then(|| LinkAsk {
        url: text(&arg["shared_link"], "url").to_owned(),
        path: path.to_owned(),
        password: arg["shared_link"]["password"].as_str().map(str::to_owned),
    });
    let folder = match (&link, state.tree.walk(call.view, &parsed)) {
        (Some(link), _) => through(state, call, link)?,
        (None, Found::Node(id)) => state.tree.inside(id),
        (None, _) => return Err(LookupError::NotFound),
    };
    if !state.tree.is_folder(folder) {
        return Err(LookupError::NotFolder);
    }
    let asked = arg["limit"]
        .as_u64()
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(500);
    let ask = Ask {
        view: call.view,
        folder,
        recursive: flag(arg, "recursive"),
        deleted: flag(arg, "include_deleted"),
        mounts: arg["include_mounted_folders"].as_bool().unwrap_or(true),
        documents: arg["include_non_downloadable_files"].as_bool().unwrap_or(true),
        restorable: flag(arg, "include_restorable_info"),
        limit: asked.min(state.settings.page_limit).max(1),
        link,
    };
    let is_root = parsed.names.is_empty() && matches!(parsed.anchor, Anchor::Root | Anchor::Namespace(_));
    let items = gather(state, &ask, is_root, call.now);
    Ok(Cursor {
        ask: Arc::new(ask),
        items: Arc::new(items),
        next: 0,
        since: state.tree.now(),
        page: 0,
        media: flag(arg, "include_media_info"),
        dead: false,
    })
}

/// Follows a link. That a link which doesn't open for the caller is `restricted_content` is a guess: the errors of this route
/// know no links.
fn through(state: &State, call: &Call, link: &LinkAsk) -> Result<NodeId, LookupError> {
    let opened = open(state, call, &link.url, Some(&link.path), link.password.as_deref());
    opened.map(|(_, id)| id).map_err(|closed| match closed {
        Closed::NotFound => LookupError::NotFound,
        Closed::Denied | Closed::Unsupported => LookupError::RestrictedContent,
    })
}

fn gather(state: &State, ask: &Ask, is_root: bool, now: Seconds) -> Vec<Item> {
    let tree = &state.tree;
    let nodes: Vec<NodeId> = if ask.recursive {
        tree.below(ask.folder, ask.mounts)
            .into_iter()
            .skip(usize::from(is_root))
            .collect()
    } else {
        tree.children(ask.folder).collect()
    };
    let shows = |id: &NodeId| {
        (ask.mounts || tree.inside(*id) == *id)
            && (ask.documents || !tree.file(*id).is_some_and(|file| file.document))
    };
    let mut items: Vec<Item> = nodes.into_iter().filter(shows).map(Item::Node).collect();
    if ask.deleted {
        for ((ns, path), gone) in &tree.gone {
            if state.is_kept(gone.at, now) && is_in(state, ask, *ns, path) {
                items.push(Item::Gone(*ns, path.clone(), gone.display.clone()));
            }
        }
    }
    items
}

/// Whether a path of a namespace lies in what was asked for.
fn is_in(state: &State, ask: &Ask, ns: Ns, path: &str) -> bool {
    let (Some((mount, _)), Some((top, _))) = (
        state.tree.mounted_at(ask.view, ns),
        state.tree.paths(ask.view, ask.folder),
    ) else {
        return false;
    };
    let whole = mount + path;
    match whole.strip_prefix(&top).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => ask.recursive || !rest.contains('/'),
        None => ask.recursive && whole == top && !top.is_empty(),
    }
}

fn page(state: &mut State, call: &Call, mut cursor: Cursor) -> Reply {
    let quota = match (state.settings.odd_pages, cursor.page) {
        (true, 2) => 0,
        (true, n) if n % 4 == 1 => cursor.ask.limit / 2 + 1,
        _ => cursor.ask.limit,
    };
    let mut entries: Vec<Metadata> = Vec::new();
    let shower = state.shower(call);
    while cursor.next < cursor.items.len() && entries.len() < quota {
        let entry = match &cursor.items[cursor.next] {
            Item::Node(id) => shower.node(*id),
            Item::Gone(ns, path, display) => shower.gone(*ns, path, display).map(|gone| {
                Metadata::Deleted(match cursor.ask.restorable {
                    true => gone.with_is_restorable(true), // what isn't kept isn't listed
                    false => gone,
                })
            }),
        };
        entries.extend(entry);
        cursor.next += 1;
    }
    // What changes behind a link is not told.
    if cursor.next >= cursor.items.len() && cursor.ask.link.is_none() {
        cursor.since = changes(state, call, &cursor, quota, &mut entries);
    }
    cursor.page += 1;
    let has_more = cursor.next < cursor.items.len() || has_changes(state, &cursor);
    let mut entries = wire(&entries)?;
    if cursor.ask.link.is_some() {
        entries.as_array_mut().into_iter().flatten().for_each(hide_place);
    }
    let name = remember(state, cursor);
    Ok(json!({"entries": entries, "cursor": name, "has_more": has_more}))
}

/// Takes out of an entry what concerns only those who have the folder in their own Dropbox.
fn hide_place(entry: &mut Value) {
    if let Some(entry) = entry.as_object_mut() {
        for field in ["path_lower", "path_display", "sharing_info"] {
            entry.remove(field);
        }
    }
}

/// Adds what has changed since; gives the number of the last change that is in.
fn changes(state: &State, call: &Call, cursor: &Cursor, quota: usize, entries: &mut Vec<Metadata>) -> u64 {
    let (shower, mut since) = (state.shower(call), cursor.since);
    for change in state.tree.changes_after(cursor.since) {
        if entries.len() >= quota {
            break;
        }
        since = change.seq;
        if !is_in(state, &cursor.ask, change.ns, &change.path) {
            continue;
        }
        match change.node {
            Some(id) if state.tree.node(id).is_some_and(|node| node.seq == change.seq) => {
                entries.extend(shower.node(id));
            }
            Some(_) => {}
            None => entries.extend(
                shower
                    .gone(change.ns, &change.path, &change.display)
                    .map(Metadata::Deleted),
            ),
        }
    }
    since
}

fn has_changes(state: &State, cursor: &Cursor) -> bool {
    if cursor.ask.link.is_some() {
        return false;
    }
    let waiting = state.tree.changes_after(cursor.since);
    waiting
        .iter()
        .any(|change| is_in(state, &cursor.ask, change.ns, &change.path))
}

fn remember(state: &mut State, cursor: Cursor) -> String {
    let name = fresh(306);
    state.cursors.insert(name.clone(), cursor);
    name
}

/// `files/list_folder`.
pub fn list_folder(state: &mut State, call: &Call, arg: &Value) -> Reply {
    if text(arg, "path") == "/" {
        let why = "request body: path: Specify the root folder as an empty string rather than as \"/\".";
        return Err(Failure::Bad(why.into()));
    }
    refuse_with_link(arg)?;
    let cursor = begin(state, call, arg).map_err(|error| Failure::route(&ListFolderError::Path(error)))?;
    page(state, call, cursor)
}

/// Refuses what a listing through a link doesn't have: it isn't recursive, and whether it has deleted entries is unknown.
fn refuse_with_link(arg: &Value) -> Result<(), Failure> {
    let field = ["recursive", "include_deleted"]
        .into_iter()
        .find(|field| flag(arg, field));
    match field.filter(|_| arg["shared_link"].is_object()) {
        Some(field) => Err(Failure::Bad(format!(
            "request body: {field}: not supported together with shared_link"
        ))),
        None => Ok(()),
    }
}

/// `files/list_folder/get_latest_cursor`.
pub fn latest_cursor(state: &mut State, call: &Call, arg: &Value) -> Reply {
    if arg["shared_link"].is_object() {
        return Err(Failure::Bad(
            "request body: shared_link: not supported here".into(),
        ));
    }
    let mut cursor =
        begin(state, call, arg).map_err(|error| Failure::route(&ListFolderError::Path(error)))?;
    cursor.next = cursor.items.len();
    Ok(json!({"cursor": remember(state, cursor)}))
}

/// `files/list_folder/continue`.
pub fn list_continue(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let Some(cursor) = state.cursors.get(text(arg, "cursor")).cloned() else {
        return Err(Failure::Bad("cursor: invalid cursor".into()));
    };
    if cursor.dead || cursor.ask.view != call.view {
        return Err(Failure::route(&ListFolderContinueError::Reset));
    }
    if let Some(link) = &cursor.ask.link {
        through(state, call, link).map_err(|error| Failure::route(&ListFolderContinueError::Path(error)))?;
    }
    if state.tree.node(cursor.ask.folder).is_none() {
        return Err(Failure::route(&ListFolderContinueError::Path(
            LookupError::NotFound,
        )));
    }
    page(state, call, cursor)
}

/// Whether a long poll can answer now: `Some(changes)`.
///
/// # Errors
/// `reset`, and 400 for cursors that long polls don't take.
pub fn poll(state: &State, arg: &Value) -> Result<bool, Failure> {
    let Some(cursor) = state.cursors.get(text(arg, "cursor")) else {
        return Err(Failure::Bad("cursor: invalid cursor".into()));
    };
    if cursor.media {
        return Err(Failure::Bad(
            "cursor: cursors of calls with include_media_info aren't supported".into(),
        ));
    }
    if cursor.dead {
        return Err(Failure::route(&ListFolderLongpollError::Reset));
    }
    Ok(cursor.next < cursor.items.len() || has_changes(state, cursor))
}
