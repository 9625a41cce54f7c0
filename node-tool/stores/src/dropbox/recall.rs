//! Earlier revisions of files become files again, on the server: in their own place, or elsewhere in the same Dropbox.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use dropbox::{Error, Relocation};
use engine::{
    plan::Step,
    run::{Run, Transfer},
};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use shared::api::files::{MAX_BATCH_ENTRIES, Relocated};

use super::{
    DropboxStore,
    item::{copied_by_server, failed},
    relay::{Relay, RelaySource},
};
use crate::transfer::TransferOptions;

/// Brings revisions back.
#[derive(Debug)]
pub(super) struct Recall {
    /// Whose revisions they are.
    pub(super) source: DropboxStore,
    /// Where they go: in the same Dropbox.
    pub(super) target: DropboxStore,
    /// The revisions that the files of the source have now: these are copied, a thousand in a call.
    pub(super) current: Arc<HashSet<String>>,
    /// How content travels through this machine, where the server doesn't bring a revision to another place.
    pub(super) options: TransferOptions,
}

#[async_trait(?Send)]
impl Transfer for Recall {
    async fn copy(&self, steps: Vec<Step>, run: &Run) {
        let is_current = |step: &Step| step.replaces.is_none() && self.current.contains(revision(step));
        let (current, past): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(is_current);
        let refused = self.copy_current(current, run).await;
        // Each is one call, and writes in one folder wait for each other on the server: the limit finds out how many help.
        let elsewhere = Mutex::new(Vec::new());
        let restore = async |step: Step| {
            if run.is_over() {
                return;
            }
            let to = self.target.path_of(&step.to);
            match self.target.client().restore(&to, revision(&step)).await {
                Ok(file) => {
                    let made = Relocated {
                        rev: Some(file.rev),
                        content_hash: file.content_hash,
                    };
                    copied_by_server(run, &step, made);
                }
                Err(error) if is_unknown(&error) && !self.is_in_place(&step) => elsewhere.lock().push(step),
                Err(error) => failed(run, &step, &error),
            }
        };
        stream::iter(past.into_iter().chain(refused))
            .for_each_concurrent(self.target.client().max_calls(), restore)
            .await;
        let elsewhere = elsewhere.into_inner();
        if !elsewhere.is_empty() && !run.is_over() {
            let relay = Relay {
                source: RelaySource::Dropbox(self.source.clone()),
                target: self.target.clone(),
                options: self.options.clone(),
            };
            relay.copy(elsewhere, run).await;
        }
    }

    async fn finish(&self, changes: u64) {
        self.target.prepare_listing(changes).await;
    }
}

impl Recall {
    /// Copies files that are still what they were. Returns those that the server could not copy.
    async fn copy_current(&self, steps: Vec<Step>, run: &Run) -> Vec<Step> {
        let mut left = Vec::new();
        for batch in steps.chunks(MAX_BATCH_ENTRIES) {
            if run.is_over() {
                break;
            }
            let pair = |step: &Step| (self.source.path_of(&step.from), self.target.path_of(&step.to));
            let pairs: Vec<_> = batch.iter().map(pair).collect();
            let outcomes = self.target.client().relocate_all(Relocation::Copy, &pairs).await;
            for (step, done) in batch.iter().zip(outcomes) {
                match done {
                    Ok(made) => copied_by_server(run, step, made),
                    // It changed since it was listed: the revision is what is wanted.
                    Err(error) if error.route().is_some_and(|route| route.has("from_lookup")) => {
                        left.push(step.clone());
                    }
                    Err(error) => failed(run, step, &error),
                }
            }
        }
        left
    }

    fn is_in_place(&self, step: &Step) -> bool {
        self.source.path_of(&step.from) == self.target.path_of(&step.to)
    }
}

fn revision(step: &Step) -> &str {
    step.meta.version.as_ref().map_or("", |version| &version.id)
}

/// Whether the server says that it has no such revision of the file.
fn is_unknown(error: &Error) -> bool {
    error.route().is_some_and(|route| route.has("invalid_revision"))
}
