//! Downloads: which file is fetched in which way, into a temporary file that is renamed when it is complete and verified.

use std::{io, sync::atomic::AtomicUsize};

use futures_util::{StreamExt, stream};
use shared::content_hash::ContentHash;
use tokio::sync::Semaphore;

use dropbox::{Client, DropboxPath, Tries};
use engine::{
    Retry,
    digest::{Algorithm, Digester, Digests},
    entry::{LINK_ENDING, Version},
    plan::Step,
    run::{Arrived, Event, Run},
};

use super::{
    arrival::{Problem, put_in_place},
    content::Content,
    ranges::{Down, RANGE_BYTES},
    zip_groups::{FolderTotals, ZipGroup, group},
    zips::Zips,
};
use crate::{
    blocking::blocking,
    dropbox::{
        item::{copied, failed, refused, reported},
        journal::{self, Journal},
    },
    local::{Partial, Root, local_error},
    memory::Memory,
    transfer::TransferOptions,
};

/// Maximum number of files of several ranges in progress at once.
const MAX_BIG_FILES: usize = 4;
/// Maximum number of zips in progress at once.
const MAX_ZIPS: usize = 24;
/// Maximum number of files that are prepared while all permits are in use.
const MAX_PREPARED: usize = 8;
/// Maximum size of an exported document in bytes.
const MAX_EXPORT_BYTES: u64 = 4 << 30;
/// Maximum number of times that a file is fetched again whose bytes arrived damaged.
const MAX_WHOLE_TRIES: u32 = 3;

/// The source.
#[derive(Clone, Copy, Debug)]
pub(in crate::dropbox) struct DownloadFrom<'a> {
    /// How the bytes of its files are asked for.
    pub content: Content<'a>,
    /// The name of its remote, which journals are kept under.
    pub remote: &'a str,
    /// Its folder, and totals of the folders below, if those of many small files may be downloaded as zips.
    pub zips: Option<(&'a DropboxPath, &'a FolderTotals)>,
}

/// Copies files from a folder to the folder `root`.
pub(in crate::dropbox) async fn download(
    client: &Client,
    steps: Vec<Step>,
    from: DownloadFrom<'_>,
    root: &Root,
    options: &TransferOptions,
    run: &Run,
) {
    // Symlinks are made last, so that no downloaded one is in the way of a file.
    let (links, files): (Vec<Step>, Vec<Step>) = steps
        .into_iter()
        .partition(|step| options.makes_links && step.to.ends_with(LINK_ENDING));
    let (big, small): (Vec<Step>, Vec<Step>) = files
        .into_iter()
        .partition(|step| step.meta.size_bytes > RANGE_BYTES);
    let memory = Memory::new(options.memory_bytes);
    // Each file takes one open file, or two with its journal; a zip takes one and the file unpacked from it another.
    let open = Semaphore::new(options.open_files);
    let each = |step: Step| {
        let (memory, open) = (&memory, &open);
        async move {
            let wanted = 1 + u32::from(step.meta.size_bytes > RANGE_BYTES);
            let _open = open.acquire_many(wanted).await;
            if run.is_over() {
                return;
            }
            match one(client, &step, (from, root), (options, memory), run).await {
                Ok((bytes, file)) => copied(run, &step, bytes, file),
                Err(Problem::Halted) => {}
                Err(Problem::Dropbox(error)) => failed(run, &step, &error),
                Err(Problem::Disk(error)) => {
                    let words = plain(&error);
                    run.report(step.id, Event::Failed(local_error(error).with_message(words)));
                }
                Err(Problem::Wrong(reason)) => refused(run, &step, Retry::Later, reason),
            }
        }
    };
    let (groups, small) = match from.zips {
        Some((path, totals)) => group(small, totals, path.is_root()),
        None => (Vec::new(), small),
    };
    let top = DropboxPath::default();
    let zips = Zips {
        client,
        from: from.zips.map_or(&top, |(path, _)| path),
        root,
        options,
        run,
        refused: AtomicUsize::new(0),
    };
    let (zips, open) = (&zips, &open);
    // A symlink in the way is reported with the file that it blocks.
    let bring = |group: ZipGroup| async move {
        if run.is_over() || group.steps.iter().any(|step| root.check(&step.to).is_err()) {
            return stream::iter(group.steps);
        }
        let _open = open.acquire_many(2).await;
        stream::iter(zips.bring(group).await)
    };
    let zipped = stream::iter(groups)
        .map(bring)
        .buffer_unordered(MAX_ZIPS)
        .flatten();
    tokio::join!(
        stream::iter(small)
            .chain(zipped)
            .for_each_concurrent(client.max_calls() + MAX_PREPARED, each),
        stream::iter(big).for_each_concurrent(MAX_BIG_FILES, each),
    );
    stream::iter(links)
        .for_each_concurrent(client.max_calls() + MAX_PREPARED, each)
        .await;
}

