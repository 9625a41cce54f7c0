//! What a store holds below its root, as plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::content_hash::ContentHash;

use crate::relative_path;

/// The ending of the file that a symlink travels as; its content is the symlink's target (as in rclone).
pub const LINK_ENDING: &str = ".rclonelink";

/// A file or folder below the root of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path, in the letter case that the store has.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// The store's own lasting name for it. `None` where the store has none.
    pub id: Option<Box<str>>,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file.
    File(FileMeta),
}

/// What is known of a file without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// Size in bytes.
    pub size_bytes: u64,
    /// Modification time, as its owner set it.
    pub modified: Modified,
    /// The version that the store has. `None` where stores keep no versions.
    pub version: Option<Box<Version>>,
}

impl FileMeta {
    /// Returns the cloud document that the file is, if it is one. Its size is meaningless.
    pub fn document(&self) -> Option<&Document> {
        self.version.as_ref()?.document.as_deref()
    }

    /// Returns whether the file is a cloud document that is listed under the name of its export.
    pub fn is_exported(&self) -> bool {
        self.document().is_some_and(|document| document.chosen.is_some())
    }

    /// Returns the checksum of its content, if it is known without reading.
    pub fn checksum(&self) -> Option<ContentHash> {
        self.version.as_ref().and_then(|version| version.checksum)
    }
}

/// A version of a file: a store replaces or removes a file only if it still has the version that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The store's name for it, a `rev` in Dropbox.
    pub id: String,
    /// Checksum of its content. `None` for cloud documents.
    pub checksum: Option<ContentHash>,
    /// Set for cloud documents such as Paper, which have no bytes until they are exported.
    pub document: Option<Box<Document>>,
}

/// A cloud document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The store's lasting name for it.
    pub id: String,
    /// The formats that it can be exported to, in the store's words; the document's own default first.
    pub formats: Vec<String>,
    /// The format that was chosen, if it is listed under the name of its export.
    pub chosen: Option<String>,
    /// Its own path then.
    pub own_path: String,
}

/// A modification time since 1970 (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Modified {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// The fraction of a second, in nanoseconds.
    pub nanoseconds: u32,
}

impl From<jiff::Timestamp> for Modified {
    fn from(time: jiff::Timestamp) -> Self {
        let nanoseconds = time.as_nanosecond();
        let (seconds, rest) = (
            nanoseconds.div_euclid(1_000_000_000),
            nanoseconds.rem_euclid(1_000_000_000),
        );
        Self {
            seconds: i64::try_from(seconds).unwrap_or_default(),
            nanoseconds: u32::try_from(rest).unwrap_or_default(),
        }
    }
}

impl Modified {
    /// Returns whether two times are less than a second apart: Dropbox keeps whole seconds.
    pub fn is_same(self, other: Self) -> bool {
        self.is_within(Duration::from_secs(1), other)
    }

    /// Returns whether two times are less than `window` apart.
    pub fn is_within(self, window: Duration, other: Self) -> bool {
        let nanoseconds = |m: Self| i128::from(m.seconds) * 1_000_000_000 + i128::from(m.nanoseconds);
        (nanoseconds(self) - nanoseconds(other)).unsigned_abs() < window.as_nanos()
    }
}

impl Entry {
    /// Returns a folder.
    pub fn folder(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            kind: Kind::Folder,
            id: None,
        }
    }

    /// Returns a file.
    pub fn new_file(path: impl Into<String>, meta: FileMeta) -> Self {
        Self {
            path: path.into(),
            kind: Kind::File(meta),
            id: None,
        }
    }

    /// Returns what is known of the file, if it is one.
    pub fn file(&self) -> Option<&FileMeta> {
        match &self.kind {
            Kind::File(file) => Some(file),
            Kind::Folder => None,
        }
    }

    /// Returns the last name of its path.
    pub fn name(&self) -> &str {
        relative_path::name(&self.path)
    }

    /// Returns the cloud document that it is, if it is one.
    pub fn document(&self) -> Option<&Document> {
        self.file()?.document()
    }

    /// Returns whether it is a cloud document that is listed under the name of its export.
    pub fn is_exported(&self) -> bool {
        self.file().is_some_and(FileMeta::is_exported)
    }

    /// Returns the path that it has in the store, where a document is listed under the name of its export.
    pub fn own_path(&self) -> &str {
        own_path(&self.path, self.file())
    }
}

/// Returns the path in the store of a file that is listed as `path`.
pub fn own_path<'a>(path: &'a str, file: Option<&'a FileMeta>) -> &'a str {
    let document = file.and_then(FileMeta::document);
    match document.map(|document| document.own_path.as_str()) {
        None | Some("") => path,
        Some(own) => own,
    }
}

/// Something that is neither a file nor a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// A symlink that was not followed.
    Symlink {
        /// Whether it points to a folder.
        to_dir: bool,
        /// Whether its target is missing.
        dangling: bool,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device.
    Device,
}

impl Special {
    /// Returns what it is, with its article, as messages name it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Symlink { dangling: true, .. } => "a symlink that leads nowhere",
            Self::Symlink { to_dir: true, .. } => "a symlink to a folder",
            Self::Symlink { .. } => "a symlink to a file",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        }
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

    #[test]
    fn a_document_has_its_own_path_where_its_export_is_listed() {
        let listed = |own: &str| {
            let document = Document {
                own_path: own.into(),
                ..Document::default()
            };
            let version = Version {
                document: Some(Box::new(document)),
                ..Version::default()
            };
            let meta = FileMeta {
                version: Some(Box::new(version)),
                ..FileMeta::default()
            };
            Entry::new_file("d/x.html", meta)
        };
        assert_eq!(listed("d/x.paper").own_path(), "d/x.paper");
        assert_eq!(listed("").own_path(), "d/x.html");
        assert_eq!(Entry::folder("d").own_path(), "d");
    }
}
