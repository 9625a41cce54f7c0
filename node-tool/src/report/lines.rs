//! Log lines, in rclone's form: `2026/11/23 17:00:00 INFO  : a.txt: Copied (new)`, or as JSON.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    registry::LookupSpan,
};

/// The crates whose words are logged.
const OURS: [&str; 4] = ["node_tool", "dropbox", "engine", "stores"];
/// The target of lines about files that failed. A person gets a list of them at the end, and with -v also the lines.
pub const FILE_FAILURES: &str = "node_tool::file_failures";

/// Starts logging: warnings, with one -v what happens to each file, with two each request too.
pub fn start_logging(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::WARN,
        (false, 1) => Level::INFO,
        (false, _) => Level::DEBUG,
    };
    let is_for_person = !super::log().json && super::log().file.is_none();
    let names_failures = (verbose > 0 || !is_for_person) && !super::log().is_rclones();
    // Only our own words: a library's debug output might show a header with a token.
    let ours = tracing_subscriber::filter::filter_fn(move |meta| {
        let origin = meta.target().split("::").next().unwrap_or_default();
        OURS.contains(&origin) && *meta.level() <= level && (names_failures || meta.target() != FILE_FAILURES)
    });
    let layer = tracing_subscriber::fmt::layer()
        .event_format(Line)
        .with_writer(Log);
    use tracing_subscriber::{Layer, layer::SubscriberExt};
    let _ =
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(ours)));
}

/// A line as `--use-json-log` has it: the fields are rclone's, in its order.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonLine<'a> {
    pub time: String,
    pub level: &'a str,
    pub msg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Value>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub object: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub object_type: &'a str,
    pub source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

impl JsonLine<'_> {
    /// Returns the line, with its end, as of now.
    pub(super) fn text(mut self) -> String {
        self.time = jiff::ZonedDateTime::now()
            .strftime("%Y-%m-%dT%H:%M:%S%.9f%:z")
            .to_string();
        self.pid = super::log().format.pid.then(std::process::id);
        let json = serde_json::to_string(&self).unwrap_or_default(); // strings and numbers always can
        shared::plain::printable_json(&json) + "\n"
    }
}

/// A line of text of a level, with its end and what `--log-format` puts before it: the time, unless it says otherwise.
pub(super) fn plain(level: &str, text: &str) -> String {
    super::log().format.line(level, "", text)
}

/// The same for each line of a text.
pub(super) fn each_line(level: &str, text: &str) -> String {
    text.lines().map(|line| plain(level, line)).collect()
}

struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let (level, word) = match *event.metadata().level() {
            Level::ERROR => ("ERROR", "error"),
            Level::WARN => ("NOTICE", "notice"),
            Level::INFO => ("INFO", "info"),
            _ => ("DEBUG", "debug"),
        };
        let mut said = Said::default();
        event.record(&mut said);
        said.message = shared::plain::without_error_numbers(&said.message);
        if super::log().json {
            let line = JsonLine {
                level: word,
                msg: &said.message,
                size: said.size,
                object: &said.object,
                object_type: &said.object_type,
                source: &source(event.metadata()),
                ..JsonLine::default()
            };
            return writer.write_str(&line.text());
        }
        let format = super::log().format;
        let source = source(event.metadata());
        let about = if said.object.is_empty() { "" } else { ": " };
        if let Some(block) = said.message.strip_prefix('\n') {
            // rclone's block: numbers alone.
            return writer.write_str(&format.line(level, &source, &format!("\n{block}")));
        }
        let text = format!("{}{about}{}", said.object, said.message);
        writer.write_str(&format.line(level, &source, &shared::failure::printable(&text)))
    }
}

/// Returns where a line comes from, as rclone writes it: `job/observer.rs:85`.
fn source(meta: &Metadata<'_>) -> String {
    let file = meta.file().unwrap_or_default();
    let folder = file.rfind('/').and_then(|name| file[..name].rfind('/'));
    let short = folder.map_or(file, |folder| &file[folder + 1..]);
    format!("{short}:{}", meta.line().unwrap_or_default())
}

/// The message of an event, and its file.
#[derive(Default)]
struct Said {
    object: String,
    object_type: String,
    size: Option<u64>,
    message: String,
}

impl Visit for Said {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "size" {
            self.size = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "object_type" => value.clone_into(&mut self.object_type),
            _ => self.record_debug(field, &format_args!("{value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let into = match field.name() {
            "message" => &mut self.message,
            "object" => &mut self.object,
            _ => return,
        };
        let _ = write!(into, "{value:?}"); // as above
    }
}

struct Log;

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        super::to_log(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_text_have_a_time_each() {
        let text = each_line("ERROR", "error: could not list\n  why: it is gone");
        let lines: Vec<&str> = text.lines().collect();
        let after = |line: &str| line.split_at(20).1.to_owned();
        assert_eq!(after(lines[0]), "ERROR : error: could not list");
        assert_eq!(after(lines[1]), "ERROR :   why: it is gone");
        assert!(text.ends_with('\n') && lines.len() == 2);
        assert!(
            lines[0].as_bytes()[..19]
                .iter()
                .all(|c| c.is_ascii_digit() || b"/ :".contains(c))
        );
    }

    #[test]
    fn lines_of_json_have_rclones_fields() {
        let line = JsonLine {
            level: "info",
            msg: "Copied (new)",
            size: Some(6),
            object: "a.txt",
            object_type: "*local.Object",
            source: "job/observer.rs:85",
            ..JsonLine::default()
        };
        let text = line.text();
        let (time, rest) = text.split_once("\",").unwrap();
        assert!(time.starts_with("{\"time\":\"2"), "{time}");
        assert_eq!(
            rest,
            "\"level\":\"info\",\"msg\":\"Copied (new)\",\"size\":6,\"object\":\"a.txt\",\"objectType\":\"*local.Object\",\
             \"source\":\"job/observer.rs:85\"}\n"
        );
    }
}
