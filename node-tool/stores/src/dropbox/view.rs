//! How the contents of a Dropbox are shown here: their names, and cloud documents.

use std::{collections::HashSet, sync::Arc};

use dropbox::{Client, DropboxPath, RemotePath, encoding};
use engine::{
    entry::Entry,
    listing::{LeftOut, Listing},
    relative_path::{fold, is_within, join, parent},
};
use parking_lot::Mutex;

use crate::documents::{self, Documents};

/// How the contents of a Dropbox are shown here.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Whether names are mapped as rclone maps them.
    pub encodes: bool,
    /// The formats that cloud documents are exported to, as file extensions, the preferred first.
    pub exports: Vec<String>,
    /// How cloud documents are shown.
    pub documents: Documents,
    /// Which shared folders are left out of listings.
    pub leaves_out: LeavesOut,
    /// Where odd names were seen: they are shown as they are, and mapping them would lead to another place. Only with
    /// [`encodes`](Self::encodes).
    odd: Arc<OddNames>,
}

/// Which shared folders are left out of listings, with all that is in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeavesOut {
    /// None.
    #[default]
    Nothing,
    /// Those of other people.
    NotOwned,
    /// All.
    Shared,
}

/// Places in Dropboxes whose last name is [odd](encoding::is_odd).
type OddNames = Mutex<HashSet<String>>;

impl View {
    /// Returns a view that maps names if `encodes`, and shows documents as exports in the formats of `exports`.
    pub fn new(encodes: bool, exports: Vec<String>) -> Self {
        Self {
            encodes,
            exports,
            ..Self::default()
        }
    }

    /// Returns the view with other shared folders left out of listings.
    #[must_use]
    pub fn leaving_out(self, leaves_out: LeavesOut) -> Self {
        Self { leaves_out, ..self }
    }

    /// Returns the view with another way of showing documents.
    #[must_use]
    pub fn with_documents(&self, documents: Documents) -> Self {
        Self {
            documents,
            ..self.clone()
        }
    }

    /// Returns the name here of something in a Dropbox.
    pub fn shown(&self, own: &str) -> String {
        if self.encodes {
            encoding::decode(own)
        } else {
            own.to_owned()
        }
    }

    /// Returns where something in a Dropbox is, as a person would type it.
    pub fn location(&self, client: &Client, path: &DropboxPath) -> RemotePath {
        let mut location = client.location(path);
        if self.encodes {
            location.path = DropboxPath::default().join(&encoding::decode(path.as_str()));
        }
        location
    }

    /// Returns the path in Dropbox of what is shown as `relative` below `base`.
    pub fn below(&self, client: &Client, base: &DropboxPath, relative: &str) -> DropboxPath {
        if !self.encodes {
            return base.join(relative);
        }
        let names = relative.split('/').filter(|name| !name.is_empty());
        names.fold(base.clone(), |path, name| {
            let as_it_is = path.join(name);
            if encoding::is_odd(name) && self.odd().contains(&key(client, &as_it_is)) {
                as_it_is
            } else {
                path.join(&encoding::encode_name(name))
            }
        })
    }

    /// Returns the path in Dropbox of a typed one.
    pub fn typed(&self, client: &Client, typed: &DropboxPath) -> DropboxPath {
        let root = DropboxPath::default();
        let learn = self.learn(client, &root, typed.as_str());
        if self.encodes && typed.as_str().split('/').any(encoding::is_odd) {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(learn));
        }
        self.below(client, &root, typed.as_str())
    }

    /// Looks up which names of `relative`, if they are odd themselves, exist below `base` as they are.
    pub async fn learn(&self, client: &Client, base: &DropboxPath, relative: &str) {
        if !self.encodes {
            return;
        }
        let is_there = async |path: &DropboxPath| matches!(client.stat(path).await, Ok(Some(_)));
        let mut path = base.clone();
        for name in relative.split('/').filter(|name| !name.is_empty()) {
            let mapped = path.join(&encoding::encode_name(name));
            let as_it_is = path.join(name);
            if encoding::is_odd(name) && !is_there(&mapped).await && is_there(&as_it_is).await {
                self.note_odd(client, &as_it_is);
                path = as_it_is;
            } else {
                path = mapped;
            }
        }
    }

    /// Records that something with an odd name is at `path`.
    pub fn note_odd(&self, client: &Client, path: &DropboxPath) {
        self.odd().insert(key(client, path));
    }

    fn odd(&self) -> parking_lot::MutexGuard<'_, HashSet<String>> {
        self.odd.lock()
    }

    /// Replaces the names of what was found below `base` by those that it has here.
    pub fn show(&self, found: &mut Listing, client: &Client, base: &DropboxPath) {
        if self.encodes {
            self.show_names(found, client, base);
        }
        match self.documents {
            Documents::Exported => {
                let left_out = documents::show_all(&mut found.entries, &self.exports);
                found.skipped.extend(left_out);
            }
            Documents::AsTheyAre | Documents::Apart => {}
        }
    }

    /// Replaces a single file's name by the one that it has here.
    pub fn show_file(&self, found: &mut Listing) {
        for entry in &mut found.entries {
            entry.path = self.shown(&entry.path);
        }
        match self.documents {
            Documents::Exported => {
                let Listing {
                    entries, unreadable, ..
                } = found;
                entries.retain_mut(|entry| {
                    let is_shown = documents::show_one(entry, &self.exports);
                    if !is_shown {
                        unreadable.push(LeftOut::new(&entry.path, documents::NO_EXPORT));
                    }
                    is_shown
                });
            }
            Documents::AsTheyAre | Documents::Apart => {}
        }
    }

    /// Shows what was asked for by its own name: a document as its export, if it has one.
    pub fn show_one(&self, mut entry: Entry) -> Entry {
        if self.documents == Documents::Exported {
            documents::show_one(&mut entry, &self.exports);
        }
        entry
    }

    fn show_names(&self, found: &mut Listing, client: &Client, base: &DropboxPath) {
        let hidden = hidden(&found.entries);
        let Listing {
            entries, unreadable, ..
        } = found;
        entries.retain_mut(|entry| {
            if hidden.iter().any(|odd| is_within(&entry.path, odd)) {
                let reason = "another name in this folder is shown the same with --encode-names";
                unreadable.push(LeftOut::new(&entry.path, reason));
                return false;
            }
            if encoding::is_odd(entry.name()) {
                self.note_odd(client, &base.join(&entry.path));
            }
            entry.path = encoding::decode(&entry.path);
            true
        });
        entries.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

/// Returns a key that distinguishes a path from the same one below another root or in another account.
fn key(client: &Client, path: &DropboxPath) -> String {
    client.location(path).to_string()
}

/// Returns the paths with odd names under which something else is shown.
fn hidden(entries: &[Entry]) -> Vec<String> {
    let odd: Vec<(&str, String)> = entries
        .iter()
        .filter(|entry| encoding::is_odd(entry.name()))
        .map(|entry| (entry.path.as_str(), image(entry)))
        .collect();
    if odd.is_empty() {
        return Vec::new();
    }
    let there: HashSet<_> = entries.iter().map(|entry| fold(&entry.path)).collect();
    odd.into_iter()
        .filter(|(_, image)| there.contains(&fold(image)))
        .map(|(path, _)| path.to_owned())
        .collect()
}

/// Returns where a local file of an entry's odd name would be.
fn image(entry: &Entry) -> String {
    let name = encoding::encode_name(entry.name());
    join(parent(&entry.path), &name)
}
