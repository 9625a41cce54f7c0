//! Uploads: which file is sent in which way.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use shared::{
    api::files::{MAX_FILE_BYTES, SessionType, UPLOAD, UploadArg},
    content_hash::ContentHash,
};
use tokio::sync::{Semaphore, mpsc};

use dropbox::{Client, DropboxPath, Error};
use engine::{
    Retry,
    digest::Digester,
    error::Changed,
    plan::Step,
    run::{Arrived, Run},
};

use super::{
    budget::Budget,
    commit::{Committer, commit_info},
    cut::Cut,
    pending::Pending,
    session::send_big,
    sessions::Sessions,
    small::{PACK_BYTES, is_bounded_by_count, next_pack, send_empty, send_pack},
    tools::Tools,
    turns::Turns,
};
use crate::{
    dropbox::{
        convert::payload,
        item::{Item, Outcomes, Roots, copied, refused, watch},
        namespaces::Namespaces,
    },
    local,
    memory::Memory,
    transfer::TransferOptions,
};

/// Maximum number of big files in progress at once: their starts and ends overlap the chunks of others.
const MAX_BIG_FILES: usize = 6;
/// Maximum number of packs in progress at once; memory and permits limit them further.
const MAX_PACKS: usize = 32;
/// Maximum number of packs in progress at once until it is known how large they may be.
const PROBES_IN_FLIGHT: usize = 6;
/// Maximum number of attempts for a file that changes while it is read.
const MAX_ROUNDS: u32 = 3;
/// How long to wait before a file that changed is read again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Copies files from the folder `from` to the folder `to`, in which `namespaces` are mounted.
pub(in crate::dropbox) async fn upload(
    client: &Client,
    steps: Vec<Step>,
    from: &local::Root,
    (to, namespaces): (&DropboxPath, &Namespaces),
    options: &TransferOptions,
    run: &Run,
) {
    let outcomes = Outcomes::new(run);
    let roots = Arc::new(Roots {
        from: from.clone(),
        to: to.clone(),
        follows: options.follows_links,
        only_listed: options.sends_only_listed,
    });
    let item = |step| Item {
        step,
        roots: Arc::clone(&roots),
    };
    let mut items: Vec<Item> = steps.into_iter().map(item).collect();
    let turns = Turns::new(client, to, options.state_dir.as_ref()).await;
    let pending = Pending::read(options.state_dir.as_ref()).await;
    let committer = Committer {
        client,
        namespaces,
        options,
        outcomes: &outcomes,
        turns: &turns,
        pending: &pending,
    };
    for round in 1..=MAX_ROUNDS {
        send_all(items, &committer).await;
        items = outcomes.take_changed(round + 1 >= MAX_ROUNDS);
        if items.is_empty() || run.is_over() {
            break;
        }
        tokio::time::sleep(RETRY_DELAY).await;
        items = look_again(items, &outcomes);
    }
    for item in items {
        refused(run, &item.step, Retry::Later, Changed.to_string());
    }
    pending.finish().await;
}

/// Returns the files that changed with their current metadata.
fn look_again(items: Vec<Item>, outcomes: &Outcomes<'_>) -> Vec<Item> {
    let open = |item: &Item| match item.roots.only_listed {
        true => item.open_as_planned(),
        false => item.open(),
    };
    let look = |mut item: Item| match tokio::task::block_in_place(|| open(&item)) {
        Ok(source) => {
            item.step.meta = source.info;
            Some(item)
        }
        Err(error) => {
            outcomes.unread(item, error);
            None
        }
    };
    items.into_iter().filter_map(look).collect()
}

