//! Between two accounts every byte passes through this machine: down into a temporary folder, and up from there, some
//! files at a time.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::{Event, Limits, Listener, download, outcome::Outcomes, upload};
use crate::{
    dropbox::{Client, DropboxPath, Fate},
    failed::FailedFile,
    local::Scratch,
    plan::{Action, Mounts, Plan, Task, Why},
};

/// Bytes in the temporary folder at once, if one file isn't bigger.
const BATCH_BYTES: u64 = 1 << 30;
/// Files in it at once.
const BATCH_FILES: usize = 1000;

/// Copies what `plan` says from one account to the folder `to` of the other. The temporary folder is made where `TMPDIR` says.
pub async fn relay(
    source: &Client,
    target: &Client,
    plan: Plan,
    to: &DropboxPath,
    limits: Limits,
    listener: &Listener,
) {
    let mounts = plan.mounts;
    let mut rest = plan.actions.into_iter().peekable();
    let is_hopeless = Arc::new(AtomicBool::new(false));
    let listener = &heard(listener, &is_hopeless);
    while rest.peek().is_some() && !limits.halt.is_asked() && !is_hopeless.load(Ordering::Relaxed) {
        let mut batch: Vec<Action> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = rest.peek()
            && batch.len() < BATCH_FILES
            && (batch.is_empty() || bytes + next.source.size_bytes <= BATCH_BYTES)
        {
            bytes += next.source.size_bytes;
            batch.extend(rest.next());
        }
        pass(source, target, batch, mounts.clone(), to, &limits, listener).await;
    }
}

/// The listener, with a note of what makes all else hopeless.
fn heard(listener: &Listener, is_hopeless: &Arc<AtomicBool>) -> Listener {
    let (listener, is_hopeless) = (Arc::clone(listener), Arc::clone(is_hopeless));
    Arc::new(move |event| {
        if let Event::Failed {
            error: Some(error), ..
        } = &event
            && error.fate() == Fate::StopRun
        {
            is_hopeless.store(true, Ordering::Relaxed);
        }
        listener(event);
    })
}

async fn pass(
    source: &Client,
    target: &Client,
    batch: Vec<Action>,
    mounts: Mounts,
    to: &DropboxPath,
    limits: &Limits,
    listener: &Listener,
) {
    let folder = match Scratch::new() {
        Ok(folder) => folder,
        Err(error) => {
            let outcomes = Outcomes::new(listener, &limits.halt);
            for action in &batch {
                outcomes.refused(action, (&error).into(), format!("no temporary folder: {error}"));
            }
            return;
        }
    };
    // Nobody will find the temporary folder again.
    let limits = Limits {
        state: None,
        zip: None,
        ..limits.clone()
    };
    let down = |(number, action): (usize, &Action)| Action {
        // Names that the one account has need not be names here.
        to: number.to_string(),
        over: None,
        task: Task::Copy(Why::New),
        ..action.clone()
    };
    let numbered = Plan {
        actions: batch.iter().enumerate().map(down).collect(),
        ..Plan::default()
    };
    let arrived: Arc<Mutex<Vec<String>>> = Arc::default();
    let first_half: Listener = {
        let (arrived, listener) = (Arc::clone(&arrived), Arc::clone(listener));
        Arc::new(move |event| match event {
            Event::Copied { path, .. } => {
                arrived.lock().unwrap_or_else(PoisonError::into_inner).push(path);
            }
            // Only what arrived at its end counts as moved.
            Event::Moved { .. } | Event::Returned { .. } | Event::Same { .. } => {}
            failed @ Event::Failed { .. } => listener(failed),
        })
    };
    download(
        source,
        numbered,
        &DropboxPath::default(),
        folder.path(),
        limits.clone(),
        &first_half,
    )
    .await;
    let arrived = std::mem::take(&mut *arrived.lock().unwrap_or_else(PoisonError::into_inner));
    let names: std::collections::HashMap<String, String> = batch
        .iter()
        .enumerate()
        .map(|(number, action)| (number.to_string(), action.from.clone()))
        .collect();
    let up = batch
        .into_iter()
        .enumerate()
        .filter(|(_, action)| arrived.contains(&action.from))
        .map(|(number, action)| Action {
            from: number.to_string(),
            ..action
        });
    let plan = Plan {
        actions: up.collect(),
        mounts,
        ..Plan::default()
    };
    let second_half: Listener = {
        let listener = Arc::clone(listener);
        let real = move |path: String| names.get(&path).cloned().unwrap_or(path);
        Arc::new(move |event| {
            listener(match event {
                Event::Copied {
                    path,
                    bytes,
                    replaced,
                } => Event::Copied {
                    path: real(path),
                    bytes,
                    replaced,
                },
                Event::Same { path } => Event::Same { path: real(path) },
                Event::Failed { file, error } => Event::Failed {
                    file: FailedFile {
                        path: real(file.path),
                        ..file
                    },
                    error,
                },
                // The numbers of the temporary folder mean nothing to people.
                Event::Moved { bytes, .. } => Event::Moved { bytes, of: None },
                Event::Returned { bytes, .. } => Event::Returned { bytes, of: None },
            });
        })
    };
    upload(target, plan, folder.path(), to, limits, &second_half).await;
}
