//! What others publish behind a shared link, as a store that can only be read.

mod list;
mod store;
mod transfer;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use dropbox::{Client, DropboxPath, LinkAddress, LinkProblem, Secret, SharedLink};
use engine::{Error, Result, Retry};
use parking_lot::Mutex;
use shared::api::sharing::Link;

use super::DropboxStore;

/// What a link leads to, or something below it.
#[derive(Clone, Debug)]
pub struct LinkStore {
    client: Arc<Client>,
    link: Arc<SharedLink>,
    place: Location,
    learned: Arc<Learned>,
}

/// Where a store of a link begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Location {
    /// At a path below what the link leads to.
    At(DropboxPath),
    /// Around it: an imaginary folder that has only what the link leads to, under its name.
    Around,
}

/// What calls have said of the link.
#[derive(Debug, Default)]
struct Learned {
    /// The name of what it leads to; until that is known, the one in the address, which has fewer letters.
    name: Mutex<String>,
    /// Whether downloads are forbidden.
    is_view_only: AtomicBool,
}

/// Displayed as a person would type it.
impl fmt::Display for LinkStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match &self.place {
            Location::At(path) => path.clone(),
            Location::Around => DropboxPath::default(),
        };
        LinkAddress {
            url: self.link.url.clone(),
            path,
            name: None,
        }
        .fmt(f)
    }
}

impl LinkStore {
    /// Returns the store at an address, opened by the login of `client` and with a password if it needs one.
    pub fn new(client: Arc<Client>, address: LinkAddress, password: Option<Secret>) -> Self {
        let learned = Learned {
            name: Mutex::new(address.name.unwrap_or_else(|| "link".into())),
            ..Learned::default()
        };
        Self {
            client,
            link: Arc::new(SharedLink::new(address.url, password)),
            place: Location::At(address.path),
            learned: Arc::new(learned),
        }
    }

    /// Returns the client by whose login the link is opened.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Returns the same place by another login.
    #[must_use]
    pub fn by(self, client: Arc<Client>) -> Self {
        Self { client, ..self }
    }

    /// Returns what Dropbox says of the link, and of what it leads to.
    ///
    /// # Errors
    /// When it doesn't open.
    pub async fn open(&self) -> Result<Link> {
        let path = self.path_of("");
        let opened = self.client.open_link(&self.link, &path).await;
        opened.map_err(super::dropbox_error)
    }

    /// Returns the same place in the Dropbox of its login, if what the link leads to is there: the account's own, or in a shared
    /// folder that is mounted. Then the server can copy it. It is shown as `target` is.
    pub async fn in_dropbox(&self, target: &DropboxStore) -> Option<DropboxStore> {
        let client = self.client.as_usual();
        let (root, Location::At(below)) = (DropboxPath::default(), &self.place) else {
            return None;
        };
        // Where anything goes wrong, the link itself will say so.
        let id = client.open_link(&self.link, &root).await.ok()?.id?;
        let path = client.path_of_id(&id).await.ok()??.join(below.as_str());
        Some(DropboxStore::new(Arc::new(client), path, target.view().clone()))
    }

    /// Returns why files can't be downloaded, as far as is known since the last listing.
    pub fn download_refusal(&self) -> Option<Error> {
        let is_view_only = self.learned.is_view_only.load(Ordering::Relaxed);
        is_view_only.then(|| super::dropbox_error(dropbox::Error::Link(LinkProblem::NoDownload)))
    }

    /// Returns the path below the link of what is at `relative` below this place.
    pub(super) fn path_of(&self, relative: &str) -> DropboxPath {
        match &self.place {
            Location::At(path) => path.join(relative),
            Location::Around => {
                let below = relative.split_once('/').map_or("", |(_, below)| below);
                DropboxPath::default().join(below)
            }
        }
    }

    /// Returns the link.
    pub(super) fn link(&self) -> &SharedLink {
        &self.link
    }

    fn at(&self, place: Location) -> Self {
        Self {
            place,
            ..self.clone()
        }
    }

    /// Returns the place of `relative` below it.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        match relative {
            "" => self.clone(),
            relative => self.at(Location::At(self.path_of(relative))),
        }
    }

    /// Returns the place of what the link itself leads to.
    #[must_use]
    pub fn join_root(&self) -> Self {
        self.at(Location::At(DropboxPath::default()))
    }

    /// Returns the folder that it is in, and its name. What the link itself leads to is in an imaginary folder.
    pub fn split(&self) -> Option<(Self, String)> {
        let Location::At(path) = &self.place else {
            return None;
        };
        match (path.parent(), path.name()) {
            (Some(parent), Some(name)) => Some((self.at(Location::At(parent)), name.to_owned())),
            _ => {
                let name = self.learned.name.lock().clone();
                Some((self.at(Location::Around), name))
            }
        }
    }
}

/// Returns the error for changing what a link leads to.
pub(crate) fn read_only() -> Error {
    Error::new(Retry::Never, "a shared link can only be read")
}

#[cfg(test)]
mod tests {
    use dropbox::{Auth, Credentials, Endpoints, Http, RateLimiter};

    use super::*;

    fn store(typed: &str) -> LinkStore {
        let http = Http::new(Endpoints::new(None).unwrap(), "test/1.0");
        let auth = Auth::new("dbx", Credentials::default(), http.clone());
        let client = Client::new(http, auth, 1, Arc::new(RateLimiter::default()));
        LinkStore::new(Arc::new(client), LinkAddress::parse(typed).unwrap(), None)
    }

    #[test]
    fn a_link_is_split_into_a_folder_and_a_name() {
        const FOLDER: &str = "https://www.dropbox.com/scl/fo/id/hash?rlkey=k";
        let (folder, name) = store(&format!("{FOLDER}//a/b")).split().unwrap();
        assert_eq!((folder.to_string(), name.as_str()), (format!("{FOLDER}//a"), "b"));
        assert_eq!(folder.path_of("b").as_str(), "/a/b");

        let (around, name) = store("https://www.dropbox.com/scl/fi/id/f.txt?rlkey=k")
            .split()
            .unwrap();
        assert_eq!(name, "f.txt");
        assert_eq!(
            around.path_of("f.txt").as_str(),
            "",
            "it is what the link leads to"
        );
        assert_eq!(around.path_of("f.txt/x").as_str(), "/x");
        assert!(around.split().is_none());
    }
}
