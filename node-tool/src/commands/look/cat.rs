//! `cat`: files on the standard output.

use std::io::{self, Read, Seek, SeekFrom, Write};

use shared::{
    api::files::{DOWNLOAD, PathArg},
    exit,
    failure::Failure,
};

use super::{App, missing, side_failure};
use crate::{
    dropbox::Error,
    filter,
    local::Symlinks,
    side::{Side, SideError, What},
    tree::{Entry, FileInfo},
};

/// The arguments of `cat`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool cat dbx:results/run7.log --tail 2000")]
pub struct Args {
    /// A file, or a folder with files: NAME:path, or a local path
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
    filter: filter::Flags,
}

/// Prints them, in the order of their paths.
///
/// # Errors
/// When one can't be read to its end.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.side(&args.path)?;
    let found = side.look(&args.filter.filter()?, Symlinks::Tell).await;
    let found = found.map_err(|e| side_failure("list", &side, &e))?;
    if found.what == What::Nothing {
        return Err(missing(&side));
    }
    for entry in &found.entries {
        let Some(file) = entry.file() else { continue };
        let place = if found.what == What::File {
            side.clone()
        } else {
            side.join(&entry.path)
        };
        let (from, to) = args.range(file.size_bytes);
        if from >= to {
            continue;
        }
        match print(&place, entry, file, from, to).await {
            Ok(true) => {}
            Ok(false) => return Ok(exit::SUCCESS), // nobody reads any more
            Err(error) => return Err(side_failure("read", &place, &error)),
        }
    }
    Ok(if found.problems.is_empty() {
        exit::SUCCESS
    } else {
        exit::ERROR
    })
}

impl Args {
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

/// Prints a part of a file. False if the reader went away.
async fn print(place: &Side, entry: &Entry, file: &FileInfo, from: u64, to: u64) -> Result<bool, SideError> {
    match place {
        Side::Local(path) => {
            let mut open = std::fs::File::open(path)?;
            open.seek(SeekFrom::Start(from))?;
            let copied = io::copy(&mut open.take(to - from), &mut io::stdout().lock());
            written(copied.map(drop))
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
            let mut at = from;
            while at < to {
                let whole = at == 0 && to == file.size_bytes;
                let mut download = client
                    .download(&DOWNLOAD, &arg, (!whole).then_some((at, to - 1)))
                    .await?;
                if !whole && !download.partial {
                    return Err(Error::NotDropbox("the range was ignored".into()).into());
                }
                let before = at;
                let broken = loop {
                    match download.chunk().await {
                        Ok(Some(chunk)) => {
                            at += chunk.len() as u64;
                            if !written(io::stdout().lock().write_all(&chunk))? {
                                return Ok(false);
                            }
                        }
                        Ok(None) => break None,
                        Err(error) => break Some(error),
                    }
                };
                // What broke goes on where it broke, unless nothing comes any more.
                if at == before {
                    let short = || Error::NotDropbox(format!("'{}' ended too early", entry.path));
                    return Err(broken.unwrap_or_else(short).into());
                }
            }
            Ok(true)
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
