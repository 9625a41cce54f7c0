//! Down: folders of many small files as zips.
//!
//! A zip tells nothing that is believed: of each file in it that is wanted, size and hash are compared with the listing.
//! What is missing, differs or can't be read comes by itself afterwards.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use shared::{
    api::files::{DOWNLOAD_ZIP, PathArg},
    content_hash::Hasher,
};
use zip::ZipArchive;

use super::{
    Event, Limits, Listener, blocking,
    download::{Problem, place},
    outcome::Outcomes,
};
use crate::{
    dropbox::{Client, DropboxPath, Error, Fate},
    local::{Partial, Root},
    plan::{Action, Bundle, MOST_BYTES, MOST_ENTRIES},
};

/// Where bundles come from and go to.
pub(super) struct Zips<'a> {
    pub client: &'a Client,
    pub from: &'a DropboxPath,
    pub root: &'a Root,
    pub limits: &'a Limits,
    pub outcomes: &'a Outcomes<'a>,
    /// Zips that could not be had. After some of them no more are asked for.
    pub refused: AtomicUsize,
}

/// So many refusals show that there are no zips to be had.
const REFUSALS: usize = 2;

impl Zips<'_> {
    /// Brings a bundle; gives back what has to come by itself.
    pub async fn bring(&self, bundle: Bundle) -> Vec<Action> {
        if self.refused.load(Ordering::Relaxed) >= REFUSALS || self.outcomes.is_over() {
            return bundle.actions;
        }
        let fetched = self.fetch(&bundle.folder).await;
        let file = match fetched {
            Ok(file) => file,
            Err(Problem::Dropbox(error)) if error.fate() == Fate::StopRun => {
                // That is told once, and then nothing is begun any more.
                if let Some(first) = bundle.actions.first().filter(|_| !self.outcomes.is_over()) {
                    self.outcomes.failed(first, &error);
                }
                return Vec::new();
            }
            Err(why) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                tracing::info!("'{}' comes file by file, not as a zip: {why:?}", bundle.folder);
                return bundle.actions;
            }
        };
        let unpacking = Unpacking {
            root: self.root.clone(),
            links: self.limits.links,
            anything: self.limits.overwrite_newer,
            listener: Arc::clone(self.outcomes.listener()),
        };
        blocking(move || unpacking.unpack(file, bundle)).await
    }

    /// The zip, in a file without a name.
    async fn fetch(&self, folder: &str) -> Result<File, Problem> {
        let path = if folder.is_empty() {
            self.from.clone()
        } else {
            self.from.join(folder)
        };
        let arg = PathArg {
            path: path.as_str().to_owned(),
        };
        // What works file by file needs no second try, except where all have to wait.
        let is_answer = |error: &Error| !matches!(error, Error::RateLimited { .. } | Error::Portal(_));
        let mut download = self
            .client
            .download_unless(&DOWNLOAD_ZIP, &arg, None, &mut self.client.tries(), is_answer)
            .await?;
        let file = tokio::task::block_in_place(|| self.root.unnamed())?;
        let mut at = 0;
        // Names and their checksums come on top of the content; something is wrong with a zip that is far larger.
        let most = MOST_BYTES * 2 + MOST_ENTRIES * 2048;
        while let Some(chunk) = download.chunk().await? {
            tokio::task::block_in_place(|| Partial::write_at(&file, &chunk, at))?;
            at += chunk.len() as u64;
            if self.outcomes.is_over() {
                return Err(Problem::Halted);
            }
            if at > most {
                return Err(Problem::Wrong("it doesn't end"));
            }
        }
        Ok(file)
    }
}

/// Work on the disk, for a thread of its own.
struct Unpacking {
    root: Root,
    links: bool,
    anything: bool,
    listener: Listener,
}

impl Unpacking {
    /// Puts what is wanted in its place.
    fn unpack(&self, file: File, bundle: Bundle) -> Vec<Action> {
        let mut archive = match ZipArchive::new(file) {
            Ok(archive) => archive,
            Err(error) => {
                tracing::info!("the zip of '{}' can't be read: {error}", bundle.folder);
                return bundle.actions;
            }
        };
        let below = |path: &str| match bundle.folder.as_str() {
            "" => path.to_owned(),
            folder => path[folder.len() + 1..].to_owned(),
        };
        let mut wanted: HashMap<String, Action> = bundle
            .actions
            .into_iter()
            .map(|action| (below(&action.from), action))
            .collect();
        for index in 0..archive.len() {
            let Ok(mut entry) = archive.by_index(index) else {
                continue;
            };
            // The first name is the folder's own.
            let name = entry
                .name()
                .ok()
                .and_then(|name| Some(name.split_once('/')?.1.to_owned()));
            let Some((name, action)) = name.and_then(|name| wanted.remove_entry(&name)) else {
                continue;
            };
            match self.place(&mut entry, &action) {
                Ok(()) => {
                    (self.listener)(Event::Moved {
                        bytes: action.source.size_bytes,
                        of: None,
                    });
                    (self.listener)(Event::Copied {
                        path: action.from,
                        bytes: action.source.size_bytes,
                        replaced: action.over.is_some(),
                    });
                }
                Err(error) => {
                    tracing::info!("'{}' comes by itself, not from the zip: {error}", action.from);
                    wanted.insert(name, action);
                }
            }
        }
        let mut rest: Vec<Action> = wanted.into_values().collect();
        rest.sort_by(|a, b| a.from.cmp(&b.from));
        rest
    }

    fn place(&self, entry: &mut impl Read, action: &Action) -> io::Result<()> {
        let partial = Partial::create(&self.root, &action.to)?;
        let (file, mut hasher) = (partial.file(), Hasher::new());
        let (mut at, mut buffer) = (0, vec![0; 1 << 16]);
        loop {
            let count = entry.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            Partial::write_at(&file, &buffer[..count], at)?;
            at += count as u64;
            if at > action.source.size_bytes {
                break;
            }
        }
        let expected = action
            .source
            .remote
            .as_ref()
            .and_then(|remote| remote.content_hash);
        if at != action.source.size_bytes || Some(hasher.finish()) != expected {
            return Err(io::Error::other("it is not what the listing says"));
        }
        place(partial, action, self.links, self.anything)
    }
}
