//! Limits how much a plan copies (`--max-transfer`).

use std::collections::HashSet;

use super::{Plan, Step, StepId, StepKind};
use crate::relative_path::ancestors;

/// What happens to the file that would exceed the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cutoff {
    /// It is not copied: a part of it would be of no use.
    #[default]
    Before,
    /// It is the last one that is copied.
    After,
}

impl Plan {
    /// Keeps as many copies as `max_bytes` allow, in their order. Returns whether any had to be left out; then nothing is
    /// deleted either, since deletions wait for all copies, and the source keeps what is not copied.
    pub fn limit_bytes(&mut self, max_bytes: u64, cutoff: Cutoff) -> bool {
        let mut sum = 0_u64;
        let mut waiting: HashSet<StepId> = HashSet::new();
        let mut cut = |steps: &mut Vec<Step>| {
            let fits = |step: &Step| {
                let before = sum;
                if matches!(step.kind, StepKind::Copy(_)) {
                    sum = sum.saturating_add(step.meta.size_bytes);
                }
                sum <= max_bytes || cutoff == Cutoff::After && before < max_bytes
            };
            let count = steps.iter().map(fits).take_while(|fits| *fits).count();
            waiting.extend(steps.drain(count..).map(|step| step.id));
        };
        cut(&mut self.copies);
        cut(&mut self.late_copies);
        if waiting.is_empty() {
            return false;
        }
        self.drop_deletes();
        waiting.extend(self.late_copies.drain(..).map(|step| step.id));
        self.keep_in_source(&waiting);
        true
    }

    /// Keeps files of the source whose copies are left out, and the folders around them.
    fn keep_in_source(&mut self, copies: &HashSet<StepId>) {
        let waits = |step: &mut Step| match step.kind {
            StepKind::DeleteSource { after } => after.is_some_and(|copy| copies.contains(&copy)),
            _ => false,
        };
        let kept: Vec<Step> = self.source_deletes.extract_if(.., waits).collect();
        let occupied: HashSet<&str> = kept.iter().flat_map(|step| ancestors(&step.from)).collect();
        self.source_rmdirs
            .retain(|folder| !occupied.contains(&*folder.from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entry::FileMeta, plan::CopyReason};

    fn step(kind: StepKind, size_bytes: u64) -> Step {
        let meta = FileMeta {
            size_bytes,
            ..FileMeta::default()
        };
        Step::new(kind, "x", "x", meta)
    }

    #[test]
    fn what_is_only_compared_does_not_count() {
        let copy = StepKind::Copy(CopyReason::New);
        let compare = StepKind::CompareChecksum { refusal: None };
        for (max, copies, is_cut) in [(9, 1, true), (10, 2, false), (4, 0, true), (100, 2, false)] {
            let mut plan = Plan {
                copies: vec![step(copy, 5), step(copy, 5)],
                deletes: vec![step(StepKind::Delete, 1)],
                ..Plan::default()
            };
            assert_eq!(plan.limit_bytes(max, Cutoff::Before), is_cut, "{max}");
            assert_eq!(plan.copies.len(), copies, "{max}");
            assert_eq!(plan.deletes.is_empty(), is_cut, "{max}");
        }
        let mut plan = Plan {
            copies: vec![step(copy, 5), step(compare, 50), step(copy, 5)],
            ..Plan::default()
        };
        assert!(!plan.limit_bytes(10, Cutoff::Before));
        assert_eq!(plan.copies.len(), 3);
    }

    #[test]
    fn the_file_that_exceeds_the_limit_may_be_the_last() {
        let copy = StepKind::Copy(CopyReason::New);
        for (max, copies) in [(0, 0), (1, 1), (5, 1), (6, 2), (14, 3), (15, 3)] {
            let mut plan = Plan {
                copies: vec![step(copy, 5), step(copy, 5), step(copy, 5)],
                ..Plan::default()
            };
            plan.limit_bytes(max, Cutoff::After);
            assert_eq!(plan.copies.len(), copies, "{max}");
        }
    }

    #[test]
    fn late_copies_wait_where_an_earlier_one_does() {
        let copy = StepKind::Copy(CopyReason::New);
        let mut plan = Plan {
            copies: vec![step(copy, 5), step(copy, 5)],
            late_copies: vec![step(copy, 0)],
            ..Plan::default()
        };
        assert!(plan.limit_bytes(5, Cutoff::Before));
        assert_eq!((plan.copies.len(), plan.late_copies.len()), (1, 0));
    }
}
