//! The `files` namespace.
//!
//! Source: `dropbox-api-spec`, files.stone; limits are quoted from there.

use serde::{Deserialize, Serialize};

use super::{
    Nothing, Route,
    error::RouteError,
    salvage::{OddEntry, salvage},
};
use crate::{content_hash::ContentHash, endpoints::Host, secret::Secret};

/// The longest request body of one call: 150 MiB.
pub const MAX_BODY_BYTES: u64 = 150 * 1024 * 1024;
/// The longest file, through a session: 2^41 − 2^22 bytes.
pub const MAX_FILE_BYTES: u64 = (1 << 41) - (1 << 22);
/// The most entries of one batch call, and sessions of one `start_batch`.
pub const MAX_BATCH_ENTRIES: usize = 1000;
/// The most entries to ask a listing page for.
pub const MAX_LIST_LIMIT: u32 = 2000;

/// One page of a listing, from its start.
pub const LIST_FOLDER: Route<ListFolderArg, ListFolderResult> = Route::rpc("files/list_folder");
/// The next page, or what changed since.
pub const LIST_FOLDER_CONTINUE: Route<CursorArg, ListFolderResult> = Route::rpc("files/list_folder/continue");
/// What stands at a path (never the root).
pub const GET_METADATA: Route<PathArg, Metadata> = Route::rpc("files/get_metadata");
/// One file in one call.
pub const UPLOAD: Route<UploadArg, FileMetadata> = Route::upload("files/upload");
/// Starts one session, with its first bytes.
pub const SESSION_START: Route<SessionStartArg, SessionStarted> = Route::upload("files/upload_session/start");
/// Starts up to 1000 sessions, without bytes.
pub const SESSION_START_BATCH: Route<SessionStartBatchArg, SessionsStarted> =
    Route::rpc("files/upload_session/start_batch");
/// Adds bytes to one session.
pub const SESSION_APPEND: Route<SessionAppendArg, Nothing> = Route::upload("files/upload_session/append_v2");
/// Adds bytes to many sessions in one body.
pub const SESSION_APPEND_BATCH: Route<SessionAppendBatchArg, Entries<Outcome>> =
    Route::upload("files/upload_session/append_batch");
/// Makes files of up to 1000 closed sessions, under one lock of the namespace, so never two at once: one whose answer was
/// lost may still be under way.
pub const SESSION_FINISH_BATCH: Route<SessionFinishBatchArg, Entries<FinishOutcome>> =
    Route::rpc_once("files/upload_session/finish_batch_v2");
/// A file's content.
pub const DOWNLOAD: Route<PathArg, FileMetadata> = Route::download("files/download");
/// A folder with all in it, as one zip.
pub const DOWNLOAD_ZIP: Route<PathArg, DownloadZipResult> = Route::download("files/download_zip");
/// Makes a folder.
pub const CREATE_FOLDER: Route<PathArg, CreateFolderResult> = Route::rpc("files/create_folder_v2");
/// Removes a file, or a folder with all in it.
pub const DELETE: Route<DeleteArg, DeleteResult> = Route::rpc("files/delete_v2");
/// Renames a file or folder.
pub const MOVE: Route<RelocationArg, RelocationResult> = Route::rpc_once("files/move_v2");
/// Copies a file or folder on the server.
pub const COPY: Route<RelocationArg, RelocationResult> = Route::rpc_once("files/copy_v2");

/// Makes up to 1000 folders; the answer may be a job.
pub const CREATE_FOLDER_BATCH: Route<CreateFolderBatchArg, Launch<Entries<Outcome>>> =
    Route::rpc("files/create_folder_batch");
/// How that job stands.
pub const CREATE_FOLDER_BATCH_CHECK: Route<JobArg, JobStatus<Entries<Outcome>>> =
    Route::rpc("files/create_folder_batch/check");
/// Removes up to 1000 files and folders.
pub const DELETE_BATCH: Route<DeleteBatchArg, Launch<Entries<Outcome>>> = Route::rpc("files/delete_batch");
/// How that job stands.
pub const DELETE_BATCH_CHECK: Route<JobArg, JobStatus<Entries<Outcome>>> =
    Route::rpc("files/delete_batch/check");
/// Copies up to 1000 files and folders on the server.
pub const COPY_BATCH: Route<RelocationBatchArg, Launch<Entries<Outcome>>> =
    Route::rpc_once("files/copy_batch_v2");
