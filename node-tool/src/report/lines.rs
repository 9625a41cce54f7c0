//! Log lines, in rclone's form: `2026/11/23 17:00:00 INFO  : a.txt: Copied (new)`.

use std::fmt::Write;

use tracing::{Event, Level, Subscriber, field::Visit};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    registry::LookupSpan,
};

/// Starts logging to stderr: warnings, with one -v what happens to each file, with two each request too.
pub fn start_logging(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::WARN,
        (false, 1) => Level::INFO,
        (false, _) => Level::DEBUG,
    };
    // Only our own words: a library's debug output might show a header with a token.
    let ours = tracing_subscriber::filter::filter_fn(move |meta| {
        meta.target().starts_with("node_tool") && *meta.level() <= level
    });
    let layer = tracing_subscriber::fmt::layer()
        .event_format(Line)
        .with_writer(Stderr);
    use tracing_subscriber::{Layer, layer::SubscriberExt};
    let _ =
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(ours)));
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
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR ",
            Level::WARN => "NOTICE",
            Level::INFO => "INFO  ",
            _ => "DEBUG ",
        };
        let mut message = Message(String::new());
        event.record(&mut message);
        let now = jiff::ZonedDateTime::now()
            .strftime("%Y/%m/%d %H:%M:%S")
            .to_string();
        writeln!(
            writer,
            "{now} {level}: {}",
            shared::failure::printable(&message.0)
        )
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}"); // writing to a String cannot fail
        }
    }
}

struct Stderr;

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl std::io::Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        super::to_stderr(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
