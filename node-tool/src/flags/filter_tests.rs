//! The filter as a whole: from a command line to what is in.

use std::{collections::HashMap, io};

use clap::Parser;
use proptest::prelude::*;
use shared::failure::Failure;

use engine::entry::{Entry, FileMeta};

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    filter: FilterFlags,
}

/// Files by name; `-` is the standard input.
#[derive(Default)]
struct Files(HashMap<&'static str, &'static [u8]>);

impl Source for Files {
    fn file(&mut self, path: &str) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .map(|bytes| bytes.to_vec())
            .ok_or(io::ErrorKind::NotFound.into())
    }

    fn stdin(&mut self) -> io::Result<Vec<u8>> {
        self.file("-")
    }
}

const NOW: Modified = Modified {
    seconds: 1_000_000,
    nanoseconds: 0,
};

fn filter(args: &[&str], files: &[(&'static str, &'static [u8])]) -> Result<Filter, Failure> {
    let cli = Cli::try_parse_from(std::iter::once("test").chain(args.iter().copied()))
        .map_err(|error| Failure::usage(error.to_string()))?;
    cli.filter
        .filter_from(&mut Files(files.iter().copied().collect()), NOW)
}

fn file(path: &str) -> Entry {
    let meta = FileMeta {
        size_bytes: 1,
        modified: NOW,
        version: None,
    };
    Entry::new_file(path, meta)
}

fn folder(path: &str) -> Entry {
    Entry::folder(path)
}

/// The paths of a small tree that are in.
fn selected(args: &[&str], files: &[(&'static str, &'static [u8])]) -> Vec<String> {
    let tree = [
        file("a.jpg"),
        file("b.txt"),
        folder("d"),
        file("d/.skip"),
        file("d/a.jpg"),
        folder("d/e"),
        file("d/e/x.txt"),
        folder("f"),
        file("f/B.TXT"),
    ];
    let filter = filter(args, files).unwrap_or_else(|failure| panic!("{failure}"));
    filter
        .select(tree.to_vec())
        .into_iter()
        .map(|entry| entry.path)
        .collect()
}

#[test]
fn flags_select() {
    let all = [
        "a.jpg",
        "b.txt",
        "d",
        "d/.skip",
        "d/a.jpg",
        "d/e",
        "d/e/x.txt",
        "f",
        "f/B.TXT",
    ];
    for (args, is_in) in [
        (vec![], all.to_vec()),
        (
            vec!["--include", "*.jpg"],
            vec!["a.jpg", "d", "d/a.jpg", "d/e", "f"],
        ),
        (vec!["--include", "/d/*.jpg"], vec!["d", "d/a.jpg"]),
        (vec!["--exclude", "d/"], vec!["a.jpg", "b.txt", "f", "f/B.TXT"]),
        (
            vec!["--exclude", "*.txt", "--ignore-case"],
            vec!["a.jpg", "d", "d/.skip", "d/a.jpg", "d/e", "f"],
        ),
        (
            vec!["--exclude", "a*", "--include", "*.jpg"],
            vec!["a.jpg", "d", "d/a.jpg", "d/e", "f"],
        ),
        (
            vec!["-f", "- d/", "-f", "+ *.txt", "--filter", "- *"],
            vec!["b.txt", "f"],
        ),
        (vec!["-f", "- *", "-f", "!", "-f", "- /f/"], {
            let mut all = all.to_vec();
            all.truncate(7);
            all
        }),
        (vec!["--max-depth", "1"], vec!["a.jpg", "b.txt", "d", "f"]),
        (vec!["--max-depth", "-1"], all.to_vec()),
        (vec!["--max-depth", "0"], all.to_vec()),
        (
            vec!["--exclude-if-present", ".skip"],
            vec!["a.jpg", "b.txt", "f", "f/B.TXT"],
        ),
        (vec!["--exclude-if-present", "b.txt"], vec![]),
        (vec!["--exclude-if-present", "e"], all.to_vec()),
        (vec!["--min-size", "2b"], vec!["d", "d/e", "f"]),
        (vec!["--max-size", "off"], all.to_vec()),
        (vec!["--min-age", "1s"], vec!["d", "d/e", "f"]),
    ] {
        assert_eq!(selected(&args, &[]), is_in, "{args:?}");
    }
}

#[test]
fn rules_come_from_files() {
    let files: &[(&'static str, &'static [u8])] = &[
        ("rules", b"# comment\r\n; too\n\n  - d/e/  \r\n+ *.jpg\n- *"),
        ("names", b"  *.txt\n#*.jpg\n"),
        ("list", b"# c\n ./a.jpg \n/d//e/x.txt\ngone"),
        ("raw", b" a.jpg\nb.txt\r\n#x\n\n"),
        ("zero", b"a.jpg\0\0d/e/x.txt\0b.txt\r\n\0"),
        ("-", b"*.txt"),
    ];
    for (args, is_in) in [
        (vec!["--filter-from", "rules"], vec!["a.jpg", "d", "d/a.jpg", "f"]),
        (
            vec!["--include-from", "names"],
            vec!["b.txt", "d", "d/e", "d/e/x.txt", "f"],
        ),
        (
            vec!["--exclude-from", "-"],
            vec!["a.jpg", "d", "d/.skip", "d/a.jpg", "d/e", "f", "f/B.TXT"],
        ),
        (
            vec!["--files-from", "list"],
            vec!["a.jpg", "d", "d/e", "d/e/x.txt"],
        ),
        (vec!["--files-from-raw", "raw"], vec!["b.txt"]),
        (
            vec!["--files-from0", "zero"],
            vec!["a.jpg", "d", "d/e", "d/e/x.txt"],
        ),
        (
            vec!["--files-from", "list", "--max-depth", "1"],
            vec!["a.jpg", "d"],
        ),
    ] {
        assert_eq!(selected(&args, files), is_in, "{args:?}");
    }
    let listed = filter(&["--files-from", "list"], files).unwrap();
    let names: Vec<&str> = listed.files_from().unwrap().iter().collect();
    assert_eq!(names, ["a.jpg", "d/e/x.txt", "gone"]);
}

