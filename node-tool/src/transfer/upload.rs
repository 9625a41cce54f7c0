//! Up: which file goes which way.

use std::{collections::VecDeque, path::Path};

use futures_util::{StreamExt, stream};
use shared::{
    api::files::{MAX_FILE_BYTES, UPLOAD, UploadArg},
    content_hash::ContentHash,
};
use tokio::sync::mpsc;

use super::{
    Event, Limits, Listener, Memory,
    commit::{commit_info, committer, fail},
    session::send_big,
    small::{Budget, Item, SMALL_BYTES, Sessions, Tools, next_pack, open, send_empty, send_pack},
};
use crate::{
    dropbox::{Client, DropboxPath, Payload},
    local::hash_file,
    plan::{Action, IMMUTABLE, Plan, Task},
};

/// Big files under way at once: one alone can fill the link, a second covers its start and end.
const BIG_AT_ONCE: usize = 3;
/// Packs under way at once, at most; memory and lanes limit them further.
const PACKS_AT_ONCE: usize = 12;

/// Copies what `plan` says from the folder `from` to the folder `to`.
pub async fn upload(
    client: &Client,
    plan: Plan,
    from: &Path,
    to: &DropboxPath,
    limits: Limits,
    listener: &Listener,
) {
    let (mut empty, mut small, mut big) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
    for action in needed(plan, from, limits.transfers, listener).await {
        let size = action.source.size_bytes;
        if size > MAX_FILE_BYTES {
            fail(listener, &action, "Dropbox takes files up to 2 TiB".into(), None);
            continue;
        }
        let (target, path) = (to.join(&action.to), from.join(&action.from));
        let item = (action, target, path);
        match size {
            0 => empty.push_back(item),
            1..=SMALL_BYTES => small.push_back(item),
            _ => big.push_back(item),
        }
    }
    if empty.len() + small.len() == 1 && big.is_empty() {
        // Three calls for one small file would be two too many.
        if let Some(item) = empty.pop_front().or_else(|| small.pop_front()) {
            upload_alone(client, item, listener).await;
        }
        return;
    }

    let memory = Memory::new(limits.memory_bytes);
    let (budget, sessions) = (Budget::new(), Sessions::new(small.len()));
    let (sent, received) = mpsc::unbounded_channel();
    let senders = async {
        // Moved in here, so that the committer sees the end when the last sender is done.
        let sent = sent;
        let tools = Tools {
            memory: &memory,
            budget: &budget,
            sessions: &sessions,
            sent: &sent,
            listener,
            state: limits.state.as_deref(),
        };
        let packs = stream::iter(std::iter::from_fn(|| {
            let pack = next_pack(&mut small, budget.entries());
            (!pack.is_empty()).then_some(pack)
        }));
        tokio::join!(
            packs.for_each_concurrent(PACKS_AT_ONCE, |pack| send_pack(client, pack, &tools)),
            stream::iter(empty)
                .for_each_concurrent(limits.transfers, |item| send_empty(client, item, &tools)),
            stream::iter(big).for_each_concurrent(BIG_AT_ONCE, |item| send_big(client, item, &tools)),
        );
    };
    tokio::join!(senders, committer(client, received, listener));
}

/// What has to be copied: where only the time differs, the hash decides.
async fn needed(plan: Plan, from: &Path, at_once: usize, listener: &Listener) -> Vec<Action> {
    let checked = stream::iter(plan.actions).map(|action| async move {
        let Task::Settle { may_replace } = action.task else {
            return Some(action);
        };
        let path = from.join(&action.from);
        let hash = tokio::task::spawn_blocking(move || hash_file(&path)).await;
        let there = action
            .over
            .as_ref()
            .and_then(|old| old.remote.as_ref())
            .and_then(|r| r.content_hash);
        match hash {
            Ok(Ok(hash)) if Some(hash) == there => {
                listener(Event::Same { path: action.from });
                None
            }
            _ if !may_replace => {
                fail(listener, &action, IMMUTABLE.into(), None);
                None
            }
            _ => Some(action),
        }
    });
    checked
        .buffered(at_once)
        .filter_map(|action| async { action })
        .collect()
        .await
}

async fn upload_alone(client: &Client, (mut action, target, path): Item, listener: &Listener) {
    let read = tokio::task::block_in_place(|| {
        let source = open(&action, &path)?;
        let (chunks, blocks) = source.read(0, source.info.size_bytes)?;
        source.check_unchanged()?;
        Ok::<_, std::io::Error>((source, chunks, ContentHash::of_blocks(&blocks)))
    });
    let (source, chunks, hash) = match read {
        Ok(read) => read,
        Err(error) => return fail(listener, &action, error.to_string(), None),
    };
    action.source = source.info.clone();
    let arg = UploadArg {
        commit: commit_info(&action, &target, true),
        content_hash: hash,
    };
    match client.upload(&UPLOAD, &arg, &Payload::kept(chunks)).await {
        Ok(file) if file.content_hash.is_none_or(|there| there == hash) => {
            listener(Event::Moved {
                bytes: action.source.size_bytes,
                of: None,
            });
            listener(Event::Copied {
                path: action.from,
                bytes: action.source.size_bytes,
                replaced: action.over.is_some(),
            });
        }
        Ok(_) => fail(
            listener,
            &action,
            "Dropbox has other bytes than were sent; copy it again".into(),
            None,
        ),
        Err(error) => fail(listener, &action, error.to_string(), Some(error)),
    }
}
