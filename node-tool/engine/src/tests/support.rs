//! What the tests of whole jobs have in common: stores in short, and jobs that note what happens.

use std::{fmt::Write, future::Future, sync::Arc};

use parking_lot::Mutex;

use crate::{
    Error, Retry,
    digest::Algorithm,
    entry::Modified,
    filter::{Filter, Rules as FilterRules, Verdict},
    memory_store::{MemoryBackup, MemoryStore, MemoryTransfer, plan_of},
    plan::{BackupInTarget, BackupNames, Cutoff, Plan, PlanOptions, Refusal, Step, StepKind, Verb},
    run::{
        Arrived, Backup, Event, Job, Observer, Run, RunOptions, Shutdown, Stop, Subject, Tally, run,
        track_renames,
    },
    store::Store,
};

/// Returns a time.
pub(super) fn at(seconds: i64) -> Modified {
    Modified {
        seconds,
        nanoseconds: 0,
    }
}

/// Puts files into a store, in short: `d/` is a folder, `x` a file that holds `1`, `x=abc` one that holds `abc`, and `x=abc@5` is
/// of second 5.
pub(super) fn fill(store: &MemoryStore, text: &str) {
    for word in text.split_whitespace() {
        if let Some(folder) = word.strip_suffix('/') {
            store.make_dir(folder);
            continue;
        }
        let (word, seconds) = word.split_once('@').unwrap_or((word, "0"));
        let (path, content) = word.split_once('=').unwrap_or((word, "1"));
        store.write_at(path, content, at(seconds.parse().unwrap()));
    }
}

/// Returns a store like a local folder.
pub(super) fn exact(text: &str) -> MemoryStore {
    let store = MemoryStore::new();
    fill(&store, text);
    store
}

/// Returns a store like Dropbox.
pub(super) fn folding(text: &str) -> MemoryStore {
    let store = MemoryStore::ignoring_case();
    fill(&store, text);
    store
}

/// Returns the files of a store with their content, and its folders, in short.
pub(super) fn shown(store: &MemoryStore) -> String {
    let folders = store.folders().into_iter().map(|path| format!("{path}/"));
    let files = store.files().into_iter();
    let files = files.map(|(path, content)| format!("{path}={}", String::from_utf8_lossy(&content)));
    let mut words: Vec<String> = folders.chain(files).collect();
    words.sort();
    words.join(" ")
}

/// Returns the files of a store with their content, in short.
pub(super) fn files(store: &MemoryStore) -> String {
    let files = store.files().into_iter();
    let files = files.map(|(path, content)| format!("{path}={}", String::from_utf8_lossy(&content)));
    files.collect::<Vec<_>>().join(" ")
}

/// Whether a store has a file with this content, wherever.
pub(super) fn holds(store: &MemoryStore, content: &[u8]) -> bool {
    store.files().values().any(|there| there == content)
}

/// Returns a filter that leaves out what matches a pattern.
pub(super) fn excluding(patterns: &[&str]) -> Filter {
    let mut rules = FilterRules::new(false);
    for pattern in patterns {
        rules.add(Verdict::Exclude, pattern).unwrap();
    }
    Filter::builder().rules(rules).build()
}

/// Runs a future of one test case.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// An error after which others may succeed.
pub(super) fn broken() -> Error {
    Error::new(Retry::Never, "broken")
}

/// An error after which nothing can succeed.
pub(super) fn the_end() -> Error {
    Error::new(Retry::Never, "the login has ended").with_ends_run(true)
}

/// Where replaced files are kept.
#[derive(Clone, Debug)]
pub(super) enum Keeps {
    /// Beside the new ones, with this suffix.
    Beside(&'static str),
    /// In another store.
    In(MemoryStore),
}

/// What a test does besides the usual.
#[derive(Clone, Default)]
pub(super) struct How<'a> {
    pub options: PlanOptions<'a>,
    pub run_options: RunOptions,
    pub keeps: Option<Keeps>,
    pub tracks_renames: bool,
    pub takes_from_source: bool,
    pub digests: Vec<Algorithm>,
    pub max_bytes: Option<u64>,
    pub shutdown: Shutdown,
    /// The event at which a shutdown is requested, in short.
    pub stops_at: Option<&'static str>,
    /// What failed before the plan was made.
    pub tally: Tally,
}

