//! A plan in phases, which different processes may carry out: what comes before the copies, copies, and what comes last.

use super::{Plan, Step, StepId};

impl Plan {
    /// Returns what has to be done before anything is copied.
    #[must_use]
    pub fn beginning(&self) -> Self {
        Self {
            mkdirs: self.mkdirs.clone(),
            renames: self.renames.clone(),
            ..Self::default()
        }
    }

    /// Returns a plan of some copies.
    #[must_use]
    pub fn of_copies(copies: Vec<Step>) -> Self {
        Self {
            copies,
            ..Self::default()
        }
    }

    /// Returns what has to be done after all copies: deletions, what goes to where something was deleted, and what is removed from
    /// the source.
    #[must_use]
    pub fn ending(&self) -> Self {
        Self {
            deletes: self.deletes.clone(),
            rmdirs: self.rmdirs.clone(),
            late_mkdirs: self.late_mkdirs.clone(),
            late_copies: self.late_copies.clone(),
            source_deletes: self.source_deletes.clone(),
            source_rmdirs: self.source_rmdirs.clone(),
            ..Self::default()
        }
    }

    /// Returns the highest number of its steps.
    pub fn last_id(&self) -> StepId {
        self.steps().map(|step| step.id).max().unwrap_or_default()
    }

    /// Removes the steps for which `is_done` is true.
    pub fn drop_done(&mut self, is_done: impl Fn(StepId) -> bool) {
        for steps in [
            &mut self.mkdirs,
            &mut self.renames,
            &mut self.copies,
            &mut self.deletes,
            &mut self.rmdirs,
            &mut self.late_mkdirs,
            &mut self.late_copies,
            &mut self.source_deletes,
            &mut self.source_rmdirs,
        ] {
            steps.retain(|step| !is_done(step.id));
        }
    }
}
