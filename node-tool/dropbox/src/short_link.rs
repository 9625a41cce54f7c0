//! Short links (`https://db.tt/…`). The API doesn't know them, so they are followed as a browser would, without any credentials, and
//! only as long as they lead from one page of Dropbox to another.

use url::Url;

use crate::{
    Client, Error, LinkAddress, LinkProblem,
    endpoints::Host,
    link_address::{is_short, page_of},
};

/// Maximum number of redirects.
const MAX_HOPS: usize = 5;

impl Client {
    /// Returns the link that a short one leads to.
    ///
    /// # Errors
    /// When it leads nowhere, or the pages can't be asked.
    pub(crate) async fn follow_short(&self, short: &str) -> Result<LinkAddress, Error> {
        let nowhere = || Error::Link(LinkProblem::LeadsNowhere);
        let mut at = Url::parse(short).map_err(|_| nowhere())?;
        for _ in 0..MAX_HOPS {
            let host = page_of(&at).ok_or_else(nowhere)?;
            let next = self.redirect(host, &at).await?.ok_or_else(nowhere)?;
            at = at.join(&next).map_err(|_| nowhere())?;
            match LinkAddress::parse(at.as_str()) {
                Ok(address) if !is_short(&address.url) => return Ok(address),
                _ => {} // another page on the way, or one that is refused
            }
        }
        Err(nowhere())
    }

    /// Returns where a page sends a browser on to. `None` means nowhere.
    async fn redirect(&self, host: Host, page: &Url) -> Result<Option<String>, Error> {
        let path = match page.query() {
            Some(query) => format!("{}?{query}", page.path()),
            None => page.path().to_owned(),
        };
        let mut tries = self.tries();
        loop {
            match self.login.http.location(host, &path).await {
                Ok(location) => return Ok(location),
                Err(error) => {
                    let wait = tries.wait_after(&error).ok_or(error)?;
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, Server, answer, login};

    const LINK: &str = "https://www.dropbox.com/scl/fo/a/b?rlkey=c&dl=0";

    fn to(place: &str) -> Answer {
        answer(302, "").with_header("Location", place)
    }

    #[tokio::test]
    async fn a_short_link_is_followed_within_dropbox_and_without_the_login() {
        for (answers, leads_to) in [
            (vec![to(LINK)], Some("https://www.dropbox.com/scl/fo/a/b?rlkey=c")),
            (
                vec![to("https://www.dropbox.com/l/s/x"), to("/s/a/f.txt?dl=0")],
                Some("https://www.dropbox.com/s/a/f.txt"),
            ),
            (vec![to("https://example.org/s/a/b")], None),
            (vec![to("http://www.dropbox.com.example.org/s/a/b")], None),
            (vec![answer(404, "")], None),
            (vec![answer(200, "<html>")], None),
            (vec![to("https://db.tt/x"); 6], None),
        ] {
            let server = Server::start(answers).await;
            let found = server
                .client(login("secret"))
                .follow_short("https://db.tt/x?y=1")
                .await;
            match (found, leads_to) {
                (Ok(found), Some(url)) => assert_eq!(found.url, url),
                (Err(Error::Link(LinkProblem::LeadsNowhere)), None) => {}
                (found, _) => panic!("{found:?}"),
            }
            let asked = server.requests();
            assert_eq!(asked[0].path, "/x?y=1");
            assert!(
                asked
                    .iter()
                    .all(|request| request.header("authorization").is_none())
            );
        }
    }
}