async fn send_all(items: Vec<Item>, committer: &Committer<'_>) {
    let Committer {
        client,
        options,
        outcomes,
        ..
    } = *committer;
    let (ready, items) = committer.pending.find(client, items, &options.digests).await;
    let (mut empty, mut small, mut big) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
    for item in items {
        match item.step.meta.size_bytes {
            0 => empty.push_back(item),
            1..=PACK_BYTES => small.push_back(item),
            size if size <= MAX_FILE_BYTES => big.push_back(item),
            _ => refused(
                outcomes.run,
                &item.step,
                Retry::Never,
                "Dropbox takes files up to 2 TiB",
            ),
        }
    }
    if empty.len() + small.len() == 1 && big.is_empty() && ready.is_empty() {
        // For one small file, three calls would be two more than needed.
        if let Some(item) = empty.pop_front().or_else(|| small.pop_front()) {
            upload_alone(item, committer).await;
        }
        return;
    }
    let small_files = small.len();
    let (sent, received) = mpsc::channel(1);
    let senders = async {
        // Moved in here, so that the committer's channel closes when the last sender is done.
        let tools = Tools {
            client,
            options,
            memory: Memory::new(options.memory_bytes),
            cut: Cut::new(client.upload_rate_per_call()),
            budget: Budget::new(client.header_bytes().await),
            plain: Sessions::new(small_files, None),
            concurrent: Sessions::new(big.len(), Some(SessionType::Concurrent)),
            sent,
            outcomes,
        };
        for sent in ready {
            let _ = tools.sent.send(sent).await; // the committer outlives all senders
        }
        // A few calls first find out how many files one may carry; only then it pays to send many at once.
        let scouts = Semaphore::new(PROBES_IN_FLIGHT);
        let (budget, scouts) = (&tools.budget, &scouts);
        let packs = stream::unfold(small, |mut queue| async move {
            let scout = match budget.is_settled() || !is_bounded_by_count(&queue, budget) {
                true => None,
                false => scouts.acquire().await.ok(),
            };
            let pack = next_pack(&mut queue, budget);
            (!pack.is_empty() && !outcomes.run.is_over()).then_some(((pack, scout), queue))
        });
        let begin = |_: &Item| std::future::ready(!outcomes.run.is_over());
        tokio::join!(
            packs.for_each_concurrent(MAX_PACKS.min(options.open_files), |(pack, scout)| async {
                send_pack(pack, &tools).await;
                drop(scout);
            }),
            stream::iter(empty)
                .take_while(begin)
                .for_each_concurrent(options.transfers, |item| send_empty(item, &tools)),
            stream::iter(big)
                .take_while(begin)
                .for_each_concurrent(MAX_BIG_FILES.min(options.open_files / 2), |item| send_big(
                    item, &tools
                )),
        );
    };
    tokio::join!(senders, committer.run(received));
}

async fn upload_alone(mut item: Item, committer: &Committer<'_>) {
    let Committer {
        client,
        namespaces,
        options,
        outcomes,
        turns,
        ..
    } = *committer;
    let read = tokio::task::block_in_place(|| {
        let source = item.open_as_planned()?;
        let mut digester = Digester::new(&options.digests);
        let blocks = source.scan(0, source.info.size_bytes, |bytes| digester.update(bytes))?;
        source.check_unchanged()?;
        Ok::<_, std::io::Error>((source, ContentHash::of_blocks(&blocks), digester.finish()))
    });
    let (source, hash, digests) = match read {
        Ok(read) => read,
        Err(error) => return outcomes.unread(item, error),
    };
    item.step.meta = source.info.clone();
    let size = source.info.size_bytes;
    let payload = payload(size, source.reader(0)).watched(watch(outcomes.run, None));
    let send = async |timeless: bool| {
        let arg = UploadArg {
            commit: commit_info(&item, options, timeless),
            content_hash: hash,
        };
        client.upload(&UPLOAD, &arg, &payload).await
    };
    let sending = async {
        match send(false).await {
            Err(error @ Error::BadRequest(_)) => {
                tracing::warn!(object = %item.step.from, "trying it without its modification time: {error}");
                send(true).await
            }
            sent => sent,
        }
    };
    let namespace = namespaces.namespace_of(&item.step.to);
    match turns.within(namespace, size, sending).await {
        Ok(file) if file.content_hash.is_none_or(|there| there == hash) => {
            let arrived = Arrived {
                version: Some(file.rev.into()),
                checksum: Some(hash),
                digests,
            };
            copied(outcomes.run, &item.step, size, arrived);
        }
        Ok(_) => refused(
            outcomes.run,
            &item.step,
            Retry::Later,
            "Dropbox has other bytes than were sent; copy it again",
        ),
        Err(error) => outcomes.unsent(item, &error),
    }
}
