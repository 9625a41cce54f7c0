//! Files of our own in the cache directory, which are replaced as a whole: what a killed process left half written goes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

/// What the names of half written files end in.
const ENDING: &str = "new";
/// Where locks say nothing, a file that wasn't written to for so long belongs to nobody.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Writes a new version of the file at `path` beside it and renames it; only we may read it. Its folder is made.
///
/// # Errors
/// When it can't be written; the old version stays.
pub fn replace_file(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = path.with_extension(format!(
        "{}{:08x}.{ENDING}",
        std::process::id(),
        rand::random::<u32>()
    ));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    let _ = file.try_lock(); // as long as it is open, it is somebody's
    let placed = write(&file).and_then(|()| fs::rename(&new, path));
    if placed.is_err() {
        let _ = fs::remove_file(&new); // it is of no use
    }
    placed
}

/// Removes what killed processes left half written in a folder.
pub fn sweep_half_written(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_half_written(&path) && is_abandoned(&path) {
            let _ = fs::remove_file(path); // it is of no use, and does no harm
        }
    }
}

/// `NAME.DIGITS.new`
fn is_half_written(path: &Path) -> bool {
    let digits = path
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_suffix(ENDING)?.strip_suffix('.')?.rsplit_once('.'));
    digits.is_some_and(|(name, digits)| {
        !name.is_empty() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn is_abandoned(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => file
            .metadata()
            .is_ok_and(|there| super::is_older(&there, ABANDONED)),
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
        sweep_half_written(directory.path());
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
