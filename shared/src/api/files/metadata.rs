//! What Dropbox says of a file or folder.

use crate::content_hash::ContentHash;
use serde::{Deserialize, Serialize};

/// `files.Metadata`: what stands at a path.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum Metadata {
    /// A file.
    File(FileMetadata),
    /// A folder.
    Folder(FolderMetadata),
    /// Something that was here.
    Deleted(DeletedMetadata),
    /// A kind that is newer than this program.
    #[serde(other)]
    Unknown,
}

/// `files.FileMetadata`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct FileMetadata {
    /// The last component, in its right case.
    pub name: String,
    /// The key to compare by; absent when the file isn't mounted.
    #[serde(default)]
    pub path_lower: Option<String>,
    /// Right only in its last component.
    #[serde(default)]
    pub path_display: Option<String>,
    /// Stays the same through renames.
    pub id: String,
    /// The modification time that the client set.
    pub client_modified: Time,
    /// This revision.
    pub rev: String,
    /// In bytes.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// Absent on what can't be downloaded.
    #[serde(default)]
    pub content_hash: Option<ContentHash>,
    /// False for Paper and other cloud documents.
    #[serde(default = "yes")]
    pub is_downloadable: bool,
    /// Only of those.
    #[serde(default)]
    pub export_info: Option<ExportInfo>,
}

/// `files.ExportInfo`: what a cloud document can be exported to.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ExportInfo {
    /// The document's own default.
    #[serde(default)]
    pub export_as: Option<String>,
    /// All of them.
    #[serde(default)]
    pub export_options: Vec<String>,
}

/// `files.FolderMetadata`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct FolderMetadata {
    /// The last component, in its right case.
    pub name: String,
    /// Stays the same through renames.
    #[serde(default)]
    pub id: Option<String>,
    /// The key to compare by.
    #[serde(default)]
    pub path_lower: Option<String>,
    /// Right only in its last component.
    #[serde(default)]
    pub path_display: Option<String>,
    /// Set where a shared folder is mounted: another namespace, so another write lock.
    #[serde(default)]
    pub sharing_info: Option<FolderSharingInfo>,
}

/// `files.FolderSharingInfo`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct FolderSharingInfo {
    /// The namespace of a mount point.
    #[serde(default)]
    pub shared_folder_id: Option<String>,
}

/// `files.DeletedMetadata`
#[derive(Clone, Debug, Deserialize)]
pub struct DeletedMetadata {
    /// The key to compare by.
    #[serde(default)]
    pub path_lower: Option<String>,
}

/// A point in time in whole seconds since 1970, written `2015-05-12T15:50:38Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = jiff::Timestamp::from_second(self.0).map_err(|_| {
            serde::ser::Error::custom("its modification time lies outside of the years that Dropbox can keep")
        })?;
        serializer.collect_str(&time.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |_| serde::de::Error::custom(format!("the time '{text}'"));
        let time: jiff::Timestamp = text.parse().map_err(wrong)?;
        Ok(Self(time.as_second()))
    }
}

/// No file is larger than a pebibyte; larger numbers would only overflow in sums.
const LARGEST_SIZE: u64 = 1 << 50;

fn size<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = u64::deserialize(deserializer)?;
    if size > LARGEST_SIZE {
        return Err(serde::de::Error::custom(format!("a size of {size} bytes")));
    }
    Ok(size)
}

fn yes() -> bool {
    true
}
