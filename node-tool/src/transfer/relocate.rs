//! Within one account nothing travels: files are copied or renamed on the server, many in a call.

use shared::api::files::MAX_BATCH_ENTRIES;

use super::{Event, Listener, outcome::fail};
use crate::{
    dropbox::{Client, DropboxPath, Relocation},
    plan::{Action, Plan},
};

/// Carries out what `plan` says; `from` and `to` give the places of its paths.
pub async fn relocate(
    client: &Client,
    how: Relocation,
    plan: Plan,
    from: impl Fn(&str) -> DropboxPath,
    to: impl Fn(&str) -> DropboxPath,
    listener: &Listener,
) {
    let (over, fresh): (Vec<Action>, Vec<Action>) =
        plan.actions.into_iter().partition(|action| action.over.is_some());
    for batch in fresh.chunks(MAX_BATCH_ENTRIES) {
        let pairs: Vec<_> = batch.iter().map(|a| (from(&a.from), to(&a.to))).collect();
        let outcomes = client.relocate_all(how, &pairs).await;
        for (action, outcome) in batch.iter().zip(outcomes) {
            match outcome {
                Ok(()) => done(action, listener),
                Err(error) => fail(listener, action, error.to_string(), Some(error)),
            }
        }
    }
    for action in &over {
        replace(client, how, action, from(&action.from), to(&action.to), listener).await;
    }
}

/// The server copies only to where nothing is: the old file goes first, and comes back if the new one doesn't.
async fn replace(
    client: &Client,
    how: Relocation,
    action: &Action,
    from: DropboxPath,
    to: DropboxPath,
    listener: &Listener,
) {
    let old = action.over.as_ref().and_then(|file| file.remote.as_ref());
    let target = [(to.clone(), old.map(|remote| remote.rev.clone()))];
    let error = match client.delete_all(&target).await.pop() {
        Some(Err(error)) => return fail(listener, action, error.to_string(), Some(error)),
        _ => match client.relocate_all(how, &[(from, to.clone())]).await.pop() {
            Some(Err(error)) => error,
            _ => return done(action, listener),
        },
    };
    if let Some(old) = old
        && let Err(lost) = client.restore(&to, &old.rev).await
    {
        let reason = format!(
            "{error}; the old file was deleted and could not be put back ({lost}): node-tool restore {}:{} --rev {}",
            client.remote(),
            to.as_str().trim_start_matches('/'),
            old.rev
        );
        return fail(listener, action, reason, Some(error));
    }
    fail(listener, action, error.to_string(), Some(error));
}

fn done(action: &Action, listener: &Listener) {
    listener(Event::Moved {
        bytes: action.source.size_bytes,
        of: None,
    });
    listener(Event::Copied {
        path: action.from.clone(),
        bytes: action.source.size_bytes,
        replaced: action.over.is_some(),
    });
}
