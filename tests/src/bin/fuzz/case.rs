//! What a round is: two trees, a verb, a direction and flags; as data, so that it can be shown, shrunk and repeated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Files and folders by their path.
pub type Tree = BTreeMap<String, Node>;

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Node {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// What it holds.
        text: String,
        /// Seconds since 1970.
        time: i64,
    },
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    Copy,
    Sync,
    Move,
    /// A move that is killed at some moment, and repeated.
    KilledMove,
    Check,
    Lsf,
    Lsl,
    Tree,
    Size,
    Cat,
    Hashsum,
    Delete,
    Rmdirs,
    Purge,
}

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    Up,
    Down,
    /// Within the Dropbox.
    Across,
}

/// One round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub verb: Verb,
    pub way: Way,
    pub source: Tree,
    /// Nothing: the target isn't there.
    pub target: Option<Tree>,
    /// Each with its value.
    pub flags: Vec<Vec<String>>,
    /// When the move is killed.
    #[serde(default)]
    pub after_ms: u64,
}

impl Verb {
    /// As both programs call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Sync => "sync",
            Self::Move | Self::KilledMove => "move",
            Self::Check => "check",
            Self::Lsf => "lsf",
            Self::Lsl => "lsl",
            Self::Tree => "tree",
            Self::Size => "size",
            Self::Cat => "cat",
            Self::Hashsum => "hashsum",
            Self::Delete => "delete",
            Self::Rmdirs => "rmdirs",
            Self::Purge => "purge",
        }
    }

    /// Whether it has a source and a target.
    pub fn has_two_places(self) -> bool {
        self.transfers() || self == Self::Check
    }

    /// Whether it brings files from one place to another.
    pub fn transfers(self) -> bool {
        matches!(self, Self::Copy | Self::Sync | Self::Move | Self::KilledMove)
    }

    /// Whether files leave the source.
    pub fn empties_source(self) -> bool {
        matches!(
            self,
            Self::Move | Self::KilledMove | Self::Delete | Self::Rmdirs | Self::Purge
        )
    }
}

impl Case {
    /// Whether a flag was given.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|words| words[0] == flag)
    }

    /// Whether any flag leaves files out.
    pub fn filters(&self) -> bool {
        [
            "--include",
            "--exclude",
            "--filter",
            "--max-depth",
            "--min-size",
            "--max-size",
            "--exclude-if-present",
        ]
        .iter()
        .any(|flag| self.has(flag))
    }

    /// The flags as words.
    pub fn words(&self) -> Vec<String> {
        self.flags.concat()
    }
}
