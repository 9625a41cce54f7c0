//! How far a plan is: what workers note while they carry it out, and what it adds up to.
//!
//! Each worker only appends to a log of its own. A line is a record in JSON behind its checksum, so half a line, or a damaged one,
//! counts for nothing: what it was about is looked at again. `docs/formats.md` has the fields. Pure: where logs are kept is up to
//! the caller.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::StepId;

/// The version of the logs.
pub const VERSION: u32 = 1;

/// A part of a plan that runs as a whole, before or after the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Folders and renames, before anything is copied.
    Begin,
    /// Deletions and what follows them.
    Finish,
}

/// What a worker is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// The version of its log.
    pub version: u32,
    /// The name of its machine.
    pub host: String,
    /// What distinguishes that machine, since it was started, from all others. Empty if it isn't known.
    #[serde(default)]
    pub machine: String,
    /// Its process there.
    pub pid: u32,
    /// When that process began, in the system's own count, so that another one of its number isn't taken for it.
    pub began: u64,
    /// The part that it was given, such as `1/4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The batch system's name of its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// How often the batch system has started that job again.
    #[serde(default)]
    pub restarts: u32,
}

/// Something that a worker notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Record {
    /// Who it is: the first record of a log.
    Worker(Worker),
    /// Units that it begins with.
    Took(Vec<u32>),
    /// Steps that are done, as ranges of their numbers, both ends included.
    Done(Vec<(u32, u32)>),
    /// Steps that failed, and why.
    Failed(Vec<(u32, String)>),
    /// Units that it has gone through, whether or not all of their steps are done.
    Ended(Vec<u32>),
    /// A phase that it has gone through.
    Phase(Phase),
    /// It ended, and holds nothing any more.
    Left,
}

impl Record {
    /// Returns the line of a log, with its end.
    pub fn line(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{} {json}\n", sum(&json))
    }

    /// Returns the record of some steps that are done.
    pub fn done(steps: impl IntoIterator<Item = StepId>) -> Self {
        let steps: BTreeSet<u32> = steps.into_iter().map(|step| step.0).collect();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for step in steps {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == step => *last = step,
                _ => ranges.push((step, step)),
            }
        }
        Self::Done(ranges)
    }
}

/// Returns the records of the whole, undamaged lines of a text.
pub fn records(text: &str) -> impl Iterator<Item = Record> {
    let lines = text
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'));
    lines.filter_map(|line| {
        let (digits, json) = line.split_once(' ')?;
        let is_whole = sum(json) == digits;
        serde_json::from_str(json).ok().filter(|_| is_whole)
    })
}

/// Returns the first 16 hexadecimal digits of a record's SHA-256.
fn sum(json: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(json)[..8])
}

/// How far one worker is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerProgress {
    /// What it is. `None` if its log has no beginning yet.
    pub worker: Option<Worker>,
    /// Number of steps that it has done.
    pub done: u64,
    /// Whether it ended by itself.
    pub has_left: bool,
    /// Units that it has begun with.
    pub took: BTreeSet<u32>,
    /// Units that it has gone through.
    pub ended: BTreeSet<u32>,
    /// Phases that it has gone through.
    pub phases: BTreeSet<Phase>,
}

/// How far a plan is.
#[derive(Clone, Debug)]
pub struct Progress {
    done: Vec<bool>,
    failed: BTreeMap<u32, String>,
    workers: BTreeMap<String, WorkerProgress>,
}

impl Progress {
    /// Returns the progress of a plan with steps up to number `last` that nobody has begun.
    pub fn new(last: StepId) -> Self {
        Self {
            done: vec![false; last.0 as usize + 1],
            failed: BTreeMap::new(),
            workers: BTreeMap::new(),
        }
    }

    /// Takes a record of the log of the worker `name`. Steps that the plan doesn't have are ignored.
    pub fn take(&mut self, name: &str, record: Record) {
        if !self.workers.contains_key(name) {
            self.workers.insert(name.to_owned(), WorkerProgress::default());
        }
        let Some(own) = self.workers.get_mut(name) else {
            return;
        };
        match record {
            Record::Worker(worker) => own.worker = Some(worker),
            Record::Done(ranges) => {
                let count = self.done.len();
                for (first, last) in ranges {
                    let end = (last as usize).saturating_add(1).min(count);
                    for at in first as usize..end {
                        own.done += u64::from(!self.done[at]);
                        self.done[at] = true;
                    }
                }
            }
            Record::Failed(steps) => self.failed.extend(steps),
            Record::Took(units) => own.took.extend(units),
            Record::Ended(units) => own.ended.extend(units),
            Record::Phase(phase) => {
                own.phases.insert(phase);
            }
            Record::Left => own.has_left = true,
        }
    }

    /// Returns whether a step is done.
    pub fn is_done(&self, step: StepId) -> bool {
        self.done.get(step.0 as usize).copied().unwrap_or(false)
    }

