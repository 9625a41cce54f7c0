//! One call: its token, its attempts, and the recovery from errors that another attempt can fix.

use std::{pin::Pin, time::Duration};

use reqwest::{RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use shared::endpoints::Host;

use crate::{
    Client, Error, NetworkError, PathRoot, Payload, Start,
    answer::{checked, header, read_json, read_result_header},
    api::{Nothing, Repeat, Route, Style, files::UPLOAD, json::header_safe, users::GET_CURRENT_ACCOUNT},
    auth::Access,
    download::Download,
    http::network_error,
    retry::{Failed, Tries, retry},
    team::Behalf,
};

/// Timeout of a commit, which may take minutes (seen: 120 s for one file, 500 s for a batch).
const COMMIT_TIMEOUT: Duration = Duration::from_secs(600);
/// Timeout of a long poll of a minute, to which Dropbox adds up to 90 seconds.
const LONGPOLL_TIMEOUT: Duration = Duration::from_secs(180);
/// Maximum number of times that one call renews an expired token, which may expire again while the call is slow.
const MAX_EXPIRED_RENEWALS: u32 = 3;

/// The recoveries that one call has tried.
#[derive(Default)]
struct Recoveries {
    renewals: u32,
    has_followed_root: bool,
}

impl Client {
    /// Calls a route whose argument and result are JSON bodies.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub async fn rpc<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
    ) -> Result<R, Error> {
        self.rpc_within(route, arg, &mut self.tries()).await
    }

    /// Does the same as [`rpc`](Self::rpc) with what is left of `tries`.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub async fn rpc_within<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        tries: &mut Tries,
    ) -> Result<R, Error> {
        self.rpc_read(route, arg, tries, |body| serde_json::from_slice(body))
            .await
    }

    /// Does the same as [`rpc`](Self::rpc) where the answer is a list, of which `read` takes each entry by itself.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub(crate) async fn rpc_list<A: Serialize, R>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        read: impl Fn(&[u8]) -> serde_json::Result<R>,
    ) -> Result<R, Error> {
        self.rpc_read(route, arg, &mut self.tries(), read).await
    }

    async fn rpc_read<A: Serialize, R>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        tries: &mut Tries,
        read: impl Fn(&[u8]) -> serde_json::Result<R>,
    ) -> Result<R, Error> {
        let body = json(arg)?;
        let attempt = async |access: &Access| {
            let _permit = self.login.limit.acquire().await;
            let request = self
                .request(route, access)?
                .header("Content-Type", "application/json")
                .body(body.clone())
                .timeout(timeout(route, self.login.http.stall_timeout()));
            read_json(send(route.name, request).await?, &read).await
        };
        self.attempts(route, tries, |_| false, attempt).await
    }

    /// Calls a route whose body is bytes.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub async fn upload<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        payload: &Payload,
    ) -> Result<R, Error> {
        self.upload_unless(route, arg, payload, |_| false).await
    }

    /// Does the same as [`upload`](Self::upload), but doesn't try again after errors that are an answer to the caller.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub async fn upload_unless<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        payload: &Payload,
        is_answer: impl Fn(&Error) -> bool,
    ) -> Result<R, Error> {
        let arg = header_safe(&json(arg)?);
        let attempt = async |access: &Access| {
            let _permit = self.login.limit.acquire().await;
            let request = self
                .request(route, access)?
                .header("Content-Type", "application/octet-stream")
                .header("Dropbox-API-Arg", &arg)
                .header("Content-Length", payload.length_bytes())
                .body(reqwest::Body::wrap(payload.open(self.login.limit.rates())));
            let read = |body: &[u8]| serde_json::from_slice(body);
            let call = async { read_json(send(route.name, request).await?, &read).await };
            let result = payload
                .guard()
                .run_until_stalled(timeout(route, self.login.http.stall_timeout()), call)
                .await;
            // From here the disk's fault looks like the network's.
            if let Some(error) = payload.broken() {
                return Err(error);
            }
            let result = result.unwrap_or_else(|| Err(no_answer()));
            if result.is_ok() {
                payload.guard().completed();
            }
            self.login.limit.carried(payload.length_bytes());
            result
        };
        self.attempts(route, &mut self.tries(), is_answer, attempt).await
    }

    /// Calls a route that answers with bytes, with what is left of `tries`; `range` is first and last byte. A caller that continues
    /// a broken download passes the same tries, so that a file has one budget of them.
    ///
    /// # Errors
    /// Those of the last attempt. [`Download::chunk`] reports what breaks later.
    pub async fn download<A: Serialize, R: DeserializeOwned>(
        &self,
        route: &Route<A, R>,
        arg: &A,
        range: Option<(u64, u64)>,
        tries: &mut Tries,
    ) -> Result<Download<'_, R>, Error> {
        self.download_unless(route, arg, range, tries, |_| false).await
    }

    /// Does the same as [`download`](Self::download), but doesn't try again after errors that are an answer to the caller.
    ///
    /// # Errors
    /// Those of the last attempt.
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
            let permit = self.login.limit.acquire().await;
            let mut request = self
                .request(route, access)?
                .header("Dropbox-API-Arg", &arg)
                .header("Content-Length", 0);
            if let Some((first, last)) = range {
                request = request.header("Range", format!("bytes={first}-{last}"));
            }
            let stall_timeout = self.login.http.stall_timeout();
            let sent = tokio::time::timeout(stall_timeout, send(route.name, request)).await;
            let response = sent.map_err(|_| no_answer())??;
            let answer = read_result_header(&response)?;
            Ok(Download::new(answer, response, permit, stall_timeout))
        };
        self.attempts(route, tries, is_answer, attempt).await
    }

    /// Tries `attempt` until it succeeds or isn't worth another try. Renews a token that is refused, and follows the account to
    /// another root.
    async fn attempts<A, R, T>(
        &self,
        route: &Route<A, R>,
        tries: &mut Tries,
        is_answer: impl Fn(&Error) -> bool,
        attempt: impl AsyncFn(&Access) -> Result<T, Error>,
    ) -> Result<T, Error> {
        debug_assert!(route.style != Style::Download || route.repeat == Repeat::Safe);
        let mut recoveries = Recoveries::default();
        retry(route.name, tries, &self.login.notices, async || {
            let access = match is_about_team(route) {
                true => self.login.auth.access(Start::Usual).await,
                false => self.access().await,
            };
            let mut access = access.map_err(Failed::Final)?;
            loop {
                let error = match attempt(&access).await {
                    Ok(done) => {
                        self.succeeded(route);
                        return Ok(done);
                    }
                    Err(error) => error,
                };
                let recovered = self.recover(&error, &access, &mut recoveries).await;
                match recovered.map_err(Failed::Final)? {
                    Some(other) => access = other,
                    None => {
                        self.back_off(&error);
                        let may_be_done = route.repeat == Repeat::LookFirst && error.is_unknown();
                        return Err(if may_be_done || is_answer(&error) {
                            Failed::Final(error)
                        } else {
                            Failed::Passing(error)
                        });
                    }
                }
            }
        })
        .await
    }

    fn succeeded<A, R>(&self, route: &Route<A, R>) {
        if depends_on_root(route) {
            self.has_called();
        }
        self.login.limit.succeeded();
    }

    /// Slows all calls down where an error says that there are too many.
    fn back_off(&self, error: &Error) {
        match error {
            // The run ends rather than wait so long: no reason to hold back the calls that are left.
            _ if error.is_refused_for_long() => {}
            Error::RateLimited { .. } | Error::Network(NetworkError::Timeout(_)) => {
                self.login.limit.back_off(error.retry_after());
            }
            Error::Server {
                after: Some(after), ..
            } => self.login.limit.back_off(Some(*after)),
            _ => {}
        }
    }

    /// Returns what to sign the next try with after an error that was about `access`. `None` if it was about something else.
    ///
    /// # Errors
    /// When it is final.
    async fn recover(
        &self,
        error: &Error,
        access: &Access,
        recoveries: &mut Recoveries,
    ) -> Result<Option<Access>, Error> {
        match error {
            Error::PathRoot(why) => match why.root_namespace_id() {
                Some(root) if !recoveries.has_followed_root => {
                    recoveries.has_followed_root = true;
                    self.follow_root(root, error).await.map(Some)
                }
                _ => Ok(None),
            },
            Error::Access(why) => {
                // An expired token may expire again under a slow call; a refused one is refused for good.
                let max = match () {
                    () if why.has("expired_access_token") => MAX_EXPIRED_RENEWALS,
                    () if why.has("invalid_access_token") => 1,
                    () => return Err(error.clone()),
                };
                if recoveries.renewals >= max {
                    return Err(Error::LoginOver(why.to_string()));
                }
                recoveries.renewals += 1;
                // The root is the call's: a shared folder's or a member's is not the login's own.
                Ok(Some(Access {
                    token: self.login.auth.renew(&access.token).await?,
                    root: access.root.clone(),
                }))
            }
            _ => Ok(None),
        }
    }

    /// The account's root is the namespace `root` now, as `error` says: goes on there, unless something was done in the old one.
    async fn follow_root(&self, root: &str, error: &Error) -> Result<Access, Error> {
        let access = self.access().await?;
        if access.root == PathRoot::Root(root.to_owned()) {
            return Ok(access); // another call has been told before
        }
        // A plan for the old root is not carried out in the new one.
        let may_follow = self.may_follow_root();
        self.login.auth.move_root(root, may_follow).await;
        if !may_follow {
            return Err(error.clone());
        }
        tracing::warn!(
            "the team space has moved: {} uses its new root from now on",
            self.remote()
        );
        self.access().await
    }

    /// Returns what the next call is signed with. Asks where the account's root is, once, if that isn't known and matters.
    async fn access(&self) -> Result<Access, Error> {
        let behalf = self.behalf().await?;
        let root = match &self.shared {
            Some(shared) => {
                let folder = shared.find(&self.as_usual()).await?.shared_folder_id.clone();
                Some(PathRoot::Namespace(folder))
            }
            None => behalf.and_then(|behalf| behalf.root.clone()),
        };
        if let Some(root) = root {
            let access = self.login.auth.access(Start::Usual).await?;
            return Ok(Access { root, ..access });
        }
        if !self.login.auth.knows(self.start).await {
            let asked = &self.login.root_was_asked;
            asked.get_or_try_init(|| self.ask_for_root()).await?;
        }
        self.login.auth.access(self.start).await
    }

    /// Returns on whose behalf calls are; asks for the member of a team, once. `None` with the login of a person.
    async fn behalf(&self) -> Result<Option<&Behalf>, Error> {
        if let Some(behalf) = self.login.behalf.get() {
            return Ok(Some(behalf));
        }
        let Some(email) = self.login.auth.member().await else {
            return Ok(None);
        };
        let find: Pin<Box<dyn Future<Output = _> + '_>> =
            Box::pin(async move { self.find_behalf(&email).await });
        self.login.behalf.get_or_try_init(|| find).await.map(Some)
    }

    /// A call before the call: not an `async fn`, or its type would hold itself.
    fn ask_for_root(&self) -> Pin<Box<dyn Future<Output = Result<(), Error>> + '_>> {
        Box::pin(async move {
            let account = self.as_usual().rpc(&GET_CURRENT_ACCOUNT, &Nothing).await?;
            self.learn(&account.root_info).await;
            Ok(())
        })
    }

    /// Returns how many bytes of a call's headers depend on the account: the token, and where its root is.
    pub async fn header_bytes(&self) -> usize {
        let access = self.access().await;
        access.map_or(0, |access| {
            let behalf = self.login.behalf.get();
            access.token.expose().len()
                + access.root.header().map_or(0, |root| root.len() + 32)
                + behalf.map_or(0, |behalf| behalf.header.len() + behalf.member_id.len() + 4)
        })
    }

    fn request<A, R>(&self, route: &Route<A, R>, access: &Access) -> Result<RequestBuilder, Error> {
        let request = self.login.http.post(route.host, &format!("/2/{}", route.name))?;
        if route.host == Host::Notify {
            return Ok(request); // its cursor says whose it is, and it refuses a token
        }
        let request = request.bearer_auth(access.token.expose());
        let request = match self.login.behalf.get().filter(|_| !is_about_team(route)) {
            Some(behalf) => request.header(behalf.header, &behalf.member_id),
            None => request,
        };
        Ok(match access.root.header().filter(|_| depends_on_root(route)) {
            Some(root) => request.header("Dropbox-API-Path-Root", root),
            None => request,
        })
    }
}

