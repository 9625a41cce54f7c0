//! The table of routes: host, style, scope and argument as the official spec gives them, and what answers.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::answer::{Failure, Reply};
use super::content::Body;
use super::files::read::Download;
use super::files::relocate::Way;
use super::files::{commit, edit, jobs, list, read, reference, relocate, save_url, session, zip};
use super::schema::{Type, shares, types};
use super::sharing::folders::Which;
use super::sharing::{folders, links, open, received};
use super::state::{Call, State};
use super::{account, team};

/// A host, by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// JSON in, JSON out.
    Api,
    /// File content.
    Content,
    /// Long polls.
    Notify,
}

impl Host {
    /// The host as the spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Content => "content",
            Self::Notify => "notify",
        }
    }
}

/// What answers a call; its form is the route's style.
#[derive(Clone, Copy)]
pub enum Act {
    /// JSON in the body.
    Rpc(fn(&mut State, &Call, &Value) -> Reply),
    /// JSON in a header, bytes in.
    Upload(fn(&mut State, &Call, &Value, Body) -> Reply),
    /// JSON in a header, bytes out.
    Download(fn(&State, &Call, &Value) -> Result<Download, Failure>),
    /// Waits for changes; takes no token.
    Longpoll,
    /// Ends the token it is called with.
    Revoke,
    /// A temporary link, which has to know its own address.
    Link,
    /// Called with the token of a whole team.
    Team(fn(&State, &Value) -> Reply),
    /// Called with the app's key and secret.
    App(fn(&Value) -> Reply),
}

/// A route.
pub struct Route {
    /// As in the address.
    pub name: &'static str,
    /// Where it lives.
    pub host: Host,
    /// The scope it needs.
    pub scope: Option<&'static str>,
    /// What it takes.
    pub arg: &'static Type,
    /// What answers.
    pub act: Act,
}

impl Route {
    /// The style as the spec writes it.
    pub fn style(&self) -> &'static str {
        match self.act {
            Act::Upload(_) => "upload",
            Act::Download(_) => "download",
            _ => "rpc",
        }
    }
}

const ACCOUNT: Option<&str> = Some("account_info.read");
const META: Option<&str> = Some("files.metadata.read");
const READ: Option<&str> = Some("files.content.read");
const WRITE: Option<&str> = Some("files.content.write");
const SHARES: Option<&str> = Some("sharing.read");
const SHARE: Option<&str> = Some("sharing.write");

const fn api(
    name: &'static str,
    scope: Option<&'static str>,
    arg: &'static Type,
    act: fn(&mut State, &Call, &Value) -> Reply,
) -> Route {
    Route {
        name,
        host: Host::Api,
        scope,
        arg,
        act: Act::Rpc(act),
    }
}

const fn up(
    name: &'static str,
    arg: &'static Type,
    act: fn(&mut State, &Call, &Value, Body) -> Reply,
) -> Route {
    Route {
        name,
        host: Host::Content,
        scope: WRITE,
        arg,
        act: Act::Upload(act),
    }
}

const fn down(
    name: &'static str,
    arg: &'static Type,
    act: fn(&State, &Call, &Value) -> Result<Download, Failure>,
) -> Route {
    Route {
        name,
        host: Host::Content,
        scope: READ,
        arg,
        act: Act::Download(act),
    }
}

/// How an admin of a team may call a route (the spec's `select_admin_mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminMode {
    /// For the team's folders and the admin's own.
    TeamAdmin,
    /// For everything in the team.
    WholeTeam,
}

/// The routes that an admin may call, as far as they are here.
const ADMIN_MODES: &[(&str, AdminMode)] = &[
    ("files/create_folder_batch", AdminMode::TeamAdmin),
    ("files/create_folder_batch/check", AdminMode::TeamAdmin),
    ("files/delete_batch", AdminMode::TeamAdmin),
    ("files/delete_batch/check", AdminMode::TeamAdmin),
    ("files/copy_v2", AdminMode::TeamAdmin),
    ("files/copy_batch_v2", AdminMode::TeamAdmin),
    ("files/copy_batch/check_v2", AdminMode::TeamAdmin),
    ("files/move_v2", AdminMode::TeamAdmin),
    ("files/move_batch_v2", AdminMode::TeamAdmin),
    ("files/move_batch/check_v2", AdminMode::TeamAdmin),
    ("files/create_folder_v2", AdminMode::TeamAdmin),
    ("files/delete_v2", AdminMode::TeamAdmin),
    ("files/download", AdminMode::WholeTeam),
    ("files/export", AdminMode::WholeTeam),
    ("files/get_metadata", AdminMode::WholeTeam),
    ("files/list_folder", AdminMode::WholeTeam),
    ("files/list_folder/continue", AdminMode::WholeTeam),
    ("files/list_folder/get_latest_cursor", AdminMode::WholeTeam),
    ("files/upload", AdminMode::TeamAdmin),
    ("files/upload_session/start", AdminMode::TeamAdmin),
    ("files/upload_session/append_v2", AdminMode::TeamAdmin),
    ("files/upload_session/append_batch", AdminMode::TeamAdmin),
    ("files/upload_session/finish", AdminMode::TeamAdmin),
    ("files/upload_session/start_batch", AdminMode::TeamAdmin),
    ("files/upload_session/finish_batch_v2", AdminMode::TeamAdmin),
    ("files/list_revisions", AdminMode::WholeTeam),
    ("files/restore", AdminMode::TeamAdmin),
    ("sharing/get_folder_metadata", AdminMode::WholeTeam),
    ("sharing/get_file_metadata", AdminMode::TeamAdmin),
    ("sharing/list_received_files", AdminMode::TeamAdmin),
    ("sharing/unmount_folder", AdminMode::TeamAdmin),
    ("users/get_current_account", AdminMode::WholeTeam),
    ("sharing/list_shared_links", AdminMode::WholeTeam),
    ("sharing/create_shared_link_with_settings", AdminMode::TeamAdmin),
    ("sharing/revoke_shared_link", AdminMode::TeamAdmin),
];

