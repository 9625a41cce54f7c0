//! A connected account, seen from one of its roots: what clients of one login share, and how their paths are shown.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::OnceCell;

use crate::{
    Credentials, DropboxPath, Error, Http, RateLimiter, RemotePath, Start,
    api::{sharing::SharedFolder, users::RootInfo},
    auth::Auth,
    limit::concurrency::{ConcurrencyLimit, PauseBoard},
    list::cache::Cache,
    retry::{Tries, WaitNotices},
    shared_root::SharedRoot,
    team::Behalf,
};

/// A connected Dropbox account, seen from one of its roots. Cheap to clone; all clones share one [`Auth`], its limits and its
/// connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) login: Arc<Login>,
    pub(crate) start: Start,
    shown: Shown,
    /// The shared folder in which paths start, whatever `start` says.
    pub(crate) shared: Option<Arc<SharedRoot>>,
}

/// What the clients of one login share, from whichever root they see it.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) http: Http,
    pub(crate) auth: Auth,
    pub(crate) limit: ConcurrencyLimit,
    pub(crate) notices: WaitNotices,
    /// Whether Dropbox was asked where the account's root is.
    pub(crate) root_was_asked: OnceCell<()>,
    /// On whose behalf calls are, with the login of a team.
    pub(crate) behalf: OnceCell<Behalf>,
    cache: Option<Cache>,
    max_tries: Option<u32>,
    has_called: HasCalled,
}

/// Whether a call has succeeded, by where its paths started: what is planned belongs to the root that it has had.
#[derive(Debug, Default)]
struct HasCalled {
    usual: AtomicBool,
    root: AtomicBool,
}

impl HasCalled {
    fn from(&self, start: Start) -> &AtomicBool {
        match start {
            Start::Usual => &self.usual,
            Start::Root => &self.root,
        }
    }
}

/// How paths are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    /// `NAME:X`
    Plain,
    /// `NAME:/X`
    Slash,
    /// What is below this folder as `NAME:X`, all else as `NAME:/X`.
    Below(DropboxPath),
}

impl Client {
    /// Calls with the tokens of `auth`, at most `max_calls` at once and at the rates of `rates`, which may be shared with other
    /// clients.
    pub fn new(http: Http, auth: Auth, max_calls: usize, rates: Arc<RateLimiter>) -> Self {
        let login = Login {
            http,
            auth,
            limit: ConcurrencyLimit::new(max_calls, rates),
            notices: WaitNotices::default(),
            root_was_asked: OnceCell::new(),
            behalf: OnceCell::new(),
            cache: None,
            max_tries: None,
            has_called: HasCalled::default(),
        };
        Self {
            login: Arc::new(login),
            start: Start::Usual,
            shown: Shown::Plain,
            shared: None,
        }
    }

    /// Sets the maximum number of tries of each call, counting the first. `None` means [`MAX_TRIES`](crate::MAX_TRIES), and more
    /// while Dropbox is only too busy. Counts only before the client is cloned.
    #[must_use]
    pub fn with_tries(mut self, max: Option<u32>) -> Self {
        if let Some(login) = Arc::get_mut(&mut self.login) {
            login.max_tries = max.map(|max| max.max(1));
        }
        self
    }

    /// Shares the pauses that Dropbox asks for with other processes of the login. Counts only before the client is cloned.
    #[must_use]
    pub fn with_pause_board(mut self, board: Option<Arc<dyn PauseBoard>>) -> Self {
        if let (Some(login), Some(board)) = (Arc::get_mut(&mut self.login), board) {
            login.limit.share(board);
        }
        self
    }

    /// Keeps listings of large folders from one run to the next. Counts only before the client is cloned.
    #[must_use]
    pub fn with_cache(mut self, cache: Option<Cache>) -> Self {
        if let Some(login) = Arc::get_mut(&mut self.login) {
            login.cache = cache;
        }
        self
    }

    /// Returns the same login as a path sees it that was typed with a slash: from the account's root. Where all paths of the
    /// remote start at one place, it is that place.
    #[must_use]
    pub fn from_root(&self) -> Self {
        Self {
            login: Arc::clone(&self.login),
            start: if self.login.auth.has_one_start() {
                Start::Usual
            } else {
                Start::Root
            },
            shown: Shown::Slash,
            shared: None,
        }
    }

    /// Returns the same login with paths that start at the account's root, where those below `home` are shown as if they
    /// started there. The account's root must not change any more from here on, since `home` belongs to it.
    #[must_use]
    pub fn around(&self, home: DropboxPath) -> Self {
        self.login
            .has_called
            .from(Start::Root)
            .store(true, Ordering::Relaxed);
        Self {
            login: Arc::clone(&self.login),
            start: Start::Root,
            shown: Shown::Below(home),
            shared: None,
        }
    }

    /// Returns the same login with paths that start where its settings say, shown as before.
    #[must_use]
    pub fn as_usual(&self) -> Self {
        Self {
            start: Start::Usual,
            shared: None,
            ..self.clone()
        }
    }

    /// Returns the same login with paths that start in a shared folder, which need not be mounted. It is called by its name, or
    /// by `ns:` and its id; it is looked for at the first call.
    #[must_use]
    pub fn in_shared_folder(&self, typed: &str) -> Self {
        Self {
            login: Arc::clone(&self.login),
            start: Start::Usual,
            shown: Shown::Plain,
            shared: Some(Arc::new(SharedRoot::new(typed))),
        }
    }

