//! The log of this process: what it has done of a plan.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::PathBuf,
};

use engine::plan::{
    StepId,
    progress::{Record, Worker},
};
use parking_lot::Mutex;
use stores::lock;

use super::PlanDir;

/// Maximum length of a host's name in the name of a worker.
const MAX_HOST: usize = 40;

/// The log of this process.
#[derive(Debug)]
pub(crate) struct WorkerLog {
    name: String,
    worker: Worker,
    path: PathBuf,
    file: Mutex<File>,
    pending: Mutex<Pending>,
    /// The first error: what can't be noted is done once more by the next run, which then finds it there.
    error: Mutex<Option<io::Error>>,
}

/// What happened since the last line.
#[derive(Debug, Default)]
struct Pending {
    done: Vec<StepId>,
    failed: Vec<(u32, String)>,
}

impl WorkerLog {
    /// Begins a log.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) fn begin(dir: &PlanDir, worker: Worker) -> io::Result<Self> {
        let host: String = worker
            .host
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' {
                    c
                } else {
                    '_'
                }
            })
            .take(MAX_HOST)
            .collect();
        let name = format!("{host}.{}.{:08x}", worker.pid, rand::random::<u32>());
        let path = dir.log_path(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        let log = Self {
            name,
            worker: worker.clone(),
            path,
            file: Mutex::new(file),
            pending: Mutex::default(),
            error: Mutex::default(),
        };
        log.append(&Record::Worker(worker))?;
        Ok(log)
    }

    /// Returns the worker's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the worker is.
    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    /// Notes that a step is done, with the next line.
    pub(crate) fn done(&self, step: StepId) {
        self.pending.lock().done.push(step);
    }

    /// Notes that a step failed, with the next line.
    pub(crate) fn failed(&self, step: StepId, reason: String) {
        self.pending.lock().failed.push((step.0, reason));
    }

    /// Writes what happened since the last line.
    pub(crate) fn flush(&self) {
        let Pending { done, failed } = std::mem::take(&mut *self.pending.lock());
        if !done.is_empty() {
            self.note(&Record::done(done));
        }
        if !failed.is_empty() {
            self.note(&Record::Failed(failed));
        }
    }

    /// Writes a record, after what happened before it.
    pub(crate) fn record(&self, record: &Record) {
        self.flush();
        self.note(record);
    }

    /// Shows others that this worker lives.
    pub(crate) fn beat(&self) {
        lock::touch(&self.file.lock()); // at worst another worker takes over, and both do the same
    }

    /// Returns the first error, once.
    pub(crate) fn take_error(&self) -> Option<(PathBuf, io::Error)> {
        let error = self.error.lock().take()?;
        Some((self.path.clone(), error))
    }

    fn note(&self, record: &Record) {
        if let Err(error) = self.append(record) {
            self.error.lock().get_or_insert(error);
        }
    }

    fn append(&self, record: &Record) -> io::Result<()> {
        let mut file = self.file.lock();
        file.write_all(record.line().as_bytes())?;
        // Another machine may read it next.
        file.sync_data()
    }
}

impl Drop for WorkerLog {
    fn drop(&mut self) {
        self.record(&Record::Left);
    }
}
