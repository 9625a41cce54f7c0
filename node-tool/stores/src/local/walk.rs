//! Sorted walking. Special files are reported; whether symlinks are, or are followed, is up to the caller.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::{Root, link, root::FolderLinks, temporary::is_leftover};
use engine::{
    entry::{Entry, FileMeta, LINK_ENDING, Modified, Special},
    filter::Filter,
    listing::Symlinks,
};
use shared::raw;

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// What is neither a file nor a folder, by its path: symlinks that were not followed and special files. Sorted by path. A
    /// symlink that travels as a file is here too, since it occupies a name that is not the one in `entries`.
    pub others: Vec<(String, Special)>,
    /// Folders that `filter` leaves out, which were not looked into.
    pub closed: Vec<String>,
}

/// Something that was left out.
#[derive(Debug)]
pub(super) struct Skipped {
    /// Its path.
    pub path: PathBuf,
    /// The reason.
    pub reason: String,
    /// Whether the run has to fail for it: an unreadable folder does, a symlink doesn't.
    pub is_error: bool,
}

/// Walks `root`, which is a folder, entering only folders that `filter` may let in; files are not filtered here.
pub(super) fn walk(root: &Root, filter: &Filter, symlinks: Symlinks) -> Walked {
    let mut walked = walk_from(root.path(), "", filter, symlinks);
    if symlinks == Symlinks::Enter {
        enter_folders(root, filter, &mut walked);
    }
    walked.entries.sort_by(|a, b| a.path.cmp(&b.path));
    walked.others.sort_by(|a, b| a.0.cmp(&b.0));
    walked
}

/// Adds the contents of symlinked folders. From now on all operations below `root` follow these symlinks, as long as they lead
/// to the same folders. One that leads into the root, around it, or to where another one led is not followed: the same
/// files would be there twice.
fn enter_folders(open: &Root, filter: &Filter, walked: &mut Walked) {
    let root = open.path();
    let mut entered: Vec<PathBuf> = root.canonicalize().into_iter().collect();
    let mut links = FolderLinks::new();
    let mut at = 0;
    // Which of two ways to the same folder is taken must not depend on chance.
    walked.others.sort_by(|a, b| a.0.cmp(&b.0));
    while let Some((path, other)) = walked.others.get(at) {
        at += 1;
        let link = raw::join(root, path);
        let (true, Ok(place)) = (
            matches!(other, Special::Symlink { to_dir: true, .. }),
            link.canonicalize(),
        ) else {
            continue;
        };
        let is_apart = |other: &PathBuf| !(place.starts_with(other) || other.starts_with(&place));
        let Ok(there) = std::fs::metadata(&place) else {
            continue;
        };
        if !filter.includes_dir(path) || !entered.iter().all(is_apart) {
            continue;
        }
        entered.push(place);
        at -= 1;
        let (path, _) = walked.others.remove(at);
        walked.skipped.retain(|skipped| skipped.path != link);
        links.insert(path.clone(), (there.dev(), there.ino()));
        let mut below = walk_from(root, &path, filter, Symlinks::Enter);
        below.others.sort_by(|a, b| a.0.cmp(&b.0));
        walked.entries.extend(below.entries);
        walked.skipped.extend(below.skipped);
        walked.others.extend(below.others);
        walked.closed.extend(below.closed);
    }
    open.go_through(links);
}

