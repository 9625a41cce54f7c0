//! Commits of several processes to one namespace: one at a time, and together where several wait.
//!
//! Dropbox makes files under a lock of their namespace, and refuses commits that come meanwhile. Processes that share a state
//! directory, also on several nodes, therefore take turns: the holder of the lock there commits, along with its own files, what
//! others have offered, and leaves them the outcomes. A process that can't write there commits alone, with patience.
//!
//! An offer is a file: `NAME.offer` while it waits, `NAME.taken` while another process commits it, and `NAME.outcome` afterwards.
//! Its owner touches it while it waits, since what a dead process has offered must not appear in Dropbox later.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use dropbox::{Client, DropboxPath, Error, NetworkError, Tries};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shared::{
    api::files::{
        FinishOutcome, MAX_BATCH_ENTRIES, SESSION_FINISH_BATCH, SessionFinishArg, SessionFinishBatchArg,
    },
    replace::replace_file,
};

use crate::{
    StateDir, digits,
    lock::{self, Lock},
};

/// The version of the files. Files of other versions are left to the processes that know them.
const VERSION: u32 = 1;
/// Maximum size in bytes of what is sent while others wait.
const MAX_TURN_BYTES: u64 = 1 << 20;
/// How long to wait between two looks whether it is this process's turn, in milliseconds.
const LOOK_PERIOD: std::ops::Range<u64> = 50..150;
/// How often an owner touches its lock or its offer.
const TOUCH_PERIOD: Duration = Duration::from_secs(4);
/// An offer that its owner has not touched for this long is a dead process's.
const OFFER_LIFE: Duration = Duration::from_secs(20);
/// Files that are older than this have no owner any more.
const SWEEP_AGE: Duration = Duration::from_secs(24 * 3600);

/// The turns of this process's commits with those of others.
#[derive(Debug)]
pub(super) struct Turns {
    /// The directory for the account. `None` means that this process commits alone.
    directory: Option<PathBuf>,
    /// Identifies the top folder of the target: what is offered for the same one is probably in the same namespace.
    group: String,
    /// Whether others' offers have done harm to a commit of this process, which takes turns without offers since.
    is_alone: AtomicBool,
}

impl Turns {
    /// Returns the turns for commits to the folder `target`.
    pub(super) async fn new(client: &Client, target: &DropboxPath, state: Option<&StateDir>) -> Self {
        let top = target.as_str().split('/').find(|name| !name.is_empty());
        let top = engine::relative_path::fold(top.unwrap_or_default()).into_owned();
        let account = client.identity().await;
        let directory = state
            .zip(account)
            .map(|(state, account)| state.commits().join(digits::short(&Sha256::digest(account), 16)));
        Self {
            directory,
            group: digits::short(&Sha256::digest(top), 8),
            is_alone: AtomicBool::new(false),
        }
    }

    /// Makes files of closed sessions in one `namespace` when it is this process's turn. `None` is the namespace of the target
    /// itself. Returns the outcomes in the order of `entries`.
    ///
    /// # Errors
    /// Those of the call, with which all entries fail.
    pub(super) async fn finish(
        &self,
        client: &Client,
        namespace: Option<&str>,
        entries: &[SessionFinishArg],
        tries: &mut Tries,
    ) -> Result<Vec<FinishOutcome>, Error> {
        let own: Vec<Value> = entries
            .iter()
            .map(|entry| serde_json::to_value(entry).map_err(|error| Error::Unsayable(error.to_string())))
            .collect::<Result<_, _>>()?;
        let outcomes = match self.queue(namespace) {
            Some(queue) => queue.finish(client, &own, tries).await?,
            None => send(client, own, tries).await?,
        };
        let read = |value| serde_json::from_value(value).unwrap_or(FinishOutcome::Unknown);
        Ok(outcomes.into_iter().map(read).collect())
    }

