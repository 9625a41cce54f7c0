//! `-P`: a bar for the whole transfer and one for each big file in progress, on a terminal; without one, a line now and then.

use parking_lot::Mutex;
use std::{
    collections::HashMap,
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{bars, bytes, echo, format::Stats, layout, summary::per_second};

/// Time until the first line without a terminal; each next one takes twice as long.
const FIRST_LINE_AFTER: Duration = Duration::from_secs(5);
/// Maximum time between lines.
const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// Time between two of rclone's blocks.
const BLOCK_PERIOD: Duration = Duration::from_millis(500);
/// How often to check whether a line is due.
const CHECK_PERIOD: Duration = Duration::from_millis(100);
/// Time between two redraws.
const REDRAW_PERIOD: Duration = Duration::from_millis(200);
/// Maximum number of bars for big files.
const MAX_BARS: usize = 4;
/// Columns of a terminal of unknown width.
const DEFAULT_COLUMNS: usize = 80;

/// The progress of a transfer.
#[derive(Debug)]
pub struct Progress {
    state: Arc<State>,
    big: Mutex<HashMap<String, ProgressBar>>,
    is_shown: bool,
    /// The thread that prints lines ends when this is dropped.
    ticker: Mutex<Option<Sender<()>>>,
}

#[derive(Debug)]
struct State {
    bar: ProgressBar,
    lines: Option<Mutex<Lines>>,
    files: u64,
    done: AtomicU64,
    slow_reason: Mutex<Option<String>>,
    started: Instant,
    /// Whether rclone's blocks take the place of lines, and if so, whether they go to stdout; in a JSON log they are lines of it.
    blocks_on_stdout: Option<bool>,
}

/// When lines are due.
#[derive(Debug)]
struct Lines {
    last: Instant,
    wait: Duration,
    grows: bool,
}

impl Lines {
    /// Returns a schedule with a line per `every`; without it, lines become less and less frequent. `None` if no lines are wanted.
    fn new(wanted: bool, every: Option<Duration>, now: Instant) -> Option<Self> {
        let (wait, grows) = match every {
            Some(every) => (every, false),
            None if wanted => (FIRST_LINE_AFTER, true),
            None => return None,
        };
        (!wait.is_zero()).then_some(Self {
            last: now,
            wait,
            grows,
        })
    }

    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now.duration_since(self.last) >= self.wait;
        if is_due {
            self.last = now;
            if self.grows {
                self.wait = MAX_INTERVAL.min(self.wait * 2);
            }
        }
        is_due
    }
}

impl State {
    /// Why it is slow at the moment, and how many files have arrived.
    fn message(&self) -> String {
        let done = self.done.load(Ordering::Relaxed);
        let files = format!("{done} of {} files", self.files);
        match &*self.slow_reason.lock() {
            Some(slow_reason) => format!("{files}, {slow_reason}"),
            None => files,
        }
    }

    /// The state as rclone counts.
    fn stats(&self) -> Stats {
        let (done, elapsed) = (self.bar.position(), self.started.elapsed());
        Stats {
            bytes: done,
            total_bytes: self.bar.length().unwrap_or(0),
            bytes_per_second: per_second(done, elapsed),
            transfers: self.done.load(Ordering::Relaxed),
            total_transfers: self.files,
            elapsed,
            ..Stats::default()
        }
    }

    fn maybe_print(&self) {
        let Some(lines) = &self.lines else { return };
        if !lines.lock().is_due(Instant::now()) {
            return;
        }
        if let Some(on_stdout) = self.blocks_on_stdout {
            let _ = super::statistics(&self.stats(), on_stdout); // a reader that went away needs nothing
            return;
        }
        let (done, total) = (bytes(self.bar.position()), bytes(self.bar.length().unwrap_or(0)));
        super::note(&format!("{done} of {total}, {}", self.message()));
    }
}