/// Walks the folder `start`, a path below `root`; empty for the root itself.
fn walk_from(root: &Path, start: &str, filter: &Filter, symlinks: Symlinks) -> Walked {
    let depth = filter.max_depth().unwrap_or(usize::MAX);
    let below = |path: &Path| {
        let below = path.strip_prefix(root).ok()?;
        Some(raw::text(below.as_os_str()).into_owned())
    };
    let depth = depth.saturating_sub(Path::new(start).components().count());
    let mut closed = Vec::new();
    let device = std::fs::metadata(root)
        .ok()
        .filter(|_| filter.is_of_one_file_system());
    let device = device.map(|root| root.dev());
    let is_elsewhere = |item: &walkdir::DirEntry| {
        device.is_some() && item.metadata().is_ok_and(|folder| Some(folder.dev()) != device)
    };
    let is_wanted = |item: &walkdir::DirEntry| {
        let closes =
            |path: &String| item.file_type().is_dir() && (!filter.includes_dir(path) || is_elsewhere(item));
        match below(item.path()).filter(closes) {
            Some(path) => {
                closed.push(path);
                false
            }
            None => true,
        }
    };
    let mut walked = Walked::default();
    let mut skipped = Vec::new();
    let mut skip = |path: PathBuf, reason: String, is_error| {
        skipped.push(Skipped {
            path,
            reason,
            is_error,
        })
    };
    for item in WalkDir::new(raw::join(root, start))
        .min_depth(1)
        .max_depth(depth)
        .follow_root_links(true)
        .follow_links(symlinks == Symlinks::Follow)
        .into_iter()
        .filter_entry(is_wanted)
    {
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                // A broken symlink that the filter excludes is no error; an unreadable folder may hold files that it includes.
                if below(&path).is_some_and(|below| filter.rules_out(&below)) && !path.is_dir() {
                    continue;
                }
                let reason = error.io_error().map_or_else(|| error.to_string(), plain);
                skip(path, reason, true);
                continue;
            }
        };
        let Some(path) = below(item.path()) else {
            continue; // nothing in a folder is outside of it
        };
        let kind = item.file_type();
        if let Some(other) = special_at_path(item.path(), kind) {
            walked.others.push((path.clone(), other));
        }
        if !kind.is_dir() && item.file_name().to_str().is_some_and(is_leftover) {
            continue; // a temporary file of ours
        }
        if kind.is_dir() {
            walked.entries.push(Entry::folder(path));
        } else if kind.is_file() {
            match item.metadata() {
                Ok(metadata) => walked.entries.push(Entry::new_file(path, file_info(&metadata))),
                Err(error) => skip(item.path().to_owned(), error.to_string(), true),
            }
        } else if kind.is_symlink() && symlinks == Symlinks::Translate {
            match translated(item.path()) {
                Ok(file) => walked.entries.push(Entry::new_file(path + LINK_ENDING, file)),
                Err(error) => skip(item.path().to_owned(), error.to_string(), true),
            }
        } else if !(kind.is_symlink() && symlinks == Symlinks::Skip) {
            let what = if kind.is_symlink() {
                "it is a symlink"
            } else {
                "it is not a regular file"
            };
            skip(item.into_path(), what.into(), false);
        }
    }
    walked.skipped = skipped;
    walked.closed = closed;
    walked
}

/// Returns what is at `path` itself, if it is neither a file nor a folder.
pub fn special_at(path: &Path) -> Option<Special> {
    let there = std::fs::symlink_metadata(path).ok()?;
    special_at_path(path, there.file_type())
}

fn special_at_path(path: &Path, kind: std::fs::FileType) -> Option<Special> {
    Some(match kind {
        kind if kind.is_symlink() => match std::fs::metadata(path) {
            Ok(target) => Special::Symlink {
                to_dir: target.is_dir(),
                dangling: false,
            },
            Err(error) => Special::Symlink {
                to_dir: false,
                dangling: error.kind() != io::ErrorKind::PermissionDenied,
            },
        },
        kind if kind.is_fifo() => Special::Fifo,
        kind if kind.is_socket() => Special::Socket,
        kind if kind.is_block_device() || kind.is_char_device() => Special::Device,
        _ => return None,
    })
}

/// Returns what is known of the file that a symlink travels as.
///
/// # Errors
/// When it can't be read.
pub(super) fn translated(link: &Path) -> io::Result<FileMeta> {
    Ok(FileMeta {
        size_bytes: link::content(link)?.len() as u64,
        ..file_info(&std::fs::symlink_metadata(link)?)
    })
}

/// Returns what is at `path`, following symlinks. `None` if there is nothing. The entry's path is its name only.
///
/// # Errors
/// When the file system can't be read.
pub(super) fn stat(path: &Path) -> io::Result<Option<Entry>> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let name = path
        .file_name()
        .map(|name| raw::text(name).into_owned())
        .unwrap_or_default();
    if metadata.is_dir() {
        return Ok(Some(Entry::folder(name)));
    }
    if metadata.is_file() {
        return Ok(Some(Entry::new_file(name, file_info(&metadata))));
    }
    Err(io::Error::other("it is neither a file nor a folder"))
}

