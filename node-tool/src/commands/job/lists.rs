//! `--combined` and its kin: which files were the same before a run, which differed, and which only one side had.

use std::collections::HashSet;

use engine::{
    entry::Entry,
    filter::Filter,
    listing::Listing,
    plan::{Plan, pair_all},
    relative_path::fold,
    run::Tally,
};
use shared::failure::Failure;

use crate::{
    commands::look::check::outputs::{OutputFlags, Outputs},
    report::format::Checked,
};

/// What both sides had before a run, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    rows: Vec<Row>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    /// Its path in the target, or in the source if only that has it.
    path: String,
    /// What is known without its content. `None` means that both sides have it.
    found: Option<Checked>,
}

impl Lists {
    /// Compares two listings by name. Files of the target that the filter excludes don't count, nor do exports of cloud documents.
    pub(super) fn of(source: &Listing, target: &Listing, filter: &Filter, ignores_case: bool) -> Self {
        let selection = filter.selection(&target.entries);
        let excluded: HashSet<&str> = target
            .entries
            .iter()
            .zip(selection)
            .filter_map(|(entry, is_in)| (!is_in).then_some(entry.path.as_str()))
            .collect();
        let is_file = |entry: &&Entry| entry.file().is_some();
        let pairs = pair_all(&source.entries, &target.entries, ignores_case);
        let mut rows: Vec<Row> = pairs
            .into_iter()
            .filter_map(|(mine, theirs)| {
                let (mine, theirs) = (mine.filter(is_file), theirs.filter(is_file));
                let (entry, found) = match (mine, theirs) {
                    (Some(_), Some(theirs)) => (theirs, None),
                    (Some(mine), None) => (mine, Some(Checked::MissingOnTarget)),
                    (None, Some(theirs)) => {
                        let is_shown = !excluded.contains(theirs.path.as_str()) && !theirs.is_exported();
                        (is_shown.then_some(theirs)?, Some(Checked::MissingOnSource))
                    }
                    (None, None) => return None,
                };
                Some(Row {
                    path: entry.path.clone(),
                    found,
                })
            })
            .collect();
        rows.sort_by(|a, b| a.path.cmp(&b.path));
        Self { rows }
    }

    /// Returns each path with what was found out. Of the files that both sides have, those differ that the plan copies, whose contents
    /// were compared by then.
    fn outcomes<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (Checked, &'a str)> {
        let copied: HashSet<String> = plan
            .all_copies()
            .map(|step| fold(&step.to).into_owned())
            .chain(
                plan.obstacles
                    .iter()
                    .map(|obstacle| fold(&obstacle.path).into_owned()),
            )
            .collect();
        self.rows.iter().map(move |row| {
            let outcome = row
                .found
                .unwrap_or_else(|| match copied.contains(&*fold(&row.path)) {
                    true => Checked::Different,
                    false => Checked::Same,
                });
            (outcome, row.path.as_str())
        })
    }

    /// Makes the lists, with what the plan says.
    ///
    /// # Errors
    /// When a file can't be written.
    pub(super) fn begin(&self, flags: &OutputFlags, plan: &Plan) -> Result<Outputs, Failure> {
        let mut outputs = Outputs::open(flags)?;
        for (outcome, path) in self.outcomes(plan) {
            outputs.write(outcome, path)?;
        }
        Ok(outputs)
    }
}

/// Adds what failed, and completes the lists.
///
/// # Errors
/// When a file can't be written.
pub(super) fn end(mut outputs: Outputs, tally: &Tally) -> Result<(), Failure> {
    for failed in &tally.failed {
        outputs.write(Checked::Failed, &failed.path)?;
    }
    outputs.finish()
}

#[cfg(test)]
mod tests {
    use engine::{
        entry::{FileMeta, Kind},
        filter::{Rules, Verdict},
        plan::{CopyReason, Step, StepKind},
    };

    use super::*;

    fn listing(paths: &[&str]) -> Listing {
        let entry = |path: &&str| Entry {
            path: path.trim_end_matches('/').to_owned(),
            kind: match path.ends_with('/') {
                true => Kind::Folder,
                false => Kind::File(FileMeta::default()),
            },
            id: None,
        };
        Listing {
            entries: paths.iter().map(entry).collect(),
            ..Listing::default()
        }
    }

    #[test]
    fn each_file_is_in_one_list() {
        let (source, target) = (
            listing(&["Same", "d/", "d/new", "other"]),
            listing(&["d/", "d/old", "d/out.tmp", "other", "same"]),
        );
        let mut rules = Rules::new(false);
        rules.add(Verdict::Exclude, "*.tmp").unwrap();
        let filter = Filter::builder().rules(rules).build();
        let lists = Lists::of(&source, &target, &filter, true);
        let copy = StepKind::Copy(CopyReason::ContentDiffers);
        let plan = Plan {
            copies: vec![Step::new(copy, "other", "other", FileMeta::default())],
            ..Plan::default()
        };
        let lines: Vec<String> = lists
            .outcomes(&plan)
            .map(|(outcome, path)| outcome.line(path))
            .collect();
        assert_eq!(lines, ["+ d/new", "- d/old", "* other", "= same"]);
    }
}
