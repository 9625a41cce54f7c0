//! A strict Dropbox on loopback.
//!
//! [`server`] takes connections, [`api`] answers one call after [`gate`] has looked at it, [`routes`] says which of
//! [`files`], [`account`] and [`sharing`] does the work on the [`state`]. [`schema`] knows what arguments look like,
//! [`oauth`] and [`pages`] let people log in, [`network`] models latency and bandwidth, [`faults`] makes calls fail, [`record`] logs every call, and
//! [`control`] is what tests do behind the programs' backs.
//!
//! What is unknown about the real service is refused here, so that the programs don't come to rely on it: the same
//! session twice in one batch, empty entries of a batch, decomposed names in lookups.

mod account;
mod answer;
mod api;
mod clock;
mod content;
pub mod control;
mod control_others;
mod edit;
pub mod faults;
pub mod files;
mod gate;
mod hash;
mod history;
mod metadata;
mod names;
pub mod network;
mod oauth;
mod pages;
pub mod record;
mod routes;
mod schema;
mod server;
mod sharing;
mod state;
mod team;
mod tls;
mod tree;
mod words;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::oneshot;

pub use control::{Allowed, Stored, Tokens};
pub use faults::{Fault, Kind};
pub use network::NetworkModel;
pub use record::Entry;
pub use tls::NAMES;

use clock::Clock;
use content::Store;
use oauth::{App, SCOPES, TEAM_SCOPES};
use server::Server;
use state::{Settings, State};

/// The app key that sandboxes know unless told otherwise.
pub const APP_KEY: &str = "appkey0sandbox1";
/// The secret that goes with it.
pub const APP_SECRET: &str = "appsecret0sandb";
/// The redirect URI that the programs use.
pub const REDIRECT_URI: &str = "http://localhost:53682/";

/// How a sandbox is to be.
#[derive(Clone, Debug)]
pub struct Builder {
    app_key: String,
    app_secret: String,
    redirects: Vec<String>,
    team: bool,
    team_app: bool,
    settings: Settings,
    port: u16,
    state_dir: Option<PathBuf>,
    tls: Option<(PathBuf, SocketAddr)>,
    network: NetworkModel,
}

/// A sandbox that runs until it is dropped. It derefs to what tests may do to it.
pub struct Sandbox {
    server: Arc<Server>,
    app_key: String,
    app_secret: String,
    tls_addr: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// A personal account, an app with all boxes ticked, no delays.
    pub fn builder() -> Builder {
        Builder {
            app_key: APP_KEY.into(),
            app_secret: APP_SECRET.into(),
            redirects: vec![REDIRECT_URI.into()],
            team: false,
            team_app: false,
            settings: Settings::default(),
            port: 0,
            state_dir: None,
            tls: None,
            network: NetworkModel::default(),
        }
    }

    /// The address that stands for all of Dropbox's hosts.
    pub fn origin(&self) -> &str {
        &self.server.origin
    }

    /// The app's key.
    pub fn app_key(&self) -> &str {
        &self.app_key
    }

    /// The app's secret.
    pub fn app_secret(&self) -> &str {
        &self.app_secret
    }

    /// Where it speaks TLS.
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls_addr
    }

    /// Tokens of the app with all scopes, without a login.
    pub fn tokens(&self) -> anyhow::Result<Tokens> {
        self.server.grant(&self.app_key, None, false)
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Entry> {
        self.server.record.all()
    }

    /// How often a route was called.
    pub fn count(&self, route: &str) -> usize {
        self.counts().get(route).copied().unwrap_or_default()
    }

    /// How often each route was called.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.server.record.counts()
    }

    /// Forgets the calls.
    pub fn reset_calls(&self) {
        self.server.record.clear();
    }

    /// Makes calls go wrong.
    pub fn fault(&self, fault: Fault) {
        self.server.faults.add(fault);
    }

    /// Replaces the network model.
    pub fn set_network(&self, model: NetworkModel) {
        self.server.network.set(model);
    }

    /// Calls go well again.
    pub fn clear_faults(&self) {
        self.server.faults.clear();
    }
}

impl Deref for Sandbox {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Builder {
    /// Another app.
    #[must_use]
    pub fn app(mut self, key: &str, secret: &str) -> Self {
        (self.app_key, self.app_secret) = (key.into(), secret.into());
        self
    }

    /// One more registered redirect URI.
    #[must_use]
    pub fn redirect_uri(mut self, uri: &str) -> Self {
        self.redirects.push(uri.into());
        self
    }

    /// A member of a team with a team space.
    #[must_use]
    pub fn team_space(mut self) -> Self {
        self.team = true;
        self
    }

    /// The app is one for whole teams, and Ann is a team's admin.
    #[must_use]
    pub fn team_app(mut self) -> Self {
        self.team_app = true;
        self.team_space()
    }

