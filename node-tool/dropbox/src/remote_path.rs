//! Where something is, as a person types it: `NAME:PATH`, or `NAME:{FOLDER}/PATH` in a shared folder.

use std::fmt;

use crate::DropboxPath;

/// A path in the Dropbox of a remote. Displayed as a person would type it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePath {
    /// The remote's name, without the colon.
    pub remote: String,
    /// The path in it.
    pub path: DropboxPath,
    /// Whether a slash comes first: then the path starts at the root of the account, which in a team is the team's space, not
    /// the member's own folder.
    pub from_root: bool,
    /// The shared folder in which the path starts, by its name or `ns:ID`. `None` if it starts elsewhere.
    pub shared: Option<String>,
}

impl RemotePath {
    /// Cuts `{FOLDER}/PATH` into the name of a shared folder and the path in it. `None` if no folder is named like that: names with
    /// a comma between braces are alternatives of a pattern, and an own folder whose name is in braces is typed `./{name}`.
    pub fn cut_shared(text: &str) -> Option<(&str, &str)> {
        let inside = text.strip_prefix('{')?;
        // A name has no slash, but it may have braces.
        let end = match inside.find("}/") {
            Some(end) if !inside[..end].contains('/') => end,
            _ => inside.strip_suffix('}').filter(|name| !name.contains('/'))?.len(),
        };
        let (name, rest) = (&inside[..end], &inside[end + 1..]);
        let is_name = !name.is_empty() && !name.contains(',');
        is_name.then_some((name, rest))
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_str().trim_start_matches('/');
        let (remote, is_shared) = (&self.remote, Self::cut_shared(path).is_some());
        match &self.shared {
            Some(folder) if path.is_empty() => write!(f, "{remote}:{{{folder}}}"),
            Some(folder) => write!(f, "{remote}:{{{folder}}}/{path}"),
            None if self.from_root => write!(f, "{remote}:/{path}"),
            None if is_shared => write!(f, "{remote}:./{path}"),
            None => write!(f, "{remote}:{path}"),
        }
    }
}
