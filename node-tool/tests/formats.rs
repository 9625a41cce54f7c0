//! The output formats on a small odd tree: byte for byte what rclone prints.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

mod peer;

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use engine::{entry::Modified, filter::Filter, listing::Symlinks};
use jiff::tz::TimeZone;
use node_tool::report::format::{
    Checked, Item, Lsf, Lsjson, Sort, SumForm, TimeForm, Total, TreeView, sum_line,
};
use peer::Rclone;
use stores::{Place, local};

/// The tree, as both see it.
struct Odd {
    rclone: Rclone,
    dir: tempfile::TempDir,
    items: Vec<Item>,
}

impl Odd {
    /// Nothing without rclone, which is told.
    fn plant() -> Option<Self> {
        let rclone = Rclone::find()?;
        let dir = tempfile::tempdir().unwrap();
        grow(dir.path());
        let items = items(dir.path());
        Some(Self { rclone, dir, items })
    }

    /// What rclone prints, in lines.
    fn theirs(&self, args: &[&str]) -> Vec<String> {
        let output = self.rclone.run(self.dir.path(), args);
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\n').map(str::to_owned).collect()
    }

    fn top(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.path.contains('/'))
    }

    fn files(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.is_folder)
    }
}

// Names, sizes, seconds and nanoseconds.
const FILES: [(&str, usize, u64, u32); 12] = [
    ("a,b \"q\".txt", 5, 1_700_000_000, 123_456_789),
    (" lead", 0, 1, 1),
    ("é<&>\u{2028}.jpg", 1500, 1_790_000_000, 0),
    (".hidden/x", 3, 1_780_000_000, 5),
    ("d/e/f.json", 70_000, 0, 500_000_000),
    ("d/Z", 1, 1_700_000_000, 0),
    ("d/b;c", 1, 1_700_000_000, 0),
    ("\\.", 2, 1_700_000_000, 999_999_999),
    ("new\nline␊", 2, 1_700_000_001, 0),
    ("tab\there", 2, 17, 1),
    ("trail ", 2, 1_699_999_999, 0),
    ("g/h/i/j", 4_300_000, 1_600_000_000, 0),
];
const FOLDERS: [&str; 7] = [".hidden", "d", "d/e", "empty", "g", "g/h", "g/h/i"];

fn grow(root: &Path) {
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for (path, size, seconds, nanoseconds) in FILES {
        fs::write(root.join(path), vec![b'x'; size]).unwrap();
        set_time(&root.join(path), seconds, nanoseconds);
    }
    for (seconds, folder) in (1_650_000_000..).zip(FOLDERS) {
        set_time(&root.join(folder), seconds, 7);
    }
}

fn set_time(path: &Path, seconds: u64, nanoseconds: u32) {
    let time = UNIX_EPOCH + Duration::new(seconds, nanoseconds);
    File::open(path).unwrap().set_modified(time).unwrap();
}

