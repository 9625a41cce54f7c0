//! What has arrived of a big file, so that another process, or another node of the same cluster, continues where this one was
//! killed. One small file for each transfer in the state directory: a line that identifies it, then lines for what has
//! arrived. Lines are only appended, until the transfer starts again. Each has its own checksum: half a line, or a damaged
//! one, is ignored, and what it recorded is sent again.
//!
//! A journal is used by one process at a time where the file system has locks. Where it has none, two processes that move
//! the same file at once do some work twice: the half file of a download is named after the revision too, so that both write
//! the same bytes to the same places.

use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::content_hash::BLOCK_BYTES;

use crate::{digits, local};

/// Dropbox forgets sessions after 7 days; a day is left for the rest of the transfer.
pub(super) const LIFETIME: Duration = Duration::from_secs(6 * 24 * 3600);
/// The extension of the files.
const EXTENSION: &str = "journal";

/// A digest of a block.
type Block = [u8; 32];

/// The journal of one transfer.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    key: String,
    /// The journal is about another state of the source.
    stale_id: Option<String>,
    file: Mutex<File>,
}

/// What an earlier process completed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The upload session, or the revision.
    pub token: String,
    /// Digests of the blocks that have arrived, by their offsets in bytes.
    pub blocks: BTreeMap<u64, Block>,
    /// For blocks that have arrived in part: the number of bytes, and their digest.
    pub parts: HashMap<u64, (u64, Block)>,
}

impl Known {
    /// Returns the digests of consecutive blocks from `at` on that have arrived, at most `most` of them.
    pub(super) fn run(&self, at: u64, most: u64) -> Vec<Block> {
        let offsets = (0..most).map(|number| at + number * BLOCK_BYTES);
        offsets
            .map_while(|offset| self.blocks.get(&offset).copied())
            .collect()
    }
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    key: String,
    token: String,
}

/// What has arrived from an offset on: whole blocks (the last one of a file may be short), or the beginning of one.
#[derive(Serialize, Deserialize)]
struct Piece {
    at: u64,
    blocks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

impl Journal {
    /// Opens the journal of the transfer from and to `place`. Returns it with what it holds if the source is still in `state`.
    /// `None` if there can't be one, or if another process uses it: the transfer continues without.
    pub(super) fn open(directory: &Path, place: &str, state: &str) -> Option<(Self, Option<Known>)> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .ok()?;
        let name = digits::short(&Sha256::digest(place), 32);
        let path = directory.join(name).with_extension(EXTENSION);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .ok()?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return None;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        let key = format!("{place}\n{state}");
        let is_fresh = file
            .metadata()
            .is_ok_and(|there| !local::is_older(&there, LIFETIME));
        let known = if is_fresh { read(&text, &key) } else { None };
        let journal = Self {
            stale_id: head(&text)
                .filter(|head| head.key != key)
                .map(|head| id(&head.key)),
            path,
            key,
            file: Mutex::new(file),
        };
        Some((journal, known))
    }

    /// Returns 16 hexadecimal digits that identify this transfer and this state of its source.
    pub(super) fn id(&self) -> String {
        id(&self.key)
    }

    /// Returns the digits of an earlier state, which no process will continue.
    pub(super) fn stale_id(&self) -> Option<&str> {
        self.stale_id.as_deref()
    }

    /// Starts again, with a new session.
    pub(super) fn begin(&self, token: &str) {
        let head = Head {
            version: 2,
            key: self.key.clone(),
            token: token.to_owned(),
        };
        let file = self.file.lock();
        let _ = file.set_len(0); // what can't be noted is sent again at worst
        drop(file);
        self.write(&head);
    }

    /// Records that a chunk has arrived.
    pub(super) fn note(&self, at: u64, blocks: &[Block]) {
        self.write(&Piece {
            at,
            blocks: blocks.iter().map(|block| digits::encode(block)).collect(),
            bytes: None,
        });
    }

