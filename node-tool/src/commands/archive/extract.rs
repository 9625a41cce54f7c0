//! `archive extract`: what is in an archive as files. Nothing is written outside of the folder, and no file is replaced unasked.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    io::{self, Read},
    os::unix::ffi::OsStrExt as _,
    path::Path,
    sync::Arc,
};

use engine::{
    entry::{FileMeta, Modified},
    filter::Filter,
    listing::{RootKind, Symlinks},
};
use shared::{exit, failure::Failure, raw};
use stores::{Place, StateDir, WriteOptions, Written};
use tokio::{runtime::Handle, sync::oneshot::Receiver};

use super::{
    App, Found,
    list::{filter, lets_in},
    names::{below, stays_below},
    now,
    pipe::pipe,
    place_failure,
    reader::{Kind, Member, Visitor, Want, each},
    thread,
};
use crate::{
    commands::change::report_step,
    flags::filter::FilterFlags,
    report::{
        self,
        format::on_one_line,
        json::{self, Action, Object, Outcome, Step},
    },
};

/// Maximum size in bytes of a file that is kept in memory until it is written, so that several are written at once.
const SMALL_BYTES: u64 = 4 << 20;
/// Maximum number of small files that are written at once.
const MAX_WRITES: usize = 6;
/// Maximum length in bytes of where a symlink leads.
const MAX_LINK: u64 = 4096;

/// The arguments of `archive extract`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A name that leads out of DEST is refused. A file that is there stays, unless it is the same by size and time, or \
                  --overwrite is given. With filters, only the parts of a zip or a tar are read that are wanted.\n\n\
                  Example: node-tool archive extract dbx:data.zip /scratch/data --include '*.csv'"
)]
pub struct Args {
    /// The archive: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    archive: String,
    /// The folder to write to: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    dest: String,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
    /// Show what would be written, without writing it
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    filter: FilterFlags,
}

/// Extracts.
pub(super) async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let found = Found::new(&args.archive, app).await?;
    let dest = app.place(&args.dest)?;
    let mut extractor = Extractor {
        there: there(&dest).await?,
        dest,
        filter: filter(&args.filter)?,
        overwrite: args.overwrite,
        dry_run: args.dry_run,
        memory_bytes: app.memory_bytes,
        state_dir: app.state.clone(),
        runtime: Handle::current(),
        written: HashSet::new(),
        writes: Vec::new(),
        folders: Vec::new(),
        links: Vec::new(),
        counts: Counts::default(),
    };
    let work = move || {
        let (archive, format) = found.open()?;
        let read = each(archive, format, &mut extractor);
        extractor.finish();
        let counts = extractor.counts;
        counts.report();
        read.map_err(|error| found.unreadable(&error))?;
        Ok(counts.code())
    };
    let done = thread::spawn(work).await;
    done.map_err(|e| Failure::new("could not extract the archive").why(e))?
}

/// Returns the files that are at the target.
async fn there(dest: &Place) -> Result<HashMap<String, FileMeta>, Failure> {
    let listed = dest.list_target(&Filter::default(), Symlinks::Skip).await;
    let listed = listed.map_err(|e| place_failure("list", dest, &e))?;
    if listed.root == RootKind::File {
        return Err(Failure::usage(format!("'{dest}' is a file; name a folder")));
    }
    let key = keys(dest);
    let files = listed.entries.into_iter();
    Ok(files
        .filter_map(|entry| Some((key(&entry.path), entry.file()?.clone())))
        .collect())
}

