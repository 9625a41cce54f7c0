//! Batches: many changes in one call, and the jobs that they may become.

use serde::{Deserialize, Serialize};

use crate::{
    api::{Route, error::RouteError},
    content_hash::ContentHash,
};

/// Maximum number of entries of a batch call, and of sessions of `start_batch`.
pub const MAX_BATCH_ENTRIES: usize = 1000;

/// Creates up to 1000 folders; the response may be a job.
pub const CREATE_FOLDER_BATCH: Route<CreateFolderBatchArg, Launch<Entries<Outcome>>> =
    Route::rpc("files/create_folder_batch");

/// Returns the status of that job.
pub const CREATE_FOLDER_BATCH_CHECK: Route<JobArg, JobStatus<Entries<Outcome>>> =
    Route::rpc("files/create_folder_batch/check");

/// Removes up to 1000 files and folders.
pub const DELETE_BATCH: Route<DeleteBatchArg, Launch<Entries<Outcome>>> = Route::rpc("files/delete_batch");

/// Returns the status of that job.
pub const DELETE_BATCH_CHECK: Route<JobArg, JobStatus<Entries<Outcome>>> =
    Route::rpc("files/delete_batch/check");

/// Copies up to 1000 files and folders on the server.
pub const COPY_BATCH: Route<RelocationBatchArg, Launch<Entries<Outcome>>> =
    Route::rpc_once("files/copy_batch_v2");

/// Returns the status of that job.
pub const COPY_BATCH_CHECK: Route<JobArg, JobStatus<Entries<Outcome>>> =
    Route::rpc("files/copy_batch/check_v2");

/// Renames up to 1000 files and folders.
pub const MOVE_BATCH: Route<RelocationBatchArg, Launch<Entries<Outcome>>> =
    Route::rpc_once("files/move_batch_v2");

/// Returns the status of that job.
pub const MOVE_BATCH_CHECK: Route<JobArg, JobStatus<Entries<Outcome>>> =
    Route::rpc("files/move_batch/check_v2");

/// The result of a batch: one entry for each entry of the argument, in the same order.
#[derive(Clone, Debug, Deserialize)]
pub struct Entries<T> {
    /// The entries, in the order of the argument.
    pub entries: Vec<T>,
}

/// The result of one entry of a batch.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum Outcome {
    /// The entry succeeded.
    Success {
        /// What was copied or renamed, as it is now. `None` for other batches.
        #[serde(default)]
        success: Option<Relocated>,
    },
    /// The entry failed.
    Failure {
        /// The reason.
        failure: RouteError,
    },
    /// A result that is newer than this program.
    #[serde(other)]
    Unknown,
}

/// What is kept of `files.Metadata` of something that was copied or renamed; a folder has neither.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Relocated {
    /// The revision of the file.
    #[serde(default)]
    pub rev: Option<String>,
    /// Its content hash.
    #[serde(default)]
    pub content_hash: Option<ContentHash>,
}

/// `files.DeleteArg`
#[derive(Clone, Debug, Serialize)]
pub struct DeleteArg {
    /// The path of the file or folder.
    pub path: String,
    /// Deletes the file only if it has this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_rev: Option<String>,
}

/// `files.RelocationArg`
#[derive(Clone, Debug, Serialize)]
pub struct RelocationArg {
    /// The path of the file or folder.
    pub from_path: String,
    /// The new path.
    pub to_path: String,
}

/// `files.CreateFolderBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct CreateFolderBatchArg {
    /// The paths, up to 1000.
    pub paths: Vec<String>,
}

/// `files.DeleteBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct DeleteBatchArg {
    /// The entries, up to 1000.
    pub entries: Vec<DeleteArg>,
}

/// `files.RelocationBatchArgBase` and `files.MoveBatchArg`
#[derive(Clone, Debug, Serialize)]
pub struct RelocationBatchArg {
    /// The entries, up to 1000.
    pub entries: Vec<RelocationArg>,
}

/// `async.PollArg`
#[derive(Clone, Debug, Serialize)]
pub struct JobArg {
    /// The job's id, as the launch returned it.
    pub async_job_id: String,
}

/// The response to a launch: the result, or a job that is in progress.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum Launch<T> {
    /// The result.
    Complete(T),
    /// A job, whose status is to be asked for.
    AsyncJobId {
        /// The job's id.
        async_job_id: String,
    },
    /// A response that is newer than this program.
    #[serde(other)]
    Other,
}

/// The status of a job.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum JobStatus<T> {
    /// The job is in progress.
    InProgress,
    /// The job is complete.
    Complete(T),
    /// The job failed as a whole.
    Failed {
        /// The reason.
        failed: RouteError,
    },
    /// A status that is newer than this program.
    #[serde(other)]
    Other,
}
