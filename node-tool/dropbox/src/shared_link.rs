//! What others publish behind a link: looking at it, listing its folders, downloading its files.
//!
//! Dropbox lists such folders one by one, names entries without their paths, and serves whatever revision a file has now.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::{
    Client, Download, DropboxPath, Entry, Error, LinkAddress, LinkProblem, Secret, Tries,
    api::{
        files::{ListFolderResult, MAX_LIST_LIMIT, Metadata, Time},
        sharing::{
            LINK_FILE, LIST_LINK_FOLDER, Link, ListLinkFolderArg, OPEN_LINK, OpenLinkArg, SharedLinkArg,
        },
    },
    link_address::is_short,
    list::rows,
    pages::{NAMELESS, unless_reset},
};

/// A link, and what opens it. Its address alone opens most links, so it is as secret as the person who typed it wishes. Clones
/// share what was learned of it.
#[derive(Clone, Debug)]
pub struct SharedLink {
    /// The address.
    pub url: String,
    /// The password, if one is known.
    pub password: Option<Secret>,
    known: Arc<Known>,
}

/// What calls have said of a link.
#[derive(Debug, Default)]
struct Known {
    /// Where a short link leads.
    whole: OnceCell<LinkAddress>,
    /// When it ends.
    expires: Mutex<Option<Time>>,
}

impl SharedLink {
    /// Returns the link with an address that [`LinkAddress`] has read.
    pub fn new(url: impl Into<String>, password: Option<Secret>) -> Self {
        Self {
            url: url.into(),
            password,
            known: Arc::default(),
        }
    }
}

/// A folder behind a link.
#[derive(Debug, Default)]
pub struct LinkFolder {
    /// What is in it; paths are names. Sorted by name.
    pub entries: Vec<Entry>,
    /// Names that can't be used as a path here, with the reason.
    pub refused: Vec<(String, String)>,
}

impl Client {
    /// Returns what a link leads to, or what is at `path` below it.
    ///
    /// # Errors
    /// When the link doesn't open, or nothing is there.
    pub async fn open_link(&self, link: &SharedLink, path: &DropboxPath) -> Result<Link, Error> {
        let arg = self.place_of(link, path).await?;
        match self.rpc(&OPEN_LINK, &arg).await {
            Ok(opened) => {
                *link.known.expires.lock() = opened.expires;
                Ok(opened)
            }
            Err(error) => Err(self.diagnose(error, link).await),
        }
    }

    /// Lists one folder behind a link, not what is below it.
    ///
    /// # Errors
    /// When the link doesn't open, `path` isn't a folder, or the listing doesn't come to its end.
    pub async fn list_link(&self, link: &SharedLink, path: &DropboxPath) -> Result<LinkFolder, Error> {
        let listed = unless_reset(async || self.list_link_once(link, path).await).await;
        match listed {
            Err(error) if error.route().is_some_and(|error| error.has("restricted_content")) => {
                // This route has no words for links: either the folder is blocked, or the link doesn't open.
                self.open_link(link, &DropboxPath::default()).await?;
                Err(Error::Link(LinkProblem::Blocked))
            }
            Err(error) => Err(self.diagnose(error, link).await),
            Ok(listed) => Ok(listed),
        }
    }

    async fn list_link_once(&self, link: &SharedLink, path: &DropboxPath) -> Result<LinkFolder, Error> {
        let place = self.place_of(link, path).await?;
        let arg = ListLinkFolderArg {
            path: place.path.unwrap_or_default(),
            limit: Some(MAX_LIST_LIMIT),
            shared_link: SharedLinkArg {
                url: place.url,
                password: place.link_password,
            },
        };
        let first = self
            .rpc_list(&LIST_LINK_FOLDER, &arg, ListFolderResult::read)
            .await?;
        let (mut folder, mut pages) = (Collected::default(), self.list_pages(first));
        while let Some(page) = pages.next().await? {
            let odd = page.odd.into_iter();
            folder
                .refused
                .extend(odd.map(|odd| (odd.path.unwrap_or_else(|| NAMELESS.into()), odd.reason)));
            page.entries.into_iter().for_each(|entry| folder.take(entry));
        }
        Ok(folder.finish())
    }

