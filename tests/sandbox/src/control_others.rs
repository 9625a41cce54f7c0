//! What other people do: Bea Other, who has no login here, publishes links and shares folders and files with the account.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::control::{put, said, share, view_of};
use super::files::lookup;
use super::server::Server;
use super::sharing::{Audience, LinkPolicy, Received, SharedLink, links};
use super::state::{Call, State};
use super::tree::{AccountId, Ns, SpaceKind};
use super::words::fresh;

/// Bea, who gets an account when she is first needed.
fn bea(state: &mut State) -> Call {
    const EMAIL: &str = "bea@example.org";
    let known = state.accounts.iter().position(|account| account.email == EMAIL);
    let account = known.unwrap_or_else(|| state.add_person("Bea", "Other", EMAIL));
    view_of(state, account)
}

impl Server {
    /// Stores a file of Bea's, replacing what is there. Its folder may be one that she shares.
    ///
    /// # Errors
    /// When Dropbox would refuse it.
    pub fn put_file_of_other(&self, path: &str, bytes: &[u8], modified: Option<&str>) -> anyhow::Result<()> {
        let mut state = self.state();
        let call = bea(&mut state);
        put(&mut state, &call, path, (bytes, modified))
    }

    /// Makes a folder of Bea's, with those around it.
    ///
    /// # Errors
    /// When Dropbox would refuse it.
    pub fn put_folder_of_other(&self, path: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let call = bea(&mut state);
        let made = super::files::edit::create_folder(&mut state, &call, &json!({"path": path}));
        made.map(|_| ()).map_err(|error| said(path, &error))
    }

    /// Deletes what Bea has at a path.
    ///
    /// # Errors
    /// When there is nothing.
    pub fn remove_of_other(&self, path: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let call = bea(&mut state);
        let deleted = super::files::edit::delete(&mut state, &call, &json!({"path": path}));
        deleted.map_err(|error| said(path, &error))?;
        state.announce();
        Ok(())
    }

    /// Bea makes a link to what she has at a path, with the settings of `create_shared_link_with_settings`; `null` are the
    /// usual ones. Returns its address, of the form of 2022 and before if `is_old`.
    ///
    /// # Errors
    /// When there is nothing, or Dropbox would refuse the settings.
    pub fn publish(&self, path: &str, settings: &Value, is_old: bool) -> anyhow::Result<String> {
        let mut state = self.state();
        let call = bea(&mut state);
        let arg = match settings {
            Value::Null => json!({"path": path}),
            settings => json!({"path": path, "settings": settings}),
        };
        links::create(&mut state, &call, &arg).map_err(|error| said(path, &error))?;
        let link = state.shared_links.pop().context("no link")?;
        let link = match is_old {
            true => {
                let old = SharedLink::new(&state, link.node, link.owner, true);
                let (path, key) = (old.path, old.key);
                SharedLink { path, key, ..link }
            }
            false => link,
        };
        let url = link.url();
        state.shared_links.push(link);
        Ok(url)
    }

    /// A link ends, as if its owner had revoked it.
    ///
    /// # Errors
    /// When there is none.
    pub fn end_link(&self, url: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let number = links::find(&state, url).context("no such link")?;
        state.shared_links.remove(number);
        Ok(())
    }

    /// Makes a short link to an address, which leads there over a page of Dropbox. Returns its address.
    pub fn shorten(&self, to: &str) -> String {
        let mut state = self.state();
        let name = fresh(8);
        let page = format!("https://www.dropbox.com/l/{name}");
        state.short_links.insert(format!("/l/{name}"), to.to_owned());
        state.short_links.insert(format!("/{name}"), page);
        format!("https://db.tt/{name}")
    }

    /// A link has ended, at the beginning of 2020.
    ///
    /// # Errors
    /// When there is none.
    pub fn expire_link(&self, url: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let number = links::find(&state, url).context("no such link")?;
        state.shared_links[number].expires = Some(1_577_836_800);
        Ok(())
    }

    /// Dropbox closes a link.
    ///
    /// # Errors
    /// When there is none.
    pub fn ban_link(&self, url: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let number = links::find(&state, url).context("no such link")?;
        state.shared_links[number].is_banned = true;
        Ok(())
    }

    /// Says which settings of links plan and team allow.
    pub fn set_link_policy(&self, is_basic: bool, is_team_only: bool) {
        self.state().link_policy = LinkPolicy {
            is_basic,
            is_team_only,
        };
    }