    /// Records that the first bytes of a block have arrived.
    pub(super) fn note_part(&self, at: u64, bytes: u64, digest: &Block) {
        self.write(&Piece {
            at,
            blocks: vec![digits::encode(digest)],
            bytes: Some(bytes),
        });
    }

    fn write(&self, line: &impl Serialize) {
        let line = seal(&serde_json::to_string(line).unwrap_or_default());
        let mut file = self.file.lock();
        let _ = file.write_all(line.as_bytes()); // as above
    }

    /// Removes the journal: the transfer is complete.
    pub(super) fn forget(&self) {
        let _ = fs::remove_file(&self.path); // an old one is of no use and does no harm
    }
}

/// Removes journals of transfers that can no longer be continued.
pub(super) fn sweep(directory: &Path) {
    local::remove_old(directory, LIFETIME, is_journal);
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == EXTENSION)
}

/// A transfer that can continue where it stopped.
#[derive(Debug)]
pub struct Resumable {
    /// The local file.
    pub local: PathBuf,
    /// A description of the transfer.
    pub words: String,
    journal: PathBuf,
}

/// Returns the transfers that can be continued.
pub fn resumable(directory: &Path) -> Vec<Resumable> {
    sweep(directory);
    let journals = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut resumable: Vec<Resumable> = journals
        .filter_map(|entry| Resumable::read(entry.path()))
        .collect();
    resumable.sort_by(|a, b| a.local.cmp(&b.local));
    resumable
}

impl Resumable {
    fn read(journal: PathBuf) -> Option<Self> {
        let head = head(&fs::read_to_string(&journal).ok()?)?;
        let mut parts = head.key.split('\n');
        let (way, remote) = (parts.next()?, parts.next()?);
        let (local, words) = if way == "up" {
            let (target, local) = (typed(parts.next()?), parts.next()?);
            (local, format!("the upload of '{local}' to '{remote}:{target}'"))
        } else {
            let local = parts.next()?;
            (local, format!("the download of '{local}' from {remote}:"))
        };
        Some(Self {
            local: local.into(),
            words,
            journal,
        })
    }

    /// Forgets the progress of the transfer.
    ///
    /// # Errors
    /// When the transfer is in progress, or its journal can't be removed.
    pub fn forget(&self) -> std::io::Result<()> {
        if let Err(TryLockError::WouldBlock) = File::open(&self.journal)?.try_lock() {
            return Err(std::io::Error::other("it is in progress"));
        }
        fs::remove_file(&self.journal)
    }
}

/// Returns how a recorded path is typed: `ns:1234/X` is `/X`, from the account's root.
fn typed(target: &str) -> &str {
    match target.strip_prefix("ns:") {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target.trim_start_matches('/'),
    }
}

fn id(key: &str) -> String {
    digits::short(&Sha256::digest(key), 16)
}

/// Returns a record as it is written: its checksum, the record, and the end of the line.
pub(super) fn seal(record: &str) -> String {
    format!("{} {record}\n", sum(record))
}

/// Returns the digits of a record's checksum.
fn sum(record: &str) -> String {
    digits::short(&Sha256::digest(record), 16)
}

/// Returns the records of complete, undamaged lines.
pub(super) fn records(text: &str) -> impl Iterator<Item = Option<&str>> {
    let lines = text
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'));
    lines.map(|line| {
        let (digits, record) = line.split_once(' ')?;
        (sum(record) == digits).then_some(record)
    })
}

fn head(text: &str) -> Option<Head> {
    let head: Head = serde_json::from_str(records(text).next()??).ok()?;
    (head.version == 2).then_some(head)
}

