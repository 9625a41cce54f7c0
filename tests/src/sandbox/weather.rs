//! The distance to Dropbox and its width: what a call costs in time, what a connection carries, and that commits wait
//! for each other. Fair weather, the default, costs nothing.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    future::Future as _,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

use super::tree::Ns;

/// What the network and the service are like. All times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weather {
    /// The way there and back; a new connection costs three of them.
    pub round_trip: u64,
    /// What a call takes that is none of the others.
    pub plain: u64,
    /// A page of a listing.
    pub listing: u64,
    /// An append, or the start of a session.
    pub append: u64,
    /// A single upload.
    pub upload: u64,
    /// Until the first byte of a download.
    pub download: u64,
    /// Until the first byte of a zip.
    pub zip: u64,
    /// A commit, under its namespace's lock.
    pub commit: u64,
    /// Each entry of a commit, under the same lock.
    pub commit_entry: u64,
    /// So long a commit waits for the lock before it is refused.
    pub commit_patience: u64,
    /// Bytes a second of a connection, each way.
    pub connection_rate: Option<u64>,
    /// Bytes a second of all connections, each way.
    pub total_rate: Option<u64>,
    /// Calls a minute; those above are refused with 429.
    pub calls_per_minute: Option<u32>,
}

impl Weather {
    /// A university's network on a good day.
    pub fn campus() -> Self {
        Self {
            round_trip: 40,
            plain: 60,
            listing: 200,
            append: 300,
            upload: 400,
            download: 150,
            zip: 800,
            commit: 300,
            commit_entry: 4,
            commit_patience: 3000,
            connection_rate: Some(13_000_000),
            total_rate: Some(125_000_000),
            calls_per_minute: None,
        }
    }

    /// What a call of this route takes, without the lock.
    fn takes(&self, route: &str) -> Duration {
        let own = match route.strip_prefix("files/").unwrap_or(route) {
            "list_folder" | "list_folder/continue" => self.listing,
            "upload_session/start" | "upload_session/append_v2" | "upload_session/append_batch" => {
                self.append
            }
            "upload_session/start_batch" => self.append,
            "upload" => self.upload.saturating_sub(self.commit + self.commit_entry),
            "download" | "export" => self.download,
            "download_zip" => self.zip,
            route if is_commit(route) => 0,
            _ => self.plain,
        };
        Duration::from_millis(self.round_trip + own)
    }

    fn holds(&self, entries: usize) -> Duration {
        Duration::from_millis(self.commit + self.commit_entry * entries as u64)
    }
}

/// Whether a route takes its namespace's lock.
fn is_commit(route: &str) -> bool {
    matches!(
        route.strip_prefix("files/").unwrap_or(route),
        "upload"
            | "upload_session/finish"
            | "upload_session/finish_batch_v2"
            | "create_folder_v2"
            | "create_folder_batch"
            | "delete_v2"
            | "delete_batch"
            | "move_v2"
            | "move_batch_v2"
            | "copy_v2"
            | "copy_batch_v2"
            | "restore"
    )
}

/// Why a call isn't carried out.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too many calls; worth another try after so many seconds.
    TooMany(u64),
    /// The namespace is busy.
    Busy,
}

/// The weather as it is now, and what it has to remember.
#[derive(Debug, Default)]
pub struct Sky {
    weather: Mutex<Weather>,
    recent: Mutex<VecDeque<Instant>>,
    locks: Mutex<HashMap<Ns, Arc<tokio::sync::Mutex<()>>>>,
    total: [Pipe; 2],
}