    /// Most bytes of request headers.
    #[must_use]
    pub fn header_limit(mut self, bytes: usize) -> Self {
        self.settings.header_limit = bytes;
        self
    }

    /// Larger headers are not answered: the connection is cut.
    #[must_use]
    pub fn header_cuts(mut self) -> Self {
        self.settings.header_cuts = true;
        self
    }

    /// Most entries on a page.
    #[must_use]
    pub fn page_limit(mut self, entries: usize) -> Self {
        self.settings.page_limit = entries;
        self
    }

    /// All pages full, for benchmarks.
    #[must_use]
    pub fn even_pages(mut self) -> Self {
        self.settings.odd_pages = false;
        self
    }

    /// Names with emoji are refused.
    #[must_use]
    pub fn refuse_astral(mut self) -> Self {
        self.settings.refuse_astral = true;
        self
    }

    /// Deleted files and replaced revisions are kept for so long.
    #[must_use]
    pub fn history(mut self, kept: Duration) -> Self {
        self.settings.history = kept;
        self
    }

    /// A revision can be restored to the path only that it was at.
    #[must_use]
    pub fn restores_in_place(mut self) -> Self {
        self.settings.restores_in_place = true;
        self
    }

    /// Sets the network model; the default adds no delay.
    #[must_use]
    pub fn network(mut self, model: NetworkModel) -> Self {
        self.network = model;
        self
    }

    /// A fixed port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where large content is kept.
    #[must_use]
    pub fn state_dir(mut self, dir: &Path) -> Self {
        self.state_dir = Some(dir.to_owned());
        self
    }

    /// Also TLS at the real host names; the authority's certificate goes to `dir/ca.pem`.
    #[must_use]
    pub fn tls(mut self, dir: &Path, addr: SocketAddr) -> Self {
        self.tls = Some((dir.to_owned(), addr));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When a port or the disk can't be had.
    pub fn start(self) -> anyhow::Result<Sandbox> {
        let clock = Arc::new(Clock::default());
        let store = Store::new(self.state_dir.as_deref()).context("making the sandbox's store")?;
        let mut state = State::new(clock, store, self.team, self.settings);
        let of_teams = TEAM_SCOPES.iter().filter(|_| self.team_app);
        let scopes = SCOPES.iter().chain(of_teams);
        let scopes = scopes.map(|scope| (*scope).to_owned()).collect();
        let app = App {
            key: self.app_key.clone(),
            secret: self.app_secret.clone(),
            redirects: self.redirects,
            scopes,
        };
        state.oauth.apps.insert(app.key.clone(), app);

        let plain = TcpListener::bind(("127.0.0.1", self.port)).context("binding the sandbox's port")?;
        plain.set_nonblocking(true)?;
        let origin = format!("http://{}", plain.local_addr()?);
        let tls = match &self.tls {
            Some((dir, addr)) => {
                let listener = TcpListener::bind(addr).with_context(|| format!("binding {addr}"))?;
                listener.set_nonblocking(true)?;
                Some((listener, tls::config(dir)?))
            }
            None => None,
        };
        let tls_addr = tls.as_ref().and_then(|(listener, _)| listener.local_addr().ok());
        let server = Arc::new(Server::new(state, origin));
        server.network.set(self.network);
        let (stop, stopped) = oneshot::channel();
        let thread = spawn(Arc::clone(&server), plain, tls, stopped)?;
        let (app_key, app_secret) = (self.app_key, self.app_secret);
        Ok(Sandbox {
            server,
            app_key,
            app_secret,
            tls_addr,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

fn spawn(
    server: Arc<Server>,
    plain: TcpListener,
    tls: Option<(TcpListener, Arc<rustls::ServerConfig>)>,
    stopped: oneshot::Receiver<()>,
) -> anyhow::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let guard = runtime.enter();
    let plain = tokio::net::TcpListener::from_std(plain)?;
    let tls = tls
        .map(|(listener, config)| tokio::net::TcpListener::from_std(listener).map(|l| (l, config)))
        .transpose()?;
    drop(guard);
    Ok(std::thread::Builder::new()
        .name("sandbox".into())
        .spawn(move || {
            runtime.block_on(async move {
                if let Some((listener, config)) = tls {
                    tokio::spawn(Arc::clone(&server).listen(listener, Some(config)));
                }
                tokio::select! {
                    () = server.listen(plain, None) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        })?)
}

/// What each route takes, for the comparison with Dropbox's own SDK.
pub fn dump_schema() -> Value {
    schema::dump(
        routes::ROUTES
            .iter()
            .map(|r| (r.name, r.host.name(), r.style(), r.scope, r.arg)),
    )
}
