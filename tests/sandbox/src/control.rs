//! What tests do to the sandbox behind the programs' backs, in code and over the plain port.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Body as Out;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::{Failure, json_response, plain};
use super::content::Body;
use super::faults::Fault;
use super::files::commit::commit;
use super::files::{Target, edit, list, make_parents, target};
use super::server::Server;
use super::state::{Call, State};
use super::tree::{Kind, NodeId, Ns, SpaceKind, View};
use super::words::fresh;

/// A file or folder as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// The path from the account's home, every name in its case.
    pub path: String,
    /// Folder or file.
    pub is_folder: bool,
    /// Bytes of a file.
    pub size: u64,
    /// The content hash of a file.
    pub content_hash: String,
    /// The time the client gave.
    pub client_modified: String,
    /// The revision of a file.
    pub rev: String,
    /// The id.
    pub id: String,
}

/// Code and redirect of a login that was allowed.
#[derive(Clone, Debug, Serialize)]
pub struct Allowed {
    /// The code.
    pub code: String,
    /// Where the browser goes, with code and state; `None` when the page shows the code.
    pub redirect: Option<String>,
}

/// Tokens as after a login.
#[derive(Clone, Debug, Serialize)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
}

fn owner(state: &State) -> Call {
    view_of(state, 0)
}

/// Somebody's view of the own folder.
pub(super) fn view_of(state: &State, account: usize) -> Call {
    let root = state.accounts.get(account).map_or(Ns(0), |account| account.home);
    Call {
        view: View { account, root },
        now: state.clock.now(),
    }
}

/// Stores a file, replacing what is there.
pub(super) fn put(
    state: &mut State,
    call: &Call,
    path: &str,
    (bytes, modified): (&[u8], Option<&str>),
) -> anyhow::Result<()> {
    let body = Body::of(&state.store, bytes)?;
    let mut info = json!({"path": path, "mode": {".tag": "overwrite"}});
    if let Some(modified) = modified {
        info["client_modified"] = json!(modified);
    }
    commit(state, call, &info, &body.into()).map_err(|error| anyhow::anyhow!("{path}: {error:?}"))?;
    state.announce();
    Ok(())
}

/// Makes a shared folder of the caller's, and mounts it at a path. Returns its namespace, and where it is mounted.
pub(super) fn share(state: &mut State, call: &Call, path: &str) -> anyhow::Result<(Ns, NodeId)> {
    let Ok(Target::Free(place)) = target(state, call, path) else {
        anyhow::bail!("{path} is taken")
    };
    let parent = make_parents(state, &place);
    let folder = state.tree.add_folder(parent, &place.name, &place.shown);
    let ns = Ns(3001 + state.tree.spaces.len() as u64);
    state.tree.add_space(ns, SpaceKind::Shared, call.view.account);
    state.tree.name_space(ns, &place.name);
    Ok((ns, folder))
}

fn query(url: &str) -> anyhow::Result<String> {
    let url = url::Url::parse(url).with_context(|| format!("'{url}' is no address"))?;
    anyhow::ensure!(
        url.path().ends_with("/oauth2/authorize"),
        "{url} is not an authorize address"
    );
    Ok(url.query().unwrap_or_default().to_owned())
}

impl Server {
    /// Presses Allow on the page at `url`.
    ///
    /// # Errors
    /// With what the "Error (400)" page would say.
    pub fn allow(&self, url: &str) -> anyhow::Result<Allowed> {
        let (code, redirect) = self.press(&query(url)?, true).map_err(anyhow::Error::msg)?;
        Ok(Allowed {
            code: code.context("no code")?,
            redirect,
        })
    }

    /// Presses Cancel on the page at `url`; gives the address the browser goes to.
    ///
    /// # Errors
    /// With what the "Error (400)" page would say.
    pub fn deny(&self, url: &str) -> anyhow::Result<Option<String>> {
        Ok(self.press(&query(url)?, false).map_err(anyhow::Error::msg)?.1)
    }

    /// Tokens without a login, for one of the apps; `None` means all that the app may have.
    ///
    /// # Errors
    /// When there is no such app.
    pub fn grant(&self, key: &str, scopes: Option<&[&str]>, secret: bool) -> anyhow::Result<Tokens> {
        let mut state = self.state();
        let app = state
            .oauth
            .apps
            .get(key)
            .with_context(|| format!("no app {key}"))?;
        let scopes = match scopes {
            Some(some) => some.iter().map(|scope| (*scope).to_owned()).collect(),
            None => app.scopes.clone(),
        };
        let now = state.clock.now();
        let (access_token, refresh_token) = state.oauth.grant(key, 0, scopes, secret, now);
        Ok(Tokens {
            access_token,
            refresh_token,
        })
    }

