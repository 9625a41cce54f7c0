//! Listings of large folders, kept from one run to the next with the cursor that Dropbox gave: the next run asks only for
//! what has changed since. A file for each folder in the cache directory, which may be deleted at any time. It is
//! replaced as a whole, so that several processes and NFS do no harm, and never believed over the server: whatever the
//! server says against its cursor, or anything odd in the file, means a fresh listing.
//!
//! Dropbox doesn't report changes of nothing but a name's case, so a kept listing is replaced after some days.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, BufRead, BufReader, BufWriter, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::replace::{remove_half_written, remove_old, replace_file};

use super::{cache_row::Line, rows::Collected};
use crate::DropboxPath;

/// How long a listing is kept at most, in seconds.
const MAX_AGE_SECONDS: u64 = 7 * 24 * 3600;
/// The version of the files' format, which they begin with. Files of another one are not read.
const FORMAT: u32 = 2;
/// Bytes of a file's name, each written as two hexadecimal digits.
const NAME_BYTES: usize = 16;

/// Keeps listings of large folders from one run to the next.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

/// Where one listing is kept.
#[derive(Clone)]
pub(crate) struct Place {
    path: PathBuf,
    key: String,
}

/// A kept listing.
pub(crate) struct Known {
    pub collected: Collected,
    pub cursor: String,
    /// When it was listed from the beginning, in seconds since 1970.
    pub since: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    key: String,
    cursor: String,
    since: u64,
    entries: usize,
}

/// Returns the time in seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

impl Cache {
    /// Keeps listings below `directory`, which is made when it is needed. Anybody may delete it at any time.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the place of the listing of `path`, as `identity` sees it.
    pub(crate) fn place(&self, identity: &str, path: &DropboxPath) -> Place {
        // As it was typed: only Dropbox knows which other spellings mean the same folder.
        let key = format!("{identity}\n{}", path.as_str());
        let name = HEXLOWER.encode(&Sha256::digest(&key)[..NAME_BYTES]);
        Place {
            path: self.directory.join("listings").join(name),
            key,
        }
    }
}

impl Place {
    /// Returns what is kept, if all of it is there.
    pub(crate) fn load(&self, path: &DropboxPath) -> Option<Known> {
        let mut lines = Lines::open(&self.path)?;
        let head: Head = serde_json::from_str(lines.next()?).ok()?;
        let age = now().saturating_sub(head.since);
        if head.format != FORMAT || head.key != self.key || age > MAX_AGE_SECONDS {
            return None;
        }
        let mut collected = Collected::new(path);
        for _ in 0..head.entries {
            collected.restore(serde_json::from_str::<Line<'_>>(lines.next()?).ok()?.into());
        }
        let expected = HEXLOWER.encode(&lines.hasher.clone().finalize());
        (lines.next()? == expected).then_some(Known {
            collected,
            cursor: head.cursor,
            since: head.since,
        })
    }

    /// Keeps a listing. A failure is no error: the folder is listed again the next time.
    pub(crate) fn save(&self, collected: &Collected, cursor: &str, since: u64) {
        if let Err(error) = self.write(collected, cursor, since) {
            tracing::info!("the listing is not kept: {error}");
        }
    }

    fn write(&self, collected: &Collected, cursor: &str, since: u64) -> io::Result<()> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        remove_old(parent, Duration::from_secs(MAX_AGE_SECONDS), is_listing);
        remove_half_written(parent);
        replace_file(&self.path, |new| self.write_to(new, collected, cursor, since))
    }

    fn write_to(&self, file: &File, collected: &Collected, cursor: &str, since: u64) -> io::Result<()> {
        let (mut out, mut hasher) = (BufWriter::new(file), Sha256::new());
        let mut put = |line: String| {
            hasher.update(&line);
            hasher.update("\n");
            writeln!(out, "{line}")
        };
        put(serde_json::to_string(&Head {
            format: FORMAT,
            key: self.key.clone(),
            cursor: cursor.to_owned(),
            since,
            entries: collected.rows().len(),
        })?)?;
        for row in collected.rows() {
            put(serde_json::to_string(&Line::from(&row))?)?;
        }
        writeln!(out, "{}", HEXLOWER.encode(&hasher.finalize()))?;
        out.flush()
    }

    /// Removes what is kept, which is of no use any more.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_file(&self.path); // another process may have removed it
    }
}

/// Returns whether a file's name is that of a listing, or of one that is being written.
fn is_listing(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name.split('.')
        .next()
        .and_then(|name| HEXLOWER.decode(name.as_bytes()).ok())
        .is_some_and(|bytes| bytes.len() == NAME_BYTES)
}

/// Lines of a file, and the hash of those so far.
struct Lines {
    reader: BufReader<File>,
    line: String,
    hasher: Sha256,
}

