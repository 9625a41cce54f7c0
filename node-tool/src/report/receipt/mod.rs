//! Receipts of transfers: which files are in the target, and what their content is, for a check years later.
//!
//! A receipt is JSON, one object per line: the [head](Head), a line for each [file](File), and the [total](Total), without which it
//! was cut. [docs/json.md](../../../../docs/json.md) describes it.

mod writer;

use std::collections::BTreeMap;

use engine::digest::Digests;
use serde::{Deserialize, Serialize};
use shared::content_hash::ContentHash;

pub use writer::{Receipt, end_unfinished};

/// The version of the format. It grows when older readers would misunderstand a receipt; fields that they may ignore don't
/// change it.
pub const SCHEMA: u32 = 1;

/// A line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Receipt(Head),
    /// A file.
    File(File),
    /// The last line.
    Total(Total),
    /// What a newer version writes, and a reader ignores.
    #[serde(other)]
    Unknown,
}

/// What the transfer was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of node-tool.
    pub version: String,
    /// The verb.
    pub command: String,
    /// The source, as it was typed, without what may be a secret.
    pub source: String,
    /// The target, in the same way.
    pub target: String,
    /// When it began, in UTC: `2026-11-28T20:00:00Z`.
    pub time: String,
}

/// A file that is in the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its path below the target, with slashes. A byte that isn't UTF-8 is NUL and two hexadecimal digits.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Its revision in the Dropbox that it is in or comes from. `None` if unknown.
    #[serde(default)]
    pub rev: Option<String>,
    /// Dropbox's content hash. `None` if unknown.
    #[serde(default)]
    pub content_hash: Option<ContentHash>,
    /// The digests that were asked for, by their names. Files that were there already have none.
    #[serde(default)]
    pub digests: BTreeMap<String, String>,
    /// How it came there.
    pub action: Action,
}

/// How a file came into the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was copied.
    Copied,
    /// It was in the target under another name.
    Renamed,
    /// It was there already.
    Unchanged,
}

/// The end of a receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// Number of files in the receipt.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Number of files that failed, which are not in the receipt.
    pub failed: u64,
    /// Whether everything was tried. It was not if the transfer was stopped, by a person or an error.
    pub complete: bool,
}

/// Returns digests by their names.
pub fn by_name(digests: &Digests) -> BTreeMap<String, String> {
    let named = digests.iter();
    named
        .map(|(algorithm, digits)| (algorithm.name().to_owned(), digits.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_written_as_ever() {
        let sample = include_str!("../../../tests/fixtures/receipt-v1.jsonl");
        let lines: Vec<Line> = sample
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let kinds = lines.iter().map(|line| match line {
            Line::Receipt(head) => head.command.clone(),
            Line::File(file) => file.path.clone(),
            Line::Total(total) => total.files.to_string(),
            Line::Unknown => "unknown".into(),
        });
        assert_eq!(
            kinds.collect::<Vec<_>>(),
            ["copy", "raw/run7.h5", "notes.txt", "2"]
        );
        for (line, text) in lines.iter().zip(sample.lines()) {
            assert_eq!(serde_json::to_string(line).unwrap(), text);
        }
    }

    #[test]
    fn the_pages_example_is_the_sample() {
        let sample = include_str!("../../../tests/fixtures/receipt-v1.jsonl");
        assert!(include_str!("../../../../docs/json.md").contains(sample));
    }

    #[test]
    fn what_a_newer_version_adds_is_ignored() {
        let newer = r#"{"type":"file","path":"a","size":1,"action":"copied","owner":"ann"}"#;
        assert!(matches!(serde_json::from_str(newer), Ok(Line::File(file)) if file.rev.is_none()));
        assert_eq!(
            serde_json::from_str::<Line>(r#"{"type":"folder"}"#).unwrap(),
            Line::Unknown
        );
    }
}
