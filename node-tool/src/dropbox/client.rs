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
use reqwest::{Response, header::HeaderMap};
use serde::{Serialize, de::DeserializeOwned};
use shared::api::{
    Repeat, Route, Style,
    error::RouteError,
    files::{LONGPOLL_HOST, UPLOAD},
    json::header_safe,
    salvage::is_json,
    users::RootInfo,
};
use tokio::sync::OnceCell;

use super::{
    Cache, DropboxPath, Error, Http, NetworkError, Payload,
    http::network_error,
    meter::{Meter, Way},
    pace::{Lane, Pace},
    retry::{TRIES, Tries},
};
use crate::{
    account::{Access, Account},
    config::{PathRoot, Start},
    location::Location,
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
/// What a page means that stands where an answer should.
pub(super) const LOGIN_PAGE: &str = "a web page came; perhaps this network wants a login of its own";
/// After a word about a wait, this long no other.
const QUIET: Duration = Duration::from_secs(10);
/// The pause after a 429 that names none (the official SDK waits as long).
const UNNAMED_PAUSE: Duration = Duration::from_secs(5);

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
    account: Account,
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
    /// Calls for `account`, at most `most` at once.
    pub fn new(http: Http, account: Account, most: usize, meter: Arc<Meter>) -> Self {
        let login = Login {
            http,
            account,
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
            start: if self.account.has_one_start() {
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
    pub fn location(&self, path: &DropboxPath) -> Location {
        let (path, from_root) = match &self.shown {
            Shown::Plain => (path.clone(), false),
            Shown::Slash => (path.clone(), true),
            Shown::Below(home) => match path.below(home) {
                Some(path) => (path, false),
                None => (path.clone(), true),
            },
        };
        Location::Remote {
            name: self.remote().to_owned(),
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
        self.account.learn(info).await;
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
        self.account.identity(self.start).await
    }

    /// The remote's name.
    pub fn remote(&self) -> &str {
        self.account.name()
    }

    /// What is known of the remote now, new tokens included.
    pub async fn to_remote(&self) -> crate::config::Remote {
        self.account.to_remote().await
    }

    /// The namespace that paths start in. `None` is the person's own folder.
    pub async fn space(&self) -> Option<String> {
        self.account.space(self.start).await
    }

    /// Asks where the account's root is, once, if that isn't known and matters.
    async fn access(&self) -> Result<Access, Error> {
        if !self.account.knows(self.start).await {
            self.asked.get_or_try_init(|| self.ask_for_root()).await?;
        }
        self.account.access(self.start).await
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
                    self.account.move_root(root, may_follow).await;
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
                access = self.account.renew(&access.token, self.start).await?;
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

/// What a network says in Dropbox's place by the status alone: a login at the proxy, an address elsewhere.
pub(super) fn refusal_of_network(status: u16, headers: &HeaderMap) -> Option<Error> {
    match status {
        300..=399 => {
            let to = header(headers, "location").and_then(|to| reqwest::Url::parse(to).ok());
            let to = to
                .as_ref()
                .and_then(reqwest::Url::host_str)
                .unwrap_or("another address");
            Some(Error::Portal(format!(
                "it leads to {to}; perhaps this network wants a login of its own"
            )))
        }
        407 => Some(Error::Network(NetworkError::Proxy(
            "it wants a login (HTTP 407)".into(),
        ))),
        511 => Some(Error::Portal(
            "this network wants a login of its own (HTTP 511)".into(),
        )),
        _ => None,
    }
}

/// Whether a body is a web page.
pub(super) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// The bytes of an answer, of which there may be `most`.
pub(super) async fn limited(mut response: Response, most: usize) -> Result<Bytes, Error> {
    let mut all = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| network_error(&e))? {
        if all.len() + chunk.len() > most {
            return Err(Error::Unreadable(format!("it has more than {} MiB", most >> 20)));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// What an answer is that isn't what was expected.
fn unread(body: &[u8], error: &serde_json::Error) -> Error {
    match () {
        () if is_page(body) => Error::Portal(LOGIN_PAGE.into()),
        // It came whole: asking again would bring the same.
        () if is_json(body) => Error::Unreadable(error.to_string()),
        () => Error::NotDropbox(error.to_string()),
    }
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

/// From a status that isn't success to an error.
fn refusal(status: u16, after: Option<Duration>, body: &[u8]) -> Error {
    let text = || {
        String::from_utf8_lossy(body)
            .chars()
            .take(400)
            .collect::<String>()
    };
    match (status, RouteError::from_body(body)) {
        (401 | 403, Some(error)) => Error::Access(error),
        (404 | 409, Some(error)) => Error::Route(error),
        (422, Some(error)) => Error::PathRoot(error),
        (429, Some(error)) if error.has("too_many_write_operations") => Error::RateLimited {
            after: after.filter(|after| !after.is_zero()), // seen: 0, which means nothing
            contention: true,
        },
        (429, _) => Error::RateLimited {
            after: after.or_else(|| pause_in(body)).or(Some(UNNAMED_PAUSE)),
            contention: false,
        },
        (400 | 401 | 403, _) if let Some(error) = RouteError::from_scope_text(&text()) => {
            Error::Access(error)
        }
        (403, None) if is_page(body) => Error::Portal(
            "a web page came (HTTP 403); perhaps a filter of this network doesn't let Dropbox through".into(),
        ),
        (400, _) => Error::BadRequest(text()),
        (408 | 500.., _) => Error::Server { status, after },
        (401 | 403 | 404 | 409 | 422, None) => {
            Error::NotDropbox(format!("HTTP {status} without an explanation"))
        }
        _ => Error::BadRequest(format!("HTTP {status} {}", text())),
    }
}

/// The same pause as in `Retry-After`, in the body of a 429: `{"error": {"reason": …, "retry_after": 15}}`.
fn pause_in(body: &[u8]) -> Option<Duration> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body["error"]["retry_after"].as_u64().map(Duration::from_secs)
}

/// `Retry-After`: seconds, or a date, which is compared with the answer's own.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header(headers, "retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text: &str| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second());
    let now = header(headers, "date")
        .and_then(date)
        .unwrap_or_else(|| jiff::Timestamp::now().as_second());
    let seconds = date(text)?.saturating_sub(now);
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dropbox::Fate;

    #[test]
    fn pauses_are_found_wherever_they_are_named() {
        let body = r#"{"error":{"reason":{".tag":"too_many_requests"},"retry_after":15}}"#;
        let busy = r#"{"error":{"reason":{".tag":"too_many_write_operations"}}}"#;
        let seconds = Duration::from_secs;
        for (status, header, body, after) in [
            (429, Some(7), body, Some(seconds(7))),
            (429, None, body, Some(seconds(15))),
            (429, None, "slow down", Some(UNNAMED_PAUSE)),
            (429, Some(0), busy, None),
            (429, Some(2), busy, Some(seconds(2))),
            (503, Some(3), "<html>", Some(seconds(3))),
            (503, None, "<html>", None),
        ] {
            let error = refusal(status, header.map(seconds), body.as_bytes());
            assert_eq!(error.retry_after(), after, "{status} {header:?} {body}");
            assert_eq!(error.fate(), Fate::TryAgain);
        }
    }

    #[test]
    fn pauses_may_be_dates_and_nonsense_is_no_pause() {
        let of = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", after.parse().unwrap());
            if let Some(date) = date {
                headers.insert("date", date.parse().unwrap());
            }
            retry_after(&headers).map(|after| after.as_secs())
        };
        let now = Some("Wed, 25 Nov 2026 18:00:00 GMT");
        assert_eq!(of("Wed, 25 Nov 2026 18:01:30 GMT", now), Some(90));
        assert_eq!(of("Wed, 25 Nov 2026 17:00:00 GMT", now), Some(0));
        assert_eq!(of(" 7 ", now), Some(7));
        assert_eq!(of("86400", now), Some(86400));
        assert!(of("9200000000000000000", now).is_some_and(|seconds| seconds > 86400));
        for nonsense in ["-5", "", "soon", "NaN", "inf", "1e400"] {
            assert_eq!(of(nonsense, now), None, "{nonsense}");
        }
    }

    #[test]
    fn what_answers_in_dropboxs_place_is_known_by_its_status() {
        let mut headers = HeaderMap::new();
        assert!(refusal_of_network(200, &headers).is_none() && refusal_of_network(409, &headers).is_none());
        assert!(matches!(
            refusal_of_network(407, &headers),
            Some(Error::Network(NetworkError::Proxy(_)))
        ));
        headers.insert(
            "location",
            "https://login.hotel.example/x?token=1".parse().unwrap(),
        );
        for status in [301, 302, 303, 307, 308] {
            let error = refusal_of_network(status, &headers).unwrap();
            assert!(error.ends_run() && error.fate() == Fate::TryAgain);
            assert!(
                error.to_string().contains("login.hotel.example;") && !error.to_string().contains("token"),
                "{error}"
            );
        }
        assert!(matches!(refusal(403, None, b" <html>"), Error::Portal(_)));
        assert!(matches!(refusal(500, None, b"<html>"), Error::Server { .. }));
    }

    #[test]
    fn statuses_become_fates() {
        for (status, body, fate) in [
            (400, "Error in call to API function", Fate::SkipFile),
            (
                400,
                "Error in call to API function \"files/upload\": Your app (ID: 1) is not permitted to access this endpoint, because it does not have the required scope 'files.content.write'.",
                Fate::StopRun,
            ),
            (
                401,
                r#"{"error":{".tag":"missing_scope","required_scope":"x"}}"#,
                Fate::StopRun,
            ),
            (
                409,
                r#"{"error":{".tag":"path","path":{".tag":"not_found"}}}"#,
                Fate::SkipFile,
            ),
            (
                409,
                r#"{"error":{".tag":"path","path":{".tag":"insufficient_space"}}}"#,
                Fate::StopRun,
            ),
            (
                409,
                r#"{"error":{".tag":"path","path":{".tag":"too_many_write_operations"}}}"#,
                Fate::TryAgain,
            ),
            (409, "<html>", Fate::TryAgain),
            (429, "slow down", Fate::TryAgain),
            (500, "", Fate::TryAgain),
            (503, "<html>", Fate::TryAgain),
        ] {
            assert_eq!(
                refusal(status, None, body.as_bytes()).fate(),
                fate,
                "{status} {body}"
            );
        }
    }
}