    /// Ticks boxes of all apps in the App Console.
    pub fn set_app_scopes(&self, scopes: &[&str]) {
        let scopes: BTreeSet<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.state()
            .oauth
            .apps
            .values_mut()
            .for_each(|app| app.scopes.clone_from(&scopes));
    }

    /// Ann changes into another team, whose space is namespace `id`.
    pub fn change_team(&self, id: u64) {
        self.state().enter_team(Ns(id));
    }

    /// Somebody else logs in to Dropbox in the browser from now on.
    pub fn sit_down(&self, given_name: &str, surname: &str, email: &str) {
        self.state().sit_down(given_name, surname, email);
    }

    /// All access tokens end now.
    pub fn expire_access_tokens(&self) {
        let mut state = self.state();
        let now = state.clock.now();
        state.oauth.expire(now);
    }

    /// The person disconnects the app.
    pub fn revoke_all(&self) {
        self.state().oauth.revoke_all();
    }

    /// The apps are disabled, or deleted.
    pub fn disable_apps(&self) {
        self.state().oauth.apps.clear();
    }

    /// All cursors answer `reset` from now on.
    pub fn reset_cursors(&self) {
        self.state().cursors.values_mut().for_each(list::Cursor::kill);
    }

    /// Most bytes of the account.
    pub fn set_quota(&self, bytes: u64) {
        self.state()
            .accounts
            .iter_mut()
            .for_each(|account| account.quota_bytes = bytes);
    }

    /// Somebody else joins the team.
    pub fn add_member(&self, given_name: &str, surname: &str, email: &str) {
        self.state().add_member(given_name, surname, email);
    }

    /// The team's admin suspends a member.
    pub fn suspend(&self, email: &str) {
        let mut state = self.state();
        let member = state.accounts.iter_mut().find(|account| account.email == email);
        member.into_iter().for_each(|account| account.suspended = true);
    }

    /// Stores a file in the own folder of somebody else.
    ///
    /// # Errors
    /// When there is no such person, or Dropbox would refuse it.
    pub fn put_file_of(&self, email: &str, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut state = self.state();
        let id = state.accounts.iter().position(|account| account.email == email);
        let id = id.with_context(|| format!("nobody is {email}"))?;
        let call = view_of(&state, id);
        put(&mut state, &call, path, (bytes, None))
    }

    /// The team gives the account a limit of its own, and says what happens there: `off`, `alert_only` or `stop_sync`.
    pub fn set_member_limit(&self, bytes: u64, kind: &'static str) {
        if let Some(account) = self.state().accounts.first_mut() {
            (account.member_limit_bytes, account.member_limit_type) = (bytes, kind);
        }
    }

    /// The time on the clock, as Dropbox writes it.
    pub fn now(&self) -> String {
        super::clock::stamp(self.state().clock.now())
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.state().advance(by);
    }

    /// Stores a file, replacing what is there.
    ///
    /// # Errors
    /// When Dropbox would refuse it.
    pub fn put_file(&self, path: &str, bytes: &[u8], modified: Option<&str>) -> anyhow::Result<()> {
        let mut state = self.state();
        let call = owner(&state);
        put(&mut state, &call, path, (bytes, modified))
    }

    /// Has an address serve these bytes to `files/save_url`.
    ///
    /// # Errors
    /// When they can't be stored.
    pub fn serve(&self, address: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut state = self.state();
        let body = Body::of(&state.store, bytes)?;
        state.served.insert(address.to_owned(), body.into());
        Ok(())
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// When Dropbox would refuse it.
    pub fn put_folder(&self, path: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let call = owner(&state);
        edit::create_folder(&mut state, &call, &json!({"path": path})).map_err(|error| said(path, &error))?;
        state.announce();
        Ok(())
    }

    /// Deletes.
    ///
    /// # Errors
    /// When there is nothing.
    pub fn remove(&self, path: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let call = owner(&state);
        edit::delete(&mut state, &call, &json!({"path": path})).map_err(|error| said(path, &error))?;
        state.announce();
        Ok(())
    }

    /// Moves.
    ///
    /// # Errors
    /// When Dropbox would refuse it.
    pub fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let call = owner(&state);
        let arg = json!({"from_path": from, "to_path": to});
        super::files::relocate::one(&mut state, &call, &arg, super::files::relocate::Way::Move)
            .map_err(|error| said(from, &error))?;
        state.announce();
        Ok(())
    }

