//! A model of the network and of the service's load: the latency of each kind of call, the rate of a connection, and the lock that
//! commits to one namespace wait for. The default model adds no delay.

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

/// Latencies, rates and limits. All times are in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkModel {
    /// Round-trip time; a new connection costs three of them.
    pub round_trip: u64,
    /// Duration of a call that is none of the following.
    pub plain: u64,
    /// Duration of a page of a listing.
    pub listing: u64,
    /// Duration of an append, or of the start of a session.
    pub append: u64,
    /// Duration of a single upload.
    pub upload: u64,
    /// Time to the first byte of a download.
    pub download: u64,
    /// Time to the first byte of a zip.
    pub zip: u64,
    /// How long a commit holds its namespace's lock.
    pub commit: u64,
    /// How much longer it holds the lock for each entry.
    pub commit_entry: u64,
    /// How long a commit waits for the lock before it is refused.
    pub commit_lock_timeout: u64,
    /// Maximum bytes per second of one connection, in each direction.
    pub connection_rate: Option<u64>,
    /// Maximum bytes per second of all connections together, in each direction.
    pub total_rate: Option<u64>,
    /// Maximum calls per minute; further calls are refused with 429.
    pub calls_per_minute: Option<u32>,
}

impl NetworkModel {
    /// A fast university network, tens of milliseconds from Dropbox.
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
            commit_lock_timeout: 3000,
            connection_rate: Some(13_000_000),
            total_rate: Some(125_000_000),
            calls_per_minute: None,
        }
    }

    /// How long a call of this route takes, without the lock.
    fn latency(&self, route: &str) -> Duration {
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

    fn lock_time(&self, entries: usize) -> Duration {
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

/// Why a call is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too many calls; holds the seconds until another may succeed.
    TooMany(u64),
    /// The namespace's lock was not free in time.
    Busy,
}

/// The model in force, and the state that it needs: recent calls, locks, and the load of the whole link.
#[derive(Debug, Default)]
pub struct Network {
    model: Mutex<NetworkModel>,
    recent: Mutex<VecDeque<Instant>>,
    locks: Mutex<HashMap<Ns, Arc<tokio::sync::Mutex<()>>>>,
    total: [RateLimiter; 2],
}

/// The locks that a commit holds until it is done.
pub type CommitLocks = Vec<tokio::sync::OwnedMutexGuard<()>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Network {
    /// Returns the model in force.
    pub fn now(&self) -> NetworkModel {
        *lock(&self.model)
    }

    /// Replaces the model.
    pub fn set(&self, model: NetworkModel) {
        *lock(&self.model) = model;
    }

    /// Whether calls of this route take locks under the model in force.
    pub fn locks(&self, route: &str) -> bool {
        self.now().commit > 0 && is_commit(route)
    }

    /// Waits as long as a new connection takes: two round trips more than a call on an open one.
    pub async fn connect(&self) {
        pause(Duration::from_millis(2 * self.now().round_trip)).await;
    }

    /// Returns when the answer to a call that has just arrived may be sent. The sandbox's own work is part of that time.
    pub fn due(&self, route: &str) -> Instant {
        Instant::now() + self.now().latency(route)
    }

    /// Takes the locks of the namespaces that a call writes to, and holds them as long as the model says.
    ///
    /// # Errors
    /// When there were too many calls, or a lock was not free in time.
    pub async fn call(
        &self,
        route: &str,
        due: Instant,
        spaces: &BTreeSet<Ns>,
        entries: usize,
    ) -> Result<CommitLocks, Refused> {
        let model = self.now();
        if let Some(most) = model.calls_per_minute {
            self.count(most)?;
        }
        let mut held = Vec::new();
        if !self.locks(route) {
            return Ok(held);
        }
        tokio::time::sleep_until(due).await;
        for ns in spaces {
            let of_space = Arc::clone(lock(&self.locks).entry(*ns).or_default());
            let limit = Duration::from_millis(model.commit_lock_timeout);
            match tokio::time::timeout(limit, of_space.lock_owned()).await {
                Ok(guard) => held.push(guard),
                Err(_) => return Err(Refused::Busy),
            }
        }
        pause(model.lock_time(entries.max(1))).await;
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

/// Spaces bytes out so that a rate is kept; holds the time when the next ones may pass.
#[derive(Debug, Default)]
struct RateLimiter(Mutex<Option<Instant>>);

impl RateLimiter {
    /// How much idle time may be caught up: the resolution of the timers.
    const TIMER_RESOLUTION: Duration = Duration::from_millis(4);

    /// Lets `bytes` pass, and returns the time when they have.
    fn pass(&self, bytes: usize, rate: Option<u64>, now: Instant) -> Instant {
        let Some(rate) = rate else { return now };
        let mut free = lock(&self.0);
        let from = free
            .unwrap_or(now)
            .max(now.checked_sub(Self::TIMER_RESOLUTION).unwrap_or(now));
        let next = from + Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        *free = Some(next);
        next
    }
}

/// A stream that is as slow as the model says.
pub struct ThrottledStream<S> {
    stream: S,
    network: Arc<Network>,
    own: [RateLimiter; 2],
    waits: [Option<Pin<Box<Sleep>>>; 2],
}

/// Maximum number of bytes that pass at once.
const MAX_CHUNK_BYTES: usize = 64 * 1024;

impl<S> ThrottledStream<S> {
    /// Wraps `stream`.
    pub fn new(stream: S, network: Arc<Network>) -> Self {
        Self {
            stream,
            network,
            own: Default::default(),
            waits: Default::default(),
        }
    }

    fn passed(&mut self, way: usize, bytes: usize) {
        let model = self.network.now();
        let now = Instant::now();
        let own = self.own[way].pass(bytes, model.connection_rate, now);
        let all = self.network.total[way].pass(bytes, model.total_rate, now);
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

impl<S: AsyncRead + Unpin> AsyncRead for ThrottledStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.wait(0, cx));
        let most = buf.remaining().min(MAX_CHUNK_BYTES);
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let count = part.filled().len();
        buf.advance(count);
        self.passed(0, count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ThrottledStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.wait(1, cx));
        let bytes = &bytes[..bytes.len().min(MAX_CHUNK_BYTES)];
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
        let network = Network::default();
        network.set(NetworkModel::campus());
        let spaces = BTreeSet::from([Ns(1)]);
        let finish = "files/upload_session/finish_batch_v2";
        let call = |entries| network.call(finish, network.due(finish), &spaces, entries);
        let first = call(1000).await;
        assert!(first.is_ok());
        assert_eq!(call(1).await.err(), Some(Refused::Busy));
        drop(first);
        assert!(call(1).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_counted_for_a_minute() {
        let network = Network::default();
        network.set(NetworkModel {
            calls_per_minute: Some(2),
            ..NetworkModel::default()
        });
        let (route, spaces) = ("files/get_metadata", BTreeSet::new());
        let call = || network.call(route, network.due(route), &spaces, 0);
        for _ in 0..2 {
            assert!(call().await.is_ok());
        }
        assert_eq!(call().await.err(), Some(Refused::TooMany(61)));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(call().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_keeps_the_rate_of_the_model() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let network = Arc::new(Network::default());
        network.set(NetworkModel {
            connection_rate: Some(1_000_000),
            ..NetworkModel::default()
        });
        let (here, there) = tokio::io::duplex(1 << 20);
        let mut there = ThrottledStream::new(there, network);
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
