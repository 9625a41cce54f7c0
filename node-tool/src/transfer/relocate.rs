//! Within one account nothing travels: files are copied or renamed on the server, many in a call.

use shared::api::files::MAX_BATCH_ENTRIES;

use super::{Event, Limits, Listener, outcome::Outcomes};
use crate::{
    dropbox::{Client, DropboxPath, Relocation},
    failed::FailureKind,
    plan::{Action, Plan},
};

/// Carries out what `plan` says; `from` and `to` give the places of its paths.
pub async fn relocate(
    client: &Client,
    how: Relocation,
    plan: Plan,
    from: impl Fn(&str) -> DropboxPath,
    to: impl Fn(&str) -> DropboxPath,
    limits: Limits,
    listener: &Listener,
) {
    let outcomes = Outcomes::new(listener, &limits.halt);
    let (over, fresh): (Vec<Action>, Vec<Action>) =
        plan.actions.into_iter().partition(|action| action.over.is_some());
    for batch in fresh.chunks(MAX_BATCH_ENTRIES) {
        if outcomes.is_over() {
            return;
        }
        let pairs: Vec<_> = batch.iter().map(|a| (from(&a.from), to(&a.to))).collect();
        for (action, done) in batch.iter().zip(client.relocate_all(how, &pairs).await) {
            match done {
                Ok(()) => is_there(action, &outcomes),
                Err(error) => outcomes.failed(action, &error),
            }
        }
    }
    // One by one: whoever is killed in between has lost sight of one file, not of a thousand.
    for action in &over {
        if outcomes.is_over() {
            return;
        }
        replace(client, how, action, from(&action.from), to(&action.to), &outcomes).await;
    }
}

/// The server copies only to where nothing is: the old file goes first, and comes back if the new one doesn't.
async fn replace(
    client: &Client,
    how: Relocation,
    action: &Action,
    from: DropboxPath,
    to: DropboxPath,
    outcomes: &Outcomes<'_>,
) {
    let old = action.over.as_ref().and_then(|file| file.remote.as_ref());
    let target = [(to.clone(), old.map(|remote| remote.rev.clone()))];
    let error = match client.delete_all(&target).await.pop() {
        Some(Err(error)) => return outcomes.failed(action, &error),
        _ => match client.relocate_all(how, &[(from, to.clone())]).await.pop() {
            Some(Err(error)) => error,
            _ => return is_there(action, outcomes),
        },
    };
    if let Some(old) = old
        && let Err(lost) = client.restore(&to, &old.rev).await
    {
        let reason = format!(
            "{error}; the old file was deleted and could not be put back ({lost}): node-tool restore {} --rev {}",
            client.location(&to),
            old.rev
        );
        return outcomes.refused(action, FailureKind::Unknown, reason);
    }
    outcomes.failed(action, &error);
}

fn is_there(action: &Action, outcomes: &Outcomes<'_>) {
    outcomes.event(Event::Moved {
        bytes: action.source.size_bytes,
        of: None,
    });
    outcomes.copied(action);
}
