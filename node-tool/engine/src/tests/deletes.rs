//! What a sync deletes, and what it never does.

use super::support::*;
use crate::{
    filter::{Filter, Limits},
    plan::{PlanOptions, Verb, Warning},
};

#[test]
fn only_a_sync_deletes_in_the_target() {
    for (verb, plan) in [
        (Verb::Copy, "+new"),
        (Verb::Move, "+new source -new"),
        (Verb::Sync, "+new -d/y -x -d/"),
    ] {
        assert_eq!(
            planned(&exact("new"), &exact("x d/y"), &How::verb(verb).options),
            plan
        );
    }
}

#[test]
fn what_the_filter_leaves_out_stays_unless_it_is_to_go() {
    let filter = excluding(&["*.log", "/cache/**"]);
    for (deletes_excluded, plan) in [
        (false, "-d/old"),
        (true, "-cache/x -d/b.log -d/old -a.log -cache/"),
    ] {
        let options = PlanOptions {
            filter: Some(&filter),
            deletes_excluded,
            ..How::sync().options
        };
        let target = exact("k a.log cache/x d/b.log d/k d/old");
        let planned = planned(&exact("k d/k"), &target, &options);
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            words.sort();
            words
        };
        assert_eq!(sorted(&planned), sorted(plan), "{deletes_excluded}");
    }
}

#[test]
fn what_the_filter_leaves_out_of_the_source_is_not_missing_from_it() {
    // Too large here, small there: it is left out of the source only.
    let limits = Limits {
        max_bytes: Some(3),
        ..Limits::default()
    };
    let filter = Filter::builder().limits(limits).build();
    for (deletes_excluded, plan) in [(false, "-gone"), (true, "-big -gone")] {
        let options = PlanOptions {
            filter: Some(&filter),
            deletes_excluded,
            ..How::sync().options
        };
        assert_eq!(
            planned(&exact("big=12345 k"), &exact("big=1 gone k"), &options),
            plan
        );
    }
}

#[test]
fn what_is_too_deep_to_be_listed_stays() {
    let filter = Filter::builder().max_depth(Some(1)).build();
    let options = PlanOptions {
        filter: Some(&filter),
        ..How::sync().options
    };
    assert_eq!(
        planned(&exact("k"), &exact("d/x e/f/y gone k"), &options),
        "-gone"
    );
    // Even where what is left out is to go.
    let options = PlanOptions {
        deletes_excluded: true,
        ..options
    };
    assert_eq!(
        planned(&exact("k"), &exact("d/x e/f/y gone k"), &options),
        "-gone"
    );
}

#[tokio::test]
async fn nothing_is_deleted_if_something_could_not_be_listed() {
    for unreadable_in_source in [true, false] {
        let (source, target) = (exact("k d/x new"), exact("k d/x gone locked"));
        match unreadable_in_source {
            true => source.make_unreadable("d/x"),
            false => target.make_unreadable("locked"),
        }
        let plan = crate::memory_store::plan_of(&source, &target, &How::sync().options)
            .await
            .unwrap();
        assert_eq!(plan.warnings, [Warning::NotAllListed]);
        assert_eq!(steps(&plan), ["+new"]);
        let outcome = carry_out(plan, &source, &target, &How::sync()).await;
        assert_eq!(files(&target), "d/x=1 gone=1 k=1 locked=1 new=1");
        assert_eq!(outcome.counts().0, 1);
    }
}

#[tokio::test]
async fn nothing_is_deleted_if_something_cannot_be_copied() {
    // What is neither stays in the way: here, two names that the target can't tell apart.
    let (source, target) = (exact("A a=2 d/x"), folding("gone d"));
    let plan =
        crate::memory_store::plan_of(&source, &target, &with_names(&target, &How::sync().options)).await;
    let plan = plan.unwrap();
    assert_eq!(plan.warnings, [Warning::NotAllCopied]);
    assert_eq!(steps(&plan), ["+A"]);
    let obstacles: Vec<_> = plan
        .obstacles
        .iter()
        .map(|obstacle| obstacle.path.as_str())
        .collect();
    // What waits for the deletion is in trouble, too.
    assert_eq!(obstacles, ["a", "d/x"]);
    carry_out(plan, &source, &target, &How::sync()).await;
    assert_eq!(files(&target), "A=1 d=1 gone=1");
}

