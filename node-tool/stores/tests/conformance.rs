//! The engine's suite for stores, on a folder of this machine and on a Dropbox.

#![allow(clippy::unwrap_used, reason = "a test says why it can't go on")]

use std::{fs, sync::Arc};

use async_trait::async_trait;
use dropbox::{Auth, Client, Credentials, DropboxPath, Endpoints, Http, RateLimiter, Secret};
use engine::{
    conformance::{self, TestStore},
    store::Store,
};
use sandbox::Sandbox;
use stores::{DropboxStore, LocalStore, dropbox::View};
use tempfile::TempDir;

struct Local {
    store: LocalStore,
    folder: TempDir,
}

impl Local {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: LocalStore::new(folder.path()),
            folder,
        }
    }
}

#[async_trait(?Send)]
impl TestStore for Local {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn write(&self, path: &str, content: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

struct InDropbox {
    store: DropboxStore,
    sandbox: Sandbox,
}

impl InDropbox {
    fn new(encodes: bool) -> Self {
        let sandbox = Sandbox::builder().start().unwrap();
        let http = Http::new(Endpoints::new(Some(sandbox.origin())).unwrap(), "conformance/1.0");
        let credentials = Credentials {
            access_token: Some(Secret::new(sandbox.tokens().unwrap().access_token)),
            ..Credentials::default()
        };
        let auth = Auth::new("test", credentials, http.clone());
        let client = Client::new(http, auth, 8, Arc::new(RateLimiter::default()));
        sandbox.put_folder("/store").unwrap();
        let path = DropboxPath::parse("/store").unwrap();
        Self {
            store: DropboxStore::new(Arc::new(client), path, View::new(encodes, Vec::new())),
            sandbox,
        }
    }
}

#[async_trait(?Send)]
impl TestStore for InDropbox {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn write(&self, path: &str, content: &[u8]) {
        self.sandbox
            .put_file(&format!("/store/{path}"), content, None)
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_folder_is_a_store() {
    conformance::check(async || Local::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropbox_is_a_store() {
    conformance::check(async || InDropbox::new(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropbox_with_mapped_names_is_a_store() {
    conformance::check(async || InDropbox::new(true)).await;
}
