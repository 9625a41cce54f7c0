//! The tree as Dropbox's own types show it.

use dropbox_sdk::types::files::{
    DeletedMetadata, ExportInfo, FileMetadata, FileSharingInfo, FolderMetadata, FolderSharingInfo, Metadata,
    SymlinkInfo,
};

use super::account::Account;
use super::clock::stamp;
use super::tree::{FileData, Kind, NodeId, Ns, Revision, SpaceKind, Tree, View};

/// Formats a Paper document can be exported to; the first is the default.
pub const EXPORTS: &[&str] = &["html", "markdown"];

/// Shows nodes to one account.
#[derive(Clone, Copy)]
pub struct Shower<'a> {
    /// What is shown.
    pub tree: &'a Tree,
    /// All accounts, for who changed a file.
    pub accounts: &'a [Account],
    /// To whom, and from where.
    pub view: View,
}

impl Shower<'_> {
    /// A node; `None` for the root of the view, which has no metadata.
    pub fn node(&self, id: NodeId) -> Option<Metadata> {
        match &self.tree.node(id)?.kind {
            Kind::File(_) => self.file(id).map(Metadata::File),
            Kind::Folder(_) => self.folder(id).map(Metadata::Folder),
        }
    }

    /// A file.
    pub fn file(&self, id: NodeId) -> Option<FileMetadata> {
        let node = self.tree.node(id)?;
        let Kind::File(data) = &node.kind else { return None };
        let paths = self.tree.paths(self.view, id);
        Some(self.file_data(&node.name, &node.id, node.ns, data, paths))
    }

    /// A version of a file, where the file is now or was.
    pub fn revision(&self, revision: &Revision) -> FileMetadata {
        let now = self
            .tree
            .node(revision.node)
            .and_then(|_| self.tree.paths(self.view, revision.node));
        let paths = now.or_else(|| {
            let (lower, display) = self.tree.mounted_at(self.view, revision.ns)?;
            Some((lower + &revision.path, display + &revision.display))
        });
        let name = self
            .tree
            .node(revision.node)
            .map_or(revision.name.as_str(), |node| node.name.as_str());
        self.file_data(name, &revision.id, revision.ns, &revision.data, paths)
    }

    fn file_data(
        &self,
        name: &str,
        id: &str,
        ns: Ns,
        data: &FileData,
        paths: Option<(String, String)>,
    ) -> FileMetadata {
        let mut out = FileMetadata::new(
            name.to_owned(),
            id.to_owned(),
            stamp(data.client_modified),
            stamp(data.server_modified),
            data.rev.clone(),
            data.content.len(),
        )
        .with_is_downloadable(!data.document)
        .with_content_hash(data.hash.clone());
        if let Some((lower, display)) = paths {
            out = out.with_path_lower(lower).with_path_display(display);
        }
        if data.document {
            let options = EXPORTS
                .iter()
                .skip(1)
                .map(|format| (*format).to_owned())
                .collect::<Vec<_>>();
            let info = ExportInfo::default()
                .with_export_as(EXPORTS[0].to_owned())
                .with_export_options(options);
            out = out.with_export_info(info);
        }
        if let Some(target) = &data.symlink {
            out = out.with_symlink_info(SymlinkInfo::new(target.clone()));
        }
        if self.is_shared(ns) {
            let mut info = FileSharingInfo::new(self.read_only(ns), ns.0.to_string());
            if let Some(account) = self.accounts.get(data.modified_by) {
                info = info.with_modified_by(account.id.clone());
            }
            out = out.with_sharing_info(info);
        }
        out
    }

    /// A folder; `None` for the root of the view.
    pub fn folder(&self, id: NodeId) -> Option<FolderMetadata> {
        let node = self.tree.node(id)?;
        let Kind::Folder(folder) = &node.kind else {
            return None;
        };
        if node.parent.is_none() {
            let mount = self.tree.space(node.ns)?.members.get(&self.view.account)?.mount?;
            return if node.ns == self.view.root {
                None
            } else {
                self.folder(mount)
            };
        }
        let mut out = FolderMetadata::new(node.name.clone(), node.id.clone());
        if let Some((lower, display)) = self.tree.paths(self.view, id) {
            out = out.with_path_lower(lower).with_path_display(display);
        }
        if let Some(ns) = folder.mount {
            let mut info = FolderSharingInfo::new(self.read_only(ns)).with_shared_folder_id(ns.0.to_string());
            if self.is_shared(node.ns) {
                info = info.with_parent_shared_folder_id(node.ns.0.to_string());
            }
            out = out.with_sharing_info(info);
        } else if self.is_shared(node.ns) {
            let info = FolderSharingInfo::new(self.read_only(node.ns));
            out = out.with_sharing_info(info.with_parent_shared_folder_id(node.ns.0.to_string()));
        }
        Some(out)
    }

    /// Something that is gone from a namespace.
    pub fn gone(&self, ns: Ns, path: &str, display: &str) -> Option<DeletedMetadata> {
        let (lower, shown) = self.tree.mounted_at(self.view, ns)?;
        let name = display.rsplit('/').next().unwrap_or_default().to_owned();
        Some(
            DeletedMetadata::new(name)
                .with_path_lower(lower + path)
                .with_path_display(shown + display),
        )
    }

    fn is_shared(&self, ns: Ns) -> bool {
        ns != self.view.root
            || self
                .tree
                .space(ns)
                .is_some_and(|space| space.kind == SpaceKind::Shared)
    }

    fn read_only(&self, ns: Ns) -> bool {
        !self.tree.may_write(self.view.account, ns)
    }
}
