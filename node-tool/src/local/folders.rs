//! Folders below a target: a symlink among them is never written through.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The folder that everything goes into, which may be a symlink itself, and what is known of those below.
#[derive(Debug)]
pub struct Folders {
    root: PathBuf,
    good: Mutex<HashSet<PathBuf>>,
}

impl Folders {
    /// Nothing is known yet.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            good: Mutex::default(),
        }
    }

    /// Looks at the folders on the way to `relative`, as far as there are any.
    ///
    /// # Errors
    /// When one of them is something else.
    pub fn check(&self, relative: &str) -> io::Result<()> {
        let Some((parents, _)) = relative.rsplit_once('/') else {
            return Ok(());
        };
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let mut path = self.root.clone();
        for part in parents.split('/') {
            path.push(part);
            if good.contains(&path) {
                continue;
            }
            match fs::symlink_metadata(&path) {
                Ok(there) if there.is_symlink() => {
                    return Err(io::Error::other(
                        "a symlink stands where a folder should be, and is not written through",
                    ));
                }
                Ok(there) if !there.is_dir() => {
                    return Err(io::Error::other("a file stands where a folder should be"));
                }
                _ => {}
            }
            good.insert(path.clone());
        }
        Ok(())
    }

    /// Makes the folder `relative`, with those around it; nothing means the target itself.
    ///
    /// # Errors
    /// As [`Folders::check`]'s, or when they can't be made.
    pub fn make(&self, relative: &str) -> io::Result<()> {
        if !relative.is_empty() {
            self.check(&format!("{relative}/"))?;
        }
        fs::create_dir_all(self.root.join(relative))
    }

    /// The place of `relative`, with the folders around it made.
    ///
    /// # Errors
    /// As [`Folders::make`]'s.
    pub fn make_around(&self, relative: &str) -> io::Result<PathBuf> {
        self.make(relative.rsplit_once('/').map_or("", |(parents, _)| parents))?;
        Ok(self.root.join(relative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_are_ways() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir_all(root.join("real")).unwrap();
        fs::create_dir(directory.path().join("elsewhere")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        std::os::unix::fs::symlink("../elsewhere", root.join("link")).unwrap();
        let folders = Folders::new(&root);
        for (path, is_good) in [
            ("x", true),
            ("link", true),
            ("real/x", true),
            ("new/deep/x", true),
            ("link/x", false),
            ("link/deep/x", false),
            ("file/x", false),
        ] {
            assert_eq!(folders.make_around(path).is_ok(), is_good, "{path}");
        }
        assert!(root.join("new/deep").is_dir());
        assert_eq!(
            fs::read_dir(directory.path().join("elsewhere")).unwrap().count(),
            0
        );
    }
}
