//! Down: which file comes which way, into a temporary file beside the target that gets its name when it is whole and right.

use std::{io, path::Path, sync::atomic::AtomicUsize};

use futures_util::{StreamExt, stream};
use shared::{
    api::files::{EXPORT, ExportArg},
    content_hash::Hasher,
};

use tokio::sync::Semaphore;

use super::{
    BigFile, Event, Limits, Listener, Memory, blocking,
    journal::{self, Journal},
    outcome::Outcomes,
    ranges::{Down, RANGE_BYTES},
    settle::{Local, settle},
    zips::Zips,
};
use crate::{
    dropbox::{Client, DropboxPath, Error, Tries},
    failed::FailureKind,
    local::{Partial, Replace, Root, link},
    plan::{Action, Bundle, Plan, bundle},
};

/// Files of several ranges under way at once.
const BIG_AT_ONCE: usize = 4;
/// Zips under way at once.
const ZIPS_AT_ONCE: usize = 24;
/// Files that are made ready while all lanes are busy.
const AHEAD: usize = 8;
/// No document is so large, in bytes.
const MAX_EXPORT_BYTES: u64 = 4 << 30;
/// A file whose bytes came damaged is fetched anew so often.
const WHOLE_TRIES: u32 = 3;

/// Copies what `plan` says from the folder `from` to the folder `to`.
pub async fn download(
    client: &Client,
    plan: Plan,
    from: &DropboxPath,
    to: &Path,
    limits: Limits,
    listener: &Listener,
) {
    let root = Root::new(to);
    let plan = settle(plan, Local::Target(root.clone()), &limits, listener).await;
    // Symlinks are made last: none that comes along can be in the way of a file.
    let (links, files): (Vec<Action>, Vec<Action>) = plan
        .actions
        .into_iter()
        .partition(|action| limits.links && action.to.ends_with(link::ENDING));
    let (big, small): (Vec<Action>, Vec<Action>) = files
        .into_iter()
        .partition(|action| action.source.size_bytes > RANGE_BYTES);
    let outcomes = Outcomes::new(listener, &limits.halt);
    let memory = Memory::new(limits.memory_bytes);
    // Each file takes one, or two with its journal; a zip takes one and what comes out of it another.
    let open = Semaphore::new(limits.open_files);
    let each = |action: Action| {
        let (root, limits, outcomes, memory, open) = (&root, &limits, &outcomes, &memory, &open);
        async move {
            let wanted = 1 + u32::from(action.source.size_bytes > RANGE_BYTES);
            let _open = open.acquire_many(wanted).await;
            if outcomes.is_over() {
                return;
            }
            match one(client, &action, root, (limits, memory), listener).await {
                Ok(()) => outcomes.copied(&action),
                Err(Problem::Halted) => {}
                Err(Problem::Dropbox(error)) => outcomes.failed(&action, &error),
                Err(Problem::Disk(error)) => outcomes.refused(&action, (&error).into(), plain(&error)),
                Err(Problem::Wrong(reason)) => outcomes.refused(&action, FailureKind::Temporary, reason),
            }
        }
    };
    let (bundles, small) = match &limits.zip {
        Some(there) => bundle(small, there, from.is_root()),
        None => (Vec::new(), small),
    };
    let way = Zips {
        client,
        from,
        root: &root,
        limits: &limits,
        outcomes: &outcomes,
        refused: AtomicUsize::new(0),
    };
    let (way, root, open) = (&way, &root, &open);
    // A symlink in the way is found by the file that it is in the way of.
    let bring = |bundle: Bundle| async move {
        if way.outcomes.is_over() || bundle.actions.iter().any(|a| root.check(&a.to).is_err()) {
            return stream::iter(bundle.actions);
        }
        let _open = open.acquire_many(2).await;
        stream::iter(way.bring(bundle).await)
    };
    let zipped = stream::iter(bundles)
        .map(bring)
        .buffer_unordered(ZIPS_AT_ONCE)
        .flatten();
    tokio::join!(
        stream::iter(small)
            .chain(zipped)
            .for_each_concurrent(client.max_calls() + AHEAD, each),
        stream::iter(big).for_each_concurrent(BIG_AT_ONCE, each),
    );
    stream::iter(links)
        .for_each_concurrent(client.max_calls() + AHEAD, each)
        .await;
}

