//! What others publish behind a link: looking at it, listing its folders, downloading its files.
//!
//! Dropbox lists such folders one by one, names entries without their paths, and serves whatever revision a file has now.

use std::{collections::HashMap, fmt};

use crate::{
    Client, Download, DropboxPath, Entry, Error, Secret, Tries,
    api::{
        files::{ListFolderResult, MAX_LIST_LIMIT, Metadata},
        sharing::{
            LINK_FILE, LIST_LINK_FOLDER, Link, ListLinkFolderArg, OPEN_LINK, OpenLinkArg, SharedLinkArg,
        },
    },
    list::rows,
    pages::{NAMELESS, unless_reset},
};

/// A link, and what opens it. Its address alone opens most links, so it is as secret as the person who typed it wishes.
#[derive(Clone, Debug)]
pub struct SharedLink {
    /// The address.
    pub url: String,
    /// The password, if one is known.
    pub password: Option<Secret>,
}

/// Why a link doesn't open. Dropbox has few words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkProblem {
    /// There is no such link any more, or nothing at the path below it.
    NotFound,
    /// It doesn't open for this account, or not any more.
    Denied {
        /// Whether a password was given.
        with_password: bool,
    },
    /// Its owner doesn't allow downloads.
    NoDownload,
    /// It leads to something that isn't handed out as a file.
    Unsupported,
    /// A link for invited people takes neither a path nor a password.
    Private,
}

impl fmt::Display for LinkProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such link: it was revoked, what it led to is gone, or its address isn't whole",
            Self::Denied { with_password: false } => {
                "the link doesn't open: it needs a password, has expired, was closed by Dropbox, or is for other people only"
            }
            Self::Denied { with_password: true } => {
                "the link doesn't open: the password is wrong, or it has expired, was closed by Dropbox, or is for other people only"
            }
            Self::NoDownload => "the link's owner lets it be viewed in a browser, but not downloaded",
            Self::Unsupported => "the link leads to a cloud document, which Dropbox hands out in a browser only",
            Self::Private => "the link is for invited people; such a link takes no password, and no path below it",
        })
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
        let opened = self.rpc(&OPEN_LINK, &open(link, path)).await;
        opened.map_err(|error| explain(error, link))
    }

    /// Lists one folder behind a link, not what is below it.
    ///
    /// # Errors
    /// When the link doesn't open, `path` isn't a folder, or the listing doesn't come to its end.
    pub async fn list_link(&self, link: &SharedLink, path: &DropboxPath) -> Result<LinkFolder, Error> {
        let listed = unless_reset(async || self.list_link_once(link, path).await).await;
        listed.map_err(|error| explain(error, link))
    }

    async fn list_link_once(&self, link: &SharedLink, path: &DropboxPath) -> Result<LinkFolder, Error> {
        let arg = ListLinkFolderArg {
            path: path.as_str().to_owned(),
            limit: Some(MAX_LIST_LIMIT),
            shared_link: SharedLinkArg {
                url: link.url.clone(),
                password: link.password.clone(),
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
        let opened = self.download(&LINK_FILE, &open(link, path), range, tries).await;
        let error = match opened {
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
                match there.link_permissions.allow_download {
                    false => Err(Error::Link(LinkProblem::NoDownload)),
                    true => Err(explain(error, link)),
                }
            }
            // The file alone is of that kind.
            Error::Link(LinkProblem::Unsupported) => Err(error),
            error => Err(error),
        }
    }
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

fn open(link: &SharedLink, path: &DropboxPath) -> OpenLinkArg {
    OpenLinkArg {
        url: link.url.clone(),
        path: Some(path.as_str().to_owned()).filter(|path| !path.is_empty()),
        link_password: link.password.clone(),
    }
}

/// Returns what an error means for a link: `files/list_folder` has no words of its own for it.
fn explain(error: Error, link: &SharedLink) -> Error {
    let Some(route) = error.route() else { return error };
    let denied = LinkProblem::Denied {
        with_password: link.password.is_some(),
    };
    let problem = match route.tags().last().copied().unwrap_or_default() {
        "shared_link_not_found" | "not_found" => LinkProblem::NotFound,
        "shared_link_access_denied" | "restricted_content" => denied,
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
        SharedLink {
            url: "https://www.dropbox.com/scl/fo/a/b?rlkey=c".into(),
            password: password.map(Secret::new),
        }
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
            let server = Server::start([refused(tag)]).await;
            let client = server.client(login("t"));
            let error = client.open_link(&link(password), &DropboxPath::default()).await;
            let found = match error.unwrap_err() {
                Error::Link(problem) => Some(problem),
                _ => None,
            };
            assert_eq!(found, problem, "{tag}");
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