    /// Runs `work`, which sends `size_bytes` and commits them to a namespace by itself, when it is this process's turn; of many
    /// bytes at once, since all others would wait while they are sent.
    pub(super) async fn within<T>(
        &self,
        namespace: Option<&str>,
        size_bytes: u64,
        work: impl Future<Output = T>,
    ) -> T {
        let Some(queue) = self.queue(namespace).filter(|_| size_bytes <= MAX_TURN_BYTES) else {
            return work.await;
        };
        loop {
            match tokio::task::block_in_place(|| queue.take_lock()) {
                Ok(Some(lock)) => return holding(&lock, work).await,
                Ok(None) => pause().await,
                Err(_) => return work.await, // without files there are no turns
            }
        }
    }

    /// Returns the queue of a namespace. `None` if there can't be one.
    fn queue(&self, namespace: Option<&str>) -> Option<Queue<'_>> {
        let directory = self.directory.as_ref()?.join(namespace.unwrap_or("own"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .ok()?;
        Some(Queue {
            turns: self,
            directory,
        })
    }
}

/// Waits until the next look.
async fn pause() {
    let wait = rand::rng().random_range(LOOK_PERIOD);
    tokio::time::sleep(Duration::from_millis(wait)).await;
}

/// Runs `work` and keeps the lock meanwhile.
async fn holding<T>(lock: &Lock, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(TOUCH_PERIOD) => tokio::task::block_in_place(|| lock.keep()),
        }
    }
}

/// Sends a commit.
async fn send(client: &Client, entries: Vec<Value>, tries: &mut Tries) -> Result<Vec<Value>, Error> {
    let arg = SessionFinishBatchArg { entries };
    let answer = client.rpc_within(&SESSION_FINISH_BATCH, &arg, tries).await?;
    Ok(answer.entries)
}

/// The error for entries of which it isn't known whether another process has committed them.
fn lost() -> Error {
    Error::Network(NetworkError::Broken {
        host: "Dropbox".into(),
        reason: "another process was to commit it, and has ended".into(),
    })
}

/// Those who wait to commit to one namespace.
#[derive(Debug)]
struct Queue<'a> {
    turns: &'a Turns,
    directory: PathBuf,
}

/// What there is to do next.
enum Turn {
    /// It is this process's turn.
    Own(Lock),
    /// Another process has committed what was offered.
    Done(Vec<Value>),
    /// Another process was to commit it, and has ended.
    Lost,
    /// Others come first.
    Wait,
}

