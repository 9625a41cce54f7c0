//! The outcome of a run.

use crate::{
    error::{Error, Retry},
    plan::Plan,
};

/// A failure.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its path, relative to the root that it is in.
    pub path: String,
    /// The error.
    pub error: Error,
}

/// Counts of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Number of files that were copied.
    pub copied: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Number of files that were there already.
    pub unchanged: u64,
    /// Number of files that a rule left unchanged.
    pub skipped: u64,
    /// Number of files that were deleted from the target.
    pub deleted: u64,
    /// Number of files that were renamed in the target instead of being copied.
    pub renamed: u64,
    /// What failed.
    pub failed: Vec<Failed>,
}

impl Tally {
    /// Returns the tally of a plan before it is run: what needs no copying, and what can't be copied.
    pub fn of_plan(plan: &Plan) -> Self {
        let failed = plan.obstacles.iter().map(|obstacle| Failed {
            path: obstacle.path.clone(),
            error: Error::new(Retry::Never, &obstacle.reason),
        });
        Self {
            unchanged: plan.unchanged,
            skipped: plan.skipped,
            failed: failed.collect(),
            ..Self::default()
        }
    }

    /// Returns whether trying again helps. `None` means that nothing failed.
    ///
    /// `Retry::Later` means that it may help everything that failed, `Retry::Never` that it can help nothing.
    pub fn retry(&self) -> Option<Retry> {
        Retry::of_all(self.failed.iter().map(|failed| failed.error.retry()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trying_again_helps_only_if_it_may_help_everything() {
        use Retry::{Later, Never, Unknown};
        for (all, expected) in [
            (&[][..], None),
            (&[Later], Some(Later)),
            (&[Later, Later], Some(Later)),
            (&[Never, Never], Some(Never)),
            (&[Never, Later], Some(Unknown)),
            (&[Later, Never], Some(Unknown)),
            (&[Unknown], Some(Unknown)),
            (&[Later, Unknown], Some(Unknown)),
        ] {
            let failed = all.iter().map(|retry| Failed {
                path: "x".into(),
                error: Error::new(*retry, "why"),
            });
            let tally = Tally {
                failed: failed.collect(),
                ..Tally::default()
            };
            assert_eq!(tally.retry(), expected, "{all:?}");
        }
    }
}
