//! The file that the log goes to. With a maximum size, a full file is set aside under a name with the time, and a new one begun.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::ZonedDateTime;
use parking_lot::Mutex;

/// How the time is written into the name of a file that is set aside.
const STAMP: &str = "%Y-%m-%dT%H-%M-%S%.3f";
/// Permissions of a new file, before the umask.
const NEW_MODE: u32 = 0o666;

/// What happens to a full file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation {
    /// Maximum size of a file, in bytes. `None` means that it is never full.
    pub max_bytes: Option<u64>,
    /// Maximum number of files that were set aside. `None` means any number.
    pub max_backups: Option<usize>,
    /// Maximum age of a file that was set aside. `None` means any.
    pub max_age: Option<Duration>,
    /// Whether files that were set aside are compressed with gzip.
    pub compresses: bool,
}

/// A log file.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    rotation: Rotation,
    open: Mutex<File>,
}

impl LogFile {
    /// Opens a file to append to; it need not exist.
    ///
    /// # Errors
    /// When it can't be opened or made.
    pub fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            rotation,
            open: Mutex::new(appending(path, NEW_MODE)?),
        })
    }

    /// Appends a line. What can't be written is lost: a full disk is no reason to stop.
    pub(super) fn append(&self, line: &str) {
        let mut file = self.open.lock();
        if let Some(max) = self.rotation.max_bytes
            && file
                .metadata()
                .is_ok_and(|now| now.len() > 0 && now.len() + line.len() as u64 > max)
            && let Ok(new) = self.rotate(&file)
        {
            *file = new;
        }
        let _ = file.write_all(line.as_bytes());
    }

    /// Sets the file aside, and returns a new one in its place, with its permissions.
    fn rotate(&self, old: &File) -> io::Result<File> {
        let mode = old.metadata()?.permissions().mode() & 0o777;
        let aside = self.aside();
        if aside.exists() {
            return Err(io::ErrorKind::AlreadyExists.into()); // in the same millisecond: the next line tries again
        }
        std::fs::rename(&self.path, &aside)?;
        let new = appending(&self.path, mode)?;
        if self.rotation.compresses {
            compress(&aside, mode)?;
        }
        self.remove_old()?;
        Ok(new)
    }

    /// Returns a name for the file: `run-2026-11-23T17-00-00.000.log`.
    fn aside(&self) -> PathBuf {
        let (start, end) = self.parts();
        let stamp = ZonedDateTime::now().strftime(STAMP);
        self.path.with_file_name(format!("{start}{stamp}{end}"))
    }

    /// Returns what the names of files that were set aside begin and end with.
    fn parts(&self) -> (String, String) {
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let end = match self.path.extension() {
            Some(end) => format!(".{}", part(Some(end))),
            None => String::new(),
        };
        (format!("{}-", part(self.path.file_stem())), end)
    }

    /// Removes those files that were set aside and are too old or too many.
    fn remove_old(&self) -> io::Result<()> {
        let (start, end) = self.parts();
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut aside: Vec<PathBuf> = std::fs::read_dir(directory.unwrap_or(Path::new(".")))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| is_aside(path, &start, &end))
            .collect();
        aside.sort_unstable_by(|a, b| b.cmp(a)); // the newest first
        let keeps = self.rotation.max_backups.unwrap_or(usize::MAX);
        let oldest = self
            .rotation
            .max_age
            .and_then(|age| SystemTime::now().checked_sub(age));
        for (at, path) in aside.iter().enumerate() {
            let is_too_old = || {
                let written = path.metadata().and_then(|metadata| metadata.modified());
                written.is_ok_and(|written| oldest.is_some_and(|oldest| written < oldest))
            };
            if at >= keeps || is_too_old() {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// Returns whether a name has a time between its two ends, and so is one of ours.
fn is_aside(path: &Path, start: &str, end: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let stamp = name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    stamp.is_some_and(|stamp| jiff::civil::DateTime::strptime("%Y-%m-%dT%H-%M-%S%.f", stamp).is_ok())
}

fn appending(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(mode).open(path)
}

/// Replaces a file by its compressed form.
fn compress(path: &Path, mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    let into = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(mode)
        .open(name)?;
    let mut into = flate2::write::GzEncoder::new(into, flate2::Compression::default());
    io::copy(&mut File::open(path)?, &mut into)?;
    into.finish()?;
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the sizes of the files in a directory, by name, with the time in names as `T`.
    fn files(directory: &Path) -> Vec<(String, u64)> {
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<(String, u64)> = entries
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                let name = match name.split_once("run-20") {
                    Some((_, rest)) => format!("run-T{}", &rest[rest.find('.').unwrap() + 4..]),
                    None => name,
                };
                (name, entry.metadata().unwrap().len())
            })
            .collect();
        files.sort();
        files
    }

    fn written(rotation: Rotation, lines: usize) -> Vec<(String, u64)> {
        let directory = tempfile::tempdir().unwrap();
        // Not ours: its name has no time.
        std::fs::write(directory.path().join("run-final.log"), "x").unwrap();
        for at in 0..lines {
            // As several processes, one after the other.
            let log = LogFile::open(&directory.path().join("run.log"), rotation).unwrap();
            log.append(&format!("{at:09}\n"));
            std::thread::yield_now();
        }
        files(directory.path())
    }

    #[test]
    fn a_full_file_is_set_aside() {
        let other = ("run-final.log".to_owned(), 1);
        let log = |size| ("run.log".to_owned(), size);
        assert_eq!(written(Rotation::default(), 5), [other.clone(), log(50)]);
        let rotation = Rotation {
            max_bytes: Some(25),
            max_backups: Some(1),
            ..Rotation::default()
        };
        let aside = ("run-T.log".to_owned(), 20);
        assert_eq!(written(rotation, 3), [aside.clone(), other.clone(), log(10)]);
        let old = Rotation {
            max_age: Some(Duration::ZERO),
            max_backups: None,
            ..rotation
        };
        assert_eq!(written(old, 3), [other.clone(), log(10)]);
        let small = Rotation {
            compresses: true,
            ..rotation
        };
        let names: Vec<String> = written(small, 3).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["run-T.log.gz", "run-final.log", "run.log"]);
    }
}
