//! The addresses of shared links, in the forms that people copy.

use std::fmt;

use url::Url;

use crate::{DropboxPath, PathError, endpoints::Host};

/// Where a link is, and a path below it. Displayed as a person would type it: `ADDRESS//sub/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkAddress {
    /// The address of the link, without what only browsers need.
    pub url: String,
    /// A path below the folder that it leads to; the root is what it leads to.
    pub path: DropboxPath,
    /// The name in the address of a link to a file. `None` for other links.
    pub name: Option<String>,
}

/// Why an address is no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkAddressError {
    /// It isn't Dropbox's.
    #[error("'{0}' is not a link of Dropbox; those begin with https://www.dropbox.com/scl/, /s/ or /sh/")]
    Elsewhere(String),
    /// It is a page of Dropbox that isn't a shared link.
    #[error(
        "'{0}' is a page of Dropbox, but not a shared link; those begin with https://www.dropbox.com/scl/, /s/ or /sh/"
    )]
    Page(String),
    /// The path behind it.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Parameters of an address that say what a browser shows.
const FOR_BROWSERS: [&str; 4] = ["dl", "raw", "preview", "subfolder_nav_tracking"];

/// Whether a typed place is the address of something on the web.
pub fn is_address(text: &str) -> bool {
    let scheme = |scheme: &str| {
        let begin = text.get(..scheme.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    scheme("https://") || scheme("http://")
}

/// Returns whether the address of a link is a short one, which only redirects to a link.
pub(crate) fn is_short(url: &str) -> bool {
    url.starts_with("https://db.tt/")
}

/// Returns whose page an address is, among the hosts of Dropbox that send a browser to a link. `None` for all others.
pub(crate) fn page_of(url: &Url) -> Option<Host> {
    if url.scheme() != "https" || url.port().is_some() {
        return None;
    }
    match url.host_str()? {
        "db.tt" => Some(Host::Short),
        "www.dropbox.com" | "dropbox.com" => Some(Host::Web),
        _ => None,
    }
}

impl LinkAddress {
    /// Reads a link: its address, then `//` and a path if something below it is meant. The address of a subfolder, as a
    /// browser shows it, is that of its link with a path.
    ///
    /// # Errors
    /// When it isn't the address of a shared link.
    pub fn parse(text: &str) -> Result<Self, LinkAddressError> {
        let elsewhere = || LinkAddressError::Elsewhere(text.to_owned());
        let start = text.find("://").ok_or_else(elsewhere)? + 3;
        let (address, below) = match text[start..].find("//") {
            Some(at) => (&text[..start + at], &text[start + at + 2..]),
            None => (text, ""),
        };
        let mut url = Url::parse(address).map_err(|_| elsewhere())?;
        let (is_short, is_ours) = match url.host_str() {
            Some("www.dropbox.com" | "dropbox.com" | "dl.dropboxusercontent.com" | "dl.dropbox.com") => {
                (false, true)
            }
            Some("db.tt") => (true, true),
            _ => (false, false),
        };
        if !is_ours || !is_address(text) || url.port().is_some() {
            return Err(elsewhere());
        }
        let preview = url.query_pairs().find(|(name, _)| name == "preview");
        let preview = preview.map(|(_, name)| name.into_owned());
        let (own, inside) = match is_short {
            true => (url.path().to_owned(), Vec::new()),
            false => split(&url).ok_or_else(|| LinkAddressError::Page(text.to_owned()))?,
        };
        let is_file = own.starts_with("/scl/fi/") || own.starts_with("/s/");
        let name = own.rsplit('/').next().filter(|_| is_file).map(decoded);
        match is_short {
            true => {
                let _ = url.set_scheme("https"); // between these two it can't fail
                url.set_fragment(None);
            }
            false => tidy(&mut url, &own),
        }
        let mut path = DropboxPath::parse(&inside.join("/"))?;
        if let Some(name) = preview.filter(|_| !is_file && !is_short) {
            path = path.join(&name);
        }
        let below = DropboxPath::parse(below)?;
        Ok(Self {
            url: url.into(),
            path: path.join(below.as_str()),
            name,
        })
    }
}

/// Returns the path of a link's own address, and the names of the folders below it that follow.
fn split(url: &Url) -> Option<(String, Vec<String>)> {
    let mut names: Vec<&str> = url.path().split('/').skip(1).collect();
    while names.last() == Some(&"") {
        names.pop();
    }
    let own = match names.as_slice() {
        ["scl", "fi" | "fo", _, ..] => 4,
        ["s" | "sh", _, ..] => 3,
        _ => return None,
    };
    let is_folder = matches!(names.get(1), Some(&"fo")) || names[0] == "sh";
    let at = own.min(names.len());
    let inside = names[at..].iter().map(|name| decoded(name));
    let inside = if is_folder { inside.collect() } else { Vec::new() };
    Some((format!("/{}", names[..at].join("/")), inside))
}

fn decoded(name: &str) -> String {
    percent_encoding::percent_decode_str(name)
        .decode_utf8_lossy()
        .into_owned()
}

/// Leaves of an address what the API needs.
fn tidy(url: &mut Url, own: &str) {
    let _ = url.set_scheme("https"); // between these two it can't fail
    let _ = url.set_host(Some("www.dropbox.com"));
    url.set_path(own);
    url.set_fragment(None);
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !FOR_BROWSERS.contains(&&**name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
}

impl fmt::Display for LinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        match self.path.is_root() {
            true => Ok(()),
            false => write!(f, "/{}", self.path.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_in_the_forms_that_people_copy() {
        const FOLDER: &str = "https://www.dropbox.com/scl/fo/id/hash?rlkey=k";
        for (typed, url, path, name) in [
            (
                "https://www.dropbox.com/scl/fo/id/hash?rlkey=k&dl=0",
                FOLDER,
                "",
                None,
            ),
            (
                "https://www.dropbox.com/scl/fo/id/hash?rlkey=k&dl=1//a/b c",
                FOLDER,
                "/a/b c",
                None,
            ),
            (
                "HTTP://dropbox.com/scl/fo/id/hash/?dl=0&rlkey=k#x",
                FOLDER,
                "",
                None,
            ),
            (
                "https://www.dropbox.com/scl/fo/id/hash/Sub%20Folder/x?rlkey=k&subfolder_nav_tracking=1&dl=0//y/",
                FOLDER,
                "/Sub Folder/x/y",
                None,
            ),
            (
                "https://www.dropbox.com/scl/fo/id/hash?preview=a+b.pdf&rlkey=k",
                FOLDER,
                "/a b.pdf",
                None,
            ),
            (
                "https://www.dropbox.com/scl/fi/id/a%20b.txt?rlkey=k&raw=1",
                "https://www.dropbox.com/scl/fi/id/a%20b.txt?rlkey=k",
                "",
                Some("a b.txt"),
            ),
            (
                "https://dl.dropboxusercontent.com/s/id/a.txt?dl=1",
                "https://www.dropbox.com/s/id/a.txt",
                "",
                Some("a.txt"),
            ),
            (
                "https://www.dropbox.com/sh/id/hash/sub/x?dl=0",
                "https://www.dropbox.com/sh/id/hash",
                "/sub/x",
                None,
            ),
            ("https://db.tt/abc", "https://db.tt/abc", "", None),
        ] {
            let read = LinkAddress::parse(typed).unwrap();
            let found = (read.url.as_str(), read.path.as_str(), read.name.as_deref());
            assert_eq!(found, (url, path, name), "{typed}");
            let again = LinkAddress::parse(&read.to_string()).unwrap();
            assert_eq!(again, read, "{read} means the same");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for typed in [
            "https://example.org/s/a/b",
            "https://www.dropbox.com.example.org/s/a/b",
            "https://user@example.org/www.dropbox.com/s/a",
            "https://www.dropbox.com/home/x",
            "https://www.dropbox.com/",
            "https://www.dropbox.com:8443/s/a/b",
            "https://",
            "https://www.dropbox.com/s/a/b//..",
        ] {
            assert!(LinkAddress::parse(typed).is_err(), "{typed}");
        }
        for (text, is) in [
            ("https://x", true),
            ("HTTP://x", true),
            ("https:x", false),
            ("dbx:", false),
            ("é", false),
        ] {
            assert_eq!(is_address(text), is, "{text}");
        }
    }
}
