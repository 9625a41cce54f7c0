//! The only place that prints. Results go to stdout, everything else to stderr; a reader that went away
//! (`| head`) is no error.
//!
//! What a person sees is cleaned here, and only here, of what names could do to a terminal: all of stderr, and stdout where it
//! is a terminal. A pipe or a file gets the bytes as they are.

pub mod browser;
mod command_line;
mod echo;
pub mod format;
pub mod json;
mod layout;
mod lines;
mod log_file;
mod log_format;
mod progress;
pub mod receipt;
mod summary;

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    sync::OnceLock,
    time::Instant,
};

use engine::listing::LeftOut;
use indicatif::MultiProgress;
use shared::{
    failure::Failure,
    plain::{printable, printable_json, printable_lines, without_error_numbers},
};

use shared::{exit, raw, version::VERSION};
use stores::Place;

use crate::as_rclone;
use format::Stats;

pub(crate) use command_line::{is_secret_flag, may_hold_secret, without_secrets};
pub use lines::{FILE_FAILURES, start_logging};
pub use log_file::{LogFile, Rotation};
pub use log_format::LogFormat;
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
    pub file: Option<LogFile>,
    /// What is in each line.
    pub format: LogFormat,
    /// Whether it has more than warnings and errors.
    pub is_verbose: bool,
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

/// When the command began.
static STARTED: OnceLock<Instant> = OnceLock::new();

/// Begins the output of a command: with `--json`, objects are printed from now on, and the log says what runs.
pub fn begin(command: &str, args: &[OsString], is_json: bool) {
    let _ = STARTED.set(Instant::now()); // the first one counts
    if is_json {
        json::start(command);
    }
    log_frame(&format!("node-tool {VERSION}: {}", command_line::shown(args)));
}

/// Ends the output of a command: says why it failed, if it did. Returns the exit code.
pub fn end(result: &Result<u8, Failure>) -> u8 {
    let (failure, code) = match result {
        Ok(code) => (None, *code),
        Err(failure) => (Some(failure), failure.exit_code()),
    };
    if let Some(failure) = failure {
        error(failure);
    }
    json::end(failure, code);
    let seconds = STARTED
        .get()
        .map_or(0.0, |started| started.elapsed().as_secs_f64());
    log_frame(&format!("exit code {code} after {seconds:.1} s"));
    code
}

/// Writes the first or last line of a log: always to a file, and to stderr if it shows more than warnings.
fn log_frame(text: &str) {
    let log = log();
    if log.is_rclones() || log.file.is_none() && !log.is_verbose {
        return; // rclone has no such line
    }
    to_log(&match log.json {
        true => json_line("info", text),
        false => lines::each_line("INFO", text),
    });
}

/// Reports why a line could not be carried out at all; with `is_json` as an object, too. Returns the exit code.
pub fn refused(failure: &Failure, is_json: bool) -> u8 {
    if is_json {
        json::start("");
    }
    error(failure);
    json::end(Some(failure), failure.exit_code());
    failure.exit_code()
}

/// Returns the line of a JSON log that has the counts of a run.
fn stats_line(stats: &Stats) -> String {
    let line = lines::JsonLine {
        level: "info",
        msg: &format!("\n{stats}\n"),
        stats: serde_json::to_value(stats.counts()).ok(),
        source: "report/mod.rs",
        ..lines::JsonLine::default()
    };
    line.text()
}

fn json_line(level: &str, msg: &str) -> String {
    let line = lines::JsonLine {
        level,
        msg,
        source: "report/mod.rs",
        ..lines::JsonLine::default()
    };
    line.text()
}

