//! What a run reports, as lines of the log and bars of progress.

use std::{sync::Arc, time::Duration};

use engine::run::{Event, Observer, Subject};
use parking_lot::Mutex;
use stores::Place;

use crate::report::{self, Progress};

/// Size in bytes from which on a file has a bar of its own.
const BIG_BYTES: u64 = 32 << 20;

/// Shows what happens.
pub(super) struct Shown {
    /// Whether bars were asked for.
    is_shown: bool,
    stats: Option<Duration>,
    progress: Mutex<Option<Arc<Progress>>>,
    source: Place,
    /// What rclone's log calls files of the source and of the target.
    object_types: [&'static str; 2],
}

impl Shown {
    /// Returns an observer of a run from one place to another.
    pub fn new(is_shown: bool, stats: Option<Duration>, (source, target): (Place, &Place)) -> Self {
        Self {
            is_shown,
            stats,
            progress: Mutex::default(),
            object_types: [&source, target].map(report::object_type),
            source,
        }
    }

    /// Shows why calls are slow; does nothing if no files are being copied.
    pub fn show_throttle(&self, reason: Option<String>) {
        if let Some(progress) = &*self.progress.lock() {
            progress.set_slow_reason(reason);
        }
    }
}

impl Observer for Shown {
    fn copies_begin(&self, files: u64, bytes: u64) {
        let progress = Progress::new(self.is_shown, files, bytes, self.stats);
        *self.progress.lock() = Some(Arc::new(progress));
    }

    fn copies_end(&self) {
        if let Some(progress) = self.progress.lock().take() {
            progress.finish();
        }
    }

    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        let progress = self.progress.lock().clone();
        let big = subject.filter(|subject| subject.size_bytes >= BIG_BYTES);
        if let Some(progress) = &progress {
            match event {
                Event::Moved { bytes } => {
                    return progress.moved(*bytes, big.map(|file| (file.from, file.size_bytes)));
                }
                Event::Returned { bytes } => return progress.returned(*bytes, big.map(|file| file.from)),
                Event::Copied { .. } | Event::Unchanged | Event::Failed(_) => progress.file_done(),
                _ => {}
            }
        }
        match subject {
            Some(subject) => self.log(subject, event),
            None if matches!(event, Event::DeletesWithheld) => {
                report::warn("not everything could be copied, so nothing was deleted");
            }
            None => {}
        }
    }
}

impl Shown {
    fn log(&self, subject: Subject<'_>, event: &Event) {
        let Subject { from, to, .. } = subject;
        let [source, target] = self.object_types;
        match event {
            Event::Copied { bytes, replaced, .. } => {
                let how = if *replaced { "replaced existing" } else { "new" };
                tracing::info!(object = %from, object_type = source, size = *bytes, "Copied ({how})");
            }
            Event::Unchanged => {
                tracing::info!(object = %from, object_type = source, "Unchanged, only the time differed");
            }
            // At its end the run lists what failed.
            Event::Failed(error) => {
                tracing::error!(target: report::FILE_FAILURES, object = %from, object_type = source, "{error}");
            }
            Event::Renamed { .. } => {
                tracing::info!(object = %to, object_type = target, "Renamed from {from}")
            }
            Event::BackedUp => tracing::info!(object = %to, object_type = target, "Moved into the backup"),
            Event::Deleted => tracing::info!(object = %to, object_type = target, "Deleted"),
            Event::SourceDeleted => {
                tracing::info!(object = %from, object_type = source, "Deleted from the source")
            }
            Event::FolderMade => tracing::info!(object = %to, "Made directory"),
            Event::FolderRemoved => tracing::info!(object = %to, "Removed directory"),
            Event::FolderKept(error) => tracing::info!(object = %to, "kept, {error}"),
            Event::DocumentKept { own_path } => report::note(&format!(
                "'{}' was exported and stays: it is a cloud document, and an export isn't all of it",
                self.source.join(own_path)
            )),
            Event::Moved { .. } | Event::Returned { .. } | Event::DeletesWithheld => {}
        }
    }
}

/// Reports now and then why calls are slow, and once if the target hasn't enough space; never returns.
pub(super) async fn watch(shown: &Shown, source: &Place, target: &Place, bytes: u64) {
    tokio::join!(warn_of_space(bytes, source, target), async {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            shown.show_throttle(source.throttle_reason().or_else(|| target.throttle_reason()));
        }
    });
}

/// Warns if the target hasn't enough space for everything; what fits is copied.
async fn warn_of_space(wanted: u64, source: &Place, target: &Place) {
    /// Less than this is not worth a question.
    const WORTH_ASKING: u64 = 100 << 20;
    if wanted < WORTH_ASKING || source.shares_paths(target) {
        return;
    }
    if let Some(free) = target.free_bytes().await.filter(|free| *free < wanted) {
        report::warn(&format!(
            "{} are to be copied, and '{target}' has space for {}; files that don't fit will fail",
            report::bytes(wanted),
            report::bytes(free)
        ));
    }
}
