//! Random filters over random trees: what rclone lists, we list.
//!
//! `FILTER_CASES=5000 cargo test -p node-tool --test filters` tries more of them, `FILTER_SEED` others.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::unwrap_in_result,
    reason = "a test says why it can't go on"
)]

mod peer;

use std::{
    collections::BTreeSet,
    env, fs,
    path::Path,
    time::{Duration, SystemTime},
};

use engine::{entry::Entry, filter::Filter, listing::Symlinks};
use peer::Rclone;
use stores::Place;

const CASES_A_TREE: u64 = 20;

#[test]
fn we_list_what_rclone_lists() {
    let Some(rclone) = Rclone::find() else {
        return;
    };
    let number = |name, default| env::var(name).map_or(default, |text: String| text.parse().unwrap());
    let (cases, seed) = (number("FILTER_CASES", 200_u64), number("FILTER_SEED", 1));
    let (mut refused, mut differences) = (0, Vec::new());
    for tree in 0..cases.div_ceil(CASES_A_TREE) {
        let mut random = Random(seed * 1_000_000 + tree);
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tree");
        grow(&root, &mut random);
        for _ in 0..CASES_A_TREE {
            let args = flags(dir.path(), &root, &mut random);
            let (theirs, ours) = (
                listed_by_rclone(&rclone, dir.path(), &args),
                listed_by_us(dir.path(), &args),
            );
            refused += u64::from(theirs.is_err());
            let agree = match (&theirs, &ours) {
                (Ok(theirs), Ok(ours)) => theirs == ours,
                (theirs, ours) => theirs.is_err() == ours.is_err(),
            };
            if !agree {
                differences.push(format!(
                    "seed {seed}, tree {tree}: {args:?}{}\nfiles: {:?}\nrclone: {theirs:?}\nwe: {ours:?}\n",
                    rule_files(dir.path(), &args),
                    all_files(&root)
                ));
            }
        }
    }
    let number = differences.len();
    differences.truncate(10);
    assert!(
        differences.is_empty(),
        "{number} of {cases} differ:\n\n{}",
        differences.join("\n")
    );
    // A generator of nonsense would agree about everything.
    assert!(refused < cases / 3, "{refused} of {cases} were refused by both");
}

fn listed_by_rclone(rclone: &Rclone, dir: &Path, args: &[String]) -> Result<BTreeSet<String>, String> {
    let mut all = vec!["lsf", "-R", "--files-only", "tree"];
    all.extend(args.iter().map(String::as_str));
    listed(rclone.run(dir, &all))
}

fn listed_by_us(dir: &Path, args: &[String]) -> Result<BTreeSet<String>, String> {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_node-tool"));
    program.args(["lsf", "-R", "--files-only", "tree"]).args(args);
    let output = program.current_dir(dir).env_clear().env("HOME", dir).output();
    listed(output.unwrap())
}

