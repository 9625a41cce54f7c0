//! The engine's suite for stores, on a folder of this machine and on a Dropbox.

#![allow(clippy::unwrap_used, reason = "a test says why it can't go on")]

use std::{fs, sync::Arc};

use async_trait::async_trait;
use dropbox::{Auth, Client, Credentials, DropboxPath, Endpoints, Http, LinkAddress, RateLimiter, Secret};
use engine::{
    conformance::{self, TestStore},
    store::Store,
};
use sandbox::Sandbox;
use serde_json::Value;
use stores::{DropboxStore, LinkStore, LocalStore, dropbox::View};
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

fn client(sandbox: &Sandbox) -> Arc<Client> {
    let http = Http::new(Endpoints::new(Some(sandbox.origin())).unwrap(), "conformance/1.0");
    let credentials = Credentials {
        access_token: Some(Secret::new(sandbox.tokens().unwrap().access_token)),
        ..Credentials::default()
    };
    let auth = Auth::new("test", credentials, http.clone());
    Arc::new(Client::new(http, auth, 8, Arc::new(RateLimiter::default())))
}

struct InDropbox {
    store: DropboxStore,
    sandbox: Sandbox,
}

impl InDropbox {
    fn new(encodes: bool) -> Self {
        let sandbox = Sandbox::builder().start().unwrap();
        sandbox.put_folder("/store").unwrap();
        let path = DropboxPath::parse("/store").unwrap();
        Self {
            store: DropboxStore::new(client(&sandbox), path, View::new(encodes, Vec::new())),
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

struct BehindLink {
    store: LinkStore,
    sandbox: Sandbox,
    /// The folder of the store in what the link leads to.
    below: &'static str,
}

impl BehindLink {
    fn new(below: &'static str) -> Self {
        let sandbox = Sandbox::builder().start().unwrap();
        sandbox
            .put_folder_of_other(&format!("/published/{below}"))
            .unwrap();
        let url = sandbox.publish("/published", &Value::Null, false).unwrap();
        let address = LinkAddress::parse(&format!("{url}//{below}")).unwrap();
        Self {
            store: LinkStore::new(client(&sandbox), address, None),
            sandbox,
            below,
        }
    }
}

#[async_trait(?Send)]
impl TestStore for BehindLink {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn write(&self, path: &str, content: &[u8]) {
        let path = format!("/published/{}/{path}", self.below);
        self.sandbox.put_file_of_other(&path, content, None).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_a_store_to_read() {
    conformance::check_reading(async || BehindLink::new("top")).await;
    conformance::check_reading(async || BehindLink::new("top/sub")).await;
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