async fn one(
    client: &Client,
    step: &Step,
    (from, root): (DownloadFrom<'_>, &Root),
    (options, memory): (&TransferOptions, &Memory),
    run: &Run,
) -> Result<(u64, Arrived), Problem> {
    let Some(version) = &step.meta.version else {
        return Err(Problem::Wrong("the listing has no revision of it"));
    };
    if let Some(document) = &version.document
        && let Some(format) = &document.chosen
    {
        let document = (document.id.as_str(), format.as_str());
        let (bytes, got, digests) = export(client, document, root, step, options, run).await?;
        return Ok((bytes, arrived(version, got, digests)));
    }
    let reported = reported(step, &step.meta);
    let journal = reported.and(options.state_dir.as_ref()).and_then(|state| {
        let state = state.transfers();
        journal::sweep(&state);
        let target = root.path().join(&*step.to);
        let absolute = std::path::absolute(&target).unwrap_or(target);
        let place = format!("down\n{}\n{}", from.remote, absolute.display());
        Journal::open(&state, &place, &version.id)
    });
    let (journal, mut known) = journal.map_or((None, None), |(journal, known)| (Some(journal), known));
    let partial = match &journal {
        Some(journal) => {
            let (root, target) = (root.clone(), step.to.clone());
            let (id, size) = (journal.id(), step.meta.size_bytes);
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
            let (root, target) = (root.clone(), step.to.clone());
            blocking(move || Partial::create(&root, &target)).await?
        }
    };
    if step.meta.size_bytes > RANGE_BYTES
        && let Err(error) = tokio::task::block_in_place(|| partial.reserve(step.meta.size_bytes))
    {
        give_up(partial, journal.as_ref());
        return Err(error.into());
    }
    for _ in 0..MAX_WHOLE_TRIES {
        let there = known
            .take()
            .filter(|known| !known.blocks.is_empty() || !known.parts.is_empty());
        if let Some(journal) = journal.as_ref().filter(|_| there.is_none()) {
            journal.begin(&version.id);
        }
        let file = Down {
            client,
            content: from.content,
            path: &step.from,
            version,
            size: step.meta.size_bytes,
            partial: &partial,
            run,
            reported,
            journal: journal.as_ref(),
            memory,
            digests: &options.digests,
        };
        let (got, digests) = match file.fetch(there).await {
            Ok(got) => got,
            // A file that doesn't fit must not fill the disk.
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
        if version.checksum.is_none() {
            tracing::warn!(object = %step.from, "Dropbox has no hash of it, so its bytes could not be compared");
        }
        if version.checksum.is_none_or(|expected| got == expected) {
            put(partial, step, options).await?;
            if let Some(journal) = &journal {
                journal.forget();
            }
            return Ok((step.meta.size_bytes, arrived(version, got, digests)));
        }
    }
    give_up(partial, journal.as_ref());
    Err(Problem::Wrong(
        "its bytes were damaged on the way, more than once; nothing was kept, copy it again",
    ))
}

/// Returns what is known of a file that arrived.
fn arrived(version: &Version, checksum: ContentHash, digests: Digests) -> Arrived {
    Arrived {
        version: Some(version.id.as_str().into()),
        checksum: Some(checksum),
        digests,
    }
}

/// Renames a downloaded file to its target.
async fn put(partial: Partial, step: &Step, options: &TransferOptions) -> io::Result<()> {
    let (step, links, anything) = (step.clone(), options.makes_links, options.overwrites_newer);
    blocking(move || put_in_place(partial, &step, links, anything)).await
}

/// Removes it, so that no other run continues it.
fn give_up(partial: Partial, journal: Option<&Journal>) {
    partial.discard();
    if let Some(journal) = journal {
        journal.forget();
    }
}

/// Downloads a cloud document's export, named by its id and format. Its hash is not known before. Returns its size in bytes, its
/// hash and its digests.
async fn export(
    client: &Client,
    document: (&str, &str),
    root: &Root,
    step: &Step,
    options: &TransferOptions,
    run: &Run,
) -> Result<(u64, ContentHash, Digests), Problem> {
    let mut tries = client.tries();
    loop {
        let partial = tokio::task::block_in_place(|| Partial::create(root, &step.to))?;
        let error = match fetch_export(client, document, &partial, &options.digests, run, &mut tries).await {
            Ok(fetched) => {
                put(partial, step, options).await?;
                return Ok(fetched);
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
    (id, format): (&str, &str),
    partial: &Partial,
    digests: &[Algorithm],
    run: &Run,
    tries: &mut Tries,
) -> Result<(u64, ContentHash, Digests), Problem> {
    let mut export = client.export(id, Some(format), tries).await?;
    let file = partial.file();
    let (mut at, mut digester) = (0, Digester::new(digests));
    while let Some(chunk) = export.chunk().await? {
        tokio::task::block_in_place(|| {
            digester.update(&chunk);
            Partial::write_at(&file, &chunk, at)
        })?;
        at = export.size_bytes();
        if at > MAX_EXPORT_BYTES {
            return Err(Problem::Wrong("what Dropbox makes of the document doesn't end"));
        }
        run.moved(None, chunk.len() as u64);
    }
    Ok((at, export.finish()?, digester.finish()))
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