pub(super) fn file_info(metadata: &Metadata) -> FileMeta {
    let modified = Modified {
        seconds: metadata.mtime(),
        nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
    };
    FileMeta {
        size_bytes: metadata.len(),
        modified,
        version: None,
    }
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    /// A folder with one of each.
    fn zoo() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::create_dir_all(root.join("real/below")).unwrap();
        std::fs::create_dir(root.join("elsewhere")).unwrap();
        std::fs::write(root.join("elsewhere/precious"), "x").unwrap();
        std::fs::write(root.join("real/file"), "text").unwrap();
        symlink("../elsewhere", root.join("real/to-folder")).unwrap();
        symlink("file", root.join("real/to-file")).unwrap();
        symlink("nothing", root.join("real/dangling")).unwrap();
        symlink("itself", root.join("real/itself")).unwrap();
        mknodat(CWD, root.join("real/pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        drop(std::os::unix::net::UnixListener::bind(root.join("real/socket")).unwrap());
        directory
    }

    fn paths(walked: &Walked) -> Vec<&str> {
        walked.entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    #[test]
    fn what_is_neither_file_nor_folder_is_reported() {
        let zoo = zoo();
        let link = |to_dir, dangling| Special::Symlink { to_dir, dangling };
        let others = [
            ("dangling", link(false, true)),
            ("itself", link(false, true)),
            ("pipe", Special::Fifo),
            ("socket", Special::Socket),
            ("to-file", link(false, false)),
            ("to-folder", link(true, false)),
        ];
        for symlinks in [Symlinks::Report, Symlinks::Skip, Symlinks::Translate] {
            let walked = walk(&Root::new(&zoo.path().join("real")), &Filter::default(), symlinks);
            let found: Vec<(&str, Special)> = walked
                .others
                .iter()
                .map(|(path, o)| (path.as_str(), *o))
                .collect();
            assert_eq!(found, others, "{symlinks:?}");
        }
    }

    #[test]
    fn symlinks_to_folders_of_the_target_are_gone_through_where_the_user_says_so() {
        let zoo = zoo();
        let root = zoo.path().join("real");
        std::fs::create_dir(zoo.path().join("elsewhere/deep")).unwrap();
        std::fs::create_dir(zoo.path().join("third")).unwrap();
        std::fs::write(zoo.path().join("third/file"), "x").unwrap();
        symlink("../../third", zoo.path().join("elsewhere/deep/on")).unwrap();
        symlink("../elsewhere/deep", root.join("z-again")).unwrap();
        symlink(".", root.join("loop")).unwrap();
        symlink("..", root.join("around")).unwrap();
        let opened = Root::new(&root);
        let walked = walk(&opened, &Filter::default(), Symlinks::Enter);
        assert_eq!(
            paths(&walked),
            [
                "below",
                "file",
                "to-folder/deep",
                "to-folder/deep/on/file",
                "to-folder/precious"
            ]
        );
        let others: Vec<&str> = walked.others.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            others,
            [
                "around", "dangling", "itself", "loop", "pipe", "socket", "to-file", "z-again"
            ]
        );
        opened.make_folder("to-folder/deep/on/new").unwrap();
        assert!(zoo.path().join("third/new").is_dir());
        assert!(opened.make_folder("z-again/new").is_err());
    }

    #[test]
    fn links_are_followed_in_the_source_and_never_in_the_target() {
        let zoo = zoo();
        let root = zoo.path().join("real");
        let source = walk(&Root::new(&root), &Filter::default(), Symlinks::Follow);
        assert_eq!(
            paths(&source),
            ["below", "file", "to-file", "to-folder", "to-folder/precious"]
        );
        let target = walk(
            &Root::new(&root),
            &Filter::default(),
            Symlinks::Follow.in_target(),
        );
        assert_eq!(paths(&target), ["below", "file"]);
        for same in [Symlinks::Report, Symlinks::Skip, Symlinks::Translate] {
            assert_eq!(same.in_target(), same);
        }
    }
}
