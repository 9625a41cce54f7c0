//! A path inside a Dropbox: `""` is the root, everything else starts with a slash and has no empty,
//! `.` or `..` component. Names are in Unicode's composed form (NFC), as Dropbox keeps them.

use unicode_normalization::UnicodeNormalization;

/// A path inside a Dropbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DropboxPath(String);

/// A path that Dropbox can't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{path}' can't be a Dropbox path: {reason}")]
pub struct PathError {
    path: String,
    reason: &'static str,
}

impl DropboxPath {
    /// Reads what a person typed behind `NAME:`. Leading, trailing and doubled slashes don't matter; `.` is
    /// dropped and `..` goes up, as in rclone.
    ///
    /// # Errors
    /// When a component can't be a name in Dropbox, or `..` leads out of the root.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or(PathError {
                        path: text.into(),
                        reason: "it leads out of the root",
                    })?;
                }
                name => parts.push(name),
            }
        }
        parts.into_iter().try_fold(Self::default(), |path, name| {
            check_name(name).map_err(|reason| PathError {
                path: text.into(),
                reason,
            })?;
            Ok(path.child(name))
        })
    }

    /// The path of `relative`, which uses `/`, below this one.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        relative
            .split('/')
            .filter(|part| !part.is_empty())
            .fold(self.clone(), |path, part| path.child(part))
    }

    /// As Dropbox wants it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// How many names it has.
    pub fn depth(&self) -> usize {
        self.0.split('/').skip(1).count()
    }

    /// The last name; the root has none.
    pub fn name(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(_, name)| name)
    }

    /// The folder it is in; the root has none.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The rest of the path below `folder`; the root for that folder itself. `None` if it isn't there. Letter case doesn't
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

/// Checks a name as far as it is known before asking Dropbox (dropbox-api.md §7.3).
///
/// # Errors
/// Says why Dropbox would refuse it.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    const IGNORED: [&str; 6] = [
        "desktop.ini",
        "thumbs.db",
        ".ds_store",
        "icon\r",
        ".dropbox",
        ".dropbox.attr",
    ];
    if name.contains('\\') {
        return Err("Dropbox doesn't allow a backslash in a name");
    }
    if name.contains(['\0', '\u{7f}']) {
        return Err("Dropbox doesn't allow this control character in a name");
    }
    if name.ends_with(char::is_whitespace) {
        return Err("Dropbox doesn't allow a blank at the end of a name");
    }
    if name.nfc().collect::<String>().encode_utf16().count() > 255 {
        return Err("Dropbox doesn't allow names over 255 characters");
    }
    if IGNORED.contains(&name.to_lowercase().as_str()) {
        return Err("Dropbox keeps this name for itself");
    }
    Ok(())
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
        for bad in ["..", "a/../..", "a\\b", "x ", "a/.DS_Store", &"n".repeat(256)] {
            assert!(DropboxPath::parse(bad).is_err(), "{bad}");
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
