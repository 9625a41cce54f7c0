//! A new file with the content of one that would be deleted is renamed.

use super::support::*;
use crate::memory_store::MemoryStore;

fn tracking() -> How<'static> {
    How {
        tracks_renames: true,
        ..How::sync()
    }
}

#[tokio::test]
async fn what_has_another_name_is_renamed() {
    for (source, target, plan) in [
        ("new=abc k", "old=abc k", "~new"),
        ("d/e/new=abc k", "old=abc k", "~d/e/new"),
        // Of two that would be deleted, the first.
        ("new=abc k", "a=abc b=abc k", "~new -b"),
        ("n1=abc n2=abc k", "a=abc b=abc k", "~n1 ~n2"),
        ("n1=abc n2=abc k", "a=abc k", "~n1 +n2"),
        // The size is the same, the content is not.
        ("new=abc k", "old=xyz k", "+new -old"),
        // What stays in the target is nothing to rename.
        ("new=abc old=abc", "old=abc", "+new"),
        // What is replaced is copied.
        ("k=abc@9", "k=1 old=abc", "+k -old"),
        ("d/x=abc k", "e/x=abc k", "~d/x -e/"),
    ] {
        for stores in [(exact(source), exact(target)), (exact(source), folding(target))] {
            let (source, target): (MemoryStore, MemoryStore) = stores;
            let outcome = go(&source, &target, &tracking()).await;
            assert_eq!(outcome.plan.join(" "), plan);
            assert_eq!(target.changes(), outcome.plan);
            assert_eq!(source.files(), target.files());
            let renamed = plan.matches('~').count() as u64;
            assert_eq!((outcome.tally.renamed, outcome.failed().len()), (renamed, 0));
        }
    }
}

#[tokio::test]
async fn a_renamed_file_has_the_time_of_the_source() {
    let (source, target) = (exact("new=abc@9"), exact("old=abc@1"));
    go(&source, &target, &tracking()).await;
    // Else this would ask for checksums.
    let again = go(&source, &target, &tracking()).await;
    assert_eq!((again.plan.len(), again.tally.unchanged), (0, 1));
}

#[tokio::test]
async fn what_cannot_be_read_is_not_renamed() {
    let (source, target) = (exact("new=abc k"), exact("old=abc k"));
    source.fail("new", broken());
    let outcome = go(&source, &target, &tracking()).await;
    assert_eq!(outcome.plan, ["+new", "-old"]);
    // And since it can't be copied, nothing is deleted.
    assert_eq!(files(&target), "k=1 old=abc");
}

#[tokio::test]
async fn a_rename_that_fails_loses_nothing() {
    let (source, target) = (exact("new=abc k"), exact("gone old=abc k"));
    let plan = crate::memory_store::plan_of(&source, &target, &tracking().options)
        .await
        .unwrap();
    // Another process takes the new name.
    target.write("new", "theirs");
    let outcome = carry_out(plan, &source, &target, &tracking()).await;
    assert_eq!(outcome.plan, ["~new", "-gone"]);
    assert_eq!(outcome.failed(), ["old: something is there"]);
    assert_eq!(files(&target), "gone=1 k=1 new=theirs old=abc");
}

#[tokio::test]
async fn links_are_made_again() {
    let mut how = tracking();
    how.options.makes_links = true;
    let (source, target) = (exact("new.rclonelink=to k"), exact("old.rclonelink=to k"));
    let outcome = go(&source, &target, &how).await;
    assert_eq!(outcome.plan, ["+new.rclonelink", "-old.rclonelink"]);
}
