//! Uploads: whole files, and sessions that take chunks.

use super::{
    batch::{Entries, JobArg, JobStatus, Launch, Outcome},
    is_false,
    metadata::{FileMetadata, Time},
};
use crate::api::{Nothing, Route, error::RouteError};
use crate::content_hash::ContentHash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum size of a file, through a session: 2^41 − 2^22 bytes.
pub const MAX_FILE_BYTES: u64 = (1 << 41) - (1 << 22);

/// Uploads a file in one call.
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

/// Turns up to 1000 closed sessions into files, under one lock of the namespace. Never call it twice at once: a call whose
/// response was lost may still be in progress. Each result is a [`FinishOutcome`]; entries and results are JSON, since those of
/// several processes may be in one call.
pub const SESSION_FINISH_BATCH: Route<SessionFinishBatchArg, Entries<Value>> =
    Route::rpc_once("files/upload_session/finish_batch_v2");

/// Has Dropbox fetch an address into a new file, in a job. If the name is taken, the file gets another one.
pub const SAVE_URL: Route<SaveUrlArg, Launch<FileMetadata>> = Route::rpc_once("files/save_url");

/// Returns the status of that job.
pub const SAVE_URL_CHECK: Route<JobArg, JobStatus<FileMetadata>> =
    Route::rpc("files/save_url/check_job_status");

/// `files.SaveUrlArg`
#[derive(Clone, Debug, Serialize)]
pub struct SaveUrlArg {
    /// The path of the file.
    pub path: String,
    /// The address.
    pub url: String,
}

/// `files.CommitInfo`: where and how a file is created.
#[derive(Clone, Debug, Serialize)]
pub struct CommitInfo {
    /// The path of the file.
    pub path: String,
    /// What the file may replace.
    pub mode: WriteMode,
    /// The modification time to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_modified: Option<Time>,
    /// Suppresses notifications on the user's desktops.
    pub mute: bool,
    /// Stores the file under another name beside what it may not replace, instead of failing.
    #[serde(skip_serializing_if = "is_false")]
    pub autorename: bool,
}

/// `files.WriteMode`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum WriteMode {
    /// Replaces no file.
    Add,
    /// Replaces any file.
    Overwrite,
    /// Replaces this revision only.
    Update {
        /// The revision.
        update: String,
    },
}

impl WriteMode {
    /// Returns the mode that replaces the revision that was seen, and nothing where none was.
    pub fn over(seen: Option<&str>) -> Self {
        match seen {
            Some(rev) => Self::Update {
                update: rev.to_owned(),
            },
            None => Self::Add,
        }
    }
}

/// `files.UploadArg`
#[derive(Clone, Debug, Serialize)]
pub struct UploadArg {
    /// Where and how the file is created.
    #[serde(flatten)]
    pub commit: CommitInfo,
    /// The content hash of the body.
    pub content_hash: ContentHash,
}

/// `files.UploadSessionType`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum SessionType {
    /// The bytes come in order.
    Sequential,
    /// Chunks of whole blocks come in any order.
    Concurrent,
}

/// `files.UploadSessionStartArg`
#[derive(Clone, Debug, Default, Serialize)]
pub struct SessionStartArg {
    /// Whether the session is complete.
    #[serde(skip_serializing_if = "is_false")]
    pub close: bool,
    /// The type; `None` means sequential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_type: Option<SessionType>,
    /// The content hash of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

/// `files.UploadSessionStartResult`
#[derive(Clone, Debug, Deserialize)]
pub struct SessionStarted {
    /// The id of the session, valid for 7 days.
    pub session_id: String,
}

/// `files.UploadSessionStartBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionStartBatchArg {
    /// The type; `None` means sequential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_type: Option<SessionType>,
    /// Number of sessions, 1 to 1000.
    pub num_sessions: u64,
}

/// `files.UploadSessionStartBatchResult`
#[derive(Clone, Debug, Deserialize)]
pub struct SessionsStarted {
    /// The ids, one for each session.
    pub session_ids: Vec<String>,
}

/// `files.UploadSessionCursor`
#[derive(Clone, Debug, Serialize)]
pub struct SessionCursor {
    /// The id of the session.
    pub session_id: String,
    /// Number of bytes before this chunk.
    pub offset: u64,
}

/// `files.UploadSessionAppendArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionAppendArg {
    /// The session and the offset.
    pub cursor: SessionCursor,
    /// Whether the session is complete after this chunk.
    #[serde(skip_serializing_if = "is_false")]
    pub close: bool,
    /// The content hash of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

/// `files.UploadSessionAppendBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionAppendBatchArg {
    /// The chunks, in the order of their bytes in the body.
    pub entries: Vec<SessionAppendEntry>,
    /// The content hash of the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

/// `files.UploadSessionAppendBatchArgEntry`
#[derive(Clone, Debug, Serialize)]
pub struct SessionAppendEntry {
    /// The session and the offset.
    pub cursor: SessionCursor,
    /// Length of the chunk in bytes.
    pub length: u64,
    /// Whether the session is complete after this chunk.
    #[serde(skip_serializing_if = "is_false")]
    pub close: bool,
}

/// `files.UploadSessionFinishBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionFinishBatchArg {
    /// The sessions, up to 1000, each a [`SessionFinishArg`].
    pub entries: Vec<Value>,
}

/// `files.UploadSessionFinishArg`
#[derive(Clone, Debug, Serialize)]
pub struct SessionFinishArg {
    /// The session; the offset is the size of the file.
    pub cursor: SessionCursor,
    /// Where and how the file is created.
    pub commit: CommitInfo,
}

/// The result of one entry of `finish_batch_v2`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum FinishOutcome {
    /// The file was created.
    Success(FileMetadata),
    /// The file was not created.
    Failure {
        /// The reason.
        failure: RouteError,
    },
    /// A result that is newer than this program.
    #[serde(other)]
    Unknown,
}
