//! `cat`: files on the standard output.
//!
//! What is printed can't be taken back, so a whole file is hashed as it is printed, and a hash that isn't the listing's makes
//! the command fail. A part of a file has no hash to compare with.

use std::io::{self, Read, Seek, SeekFrom, Write};

use shared::{
    api::files::{DOWNLOAD, EXPORT, ExportArg, PathArg},
    content_hash::Hasher,
    exit,
    failure::Failure,
};

use super::{App, missing, side_failure};
use crate::{
    commands::symlinks::{SymlinkFlags, tell_skipped},
    dropbox::Error,
    failed::FailureKind,
    filter,
    local::link,
    report,
    side::{Side, SideError, What},
    tree::{Document, FileInfo},
};

/// The arguments of `cat`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The bytes of a whole file are compared with Dropbox's content hash: if they differ, they were printed all the \
                  same, and the exit code isn't 0. The bytes of a part (--head, --tail, --offset, --count) can't be compared.\n\n\
                  Example: node-tool cat dbx:results/run7.log --tail 2000"
)]
pub struct Args {
    /// A file, or a folder with files: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Only the first N bytes of each
    #[arg(long, value_name = "N", conflicts_with_all = ["tail", "offset", "count"])]
    head: Option<u64>,
    /// Only the last N bytes of each
    #[arg(long, value_name = "N", conflicts_with_all = ["offset", "count"])]
    tail: Option<u64>,
    /// Begin at byte N of each; negative counts from the end
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    offset: Option<i64>,
    /// Only N bytes of each
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    symlinks: SymlinkFlags,
    #[command(flatten)]
    filter: filter::Flags,
}

/// Prints them, in the order of their paths.
///
/// # Errors
/// When the only one can't be read to its end, or came damaged. Of several, the others are printed, and the exit code tells.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.side(&args.path)?;
    let found = side.look(&args.filter.filter()?, args.symlinks.symlinks()).await;
    let found = found.map_err(|e| side_failure("list", &side, &e))?;
    if found.what == What::Nothing {
        return Err(missing(&side));
    }
    tell_skipped(&found);
    let mut failures = vec![FailureKind::Permanent; found.problems.len()];
    for (path, reason) in &found.problems {
        report::warn(&format!("left out '{path}': {reason}"));
    }
    for entry in &found.entries {
        let Some(file) = entry.file() else { continue };
        let place = if found.what == What::File {
            side.clone()
        } else {
            side.join(&entry.path)
        };
        let printed = match (file.document(), &place) {
            (Some(document), _) => print_export(&place, document, args).await,
            // Some files, those in /proc for example, are longer than their size says.
            (None, Side::Local(_)) if args.is_whole() => print(&place, file, 0, u64::MAX).await,
            (None, _) => match args.range(file.size_bytes) {
                (from, to) if from >= to => continue,
                (from, to) => print(&place, file, from, to).await,
            },
        };
        let (failure, kind, is_end) = match printed {
            Ok(Printed::Right) => continue,
            Ok(Printed::Wrong) => (damaged(&place), FailureKind::Temporary, false),
            Ok(Printed::NobodyReads) => return Ok(exit::SUCCESS),
            Err(error) => {
                let is_end = matches!(&error, SideError::Dropbox(error) if error.ends_run());
                let kind = FailureKind::from(&error);
                (side_failure("read", &place, &error), kind, is_end)
            }
        };
        if is_end || found.what == What::File {
            return Err(failure);
        }
        report::error(&failure);
        failures.push(kind);
    }
    Ok(FailureKind::exit_code(failures).unwrap_or(exit::SUCCESS))
}

/// Other bytes came than Dropbox has.
fn damaged(place: &Side) -> Failure {
    let name = place.location();
    Failure::new(format!("what was printed of '{name}' isn't what Dropbox has"))
        .why("the content hash of the bytes that came is another: they were damaged on the way")
        .next(format!("node-tool cat '{name}'"))
}

/// Prints a part of a cloud document's export, whose size is known when it comes.
async fn print_export(place: &Side, document: &Document, args: &Args) -> Result<Printed, SideError> {
    let Side::Remote { client, .. } = place else {
        return Ok(Printed::Right);
    };
    let arg = ExportArg {
        path: document.id.clone(),
        export_format: document.chosen.clone(),
    };
    let mut tries = client.tries();
    let mut download = client.download(&EXPORT, &arg, None, &mut tries).await?;
    let expected = download.answer.export_metadata.export_hash;
    let (from, to) = args.range(download.answer.export_metadata.size);
    let (mut at, mut hasher) = (0_u64, Hasher::new());
    while let Some(chunk) = download.chunk().await? {
        let within = |byte: u64| {
            let byte = byte.clamp(at, at + chunk.len() as u64) - at;
            usize::try_from(byte).unwrap_or(chunk.len())
        };
        let wanted = within(from)..within(to).max(within(from));
        if !written(io::stdout().lock().write_all(&chunk[wanted]))? {
            return Ok(Printed::NobodyReads);
        }
        hasher.update(&chunk);
        at += chunk.len() as u64;
    }
    Ok(match expected {
        Some(hash) if hash != hasher.finish() => Printed::Wrong,
        _ => Printed::Right,
    })
}