impl Queue<'_> {
    async fn finish(&self, client: &Client, own: &[Value], tries: &mut Tries) -> Result<Vec<Value>, Error> {
        let mut offer = None;
        loop {
            match tokio::task::block_in_place(|| self.look(&mut offer, own)) {
                Ok(Turn::Own(lock)) => return self.commit(client, own, &lock, tries).await,
                Ok(Turn::Done(outcomes)) => return Ok(outcomes),
                Ok(Turn::Lost) => return Err(lost()),
                Ok(Turn::Wait) => pause().await,
                // Without files there are no turns.
                Err(_) => return send(client, own.to_vec(), tries).await,
            }
        }
    }

    fn take_lock(&self) -> io::Result<Option<Lock>> {
        Lock::try_take(&self.directory.join("lock"))
    }

    /// Looks whose turn it is, and offers `own` to the others while it isn't this process's.
    fn look(&self, offer: &mut Option<Offer>, own: &[Value]) -> io::Result<Turn> {
        if let Some(outcomes) = offer.as_ref().and_then(Offer::outcomes) {
            *offer = None;
            return Ok(Turn::Done(outcomes));
        }
        if let Some(lock) = self.take_lock()? {
            return Ok(match offer.take() {
                Some(offer) => offer.withdraw(lock),
                None => Turn::Own(lock),
            });
        }
        match offer {
            Some(offer) => offer.keep(),
            None if self.turns.is_alone.load(Ordering::Relaxed) => {}
            None => *offer = Some(Offer::new(&self.directory, &self.turns.group, own)?),
        }
        Ok(Turn::Wait)
    }

    /// Commits `own`, and what others have offered.
    async fn commit(
        &self,
        client: &Client,
        own: &[Value],
        lock: &Lock,
        tries: &mut Tries,
    ) -> Result<Vec<Value>, Error> {
        loop {
            let others = match self.turns.is_alone.load(Ordering::Relaxed) {
                true => Vec::new(),
                false => tokio::task::block_in_place(|| self.take_offers(own.len())),
            };
            let entries = own.iter().chain(others.iter().flat_map(|offer| &offer.entries));
            let committed = holding(lock, send(client, entries.cloned().collect(), tries)).await;
            let has_others = !others.is_empty();
            match committed {
                Ok(mut outcomes) => {
                    let rest = outcomes.split_off(own.len().min(outcomes.len()));
                    if has_others && outcomes.iter().chain(&rest).any(is_about_company) {
                        self.turns.is_alone.store(true, Ordering::Relaxed);
                    }
                    tokio::task::block_in_place(|| hand_out(others, rest));
                    return Ok(outcomes);
                }
                Err(error) => {
                    let is_unknown = error.is_unknown();
                    tokio::task::block_in_place(|| {
                        for offer in others {
                            if !is_unknown {
                                offer.give_back();
                            }
                        }
                    });
                    // It may be an entry of another process that Dropbox can't read.
                    if !(has_others && matches!(error, Error::BadRequest(_))) {
                        return Err(error);
                    }
                    self.turns.is_alone.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Takes as many offers as fit into a call beside `own` entries.
    fn take_offers(&self, own: usize) -> Vec<Taken> {
        let mut room = MAX_BATCH_ENTRIES.saturating_sub(own);
        let mut taken = Vec::new();
        let Ok(files) = fs::read_dir(&self.directory) else {
            return taken;
        };
        for file in files.filter_map(Result::ok) {
            let path = file.path();
            let name = file.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with(&self.turns.group) || !name.ends_with(".offer") {
                sweep(&path);
                continue;
            }
            if lock::age(&path).is_none_or(|age| age > OFFER_LIFE) {
                sweep(&path);
            } else if let Some(offer) = Taken::take(&path, room) {
                room -= offer.entries.len();
                taken.push(offer);
            }
        }
        taken
    }
}

/// Whether an entry failed for what else was in the call.
fn is_about_company(outcome: &Value) -> bool {
    let failure = outcome.get("failure");
    failure.is_some_and(|failure| failure.to_string().contains("too_many_shared_folder_targets"))
}

/// Leaves others the outcomes of what they have offered. What has no outcome is for them to find out.
fn hand_out(others: Vec<Taken>, mut outcomes: Vec<Value>) {
    for offer in others {
        let rest = outcomes.split_off(offer.entries.len().min(outcomes.len()));
        offer.put_outcomes(std::mem::replace(&mut outcomes, rest));
    }
}

/// Removes a file that no process owns any more.
fn sweep(path: &Path) {
    let is_ours = path
        .extension()
        .is_some_and(|ending| ["offer", "taken", "outcome"].iter().any(|own| ending == *own));
    if is_ours && lock::age(path).is_some_and(|age| age > SWEEP_AGE) {
        let _ = fs::remove_file(path); // the next one tries again
    }
}

/// The content of an offer, and of its outcome.
#[derive(Deserialize, Serialize)]
struct Content {
    version: u32,
    entries: Vec<Value>,
}

fn read(path: &Path) -> Option<Vec<Value>> {
    let content: Content = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (content.version == VERSION).then_some(content.entries)
}

fn write(path: &Path, entries: Vec<Value>) -> io::Result<()> {
    let content = Content {
        version: VERSION,
        entries,
    };
    replace_file(path, |file| {
        Ok(serde_json::to_writer(io::BufWriter::new(file), &content)?)
    })
}

/// What this process has offered.
#[derive(Debug)]
struct Offer {
    path: PathBuf,
    file: File,
    touched: Instant,
}

impl Offer {
    fn new(directory: &Path, group: &str, entries: &[Value]) -> io::Result<Self> {
        let path = directory.join(format!("{group}-{:016x}.offer", rand::random::<u64>()));
        write(&path, entries.to_vec())?;
        Ok(Self {
            file: File::open(&path)?,
            path,
            touched: Instant::now(),
        })
    }

    /// Shows that this process lives.
    fn keep(&mut self) {
        if self.touched.elapsed() >= TOUCH_PERIOD {
            lock::touch(&self.file);
            self.touched = Instant::now();
        }
    }

    /// Returns the outcomes, if another process has left them.
    fn outcomes(&self) -> Option<Vec<Value>> {
        let path = self.path.with_extension("outcome");
        let outcomes = read(&path)?;
        let _ = fs::remove_file(path); // it is swept otherwise
        Some(outcomes)
    }

    /// Takes the offer back, with the lock in hand: no other process can take it any more.
    fn withdraw(self, lock: Lock) -> Turn {
        if fs::remove_file(&self.path).is_ok() {
            return Turn::Own(lock);
        }
        if let Some(outcomes) = self.outcomes() {
            return Turn::Done(outcomes);
        }
        let _ = fs::remove_file(self.path.with_extension("taken"));
        Turn::Lost
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // what is stopped is not to appear later
    }
}

/// Another process's offer in this one's hands.
#[derive(Debug)]
struct Taken {
    path: PathBuf,
    entries: Vec<Value>,
}

impl Taken {
    /// Takes an offer, if it has at most `room` entries.
    fn take(path: &Path, room: usize) -> Option<Self> {
        let entries = read(path).filter(|entries| entries.len() <= room)?;
        let taken = path.with_extension("taken");
        fs::rename(path, &taken).ok()?; // else its owner was faster
        Some(Self { path: taken, entries })
    }

    fn put_outcomes(self, outcomes: Vec<Value>) {
        let _ = write(&self.path.with_extension("outcome"), outcomes);
        let _ = fs::remove_file(self.path);
    }

    fn give_back(self) {
        let _ = fs::rename(&self.path, self.path.with_extension("offer"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use shared::api::files::{CommitInfo, SessionCursor, Time, WriteMode};

    use super::*;

    fn turns(directory: &Path) -> Turns {
        Turns {
            directory: Some(directory.to_owned()),
            group: "ab12".into(),
            is_alone: AtomicBool::new(false),
        }
    }

    fn values(numbers: std::ops::Range<u64>) -> Vec<Value> {
        numbers.map(Value::from).collect()
    }

    /// Returns what the first process of two commits, and what the other hears.
    fn two(own: Vec<Value>, of_other: Vec<Value>) -> (Vec<Value>, Turn) {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (turns(directory.path()), turns(directory.path()));
        let (first, second) = (first.queue(None).unwrap(), second.queue(None).unwrap());
        let mut nothing = None;
        let Ok(Turn::Own(lock)) = first.look(&mut nothing, &own) else {
            panic!("nobody else wants it");
        };
        let mut offer = None;
        assert!(matches!(second.look(&mut offer, &of_other), Ok(Turn::Wait)));
        let taken = first.take_offers(own.len());
        let entries: Vec<Value> = own
            .iter()
            .chain(taken.iter().flat_map(|offer| &offer.entries))
            .cloned()
            .collect();
        let outcomes = entries
            .iter()
            .map(|value| Value::from(value.as_u64().unwrap() * 10));
        hand_out(taken, outcomes.skip(own.len()).collect());
        drop(lock);
        let turn = second.look(&mut offer, &of_other).unwrap();
        drop((offer, nothing));
        let left: Vec<_> = fs::read_dir(&first.directory).unwrap().collect();
        let is_own = matches!(turn, Turn::Own(_));
        assert_eq!(left.len(), usize::from(is_own), "only the lock: {left:?}");
        (entries, turn)
    }

    #[test]
    fn what_others_offer_is_committed_along_and_they_hear_of_it() {
        let (entries, turn) = two(values(0..2), values(2..5));
        assert_eq!(entries, values(0..5));
        assert!(matches!(turn, Turn::Done(outcomes) if outcomes == [20, 30, 40]));
        // What doesn't fit is committed by its owner.
        let (entries, turn) = two(values(0..999), values(0..2));
        assert_eq!(entries, values(0..999));
        assert!(matches!(turn, Turn::Own(_)));
    }

    #[test]
    fn what_a_dead_process_took_is_looked_for_and_what_it_offered_is_not_committed() {
        let directory = tempfile::tempdir().unwrap();
        let turns = turns(directory.path());
        let queue = turns.queue(Some("7")).unwrap();
        let lock = Lock::try_take(&queue.directory.join("lock")).unwrap().unwrap();
        let mut offer = None;
        assert!(matches!(queue.look(&mut offer, &values(0..1)), Ok(Turn::Wait)));
        std::mem::forget(queue.take_offers(0));
        drop(lock);
        assert!(matches!(queue.look(&mut offer, &values(0..1)), Ok(Turn::Lost)));
        assert_eq!(fs::read_dir(&queue.directory).unwrap().count(), 0);

        let old = Offer::new(&queue.directory, "ab12", &values(0..1)).unwrap();
        let ago = |age| SystemTime::now() - age;
        old.file.set_modified(ago(2 * OFFER_LIFE)).unwrap();
        assert!(queue.take_offers(0).is_empty() && old.path.exists());
        old.file.set_modified(ago(2 * SWEEP_AGE)).unwrap();
        assert!(queue.take_offers(0).is_empty() && !old.path.exists());
    }

    #[test]
    fn only_offers_of_the_same_version_and_folder_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        let turns = turns(directory.path());
        let queue = turns.queue(None).unwrap();
        for (name, text) in [
            ("ab12-1.offer", r#"{"version":2,"entries":[1]}"#),
            ("ab12-2.offer", r#"{"version":1,"entr"#),
            ("ffff-3.offer", r#"{"version":1,"entries":[1]}"#),
        ] {
            fs::write(queue.directory.join(name), text).unwrap();
        }
        assert!(queue.take_offers(0).is_empty());
        fs::write(
            queue.directory.join("ab12-4.offer"),
            r#"{"version":1,"entries":[1]}"#,
        )
        .unwrap();
        let taken = queue.take_offers(0);
        assert_eq!(taken.len(), 1);
        for offer in taken {
            offer.give_back();
        }
        assert!(queue.directory.join("ab12-4.offer").exists());
    }

    /// An offer as version 1 of the format has it.
    const SAMPLE: &str = include_str!("../../../tests/fixtures/offer-v1");

    #[test]
    fn an_offer_of_this_version_is_written_and_read_as_ever() {
        let entry = SessionFinishArg {
            cursor: SessionCursor {
                session_id: "pid_upload_session:1".into(),
                offset: 500,
            },
            commit: CommitInfo {
                path: "/results/a".into(),
                mode: WriteMode::Add,
                client_modified: Some(Time(1_500_000_000)),
                mute: true,
                autorename: false,
            },
        };
        let entries = vec![serde_json::to_value(entry).unwrap()];
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.offer");
        write(&path, entries.clone()).unwrap();
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&fs::read_to_string(&path).unwrap()), value(SAMPLE));
        fs::write(&path, SAMPLE).unwrap();
        assert_eq!(read(&path), Some(entries));
    }

    #[test]
    fn a_process_that_can_t_write_commits_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        assert!(turns(&directory.path().join("file")).queue(None).is_none());
    }
}
