//! What a person types for a place: `remote:path`, or a local path.

use std::path::PathBuf;

use dropbox::{DropboxPath, LinkAddress, LinkAddressError, PathError};
pub use dropbox::{RemotePath, is_address};

use crate::config::check_name;

/// A place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// On this machine.
    Local(PathBuf),
    /// In a Dropbox.
    Remote(RemotePath),
    /// Behind a shared link.
    Link(LinkAddress),
}

/// What is wrong with a typed place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Nothing was typed.
    #[error("an empty path; use '.' for this folder")]
    Empty,
    /// The part before the colon.
    #[error("{0}; for a local file write './{1}'")]
    Name(String, String),
    /// The part after the colon.
    #[error(transparent)]
    Path(#[from] PathError),
    /// An address on the web.
    #[error(transparent)]
    Link(#[from] LinkAddressError),
}

impl Location {
    /// Reads `text` as rclone does: a colon before any slash ends a remote's name, and a slash after the colon is kept in
    /// mind. What begins with `https://` is a shared link.
    ///
    /// # Errors
    /// When it is empty, or no name or path in Dropbox.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        if is_address(text) {
            return Ok(Self::Link(LinkAddress::parse(text)?));
        }
        match text.split_once(':') {
            Some((name, path)) if !name.contains('/') => {
                let remote =
                    check_name(name).map_err(|reason| LocationError::Name(reason, text.to_owned()))?;
                let (shared, path) = match RemotePath::cut_shared(path) {
                    Some((folder, path)) => (Some(folder.to_owned()), path),
                    None => (None, path),
                };
                Ok(Self::Remote(RemotePath {
                    remote,
                    from_root: shared.is_none() && path.starts_with('/'),
                    path: DropboxPath::parse(path)?,
                    shared,
                }))
            }
            _ => Ok(Self::Local(shared::raw::name(text).into_owned().into())),
        }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(path) => path.fmt(f),
            Self::Link(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_before_any_slash_makes_a_remote() {
        for (text, shown) in [
            ("dbx:", "dbx:"),
            ("dbx:a/b", "dbx:a/b"),
            ("dbx:/", "dbx:/"),
            ("dbx:/a/", "dbx:/a"),
            ("dbx://a//b", "dbx:/a/b"),
            ("dbx:./a", "dbx:a"),
            ("dbx:a:b", "dbx:a:b"),
            ("dbx:{Lab data}", "dbx:{Lab data}"),
            ("dbx:{Lab data}/", "dbx:{Lab data}"),
            ("dbx:{ns:123}/a/b", "dbx:{ns:123}/a/b"),
            ("dbx:{a}b}/c", "dbx:{a}b}/c"),
            ("dbx:./{a}/b", "dbx:./{a}/b"),
            ("dbx:/{a}/b", "dbx:/{a}/b"),
            ("dbx:{a/b}", "dbx:{a/b}"),
            ("dbx:{}", "dbx:{}"),
        ] {
            let location = Location::parse(text).unwrap();
            assert!(matches!(location, Location::Remote(_)), "{text}");
            assert_eq!(location.to_string(), shown);
            assert_eq!(
                Location::parse(shown).unwrap(),
                location,
                "{shown} means the same"
            );
        }
        let link = "https://www.dropbox.com/scl/fo/id/hash?rlkey=k//a";
        assert!(matches!(Location::parse(link), Ok(Location::Link(_))));
        for text in ["a", "./a:b", "/x/a:b", "..", "a/b:c"] {
            assert_eq!(Location::parse(text).unwrap(), Location::Local(text.into()));
        }
        for bad in ["", ":x", "-x:y", "dbx:..", "https://example.org/x"] {
            assert!(Location::parse(bad).is_err(), "{bad}");
        }
    }
}
