//! The folder that holds a plan: the plan itself, a log for each worker, and leases of what workers are at. Several processes use it
//! at once, on several machines, over file systems without locks and with clocks that differ.
//!
//! ```text
//! plan/plan.jsonl        the plan, written once
//! plan/workers/NAME.log  what a worker has done; only that worker appends to it
//! plan/leases/WHAT       the name of the worker that is at it
//! ```

mod lease;
mod log;
mod process;

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use engine::plan::{
    StepId,
    file::{PlanFile, PlanFileError},
    progress::{Progress, records},
};
use shared::{exit, failure::Failure, plain::quoted};

pub(crate) use lease::{Lease, Taken};
pub(crate) use log::WorkerLog;
pub(crate) use process::{Standing, me};

/// The plan's file.
const PLAN: &str = "plan.jsonl";
/// The folder of the logs.
const WORKERS: &str = "workers";
/// The folder of the leases.
const LEASES: &str = "leases";
/// The extension of the logs.
const LOG: &str = "log";

/// A folder that holds a plan.
#[derive(Clone, Debug)]
pub(crate) struct PlanDir {
    path: PathBuf,
}

impl PlanDir {
    /// Writes a plan into a folder, which is made if it isn't there.
    ///
    /// # Errors
    /// When a plan is there already, or it can't be written.
    pub(crate) fn create(path: &Path, plan: &PlanFile) -> Result<Self, Failure> {
        let dir = Self {
            path: path.to_owned(),
        };
        if path.join(PLAN).exists() {
            return Err(there_already(path));
        }
        match dir.write(plan) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(there_already(path)),
            Err(error) => {
                Err(Failure::new(format!("could not write the plan to '{}'", path.display())).why(error))
            }
            Ok(()) => Ok(dir),
        }
    }

    fn write(&self, plan: &PlanFile) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        fs::create_dir_all(self.path.join(WORKERS))?;
        fs::create_dir_all(self.path.join(LEASES))?;
        let mut file = tempfile::Builder::new()
            .prefix(".plan.")
            .tempfile_in(&self.path)?;
        let mut out = BufWriter::with_capacity(1 << 20, file.as_file_mut());
        plan.write(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_all()?;
        file.persist_noclobber(self.path.join(PLAN))
            .map(drop)
            .map_err(|error| error.error)
    }

    /// Opens a folder and reads its plan.
    ///
    /// # Errors
    /// When there is none, or it can't be used.
    pub(crate) fn open(path: &Path) -> Result<(Self, PlanFile), Failure> {
        let file = File::open(path.join(PLAN)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Failure::new(format!("'{}' holds no plan", path.display()))
                    .hint("make one with copy, move or sync, and --plan-out")
                    .code(exit::DIRECTORY_NOT_FOUND)
            }
            _ => Failure::new(format!("could not read the plan in '{}'", path.display())).why(error),
        })?;
        let plan = PlanFile::read(BufReader::with_capacity(1 << 18, file))
            .map_err(|error| unusable(path, &error))?;
        Ok((
            Self {
                path: path.to_owned(),
            },
            plan,
        ))
    }

    /// Returns the folder, as a word of a command line.
    pub(crate) fn typed(&self) -> String {
        quoted(&self.path.display().to_string())
    }

    fn log_path(&self, worker: &str) -> PathBuf {
        self.path.join(WORKERS).join(format!("{worker}.{LOG}"))
    }
}

fn there_already(path: &Path) -> Failure {
    Failure::usage(format!("'{}' holds a plan already", path.display()))
        .hint("give --plan-out another folder, or remove that one if its plan is of no use any more")
}

fn unusable(path: &Path, error: &PlanFileError) -> Failure {
    let failure = Failure::new(format!("the plan in '{}' can't be used", path.display())).why(error);
    match error {
        PlanFileError::Io(_) => failure,
        PlanFileError::OtherVersion(_) => {
            failure.hint("carry it out with the program that made it, or make a new plan")
        }
        _ => failure.hint("nothing was changed; make a new plan, in another folder"),
    }
    .code(exit::FATAL)
}

/// What all workers have noted, as far as it was read.
#[derive(Debug)]
pub(crate) struct Logs {
    dir: PlanDir,
    /// How far each log was read, in bytes.
    read: HashMap<String, u64>,
    /// What it adds up to.
    pub(crate) progress: Progress,
}

impl Logs {
    /// Returns what has been noted about a plan whose last step has the number `last`.
    ///
    /// # Errors
    /// When the logs can't be read.
    pub(crate) fn read(dir: &PlanDir, last: StepId) -> io::Result<Self> {
        let mut logs = Self {
            dir: dir.clone(),
            read: HashMap::new(),
            progress: Progress::new(last),
        };
        logs.refresh()?;
        Ok(logs)
    }

    /// Reads what has been noted since the last time.
    ///
    /// # Errors
    /// When the logs can't be read.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        let folder = self.dir.path.join(WORKERS);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let is_log = path.extension().is_some_and(|extension| extension == LOG);
            let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_log) else {
                continue;
            };
            self.refresh_one(name, &path)?;
        }
        Ok(())
    }

    fn refresh_one(&mut self, name: &str, path: &Path) -> io::Result<()> {
        let from = self.read.get(name).copied().unwrap_or(0);
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // Half a line is read again when it is whole.
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let text = String::from_utf8_lossy(&bytes[..whole]);
        for record in records(&text) {
            self.progress.take(name, record);
        }
        self.read.insert(name.to_owned(), from + whole as u64);
        Ok(())
    }
}
