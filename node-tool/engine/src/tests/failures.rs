//! Whatever fails, nothing is deleted for it, and the only copy of a file is never lost.

use std::time::Instant;

use super::support::*;
use crate::run::{RunOptions, Stop};

const SOURCE: &str = "a=a1@9 b=b1@9 d/c=c1@9 d/e/f=f1 new=n1";
const TARGET: &str = "a=a0 b=b0 d/c=c0 gone=g0 z/old=z0";

/// Each path of either side fails once, on either side.
async fn with_each_failure(
    verb: impl Fn() -> How<'static>,
    check: impl Fn(&str, &Outcome, &[crate::memory_store::MemoryStore; 2]),
) {
    let paths = ["a", "b", "d/c", "d/e/f", "new", "gone", "z/old", "z", "d/e"];
    for path in paths {
        for (in_source, error) in [
            (true, broken()),
            (false, broken()),
            (true, the_end()),
            (false, the_end()),
        ] {
            let stores = [exact(SOURCE), exact(TARGET)];
            stores[usize::from(!in_source)].fail(path, error);
            let outcome = go(&stores[0], &stores[1], &verb()).await;
            check(path, &outcome, &stores);
        }
    }
}

#[tokio::test]
async fn a_sync_deletes_nothing_after_an_error() {
    with_each_failure(How::sync, |path, outcome, [source, target]| {
        let copying_failed = outcome
            .tally
            .failed
            .iter()
            .any(|failed| failed.path != "gone" && failed.path != "z/old");
        if copying_failed {
            assert_eq!(target.read("gone").as_deref(), Some(b"g0".as_slice()), "{path}");
            assert_eq!(target.read("z/old").as_deref(), Some(b"z0".as_slice()), "{path}");
        }
        assert_eq!(files(source), files(&exact(SOURCE)), "{path}");
    })
    .await;
}

#[tokio::test]
async fn a_move_never_loses_the_only_copy() {
    with_each_failure(How::moving, |path, outcome, [source, target]| {
        for (name, content) in exact(SOURCE).files() {
            let is_there = source.read(&name).as_ref() == Some(&content);
            assert!(
                is_there || target.read(&name) == Some(content),
                "{name} is lost when {path} fails"
            );
        }
        for failed in &outcome.tally.failed {
            assert!(
                source.read(&failed.path).is_some(),
                "{} failed and is gone",
                failed.path
            );
        }
    })
    .await;
}

#[tokio::test]
async fn with_backups_no_failure_loses_anything() {
    let kept = exact("");
    let keeping = || How::sync().keeping(Keeps::In(kept.clone()));
    with_each_failure(keeping, |path, _, [source, target]| {
        for (name, content) in exact(TARGET).files() {
            let is_there = target.read(&name).as_ref() == Some(&content);
            assert!(
                is_there || kept.read(&name) == Some(content),
                "{name} is lost when {path} fails"
            );
        }
        assert_eq!(files(source), files(&exact(SOURCE)));
    })
    .await;
}

#[tokio::test]
async fn one_failure_stops_nothing_but_the_deletes() {
    let (source, target) = (exact("a b c"), exact("gone"));
    target.fail("b", broken());
    let outcome = go(&source, &target, &How::sync()).await;
    assert!(outcome.stop.is_none());
    assert_eq!(outcome.failed(), ["b: broken"]);
    assert_eq!(files(&target), "a=1 c=1 gone=1");
    assert_eq!(
        outcome.events.last().map(String::as_str),
        Some("deletes withheld")
    );
}

