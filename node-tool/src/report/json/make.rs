//! Objects of the schema, made of what the engine knows.

use engine::{
    ErrorKind,
    entry::{FileMeta, Modified},
};
use shared::failure::{Advice, Failure};

use crate::report::format::{self, Item};

use super::types::{
    Action, CheckResult, Checked, Entry, Error, Kind, Outcome, Reason, ReasonKind, Retry, Step,
};

impl Step {
    /// Returns a step that is about one path.
    pub fn new(action: Action, path: impl Into<String>) -> Self {
        Self {
            action,
            path: path.into(),
            to: None,
            size: None,
            rev: None,
            why: None,
        }
    }
}

impl Outcome {
    /// Returns what was done to a path.
    pub fn done(action: Action, path: impl Into<String>) -> Self {
        Self {
            action: Some(action),
            ok: true,
            path: path.into(),
            from: None,
            size: None,
            rev: None,
            content_hash: None,
            digests: std::collections::BTreeMap::new(),
            error: None,
        }
    }

    /// Returns what failed for a path.
    pub fn failed(action: impl Into<Option<Action>>, path: impl Into<String>, error: &engine::Error) -> Self {
        Self {
            action: action.into(),
            ok: false,
            error: Some(error.into()),
            ..Self::done(Action::Keep, path)
        }
    }
}

impl Checked {
    /// Returns what came of comparing a path, and why.
    pub fn new(path: &str, result: format::Checked, why: &str) -> Self {
        Self {
            path: path.to_owned(),
            result: match result {
                format::Checked::Same => CheckResult::Same,
                format::Checked::Different => CheckResult::Different,
                format::Checked::MissingOnSource => CheckResult::MissingInSource,
                format::Checked::MissingOnTarget => CheckResult::MissingInTarget,
                format::Checked::Failed => CheckResult::Failed,
            },
            message: (!why.is_empty()).then(|| why.to_owned()),
        }
    }
}

impl From<&engine::Error> for Reason {
    fn from(error: &engine::Error) -> Self {
        Self {
            kind: match error.kind() {
                ErrorKind::NotFound => ReasonKind::NotFound,
                ErrorKind::AlreadyExists => ReasonKind::AlreadyExists,
                ErrorKind::NotEmpty => ReasonKind::NotEmpty,
                ErrorKind::Changed => ReasonKind::Changed,
                ErrorKind::InvalidName => ReasonKind::InvalidName,
                ErrorKind::Other => ReasonKind::Other,
            },
            message: error.to_string(),
            retry: match error.retry() {
                engine::Retry::Later => Retry::Later,
                engine::Retry::Never => Retry::Never,
                engine::Retry::Unknown => Retry::Unknown,
            },
        }
    }
}

impl From<&engine::entry::Entry> for Entry {
    fn from(entry: &engine::entry::Entry) -> Self {
        let file = entry.file();
        Self {
            path: entry.path.clone(),
            kind: match file {
                Some(_) => Kind::File,
                None => Kind::Folder,
            },
            size: file
                .filter(|file| file.document().is_none())
                .map(|file| file.size_bytes),
            modified: file.and_then(|file| time(file.modified)),
            content_hash: file.and_then(FileMeta::checksum),
            rev: file
                .and_then(|file| file.version.as_ref())
                .map(|version| version.id.clone()),
            id: entry.id.as_deref().map(str::to_owned),
            deleted: None,
            changed_by: None,
        }
    }
}

impl From<&Item> for Entry {
    fn from(item: &Item) -> Self {
        let gone = item.gone.as_ref();
        let hash = item.hashes.iter().find_map(|(_, hash)| hash.parse().ok());
        Self {
            path: item.path.clone(),
            kind: match item.is_folder {
                true => Kind::Folder,
                false => Kind::File,
            },
            size: item.size_bytes.filter(|_| !item.is_folder),
            modified: item.modified.filter(|_| !item.is_folder).and_then(time),
            content_hash: hash,
            rev: None,
            id: item.id.clone(),
            deleted: gone.and_then(|gone| gone.at).and_then(time),
            changed_by: gone.and_then(|gone| gone.changed_by.clone()),
        }
    }
}

impl From<&Failure> for Error {
    fn from(failure: &Failure) -> Self {
        let advice = failure.advice();
        Self {
            message: failure.what().to_owned(),
            why: failure.reasons().to_vec(),
            next: advice.iter().filter_map(command).collect(),
            hint: advice.iter().filter_map(hint).collect(),
        }
    }
}

fn command(advice: &Advice) -> Option<String> {
    match advice {
        Advice::Command(command) => Some(command.clone()),
        Advice::Hint(_) => None,
    }
}

fn hint(advice: &Advice) -> Option<String> {
    match advice {
        Advice::Hint(hint) => Some(hint.clone()),
        Advice::Command(_) => None,
    }
}

/// Returns a time as objects have it: `2026-11-28T20:00:00.5Z`. `None` for one that no calendar has.
pub fn time(modified: Modified) -> Option<String> {
    let nanoseconds = i32::try_from(modified.nanoseconds).unwrap_or_default();
    let time = jiff::Timestamp::new(modified.seconds, nanoseconds).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_all_their_parts() {
        let failure = Failure::new("could not open 'a'")
            .why("it is gone")
            .next("node-tool lsd dbx:")
            .hint("look for it");
        let error = Error::from(&failure);
        assert_eq!(error.message, "could not open 'a'");
        let parts = [error.why, error.next, error.hint].concat();
        assert_eq!(parts, ["it is gone", "node-tool lsd dbx:", "look for it"]);
    }

    #[test]
    fn times_are_in_utc() {
        let at = |seconds, nanoseconds| time(Modified { seconds, nanoseconds });
        assert_eq!(at(1_700_000_000, 0).as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!(at(-1, 500_000_000).as_deref(), Some("1969-12-31T23:59:59.5Z"));
        assert_eq!(at(i64::MAX, 0), None);
    }
}
