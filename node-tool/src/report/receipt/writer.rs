//! Writes a receipt while a transfer runs: into a temporary file, which gets the receipt's name at the end, however that comes.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use shared::failure::Failure;
use tempfile::NamedTempFile;

use super::{File, Head, Line, Total};

/// The permissions of a receipt, before the umask.
const MODE: u32 = 0o666;

/// The receipt that is being written, for the end of a process that can't wait for its tasks.
static UNFINISHED: Mutex<Weak<Receipt>> = Mutex::new(Weak::new());

/// Ends the receipt that is being written, if there is one: with what was done so far.
pub fn end_unfinished() {
    let receipt = UNFINISHED.lock().upgrade();
    if let Some(receipt) = receipt {
        receipt.interrupt();
    }
}

/// A receipt that is being written. It gets its name only when it ends. One that is dropped ends as incomplete, if the transfer
/// had started; otherwise nothing is written, and an older receipt stays.
#[derive(Debug)]
pub struct Receipt {
    path: PathBuf,
    /// `None` once it has ended.
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    out: BufWriter<Output>,
    has_started: bool,
    /// For each source, what came of its last run: the number of files that failed, and whether everything was tried.
    runs: BTreeMap<String, (u64, bool)>,
    files: u64,
    bytes: u64,
    /// The first failure to write.
    failure: Option<io::Error>,
}

/// Where it is written to.
#[derive(Debug)]
enum Output {
    /// A file that gets another name at the end.
    Temporary(NamedTempFile),
    /// A pipe or a device, which has to stay what it is.
    Stream(fs::File),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Temporary(file) => file.write(bytes),
            Self::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Temporary(file) => file.flush(),
            Self::Stream(file) => file.flush(),
        }
    }
}

impl Receipt {
    /// Begins a receipt that will be at `path`; an older one there is replaced when it ends.
    ///
    /// # Errors
    /// When it can't be written there.
    pub fn begin(path: &Path, head: Head) -> Result<Arc<Self>, Failure> {
        let failed = |error: io::Error| {
            Failure::usage(format!("--report: could not write '{}'", path.display())).why(error)
        };
        let mut receipt = Self::open(path).map_err(failed)?;
        if let Some(state) = receipt.state.get_mut() {
            state.write(&Line::Receipt(head));
            let written = state.failure.take().map_or_else(|| state.out.flush(), Err);
            written.map_err(failed)?;
        }
        let receipt = Arc::new(receipt);
        *UNFINISHED.lock() = Arc::downgrade(&receipt);
        Ok(receipt)
    }

    fn open(path: &Path) -> io::Result<Self> {
        let there = fs::metadata(path).ok();
        if there.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let (path, output) = match there {
            Some(there) if !there.is_file() => {
                let stream = fs::File::options().write(true).open(path)?;
                (path.to_owned(), Output::Stream(stream))
            }
            there => {
                // What a symlink leads to is replaced, not the symlink.
                let path = match there {
                    Some(_) => path.canonicalize()?,
                    None => path.to_owned(),
                };
                let temporary = temporary_beside(&path)?;
                (path, Output::Temporary(temporary))
            }
        };
        Ok(Self {
            path,
            state: Mutex::new(Some(State {
                out: BufWriter::new(output),
                has_started: false,
                runs: BTreeMap::new(),
                files: 0,
                bytes: 0,
                failure: None,
            })),
        })
    }

    /// Notes that the transfer starts: however it ends from now on, there will be a receipt.
    pub fn start(&self) {
        if let Some(state) = &mut *self.state.lock() {
            state.has_started = true;
        }
    }

    /// Ends it where the transfer was interrupted.
    fn interrupt(&self) {
        let mut state = self.state.lock();
        if state.as_ref().is_some_and(|state| !state.has_started) {
            state.take();
        }
        drop(state);
        let _ = self.end_as(false); // what interrupts it is reported
    }

    /// Adds a file.
    pub fn add(&self, file: File) {
        if let Some(state) = &mut *self.state.lock() {
            state.files += 1;
            state.bytes += file.size;
            state.write(&Line::File(file));
        }
    }

    /// Returns whether no run of a source was noted before: of a later one, what is there already is in the receipt.
    pub fn is_first_run(&self, source: &str) -> bool {
        let state = self.state.lock();
        state
            .as_ref()
            .is_some_and(|state| !state.runs.contains_key(source))
    }

