//! What an account holds: namespaces of folders and files, what was there before, and a journal of every change.
//!
//! A namespace is a tree of its own; a shared folder is a namespace mounted at a folder of another one. Names are kept in
//! their case and found by their folded form. Edits are in [`edit`](super::edit), answers in [`metadata`](super::metadata).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::clock::Seconds;
use super::content::Content;
use super::names::{Anchor, Path, folded};

/// A namespace, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ns(pub u64);

/// A file or folder, by a number of ours.
pub type NodeId = u64;
/// An account, by its place in the list.
pub type AccountId = usize;

/// Whose eyes a call sees with, and what `/` means to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The account.
    pub account: AccountId,
    /// The namespace that paths start in.
    pub root: Ns,
}

/// A file or folder.
#[derive(Clone, Debug)]
pub struct Node {
    /// Dropbox's id.
    pub id: String,
    /// The namespace it is in.
    pub ns: Ns,
    /// Its folder; `None` for the root of a namespace.
    pub parent: Option<NodeId>,
    /// Its name in its case.
    pub name: String,
    /// Its name folded.
    pub key: String,
    /// The folder's path as it was written when this was made; shown for as long as it is right but for case.
    pub shown_parent: String,
    /// The last change of it.
    pub seq: u64,
    /// File or folder.
    pub kind: Kind,
}

/// File or folder.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A folder.
    Folder(Folder),
    /// A file.
    File(Arc<FileData>),
}

/// A folder's inside.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// By folded name.
    pub children: BTreeMap<String, NodeId>,
    /// The namespace that is seen here instead.
    pub mount: Option<Ns>,
}

/// One version of a file.
#[derive(Clone, Debug)]
pub struct FileData {
    /// The revision.
    pub rev: String,
    /// The bytes.
    pub content: Content,
    /// Their content hash.
    pub hash: String,
    /// The time the client gave.
    pub client_modified: Seconds,
    /// The time it arrived.
    pub server_modified: Seconds,
    /// Who wrote it.
    pub modified_by: AccountId,
    /// Whether it can only be exported.
    pub document: bool,
    /// What it points to, if a desktop client stored a symbolic link.
    pub symlink: Option<String>,
}

/// A version that can still be named by its revision.
#[derive(Debug)]
pub struct Revision {
    /// The file's id.
    pub id: String,
    /// Our number of the file.
    pub node: NodeId,
    /// Its name then.
    pub name: String,
    /// Its namespace then.
    pub ns: Ns,
    /// Its folded path in the namespace then.
    pub path: String,
    /// Its path in the namespace then.
    pub display: String,
    /// The version.
    pub data: Arc<FileData>,
}

/// Something that was deleted.
#[derive(Clone, Debug)]
pub struct Gone {
    /// Its path in the namespace, in its case.
    pub display: String,
    /// When.
    pub at: Seconds,
    /// Whether it was a folder, which has no revisions.
    pub is_folder: bool,
}

/// What happened to the file at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It got this revision.
    Written(String),
    /// It was deleted, or moved away.
    Gone(Seconds),
}

/// One change, in order.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its number.
    pub seq: u64,
    /// Where.
    pub ns: Ns,
    /// The folded path in the namespace.
    pub path: String,
    /// The path in its case.
    pub display: String,
    /// What is there now; `None` when it was deleted.
    pub node: Option<NodeId>,
}

/// What kind of place a namespace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceKind {
    /// A person's own.
    Home,
    /// A shared folder.
    Shared,
    /// A team's root: members see it but don't write to it.
    TeamRoot,
}

/// A namespace.
#[derive(Debug)]
pub struct Space {
    /// Its root folder.
    pub root: NodeId,
    /// What kind of place.
    pub kind: SpaceKind,
    /// The name of a shared folder where it isn't mounted.
    pub name: String,
    /// Who pays for the bytes.
    pub owner: AccountId,
    /// Who may see it.
    pub members: HashMap<AccountId, Member>,
    /// Bytes of all files in it.
    pub used: u64,
}

/// What an account may do with a namespace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Member {
    /// Look, don't touch.
    pub read_only: bool,
    /// The folder where it is seen.
    pub mount: Option<NodeId>,
}

