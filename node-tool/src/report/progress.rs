//! `-P`: one bar for the whole, on a terminal; without one, a line now and then.

use std::{
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{bars, bytes, to_stderr};

/// Between two lines, where there is no terminal.
const EVERY: Duration = Duration::from_secs(60);

/// How far a transfer is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    last_line: Option<Mutex<Instant>>,
    files: u64,
}

impl Progress {
    /// For `total_bytes` in `files` files; shows nothing unless `wanted`.
    pub fn new(wanted: bool, files: u64, total_bytes: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(
            "{bar:24} {percent:>3}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let bar = if wanted && terminal { bars().add(bar) } else { bar };
        let last_line = (wanted && !terminal).then(|| Mutex::new(Instant::now()));
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
        let Some(last) = &self.last_line else { return };
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= EVERY {
            *last = Instant::now();
            let (done, total) = (bytes(self.bar.position()), bytes(self.bar.length().unwrap_or(0)));
            to_stderr(&format!("{done} of {total}, {}\n", self.bar.message()));
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
