//! What every command needs.

use std::{collections::HashMap, sync::Arc, time::Duration};

use dropbox::{Cache, Client, Http, LinkAddress, PauseBoard, RateLimiter, RemotePath, is_address};
use engine::{entry::Modified, run::Shutdown};
use parking_lot::Mutex;
use shared::{
    endpoints::{Endpoints, ORIGIN_VARIABLE},
    failure::Failure,
    plain::quoted,
};
use stores::{DropboxStore, LinkStore, Place, SharedPause, StateDir, dropbox::View};

use crate::{
    app_team as team,
    as_rclone::{self, NO_FILE_SYSTEM},
    config::{Defaults, Environment, Remote, Store, auth},
    failures::config_failure,
    flags::links::LinkOptions,
    location::Location,
    typed,
};

/// Default formats that cloud documents are exported to.
const DEFAULT_EXPORTS: [&str; 2] = ["html", "md"];
/// Minimum similarity, of 1, at which a name is offered.
const MIN_SIMILARITY: f64 = 0.75;

/// What every command needs.
#[derive(Debug)]
pub struct App {
    /// The config file.
    pub store: Store,
    /// Where Dropbox is.
    pub endpoints: Endpoints,
    /// The HTTP client.
    pub http: Http,
    /// Defaults from the user's file and the centre's.
    pub defaults: Defaults,
    /// The time that is shown for what has none.
    pub default_time: Modified,
    /// Maximum number of connections at once.
    pub transfers: usize,
    /// The rates that the user set.
    pub rates: Arc<RateLimiter>,
    /// Whether only errors are printed.
    pub quiet: bool,
    /// The interval of progress lines without a terminal.
    pub stats: Option<Duration>,
    /// Where what outlasts the process is kept.
    pub state: Option<StateDir>,
    /// The cache of listings.
    pub cache: Option<Cache>,
    /// Maximum number of attempts of one call.
    pub tries: Option<u32>,
    /// Maximum number of bytes of content in memory at once.
    pub memory_bytes: usize,
    /// Requested when nothing new is to be started.
    pub shutdown: Shutdown,
    /// The e-mail address of the member of a team whose files are meant.
    pub as_member: Option<String>,
    /// How the contents of a Dropbox are shown here.
    pub view: View,
    /// How shared links are opened.
    pub links: LinkOptions,
    /// The accounts in use, each once: its limits apply to all uses together.
    pub clients: Mutex<HashMap<String, Arc<Client>>>,
}

impl App {
    /// Returns the client of a remote in the config.
    ///
    /// # Errors
    /// When there is no such remote; the error names the most similar one.
    pub fn client(&self, name: &str) -> Result<Arc<Client>, Failure> {
        if let Some(client) = self.clients.lock().get(name) {
            return Ok(Arc::clone(client));
        }
        let (remote, is_in_file) = self.remote(name)?;
        Ok(self.client_of(name, remote, is_in_file))
    }

    /// Returns the client of a remote that was read from the config. `is_in_file` says whether its login is renewed there.
    fn client_of(&self, name: &str, mut remote: Remote, is_in_file: bool) -> Arc<Client> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(name) {
            return Arc::clone(client);
        }
        remote.member = self.as_member.clone().or(remote.member);
        let store = is_in_file.then_some(&self.store);
        let auth = auth(store, name, &remote, self.http.clone());
        let client = Client::new(self.http.clone(), auth, self.transfers, Arc::clone(&self.rates));
        let board = self.pause_board(name, &remote);
        let client = client.with_cache(self.cache.clone()).with_tries(self.tries);
        let client = Arc::new(client.with_pause_board(board));
        clients.insert(name.to_owned(), Arc::clone(&client));
        client
    }

    /// Returns the client of a remote whose login is to be used, and the remote's settings.
    ///
    /// # Errors
    /// When there is no such remote, or it is not said whose files are meant.
    fn login(&self, name: &str) -> Result<(Arc<Client>, Remote), Failure> {
        let (remote, is_in_file) = self.remote(name)?;
        team::check(name, &remote, self.as_member.as_deref())?;
        Ok((self.client_of(name, remote.clone(), is_in_file), remote))
    }

    /// Returns where the pauses of a remote's login are shared with other processes.
    fn pause_board(&self, name: &str, remote: &Remote) -> Option<Arc<dyn PauseBoard>> {
        let login = remote.account_id.as_deref().unwrap_or(name);
        let state = self.state.as_ref()?;
        Some(Arc::new(SharedPause::new(state, login)))
    }

    /// Returns the error for an unknown remote, with the most similar name and where remotes were searched.
    pub fn unknown_remote<'a>(&self, name: &str, known: impl Iterator<Item = &'a String> + Clone) -> Failure {
        if as_rclone::is_on() {
            return self.no_file_system(name);
        }
        unknown_remote(name, known).why(format!("the config is {}", self.store.place()))
    }

    /// Returns the error for an unknown or unusable remote in rclone's words.
    fn no_file_system(&self, name: &str) -> Failure {
        let place = format!("{name}:");
        let failure = |why: &str| Failure::new(format!("{NO_FILE_SYSTEM}{place:?}: {why}"));
        match self.store.why_not(name) {
            None => failure(&format!("didn't find section in config file ({name:?})")),
            Some(why) => failure(&why).next(format!("node-tool config create {}", quoted(name))),
        }
    }

    /// Returns a remote, and whether its login is from the file: only then it is renewed there.
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

    /// Returns how the contents of a remote's Dropbox are shown here: by the flags, otherwise by the remote's settings.
    fn view_of(&self, remote: &Remote) -> View {
        let mut view = self.view.clone();
        view.encodes |= remote.encode_names;
        if !remote.export_formats.is_empty() && view.exports == DEFAULT_EXPORTS {
            view.exports.clone_from(&remote.export_formats);
        }
        view
    }

    /// Returns whether there is a remote of this name.
    fn knows_remote(&self, name: &str) -> bool {
        let config = self.store.load();
        config.is_ok_and(|config| config.remotes.contains_key(name))
    }

    /// Returns the place that a person typed.
    ///
    /// # Errors
    /// When it is no place, its remote isn't connected, or it is a local path that isn't there and looks like a remote's, without
    /// the colon.
    pub fn place(&self, text: &str) -> Result<Place, Failure> {
        match self.with_colon(text) {
            Some(meant) => Err(forgotten_colon(text, &meant)),
            None => self.place_as_typed(text),
        }
    }

    /// Returns what a local path is with a colon, if it isn't there and its first name is that of a remote.
    fn with_colon(&self, text: &str) -> Option<String> {
        let Ok(Location::Local(path)) = Location::parse(text) else {
            return None;
        };
        let (name, rest) = text.split_once('/').unwrap_or((text, ""));
        let is_there = path.symlink_metadata().is_ok();
        (!is_there && self.knows_remote(name)).then(|| format!("{name}:{rest}"))
    }

    /// Returns the place that a person typed, which may be new.
    ///
    /// # Errors
    /// When it is no place, or its remote isn't connected.
    pub fn place_as_typed(&self, text: &str) -> Result<Place, Failure> {
        match Location::parse(text).map_err(|e| Failure::usage(e.to_string()))? {
            Location::Local(path) => Ok(Place::local(&path)),
            Location::Link(address) => self.link(address, None),
            Location::Remote(RemotePath {
                remote,
                path,
                from_root,
                shared,
            }) => {
                let (client, settings) = self.login(&remote)?;
                let client = match shared {
                    Some(folder) => Arc::new(client.in_shared_folder(&folder)),
                    None if from_root => Arc::new(client.from_root()),
                    None => client,
                };
                let view = self.view_of(&settings);
                let path = view.typed(&client, &path);
                path.check().map_err(|e| Failure::usage(e.to_string()))?;
                Ok(Place::Dropbox(DropboxStore::new(client, path, view)))
            }
        }
    }
}

