//! `--compare-dest` and `--copy-dest`: other folders of the target's store, and what counts as the same.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::support::*;
use crate::{
    filter::Filter,
    listing::{Listing, Query, Symlinks},
    memory_store::{MemoryStore, MemoryTransfer, plan_of},
    plan::{CompareBy, Plan, PlanOptions, Rules, Step, StepId, Tolerance},
    run::{Elsewhere, Event, FromElsewhere, Job, Observer, Run, RunOptions, Shutdown, Subject, Tally},
    run::{find_elsewhere, run},
    store::Store,
};

async fn listed(store: &MemoryStore) -> Listing {
    let filter = Filter::default();
    let query = Query {
        filter: &filter,
        symlinks: Symlinks::Report,
    };
    store.list(query).await.unwrap()
}

/// Returns the plan without what is the same elsewhere, and that.
async fn found(
    source: &MemoryStore,
    target: &MemoryStore,
    others: &[&MemoryStore],
) -> (Plan, Vec<(usize, Step)>) {
    let mut plan = plan_of(source, target, &PlanOptions::default()).await.unwrap();
    let mut listings = Vec::new();
    for other in others {
        listings.push(listed(other).await);
    }
    let folders: Vec<Elsewhere<'_>> = others
        .iter()
        .zip(&listings)
        .map(|(store, listing)| Elsewhere {
            store: *store,
            listing,
        })
        .collect();
    let found = find_elsewhere(&mut plan, source, &folders, Rules::default()).await;
    (plan, found)
}

#[tokio::test]
async fn what_is_the_same_elsewhere_is_not_copied_from_the_source() {
    let source = exact("same=abc@5 time=abc@9 other=abd@9 size=ab new");
    let first = exact("same=abc@5 time=abc@1 other=abc size=abc");
    let second = exact("same=abc@5 new=1");
    let (plan, found) = found(&source, &exact(""), &[&first, &second]).await;
    assert_eq!(steps(&plan), ["+other", "+size"]);
    let mut found: Vec<String> = found
        .iter()
        .map(|(at, step)| format!("{at} {}", step.to))
        .collect();
    found.sort();
    assert_eq!(found, ["0 same", "0 time", "1 new"]);
}

#[tokio::test]
async fn a_file_of_the_target_that_only_may_differ_is_left_to_its_checksum() {
    let (plan, found) = found(&exact("x=abc@9"), &exact("x=xyz@1"), &[&exact("x=abc@9")]).await;
    assert_eq!((steps(&plan).join(" ").as_str(), found.len()), ("?x", 0));
}

struct Nobody;

impl Observer for Nobody {
    fn event(&self, _: Option<Subject<'_>>, _: &Event) {}
}

#[tokio::test]
async fn the_target_is_the_same_wherever_the_content_is_from() {
    let (source, target, other) = (
        exact("a=abc@5 b=new d/c=x@3"),
        exact("a=older"),
        exact("a=abc@5 d/c=x@3"),
    );
    let (mut plan, found) = found(&source, &target, &[&other]).await;
    let ids: HashSet<StepId> = found.iter().map(|(_, step)| step.id).collect();
    assert_eq!(ids.len(), 2);
    plan.copies.extend(found.into_iter().map(|(_, step)| step));
    let way = |source| MemoryTransfer {
        source,
        target: &target,
        takes_from_source: false,
        digests: &[],
    };
    // The source has them no more: they can only be from the other folder.
    source.remove("a");
    source.remove("d/c");
    let usual = way(&source);
    let transfer = FromElsewhere {
        usual: &usual,
        others: vec![(ids, Box::new(way(&other)))],
    };
    let job = Job {
        source: &source,
        target: &target,
        transfer: &transfer,
        backup: None,
        keeps_times: false,
    };
    let this = Run::new(
        &plan,
        Tally::of_plan(&plan),
        Shutdown::default(),
        Arc::new(Nobody) as _,
    );
    assert!(run(plan, &job, RunOptions::default(), &this).await.is_none());
    assert_eq!(this.tally().copied, 3);
    assert_eq!(files(&target), "a=abc b=new d/c=x");
}

#[test]
fn times_and_sizes_are_compared_as_loosely_as_is_wanted() {
    let tolerance = |seconds, ignores_size| Tolerance {
        window: Duration::from_secs(seconds),
        ignores_size,
    };
    for (by, tolerance, source, target, plan) in [
        (
            CompareBy::SizeAndTime,
            tolerance(1, false),
            "x=abc@5",
            "x=xyz@7",
            "?x",
        ),
        (
            CompareBy::SizeAndTime,
            tolerance(3, false),
            "x=abc@5",
            "x=xyz@7",
            "",
        ),
        (
            CompareBy::SizeAndTime,
            tolerance(2, false),
            "x=abc@5",
            "x=xyz@7",
            "?x",
        ),
        (
            CompareBy::SizeAndTime,
            tolerance(1, false),
            "x=abc@5",
            "x=wxyz@5",
            "+x",
        ),
        (
            CompareBy::SizeAndTime,
            tolerance(1, true),
            "x=abc@5",
            "x=wxyz@5",
            "",
        ),
        (
            CompareBy::SizeAndTime,
            tolerance(1, true),
            "x=abc@5",
            "x=wxyz@9",
            "?x",
        ),
        (
            CompareBy::Checksum,
            tolerance(1, true),
            "x=abc@5",
            "x=wxyz@5",
            "?x",
        ),
    ] {
        let rules = Rules {
            by,
            tolerance,
            ..Rules::default()
        };
        let options = PlanOptions {
            rules,
            ..PlanOptions::default()
        };
        assert_eq!(
            planned(&exact(source), &exact(target), &options),
            plan,
            "{by:?} {tolerance:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_differs_only_in_its_time_may_keep_that() {
    for keeps_times in [false, true] {
        let (source, target) = (exact("x=abc@9"), exact("x=abc@1"));
        let plan = plan_of(&source, &target, &PlanOptions::default()).await.unwrap();
        let transfer = MemoryTransfer {
            source: &source,
            target: &target,
            takes_from_source: false,
            digests: &[],
        };
        let job = Job {
            source: &source,
            target: &target,
            transfer: &transfer,
            backup: None,
            keeps_times,
        };
        let this = Run::new(
            &plan,
            Tally::of_plan(&plan),
            Shutdown::default(),
            Arc::new(Nobody) as _,
        );
        run(plan, &job, RunOptions::default(), &this).await;
        assert_eq!(this.tally().unchanged, 1);
        assert_eq!(target.changes().is_empty(), keeps_times);
    }
}
