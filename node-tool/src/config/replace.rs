//! Puts a complete new file in the place of an old one, keeping its owner, group, permissions and access list.
//!
//! The content goes into a file without a name (`O_TMPFILE`) where the file system has that: a process that is killed while
//! it writes leaves nothing. It gets a name only to be renamed at once. Elsewhere (NFS) it has a name from the start. What a
//! kill leaves in either case is swept up by the next process that holds the lock.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use rand::RngExt as _;
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid};
use shared::secret::Secret;
use stores::lock::CLOCK_PREFIX;

use super::place::directory_of;

/// Where Linux keeps a file's access list.
const ACCESS_LIST: &str = "system.posix_acl_access";

/// A new file beside its target.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    /// Its name; `None` while it has none.
    path: Option<PathBuf>,
    /// What was written.
    content: Secret,
    target: PathBuf,
}

impl NewFile {
    /// Makes an empty file that only this user can read, for the place of `target`.
    ///
    /// # Errors
    /// When the directory takes no file.
    pub(super) fn create(target: &Path) -> io::Result<Self> {
        let Some(file) = nameless(directory_of(target)) else {
            return Self::named(target);
        };
        Ok(Self {
            file,
            path: None,
            content: Secret::default(),
            target: target.to_owned(),
        })
    }

    fn named(target: &Path) -> io::Result<Self> {
        let path = new_name(target);
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self {
            file,
            path: Some(path),
            content: Secret::default(),
            target: target.to_owned(),
        })
    }

    /// Writes the whole content, to the disk.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(super) fn write(&mut self, content: &Secret) -> io::Result<()> {
        self.content = content.clone();
        self.file.write_all(content.expose().as_bytes())?;
        self.file.sync_all()
    }

    /// Takes over what `old` allows its owner, and its group if it is `shared`. Others are allowed nothing.
    ///
    /// # Errors
    /// When the owner can't stay the same.
    fn resemble(&self, old: &fs::Metadata, shared: bool) -> io::Result<()> {
        let new = self.file.metadata()?;
        if new.uid() != old.uid() {
            rustix::fs::fchown(&self.file, Some(Uid::from_raw(old.uid())), None)?;
        }
        let keeps_group = new.gid() == old.gid()
            || rustix::fs::fchown(&self.file, None, Some(Gid::from_raw(old.gid()))).is_ok();
        let mode = old.permissions().mode();
        if !(shared && keeps_group) {
            return self
                .file
                .set_permissions(fs::Permissions::from_mode(mode & 0o700));
        }
        self.file
            .set_permissions(fs::Permissions::from_mode(mode & 0o770))?;
        let mut list = vec![0; 4096];
        if let Ok(bytes) = rustix::fs::getxattr(&self.target, ACCESS_LIST, &mut list[..]) {
            list.truncate(bytes);
            // Without it, only those whom the group's bits name may read: no others.
            let _ = rustix::fs::fsetxattr(&self.file, ACCESS_LIST, &list, rustix::fs::XattrFlags::empty());
        }
        Ok(())
    }

    /// Takes the target's place, which must be a regular file or nothing.
    ///
    /// # Errors
    /// When it can't; what was there is then still there.
    pub(super) fn replace(mut self, shared: bool) -> io::Result<()> {
        match fs::symlink_metadata(&self.target) {
            Ok(old) if old.is_file() => self.resemble(&old, shared)?,
            Ok(_) => return Err(io::Error::other("it is no longer a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let path = match &self.path {
            Some(path) => path,
            None => {
                let path = new_name(&self.target);
                let nameless = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                if rustix::fs::linkat(CWD, nameless, CWD, &path, AtFlags::SYMLINK_FOLLOW).is_err() {
                    // Not every file system gives such a file a name.
                    let mut named = Self::named(&self.target)?;
                    named.write(&self.content)?;
                    return named.replace(shared);
                }
                self.path.insert(path)
            }
        };
        fs::rename(path, &self.target)?;
        self.path = None;
        // Makes the rename durable; some network file systems refuse, and then there is nothing to gain.
        let _ = File::open(directory_of(&self.target)).and_then(|d| d.sync_all());
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path); // else the next change sweeps it up
        }
    }
}

