//! The only place that prints. Results go to stdout, everything else to stderr; a reader that went away
//! (`| head`) is no error.
//!
//! What a person sees is cleaned here, and only here, of what names could do to a terminal: all of stderr, and stdout where it
//! is a terminal. A pipe or a file gets the bytes as they are.

mod echo;
pub mod format;
mod layout;
mod lines;
mod progress;
mod summary;

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use indicatif::MultiProgress;
use shared::{
    failure::Failure,
    plain::{printable, printable_json, printable_lines, without_error_numbers},
};

use shared::raw;

use crate::as_rclone;
use format::Stats;

pub use lines::start_logging;
pub use progress::Progress;
pub use summary::{Summary, bytes, files};

/// All bars of the process, so that a line is never printed in the middle of one.
fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(MultiProgress::new)
}

/// Removes all bars for good: only the last lines follow.
pub fn end_progress() {
    let _ = bars().clear(); // a terminal that is gone needs nothing
    bars().set_draw_target(indicatif::ProgressDrawTarget::hidden());
    echo::show();
}

/// Where log lines go, and how.
#[derive(Debug, Default)]
pub struct Log {
    /// As JSON.
    pub json: bool,
    /// Into this file instead of stderr.
    pub file: Option<File>,
    /// How a person is spoken to.
    pub style: Style,
}

/// How errors, warnings and notes are printed.
#[derive(Clone, Debug, Default)]
pub enum Style {
    /// As text.
    #[default]
    Plain,
    /// As lines of rclone's log.
    Rclone {
        /// Whether only errors are printed.
        is_quiet: bool,
        /// The command, for the line that rclone ends with.
        verb: String,
    },
}

impl Log {
    /// Whether a person reads lines of rclone's log.
    fn is_rclones(&self) -> bool {
        matches!(self.style, Style::Rclone { .. }) && !self.json
    }
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Sets where log lines go. Called once, before the first of them.
pub fn log_to(log: Log) {
    let _ = LOG.set(log); // the first word counts
}

fn log() -> &'static Log {
    LOG.get_or_init(Log::default)
}

/// Prints an error with its cause and next step.
pub fn error(failure: &Failure) {
    match &log().style {
        Style::Rclone { verb, .. } if !log().json => {
            for line in as_rclone::of_failure(failure, verb) {
                stamped(line.level, &printable(&line.text));
            }
        }
        _ => say("error", "", &failure.to_string()),
    }
}

/// Prints a warning.
pub fn warn(text: &str) {
    say("warning", "warning: ", &printable(&without_error_numbers(text)));
}

/// Prints a line for the person at the terminal.
pub fn note(text: &str) {
    say("notice", "", &printable(&without_error_numbers(text)));
}

/// Prints lines for the person at the terminal.
pub fn notes(text: &str) {
    say("notice", "", &printable_lines(text));
}

/// Prints that a file failed.
pub fn failed(path: &str, reason: &str) {
    if log().is_rclones() {
        stamped("ERROR", &printable(&format!("{path}: {reason}")));
    } else {
        note(&format!("failed: '{}': {}", printable(path), printable(reason)));
    }
}

/// Prints the outcome of a transfer: as one line, or as rclone does, which has `stats` on stdout `with_progress` and otherwise in
/// the log. Unless it `is_wanted`, only rclone's is printed.
///
/// # Errors
/// When stdout can't be written.
pub fn outcome(
    summary: &Summary<'_>,
    total_bytes: u64,
    with_progress: bool,
    is_wanted: bool,
) -> Result<(), Failure> {
    if let Style::Rclone { verb, .. } = &log().style {
        statistics(&summary.stats(total_bytes), with_progress)?;
        let failed = &summary.tally.failed;
        if let Some(last) = failed.last() {
            let (count, reason) = (failed.len(), printable(&last.error.to_string()));
            stamped(
                "NOTICE",
                &format!("Failed to {verb} with {count} errors: last error was: {reason}"),
            );
        }
        return Ok(());
    }
    if is_wanted {
        note(&summary.to_string());
    }
    Ok(())
}

