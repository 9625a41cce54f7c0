//! Where only the time differs, the hash decides whether a file is copied at all.

use std::path::Path;

use futures_util::{StreamExt, stream};

use super::{Event, Limits, Listener, blocking, outcome::Outcomes};
use crate::{
    failed::FailureKind,
    local::{Root, hash_file},
    plan::{Action, Plan, Task, Why},
    raw,
};

/// Which of the two sides is here.
#[derive(Clone, Debug)]
pub enum Local<'a> {
    /// Files go up from this folder.
    Source(&'a Path),
    /// Files come down to this folder.
    Target(Root),
}

/// Makes of what is to be settled a copy, or nothing where the content is the same. A file here gets the time of the other.
pub async fn settle(plan: Plan, local: Local<'_>, limits: &Limits, listener: &Listener) -> Plan {
    let outcomes = &Outcomes::new(listener, &limits.halt);
    let actions = stream::iter(plan.actions)
        .map(|action| one(action, &local, outcomes))
        .buffered(limits.transfers.min(limits.open_files))
        .filter_map(|action| async { action })
        .collect()
        .await;
    Plan { actions, ..plan }
}

async fn one(mut action: Action, local: &Local<'_>, outcomes: &Outcomes<'_>) -> Option<Action> {
    let Task::Settle { refusal } = action.task else {
        return Some(action);
    };
    if outcomes.is_over() {
        return None;
    }
    let old = action.over.as_ref();
    // What can't be read is told when it is copied.
    let is_same = match local {
        Local::Source(root) => {
            let (path, there) = (
                raw::join(root, &action.from),
                old.and_then(|old| old.known_hash()),
            );
            blocking(move || Ok(hash_file(&path).is_ok_and(|here| Some(here) == there))).await
        }
        Local::Target(root) => {
            let (root, path, source) = (root.clone(), action.to.clone(), action.source.clone());
            let is_same_time = old.is_some_and(|old| old.modified.is_same(source.modified));
            let settle = move || {
                let is_same = root
                    .hash(&path)
                    .is_ok_and(|here| Some(here) == source.known_hash());
                if is_same && !is_same_time {
                    root.set_modified(&path, source.modified)?;
                }
                Ok::<_, std::io::Error>(is_same)
            };
            blocking(settle).await
        }
    };
    match is_same {
        Ok(true) => outcomes.event(Event::Same { path: action.from }),
        Ok(false) => match refusal {
            Some(refusal) => outcomes.refused(&action, FailureKind::Permanent, refusal),
            None => {
                action.task = Task::Copy(Why::ContentDiffers);
                return Some(action);
            }
        },
        Err(error) => outcomes.refused(&action, (&error).into(), error.to_string()),
    }
    None
}