impl App {
    /// Returns the source and the target that a person typed. A shared link is opened by the login of the other place.
    ///
    /// # Errors
    /// When one is no place, or its remote isn't connected.
    pub fn places(&self, source: &str, target: &str) -> Result<(Place, Place), Failure> {
        if !is_address(source) {
            return Ok((self.place(source)?, self.place(target)?));
        }
        let target = self.place_as_typed(target)?;
        let parsed = Location::parse(source).map_err(|e| Failure::usage(e.to_string()))?;
        let source = match parsed {
            Location::Link(address) => self.link(address, target.remote())?,
            _ => self.place(source)?,
        };
        Ok((source, target))
    }

    /// Returns the place behind a link, opened by the login of `--link-remote`, of the remote `beside`, or of the only one.
    fn link(&self, address: LinkAddress, beside: Option<&str>) -> Result<Place, Failure> {
        let client = self.login_for_link(beside)?;
        let password = self.links.password.clone();
        Ok(Place::Link(LinkStore::new(client, address, password)))
    }

    /// Returns the login that opens shared links: that of `--link-remote`, of the remote `beside`, or of the only one.
    ///
    /// # Errors
    /// When there is no such remote, or none, or more than one, or it is not said whose files are meant.
    pub fn login_for_link(&self, beside: Option<&str>) -> Result<Arc<Client>, Failure> {
        let only;
        let name = match (&self.links.remote, beside) {
            (Some(name), _) => name,
            (None, Some(name)) => name,
            (None, None) => {
                only = self.only_remote("open the link", "add --link-remote NAME")?;
                &*only
            }
        };
        Ok(self.login(name)?.0)
    }

    /// Returns the name of the only remote. `what` is what its login is for, `how` how to name one of several.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn only_remote(&self, what: &str, how: &str) -> Result<String, Failure> {
        let config = self.store.load().map_err(config_failure)?;
        let names: Vec<&String> = config.remotes.keys().collect();
        match names.as_slice() {
            [name] => Ok((*name).clone()),
            // Any name will do.
            [] if Environment::here().any().is_some() => Ok("dropbox".into()),
            [] => Err(
                Failure::usage(format!("could not {what}: that takes a login to Dropbox"))
                    .why("no remote is set up yet")
                    .next("node-tool config create dbx"),
            ),
            names => {
                let names: Vec<String> = names.iter().map(|name| format!("{name}:")).collect();
                Err(
                    Failure::usage(format!("could not {what}: which login is to do that?"))
                        .why(format!("there are: {}", names.join(", ")))
                        .hint(how),
                )
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

/// A local path that was probably meant as a remote's.
fn forgotten_colon(text: &str, meant: &str) -> Failure {
    let failure = Failure::usage(format!(
        "there is no '{text}' on this machine; did you mean {meant} ?"
    ));
    let failure = match typed::with_word(text, meant) {
        Some(line) => failure.next(line),
        None => failure,
    };
    failure.hint(format!("a local path of this name is './{text}'"))
}

/// No such remote.
fn unknown_remote<'a>(name: &str, known: impl Iterator<Item = &'a String> + Clone) -> Failure {
    let failure = Failure::new(format!("there is no remote '{name}:'"));
    let names: Vec<String> = known.clone().map(|n| format!("{n}:")).collect();
    let near = known.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    let failure = match near.filter(|near| strsim::jaro_winkler(near, name) > MIN_SIMILARITY) {
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
