//! `--json`: one object per line on stdout, the last of which is the total. [`types`] is the schema; commands hand over data.

mod make;
mod types;

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;
use serde::Serialize;
use shared::failure::Failure;

use crate::as_rclone;

pub use make::time;
pub use types::*;

/// Verbs whose `--json` is rclone's, too.
const OF_RCLONE: [&str; 2] = ["about", "size"];

/// The JSON output of this process, if it is on.
static OUTPUT: OnceLock<Output> = OnceLock::new();

#[derive(Debug)]
struct Output {
    started: Instant,
    total: Mutex<Total>,
    /// Whether the output is complete: nothing may follow.
    has_ended: AtomicBool,
}

/// A line: the object, and the schema that it follows.
#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    #[serde(flatten)]
    object: &'a Object,
}

/// Turns it on, for a command. Called once, before anything is printed.
pub(super) fn start(command: &str) {
    let total = Total {
        command: command.to_owned(),
        ..Total::default()
    };
    let _ = OUTPUT.set(Output {
        started: Instant::now(),
        total: Mutex::new(total),
        // Callers of rclone expect rclone's one object, and nothing if there is none.
        has_ended: AtomicBool::new(as_rclone::is_on() && OF_RCLONE.contains(&command)),
    });
}

/// Returns whether it is on: then commands print objects instead of text.
pub fn is_on() -> bool {
    OUTPUT.get().is_some()
}

/// Returns the line of an object, without its end.
pub fn line(object: &Object) -> String {
    if as_rclone::is_on()
        && let Some(bare) = bare(object)
    {
        return bare;
    }
    let line = Line {
        schema: SCHEMA,
        object,
    };
    serde_json::to_string(&line).unwrap_or_default() // strings and numbers always can
}

/// Returns an object without its schema and type, as rclone prints it. `None` if rclone has no such object.
fn bare(object: &Object) -> Option<String> {
    match object {
        Object::Size(size) => serde_json::to_string(size).ok(),
        Object::About(about) => serde_json::to_string(about).ok(),
        _ => None,
    }
}

/// Prints an object, if it is on.
///
/// # Errors
/// When stdout can't be written, but not when its reader went away.
pub fn print(object: &Object) -> Result<(), Failure> {
    match is_on() {
        true => super::json_results(std::iter::once(line(object))),
        false => Ok(()),
    }
}

/// Prints many objects in large blocks, if it is on.
///
/// # Errors
/// As [`print()`].
pub fn print_all(objects: impl Iterator<Item = Object>) -> Result<(), Failure> {
    match is_on() {
        true => super::json_results(objects.map(|object| line(&object))),
        false => Ok(()),
    }
}

/// Prints the only object of a command, after which nothing follows.
///
/// # Errors
/// As [`print()`].
pub fn print_only(object: &Object) -> Result<(), Failure> {
    if let Some(output) = OUTPUT.get() {
        output.has_ended.store(true, Ordering::Relaxed);
    }
    print(object)
}

/// Says that the command prints JSON of its own, as rclone does, and that no total follows. Returns whether JSON is wanted.
pub fn is_own() -> bool {
    let output = OUTPUT.get();
    output.inspect(|output| output.has_ended.store(true, Ordering::Relaxed));
    output.is_some()
}

/// Adds to what the total will say.
pub fn count(add: impl FnOnce(&mut Total)) {
    if let Some(output) = OUTPUT.get() {
        add(&mut output.total.lock());
    }
}

/// Adds to a count of the total.
pub fn add(count: &mut Option<u64>, more: u64) {
    *count = Some(count.unwrap_or(0) + more);
}

/// Prints that something failed, and counts it. `action` is what was tried, if that is known.
///
/// # Errors
/// As [`print()`].
pub fn print_failed(
    action: impl Into<Option<Action>>,
    path: &str,
    error: &engine::Error,
) -> Result<(), Failure> {
    count(|total| add(&mut total.failed, 1));
    match is_on() {
        true => print(&Object::Outcome(Outcome::failed(action, path, error))),
        false => Ok(()),
    }
}

/// Returns what the total says so far.
pub fn counted() -> Total {
    let total = OUTPUT.get().map(|output| output.total.lock().clone());
    total.unwrap_or_default()
}

/// Prints why the command failed, if it did, and the total, unless the output is complete.
pub(super) fn end(failure: Option<&Failure>, exit_code: u8) {
    let Some(output) = OUTPUT.get() else { return };
    if output.has_ended.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(failure) = failure {
        let _ = print(&Object::Error(failure.into())); // stderr has it too
    }
    let mut total = output.total.lock().clone();
    total.seconds = output.started.elapsed().as_secs_f64();
    total.exit_code = exit_code;
    let _ = print(&Object::Total(total)); // there is nowhere else to report it
}

impl Object {
    /// Reads a line.
    ///
    /// # Errors
    /// When it isn't one of this schema.
    pub fn parse(line: &str) -> serde_json::Result<Self> {
        let mut value: serde_json::Value = serde_json::from_str(line)?;
        let schema = value.as_object_mut().and_then(|fields| fields.remove("schema"));
        match schema.and_then(|schema| schema.as_u64()) {
            Some(schema) if schema == u64::from(SCHEMA) => serde_json::from_value(value),
            _ => Err(serde::de::Error::custom("it is of another schema")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the page.
    fn examples() -> impl Iterator<Item = &'static str> {
        let page = include_str!("../../../../docs/json.md");
        page.lines().filter(|line| line.starts_with("{\"schema\""))
    }

    #[test]
    fn the_pages_examples_are_of_the_schema() {
        for example in examples() {
            let object = Object::parse(example).unwrap_or_else(|error| panic!("{example}: {error}"));
            assert_eq!(line(&object), example, "it is written as the program writes it");
        }
    }

    #[test]
    fn every_type_has_an_example() {
        let kinds = [
            "step", "outcome", "entry", "checked", "change", "revision", "link", "remote", "config",
            "digest", "shared", "job", "size", "about", "plan", "version", "error", "total",
        ];
        for kind in kinds {
            let start = format!("{{\"schema\":{SCHEMA},\"type\":\"{kind}\"");
            assert!(examples().any(|example| example.starts_with(&start)), "{kind}");
        }
    }

    #[test]
    fn what_is_not_of_the_schema_is_refused() {
        for line in [
            r#"{"schema":2,"type":"size","count":1,"bytes":1,"sizeless":0}"#,
            r#"{"type":"size","count":1,"bytes":1,"sizeless":0}"#,
            r#"{"schema":1,"type":"size","count":1,"bytes":1,"sizeless":0,"more":1}"#,
            r#"{"schema":1,"type":"none"}"#,
            "[]",
        ] {
            assert!(Object::parse(line).is_err(), "{line}");
        }
    }
}
