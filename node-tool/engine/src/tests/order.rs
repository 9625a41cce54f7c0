//! The order of a run, and its limits.

use super::support::*;
use crate::{
    memory_store::plan_of,
    plan::{Plan, PlanOptions},
};

#[tokio::test]
async fn a_run_makes_replaces_renames_copies_and_deletes_in_this_order() {
    let source = exact("a=new@9 empty/ moved=abc n=2 place=file late/");
    let target = exact("a=old gone/x=9 late=9 old=abc place/y=8");
    let mut how = How {
        tracks_renames: true,
        ..How::sync()
    };
    how.options.makes_empty_folders = true;
    let kept = exact("");
    let outcome = go(&source, &target, &how.keeping(Keeps::In(kept.clone()))).await;
    assert_eq!(outcome.failed(), Vec::<String>::new());
    assert_eq!(
        target.changes(),
        [
            "+empty/", "~a", "~moved", "+a", "+n", "~gone/x", "~late", "~place/y", "-place/", "-gone/",
            "+late/", "+place",
        ]
    );
    assert_eq!(shown(&target), shown(&source));
    assert_eq!(files(&kept), "a=old gone/x=9 late=9 place/y=8");
}

#[test]
fn a_plan_lists_its_steps_in_the_order_of_the_run() {
    let mut options = How::sync().options;
    options.makes_empty_folders = true;
    let plan = planned(
        &exact("e/ a=2@9 d/b k=22 x=1"),
        &exact("a=1 gone k=1 x/y"),
        &options,
    );
    assert_eq!(plan, "+d/ +e/ ?a +d/b +k -gone -x/y -x/ +x");
}

#[test]
fn copies_come_in_the_order_that_was_asked_for() {
    for (order, plan) in [
        (None, "+a +b +c"),
        (Some("size"), "+b +c +a"),
        (Some("size,descending"), "+a +c +b"),
        (Some("name"), "+a +b +c"),
        (Some("name,desc"), "+c +b +a"),
        (Some("modtime"), "+c +a +b"),
        (Some("modtime,descending"), "+b +a +c"),
    ] {
        let options = PlanOptions {
            order: order.map(|text: &str| text.parse().unwrap()),
            ..PlanOptions::default()
        };
        let planned = planned(&exact("a=333@2 b=1@3 c=22@1"), &exact(""), &options);
        assert_eq!(planned, plan, "{order:?}");
    }
}

#[tokio::test]
async fn no_more_is_copied_than_the_limit_allows() {
    for (max_bytes, after) in [
        (0, "gone=1"),
        (2, "gone=1"),
        (3, "a=333 gone=1"),
        (5, "a=333 b=1 gone=1"),
        // Everything fits, and so what is missing is deleted.
        (6, "a=333 b=1 c=22"),
    ] {
        let (source, target) = (exact("a=333 b=1 c=22"), exact("gone"));
        let how = How {
            max_bytes: Some(max_bytes),
            ..How::sync()
        };
        go(&source, &target, &how).await;
        assert_eq!(files(&target), after, "{max_bytes}");
    }
}

#[tokio::test]
async fn only_what_is_really_copied_counts_for_the_limit() {
    // The content of the first is the same.
    let (source, target) = (exact("a=333@9 b=22@9"), exact("a=333@1 b=xx@1"));
    let how = How {
        max_bytes: Some(2),
        ..How::default()
    };
    let outcome = go(&source, &target, &how).await;
    assert_eq!(
        (files(&target).as_str(), outcome.tally.unchanged),
        ("a=333 b=22", 1)
    );
}

#[tokio::test]
async fn repeated_runs_with_a_limit_get_there() {
    let (source, target) = (exact("a=333 b=22 c=1 d=4444"), exact("gone"));
    let how = How {
        max_bytes: Some(4),
        ..How::sync()
    };
    for _ in 0..4 {
        go(&source, &target, &how).await;
    }
    assert_eq!(target.files(), source.files());
}

#[tokio::test]
async fn an_idle_plan_copies_and_renames_nothing() {
    for (source, target, is_idle) in [
        ("a b", "a b", true),
        ("a b", "a b gone", true),
        ("a b c", "a b", false),
        ("a b", "a b=9@9", false),
    ] {
        let plan: Plan = plan_of(&exact(source), &exact(target), &How::sync().options)
            .await
            .unwrap();
        assert_eq!(plan.is_idle(), is_idle, "{source} -> {target}");
    }
}

#[tokio::test]
async fn empty_folders_are_made_if_asked_for() {
    for (makes, after) in [(true, "d/ d/e/ f/ f/x=1"), (false, "f/ f/x=1")] {
        let (source, target) = (exact("d/e/ f/x"), exact(""));
        let mut how = How::default();
        how.options.makes_empty_folders = makes;
        go(&source, &target, &how).await;
        assert_eq!(shown(&target), after);
    }
}