/// What a commit holds until it is over.
pub type Held = Vec<tokio::sync::OwnedMutexGuard<()>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sky {
    /// The weather now.
    pub fn now(&self) -> Weather {
        *lock(&self.weather)
    }

    /// Changes it.
    pub fn set(&self, weather: Weather) {
        *lock(&self.weather) = weather;
    }

    /// Whether calls of this route take locks now.
    pub fn locks(&self, route: &str) -> bool {
        self.now().commit > 0 && is_commit(route)
    }

    /// A new connection: two ways more than a call on an old one.
    pub async fn connect(&self) {
        pause(Duration::from_millis(2 * self.now().round_trip)).await;
    }

    /// A call that has just come: when its answer may go. What the sandbox itself needs for it is part of that time.
    pub fn due(&self, route: &str) -> Instant {
        Instant::now() + self.now().takes(route)
    }

    /// A call on its way: waits for the locks of the namespaces that it writes to, as long as it takes until then.
    ///
    /// # Errors
    /// When there were too many calls, or a lock couldn't be had in time.
    pub async fn call(
        &self,
        route: &str,
        due: Instant,
        spaces: &BTreeSet<Ns>,
        entries: usize,
    ) -> Result<Held, Refused> {
        let weather = self.now();
        if let Some(most) = weather.calls_per_minute {
            self.count(most)?;
        }
        let mut held = Vec::new();
        if !self.locks(route) {
            return Ok(held);
        }
        tokio::time::sleep_until(due).await;
        for ns in spaces {
            let of_space = Arc::clone(lock(&self.locks).entry(*ns).or_default());
            let patience = Duration::from_millis(weather.commit_patience);
            match tokio::time::timeout(patience, of_space.lock_owned()).await {
                Ok(guard) => held.push(guard),
                Err(_) => return Err(Refused::Busy),
            }
        }
        pause(weather.holds(entries.max(1))).await;
        Ok(held)
    }

    fn count(&self, most: u32) -> Result<(), Refused> {
        let (now, minute) = (Instant::now(), Duration::from_secs(60));
        let mut recent = lock(&self.recent);
        while recent.front().is_some_and(|at| now.duration_since(*at) >= minute) {
            recent.pop_front();
        }
        recent.push_back(now); // refused calls count too
        if recent.len() <= most as usize {
            return Ok(());
        }
        let wait = recent
            .front()
            .map_or(minute, |at| minute.saturating_sub(now.duration_since(*at)));
        Err(Refused::TooMany(wait.as_secs() + 1))
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// When the next bytes may pass.
#[derive(Debug, Default)]
struct Pipe(Mutex<Option<Instant>>);

impl Pipe {
    /// Time that a pipe may catch up after it was idle: the grain of the timers.
    const GRAIN: Duration = Duration::from_millis(4);

    /// Lets `bytes` pass; gives the time when they have.
    fn pass(&self, bytes: usize, rate: Option<u64>, now: Instant) -> Instant {
        let Some(rate) = rate else { return now };
        let mut free = lock(&self.0);
        let from = free
            .unwrap_or(now)
            .max(now.checked_sub(Self::GRAIN).unwrap_or(now));
        let next = from + Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        *free = Some(next);
        next
    }
}

/// A connection as wide as the weather lets it be.
pub struct Wire<S> {
    stream: S,
    sky: Arc<Sky>,
    own: [Pipe; 2],
    waits: [Option<Pin<Box<Sleep>>>; 2],
}

/// Most bytes that pass at once.
const GULP: usize = 64 * 1024;

impl<S> Wire<S> {
    /// Narrows `stream`.
    pub fn new(stream: S, sky: Arc<Sky>) -> Self {
        Self {
            stream,
            sky,
            own: Default::default(),
            waits: Default::default(),
        }
    }

    fn passed(&mut self, way: usize, bytes: usize) {
        let weather = self.sky.now();
        let now = Instant::now();
        let own = self.own[way].pass(bytes, weather.connection_rate, now);
        let all = self.sky.total[way].pass(bytes, weather.total_rate, now);
        let free = own.max(all);
        self.waits[way] = (free > now).then(|| Box::pin(tokio::time::sleep_until(free)));
    }

    fn wait(&mut self, way: usize, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.waits[way] {
            ready!(sleep.as_mut().poll(cx));
            self.waits[way] = None;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.wait(0, cx));
        let most = buf.remaining().min(GULP);
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let count = part.filled().len();
        buf.advance(count);
        self.passed(0, count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.wait(1, cx));
        let bytes = &bytes[..bytes.len().min(GULP)];
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.passed(1, count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_commit_waits_for_the_lock_but_not_for_ever() {
        let sky = Sky::default();
        sky.set(Weather::campus());
        let spaces = BTreeSet::from([Ns(1)]);
        let finish = "files/upload_session/finish_batch_v2";
        let first = sky.call(finish, sky.due(finish), &spaces, 1000).await;
        assert!(first.is_ok());
        assert_eq!(
            sky.call(finish, sky.due(finish), &spaces, 1).await.err(),
            Some(Refused::Busy)
        );
        drop(first);
        assert!(sky.call(finish, sky.due(finish), &spaces, 1).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_counted_for_a_minute() {
        let sky = Sky::default();
        sky.set(Weather {
            calls_per_minute: Some(2),
            ..Weather::default()
        });
        let spaces = BTreeSet::new();
        for _ in 0..2 {
            assert!(
                sky.call("files/get_metadata", sky.due("files/get_metadata"), &spaces, 0)
                    .await
                    .is_ok()
            );
        }
        assert_eq!(
            sky.call("files/get_metadata", sky.due("files/get_metadata"), &spaces, 0)
                .await
                .err(),
            Some(Refused::TooMany(61))
        );
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(
            sky.call("files/get_metadata", sky.due("files/get_metadata"), &spaces, 0)
                .await
                .is_ok()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_carries_what_the_weather_allows() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let sky = Arc::new(Sky::default());
        sky.set(Weather {
            connection_rate: Some(1_000_000),
            ..Weather::default()
        });
        let (here, there) = tokio::io::duplex(1 << 20);
        let mut there = Wire::new(there, sky);
        let began = Instant::now();
        let sender = tokio::spawn(async move {
            let mut here = here;
            here.write_all(&vec![7; 2_000_000]).await
        });
        let mut got = Vec::new();
        there.read_to_end(&mut got).await.unwrap();
        sender.await.unwrap().unwrap();
        assert_eq!(got, vec![7; 2_000_000]);
        let took = began.elapsed().as_secs_f64();
        assert!((1.8..2.2).contains(&took), "{took}");
    }
}
