//! A run that is cut off after any of its changes loses nothing, and the next one continues.

use std::collections::BTreeMap;

use super::support::*;
use crate::memory_store::MemoryStore;

/// What is killed, and on what it works.
struct Case {
    source: &'static str,
    target: &'static str,
    /// What the folder of backups holds, if there is one.
    kept: Option<&'static str>,
    how: How<'static>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    Source,
    Target,
    Both,
}

struct Stores {
    source: MemoryStore,
    target: MemoryStore,
    kept: MemoryStore,
    how: How<'static>,
}

impl Case {
    fn new(source: &'static str, target: &'static str, how: How<'static>) -> Self {
        Self {
            source,
            target,
            kept: None,
            how,
        }
    }

    fn stores(&self) -> Stores {
        let kept = exact(self.kept.unwrap_or_default());
        let mut how = self.how.clone();
        if self.kept.is_some() {
            how = how.keeping(Keeps::In(kept.clone()));
        }
        Stores {
            source: exact(self.source),
            target: exact(self.target),
            kept,
            how,
        }
    }

    /// Kills the run after each number of changes, looks at what is there, and lets another run end it.
    async fn is_as_if_never_interrupted(&self, dies: Dies, is_safe: impl Fn(&Stores) -> Result<(), String>) {
        let whole = self.stores();
        whole.run().await;
        let changes = whole.source.changes().len() + whole.target.changes().len();
        assert!(changes > 0, "{} does something", self.source);
        for count in 0..=changes {
            let cut = self.stores();
            if dies != Dies::Target {
                cut.source.allow_changes(Some(count));
            }
            if dies != Dies::Source {
                cut.target.allow_changes(Some(count));
            }
            cut.run().await;
            let name = format!("{} -> {}, {dies:?} dies after {count}", self.source, self.target);
            if let Err(lost) = is_safe(&cut) {
                panic!("{name}: {lost} is lost");
            }
            cut.source.allow_changes(None);
            cut.target.allow_changes(None);
            let again = cut.run().await;
            assert_eq!(again.failed(), Vec::<String>::new(), "{name}");
            assert_eq!(cut.all(), whole.all(), "{name}");
        }
    }
}

impl Stores {
    async fn run(&self) -> Outcome {
        go(&self.source, &self.target, &self.how).await
    }

    fn all(&self) -> [String; 3] {
        [shown(&self.source), shown(&self.target), files(&self.kept)]
    }
}

/// Returns the first of these contents that none of the stores has.
fn lost(contents: &BTreeMap<String, Vec<u8>>, stores: &[&MemoryStore]) -> Result<(), String> {
    let is_there = |content: &Vec<u8>| stores.iter().any(|store| holds(store, content));
    match contents.values().find(|content| !is_there(content)) {
        Some(content) => Err(String::from_utf8_lossy(content).into_owned()),
        None => Ok(()),
    }
}

/// Whatever the verb, the content of the source is in the source or in the target.
fn source_is_whole(source: &'static str) -> impl Fn(&Stores) -> Result<(), String> {
    let contents = exact(source).files();
    move |stores| lost(&contents, &[&stores.source, &stores.target])
}

#[tokio::test]
async fn a_copy_goes_on() {
    for (source, target) in [
        ("a=1 d/b=22 d/e/c=333", ""),
        ("a=new@9 b=2", "a=old z=1"),
        // Only its time differs: the target's file gets it.
        ("a=1@9 b=2@9", "a=1@1 b=3@1"),
    ] {
        let case = Case::new(source, target, How::default());
        case.is_as_if_never_interrupted(Dies::Target, source_is_whole(source))
            .await;
    }
}

#[tokio::test]
async fn a_sync_goes_on() {
    for (source, target) in [
        ("a=1 d/b=2", "x=9 d/y=8 e/f/z=7"),
        // What is in the way goes before what takes its place comes.
        ("x=file k", "x/a=1 x/b/c=2 k"),
        ("d/a=1 d/b/c=2 k", "d=file k"),
        ("a=new@9", "a=old gone/x"),
    ] {
        let case = Case::new(source, target, How::sync());
        case.is_as_if_never_interrupted(Dies::Target, source_is_whole(source))
            .await;
    }
}

#[tokio::test]
async fn a_move_goes_on_and_never_loses_the_only_copy() {
    for (source, target) in [
        ("a=1 d/b=22 d/e/c=333", ""),
        ("a=new@9 b=2", "a=old b=2"),
        ("a=same@3 d/", "a=same@3 k=9"),
    ] {
        for dies in [Dies::Source, Dies::Target, Dies::Both] {
            let case = Case::new(source, target, How::moving());
            case.is_as_if_never_interrupted(dies, source_is_whole(source))
                .await;
        }
    }
}

#[tokio::test]
async fn a_move_on_one_server_goes_on() {
    let source = "a=1 d/b=22 d/e/c=333 same=4@2";
    for dies in [Dies::Source, Dies::Target, Dies::Both] {
        let how = How {
            takes_from_source: true,
            ..How::moving()
        };
        let case = Case::new(source, "same=4@9", how);
        case.is_as_if_never_interrupted(dies, source_is_whole(source))
            .await;
    }
}

#[tokio::test]
async fn tracked_renames_go_on() {
    let source = "d/new=content other=1 k";
    let how = How {
        tracks_renames: true,
        ..How::sync()
    };
    let case = Case::new(source, "old=content gone=22 k", how);
    case.is_as_if_never_interrupted(Dies::Target, |stores| {
        let old = exact("old=content").files();
        lost(&old, &[&stores.target])
    })
    .await;
}

#[tokio::test]
async fn a_backup_in_a_folder_never_loses_a_file() {
    let target = "a=old d/b=older gone=bye k";
    let source = "a=new@9 d/b=newer@9 k c=3";
    let case = Case {
        kept: Some(""),
        ..Case::new(source, target, How::sync())
    };
    let replaced = exact(target).files();
    case.is_as_if_never_interrupted(Dies::Target, |stores| {
        lost(&replaced, &[&stores.target, &stores.kept])
    })
    .await;
}

#[tokio::test]
async fn a_backup_that_replaces_an_older_one_never_loses_a_file() {
    let (source, target) = ("a=new@9 k", "a=old gone=bye k");
    let case = Case {
        kept: Some("a=oldest gone=long-ago"),
        ..Case::new(source, target, How::sync())
    };
    let replaced = exact(target).files();
    case.is_as_if_never_interrupted(Dies::Target, |stores| {
        lost(&replaced, &[&stores.target, &stores.kept])
    })
    .await;
}

#[tokio::test]
async fn backups_beside_the_files_lose_nothing_at_all() {
    let target = "a=old a.bak=older a.bak.bak=oldest gone=bye k";
    let source = "a=new@9 k";
    let case = Case::new(source, target, How::sync().keeping(Keeps::Beside(".bak")));
    let all = exact(target).files();
    case.is_as_if_never_interrupted(Dies::Target, |stores| lost(&all, &[&stores.target]))
        .await;
}

#[tokio::test]
async fn nothing_is_done_once_the_store_is_gone() {
    let (source, target) = (exact("a b c"), exact("z"));
    target.allow_changes(Some(1));
    let outcome = go(&source, &target, &How::sync()).await;
    assert!(matches!(outcome.stop, Some(crate::run::Stop::CopyFailed(_))));
    // The first says it for all; the others were not even begun.
    assert_eq!(outcome.failed(), ["b: the process was killed"]);
    assert_eq!(files(&target), "a=1 z=1");
    assert_eq!(target.changes(), ["+a"]);
}