impl Progress {
    /// Returns the progress of a transfer of `total_bytes` in `files` files. Without a terminal it prints a line per `every`;
    /// unless `wanted` or `every` is given, it shows nothing.
    pub fn new(wanted: bool, files: u64, total_bytes: u64, every: Option<Duration>) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_rclones = super::log().is_rclones();
        let is_shown =
            wanted && io::stderr().is_terminal() && !is_dumb && (!is_rclones || io::stdout().is_terminal());
        let every = every.or((is_rclones && wanted).then_some(BLOCK_PERIOD));
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::hidden());
        let lines = if is_shown {
            None
        } else {
            Lines::new(wanted, every, Instant::now())
        };
        let state = Arc::new(State {
            bar,
            lines: lines.map(Mutex::new),
            files,
            done: AtomicU64::new(0),
            slow_reason: Mutex::default(),
            started: Instant::now(),
            blocks_on_stdout: match super::log().json {
                true => Some(true), // a line of the log that was asked for
                false => is_rclones.then_some(wanted),
            },
        });
        let progress = Self {
            ticker: Mutex::new(state.lines.is_some().then(|| tick(&state)).flatten()),
            state,
            big: Mutex::default(),
            is_shown,
        };
        if is_shown {
            progress.show();
        }
        progress
    }

    fn show(&self) {
        echo::hide();
        let weak = Arc::downgrade(&self.state);
        let is_ascii = !layout::is_utf8(|name| std::env::var(name).ok());
        let style = style(move |state, columns| {
            let message = weak.upgrade().map(|state| state.message()).unwrap_or_default();
            let eta = format!("{:#}", HumanDuration(state.eta()));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate for people"
            )]
            let rate = format!("{}/s", bytes(state.per_sec() as u64));
            layout::whole(
                columns,
                is_ascii,
                (state.pos(), state.len().unwrap_or(0)),
                &rate,
                &eta,
                &message,
            )
        });
        self.state.bar.set_style(style);
        // The bar shares its state with its copy.
        bars()
            .add(self.state.bar.clone())
            .enable_steady_tick(REDRAW_PERIOD);
    }

    /// Sets why it is slow at the moment.
    pub fn set_slow_reason(&self, slow_reason: Option<String>) {
        *self.state.slow_reason.lock() = slow_reason;
        self.state.maybe_print();
    }

    /// Adds bytes that have arrived; `of` is a big file's path and size.
    pub fn moved(&self, count: u64, of: Option<(&str, u64)>) {
        self.state.bar.inc(count);
        if let Some((path, size)) = of.filter(|_| self.is_shown) {
            self.moved_of(path, size, count);
        }
        self.state.maybe_print();
    }

    /// Subtracts bytes that have to be transferred again.
    pub fn returned(&self, count: u64, of: Option<&str>) {
        self.state.bar.dec(count);
        let big = self.big.lock();
        if let Some(bar) = of.and_then(|path| big.get(path)) {
            bar.dec(count);
        }
    }

    fn moved_of(&self, path: &str, size: u64, count: u64) {
        let mut big = self.big.lock();
        if !big.contains_key(path) {
            if big.len() >= MAX_BARS || count >= size {
                return;
            }
            let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::hidden());
            let is_ascii = !layout::is_utf8(|name| std::env::var(name).ok());
            let name = path.to_owned();
            bar.set_style(style(move |state, columns| {
                layout::file(columns, is_ascii, (state.pos(), state.len().unwrap_or(0)), &name)
            }));
            big.insert(path.to_owned(), bars().add(bar));
        }
        let Some(bar) = big.get(path) else { return };
        bar.inc(count);
        if bar.position() >= size {
            bar.finish_and_clear();
            bars().remove(bar);
            big.remove(path);
        }
    }

    /// Counts a file that has arrived or failed.
    pub fn file_done(&self) {
        self.state.done.fetch_add(1, Ordering::Relaxed);
        self.state.maybe_print();
    }

    /// Removes the bars.
    pub fn finish(&self) {
        self.ticker.lock().take();
        for (_, bar) in self.big.lock().drain() {
            bar.finish_and_clear();
        }
        self.state.bar.finish_and_clear();
        if self.is_shown {
            echo::show();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Prints lines even while nothing arrives, until the other end is dropped.
fn tick(state: &Arc<State>) -> Option<Sender<()>> {
    let (sender, receiver) = channel::<()>();
    let state = Arc::clone(state);
    let wait = state.lines.as_ref().map_or(CHECK_PERIOD, |lines| {
        let lines = lines.lock();
        lines.wait.clamp(CHECK_PERIOD, Duration::from_secs(1))
    });
    let print = move || {
        while receiver.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            state.maybe_print();
        }
    };
    // Without a thread there are lines only while bytes arrive.
    std::thread::Builder::new().spawn(print).ok().map(|_| sender)
}

/// A line that is laid out again for each redraw, as wide as the terminal is then.
fn style(line: impl Fn(&ProgressState, usize) -> String + Clone + Send + Sync + 'static) -> ProgressStyle {
    let template = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_bar());
    template.with_key(
        "line",
        move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}", line(state, columns())); // writing to a String cannot fail
        },
    )
}

/// Returns the terminal's width minus one: some put the cursor on the next line when the last column is full.
fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { DEFAULT_COLUMNS } else { columns }.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_soon_and_then_more_rarely() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut lines = Lines::new(true, None, start).unwrap();
        let due: Vec<u64> = (0..300).filter(|second| lines.is_due(at(*second))).collect();
        assert_eq!(due, [5, 15, 35, 75, 135, 195, 255]);
        let mut lines = Lines::new(false, Some(Duration::from_secs(100)), start).unwrap();
        let due: Vec<u64> = (0..300).filter(|second| lines.is_due(at(*second))).collect();
        assert_eq!(due, [100, 200]);
        assert!(Lines::new(false, None, start).is_none());
        assert!(Lines::new(true, Some(Duration::ZERO), start).is_none());
    }

    #[test]
    fn what_slows_it_down_stays_until_it_is_over() {
        let progress = Progress::new(false, 3, 10, None);
        progress.set_slow_reason(Some("Dropbox says wait 9 s".into()));
        progress.file_done();
        assert_eq!(progress.state.message(), "1 of 3 files, Dropbox says wait 9 s");
        progress.set_slow_reason(None);
        assert_eq!(progress.state.message(), "1 of 3 files");
    }
}
