//! What a restored folder's plan and outcome look like.

use std::time::Duration;

use engine::{
    entry::{Entry, Modified},
    plan::{self, CopyReason, Step, StepKind, total_bytes},
    run::Tally,
};
use shared::failure::Failure;
use stores::Place;

use crate::{
    commands::ask,
    report::{
        self,
        format::plain_time,
        json::{self, Object},
    },
    terminal,
};

/// Maximum number of files that are listed before they are restored; a dry run lists all.
const MAX_LISTED: usize = 20;

/// A plan to show.
pub(super) struct Plan<'a> {
    pub(super) plan: &'a plan::Plan,
    /// What came since and stays.
    pub(super) kept: &'a [Entry],
    pub(super) time: Modified,
    pub(super) dest: &'a Place,
    /// Whether the folder is restored where it was.
    pub(super) is_in_place: bool,
    pub(super) deletes_new: bool,
}

/// What happens to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    BringBack,
    ChangeBack,
    Delete,
    Keep,
}

/// A file as it is shown.
struct Line<'a> {
    action: Action,
    path: &'a str,
    size: u64,
    /// The revision that is brought back.
    rev: Option<&'a str>,
}

impl From<&Line<'_>> for json::Step {
    fn from(line: &Line<'_>) -> Self {
        let (action, why) = match line.action {
            Action::BringBack => (json::Action::Restore, Some("deleted")),
            Action::ChangeBack => (json::Action::Restore, Some("content-differs")),
            Action::Delete => (json::Action::Delete, None),
            Action::Keep => (json::Action::Keep, None),
        };
        Self {
            size: Some(line.size),
            rev: line.rev.map(str::to_owned),
            why: why.map(str::to_owned),
            ..Self::new(action, line.path)
        }
    }
}

impl Action {
    /// Returns its sign and its words.
    fn words(self) -> (char, &'static str) {
        match self {
            Self::BringBack => ('+', "bring back"),
            Self::ChangeBack => ('~', "change back"),
            Self::Delete => ('-', "delete, it came since"),
            Self::Keep => ('=', "stays, it came since"),
        }
    }
}

impl Plan<'_> {
    fn lines(&self) -> Vec<Line<'_>> {
        let steps = self.plan.steps().filter_map(line);
        let kept = self.kept.iter().map(|entry| Line {
            action: Action::Keep,
            path: &entry.path,
            size: entry.file().map_or(0, |file| file.size_bytes),
            rev: None,
        });
        let mut lines: Vec<Line<'_>> = steps.chain(kept).collect();
        lines.sort_by_key(|line| line.path);
        lines
    }

    /// Prints one object per file.
    ///
    /// # Errors
    /// When stdout can't be written.
    pub(super) fn print_json(&self) -> Result<(), Failure> {
        json::print_all(self.lines().iter().map(|line| Object::Step(line.into())))
    }

    /// Shows the files and their sums; all files, or the first.
    pub(super) fn print(&self, all: bool) {
        let lines = self.lines();
        let most = if all { usize::MAX } else { MAX_LISTED };
        for line in lines.iter().take(most) {
            let (sign, words) = line.action.words();
            let size = report::bytes(line.size);
            report::note(&format!("  {sign} {} ({size}): {words}", line.path));
        }
        if lines.len() > most {
            report::note(&format!(
                "  … and {} more; --dry-run shows all",
                lines.len() - most
            ));
        }
        report::note(&self.sums(&lines));
    }

    fn sums(&self, lines: &[Line<'_>]) -> String {
        let count = |action| lines.iter().filter(|line| line.action == action).count();
        let mut parts = vec![format!("{} to bring back", files(count(Action::BringBack)))];
        for (action, what) in [
            (Action::ChangeBack, "to change back"),
            (Action::Delete, "to delete"),
            (Action::Keep, "came since and stay"),
        ] {
            if count(action) > 0 {
                parts.push(format!("{} {what}", count(action)));
            }
        }
        let bytes = report::bytes(total_bytes(self.plan.all_copies()));
        let mut text = format!(
            "'{}' as of {}: {} ({bytes}), {} already so",
            self.dest,
            time(self.time),
            parts.join(", "),
            self.plan.unchanged
        );
        if self.is_in_place && !self.deletes_new && count(Action::Keep) > 0 {
            text += "; --delete-new deletes what came since";
        }
        text
    }

    /// Asks whether to go on, if there is a person to answer.
    ///
    /// # Errors
    /// When the answer is no.
    pub(super) async fn ask(&self) -> Result<(), Failure> {
        if !terminal::is_there() || ask::yes("Restore this? (y/n)").await? {
            return Ok(());
        }
        Err(super::refused())
    }
}

/// Returns how a step is shown. `None` for those of folders.
fn line(step: &Step) -> Option<Line<'_>> {
    let action = match step.kind {
        StepKind::Copy(CopyReason::New) => Action::BringBack,
        StepKind::Copy(_) | StepKind::CompareChecksum { .. } => Action::ChangeBack,
        StepKind::Delete => Action::Delete,
        _ => return None,
    };
    let rev = step.meta.version.as_ref().map(|version| version.id.as_str());
    Some(Line {
        action,
        path: &step.to,
        size: step.meta.size_bytes,
        rev: rev.filter(|_| action != Action::Delete),
    })
}

fn files(count: usize) -> String {
    report::files(count as u64)
}

/// Returns a time as people here read it.
pub(super) fn time(time: Modified) -> String {
    plain_time(time, &jiff::tz::TimeZone::system(), 0)
}

/// Returns the outcome in one line.
pub(super) fn outcome(tally: &Tally, took: Duration) -> String {
    let mut text = format!(
        "{} restored ({}), {} already so",
        report::files(tally.copied),
        report::bytes(tally.copied_bytes),
        tally.unchanged
    );
    for (count, what) in [(tally.deleted, "deleted"), (tally.failed.len() as u64, "failed")] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    text + &format!(", {:.1} s", took.as_secs_f64())
}