/// All namespaces of all accounts.
#[derive(Debug, Default)]
pub struct Tree {
    pub(super) nodes: HashMap<NodeId, Node>,
    pub(super) spaces: BTreeMap<Ns, Space>,
    pub(super) ids: HashMap<String, NodeId>,
    pub(super) revisions: HashMap<String, Arc<Revision>>,
    pub(super) past: HashMap<(Ns, String), Vec<Happened>>,
    pub(super) gone: BTreeMap<(Ns, String), Gone>,
    pub(super) journal: Vec<Change>,
    pub(super) last_node: NodeId,
    pub(super) last_seq: u64,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// To something.
    Node(NodeId),
    /// Into a folder, and then `rest` isn't there.
    Missing {
        /// The last folder on the way that is there.
        folder: NodeId,
        /// What isn't there.
        rest: Vec<String>,
    },
    /// Through a file.
    ThroughFile,
    /// Nowhere: an unknown or hidden id, namespace or revision.
    Nowhere,
}

impl Tree {
    /// What is known of a node. Numbers come from this tree only, so a missing one is a bug here.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// The number of the last change.
    pub fn now(&self) -> u64 {
        self.last_seq
    }

    /// A namespace.
    pub fn space(&self, ns: Ns) -> Option<&Space> {
        self.spaces.get(&ns)
    }

    /// The folder that holds what is seen in `id`: itself, or the root of what is mounted there.
    pub fn inside(&self, id: NodeId) -> NodeId {
        match self.nodes.get(&id).map(|node| &node.kind) {
            Some(Kind::Folder(Folder { mount: Some(ns), .. })) => {
                self.spaces.get(ns).map_or(id, |space| space.root)
            }
            _ => id,
        }
    }