    /// Mounts a new shared folder at a path; gives its namespace.
    ///
    /// # Errors
    /// When something is at the path.
    pub fn put_shared_folder(&self, path: &str, read_only: bool) -> anyhow::Result<String> {
        let mut state = self.state();
        let call = owner(&state);
        let (ns, folder) = share(&mut state, &call, path)?;
        state.tree.join(ns, 0, read_only, Some(folder));
        state.announce();
        Ok(ns.0.to_string())
    }

    /// Makes a team folder at the top of the team's root, where members may write; gives its namespace. Its paths for
    /// [`put_file`](Self::put_file) and the like begin with `ns:` and that number.
    ///
    /// # Errors
    /// When the account is in no team space, or the name is taken.
    pub fn put_team_folder(&self, name: &str) -> anyhow::Result<String> {
        let mut state = self.state();
        let team = state.accounts.first().map(|account| account.root);
        let team = team.and_then(|team| state.tree.space(team));
        let root = team
            .filter(|team| team.kind == SpaceKind::TeamRoot)
            .map(|team| team.root);
        let root = root.context("there is no team space")?;
        let is_free = state.tree.child(root, &super::names::folded(name)).is_none();
        anyhow::ensure!(is_free, "{name} is taken");
        let folder = state.tree.add_folder(root, name, "");
        let ns = Ns(3001 + state.tree.spaces.len() as u64);
        state.tree.add_space(ns, SpaceKind::Shared, 0);
        state.tree.name_space(ns, name);
        state.tree.join(ns, 0, false, Some(folder));
        state.announce();
        Ok(ns.0.to_string())
    }

    /// Stores a Paper document, which can only be exported.
    ///
    /// # Errors
    /// When Dropbox would refuse it.
    pub fn put_document(&self, path: &str, text: &str) -> anyhow::Result<()> {
        self.put_file(path, text.as_bytes(), None)?;
        let mut state = self.state();
        let call = owner(&state);
        let id = super::files::lookup(&state, &call, path).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        if let Some(mut data) = state.tree.file(id).map(|data| (**data).clone()) {
            data.document = true;
            state.tree.replace_file(id, data);
        }
        Ok(())
    }

    /// A file's bytes.
    pub fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let id = super::files::lookup(&state, &owner(&state), path).ok()?;
        state
            .tree
            .file(id)?
            .content
            .read_all()
            .ok()
            .map(|bytes| bytes.to_vec())
    }

    /// Everything in the account's home, sorted by folded path.
    pub fn tree(&self) -> Vec<Stored> {
        let state = self.state();
        let view = owner(&state).view;
        let Some(root) = state.tree.space(view.root).map(|space| space.root) else {
            return Vec::new();
        };
        let below = state.tree.below(root, true);
        let mut out: Vec<(String, Stored)> = below
            .into_iter()
            .filter_map(|id| {
                let node = state.tree.node(id)?;
                let names = state.tree.names(view, id).filter(|names| !names.is_empty())?;
                let path: String = names.iter().map(|name| format!("/{name}")).collect();
                let lower = state.tree.paths(view, id)?.0;
                let file = match &node.kind {
                    Kind::File(data) => Some(data),
                    Kind::Folder(_) => None,
                };
                Some((
                    lower,
                    Stored {
                        path,
                        is_folder: file.is_none(),
                        size: file.map_or(0, |f| f.content.len()),
                        content_hash: file.map(|f| f.hash.clone()).unwrap_or_default(),
                        client_modified: file
                            .map(|f| super::clock::stamp(f.client_modified))
                            .unwrap_or_default(),
                        rev: file.map(|f| f.rev.clone()).unwrap_or_default(),
                        id: node.id.clone(),
                    },
                ))
            })
            .collect();
        out.sort_by(|a, b| a.0.cmp(&b.0));
        out.into_iter().map(|(_, stored)| stored).collect()
    }

    /// Upload sessions that were begun and not finished.
    pub fn open_sessions(&self) -> usize {
        self.state().sessions.len()
    }
}

pub(super) fn said(path: &str, failure: &Failure) -> anyhow::Error {
    anyhow::anyhow!("{path}: {}", failure.tag().unwrap_or_else(|| fresh(4)))
}

