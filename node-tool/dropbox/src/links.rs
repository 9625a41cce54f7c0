//! Links of the account that others can open.

use crate::{
    Client, DropboxPath, Error,
    api::{
        Nothing,
        sharing::{
            CREATE_LINK, CreateLinkArg, LIST_LINKS, Link, LinkSettings, ListLinksArg, MODIFY_LINK,
            ModifyLinkArg, REVOKE_LINK, RevokeLinkArg,
        },
    },
    link_address::is_short,
    pages::Pages,
};

/// The audiences that can be chosen. A link may have others, such as the members of a shared folder.
const AUDIENCES: [&str; 3] = ["public", "team", "no_one"];

/// What a link is to be like. What isn't set stays as it is, or as the account has it for new links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkWish {
    /// The settings.
    pub settings: LinkSettings,
    /// Whether the link is to have no end any more.
    pub removes_expiry: bool,
}

impl Client {
    /// Returns a link to `path` that others can open: the one there is, changed as is wished, or a new one. What people may do
    /// with an existing link (`access`) can't be changed and stays as it is.
    ///
    /// # Errors
    /// When there is nothing at `path`, the account may not share it, or a setting is refused.
    pub async fn link(&self, path: &DropboxPath, wish: &LinkWish) -> Result<Link, Error> {
        let arg = CreateLinkArg {
            path: path.as_str().to_owned(),
            settings: Some(wish.settings.clone()).filter(|settings| *settings != LinkSettings::default()),
        };
        match self.rpc(&CREATE_LINK, &arg).await {
            Err(error) if error.route().is_some_and(|e| e.has("shared_link_already_exists")) => {
                let there = self.links_to(path, true).await?.into_iter().next().ok_or(error)?;
                self.change_link(there, wish).await
            }
            done => done,
        }
    }

    async fn change_link(&self, there: Link, wish: &LinkWish) -> Result<Link, Error> {
        let mut settings = LinkSettings {
            access: None,
            ..wish.settings.clone()
        };
        if settings == LinkSettings::default() {
            if !wish.removes_expiry || there.expires.is_none() {
                return Ok(there);
            }
            // Something has to be set: what is so already.
            settings.audience = there
                .link_permissions
                .effective_audience
                .map(|audience| audience.tag)
                .filter(|audience| AUDIENCES.contains(&audience.as_str()));
            settings.allow_download = match settings.audience {
                Some(_) => None,
                None => Some(there.link_permissions.allow_download),
            };
        }
        let arg = ModifyLinkArg {
            url: there.url,
            settings,
            remove_expiration: wish.removes_expiry,
        };
        self.rpc(&MODIFY_LINK, &arg).await
    }

    /// Ends all links to `path`. Returns their addresses.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn unlink(&self, path: &DropboxPath) -> Result<Vec<String>, Error> {
        let links = self.links_to(path, true).await?;
        for link in &links {
            self.revoke_link(&link.url).await?;
        }
        Ok(links.into_iter().map(|link| link.url).collect())
    }

    /// Ends the link with an address.
    ///
    /// # Errors
    /// When there is no such link, or it is somebody else's.
    pub async fn revoke_link(&self, url: &str) -> Result<(), Error> {
        let url = match is_short(url) {
            true => self.follow_short(url).await?.url,
            false => url.to_owned(),
        };
        let arg = RevokeLinkArg { url };
        let Nothing = self.rpc(&REVOKE_LINK, &arg).await?;
        Ok(())
    }

    /// Returns the account's links that lead to `path`, also those to the folders around it unless `direct_only`.
    ///
    /// # Errors
    /// When there is nothing, or Dropbox can't be asked.
    pub async fn links_to(&self, path: &DropboxPath, direct_only: bool) -> Result<Vec<Link>, Error> {
        let arg = ListLinksArg {
            path: Some(path.as_str().to_owned()),
            direct_only,
            cursor: None,
        };
        Ok(self.rpc(&LIST_LINKS, &arg).await?.links)
    }

    /// Returns all links of the account.
    ///
    /// # Errors
    /// When the list doesn't come to its end.
    pub async fn all_links(&self) -> Result<Vec<Link>, Error> {
        let first = self.rpc(&LIST_LINKS, &ListLinksArg::default()).await?;
        let mut pages = Pages::new(first, async |cursor| {
            let arg = ListLinksArg {
                cursor: Some(cursor),
                ..ListLinksArg::default()
            };
            self.rpc(&LIST_LINKS, &arg).await
        });
        let mut all = Vec::new();
        while let Some(page) = pages.next().await? {
            all.extend(page.links);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Secret,
        testing::{Answer, Server, answer, login},
    };

    const LINK: &str = r#"{".tag":"file","url":"u","name":"n","expires":"2030-01-01T00:00:00Z","link_permissions":{"effective_audience":{".tag":"public"}}}"#;

    fn exists() -> Answer {
        answer(409, r#"{"error":{".tag":"shared_link_already_exists"}}"#)
    }

    fn listed() -> Answer {
        answer(200, &format!(r#"{{"links":[{LINK}],"has_more":false}}"#))
    }

    fn path() -> DropboxPath {
        DropboxPath::parse("f").unwrap()
    }

    #[tokio::test]
    async fn an_existing_link_is_changed_only_where_something_is_to_change() {
        let password = LinkSettings {
            require_password: Some(true),
            link_password: Some(Secret::new("secret")),
            ..LinkSettings::default()
        };
        let access = LinkSettings {
            access: Some("editor".into()),
            ..LinkSettings::default()
        };
        for (settings, removes_expiry, changed) in [
            (LinkSettings::default(), false, None),
            (access, false, None),
            (
                password,
                false,
                Some(r#"{"url":"u","settings":{"require_password":true,"link_password":"secret"}}"#),
            ),
            (
                LinkSettings::default(),
                true,
                Some(r#"{"url":"u","settings":{"audience":"public"},"remove_expiration":true}"#),
            ),
        ] {
            let server = Server::start([exists(), listed(), answer(200, LINK)]).await;
            let wish = LinkWish {
                settings,
                removes_expiry,
            };
            let link = server.client(login("t")).link(&path(), &wish).await.unwrap();
            assert_eq!(link.url, "u");
            let sent = server.requests().into_iter().nth(2).map(|request| request.body);
            assert_eq!(sent.as_deref(), changed);
        }
    }

    #[tokio::test]
    async fn links_come_in_pages() {
        let first = format!(r#"{{"links":[{LINK}],"has_more":true,"cursor":"c"}}"#);
        let server = Server::start([answer(200, &first), listed()]).await;
        let links = server.client(login("t")).all_links().await.unwrap();
        assert_eq!(links.len(), 2);
        let asked: Vec<_> = server
            .requests()
            .into_iter()
            .map(|request| request.body)
            .collect();
        assert_eq!(asked, ["{}", r#"{"cursor":"c"}"#]);
    }
}
