//! What the engine, and people who print files, want of a link.

use async_trait::async_trait;
use engine::{
    Result,
    entry::{Entry, FileMeta, Modified},
    listing::{Capabilities, Listing, NameRules, Query},
    store::{Rename, Store},
};
use shared::content_hash::{ContentHash, Hasher};

use super::{LinkStore, read_only};
use crate::read::Range;

#[async_trait(?Send)]
impl Store for LinkStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            names: NameRules {
                ignores_case: true,
                store: "a shared link",
                refusal: |_| Some(read_only().to_string()),
            },
            sets_times: false,
            stats_many: false,
            has_symlinks: false,
        }
    }

    async fn stat(&self, path: &str) -> Result<Option<Entry>> {
        let place = self.path_of(path);
        if place.check().is_err() {
            return Ok(None);
        }
        let there = self.look(&place).await?;
        Ok(there.map(|entry| match path {
            "" => entry,
            path => Entry {
                path: path.to_owned(),
                ..entry
            },
        }))
    }

    async fn list(&self, query: Query<'_>) -> Result<Listing> {
        self.walk(query.filter).await
    }

    async fn make_dirs(&self, paths: &[&str]) -> Vec<Result<()>> {
        paths.iter().map(|_| Err(read_only())).collect()
    }

    async fn remove_files(&self, files: &[(&str, Option<&FileMeta>)]) -> Vec<Result<()>> {
        files.iter().map(|_| Err(read_only())).collect()
    }

    async fn remove_dirs(&self, paths: &[&str]) -> Vec<Result<()>> {
        paths.iter().map(|_| Err(read_only())).collect()
    }

    async fn rename(&self, renames: &[Rename<'_>]) -> Vec<Result<Option<Box<str>>>> {
        renames.iter().map(|_| Err(read_only())).collect()
    }

    async fn checksum(&self, path: &str, meta: &FileMeta) -> Result<Option<ContentHash>> {
        if let Some(known) = meta.checksum() {
            return Ok(Some(known));
        }
        let mut hasher = Hasher::new();
        let mut sink = |bytes: &[u8]| {
            hasher.update(bytes);
            Ok(true)
        };
        self.join(path).read(meta, Range::All, &mut sink).await?;
        Ok(Some(hasher.finish()))
    }

    async fn set_modified(&self, _: &str, _: Modified) -> Result<()> {
        Err(read_only())
    }
}
