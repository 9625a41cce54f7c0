//! Random rounds: small trees of odd names that are alike on both sides, so that what is the same, changed, extra, missing and in
//! the way comes together often.

use rand::{Rng, RngExt as _, rngs::StdRng, seq::IndexedRandom as _};

use super::case::{Case, Node, Tree, Verb, Way};

/// Names that Dropbox and Linux both take. No two of them are one name to Dropbox: what it makes of those is a matter of tests.
const NAMES: &[&str] = &[
    "a",
    "b.txt",
    "c.TXT",
    "sp ace",
    ".hid",
    "..d",
    "e.",
    "größe",
    "nfd u\u{308}",
    "😀",
    "[x]",
    "{y,z}",
    "st*r",
    "wh?t",
    "per%20cent",
    "-dash",
    "q'uote",
    "do\"uble",
    "da$h",
    "semi;",
    "#hash",
    "am&p",
    "~t",
    "bak.bak",
    "x.tar.gz",
    ".nosync",
    "漢字",
    "(1)",
];

/// Contents; two are of one length.
const TEXTS: &[&str] = &[
    "",
    "x",
    "y",
    "hello",
    "other",
    "much longer than all the others are",
];

/// Times around which comparisons turn.
const TIMES: &[i64] = &[1_500_000_000, 1_500_000_001, 1_600_000_000];

/// Flags that any verb with filters takes.
const FILTERS: &[&[&str]] = &[
    &["--include", "*.txt"],
    &["--include", "a/**"],
    &["--exclude", "*.txt"],
    &["--exclude", "/a/**"],
    &["--exclude", "sp ace/**"],
    &["--filter", "- b.txt"],
    &["--max-depth", "1"],
    &["--max-depth", "2"],
    &["--min-size", "2b"],
    &["--max-size", "5b"],
    &["--exclude-if-present", ".nosync"],
];

/// Flags that those with two places take.
const TRANSFERS: &[&[&str]] = &[
    &["--checksum"],
    &["--size-only"],
    &["--ignore-times"],
    &["--update"],
    &["--ignore-existing"],
    &["--immutable"],
    &["--create-empty-src-dirs"],
    &["--backup-dir", "BACKUP"],
    &["--suffix", ".old"],
    &["--suffix", "-old"],
];

/// One round.
pub fn case(random: &mut StdRng) -> Case {
    let verb = *[
        Verb::Copy,
        Verb::Copy,
        Verb::Sync,
        Verb::Sync,
        Verb::Sync,
        Verb::Move,
        Verb::Move,
        Verb::KilledMove,
        Verb::Check,
        Verb::Lsf,
        Verb::Lsl,
        Verb::Tree,
        Verb::Size,
        Verb::Cat,
        Verb::Hashsum,
        Verb::Delete,
        Verb::Rmdirs,
        Verb::Purge,
    ]
    .choose(random)
    .unwrap_or(&Verb::Copy);
    let way = *[Way::Up, Way::Up, Way::Down, Way::Down, Way::Across]
        .choose(random)
        .unwrap_or(&Way::Up);
    let names: Vec<&str> = NAMES.sample(random, 6).copied().collect();
    let source = tree(random, &names);
    let target = random.random_bool(0.8).then(|| like(random, &names, &source));
    Case {
        verb,
        way,
        target,
        flags: flags(random, verb),
        after_ms: random.random_range(0..150),
        source,
    }
}

fn flags(random: &mut StdRng, verb: Verb) -> Vec<Vec<String>> {
    let mut pool: Vec<&[&str]> = Vec::new();
    match verb {
        Verb::Rmdirs | Verb::Purge => {}
        Verb::KilledMove => pool.extend_from_slice(TRANSFERS),
        _ => pool.extend_from_slice(FILTERS),
    }
    if matches!(verb, Verb::Copy | Verb::Sync | Verb::Move) {
        pool.extend_from_slice(TRANSFERS);
    }
    match verb {
        Verb::Sync => pool.extend_from_slice(&[&["--delete-excluded"], &["--track-renames"]]),
        Verb::Move => pool.extend_from_slice(&[&["--delete-empty-src-dirs"]]),
        Verb::Check => pool.extend_from_slice(&[&["--one-way"], &["--size-only"]]),
        Verb::Rmdirs => pool.extend_from_slice(&[&["--leave-root"]]),
        _ => {}
    }
    let count = *[0, 0, 1, 1, 2].choose(random).unwrap_or(&0);
    let mut chosen: Vec<Vec<String>> = Vec::new();
    for words in pool.sample(random, count) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        // rclone takes the last of some and all of others.
        if chosen.iter().all(|other: &Vec<String>| other[0] != words[0]) {
            chosen.push(words);
        }
    }
    chosen
}

fn tree(random: &mut StdRng, names: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for _ in 0..random.random_range(0..8) {
        let depth = *[1, 1, 2, 2, 3].choose(random).unwrap_or(&1);
        let path: Vec<&str> = (0..depth).filter_map(|_| names.choose(random).copied()).collect();
        let node = if random.random_bool(0.2) {
            Node::Folder
        } else {
            file(random)
        };
        put(&mut tree, &path.join("/"), node);
    }
    tree
}

/// A tree that has much in common with another.
fn like(random: &mut StdRng, names: &[&str], source: &Tree) -> Tree {
    let mut target = Tree::new();
    for (path, node) in source {
        match random.random_range(0..10) {
            0..5 => put(&mut target, path, node.clone()),
            5..8 if *node != Node::Folder => put(&mut target, path, file(random)),
            _ => {}
        }
    }
    for (path, node) in tree(random, names) {
        if random.random_bool(0.5) {
            put(&mut target, &path, node);
        }
    }
    // What is a file on one side and a folder on the other is refused by rclone, and a test of its own.
    let is_folder = |tree: &Tree, path: &str| {
        let inside = format!("{path}/");
        tree.get(path) == Some(&Node::Folder) || tree.keys().any(|other| other.starts_with(&inside))
    };
    let clashes: Vec<String> = source
        .keys()
        .chain(target.keys())
        .flat_map(|path| {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            ends.map(|end| path[..end].to_owned()).collect::<Vec<_>>()
        })
        .filter(|path| {
            let is_file = |tree: &Tree| matches!(tree.get(path), Some(Node::File { .. }));
            (is_file(source) && is_folder(&target, path)) || (is_file(&target) && is_folder(source, path))
        })
        .collect();
    target.retain(|path, _| {
        !clashes
            .iter()
            .any(|clash| path == clash || path.starts_with(&format!("{clash}/")))
    });
    target
}

fn file(random: &mut impl Rng) -> Node {
    let text = TEXTS[random.random_range(0..TEXTS.len())].to_owned();
    let time = TIMES[random.random_range(0..TIMES.len())];
    Node::File { text, time }
}

/// Adds a node, unless something around or below it is of another kind.
fn put(tree: &mut Tree, path: &str, node: Node) {
    let around = path.match_indices('/').map(|(at, _)| &path[..at]);
    if around
        .into_iter()
        .any(|folder| matches!(tree.get(folder), Some(Node::File { .. })))
    {
        return;
    }
    let inside = format!("{path}/");
    let has_children = tree.keys().any(|other| other.starts_with(&inside));
    if has_children && node != Node::Folder {
        return;
    }
    tree.insert(path.to_owned(), node);
}
