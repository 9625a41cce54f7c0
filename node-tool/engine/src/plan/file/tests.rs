//! What is written is read again, and anything else is refused.

use proptest::prelude::*;

use super::*;
use crate::{
    entry::{Document, FileMeta, Modified, Version},
    plan::{CopyReason, Obstacle, Reason, Step, StepId, StepKind},
};
use shared::content_hash::ContentHash;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3}(/[a-zA-Z ]{1,4}){0,2}",
        ".{0,6}",
        Just("raw\0FF \u{1b}\n\"".to_owned()),
    ]
}

fn modified() -> impl Strategy<Value = Modified> {
    let seconds = prop_oneof![0_i64..2_000_000_000, any::<i64>()];
    (seconds, 0_u32..1_000_000_000).prop_map(|(seconds, nanoseconds)| Modified { seconds, nanoseconds })
}

fn version() -> impl Strategy<Value = Version> {
    let checksum = prop::option::of(any::<[u8; 4]>().prop_map(|bytes| ContentHash::of(&bytes)));
    let document = (text(), text()).prop_map(|(id, own_path)| {
        Box::new(Document {
            id,
            formats: vec!["html".into()],
            chosen: Some("html".into()),
            own_path,
        })
    });
    (text(), checksum, prop::option::of(document)).prop_map(|(id, checksum, document)| Version {
        id,
        checksum,
        document,
    })
}

fn meta() -> impl Strategy<Value = FileMeta> {
    (any::<u32>(), modified(), prop::option::of(version())).prop_map(|(size, modified, version)| FileMeta {
        size_bytes: size.into(),
        modified,
        version: version.map(Box::new),
    })
}

fn copy_kind() -> impl Strategy<Value = StepKind> {
    prop::sample::select(vec![
        StepKind::Copy(CopyReason::New),
        StepKind::Copy(CopyReason::SizeDiffers),
        StepKind::Copy(CopyReason::ContentDiffers),
        StepKind::Copy(CopyReason::NotCompared),
        StepKind::CompareChecksum { refusal: None },
        StepKind::CompareChecksum {
            refusal: Some(Reason::Immutable),
        },
        StepKind::CompareChecksum {
            refusal: Some(Reason::Unproven),
        },
    ])
}

fn steps(kind: impl Strategy<Value = StepKind>) -> impl Strategy<Value = Vec<Step>> {
    let step = (
        kind,
        text(),
        text(),
        meta(),
        prop::option::of(meta()),
        any::<u32>(),
    );
    let step = step.prop_map(|(kind, from, to, meta, replaces, id)| Step {
        id: StepId(id),
        replaces,
        ..Step::new(kind, &from, &to, meta)
    });
    prop::collection::vec(step, 0..4)
}

fn folders(kind: StepKind) -> impl Strategy<Value = Vec<Step>> {
    let folder = text().prop_map(move |path| Step::new(kind, &path, &path, FileMeta::default()));
    prop::collection::vec(folder, 0..3)
}

fn obstacles() -> impl Strategy<Value = Vec<Obstacle>> {
    let obstacle = (text(), text(), prop::option::of(text()), any::<bool>());
    let obstacle = obstacle.prop_map(|(path, reason, in_the_way, is_folder_link)| Obstacle {
        path,
        reason,
        in_the_way,
        is_folder_link,
    });
    prop::collection::vec(obstacle, 0..3)
}

fn plans() -> impl Strategy<Value = Plan> {
    let after = any::<bool>().prop_map(|is_after| StepKind::DeleteSource {
        after: is_after.then_some(StepId(3)),
    });
    let first = (
        folders(StepKind::Mkdir),
        steps(Just(StepKind::Rename)),
        steps(copy_kind()),
        steps(Just(StepKind::Delete)),
        folders(StepKind::Rmdir),
    );
    let last = (
        folders(StepKind::Mkdir),
        steps(copy_kind()),
        steps(after),
        folders(StepKind::RmdirSource),
        obstacles(),
    );
    (first, last, any::<(u32, u32)>()).prop_map(|(first, last, (unchanged, skipped))| Plan {
        mkdirs: first.0,
        renames: first.1,
        copies: first.2,
        deletes: first.3,
        rmdirs: first.4,
        late_mkdirs: last.0,
        late_copies: last.1,
        source_deletes: last.2,
        source_rmdirs: last.3,
        obstacles: last.4,
        unchanged: unchanged.into(),
        skipped: skipped.into(),
        ..Plan::default()
    })
}