async fn send(name: &str, request: RequestBuilder) -> Result<Response, Error> {
    let response = request.send().await.map_err(|e| network_error(&e))?;
    tracing::debug!(
        "{name}: HTTP {}, request id {}",
        response.status().as_u16(),
        header(response.headers(), "x-dropbox-request-id").unwrap_or("-")
    );
    checked(response).await
}

/// Returns whether a call's answer depends on where paths start. Questions about the account don't, and have to be answered also where
/// its root has become another one.
fn depends_on_root<A, R>(route: &Route<A, R>) -> bool {
    !(route.name.starts_with("users/") || is_about_team(route))
}

/// Whether a call is about the login or the team of it, so that it is on nobody's behalf.
fn is_about_team<A, R>(route: &Route<A, R>) -> bool {
    route.name.starts_with("team/") || route.name.starts_with("auth/")
}

/// Returns how long a call may take; an upload, how long it may go without moving any bytes.
fn timeout<A, R>(route: &Route<A, R>, stall_timeout: Duration) -> Duration {
    match route.host {
        Host::Notify => stall_timeout.max(LONGPOLL_TIMEOUT),
        _ if route.name.contains("finish") || route.name == UPLOAD.name => stall_timeout.max(COMMIT_TIMEOUT),
        _ => stall_timeout,
    }
}

