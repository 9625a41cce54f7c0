//! The metadata of files and folders.

use crate::content_hash::ContentHash;
use serde::{Deserialize, Serialize};

/// `files.Metadata`: what is at a path.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum Metadata {
    /// A file.
    File(FileMetadata),
    /// A folder.
    Folder(FolderMetadata),
    /// A file or folder that was deleted.
    Deleted(DeletedMetadata),
    /// A kind that is newer than this program.
    #[serde(other)]
    Unknown,
}

/// `files.FileMetadata`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct FileMetadata {
    /// The name, in its exact letter case.
    pub name: String,
    /// The path to compare by; `None` if the file isn't mounted.
    #[serde(default)]
    pub path_lower: Option<String>,
    /// The path to show; only its last component has its exact letter case.
    #[serde(default)]
    pub path_display: Option<String>,
    /// The id, which renames don't change.
    pub id: String,
    /// The modification time that the client set.
    pub client_modified: Time,
    /// When Dropbox got this revision.
    #[serde(default, deserialize_with = "lenient_time")]
    pub server_modified: Option<Time>,
    /// The revision.
    pub rev: String,
    /// The size in bytes.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// The content hash; `None` if the file can't be downloaded.
    #[serde(default)]
    pub content_hash: Option<ContentHash>,
    /// Whether the file can be downloaded; false for Paper and other cloud documents.
    #[serde(default = "yes")]
    pub is_downloadable: bool,
    /// The formats of a file that can't be downloaded.
    #[serde(default)]
    pub export_info: Option<ExportInfo>,
    /// The sharing info of a file in a shared folder.
    #[serde(default)]
    pub sharing_info: Option<FileSharingInfo>,
}

/// `files.FileSharingInfo`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct FileSharingInfo {
    /// Whether the account may only read it.
    #[serde(default)]
    pub read_only: bool,
    /// The account that changed the file last.
    #[serde(default)]
    pub modified_by: Option<String>,
}

/// `files.ExportInfo`: the formats of a cloud document.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ExportInfo {
    /// The document's default format.
    #[serde(default)]
    pub export_as: Option<String>,
    /// All formats.
    #[serde(default)]
    pub export_options: Vec<String>,
}

/// `files.FolderMetadata`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct FolderMetadata {
    /// The name, in its exact letter case.
    pub name: String,
    /// The id, which renames don't change.
    #[serde(default)]
    pub id: Option<String>,
    /// The path to compare by.
    #[serde(default)]
    pub path_lower: Option<String>,
    /// The path to show; only its last component has its exact letter case.
    #[serde(default)]
    pub path_display: Option<String>,
    /// The sharing info of a mounted shared folder, which is a namespace of its own with a write lock of its own.
    #[serde(default)]
    pub sharing_info: Option<FolderSharingInfo>,
}

/// `files.FolderSharingInfo`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct FolderSharingInfo {
    /// Whether the account may only read it.
    #[serde(default)]
    pub read_only: bool,
    /// The namespace of the mounted folder.
    #[serde(default)]
    pub shared_folder_id: Option<String>,
}

/// `files.DeletedMetadata`
#[derive(Clone, Debug, Deserialize)]
pub struct DeletedMetadata {
    /// The name, in its exact letter case.
    #[serde(default)]
    pub name: Option<String>,
    /// The path to compare by.
    #[serde(default)]
    pub path_lower: Option<String>,
}

/// A time in whole seconds since 1970, written `2015-05-12T15:50:38Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

/// Displayed as Dropbox writes it, or as the number of seconds where that can't be.
impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match jiff::Timestamp::from_second(self.0) {
            Ok(_) => serializer.collect_str(self),
            Err(_) => Err(serde::ser::Error::custom(
                "its modification time lies outside of the years that Dropbox can keep",
            )),
        }
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

/// Reads a time that nothing depends on: one that can't be read is none.
pub(super) fn lenient_time<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Time>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let time = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Ok(time.map(|time| Time(time.as_second())))
}

/// Maximum size of a file that is believed: sums of larger numbers could overflow.
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
