//! `cat`: files on the standard output.
//!
//! What is printed can't be taken back, so a whole file is hashed as it is printed, and a hash that isn't the listing's makes
//! the command fail. A part of a file has no hash to compare with.

use std::io::{self, Write};

use engine::{Retry, entry::FileMeta, listing::RootKind};
use shared::{exit, failure::Failure};
use stores::{Place, Range, Read};

use super::{App, missing, place_failure};
use crate::{
    commands::sources::missing_or_pattern,
    commands::{exit_code, job},
    flags::{
        filter::FilterFlags,
        symlinks::{SymlinkFlags, log_skipped},
    },
    report,
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
    /// Print only the first N bytes of each file
    #[arg(long, value_name = "N", conflicts_with_all = ["tail", "offset", "count"])]
    head: Option<u64>,
    /// Print only the last N bytes of each file
    #[arg(long, value_name = "N", conflicts_with_all = ["offset", "count"])]
    tail: Option<u64>,
    /// Start at byte N of each file; negative numbers count from the end
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    offset: Option<i64>,
    /// Print at most N bytes of each file; a negative number means all
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    count: Option<i64>,
    /// Print TEXT after each file, such as $'\n'
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    separator: String,
    /// Read and compare everything, and print nothing
    #[arg(long)]
    discard: bool,
    /// Print the file as it was at this revision: see 'node-tool revisions'
    #[arg(long)]
    rev: Option<String>,
    #[command(flatten)]
    filter: FilterFlags,
    #[command(flatten)]
    symlinks: SymlinkFlags,
}

/// Prints them, in the order of their paths.
///
/// # Errors
/// When the only one can't be read to its end, or came damaged. Of several, the others are printed, and the exit code reports it.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.place(&args.path)?;
    if let Some(rev) = &args.rev {
        return at_revision(&side, rev, args).await;
    }
    let found = side
        .list_filtered(&args.filter.filter()?, args.symlinks.symlinks())
        .await;
    let found = found.map_err(|e| place_failure("list", &side, &e))?;
    if found.root == RootKind::Missing {
        return Err(missing_or_pattern("cat", &args.path, &side, ""));
    }
    log_skipped(&found);
    let mut failures = vec![Retry::Never; found.unreadable.len()];
    report::left_out(&found.unreadable)?;
    for entry in &found.entries {
        let Some(file) = entry.file() else { continue };
        let place = match found.root {
            RootKind::File => side.clone(),
            _ => side.join(&entry.path),
        };
        let (failure, retry, ends_run) = match print(&place, file, args).await {
            Ok(Read::Done { .. }) if !args.discard && !args.separator.is_empty() => {
                report::result(&args.separator)?;
                continue;
            }
            Ok(Read::Done { .. }) => continue,
            Ok(Read::Damaged) => (damaged(&place), Retry::Later, false),
            Ok(Read::Stopped) => return Ok(exit::SUCCESS),
            Err(error) => (
                place_failure("read", &place, &error),
                error.retry(),
                error.ends_run(),
            ),
        };
        if ends_run || found.root == RootKind::File {
            return Err(failure);
        }
        report::error(&failure);
        failures.push(retry);
    }
    Ok(exit_code(Retry::of_all(failures)).unwrap_or(exit::SUCCESS))
}

/// Prints a file as it was.
///
/// # Errors
/// When Dropbox doesn't have the revision, or it can't be read to its end.
async fn at_revision(place: &Place, rev: &str, args: &Args) -> Result<u8, Failure> {
    let entry = job::revision::find(place, rev).await?;
    let Some(file) = entry.file() else {
        return Err(missing(place));
    };
    match print(place, file, args).await {
        Ok(Read::Done { .. } | Read::Stopped) => Ok(exit::SUCCESS),
        Ok(Read::Damaged) => Err(damaged(place)),
        Err(error) => Err(place_failure("read", place, &error)),
    }
}

/// Other bytes came than Dropbox has.
fn damaged(place: &Place) -> Failure {
    let place_typed = place.typed();
    Failure::new(format!("what was printed of '{place}' isn't what Dropbox has"))
        .why("the content hash of the bytes that came is another: they were damaged on the way")
        .next(format!("node-tool cat {place_typed}"))
}

impl Args {
    /// Returns the maximum number of bytes of each file. `None` means all.
    fn most(&self) -> Option<u64> {
        self.count.and_then(|count| u64::try_from(count).ok())
    }

    /// Returns which bytes of each file are wanted.
    fn range(&self) -> Range {
        match (self.head, self.tail) {
            (Some(head), _) => Range::Head(head),
            (None, Some(tail)) => Range::Tail(tail),
            (None, None) if self.most().is_none() && self.offset.is_none() => Range::All,
            (None, None) => Range::From {
                offset: self.offset.unwrap_or(0),
                count: self.most(),
            },
        }
    }
}

/// Prints a part of a file.
async fn print(place: &Place, file: &FileMeta, args: &Args) -> engine::Result<Read> {
    let range = args.range();
    let (from, to) = range.of(file.size_bytes);
    let is_known = file.document().is_none() && (range != Range::All || !place.is_local());
    if is_known && from >= to {
        return Ok(Read::Done { compared: false });
    }
    let is_part = from > 0 || to < file.size_bytes || file.checksum().is_none();
    if is_part && file.document().is_none() && !place.is_local() {
        tracing::info!(object = %place, "printed without comparing a hash: only whole files have one");
    }
    let sink: fn(&[u8]) -> io::Result<bool> = if args.discard { discard_chunk } else { print_chunk };
    place.read(file, range, &mut { sink }).await
}

/// Takes bytes and does nothing with them.
#[expect(clippy::unnecessary_wraps, reason = "as print_chunk")]
fn discard_chunk(_: &[u8]) -> io::Result<bool> {
    Ok(true)
}

/// Prints bytes. Returns whether stdout still has a reader.
fn print_chunk(bytes: &[u8]) -> io::Result<bool> {
    match io::stdout().lock().write_all(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}
