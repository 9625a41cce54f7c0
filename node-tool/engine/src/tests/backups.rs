//! Replaced and deleted files are kept.

use super::support::*;
use crate::{
    memory_store::MemoryStore,
    plan::{BackupInTarget, PlanOptions},
};

fn beside() -> How<'static> {
    How::sync().keeping(Keeps::Beside(".bak"))
}

#[tokio::test]
async fn replaced_and_deleted_files_are_kept_in_a_folder() {
    let (source, target, kept) = (exact("a=new@9 k d/n"), exact("a=old k d/gone=bye"), exact(""));
    let outcome = go(&source, &target, &How::sync().keeping(Keeps::In(kept.clone()))).await;
    assert_eq!(files(&target), "a=new d/n=1 k=1");
    assert_eq!(shown(&kept), "a=old d/ d/gone=bye");
    assert_eq!(outcome.counts(), (2, 1, 0, 1, 0));
    assert_eq!(target.changes(), ["~a", "+a", "+d/n", "~d/gone"]);
}

#[tokio::test]
async fn in_a_folder_an_older_backup_is_replaced() {
    let (source, target, kept) = (
        exact("a=new@9 k"),
        exact("a=old gone=bye k"),
        exact("a=older gone=longer"),
    );
    go(&source, &target, &How::sync().keeping(Keeps::In(kept.clone()))).await;
    assert_eq!(files(&kept), "a=old gone=bye");
    assert_eq!(files(&target), "a=new k=1");
}

#[tokio::test]
async fn beside_the_files_an_older_backup_gets_the_suffix_once_more() {
    for (target, after) in [
        ("a=1st", "a=new a.bak=1st"),
        ("a=1st a.bak=2nd", "a=new a.bak=1st a.bak.bak=2nd"),
        (
            "a=1st a.bak=2nd a.bak.bak=3rd",
            "a=new a.bak=1st a.bak.bak=2nd a.bak.bak.bak=3rd",
        ),
        // Only those in the way.
        ("a=1st a.bak.bak=3rd", "a=new a.bak=1st a.bak.bak=3rd"),
    ] {
        for (source, target) in [
            (exact("a=new@9"), exact(target)),
            (exact("a=new@9"), folding(target)),
        ] {
            let outcome = go(&source, &target, &beside()).await;
            assert_eq!((files(&target).as_str(), outcome.failed().len()), (after, 0));
        }
    }
}

#[tokio::test]
async fn a_folder_in_which_a_backup_stays_is_not_to_go() {
    let (source, target) = (exact("k"), exact("k d/gone=bye e/"));
    let outcome = go(&source, &target, &beside()).await;
    assert_eq!(outcome.plan, ["-d/gone", "-e/"]);
    assert_eq!(shown(&target), "d/ d/gone.bak=bye k=1");
    // Nor is it replaced by a file.
    let (source, target) = (exact("k d=file"), exact("k d/gone=bye"));
    let outcome = go(&source, &target, &beside()).await;
    assert_eq!(outcome.plan, Vec::<String>::new());
    assert_eq!(files(&target), "d/gone=bye k=1");
    assert_eq!(
        outcome.failed(),
        ["d: a folder is in its place, in which backups stay"]
    );
}

#[tokio::test]
async fn a_sync_leaves_backups_alone() {
    let (source, target) = (exact("k"), exact("k gone=bye old.bak d/x.bak"));
    let outcome = go(&source, &target, &beside()).await;
    assert_eq!(files(&target), "d/x.bak=1 gone.bak=bye k=1 old.bak=1");
    assert_eq!(
        (outcome.plan, outcome.tally.deleted),
        (vec!["-gone".to_owned()], 1)
    );
    let again = go(&source, &target, &beside()).await;
    assert!(again.plan.is_empty(), "{:?}", again.plan);
}

#[tokio::test]
async fn a_folder_in_the_way_stays_and_so_does_the_file() {
    let (source, target, kept) = (exact("a=new@9 b=new@9"), exact("a=old b=old"), exact("a/x"));
    let outcome = go(&source, &target, &How::sync().keeping(Keeps::In(kept.clone()))).await;
    assert_eq!(outcome.failed(), ["a: could not be kept: something is there"]);
    assert_eq!(files(&target), "a=old b=new");
    assert_eq!(files(&kept), "a/x=1 b=old");
    // The same where they are beside the files.
    let (source, target) = (exact("a=new@9 a.bak/x k"), exact("a=old a.bak/x k"));
    let outcome = go(&source, &target, &beside()).await;
    assert_eq!(outcome.failed(), ["a: could not be kept: something is there"]);
    assert_eq!(files(&target), "a=old a.bak/x=1 k=1");
}

