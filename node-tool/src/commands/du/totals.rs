//! What is in each folder, added up from one listing.

use std::collections::HashMap;

use engine::{entry::Entry, relative_path};

/// The number of a node in a [`Totals`].
pub(super) type NodeId = usize;

/// A file or folder with all that is below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Its last name; empty for the root.
    pub name: Box<str>,
    /// The folder that it is in. `None` for the root.
    pub parent: Option<NodeId>,
    /// What is in it. `None` for a file.
    pub children: Option<Vec<NodeId>>,
    /// Bytes of all files.
    pub size_bytes: u64,
    /// Number of files.
    pub files: u64,
}

impl Node {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.children.is_some()
    }
}

/// A tree of folders with what is in them.
#[derive(Debug)]
pub(super) struct Totals {
    nodes: Vec<Node>,
}

/// In which order the contents of a folder are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Order {
    /// The largest first
    #[default]
    Size,
    /// Those with the most files first
    Count,
    /// By name
    Name,
}

impl Totals {
    /// The root.
    pub const ROOT: NodeId = 0;

    /// Adds up a listing.
    pub fn of(entries: &[Entry]) -> Self {
        let mut totals = Self { nodes: Vec::new() };
        totals.add("", None, true);
        let mut folders: HashMap<&str, NodeId> = HashMap::from([("", Self::ROOT)]);
        for entry in entries {
            let parent = totals.folder(relative_path::parent(&entry.path), &mut folders);
            match entry.file() {
                None => {
                    totals.folder(&entry.path, &mut folders);
                }
                Some(file) => {
                    let node = totals.add(entry.name(), Some(parent), false);
                    // A cloud document has no size until it is exported.
                    let size_bytes = if file.document().is_some() {
                        0
                    } else {
                        file.size_bytes
                    };
                    totals.count(node, size_bytes, 1);
                }
            }
        }
        totals
    }

    /// Returns the folder at a path, which is made with those around it if it isn't there.
    fn folder<'a>(&mut self, path: &'a str, folders: &mut HashMap<&'a str, NodeId>) -> NodeId {
        if let Some(there) = folders.get(path) {
            return *there;
        }
        let parent = self.folder(relative_path::parent(path), folders);
        let made = self.add(relative_path::name(path), Some(parent), true);
        folders.insert(path, made);
        made
    }

    fn add(&mut self, name: &str, parent: Option<NodeId>, is_folder: bool) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node {
            name: name.into(),
            parent,
            children: is_folder.then(Vec::new),
            size_bytes: 0,
            files: 0,
        });
        let siblings = parent.and_then(|parent| self.nodes[parent].children.as_mut());
        if let Some(siblings) = siblings {
            siblings.push(id);
        }
        id
    }

    /// Adds bytes and files to a node and all folders around it.
    fn count(&mut self, node: NodeId, size_bytes: u64, files: u64) {
        let mut at = Some(node);
        while let Some(id) = at {
            self.nodes[id].size_bytes += size_bytes;
            self.nodes[id].files += files;
            at = self.nodes[id].parent;
        }
    }

    /// Takes a node out that was removed from the store.
    pub fn remove(&mut self, node: NodeId) {
        let (size_bytes, files) = (self.nodes[node].size_bytes, self.nodes[node].files);
        let Some(parent) = self.nodes[node].parent else {
            return;
        };
        if let Some(siblings) = &mut self.nodes[parent].children {
            siblings.retain(|id| *id != node);
        }
        let mut at = Some(parent);
        while let Some(id) = at {
            self.nodes[id].size_bytes -= size_bytes;
            self.nodes[id].files -= files;
            at = self.nodes[id].parent;
        }
    }

    /// Returns a node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Returns the path of a node below the root.
    pub fn path(&self, id: NodeId) -> String {
        let mut names = Vec::new();
        let mut at = id;
        while let Some(parent) = self.nodes[at].parent {
            names.push(&*self.nodes[at].name);
            at = parent;
        }
        names.reverse();
        names.join("/")
    }

    /// Returns what is in a folder, in this order.
    pub fn children(&self, folder: NodeId, order: Order) -> Vec<NodeId> {
        let mut children = self.nodes[folder].children.clone().unwrap_or_default();
        let node = |id: &NodeId| &self.nodes[*id];
        children.sort_by(|a, b| {
            let (a, b) = (node(a), node(b));
            let by = match order {
                Order::Size => b.size_bytes.cmp(&a.size_bytes),
                Order::Count => b.files.cmp(&a.files),
                Order::Name => std::cmp::Ordering::Equal,
            };
            by.then_with(|| a.name.cmp(&b.name))
        });
        children
    }
}

#[cfg(test)]
pub(super) mod tests {
    use engine::entry::FileMeta;

    use super::*;

    /// A tree of `(path, size)`; a folder has a slash at its end.
    pub fn totals(entries: &[(&str, u64)]) -> Totals {
        let entry = |(path, size_bytes): &(&str, u64)| match path.strip_suffix('/') {
            Some(folder) => Entry::folder(folder),
            None => Entry::new_file(
                *path,
                FileMeta {
                    size_bytes: *size_bytes,
                    ..FileMeta::default()
                },
            ),
        };
        Totals::of(&entries.iter().map(entry).collect::<Vec<_>>())
    }

    fn names(totals: &Totals, folder: NodeId, order: Order) -> Vec<(String, u64, u64)> {
        let shown = |id| {
            let node = totals.node(id);
            (totals.path(id), node.size_bytes, node.files)
        };
        totals.children(folder, order).into_iter().map(shown).collect()
    }

    #[test]
    fn folders_have_the_sum_of_what_is_in_them() {
        let mut totals = totals(&[
            ("a/", 0),
            ("a/x", 3),
            ("a/deep/y", 4),
            ("b", 5),
            ("empty/", 0),
            ("c/1", 0),
            ("c/2", 1),
        ]);
        let root = totals.node(Totals::ROOT);
        assert_eq!((root.size_bytes, root.files), (13, 5));
        let all = |path: &str, size, files| (path.to_owned(), size, files);
        let (a, b, c, empty) = (all("a", 7, 2), all("b", 5, 1), all("c", 1, 2), all("empty", 0, 0));
        for (order, expected) in [
            (Order::Size, [&a, &b, &c, &empty]),
            (Order::Count, [&a, &c, &b, &empty]),
            (Order::Name, [&a, &b, &c, &empty]),
        ] {
            assert_eq!(
                names(&totals, Totals::ROOT, order).iter().collect::<Vec<_>>(),
                expected
            );
        }
        let in_a = totals.children(Totals::ROOT, Order::Size)[0];
        assert_eq!(
            names(&totals, in_a, Order::Size),
            [all("a/deep", 4, 1), all("a/x", 3, 1)]
        );
        let deep = totals.children(in_a, Order::Size)[0];
        totals.remove(deep);
        assert_eq!(names(&totals, Totals::ROOT, Order::Name)[0], all("a", 3, 1));
        assert_eq!(totals.node(Totals::ROOT).size_bytes, 9);
    }
}
