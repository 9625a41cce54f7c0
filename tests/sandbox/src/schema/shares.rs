//! The argument types of the `sharing` routes.

use super::types::{NAMESPACE_ID, PATH, READ_PATH, STRING, TIME, structs};
use super::{Struct, Text, Type, Union, may, must, or};

const AUDIENCE: &Type = &Type::Union(&Union {
    name: "LinkAudience",
    tags: &[
        ("public", None),
        ("team", None),
        ("no_one", None),
        ("password", None),
        ("members", None),
    ],
});
const ACCESS: &Type = &Type::Union(&Union {
    name: "RequestedLinkAccessLevel",
    tags: &[
        ("viewer", None),
        ("editor", None),
        ("max", None),
        ("default", None),
    ],
});
const VISIBILITY: &Type = &Type::Union(&Union {
    name: "RequestedVisibility",
    tags: &[("public", None), ("team_only", None), ("password", None)],
});
const FOLDER_ACTION: &Type = &Type::Union(&Union {
    name: "FolderAction",
    tags: &[
        ("change_options", None),
        ("disable_viewer_info", None),
        ("edit_contents", None),
        ("enable_viewer_info", None),
        ("invite_editor", None),
        ("invite_viewer", None),
        ("invite_viewer_no_comment", None),
        ("relinquish_membership", None),
        ("unmount", None),
        ("unshare", None),
        ("leave_a_copy", None),
        ("share_link", None),
        ("create_link", None),
        ("create_view_link", None),
        ("create_edit_link", None),
        ("set_access_inheritance", None),
    ],
});

const FILE_ACTION: &Type = &Type::Union(&Union {
    name: "FileAction",
    tags: &[
        ("disable_viewer_info", None),
        ("edit_contents", None),
        ("enable_viewer_info", None),
        ("invite_viewer", None),
        ("invite_viewer_no_comment", None),
        ("invite_editor", None),
        ("unshare", None),
        ("relinquish_membership", None),
        ("share_link", None),
        ("create_link", None),
        ("create_view_link", None),
        ("create_edit_link", None),
    ],
});
const SHARED_PATH_OR_ID: &Type = &Type::Text(Text {
    pattern: Some(r"((/|id:).*|nspath:[0-9]+:.*)|ns:[0-9]+(/.*)?"),
    min: Some(1),
    max: None,
});

structs! {
    LINK_SETTINGS = "SharedLinkSettings" [&[
        may("require_password", &Type::Bool), may("link_password", STRING), may("expires", TIME), may("audience", AUDIENCE),
        may("access", ACCESS), may("requested_visibility", VISIBILITY), may("allow_download", &Type::Bool),
    ]];
    CREATE_LINK = "CreateSharedLinkWithSettingsArg" [&[must("path", READ_PATH), may("settings", LINK_SETTINGS)]];
    LIST_LINKS = "ListSharedLinksArg" [&[may("path", READ_PATH), may("cursor", STRING), may("direct_only", &Type::Bool)]];
    REVOKE_LINK = "RevokeSharedLinkArg" [&[must("url", STRING)]];
    LIST_FOLDERS = "ListFoldersArgs" [&[
        or("limit", &Type::Int("UInt32", 1, 1000), "1000"), may("actions", &Type::List(FOLDER_ACTION, None, None)),
    ]];
    MODIFY_LINK = "ModifySharedLinkSettingsArgs" [&[
        must("url", STRING), must("settings", LINK_SETTINGS), or("remove_expiration", &Type::Bool, "false"),
    ]];
    OPEN_LINK = "GetSharedLinkMetadataArg" [&[must("url", STRING), may("path", PATH), may("link_password", STRING)]];
    LIST_FOLDERS_CONTINUE = "ListFoldersContinueArg" [&[must("cursor", STRING)]];
    FOLDER_METADATA = "GetMetadataArgs" [&[
        must("shared_folder_id", NAMESPACE_ID), may("actions", &Type::List(FOLDER_ACTION, None, None)),
    ]];
    UNMOUNT = "UnmountFolderArg" [&[must("shared_folder_id", NAMESPACE_ID)]];
    LIST_FILES = "ListFilesArg" [&[
        or("limit", &Type::Int("UInt32", 1, 300), "100"), may("actions", &Type::List(FILE_ACTION, None, None)),
    ]];
    LIST_FILES_CONTINUE = "ListFilesContinueArg" [&[must("cursor", STRING)]];
    FILE_METADATA = "GetFileMetadataArg" [&[
        must("file", SHARED_PATH_OR_ID), may("actions", &Type::List(FILE_ACTION, None, None)),
    ]];
    MOUNT = "MountFolderArg" [&[must("shared_folder_id", NAMESPACE_ID)]];
}
