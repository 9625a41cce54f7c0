//! The ways to and from a Dropbox.

use async_trait::async_trait;
use dropbox::{DropboxPath, Relocation};
use engine::{
    plan::Step,
    run::{Run, Transfer},
};

use super::{
    DropboxStore,
    down::{Content, DownloadFrom, FolderTotals, download},
    recall::Recall,
    relay::{Relay, RelaySource},
    relocate::Relocate,
    up::upload,
};
use crate::{local::LocalStore, transfer::TransferOptions};

impl DropboxStore {
    /// Returns the way from a local folder to this one.
    pub(crate) fn upload_from(self, source: LocalStore, options: TransferOptions) -> Box<dyn Transfer> {
        Box::new(Upload {
            source,
            target: self,
            options,
        })
    }

    /// Returns the way from this folder to a local one.
    pub(crate) fn download_to(self, target: LocalStore, options: TransferOptions) -> Box<dyn Transfer> {
        Box::new(Download {
            source: self,
            target,
            options,
        })
    }

    /// Returns the source of downloads. With `zips`, folders of many small files may be downloaded as such.
    pub(super) fn download_from<'a>(
        &'a self,
        zips: Option<(&'a DropboxPath, &'a FolderTotals)>,
    ) -> DownloadFrom<'a> {
        DownloadFrom {
            content: Content::Revision,
            remote: self.client().remote(),
            zips,
        }
    }

    /// Returns the way from this folder to one of the same or another Dropbox. `takes_source` says that files go away here as
    /// they arrive, where the server can do that.
    pub(crate) fn transfer_to(
        self,
        target: Self,
        takes_source: bool,
        options: TransferOptions,
    ) -> Box<dyn Transfer> {
        if !self.client().shares_paths(target.client()) {
            return Box::new(Relay {
                source: RelaySource::Dropbox(self),
                target,
                options,
            });
        }
        if let Some(current) = options.revisions.clone() {
            return Box::new(Recall {
                source: self,
                target,
                current,
                options,
            });
        }
        let how = match takes_source {
            true => Relocation::Move,
            false => Relocation::Copy,
        };
        Box::new(Relocate {
            source: self,
            target,
            how,
        })
    }
}

/// Copies local files to a Dropbox.
#[derive(Debug)]
struct Upload {
    /// Where files come from.
    source: LocalStore,
    /// Where they go.
    target: DropboxStore,
    /// How.
    options: TransferOptions,
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
struct Download {
    /// Where files come from.
    source: DropboxStore,
    /// Where they go.
    target: LocalStore,
    /// How.
    options: TransferOptions,
}

#[async_trait(?Send)]
impl Transfer for Download {
    async fn copy(&self, steps: Vec<Step>, run: &Run) {
        let totals = self.source.take_folder_totals();
        let zips = totals.as_ref().map(|totals| (self.source.path(), totals));
        let from = self.source.download_from(zips);
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
