//! Links that others can open.

use crate::{
    Client, DropboxPath, Error,
    api::{
        Nothing,
        sharing::{CREATE_LINK, CreateLinkArg, LIST_LINKS, ListLinksArg, REVOKE_LINK, RevokeLinkArg},
    },
};

impl Client {
    /// Returns a link to `path` that others can open: the one there is, or a new one.
    ///
    /// # Errors
    /// When there is nothing at `path`, or the account may not share it.
    pub async fn link(&self, path: &DropboxPath) -> Result<String, Error> {
        let arg = CreateLinkArg {
            path: path.as_str().to_owned(),
        };
        match self.rpc(&CREATE_LINK, &arg).await {
            Ok(link) => Ok(link.url),
            Err(error) if error.route().is_some_and(|e| e.has("shared_link_already_exists")) => {
                self.links(path).await?.into_iter().next().ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Ends all links to `path`. Returns their addresses.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn unlink(&self, path: &DropboxPath) -> Result<Vec<String>, Error> {
        let links = self.links(path).await?;
        for url in &links {
            let Nothing = self
                .rpc(&REVOKE_LINK, &RevokeLinkArg { url: url.clone() })
                .await?;
        }
        Ok(links)
    }

    async fn links(&self, path: &DropboxPath) -> Result<Vec<String>, Error> {
        let arg = ListLinksArg {
            path: path.as_str().to_owned(),
            direct_only: true,
        };
        let links = self.rpc(&LIST_LINKS, &arg).await?.links;
        Ok(links.into_iter().map(|link| link.url).collect())
    }
}
