//! Sends calls: the access token, the lane, the tries, and from status and body to result or error.

use std::{
    ops::Deref,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use serde::{Serialize, de::DeserializeOwned};
use shared::api::{
    Repeat, Route, Style,
    files::{LONGPOLL_HOST, UPLOAD},
    json::header_safe,
    users::RootInfo,
};
use tokio::sync::OnceCell;

use super::{
    Cache, Credentials, DropboxPath, Error, Http, NetworkError, PathRoot, Payload, RemotePath, Start,
    answer::{LOGIN_PAGE, header, limited, refusal, refusal_of_network, retry_after, unread},
    auth::{Access, Auth},
    http::network_error,
    meter::{Meter, Way},
    pace::{Lane, Pace},
    retry::{TRIES, Tries},
};

/// An answer's header, or the next bytes, may take this long (the official SDK waits 100 s).
const PATIENCE: Duration = Duration::from_secs(100);
/// A commit may take minutes (seen: 120 s for one file, 500 s for a batch).
const COMMIT_PATIENCE: Duration = Duration::from_secs(600);
/// A long poll of a minute may take 90 seconds more.
const POLL_PATIENCE: Duration = Duration::from_secs(180);
/// A call renews an expired token so often.
const EXPIRED_RENEWALS: u32 = 3;
/// The longest JSON answer that is read, in bytes: a page of 2000 entries with the longest paths has a tenth of it. What comes
/// compressed is counted as it is unpacked.
const MAX_ANSWER_BYTES: usize = 32 << 20;
/// So much is read of an answer that says why a call was refused, in bytes.
const MAX_REFUSAL_BYTES: usize = 64 << 10;
/// After a word about a wait, this long no other.
const QUIET: Duration = Duration::from_secs(10);
/// A connected Dropbox account, seen from one of its roots.
#[derive(Clone, Debug)]
pub struct Client {
    login: Arc<Login>,
    start: Start,
    shown: Shown,
}

/// What the clients of one login share, from whichever root they see it.
#[derive(Debug)]
pub struct Login {
    http: Http,
    auth: Auth,
    pace: Pace,
    cache: Option<Cache>,
    tries: u32,
    /// By [`Start`]: what is planned belongs to the root that its calls have had.
    is_rooted: [AtomicBool; 2],
    /// Dropbox was asked where the account's root is.
    asked: OnceCell<()>,
    /// When waits are worth a word again.
    quiet_until: Mutex<Option<Instant>>,
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

impl Deref for Client {
    type Target = Login;

    fn deref(&self) -> &Login {
        &self.login
    }
}

/// A file's content on its way, and the metadata that came with it. Holds its lane until dropped.
#[derive(Debug)]
pub struct Download<'a, Answer> {
    /// The result.
    pub answer: Answer,
    /// 206 if a range was asked for and is what comes.
    pub partial: bool,
    response: Response,
    lane: Lane<'a>,
}

impl Client {
    /// Calls with the tokens of `auth`, at most `most` at once.
    pub fn new(http: Http, auth: Auth, most: usize, meter: Arc<Meter>) -> Self {
        let login = Login {
            http,
            auth,
            pace: Pace::new(most, meter),
            cache: None,
            tries: TRIES,
            is_rooted: Default::default(),
            asked: OnceCell::new(),
            quiet_until: Mutex::new(None),
        };
        Self {
            login: Arc::new(login),
            start: Start::Usual,
            shown: Shown::Plain,
        }
    }

    /// Tries each call so often at most.
    #[must_use]
    pub fn with_tries(mut self, most: Option<u32>) -> Self {
        if let Some(login) = Arc::get_mut(&mut self.login) {
            login.tries = most.unwrap_or(TRIES).max(1);
        }
        self
    }

    /// The tries of one call.
    pub fn tries_of_a_call(&self) -> Tries {
        Tries::new(self.tries)
    }

    /// Keeps listings of large folders from one run to the next.
    #[must_use]
    pub fn with_cache(mut self, cache: Option<Cache>) -> Self {
        if let Some(login) = Arc::get_mut(&mut self.login) {
            login.cache = cache;
        }
        self
    }

    /// The same login, as a path sees it that was typed with a slash: from the account's root. Where all paths of the remote
    /// start at one place anyhow, it is that place.
    #[must_use]
    pub fn from_root(&self) -> Self {
        Self {
            login: Arc::clone(&self.login),
            start: if self.auth.has_one_start() {
                Start::Usual
            } else {
                Start::Root
            },
            shown: Shown::Slash,
        }
    }

    /// The same login, with paths that start at the account's root, where those below `home` are shown as if they started
    /// there. The account's root must not change any more from here on, since `home` belongs to it.
    #[must_use]
    pub fn around(&self, home: DropboxPath) -> Self {
        self.is_rooted[Start::Root as usize].store(true, Ordering::Relaxed);
        Self {
            login: Arc::clone(&self.login),
            start: Start::Root,
            shown: Shown::Below(home),
        }
    }

    /// The same login, with paths that start where the config says, shown as before.
    #[must_use]
    pub fn as_usual(&self) -> Self {
        Self {
            start: Start::Usual,
            ..self.clone()
        }
    }

    /// Where its paths start.
    pub fn start(&self) -> Start {
        self.start
    }

    /// Whether both use one login of one remote.
    pub fn shares_login(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.login, &other.login)
    }

    /// Whether a path means the same to both.
    pub fn shares_paths(&self, other: &Self) -> bool {
        self.shares_login(other) && self.start == other.start
    }

    /// Where `path` is, as a person would type it.
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
        }
    }

    /// What a path in an answer needs in front of it to be typed behind `NAME:`: a slash if it starts at a team's root.
    pub async fn slash(&self) -> &'static str {
        let is_team = self.start == Start::Root && self.space().await.is_some();
        if is_team { "/" } else { "" }
    }

    /// A path's name in what is kept from one run to the next: the same for all ways to type it from one root.
    pub async fn lasting_name(&self, path: &DropboxPath) -> String {
        match self.space().await {
            // Of a remote that starts in the team's space, too: so it was called before there were others.
            Some(space) if self.start == Start::Root => format!("ns:{space}{}", path.as_str()),
            _ => path.as_str().to_owned(),
        }
    }

    /// Keeps what Dropbox says about where the account's paths start.
    pub async fn learn(&self, info: &RootInfo) {
        self.auth.learn(info).await;
    }

    /// Whether it does.
    pub fn keeps_listings(&self) -> bool {
        self.cache.is_some()
    }

    /// Where listings are kept.
    pub(super) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Whose eyes look, and from which root; nothing if it isn't known.
    pub(super) async fn identity(&self) -> Option<String> {
        self.auth.identity(self.start).await
    }

    /// The remote's name.
    pub fn remote(&self) -> &str {
        self.auth.name()
    }

    /// What is known of the login now, new tokens included.
    pub async fn credentials(&self) -> Credentials {
        self.auth.credentials().await
    }

    /// The namespace that paths start in. `None` is the person's own folder.
    pub async fn space(&self) -> Option<String> {
        self.auth.space(self.start).await
    }

    /// Asks where the account's root is, once, if that isn't known and matters.
    async fn access(&self) -> Result<Access, Error> {
        if !self.auth.knows(self.start).await {
            self.asked.get_or_try_init(|| self.ask_for_root()).await?;
        }
        self.auth.access(self.start).await
    }

    /// A call before the call: not an `async fn`, or its type would hold itself.
    fn ask_for_root(&self) -> Pin<Box<dyn Future<Output = Result<(), Error>> + '_>> {
        Box::pin(async move {
            let account = self.as_usual().current_account().await?;
            self.learn(&account.root_info).await;
            Ok(())
        })
    }

    /// Bytes of the headers that depend on the account: the token, and where its root is.
    pub async fn header_bytes(&self) -> usize {
        let access = self.access().await;
        access.map_or(0, |access| {
            access.token.expose().len() + access.root.header().map_or(0, |root| root.len() + 32)
        })
    }

    /// Bytes a second that one call up may send when all lanes are busy, if the user has set a limit.
    pub fn rate_of_a_call(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        self.pace
            .meter()
            .up()
            .map(|rate| rate as f64 / self.pace.lanes() as f64)
    }

    /// The shared limit.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Calls a route whose argument and result are JSON bodies.
    ///
    /// # Errors
    /// The last try's.
    pub async fn rpc<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
    ) -> Result<R, Error> {
        self.rpc_within(route, arg, &mut self.tries_of_a_call()).await
    }

    /// The same, with what is left of `tries`.
    ///
    /// # Errors
    /// The last try's.
    pub async fn rpc_within<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        tries: &mut Tries,
    ) -> Result<R, Error> {
        self.rpc_read(route, arg, tries, |body| serde_json::from_slice(body))
            .await
    }

    /// The same for an answer that is a list, of which `read` takes each entry by itself.
    ///
    /// # Errors
    /// The last try's.
    pub async fn rpc_list<A: Serialize, R>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        read: impl Fn(&[u8]) -> serde_json::Result<R>,
    ) -> Result<R, Error> {
        self.rpc_read(route, arg, &mut self.tries_of_a_call(), read).await
    }

    async fn rpc_read<A: Serialize, R>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        tries: &mut Tries,
        read: impl Fn(&[u8]) -> serde_json::Result<R>,
    ) -> Result<R, Error> {
        let body = json(arg)?;
        let patience = patience(route);
        let attempt = async |access: &Access| {
            let _lane = self.pace.lane().await;
            let request = self
                .request(route, access)?
                .header("Content-Type", "application/json")
                .body(body.clone())
                .timeout(patience);
            let response = self.send(route.name, request).await?;
            result_in_body(response, &read).await
        };
        self.tries(route, tries, |_| false, attempt).await
    }

    /// Calls a route whose body is bytes.
    ///
    /// # Errors
    /// The last try's.
    pub async fn upload<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        payload: &Payload,
    ) -> Result<R, Error> {
        self.upload_unless(route, arg, payload, |_| false).await
    }

    /// The same, where some errors are an answer and not worth another try.
    ///
    /// # Errors
    /// The last try's.
    pub async fn upload_unless<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        payload: &Payload,
        is_answer: impl Fn(&Error) -> bool,
    ) -> Result<R, Error> {
        let arg = header_safe(&json(arg)?);
        let patience = patience(route);
        let attempt = async |access: &Access| {
            let _lane = self.pace.lane().await;
            let body = payload.open(self.pace.meter());
            let request = self
                .request(route, access)?
                .header("Content-Type", "application/octet-stream")
                .header("Dropbox-API-Arg", &arg)
                .header("Content-Length", payload.length_bytes())
                .body(reqwest::Body::wrap(body));
            let read = |body: &[u8]| serde_json::from_slice(body);
            let call = async { result_in_body(self.send(route.name, request).await?, &read).await };
            let result = payload.pulse().outlasts(patience, call).await;
            // The disk's fault looks like the network's from here.
            if let Some(error) = payload.broken() {
                return Err(error);
            }
            let result =
                result.unwrap_or_else(|| Err(Error::Network(NetworkError::Timeout("Dropbox".into()))));
            if result.is_ok() {
                payload.pulse().arrived();
            }
            self.pace.moved(payload.length_bytes());
            result
        };
        let mut tries = self.tries_of_a_call();
        self.tries(route, &mut tries, is_answer, attempt).await
    }

    /// Calls a route that answers with bytes, with what is left of `tries`; `range` is first and last byte. Who takes up again
    /// what broke later gives the same tries, so that a file has one budget of them.
    ///
    /// # Errors
    /// The last try's. What breaks later is told by [`Download::chunk`].
    pub async fn download<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        range: Option<(u64, u64)>,
        tries: &mut Tries,
    ) -> Result<Download<'_, R>, Error> {
        self.download_unless(route, arg, range, tries, |_| false).await
    }

    /// The same, where some errors are an answer and not worth another try.
    ///
    /// # Errors
    /// The last try's.
    pub async fn download_unless<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        range: Option<(u64, u64)>,
        tries: &mut Tries,
        is_answer: impl Fn(&Error) -> bool,
    ) -> Result<Download<'_, R>, Error> {
        let arg = header_safe(&json(arg)?);
        let attempt = async |access: &Access| {
            let lane = self.pace.lane().await;
            let mut request = self
                .request(route, access)?
                .header("Dropbox-API-Arg", &arg)
                .header("Content-Length", 0);
            if let Some((first, last)) = range {
                request = request.header("Range", format!("bytes={first}-{last}"));
            }
            let sent = tokio::time::timeout(PATIENCE, self.send(route.name, request)).await;
            let response = sent.map_err(|_| Error::Network(NetworkError::Timeout("Dropbox".into())))??;
            let partial = response.status().as_u16() == 206;
            let header = response
                .headers()
                .get("Dropbox-API-Result")
                .map(|v| v.as_bytes().to_vec());
            let Some(header) = header else {
                let kind = response.headers().get("content-type");
                let is_html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
                return Err(match is_html {
                    true => Error::Portal(LOGIN_PAGE.into()),
                    false => Error::NotDropbox("it has no Dropbox-API-Result".into()),
                });
            };
            let answer = serde_json::from_slice(&header).map_err(|error| unread(&header, &error))?;
            Ok(Download {
                answer,
                partial,
                response,
                lane,
            })
        };
        self.tries(route, tries, is_answer, attempt).await
    }

    /// Says that there will be a wait, if that is worth a word and nobody has said so just now: many calls wait side by side.
    fn tell_wait(&self, tries: &Tries, error: &Error, wait: Duration) {
        if !tries.is_noteworthy(error, wait) {
            return;
        }
        let now = Instant::now();
        let mut quiet_until = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet_until.is_some_and(|until| now < until) {
            return;
        }
        *quiet_until = now.checked_add(wait.max(QUIET));
        let seconds = wait.as_secs_f64().max(1.0);
        match error {
            Error::RateLimited { .. } => tracing::warn!("Dropbox says wait: trying again in {seconds:.0} s"),
            _ => tracing::warn!("{error}; trying again in {seconds:.0} s"),
        }
    }

    /// Tries `attempt` until it succeeds or isn't worth another try; renews the token on a 401.
    async fn tries<A, R, T>(
        &self,
        route: &Route<A, R>,
        tries: &mut Tries,
        is_answer: impl Fn(&Error) -> bool,
        attempt: impl AsyncFn(&Access) -> Result<T, Error>,
    ) -> Result<T, Error> {
        debug_assert!(route.style != Style::Download || route.repeat == Repeat::Safe);
        let mut renewals = 0;
        let mut moved = false;
        let mut access = self.access().await?;
        loop {
            let error = match attempt(&access).await {
                Ok(done) => {
                    if is_about_places(route) {
                        self.is_rooted[self.start as usize].store(true, Ordering::Relaxed);
                    }
                    self.pace.went_well();
                    return Ok(done);
                }
                Err(error) => error,
            };
            if let Error::PathRoot(why) = &error
                && let Some(root) = why.root_namespace_id()
                && !moved
            {
                moved = true;
                access = self.access().await?;
                // Unless another call has been told before.
                if access.root != PathRoot::Root(root.to_owned()) {
                    // What was planned for the old root is not done in the new one.
                    let may_follow = !self.is_rooted[self.start as usize].load(Ordering::Relaxed);
                    self.auth.move_root(root, may_follow).await;
                    if !may_follow {
                        return Err(error);
                    }
                    tracing::warn!(
                        "the team space has moved: {} uses its new root from now on",
                        self.remote()
                    );
                    access = self.access().await?;
                }
                continue;
            }
            if let Error::Access(why) = &error {
                // An expired token may expire again under a slow call; a refused one is refused for good.
                let most = match () {
                    () if why.has("expired_access_token") => EXPIRED_RENEWALS,
                    () if why.has("invalid_access_token") => 1,
                    () => return Err(error),
                };
                if renewals >= most {
                    return Err(Error::LoginOver(why.to_string()));
                }
                renewals += 1;
                access = self.auth.renew(&access.token, self.start).await?;
                continue;
            }
            match &error {
                // What nobody waits for is no reason to hold others back: the run ends.
                _ if error.is_refused_for_long() => {}
                Error::RateLimited { .. } | Error::Network(NetworkError::Timeout(_)) => {
                    self.pace.slow_down(error.retry_after());
                }
                Error::Server {
                    after: Some(after), ..
                } => self.pace.slow_down(Some(*after)),
                _ => {}
            }
            if is_answer(&error) || (route.repeat == Repeat::LookFirst && error.is_unknown()) {
                return Err(error);
            }
            let Some(wait) = tries.wait_after(&error) else {
                return Err(error);
            };
            self.tell_wait(tries, &error, wait);
            tracing::info!("{}: waiting {:.1} s: {error}", route.name, wait.as_secs_f64());
            tokio::time::sleep(wait).await;
            access = self.access().await?;
        }
    }

    fn request<A, R>(&self, route: &Route<A, R>, access: &Access) -> Result<reqwest::RequestBuilder, Error> {
        let request = self.http.post(route.host, &format!("/2/{}", route.name))?;
        if route.host == LONGPOLL_HOST {
            return Ok(request); // its cursor says whose it is, and it refuses a token
        }
        let request = request.bearer_auth(access.token.expose());
        Ok(match access.root.header().filter(|_| is_about_places(route)) {
            Some(root) => request.header("Dropbox-API-Path-Root", root),
            None => request,
        })
    }

    async fn send(&self, route: &str, request: reqwest::RequestBuilder) -> Result<Response, Error> {
        let response = request.send().await.map_err(|e| network_error(&e))?;
        let status = response.status().as_u16();
        tracing::debug!(
            "{route}: HTTP {status}, request id {}",
            header(response.headers(), "x-dropbox-request-id").unwrap_or("-")
        );
        if status == 200 || status == 206 {
            return Ok(response);
        }
        if let Some(error) = refusal_of_network(status, response.headers()) {
            return Err(error);
        }
        let after = retry_after(response.headers());
        let mut response = response;
        let mut body = BytesMut::new();
        // What can't be read of it is not needed: the status says most.
        let read = async {
            while body.len() < MAX_REFUSAL_BYTES
                && let Ok(Some(chunk)) = response.chunk().await
            {
                body.extend_from_slice(&chunk);
            }
        };
        let _ = tokio::time::timeout(PATIENCE, read).await;
        Err(refusal(status, after, &body))
    }
}

