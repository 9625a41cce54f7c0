//! Between two accounts every byte passes through this machine: down into a temporary folder, and up from there, some
//! files at a time.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use dropbox::Client;
use engine::{
    plan::{Plan, Step, StepId},
    run::{Event, Observer, Run, Subject, Tally, Transfer},
};
use parking_lot::Mutex;

use super::{
    DropboxStore, LinkStore,
    down::{DownloadFrom, download},
    up::upload,
};
use crate::{
    local::{Root, Scratch, local_error},
    transfer::TransferOptions,
};

/// Maximum number of bytes in the temporary folder at once, if one file isn't bigger.
const MAX_BATCH_BYTES: u64 = 1 << 30;
/// Maximum number of files in it at once.
const MAX_BATCH_FILES: usize = 1000;

/// Copies files from one account to another. The temporary folder is made in `TMPDIR`.
#[derive(Debug)]
pub(super) struct Relay {
    /// Where files come from.
    pub(super) source: RelaySource,
    /// Where they go.
    pub(super) target: DropboxStore,
    /// How.
    pub(super) options: TransferOptions,
}

/// Where the files of a relay come from.
#[derive(Debug)]
pub(super) enum RelaySource {
    /// Another account, or another root.
    Dropbox(DropboxStore),
    /// A shared link.
    Link(LinkStore),
}

impl RelaySource {
    fn client(&self) -> &Client {
        match self {
            Self::Dropbox(store) => store.client(),
            Self::Link(store) => store.client(),
        }
    }

    fn download_from(&self) -> DownloadFrom<'_> {
        match self {
            Self::Dropbox(store) => store.download_from(None),
            Self::Link(store) => store.download_from(),
        }
    }
}

#[async_trait(?Send)]
impl Transfer for Relay {
    async fn copy(&self, steps: Vec<Step>, run: &Run) {
        let mut rest = self.target.with_own_names(steps).into_iter().peekable();
        while rest.peek().is_some() && !run.is_over() {
            let mut batch: Vec<Step> = Vec::new();
            let mut bytes = 0;
            while let Some(next) = rest.peek()
                && batch.len() < MAX_BATCH_FILES
                && (batch.is_empty() || bytes + next.meta.size_bytes <= MAX_BATCH_BYTES)
            {
                bytes += next.meta.size_bytes;
                batch.extend(rest.next());
            }
            self.pass(batch, run).await;
        }
    }

    async fn finish(&self, changes: u64) {
        self.target.prepare_listing(changes).await;
    }
}

impl Relay {
    async fn pass(&self, batch: Vec<Step>, run: &Run) {
        let folder = match Scratch::new() {
            Ok(folder) => folder,
            Err(error) => {
                let words = format!("no temporary folder: {error}");
                let error = local_error(error).with_message(words);
                for step in &batch {
                    run.report(step.id, Event::Failed(error.clone()));
                }
                return;
            }
        };
        let root = Root::new(folder.path());
        // Another process will not find the temporary folder again.
        let options = TransferOptions {
            state_dir: None,
            // What is there is what came down.
            sends_only_listed: false,
            ..self.options.clone()
        };
        // They are read once more on their way up, which is when they are digested.
        let down = TransferOptions {
            digests: Arc::default(),
            ..options.clone()
        };
        let arrived = self.bring_down(&batch, &root, &down, run).await;
        let up = batch
            .into_iter()
            .enumerate()
            .filter(|(_, step)| arrived.contains(&step.id));
        let up = up.map(|(number, step)| Step {
            from: number.to_string().into(),
            ..step
        });
        let to = (self.target.path(), &self.target.namespaces());
        upload(self.target.client(), up.collect(), &root, to, &options, run).await;
    }

    /// Downloads files to the temporary folder, under their numbers: not every name in Dropbox is valid here.
    /// Returns the steps whose files have arrived.
    async fn bring_down(
        &self,
        batch: &[Step],
        root: &Root,
        options: &TransferOptions,
        run: &Run,
    ) -> HashSet<StepId> {
        let down = |(number, step): (usize, &Step)| Step {
            to: number.to_string().into(),
            replaces: None,
            ..step.clone()
        };
        let plan = Plan {
            copies: batch.iter().enumerate().map(down).collect(),
            ..Plan::default()
        };
        let arrivals = Arc::new(Arrivals {
            run: run.clone(),
            arrived: Mutex::default(),
        });
        let first_half = Run::new(
            &plan,
            Tally::default(),
            run.shutdown().clone(),
            Arc::clone(&arrivals) as Arc<dyn Observer>,
        );
        let from = self.source.download_from();
        download(
            self.source.client(),
            plan.copies,
            from,
            root,
            options,
            &first_half,
        )
        .await;
        std::mem::take(&mut *arrivals.arrived.lock())
    }
}

/// Observes the downloads: only what arrived in the target counts as copied, but a failure counts.
struct Arrivals {
    run: Run,
    arrived: Mutex<HashSet<StepId>>,
}

impl Observer for Arrivals {
    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        let Some(subject) = subject else { return };
        match event {
            Event::Copied { .. } => {
                self.arrived.lock().insert(subject.id);
            }
            Event::Failed(_) => self.run.report(subject.id, event.clone()),
            _ => {}
        }
    }
}
