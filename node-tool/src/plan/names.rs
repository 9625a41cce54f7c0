//! How names of the two sides are compared, and which names a target can have.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// How the target tells names apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As Dropbox does: letter case doesn't matter, and letters are composed (NFC).
    Dropbox,
    /// As Dropbox does, with names mapped that Dropbox can't have.
    DropboxEncoded,
    /// As Linux does: byte by byte.
    Exact,
}

impl Names {
    /// Whether two names that differ only in case or Unicode form are one name in the target.
    pub fn is_folding(self) -> bool {
        self != Self::Exact
    }

    /// Returns the name under which a new file or folder is made.
    pub(super) fn new_name(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Exact => Cow::Borrowed(name),
            Self::Dropbox | Self::DropboxEncoded => crate::filter::composed(name),
        }
    }

    /// Returns why the target can't have a new file or folder of this name, or `None` if it can.
    pub(super) fn refusal(self, name: &str) -> Option<String> {
        match self {
            Self::Dropbox => crate::dropbox::refused(name),
            Self::DropboxEncoded => crate::dropbox::refused(&crate::dropbox::encoding::encode(name)),
            Self::Exact => {
                (crate::raw::name(name).len() > 255).then(|| "a name is over 255 bytes long".into())
            }
        }
    }
}

/// Returns the key under which Dropbox takes two paths for the same: composed, letter by letter in lower case. Mostly that is
/// the path itself, which costs nothing.
pub fn fold(path: &str) -> Cow<'_, str> {
    if path
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return Cow::Borrowed(path);
    }
    // Letter by letter: `str::to_lowercase` knows the final sigma, which Dropbox does not.
    path.nfc().flat_map(char::to_lowercase).collect()
}

/// Returns the folders that a path lies in, the innermost first, without the top.
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/').map(|(folder, _)| folder), |folder| {
        folder.rsplit_once('/').map(|(around, _)| around)
    })
}

/// Returns the path of `name` in `folder`, where an empty folder is the top.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Returns the folder that a path lies in, empty for the top, and its last name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_as_dropbox_folds_them() {
        for (a, b, is_same) in [
            ("Fu\u{308}r.TXT", "f\u{fc}r.txt", true),
            ("ΣΑΣ", "σασ", true),
            ("ΣΑΣ", "σας", false),
            ("a/B", "A/b", true),
            ("a", "b", false),
        ] {
            assert_eq!(fold(a) == fold(b), is_same, "{a} {b}");
        }
        assert!(matches!(fold("a-1/b.txt"), Cow::Borrowed(_)));
    }

    #[test]
    fn ancestors_go_outwards() {
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(ancestors("a").count(), 0);
    }
}
