//! Paths below a store's root: names with `/` between them, none at either end. The empty path is the root.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Returns the folders that a path lies in, the innermost first, without the root.
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/').map(|(folder, _)| folder), |folder| {
        folder.rsplit_once('/').map(|(parent, _)| parent)
    })
}

/// Returns the folder that a path lies in, empty for the root, and its last name.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Returns the folder that a path lies in; empty for the root.
pub fn parent(path: &str) -> &str {
    split(path).0
}

/// Returns the last name of a path.
pub fn name(path: &str) -> &str {
    split(path).1
}

/// Returns the path of `name` in `folder`.
pub fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}

/// Returns whether a path is that of `folder` or of something below it.
pub fn is_within(path: &str, folder: &str) -> bool {
    below(path, folder).is_some()
}

/// Returns the path of something relative to a folder around it; empty for the folder itself. `None` if it lies elsewhere.
pub fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}

/// Returns the number of folders that something is in, including the root.
pub fn depth(path: &str) -> usize {
    path.split('/').count()
}

/// Returns a path with composed letters (NFC), whatever form a file system keeps.
pub fn composed(path: &str) -> Cow<'_, str> {
    if path.is_ascii() || is_nfc_quick(path.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(path);
    }
    Cow::Owned(path.nfc().collect())
}

/// Returns the key under which a store that ignores letter case takes two paths for the same: composed, letter by letter in
/// lower case. Mostly that is the path itself, which costs nothing.
///
/// Letter by letter, since `str::to_lowercase` knows the final sigma, which Dropbox does not.
pub fn fold(path: &str) -> Cow<'_, str> {
    if path
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return Cow::Borrowed(path);
    }
    path.nfc().flat_map(char::to_lowercase).collect()
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
        assert_eq!(ancestors("").count(), 0);
    }

    #[test]
    fn paths_are_taken_apart_and_put_together() {
        for (path, folder, last) in [("a/b/c", "a/b", "c"), ("a", "", "a"), ("", "", "")] {
            assert_eq!(split(path), (folder, last));
            assert_eq!((parent(path), name(path)), (folder, last));
            assert_eq!(join(folder, last), path);
        }
        assert_eq!(join("a", ""), "a");
        assert_eq!((depth("a"), depth("a/b")), (1, 2));
    }

    #[test]
    fn a_name_that_begins_like_a_folder_is_not_in_it() {
        for (path, folder, rest) in [
            ("a/b", "a", Some("b")),
            ("a", "a", Some("")),
            ("ab", "a", None),
            ("ab/c", "a", None),
            ("x", "", Some("x")),
        ] {
            assert_eq!(below(path, folder), rest, "{path} {folder}");
            assert_eq!(is_within(path, folder), rest.is_some());
        }
    }
}
