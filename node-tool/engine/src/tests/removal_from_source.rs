//! A move removes from the source what is in the target, and nothing else.

use super::support::*;
use crate::{
    filter::Filter,
    plan::{PlanOptions, Rules},
};

#[tokio::test]
async fn each_file_goes_after_its_own_copy() {
    let (source, target) = (exact("a=1 b=2 d/c=3"), exact(""));
    target.fail("b", broken());
    let outcome = go(&source, &target, &How::moving()).await;
    assert_eq!(shown(&source), "b=2");
    assert_eq!(files(&target), "a=1 d/c=3");
    assert_eq!(outcome.failed(), ["b: broken"]);
    assert_eq!(source.changes(), ["-a", "-d/c", "-d/"]);
}

#[tokio::test]
async fn what_is_in_the_target_already_goes_at_once() {
    let (source, target) = (folding("a=same b=new"), folding("a=same"));
    let outcome = go(&source, &target, &How::moving()).await;
    assert_eq!(outcome.plan, ["+b", "source -a", "source -b"]);
    assert_eq!(
        (shown(&source), files(&target)),
        (String::new(), "a=same b=new".into())
    );
}

#[tokio::test]
async fn what_only_looks_the_same_is_copied_first() {
    // Size and time are the same, the content is not.
    for (source, target) in [
        (exact("a=abc"), exact("a=xyz")),
        (folding("a=abc"), folding("a=xyz")),
    ] {
        let outcome = go(&source, &target, &How::moving()).await;
        assert_eq!((files(&source), files(&target)), (String::new(), "a=abc".into()));
        assert_eq!(outcome.counts(), (1, 0, 0, 0, 0));
    }
}

#[tokio::test]
async fn what_is_left_as_it_is_stays_in_the_source() {
    for (rules, left) in [
        (
            Rules {
                ignore_existing: true,
                ..Rules::default()
            },
            "a=1",
        ),
        (
            Rules {
                existing: true,
                ..Rules::default()
            },
            "b=2",
        ),
        (
            Rules {
                update: true,
                ..Rules::default()
            },
            "a=1",
        ),
    ] {
        let (source, target) = (exact("a=1@1 b=2"), exact("a=22@9"));
        let how = How {
            options: PlanOptions {
                rules,
                ..How::moving().options
            },
            ..How::default()
        };
        let outcome = go(&source, &target, &how).await;
        assert_eq!(
            (files(&source).as_str(), outcome.tally.skipped),
            (left, 1),
            "{rules:?}"
        );
    }
}

#[tokio::test]
async fn what_the_filter_leaves_out_stays_with_its_folders() {
    let filter = excluding(&["*.log"]);
    let (source, target) = (exact("a/x a/b.log c/y"), exact(""));
    let how = How {
        options: PlanOptions {
            filter: Some(&filter),
            ..How::moving().options
        },
        ..How::default()
    };
    let outcome = go(&source, &target, &how).await;
    // A dry run shows only the removal of the other folder.
    let folders: Vec<&String> = outcome.plan.iter().filter(|step| step.ends_with('/')).collect();
    assert_eq!(folders, ["source -c/"]);
    assert_eq!(shown(&source), "a/ a/b.log=1");
}

#[tokio::test]
async fn folders_whose_content_is_not_known_stay() {
    let filter = Filter::builder().max_depth(Some(1)).build();
    let (source, target) = (exact("x a/y b/"), exact(""));
    let how = How {
        options: PlanOptions {
            filter: Some(&filter),
            ..How::moving().options
        },
        ..How::default()
    };
    let outcome = go(&source, &target, &how).await;
    assert_eq!(outcome.plan, ["+x", "source -x"]);
    assert_eq!(shown(&source), "a/ a/y=1 b/");
}

#[tokio::test]
async fn empty_folders_stay_unless_they_are_to_go() {
    for (removes, left) in [(true, ""), (false, "a/ a/b/ e/")] {
        let (source, target) = (exact("a/b/x e/"), exact(""));
        let how = How {
            options: PlanOptions {
                removes_empty_source_folders: removes,
                ..How::moving().options
            },
            ..How::default()
        };
        go(&source, &target, &how).await;
        assert_eq!(shown(&source), left);
    }
}