impl Args {
    /// Whether all of each file is wanted.
    fn is_whole(&self) -> bool {
        self.head.or(self.tail).or(self.count).is_none() && self.offset.is_none()
    }

    /// From which byte to which, the latter excluded.
    fn range(&self, size: u64) -> (u64, u64) {
        if let Some(head) = self.head {
            return (0, head.min(size));
        }
        if let Some(tail) = self.tail {
            return (size.saturating_sub(tail), size);
        }
        let from = match self.offset {
            Some(offset) if offset < 0 => size.saturating_sub(offset.unsigned_abs()),
            offset => offset.unwrap_or(0).unsigned_abs().min(size),
        };
        let to = self
            .count
            .map_or(size, |count| size.min(from.saturating_add(count)));
        (from, to)
    }
}

/// So many bytes show that a connection that breaks again and again still gets on.
const PROGRESS_BYTES: u64 = 256 << 10;

/// What a part can be read of.
trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// How printing a file ended.
enum Printed {
    /// The bytes are right, as far as that can be told.
    Right,
    /// They aren't those of the file's hash.
    Wrong,
    /// The reader went away.
    NobodyReads,
}

/// Prints a part of a file.
async fn print(place: &Side, file: &FileInfo, from: u64, to: u64) -> Result<Printed, SideError> {
    match place {
        Side::Local(path) => {
            let mut open: Box<dyn ReadSeek> = match link::meant(path) {
                Some(symlink) => Box::new(io::Cursor::new(link::content(&symlink)?)),
                None => Box::new(std::fs::File::open(path)?),
            };
            open.seek(SeekFrom::Start(from))?;
            let copied = io::copy(&mut open.take(to - from), &mut io::stdout().lock());
            written(copied.map(drop)).map(|is_read| {
                if is_read {
                    Printed::Right
                } else {
                    Printed::NobodyReads
                }
            })
        }
        Side::Remote { client, .. } => {
            let rev = file
                .remote
                .as_ref()
                .map(|remote| remote.rev.clone())
                .unwrap_or_default();
            let arg = PathArg {
                path: format!("rev:{rev}"),
            };
            let is_whole = from == 0 && to == file.size_bytes;
            let expected = file.known_hash().filter(|_| is_whole);
            let mut hasher = expected.map(|_| Hasher::new());
            if expected.is_none() {
                tracing::info!(object = %place.location(), "printed without comparing a hash: only whole files have one");
            }
            let mut at = from;
            let mut tries = client.tries();
            while at < to {
                let whole = at == 0 && is_whole;
                let mut download = client
                    .download(&DOWNLOAD, &arg, (!whole).then_some((at, to - 1)), &mut tries)
                    .await?;
                if !whole && !download.partial {
                    return Err(Error::NotDropbox("the range was ignored".into()).into());
                }
                if download.answer.rev != rev || download.answer.size != file.size_bytes {
                    return Err(Error::NotDropbox("another revision came than was asked for".into()).into());
                }
                let before = at;
                let broken = loop {
                    match download.chunk().await {
                        Ok(Some(chunk)) => {
                            if chunk.len() as u64 > to - at {
                                return Err(
                                    Error::NotDropbox("more bytes came than were asked for".into()).into()
                                );
                            }
                            at += chunk.len() as u64;
                            if let Some(hasher) = &mut hasher {
                                tokio::task::block_in_place(|| hasher.update(&chunk));
                            }
                            if !written(io::stdout().lock().write_all(&chunk))? {
                                return Ok(Printed::NobodyReads);
                            }
                        }
                        Ok(None) => break None,
                        Err(error) => break Some(error),
                    }
                };
                if at >= to {
                    break;
                }
                // What broke goes on where it broke.
                let error = broken.unwrap_or_else(|| Error::NotDropbox("it ended too early".into()));
                if at - before >= PROGRESS_BYTES {
                    tries.made_progress();
                }
                let Some(wait) = tries.wait_after(&error) else {
                    return Err(error.into());
                };
                tokio::time::sleep(wait).await;
            }
            Ok(match hasher.map(Hasher::finish) == expected {
                true => Printed::Right,
                false => Printed::Wrong,
            })
        }
    }
}

fn written(done: io::Result<()>) -> Result<bool, SideError> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}