/// A command over the plain port.
pub fn run(server: &Server, command: &str, body: &[u8]) -> Response<Out> {
    let arg: Value = if body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(body).unwrap_or(Value::Null)
    };
    match obey(server, command, &arg) {
        Ok(answer) => json_response(StatusCode::OK, &answer),
        Err(error) => plain(StatusCode::BAD_REQUEST, "text/plain", format!("{error:#}\n")),
    }
}

fn obey(server: &Server, command: &str, arg: &Value) -> anyhow::Result<Value> {
    let text = |name: &str| arg[name].as_str().with_context(|| format!("{name} is missing"));
    let scopes: Option<Vec<&str>> = arg["scopes"]
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).collect());
    let done = || Ok(json!({}));
    match command {
        "calls" => Ok(serde_json::to_value(server.record.all())?),
        "counts" => Ok(serde_json::to_value(server.record.counts())?),
        "tree" => Ok(serde_json::to_value(server.tree())?),
        "sessions" => Ok(json!(server.open_sessions())),
        "reset_calls" => {
            server.record.clear();
            done()
        }
        "allow" => Ok(serde_json::to_value(server.allow(text("url")?)?)?),
        "deny" => Ok(json!({"redirect": server.deny(text("url")?)?})),
        "grant" => {
            let key = server
                .state()
                .oauth
                .apps
                .keys()
                .next()
                .cloned()
                .unwrap_or_default();
            let key = arg["app_key"].as_str().unwrap_or(&key);
            let secret = arg["secret"].as_bool().unwrap_or(false);
            Ok(serde_json::to_value(server.grant(
                key,
                scopes.as_deref(),
                secret,
            )?)?)
        }
        "expire_access_tokens" => {
            server.expire_access_tokens();
            done()
        }
        "revoke_all" => {
            server.revoke_all();
            done()
        }
        "reset_cursors" => {
            server.reset_cursors();
            done()
        }
        "clear_faults" => {
            server.faults.clear();
            done()
        }
        "scopes" => {
            server.set_app_scopes(&scopes.context("scopes is missing")?);
            done()
        }
        "quota" => {
            server.set_quota(arg["bytes"].as_u64().context("bytes is missing")?);
            done()
        }
        "change_team" => {
            server.change_team(arg["id"].as_u64().context("id is missing")?);
            done()
        }
        "sit_down" => {
            server.sit_down(text("given_name")?, text("surname")?, text("email")?);
            done()
        }
        "now" => Ok(json!({"now": server.now()})),
        "add_member" => {
            server.add_member(text("given_name")?, text("surname")?, text("email")?);
            done()
        }
        "suspend" => {
            server.suspend(text("email")?);
            done()
        }
        "put_file_of" => server
            .put_file_of(text("email")?, text("path")?, text("text")?.as_bytes())
            .and_then(|()| done()),
        "advance" => {
            server.advance(Duration::from_secs(
                arg["seconds"].as_u64().context("seconds is missing")?,
            ));
            done()
        }
        "network" => {
            server.network.set(serde_json::from_value(arg.clone())?);
            done()
        }
        "fault" => {
            server.faults.add(serde_json::from_value::<Fault>(arg.clone())?);
            done()
        }
        "put_file" => {
            let bytes = match arg["base64"].as_str() {
                Some(coded) => STANDARD.decode(coded)?,
                None => text("text")?.as_bytes().to_vec(),
            };
            server.put_file(text("path")?, &bytes, arg["client_modified"].as_str())?;
            done()
        }
        "serve" => server
            .serve(text("url")?, text("text")?.as_bytes())
            .and_then(|()| done()),
        "put_folder" => server.put_folder(text("path")?).and_then(|()| done()),
        "remove" => server.remove(text("path")?).and_then(|()| done()),
        "rename" => server.rename(text("from")?, text("to")?).and_then(|()| done()),
        "put_shared_folder" => {
            let ns = server.put_shared_folder(text("path")?, arg["read_only"].as_bool().unwrap_or(false))?;
            Ok(json!({"namespace_id": ns}))
        }
        "put_team_folder" => Ok(json!({"namespace_id": server.put_team_folder(text("name")?)?})),
        "put_document" => server
            .put_document(text("path")?, text("text")?)
            .and_then(|()| done()),
        other => match super::control_others::obey(server, other, arg) {
            Some(done) => done,
            None => anyhow::bail!("no command {other}"),
        },
    }
}
