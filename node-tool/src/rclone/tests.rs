//! The table is complete, agrees with the command line, and with its page.

use std::{collections::HashSet, path::Path};

use super::{
    flags::{self, Fate, Flag},
    page,
    verbs::{self, VERBS},
};
use crate::cli::program;

/// All names of rclone 1.75; `tests/peers/rclone_names.py` makes it.
const NAMES: &str = include_str!("rclone-1.75.txt");

/// The verbs of rclone.
fn names_of_verbs() -> Vec<&'static str> {
    NAMES
        .lines()
        .filter_map(|line| line.strip_prefix("verb "))
        .collect()
}

/// The flags of rclone, each with its verb if it is of one.
fn names_of_flags() -> Vec<(&'static str, Option<&'static str>)> {
    let lines = NAMES.lines().filter_map(|line| line.strip_prefix("flag "));
    lines
        .map(|line| match line.split_once(" of ") {
            Some((flag, verb)) => (flag, Some(verb)),
            None => (line, None),
        })
        .collect()
}

fn is_refused(verb: &str) -> bool {
    let known = verbs::named(verb).unwrap_or_else(|| panic!("no row for the verb {verb}"));
    matches!(known.fate, verbs::Fate::Refused { .. }) && program().find_subcommand(verb).is_none()
}

#[test]
fn each_verb_of_rclone_has_one_row_and_no_other_has() {
    let rows: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
    assert_eq!(rows, names_of_verbs());
}

#[test]
fn each_flag_of_rclone_has_a_row_and_no_other_has() {
    let flags = names_of_flags();
    for (name, verb) in &flags {
        let has_row = match verb {
            None => flags::named(name, "").is_some() || flags::value_of_service(name).is_some(),
            Some(verb) => *verb == "help" || is_refused(verb) || flags::named(name, verb).is_some(),
        };
        assert!(has_row, "no row for --{name} of {verb:?}");
    }
    let names: HashSet<&str> = flags
        .iter()
        .map(|(name, _)| *name)
        .chain(["help", "version"])
        .collect();
    for row in flags::all() {
        assert!(names.contains(row.name), "rclone has no --{}", row.name);
    }
    for name in flags::names_of_services() {
        assert!(
            names.contains(name) && flags::family(name).is_some() && flags::named(name, "").is_none(),
            "--{name} is not of a service"
        );
    }
    for family in flags::FAMILIES {
        let has_members = names.iter().any(|name| name.starts_with(family.prefix));
        assert!(has_members, "rclone has no --{}…", family.prefix);
    }
}

#[test]
fn no_flag_has_two_rows_for_one_verb() {
    let overlap = |a: &Flag, b: &Flag| {
        a.verbs.iter().any(|verb| b.verbs.contains(verb)) || (a.verbs.is_empty() && b.verbs.is_empty())
    };
    let rows: Vec<&Flag> = flags::all().collect();
    for (at, row) in rows.iter().enumerate() {
        for other in &rows[at + 1..] {
            let is_clash = row.name == other.name || row.short.is_some() && row.short == other.short;
            assert!(!(is_clash && overlap(row, other)), "{row:?} {other:?}");
        }
    }
}

#[test]
fn a_row_of_a_verb_counts_more_than_one_of_all_verbs() {
    for (name, verb, is_own) in [
        ("version", "tree", true),
        ("version", "copy", false),
        ("order-by", "listremotes", true),
        ("order-by", "copy", false),
    ] {
        let row = flags::named(name, verb).unwrap();
        assert_eq!(row.verbs.contains(&verb), is_own, "--{name} of {verb}");
    }
    assert!(flags::short('t', "touch").unwrap().verbs.contains(&"touch"));
    assert!(flags::short('d', "tree").unwrap().verbs.contains(&"tree"));
}

#[test]
fn what_does_the_same_is_on_the_command_line() {
    let program = program();
    for verb in VERBS {
        let is_here = program.find_subcommand(verb.name).is_some() || verb.name == "help";
        let is_refused = matches!(verb.fate, verbs::Fate::Refused { .. });
        assert!(is_here || is_refused, "there is no {}", verb.name);
    }
    let is_clap_own = |flag: &Flag| matches!(flag.name, "help" | "version");
    let is_of_none = |flag: &Flag| !flag.verbs.is_empty() && flag.verbs.iter().all(|verb| is_refused(verb));
    let same = flags::all().filter(|flag| flag.fate == Fate::Same && !is_clap_own(flag) && !is_of_none(flag));
    let missing = same.filter(|flag| !page::is_ours(flag, &program));
    let missing: Vec<_> = missing.map(|flag| (flag.name, flag.verbs)).collect();
    assert!(missing.is_empty(), "no command takes {missing:?}");
}

#[test]
fn the_page_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rclone.md");
    let page = page::page(&program());
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/rclone.md is not what the table says; UPDATE_PAGES=1 writes it"
    );
}
