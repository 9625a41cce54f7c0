//! Downloading files, folders as zips, and exports of cloud documents.

use super::{
    list::PathArg,
    metadata::{FileMetadata, FolderMetadata},
};
use crate::api::Route;
use crate::content_hash::ContentHash;
use serde::{Deserialize, Serialize};

/// A file's content.
pub const DOWNLOAD: Route<PathArg, FileMetadata> = Route::download("files/download");

/// A folder with all in it, as one zip.
pub const DOWNLOAD_ZIP: Route<PathArg, DownloadZipResult> = Route::download("files/download_zip");

/// A cloud document in another format.
pub const EXPORT: Route<ExportArg, Exported> = Route::download("files/export");

/// `files.DownloadZipResult`.
#[derive(Clone, Debug, Deserialize)]
pub struct DownloadZipResult {
    /// The folder.
    pub metadata: FolderMetadata,
}

/// `files.ExportArg`
#[derive(Clone, Debug, Serialize)]
pub struct ExportArg {
    /// Which document.
    pub path: String,
    /// Into what; the document's own default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_format: Option<String>,
}

/// `files.ExportResult`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Exported {
    /// What comes.
    pub export_metadata: ExportMetadata,
}

/// `files.ExportMetadata`
#[derive(Clone, Debug, Deserialize)]
pub struct ExportMetadata {
    /// With its ending.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Of the exported bytes.
    #[serde(default)]
    pub export_hash: Option<ContentHash>,
}
