//! What an observer is notified of, and what is counted.

use std::sync::Arc;

use shared::content_hash::ContentHash;

use super::support::*;
use crate::{
    Error, Retry,
    digest::{Algorithm, Digests, digests_of},
    memory_store::plan_of,
    plan::{Plan, StepId},
    run::{Arrived, Event, Run, Shutdown, Tally},
    store::Store,
};

#[tokio::test]
async fn events_come_in_the_order_of_the_run() {
    let (source, target) = (exact("a=new@9 b=22 d/c=same@9"), exact("a=0 d/c=same@1 e/gone"));
    let outcome = go(&source, &target, &How::sync()).await;
    assert_eq!(
        outcome.events,
        [
            "copies begin 3 9",
            "unchanged d/c",
            "moved 3 a",
            "replaced 3 a",
            "moved 2 b",
            "copied 2 b",
            "copies end",
            "deleted e/gone",
            "folder removed e",
        ]
    );
}

#[tokio::test]
async fn renames_and_backups_are_heard_too() {
    let (source, target) = (exact("new=abc a=2@9"), exact("old=abc a=1 gone=bye"));
    let how = How {
        tracks_renames: true,
        ..How::sync()
    };
    let outcome = go(&source, &target, &how.keeping(Keeps::In(exact("")))).await;
    assert_eq!(
        outcome.events,
        [
            "renamed old to new",
            "copies begin 1 1",
            "moved 1 a",
            // Its place was free by then.
            "copied 1 a",
            "copies end",
            "backed up gone",
        ]
    );
    assert_eq!(outcome.counts(), (1, 0, 1, 1, 0));
}

#[tokio::test]
async fn where_paths_differ_both_are_heard() {
    let (source, target) = (exact("DIR/a=1"), folding("dir/b"));
    let outcome = go(&source, &target, &How::default()).await;
    assert_eq!(
        outcome.events[1..3],
        ["moved 1 DIR/a to dir/a", "copied 1 DIR/a to dir/a"]
    );
}

#[tokio::test]
async fn late_copies_are_a_phase_of_their_own() {
    let (source, target) = (exact("x=file k"), exact("x/a k"));
    let outcome = go(&source, &target, &How::sync()).await;
    assert_eq!(
        outcome.events,
        [
            "copies begin 0 0",
            "copies end",
            "deleted x/a",
            "folder removed x",
            "copies begin 1 4",
            "moved 4 x",
            "copied 4 x",
            "copies end",
        ]
    );
}

#[tokio::test]
async fn all_is_counted() {
    let (source, target) = (exact("new=123 same k=9@9"), exact("same k=1 gone d/gone"));
    let outcome = go(&source, &target, &How::sync()).await;
    assert_eq!(outcome.counts(), (2, 1, 0, 2, 0));
    assert_eq!((outcome.tally.copied_bytes, outcome.tally.retry()), (4, None));
}

#[tokio::test]
async fn copies_say_what_arrived() {
    let (source, target) = (exact("a=abc"), folding(""));
    let how = How {
        digests: vec![Algorithm::Md5],
        ..How::default()
    };
    let outcome = go(&source, &target, &how).await;
    let there = target.stat("a").await.unwrap().unwrap();
    let version = there.file().and_then(|file| file.version.as_ref()).unwrap();
    let arrived = Arrived {
        version: Some(version.id.as_str().into()),
        checksum: Some(ContentHash::of(b"abc")),
        digests: digests_of(b"abc", &[Algorithm::Md5]),
    };
    assert_eq!(outcome.arrived, [("a".to_owned(), arrived)]);
    // A store without versions has no name for it, and what isn't asked for isn't computed.
    let outcome = go(&source, &exact(""), &How::default()).await;
    let (_, arrived) = &outcome.arrived[0];
    assert_eq!((&arrived.version, &arrived.digests), (&None, &Digests::new()));
}

#[tokio::test]
async fn a_move_says_what_left_the_source() {
    let (source, target) = (exact("a=1 b=2 d/"), exact("b=2"));
    let outcome = go(&source, &target, &How::moving()).await;
    let left = ["source deleted a", "source deleted b"];
    assert!(
        outcome.events.ends_with(&left.map(str::to_owned)),
        "{:?}",
        outcome.events
    );
}

#[tokio::test]
async fn what_is_the_same_is_listed_if_it_is_wanted() {
    let (source, target) = (exact("a=1 DIR/b=22 c=3"), folding("a=1 dir/B=22"));
    let mut options = How::default().options;
    assert_eq!(
        plan_of(&source, &target, &with_names(&target, &options))
            .await
            .unwrap()
            .same,
        []
    );
    options.lists_same = true;
    let plan = plan_of(&source, &target, &with_names(&target, &options))
        .await
        .unwrap();
    let found: Vec<_> = plan.same.iter().map(|same| (&*same.from, &*same.to)).collect();
    assert_eq!((found, plan.unchanged), (vec![("DIR/b", "dir/B"), ("a", "a")], 2));
    assert!(plan.same[0].target.checksum().is_some() && plan.same[0].source.size_bytes == 2);
}

async fn run_of(source: &str) -> (Run, Vec<StepId>) {
    let plan = plan_of(&exact(source), &exact(""), &How::default().options)
        .await
        .unwrap();
    let ids = plan.steps().map(|step| step.id).collect();
    let run = Run::new(&plan, Tally::of_plan(&plan), Shutdown::default(), Arc::new(()));
    (run, ids)
}

#[tokio::test]
async fn of_errors_that_end_a_run_only_the_first_counts() {
    let (run, ids) = run_of("a b c d").await;
    run.report(ids[0], Event::Failed(broken()));
    assert!(!run.is_over());
    run.report(ids[1], Event::Failed(the_end()));
    assert!(run.is_over());
    run.report(
        ids[2],
        Event::Failed(Error::new(Retry::Later, "another end").with_ends_run(true)),
    );
    // Others are still counted.
    run.report(ids[3], Event::Failed(broken()));
    let failed = run.tally().failed;
    let paths: Vec<_> = failed.iter().map(|failed| failed.path.as_str()).collect();
    assert_eq!(paths, ["a", "b", "d"]);
    assert_eq!(run.tally().retry(), Some(Retry::Never));
    // And the first is what ended it.
    assert_eq!(
        run.fatal().map(|error| error.to_string()).as_deref(),
        Some("the login has ended")
    );
}

#[tokio::test]
async fn a_step_that_is_not_in_the_plan_has_no_path() {
    let (run, _) = run_of("a").await;
    run.report(StepId(99), Event::Failed(broken()));
    assert_eq!(run.tally().failed[0].path, "");
}

#[test]
fn a_plan_counts_before_it_is_carried_out() {
    let mut plan = Plan {
        unchanged: 3,
        skipped: 2,
        ..Plan::default()
    };
    plan.obstacles
        .push(crate::plan::Obstacle::new("x", "something is there"));
    let tally = Tally::of_plan(&plan);
    assert_eq!((tally.unchanged, tally.skipped, tally.failed.len()), (3, 2, 1));
    assert_eq!(tally.failed[0].error.to_string(), "something is there");
    assert_eq!(tally.retry(), Some(Retry::Never));
}

#[test]
fn steps_have_numbers_of_their_own() {
    for how in [How::sync(), How::moving(), How::default()] {
        let plan = block_on(plan_of(&exact("a b@9 d/c e/"), &exact("b x/y z d"), &how.options)).unwrap();
        let mut ids: Vec<StepId> = plan.steps().map(|step| step.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