#[tokio::test]
async fn what_waits_for_a_deletion_fails_if_there_is_none() {
    let (source, target) = (exact("a x=file x2=file"), exact("x/gone x2/gone"));
    target.fail("a", broken());
    let outcome = go(&source, &target, &How::sync()).await;
    let reason = "something else is in its place, and nothing was deleted";
    assert_eq!(
        outcome.failed(),
        [
            "a: broken".to_owned(),
            format!("x: {reason}"),
            format!("x2: {reason}")
        ]
    );
    assert_eq!(files(&target), "x/gone=1 x2/gone=1");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_a_failure() {
    let (source, target) = (exact("d/ k"), exact("gone"));
    target.fail("d", broken());
    let mut how = How::sync();
    how.options.makes_empty_folders = true;
    let outcome = go(&source, &target, &how).await;
    assert_eq!(outcome.failed(), ["d: broken"]);
    assert_eq!(files(&target), "gone=1 k=1");
}

#[tokio::test]
async fn what_ends_the_run_is_said_once() {
    let (source, target) = (exact("a b c"), exact("gone"));
    target.fail("b", the_end());
    let outcome = go(&source, &target, &How::sync()).await;
    let Some(Stop::CopyFailed(error)) = &outcome.stop else {
        panic!("{:?}", outcome.stop)
    };
    assert_eq!(error.to_string(), "the login has ended");
    assert_eq!(outcome.failed(), ["b: the login has ended"]);
    // Nothing is begun after it.
    assert_eq!(files(&target), "a=1 gone=1");
}

#[tokio::test]
async fn an_error_while_deleting_can_end_the_run() {
    let (source, target) = (exact("k x=file"), exact("gone k x/a"));
    target.fail("gone", the_end());
    let outcome = go(&source, &target, &How::sync()).await;
    assert!(matches!(outcome.stop, Some(Stop::DeleteFailed(_))));
    // What was to take the place of what was deleted waits for the next run.
    assert_eq!(files(&target), "gone=1 k=1");
}

#[tokio::test]
async fn one_that_cannot_be_deleted_does_not_keep_the_others() {
    let (source, target) = (exact("k"), exact("a/x b/y gone k"));
    target.fail("a/x", broken());
    let outcome = go(&source, &target, &How::sync()).await;
    assert_eq!(outcome.failed(), ["a/x: broken"]);
    assert_eq!(
        (shown(&target), outcome.tally.deleted),
        ("a/ a/x=1 k=1".into(), 2)
    );
    assert!(outcome.stop.is_none());
}

#[tokio::test]
async fn a_file_that_vanishes_is_named() {
    let (source, target) = (exact("a b"), exact(""));
    let plan = crate::memory_store::plan_of(&source, &target, &How::default().options)
        .await
        .unwrap();
    source.remove("a");
    let outcome = carry_out(plan, &source, &target, &How::default()).await;
    assert_eq!(outcome.failed(), ["a: it was removed meanwhile"]);
    assert_eq!(files(&target), "b=1");
}

#[tokio::test]
async fn what_appears_or_changes_meanwhile_is_not_overwritten() {
    let (source, target) = (exact("new=1 old=2@9"), exact("old=000"));
    let plan = crate::memory_store::plan_of(&source, &target, &How::default().options)
        .await
        .unwrap();
    target.write("new", "theirs");
    target.write("old", "theirs");
    let outcome = carry_out(plan, &source, &target, &How::default()).await;
    assert_eq!(
        outcome.failed(),
        ["new: something is there", "old: it is not what was listed"]
    );
    assert_eq!(files(&target), "new=theirs old=theirs");
}

#[tokio::test]
async fn a_shutdown_ends_the_run_where_it_is() {
    for (event, after) in [
        ("copies begin 3 3", "gone=1"),
        ("copied 1 a", "a=1 gone=1"),
        ("copied 1 b", "a=1 b=1 gone=1"),
        // All is copied, and nothing is deleted.
        ("copies end", "a=1 b=1 c=1 gone=1"),
    ] {
        let (source, target) = (exact("a b c"), exact("gone"));
        let how = How {
            stops_at: Some(event),
            ..How::sync()
        };
        let outcome = go(&source, &target, &how).await;
        assert!(
            matches!(outcome.stop, Some(Stop::Requested("the test"))),
            "{event}"
        );
        assert_eq!(
            (files(&target).as_str(), outcome.failed().len()),
            (after, 0),
            "{event}"
        );
        // The next run continues.
        go(&source, &target, &How::sync()).await;
        assert_eq!(target.files(), source.files());
    }
}

#[tokio::test]
async fn a_shutdown_while_deleting_ends_it_after_the_batch() {
    let (source, target) = (exact("k"), exact("k"));
    for number in 0..1500 {
        target.write(&format!("d/{number:04}"), "x");
    }
    let how = How {
        stops_at: Some("deleted d/0003"),
        ..How::sync()
    };
    let outcome = go(&source, &target, &how).await;
    assert!(matches!(outcome.stop, Some(Stop::Requested(_))));
    assert_eq!((outcome.tally.deleted, target.files().len()), (1000, 501));
    assert_eq!(target.folders(), ["d"]);
}

#[tokio::test]
async fn a_shutdown_leaves_in_a_move_what_was_copied_in_both() {
    let (source, target) = (exact("a b c"), exact(""));
    let how = How {
        stops_at: Some("copied 1 a"),
        ..How::moving()
    };
    go(&source, &target, &how).await;
    assert_eq!(
        (files(&source).as_str(), files(&target).as_str()),
        ("a=1 b=1 c=1", "a=1")
    );
    go(&source, &target, &How::moving()).await;
    assert_eq!(
        (files(&source).as_str(), files(&target).as_str()),
        ("", "a=1 b=1 c=1")
    );
}

#[tokio::test]
async fn a_deadline_ends_the_copies_and_nothing_is_deleted() {
    let (source, target) = (exact("a b c"), exact("gone"));
    let how = How {
        run_options: RunOptions {
            deadline: Instant::now().checked_sub(std::time::Duration::from_secs(1)),
            ..RunOptions::default()
        },
        ..How::sync()
    };
    let outcome = go(&source, &target, &how).await;
    assert!(matches!(outcome.stop, Some(Stop::Deadline)));
    // The one in flight was finished.
    assert_eq!(files(&target), "a=1 gone=1");
    assert_eq!(outcome.events.last().map(String::as_str), Some("copies end"));
    go(&source, &target, &How::sync()).await;
    assert_eq!(target.files(), source.files());
}

#[tokio::test]
async fn a_deadline_that_is_far_away_ends_nothing() {
    let (source, target) = (exact("a b c"), exact("gone"));
    let how = How {
        run_options: RunOptions {
            deadline: Instant::now().checked_add(std::time::Duration::from_secs(3600)),
            ..RunOptions::default()
        },
        ..How::sync()
    };
    let outcome = go(&source, &target, &how).await;
    assert!(outcome.stop.is_none());
    assert_eq!(target.files(), source.files());
}
