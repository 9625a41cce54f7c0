//! The `sharing` namespace: links, and what others share.

use serde::{Deserialize, Serialize};

use super::{
    Nothing, Route, Tag,
    files::{CursorArg, ListFolderResult, Time},
};
use crate::secret::Secret;

/// Creates a link that others can open. Where there is one already, that is the answer, so nothing is made twice.
pub const CREATE_LINK: Route<CreateLinkArg, Link> = Route::rpc("sharing/create_shared_link_with_settings");
/// Changes the settings of a link.
pub const MODIFY_LINK: Route<ModifyLinkArg, Link> = Route::rpc("sharing/modify_shared_link_settings");
/// Lists links, of a path or all.
pub const LIST_LINKS: Route<ListLinksArg, Links> = Route::rpc("sharing/list_shared_links");
/// Revokes a link.
pub const REVOKE_LINK: Route<RevokeLinkArg, Nothing> = Route::rpc("sharing/revoke_shared_link");
/// Returns what a link, or a path below it, leads to.
pub const OPEN_LINK: Route<OpenLinkArg, Link> = Route::rpc("sharing/get_shared_link_metadata");
/// Downloads a file that a link leads to. The answer says of which revision.
pub const LINK_FILE: Route<OpenLinkArg, Link> = Route::download("sharing/get_shared_link_file");
/// Returns the first page of a folder that a link leads to, never of what is below.
pub const LIST_LINK_FOLDER: Route<ListLinkFolderArg, ListFolderResult> = Route::rpc("files/list_folder");

/// Lists the shared folders that the account has access to, mounted or not.
pub const LIST_FOLDERS: Route<ListFoldersArg, SharedPage<SharedFolder>> = Route::rpc("sharing/list_folders");
/// Returns the next page of shared folders.
pub const LIST_FOLDERS_CONTINUE: Route<CursorArg, SharedPage<SharedFolder>> =
    Route::rpc("sharing/list_folders/continue");
/// Lists the files that others share singly with the account.
pub const LIST_RECEIVED: Route<ListFilesArg, SharedPage<SharedFile>> =
    Route::rpc("sharing/list_received_files");
/// Returns the next page of such files.
pub const LIST_RECEIVED_CONTINUE: Route<CursorArg, SharedPage<SharedFile>> =
    Route::rpc("sharing/list_received_files/continue");
/// Returns a shared folder by its id.
pub const FOLDER_METADATA: Route<FolderArg, SharedFolder> = Route::rpc("sharing/get_folder_metadata");
/// Mounts a shared folder in the person's own folder.
pub const MOUNT_FOLDER: Route<FolderArg, SharedFolder> = Route::rpc_once("sharing/mount_folder");
/// Unmounts a shared folder.
pub const UNMOUNT_FOLDER: Route<FolderArg, Nothing> = Route::rpc_once("sharing/unmount_folder");

/// `sharing.CreateSharedLinkWithSettingsArg`
#[derive(Clone, Debug, Serialize)]
pub struct CreateLinkArg {
    /// The path.
    pub path: String,
    /// The settings. `None` means those that the account has for new links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<LinkSettings>,
}

/// `sharing.SharedLinkSettings`. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkSettings {
    /// Whether a password is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_password: Option<bool>,
    /// The password, if one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_password: Option<Secret>,
    /// When the link ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
    /// Who may open it: `public`, `team` or `no_one`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// What those may do: `viewer` or `editor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// Whether they may download.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_download: Option<bool>,
}

/// `sharing.ModifySharedLinkSettingsArgs`
#[derive(Clone, Debug, Serialize)]
pub struct ModifyLinkArg {
    /// The address of the link.
    pub url: String,
    /// What changes; all `None` is refused.
    pub settings: LinkSettings,
    /// Whether the link is to have no end any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remove_expiration: bool,
}

/// `sharing.ListSharedLinksArg`
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListLinksArg {
    /// The path. `None` means all links of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The cursor of the page before; never together with a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Excludes links to the folders above the path.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub direct_only: bool,
}

/// `sharing.ListSharedLinksResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Links {
    /// The links; a path has few.
    pub links: Vec<Link>,
    /// Whether there are more.
    #[serde(default)]
    pub has_more: bool,
    /// The cursor of the next page.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// `sharing.SharedLinkMetadata`, as far as it is used: a link, and what it leads to.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Link {
    /// The address of the link.
    pub url: String,
    /// The id of what it leads to.
    #[serde(default)]
    pub id: Option<String>,
    /// The name of what it leads to.
    #[serde(default)]
    pub name: String,
    /// When it ends.
    #[serde(default)]
    pub expires: Option<Time>,
    /// The path of what it leads to, if that and the link are the account's own.
    #[serde(default)]
    pub path_lower: Option<String>,
    /// What may be done with it.
    #[serde(default)]
    pub link_permissions: LinkPermissions,
    /// The team of who made it.
    #[serde(default)]
    pub team_member_info: Option<TeamMember>,
    /// The modification time of a file.
    #[serde(default)]
    pub client_modified: Option<Time>,
    /// The revision of a file. `None` for a folder.
    #[serde(default)]
    pub rev: Option<String>,
    /// The size of a file in bytes.
    #[serde(default)]
    pub size: Option<u64>,
}