    /// Begins to download the file that is at `path` below a link, whichever revision it has now; `range` is first and last byte.
    ///
    /// # Errors
    /// When the link doesn't open, no file is there, or it can't be downloaded. Where nothing is at `path`, but the link itself
    /// opens, the route's own error is returned.
    pub async fn download_link(
        &self,
        link: &SharedLink,
        path: &DropboxPath,
        range: Option<(u64, u64)>,
        tries: &mut Tries,
    ) -> Result<Download<'_, Link>, Error> {
        let arg = self.place_of(link, path).await?;
        let error = match self.download(&LINK_FILE, &arg, range, tries).await {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        match explain(error.clone(), link) {
            // Either that file alone went away, or the link.
            Error::Link(LinkProblem::NotFound) if !path.is_root() => {
                self.open_link(link, &DropboxPath::default()).await?;
                Err(error)
            }
            Error::Link(LinkProblem::Denied { .. }) => {
                let there = self.open_link(link, path).await?;
                Err(Error::Link(match there.link_permissions.allow_download {
                    false => LinkProblem::NoDownload,
                    true => LinkProblem::Withheld {
                        size_bytes: there.size.unwrap_or_default(),
                    },
                }))
            }
            // The file alone is of that kind.
            Error::Link(LinkProblem::Unsupported) => Err(error),
            error => Err(error),
        }
    }

    /// Returns the address of a link, and the path below it, as the API takes them: it knows no short links.
    async fn place_of(&self, link: &SharedLink, path: &DropboxPath) -> Result<OpenLinkArg, Error> {
        let (url, path) = match is_short(&link.url) {
            false => (link.url.clone(), path.clone()),
            true => {
                let follow = || self.follow_short(&link.url);
                let whole = link.known.whole.get_or_try_init(follow).await?;
                (whole.url.clone(), whole.path.join(path.as_str()))
            }
        };
        Ok(OpenLinkArg {
            url,
            path: Some(path.as_str().to_owned()).filter(|path| !path.is_empty()),
            link_password: link.password.clone(),
        })
    }

    /// Returns what an error means for a link, as far as that can be found out.
    async fn diagnose(&self, error: Error, link: &SharedLink) -> Error {
        match explain(error, link) {
            Error::Link(LinkProblem::Denied { with_password }) => {
                Error::Link(self.why_denied(link, with_password).await)
            }
            error => error,
        }
    }

    /// Returns why a link doesn't open. Dropbox has one word for it, but says more of what the account's own links are like.
    async fn why_denied(&self, link: &SharedLink, with_password: bool) -> LinkProblem {
        let is_over = |end: &Time| *end <= now();
        if let Some(end) = link.known.expires.lock().filter(is_over) {
            return LinkProblem::Expired(end);
        }
        let own = self.as_usual().all_links().await.unwrap_or_default();
        let url = match link.known.whole.get() {
            Some(whole) => &whole.url,
            None => &link.url,
        };
        let is_it = |own: &Link| LinkAddress::parse(&own.url).is_ok_and(|own| own.url == *url);
        let Some(own) = own.into_iter().find(is_it) else {
            return LinkProblem::Denied { with_password };
        };
        match own.expires.filter(is_over) {
            Some(end) => LinkProblem::Expired(end),
            None if own.link_permissions.require_password == Some(true) => {
                LinkProblem::Password { with_password }
            }
            None => LinkProblem::Closed,
        }
    }
}

/// Returns the time.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// What pages say of a folder, by the name that Dropbox compares.
#[derive(Default)]
struct Collected {
    entries: HashMap<String, Entry>,
    refused: Vec<(String, String)>,
}

