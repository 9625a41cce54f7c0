//! Content hashes of local files, kept from one run to the next: a file that has the same device, inode, size, modification
//! and change time as when it was hashed needn't be read again.
//!
//! One file of sorted records of fixed length in the cache directory, which may be deleted at any time. It is searched on
//! disk, so that millions of records take no memory, and replaced as a whole. Each record has a checksum of its own.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use shared::content_hash::ContentHash;

use shared::replace::{remove_half_written, replace_file};

/// Device, inode, size, modification and change time, the way they sort.
type Key = [u8; 40];
const KEY: usize = 40;
const SUM: usize = 8;
/// A key, a hash and a checksum.
const RECORD: usize = KEY + 32 + SUM;
type Record = [u8; RECORD];
/// The first bytes of the file; another number means another format.
const MAGIC: &[u8; 16] = b"node-tool hash 1";
/// Maximum number of records: with more, the file is started again.
const MAX_RECORDS: u64 = 2_000_000;
/// A file that was changed this recently may change again without its times showing it.
const MIN_AGE: Duration = Duration::from_secs(3);

/// The hashes of this process.
static KEPT: OnceLock<Hashes> = OnceLock::new();

/// Keeps hashes below `directory` from now on.
pub fn keep_in(directory: &Path) {
    let _ = KEPT.set(Hashes::open(directory)); // once is enough
}

/// Writes the new hashes to disk.
pub fn save() {
    let Some(hashes) = KEPT.get() else { return };
    if let Some(directory) = hashes.path.parent() {
        remove_half_written(directory);
    }
    if let Err(error) = hashes.save() {
        tracing::info!("the hashes are not kept: {error}");
    }
}

/// Returns the hash of a file, if it is known.
pub(super) fn find(metadata: &Metadata) -> Option<ContentHash> {
    KEPT.get()?.find(&key(metadata))
}

/// Records the hash of a file that was unchanged before and after.
pub(super) fn note(metadata: &Metadata, hash: ContentHash) {
    let changed =
        SystemTime::UNIX_EPOCH + Duration::from_secs(metadata.ctime().max(metadata.mtime()).unsigned_abs());
    let age = SystemTime::now().duration_since(changed).unwrap_or_default();
    if let Some(hashes) = KEPT.get().filter(|_| age > MIN_AGE) {
        hashes.lock().insert(key(metadata), *hash.as_bytes());
    }
}

fn key(metadata: &Metadata) -> Key {
    let time = |seconds: i64, nanoseconds: i64| seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds);
    let parts = [
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        time(metadata.mtime(), metadata.mtime_nsec()).cast_unsigned(),
        time(metadata.ctime(), metadata.ctime_nsec()).cast_unsigned(),
    ];
    let mut key = [0; KEY];
    for (place, part) in key.chunks_exact_mut(8).zip(parts) {
        place.copy_from_slice(&part.to_be_bytes());
    }
    key
}

struct Hashes {
    path: PathBuf,
    old: Option<(File, u64)>,
    fresh: Mutex<BTreeMap<Key, [u8; 32]>>,
}