/// Prints rclone's block, if it is rclone's style.
///
/// # Errors
/// When stdout can't be written.
pub fn statistics(stats: &Stats, with_progress: bool) -> Result<(), Failure> {
    if !log().is_rclones() {
        return Ok(());
    }
    match (with_progress, as_rclone::is_one_line()) {
        (true, false) => return result(&stats.to_string()),
        (true, true) => return result(&format!("{}\n", stats.one_line())),
        (false, false) => tracing::info!("\n{stats}"),
        (false, true) => tracing::info!("{}", stats.one_line()),
    }
    Ok(())
}

/// Prints a line of rclone's log; with --quiet only errors. `text` is clean.
fn stamped(level: &str, text: &str) {
    let is_error = matches!(level, "ERROR" | "CRITICAL");
    if matches!(log().style, Style::Rclone { is_quiet: true, .. }) && !is_error {
        return;
    }
    let line = lines::plain(level, text);
    if log().file.is_some() {
        to_log(&line);
    } else {
        to_stderr(&line);
    }
}

/// Prints an error of the command line as rclone does.
pub fn usage_as_rclone(message: &str, usage: &str) {
    let message = printable(message);
    to_stderr(&format!(
        "Error: {message}\n{}\n{}",
        printable_lines(usage),
        lines::plain("NOTICE", &format!("Fatal error: {message}"))
    ));
}

/// Prints an error of clap; without colours if it quotes control characters of the command line.
pub fn usage(error: &clap::Error) {
    let plain = error.render().to_string();
    let clean = printable_lines(&plain);
    if error.use_stderr() && clean != plain {
        to_stderr(&clean);
    } else {
        let _ = error.print(); // as everywhere: a reader that went away is no error
    }
}

/// Shows a prompt on stdout, after which the person types.
///
/// # Errors
/// When stdout can't be written.
pub fn prompt(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{}", printable(text))?;
    out.flush()
}

/// These are for people: they go to stderr even where the log has a file. `text` is clean.
fn say(level: &str, before: &str, text: &str) {
    let log = log();
    if log.is_rclones() {
        return stamped(if level == "error" { "ERROR" } else { "NOTICE" }, text);
    }
    let line = if log.json {
        lines::json(level, "", text)
    } else {
        format!("{before}{text}\n")
    };
    if log.file.is_some() {
        to_log(&line);
    }
    to_stderr(&line);
}

fn to_log(line: &str) {
    match &log().file {
        Some(file) => {
            let mut file = file;
            let _ = file.write_all(line.as_bytes()); // a full disk is no reason to stop
        }
        None => to_stderr(line),
    }
}

/// Writes a result to stdout, at once.
///
/// # Errors
/// When stdout can't be written, but not when its reader went away.
pub fn result(text: &str) -> Result<(), Failure> {
    let clean;
    let shown = if io::stdout().is_terminal() {
        clean = printable_lines(text);
        &clean
    } else {
        text
    };
    let mut out = io::stdout().lock();
    forgive(out.write_all(shown.as_bytes()).and_then(|()| out.flush()))
}

/// Writes many lines to stdout, in large blocks.
///
/// # Errors
/// As [`result`].
pub fn results(lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    many(lines, printable)
}

/// The same for lines of JSON, which stay JSON.
///
/// # Errors
/// As [`result`].
pub fn json_results(lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    many(lines, printable_json)
}

fn many(lines: impl Iterator<Item = String>, clean: impl Fn(&str) -> String) -> Result<(), Failure> {
    let is_shown = io::stdout().is_terminal();
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    for line in lines {
        let line = if is_shown { clean(&line) } else { line };
        // A pipe gets a name's own bytes.
        let mut bytes = raw::bytes(&line);
        bytes.push(b'\n');
        if let Err(error) = out.write_all(&bytes) {
            return forgive(Err(error));
        }
    }
    forgive(out.flush())
}

fn forgive(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new("could not write the result").why(error))
        }
        _ => Ok(()),
    }
}

fn to_stderr(text: &str) {
    bars().suspend(|| {
        let _ = io::stderr().lock().write_all(text.as_bytes()); // there is nowhere else to report it
    });
}