fn header() -> Header {
    Header {
        version: VERSION,
        program: "node-tool 0.1.0".into(),
        made_at: 1_764_360_000,
        verb: Verb::Sync,
        source: "/home/ann/results".into(),
        target: "dbx:results".into(),
        accounts: BTreeMap::from([(
            "dbx".to_owned(),
            Account {
                id: "dbid:1".into(),
                root: Some("77".into()),
            },
        )]),
        source_cursor: None,
        options: Options {
            backup: Some(BackupRecord {
                folder: None,
                suffix: ".bak".into(),
                keeps_extension: true,
            }),
            ..Options::default()
        },
    }
}

fn together() -> Together {
    Together {
        groups: vec![Group {
            path: "many".into(),
            files: 40,
            entries: 41,
            bytes: 4000,
        }],
        namespaces: vec![Namespace {
            path: "Lab".into(),
            id: "123".into(),
        }],
    }
}

fn file_of(plan: Plan) -> PlanFile {
    PlanFile {
        header: header(),
        plan,
        together: together(),
    }
}

fn written(file: &PlanFile) -> Vec<u8> {
    let mut out = Vec::new();
    file.write(&mut out).unwrap();
    out
}

/// A small plan of several lines.
fn sample() -> Vec<u8> {
    let meta = FileMeta {
        size_bytes: 5,
        ..FileMeta::default()
    };
    let copy = |path: &str| Step::new(StepKind::Copy(CopyReason::New), path, path, meta.clone());
    written(&file_of(Plan {
        copies: vec![copy("a"), copy("b"), copy("c")],
        ..Plan::default()
    }))
}

fn same(one: &Plan, other: &Plan) -> bool {
    let steps = |plan: &Plan| plan.steps().cloned().collect::<Vec<_>>();
    let lengths = |plan: &Plan| {
        [
            plan.mkdirs.len(),
            plan.renames.len(),
            plan.copies.len(),
            plan.deletes.len(),
            plan.rmdirs.len(),
            plan.late_mkdirs.len(),
            plan.late_copies.len(),
            plan.source_deletes.len(),
        ]
    };
    steps(one) == steps(other)
        && lengths(one) == lengths(other)
        && one.obstacles == other.obstacles
        && (one.unchanged, one.skipped) == (other.unchanged, other.skipped)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(plan in plans()) {
        let file = file_of(plan);
        let bytes = written(&file);
        let read = PlanFile::read(&*bytes).unwrap();
        prop_assert!(same(&read.plan, &file.plan), "{}", String::from_utf8_lossy(&bytes));
        prop_assert_eq!(&read.header, &file.header);
        prop_assert_eq!(&read.together, &file.together);
        prop_assert_eq!(written(&read), bytes);
    }

    #[test]
    fn a_plan_that_was_cut_or_changed_is_refused(plan in plans(), at in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let bytes = written(&file_of(plan));
        let at = at.index(bytes.len());
        let cut = PlanFile::read(&bytes[..at]);
        prop_assert!(cut.is_err());
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        prop_assert!(PlanFile::read(&*changed).is_err(), "byte {at}");
    }
}

#[test]
fn lines_in_another_order_or_too_many_or_too_few_are_refused() {
    let text = String::from_utf8(sample()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 8);
    for first in 1..lines.len() {
        for second in first + 1..lines.len() {
            let mut other = lines.clone();
            other.swap(first, second);
            assert!(
                PlanFile::read(other.concat().as_bytes()).is_err(),
                "{first} {second}"
            );
        }
        let mut other = lines.clone();
        other.remove(first);
        assert!(
            PlanFile::read(other.concat().as_bytes()).is_err(),
            "without {first}"
        );
        let mut other = lines.clone();
        other.insert(first, lines[first]);
        assert!(
            PlanFile::read(other.concat().as_bytes()).is_err(),
            "twice {first}"
        );
    }
    assert!(PlanFile::read((text.clone() + &text).as_bytes()).is_err());
}