fn read(text: &str, key: &str) -> Option<Known> {
    let head = head(text).filter(|head| head.key == key)?;
    let mut known = Known {
        token: head.token,
        ..Known::default()
    };
    // What is damaged is not known; another process may have written at the same time, too.
    for record in records(text).skip(1).flatten() {
        let Ok(piece) = serde_json::from_str::<Piece>(record) else {
            continue;
        };
        let blocks: Option<Vec<Block>> = piece.blocks.iter().map(|digits| digits::decode(digits)).collect();
        let Some(blocks) = blocks.filter(|_| piece.at % BLOCK_BYTES == 0) else {
            continue;
        };
        match (piece.bytes, blocks.as_slice()) {
            (Some(bytes), [digest]) => {
                known.parts.insert(piece.at, (bytes, *digest));
            }
            (Some(_), _) => {}
            (None, blocks) => {
                let offsets = (0..).map(|number| piece.at.saturating_add(number * BLOCK_BYTES));
                known.blocks.extend(offsets.zip(blocks.iter().copied()));
            }
        }
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_later_and_half_a_line_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let open = |key: &str| Journal::open(directory.path(), key, "1").unwrap();
        let (journal, known) = open("a");
        assert_eq!(known, None);
        journal.begin("s1");
        journal.note(0, &[[1; 32], [2; 32]]);
        journal.note(8 << 20, &[[3; 32]]);
        journal.file.lock().write_all(b"{\"at\":16").unwrap();
        assert!(
            Journal::open(directory.path(), "a", "1").is_none(),
            "somebody works with it"
        );
        drop(journal);
        let (journal, known) = open("a");
        let known = known.unwrap();
        assert_eq!(known.token, "s1");
        assert_eq!(
            known.blocks,
            BTreeMap::from([(0, [1; 32]), (4 << 20, [2; 32]), (8 << 20, [3; 32])])
        );
        assert_eq!(known.run(4 << 20, 7), [[2; 32], [3; 32]]);
        assert_eq!(known.run(0, 2), [[1; 32], [2; 32]]);
        assert!(known.run(12 << 20, 1).is_empty());
        journal.begin("s2");
        drop(journal);
        assert_eq!(
            open("a").1.unwrap(),
            Known {
                token: "s2".into(),
                ..Known::default()
            }
        );
        open("a").0.forget();
        assert_eq!(open("a").1, None);
        assert_eq!(open("b").1, None);
        open("b").0.begin("s");
        assert_eq!(
            Journal::open(directory.path(), "b", "2").unwrap().1,
            None,
            "the source has changed"
        );
    }

    /// A journal as version 2 of the format has it. It has to be read, and written just so, for as long as it has this number.
    const SAMPLE: &str = include_str!("../../tests/fixtures/journal-v2");
    const PLACE: &str = "up\ndbx\n/results/run7.h5\n/scratch/ann/run7.h5";

    #[test]
    fn a_journal_of_this_version_is_written_and_read_as_ever() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Journal::open(directory.path(), PLACE, "7").unwrap();
        let (journal, _) = open();
        journal.begin("s1");
        journal.note(0, &[[1; 32], [2; 32]]);
        journal.note_part(8 << 20, 77, &[3; 32]);
        assert_eq!(fs::read_to_string(&journal.path).unwrap(), SAMPLE);
        drop(journal);
        let known = open().1.unwrap();
        assert_eq!(known.token, "s1");
        assert_eq!(known.blocks, BTreeMap::from([(0, [1; 32]), (4 << 20, [2; 32])]));
        assert_eq!(known.parts, HashMap::from([(8 << 20, (77, [3; 32]))]));
        let words: Vec<String> = resumable(directory.path())
            .into_iter()
            .map(|it| it.words)
            .collect();
        assert_eq!(
            words,
            ["the upload of '/scratch/ann/run7.h5' to 'dbx:results/run7.h5'"]
        );
    }

    #[test]
    fn a_journal_of_another_version_is_not_used_and_stays_until_the_transfer_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(directory.path(), PLACE, "7").unwrap();
        let path = journal.path.clone();
        drop(journal);
        let (_, head) = SAMPLE.lines().next().unwrap().split_once(' ').unwrap();
        let (_, rest) = SAMPLE.split_once('\n').unwrap();
        for version in [1, 3] {
            let other = head.replace(r#""version":2"#, &format!(r#""version":{version}"#));
            assert_ne!(other, head);
            let other = seal(&other) + rest;
            fs::write(&path, &other).unwrap();
            let (journal, known) = Journal::open(directory.path(), PLACE, "7").unwrap();
            assert_eq!((known, journal.stale_id()), (None, None), "{version}");
            drop(journal);
            assert!(resumable(directory.path()).is_empty(), "{version}");
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn targets_are_named_as_they_are_typed() {
        for (noted, shown) in [
            ("/a/b", "a/b"),
            ("ns:2001/a/b", "/a/b"),
            ("/ns:2001/a", "ns:2001/a"),
            ("ns:2001", "/"),
        ] {
            assert_eq!(typed(noted), shown);
        }
    }

    #[test]
    fn old_journals_are_swept_and_foreign_ones_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(directory.path(), "a", "1").unwrap();
        journal.begin("s");
        let old = std::time::SystemTime::now() - LIFETIME - Duration::from_secs(1);
        journal.file.lock().set_modified(old).unwrap();
        let path = journal.path.clone();
        drop(journal);
        assert_eq!(Journal::open(directory.path(), "a", "1").unwrap().1, None);
        sweep(directory.path());
        assert!(!path.exists());
        fs::write(directory.path().join("notes.txt"), "mine").unwrap();
        let notes = File::options()
            .write(true)
            .open(directory.path().join("notes.txt"))
            .unwrap();
        notes.set_modified(old).unwrap();
        sweep(directory.path());
        assert!(directory.path().join("notes.txt").exists());
        let versioned = |version: u32| seal(&format!(r#"{{"version":{version},"key":"a","token":"s"}}"#));
        assert!(read(&versioned(2), "a").is_some());
        assert_eq!(read(&versioned(3), "a"), None);
        assert_eq!(read(&versioned(2)[1..], "a"), None);
        assert_eq!(read("nonsense\n", "a"), None);
    }

    #[test]
    fn whatever_is_damaged_nothing_untrue_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(directory.path(), "a", "1").unwrap();
        journal.begin("s");
        journal.note(0, &[[1; 32], [2; 32]]);
        journal.note_part(8 << 20, 77, &[3; 32]);
        journal.note(12 << 20, &[[4; 32]]);
        let whole = fs::read(&journal.path).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        let known = read(&text, "a\n1").unwrap();
        assert_eq!((known.blocks.len(), known.parts.len()), (3, 1));
        for at in 0..whole.len() {
            for change in [1, 4, 32] {
                let mut damaged = whole.clone();
                damaged[at] ^= change;
                let Some(found) = read(&String::from_utf8_lossy(&damaged), "a\n1") else {
                    continue;
                };
                assert_eq!(found.token, "s", "{at}");
                assert!(
                    found
                        .blocks
                        .iter()
                        .all(|(at, block)| known.blocks.get(at) == Some(block)),
                    "{at}"
                );
                assert!(
                    found
                        .parts
                        .iter()
                        .all(|(at, part)| known.parts.get(at) == Some(part)),
                    "{at}"
                );
            }
        }
    }

    #[test]
    fn fuzz_a_journal() {
        let key = head(SAMPLE).unwrap().key;
        let whole = read(SAMPLE, &key).unwrap();
        fuzzing::run(&[SAMPLE.as_bytes()], |bytes| {
            let known = read(&String::from_utf8_lossy(bytes), &key)?;
            // A damaged record is unknown: it never adds a block that did not arrive.
            assert!(
                known
                    .blocks
                    .iter()
                    .all(|(at, block)| whole.blocks.get(at) == Some(block))
            );
            assert!(
                known
                    .parts
                    .iter()
                    .all(|(at, part)| whole.parts.get(at) == Some(part))
            );
            Some((known.blocks.len(), known.parts.len()))
        });
    }
}
