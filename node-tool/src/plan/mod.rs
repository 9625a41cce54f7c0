//! Two listings become a plan: what is to be copied, renamed and removed, and what can't be. Pure: no I/O, no flags, no
//! terminal. A dry run shows the plan; a run carries it out.

mod bundle;
mod compare;
mod make;
mod mounts;
mod names;
mod pair;
mod removal;
mod rules;

use crate::tree::{Entry, FileInfo};

pub use bundle::{Bundle, MOST_BYTES, MOST_ENTRIES, Weights, bundle};
pub use compare::{By, Comparison, Why, compare};
pub use make::{Options, Source, Target, make};
pub use mounts::Mounts;
pub use names::{Names, ancestors, fold};
pub use pair::{Met, Pairing, pair_all};
pub use removal::Removal;
pub use rules::{IMMUTABLE, Rules};

/// One file to copy. Paths are relative to the two folders, which needn't spell them alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The source's path.
    pub from: String,
    /// The target's path.
    pub to: String,
    /// The source's file.
    pub source: FileInfo,
    /// The file that is at the target now.
    pub over: Option<FileInfo>,
    /// What to do, and why.
    pub task: Task,
}

/// What to do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Copy it.
    Copy(Why),
    /// Copy it if the content's hash differs.
    Settle {
        /// Why it is not replaced then; `None` means that it is.
        refusal: Option<&'static str>,
    },
}

/// A file that can't be copied, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The source's path.
    pub path: String,
    /// Why not.
    pub reason: String,
    /// The target's path of what is in its place, if that is it.
    pub in_the_way: Option<String>,
    /// Whether that is a symlink to a folder, which could be gone through.
    pub is_folder_link: bool,
}

/// What is to be done, in the order of the fields.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Folders of the target to make first.
    pub folders: Vec<String>,
    /// Files of the target to rename: from, to, and the file of the source that is then there.
    pub renames: Vec<Rename>,
    /// Files to copy, in the order of the source's paths.
    pub actions: Vec<Action>,
    /// Files of the target to delete, if all went well so far.
    pub deletes: Vec<Entry>,
    /// Folders of the target to remove, the inner before the outer.
    pub rmdirs: Vec<Entry>,
    /// Folders to make where something else was before.
    pub last_folders: Vec<String>,
    /// Files to copy to where something else was before.
    pub last: Vec<Action>,
    /// What can't be done.
    pub obstacles: Vec<Obstacle>,
    /// Number of files that are the same on both sides.
    pub same: u64,
    /// Paths in the source of files whose content is proven to be in the target; only with [`Rules::proves`].
    pub proven: Vec<String>,
    /// Number of files that a rule leaves as they are, the same or not.
    pub left: u64,
    /// Where other namespaces begin in the target.
    pub mounts: Mounts,
}

/// A file of the target that gets another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// What it is now.
    pub entry: Entry,
    /// Its new path in the target.
    pub to: String,
    /// The source's file of that path, with the same content.
    pub source: FileInfo,
}

#[cfg(test)]
mod tests;