impl Lines {
    fn open(path: &Path) -> Option<Self> {
        Some(Self {
            reader: BufReader::with_capacity(1 << 16, File::open(path).ok()?),
            line: String::new(),
            hasher: Sha256::new(),
        })
    }

    /// Returns the next whole line, without its end.
    fn next(&mut self) -> Option<&str> {
        self.line.clear();
        self.reader.read_line(&mut self.line).ok()?;
        self.hasher.update(&self.line);
        self.line.strip_suffix('\n')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::files::Metadata;

    fn collected(path: &DropboxPath) -> Collected {
        let mut collected = Collected::new(path);
        for json in [
            r#"{".tag":"folder","name":"Sub","path_lower":"/base/sub","id":"id:2","sharing_info":{"shared_folder_id":"77"}}"#,
            r#"{".tag":"file","name":"a","path_lower":"/base/sub/a","id":"id:1","client_modified":"2020-01-01T00:00:00Z","rev":"0123456789","size":1}"#,
        ] {
            collected.apply(serde_json::from_str::<Metadata>(json).unwrap());
        }
        collected.settle();
        collected
    }

    #[test]
    fn a_listing_comes_back_as_it_was_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = DropboxPath::parse("Base").unwrap();
        let place = Cache::new(directory.path().to_owned()).place("me", &path);
        assert!(place.load(&path).is_none());
        place.save(&collected(&path), "c1", now());
        let known = place.load(&path).unwrap();
        assert_eq!(known.cursor, "c1");
        let (then, now) = (collected(&path).resolve(), known.collected.resolve());
        assert_eq!(then.entries, now.entries);
        assert_eq!(now.entries[1].path, "Sub/a");
        assert_eq!(now.mounts, [("Sub".into(), "77".into())]);
    }

    #[test]
    fn a_listing_of_this_version_is_written_and_read_as_ever() {
        /// The sample's time is far ahead, so that it doesn't get too old.
        const SINCE: u64 = 4_102_444_800;
        let sample = include_str!("../../tests/fixtures/listing-v2");
        let directory = tempfile::tempdir().unwrap();
        let path = DropboxPath::parse("Base").unwrap();
        let place = Cache::new(directory.path().to_owned()).place("me", &path);
        place.save(&collected(&path), "c1", SINCE);
        assert_eq!(fs::read_to_string(&place.path).unwrap(), sample);
        assert_eq!(place.load(&path).unwrap().cursor, "c1");
        // One of another version is not used, and stays until the folder has been listed.
        let (rows, _checksum) = sample.trim_end().rsplit_once('\n').unwrap();
        for version in [1, 3] {
            let other = rows.replace(r#""format":2"#, &format!(r#""format":{version}"#)) + "\n";
            let other = format!("{other}{}\n", HEXLOWER.encode(&Sha256::digest(&other)));
            fs::write(&place.path, &other).unwrap();
            assert!(place.load(&path).is_none(), "{version}");
            assert_eq!(fs::read_to_string(&place.path).unwrap(), other);
        }
    }

    #[test]
    fn what_is_odd_old_or_of_somebody_else_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let path = DropboxPath::parse("Base").unwrap();
        let cache = Cache::new(directory.path().to_owned());
        let place = cache.place("me", &path);
        place.save(&collected(&path), "c1", now());
        fs::copy(&place.path, cache.place("you", &path).path).unwrap();
        assert!(cache.place("you", &path).load(&path).is_none());
        let whole = fs::read(&place.path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&place.path, &whole[..cut]).unwrap();
            assert!(place.load(&path).is_none(), "cut at {cut}");
        }
        for at in (0..whole.len()).step_by(7) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&place.path, &flipped).unwrap();
            assert!(place.load(&path).is_none(), "flipped at {at}");
        }
        place.save(&collected(&path), "c1", now() - MAX_AGE_SECONDS - 1);
        assert!(place.load(&path).is_none());
    }

    #[test]
    fn fuzz_a_kept_listing() {
        let directory = tempfile::tempdir().unwrap();
        let path = DropboxPath::parse("Base").unwrap();
        let place = Cache::new(directory.path().to_owned()).place("me", &path);
        place.save(&collected(&path), "c1", now());
        let whole = fs::read_to_string(&place.path).unwrap();
        let (rows, _checksum) = whole.trim_end().rsplit_once('\n').unwrap();
        // With a checksum that is right, so that something is read at all.
        fuzzing::run(&[format!("{rows}\n").as_bytes()], |rows| {
            let checksum = HEXLOWER.encode(&Sha256::digest(rows));
            fs::write(&place.path, [rows, checksum.as_bytes(), b"\n"].concat()).unwrap();
            let known = place.load(&path);
            known.map(|known| known.collected.resolve().entries.len())
        });
    }
}
