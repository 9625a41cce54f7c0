//! Everything the sandbox knows, behind one lock: people, apps and tokens, trees, sessions, cursors and jobs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dropbox_sdk::types::auth::AuthError;
use serde_json::Value;
use tokio::sync::watch;

use super::account::Account;
use super::answer::Failure;
use super::clock::{Clock, Seconds};
use super::content::Store;
use super::files::commit::Ready;
use super::files::list::Cursor;
use super::files::session::Session;
use super::metadata::Shower;
use super::oauth::Registry;
use super::sharing::{LinkPolicy, Received, SharedLink};
use super::tree::{AccountId, NodeId, Ns, SpaceKind, Tree, View};
use super::words::fresh;

/// The namespace of the first account's home.
pub const HOME: Ns = Ns(1001);
/// The namespace of the team's root.
pub const TEAM: Ns = Ns(2001);

/// What differs between sandboxes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most bytes of request headers; above it the answer is 431.
    pub header_limit: usize,
    /// Or there is none, as with some proxies: the connection is cut.
    pub header_cuts: bool,
    /// Most entries on a page of a listing.
    pub page_limit: usize,
    /// Pages come short or empty now and then, as the real ones do.
    pub odd_pages: bool,
    /// Names with characters outside the Basic Multilingual Plane are refused, as back ends of 2022 did.
    pub refuse_astral: bool,
    /// How long deleted files and replaced revisions are kept: 30 days in the smaller plans.
    pub history: Duration,
    /// Revisions are restored to their own path only; the spec has no word about it.
    pub restores_in_place: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            header_limit: 60 * 1024,
            header_cuts: false,
            page_limit: 2000,
            odd_pages: true,
            refuse_astral: false,
            history: Duration::from_secs(30 * 86_400),
            restores_in_place: false,
        }
    }
}

/// A job that a poll finds done the second time.
#[derive(Debug)]
pub struct Job {
    /// What the check route answers at the end, with its `.tag`.
    pub result: Value,
    /// The kind, so that another route's check doesn't find it.
    pub kind: &'static str,
    /// Polls that still answer "in progress".
    pub wait: u32,
}

/// Everything.
pub struct State {
    /// Its time.
    pub clock: Arc<Clock>,
    /// Where bytes live.
    pub store: Arc<Store>,
    /// All namespaces.
    pub tree: Tree,
    /// All people; the first is Ann.
    pub accounts: Vec<Account>,
    /// Who presses Allow.
    pub at_browser: AccountId,
    /// Apps, codes and tokens.
    pub oauth: Registry,
    /// Upload sessions by id.
    pub sessions: HashMap<String, Session>,
    /// Listings under way and places in the journal, by their cursor.
    pub cursors: HashMap<String, Cursor>,
    /// Jobs by id.
    pub jobs: HashMap<String, Job>,
    /// What addresses serve to `files/save_url`; all others can't be fetched.
    pub served: HashMap<String, Ready>,
    /// Temporary links: the revision they lead to and when they end.
    pub links: HashMap<String, (String, Seconds)>,
    /// Where pages of the web send browsers on to, by their paths.
    pub short_links: HashMap<String, String>,
    /// Shared links, in the order in which they were made.
    pub shared_links: Vec<SharedLink>,
    /// Which settings of links may be chosen.
    pub link_policy: LinkPolicy,
    /// Single files that one account shares with another.
    pub received: Vec<Received>,
    /// Copy references: what they lead to.
    pub references: HashMap<String, NodeId>,
    /// Settings.
    pub settings: Settings,
    /// Wakes long polls: the number of the last change.
    pub changed: watch::Sender<u64>,
    revs: u64,
}

/// Who calls, and from where `/` starts.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Whose eyes, and which root.
    pub view: View,
    /// The time of the call.
    pub now: Seconds,
}

impl State {
    /// A state with one person, Ann Example, in a team with a team space or not.
    pub fn new(clock: Arc<Clock>, store: Arc<Store>, team: bool, settings: Settings) -> Self {
        let mut tree = Tree::default();
        let ann = Account {
            id: "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc".into(),
            given_name: "Ann".into(),
            surname: "Example".into(),
            email: "ann@example.org".into(),
            home: HOME,
            root: HOME,
            home_path: None,
            in_team: false,
            quota_bytes: 2 << 40,
            suspended: false,
            member_limit_bytes: 0,
            member_limit_type: "off",
        };
        tree.add_space(HOME, SpaceKind::Home, 0);
        let mut state = Self {
            clock,
            store,
            tree,
            accounts: vec![ann],
            oauth: Registry::default(),
            sessions: HashMap::new(),
            cursors: HashMap::new(),
            jobs: HashMap::new(),
            served: HashMap::new(),
            links: HashMap::new(),
            short_links: HashMap::new(),
            shared_links: Vec::new(),
            link_policy: LinkPolicy::default(),
            received: Vec::new(),
            references: HashMap::new(),
            settings,
            at_browser: 0,
            changed: watch::channel(0).0,
            revs: 0,
        };
        if team {
            state.enter_team(TEAM);
        }
        state
    }

