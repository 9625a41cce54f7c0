//! Replaces files of the programs as a whole, as in the cache directory, and removes those that are no longer useful: old ones,
//! and those that a killed process left half written.

use std::{
    fs::{self, DirBuilder, File, Metadata, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
    time::{Duration, SystemTime},
};

/// Suffix of the names of half written files.
const SUFFIX: &str = ".new";
/// Where locks don't work, a half written file counts as abandoned if it wasn't written to for this long.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// Replaces the file at `path` by what `write` writes, in one step: readers see the old version or the new one. Only this user
/// may read the new file. A missing folder is created.
///
/// # Errors
/// When the new version can't be written; the old one stays.
pub fn replace_file(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut prefix = path.file_stem().unwrap_or_default().to_owned();
    prefix.push(format!(".{}{:08x}", std::process::id(), rand::random::<u32>()));
    let new = tempfile::Builder::new()
        .prefix(&prefix)
        .rand_bytes(0) // the prefix is random, in digits that `is_half_written` knows
        .suffix(SUFFIX)
        .tempfile_in(folder)?;
    let _ = new.as_file().try_lock(); // shows other processes that it is being written
    write(new.as_file())?;
    new.persist(path)?;
    Ok(())
}

/// Returns whether a file was last written to longer than `age` ago. A time in the future comes from the clock of another machine.
pub fn is_older(metadata: &Metadata, age: Duration) -> bool {
    let written = metadata.modified().ok();
    let past = written.and_then(|at| SystemTime::now().duration_since(at).ok());
    past.is_some_and(|past| past > age)
}

/// Removes the files in `folder` for which `is_ours` is true and which were last written to longer than `age` ago.
pub fn remove_old(folder: &Path, age: Duration, is_ours: impl Fn(&Path) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_ours(&entry.path()) && entry.metadata().is_ok_and(|there| is_older(&there, age)) {
            let _ = fs::remove_file(entry.path()); // it does no harm
        }
    }
}

/// Removes what killed processes left half written in `folder`.
pub fn remove_half_written(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_half_written(&path) && is_abandoned(&path) {
            let _ = fs::remove_file(path); // it does no harm
        }
    }
}

/// Returns whether the name of a file is `NAME.DIGITS.new`.
fn is_half_written(path: &Path) -> bool {
    let digits = path
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_suffix(SUFFIX)?.rsplit_once('.'));
    digits.is_some_and(|(name, digits)| {
        !name.is_empty() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Returns whether no process writes to a half written file any more.
fn is_abandoned(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => file
            .metadata()
            .is_ok_and(|there| is_older(&there, ABANDONED_AFTER)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_written_files_of_the_dead_go_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in [
            "hashes",
            "hashes.123.new",
            "hashes.12cd.new",
            "notes.new",
            "a.b.new.txt",
            "x.notes.new",
        ] {
            fs::write(path(name), "x").unwrap();
        }
        fs::write(path("hashes.77.new"), "under way").unwrap();
        let alive = File::open(path("hashes.77.new")).unwrap();
        alive.try_lock().unwrap();
        remove_half_written(directory.path());
        let mut names: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "a.b.new.txt",
                "hashes",
                "hashes.77.new",
                "notes.new",
                "x.notes.new"
            ]
        );
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_or_stays() {
        use std::io::Write;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sub/hashes");
        replace_file(&path, |mut file| file.write_all(b"one")).unwrap();
        assert!(replace_file(&path, |_| Err(io::Error::other("no"))).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(directory.path().join("sub")).unwrap().count(), 1);
    }
}
