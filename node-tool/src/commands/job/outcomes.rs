//! What a run reports, as objects of `--json` and lines of a receipt.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use engine::{
    entry::{Entry, FileMeta, Version},
    plan::{Plan, Same, StepId, StepKind},
    run::{Arrived, Event, Observer, Subject, Tally},
};

use stores::Place;

use crate::report::{
    self,
    json::{self, Action, Object, Outcome},
    receipt::{self, Receipt},
};

/// Prints an object for each outcome, if `--json` asks for that.
#[derive(Debug)]
pub(super) struct Outcomes {
    /// Whether files go from one place to another in one step.
    pub takes_from_source: bool,
}

impl Observer for Outcomes {
    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        let outcome = subject.and_then(|subject| self.outcome(subject, event));
        if let Some(outcome) = outcome {
            // Whoever reads it went away, or will see that the total is missing.
            let _ = json::print(&Object::Outcome(outcome));
        }
    }
}

impl Outcomes {
    /// Returns what an event means for a file or folder. `None` if it is still under way, or nothing was to be done.
    fn outcome(&self, subject: Subject<'_>, event: &Event) -> Option<Outcome> {
        let Subject { from, to, .. } = subject;
        let sized = |action| Outcome {
            size: Some(subject.size_bytes),
            ..Outcome::done(action, to)
        };
        let renamed = |outcome: Outcome| Outcome {
            from: (from != to).then(|| from.to_owned()),
            ..outcome
        };
        Some(match event {
            Event::Copied { bytes, file, .. } => {
                let action = match self.takes_from_source {
                    true => Action::Move,
                    false => Action::Copy,
                };
                renamed(with_content(Outcome::done(action, to), *bytes, file))
            }
            Event::Renamed { version } => Outcome {
                rev: version.as_deref().map(str::to_owned),
                ..renamed(sized(Action::Rename))
            },
            Event::BackedUp => sized(Action::Backup),
            Event::Deleted => sized(Action::Delete),
            Event::SourceDeleted => sized(Action::DeleteSource),
            Event::FolderMade => Outcome::done(Action::Mkdir, to),
            Event::FolderRemoved => Outcome::done(Action::Rmdir, to),
            Event::FolderKept(error) => Outcome::failed(Action::Rmdir, to, error),
            Event::DocumentKept { own_path } => Outcome::done(Action::Keep, own_path),
            Event::Failed(error) => renamed(Outcome::failed(self.action(subject.kind), to, error)),
            Event::Moved { .. } | Event::Returned { .. } | Event::Unchanged | Event::DeletesWithheld => {
                return None;
            }
        })
    }

    fn action(&self, kind: StepKind) -> Action {
        match kind {
            StepKind::Copy(_) | StepKind::CompareChecksum { .. } if self.takes_from_source => Action::Move,
            StepKind::Copy(_) | StepKind::CompareChecksum { .. } => Action::Copy,
            StepKind::Mkdir => Action::Mkdir,
            StepKind::Rename => Action::Rename,
            StepKind::Delete => Action::Delete,
            StepKind::Rmdir => Action::Rmdir,
            StepKind::DeleteSource { .. } => Action::DeleteSource,
            StepKind::RmdirSource => Action::RmdirSource,
        }
    }
}

fn with_content(outcome: Outcome, bytes: u64, file: &Arrived) -> Outcome {
    Outcome {
        size: Some(bytes),
        rev: file.version.as_deref().map(str::to_owned),
        content_hash: file.checksum,
        digests: receipt::by_name(&file.digests),
        ..outcome
    }
}

/// Adds the files that are in the target to a receipt.
#[derive(Debug)]
pub(super) struct Noted {
    receipt: Arc<Receipt>,
    /// What the listings know of files whose content is compared, or which get another name.
    known: HashMap<StepId, Version>,
}