/// Returns what rclone's log calls the files of a place.
pub fn object_type(place: &Place) -> &'static str {
    match place {
        Place::Local(_) => "*local.Object",
        Place::Dropbox(_) | Place::Link(_) => "*dropbox.Object",
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

/// Prints what could not be listed: as warnings and, with `--json`, as objects.
///
/// # Errors
/// When stdout can't be written.
pub fn left_out(entries: &[LeftOut]) -> Result<(), Failure> {
    for LeftOut { path, reason } in entries {
        warn(&format!("left out '{path}': {reason}"));
    }
    if !entries.is_empty() {
        json::count(|total| json::add(&mut total.failed, entries.len() as u64));
    }
    json::print_all(entries.iter().map(|entry| {
        let error = engine::Error::new(engine::Retry::Never, &entry.reason);
        json::Object::Outcome(json::Outcome::failed(None, &*entry.path, &error))
    }))
}

/// Prints lines for the person at the terminal.
pub fn notes(text: &str) {
    say("notice", "", &printable_lines(text));
}

/// Prints that a file failed, for the person at the terminal: the log has it already.
pub fn failed(path: &str, reason: &str) {
    let reason = without_error_numbers(reason);
    if log().is_rclones() {
        stamped("ERROR", &printable(&format!("{path}: {reason}")));
    } else if !log().json {
        to_stderr(&format!(
            "failed: '{}': {}\n",
            printable(path),
            printable(&reason)
        ));
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
    if log().json {
        statistics(&summary.stats(total_bytes), with_progress)?;
    } else if let Style::Rclone { verb, .. } = &log().style {
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

/// Prints rclone's block, if it is rclone's style or the log is JSON.
///
/// # Errors
/// When stdout can't be written.
pub fn statistics(stats: &Stats, with_progress: bool) -> Result<(), Failure> {
    if log().json {
        // At -v, as in rclone, or where they are asked for.
        if log().is_verbose || with_progress {
            to_log(&stats_line(stats));
        }
        return Ok(());
    }
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

/// Prints an error of clap; without colours if it quotes control characters of the command line. `is_json` says that `--json`
/// was asked for.
pub fn usage(error: &clap::Error, is_json: bool) {
    if error.use_stderr() && is_json {
        json::start("");
        let message = error.to_string();
        let what = message.lines().next().unwrap_or_default();
        json::end(
            Some(&Failure::usage(what.trim_start_matches("error: "))),
            exit::USAGE,
        );
    }
    let plain = error.render().to_string();
    let clean = printable_lines(&plain);
    if error.use_stderr() && clean != plain {
        to_stderr(&clean);
    } else {
        let _ = error.print(); // as everywhere: a reader that went away is no error
    }
}

/// Shows a prompt on stdout, or with `--json` on stderr, after which the person types.
///
/// # Errors
/// When stdout can't be written.
pub fn prompt(text: &str) -> io::Result<()> {
    fn show(mut out: impl Write, text: &str) -> io::Result<()> {
        write!(out, "{}", printable(text))?;
        out.flush()
    }
    // With --json, stdout is for programs.
    match json::is_on() {
        true => show(io::stderr().lock(), text),
        false => show(io::stdout().lock(), text),
    }
}

/// These are for people: they go to stderr even where the log has a file. `text` is clean.
fn say(level: &str, before: &str, text: &str) {
    let log = log();
    if log.is_rclones() {
        return stamped(if level == "error" { "ERROR" } else { "NOTICE" }, text);
    }
    let line = match log.json {
        true => json_line(level, text),
        false => format!("{before}{text}\n"),
    };
    if log.file.is_some() {
        to_log(&match (log.json, level) {
            (true, _) => line.clone(),
            (false, "error") => lines::each_line("ERROR", text),
            (false, _) => lines::each_line("NOTICE", text),
        });
    }
    to_stderr(&line);
}

fn to_log(line: &str) {
    match &log().file {
        Some(file) => file.append(line),
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

/// Writes what a person reads as the result: to stdout or, with `--json`, to stderr, since stdout is for programs then.
///
/// # Errors
/// As [`result`].
pub fn said(text: &str) -> Result<(), Failure> {
    if json::is_on() {
        notes(text.trim_end());
        return Ok(());
    }
    result(text)
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