/// A file without a name in `directory`, which can get one later.
fn nameless(directory: &Path) -> Option<File> {
    if !cfg!(target_os = "linux") || !Path::new("/proc/self/fd").exists() {
        return None;
    }
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::TMPFILE;
    rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR)
        .ok()
        .map(File::from)
}

/// How the names of new files for `target` begin.
fn prefix(target: &Path) -> String {
    format!(
        ".new.{}.",
        target.file_name().unwrap_or_default().to_string_lossy()
    )
}

fn new_name(target: &Path) -> PathBuf {
    let random: u64 = rand::rng().random();
    target.with_file_name(format!("{}{random:016x}", prefix(target)))
}

/// Removes what killed processes left of new files for `target`, which may hold tokens. Only for the holder of the lock.
pub(super) fn sweep(target: &Path) {
    let own = prefix(target);
    let is_random = |end: &str| end.len() == 16 && end.bytes().all(|c| c.is_ascii_hexdigit());
    let is_left = |name: &str| {
        name.strip_prefix(&own).is_some_and(is_random)
            || name.starts_with(CLOCK_PREFIX)
            // Of versions before this one.
            || (name.starts_with(".config.") && name.ends_with(".new"))
    };
    for entry in fs::read_dir(directory_of(target)).into_iter().flatten().flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_str().is_some_and(is_left) {
            let _ = fs::remove_file(entry.path()); // another user's stays
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn save(target: &Path, shared: bool) -> io::Result<()> {
        let mut new = NewFile::create(target)?;
        new.write(&Secret::new("new"))?;
        new.replace(shared)
    }

    #[test]
    fn owner_group_and_permissions_stay_and_others_get_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("c");
        save(&target, false).unwrap();
        assert_eq!(mode(&target), 0o600);
        for (before, shared, after) in [
            (0o640, true, 0o640),
            (0o664, true, 0o660),
            (0o644, false, 0o600),
            (0o400, false, 0o400),
            (0o440, true, 0o440),
        ] {
            fs::set_permissions(&target, fs::Permissions::from_mode(before)).unwrap();
            save(&target, shared).unwrap();
            assert_eq!(mode(&target), after, "{before:o}");
        }
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&target, Some(4321), Some(1234)).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
            save(&target, true).unwrap();
            let found = fs::metadata(&target).unwrap();
            assert_eq!((found.uid(), found.gid(), mode(&target)), (4321, 1234, 0o640));
        }
    }

    #[test]
    fn a_directory_or_link_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("c");
        fs::create_dir(&target).unwrap();
        assert!(save(&target, false).is_err());
        fs::remove_dir(&target).unwrap();
        std::os::unix::fs::symlink("x", &target).unwrap();
        assert!(save(&target, false).is_err());
        assert!(target.is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_under_way_has_no_name_where_the_file_system_has_such_files() {
        let directory = tempfile::tempdir().unwrap();
        let mut new = NewFile::create(&directory.path().join("c")).unwrap();
        new.write(&Secret::new("token")).unwrap();
        let names = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(names, usize::from(nameless(directory.path()).is_none()));
        drop(new);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_what_was_left_behind_is_swept() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("config.toml");
        let kept = [
            "config.toml",
            "config.toml.bak",
            ".new.other.toml.00ff00ff00ff00ff",
            ".new.config.toml.x.00ff00ff00ff00ff",
            "config.new",
            ".config.toml",
        ];
        let left = [
            ".config.aB3dEf.new",
            ".clock.x1y2z3",
            ".new.config.toml.00ff00ff00ff00ff",
        ];
        for name in kept.iter().chain(&left) {
            fs::write(directory.path().join(name), "token").unwrap();
        }
        sweep(&target);
        let mut names: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        let mut kept = kept.to_vec();
        kept.sort_unstable();
        assert_eq!(names, kept);
    }
}