    /// Bea makes a shared folder and invites the account, which doesn't mount it. Returns its namespace.
    ///
    /// # Errors
    /// When something is at the path.
    pub fn share_folder_of_other(&self, path: &str, read_only: bool) -> anyhow::Result<String> {
        let mut state = self.state();
        let call = bea(&mut state);
        let (ns, folder) = share(&mut state, &call, path)?;
        state.tree.join(ns, call.view.account, false, Some(folder));
        state.tree.join(ns, 0, read_only, None);
        state.announce();
        Ok(ns.0.to_string())
    }

    /// Bea shares a single file with the account. Returns the address under which that opens it.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn share_file_of_other(&self, path: &str) -> anyhow::Result<String> {
        let mut state = self.state();
        let call = bea(&mut state);
        let node = lookup(&state, &call, path).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let link = SharedLink {
            audience: Audience::NoOne,
            invited: vec![0],
            ..SharedLink::new(&state, node, call.view.account, false)
        };
        let url = link.url();
        state.shared_links.push(link);
        state.received.push(Received {
            node,
            owner: call.view.account,
            account: 0,
            invited: call.now,
            url: url.clone(),
        });
        Ok(url)
    }

    /// Bea takes back all that she shares with the account.
    pub fn withdraw_all(&self) {
        let mut state = self.state();
        let now = state.clock.now();
        for ns in shared(&state, |owner| owner != 0) {
            if let Some(mount) = state.tree.expel(ns, 0) {
                state.tree.remove(mount, now);
            }
        }
        state.received.clear();
        state.shared_links.retain(|link| link.invited.is_empty());
        state.announce();
    }

    /// The account unmounts all its shared folders, elsewhere.
    pub fn unmount_all(&self) {
        let mut state = self.state();
        let now = state.clock.now();
        for ns in shared(&state, |_| true) {
            let member = state
                .tree
                .space(ns)
                .and_then(|space| space.members.get(&0).copied());
            if let Some(mount) = member.and_then(|member| member.mount) {
                state.tree.remove(mount, now);
            }
        }
        state.announce();
    }
}

/// The shared folders whose owner is wanted.
fn shared(state: &State, is_wanted: impl Fn(AccountId) -> bool) -> Vec<Ns> {
    let spaces = state.tree.spaces.iter();
    spaces
        .filter(|(_, space)| space.kind == SpaceKind::Shared && is_wanted(space.owner))
        .map(|(ns, _)| *ns)
        .collect()
}

/// A command over the plain port. `None` if it is none of these.
pub fn obey(server: &Server, command: &str, arg: &Value) -> Option<anyhow::Result<Value>> {
    let text = |name: &str| arg[name].as_str().with_context(|| format!("{name} is missing"));
    let flag = |name: &str| arg[name].as_bool().unwrap_or(false);
    let done = || json!({});
    Some(match command {
        "put_file_of_other" => text("path").and_then(|path| {
            server.put_file_of_other(path, text("text")?.as_bytes(), arg["client_modified"].as_str())?;
            Ok(done())
        }),
        "publish" => text("path").and_then(|path| {
            let url = server.publish(path, &arg["settings"], flag("is_old"))?;
            Ok(json!({"url": url}))
        }),
        "end_link" => text("url").and_then(|url| server.end_link(url)).map(|()| done()),
        "shorten" => text("url").map(|url| json!({"url": server.shorten(url)})),
        "expire_link" => text("url")
            .and_then(|url| server.expire_link(url))
            .map(|()| done()),
        "ban_link" => text("url").and_then(|url| server.ban_link(url)).map(|()| done()),
        "link_policy" => {
            server.set_link_policy(flag("is_basic"), flag("is_team_only"));
            Ok(done())
        }
        "share_folder_of_other" => text("path").and_then(|path| {
            let ns = server.share_folder_of_other(path, flag("read_only"))?;
            Ok(json!({"namespace_id": ns}))
        }),
        "share_file_of_other" => text("path").and_then(|path| {
            let url = server.share_file_of_other(path)?;
            Ok(json!({"url": url}))
        }),
        "withdraw_all" => {
            server.withdraw_all();
            Ok(done())
        }
        "unmount_all" => {
            server.unmount_all();
            Ok(done())
        }
        _ => return None,
    })
}
