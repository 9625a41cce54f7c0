//! The files that `--files-from` names, and the folders on the way to them.

use std::collections::{BTreeSet, HashSet};

/// A set of paths; only these are included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesFrom {
    files: BTreeSet<String>,
    /// Folded: a folder is listed if it could contain a file, and the file decides.
    folders: HashSet<String>,
}

impl FilesFrom {
    /// Adds a path; slashes around it don't count.
    pub fn add(&mut self, path: &str) {
        let path = &*crate::relative_path::composed(path.trim_matches('/'));
        if path.is_empty() || !self.files.insert(path.to_owned()) {
            return;
        }
        for folder in crate::relative_path::ancestors(path) {
            if !self
                .folders
                .insert(crate::relative_path::fold(folder).into_owned())
            {
                break; // so are its parents
            }
        }
    }

    /// Returns whether it names this file.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Returns whether a file that it names is below this folder, ignoring case.
    pub fn leads_through(&self, folder: &str) -> bool {
        self.folders.contains(&*crate::relative_path::fold(folder))
    }

    /// Returns the paths, sorted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }
}

/// Returns `path` without the `./` that `find .` puts in front, and without doubled slashes.
pub fn tidy(path: &str) -> String {
    let names: Vec<&str> = path
        .split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .collect();
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_lead_to_the_files() {
        let mut listed = FilesFrom::default();
        for path in ["/a/b/c.txt", "d", "a/b/e/", ""] {
            listed.add(path);
        }
        assert_eq!(listed.iter().collect::<Vec<_>>(), ["a/b/c.txt", "a/b/e", "d"]);
        assert!(listed.leads_through("a") && listed.leads_through("a/b"));
        assert!(!listed.leads_through("d") && !listed.leads_through("a/b/e"));
        assert!(!listed.contains("a"));
    }

    #[test]
    fn paths_of_find_are_tidied() {
        assert_eq!(tidy("./a//b/./c"), "a/b/c");
        assert_eq!(tidy("/.hidden/..x"), ".hidden/..x");
    }
}
