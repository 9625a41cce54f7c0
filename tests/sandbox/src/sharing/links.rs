//! Links and their settings, seen by who makes them.

use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::clock::{Seconds, parse_stamp};
use super::super::files::{flag, lookup, text};
use super::super::state::{Call, State};
use super::super::tree::{AccountId, NodeId};
use super::super::words::fresh;
use super::open::metadata;
use super::{name_of, refuse, refuse_for};

/// Most links on a page of `list_shared_links`.
const PAGE: usize = 200;

/// Who may open a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// Anybody.
    #[default]
    Public,
    /// Members of the owner's team.
    Team,
    /// Nobody but those who have access anyhow.
    NoOne,
}

impl Audience {
    /// Dropbox's word.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Team => "team",
            Self::NoOne => "no_one",
        }
    }
}

/// A link to a file or folder.
#[derive(Clone, Debug)]
pub struct SharedLink {
    /// The path of its address: `/scl/fo/ID/HASH`.
    pub path: String,
    /// The key in its address. `None` for links of the old form.
    pub key: Option<String>,
    /// What it leads to.
    pub node: NodeId,
    /// Who made it.
    pub owner: AccountId,
    /// Who may open it.
    pub audience: Audience,
    /// Whether those may also change what it leads to.
    pub is_editor: bool,
    /// The password.
    pub password: Option<String>,
    /// When it ends.
    pub expires: Option<Seconds>,
    /// Whether the bytes can be had.
    pub allow_download: bool,
    /// Dropbox has closed it.
    pub is_banned: bool,
    /// People who were invited to the file it leads to.
    pub invited: Vec<AccountId>,
}

impl SharedLink {
    /// A public link with an address that nobody guesses; `is_old` for the form that links had until 2022.
    pub fn new(state: &State, node: NodeId, owner: AccountId, is_old: bool) -> Self {
        let name: String = name_of(state, owner, node)
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || ".-_".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let id = fresh(21).to_lowercase();
        let path = match (is_old, state.tree.is_folder(node)) {
            (true, true) => format!("/sh/{}/{}", &id[..15], fresh(25)),
            (true, false) => format!("/s/{}/{name}", &id[..15]),
            (false, true) => format!("/scl/fo/{id}/{}", fresh(25)),
            (false, false) => format!("/scl/fi/{id}/{name}"),
        };
        Self {
            path,
            key: (!is_old).then(|| fresh(25).to_lowercase()),
            node,
            owner,
            audience: Audience::Public,
            is_editor: false,
            password: None,
            expires: None,
            allow_download: true,
            is_banned: false,
            invited: Vec::new(),
        }
    }

    /// Its address, as Dropbox writes it.
    pub fn url(&self) -> String {
        let key = self.key.as_ref().map(|key| format!("rlkey={key}&"));
        format!(
            "https://www.dropbox.com{}?{}dl=0",
            self.path,
            key.unwrap_or_default()
        )
    }
}

/// The number of the link with an address. The short form of `db.tt`, and whatever else isn't one of the four forms, is
/// unknown.
pub fn find(state: &State, url: &str) -> Option<usize> {
    let url = url::Url::parse(url).ok()?;
    let is_ours =
        url.scheme() == "https" && matches!(url.host_str(), Some("www.dropbox.com" | "dropbox.com"));
    let key = url.query_pairs().find(|(name, _)| name == "rlkey");
    let path = url.path().trim_end_matches('/');
    let is_it = |link: &SharedLink| {
        let is_path = match link.path.strip_prefix("/s/") {
            // The name at the end is for people.
            Some(rest) => {
                rest.split('/').next() == path.strip_prefix("/s/").and_then(|p| p.split('/').next())
            }
            None => link.path == path,
        };
        is_path && (link.key.is_none() || link.key.as_deref() == key.as_ref().map(|(_, value)| &**value))
    };
    let there = |link: &SharedLink| state.tree.node(link.node).is_some();
    state
        .shared_links
        .iter()
        .position(|link| is_ours && is_it(link) && there(link))
}