#[tokio::test]
async fn nothing_is_deleted_if_something_failed_before() {
    let (source, target) = (exact("k"), exact("k gone d/x"));
    let mut how = How::sync();
    how.tally.failed.push(crate::run::Failed {
        path: "unreadable".into(),
        error: broken(),
    });
    let outcome = go(&source, &target, &how).await;
    assert_eq!(files(&target), "d/x=1 gone=1 k=1");
    assert_eq!(
        outcome.events.last().map(String::as_str),
        Some("deletes withheld")
    );
}

#[tokio::test]
async fn only_what_was_seen_is_deleted() {
    let (source, target) = (exact("k"), exact("k gone=1 new-since=2 d/x"));
    let plan = crate::memory_store::plan_of(&source, &target, &How::sync().options)
        .await
        .unwrap();
    target.write("gone", "theirs");
    target.write("d/since", "theirs");
    let outcome = carry_out(plan, &source, &target, &How::sync()).await;
    assert_eq!(outcome.failed(), ["gone: it is not what was listed"]);
    // The folder is not empty any more: that is no failure.
    assert_eq!(files(&target), "d/since=theirs gone=theirs k=1");
    assert!(
        outcome.events.contains(&"folder kept d".to_owned()),
        "{:?}",
        outcome.events
    );
}

#[tokio::test]
async fn what_is_gone_already_counts_as_deleted() {
    let (source, target) = (exact("k"), exact("k gone"));
    let plan = crate::memory_store::plan_of(&source, &target, &How::sync().options)
        .await
        .unwrap();
    target.remove("gone");
    let outcome = carry_out(plan, &source, &target, &How::sync()).await;
    assert_eq!(outcome.counts(), (0, 1, 0, 1, 0));
}

#[tokio::test]
async fn folders_go_from_the_inside_out() {
    let (source, target) = (exact("k"), exact("k a/b/c/x a/y e/f/"));
    let outcome = go(&source, &target, &How::sync()).await;
    assert_eq!(
        outcome.plan,
        ["-a/b/c/x", "-a/y", "-e/f/", "-e/", "-a/b/c/", "-a/b/", "-a/"]
    );
    assert_eq!(shown(&target), "k=1");
    assert_eq!(outcome.tally.deleted, 2);
}

#[tokio::test]
async fn a_sync_may_delete_although_something_failed_but_not_what_it_cannot_see() {
    for (despite, deleted) in [(false, 0), (true, 2)] {
        let (source, target) = (exact("a=11 b=1 k"), exact("a=0 gone d/gone k"));
        target.fail("a", broken());
        let how = How {
            options: PlanOptions {
                deletes_despite_failures: despite,
                ..How::sync().options
            },
            run_options: crate::run::RunOptions {
                deletes_despite_failures: despite,
                ..crate::run::RunOptions::default()
            },
            ..How::default()
        };
        let outcome = go(&source, &target, &how).await;
        assert_eq!(
            (outcome.tally.deleted, outcome.failed().len()),
            (deleted, 1),
            "{despite}"
        );
        // Where something can't be listed, nothing is deleted in any case.
        let (source, target) = (exact("a=1 d/x k"), exact("gone d/x k"));
        source.make_unreadable("d");
        let outcome = go(&source, &target, &how).await;
        assert_eq!(outcome.tally.deleted, 0, "{despite}");
        assert!(target.read("gone").is_some() && target.read("d/x").is_some());
    }
}
