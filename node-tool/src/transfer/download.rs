//! Down: into a temporary file beside the target, hashed as it arrives, renamed when it is whole and right.
//! A big file comes in ranges of one pinned revision over several connections.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use shared::{
    api::files::{DOWNLOAD, EXPORT, ExportArg, PathArg},
    content_hash::{Assembly, BLOCK_BYTES, ContentHash, Hasher},
};

use super::{
    BigFile, Event, Halt, Limits, Listener, Memory, STREAM_BYTES, blocking,
    journal::{self, Journal},
    outcome::fail,
    settle::{Local, settle},
    zips::Zips,
};
use crate::{
    dropbox::{Client, DropboxPath, Error, Fate, NetworkError},
    local::{Folders, Partial, Replace, link},
    plan::{Action, Bundle, Plan, bundle},
    tree::RemoteInfo,
};

/// Bytes of a range: a multiple of the block.
const RANGE_BYTES: u64 = 4 * BLOCK_BYTES;
/// Files of several ranges under way at once.
const BIG_AT_ONCE: usize = 4;
/// Zips under way at once.
const ZIPS_AT_ONCE: usize = 24;
/// Files that are made ready while all lanes are busy.
const AHEAD: usize = 8;
/// A file whose bytes came damaged is fetched anew so often.
const WHOLE_TRIES: u32 = 3;
/// What a call's buffers take at least.
const CALL_BYTES: u64 = 64 * 1024;
/// Bytes gathered before they are hashed and written.
const WRITE_BYTES: usize = 256 * 1024;