    /// Returns the steps that failed last and aren't done since, with the reasons.
    pub fn failed(&self) -> impl Iterator<Item = (StepId, &str)> {
        self.failed
            .iter()
            .map(|(id, reason)| (StepId(*id), reason.as_str()))
            .filter(|(id, _)| !self.is_done(*id))
    }

    /// Returns whether a worker other than `own` has begun with a unit.
    pub fn was_taken(&self, unit: u32, own: &str) -> bool {
        let others = self.workers.iter().filter(|(name, _)| *name != own);
        others.into_iter().any(|(_, other)| other.took.contains(&unit))
    }

    /// Returns how often a unit was gone through.
    pub fn times_ended(&self, unit: u32) -> usize {
        let is_through = |own: &&WorkerProgress| own.ended.contains(&unit);
        self.workers.values().filter(is_through).count()
    }

    /// Returns whether a phase was gone through.
    pub fn has_ended(&self, phase: Phase) -> bool {
        self.workers.values().any(|own| own.phases.contains(&phase))
    }

    /// Returns all workers by their names.
    pub fn workers(&self) -> &BTreeMap<String, WorkerProgress> {
        &self.workers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(text: &str) -> Progress {
        let mut progress = Progress::new(StepId(99));
        records(text).for_each(|record| progress.take("w", record));
        progress
    }

    proptest! {
        #[test]
        fn steps_that_were_noted_are_done_and_no_others(steps in prop::collection::btree_set(0_u32..100, 0..60)) {
            let record = Record::done(steps.iter().copied().map(StepId));
            let progress = taken(&record.line());
            for step in 0..100 {
                prop_assert_eq!(progress.is_done(StepId(step)), steps.contains(&step));
            }
            let own = progress.workers().get("w").map_or(0, |own| own.done);
            prop_assert_eq!(own, steps.len() as u64);
        }

        #[test]
        fn a_cut_log_says_what_its_whole_lines_say(cut in 0_usize..300, flip in 0_usize..300) {
            let lines = [
                Record::done([1, 2, 3].map(StepId)).line(),
                Record::Failed(vec![(4, "it is gone".into())]).line(),
                Record::done([7].map(StepId)).line(),
            ];
            let text = lines.concat();
            let short = &text[..cut.min(text.len())];
            let whole = lines.iter().scan(0, |at, line| { *at += line.len(); Some(*at) });
            let whole = whole.filter(|end| *end <= short.len()).count();
            prop_assert_eq!(records(short).count(), whole);
            // A single other byte costs one record, or two if it is the end of a line.
            let mut bytes = text.clone().into_bytes();
            let at = flip % bytes.len();
            bytes[at] ^= 1;
            let flipped = String::from_utf8(bytes).unwrap();
            prop_assert!((1..=2).contains(&records(&flipped).count()));
        }
    }

    #[test]
    fn what_is_done_in_the_end_has_not_failed() {
        let failed = |step| Record::Failed(vec![(step, "changed".into())]).line();
        let progress = taken(&(failed(1) + &failed(2) + &Record::done([StepId(1)]).line()));
        assert_eq!(progress.failed().collect::<Vec<_>>(), [(StepId(2), "changed")]);
    }

    #[test]
    fn steps_that_the_plan_does_not_have_are_ignored() {
        let progress = taken(&Record::Done(vec![(98, u32::MAX), (500, 600), (9, 3)]).line());
        assert!(progress.is_done(StepId(99)) && !progress.is_done(StepId(500)));
        assert_eq!(progress.workers()["w"].done, 2);
    }

    #[test]
    fn logs_of_version_1_are_read_and_written_alike() {
        let sample = include_str!("../../tests/fixtures/worker-v1.log");
        let worker = Worker {
            version: VERSION,
            host: "node7".into(),
            machine: "boot pid".into(),
            pid: 4711,
            began: 12,
            part: Some("1/4".into()),
            job: Some("77".into()),
            restarts: 1,
        };
        let expected = [
            Record::Worker(worker),
            Record::Took(vec![0, 1]),
            Record::Done(vec![(0, 3), (7, 7)]),
            Record::Failed(vec![(4, "it is gone".into())]),
            Record::Ended(vec![0, 1]),
            Record::Phase(Phase::Begin),
            Record::Left,
        ];
        assert_eq!(expected.iter().map(Record::line).collect::<String>(), sample);
        assert_eq!(records(sample).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn units_and_phases_are_known_by_who_went_through_them() {
        let lines = [
            Record::Ended(vec![3, 5]),
            Record::Phase(Phase::Begin),
            Record::Left,
        ];
        let progress = taken(&lines.map(|record| record.line()).concat());
        assert_eq!((progress.times_ended(3), progress.times_ended(4)), (1, 0));
        assert!(progress.has_ended(Phase::Begin) && !progress.has_ended(Phase::Finish));
        assert!(progress.workers()["w"].has_left);
    }
}
