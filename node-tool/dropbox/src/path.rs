//! A path inside a Dropbox: `""` is the root, everything else starts with a slash and has no empty,
//! `.` or `..` component. Names are in Unicode's composed form (NFC), as Dropbox keeps them.

use unicode_normalization::UnicodeNormalization;

use crate::encoding;

/// A path inside a Dropbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DropboxPath(String);

/// A path that Dropbox can't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{path}' can't be a Dropbox path: {reason}{hint}")]
pub struct PathError {
    path: String,
    reason: &'static str,
    /// What would help, to be read after the reason.
    hint: &'static str,
}

impl DropboxPath {
    /// Parses what a person typed after `NAME:`. Leading, trailing and doubled slashes don't matter; `.` is
    /// dropped and `..` goes up, as in rclone. Names are not looked at: see [`check`](Self::check).
    ///
    /// # Errors
    /// When `..` leads out of the root.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or(PathError {
                        path: text.into(),
                        reason: "it leads out of the root",
                        hint: "",
                    })?;
                }
                name => parts.push(name),
            }
        }
        Ok(parts
            .into_iter()
            .fold(Self::default(), |path, name| path.child(name)))
    }

    /// Checks whether this can be the path of something in a Dropbox. Only what Dropbox is known to answer
    /// with `malformed_path` is refused; for all else it has the last word.
    ///
    /// # Errors
    /// When it can't. The error names the path and the reason.
    pub fn check(&self) -> Result<(), PathError> {
        self.check_with(check_form)
    }

    /// Checks whether something may be made at this path, as far as that is known before asking Dropbox.
    ///
    /// # Errors
    /// Names the path and the reason.
    pub fn check_new(&self) -> Result<(), PathError> {
        self.check_with(check_name)
    }

    fn check_with(&self, check: impl Fn(&str) -> Result<(), &'static str>) -> Result<(), PathError> {
        let reason = self.0.split('/').skip(1).find_map(|name| check(name).err());
        reason.map_or(Ok(()), |reason| {
            Err(PathError {
                path: self.0.trim_start_matches('/').into(),
                reason,
                hint: hint(&self.0),
            })
        })
    }

    /// Returns the path of `relative`, which uses `/`, below this one.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        relative
            .split('/')
            .filter(|part| !part.is_empty())
            .fold(self.clone(), |path, part| path.child(part))
    }

    /// Returns the path as Dropbox wants it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many names it has.
    pub fn depth(&self) -> usize {
        self.0.split('/').skip(1).count()
    }

    /// Returns the last name; the root has none.
    pub fn name(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(_, name)| name)
    }

    /// Returns the folder it is in; the root is in none.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// Returns the rest of the path below `folder`: the root for that folder itself, `None` if it isn't there. Letter case doesn't
    /// matter, as to Dropbox.
    pub fn below(&self, folder: &Self) -> Option<Self> {
        let folded = |name: &str| -> String { name.chars().flat_map(char::to_lowercase).collect() };
        let (mut names, mut around) = (self.0.split('/'), folder.0.split('/'));
        let is_around = around.all(|name| names.next().is_some_and(|own| folded(own) == folded(name)));
        is_around.then(|| names.fold(Self::default(), |path, name| path.child(name)))
    }

    fn child(&self, name: &str) -> Self {
        Self(format!("{}/{}", self.0, name.nfc().collect::<String>()))
    }
}

/// Checks for names that nothing in Dropbox can have: the server says `malformed_path` (dropbox-api.md §7.3). Of the white space
/// only the ASCII space is known to be refused, and only at the end.
fn check_form(name: &str) -> Result<(), &'static str> {
    match name {
        name if name.contains('\\') => Err("Dropbox doesn't allow a backslash in a name"),
        name if name.contains('\0') => Err("a name in it is not UTF-8, which Dropbox needs"),
        name if name.contains('\u{7f}') => Err("Dropbox doesn't allow this control character in a name"),
        name if name.ends_with(' ') => Err("Dropbox doesn't allow a space at the end of a name"),
        _ => Ok(()),
    }
}