/// `sharing.LinkPermissions`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct LinkPermissions {
    /// Whom the link reaches, after all policies.
    #[serde(default)]
    pub effective_audience: Option<Tag>,
    /// The same in older words.
    #[serde(default)]
    pub resolved_visibility: Option<Tag>,
    /// What the link lets people do.
    #[serde(default)]
    pub link_access_level: Option<Tag>,
    /// Whether the bytes can be downloaded.
    #[serde(default = "yes")]
    pub allow_download: bool,
    /// Whether an end can be set.
    #[serde(default = "yes")]
    pub can_set_expiry: bool,
    /// Whether downloads can be forbidden.
    #[serde(default = "yes")]
    pub can_disallow_download: bool,
    /// Whether a password can be set.
    #[serde(default)]
    pub can_set_password: Option<bool>,
    /// Whether a password is needed.
    #[serde(default)]
    pub require_password: Option<bool>,
    /// Which audiences can be chosen.
    #[serde(default)]
    pub audience_options: Vec<AudienceOption>,
}

/// What isn't said is allowed.
impl Default for LinkPermissions {
    fn default() -> Self {
        Self {
            effective_audience: None,
            resolved_visibility: None,
            link_access_level: None,
            allow_download: true,
            can_set_expiry: true,
            can_disallow_download: true,
            can_set_password: None,
            require_password: None,
            audience_options: Vec::new(),
        }
    }
}

/// `sharing.LinkAudienceOption`
#[derive(Clone, Debug, Deserialize)]
pub struct AudienceOption {
    /// Who could open the link.
    pub audience: Tag,
    /// Whether that can be chosen.
    pub allowed: bool,
    /// Why not.
    #[serde(default)]
    pub disallowed_reason: Option<Tag>,
}

/// `sharing.TeamMemberInfo`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct TeamMember {
    /// The person's name.
    #[serde(default)]
    pub display_name: String,
}

/// `sharing.RevokeSharedLinkArg`
#[derive(Clone, Debug, Serialize)]
pub struct RevokeLinkArg {
    /// The address of the link.
    pub url: String,
}

/// `sharing.GetSharedLinkMetadataArg`
#[derive(Clone, Debug, Serialize)]
pub struct OpenLinkArg {
    /// The address of the link.
    pub url: String,
    /// A path below the folder that it leads to, which begins with a slash. `None` means that folder itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_password: Option<Secret>,
}

/// `files.ListFolderArg` with a `SharedLink`. Such listings are never recursive.
#[derive(Clone, Debug, Serialize)]
pub struct ListLinkFolderArg {
    /// The path below the folder that the link leads to; `""` is that folder.
    pub path: String,
    /// Approximate number of entries on a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The link.
    pub shared_link: SharedLinkArg,
}

/// `files.SharedLink`
#[derive(Clone, Debug, Serialize)]
pub struct SharedLinkArg {
    /// The address.
    pub url: String,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// `sharing.ListFoldersArgs`
#[derive(Clone, Debug, Serialize)]
pub struct ListFoldersArg {
    /// Maximum number of folders on a page, 1 to 1000.
    pub limit: u32,
}

/// `sharing.ListFilesArg`
#[derive(Clone, Debug, Serialize)]
pub struct ListFilesArg {
    /// Maximum number of files on a page, 1 to 300.
    pub limit: u32,
}

/// An argument that is only the id of a shared folder.
#[derive(Clone, Debug, Serialize)]
pub struct FolderArg {
    /// The id, which is that of the folder's namespace.
    pub shared_folder_id: String,
}

/// `sharing.ListFoldersResult` and `sharing.ListFilesResult`
#[derive(Clone, Debug, Deserialize)]
pub struct SharedPage<E> {
    /// The folders or files.
    pub entries: Vec<E>,
    /// The cursor of the next page. `None` on the last one.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// `sharing.SharedFolderMetadata`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct SharedFolder {
    /// The name.
    pub name: String,
    /// The id, which is that of its namespace.
    pub shared_folder_id: String,
    /// What the account may do in it.
    pub access_type: Tag,
    /// Its path, if it is mounted.
    #[serde(default)]
    pub path_lower: Option<String>,
    /// The same to show.
    #[serde(default)]
    pub path_display: Option<String>,
    /// The names of its owners.
    #[serde(default)]
    pub owner_display_names: Option<Vec<String>>,
    /// The shared folder that it is in.
    #[serde(default)]
    pub parent_shared_folder_id: Option<String>,
}

impl SharedFolder {
    /// Returns whether the account may change what is in it.
    pub fn may_write(&self) -> bool {
        matches!(self.access_type.tag.as_str(), "owner" | "editor")
    }
}

/// `sharing.SharedFileMetadata`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct SharedFile {
    /// The name.
    pub name: String,
    /// The id.
    pub id: String,
    /// The address of the link that opens it for the account.
    pub preview_url: String,
    /// What the account may do with it.
    #[serde(default)]
    pub access_type: Option<Tag>,
    /// Its path, if it is in the account's Dropbox.
    #[serde(default)]
    pub path_display: Option<String>,
    /// The names of its owners.
    #[serde(default)]
    pub owner_display_names: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}
