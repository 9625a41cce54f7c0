//! Files whose bytes are all on the server and that could not be committed, because others wrote at the same time or the run was
//! ended: the next run commits them without sending them again. (Big files have a [journal](crate::dropbox::journal).)
//!
//! One file in the state directory for each run that left something: a line for each file of the source, sealed like a journal's.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use dropbox::Client;
use engine::digest::{Algorithm, Digester};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use shared::{
    content_hash::ContentHash,
    replace::{remove_old, replace_file},
};

use super::sent::{Sent, place};
use crate::{
    StateDir,
    blocking::blocking,
    dropbox::{
        item::Item,
        journal::{LIFETIME, records, seal},
    },
};

/// The version of the lines. Those of other versions are left to the programs that know them.
const VERSION: u32 = 1;
/// The ending of the files' names.
const ENDING: &str = "pending";

/// A file on the server that has no name yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Record {
    version: u32,
    /// From where to where.
    place: String,
    /// The state of the source.
    state: String,
    /// The closed upload session.
    session: String,
    hash: ContentHash,
}

/// What lines of all versions have.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// What earlier runs have left, and what this one may leave.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// `None` means that nothing is kept.
    directory: Option<PathBuf>,
    /// The files of earlier runs, with the places in them.
    read: Vec<(PathBuf, Vec<String>)>,
    /// What they hold, by place.
    known: Mutex<HashMap<String, Record>>,
    kept: Mutex<Kept>,
}

/// What this run keeps for another.
#[derive(Debug, Default)]
struct Kept {
    records: HashMap<String, Record>,
    /// The file that holds them. `None` if there was nothing to keep so far.
    path: Option<PathBuf>,
}

impl Pending {
    /// Reads what earlier runs have left.
    pub(super) async fn read(state: Option<&StateDir>) -> Self {
        match state.map(StateDir::uncommitted) {
            Some(directory) => blocking(move || Self::read_files(directory)).await,
            None => Self::default(),
        }
    }

    fn read_files(directory: PathBuf) -> Self {
        remove_old(&directory, LIFETIME, is_pending);
        let (mut read, mut known) = (Vec::new(), HashMap::new());
        for path in files(&directory) {
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let is_other =
                |line: &str| serde_json::from_str::<Head>(line).is_ok_and(|head| head.version != VERSION);
            if records(&text).flatten().any(is_other) {
                continue;
            }
            let of_line = |line: &str| serde_json::from_str::<Record>(line).ok();
            let parsed: Vec<Record> = records(&text).flatten().filter_map(of_line).collect();
            read.push((path, parsed.iter().map(|record| record.place.clone()).collect()));
            known.extend(parsed.into_iter().map(|record| (record.place.clone(), record)));
        }
        Self {
            directory: Some(directory),
            read,
            known: Mutex::new(known),
            kept: Mutex::default(),
        }
    }

    /// Takes out of `items` those whose bytes are on the server already. Returns them, and the others.
    /// Where `digests` are wanted, they are read for them.
    pub(super) async fn find(
        &self,
        client: &Client,
        items: Vec<Item>,
        digests: &Arc<[Algorithm]>,
    ) -> (Vec<Sent>, Vec<Item>) {
        if self.known.lock().is_empty() {
            return (Vec::new(), items);
        }
        let (mut sent, mut rest) = (Vec::new(), Vec::new());
        for item in items {
            let place = place(client, &item.path(), &item.target()).await;
            let record = self.known.lock().remove(&place);
            let found = match record {
                Some(record) => {
                    let (item, digests) = (item.clone(), Arc::clone(digests));
                    blocking(move || still(item, record, &digests)).await
                }
                None => None,
            };
            match found {
                Some(found) => sent.push(found),
                None => rest.push(item),
            }
        }
        if !sent.is_empty() {
            tracing::info!(
                "{} files were sent by an earlier run, and have to be committed only",
                sent.len()
            );
        }
        (sent, rest)
    }

    /// Keeps files for another run, until they are [done](Self::done).
    pub(super) async fn keep(&self, client: &Client, files: impl Iterator<Item = &Sent>) {
        let Some(directory) = &self.directory else { return };
        let mut records = Vec::new();
        for sent in files.filter(|sent| sent.journal.is_none()) {
            let place = place(client, &sent.item.path(), &sent.item.target()).await;
            let record = Record {
                version: VERSION,
                place: place.clone(),
                state: sent.source.fingerprint(),
                session: sent.session_id.clone(),
                hash: sent.hash,
            };
            records.push((place, record));
        }
        if records.is_empty() {
            return;
        }
        let mut kept = self.kept.lock();
        kept.records.extend(records);
        let name = || format!("{:016x}.{ENDING}", rand::random::<u64>());
        let path = kept.path.get_or_insert_with(|| directory.join(name())).clone();
        let written = tokio::task::block_in_place(|| write(&path, kept.records.values()));
        if let Err(error) = written {
            tracing::info!("what is sent and not committed can't be kept for another run: {error}");
        }
    }