    /// Notes what came of a run of a source: the number of files that failed, and whether everything was tried.
    pub fn note_run(&self, source: &str, failed: u64, complete: bool) {
        if let Some(state) = &mut *self.state.lock() {
            state.runs.insert(source.to_owned(), (failed, complete));
        }
    }

    /// Ends it: it is at its path then.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn end(&self) -> Result<(), Failure> {
        self.end_as(true)
    }

    /// Ends it, if it hasn't ended; not `complete` if a run was not.
    fn end_as(&self, complete: bool) -> Result<(), Failure> {
        let Some(mut state) = self.state.lock().take() else {
            return Ok(());
        };
        let total = Total {
            files: state.files,
            bytes: state.bytes,
            failed: state.runs.values().map(|(failed, _)| failed).sum(),
            complete: complete && state.runs.values().all(|(_, complete)| *complete),
        };
        state.write(&Line::Total(total));
        let ended = state.finish(&self.path);
        ended.map_err(|error| {
            Failure::new(format!("could not write the receipt '{}'", self.path.display()))
                .why(error)
                .hint("the files were transferred; repeat the command with another --report to have a receipt of them")
        })
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.interrupt();
    }
}

impl State {
    fn write(&mut self, line: &Line) {
        if self.failure.is_some() {
            return;
        }
        let written = serde_json::to_writer(&mut self.out, line)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"));
        self.failure = written.err();
    }

    fn finish(mut self, path: &Path) -> io::Result<()> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        match self.out.into_inner().map_err(io::IntoInnerError::into_error)? {
            Output::Stream(mut stream) => stream.flush(),
            Output::Temporary(file) => {
                file.as_file().sync_all()?;
                file.persist(path).map(drop).map_err(|error| error.error)
            }
        }
    }
}

/// Makes a hidden file in the folder of `path`, named like those of unfinished downloads: no listing has it, and 'cleanup' finds it
/// if the process is killed.
fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::Builder::new()
        .prefix(&stores::local::temporary_name())
        .rand_bytes(0)
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::report::receipt::{Action, SCHEMA};

    fn head() -> Head {
        Head {
            schema: SCHEMA,
            version: "1".into(),
            command: "copy".into(),
            source: "a".into(),
            target: "b".into(),
            time: "2026-11-28T20:00:00Z".into(),
        }
    }

    fn file(path: &str) -> File {
        File {
            path: path.into(),
            size: 7,
            rev: None,
            content_hash: None,
            digests: std::collections::BTreeMap::new(),
            action: Action::Copied,
        }
    }

    fn lines(path: &Path) -> Vec<Line> {
        let text = fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn it_gets_its_name_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt");
        fs::write(&path, "old").unwrap();
        let receipt = Receipt::begin(&path, head()).unwrap();
        receipt.add(file("x"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        receipt.note_run("a", 5, false);
        assert!(receipt.is_first_run("b") && !receipt.is_first_run("a"));
        receipt.note_run("a", 2, true);
        receipt.end().unwrap();
        receipt.add(file("late"));
        let total = Total {
            files: 1,
            bytes: 7,
            failed: 2,
            complete: true,
        };
        assert_eq!(
            lines(&path),
            [Line::Receipt(head()), Line::File(file("x")), Line::Total(total)]
        );
        assert_eq!(names(folder.path()), ["receipt"]);
        // As any new file has it, and not like a temporary one.
        let reference = folder.path().join("reference");
        fs::write(&reference, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&reference));
    }

    #[test]
    fn one_that_is_dropped_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt");
        drop(Receipt::begin(&path, head()).unwrap());
        assert_eq!(
            names(folder.path()),
            <[String; 0]>::default(),
            "nothing had started"
        );
        let receipt = Receipt::begin(&path, head()).unwrap();
        receipt.start();
        receipt.add(file("x"));
        drop(receipt);
        assert!(
            matches!(lines(&path).last(), Some(Line::Total(total)) if !total.complete && total.files == 1)
        );
    }

    #[test]
    fn symlinks_lead_on_and_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "").unwrap();
        symlink("real", &link).unwrap();
        Receipt::begin(&link, head()).unwrap().end().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(lines(&real).len(), 2);
        for wrong in [folder.path().to_owned(), folder.path().join("none/receipt")] {
            assert!(Receipt::begin(&wrong, head()).is_err(), "{}", wrong.display());
        }
    }
}
