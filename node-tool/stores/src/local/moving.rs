//! Moving a file of this machine to another folder, which may be on another file system.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::fd::AsFd,
};

use rustix::{
    fs::{AtFlags, Stat, fstat, fsync, openat, symlinkat, unlinkat},
    io::Errno,
};
use shared::content_hash::{ContentHash, Hasher};

use super::{
    Root, rights,
    root::{self, Folder, is_file, is_one, is_symlink, rename_new_at, stat_at},
    temporary::temporary_name,
};
use engine::entry::FileMeta;
use shared::raw;

/// Moves the file, or the symlink, at the path `from.1` below a root to the path `to.1` below another, making
/// missing folders. It never replaces anything: then the error's kind is `AlreadyExists`. With `seen` it is moved only if it
/// still is what was seen.
///
/// Between file systems it is copied, written to the disk, read again and compared before the old one is removed.
///
/// # Errors
/// When it isn't there or has changed, something is in its place, or the disk refuses. What was there is there still.
pub(super) fn move_file(from: (&Root, &str), to: (&Root, &str), seen: Option<&FileMeta>) -> io::Result<()> {
    let (old, name) = from.0.around(from.1, false)?;
    let there = stat_at(&old, name)?.ok_or(io::ErrorKind::NotFound)?;
    if !(is_file(&there) || is_symlink(&there)) {
        return Err(io::Error::other("it is neither a file nor a symlink"));
    }
    if seen.is_some_and(|seen| {
        let now = root::info(&there);
        (seen.size_bytes, seen.modified) != (now.size_bytes, now.modified)
    }) {
        return Err(io::Error::other("it has changed meanwhile, and stays"));
    }
    let (new, new_name) = to.0.around(to.1, true)?;
    match rename_new_at(&old, name, &new, new_name) {
        Err(error) if error.raw_os_error() == Some(Errno::XDEV.raw_os_error()) => {}
        moved => return moved,
    }
    if stat_at(&new, new_name)?.is_some() {
        return Err(Errno::EXIST.into());
    }
    let temporary = temporary_name();
    let copied = copy((&old, name), (&new, &temporary), &there)
        .and_then(|()| rename_new_at(&new, &temporary, &new, new_name));
    if let Err(error) = copied {
        let _ = unlinkat(&new, temporary.as_str(), AtFlags::empty()); // the file itself is where it was
        return Err(error);
    }
    let _ = sync_folder(&new); // some file systems can't
    from.0.remove_file(from.1, Some(&root::info(&there)))
}

/// Copies what was `seen` at a name to a new name.
fn copy(
    (old, name): (&Folder<'_>, &str),
    (new, new_name): (&Folder<'_>, &str),
    seen: &Stat,
) -> io::Result<()> {
    if is_symlink(seen) {
        let content = root::os(root::link_content(old, name)?);
        symlinkat(&content, new, &*raw::name(new_name))?;
        return root::set_modified_at(new, new_name, root::info(seen).modified);
    }
    let changed = || io::Error::other("it has changed meanwhile, and stays");
    let mut source = root::open_file(old, name)?;
    let before = fstat(&source)?;
    if !is_one(&before, seen) {
        return Err(changed());
    }
    let mut target: File = openat(
        new,
        &*raw::name(new_name),
        root::NEW,
        rustix::fs::Mode::from_raw_mode(0o600),
    )?
    .into();
    let (hash, length) = pass(&mut source, Some(&mut target))?;
    rights::take_over(&target, old, name, seen);
    rights::set_modified(&target, root::info(seen).modified)?;
    target.sync_all()?;
    target.rewind()?;
    if pass(&mut target, None)? != (hash, length) {
        return Err(io::Error::other(
            "the copy is not what was copied; it was removed",
        ));
    }
    let after = fstat(&source)?;
    let is_same = root::info(&after) == root::info(&before) && root::info(&after).size_bytes == length;
    if is_same { Ok(()) } else { Err(changed()) }
}

/// Reads a file to its end, and writes it to another. Returns hash and length.
fn pass(from: &mut File, mut to: Option<&mut File>) -> io::Result<(ContentHash, u64)> {
    let (mut hasher, mut buffer, mut length) = (Hasher::new(), vec![0; 1 << 18], 0);
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), length)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        if let Some(to) = &mut to {
            to.write_all(&buffer[..count])?;
        }
        length += count as u64;
    }
}

/// Writes a folder's entries to the disk.
fn sync_folder(folder: impl AsFd) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags};
    // The handle that only passes through can't.
    let open = openat(
        folder,
        ".",
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok(fsync(open)?)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
        path::Path,
    };

    use super::*;

    /// Two folders, on two file systems if this machine has some.
    fn pairs() -> Vec<(tempfile::TempDir, tempfile::TempDir)> {
        let here = || tempfile::tempdir().unwrap();
        let mut pairs = vec![(here(), here())];
        let device = |path: &Path| fs::metadata(path).map(|there| there.dev());
        if let Ok(there) = tempfile::tempdir_in("/dev/shm")
            && device(there.path()).unwrap() != device(pairs[0].0.path()).unwrap()
        {
            pairs.push((here(), there));
        }
        pairs
    }

    #[test]
    fn a_file_moves_with_all_it_has_and_replaces_nothing() {
        for (from, to) in pairs() {
            let (old, new) = (Root::new(from.path()), Root::new(to.path()));
            fs::create_dir(from.path().join("sub")).unwrap();
            let file = from.path().join("sub/file");
            fs::write(&file, vec![7; 600_000]).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
            let time = engine::entry::Modified {
                seconds: 1_500_000_000,
                nanoseconds: 5,
            };
            old.set_modified("sub/file", time).unwrap();
            let seen = root::info(&old.stat("sub/file").unwrap().unwrap());
            move_file((&old, "sub/file"), (&new, "kept/deep/file"), Some(&seen)).unwrap();
            assert!(!file.exists());
            let there = to.path().join("kept/deep/file");
            assert_eq!(fs::read(&there).unwrap(), vec![7; 600_000]);
            let metadata = fs::metadata(&there).unwrap();
            assert_eq!(
                (metadata.mode() & 0o777, metadata.mtime(), metadata.mtime_nsec()),
                (0o640, 1_500_000_000, 5)
            );

            fs::write(&file, "second").unwrap();
            let error = move_file((&old, "sub/file"), (&new, "kept/deep/file"), None).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert!(
                move_file((&old, "sub/file"), (&new, "other"), Some(&seen)).is_err(),
                "it has changed"
            );
            assert_eq!(fs::read(&file).unwrap(), b"second");
            assert_eq!(fs::read(&there).unwrap().len(), 600_000);
            assert_eq!(fs::read_dir(to.path().join("kept/deep")).unwrap().count(), 1);
            assert!(!to.path().join("other").exists());
        }
    }

    #[test]
    fn a_symlink_moves_as_one_and_is_never_a_way() {
        for (from, to) in pairs() {
            let (old, new) = (Root::new(from.path()), Root::new(to.path()));
            symlink("../nothing", from.path().join("link")).unwrap();
            move_file((&old, "link"), (&new, "link"), None).unwrap();
            assert_eq!(
                fs::read_link(to.path().join("link")).unwrap(),
                Path::new("../nothing")
            );
            assert!(fs::symlink_metadata(from.path().join("link")).is_err());
            fs::write(from.path().join("file"), "x").unwrap();
            assert!(move_file((&old, "file"), (&new, "link/x"), None).is_err());
            assert!(from.path().join("file").exists());
        }
    }
}