/// How that job stands.
pub const COPY_BATCH_CHECK: Route<JobArg, JobStatus<Entries<Outcome>>> =
    Route::rpc("files/copy_batch/check_v2");
/// Renames up to 1000 files and folders.
pub const MOVE_BATCH: Route<RelocationBatchArg, Launch<Entries<Outcome>>> =
    Route::rpc_once("files/move_batch_v2");
/// How that job stands.
pub const MOVE_BATCH_CHECK: Route<JobArg, JobStatus<Entries<Outcome>>> =
    Route::rpc("files/move_batch/check_v2");
/// Earlier states of a file.
pub const LIST_REVISIONS: Route<RevisionsArg, Revisions> = Route::rpc("files/list_revisions");
/// Makes an earlier state of a file the present one.
pub const RESTORE: Route<RestoreArg, FileMetadata> = Route::rpc("files/restore");
/// A cloud document in another format.
pub const EXPORT: Route<ExportArg, Exported> = Route::download("files/export");
/// Files and folders by name and content.
pub const SEARCH: Route<SearchArg, SearchResult> = Route::rpc("files/search_v2");
/// The next page of them.
pub const SEARCH_CONTINUE: Route<CursorArg, SearchResult> = Route::rpc("files/search/continue_v2");
/// Where a listing would end now.
pub const LATEST_CURSOR: Route<ListFolderArg, Latest> = Route::rpc("files/list_folder/get_latest_cursor");
/// Waits until something changes; carries no Authorization.
pub const LONGPOLL: Route<LongpollArg, Longpoll> = Route::notify("files/list_folder/longpoll");

/// The host that a long poll goes to; it must carry no Authorization.
pub const LONGPOLL_HOST: Host = Host::Notify;

/// `files.ListFolderArg`
#[derive(Clone, Debug, Serialize)]
pub struct ListFolderArg {
    /// `""` is the root.
    pub path: String,
    /// With all that is below.
    #[serde(skip_serializing_if = "is_false")]
    pub recursive: bool,
    /// About how many entries a page should have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// An argument that is a cursor alone.
#[derive(Clone, Debug, Serialize)]
pub struct CursorArg {
    /// As the last page gave it.
    pub cursor: String,
}

/// An argument that is a path alone (or `id:…`, or for reading `rev:…`).
#[derive(Clone, Debug, Serialize)]
pub struct PathArg {
    /// The path.
    pub path: String,
}

/// `files.ListFolderResult`. A page may be empty and still have more behind it.
#[derive(Clone, Debug, Deserialize)]
pub struct ListFolderResult {
    /// In no promised order.
    pub entries: Vec<Metadata>,
    /// For the next page, or for what changes later.
    pub cursor: String,
    /// Whether there is a next page now.
    pub has_more: bool,
    /// What can't be used of the page, entry by entry.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl ListFolderResult {
    /// Reads a page, of which not every entry need be usable.
    ///
    /// # Errors
    /// When the page itself can't be read.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        let is_odd = |entry: &Metadata| matches!(entry, Metadata::Unknown);
        match serde_json::from_slice::<Self>(body) {
            Ok(page) if !page.entries.iter().any(is_odd) => Ok(page),
            page => Self::salvage(body).map_or(page, Ok),
        }
    }

    /// Reads a page of which not every entry can be used. `None` if the page itself can't be.
    pub fn salvage(body: &[u8]) -> Option<Self> {
        let is_known = |entry: &Metadata| !matches!(entry, Metadata::Unknown);
        let (page, entries, odd) = salvage::<Self, Metadata>(body, "entries", is_known)?;
        Some(Self { entries, odd, ..page })
    }
}

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

/// `files.DownloadZipResult`.
#[derive(Clone, Debug, Deserialize)]
pub struct DownloadZipResult {
    /// The folder.
    pub metadata: FolderMetadata,
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

/// `files.CommitInfo`: how a file is put in its place.
#[derive(Clone, Debug, Serialize)]
pub struct CommitInfo {
    /// Where to.
    pub path: String,
    /// Over what.
    pub mode: WriteMode,
    /// The modification time to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_modified: Option<Time>,
    /// No notification on the user's desktops.
    pub mute: bool,
}

/// `files.WriteMode`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum WriteMode {
    /// Never replaces.
    Add,
    /// Replaces whatever file is there.
    Overwrite,
    /// Replaces this revision and no other.
    Update {
        /// The revision that was seen.
        update: String,
    },
}