#[test]
fn errors_name_flag_place_and_next_step() {
    let files: &[(&'static str, &'static [u8])] = &[
        ("rules", b"+ a\n\nb"),
        ("globs", b"a\nb]"),
        ("latin", b"a\nb\xe4"),
        ("-", b""),
        ("list", b"a"),
    ];
    for (args, what, why) in [
        (
            vec!["--include", "a]"],
            "--include 'a]' is not a pattern",
            "a ']' has no partner",
        ),
        (
            vec!["--exclude", ""],
            "--exclude '' is not a pattern",
            "it is empty",
        ),
        (
            vec!["--filter", "- a***"],
            "--filter '- a***' is not a pattern",
            "more than two '*'",
        ),
        (vec!["--filter", "a"], "--filter 'a' is not a rule", "'+ PATTERN'"),
        (
            vec!["--filter-from", "rules"],
            "--filter-from 'rules', line 3: 'b' is not a rule",
            "a rule is",
        ),
        (
            vec!["--exclude-from", "globs"],
            "--exclude-from 'globs', line 2: 'b]' is not",
            "no partner",
        ),
        (
            vec!["--include-from", "latin"],
            "--include-from 'latin', line 2: it is not UTF-8",
            "",
        ),
        (
            vec!["--files-from", "gone"],
            "--files-from could not read 'gone'",
            "it is not there",
        ),
        (
            vec!["--files-from", "list", "--exclude", "x"],
            "--files-from can't be used with",
            "names each file",
        ),
        (
            vec!["--include-from", "-", "--files-from", "-"],
            "--files-from can't read",
            "--include-from has read it",
        ),
        (
            vec!["--min-age", "2d", "--max-age", "1d"],
            "--min-age can't be larger",
            "no file is older",
        ),
        (
            vec!["--max-size", "10MB"],
            "--max-size <SIZE>",
            "such as 10M or 10MiB",
        ),
        (vec!["--max-age", "x"], "--max-age <AGE>", "such as 10d"),
    ] {
        let failure = filter(&args, files).map(|_| ()).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains(what) && text.contains(why), "{args:?}\n{text}");
        assert!(
            ["next: ", "hint: ", "give a number"]
                .iter()
                .any(|said| text.contains(said)),
            "{args:?}\n{text}"
        );
        assert_eq!(failure.exit_code(), shared::exit::USAGE);
    }
}

#[test]
fn no_flags_are_everything() {
    let none = filter(&[], &[]).unwrap();
    assert!(none.is_everything() && none.includes_dir("a") && none.includes_dir(""));
    for args in [
        ["--exclude", "a"],
        ["--max-size", "1"],
        ["--max-depth", "2"],
        ["--exclude-if-present", "x"],
        ["--min-age", "1"],
    ] {
        assert!(!filter(&args, &[]).unwrap().is_everything(), "{args:?}");
    }
}

/// Rules over a small alphabet, so that they meet.
fn rules() -> impl Strategy<Value = Vec<String>> {
    let glob = "(/)?(a|b|\\*|\\?|\\*\\*|\\{a,b\\}|\\[ab\\])(/(a|b|\\*|\\*\\*))?(/)?";
    proptest::collection::vec(
        ("[+-]", glob).prop_map(|(sign, glob)| format!("{sign} {glob}")),
        0..5,
    )
}

proptest! {
    #[test]
    fn a_walk_that_leaves_folders_out_finds_what_a_selection_keeps(
        rules in rules(),
        files in proptest::collection::btree_set("[ab](/[ab]){0,3}", 0..12),
    ) {
        let args: Vec<&str> = rules.iter().flat_map(|rule| ["--filter", rule]).collect();
        // Three stars in a row are refused.
        prop_assume!(rules.iter().all(|rule| !rule.contains("***")));
        let filter = filter(&args, &[]).unwrap();
        let walked: Vec<&str> = files
            .iter()
            .map(String::as_str)
            .filter(|path| path.match_indices('/').all(|(at, _)| filter.includes_dir(&path[..at])))
            .filter(|path| filter.includes_file(path, 1, NOW))
            .collect();
        let kept = filter.select(files.iter().map(|path| file(path)).collect());
        let kept: Vec<&str> = kept.iter().map(|entry| entry.path.as_str()).collect();
        prop_assert_eq!(kept, walked);
    }

    #[test]
    fn a_selection_of_a_selection_is_the_same(
        rules in rules(),
        files in proptest::collection::btree_set("[ab](/[ab]){0,3}", 0..12),
    ) {
        prop_assume!(rules.iter().all(|rule| !rule.contains("***")));
        let args: Vec<&str> = rules.iter().flat_map(|rule| ["--filter", rule]).collect();
        let filter = filter(&args, &[]).unwrap();
        let once = filter.select(files.iter().map(|path| file(path)).collect());
        prop_assert_eq!(filter.select(once.clone()), once);
    }
}