    /// Returns the shared folder in which paths start. `None` if they start elsewhere.
    ///
    /// # Errors
    /// When there is none of that name, more than one, or Dropbox can't be asked.
    pub async fn shared_folder(&self) -> Result<Option<SharedFolder>, Error> {
        match &self.shared {
            None => Ok(None),
            Some(shared) => Ok(Some(shared.find(&self.as_usual()).await?.clone())),
        }
    }

    /// Whether paths start in a shared folder that was named.
    pub fn is_in_shared_folder(&self) -> bool {
        self.shared.is_some()
    }

    /// Returns from where its paths start.
    pub fn start(&self) -> Start {
        self.start
    }

    /// Returns whether both use one login of one remote.
    pub fn shares_login(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.login, &other.login)
    }

    /// Returns whether a path means the same to both.
    pub fn shares_paths(&self, other: &Self) -> bool {
        let folder = |client: &Self| client.shared.as_ref().map(|shared| shared.typed.clone());
        self.shares_login(other) && self.start == other.start && folder(self) == folder(other)
    }

    /// Returns where `path` is, as a person would type it.
    pub fn location(&self, path: &DropboxPath) -> RemotePath {
        let (path, from_root) = match &self.shown {
            Shown::Plain => (path.clone(), false),
            Shown::Slash => (path.clone(), true),
            Shown::Below(home) => match path.below(home) {
                Some(path) => (path, false),
                None => (path.clone(), true),
            },
        };
        RemotePath {
            remote: self.remote().to_owned(),
            path,
            from_root,
            shared: self.shared.as_ref().map(|shared| shared.typed.clone()),
        }
    }

    /// Returns what a path in an answer needs in front of it to be typed behind `NAME:`: a slash if it starts at a team's root.
    pub async fn slash(&self) -> &'static str {
        let is_team = self.start == Start::Root && self.space().await.is_some();
        if is_team { "/" } else { "" }
    }

    /// Returns a path's name in what is kept from one run to the next: the same for all ways to type it from one root.
    pub async fn lasting_name(&self, path: &DropboxPath) -> String {
        match self.space().await {
            Some(space) if self.shared.is_some() => format!("ns:{space}{}", path.as_str()),
            // Of a remote that starts in the team's space, too: so it was called before there were others.
            Some(space) if self.start == Start::Root => format!("ns:{space}{}", path.as_str()),
            _ => path.as_str().to_owned(),
        }
    }

    /// Keeps what Dropbox says about where the account's paths start, also for later runs.
    pub async fn learn(&self, info: &RootInfo) {
        self.login.auth.learn(info).await;
    }

    /// Returns whether listings of large folders are kept from one run to the next.
    pub fn keeps_listings(&self) -> bool {
        self.login.cache.is_some()
    }

    /// Returns where listings are kept, and as whose: the account, the app and the root. `None` if they aren't kept, or it isn't
    /// known whose they would be.
    pub(crate) async fn cache(&self) -> Option<(&Cache, String)> {
        let cache = self.login.cache.as_ref()?;
        Some((cache, self.identity().await?))
    }

    /// Returns what identifies the account, the app and the root that paths start at. `None` if it isn't known whose login it is.
    pub async fn identity(&self) -> Option<String> {
        let identity = self.login.auth.identity(self.start).await?;
        match &self.shared {
            None => Some(identity),
            Some(_) => Some(format!("{identity} {}", self.space().await?)),
        }
    }

    /// Returns the remote's name.
    pub fn remote(&self) -> &str {
        self.login.auth.name()
    }

    /// Returns what is known of the login now, new tokens included.
    pub async fn credentials(&self) -> Credentials {
        self.login.auth.credentials().await
    }

    /// Returns the namespace that paths start in. `None` is the person's own folder, as far as is known.
    pub async fn space(&self) -> Option<String> {
        if self.shared.is_some() {
            let folder = self.shared_folder().await.ok().flatten();
            return folder.map(|folder| folder.shared_folder_id);
        }
        self.login.auth.space(self.start).await
    }

    /// Returns a fresh budget of tries for one call, or for several that bring one thing.
    pub fn tries(&self) -> Tries {
        Tries::new(self.login.max_tries)
    }

    /// Returns how many calls there are under way at most.
    pub fn max_calls(&self) -> usize {
        self.login.limit.max_permits()
    }

    /// Returns what slows the calls down now, in words for people. `None` if nothing does.
    pub fn throttle_reason(&self) -> Option<String> {
        self.login.limit.throttle_reason()
    }

    /// Returns how many bytes a second one call may upload when as many as possible are under way. `None` if the user has set no
    /// limit.
    pub fn upload_rate_per_call(&self) -> Option<f64> {
        let limit = &self.login.limit;
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        limit
            .rates()
            .upload_bytes_per_second()
            .map(|rate| rate as f64 / limit.permits() as f64)
    }

    /// Records that a call has succeeded whose answer depends on where paths start.
    pub(crate) fn has_called(&self) {
        self.login
            .has_called
            .from(self.start)
            .store(true, Ordering::Relaxed);
    }

    /// Returns whether the account's root may still become another one for this process: nothing was done in the one that it was.
    pub(crate) fn may_follow_root(&self) -> bool {
        !self.login.has_called.from(self.start).load(Ordering::Relaxed)
    }
}
