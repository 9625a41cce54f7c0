//! Downloads: files, folders as zips, and exports of cloud documents.

use super::{
    list::PathArg,
    metadata::{FileMetadata, FolderMetadata},
};
use crate::api::Route;
use crate::content_hash::ContentHash;
use serde::{Deserialize, Serialize};

/// Downloads the content of a file.
pub const DOWNLOAD: Route<PathArg, FileMetadata> = Route::download("files/download");

/// Downloads a folder and everything in it as a zip.
pub const DOWNLOAD_ZIP: Route<PathArg, DownloadZipResult> = Route::download("files/download_zip");

/// Downloads a cloud document in another format.
pub const EXPORT: Route<ExportArg, Exported> = Route::download("files/export");

/// `files.DownloadZipResult`.
#[derive(Clone, Debug, Deserialize)]
pub struct DownloadZipResult {
    /// The metadata of the folder.
    pub metadata: FolderMetadata,
}

/// `files.ExportArg`
#[derive(Clone, Debug, Serialize)]
pub struct ExportArg {
    /// The path of the document.
    pub path: String,
    /// The format; `None` means the document's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_format: Option<String>,
}

/// `files.ExportResult`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Exported {
    /// The metadata of the exported content.
    pub export_metadata: ExportMetadata,
}

/// `files.ExportMetadata`
#[derive(Clone, Debug, Deserialize)]
pub struct ExportMetadata {
    /// The name, with the extension of the format.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
    /// The content hash of the exported bytes.
    #[serde(default)]
    pub export_hash: Option<ContentHash>,
}