/// Copies what `plan` says from the folder `from` to the folder `to`.
pub async fn download(
    client: &Client,
    plan: Plan,
    from: &DropboxPath,
    to: &Path,
    limits: Limits,
    listener: &Listener,
) {
    let plan = settle(plan, Local::Target(to), &limits, listener).await;
    let folders = Folders::new(to);
    let (big, small): (Vec<Action>, Vec<Action>) = plan
        .actions
        .into_iter()
        .partition(|action| action.source.size_bytes > RANGE_BYTES);
    let over = AtomicBool::new(false);
    let memory = Memory::new(limits.memory_bytes);
    let each = |action: Action| {
        let (folders, limits, over, memory) = (&folders, &limits, &over, &memory);
        async move {
            if limits.halt.is_asked() || over.load(Ordering::Relaxed) {
                return;
            }
            match one(client, &action, to, folders, (limits, memory), listener).await {
                Ok(()) => listener(Event::Copied {
                    path: action.from,
                    bytes: action.source.size_bytes,
                    replaced: action.over.is_some(),
                }),
                Err(Problem::Halted) => {}
                Err(Problem::Dropbox(error)) => {
                    if error.fate() == Fate::StopRun {
                        over.store(true, Ordering::Relaxed);
                    }
                    fail(listener, &action, error.to_string(), Some(error));
                }
                Err(Problem::Disk(error)) => fail(listener, &action, plain(&error), None),
                Err(Problem::Wrong(reason)) => fail(listener, &action, reason.into(), None),
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
        to,
        limits: &limits,
        listener,
        refused: AtomicUsize::new(0),
        over: &over,
    };
    let (way, folders_of) = (&way, &folders);
    // A symlink in the way is found by the file that it is in the way of.
    let bring = |bundle: Bundle| async move {
        if way.limits.halt.is_asked() || bundle.actions.iter().any(|a| folders_of.check(&a.to).is_err()) {
            return stream::iter(bundle.actions);
        }
        stream::iter(way.bring(bundle).await)
    };
    let zipped = stream::iter(bundles)
        .map(bring)
        .buffer_unordered(ZIPS_AT_ONCE)
        .flatten();
    tokio::join!(
        stream::iter(small)
            .chain(zipped)
            .for_each_concurrent(client.pace().most() + AHEAD, each),
        stream::iter(big).for_each_concurrent(BIG_AT_ONCE, each),
    );
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
    to: &Path,
    folders: &Folders,
    (limits, memory): (&Limits, &Memory),
    listener: &Listener,
) -> Result<(), Problem> {
    let target = to.join(&action.to);
    let Some(remote) = &action.source.remote else {
        return Err(Problem::Wrong("the listing has no revision of it"));
    };
    folders.check(&action.to)?;
    if let Some(document) = &remote.document
        && let Some(format) = &document.chosen
    {
        let arg = ExportArg {
            path: document.id.clone(),
            export_format: Some(format.clone()),
        };
        return export(client, &arg, &target, action, limits, listener).await;
    }
    let big = BigFile::of(action);
    let journal = big.as_ref().and(limits.state.as_deref()).and_then(|state| {
        journal::sweep(state);
        let absolute = std::path::absolute(&target).unwrap_or_else(|_| target.clone());
        let place = format!("down\n{}\n{}", client.remote(), absolute.display());
        Journal::open(state, &place, &remote.rev)
    });
    let (journal, mut known) = journal.map_or((None, None), |(journal, known)| (Some(journal), known));
    let partial = match &journal {
        Some(journal) => {
            let (target, id, size) = (target.clone(), journal.id(), action.source.size_bytes);
            let stale = journal.stale_id().map(str::to_owned);
            let resume = move || {
                if let Some(stale) = stale {
                    Partial::resume(&target, &stale, 0)?.0.discard();
                }
                Partial::resume(&target, &id, size)
            };
            let (partial, is_there) = blocking(resume).await?;
            known = known.filter(|_| is_there);
            partial
        }
        None => {
            let target = target.clone();
            blocking(move || Partial::create(&target)).await?
        }
    };
    if action.source.size_bytes > RANGE_BYTES
        && let Err(error) = tokio::task::block_in_place(|| partial.reserve(action.source.size_bytes))
    {
        give_up(partial, journal.as_ref());
        return Err(error.into());
    }
    for _ in 0..WHOLE_TRIES {
        let there = known.take().map(|known| known.pieces).unwrap_or_default();
        if let Some(journal) = journal.as_ref().filter(|_| there.is_empty()) {
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
        let got = match file.fetch(&there).await {
            Ok(got) => got,
            // Room that isn't there must not be taken by half a file.
            Err(Problem::Disk(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                give_up(partial, journal.as_ref());
                return Err(error.into());
            }
            Err(problem) => return Err(problem),
        };
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
    if links && action.to.ends_with(link::ENDING) {
        return partial.put_as_symlink(action.source.modified);
    }
    let replace = match anything {
        true => Replace::Anything,
        false => Replace::Only(action.over.as_ref()),
    };
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
    target: &Path,
    action: &Action,
    limits: &Limits,
    listener: &Listener,
) -> Result<(), Problem> {
    let mut tries = client.tries_of_a_call();
    loop {
        let partial = tokio::task::block_in_place(|| Partial::create(target))?;
        let error = match fetch_export(client, arg, &partial, listener).await {
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
) -> Result<(), Problem> {
    let mut download = client.download(&EXPORT, arg, None).await?;
    let expected = download.answer.export_metadata.export_hash;
    let file = partial.file();
    let (mut at, mut hasher) = (0, Hasher::new());
    while let Some(chunk) = download.chunk().await? {
        tokio::task::block_in_place(|| Partial::write_at(&file, &chunk, at))?;
        hasher.update(&chunk);
        at += chunk.len() as u64;
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

/// A file on its way down.
struct Down<'a> {
    client: &'a Client,
    remote: &'a RemoteInfo,
    size: u64,
    partial: &'a Partial,
    listener: &'a Listener,
    big: Option<Arc<BigFile>>,
    journal: Option<&'a Journal>,
    halt: &'a Halt,
    memory: &'a Memory,
}

impl Down<'_> {
    /// Brings all bytes to disk that aren't `there`; gives the hash of all.
    async fn fetch(&self, there: &HashMap<u64, Vec<[u8; 32]>>) -> Result<ContentHash, Problem> {
        let mut assembly = Assembly::new(self.size);
        let mut missing = Vec::new();
        for start in (0..self.size).step_by(usize::try_from(RANGE_BYTES).unwrap_or(usize::MAX)) {
            if self.halt.is_asked() {
                return Err(Problem::Halted);
            }
            let length = RANGE_BYTES.min(self.size - start);
            // The disk has the last word: a node that crashed may have noted more than it wrote.
            if let Some(noted) = there.get(&start) {
                let file = self.partial.file();
                let blocks = blocking(move || Partial::blocks(&file, start, length)).await;
                if blocks.as_ref() == Some(noted) {
                    assembly.place(start, noted);
                    self.moved(length);
                    continue;
                }
            }
            missing.push(start);
        }
        if !there.is_empty() {
            tracing::info!(
                "going on with a download: {} parts are there, {} to fetch",
                there.len(),
                missing.len()
            );
        }
        let assembly = Mutex::new(assembly);
        stream::iter(missing)
            .take_while(|_| std::future::ready(!self.halt.is_asked()))
            .map(|start| self.range(start, &assembly))
            .buffer_unordered(self.client.pace().most())
            .try_collect::<Vec<()>>()
            .await?;
        let assembly = assembly
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match assembly.finish() {
            Some(hash) => Ok(hash),
            None if self.halt.is_asked() => Err(Problem::Halted),
            None => Err(Problem::Wrong("a part of it is missing")),
        }
    }

    fn moved(&self, bytes: u64) {
        (self.listener)(Event::Moved {
            bytes,
            of: self.big.clone(),
        });
    }

    /// Brings one range to disk. A connection that breaks is taken up again where it broke.
    async fn range(&self, start: u64, assembly: &Mutex<Assembly>) -> Result<(), Problem> {
        let end = self.size.min(start + RANGE_BYTES);
        let _memory = self.memory.take(STREAM_BYTES.min(end - start + CALL_BYTES)).await;
        let file = self.partial.file();
        let mut hasher = Hasher::new();
        let mut at = start;
        let mut tries = self.client.tries_of_a_call();
        while at < end {
            let before = at;
            let mut flush = |bytes: Bytes| -> io::Result<()> {
                tokio::task::block_in_place(|| {
                    hasher.update(&bytes);
                    Partial::write_at(&file, &bytes, at)
                })?;
                at += bytes.len() as u64;
                self.moved(bytes.len() as u64);
                Ok(())
            };
            let error = match self.stream(before, end, &mut flush).await {
                Ok(()) => continue,
                Err(Problem::Dropbox(error)) => error,
                Err(other) => return Err(other),
            };
            if at > before {
                tries = self.client.tries_of_a_call(); // it moved on
            }
            let Some(wait) = tries.wait_after(&error) else {
                return Err(error.into());
            };
            tokio::time::sleep(wait).await;
        }
        let blocks = hasher.into_blocks();
        assembly
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .place(start, &blocks);
        if let Some(journal) = self.journal {
            journal.note(start, &blocks);
        }
        Ok(())
    }

    /// Streams `from..end` to `flush`, once.
    async fn stream(
        &self,
        from: u64,
        end: u64,
        flush: &mut impl FnMut(Bytes) -> io::Result<()>,
    ) -> Result<(), Problem> {
        let Self {
            client, remote, size, ..
        } = *self;
        let whole = from == 0 && end == size;
        let arg = PathArg {
            path: format!("rev:{}", remote.rev),
        };
        let mut download = client
            .download(&DOWNLOAD, &arg, (!whole).then_some((from, end - 1)))
            .await?;
        if download.answer.rev != remote.rev || download.answer.size != size {
            return Err(Problem::Wrong("another revision came than was asked for"));
        }
        if !whole && !download.partial {
            return Err(Problem::Dropbox(Error::NotDropbox(
                "the range was ignored".into(),
            )));
        }
        let mut left = end - from;
        let mut gathered = BytesMut::new();
        let broken = loop {
            let chunk = match download.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            left = left
                .checked_sub(chunk.len() as u64)
                .ok_or_else(|| Error::NotDropbox("more bytes came than the file has".into()))?;
            gathered.extend_from_slice(&chunk);
            if gathered.len() >= WRITE_BYTES {
                flush(gathered.split().freeze())?;
            }
        };
        // What came before a connection broke is kept.
        if !gathered.is_empty() {
            flush(gathered.freeze())?;
        }
        if let Some(error) = broken {
            return Err(error.into());
        }
        if left > 0 {
            let broken = NetworkError::Broken {
                host: "Dropbox".into(),
                reason: format!("{left} bytes were missing at the end"),
            };
            return Err(Problem::Dropbox(Error::Network(broken)));
        }
        Ok(())
    }
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied on this machine".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system here is read-only".into(),
        io::ErrorKind::StorageFull => "the disk is full".into(),
        io::ErrorKind::QuotaExceeded => "your disk quota is used up".into(),
        _ => error.to_string(),
    }
}
