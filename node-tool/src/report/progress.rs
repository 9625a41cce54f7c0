//! `-P`: a bar for the whole and one for each big file that is under way, on a terminal; without one, a line now and then.

use std::{
    collections::HashMap,
    io::IsTerminal,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{bars, bytes};

/// Between two lines, where there is no terminal.
pub const EVERY: Duration = Duration::from_secs(60);
/// Between two pictures.
const TICK: Duration = Duration::from_millis(200);
/// Bars for big files at once, at most.
const MOST_BARS: usize = 4;
/// The part of a path that a bar shows, in characters.
const NAME_WIDTH: usize = 28;

/// How far a transfer is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    is_shown: bool,
    big: Mutex<HashMap<String, ProgressBar>>,
    last_line: Option<(Duration, Mutex<Instant>)>,
    files: u64,
    done: AtomicU64,
}

impl Progress {
    /// For `total_bytes` in `files` files; shows nothing unless `wanted`, and where there is no terminal a line `every` so
    /// often.
    pub fn new(wanted: bool, files: u64, total_bytes: u64, every: Option<Duration>) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_shown = wanted && std::io::stderr().is_terminal() && !is_dumb;
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(
            // What is last is cut where the terminal is narrow.
            "{bar:12} {percent:>3}% {bytes} of {total_bytes} {bytes_per_sec} {eta}  {wide_msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let bar = if is_shown { bars().add(bar) } else { bar };
        if is_shown {
            bar.enable_steady_tick(TICK);
        }
        let every = match every {
            Some(every) if !is_shown => Some(every),
            None if wanted && !is_shown => Some(EVERY),
            _ => None,
        };
        let last_line = every
            .filter(|every| !every.is_zero())
            .map(|every| (every, Mutex::new(Instant::now())));
        let progress = Self {
            bar,
            is_shown,
            big: Mutex::default(),
            last_line,
            files,
            done: AtomicU64::new(0),
        };
        progress.tell(None);
        progress
    }

    /// What slows it down now, or how many files are there.
    pub fn tell(&self, weather: Option<String>) {
        let done = self.done.load(Ordering::Relaxed);
        self.bar
            .set_message(weather.unwrap_or_else(|| format!("{done} of {} files", self.files)));
    }

    /// More bytes are there; `of` is a big file's path and size.
    pub fn moved(&self, count: u64, of: Option<(&str, u64)>) {
        self.bar.inc(count);
        if let Some((path, size)) = of.filter(|_| self.is_shown) {
            self.moved_of(path, size, count);
        }
        let Some((every, last)) = &self.last_line else {
            return;
        };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= *every {
            *last = Instant::now();
            let (done, total) = (bytes(self.bar.position()), bytes(self.bar.length().unwrap_or(0)));
            super::note(&format!("{done} of {total}, {}", self.bar.message()));
        }
    }

    /// Bytes that were there have to come once more.
    pub fn returned(&self, count: u64, of: Option<&str>) {
        self.bar.dec(count);
        let big = self.big.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = of.and_then(|path| big.get(path)) {
            bar.dec(count);
        }
    }

    fn moved_of(&self, path: &str, size: u64, count: u64) {
        let mut big = self.big.lock().unwrap_or_else(PoisonError::into_inner);
        if !big.contains_key(path) {
            if big.len() >= MOST_BARS || count >= size {
                return;
            }
            let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::hidden());
            let style =
                ProgressStyle::with_template("{bar:12} {percent:>3}% {bytes} of {total_bytes}  {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(short(path));
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

    /// One more file is there, or has failed.
    pub fn file_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.tell(None);
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        for (_, bar) in self.big.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            bar.finish_and_clear();
        }
        self.bar.finish_and_clear();
    }
}

/// The end of a path, which tells most, without what could drive the terminal.
fn short(path: &str) -> String {
    let path = shared::failure::printable(path);
    let count = path.chars().count();
    if count <= NAME_WIDTH {
        return path;
    }
    format!(
        "…{}",
        path.chars().skip(count - NAME_WIDTH + 1).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_keep_their_end() {
        assert_eq!(short("a/b"), "a/b");
        let long = short(&format!("{}/run\u{1b}7.h5", "deep/".repeat(20)));
        assert_eq!(long.chars().count(), NAME_WIDTH);
        assert!(long.starts_with('…') && long.ends_with("7.h5") && !long.contains('\u{1b}'));
    }
}
