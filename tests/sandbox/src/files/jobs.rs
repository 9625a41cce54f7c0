//! Work that is done later: a launch gives an id, polls say how it went.

use dropbox_sdk::types::dbx_async::PollError;
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply};
use super::super::state::{Job, State};
use super::super::words::fresh;
use super::text;

/// Keeps a result for polls and gives the launch's answer.
pub fn launch(state: &mut State, kind: &'static str, result: Value) -> Value {
    let id = format!("dbjid:{}", fresh(60));
    state.jobs.insert(
        id.clone(),
        Job {
            result,
            kind,
            wait: 1,
        },
    );
    json!({".tag": "async_job_id", "async_job_id": id})
}

/// The check route of jobs of a kind.
pub fn check(state: &mut State, kind: &'static str, arg: &Value) -> Reply {
    let job = state
        .jobs
        .get_mut(text(arg, "async_job_id"))
        .filter(|job| job.kind == kind);
    let Some(job) = job else {
        return Err(Failure::route(&PollError::InvalidAsyncJobId));
    };
    if job.wait > 0 {
        job.wait -= 1;
        return Ok(json!({".tag": "in_progress"}));
    }
    Ok(job.result.clone())
}