fn no_answer() -> Error {
    Error::Network(NetworkError::Timeout("Dropbox".into()))
}

fn json(arg: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(arg).map_err(|e| Error::Unsayable(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Credentials, Secret,
        api::{
            files::{GET_METADATA, PathArg},
            sharing::{FolderArg, MOUNT_FOLDER},
        },
        testing::{Answer, Server, answer, login},
    };

    const FOLDER: &str = r#"{".tag":"folder","name":"a","id":"id:1","path_lower":"/a"}"#;

    fn path() -> PathArg {
        PathArg { path: "/a".into() }
    }

    fn refused_token(tag: &str) -> Answer {
        answer(401, &format!(r#"{{"error":{{".tag":"{tag}"}}}}"#))
    }

    fn new_token(token: &str) -> Answer {
        answer(
            200,
            &format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":14400}}"#),
        )
    }

    fn other_root() -> Answer {
        answer(
            422,
            r#"{"error":{".tag":"invalid_root","invalid_root":{".tag":"team","root_namespace_id":"2","home_namespace_id":"3"}}}"#,
        )
    }

    #[tokio::test]
    async fn an_expired_token_is_renewed_and_the_call_made_again() {
        let server = Server::start([
            refused_token("expired_access_token"),
            new_token("new"),
            answer(200, FOLDER),
        ])
        .await;
        let client = server.client(login("old"));
        client.rpc(&GET_METADATA, &path()).await.unwrap();
        assert_eq!(
            server.asked(),
            ["files/get_metadata", "/oauth2/token", "files/get_metadata"]
        );
        let signed: Vec<_> = server
            .requests()
            .iter()
            .filter_map(|request| request.header("authorization").map(str::to_owned))
            .collect();
        assert_eq!(signed, ["Bearer old", "Bearer new"]);
        assert_eq!(client.credentials().await.access_token, Some(Secret::new("new")));
    }

    #[tokio::test]
    async fn a_token_that_is_refused_again_ends_the_login() {
        for (tag, renewals) in [("invalid_access_token", 1), ("expired_access_token", 3)] {
            let refusals = (0..=renewals).flat_map(|at| [refused_token(tag), new_token(&format!("new{at}"))]);
            let server = Server::start(refusals).await;
            let error = server
                .client(login("old"))
                .rpc(&GET_METADATA, &path())
                .await
                .unwrap_err();
            assert!(matches!(error, Error::LoginOver(_)), "{error}");
            assert_eq!(server.asked().len(), 2 * renewals + 1, "{tag}");
        }
    }

    #[tokio::test]
    async fn what_may_have_been_done_is_repeated_only_where_that_is_safe() {
        let broken = || answer(500, "");
        let server = Server::start([broken(), answer(200, FOLDER)]).await;
        server
            .client(login("t"))
            .rpc(&GET_METADATA, &path())
            .await
            .unwrap();
        assert_eq!(server.asked().len(), 2);

        let server = Server::start([broken(), broken()]).await;
        let arg = FolderArg {
            shared_folder_id: "1".into(),
        };
        let error = server
            .client(login("t"))
            .rpc(&MOUNT_FOLDER, &arg)
            .await
            .unwrap_err();
        assert!(error.is_unknown(), "{error}");
        assert_eq!(server.asked().len(), 1);
    }

    #[tokio::test]
    async fn an_error_that_answers_the_caller_is_not_tried_again() {
        let server = Server::start([answer(500, "")]).await;
        let error = server
            .client(login("t"))
            .download_unless(
                &crate::api::files::DOWNLOAD,
                &path(),
                None,
                &mut Tries::default(),
                |_| true,
            )
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Server { status: 500, .. }));
        assert_eq!(server.asked().len(), 1);
    }

    #[tokio::test]
    async fn another_root_is_followed_only_before_anything_was_done() {
        let rooted = || Credentials {
            root_namespace_id: Some("1".into()),
            account_root_id: Some("1".into()),
            ..login("t")
        };
        let server = Server::start([other_root(), answer(200, FOLDER), answer(200, FOLDER)]).await;
        let client = server.client(rooted());
        client.rpc(&GET_METADATA, &path()).await.unwrap();
        let roots: Vec<_> = server
            .requests()
            .iter()
            .filter_map(|request| request.header("dropbox-api-path-root").map(str::to_owned))
            .collect();
        assert_eq!(
            roots,
            [r#"{".tag":"root","root":"1"}"#, r#"{".tag":"root","root":"2"}"#]
        );

        let server = Server::start([answer(200, FOLDER), other_root()]).await;
        let client = server.client(rooted());
        client.rpc(&GET_METADATA, &path()).await.unwrap();
        let error = client.rpc(&GET_METADATA, &path()).await.unwrap_err();
        assert!(matches!(error, Error::PathRoot(_)), "{error}");
        assert_eq!(client.credentials().await.root_namespace_id.as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn the_accounts_root_is_asked_for_once_if_it_matters() {
        let account = r#"{"account_id":"dbid:1","name":{"display_name":"A"},"email":"a@b","root_info":{".tag":"team","root_namespace_id":"7","home_namespace_id":"8"}}"#;
        let server = Server::start([answer(200, account), answer(200, FOLDER), answer(200, FOLDER)]).await;
        let client = server.client(login("t")).from_root();
        for _ in 0..2 {
            client.rpc(&GET_METADATA, &path()).await.unwrap();
        }
        assert_eq!(
            server.asked(),
            [
                "users/get_current_account",
                "files/get_metadata",
                "files/get_metadata"
            ]
        );
        let last = server.requests().pop().unwrap();
        assert_eq!(
            last.header("dropbox-api-path-root"),
            Some(r#"{".tag":"root","root":"7"}"#)
        );
    }
}
