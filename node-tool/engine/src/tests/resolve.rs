//! Where only the time differs, the checksum decides.

use super::support::*;
use crate::{
    memory_store::MemoryStore,
    plan::{CompareBy, PlanOptions, Rules, Verb},
};

fn how(verb: Verb, rules: Rules) -> How<'static> {
    How {
        options: PlanOptions {
            verb,
            rules,
            ..PlanOptions::default()
        },
        ..How::default()
    }
}

fn time_of(store: &MemoryStore, path: &str) -> i64 {
    let entry = block_on(crate::store::Store::stat(store, path)).unwrap().unwrap();
    entry.file().unwrap().modified.seconds
}

#[tokio::test]
async fn the_checksum_decides() {
    for (source, target, plan, changes, counts) in [
        // The same content: only the time is set.
        ("x=abc@9", "x=abc@1", "?x", "=x", (0, 1, 0, 0, 0)),
        // Another content of the same size.
        ("x=abc@9", "x=xyz@1", "?x", "+x", (1, 0, 0, 0, 0)),
        // The time is the same: the content is not needed.
        ("x=abc@1", "x=xyz@1", "", "", (0, 1, 0, 0, 0)),
        // The size differs: the content is not needed.
        ("x=abcd@9", "x=abc@1", "+x", "+x", (1, 0, 0, 0, 0)),
    ] {
        let (source, target) = (exact(source), exact(target));
        let outcome = go(&source, &target, &How::default()).await;
        assert_eq!(outcome.plan.join(" "), plan);
        assert_eq!(target.changes().join(" "), changes);
        assert_eq!(outcome.counts(), counts);
    }
}

#[test]
fn the_time_is_set_where_the_target_can() {
    let (source, target) = (exact("x=abc@9"), exact("x=abc@1"));
    block_on(go(&source, &target, &How::default()));
    assert_eq!(time_of(&target, "x"), 9);
    // Dropbox can't.
    let target = folding("x=abc@1");
    let outcome = block_on(go(&source, &target, &How::default()));
    assert_eq!((time_of(&target, "x"), outcome.tally.unchanged), (1, 1));
    assert_eq!(target.changes().len(), 0);
}

#[tokio::test]
async fn a_time_that_cannot_be_set_is_a_failure() {
    let (source, target) = (exact("x=abc@9"), exact("x=abc@1"));
    target.allow_changes(Some(0));
    let outcome = go(&source, &target, &How::default()).await;
    assert_eq!(outcome.failed(), ["x: the process was killed"]);
    assert_eq!(files(&target), "x=abc");
}

#[tokio::test]
async fn another_content_is_refused_where_it_must_not_change() {
    let immutable = Rules {
        immutable: true,
        ..Rules::default()
    };
    let (source, target) = (
        exact("same=abc@9 x=abc@9 y=long@9"),
        exact("same=abc@1 x=xyz@1 y=s@1"),
    );
    let outcome = go(&source, &target, &how(Verb::Copy, immutable)).await;
    let reason = "another content is there, and --immutable is set";
    assert_eq!(outcome.failed(), [format!("y: {reason}"), format!("x: {reason}")]);
    assert_eq!(files(&target), "same=abc x=xyz y=s");
    assert_eq!(outcome.counts(), (0, 1, 0, 0, 2));
}

#[tokio::test]
async fn a_move_by_size_leaves_in_the_source_what_is_not_proven() {
    let by_size = Rules {
        by: CompareBy::SizeOnly,
        ..Rules::default()
    };
    let (source, target) = (exact("same=abc x=abc"), exact("same=abc x=xyz"));
    let outcome = go(&source, &target, &how(Verb::Move, by_size)).await;
    let reason = "the one in the target has another content, so the source was not removed";
    assert_eq!(outcome.failed(), [format!("x: {reason}")]);
    assert_eq!(
        (files(&source), files(&target)),
        ("x=abc".into(), "same=abc x=xyz".into())
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_copied_which_says_why() {
    let (source, target) = (exact("x=abc@9"), exact("x=abc@1"));
    source.fail("x", broken());
    let outcome = go(&source, &target, &How::default()).await;
    assert_eq!(outcome.plan, ["?x"]);
    assert_eq!(outcome.failed(), ["x: broken"]);
    // If it is the target's file, its content counts as another one.
    let (source, target) = (exact("x=abc@9"), exact("x=abc@1"));
    target.fail("x", broken());
    let outcome = go(&source, &target, &How::default()).await;
    assert_eq!(outcome.failed(), ["x: broken"]);
    assert_eq!(files(&target), "x=abc");
}

#[tokio::test]
async fn checksums_of_listings_need_no_reading() {
    let (source, target) = (folding("x=abc@9 y=abc@9"), folding("x=abc@1 y=xyz@1"));
    let outcome = go(&source, &target, &How::default()).await;
    assert_eq!(outcome.plan, ["+y"]);
    assert_eq!(outcome.counts(), (1, 1, 0, 0, 0));
    // Only the other side has one.
    let (source, target) = (exact("x=abc@9 y=abc@9"), folding("x=abc@1 y=xyz@1"));
    let outcome = go(&source, &target, &How::default()).await;
    assert_eq!(outcome.plan, ["?x", "?y"]);
    assert_eq!(target.changes(), ["+y"]);
}

#[tokio::test]
async fn by_checksum_even_the_same_time_proves_nothing() {
    let by_checksum = Rules {
        by: CompareBy::Checksum,
        ..Rules::default()
    };
    let (source, target) = (exact("x=abc y=abc"), exact("x=abc y=xyz"));
    let outcome = go(&source, &target, &how(Verb::Copy, by_checksum)).await;
    assert_eq!(outcome.counts(), (1, 1, 0, 0, 0));
    assert_eq!(target.changes(), ["+y"]);
}

#[tokio::test]
async fn the_order_stays_while_many_are_compared() {
    let (source, target) = (
        exact("a=1@9 b=22@9 c=3@9 d=4@9"),
        exact("a=2@1 b=2@1 c=3@1 d=5@1"),
    );
    go(&source, &target, &How::default()).await;
    assert_eq!(target.changes(), ["=c", "+a", "+b", "+d"]);
}
