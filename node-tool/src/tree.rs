//! What stands in a folder, on either side, as plain data.

use serde::{Deserialize, Serialize};
use shared::content_hash::ContentHash;

/// A file or folder below the folder that was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the listed folder, with `/`, in the right case.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// What Dropbox calls it for good; only from there.
    pub id: Option<Box<str>>,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file.
    File(FileInfo),
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// In bytes.
    pub size_bytes: u64,
    /// When it was changed, by its owner's word.
    pub modified: Modified,
    /// Only from Dropbox.
    pub remote: Option<Box<RemoteInfo>>,
}

impl FileInfo {
    /// The cloud document that it is, if it is one. Its size says nothing.
    pub fn document(&self) -> Option<&Document> {
        self.remote.as_ref()?.document.as_deref()
    }

    /// The content's hash, if it is known without reading.
    pub fn known_hash(&self) -> Option<ContentHash> {
        self.remote.as_ref().and_then(|remote| remote.content_hash)
    }
}

/// What only Dropbox knows of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteInfo {
    /// This revision.
    pub rev: String,
    /// Of this revision; absent on cloud documents.
    pub content_hash: Option<ContentHash>,
    /// Set for cloud documents such as Paper, which are no bytes until they are exported.
    pub document: Option<Box<Document>>,
}

/// A cloud document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What Dropbox calls it for good.
    pub id: String,
    /// What it can be exported to, in Dropbox's words; the document's own default first.
    pub formats: Vec<String>,
    /// The one that was chosen, if it is shown under the name of its export.
    pub chosen: Option<String>,
    /// Its own path then, below the folder that was listed.
    pub own_path: String,
}

/// A modification time since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Modified {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// The rest.
    pub nanoseconds: u32,
}

impl Modified {
    /// Whether two times are less than a second apart: Dropbox keeps whole seconds.
    pub fn is_same(self, other: Self) -> bool {
        let nanoseconds = |m: Self| i128::from(m.seconds) * 1_000_000_000 + i128::from(m.nanoseconds);
        (nanoseconds(self) - nanoseconds(other)).abs() < 1_000_000_000
    }
}

impl Entry {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&FileInfo> {
        match &self.kind {
            Kind::File(file) => Some(file),
            Kind::Folder => None,
        }
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_same_within_a_second() {
        let at = |seconds, nanoseconds| Modified { seconds, nanoseconds };
        for (a, b, same) in [
            (at(10, 0), at(10, 999_999_999), true),
            (at(10, 0), at(11, 0), false),
            (at(10, 500_000_000), at(11, 400_000_000), true),
            (at(-1, 0), at(0, 0), false),
            (at(-1, 900_000_000), at(0, 0), true),
        ] {
            assert_eq!(a.is_same(b), same, "{a:?} {b:?}");
            assert_eq!(b.is_same(a), same);
        }
    }
}