/// Returns how names are compared at a place.
fn keys(place: &Place) -> impl Fn(&str) -> String + use<> {
    let ignores_case = place.store().capabilities().names.ignores_case;
    move |path| match ignores_case {
        true => engine::relative_path::fold(path).into_owned(),
        false => path.to_owned(),
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    written: u64,
    bytes: u64,
    same: u64,
    failed: u64,
}

impl Counts {
    /// Reports what was done; what failed is in the total of `--json` already.
    fn report(&self) {
        json::count(|total| {
            total.files = Some(self.written);
            total.bytes = Some(self.bytes);
            total.unchanged = Some(self.same);
        });
        report::note(&self.to_string());
    }

    fn code(self) -> u8 {
        match self.failed {
            0 => exit::SUCCESS,
            _ => exit::ERROR,
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (files, bytes) = (report::files(self.written), report::bytes(self.bytes));
        write!(f, "{files} extracted ({bytes}), {} already there", self.same)?;
        match self.failed {
            0 => Ok(()),
            failed => write!(f, ", {failed} left out"),
        }
    }
}

/// A file that is being written.
type Write = Receiver<engine::Result<Written>>;

struct Extractor {
    dest: Place,
    /// The files that were at the target, by their keys.
    there: HashMap<String, FileMeta>,
    filter: Filter,
    overwrite: bool,
    dry_run: bool,
    memory_bytes: usize,
    state_dir: Option<StateDir>,
    runtime: Handle,
    /// The keys of what was written.
    written: HashSet<String>,
    /// Small files that are being written, and their paths.
    writes: Vec<(String, Write)>,
    folders: Vec<String>,
    /// Symlinks, which are made at the end, so that nothing is written through them.
    links: Vec<(String, String)>,
    counts: Counts,
}

impl Visitor for Extractor {
    fn wants(&mut self, member: &Member) -> io::Result<Want> {
        if !lets_in(&self.filter, member) {
            return Ok(Want::Skip);
        }
        let path = match below(&member.name) {
            Ok(Some(path)) => path,
            Ok(None) => return Ok(Want::Skip),
            Err(refusal) => {
                self.leave_out(&member.name, &refusal.to_string());
                return Ok(Want::Skip);
            }
        };
        Ok(match &member.kind {
            Kind::Folder => {
                self.folders.push(path);
                Want::Skip
            }
            Kind::Other(what) => {
                self.leave_out(&path, &format!("it is {what}"));
                Want::Skip
            }
            Kind::Symlink(Some(target)) => {
                self.link(path, target.clone());
                Want::Skip
            }
            Kind::Symlink(None) => Want::Content,
            Kind::File => self.wants_file(&path, member),
        })
    }

    fn content(&mut self, member: &Member, content: &mut dyn Read) -> io::Result<()> {
        let Ok(Some(path)) = below(&member.name) else {
            return Ok(());
        };
        if matches!(member.kind, Kind::Symlink(_)) {
            let mut target = Vec::new();
            content.take(MAX_LINK + 1).read_to_end(&mut target)?;
            match target.len() as u64 > MAX_LINK {
                true => self.leave_out(&path, "it is a symlink that leads to no path"),
                false => self.link(path, raw::text(OsStr::from_bytes(&target)).into_owned()),
            }
            return Ok(());
        }
        match member.size_bytes <= SMALL_BYTES {
            true => self.write_small(path, member, content),
            false => self.write_big(&path, member, content),
        }
    }
}

impl Extractor {
    fn leave_out(&mut self, path: &str, why: &str) {
        report::warn(&format!("left out '{}': {why}", on_one_line(path)));
        self.failed(path, &engine::Error::new(engine::Retry::Never, why));
    }

    /// Counts what failed.
    fn failed(&mut self, path: &str, error: &engine::Error) {
        self.counts.failed += 1;
        let _ = json::print_failed(Action::Extract, path, error); // a reader sees that the total is missing
    }

    fn wants_file(&mut self, path: &str, member: &Member) -> Want {
        let key = keys(&self.dest)(path);
        if self.written.contains(&key) {
            self.leave_out(path, "it is in the archive twice, and the first one stays");
            return Want::Skip;
        }
        if let Some(there) = self.there.get(&key) {
            let is_same_time = member.modified.is_some_and(|time| is_near(time, there.modified));
            if there.size_bytes == member.size_bytes && is_same_time {
                self.counts.same += 1;
                return Want::Skip;
            }
            if !self.overwrite {
                self.leave_out(path, "another file is there, and stays (--overwrite replaces it)");
                return Want::Skip;
            }
        }
        if self.dry_run {
            let step = Step {
                size: Some(member.size_bytes),
                ..Step::new(Action::Extract, path)
            };
            let _ = report_step(path, "extracting", step); // as in `failed`
            return Want::Skip;
        }
        self.written.insert(key);
        Want::Content
    }

    fn options(&self, member: &Member) -> WriteOptions {
        WriteOptions {
            memory_bytes: self.memory_bytes / 2,
            state_dir: self.state_dir.clone(),
            overwrites_newer: false,
            size_bytes: Some(member.size_bytes),
            modified: member.modified.unwrap_or_else(now),
            is_executable: member.is_executable,
            moved: Arc::new(|_| {}),
        }
    }

    /// Reads a file, and has it written while the next ones are read.
    fn write_small(&mut self, path: String, member: &Member, content: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        content.take(SMALL_BYTES + 1).read_to_end(&mut bytes)?;
        if self.writes.len() >= MAX_WRITES {
            let (path, write) = self.writes.remove(0);
            self.await_write(&path, write);
        }
        let (dest, options, runtime) = (self.dest.clone(), self.options(member), self.runtime.clone());
        let there = self.there.get(&keys(&self.dest)(&path)).cloned();
        let target = path.clone();
        let write = thread::spawn(move || {
            let input = Box::new(io::Cursor::new(bytes));
            let write = dest.write_below(&target, input, there.as_ref(), &options);
            runtime.block_on(write)
        });
        self.writes.push((path, write));
        Ok(())
    }

    /// Writes a file as it is read.
    fn write_big(&mut self, path: &str, member: &Member, content: &mut dyn Read) -> io::Result<()> {
        let (mut writer, reader) = pipe();
        let (dest, options, runtime) = (self.dest.clone(), self.options(member), self.runtime.clone());
        let there = self.there.get(&keys(&self.dest)(path)).cloned();
        let target = path.to_owned();
        let write = thread::spawn(move || {
            let write = dest.write_below(&target, Box::new(reader), there.as_ref(), &options);
            runtime.block_on(write)
        });
        let copied = io::copy(content, &mut writer).and_then(|_| writer.finish());
        let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        match copied {
            // Whoever writes it has failed, and says why.
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                let _ = write.blocking_recv(); // half a file: its end leaves nothing behind
                self.failed(
                    path,
                    &engine::Error::new(engine::Retry::Unknown, error.to_string()),
                );
                return Err(error);
            }
            Ok(()) => {}
        }
        self.await_write(path, write);
        Ok(())
    }

    fn await_write(&mut self, path: &str, write: Write) {
        let done = write.blocking_recv();
        let done = done.map_err(|error| engine::Error::new(engine::Retry::Unknown, error.to_string()));
        match done.flatten() {
            Ok(written) => {
                tracing::info!(object = %path, "Extracted");
                self.counts.written += 1;
                self.counts.bytes += written.size_bytes;
                let _ = json::print(&Object::Outcome(Outcome {
                    size: Some(written.size_bytes),
                    rev: written.version,
                    content_hash: Some(written.checksum),
                    ..Outcome::done(Action::Extract, path)
                })); // as in `failed`
            }
            Err(error) => {
                report::error(&place_failure("extract", &self.dest.join(path), &error));
                self.failed(path, &error);
            }
        }
    }

    fn link(&mut self, path: String, target: String) {
        if !self.dest.is_local() {
            self.leave_out(&path, "it is a symlink, which Dropbox can't have");
        } else if !stays_below(&path, &target) {
            self.leave_out(&path, "it is a symlink that leads out of the folder");
        } else if !self.dry_run {
            self.links.push((path, target));
        }
    }

    /// Waits for all files, and makes what is made last: empty folders, and symlinks.
    fn finish(&mut self) {
        for (path, write) in std::mem::take(&mut self.writes) {
            self.await_write(&path, write);
        }
        if self.dry_run {
            return;
        }
        let folders = std::mem::take(&mut self.folders);
        let paths: Vec<&str> = folders.iter().map(String::as_str).collect();
        let made = self.runtime.block_on(self.dest.store().make_dirs(&paths));
        for (path, outcome) in folders.iter().zip(made) {
            match outcome {
                Ok(()) => drop(json::print(&Object::Outcome(Outcome::done(
                    Action::Mkdir,
                    &**path,
                )))),
                Err(error) => {
                    report::error(&place_failure("make", &self.dest.join(path), &error));
                    self.failed(path, &error);
                }
            }
        }
        for (path, target) in std::mem::take(&mut self.links) {
            self.make_link(&path, &target);
        }
    }

    fn make_link(&mut self, path: &str, target: &str) {
        let Place::Local(store) = &self.dest else { return };
        let made = store.root().make_symlink(path, Path::new(&*raw::name(target)));
        match made {
            Ok(()) => {
                self.counts.written += 1;
                let _ = json::print(&Object::Outcome(Outcome::done(Action::Extract, path))); // as in `failed`
            }
            Err(error) => self.leave_out(path, &error.to_string()),
        }
    }
}

/// A zip has times in steps of two seconds.
fn is_near(one: Modified, other: Modified) -> bool {
    one.seconds.abs_diff(other.seconds) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_say_what_was_done() {
        let counts = Counts {
            written: 2,
            bytes: 2048,
            same: 1,
            failed: 0,
        };
        assert_eq!(
            counts.to_string(),
            "2 files extracted (2.00 KiB), 1 already there"
        );
        assert_eq!(counts.code(), 0);
        let counts = Counts { failed: 3, ..counts };
        assert!(counts.to_string().ends_with(", 3 left out"));
        assert_eq!(counts.code(), 1);
    }

    #[test]
    fn times_of_any_age_are_compared() {
        let at = |seconds| Modified {
            seconds,
            nanoseconds: 0,
        };
        for (one, other, near) in [
            (3, 4, true),
            (4, 3, true),
            (3, 5, false),
            (i64::MIN, i64::MAX, false),
        ] {
            assert_eq!(is_near(at(one), at(other)), near, "{one} {other}");
        }
    }
}