/// Why a file, or a zip, didn't come.
#[derive(Debug)]
pub(super) enum Problem {
    Dropbox(Error),
    Disk(io::Error),
    Wrong(&'static str),
    /// The run was halted; what is there is noted.
    Halted,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Dropbox(error)
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

async fn one(
    client: &Client,
    action: &Action,
    root: &Root,
    (limits, memory): (&Limits, &Memory),
    listener: &Listener,
) -> Result<(), Problem> {
    let Some(remote) = &action.source.remote else {
        return Err(Problem::Wrong("the listing has no revision of it"));
    };
    if let Some(document) = &remote.document
        && let Some(format) = &document.chosen
    {
        let arg = ExportArg {
            path: document.id.clone(),
            export_format: Some(format.clone()),
        };
        return export(client, &arg, root, action, limits, listener).await;
    }
    let big = BigFile::of(action);
    let journal = big.as_ref().and(limits.state.as_deref()).and_then(|state| {
        journal::sweep(state);
        let target = root.path().join(&action.to);
        let absolute = std::path::absolute(&target).unwrap_or(target);
        let place = format!("down\n{}\n{}", client.remote(), absolute.display());
        Journal::open(state, &place, &remote.rev)
    });
    let (journal, mut known) = journal.map_or((None, None), |(journal, known)| (Some(journal), known));
    let partial = match &journal {
        Some(journal) => {
            let (root, target) = (root.clone(), action.to.clone());
            let (id, size) = (journal.id(), action.source.size_bytes);
            let stale = journal.stale_id().map(str::to_owned);
            let resume = move || {
                if let Some(stale) = stale {
                    Partial::forget(&root, &target, &stale);
                }
                Partial::resume(&root, &target, &id, size)
            };
            let (partial, is_there) = blocking(resume).await?;
            known = known.filter(|_| is_there);
            partial
        }
        None => {
            let (root, target) = (root.clone(), action.to.clone());
            blocking(move || Partial::create(&root, &target)).await?
        }
    };
    if action.source.size_bytes > RANGE_BYTES
        && let Err(error) = tokio::task::block_in_place(|| partial.reserve(action.source.size_bytes))
    {
        give_up(partial, journal.as_ref());
        return Err(error.into());
    }
    for _ in 0..WHOLE_TRIES {
        let there = known
            .take()
            .filter(|known| !known.blocks.is_empty() || !known.parts.is_empty());
        if let Some(journal) = journal.as_ref().filter(|_| there.is_none()) {
            journal.begin(&remote.rev);
        }
        let file = Down {
            client,
            remote,
            size: action.source.size_bytes,
            partial: &partial,
            listener,
            big: big.clone(),
            journal: journal.as_ref(),
            halt: &limits.halt,
            memory,
        };
        let got = match file.fetch(there).await {
            Ok(got) => got,
            // Room that isn't there must not be taken by half a file.
            Err(Problem::Disk(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
                ) =>
            {
                give_up(partial, journal.as_ref());
                return Err(error.into());
            }
            Err(problem) => return Err(problem),
        };
        if remote.content_hash.is_none() {
            tracing::warn!(object = %action.from, "Dropbox has no hash of it, so its bytes could not be compared");
        }
        if remote.content_hash.is_none_or(|expected| got == expected) {
            put(partial, action, limits).await?;
            if let Some(journal) = &journal {
                journal.forget();
            }
            return Ok(());
        }
    }
    give_up(partial, journal.as_ref());
    Err(Problem::Wrong(
        "its bytes were damaged on the way, more than once; nothing was kept, copy it again",
    ))
}

/// Gives what has arrived its name.
async fn put(partial: Partial, action: &Action, limits: &Limits) -> io::Result<()> {
    let (action, links, anything) = (action.clone(), limits.links, limits.overwrite_newer);
    blocking(move || place(partial, &action, links, anything)).await
}

/// Gives what has arrived its name, over nothing but what was seen there, unless it may be `anything`.
pub(super) fn place(partial: Partial, action: &Action, links: bool, anything: bool) -> io::Result<()> {
    let replace = match anything {
        true => Replace::Anything,
        false => Replace::Only(action.over.as_ref()),
    };
    if links && action.to.ends_with(link::ENDING) {
        return partial.put_as_symlink(action.source.modified, replace);
    }
    partial.put_in_place(action.source.modified, replace)
}

/// Nobody shall go on with it.
fn give_up(partial: Partial, journal: Option<&Journal>) {
    partial.discard();
    if let Some(journal) = journal {
        journal.forget();
    }
}

/// A cloud document comes as a file that Dropbox makes of it. Its hash is not known before.
async fn export(
    client: &Client,
    arg: &ExportArg,
    root: &Root,
    action: &Action,
    limits: &Limits,
    listener: &Listener,
) -> Result<(), Problem> {
    let mut tries = client.tries();
    loop {
        let partial = tokio::task::block_in_place(|| Partial::create(root, &action.to))?;
        let error = match fetch_export(client, arg, &partial, listener, &mut tries).await {
            Ok(()) => {
                put(partial, action, limits).await?;
                return Ok(());
            }
            Err(Problem::Dropbox(error)) => error,
            Err(other) => return Err(other),
        };
        let Some(wait) = tries.wait_after(&error) else {
            return Err(error.into());
        };
        tokio::time::sleep(wait).await;
    }
}

async fn fetch_export(
    client: &Client,
    arg: &ExportArg,
    partial: &Partial,
    listener: &Listener,
    tries: &mut Tries,
) -> Result<(), Problem> {
    let mut download = client.download(&EXPORT, arg, None, tries).await?;
    let expected = download.answer.export_metadata.export_hash;
    let file = partial.file();
    let (mut at, mut hasher) = (0, Hasher::new());
    while let Some(chunk) = download.chunk().await? {
        tokio::task::block_in_place(|| Partial::write_at(&file, &chunk, at))?;
        hasher.update(&chunk);
        at += chunk.len() as u64;
        if at > MAX_EXPORT_BYTES {
            return Err(Problem::Wrong("what Dropbox makes of the document doesn't end"));
        }
        listener(Event::Moved {
            bytes: chunk.len() as u64,
            of: None,
        });
    }
    if expected.is_some_and(|hash| hash != hasher.finish()) {
        return Err(Problem::Dropbox(Error::NotDropbox(
            "the export's bytes were damaged on the way".into(),
        )));
    }
    Ok(())
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied on this machine".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system here is read-only".into(),
        io::ErrorKind::StorageFull => "the disk is full".into(),
        io::ErrorKind::QuotaExceeded => "your disk quota is used up".into(),
        io::ErrorKind::FileTooLarge => {
            "it is larger than a file may be here ('ulimit -f', or the file system)".into()
        }
        _ => error.to_string(),
    }
}
