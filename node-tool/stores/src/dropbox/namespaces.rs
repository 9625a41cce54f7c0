//! Where other namespaces begin in a folder: each has a write lock of its own.

use std::collections::HashMap;

use engine::relative_path::{ancestors, fold};

/// Shared and team folders below a folder in a Dropbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Namespaces(HashMap<String, Box<str>>);

impl Namespaces {
    /// Returns the map of these folder paths and the ids of the namespaces mounted there.
    pub(super) fn new(mounts: Vec<(String, Box<str>)>) -> Self {
        let folded = |(path, id): (String, Box<str>)| (fold(&path).into_owned(), id);
        Self(mounts.into_iter().map(folded).collect())
    }

    /// Returns the folders, folded, and the ids of their namespaces, sorted.
    pub(super) fn all(&self) -> Vec<(&str, &str)> {
        let mut all: Vec<_> = self.0.iter().map(|(path, id)| (path.as_str(), &**id)).collect();
        all.sort_unstable();
        all
    }

    /// Returns the namespace of `path`. `None` if it is the one of the folder itself.
    pub(super) fn namespace_of(&self, path: &str) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        let path = fold(path);
        ancestors(&path).find_map(|folder| self.0.get(folder).map(|id| &**id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts_whatever_the_case() {
        let mounts = Namespaces::new(vec![
            ("Lab".into(), "1".into()),
            ("Lab/Deep/Shared".into(), "2".into()),
        ]);
        for (path, namespace) in [
            ("file", None),
            ("Lab", None),
            ("Laboratory/file", None),
            ("lab/file", Some("1")),
            ("LAB/deep/file", Some("1")),
            ("Lab/Deep/Shared", Some("1")),
            ("lab/deep/SHARED/a/b/file", Some("2")),
        ] {
            assert_eq!(mounts.namespace_of(path), namespace, "{path}");
        }
        assert_eq!(Namespaces::default().namespace_of("a/b"), None);
    }
}
