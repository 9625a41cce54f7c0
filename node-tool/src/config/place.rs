//! Where the config is: what the name leads to, and that no other user can read it.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs, io,
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

use etcetera::BaseStrategy;

/// The environment variable that names the config file.
pub const CONFIG_VARIABLE: &str = "NODE_TOOL_CONFIG";

/// The directory that is made for it.
const DIRECTORY: &str = "node-tool";
/// How many links may lead from one to the next, as in Linux.
const MAX_LINKS: u32 = 40;

/// What a config's name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nowhere: the config is in memory only, and empty at the start.
    Memory,
    /// A pipe, or a file that is open already: it can be read once and is not saved.
    Stream(PathBuf),
    /// A regular file, which need not exist: absolute, with all links followed.
    File(PathBuf),
    /// Something else, with its name.
    Other(PathBuf, &'static str),
}

impl Target {
    /// Returns what `name` leads to; an empty one is in memory, as in rclone.
    pub(super) fn find(name: &Path) -> Self {
        if name.as_os_str().is_empty() || is_null_device(name) {
            return Self::Memory;
        }
        if is_descriptor(name) {
            return match fs::metadata(name) {
                Ok(found) if found.is_dir() => Self::Other(name.to_owned(), "a directory"),
                _ => Self::Stream(name.to_owned()),
            };
        }
        let path = follow(name);
        if is_null_device(&path) {
            return Self::Memory;
        }
        if is_descriptor(&path) {
            return Self::Stream(path);
        }
        let Ok(kind) = fs::metadata(&path).map(|found| found.file_type()) else {
            return Self::File(path); // opening it reports why
        };
        match () {
            () if kind.is_file() => Self::File(path),
            () if kind.is_fifo() => Self::Stream(path),
            () if kind.is_dir() => Self::Other(path, "a directory"),
            () if kind.is_socket() => Self::Other(path, "a socket"),
            () => Self::Other(path, "a device"),
        }
    }
}

/// Returns whether `path` is `/dev/null` or another name of that device.
fn is_null_device(path: &Path) -> bool {
    const NULL: &str = "/dev/null";
    let device = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        found.file_type().is_char_device().then(|| found.rdev())
    };
    path == Path::new(NULL) || device(path).is_some_and(|found| Some(found) == device(Path::new(NULL)))
}

/// Returns whether `path` names a file that this process has open already, as `<(…)` and `/dev/stdin` do.
fn is_descriptor(path: &Path) -> bool {
    let Some(text) = path.to_str() else { return false };
    let in_process = |rest: &str| {
        matches!(
            rest.split('/').collect::<Vec<_>>()[..],
            [_, "fd", _] | [_, "task", _, "fd", _]
        )
    };
    text == "/dev/stdin"
        || text.starts_with("/dev/fd/")
        || text.strip_prefix("/proc/").is_some_and(in_process)
}

/// The absolute path that `name` leads to with all its links followed, as far as it exists. The links of what doesn't exist
/// are followed too, so that a file is made where they point.
fn follow(name: &Path) -> PathBuf {
    let absolute = std::path::absolute(name).unwrap_or_else(|_| name.to_owned());
    let parts = |path: &Path| -> Vec<OsString> {
        let parts = path
            .components()
            .filter(|part| !matches!(part, Component::CurDir));
        parts.map(|part| part.as_os_str().to_owned()).collect()
    };
    let mut waiting: VecDeque<OsString> = parts(&absolute).into();
    let mut path = PathBuf::new();
    let mut links = 0;
    while let Some(part) = waiting.pop_front() {
        if part == ".." {
            path.pop();
            continue;
        }
        let next = path.join(&part); // an absolute part starts again
        if is_descriptor(&next) {
            return next; // such a link's content is no path
        }
        match fs::read_link(&next) {
            Ok(_) if links == MAX_LINKS => return absolute, // opening it reports why
            Ok(to) => {
                links += 1;
                for part in parts(&to).into_iter().rev() {
                    waiting.push_front(part);
                }
            }
            Err(_) => path = next,
        }
    }
    path
}

