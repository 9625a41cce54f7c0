//! Passes what stores report on to the tally and the observer.

use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::Mutex;

use super::{Event, Failed, Observer, Shutdown, Subject, Tally};
use crate::{
    error::Error,
    plan::{Plan, Step, StepId, StepKind},
};

/// A run of a plan, as stores see it: they report to it, and ask whether to continue. Clones share it.
#[derive(Clone)]
pub struct Run(Arc<Inner>);

struct Inner {
    shutdown: Shutdown,
    observer: Arc<dyn Observer>,
    /// What each step is about, by its number.
    subjects: Vec<Option<Names>>,
    /// Whether the files that are in the target are recorded.
    notes_done: bool,
    state: Mutex<State>,
}

struct Names {
    kind: StepKind,
    from: Arc<str>,
    to: Arc<str>,
    size_bytes: u64,
}

#[derive(Debug, Default)]
struct State {
    tally: Tally,
    /// Files that are in the target by now, and whether they were copied in this run.
    done: HashMap<StepId, bool>,
    fatal: Option<Error>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("state", &self.0.state)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// Returns a run of a plan. `tally` is its initial tally.
    pub fn new(plan: &Plan, tally: Tally, shutdown: Shutdown, observer: Arc<dyn Observer>) -> Self {
        let mut subjects = Vec::new();
        for step in plan.steps() {
            let at = step.id.0 as usize;
            if subjects.len() <= at {
                subjects.resize_with(at + 1, || None);
            }
            subjects[at] = Some(Names {
                kind: step.kind,
                from: Arc::clone(&step.from),
                to: Arc::clone(&step.to),
                size_bytes: step.meta.size_bytes,
            });
        }
        Self(Arc::new(Inner {
            shutdown,
            observer,
            subjects,
            notes_done: !plan.source_deletes.is_empty(),
            state: Mutex::new(State {
                tally,
                ..State::default()
            }),
        }))
    }

    /// Counts steps as done that an earlier run has done: files of the source that wait for them may be removed.
    #[must_use]
    pub fn with_done(self, steps: impl IntoIterator<Item = StepId>) -> Self {
        let done = steps.into_iter().map(|step| (step, false));
        self.0.state.lock().done.extend(done);
        self
    }

    /// Reports what happened to a step. After a failure that [ends the run](Error::ends_run), others of this kind are not
    /// counted: to all other files the same would happen.
    pub fn report(&self, id: StepId, event: Event) {
        let subject = self.subject(id);
        {
            let mut state = self.0.state.lock();
            match &event {
                Event::Copied { bytes, .. } => {
                    state.tally.copied += 1;
                    state.tally.copied_bytes += bytes;
                }
                Event::Unchanged => state.tally.unchanged += 1,
                Event::Renamed { .. } => state.tally.renamed += 1,
                Event::Deleted | Event::BackedUp => state.tally.deleted += 1,
                Event::Failed(error) => {
                    if error.ends_run() {
                        if state.fatal.is_some() {
                            return;
                        }
                        state.fatal = Some(error.clone());
                    }
                    state.tally.failed.push(Failed {
                        path: subject.map(|subject| subject.from.to_owned()).unwrap_or_default(),
                        error: error.clone(),
                    });
                }
                _ => {}
            }
            if self.0.notes_done && matches!(event, Event::Copied { .. } | Event::Unchanged) {
                state.done.insert(id, matches!(event, Event::Copied { .. }));
            }
        }
        self.0.observer.event(subject, &event);
    }

    /// Reports that bytes of content arrived at the target; `None` for those of many small files.
    pub fn moved(&self, id: Option<StepId>, bytes: u64) {
        let subject = id.and_then(|id| self.subject(id));
        self.0.observer.event(subject, &Event::Moved { bytes });
    }

    /// Reports that bytes that had arrived have to be sent again; `None` for those of many small files.
    pub fn returned(&self, id: Option<StepId>, bytes: u64) {
        let subject = id.and_then(|id| self.subject(id));
        self.0.observer.event(subject, &Event::Returned { bytes });
    }

    /// Returns whether nothing new may be started.
    pub fn is_over(&self) -> bool {
        self.0.shutdown.is_requested() || self.0.state.lock().fatal.is_some()
    }

    /// Returns the request to start nothing new.
    pub fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    /// Returns the tally so far.
    pub fn tally(&self) -> Tally {
        self.0.state.lock().tally.clone()
    }

    /// Returns the error after which nothing else can succeed.
    pub(crate) fn fatal(&self) -> Option<Error> {
        self.0.state.lock().fatal.clone()
    }

    pub(super) fn has_failures(&self) -> bool {
        !self.0.state.lock().tally.failed.is_empty()
    }

    /// Returns the number of files of the target that were made or deleted.
    pub(super) fn changes(&self) -> u64 {
        let state = self.0.state.lock();
        state.tally.copied + state.tally.deleted
    }

    /// Returns whether a step copied its file. `None` means that the file may not be in the target.
    pub(super) fn has_copied(&self, id: StepId) -> Option<bool> {
        self.0.state.lock().done.get(&id).copied()
    }

    pub(super) fn observer(&self) -> &dyn Observer {
        &*self.0.observer
    }

    /// Reports the outcome of each step of a list; `good` is what a success is.
    pub(super) fn report_all<T>(
        &self,
        steps: &[Step],
        outcomes: Vec<Result<T, Error>>,
        good: impl Fn(T) -> Event,
    ) {
        for (step, outcome) in steps.iter().zip(outcomes) {
            let event = outcome.map_or_else(Event::Failed, &good);
            self.report(step.id, event);
        }
    }

    fn subject(&self, id: StepId) -> Option<Subject<'_>> {
        let names = self.0.subjects.get(id.0 as usize)?.as_ref()?;
        Some(Subject {
            id,
            kind: names.kind,
            from: &names.from,
            to: &names.to,
            size_bytes: names.size_bytes,
        })
    }
}
