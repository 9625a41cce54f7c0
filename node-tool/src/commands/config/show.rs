//! `config list`, `config show` and `config path`: what is set up, what is in force, and where it comes from.

use std::{collections::BTreeMap, path::PathBuf};

use shared::{exit, failure::Failure};

use super::{
    super::{App, config_failure},
    dump,
};
use crate::{
    config::{
        CONFIG_VARIABLE, Config, Defaults, Environment, Remote, Root, SITE_VARIABLE, Site, Target,
        check_name, default_path,
        rclone::{self, Section},
    },
    report::{
        self,
        json::{self, Object},
    },
};

/// The variable with the app key for new remotes.
const APP_KEY_VARIABLE: &str = "NODE_TOOL_APP_KEY";
/// The variable of `--transfers`.
const TRANSFERS_VARIABLE: &str = "NODE_TOOL_TRANSFERS";

/// The arguments of `config show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  node-tool config show\n  node-tool config show dbx")]
pub struct Args {
    /// The remote's name; without it, all remotes are shown, and which settings are in force, each with where it is from
    name: Option<String>,
}

/// Lists the remotes, one per line.
pub(super) fn list(app: &App) -> Result<u8, Failure> {
    let config = app.store.load().map_err(config_failure)?;
    if config.remotes.is_empty() {
        report::note("no remote is set up yet; node-tool config create dbx");
    }
    if json::is_on() {
        let remotes = config
            .remotes
            .iter()
            .map(|(name, remote)| Object::Remote(object(name, [("account", who(remote))])));
        json::print_all(remotes)?;
        return Ok(exit::SUCCESS);
    }
    let width = config
        .remotes
        .keys()
        .map(|name| name.chars().count() + 1)
        .max()
        .unwrap_or(0);
    let environment = Environment::here();
    report::results(config.remotes.iter().map(|(name, remote)| {
        let shown = format!("{name}:");
        let from = environment
            .login_of(name)
            .map(|variable| format!(" (from {variable})"));
        let line = format!("{shown:width$} {}{}", who(remote), from.unwrap_or_default());
        line.trim_end().to_owned()
    }))?;
    Ok(exit::SUCCESS)
}

/// Shows one remote, or all, and what holds for all.
pub(super) fn show(args: &Args, app: &App) -> Result<u8, Failure> {
    let sections = app.store.sections().map_err(config_failure)?;
    if let Some(sections) = sections.filter(|_| !json::is_on()) {
        return rclones(&sections, args.name.as_deref(), app);
    }
    let config = app.store.load().map_err(config_failure)?;
    let lines = match &args.name {
        Some(name) => {
            let name = check_name(name).map_err(Failure::usage)?;
            let remote = config
                .remotes
                .get(&name)
                .ok_or_else(|| app.unknown_remote(&name, config.remotes.keys()))?;
            if json::is_on() {
                json::print(&Object::Remote(object(&name, settings(&name, remote))))?;
                return Ok(exit::SUCCESS);
            }
            let mut lines = one(&name, remote);
            lines.push(format!("config file = {}", shown_path(app)));
            lines
        }
        None if json::is_on() => {
            let remotes = config.remotes.iter();
            let remotes = remotes.map(|(name, remote)| object(name, settings(name, remote)));
            json::print_all(remotes.map(Object::Remote))?;
            return Ok(exit::SUCCESS);
        }
        None => {
            let remotes = config.remotes.iter();
            let remotes = remotes.flat_map(|(name, remote)| {
                let mut lines = one(name, remote);
                lines.push(String::new());
                lines
            });
            // Comments, so that the sections can be parsed.
            let in_force = all(&config, app).into_iter().map(|line| format!("# {line}"));
            remotes.chain(in_force).collect()
        }
    };
    report::results(lines.into_iter())?;
    Ok(exit::SUCCESS)
}

/// What a command has changed, for `--json`.
pub(super) enum Changed {
    /// Nothing, or what the command itself prints.
    Nothing,
    /// The remote of this name.
    Remote(String),
    /// The remote of this name, which is gone.
    Deleted(String),
    /// The config file.
    File,
}

/// Prints what a command has changed, if `--json` is on.
///
/// # Errors
/// When the config can't be read, or stdout can't be written.
pub(super) fn print_changed(changed: &Changed, app: &App) -> Result<(), Failure> {
    if !json::is_on() {
        return Ok(());
    }
    match changed {
        Changed::Nothing => Ok(()),
        Changed::Remote(name) => print_remote(name, app),
        Changed::Deleted(name) => {
            let done = json::Outcome::done(json::Action::Delete, format!("{name}:"));
            json::print(&Object::Outcome(done))
        }
        Changed::File => print_file(app),
    }
}

/// Prints a remote as an object.
pub(super) fn print_remote(name: &str, app: &App) -> Result<(), Failure> {
    let config = app.store.load().map_err(config_failure)?;
    match config.remotes.get(name) {
        Some(remote) => json::print(&Object::Remote(object(name, settings(name, remote)))),
        None => Ok(()), // nothing was saved
    }
}

