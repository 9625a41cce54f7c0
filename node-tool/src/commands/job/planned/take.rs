//! Which units a process takes next.

use std::{collections::BTreeSet, ops::Range};

use engine::plan::{
    Step,
    file::PlanFile,
    progress::Progress,
    shard::{self, Unit},
};
use shared::failure::Failure;

use super::Share;
use crate::plan_dir::{Lease, Logs, PlanDir, Taken, WorkerLog};

/// The units of a plan, as one process sees them.
pub(super) struct Units<'a> {
    copies: &'a [Step],
    units: Vec<Unit>,
    range: Range<usize>,
    /// How often each unit was gone through when this process began: what others go through after that, it leaves to the next one.
    before: Vec<usize>,
    takes_all: bool,
}

/// Units that this process has the leases of.
pub(super) struct Batch {
    /// Their numbers.
    pub(super) units: Vec<u32>,
    /// Their steps that aren't done yet.
    pub(super) steps: Vec<Step>,
    /// Whether another process has begun with one of them.
    pub(super) is_again: bool,
    leases: Vec<Lease>,
}

impl Batch {
    /// Gives the units back.
    pub(super) fn give_back(self) {
        drop(self.leases);
    }
}

/// The outcome of looking for units.
pub(super) enum Next {
    /// These are this process's now.
    Batch(Batch),
    /// All that are left are others'.
    Held(usize),
    /// Nothing is left.
    Nothing,
}

impl<'a> Units<'a> {
    /// Returns the units of a share of a plan.
    pub(super) fn new(file: &'a PlanFile, share: Share, progress: &Progress) -> Self {
        let units = shard::units(&file.plan.copies, &file.together);
        let range = match share {
            Share::Part(part) => part.of(&units),
            Share::Everything | Share::Free => 0..units.len(),
        };
        Self {
            copies: &file.plan.copies,
            before: (0..units.len())
                .map(|at| progress.times_ended(number(at)))
                .collect(),
            units,
            range,
            takes_all: matches!(share, Share::Part(_)),
        }
    }

    /// Takes the leases of some units that are open: all of a part, otherwise fewer the more processes there are and the less is
    /// left, so that slow ones get less.
    ///
    /// # Errors
    /// When the folder of the plan can't be used.
    pub(super) fn next(&self, dir: &PlanDir, log: &WorkerLog, logs: &mut Logs) -> Result<Next, Failure> {
        logs.refresh().map_err(|e| unusable(dir, &e))?;
        let open = self.open(&logs.progress);
        if open.is_empty() {
            return Ok(Next::Nothing);
        }
        let most = match self.takes_all {
            true => open.len(),
            false => (open.len() / (2 * (others(dir, log, &logs.progress) + 1))).max(1),
        };
        let mut taken = Vec::new();
        let count = open.len();
        for at in open {
            if taken.len() == most {
                break;
            }
            let what = format!("unit-{at}");
            match dir
                .take(&what, log, &logs.progress)
                .map_err(|e| unusable(dir, &e))?
            {
                Taken::Mine(lease) => taken.push((at, lease)),
                Taken::Held => {}
            }
        }
        if taken.is_empty() {
            return Ok(Next::Held(count));
        }
        // What its last holder has done in between is known only now.
        logs.refresh().map_err(|e| unusable(dir, &e))?;
        Ok(Next::Batch(self.batch(taken, log, &logs.progress)))
    }

    fn batch(&self, taken: Vec<(usize, Lease)>, log: &WorkerLog, progress: &Progress) -> Batch {
        let (units, leases): (Vec<usize>, Vec<Lease>) = taken.into_iter().unzip();
        let steps: BTreeSet<usize> = units
            .iter()
            .flat_map(|at| &self.units[*at].steps)
            .copied()
            .collect();
        let open = steps.into_iter().map(|at| &self.copies[at]);
        Batch {
            steps: open.filter(|step| !progress.is_done(step.id)).cloned().collect(),
            is_again: units.iter().any(|at| progress.was_taken(number(*at), log.name())),
            units: units.into_iter().map(number).collect(),
            leases,
        }
    }

    /// Returns the units that are not done, and that nobody has gone through since this process began.
    fn open(&self, progress: &Progress) -> Vec<usize> {
        let is_open = |at: &usize| {
            let is_left = |step: &usize| !progress.is_done(self.copies[*step].id);
            progress.times_ended(number(*at)) <= self.before[*at] && self.units[*at].steps.iter().any(is_left)
        };
        self.range.clone().filter(is_open).collect()
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Returns how many other processes are at the plan.
fn others(dir: &PlanDir, log: &WorkerLog, progress: &Progress) -> usize {
    let names = progress.workers().keys().filter(|name| *name != log.name());
    names
        .filter(|name| dir.is_alive(name, progress, log.worker()))
        .count()
}

/// Returns the failure for a folder of a plan that can't be used.
pub(super) fn unusable(dir: &PlanDir, error: &std::io::Error) -> Failure {
    Failure::new(format!("could not use the folder {} of the plan", dir.typed())).why(error)
}
