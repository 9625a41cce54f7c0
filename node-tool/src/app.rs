//! What every command works with.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use dropbox::{Cache, Client, Http, RateLimiter, RemotePath};
use engine::run::Shutdown;
use parking_lot::Mutex;
use shared::{
    endpoints::{Endpoints, ORIGIN_VARIABLE},
    failure::Failure,
    plain::quoted,
};
use stores::{DropboxStore, Place, dropbox::View};

use crate::{
    config::{Defaults, Environment, Remote, Store, auth},
    failures::config_failure,
    location::Location,
};

/// What cloud documents are exported to unless something says otherwise.
const USUAL_EXPORTS: [&str; 2] = ["html", "md"];
/// From this likeness on, of 1, a name is offered.
const NEAR: f64 = 0.75;

/// What every command works with.
#[derive(Debug)]
pub struct App {
    /// The config file.
    pub store: Store,
    /// Where Dropbox is.
    pub endpoints: Endpoints,
    /// The way there.
    pub http: Http,
    /// What the user's file and the centre's set for all remotes.
    pub defaults: Defaults,
    /// Connections at once, at most.
    pub transfers: usize,
    /// The rates that the user set.
    pub rates: Arc<RateLimiter>,
    /// Errors only.
    pub quiet: bool,
    /// How often a line tells how far a transfer is, where there is no terminal.
    pub stats: Option<Duration>,
    /// Where it is kept how far big files are.
    pub state: Option<PathBuf>,
    /// Where listings are kept from one run to the next.
    pub cache: Option<Cache>,
    /// Tries of one call, at most.
    pub tries: Option<u32>,
    /// Bytes of content in memory at once.
    pub memory_bytes: usize,
    /// When nothing new is to be begun any more.
    pub shutdown: Shutdown,
    /// How what is in a Dropbox is shown here.
    pub view: View,
    /// The accounts that were connected to, each once: what they may do at once counts for all their uses.
    pub clients: Mutex<HashMap<String, Arc<Client>>>,
}

impl App {
    /// Connects with a remote of the config.
    ///
    /// # Errors
    /// When there is no such remote; the nearest name is told.
    pub fn client(&self, name: &str) -> Result<Arc<Client>, Failure> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(name) {
            return Ok(Arc::clone(client));
        }
        let (remote, is_in_file) = self.remote(name)?;
        let store = is_in_file.then_some(&self.store);
        let auth = auth(store, name, &remote, self.http.clone());
        let client = Client::new(self.http.clone(), auth, self.transfers, Arc::clone(&self.rates));
        let client = Arc::new(client.with_cache(self.cache.clone()).with_tries(self.tries));
        clients.insert(name.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    /// No such remote: names the nearest, and where was looked.
    pub fn unknown_remote<'a>(&self, name: &str, known: impl Iterator<Item = &'a String> + Clone) -> Failure {
        unknown_remote(name, known).why(format!("the config is {}", self.store.place()))
    }

    /// What is known of a remote, and whether its login is the file's: another one is not renewed there.
    fn remote(&self, name: &str) -> Result<(Remote, bool), Failure> {
        let mut config = self.store.load().map_err(config_failure)?;
        let environment = Environment::here();
        let known = match config.remotes.contains_key(name) {
            true => Some(name.to_owned()),
            false => environment.alias(name, &config),
        };
        if let Some(remote) = known.and_then(|known| config.remotes.remove(&known)) {
            return Ok((remote, environment.login_of(name).is_none()));
        }
        let any = environment.any().map(|remote| (remote, false));
        any.ok_or_else(|| self.unknown_remote(name, config.remotes.keys()))
    }

    /// How what is in a remote's Dropbox is shown here: as the flags say, else as the remote's settings do.
    fn view_of(&self, name: &str) -> View {
        let mut view = self.view.clone();
        let Ok((remote, _)) = self.remote(name) else {
            return view;
        };
        view.encodes |= remote.encode_names;
        if !remote.export_formats.is_empty() && view.exports == USUAL_EXPORTS {
            view.exports = remote.export_formats;
        }
        view
    }

    /// The place that a person typed.
    ///
    /// # Errors
    /// When it is no place, or its remote isn't connected.
    pub fn place(&self, text: &str) -> Result<Place, Failure> {
        match Location::parse(text).map_err(|e| Failure::usage(e.to_string()))? {
            Location::Local(path) => Ok(Place::local(&path)),
            Location::Remote(RemotePath {
                remote,
                path,
                from_root,
            }) => {
                let client = self.client(&remote)?;
                let client = if from_root {
                    Arc::new(client.from_root())
                } else {
                    client
                };
                let view = self.view_of(&remote);
                let path = view.typed(&client, &path);
                path.check().map_err(|e| Failure::usage(e.to_string()))?;
                Ok(Place::Dropbox(DropboxStore::new(client, path, view)))
            }
        }
    }
}

/// Returns a client of a remote of the config for one call that is tried once. `None` if there can't be one.
pub(crate) fn client_for_one_call(store: &Store, name: &str) -> Option<Client> {
    let remote = store.load().ok()?.remotes.remove(name)?;
    let origin = std::env::var(ORIGIN_VARIABLE).ok();
    let http = Http::new(Endpoints::new(origin.as_deref()).ok()?, crate::USER_AGENT);
    let auth = auth(Some(store), name, &remote, http.clone());
    let rates = Arc::new(RateLimiter::default());
    Some(Client::new(http, auth, 1, rates).with_tries(Some(1)))
}

/// No such remote.
fn unknown_remote<'a>(name: &str, known: impl Iterator<Item = &'a String> + Clone) -> Failure {
    let failure = Failure::new(format!("there is no remote '{name}:'"));
    let names: Vec<String> = known.clone().map(|n| format!("{n}:")).collect();
    let near = known.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    let failure = match near.filter(|near| strsim::jaro_winkler(near, name) > NEAR) {
        _ if names.is_empty() => failure.why("no remote is set up yet"),
        Some(near) => failure
            .why(format!("there are: {}; did you mean {near}: ?", names.join(", ")))
            .next(format!("node-tool lsd {}", quoted(&format!("{near}:")))),
        None => failure
            .why(format!("there are: {}", names.join(", ")))
            .next("node-tool config list"),
    };
    failure.next(format!("node-tool config create {}", quoted(name)))
}
