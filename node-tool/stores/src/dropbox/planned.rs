//! What a plan keeps of a Dropbox, so that other processes can carry it out without listing it again, and what changed there
//! since.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    Error, Result, Retry,
    entry::{FileMeta, own_path},
    plan::{
        Step,
        file::{Account, Group, Namespace},
    },
    relative_path::{ancestors, fold},
};
use shared::api::files::{ListFolderResult, Metadata};

use super::{DropboxStore, down::FolderTotals, error::dropbox_error, namespaces::Namespaces};

impl DropboxStore {
    /// Returns whose Dropbox it is, and where its paths start.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn account(&self) -> Result<Account> {
        let account = self.client().current_account().await.map_err(dropbox_error)?;
        Ok(Account {
            id: account.account_id,
            root: self.client().space().await,
        })
    }

    /// Returns the cursor behind which everything is that changes from now on in the folder.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn latest_cursor(&self) -> Result<String> {
        let cursor = self.client().latest_cursor(self.path()).await;
        cursor.map_err(dropbox_error)
    }

    /// Returns what changed in the folder since a cursor was taken.
    ///
    /// # Errors
    /// When Dropbox can't be asked, or no longer knows the cursor.
    pub async fn changes_since(&self, cursor: &str) -> Result<Changes> {
        let mut changes = Changes::default();
        let take = |page: ListFolderResult| {
            page.entries.iter().for_each(|entry| changes.take(entry));
            let odd = page.odd.into_iter().filter_map(|odd| odd.path);
            changes.gone.extend(odd.map(|path| fold(&path).into_owned()));
        };
        match self.client().all_changes(cursor.to_owned(), take).await {
            Ok(()) => Ok(changes),
            Err(error) if error.is_reset() => Err(Error::new(
                Retry::Never,
                "Dropbox no longer knows what changed since then",
            )),
            Err(error) => Err(dropbox_error(error)),
        }
    }

    /// Returns whether a file that was listed is no longer what it was.
    pub fn has_changed(&self, changes: &Changes, path: &str, meta: &FileMeta) -> bool {
        let path = self.path_of(own_path(path, Some(meta)));
        let seen = meta.version.as_ref().map(|version| version.id.as_str());
        changes.is_other(&fold(path.as_str()), seen)
    }

    /// Returns the folders of the source that are downloaded as a zip if these files are copied.
    pub fn groups(&self, copies: &[Step]) -> Vec<Group> {
        self.zip_folders(copies)
    }

    /// Returns the folders below it that have a write lock of their own.
    pub fn locks(&self) -> Vec<Namespace> {
        let namespaces = self.namespaces();
        let all = namespaces.all().into_iter();
        let lock = |(path, id): (&str, &str)| Namespace {
            path: path.to_owned(),
            id: id.to_owned(),
        };
        all.map(lock).collect()
    }

    /// Takes what was listed when a plan was made. What is known of groups counts for one transfer.
    pub fn recall(&self, groups: &[Group], locks: &[Namespace]) {
        let mounts = locks
            .iter()
            .map(|lock| (lock.path.clone(), lock.id.as_str().into()));
        let totals = (!groups.is_empty()).then(|| FolderTotals::of_groups(groups));
        self.set_learned(Namespaces::new(mounts.collect()), totals);
    }
}

/// What changed in a folder of a Dropbox, by folded paths.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The revisions that files have now.
    files: BTreeMap<String, String>,
    /// What was deleted in between, with all that was below it.
    gone: BTreeSet<String>,
}

impl Changes {
    /// Takes the next change.
    fn take(&mut self, entry: &Metadata) {
        match entry {
            Metadata::File(file) => {
                if let Some(path) = &file.path_lower {
                    self.files.insert(fold(path).into_owned(), file.rev.clone());
                }
            }
            Metadata::Deleted(deleted) => {
                if let Some(path) = &deleted.path_lower {
                    let path = fold(path).into_owned();
                    let below = format!("{path}/");
                    self.files.remove(&path);
                    let known = self.files.range(below.clone()..).map(|(known, _)| known);
                    let gone: Vec<String> = known
                        .take_while(|known| known.starts_with(&below))
                        .cloned()
                        .collect();
                    gone.iter().for_each(|known| drop(self.files.remove(known)));
                    self.gone.insert(path);
                }
            }
            Metadata::Folder(_) | Metadata::Unknown => {}
        }
    }

    /// Returns whether something else than the revision that was seen is at a folded path.
    fn is_other(&self, path: &str, seen: Option<&str>) -> bool {
        if let Some(now) = self.files.get(path) {
            return seen != Some(now.as_str());
        }
        let is_gone = |path: &str| self.gone.contains(path);
        // Below a file there is nothing.
        let around = |folder: &str| is_gone(folder) || self.files.contains_key(folder);
        is_gone(path) || ancestors(path).any(around)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(words: &str) -> Changes {
        let mut changes = Changes::default();
        for word in words.split_whitespace() {
            let entry = match word.split_once('=') {
                Some((path, rev)) => serde_json::json!({
                    ".tag": "file", "name": "x", "path_lower": path, "id": "id:1",
                    "client_modified": "2020-01-01T00:00:00Z", "rev": rev, "size": 1,
                }),
                None => serde_json::json!({".tag": "deleted", "path_lower": word}),
            };
            changes.take(&serde_json::from_value(entry).unwrap());
        }
        changes
    }

    #[test]
    fn a_file_has_changed_if_another_revision_or_nothing_is_there() {
        for (words, is_other) in [
            ("", false),
            ("/d/x=1", false),
            ("/d/x=2", true),
            ("/d/x", true),
            ("/d", true),
            ("/d /d/x=1", false),
            ("/d/x=1 /d", true),
            ("/d/y=2 /dd /d/x/y", false),
            ("/d=3", true),
            ("/D/X=2", true),
        ] {
            assert_eq!(changes(words).is_other("/d/x", Some("1")), is_other, "{words}");
        }
    }
}
