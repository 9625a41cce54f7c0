//! Changes to the tree, each with its line in the journal. What is allowed is decided before, by the callers.

use std::collections::HashMap;
use std::sync::Arc;

use super::clock::Seconds;
use super::names::folded;
use super::tree::{
    AccountId, Change, FileData, Folder, Gone, Happened, Kind, Member, Node, NodeId, Ns, Revision, Space,
    SpaceKind, Tree,
};
use super::words::fresh_id;

impl Tree {
    /// Makes an empty namespace.
    pub fn add_space(&mut self, ns: Ns, kind: SpaceKind, owner: AccountId) {
        let root = self.next_node();
        let node = Node {
            id: fresh_id(),
            ns,
            parent: None,
            name: String::new(),
            key: String::new(),
            shown_parent: String::new(),
            seq: 0,
            kind: Kind::Folder(Folder::default()),
        };
        self.nodes.insert(root, node);
        let members = HashMap::from([(owner, Member::default())]);
        self.spaces.insert(
            ns,
            Space {
                root,
                kind,
                name: String::new(),
                owner,
                members,
                used: 0,
            },
        );
    }

    /// Gives a shared folder the name that it has where it isn't mounted.
    pub fn name_space(&mut self, ns: Ns, name: &str) {
        if let Some(space) = self.spaces.get_mut(&ns) {
            name.clone_into(&mut space.name);
        }
    }

    /// An account doesn't see a namespace any more. Returns the folder where it was mounted.
    pub fn expel(&mut self, ns: Ns, account: AccountId) -> Option<NodeId> {
        self.spaces.get_mut(&ns)?.members.remove(&account)?.mount
    }

    /// Lets an account see a namespace, mounted at a folder or not.
    pub fn join(&mut self, ns: Ns, account: AccountId, read_only: bool, mount: Option<NodeId>) {
        if let Some(space) = self.spaces.get_mut(&ns) {
            space.members.insert(account, Member { read_only, mount });
        }
        let Some(at) = mount else { return };
        if let Some(Node {
            kind: Kind::Folder(folder),
            ..
        }) = self.nodes.get_mut(&at)
        {
            folder.mount = Some(ns);
        }
        for node in self.below(at, true) {
            self.note(node);
        }
    }

    /// Makes a folder.
    pub fn add_folder(&mut self, parent: NodeId, name: &str, shown_parent: &str) -> NodeId {
        self.add(
            parent,
            name,
            shown_parent,
            fresh_id(),
            Kind::Folder(Folder::default()),
        )
    }

    /// Makes a file.
    pub fn add_file(&mut self, parent: NodeId, name: &str, shown_parent: &str, data: FileData) -> NodeId {
        let id = self.add(parent, name, shown_parent, fresh_id(), Kind::File(Arc::new(data)));
        self.keep_revision(id);
        self.count(id, true);
        id
    }

    /// Gives a file a new version.
    pub fn replace_file(&mut self, id: NodeId, data: FileData) {
        self.count(id, false);
        if let Some(node) = self.nodes.get_mut(&id) {
            node.kind = Kind::File(Arc::new(data));
        }
        self.keep_revision(id);
        self.count(id, true);
        self.note(id);
    }

    /// Deletes a node and all below it. One line in the journal, as deleting a folder deletes what is in it.
    pub fn remove(&mut self, id: NodeId, at: Seconds) {
        let (path, display) = self.own_path(id);
        let Some(ns) = self.nodes.get(&id).map(|node| node.ns) else {
            return;
        };
        for each in self.below(id, false).into_iter().rev() {
            self.leave_path(each, at);
            self.forget(each);
        }
        self.last_seq += 1;
        self.journal.push(Change {
            seq: self.last_seq,
            ns,
            path,
            display,
            node: None,
        });
    }

    /// Notes that what is at a node's path won't be there any more.
    fn leave_path(&mut self, id: NodeId, at: Seconds) {
        let (path, display) = self.own_path(id);
        let Some(node) = self.nodes.get(&id) else { return };
        let (ns, is_folder) = (node.ns, matches!(node.kind, Kind::Folder(_)));
        if let Some(past) = self.past.get_mut(&(ns, path.clone())).filter(|_| !is_folder) {
            past.push(Happened::Gone(at));
        }
        let gone = Gone {
            display,
            at,
            is_folder,
        };
        self.gone.insert((ns, path), gone);
    }

    fn forget(&mut self, id: NodeId) {
        self.count(id, false);
        let Some(node) = self.nodes.remove(&id) else {
            return;
        };
        self.ids.remove(&node.id);
        if let Some(Node {
            kind: Kind::Folder(folder),
            ..
        }) = node.parent.and_then(|p| self.nodes.get_mut(&p))
        {
            folder.children.remove(&node.key);
        }
        if let Kind::Folder(Folder { mount: Some(ns), .. }) = node.kind
            && let Some(space) = self.spaces.get_mut(&ns)
        {
            space
                .members
                .values_mut()
                .filter(|member| member.mount == Some(id))
                .for_each(|member| member.mount = None);
        }
    }

