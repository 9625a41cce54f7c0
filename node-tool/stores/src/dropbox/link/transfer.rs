//! The ways from what a link leads to.

use async_trait::async_trait;
use engine::{
    plan::Step,
    run::{Run, Transfer},
};

use super::{
    super::{
        DropboxStore,
        down::{Content, DownloadFrom, download},
        relay::{Relay, RelaySource},
    },
    LinkStore,
};
use crate::{local::LocalStore, transfer::TransferOptions};

impl LinkStore {
    /// Returns the way from here to a local folder.
    pub(crate) fn download_to(self, target: LocalStore, options: TransferOptions) -> Box<dyn Transfer> {
        Box::new(Download {
            source: self,
            target,
            options,
        })
    }

    /// Returns the way from here to a Dropbox. The server copies only what an account has itself, so the bytes pass through this
    /// machine.
    pub(crate) fn transfer_to(self, target: DropboxStore, options: TransferOptions) -> Box<dyn Transfer> {
        Box::new(Relay {
            source: RelaySource::Link(self),
            target,
            options,
        })
    }

    /// Returns the source of downloads.
    pub(in crate::dropbox) fn download_from(&self) -> DownloadFrom<'_> {
        DownloadFrom {
            content: Content::Link(self),
            remote: self.client().remote(),
            zips: None,
        }
    }
}

/// Copies files behind a link to a local folder.
#[derive(Debug)]
struct Download {
    source: LinkStore,
    target: LocalStore,
    options: TransferOptions,
}

#[async_trait(?Send)]
impl Transfer for Download {
    async fn copy(&self, steps: Vec<Step>, run: &Run) {
        let from = self.source.download_from();
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