impl How<'_> {
    pub(super) fn verb(verb: Verb) -> Self {
        Self {
            options: PlanOptions {
                verb,
                ..PlanOptions::default()
            },
            ..Self::default()
        }
    }

    pub(super) fn sync() -> Self {
        Self::verb(Verb::Sync)
    }

    pub(super) fn moving() -> Self {
        let mut how = Self::verb(Verb::Move);
        how.options.removes_empty_source_folders = true;
        how
    }

    pub(super) fn keeping(mut self, keeps: Keeps) -> Self {
        if let Keeps::Beside(_) = keeps {
            self.options.backup = BackupInTarget {
                folder: None,
                beside: Some(names_of(&keeps)),
            };
        }
        self.keeps = Some(keeps);
        self
    }
}

fn names_of(keeps: &Keeps) -> BackupNames {
    BackupNames {
        suffix: match keeps {
            Keeps::Beside(suffix) => (*suffix).to_owned(),
            Keeps::In(_) => String::new(),
        },
        keeps_extension: false,
    }
}

/// What a job came to.
pub(super) struct Outcome {
    /// The plan that was carried out, step by step, in short.
    pub plan: Vec<String>,
    pub stop: Option<Stop>,
    pub tally: Tally,
    /// What the observer heard, in short.
    pub events: Vec<String>,
    /// What is known of the files that were copied, by their paths.
    pub arrived: Vec<(String, Arrived)>,
}

impl Outcome {
    /// Returns what failed, and why.
    pub(super) fn failed(&self) -> Vec<String> {
        let failed = self.tally.failed.iter();
        failed
            .map(|failed| format!("{}: {}", failed.path, failed.error))
            .collect()
    }

    /// Returns the counts: copied, unchanged, renamed, deleted, failed.
    pub(super) fn counts(&self) -> (u64, u64, u64, u64, usize) {
        let tally = &self.tally;
        let failed = tally.failed.len();
        (
            tally.copied,
            tally.unchanged,
            tally.renamed,
            tally.deleted,
            failed,
        )
    }
}

/// Returns a step as a store notes the change that it makes; `?` is a file whose checksum decides, `source` what the source loses.
pub(super) fn described(step: &Step) -> String {
    let to = &step.to;
    match step.kind {
        StepKind::Mkdir => format!("+{to}/"),
        StepKind::Rename => format!("~{to}"),
        StepKind::Copy(_) => format!("+{to}"),
        StepKind::CompareChecksum { .. } => format!("?{to}"),
        StepKind::Delete => format!("-{to}"),
        StepKind::Rmdir => format!("-{to}/"),
        StepKind::DeleteSource { .. } => format!("source -{}", step.from),
        StepKind::RmdirSource => format!("source -{}/", step.from),
    }
}

/// Returns the steps of a plan in short.
pub(super) fn steps(plan: &Plan) -> Vec<String> {
    plan.steps().map(described).collect()
}

/// Returns the plan from one store to another in short.
pub(super) fn planned(source: &MemoryStore, target: &MemoryStore, options: &PlanOptions<'_>) -> String {
    let plan = block_on(plan_of(source, target, &with_names(target, options))).unwrap();
    let obstacles = plan
        .obstacles
        .iter()
        .map(|obstacle| format!("!{}", obstacle.path));
    let words: Vec<String> = plan.steps().map(described).chain(obstacles).collect();
    words.join(" ")
}

pub(super) fn with_names<'a>(target: &MemoryStore, options: &PlanOptions<'a>) -> PlanOptions<'a> {
    PlanOptions {
        names: target.capabilities().names,
        ..options.clone()
    }
}

/// Notes what it hears, and asks for a shutdown at one event.
struct Ear {
    heard: Mutex<Vec<String>>,
    arrived: Mutex<Vec<(String, Arrived)>>,
    shutdown: Shutdown,
    stops_at: Option<&'static str>,
}