/// Prints where the config file is as an object.
pub(super) fn print_file(app: &App) -> Result<(), Failure> {
    let path = match app.store.target() {
        Target::Memory => String::new(),
        _ => shared::raw::text(app.store.path().as_os_str()).into_owned(),
    };
    json::print(&Object::Config(json::ConfigFile {
        path,
        exists: match app.store.target() {
            Target::File(path) => path.exists(),
            Target::Memory => false,
            Target::Stream(_) | Target::Other(..) => true,
        },
        encrypted: app.store.is_encrypted().unwrap_or_default(),
    }))
}

/// Returns a remote as an object; settings without a value are left out.
fn object(name: &str, settings: impl IntoIterator<Item = (&'static str, String)>) -> json::Remote {
    let settings = settings.into_iter().filter(|(_, value)| !value.is_empty());
    json::Remote {
        name: name.to_owned(),
        settings: settings.map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

/// Returns the settings of a remote, without its secrets.
fn settings(name: &str, remote: &Remote) -> Vec<(&'static str, String)> {
    let hidden = |present: bool| if present { "(kept, not shown)" } else { "(none)" };
    let until = remote
        .expires_at
        .and_then(|at| jiff::Timestamp::from_second(at).ok())
        .map(|t| format!("(kept, not shown; good until {t})"));
    let root = match remote.root() {
        Root::Home if remote.has_team_space() => format!("home ({name}:/ is the team space)"),
        root => root.to_string(),
    };
    let mut values = vec![
        ("account", who(remote)),
        ("account_id", remote.account_id.clone().unwrap_or_default()),
        ("app_key", remote.app_key.clone()),
        ("root", root),
        ("kind", kind(remote)),
        ("scopes", remote.scopes.join(" ")),
        ("refresh_token", hidden(remote.refresh_token.is_some()).into()),
        (
            "access_token",
            until.unwrap_or_else(|| hidden(remote.access_token.is_some()).into()),
        ),
    ];
    if remote.is_team() {
        values.push(("team", "true (its members are named with --as-member)".into()));
    }
    if let Some(member) = &remote.member {
        values.push(("member", format!("{member} (whose files are meant)")));
    }
    if let Some(namespace) = &remote.namespace_id {
        values.push(("namespace_id", format!("{namespace} (its paths start there)")));
    }
    if remote.encode_names {
        values.push((
            "encode_names",
            "true (names are mapped as rclone maps them)".into(),
        ));
    }
    if !remote.export_formats.is_empty() {
        values.push(("export_formats", remote.export_formats.join(",")));
    }
    if let Some(file) = &remote.imported_from {
        values.push(("imported_from", file.clone()));
    }
    values
}

fn one(name: &str, remote: &Remote) -> Vec<String> {
    let values = settings(name, remote);
    let variables = Environment::here().variables_of(name);
    let from = |key: &str| -> String {
        let is_of =
            |set: &str| set == key || (set == "token" && matches!(key, "access_token" | "refresh_token"));
        let found: Vec<&str> = variables
            .iter()
            .filter(|(set, _)| is_of(set))
            .map(|(_, variable)| variable.as_str())
            .collect();
        if found.is_empty() {
            String::new()
        } else {
            format!(" (from {})", found.join(", "))
        }
    };
    let mut lines = vec![format!("[{name}]")];
    lines.extend(
        values
            .into_iter()
            .map(|(key, value)| format!("{key} = {value}{}", from(key))),
    );
    lines
}

/// Shows a remote of rclone's file, or all, as rclone does, without secrets. Of other services, any value may be one.
fn rclones(sections: &BTreeMap<String, Section>, name: Option<&str>, app: &App) -> Result<u8, Failure> {
    let name = name.map(|name| name.trim_end_matches(':'));
    if let Some(unknown) = name.filter(|name| !sections.contains_key(*name)) {
        return Err(app.unknown_remote(unknown, sections.keys()));
    }
    let wanted = sections
        .iter()
        .filter(|(known, _)| name.is_none_or(|name| name == *known));
    report::results(wanted.flat_map(|(name, keys)| {
        let is_dropbox = keys.get("type").is_some_and(|kind| kind == rclone::KIND);
        let lines = keys.iter().map(|(key, value)| {
            let is_secret = matches!(key.as_str(), "token" | "client_secret") || !is_dropbox && key != "type";
            let value = if is_secret { dump::HIDDEN } else { value };
            format!("{key} = {value}")
        });
        let mut section = vec![format!("[{name}]")];
        section.extend(lines);
        section.push(String::new());
        section
    }))?;
    Ok(exit::SUCCESS)
}

/// Returns what kind of root the account has, as far as it was asked for: `config show` asks nobody.
fn kind(remote: &Remote) -> String {
    match (&remote.account_root_id, &remote.account_home_id) {
        (Some(root), Some(home)) if root == home => format!("own folder (namespace {home})"),
        (Some(root), Some(home)) => {
            format!(
                "member of a team with a space of its own (namespace {root}); own folder is namespace {home}"
            )
        }
        _ => "not asked yet; 'node-tool about' asks".into(),
    }
}

/// What holds for all remotes, each with where it is from.
fn all(config: &Config, app: &App) -> Vec<String> {
    let (own, site) = (&config.defaults, Site::here());
    let centre = site.load().map(|(defaults, _)| defaults).unwrap_or_default();
    let own_file = app.store.place();
    let site_file = format!("'{}'", site.path().display());
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let setting = |key: &str, from_variable: &str, of: fn(&Defaults) -> Option<String>, usual: &str| {
        let (value, from) = match (variable(from_variable), of(own), of(&centre)) {
            (Some(value), _, _) => (value, from_variable.to_owned()),
            (None, Some(value), _) => (value, own_file.clone()),
            (None, None, Some(value)) => (value, site_file.clone()),
            (None, None, None) => return format!("{key} = {usual}"),
        };
        format!("{key} = {value}   (from {from})")
    };
    let transfers = |defaults: &Defaults| defaults.transfers.map(|count| count.to_string());
    let mut lines = places(app);
    lines.extend([
        setting("app_key", APP_KEY_VARIABLE, |d| d.app_key.clone(), "(none)"),
        setting(
            "root",
            "",
            |d| d.root.map(|root| root.to_string()),
            "home   (unless a new remote says otherwise)",
        ),
        setting("transfers", TRANSFERS_VARIABLE, transfers, "as many as help"),
        setting("help", "", |d| d.help.clone(), "(none)"),
        format!("group_access = {}", config.group_access),
    ]);
    let environment = Environment::here();
    lines.extend(config.remotes.keys().map(|name| {
        let variables: Vec<String> = environment
            .variables_of(name)
            .into_iter()
            .map(|(_, variable)| variable)
            .collect();
        match variables.is_empty() {
            true => format!("remote {name}:   (from {own_file})"),
            false => format!("remote {name}:   (from {})", variables.join(", ")),
        }
    }));
    lines
}

/// The files and variables that are in force.
fn places(app: &App) -> Vec<String> {
    let site = Site::here();
    let site_named = std::env::var_os(SITE_VARIABLE).is_some_and(|name| !name.is_empty());
    let site_state = match site.path().exists() {
        true => "",
        false => "; not there",
    };
    let site_from = if site_named {
        "from NODE_TOOL_SITE_CONFIG"
    } else {
        "the usual place"
    };
    let mut variables: Vec<String> = std::env::vars_os()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("NODE_TOOL_") || name == "DROPBOX_URL" || name == "XDG_CONFIG_HOME")
        .collect();
    variables.extend(Environment::here().names());
    variables.sort();
    variables.dedup();
    let none = || vec!["none".to_owned()];
    let variables = if variables.is_empty() { none() } else { variables };
    vec![
        format!("config file = {}   ({})", shown_path(app), how_found(app)),
        format!(
            "site file = {}   ({site_from}{site_state})",
            site.path().display()
        ),
        format!("variables = {}", variables.join(" ")),
    ]
}

/// The config file as one would type it.
fn shown_path(app: &App) -> String {
    match app.store.target() {
        Target::Memory => "/dev/null".into(),
        _ => app.store.path().display().to_string(),
    }
}

/// Returns why the config is where it is, and what is there.
fn how_found(app: &App) -> String {
    let name = app.store.path();
    let by_variable = std::env::var_os(CONFIG_VARIABLE).map(PathBuf::from);
    let from = match default_path() {
        _ if by_variable.as_deref() == Some(name) => format!("from {CONFIG_VARIABLE}"),
        Ok(usual) if usual == name => "the usual place".into(),
        _ => "from --config".into(),
    };
    let state = match app.store.target() {
        Target::Memory => ": in memory only".into(),
        Target::Stream(_) => ": read once, not saved".into(),
        Target::Other(_, kind) => format!(": {kind}"),
        Target::File(path) if !path.exists() => "; not there yet".into(),
        Target::File(path) => {
            let link = if path == name {
                String::new()
            } else {
                format!("; a link to {}", path.display())
            };
            let encrypted = app.store.is_encrypted().unwrap_or_default();
            format!("{link}{}", if encrypted { "; encrypted" } else { "" })
        }
    };
    format!("{from}{state}")
}

/// `Ann Example <ann@example.org>`
pub(super) fn who(remote: &Remote) -> String {
    // In one piece on one line: a name could hold the end of one.
    shared::plain::printable(&match (&remote.display_name, &remote.email) {
        (Some(name), Some(email)) => format!("{name} <{email}>"),
        (Some(name), None) => name.clone(),
        (None, Some(email)) => email.clone(),
        (None, None) => String::new(),
    })
}

/// Prints where the config file is; what else is in force goes to stderr, so that scripts get the path alone.
pub(super) fn path(app: &App) -> Result<u8, Failure> {
    if json::is_on() {
        return print_file(app).map(|()| exit::SUCCESS);
    }
    report::result(&format!("{}\n", shown_path(app)))?;
    for line in places(app) {
        report::note(&line);
    }
    Ok(exit::SUCCESS)
}
