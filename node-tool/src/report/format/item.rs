//! A file or folder as the listings show it.

use engine::entry::{Entry, Kind, Modified};

/// The name of Dropbox's hash in rclone's output.
pub(super) const DROPBOX_HASH: &str = "dropbox";

/// A file or folder as the listings show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Relative to the folder that was listed; empty for itself.
    pub path: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// `None` if unknown; rclone shows -1 then.
    pub size_bytes: Option<u64>,
    /// `None` if it isn't asked for.
    pub modified: Option<Modified>,
    /// `None` if it isn't asked for.
    pub mime_type: Option<String>,
    /// Names and values; empty if they aren't asked for.
    pub hashes: Vec<(String, String)>,
    /// Its Dropbox ID.
    pub id: Option<String>,
    /// Set for what is deleted.
    pub gone: Option<Gone>,
}

/// What is known of a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// When it was deleted. `None` if that isn't known, as of folders.
    pub at: Option<Modified>,
    /// Who changed the file last. `None` if that isn't known: it is in shared folders.
    pub changed_by: Option<String>,
}

impl Item {
    /// Returns the last name.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(super) fn hash(&self, name: &str) -> &str {
        let found = self.hashes.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Returns the size as rclone shows it.
    pub fn size_or_minus_one(&self) -> i64 {
        self.size_bytes
            .map_or(-1, |size| i64::try_from(size).unwrap_or(i64::MAX))
    }
}

impl From<&Entry> for Item {
    fn from(entry: &Entry) -> Self {
        let item = Self {
            path: entry.path.clone(),
            id: entry.id.as_deref().map(str::to_owned),
            ..Self::default()
        };
        match &entry.kind {
            Kind::Folder => Self {
                is_folder: true,
                ..item
            },
            Kind::File(file) => {
                let hash = file.checksum();
                Self {
                    size_bytes: file.document().is_none().then_some(file.size_bytes),
                    modified: Some(file.modified),
                    hashes: hash
                        .map(|hash| (DROPBOX_HASH.to_owned(), hash.to_string()))
                        .into_iter()
                        .collect(),
                    ..item
                }
            }
        }
    }
}
