//! Cloud documents: an export is not the document.

use super::support::*;
use crate::{
    entry::{Document, Entry, FileMeta, Version},
    listing::{Listing, NameRules, RootKind},
    plan::{Plan, PlanOptions, Source, Verb, plan},
};

fn document(path: &str, own_path: &str, chosen: Option<&str>) -> Entry {
    let document = Document {
        own_path: own_path.into(),
        chosen: chosen.map(str::to_owned),
        ..Document::default()
    };
    let version = Version {
        id: "1".into(),
        checksum: None,
        document: Some(Box::new(document)),
    };
    let meta = FileMeta {
        version: Some(Box::new(version)),
        ..FileMeta::default()
    };
    Entry::new_file(path, meta)
}

fn listing(entries: Vec<Entry>) -> Listing {
    Listing {
        root: RootKind::Folder,
        entries,
        ..Listing::default()
    }
}

fn plan_for(source: Vec<Entry>, target: Vec<Entry>, options: &PlanOptions<'_>) -> Plan {
    let listing_of_source = listing(source);
    let source = Source {
        listing: &listing_of_source,
        left_out: &[],
    };
    plan(source, &listing(target), options).unwrap()
}

#[tokio::test]
async fn an_exported_document_stays_in_the_source() {
    let (source, target) = (exact("d/Plan.html=export k"), exact(""));
    let entries = vec![
        Entry::folder("d"),
        document("d/Plan.html", "d/Plan.paper", Some("html")),
    ];
    let plan = plan_for(entries, Vec::new(), &How::moving().options);
    // And so does the folder that it is in.
    assert_eq!(steps(&plan), ["+d/Plan.html", "source -d/Plan.html"]);
    let outcome = carry_out(plan, &source, &target, &How::moving()).await;
    assert_eq!(files(&target), "d/Plan.html=export");
    assert_eq!(source.changes().len(), 0);
    let last = outcome.events.last().map(String::as_str);
    assert_eq!(last, Some("document kept d/Plan.paper d/Plan.html"));
}

#[tokio::test]
async fn a_document_that_is_copied_as_it_is_goes() {
    let (source, target) = (exact("Plan.paper=doc"), exact(""));
    let options = PlanOptions {
        documents_are_files: true,
        ..How::moving().options
    };
    let mut plan = plan_for(vec![document("Plan.paper", "", None)], Vec::new(), &options);
    // The store in memory has no documents; it removes what it knows.
    plan.source_deletes[0].meta.version = None;
    plan.source_deletes[0].meta.size_bytes = 3;
    let outcome = carry_out(plan, &source, &target, &How::moving()).await;
    assert_eq!(
        (files(&source), files(&target)),
        (String::new(), "Plan.paper=doc".into())
    );
    assert_eq!(outcome.failed(), Vec::<String>::new());
}

#[test]
fn a_sync_leaves_the_documents_of_the_target() {
    let target = || {
        vec![
            document("Plan.html", "Plan.paper", Some("html")),
            Entry::new_file("x", FileMeta::default()),
        ]
    };
    let source = || vec![Entry::new_file("k", FileMeta::default())];
    let sync = How::sync().options;
    assert_eq!(steps(&plan_for(source(), target(), &sync)), ["+k", "-x"]);
    let as_files = PlanOptions {
        documents_are_files: true,
        ..sync
    };
    assert_eq!(
        steps(&plan_for(source(), target(), &as_files)),
        ["+k", "-Plan.html", "-x"]
    );
}

#[test]
fn nothing_takes_the_place_of_a_document() {
    for (path, is_in_the_way) in [("Plan.paper", true), ("PLAN.paper", true), ("Plan.html", false)] {
        let options = PlanOptions {
            names: NameRules {
                ignores_case: true,
                ..NameRules::EXACT
            },
            ..PlanOptions::default()
        };
        let source = vec![Entry::new_file(path, FileMeta::default())];
        let plan = plan_for(
            source,
            vec![document("Plan.html", "Plan.paper", Some("html"))],
            &options,
        );
        assert_eq!(
            (plan.obstacles.len() == 1, plan.copies.is_empty()),
            (is_in_the_way, is_in_the_way),
            "{path}"
        );
    }
}

#[test]
fn an_export_is_made_again_before_a_document_counts_as_there() {
    for (verb, expected) in [(Verb::Copy, ""), (Verb::Move, "+Plan.html source -Plan.html")] {
        let source = vec![document("Plan.html", "Plan.paper", Some("html"))];
        let target = vec![Entry::new_file("Plan.html", FileMeta::default())];
        let plan = plan_for(source, target, &How::verb(verb).options);
        assert_eq!(steps(&plan).join(" "), expected);
    }
}