    /// The children of a folder as it is seen, by folded name.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let folder = match self.nodes.get(&self.inside(id)).map(|node| &node.kind) {
            Some(Kind::Folder(folder)) => Some(folder),
            _ => None,
        };
        folder
            .into_iter()
            .flat_map(|folder| folder.children.values().copied())
    }

    /// A child by its folded name.
    pub fn child(&self, folder: NodeId, key: &str) -> Option<NodeId> {
        match &self.nodes.get(&self.inside(folder))?.kind {
            Kind::Folder(inside) => inside.children.get(key).copied(),
            Kind::File(_) => None,
        }
    }

    /// Whether a node is a folder.
    pub fn is_folder(&self, id: NodeId) -> bool {
        matches!(
            self.nodes.get(&id),
            Some(Node {
                kind: Kind::Folder(_),
                ..
            })
        )
    }

    /// A file's version now.
    pub fn file(&self, id: NodeId) -> Option<&Arc<FileData>> {
        match &self.nodes.get(&id)?.kind {
            Kind::File(data) => Some(data),
            Kind::Folder(_) => None,
        }
    }

    /// Whether `account` is a member of `ns`.
    pub fn may_see(&self, account: AccountId, ns: Ns) -> bool {
        self.spaces
            .get(&ns)
            .is_some_and(|space| space.members.contains_key(&account))
    }

    /// Whether `account` may write in `ns`.
    pub fn may_write(&self, account: AccountId, ns: Ns) -> bool {
        self.spaces.get(&ns).is_some_and(|space| {
            space.kind != SpaceKind::TeamRoot
                && space
                    .members
                    .get(&account)
                    .is_some_and(|member| !member.read_only)
        })
    }

    /// Follows a path.
    pub fn walk(&self, view: View, path: &Path) -> Found {
        let mut at = match &path.anchor {
            Anchor::Root => self.spaces.get(&view.root).map(|space| space.root),
            Anchor::Id(id) => self
                .ids
                .get(id)
                .copied()
                .filter(|node| self.is_visible(view, *node)),
            Anchor::Namespace(text) => text
                .parse()
                .ok()
                .map(Ns)
                .filter(|ns| self.may_see(view.account, *ns))
                .and_then(|ns| self.spaces.get(&ns))
                .map(|space| space.root),
            Anchor::Rev(_) => None,
        };
        let mut names = path.names.iter();
        while let Some(here) = at {
            let Some(name) = names.next() else {
                return Found::Node(here);
            };
            if !self.is_folder(here) {
                return Found::ThroughFile;
            }
            at = self.child(here, &folded(name));
            if at.is_none() {
                let rest = std::iter::once(name).chain(names).cloned().collect();
                return Found::Missing { folder: here, rest };
            }
        }
        Found::Nowhere
    }

    fn is_visible(&self, view: View, node: NodeId) -> bool {
        self.nodes
            .get(&node)
            .is_some_and(|node| self.may_see(view.account, node.ns))
    }

    /// Names from the root of the view down to the node; `None` if the view doesn't hold it. The root itself has none.
    pub fn names(&self, view: View, id: NodeId) -> Option<Vec<&str>> {
        let mut names = Vec::new();
        let mut at = id;
        loop {
            let node = self.nodes.get(&at)?;
            at = match node.parent {
                Some(parent) => {
                    names.push(node.name.as_str());
                    parent
                }
                None if node.ns == view.root => break,
                None => self.spaces.get(&node.ns)?.members.get(&view.account)?.mount?,
            };
        }
        names.reverse();
        Some(names)
    }

    /// `path_lower` and `path_display` of a node in a view. Of the latter only the last name is sure to have its case.
    pub fn paths(&self, view: View, id: NodeId) -> Option<(String, String)> {
        let names = self.names(view, id)?;
        let node = self.nodes.get(&id)?;
        let lower: String = names.iter().map(|name| format!("/{}", folded(name))).collect();
        let Some((_, parents)) = names.split_last() else {
            return Some((String::new(), String::new()));
        };
        let right: String = parents.iter().map(|name| format!("/{name}")).collect();
        let shown = if folded(&node.shown_parent) == folded(&right) {
            &node.shown_parent
        } else {
            &right
        };
        Some((lower, format!("{shown}/{}", node.name)))
    }

    /// The path of a node in its own namespace, folded and in its case.
    pub fn own_path(&self, id: NodeId) -> (String, String) {
        let (mut lower, mut display) = (String::new(), String::new());
        let mut at = self.nodes.get(&id);
        while let Some(node) = at.filter(|node| node.parent.is_some()) {
            lower = format!("/{}{lower}", node.key);
            display = format!("/{}{display}", node.name);
            at = node.parent.and_then(|parent| self.nodes.get(&parent));
        }
        (lower, display)
    }

    /// Where a namespace's root is seen in a view: its paths there, empty for the view's own root.
    pub fn mounted_at(&self, view: View, ns: Ns) -> Option<(String, String)> {
        if ns == view.root {
            return Some((String::new(), String::new()));
        }
        let mount = self.spaces.get(&ns)?.members.get(&view.account)?.mount?;
        self.paths(view, mount)
    }

    /// The node and everything below, parents first; mounted namespaces too if `mounts`.
    pub fn below(&self, id: NodeId, mounts: bool) -> Vec<NodeId> {
        let mut out = Vec::new();
        let mut todo = vec![id];
        while let Some(next) = todo.pop() {
            out.push(next);
            if mounts || self.inside(next) == next {
                let mut children: Vec<_> = self.children(next).collect();
                children.reverse();
                todo.extend(children);
            }
        }
        out
    }

    /// Whether `id` is `top` or below it.
    pub fn is_below(&self, id: NodeId, top: NodeId) -> bool {
        let mut at = Some(id);
        while let Some(here) = at {
            if here == top {
                return true;
            }
            at = self.nodes.get(&here).and_then(|node| node.parent);
        }
        false
    }

    /// Changes after a number, in order.
    pub fn changes_after(&self, seq: u64) -> &[Change] {
        let from = self.journal.partition_point(|change| change.seq <= seq);
        &self.journal[from..]
    }

    /// Bytes that count against an account.
    pub fn used(&self, account: AccountId) -> u64 {
        self.spaces
            .values()
            .filter(|space| space.owner == account)
            .map(|space| space.used)
            .sum()
    }
}