    /// Moves a node, with all below it, ids and all.
    pub fn relocate(&mut self, id: NodeId, parent: NodeId, name: &str, shown_parent: &str, at: Seconds) {
        let parent = self.inside(parent);
        let (path, display) = self.own_path(id);
        let Some((from, to)) = self
            .nodes
            .get(&id)
            .map(|n| n.ns)
            .zip(self.nodes.get(&parent).map(|n| n.ns))
        else {
            return;
        };
        let all = self.below(id, false);
        for each in &all {
            self.leave_path(*each, at);
            self.count(*each, false);
        }
        self.last_seq += 1;
        self.journal.push(Change {
            seq: self.last_seq,
            ns: from,
            path,
            display,
            node: None,
        });

        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        let (old_parent, old_key) = (
            node.parent.replace(parent),
            std::mem::replace(&mut node.key, folded(name)),
        );
        node.name = name.to_owned();
        node.shown_parent = shown_parent.to_owned();
        let key = node.key.clone();
        if let Some(Node {
            kind: Kind::Folder(folder),
            ..
        }) = old_parent.and_then(|p| self.nodes.get_mut(&p))
        {
            folder.children.remove(&old_key);
        }
        if let Some(Node {
            kind: Kind::Folder(folder),
            ..
        }) = self.nodes.get_mut(&parent)
        {
            folder.children.insert(key, id);
        }
        for each in all {
            if let Some(node) = self.nodes.get_mut(&each) {
                node.ns = to;
            }
            self.count(each, true);
            self.keep_revision(each);
            self.note(each);
        }
    }

    /// Copies a node with all below it; the copies are new files with new ids and revisions.
    pub fn duplicate(
        &mut self,
        id: NodeId,
        parent: NodeId,
        name: &str,
        shown_parent: &str,
        fresh: &mut dyn FnMut(&FileData) -> FileData,
    ) -> Option<NodeId> {
        let node = self.nodes.get(&id)?.clone();
        match node.kind {
            Kind::File(data) => Some(self.add_file(parent, name, shown_parent, fresh(&data))),
            Kind::Folder(_) => {
                let children: Vec<_> = self.children(id).collect();
                let copy = self.add_folder(parent, name, shown_parent);
                let shown = format!("{shown_parent}/{name}");
                for child in children {
                    let name = self.nodes.get(&child)?.name.clone();
                    self.duplicate(child, copy, &name, &shown, fresh)?;
                }
                Some(copy)
            }
        }
    }

    fn add(&mut self, parent: NodeId, name: &str, shown_parent: &str, id: String, kind: Kind) -> NodeId {
        let parent = self.inside(parent);
        let number = self.next_node();
        let ns = self.nodes.get(&parent).map_or(Ns(0), |node| node.ns);
        self.ids.insert(id.clone(), number);
        let node = Node {
            id,
            ns,
            parent: Some(parent),
            name: name.to_owned(),
            key: folded(name),
            shown_parent: shown_parent.to_owned(),
            seq: 0,
            kind,
        };
        if let Some(Node {
            kind: Kind::Folder(folder),
            ..
        }) = self.nodes.get_mut(&parent)
        {
            folder.children.insert(node.key.clone(), number);
        }
        self.nodes.insert(number, node);
        self.note(number);
        number
    }

    /// Writes a line into the journal: this is there now.
    pub(super) fn note(&mut self, id: NodeId) {
        let (path, display) = self.own_path(id);
        self.last_seq += 1;
        let seq = self.last_seq;
        if let Some(node) = self.nodes.get_mut(&id) {
            node.seq = seq;
            let ns = node.ns;
            self.gone.remove(&(ns, path.clone()));
            self.journal.push(Change {
                seq,
                ns,
                path,
                display,
                node: Some(id),
            });
        }
    }

    fn keep_revision(&mut self, id: NodeId) {
        let (path, display) = self.own_path(id);
        let Some(node) = self.nodes.get(&id) else { return };
        let Kind::File(data) = &node.kind else { return };
        let revision = Revision {
            id: node.id.clone(),
            node: id,
            name: node.name.clone(),
            ns: node.ns,
            path: path.clone(),
            display,
            data: Arc::clone(data),
        };
        self.past
            .entry((node.ns, path))
            .or_default()
            .push(Happened::Written(data.rev.clone()));
        self.revisions.insert(data.rev.clone(), Arc::new(revision));
    }

    fn count(&mut self, id: NodeId, plus: bool) {
        let Some(node) = self.nodes.get(&id) else { return };
        let Kind::File(data) = &node.kind else { return };
        let size = data.content.len();
        if let Some(space) = self.spaces.get_mut(&node.ns) {
            space.used = if plus {
                space.used + size
            } else {
                space.used.saturating_sub(size)
            };
        }
    }

    fn next_node(&mut self) -> NodeId {
        self.last_node += 1;
        self.last_node
    }
}
