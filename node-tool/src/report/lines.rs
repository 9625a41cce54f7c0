//! Log lines, in rclone's form: `2026/11/23 17:00:00 INFO  : a.txt: Copied (new)`, or as JSON.

use std::fmt::Write;

use serde::Serialize;
use tracing::{Event, Level, Subscriber, field::Visit};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    registry::LookupSpan,
};

/// The crates whose words are logged.
const OURS: [&str; 4] = ["node_tool", "dropbox", "engine", "stores"];

/// Starts logging: warnings, with one -v what happens to each file, with two each request too.
pub fn start_logging(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::WARN,
        (false, 1) => Level::INFO,
        (false, _) => Level::DEBUG,
    };
    // Only our own words: a library's debug output might show a header with a token.
    let ours = tracing_subscriber::filter::filter_fn(move |meta| {
        let origin = meta.target().split("::").next().unwrap_or_default();
        OURS.contains(&origin) && *meta.level() <= level
    });
    let layer = tracing_subscriber::fmt::layer()
        .event_format(Line)
        .with_writer(Log);
    use tracing_subscriber::{Layer, layer::SubscriberExt};
    let _ =
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(ours)));
}

/// A line as `--use-json-log` has it.
#[derive(Serialize)]
struct Json<'a> {
    time: String,
    level: &'a str,
    msg: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    object: &'a str,
}

/// A line of a level, with its end.
pub(super) fn json(level: &str, object: &str, msg: &str) -> String {
    let line = Json {
        time: jiff::Timestamp::now().to_string(),
        level,
        msg,
        object,
    };
    let json = serde_json::to_string(&line).unwrap_or_default();
    shared::plain::printable_json(&json) + "\n"
}

/// A line of text of a level, with the time before it and its end.
pub(super) fn plain(level: &str, text: &str) -> String {
    let now = jiff::ZonedDateTime::now().strftime("%Y/%m/%d %H:%M:%S");
    format!("{now} {level:<6}: {text}\n")
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
            return writer.write_str(&json(word, &said.object, &said.message));
        }
        let about = if said.object.is_empty() { "" } else { ": " };
        if let Some(block) = said.message.strip_prefix('\n') {
            // rclone's block: numbers alone.
            return writer.write_str(&plain(level, &format!("\n{block}")));
        }
        let text = format!("{}{about}{}", said.object, said.message);
        writer.write_str(&plain(level, &shared::failure::printable(&text)))
    }
}

/// The message of an event, and its file.
#[derive(Default)]
struct Said {
    object: String,
    message: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let into = match field.name() {
            "message" => &mut self.message,
            "object" => &mut self.object,
            _ => return,
        };
        let _ = write!(into, "{value:?}"); // writing to a String cannot fail
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