/// What is to be changed about a link.
struct Wanted<'a> {
    audience: Option<Audience>,
    is_editor: Option<bool>,
    /// `Some(None)` takes the password away.
    password: Option<Option<&'a str>>,
    expires: Option<Seconds>,
    allow_download: Option<bool>,
}

fn invalid() -> Failure {
    refuse_for("settings_error", "invalid_settings")
}

fn not_authorized() -> Failure {
    refuse_for("settings_error", "not_authorized")
}

impl<'a> Wanted<'a> {
    /// Reads settings that aren't `null`.
    fn read(settings: &'a Value, now: Seconds) -> Result<Self, Failure> {
        let fields = settings.as_object().ok_or_else(invalid)?;
        if fields.values().all(Value::is_null) {
            return Err(invalid());
        }
        let password = settings["link_password"].as_str();
        let requested = settings["requested_visibility"][".tag"].as_str();
        let wants_password = match settings["require_password"].as_bool() {
            None if requested == Some("password") => Some(true),
            other => other,
        };
        let password = match (wants_password, password) {
            (Some(true), Some(password)) if !password.is_empty() => Some(Some(password)),
            (Some(false), None) => Some(None),
            (None, None) => None,
            // Whether a password without `require_password` counts is unknown.
            _ => return Err(invalid()),
        };
        let audience = match settings["audience"][".tag"].as_str() {
            Some("public") => Some(Audience::Public),
            Some("team") => Some(Audience::Team),
            Some("no_one") => Some(Audience::NoOne),
            // Deprecated: what they mean today is unknown.
            Some(_) => return Err(invalid()),
            None => match requested {
                Some("public") => Some(Audience::Public),
                Some("team_only") => Some(Audience::Team),
                _ => None,
            },
        };
        let expires = match settings["expires"].as_str().map(parse_stamp) {
            Some(at) => Some(at.filter(|at| *at > now).ok_or_else(invalid)?),
            None => None,
        };
        let is_editor = match settings["access"][".tag"].as_str() {
            Some("editor" | "max") => Some(true),
            Some(_) => Some(false),
            None => None,
        };
        Ok(Self {
            audience,
            is_editor,
            password,
            expires,
            allow_download: settings["allow_download"].as_bool(),
        })
    }

    /// Whether the caller's plan and team allow it.
    fn permit(&self, state: &State, call: &Call) -> Result<(), Failure> {
        let (policy, account) = (state.link_policy, state.account(call)?);
        let is_special = self.expires.is_some()
            || matches!(self.password, Some(Some(_)))
            || self.allow_download == Some(false);
        let is_refused = |audience| match policy.disallowed(audience, account) {
            // The link is made, and reaches fewer people than was asked for.
            Some("restricted_by_team") | None => false,
            Some(_) => true,
        };
        if policy.is_basic && is_special || self.audience.is_some_and(is_refused) {
            return Err(not_authorized());
        }
        Ok(())
    }

    fn apply(&self, link: &mut SharedLink) {
        link.audience = self.audience.unwrap_or(link.audience);
        link.is_editor = self.is_editor.unwrap_or(link.is_editor);
        link.expires = self.expires.or(link.expires);
        link.allow_download = self.allow_download.unwrap_or(link.allow_download);
        if let Some(password) = self.password {
            link.password = password.map(str::to_owned);
        }
    }
}

/// `sharing/create_shared_link_with_settings`: one link for each file or folder and owner.
pub fn create(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let node = shared(state, call, text(arg, "path"))?;
    if state
        .tree
        .node(node)
        .is_some_and(|node| node.parent.is_none() && node.ns == call.view.root)
    {
        return Err(refuse("access_denied"));
    }
    let owner = call.view.account;
    let settings = &arg["settings"];
    let there = state
        .shared_links
        .iter()
        .find(|link| link.node == node && link.owner == owner && link.invited.is_empty());
    if let Some(there) = there {
        let mut error = json!({".tag": "shared_link_already_exists"});
        if settings.is_null() {
            error["shared_link_already_exists"] =
                json!({".tag": "metadata", "metadata": metadata(state, call, there, node)?});
        }
        return Err(Failure::Route(error));
    }
    let mut link = SharedLink::new(state, node, owner, false);
    if !settings.is_null() {
        let wanted = Wanted::read(settings, call.now)?;
        // Which files can be edited through a link is unknown.
        if wanted.is_editor == Some(true) && !state.tree.is_folder(node) {
            return Err(invalid());
        }
        wanted.permit(state, call)?;
        wanted.apply(&mut link);
    }
    let shown = metadata(state, call, &link, node);
    state.shared_links.push(link);
    shown
}