impl Noted {
    /// Returns an observer of a run of a plan.
    pub(super) fn new(receipt: Arc<Receipt>, plan: &Plan) -> Self {
        let compared = plan
            .all_copies()
            .filter(|step| matches!(step.kind, StepKind::CompareChecksum { .. }));
        let known = compared.chain(&plan.renames).filter_map(|step| {
            let mut version = known(step.replaces.as_ref(), &step.meta)?.clone();
            if step.kind == StepKind::Rename {
                version.id.clear(); // it gets a new one
            }
            Some((step.id, version))
        });
        Self {
            known: known.collect(),
            receipt,
        }
    }
}

/// Returns the version of a file that a listing has: that of the target, or else that of the source.
fn known<'a>(target: Option<&'a FileMeta>, source: &'a FileMeta) -> Option<&'a Version> {
    let target = target.and_then(|file| file.version.as_deref());
    target.or(source.version.as_deref())
}

impl Observer for Noted {
    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        let Some(subject) = subject else { return };
        let version = self.known.get(&subject.id);
        let file = |action| line(subject.to, subject.size_bytes, version, action);
        match event {
            Event::Copied { bytes, file, .. } => self.receipt.add(receipt::File {
                rev: file.version.as_deref().map(str::to_owned),
                content_hash: file.checksum,
                digests: receipt::by_name(&file.digests),
                ..line(subject.to, *bytes, None, receipt::Action::Copied)
            }),
            Event::Unchanged => self.receipt.add(file(receipt::Action::Unchanged)),
            Event::Renamed { version } => self.receipt.add(receipt::File {
                rev: version.as_deref().map(str::to_owned),
                ..file(receipt::Action::Renamed)
            }),
            _ => {}
        }
    }
}

/// Returns the line of a file of which a listing knows a version.
fn line(path: &str, size: u64, version: Option<&Version>, action: receipt::Action) -> receipt::File {
    receipt::File {
        path: path.to_owned(),
        size,
        rev: version
            .map(|version| version.id.clone())
            .filter(|rev| !rev.is_empty()),
        content_hash: version.and_then(|version| version.checksum),
        digests: BTreeMap::new(),
        action,
    }
}

/// Adds files that are the same on both sides to a receipt, with what the listings know of them.
pub(super) fn note_same(receipt: &Receipt, same: Vec<Same>) {
    for file in same {
        let version = known(Some(&file.target), &file.source);
        receipt.add(line(
            &file.to,
            file.target.size_bytes,
            version,
            receipt::Action::Unchanged,
        ));
    }
}

/// Adds the files of a folder that was moved as a whole.
pub(super) fn note_moved(receipt: &Receipt, entries: &[Entry]) {
    for entry in entries {
        let Some(file) = entry.file() else { continue };
        let version = file.version.as_deref().map(|version| Version {
            id: String::new(), // it got a new one
            ..version.clone()
        });
        receipt.add(line(
            &entry.path,
            file.size_bytes,
            version.as_ref(),
            receipt::Action::Copied,
        ));
    }
}

/// Logs and prints what failed before the run began.
pub(super) fn report_failed(tally: &Tally, source: &Place) {
    let object_type = report::object_type(source);
    for failed in &tally.failed {
        tracing::error!(target: report::FILE_FAILURES, object = %failed.path, object_type, "{}", failed.error);
    }
    let outcomes = tally
        .failed
        .iter()
        .map(|failed| Object::Outcome(Outcome::failed(None, &*failed.path, &failed.error)));
    let _ = json::print_all(outcomes); // as above
}

/// Adds the counts of a run to the total of `--json`.
pub(super) fn count(tally: &Tally) {
    json::count(|total| {
        json::add(&mut total.files, tally.copied);
        json::add(&mut total.bytes, tally.copied_bytes);
        json::add(&mut total.unchanged, tally.unchanged);
        json::add(&mut total.skipped, tally.skipped);
        json::add(&mut total.renamed, tally.renamed);
        json::add(&mut total.deleted, tally.deleted);
        json::add(&mut total.failed, tally.failed.len() as u64);
    });
}
