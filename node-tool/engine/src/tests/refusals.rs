//! Plans that are not made.

use super::support::*;
use crate::{
    listing::{Listing, RootKind},
    plan::{PlanOptions, Refusal, Source, Verb, plan},
};

async fn refusal(source: &str, target: &str, options: PlanOptions<'static>) -> Option<Refusal> {
    let how = How {
        options,
        ..How::default()
    };
    let (source, target) = (exact(source), exact(target));
    let before = shown(&target);
    let refusal = try_go(&source, &target, &how).await.err();
    if refusal.is_some() {
        assert_eq!(shown(&target), before);
    }
    refusal
}

#[tokio::test]
async fn an_empty_source_deletes_nothing() {
    let sync = How::sync().options;
    for (source, target, expected) in [
        ("", "a d/b", Some(Refusal::EmptySource { deletes: 2 })),
        ("d/", "a", Some(Refusal::EmptySource { deletes: 1 })),
        ("", "", None),
        // Folders alone are not worth a question.
        ("", "d/", None),
        ("k", "a", None),
    ] {
        assert_eq!(
            refusal(source, target, sync.clone()).await,
            expected,
            "{source} -> {target}"
        );
    }
    for verb in [Verb::Copy, Verb::Move] {
        assert_eq!(refusal("", "a", How::verb(verb).options).await, None);
    }
}

#[tokio::test]
async fn no_more_bytes_are_deleted_than_may_be() {
    for (max, expected) in [
        (None, None),
        (Some(5), None),
        (Some(4), Some(Refusal::TooManyBytes { bytes: 5, max: 4 })),
    ] {
        let options = PlanOptions {
            max_delete_bytes: max,
            ..How::sync().options
        };
        assert_eq!(refusal("k", "a=abc d/b=12 k", options).await, expected, "{max:?}");
    }
}

#[tokio::test]
async fn no_more_is_deleted_than_may_be() {
    for (max, expected) in [
        (None, None),
        (Some(2), None),
        (Some(1), Some(Refusal::TooManyDeletes { deletes: 2, max: 1 })),
        (Some(0), Some(Refusal::TooManyDeletes { deletes: 2, max: 0 })),
    ] {
        let options = PlanOptions {
            max_delete: max,
            ..How::sync().options
        };
        assert_eq!(refusal("k", "a d/b k", options).await, expected, "{max:?}");
    }
    // Nothing to delete is never too much, and a copy deletes nothing.
    let options = PlanOptions {
        max_delete: Some(0),
        ..How::sync().options
    };
    assert_eq!(refusal("k new", "k", options.clone()).await, None);
    let copy = PlanOptions {
        verb: Verb::Copy,
        ..options
    };
    assert_eq!(refusal("k", "a b", copy).await, None);
}

#[test]
fn roots_have_to_fit() {
    let root = |root| Listing {
        root,
        ..Listing::default()
    };
    for (source, target, expected) in [
        (RootKind::Missing, RootKind::Folder, Some(Refusal::NoSource)),
        (RootKind::Missing, RootKind::Missing, Some(Refusal::NoSource)),
        (RootKind::Folder, RootKind::File, Some(Refusal::TargetIsFile)),
        (RootKind::Folder, RootKind::Folder, None),
        (RootKind::Folder, RootKind::Missing, None),
        (RootKind::File, RootKind::Folder, None),
    ] {
        let listing = root(source);
        let source = Source {
            listing: &listing,
            left_out: &[],
        };
        let refusal = plan(source, &root(target), &PlanOptions::default()).err();
        assert_eq!(refusal, expected);
    }
}

#[test]
fn refusals_say_why() {
    for (refusal, words) in [
        (Refusal::NoSource, "nothing is at the source"),
        (Refusal::TargetIsFile, "the target is a file"),
        (
            Refusal::EmptySource { deletes: 3 },
            "the source is empty; a sync would delete all 3 files of the target",
        ),
        (
            Refusal::TooManyDeletes { deletes: 3, max: 2 },
            "3 files would be deleted, more than 2",
        ),
    ] {
        assert_eq!(refusal.to_string(), words);
    }
}
