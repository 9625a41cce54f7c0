//! The entries of a listing, with few fields: a million of them fit into memory.

use shared::content_hash::ContentHash;

use crate::api::files::{FileMetadata, FolderMetadata, Time};

/// A file or folder below the folder that was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the listed folder, with `/`, in the right case.
    pub path: String,
    /// File or folder.
    pub kind: Kind,
    /// Dropbox's own name for it (`id:…`), which stays through renames. `None` for the root.
    pub id: Option<Box<str>>,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file.
    File(FileInfo),
}

/// The metadata of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its size in bytes. A cloud document's says nothing about its export.
    pub size_bytes: u64,
    /// The modification time that was given when it was uploaded, in whole seconds.
    pub modified: Time,
    /// This revision of it.
    pub rev: String,
    /// The hash of this revision's content. `None` for cloud documents.
    pub content_hash: Option<ContentHash>,
    /// `Some` for cloud documents such as Paper, which are no bytes until they are exported.
    pub document: Option<Box<Document>>,
}

/// A cloud document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Dropbox's own name for it (`id:…`).
    pub id: String,
    /// The formats that it can be exported to, in Dropbox's words; the document's own default first.
    pub formats: Vec<String>,
}

impl Entry {
    /// Returns what is known of the file, or `None` for a folder.
    pub fn file(&self) -> Option<&FileInfo> {
        match &self.kind {
            Kind::File(file) => Some(file),
            Kind::Folder => None,
        }
    }
}

impl From<FileMetadata> for Entry {
    /// The path is the name alone.
    fn from(file: FileMetadata) -> Self {
        Self {
            kind: Kind::File(FileInfo::from(&file)),
            path: file.name,
            id: Some(file.id.into()),
        }
    }
}

impl From<FolderMetadata> for Entry {
    /// The path is the name alone.
    fn from(folder: FolderMetadata) -> Self {
        Self {
            path: folder.name,
            kind: Kind::Folder,
            id: folder.id.map(Into::into),
        }
    }
}

impl From<&FileMetadata> for FileInfo {
    fn from(file: &FileMetadata) -> Self {
        Self {
            size_bytes: file.size,
            modified: file.client_modified,
            rev: file.rev.clone(),
            // A document's hash would be that of something nobody can have.
            content_hash: file.content_hash.filter(|_| file.is_downloadable),
            document: (!file.is_downloadable).then(|| Box::new(document(file))),
        }
    }
}

fn document(file: &FileMetadata) -> Document {
    let info = file.export_info.clone().unwrap_or_default();
    let mut formats: Vec<String> = info.export_as.into_iter().collect();
    let default = formats.first().cloned();
    formats.extend(
        info.export_options
            .into_iter()
            .filter(|format| Some(format) != default.as_ref()),
    );
    Document {
        id: file.id.clone(),
        formats,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_formats_and_no_hash() {
        let json = r#"{"name":"Notes.paper","id":"id:1","client_modified":"2020-01-01T00:00:00Z","rev":"0123456789","size":7,
            "content_hash":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","is_downloadable":false,
            "export_info":{"export_as":"markdown","export_options":["html","markdown"]}}"#;
        let metadata: FileMetadata = serde_json::from_str(json).unwrap();
        let file = FileInfo::from(&metadata);
        assert_eq!(file.content_hash, None);
        let document = file.document.unwrap();
        assert_eq!(
            (document.id.as_str(), document.formats),
            ("id:1", vec!["markdown".to_owned(), "html".to_owned()])
        );
    }
}