    /// Ann joins a team, whose space is `ns`; her own folder is in it from now on.
    pub fn enter_team(&mut self, ns: Ns) {
        self.tree.add_space(ns, SpaceKind::TeamRoot, 0);
        let (Some(root), Some(ann)) = (
            self.tree.space(ns).map(|space| space.root),
            self.accounts.first_mut(),
        ) else {
            return;
        };
        let name = format!("{} {}", ann.given_name, ann.surname);
        ann.root = ns;
        ann.home_path = Some(format!("/{name}"));
        ann.in_team = true;
        let home = self.tree.add_folder(root, &name, "");
        self.tree.join(HOME, 0, false, Some(home));
    }

    /// Somebody else joins Ann's team, with an own folder in the team's space.
    pub fn add_member(&mut self, given_name: &str, surname: &str, email: &str) -> AccountId {
        let at_browser = self.at_browser;
        self.sit_down(given_name, surname, email);
        let id = std::mem::replace(&mut self.at_browser, at_browser);
        let root = self.accounts.first().map(|ann| (ann.root, ann.home));
        let Some((root, _)) = root.filter(|(root, home)| root != home) else {
            if let Some(account) = self.accounts.get_mut(id) {
                account.in_team = true;
            }
            return id;
        };
        let name = format!("{given_name} {surname}");
        let Some(folder) = self.tree.space(root).map(|space| space.root) else {
            return id;
        };
        let folder = self.tree.add_folder(folder, &name, "");
        self.tree.join(root, id, false, None);
        if let Some(account) = self.accounts.get_mut(id) {
            account.root = root;
            account.home_path = Some(format!("/{name}"));
            account.in_team = true;
            let home = account.home;
            self.tree.join(home, id, false, Some(folder));
        }
        id
    }

    /// Somebody else sits down at the browser.
    pub fn sit_down(&mut self, given_name: &str, surname: &str, email: &str) {
        self.at_browser = self.add_person(given_name, surname, email);
    }

    /// Adds an account.
    pub fn add_person(&mut self, given_name: &str, surname: &str, email: &str) -> AccountId {
        let id = self.accounts.len();
        let home = Ns(HOME.0 + 100 * u64::try_from(id).unwrap_or_default());
        self.tree.add_space(home, SpaceKind::Home, id);
        self.accounts.push(Account {
            id: format!("dbid:{}", fresh(35)),
            given_name: given_name.into(),
            surname: surname.into(),
            email: email.into(),
            home,
            root: home,
            home_path: None,
            in_team: false,
            quota_bytes: 2 << 40,
            suspended: false,
            member_limit_bytes: 0,
            member_limit_type: "off",
        });
        id
    }

    /// The account that calls.
    ///
    /// # Errors
    /// When it is gone or suspended.
    pub fn account(&self, call: &Call) -> Result<&Account, Failure> {
        self.person(call.view.account)
    }

    /// An account by its place.
    ///
    /// # Errors
    /// When it is gone or suspended.
    pub fn person(&self, id: AccountId) -> Result<&Account, Failure> {
        match self.accounts.get(id) {
            Some(account) if account.suspended => Err(auth(&AuthError::UserSuspended)),
            Some(account) => Ok(account),
            None => Err(auth(&AuthError::InvalidAccessToken)),
        }
    }

    /// Shows nodes to who calls.
    pub fn shower(&self, call: &Call) -> Shower<'_> {
        Shower {
            tree: &self.tree,
            accounts: &self.accounts,
            view: call.view,
        }
    }

    /// The next revision in a namespace.
    pub fn next_rev(&mut self, ns: Ns) -> String {
        self.revs += 1;
        super::words::fresh_rev(self.revs, ns.0)
    }

    /// Tells long polls what has happened.
    pub fn announce(&self) {
        let now = self.tree.now();
        self.changed
            .send_if_modified(|seen| std::mem::replace(seen, now) != now);
    }

    /// Sessions that are still alive.
    pub fn drop_old_sessions(&mut self) {
        let now = self.clock.now();
        let life = i64::try_from(Session::LIFE.as_secs()).unwrap_or(i64::MAX);
        self.sessions.retain(|_, session| now - session.started < life);
    }

    /// Moves time forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// A 401.
pub fn auth(error: &AuthError) -> Failure {
    match super::answer::wire(error) {
        Ok(value) => Failure::Auth(value),
        Err(failure) => failure,
    }
}