#[tokio::test]
async fn what_changed_after_it_was_copied_stays() {
    let (source, target) = (exact("a=1"), exact(""));
    let plan = crate::memory_store::plan_of(&source, &target, &How::moving().options)
        .await
        .unwrap();
    // It still has its size, and so it is copied; but it isn't what was listed.
    source.write_at("a", "2", at(7));
    let outcome = carry_out(plan, &source, &target, &How::moving()).await;
    assert_eq!(
        outcome.failed(),
        ["a: it was copied and not removed: it is not what was listed"]
    );
    assert_eq!((files(&source), files(&target)), ("a=2".into(), "a=2".into()));
}

#[tokio::test]
async fn what_the_server_took_along_needs_no_removing() {
    let how = How {
        takes_from_source: true,
        ..How::moving()
    };
    let (source, target) = (folding("a=1 d/b=2 same=3"), folding("same=3"));
    let outcome = go(&source, &target, &how).await;
    assert_eq!(
        (shown(&source), files(&target)),
        (String::new(), "a=1 d/b=2 same=3".into())
    );
    // Only what was in the target before is removed.
    assert_eq!(source.changes(), ["-same", "-d/"]);
    assert_eq!(outcome.failed(), Vec::<String>::new());
}

#[tokio::test]
async fn what_turns_out_to_be_there_is_removed_even_if_the_server_takes_the_rest() {
    let how = How {
        takes_from_source: true,
        ..How::moving()
    };
    // Listings without checksums: it is found out by reading.
    let (source, target) = (exact("a=abc@9 b=1"), exact("a=abc@1"));
    let outcome = go(&source, &target, &how).await;
    assert_eq!(outcome.counts(), (1, 1, 0, 0, 0));
    assert_eq!(
        (files(&source), files(&target)),
        (String::new(), "a=abc b=1".into())
    );
}

#[tokio::test]
async fn a_single_file_can_get_a_new_name() {
    let (source, target) = (exact("typed=1 k"), exact(""));
    let listing = crate::listing::Listing {
        root: crate::listing::RootKind::File,
        entries: vec![crate::entry::Entry::new_file(
            "new",
            meta_of(&source, "typed").await,
        )],
        ..Default::default()
    };
    let options = How::moving().options;
    let query = crate::plan::Source {
        listing: &listing,
        left_out: &[],
    };
    let mut plan = crate::plan::plan(query, &Default::default(), &options).unwrap();
    plan.set_source_path("typed");
    let outcome = carry_out(plan, &source, &target, &How::moving()).await;
    assert_eq!(outcome.plan, ["+new", "source -typed"]);
    assert_eq!((files(&source), files(&target)), ("k=1".into(), "new=1".into()));
}

async fn meta_of(store: &crate::memory_store::MemoryStore, path: &str) -> crate::entry::FileMeta {
    let entry = crate::store::Store::stat(store, path).await.unwrap().unwrap();
    entry.file().unwrap().clone()
}

#[test]
fn a_limit_leaves_the_rest_in_the_source() {
    let (source, target) = (exact("a/x=123 b/y=123 c/z=123"), exact(""));
    let how = How {
        max_bytes: Some(6),
        ..How::moving()
    };
    let outcome = block_on(go(&source, &target, &how));
    assert_eq!(
        outcome.plan,
        [
            "+a/x",
            "+b/y",
            "source -a/x",
            "source -b/y",
            "source -b/",
            "source -a/"
        ]
    );
    assert_eq!(shown(&source), "c/ c/z=123");
}

#[test]
fn a_filter_that_leaves_nothing_out_changes_nothing() {
    let everything = Filter::default();
    let options = PlanOptions {
        filter: Some(&everything),
        ..How::moving().options
    };
    let plans =
        [&options, &How::moving().options].map(|options| planned(&exact("a d/b"), &exact("a"), options));
    assert_eq!(plans[0], plans[1]);
}