    /// Forgets a file: it is committed, or never will be.
    pub(super) async fn done(&self, client: &Client, sent: &Sent) {
        if self.kept.lock().records.is_empty() {
            return;
        }
        let place = place(client, &sent.item.path(), &sent.item.target()).await;
        self.kept.lock().records.remove(&place);
    }

    /// Leaves what is not done for another run, and removes what no run needs any more.
    pub(super) async fn finish(self) {
        let (kept, known) = (self.kept.into_inner(), self.known.into_inner());
        let read = self.read;
        blocking(move || {
            match kept.path {
                Some(path) if kept.records.is_empty() => {
                    let _ = fs::remove_file(path); // what is in it is looked for before it is used
                }
                Some(path) => {
                    let _ = write(&path, kept.records.values()); // the older one names them too
                }
                None => {}
            }
            for (path, places) in read {
                if places.iter().all(|place| !known.contains_key(place)) {
                    let _ = fs::remove_file(path); // as above
                }
            }
        })
        .await;
    }
}

/// Returns the file as sent, if it still is what it was then.
fn still(mut item: Item, record: Record, digests: &[Algorithm]) -> Option<Sent> {
    let mut source = item.open_as_planned().ok()?;
    if source.fingerprint() != record.state {
        return None;
    }
    let mut digester = Digester::new(digests);
    if !digester.is_idle() {
        let size_bytes = source.info.size_bytes;
        source.scan(0, size_bytes, |bytes| digester.update(bytes)).ok()?;
    }
    source.park();
    item.step.meta = source.info.clone();
    Some(Sent {
        item,
        session_id: record.session,
        hash: record.hash,
        digests: digester.finish(),
        source,
        journal: None,
        timeless: false,
    })
}

fn is_pending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| is_pending(path)).collect()
}

fn write<'a>(path: &Path, records: impl Iterator<Item = &'a Record>) -> io::Result<()> {
    replace_file(path, |mut file| {
        for record in records {
            file.write_all(seal(&serde_json::to_string(record)?).as_bytes())?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as version 1 of the format has it. It has to be read, and written just so, for as long as it has this number.
    const SAMPLE: &str = include_str!("../../../tests/fixtures/uncommitted-v1");

    fn sample() -> Record {
        Record {
            version: 1,
            place: "up\ndbx\n/results/a\n/scratch/ann/a".into(),
            state: "7 500 1500000000.000000000 1500000001.000000000".into(),
            session: "pid_upload_session:1".into(),
            hash: ContentHash::of(&[]),
        }
    }

    #[test]
    fn a_file_of_this_version_is_written_and_read_as_ever() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("12ab.pending");
        write(&path, [sample()].iter()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), SAMPLE);
        let pending = Pending::read_files(directory.path().to_owned());
        let known = pending.known.lock();
        let record = known.get(&sample().place).unwrap();
        assert_eq!(
            (record.session.as_str(), record.state.as_str()),
            (sample().session.as_str(), sample().state.as_str())
        );
    }

    #[test]
    fn what_is_damaged_or_of_another_version_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let newer = SAMPLE
            .split_once(' ')
            .unwrap()
            .1
            .replace(r#""version":1"#, r#""version":2"#);
        for (text, is_read) in [
            (SAMPLE.replace("results", "Results"), true),
            (SAMPLE[..SAMPLE.len() - 1].to_owned(), true),
            (seal(newer.trim_end()), false),
        ] {
            let path = directory.path().join("12ab.pending");
            fs::write(&path, text).unwrap();
            let pending = Pending::read_files(directory.path().to_owned());
            assert!(pending.known.lock().is_empty());
            assert_eq!(pending.read.len(), usize::from(is_read));
        }
    }

    #[tokio::test]
    async fn files_go_when_all_that_they_hold_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("12ab.pending");
        for (is_used, stays) in [(false, true), (true, false)] {
            write(&path, [sample()].iter()).unwrap();
            let pending = Pending::read_files(directory.path().to_owned());
            if is_used {
                pending.known.lock().clear();
            }
            pending.finish().await;
            assert_eq!(path.exists(), stays);
        }
    }
}