impl Route {
    /// How an admin may call it; `None` if not at all.
    pub fn admin_mode(&self) -> Option<AdminMode> {
        let known = ADMIN_MODES.iter().find(|(name, _)| *name == self.name);
        known.map(|(_, mode)| *mode)
    }
}

const fn of_team(
    name: &'static str,
    scope: &'static str,
    arg: &'static Type,
    act: fn(&State, &Value) -> Reply,
) -> Route {
    Route {
        name,
        host: Host::Api,
        scope: Some(scope),
        arg,
        act: Act::Team(act),
    }
}

fn echo(arg: &Value) -> Reply {
    Ok(json!({"result": arg["query"].as_str().unwrap_or_default()}))
}

/// All routes.
pub const ROUTES: &[Route] = &[
    Route {
        name: "auth/token/revoke",
        host: Host::Api,
        scope: None,
        arg: types::VOID,
        act: Act::Revoke,
    },
    Route {
        name: "check/app",
        host: Host::Api,
        scope: None,
        arg: types::ECHO,
        act: Act::App(echo),
    },
    api("check/user", ACCOUNT, types::ECHO, |_, _, arg| echo(arg)),
    api("users/get_current_account", ACCOUNT, types::VOID, |w, c, _| {
        account::current(w, c)
    }),
    api("users/get_space_usage", ACCOUNT, types::VOID, |w, c, _| {
        account::space_usage(w, c)
    }),
    api("users/get_account", SHARES, types::GET_ACCOUNT, |w, c, a| {
        account::get(w, c, a)
    }),
    api(
        "users/features/get_values",
        ACCOUNT,
        types::FEATURES,
        |w, c, a| account::features(w, c, a),
    ),
    of_team("team/get_info", "team_info.read", types::VOID, |w, _| {
        team::info(w)
    }),
    of_team(
        "team/token/get_authenticated_admin",
        "team_info.read",
        types::VOID,
        |w, _| team::admin(w),
    ),
    of_team(
        "team/members/get_info",
        "members.read",
        types::MEMBERS_GET_INFO_1,
        team::members_1,
    ),
    of_team(
        "team/members/get_info_v2",
        "members.read",
        types::MEMBERS_GET_INFO,
        team::members,
    ),
    api("files/list_folder", META, types::LIST_FOLDER, list::list_folder),
    api(
        "files/list_folder/continue",
        META,
        types::LIST_CONTINUE,
        list::list_continue,
    ),
    api(
        "files/list_folder/get_latest_cursor",
        META,
        types::LIST_FOLDER,
        list::latest_cursor,
    ),
    Route {
        name: "files/list_folder/longpoll",
        host: Host::Notify,
        scope: META,
        arg: types::LONGPOLL,
        act: Act::Longpoll,
    },
    api("files/get_metadata", META, types::GET_METADATA, |w, c, a| {
        read::get_metadata(w, c, a)
    }),
    api("files/list_revisions", META, types::LIST_REVISIONS, |w, c, a| {
        read::revisions(w, c, a)
    }),
    api("files/search_v2", META, types::SEARCH, |w, c, a| {
        read::search(w, c, a)
    }),
    Route {
        name: "files/get_temporary_link",
        host: Host::Api,
        scope: READ,
        arg: types::TEMPORARY_LINK,
        act: Act::Link,
    },
    down("files/download", types::DOWNLOAD, read::download),
    down("files/download_zip", types::DOWNLOAD_ZIP, zip::download_zip),
    down("files/export", types::EXPORT, read::export),
    up("files/upload", types::UPLOAD, commit::upload),
    up("files/upload_session/start", types::SESSION_START, session::start),
    up(
        "files/upload_session/append_v2",
        types::SESSION_APPEND,
        session::append,
    ),
    up(
        "files/upload_session/append_batch",
        types::SESSION_APPEND_BATCH,
        |w, c, a, b| session::append_batch(w, c, a, &b),
    ),
    up(
        "files/upload_session/finish",
        types::SESSION_FINISH,
        session::finish,
    ),
    api(
        "files/upload_session/start_batch",
        WRITE,
        types::SESSION_START_BATCH,
        session::start_batch,
    ),
    api(
        "files/upload_session/finish_batch_v2",
        WRITE,
        types::SESSION_FINISH_BATCH,
        session::finish_batch,
    ),
    api(
        "files/create_folder_v2",
        WRITE,
        types::CREATE_FOLDER,
        edit::create_folder,
    ),
    api(
        "files/create_folder_batch",
        WRITE,
        types::CREATE_FOLDER_BATCH,
        edit::create_folder_batch,
    ),
    api(
        "files/create_folder_batch/check",
        WRITE,
        types::POLL,
        |w, _, a| jobs::check(w, "create_folder_batch", a),
    ),
    api("files/delete_v2", WRITE, types::DELETE, edit::delete),
    api(
        "files/delete_batch",
        WRITE,
        types::DELETE_BATCH,
        edit::delete_batch,
    ),
    api("files/delete_batch/check", WRITE, types::POLL, |w, _, a| {
        jobs::check(w, "delete_batch", a)
    }),
    api("files/restore", WRITE, types::RESTORE, edit::restore),
    api("files/save_url", WRITE, types::SAVE_URL, save_url::save_url),
    api(
        "files/save_url/check_job_status",
        WRITE,
        types::POLL,
        |w, _, a| jobs::check(w, "save_url", a),
    ),
    api("files/copy_v2", WRITE, types::RELOCATE, |w, c, a| {
        relocate::one(w, c, a, Way::Copy)
    }),
    api("files/move_v2", WRITE, types::RELOCATE, |w, c, a| {
        relocate::one(w, c, a, Way::Move)
    }),
    api("files/copy_batch_v2", WRITE, types::COPY_BATCH, |w, c, a| {
        relocate::batch(w, c, a, Way::Copy)
    }),
    api("files/copy_batch/check_v2", WRITE, types::POLL, |w, _, a| {
        jobs::check(w, "copy_batch_v2", a)
    }),
    api("files/move_batch_v2", WRITE, types::MOVE_BATCH, |w, c, a| {
        relocate::batch(w, c, a, Way::Move)
    }),
    api("files/move_batch/check_v2", WRITE, types::POLL, |w, _, a| {
        jobs::check(w, "move_batch_v2", a)
    }),
    api("files/copy_reference/get", WRITE, types::READ_ONE, reference::get),
    api(
        "files/copy_reference/save",
        WRITE,
        types::SAVE_REFERENCE,
        reference::save,
    ),
    api("sharing/list_folders", SHARES, shares::LIST_FOLDERS, |w, c, a| {
        folders::list(w, c, a, Which::All)
    }),
    api(
        "sharing/list_folders/continue",
        SHARES,
        shares::LIST_FOLDERS_CONTINUE,
        |w, c, a| folders::list_continue(w, c, a, Which::All),
    ),
    api(
        "sharing/list_mountable_folders",
        SHARES,
        shares::LIST_FOLDERS,
        |w, c, a| folders::list(w, c, a, Which::Mountable),
    ),
    api(
        "sharing/list_mountable_folders/continue",
        SHARES,
        shares::LIST_FOLDERS_CONTINUE,
        |w, c, a| folders::list_continue(w, c, a, Which::Mountable),
    ),
    api(
        "sharing/get_folder_metadata",
        SHARES,
        shares::FOLDER_METADATA,
        |w, c, a| folders::folder_metadata(w, c, a),
    ),
    api("sharing/mount_folder", SHARE, shares::MOUNT, folders::mount),
    api("sharing/unmount_folder", SHARE, shares::UNMOUNT, folders::unmount),
    api(
        "sharing/list_received_files",
        SHARES,
        shares::LIST_FILES,
        |w, c, a| received::list(w, c, a),
    ),
    api(
        "sharing/list_received_files/continue",
        SHARES,
        shares::LIST_FILES_CONTINUE,
        |w, c, a| received::list_continue(w, c, a),
    ),
    api(
        "sharing/get_file_metadata",
        SHARES,
        shares::FILE_METADATA,
        |w, c, a| received::file_metadata(w, c, a),
    ),
    api(
        "sharing/create_shared_link_with_settings",
        SHARE,
        shares::CREATE_LINK,
        links::create,
    ),
    api(
        "sharing/modify_shared_link_settings",
        SHARE,
        shares::MODIFY_LINK,
        links::modify,
    ),
    api(
        "sharing/list_shared_links",
        SHARES,
        shares::LIST_LINKS,
        |w, c, a| links::list(w, c, a),
    ),
    api(
        "sharing/revoke_shared_link",
        SHARE,
        shares::REVOKE_LINK,
        links::revoke,
    ),
    api(
        "sharing/get_shared_link_metadata",
        SHARES,
        shares::OPEN_LINK,
        |w, c, a| open::link_metadata(w, c, a),
    ),
    Route {
        name: "sharing/get_shared_link_file",
        host: Host::Content,
        scope: SHARES,
        arg: shares::OPEN_LINK,
        act: Act::Download(open::link_file),
    },
];

/// A route by its name.
pub fn find(name: &str) -> Option<&'static Route> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Route>> =
        LazyLock::new(|| ROUTES.iter().map(|route| (route.name, route)).collect());
    BY_NAME.get(name).copied()
}