/// `files.UploadArg`
#[derive(Clone, Debug, Serialize)]
pub struct UploadArg {
    /// The place.
    #[serde(flatten)]
    pub commit: CommitInfo,
    /// Of the body.
    pub content_hash: ContentHash,
}

/// `files.UploadSessionType`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum SessionType {
    /// Bytes come in order.
    Sequential,
    /// Pieces of whole blocks come in any order.
    Concurrent,
}

/// `files.UploadSessionStartArg`
#[derive(Clone, Debug, Default, Serialize)]
pub struct SessionStartArg {
    /// No more bytes will come.
    #[serde(skip_serializing_if = "is_false")]
    pub close: bool,
    /// Sequential if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_type: Option<SessionType>,
    /// Of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

/// `files.UploadSessionStartResult`
#[derive(Clone, Debug, Deserialize)]
pub struct SessionStarted {
    /// Good for 7 days.
    pub session_id: String,
}

/// `files.UploadSessionStartBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionStartBatchArg {
    /// Sequential if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_type: Option<SessionType>,
    /// 1 to 1000.
    pub num_sessions: u64,
}

/// `files.UploadSessionStartBatchResult`
#[derive(Clone, Debug, Deserialize)]
pub struct SessionsStarted {
    /// As many as were asked for.
    pub session_ids: Vec<String>,
}

/// `files.UploadSessionCursor`
#[derive(Clone, Debug, Serialize)]
pub struct SessionCursor {
    /// Which session.
    pub session_id: String,
    /// How many bytes are before this piece.
    pub offset: u64,
}

/// `files.UploadSessionAppendArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionAppendArg {
    /// Where to.
    pub cursor: SessionCursor,
    /// No more bytes will come.
    #[serde(skip_serializing_if = "is_false")]
    pub close: bool,
    /// Of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

/// `files.UploadSessionAppendBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionAppendBatchArg {
    /// In the order of their bytes in the body.
    pub entries: Vec<SessionAppendEntry>,
    /// Of the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

/// `files.UploadSessionAppendBatchArgEntry`
#[derive(Clone, Debug, Serialize)]
pub struct SessionAppendEntry {
    /// Where to.
    pub cursor: SessionCursor,
    /// How many bytes of the body.
    pub length: u64,
    /// No more bytes will come.
    #[serde(skip_serializing_if = "is_false")]
    pub close: bool,
}

/// `files.UploadSessionFinishBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionFinishBatchArg {
    /// Up to 1000.
    pub entries: Vec<SessionFinishArg>,
}

/// `files.UploadSessionFinishArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionFinishArg {
    /// The offset is the whole size.
    pub cursor: SessionCursor,
    /// Where to.
    pub commit: CommitInfo,
}

/// A batch's answer: as many entries as were asked, in their order.
#[derive(Clone, Debug, Deserialize)]
pub struct Entries<T> {
    /// Same positions as in the argument.
    pub entries: Vec<T>,
}

/// What became of one entry of a batch; a success may carry metadata, which nobody needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Success,
    /// It is not.
    Failure {
        /// Why not.
        failure: RouteError,
    },
    /// A newer kind of answer.
    #[serde(other)]
    Unknown,
}

/// What became of one entry of `finish_batch_v2`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum FinishOutcome {
    /// The file is there.
    Success(FileMetadata),
    /// It is not.
    Failure {
        /// Why not.
        failure: RouteError,
    },
    /// A newer kind of answer.
    #[serde(other)]
    Unknown,
}

/// `files.CreateFolderResult`
#[derive(Clone, Debug, Deserialize)]
pub struct CreateFolderResult {
    /// The new folder.
    pub metadata: FolderMetadata,
}

/// `files.DeleteArg`
#[derive(Clone, Debug, Serialize)]
pub struct DeleteArg {
    /// What.
    pub path: String,
    /// Only if this is its revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_rev: Option<String>,
}

/// `files.DeleteResult`
#[derive(Clone, Debug, Deserialize)]
pub struct DeleteResult {
    /// What went.
    pub metadata: Metadata,
}

/// `files.RelocationArg`
#[derive(Clone, Debug, Serialize)]
pub struct RelocationArg {
    /// What.
    pub from_path: String,
    /// Where to.
    pub to_path: String,
}