/// Checks whether Dropbox would store something under a name, as far as that is known before asking it
/// (dropbox-api.md §7.3). What is there already needs no check.
///
/// # Errors
/// The reason why Dropbox would refuse it.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    const RESERVED: [&str; 6] = [
        "desktop.ini",
        "thumbs.db",
        ".ds_store",
        "icon\r",
        ".dropbox",
        ".dropbox.attr",
    ];
    check_form(name)?;
    if name.nfc().collect::<String>().encode_utf16().count() > 255 {
        return Err("Dropbox doesn't allow names over 255 characters");
    }
    if RESERVED.contains(&name.to_lowercase().as_str()) {
        return Err("Dropbox keeps this name for itself");
    }
    Ok(())
}

/// Returns why nothing can be stored at `path`, which is relative and in Dropbox's own names, and what would help.
pub fn refused(path: &str) -> Option<String> {
    let reason = path.split('/').find_map(|name| check_name(name).err())?;
    Some(format!("{reason}{}", hint(path)))
}

/// Returns what helps where names of `path` can't be had as they are, to be read after the reason.
fn hint(path: &str) -> &'static str {
    let encoded = encoding::encode(path);
    if encoded.split('/').all(|name| check_name(name).is_ok()) {
        "; --encode-names maps such names"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_becomes_what_dropbox_wants() {
        for (typed, path) in [
            ("", ""),
            ("/", ""),
            ("a", "/a"),
            ("/a/b/", "/a/b"),
            ("a//b/./c/../d", "/a/b/d"),
            ("u\u{308}", "/ü"),
            ("a.", "/a."),
            ("..b", "/..b"),
            ("a:b", "/a:b"),
        ] {
            assert_eq!(DropboxPath::parse(typed).unwrap().as_str(), path, "{typed}");
        }
        for bad in ["..", "a/../.."] {
            assert!(DropboxPath::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_dropbox_is_known_to_refuse_is_refused() {
        let long = "n".repeat(256);
        for (typed, may_stand, may_be_made) in [
            ("x", true, true),
            ("ends in\u{3000}", true, true),
            ("nbsp\u{a0}", true, true),
            ("tab\t", true, true),
            ("line\n", true, true),
            ("thin\u{2009}/x", true, true),
            (" leading", true, true),
            ("dot.", true, true),
            ("a\u{1}b", true, true),
            ("blank ", false, false),
            ("dir /x", false, false),
            ("a\\b", false, false),
            ("del\u{7f}", false, false),
            // They can't be made, but may be there from before that rule.
            ("a/.DS_Store", true, false),
            ("Icon\r", true, false),
            (&long, true, false),
        ] {
            let path = DropboxPath::parse(typed).unwrap();
            assert_eq!(path.check().is_ok(), may_stand, "{typed:?}");
            assert_eq!(path.check_new().is_ok(), may_be_made, "{typed:?}");
            assert_eq!(refused(typed).is_none(), may_be_made, "{typed:?}");
        }
    }

    #[test]
    fn encoding_is_suggested_where_it_helps() {
        for (typed, helps) in [
            ("a\\b", true),
            ("x ", true),
            ("d /.dropbox", false),
            ("thumbs.db", false),
        ] {
            let error = DropboxPath::parse(typed).unwrap().check_new().unwrap_err();
            assert_eq!(error.to_string().contains("--encode-names"), helps, "{error}");
            assert_eq!(refused(typed).unwrap().contains("--encode-names"), helps);
        }
    }

    #[test]
    fn parts() {
        let path = DropboxPath::parse("a/b c").unwrap();
        assert_eq!((path.name(), path.depth()), (Some("b c"), 2));
        assert_eq!(path.parent().unwrap().as_str(), "/a");
        assert_eq!(path.parent().unwrap().parent().unwrap(), DropboxPath::default());
        assert_eq!(
            (DropboxPath::default().name(), DropboxPath::default().depth()),
            (None, 0)
        );
        assert_eq!(path.join("x/y").as_str(), "/a/b c/x/y");
        let below = |path: &str, folder: &str| {
            let parse = |text| DropboxPath::parse(text).unwrap();
            parse(path)
                .below(&parse(folder))
                .map(|rest| rest.as_str().to_owned())
        };
        assert_eq!(below("a/b c/x", "A/B c").as_deref(), Some("/x"));
        assert_eq!(below("a/b", "a/b").as_deref(), Some(""));
        assert_eq!(below("a/bc", "a/b"), None);
        assert_eq!(below("a", "a/b"), None);
        assert_eq!(below("a/b", "").as_deref(), Some("/a/b"));
    }
}