impl<Answer> Download<'_, Answer> {
    /// The next bytes; nothing at the end.
    ///
    /// # Errors
    /// When the connection breaks or stalls.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match tokio::time::timeout(PATIENCE, self.response.chunk()).await {
            Ok(chunk) => {
                let chunk = chunk.map_err(|e| network_error(&e))?;
                let count = chunk.as_ref().map_or(0, Bytes::len);
                self.lane.moved(count);
                if let Some(at) = self.lane.meter().bytes(Way::Down, count) {
                    tokio::time::sleep_until(at.into()).await;
                }
                Ok(chunk)
            }
            Err(_) => Err(Error::Network(NetworkError::Timeout("Dropbox".into()))),
        }
    }
}

/// Whether a call's answer depends on where paths start. Questions about the account don't, and have to be answered
/// also where its root has become another one.
fn is_about_places<A, R>(route: &Route<A, R>) -> bool {
    !route.name.starts_with("users/")
}

/// How long a call may take, or nothing of it move.
fn patience<A, R>(route: &Route<A, R>) -> Duration {
    match route.host {
        LONGPOLL_HOST => POLL_PATIENCE,
        _ if route.name.contains("finish") || route.name == UPLOAD.name => COMMIT_PATIENCE,
        _ => PATIENCE,
    }
}

fn json(arg: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(arg).map_err(|e| Error::Unsayable(e.to_string()))
}

async fn result_in_body<R>(
    response: Response,
    read: &impl Fn(&[u8]) -> serde_json::Result<R>,
) -> Result<R, Error> {
    let body = limited(response, MAX_ANSWER_BYTES).await?;
    // The result of a Void route is `null`, or (seen) nothing at all.
    let body = if body.is_empty() {
        Bytes::from_static(b"null")
    } else {
        body
    };
    read(&body).map_err(|error| unread(&body, &error))
}