/// `files.RelocationResult`
#[derive(Clone, Debug, Deserialize)]
pub struct RelocationResult {
    /// What stands there now.
    pub metadata: Metadata,
}

/// `files.CreateFolderBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct CreateFolderBatchArg {
    /// Up to 1000 at once.
    pub paths: Vec<String>,
}

/// `files.DeleteBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct DeleteBatchArg {
    /// Up to 1000.
    pub entries: Vec<DeleteArg>,
}

/// `files.RelocationBatchArgBase` and `files.MoveBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct RelocationBatchArg {
    /// Up to 1000.
    pub entries: Vec<RelocationArg>,
}

/// `async.PollArg`
#[derive(Clone, Debug, Serialize)]
pub struct JobArg {
    /// As the launch gave it.
    pub async_job_id: String,
}

/// The answer of a launch: done, or a job that is under way.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum Launch<T> {
    /// Done at once.
    Complete(T),
    /// To be asked for.
    AsyncJobId {
        /// The job.
        async_job_id: String,
    },
    /// A newer kind of answer.
    #[serde(other)]
    Other,
}

/// How a job stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum JobStatus<T> {
    /// Under way.
    InProgress,
    /// Done.
    Complete(T),
    /// All of it came to nothing.
    Failed {
        /// Why.
        failed: RouteError,
    },
    /// A newer kind of answer.
    #[serde(other)]
    Other,
}

/// `files.ListRevisionsArg`
#[derive(Clone, Debug, Serialize)]
pub struct RevisionsArg {
    /// Of which file.
    pub path: String,
    /// 1 to 100.
    pub limit: u64,
}

/// `files.ListRevisionsResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Revisions {
    /// Whether the file is gone now.
    pub is_deleted: bool,
    /// The newest first.
    pub entries: Vec<FileMetadata>,
    /// What can't be used of them.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl Revisions {
    /// Reads an answer, of which not every entry need be usable.
    ///
    /// # Errors
    /// When the answer itself can't be read.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body).or_else(|error| Self::salvage(body).ok_or(error))
    }

    /// Reads an answer of which not every entry can be used. `None` if the answer itself can't be.
    pub fn salvage(body: &[u8]) -> Option<Self> {
        let (answer, entries, odd) = salvage::<Self, FileMetadata>(body, "entries", |_| true)?;
        Some(Self {
            entries,
            odd,
            ..answer
        })
    }
}

/// `files.RestoreArg`
#[derive(Clone, Debug, Serialize)]
pub struct RestoreArg {
    /// Where to.
    pub path: String,
    /// Which state.
    pub rev: String,
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

/// `files.SearchV2Arg`
#[derive(Clone, Debug, Serialize)]
pub struct SearchArg {
    /// Up to 1000 characters.
    pub query: String,
    /// Where.
    pub options: SearchOptions,
}

/// `files.SearchOptions`
#[derive(Clone, Debug, Serialize)]
pub struct SearchOptions {
    /// Below this; `""` is everywhere.
    pub path: String,
    /// A page's length, 1 to 1000.
    pub max_results: u64,
    /// Not in the content.
    pub filename_only: bool,
}

/// `files.SearchV2Result`
#[derive(Clone, Debug, Deserialize)]
pub struct SearchResult {
    /// The best first.
    pub matches: Vec<SearchMatch>,
    /// Whether there are more.
    pub has_more: bool,
    /// For them.
    #[serde(default)]
    pub cursor: Option<String>,
    /// What can't be used of them.
    #[serde(skip)]
    pub odd: Vec<OddEntry>,
}

impl SearchResult {
    /// Reads a page, of which not every match need be usable.
    ///
    /// # Errors
    /// When the page itself can't be read.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body).or_else(|error| Self::salvage(body).ok_or(error))
    }

    /// Reads a page of which not every match can be used. `None` if the page itself can't be.
    pub fn salvage(body: &[u8]) -> Option<Self> {
        let (page, matches, odd) = salvage::<Self, SearchMatch>(body, "matches", |_| true)?;
        Some(Self { matches, odd, ..page })
    }
}

/// `files.SearchMatchV2`
#[derive(Clone, Debug, Deserialize)]
pub struct SearchMatch {
    /// What was found.
    pub metadata: MetadataV2,
}

/// `files.MetadataV2`
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum MetadataV2 {
    /// The usual.
    Metadata {
        /// What it is.
        metadata: Box<Metadata>,
    },
    /// A newer kind.
    #[serde(other)]
    Other,
}

/// `files.ListFolderGetLatestCursorResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Latest {
    /// For what changes from now on.
    pub cursor: String,
}

/// `files.ListFolderLongpollArg`
#[derive(Clone, Debug, Serialize)]
pub struct LongpollArg {
    /// Of a listing that came to its end.
    pub cursor: String,
    /// 30 to 480 seconds; up to 90 are added at random.
    pub timeout: u64,
}

/// `files.ListFolderLongpollResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Longpoll {
    /// Whether it is worth asking.
    pub changes: bool,
    /// Seconds to wait before the next poll.
    #[serde(default)]
    pub backoff: Option<u64>,
}

/// A link that anyone may use for four hours: a secret.
#[derive(Clone, Debug, Deserialize)]
pub struct TemporaryLink {
    /// The address.
    pub link: Secret,
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

fn is_false(value: &bool) -> bool {
    !value
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_leave_out_what_is_default() {
        let append = SessionAppendBatchArg {
            entries: vec![SessionAppendEntry {
                cursor: SessionCursor {
                    session_id: "s".into(),
                    offset: 0,
                },
                length: 5,
                close: true,
            }],
            content_hash: None,
        };
        assert_eq!(
            serde_json::to_string(&append).unwrap(),
            r#"{"entries":[{"cursor":{"session_id":"s","offset":0},"length":5,"close":true}]}"#
        );
        assert_eq!(serde_json::to_string(&SessionStartArg::default()).unwrap(), "{}");
        assert_eq!(serde_json::to_string(&Nothing).unwrap(), "null");
        let commit = CommitInfo {
            path: "/a".into(),
            mode: WriteMode::Update { update: "015".into() },
            client_modified: Some(Time(1_431_445_838)),
            mute: true,
        };
        assert_eq!(
            serde_json::to_string(&commit).unwrap(),
            r#"{"path":"/a","mode":{".tag":"update","update":"015"},"client_modified":"2015-05-12T15:50:38Z","mute":true}"#
        );
    }

    #[test]
    fn answers_are_read_with_the_tag_anywhere_and_with_unknown_kinds() {
        let page: ListFolderResult = serde_json::from_str(
            r#"{"entries":[
                {"name":"A","id":"id:1","client_modified":"2015-05-12T15:50:38Z","server_modified":"2015-05-12T15:50:38Z","rev":"0123456789","size":3,".tag":"file","new_field":[1]},
                {".tag":"folder","name":"B","id":"id:2","path_lower":"/b","property_groups":[]},
                {".tag":"deleted","name":"C","path_lower":"/c"},
                {".tag":"hologram","name":"D"}],
              "cursor":"c","has_more":false}"#,
        )
        .unwrap();
        assert!(
            matches!(&page.entries[0], Metadata::File(f) if f.size == 3 && f.client_modified == Time(1_431_445_838) && f.is_downloadable)
        );
        assert!(matches!(&page.entries[1], Metadata::Folder(f) if f.path_lower.as_deref() == Some("/b")));
        assert!(matches!(&page.entries[2], Metadata::Deleted(_)));
        assert!(matches!(&page.entries[3], Metadata::Unknown));
    }

    #[test]
    fn batch_outcomes_are_read_in_place() {
        let appended: Entries<Outcome> =
            serde_json::from_str(r#"{"entries":[{".tag":"success"},{".tag":"failure","failure":{".tag":"incorrect_offset","correct_offset":5}}]}"#).unwrap();
        assert!(matches!(&appended.entries[0], Outcome::Success));
        assert!(
            matches!(&appended.entries[1], Outcome::Failure { failure } if failure.correct_offset() == Some(5))
        );
        let finished: Entries<FinishOutcome> = serde_json::from_str(
            r#"{"entries":[{".tag":"success","name":"A","id":"id:1","client_modified":"2015-05-12T15:50:38Z","server_modified":"2015-05-12T15:50:38Z","rev":"0123456789","size":3},
                {".tag":"failure","failure":{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"file"}}}}]}"#,
        )
        .unwrap();
        assert!(matches!(&finished.entries[0], FinishOutcome::Success(f) if f.name == "A"));
        assert!(
            matches!(&finished.entries[1], FinishOutcome::Failure { failure } if failure.ends_with(&["conflict", "file"]))
        );
    }
}