#[test]
fn the_error_says_what_is_wrong() {
    let text = String::from_utf8(sample()).unwrap();
    for (text, expected) in [
        (
            text.replacen("\"version\":1", "\"version\":2", 1),
            "it has version 2 of the format",
        ),
        (
            text.replacen("\"path\":\"b\"", "\"path\":\"x\"", 1),
            "changed or damaged after it was written (line 8",
        ),
        (
            text.replacen("\"size\":5", "\"size\":\"5\"", 1),
            "changed or damaged after it was written (line 4",
        ),
        (
            text[..text.len() - 30].to_owned(),
            "its end is missing, after line 7",
        ),
        (text[..10].to_owned(), "its end is missing, after line 0"),
        (String::new(), "it is no plan"),
        ("{}\n".into(), "it is no plan"),
        ("{\"type\":\"step\",\"version\":1}\n".into(), "it is no plan"),
        ("PNG\u{fffd}".into(), "it is no plan"),
    ] {
        let error = PlanFile::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    assert!(matches!(
        PlanFile::read(&b"\xff\xff\n"[..]),
        Err(PlanFileError::NoPlan)
    ));
}

/// The plan of the fixture.
fn of_the_fixture() -> PlanFile {
    let modified = |seconds| Modified {
        seconds,
        nanoseconds: 250_000_000,
    };
    let here = FileMeta {
        size_bytes: 11,
        modified: modified(1_500_000_000),
        version: None,
    };
    let there = FileMeta {
        size_bytes: 9,
        modified: Modified::default(),
        version: Some(Box::new(Version {
            id: "0123456789".into(),
            checksum: Some(ContentHash::of(b"")),
            document: None,
        })),
    };
    let step = |id, kind, from: &str, to: &str, meta: &FileMeta, replaces: Option<&FileMeta>| Step {
        id: StepId(id),
        replaces: replaces.cloned(),
        ..Step::new(kind, from, to, meta.clone())
    };
    let none = FileMeta::default();
    let new = StepKind::Copy(CopyReason::New);
    let compare = StepKind::CompareChecksum {
        refusal: Some(Reason::Immutable),
    };
    let after = StepKind::DeleteSource {
        after: Some(StepId(2)),
    };
    let plan = Plan {
        mkdirs: vec![step(0, StepKind::Mkdir, "empty", "empty", &none, None)],
        renames: vec![step(1, StepKind::Rename, "old", "new", &here, Some(&there))],
        copies: vec![
            step(2, new, "a", "A", &here, None),
            step(3, compare, "b\0FF", "b\0FF", &here, Some(&there)),
        ],
        deletes: vec![step(4, StepKind::Delete, "gone", "gone", &there, None)],
        rmdirs: vec![step(5, StepKind::Rmdir, "d", "d", &none, None)],
        late_copies: vec![step(6, new, "d", "d", &here, None)],
        source_deletes: vec![step(7, after, "a", "a", &here, None)],
        source_rmdirs: vec![step(8, StepKind::RmdirSource, "e", "e", &none, None)],
        obstacles: vec![Obstacle::new("bad ", "a name")],
        unchanged: 5,
        skipped: 1,
        ..Plan::default()
    };
    PlanFile {
        header: Header {
            source_cursor: Some("cursor".into()),
            ..header()
        },
        plan,
        together: together(),
    }
}

#[test]
fn plans_of_version_1_are_read_and_written_alike() {
    let sample: &[u8] = include_bytes!("../../../tests/fixtures/plan-v1.jsonl");
    let file = of_the_fixture();
    let text = String::from_utf8(written(&file)).unwrap();
    let lines = text.lines().zip(std::str::from_utf8(sample).unwrap().lines());
    lines.for_each(|(line, expected)| assert_eq!(line, expected));
    assert_eq!(text.as_bytes(), sample);
    let read = PlanFile::read(sample).unwrap();
    assert!(same(&read.plan, &file.plan));
    assert_eq!((read.header, read.together), (file.header, file.together));
}