impl Hashes {
    fn open(directory: &Path) -> Self {
        let path = directory.join("hashes");
        let open = || {
            let file = File::open(&path).ok()?;
            let mut magic = [0; MAGIC.len()];
            file.read_exact_at(&mut magic, 0).ok()?;
            let length = file.metadata().ok()?.len() - MAGIC.len() as u64;
            (magic == *MAGIC).then_some((file, length / RECORD as u64))
        };
        Self {
            old: open(),
            path,
            fresh: Mutex::default(),
        }
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, BTreeMap<Key, [u8; 32]>> {
        self.fresh.lock()
    }

    fn find(&self, key: &Key) -> Option<ContentHash> {
        if let Some(hash) = self.lock().get(key) {
            return Some(ContentHash::from(*hash));
        }
        let (file, count) = self.old.as_ref()?;
        let (mut low, mut high) = (0, *count);
        while low < high {
            let middle = low.midpoint(high);
            let mut record = [0; RECORD];
            file.read_exact_at(&mut record, MAGIC.len() as u64 + middle * RECORD as u64)
                .ok()?;
            match record[..KEY].cmp(key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return hash_of(&record),
            }
        }
        None
    }

    /// Merges the new records into the file, which another process may have changed.
    fn save(&self) -> io::Result<()> {
        let fresh = std::mem::take(&mut *self.lock());
        if fresh.is_empty() {
            return Ok(());
        }
        replace_file(&self.path, |new| self.merge(new, fresh))
    }

    fn merge(&self, new: &File, fresh: BTreeMap<Key, [u8; 32]>) -> io::Result<()> {
        let mut out = BufWriter::new(new);
        out.write_all(MAGIC)?;
        let there = Self::open(self.path.parent().unwrap_or(Path::new("."))).old;
        let mut old = there
            .filter(|(_, count)| count + (fresh.len() as u64) < MAX_RECORDS)
            .map(|(file, _)| BufReader::new(file));
        if let Some(reader) = &mut old {
            reader.read_exact(&mut [0; MAGIC.len()])?;
        }
        let mut next_old = || {
            let mut record = [0; RECORD];
            old.as_mut()?.read_exact(&mut record).ok()?;
            Some(record)
        };
        let mut fresh = fresh
            .into_iter()
            .map(|(key, hash)| record(&key, &hash))
            .peekable();
        let mut kept = next_old();
        loop {
            let takes_old = match (&kept, fresh.peek()) {
                (Some(old), Some(new)) => old[..KEY] < new[..KEY],
                (old, _) => old.is_some(),
            };
            if let Some(old) = kept.filter(|_| takes_old) {
                // The same file as it is now replaces what it was.
                let is_past = fresh.peek().is_some_and(|new| new[..16] == old[..16]);
                if hash_of(&old).is_some() && !is_past {
                    out.write_all(&old)?;
                }
                kept = next_old();
                continue;
            }
            let Some(new) = fresh.next() else { break };
            if kept.is_some_and(|old| old[..KEY] == new[..KEY]) {
                kept = next_old();
            }
            out.write_all(&new)?;
        }
        out.flush()
    }
}

fn record(key: &Key, hash: &[u8; 32]) -> Record {
    let mut record = [0; RECORD];
    record[..KEY].copy_from_slice(key);
    record[KEY..KEY + 32].copy_from_slice(hash);
    let sum = Sha256::digest(&record[..KEY + 32]);
    record[KEY + 32..].copy_from_slice(&sum[..SUM]);
    record
}

/// Returns the hash in a record, if its checksum is right.
fn hash_of(bytes: &Record) -> Option<ContentHash> {
    let sum = Sha256::digest(&bytes[..KEY + 32]);
    let hash: [u8; 32] = bytes[KEY..KEY + 32].try_into().ok()?;
    (sum[..SUM] == bytes[KEY + 32..]).then(|| ContentHash::from(hash))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn key_of(inode: u64, time: u64) -> Key {
        let mut key = [0; KEY];
        for (place, part) in key.chunks_exact_mut(8).zip([1, inode, 10, time, time]) {
            place.copy_from_slice(&u64::to_be_bytes(part));
        }
        key
    }

    fn add(directory: &Path, records: &[(u64, u64, u8)]) {
        let hashes = Hashes::open(directory);
        for (inode, time, hash) in records {
            hashes.lock().insert(key_of(*inode, *time), [*hash; 32]);
        }
        hashes.save().unwrap();
    }

    #[test]
    fn hashes_are_found_again_and_the_past_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        add(directory.path(), &[(5, 1, 50), (3, 1, 30), (9, 1, 90)]);
        add(
            directory.path(),
            &[(3, 2, 31), (4, 1, 40), (9, 1, 91), (12, 1, 120)],
        );
        let hashes = Hashes::open(directory.path());
        let found = |inode, time| hashes.find(&key_of(inode, time)).map(|hash| hash.as_bytes()[0]);
        assert_eq!(found(3, 2), Some(31));
        assert_eq!(found(3, 1), None, "it was replaced");
        assert_eq!(
            [found(4, 1), found(5, 1), found(9, 1), found(12, 1)],
            [Some(40), Some(50), Some(91), Some(120)]
        );
        assert_eq!(found(6, 1), None);
        assert_eq!(hashes.old.as_ref().unwrap().1, 5);
    }

    #[test]
    fn a_file_of_this_version_is_written_and_read_as_ever() {
        let sample: &[u8] = include_bytes!("../../tests/fixtures/hashes-v1");
        let directory = tempfile::tempdir().unwrap();
        add(directory.path(), &[(3, 1, 30), (5, 1, 50)]);
        let path = directory.path().join("hashes");
        assert_eq!(fs::read(&path).unwrap(), sample);
        let found = |inode| {
            let hashes = Hashes::open(directory.path());
            hashes.find(&key_of(inode, 1)).map(|hash| hash.as_bytes()[0])
        };
        assert_eq!([found(3), found(4), found(5)], [Some(30), None, Some(50)]);
        // A file of another version is not used, and stays until there is something new to keep.
        let mut other = sample.to_vec();
        other[MAGIC.len() - 1] = b'2';
        fs::write(&path, &other).unwrap();
        assert_eq!([found(3), found(5)], [None, None]);
        add(directory.path(), &[]);
        assert_eq!(fs::read(&path).unwrap(), other);
        add(directory.path(), &[(5, 1, 50)]);
        assert_eq!([found(3), found(5)], [None, Some(50)]);
    }

    #[test]
    fn what_is_damaged_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        add(directory.path(), &[(1, 1, 10), (2, 1, 20)]);
        let path = directory.path().join("hashes");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            let hashes = Hashes::open(directory.path());
            for (inode, hash) in [(1, 10), (2, 20)] {
                let found = hashes.find(&key_of(inode, 1));
                assert!(
                    found.is_none_or(|found| found.as_bytes() == &[hash; 32]),
                    "byte {at}"
                );
            }
        }
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let _ = Hashes::open(directory.path()).find(&key_of(2, 1)); // it doesn't panic
        }
    }

    #[test]
    fn fuzz_kept_hashes() {
        let sample: &[u8] = include_bytes!("../../tests/fixtures/hashes-v1");
        let directory = tempfile::tempdir().unwrap();
        fuzzing::run(&[sample], |bytes| {
            fs::write(directory.path().join("hashes"), bytes).unwrap();
            let hashes = Hashes::open(directory.path());
            let found = |inode| hashes.find(&key_of(inode, 1)).map(|hash| hash.as_bytes()[0]);
            // A damaged record is unknown: it never gives another hash.
            let found = [found(3), found(5)];
            assert!(matches!(found[0], None | Some(30)) && matches!(found[1], None | Some(50)));
            found
        });
    }
}
