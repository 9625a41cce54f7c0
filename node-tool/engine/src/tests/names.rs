//! Names that the target can't tell apart, or can't have.

use super::support::*;
use crate::plan::Verb;

#[test]
fn names_meet_ignoring_case_where_the_target_does() {
    for (source, target, verb, plan) in [
        ("A=2@9", "a=1", Verb::Copy, "?a"),
        ("Dir/x=22", "dir/X=1", Verb::Sync, "+dir/X"),
        ("Dir/new", "dir/old", Verb::Sync, "+dir/new -dir/old"),
        ("A a", "", Verb::Copy, "+A !a"),
        ("A a", "a", Verb::Copy, "!A"),
        ("D/x d/y", "", Verb::Copy, "+D/x +d/y"),
        ("x X/y", "", Verb::Copy, "+X/y !x"),
        ("fu\u{308}r", "f\u{fc}r", Verb::Sync, ""),
    ] {
        let planned = planned(&exact(source), &folding(target), &How::verb(verb).options);
        assert_eq!(planned, plan, "{source} -> {target}");
    }
}

#[test]
fn an_exact_target_has_both() {
    assert_eq!(
        planned(&exact("A a"), &exact(""), &How::default().options),
        "+A +a"
    );
    // But one that differs only in case is the same file, from a Dropbox or a Mac.
    assert_eq!(
        planned(&folding("A=22"), &exact("a=1"), &How::sync().options),
        "+a"
    );
}

#[tokio::test]
async fn of_two_that_collide_one_is_copied_and_the_other_is_named() {
    let (source, target) = (exact("A=upper a=lower k"), folding(""));
    let outcome = go(&source, &target, &How::moving()).await;
    assert_eq!(files(&target), "A=upper k=1");
    assert_eq!(files(&source), "a=lower");
    let reason = "the store can't tell it from 'A', whose letters differ only in case or form";
    assert_eq!(outcome.failed(), [format!("a: {reason}")]);
}

#[tokio::test]
async fn a_sync_keeps_what_it_met_under_another_spelling() {
    let (source, target) = (exact("DIR/FILE=new@9 k"), folding("dir/file=old k gone"));
    let outcome = go(&source, &target, &How::sync()).await;
    assert_eq!(files(&target), "dir/file=new k=1");
    assert_eq!(outcome.counts(), (1, 1, 0, 1, 0));
}

#[tokio::test]
async fn a_single_letter_that_changed_its_case_is_nothing_to_do() {
    let (source, target) = (exact("Readme=1"), folding("README=1"));
    let outcome = go(&source, &target, &How::sync()).await;
    assert_eq!((outcome.plan.len(), outcome.tally.unchanged), (0, 1));
}
