//! Uploads and downloads as ways between a local folder and a Dropbox.

use async_trait::async_trait;
use engine::{
    plan::Step,
    run::{Run, Transfer},
};

use super::{
    DropboxStore,
    down::{DownloadFrom, download},
    up::upload,
};
use crate::{local::LocalStore, transfer::TransferOptions};

/// Copies local files to a Dropbox.
#[derive(Debug)]
pub struct Upload {
    /// Where files come from.
    pub source: LocalStore,
    /// Where they go.
    pub target: DropboxStore,
    /// How.
    pub options: TransferOptions,
}

#[async_trait(?Send)]
impl Transfer for Upload {
    async fn copy(&self, steps: Vec<Step>, run: &Run) {
        let steps = self.target.with_own_names(steps);
        let to = (self.target.path(), &self.target.namespaces());
        upload(
            self.target.client(),
            steps,
            self.source.root(),
            to,
            &self.options,
            run,
        )
        .await;
    }

    async fn finish(&self, changes: u64) {
        self.target.prepare_listing(changes).await;
    }
}

/// Copies files of a Dropbox to a local folder.
#[derive(Debug)]
pub struct Download {
    /// Where files come from.
    pub source: DropboxStore,
    /// Where they go.
    pub target: LocalStore,
    /// How.
    pub options: TransferOptions,
}

#[async_trait(?Send)]
impl Transfer for Download {
    async fn copy(&self, steps: Vec<Step>, run: &Run) {
        let totals = self.source.take_folder_totals();
        let from = DownloadFrom {
            path: self.source.path(),
            remote: self.source.client().remote(),
            totals: totals.as_ref(),
        };
        download(
            self.source.client(),
            steps,
            from,
            self.target.root(),
            &self.options,
            run,
        )
        .await;
    }
}