impl Collected {
    fn take(&mut self, metadata: Metadata) {
        let entry: Entry = match metadata {
            Metadata::File(file) => file.into(),
            Metadata::Folder(folder) => folder.into(),
            Metadata::Deleted(_) => return,
            Metadata::Unknown => {
                let reason = "it is of an unknown kind".to_owned();
                return self.refused.push((NAMELESS.into(), reason));
            }
        };
        match rows::refuse_name(&entry.path) {
            Some(reason) => self.refused.push((entry.path, reason.into())),
            None => {
                self.entries.insert(entry.path.to_lowercase(), entry);
            }
        }
    }

    fn finish(self) -> LinkFolder {
        let mut entries: Vec<Entry> = self.entries.into_values().collect();
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        LinkFolder {
            entries,
            refused: self.refused,
        }
    }
}

/// Returns what the tag of an error means for a link.
fn explain(error: Error, link: &SharedLink) -> Error {
    let Some(route) = error.route() else { return error };
    let denied = LinkProblem::Denied {
        with_password: link.password.is_some(),
    };
    let problem = match route.tags().last().copied().unwrap_or_default() {
        "shared_link_not_found" | "not_found" => LinkProblem::NotFound,
        "shared_link_access_denied" => denied,
        "unsupported_link_type" => LinkProblem::Unsupported,
        "unsupported_parameter_field" => LinkProblem::Private,
        _ => return error,
    };
    Error::Link(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, answer, login};

    fn link(password: Option<&str>) -> SharedLink {
        SharedLink::new(
            "https://www.dropbox.com/scl/fo/a/b?rlkey=c",
            password.map(Secret::new),
        )
    }

    fn refused(tag: &str) -> crate::testing::Answer {
        answer(409, &format!(r#"{{"error":{{".tag":"{tag}"}}}}"#))
    }

    fn file(name: &str) -> String {
        format!(
            r#"{{".tag":"file","name":"{name}","id":"id:{name}","client_modified":"2020-01-01T00:00:00Z","rev":"0123456789","size":5}}"#
        )
    }

    #[tokio::test]
    async fn a_folder_is_listed_page_by_page_and_names_lead_nowhere_else() {
        let page = |entries: &[String], cursor: &str, has_more: bool| {
            let entries = entries.join(",");
            answer(
                200,
                &format!(r#"{{"entries":[{entries}],"cursor":"{cursor}","has_more":{has_more}}}"#),
            )
        };
        let server = Server::start([
            page(&[file("b"), file("../x")], "c1", true),
            page(&[file("a"), file("B"), file(".."), file("x/y")], "c2", false),
        ])
        .await;
        let client = server.client(login("t"));
        let folder = client
            .list_link(&link(None), &DropboxPath::default())
            .await
            .unwrap();
        let names: Vec<_> = folder.entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(names, ["B", "a"]);
        let refused: Vec<_> = folder.refused.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(refused, ["../x", "..", "x/y"]);
    }

    #[tokio::test]
    async fn what_dropbox_says_of_a_link_has_words_of_its_own() {
        let denied = |with_password| Some(LinkProblem::Denied { with_password });
        for (tag, password, problem) in [
            ("shared_link_not_found", None, Some(LinkProblem::NotFound)),
            ("shared_link_access_denied", None, denied(false)),
            ("shared_link_access_denied", Some("x"), denied(true)),
            ("unsupported_link_type", None, Some(LinkProblem::Unsupported)),
            (
                "unsupported_parameter_field",
                Some("x"),
                Some(LinkProblem::Private),
            ),
            ("other", None, None),
        ] {
            let none = answer(200, r#"{"links":[],"has_more":false}"#);
            let server = Server::start([refused(tag), none]).await;
            let client = server.client(login("t"));
            let error = client.open_link(&link(password), &DropboxPath::default()).await;
            let found = match error.unwrap_err() {
                Error::Link(problem) => Some(problem),
                _ => None,
            };
            assert_eq!(found, problem, "{tag}");
        }
    }

    /// Returns the problem of an error that has to be one of a link.
    fn problem(error: &Error) -> LinkProblem {
        match error {
            Error::Link(problem) => *problem,
            error => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn of_ones_own_links_dropbox_says_why_they_are_closed() {
        let own = |more: &str| {
            let link =
                format!(r#"{{"url":"https://www.dropbox.com/scl/fo/a/b?rlkey=c&dl=0","name":"n"{more}}}"#);
            answer(200, &format!(r#"{{"links":[{link}],"has_more":false}}"#))
        };
        let past = r#","expires":"2020-01-01T00:00:00Z","link_permissions":{"require_password":true}"#;
        for (more, expected) in [
            (past, LinkProblem::Expired(Time(1_577_836_800))),
            (
                r#","expires":"2999-01-01T00:00:00Z","link_permissions":{"require_password":true}"#,
                LinkProblem::Password { with_password: false },
            ),
            ("", LinkProblem::Closed),
        ] {
            let server = Server::start([refused("shared_link_access_denied"), own(more)]).await;
            let client = server.client(login("t"));
            let error = client.open_link(&link(None), &DropboxPath::default()).await;
            assert_eq!(problem(&error.unwrap_err()), expected);
        }
    }

    #[tokio::test]
    async fn a_link_that_opened_and_expired_is_told_from_others() {
        const OPEN: &str = r#"{".tag":"folder","url":"u","name":"n","expires":"2020-01-01T00:00:00Z"}"#;
        let server = Server::start([answer(200, OPEN), refused("shared_link_access_denied")]).await;
        let (client, link) = (server.client(login("t")), link(None));
        client.open_link(&link, &DropboxPath::default()).await.unwrap();
        let error = client
            .list_link(&link, &DropboxPath::default())
            .await
            .unwrap_err();
        assert_eq!(problem(&error), LinkProblem::Expired(Time(1_577_836_800)));
        assert!(error.to_string().contains("2020-01-01T00:00:00Z"), "{error}");
    }

    #[tokio::test]
    async fn what_is_blocked_or_withheld_is_told_from_a_link_that_doesnt_open() {
        const OPEN: &str = r#"{".tag":"file","url":"u","name":"n","rev":"0123456789","size":7}"#;
        const CLOSED: &str =
            r#"{".tag":"file","url":"u","name":"n","link_permissions":{"allow_download":false}}"#;
        let blocked = answer(
            409,
            r#"{"error":{".tag":"path","path":{".tag":"restricted_content"}}}"#,
        );
        let server = Server::start([blocked, answer(200, OPEN)]).await;
        let client = server.client(login("t"));
        let error = client
            .list_link(&link(None), &DropboxPath::default())
            .await
            .unwrap_err();
        assert_eq!(problem(&error), LinkProblem::Blocked);
        for (opened, expected) in [
            (OPEN, LinkProblem::Withheld { size_bytes: 7 }),
            (CLOSED, LinkProblem::NoDownload),
        ] {
            let server = Server::start([refused("shared_link_access_denied"), answer(200, opened)]).await;
            let client = server.client(login("t"));
            let (link, mut tries) = (link(None), Tries::new(Some(1)));
            let opened = client
                .download_link(&link, &DropboxPath::default(), None, &mut tries)
                .await;
            assert_eq!(problem(&opened.unwrap_err()), expected);
        }
    }

    #[tokio::test]
    async fn a_file_that_went_away_is_told_from_a_link_that_did() {
        const OPEN: &str = r#"{".tag":"folder","url":"u","name":"n"}"#;
        for (root, is_link) in [
            (answer(200, OPEN), false),
            (refused("shared_link_not_found"), true),
        ] {
            let server = Server::start([refused("shared_link_not_found"), root]).await;
            let client = server.client(login("t"));
            let path = DropboxPath::parse("a").unwrap();
            let opened = client
                .download_link(&link(None), &path, None, &mut Tries::new(Some(1)))
                .await;
            let error = opened.unwrap_err();
            assert_eq!(matches!(error, Error::Link(_)), is_link, "{error}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert!(!format!("{:?}", link(Some("hunter2"))).contains("hunter2"));
    }
}
