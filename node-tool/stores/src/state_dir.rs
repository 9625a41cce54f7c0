//! Where processes of one user leave things for each other and for later runs.

use std::path::PathBuf;

/// A directory that outlasts a process, and that the nodes of a cluster share if they share the home. It need not exist.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Returns one at this path.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns where the journals of big files are.
    pub fn transfers(&self) -> PathBuf {
        self.0.join("transfers")
    }

    /// Returns where small files are noted that are sent and not committed.
    pub(crate) fn uncommitted(&self) -> PathBuf {
        self.0.join("uncommitted")
    }

    /// Returns where processes take turns at commits.
    pub(crate) fn commits(&self) -> PathBuf {
        self.0.join("commits")
    }

    /// Returns where processes tell each other of pauses.
    pub(crate) fn pauses(&self) -> PathBuf {
        self.0.join("pauses")
    }
}
