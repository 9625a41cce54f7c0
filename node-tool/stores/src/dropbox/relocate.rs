//! Within one account files are copied or renamed on the server, many in a call.

use async_trait::async_trait;
use dropbox::{DropboxPath, Relocation};
use engine::{
    Retry,
    plan::Step,
    run::{Run, Transfer},
};
use shared::{
    api::files::{MAX_BATCH_ENTRIES, Relocated},
    plain::quoted,
};

use super::{
    DropboxStore,
    item::{copied_by_server, failed, refused},
};

/// Copies or renames files within one account.
#[derive(Debug)]
pub(super) struct Relocate {
    /// Where files come from.
    pub(super) source: DropboxStore,
    /// Where they go: in the same Dropbox.
    pub(super) target: DropboxStore,
    /// Whether they are copied or renamed.
    pub(super) how: Relocation,
}

#[async_trait(?Send)]
impl Transfer for Relocate {
    async fn copy(&self, steps: Vec<Step>, run: &Run) {
        let (replacing, new): (Vec<Step>, Vec<Step>) =
            steps.into_iter().partition(|step| step.replaces.is_some());
        for batch in new.chunks(MAX_BATCH_ENTRIES) {
            if run.is_over() {
                return;
            }
            let pairs: Vec<_> = batch.iter().map(|step| self.paths(step)).collect();
            let outcomes = self.target.client().relocate_all(self.how, &pairs).await;
            for (step, done) in batch.iter().zip(outcomes) {
                match done {
                    Ok(made) => copied_by_server(run, step, made),
                    Err(error) => failed(run, step, &error),
                }
            }
        }
        // One by one: a run that is killed in between affects one file, not a thousand.
        for step in &replacing {
            if run.is_over() {
                return;
            }
            self.replace(step, run).await;
        }
    }

    fn takes_from_source(&self) -> bool {
        self.how == Relocation::Move
    }

    async fn finish(&self, changes: u64) {
        self.target.prepare_listing(changes).await;
    }
}

impl Relocate {
    fn paths(&self, step: &Step) -> (DropboxPath, DropboxPath) {
        (self.source.path_of(&step.from), self.target.path_of(&step.to))
    }

    /// Replaces a file. The server copies only to unused paths: the old file is removed first, and restored if the copy fails.
    async fn replace(&self, step: &Step, run: &Run) {
        let client = self.target.client();
        let (from, to) = self.paths(step);
        let old = step.replaces.as_ref().and_then(|file| file.version.as_ref());
        let target = [(to.clone(), old.map(|version| version.id.clone()))];
        let error = match client.delete_all(&target).await.pop() {
            Some(Err(error)) => return failed(run, step, &error),
            _ => match client.relocate_all(self.how, &[(from, to.clone())]).await.pop() {
                Some(Err(error)) => error,
                Some(Ok(made)) => return copied_by_server(run, step, made),
                None => return copied_by_server(run, step, Relocated::default()),
            },
        };
        if let Some(old) = old
            && let Err(lost) = client.restore(&to, &old.id).await
        {
            let reason = format!(
                "{error}; the old file was deleted and could not be put back ({lost}): node-tool restore {} --rev {}",
                quoted(&client.location(&to).to_string()),
                old.id
            );
            return refused(run, step, Retry::Unknown, reason);
        }
        failed(run, step, &error);
    }
}
