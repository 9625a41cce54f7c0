//! Many changes in one call, and the jobs that they may become.

use serde::{Deserialize, Serialize};

use crate::api::{Route, error::RouteError};

/// The most entries of one batch call, and sessions of one `start_batch`.
pub const MAX_BATCH_ENTRIES: usize = 1000;

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

/// `files.DeleteArg`
#[derive(Clone, Debug, Serialize)]
pub struct DeleteArg {
    /// What.
    pub path: String,
    /// Only if this is its revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_rev: Option<String>,
}

/// `files.RelocationArg`
#[derive(Clone, Debug, Serialize)]
pub struct RelocationArg {
    /// What.
    pub from_path: String,
    /// Where to.
    pub to_path: String,
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
