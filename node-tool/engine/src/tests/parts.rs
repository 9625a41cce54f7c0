//! Plans that are carried out in parts, by several workers, some of which are killed: in the end it is as if one had done it all.

use std::{collections::BTreeSet, sync::Arc};

use parking_lot::Mutex;
use proptest::prelude::*;

use super::support::*;
use crate::{
    memory_store::{MemoryStore, MemoryTransfer, plan_of},
    plan::{
        Plan, PlanOptions, StepId, Verb,
        file::{Header, Options, PlanFile, Together, VERSION},
        shard::{Part, units},
    },
    run::{Event, Job, Observer, Run, RunOptions, Shutdown, Subject, Tally, recheck, run},
    store::Store,
};

/// What workers have noted.
#[derive(Default)]
struct Notes(Mutex<BTreeSet<StepId>>);

impl Observer for Notes {
    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        if let Some(subject) = subject
            && matches!(
                event,
                Event::Copied { .. } | Event::Unchanged | Event::Deleted | Event::Renamed { .. }
            )
        {
            self.0.lock().insert(subject.id);
        }
    }
}

/// The stores of a plan.
struct Site<'a> {
    source: &'a MemoryStore,
    target: &'a MemoryStore,
    notes: Arc<Notes>,
}

impl Site<'_> {
    /// Carries out some steps, and returns what failed. `looks` says that they may have been carried out before.
    fn run(&self, mut plan: Plan, looks: bool) -> Vec<String> {
        let done = self.notes.0.lock().clone();
        plan.drop_done(|id| done.contains(&id));
        let transfer = MemoryTransfer {
            source: self.source,
            target: self.target,
            takes_from_source: false,
            digests: &[],
        };
        let job = Job {
            source: self.source,
            target: self.target,
            transfer: &transfer,
            backup: None,
            keeps_times: false,
        };
        let this = Run::new(
            &plan,
            Tally::default(),
            Shutdown::default(),
            Arc::clone(&self.notes) as _,
        )
        .with_done(done);
        block_on(async {
            if looks {
                recheck(&mut plan, &job, 2, &this).await;
            }
            run(plan, &job, RunOptions::default(), &this).await;
        });
        let failed = this.tally().failed.into_iter();
        failed
            .map(|failed| format!("{}: {}", failed.path, failed.error))
            .collect()
    }
}

/// Plans, writes the plan down and reads it again.
fn planned(source: &MemoryStore, target: &MemoryStore, verb: Verb) -> PlanFile {
    let options = PlanOptions {
        verb,
        names: target.capabilities().names,
        ..PlanOptions::default()
    };
    let file = PlanFile {
        header: Header {
            version: VERSION,
            program: "test".into(),
            made_at: 0,
            verb,
            source: "s".into(),
            target: "t".into(),
            accounts: Default::default(),
            source_cursor: None,
            options: Options::default(),
        },
        plan: block_on(plan_of(source, target, &options)).unwrap(),
        together: Together::default(),
    };
    let mut text = Vec::new();
    file.write(&mut text).unwrap();
    PlanFile::read(&*text).unwrap()
}

fn part(plan: &Plan, index: u32, count: u32) -> Plan {
    let units = units(&plan.copies, &Together::default());
    let range = Part::new(index, count).unwrap().of(&units);
    let steps = units[range].iter().flat_map(|unit| &unit.steps);
    Plan::of_copies(steps.map(|at| plan.copies[*at].clone()).collect())
}

fn trees() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["a", "b", "b/a", "c", "d/e/f", "d/g", "h", "i"]);
    let contents = prop::sample::select(vec!["=x@20", "=y@30", "=zz@40"]);
    let file = (names, contents).prop_map(|(name, content)| format!("{name}{content}"));
    prop::collection::vec(file, 1..8).prop_map(|files| {
        let mut seen = BTreeSet::new();
        let name = |file: &String| file.split('=').next().unwrap_or_default().to_owned();
        let files = files.into_iter().filter(|file| seen.insert(name(file)));
        let mut files: Vec<String> = files.collect();
        // Nothing is both a file and a folder.
        if files.iter().any(|file| name(file) == "b/a") {
            files.retain(|file| name(file) != "b");
        }
        files.join(" ")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parts_and_what_is_last_do_what_the_plan_does(
        source in trees(),
        target in trees(),
        is_move in any::<bool>(),
        folds in any::<bool>(),
        count in 1_u32..4,
        killed_after in 0_usize..6,
    ) {
        let (source, target) = (exact(&source), if folds { folding(&target) } else { exact(&target) });
        let all = source.files();
        let file = planned(&source, &target, if is_move { Verb::Move } else { Verb::Sync });
        prop_assume!(file.plan.obstacles.is_empty());
        let site = Site { source: &source, target: &target, notes: Arc::default() };
        site.run(file.plan.beginning(), false);
        // The first worker is killed, and what it has done since its last note is not known.
        let first = part(&file.plan, 0, count);
        target.allow_changes(Some(killed_after));
        site.run(first.clone(), false);
        target.allow_changes(None);
        site.notes.0.lock().clear();
        for index in (0..count).rev() {
            let failed = site.run(part(&file.plan, index, count), index == 0);
            prop_assert_eq!(failed, Vec::<String>::new());
        }
        let failed = site.run(file.plan.ending(), true);
        prop_assert_eq!(failed, Vec::<String>::new());
        let now = target.files();
        match is_move {
            true => {
                prop_assert!(source.files().is_empty());
                prop_assert!(all.iter().all(|(path, content)| now.get(path) == Some(content)));
            }
            false => prop_assert_eq!(now, all),
        }
    }
}

#[test]
fn a_source_stays_until_its_copy_is_done() {
    let (source, target) = (exact("a=1 b=2"), exact(""));
    let file = planned(&source, &target, Verb::Move);
    let site = Site {
        source: &source,
        target: &target,
        notes: Arc::default(),
    };
    site.run(part(&file.plan, 0, 2), false);
    site.run(file.plan.ending(), false);
    assert_eq!((files(&source), files(&target)), ("b=2".into(), "a=1".into()));
}