/// As the commands make them, with what rclone knows of local folders beside: sizes and times.
fn items(root: &Path) -> Vec<Item> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let walked = runtime
        .block_on(Place::local(root).list(&Filter::default(), Symlinks::Report))
        .unwrap();
    assert!(walked.skipped.is_empty());
    let with_rest = |item: Item| {
        let path = root.join(&item.path);
        if item.is_folder {
            let metadata = fs::metadata(&path).unwrap();
            return Item {
                size_bytes: Some(metadata.len()),
                modified: Some(Modified {
                    seconds: metadata.mtime(),
                    nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap(),
                }),
                mime_type: Some("inode/directory".into()),
                ..item
            };
        }
        let mime_type = match path.extension().and_then(|extension| extension.to_str()) {
            Some("txt") => "text/plain; charset=utf-8",
            Some("jpg") => "image/jpeg",
            Some("json") => "application/json",
            _ => "application/octet-stream",
        };
        Item {
            hashes: vec![("dropbox".into(), local::hash_file(&path).unwrap().to_string())],
            mime_type: Some(mime_type.into()),
            ..item
        }
    };
    walked
        .entries
        .iter()
        .map(|entry| with_rest(Item::from(entry)))
        .collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn lsf() {
    let Some(odd) = Odd::plant() else { return };
    type Case<'a> = (&'a str, Option<&'a str>, bool, fn(&mut Lsf), &'a [&'a str]);
    let nothing: fn(&mut Lsf) = |_| {};
    let cases: [Case<'_>; 18] = [
        ("p", None, false, nothing, &[]),
        ("pst", None, false, nothing, &[]),
        ("tsp", Some(" | "), false, nothing, &[]),
        ("ps", Some(""), false, nothing, &[]),
        ("hsp", None, false, nothing, &["--hash", "dropbox"]),
        ("pmTio", None, false, nothing, &[]),
        ("ps", None, true, nothing, &[]),
        ("hmtsp", None, true, nothing, &["--hash", "dropbox"]),
        ("ps", Some("||"), true, nothing, &[]),
        ("ps", Some("\\n"), true, nothing, &[]),
        ("ps", Some(""), true, nothing, &[]),
        ("ps", Some("é"), true, nothing, &[]),
        ("p", None, false, |lsf| lsf.dir_slash = false, &["-d=false"]),
        ("sp", None, true, |lsf| lsf.absolute = true, &["--absolute"]),
        (
            "tp",
            None,
            false,
            |lsf| lsf.time = TimeForm::Plain(9),
            &["-t", "max"],
        ),
        (
            "t",
            None,
            false,
            |lsf| lsf.time = TimeForm::Rfc3339,
            &["-t", "RFC3339"],
        ),
        ("t", None, false, |lsf| lsf.time = TimeForm::Unix, &["-t", "unix"]),
        (
            "t",
            None,
            false,
            |lsf| lsf.time = TimeForm::UnixNano,
            &["-t", "unixnano"],
        ),
    ];
    for (format, separator, is_csv, change, flags) in cases {
        let mut lsf = Lsf::new(format, separator, is_csv).unwrap();
        change(&mut lsf);
        let mut args = vec!["lsf", ".", "--format", format];
        args.extend(separator.map(|separator| ["-s", separator]).into_iter().flatten());
        args.extend(is_csv.then_some("--csv"));
        args.extend(flags);
        let line = |item| lsf.line(item, &TimeZone::UTC);
        assert_eq!(
            odd.top().map(line).collect::<Vec<_>>(),
            odd.theirs(&args),
            "{args:?}"
        );
        // With all that is below it is listed by many at once, in any order.
        args.push("-R");
        let ours = odd.items.iter().map(line).collect();
        assert_eq!(sorted(ours), sorted(odd.theirs(&args)), "{args:?}");
    }
}

#[test]
fn lsjson() {
    let Some(odd) = Odd::plant() else { return };
    let lsjson = Lsjson {
        zone: TimeZone::UTC,
        digits: 9,
    };
    type Change = fn(Item) -> Option<Item>;
    let cases: [(Change, &[&str]); 6] = [
        (Some, &["--hash-type", "dropbox"]),
        (|item| Some(item).filter(|item| item.is_folder), &["--dirs-only"]),
        (
            |item| Some(item).filter(|item| !item.is_folder),
            &["--files-only", "--hash-type", "dropbox"],
        ),
        (
            |item| {
                Some(Item {
                    modified: None,
                    ..item
                })
            },
            &["--no-modtime", "--hash-type", "dropbox"],
        ),
        (
            |item| {
                Some(Item {
                    mime_type: None,
                    ..item
                })
            },
            &["--no-mimetype", "--hash-type", "dropbox"],
        ),
        (|_| None, &["--include", "nothing", "--files-only"]),
    ];
    for (change, flags) in cases {
        // JSON can tell control characters, so we keep them; rclone makes pictures of them.
        let args = [&["lsjson", ".", "--filter", "- {new,tab}*"], flags].concat();
        let is_plain = |item: &&Item| !item.path.contains(['\n', '\t']);
        let top: Vec<Item> = odd.top().filter(is_plain).cloned().filter_map(change).collect();
        assert_eq!(
            lsjson.lines(top.iter()).collect::<Vec<_>>(),
            odd.theirs(&args),
            "{args:?}"
        );
        let all: Vec<Item> = odd
            .items
            .iter()
            .filter(is_plain)
            .cloned()
            .filter_map(change)
            .collect();
        let no_comma = |line: String| line.trim_end_matches(',').to_owned();
        let theirs = odd.theirs(&[&args[..], &["-R"]].concat());
        assert_eq!(
            sorted(lsjson.lines(all.iter()).map(no_comma).collect()),
            sorted(theirs.into_iter().map(no_comma).collect()),
            "{args:?} -R"
        );
    }
    let file = odd.items.iter().find(|item| item.path == "d/e/f.json").unwrap();
    let file = Item {
        path: file.name().to_owned(),
        hashes: Vec::new(),
        ..file.clone()
    };
    assert_eq!(
        lsjson.stat(&file),
        odd.theirs(&["lsjson", "--stat", "d/e/f.json"]).join("\n")
    );
}

#[test]
fn tree() {
    let Some(odd) = Odd::plant() else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Modified {
        seconds: i64::try_from(now.as_secs()).unwrap(),
        nanoseconds: 0,
    };
    type Change = fn(&mut TreeView);
    let cases: [(Change, &[&str]); 23] = [
        (|_| {}, &[]),
        (|view| view.all = true, &["-a"]),
        (|view| view.size = true, &["-s"]),
        (|view| view.modified = true, &["-D"]),
        (|view| (view.size, view.modified) = (true, true), &["-sD"]),
        (|view| view.full_path = true, &["--full-path"]),
        (|view| view.quote = true, &["-Q"]),
        (
            |view| (view.quote, view.full_path) = (true, true),
            &["-Q", "--full-path"],
        ),
        (|view| view.indent = false, &["--noindent"]),
        (|view| view.report = false, &["--noreport"]),
        // With a report rclone counts no folders at all; we do.
        (
            |view| (view.dirs_only, view.report) = (true, false),
            &["-d", "--noreport"],
        ),
        (
            |view| (view.dirs_only, view.report, view.size) = (true, false, true),
            &["-d", "-s", "--noreport"],
        ),
        (|view| view.level = Some(1), &["--level", "1"]),
        (
            |view| (view.level, view.size) = (Some(1), true),
            &["--level", "1", "-s"],
        ),
        (
            |view| (view.level, view.size) = (Some(2), true),
            &["--level", "2", "-s"],
        ),
        (
            |view| (view.level, view.size) = (Some(3), true),
            &["--level", "3", "-s"],
        ),
        (|view| view.reverse = true, &["-r"]),
        (|view| view.sort = Sort::Size, &["--sort", "size"]),
        (
            |view| (view.sort, view.reverse) = (Sort::Size, true),
            &["--sort", "size", "-r"],
        ),
        (|view| view.sort = Sort::Time, &["-t"]),
        (
            |view| (view.sort, view.reverse) = (Sort::Time, true),
            &["-t", "-r"],
        ),
        (|view| view.sort = Sort::FoldersFirst, &["--dirsfirst"]),
        (
            |view| (view.sort, view.reverse) = (Sort::FoldersFirst, true),
            &["--dirsfirst", "-r"],
        ),
    ];
    for (change, flags) in cases {
        let mut view = TreeView::default();
        change(&mut view);
        let ours = view.lines(&odd.items, now).join("\n");
        let theirs = odd.theirs(&[&["tree", "."], flags].concat()).join("\n");
        assert_eq!(ours, theirs, "{flags:?}\n{ours}\n{theirs}");
    }
}

#[test]
fn size() {
    let Some(odd) = Odd::plant() else { return };
    for (folder, prefix) in [(".", ""), ("d", "d/"), ("empty", "empty/"), ("g", "g/")] {
        let mut total = Total::default();
        for item in odd.files().filter(|item| item.path.starts_with(prefix)) {
            total.add(item.size_bytes);
        }
        assert_eq!(total.to_string(), odd.theirs(&["size", folder]).join("\n"));
        let theirs: serde_json::Value =
            serde_json::from_str(&odd.theirs(&["size", "--json", folder]).concat()).unwrap();
        let ours = serde_json::json!({
            "count": total.count,
            "bytes": total.bytes,
            "sizeless": total.sizeless,
        });
        assert_eq!(ours, theirs);
    }
}

#[test]
fn hashsum() {
    let Some(odd) = Odd::plant() else { return };
    for (form, flag) in [(SumForm::Hex, "--base64=false"), (SumForm::Base64, "--base64")] {
        let line = |item: &Item| sum_line(Some(&item.hashes[0].1), 32, form, &item.path);
        let theirs = odd.theirs(&["hashsum", "dropbox", flag, "."]);
        assert_eq!(sorted(odd.files().map(line).collect()), sorted(theirs));
    }
}

#[test]
fn check_combined() {
    let Some(odd) = Odd::plant() else { return };
    let other = tempfile::tempdir().unwrap();
    grow(other.path());
    fs::write(other.path().join("d/Z"), "y").unwrap();
    fs::write(other.path().join("only\there"), "").unwrap();
    fs::remove_file(other.path().join("new\nline␊")).unwrap();
    let ours = odd.files().map(|item| {
        let outcome = match item.path.as_str() {
            "d/Z" => Checked::Different,
            "new\nline␊" => Checked::MissingOnTarget,
            _ => Checked::Same,
        };
        outcome.line(&item.path)
    });
    let ours = ours
        .chain([Checked::MissingOnSource.line("only\there")])
        .collect();
    let target = other.path().to_str().unwrap();
    let theirs = odd.theirs(&["check", "--combined", "-", ".", target]);
    assert_eq!(sorted(ours), sorted(theirs));
}
