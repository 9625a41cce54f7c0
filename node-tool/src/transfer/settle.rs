//! Where only the time differs, the hash decides whether a file is copied at all.

use std::path::Path;

use futures_util::{StreamExt, stream};

use super::{Event, Limits, Listener, blocking, outcome::Outcomes};
use crate::{
    failed::FailureKind,
    local::{hash_file, set_modified},
    plan::{Action, IMMUTABLE, Plan, Task, Why},
};

/// Which of the two sides is here.
#[derive(Clone, Copy, Debug)]
pub enum Local<'a> {
    /// Files go up from this folder.
    Source(&'a Path),
    /// Files come down to this folder.
    Target(&'a Path),
}

/// Makes of what is to be settled a copy, or nothing where the content is the same. A file here gets the time of the other.
pub async fn settle(plan: Plan, local: Local<'_>, limits: &Limits, listener: &Listener) -> Plan {
    let outcomes = &Outcomes::new(listener, &limits.halt);
    let actions = stream::iter(plan.actions)
        .map(|action| one(action, local, outcomes))
        .buffered(limits.transfers)
        .filter_map(|action| async { action })
        .collect()
        .await;
    Plan { actions, ..plan }
}

async fn one(mut action: Action, local: Local<'_>, outcomes: &Outcomes<'_>) -> Option<Action> {
    let Task::Settle { may_replace } = action.task else {
        return Some(action);
    };
    if outcomes.is_over() {
        return None;
    }
    let old = action.over.as_ref();
    let (path, there) = match local {
        Local::Source(root) => (root.join(&action.from), old.and_then(|old| old.known_hash())),
        Local::Target(root) => (root.join(&action.to), action.source.known_hash()),
    };
    let time = matches!(local, Local::Target(_)).then_some(action.source.modified);
    let is_same = blocking(move || {
        // What can't be read is told when it is copied.
        let is_same = hash_file(&path).is_ok_and(|here| Some(here) == there);
        match time.filter(|_| is_same) {
            Some(time) => set_modified(&path, time).map(|()| is_same),
            None => Ok(is_same),
        }
    });
    match is_same.await {
        Ok(true) => outcomes.event(Event::Same { path: action.from }),
        Ok(false) if may_replace => {
            action.task = Task::Copy(Why::ContentDiffers);
            return Some(action);
        }
        Ok(false) => outcomes.refused(&action, FailureKind::Permanent, IMMUTABLE),
        Err(error) => outcomes.refused(&action, (&error).into(), error.to_string()),
    }
    None
}