/// `$XDG_CONFIG_HOME/node-tool/config.toml`, or below `~/.config`.
///
/// # Errors
/// When there is no home directory.
pub fn default_path() -> Result<PathBuf, etcetera::HomeDirError> {
    Ok(etcetera::base_strategy::Xdg::new()?
        .config_dir()
        .join(DIRECTORY)
        .join("config.toml"))
}

/// Returns the directory of a file with an absolute path.
pub(super) fn directory_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

/// Makes the directory of `file`, closed to others (0700), if it is missing.
pub(super) fn prepare_directory(file: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory_of(file))
}

/// Returns whether this process's user owns what `metadata` describes.
pub(super) fn is_own(metadata: &fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Returns whether a user may replace a file of `owner`: root can keep the owner, others would change it.
pub(super) fn may_change(owner: u32, user: u32) -> bool {
    owner == user || user == 0
}

/// Returns whether new files in `directory` get the directory's group: then their group is chosen on purpose.
pub(super) fn is_for_a_group(directory: &Path) -> bool {
    const SETGID: u32 = 0o2000;
    fs::metadata(directory).is_ok_and(|found| found.permissions().mode() & SETGID != 0)
}

/// Takes the permissions in `closed` away from a file or directory of this process's user. Returns whether there were any.
/// What belongs to others is left alone.
pub(super) fn close(path: &Path, closed: u32) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    let mode = metadata.permissions().mode() & 0o7777;
    let is_plain = metadata.is_file() || metadata.is_dir();
    if !is_plain || !is_own(&metadata) || mode & closed == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, PermissionsExt::from_mode(mode & !closed))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_lead_to_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let at = |name: &str| root.join(name);
        fs::create_dir_all(at("real/sub")).unwrap();
        fs::write(at("real/c"), "").unwrap();
        symlink("real", at("dir")).unwrap();
        symlink("real/c", at("link")).unwrap();
        symlink(at("link"), at("far")).unwrap();
        symlink("real/none", at("dangling")).unwrap();
        symlink("gone/deep", at("gone-dir")).unwrap();
        symlink("../dir/c", at("real/up")).unwrap();
        symlink("/dev/null", at("null")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for (name, leads_to) in [
            ("real/c", "real/c"),
            ("dir/c", "real/c"),
            ("link", "real/c"),
            ("far", "real/c"),
            ("./real/../dir/./c", "real/c"),
            ("dir/sub/../c", "real/c"),
            ("dir/up", "real/c"),
            ("dangling", "real/none"),
            ("gone-dir/c", "gone/deep/c"),
            ("nothing/c", "nothing/c"),
            ("loop", "loop"),
        ] {
            assert_eq!(Target::find(&at(name)), Target::File(at(leads_to)), "{name}");
        }
        assert_eq!(Target::find(&at("null")), Target::Memory);
        assert!(matches!(Target::find(Path::new("x")), Target::File(path) if path.is_absolute()));
    }

    #[test]
    fn only_its_owner_and_root_change_a_file() {
        let by = |owner, user| may_change(owner, user);
        assert!(by(1000, 1000) && by(1000, 0) && by(0, 0));
        assert!(!by(1000, 1001) && !by(0, 1000));
    }

    #[test]
    fn what_is_no_file_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("fifo"),
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        for name in ["", "/dev/null", "/dev/../dev/null"] {
            assert_eq!(Target::find(Path::new(name)), Target::Memory, "{name}");
        }
        // What a shell puts in the place of `<(…)`.
        let (reader, _writer) = std::io::pipe().unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&reader);
        for directory in ["/dev/fd", "/proc/self/fd"] {
            let name = format!("{directory}/{number}");
            assert!(
                matches!(Target::find(Path::new(&name)), Target::Stream(_)),
                "{name}"
            );
        }
        assert!(matches!(Target::find(&at("fifo")), Target::Stream(_)));
        for (name, kind) in [
            (at("socket"), "a socket"),
            (at(""), "a directory"),
            ("/dev/zero".into(), "a device"),
        ] {
            assert!(matches!(Target::find(&name), Target::Other(_, found) if found == kind));
        }
    }
}
