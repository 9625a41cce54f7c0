//! `-P`: one bar for the whole, on a terminal; without one, a line now and then.

use std::{
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{bars, bytes};

/// Between two lines, where there is no terminal.
pub const EVERY: Duration = Duration::from_secs(60);

/// How far a transfer is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    last_line: Option<(Duration, Mutex<Instant>)>,
    files: u64,
}

impl Progress {
    /// For `total_bytes` in `files` files; shows nothing unless `wanted`, and where there is no terminal a line `every` so
    /// often.
    pub fn new(wanted: bool, files: u64, total_bytes: u64, every: Option<Duration>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(
            "{bar:24} {percent:>3}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let bar = if wanted && terminal { bars().add(bar) } else { bar };
        let every = match every {
            Some(every) if !(wanted && terminal) => Some(every),
            None if wanted && !terminal => Some(EVERY),
            _ => None,
        };
        let last_line = every
            .filter(|every| !every.is_zero())
            .map(|every| (every, Mutex::new(Instant::now())));
        let progress = Self {
            bar,
            last_line,
            files,
        };
        progress.files_done(0);
        progress
    }

    /// More bytes are there.
    pub fn moved(&self, count: u64) {
        self.bar.inc(count);
        let Some((every, last)) = &self.last_line else {
            return;
        };
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= *every {
            *last = Instant::now();
            let (done, total) = (bytes(self.bar.position()), bytes(self.bar.length().unwrap_or(0)));
            super::note(&format!("{done} of {total}, {}", self.bar.message()));
        }
    }

    /// So many files are there.
    pub fn files_done(&self, count: u64) {
        self.bar.set_message(format!("{count} of {} files", self.files));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
