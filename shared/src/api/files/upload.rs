//! Uploading: whole files, and sessions that take pieces.

use super::{
    batch::{Entries, Outcome},
    is_false,
    metadata::{FileMetadata, Time},
};
use crate::api::{Nothing, Route, error::RouteError};
use crate::content_hash::ContentHash;
use serde::{Deserialize, Serialize};

/// The longest file, through a session: 2^41 − 2^22 bytes.
pub const MAX_FILE_BYTES: u64 = (1 << 41) - (1 << 22);

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
