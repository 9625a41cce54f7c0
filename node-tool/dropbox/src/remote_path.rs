//! Where something is, as a person types it: `NAME:PATH`.

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
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.from_root { "/" } else { "" };
        let path = self.path.as_str().trim_start_matches('/');
        write!(f, "{}:{slash}{path}", self.remote)
    }
}