/// `sharing/modify_shared_link_settings`.
pub fn modify(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let number = own(state, call, text(arg, "url"))?;
    let removes = flag(arg, "remove_expiration");
    let wanted = Wanted::read(&arg["settings"], call.now)?;
    // The spec: modifying the access level of an existing link is not supported.
    if wanted.is_editor.is_some() || removes && wanted.expires.is_some() {
        return Err(invalid());
    }
    wanted.permit(state, call)?;
    let link = &mut state.shared_links[number];
    wanted.apply(link);
    if removes {
        link.expires = None;
    }
    let link = &state.shared_links[number];
    metadata(state, call, link, link.node)
}

/// `sharing/list_shared_links`.
pub fn list(state: &State, call: &Call, arg: &Value) -> Reply {
    let from = match arg["cursor"].as_str() {
        None => 0,
        Some(cursor) if arg["path"].is_null() => {
            let number = cursor
                .strip_prefix("links")
                .and_then(|number| number.parse().ok());
            number.ok_or_else(|| refuse("reset"))?
        }
        Some(_) => {
            return Err(Failure::Bad(
                "request body: cursor: not together with path".into(),
            ));
        }
    };
    let of = match arg["path"].as_str() {
        Some(path) => Some(shared(state, call, path)?),
        None => None,
    };
    let is_wanted = |link: &&SharedLink| {
        let leads = match of {
            None => true,
            Some(of) if flag(arg, "direct_only") => link.node == of,
            Some(of) => is_around(state, call, of, link.node),
        };
        let is_there = state.tree.node(link.node).is_some();
        leads && is_there && link.owner == call.view.account && link.invited.is_empty()
    };
    let found: Vec<&SharedLink> = state.shared_links.iter().filter(is_wanted).collect();
    let page = if of.is_some() { usize::MAX } else { PAGE };
    let mut links = Vec::new();
    for link in found.iter().skip(from).take(page) {
        links.push(metadata(state, call, link, link.node)?);
    }
    let end = from.saturating_add(links.len());
    let has_more = end < found.len();
    let mut out = json!({"links": links, "has_more": has_more});
    if has_more {
        out["cursor"] = json!(format!("links{end}"));
    }
    Ok(out)
}

/// Whether `top` is `id` or around it, across the roots of shared folders.
fn is_around(state: &State, call: &Call, id: NodeId, top: NodeId) -> bool {
    let mut at = Some(id);
    while let Some(here) = at {
        if here == top || state.tree.inside(here) == top {
            return true;
        }
        let Some(node) = state.tree.node(here) else {
            return false;
        };
        let members = state.tree.space(node.ns).map(|space| &space.members);
        let mount = || members?.get(&call.view.account)?.mount;
        at = node.parent.or_else(mount);
    }
    false
}

/// `sharing/revoke_shared_link`.
pub fn revoke(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let address = text(arg, "url");
    if url::Url::parse(address).is_err() {
        return Err(refuse("shared_link_malformed"));
    }
    let number = own(state, call, address)?;
    state.shared_links.remove(number);
    Ok(Value::Null)
}

/// A link that the caller has made.
fn own(state: &State, call: &Call, address: &str) -> Result<usize, Failure> {
    let number = find(state, address).ok_or_else(|| refuse("shared_link_not_found"))?;
    match state.shared_links[number].owner == call.view.account {
        true => Ok(number),
        false => Err(refuse("shared_link_access_denied")),
    }
}

fn shared(state: &State, call: &Call, path: &str) -> Result<NodeId, Failure> {
    lookup(state, call, path).map_err(|error| match wire(&error) {
        Ok(error) => Failure::Route(json!({".tag": "path", "path": error})),
        Err(failure) => failure,
    })
}