#[tokio::test]
async fn a_folder_further_on_stays_too() {
    let (source, target) = (exact("a=new@9 k"), exact("a=old a.bak=older k"));
    target.make_dir("a.bak.bak");
    let outcome = go(&source, &target, &How::default().keeping(Keeps::Beside(".bak"))).await;
    assert_eq!(outcome.failed(), ["a: could not be kept: something is there"]);
    assert_eq!(files(&target), "a=old a.bak=older k=1");
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_deleted_either() {
    let (source, target, kept) = (exact("k"), exact("k gone=bye"), exact("gone/x"));
    let outcome = go(&source, &target, &How::sync().keeping(Keeps::In(kept))).await;
    assert_eq!(outcome.failed(), ["gone: something is there"]);
    assert_eq!(
        (files(&target), outcome.tally.deleted),
        ("gone=bye k=1".into(), 0)
    );
}

#[tokio::test]
async fn what_is_the_same_after_all_stays_where_it_is() {
    let (source, target, kept) = (exact("a=same@9 b=new@9"), exact("a=same@1 b=old@1"), exact(""));
    let outcome = go(&source, &target, &How::default().keeping(Keeps::In(kept.clone()))).await;
    assert_eq!(files(&kept), "b=old");
    assert_eq!(outcome.counts(), (1, 1, 0, 0, 0));
}

#[tokio::test]
async fn only_what_was_seen_is_kept() {
    let (source, target, kept) = (exact("a=new@9 k"), exact("a=old gone=bye k"), exact(""));
    let how = How::sync().keeping(Keeps::In(kept.clone()));
    let plan = crate::memory_store::plan_of(&source, &target, &how.options)
        .await
        .unwrap();
    target.write("a", "theirs");
    let outcome = carry_out(plan, &source, &target, &how).await;
    assert_eq!(
        outcome.failed(),
        ["a: could not be kept: it is not what was listed"]
    );
    // And nothing is deleted after an error.
    assert_eq!(
        (files(&target), files(&kept)),
        ("a=theirs gone=bye k=1".into(), String::new())
    );
}

#[tokio::test]
async fn a_backup_is_never_where_another_file_of_the_source_goes() {
    let (source, target) = (exact("a=new@9 a.bak=mine k"), exact("a=old k gone"));
    let outcome = go(&source, &target, &beside()).await;
    let reason = "a: its backup would be where 'a.bak' of the source goes";
    assert_eq!(outcome.failed(), [reason]);
    assert_eq!(files(&target), "a=old a.bak=mine gone=1 k=1");
    // Dropbox has one name for both.
    let (source, target) = (exact("a=new@9 A.BAK=mine"), folding("a=old"));
    let outcome = go(&source, &target, &How::default().keeping(Keeps::Beside(".bak"))).await;
    assert_eq!(
        outcome.failed(),
        ["a: its backup would be where 'a.bak' of the source goes"]
    );
    assert_eq!(files(&target), "A.BAK=mine a=old");
}

#[test]
fn a_folder_of_backups_in_the_target_is_left_alone() {
    for (target, folder, plan) in [
        (exact("k backup/x backup/d/y"), "backup", ""),
        (exact("k backup/x backups"), "backup", "-backups"),
        (exact("k Backup/x"), "backup", "-Backup/x -Backup/"),
        (folding("k Backup/x"), "backup", ""),
        (exact("k d/backup/x d/y"), "d/backup", "-d/y"),
    ] {
        let target: MemoryStore = target;
        let options = PlanOptions {
            backup: BackupInTarget {
                folder: Some(folder.into()),
                beside: None,
            },
            ..How::sync().options
        };
        assert_eq!(planned(&exact("k"), &target, &options), plan);
    }
}

#[tokio::test]
async fn nothing_is_kept_once_a_stop_is_requested() {
    let (source, target, kept) = (exact("a=new@9"), exact("a=old"), exact(""));
    let how = How::default().keeping(Keeps::In(kept.clone()));
    how.shutdown.request("SIGTERM");
    go(&source, &target, &how).await;
    assert_eq!((files(&target), files(&kept)), ("a=old".into(), String::new()));
}

#[tokio::test]
async fn a_backup_of_a_renamed_file_is_not_needed() {
    let (source, target, kept) = (exact("new=abc k"), exact("old=abc k"), exact(""));
    let how = How {
        tracks_renames: true,
        ..How::sync()
    };
    go(&source, &target, &how.keeping(Keeps::In(kept.clone()))).await;
    assert_eq!(
        (files(&target).as_str(), files(&kept).as_str()),
        ("k=1 new=abc", "")
    );
}