fn listed(output: std::process::Output) -> Result<BTreeSet<String>, String> {
    if output.status.success() {
        let text = String::from_utf8(output.stdout).unwrap();
        Ok(text.lines().map(str::to_owned).collect())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn rule_files(dir: &Path, args: &[String]) -> String {
    let files = args.iter().filter_map(|arg| arg.strip_prefix("./"));
    files
        .map(|file| format!("\n{file}: {:?}", fs::read_to_string(dir.join(file)).unwrap()))
        .collect()
}

fn entries(root: &Path) -> Vec<Entry> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listing = runtime.block_on(Place::local(root).list(&Filter::default(), Symlinks::Report));
    listing.unwrap().entries
}

fn all_files(root: &Path) -> Vec<String> {
    entries(root)
        .into_iter()
        .filter(|entry| entry.file().is_some())
        .map(|entry| entry.path)
        .collect()
}

// Trees

const NAMES: [&str; 16] = [
    "a", "b", "ab", "A", "a.txt", "b.jpg", "c.JPG", ".h", "é", "x y", "[a]", "{b}", "a,b", "*", "a-b", "7",
];

/// Up to three folders deep, with sizes and times that the limits tell apart.
fn grow(root: &Path, random: &mut Random) {
    fs::create_dir_all(root).unwrap();
    for _ in 0..random.below(25) + 5 {
        let depth = random.below(4);
        let mut path = root.to_owned();
        for _ in 0..depth {
            path.push(random.pick(&NAMES));
        }
        if fs::create_dir_all(&path).is_err() {
            continue; // a file is in the way
        }
        path.push(if random.one_in(20) {
            ".skip"
        } else {
            random.pick(&NAMES)
        });
        if path.exists() {
            continue;
        }
        fs::write(&path, vec![0; usize::try_from(random.below(4)).unwrap() * 700]).unwrap();
        let age = Duration::from_secs(1800 + 3600 * 24 * random.below(40));
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
}

// Flags

fn flags(dir: &Path, root: &Path, random: &mut Random) -> Vec<String> {
    if random.one_in(12) {
        return files_from(dir, root, random);
    }
    let mut args = Vec::new();
    for _ in 0..random.below(4) {
        match random.below(6) {
            0 => push(&mut args, "--include", glob(random)),
            1 => push(&mut args, "--exclude", glob(random)),
            2 | 3 => push(&mut args, "--filter", rule(random)),
            4 => {
                let lines = lines(random, glob);
                let flag = random.pick(&["--include-from", "--exclude-from"]);
                push(&mut args, flag, file(dir, flag, &lines));
            }
            _ => {
                let lines = lines(random, rule);
                push(&mut args, "--filter-from", file(dir, "rules", &lines));
            }
        }
    }
    for (flag, values) in [
        ("--max-size", ["1", "700b", "0.5k", "1Ki", "off"]),
        ("--min-size", ["1", "701b", "1.4Ki", "0", "2kib"]),
        ("--max-age", ["10d", "1w", "36h", "0.5M", "1209600"]),
        ("--min-age", ["1d", "24h30m", "2d", "off", "3600"]),
        ("--max-depth", ["0", "1", "2", "3", "-1"]),
        ("--exclude-if-present", [".skip", ".skip", "a", "none", ".h"]),
    ] {
        if random.one_in(10) {
            // A folder of a marker's name is an error to rclone, and nothing to us. And rclone doesn't see a marker
            // at the top of a local folder if rules exclude it.
            let value = random.pick(&values);
            let is_apart =
                is_a_folder_somewhere(root, value) || (!args.is_empty() && root.join(value).is_file());
            if flag != "--exclude-if-present" || !is_apart {
                push(&mut args, flag, value.into());
            }
        }
    }
    if random.one_in(6) {
        args.push("--ignore-case".into());
    }
    args
}

fn push(args: &mut Vec<String>, flag: &str, value: String) {
    args.extend([flag.to_owned(), value]);
}

fn is_a_folder_somewhere(root: &Path, name: &str) -> bool {
    entries(root)
        .iter()
        .any(|entry| entry.file().is_none() && entry.name() == name)
}

fn files_from(dir: &Path, root: &Path, random: &mut Random) -> Vec<String> {
    let mut lines = String::from("gone\n");
    for path in all_files(root) {
        match random.below(5) {
            0 => lines.push_str(&format!("{path}\n")),
            1 => lines.push_str(&format!("/{path}\n")),
            2 => lines.push_str(&format!("  {path} \r\n")),
            3 => lines.push_str(&format!("# {path}\n")),
            _ => {}
        }
    }
    let flag = random.pick(&["--files-from", "--files-from-raw"]);
    let mut args = Vec::new();
    push(&mut args, flag, file(dir, "list", &lines));
    if random.one_in(3) {
        push(&mut args, "--max-depth", "2".into());
    }
    if random.one_in(5) {
        push(&mut args, "--exclude", "a".into()); // refused by both
    }
    args
}

fn file(dir: &Path, name: &str, lines: &str) -> String {
    fs::write(dir.join(name), lines).unwrap();
    format!("./{name}")
}

fn lines(random: &mut Random, line: fn(&mut Random) -> String) -> String {
    let mut text = String::new();
    for _ in 0..random.below(4) {
        let line = line(random);
        // Trimmed, it ends in a lone backslash: we refuse that, rclone takes it for a '$'.
        let line = line.strip_suffix("\\ ").unwrap_or(&line);
        match random.below(8) {
            0 => text.push_str("# a\n"),
            1 => text.push_str("  ; b\n\n"),
            2 => text.push_str(&format!("\t{line} \r\n")),
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

fn rule(random: &mut Random) -> String {
    match random.below(20) {
        0 => "!".into(),
        1 if random.one_in(4) => "a".into(), // refused by both
        n if n % 2 == 0 => format!("- {}", glob(random)),
        _ => format!("+ {}", glob(random)),
    }
}

/// One to three names between slashes.
fn glob(random: &mut Random) -> String {
    let mut out = String::new();
    if random.one_in(3) {
        out.push('/');
    }
    for at in 0..=random.below(3) {
        if at > 0 {
            out.push_str(if random.one_in(20) { "//" } else { "/" });
        }
        for _ in 0..=random.below(2) {
            out.push_str(&piece(random, 2));
        }
    }
    // Trimmed by the reader of a file, an escaped blank would leave a lone backslash, which we refuse.
    if random.one_in(6) || out.ends_with("\\ ") {
        out.push('/');
    }
    out
}

fn piece(random: &mut Random, depth: u64) -> String {
    match random.below(24) {
        0..=5 => random
            .pick(&["a", "b", "ab", "A", "é", ".txt", ".jpg", "x y", "-", ",", "7"])
            .to_owned(),
        6..=10 => "*".into(),
        11 | 12 => "**".into(),
        13 | 14 => "?".into(),
        15 | 16 => random.pick(&CLASSES).to_owned(),
        17 | 18 => random.pick(&ESCAPES).to_owned(),
        19 | 20 if depth > 0 => {
            let parts: Vec<String> = (0..=random.below(3)).map(|_| piece(random, depth - 1)).collect();
            format!("{{{}}}", parts.join(random.pick(&[",", ",", ",", "/", "*"])))
        }
        21 => format!("{{{{{}}}}}", random.pick(&REGEXPS)),
        22 if random.one_in(6) => random
            .pick(&["]", "[", "{", "}", "***", "[]", "{{", "}}"])
            .to_owned(),
        _ => random.pick(&["a", "*", "b", "*.txt", "*.jpg", "?"]).to_owned(),
    }
}

const CLASSES: [&str; 20] = [
    "[ab]",
    "[^a]",
    "[!a]",
    "[a-z]",
    "[^a-z]",
    "[[:alpha:]]",
    "[^[:punct:]]",
    "[\\d]",
    "[\\w.]",
    "[\\W]",
    "[a[b]",
    "[a-]",
    "[*]",
    "[,]",
    "[[:upper:]x]",
    "[a&&b]",
    "[é-ü]",
    "[\\pL]",
    "[\\x61-b]",
    "[a[b]c]",
];

const ESCAPES: [&str; 18] = [
    "\\*", "\\[", "\\]", "\\{", "\\}", "\\?", "\\,", "\\d", "\\w", "\\S", "\\W", "\\pL", "\\x61", "\\-",
    "\\ ", "\\.", "\\a", "\\b",
];

const REGEXPS: [&str; 22] = [
    "a|b",
    "[^/]*\\.txt",
    "(?i)a",
    ".*",
    "a{1,2}",
    "\\d+",
    "[ab]+",
    "(a)(b)?",
    "^a",
    "a$",
    "\\w+",
    "\\x{61}",
    "a{,2}",
    "(?:a|b)+",
    "\\Qa.\\Etxt",
    "[[:alnum:]]+",
    "\\p{Lu}",
    "(",
    "a**",
    "(?P<n>a)",
    "a{2}}",
    "(?s:.)",
];

/// Small and always the same (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}