impl Ear {
    fn note(&self, event: String) {
        if self.stops_at == Some(event.as_str()) {
            self.shutdown.request("the test");
        }
        self.heard.lock().push(event);
    }
}

impl Observer for Ear {
    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        let mut text = match event {
            Event::Moved { bytes } => format!("moved {bytes}"),
            Event::Returned { bytes } => format!("returned {bytes}"),
            Event::Copied { bytes, replaced, .. } => {
                format!("{} {bytes}", if *replaced { "replaced" } else { "copied" })
            }
            Event::Unchanged => "unchanged".into(),
            Event::SourceDeleted => "source deleted".into(),
            Event::FolderMade => "folder made".into(),
            Event::Renamed { .. } => "renamed".into(),
            Event::BackedUp => "backed up".into(),
            Event::Deleted => "deleted".into(),
            Event::FolderRemoved => "folder removed".into(),
            Event::FolderKept(_) => "folder kept".into(),
            Event::DocumentKept { own_path } => format!("document kept {own_path}"),
            Event::Failed(error) => format!("failed ({error})"),
            Event::DeletesWithheld => "deletes withheld".into(),
        };
        if let (Some(subject), Event::Copied { file, .. }) = (subject, event) {
            self.arrived.lock().push((subject.to.to_owned(), file.clone()));
        }
        if let Some(subject) = subject {
            let _ = match subject.from == subject.to {
                true => write!(text, " {}", subject.to),
                false => write!(text, " {} to {}", subject.from, subject.to),
            };
        }
        self.note(text);
    }

    fn copies_begin(&self, files: u64, bytes: u64) {
        self.note(format!("copies begin {files} {bytes}"));
    }

    fn copies_end(&self) {
        self.note("copies end".into());
    }
}

/// Plans, and carries the plan out.
pub(super) async fn try_go(
    source: &MemoryStore,
    target: &MemoryStore,
    how: &How<'_>,
) -> Result<Outcome, Refusal> {
    let plan = plan_of(source, target, &with_names(target, &how.options)).await?;
    Ok(carry_out(plan, source, target, how).await)
}

/// As [`try_go`], of what is not refused.
pub(super) async fn go(source: &MemoryStore, target: &MemoryStore, how: &How<'_>) -> Outcome {
    try_go(source, target, how).await.unwrap()
}

/// Carries a plan out.
pub(super) async fn carry_out(
    mut plan: Plan,
    source: &MemoryStore,
    target: &MemoryStore,
    how: &How<'_>,
) -> Outcome {
    let transfer = MemoryTransfer {
        source,
        target,
        takes_from_source: how.takes_from_source,
        digests: &how.digests,
    };
    let place = match &how.keeps {
        Some(Keeps::In(place)) => MemoryBackup::new(target, place),
        _ => MemoryBackup::new(target, target),
    };
    let backup = how.keeps.as_ref().map(|keeps| Backup {
        place: &place,
        names: names_of(keeps),
        is_beside: matches!(keeps, Keeps::Beside(_)),
    });
    let job = Job {
        source,
        target,
        transfer: &transfer,
        backup: backup.as_ref(),
        keeps_times: false,
    };
    if how.tracks_renames {
        track_renames(&mut plan, source, target, how.options.makes_links).await;
    }
    let ear = Arc::new(Ear {
        heard: Mutex::default(),
        arrived: Mutex::default(),
        shutdown: how.shutdown.clone(),
        stops_at: how.stops_at,
    });
    let mut tally = Tally::of_plan(&plan);
    tally.failed.extend(how.tally.failed.iter().cloned());
    let this = Run::new(&plan, tally, how.shutdown.clone(), Arc::clone(&ear) as _);
    if let Some(max_bytes) = how.max_bytes {
        crate::run::resolve(&mut plan, &job, 2, &this).await;
        plan.limit_bytes(max_bytes, Cutoff::default());
    }
    let planned = steps(&plan);
    let stop = run(plan, &job, how.run_options, &this).await;
    let events = ear.heard.lock().clone();
    let arrived = ear.arrived.lock().clone();
    Outcome {
        plan: planned,
        stop,
        tally: this.tally(),
        events,
        arrived,
    }
}
