//! The argument types of `files`, `users`, `check`, `async` and `common`.

use super::{Field, Struct, Text, Type, Union, may, must, or};

const BOOL: &Type = &Type::Bool;
const U64: &Type = &Type::Int("UInt64", 0, u64::MAX as i128);
pub(super) const STRING: &Type = &Type::Text(Text {
    pattern: None,
    min: None,
    max: None,
});
const SOME_STRING: &Type = &Type::Text(Text {
    pattern: None,
    min: Some(1),
    max: None,
});
pub(super) const TIME: &Type = &Type::Time;

/// A text that must match a pattern.
pub(super) const fn like(pattern: &'static str) -> Type {
    Type::Text(Text {
        pattern: Some(pattern),
        min: None,
        max: None,
    })
}

const PATH_OR_ID: &Type = &like(r"/(.|[\r\n])*|id:.*|(ns:[0-9]+(/(.|[\r\n])*)?)");
const PATH_R_OR_ID: &Type = &like(r"(/(.|[\r\n])*)?|id:.*|(ns:[0-9]+(/(.|[\r\n])*)?)");
pub(super) const READ_PATH: &Type =
    &like(r"(/(.|[\r\n])*|id:.*)|(rev:[0-9a-f]{9,})|(ns:[0-9]+(/(.|[\r\n])*)?)");
const WRITE_PATH: &Type = &like(r"(/(.|[\r\n])*)|(ns:[0-9]+(/(.|[\r\n])*)?)");
const WRITE_PATH_OR_ID: &Type = &like(r"(/(.|[\r\n])*)|(ns:[0-9]+(/(.|[\r\n])*)?)|(id:.*)");
pub(super) const PATH: &Type = &like(r"/(.|[\r\n])*");
const REV: &Type = &Type::Text(Text {
    pattern: Some("[0-9a-f]+"),
    min: Some(9),
    max: None,
});
const HASH: &Type = &Type::Text(Text {
    pattern: None,
    min: Some(64),
    max: Some(64),
});
const ACCOUNT_ID: &Type = &Type::Text(Text {
    pattern: None,
    min: Some(40),
    max: Some(40),
});
pub(super) const NAMESPACE_ID: &Type = &like("[-_0-9a-zA-Z:]+");
const TEMPLATE_ID: &Type = &Type::Text(Text {
    pattern: Some("(/|ptid:).*"),
    min: Some(1),
    max: None,
});

/// No argument.
pub const VOID: &Type = &Type::Void;

macro_rules! structs {
    ($($(#[$doc:meta])* $id:ident = $name:literal [$($group:expr),+];)*) => {
        $($(#[$doc])* pub const $id: &Type = &Type::Struct(&Struct { name: $name, fields: &[$($group),+] });)*
    };
}
pub(super) use structs;

const FILTER: &Type = &Type::Union(&Union {
    name: "TemplateFilterBase",
    tags: &[("filter_some", Some(&Type::List(TEMPLATE_ID, Some(1), None)))],
});
const WRITE_MODE: &Type = &Type::Union(&Union {
    name: "WriteMode",
    tags: &[("add", None), ("overwrite", None), ("update", Some(REV))],
});
const SESSION_TYPE: &Type = &Type::Union(&Union {
    name: "UploadSessionType",
    tags: &[("sequential", None), ("concurrent", None)],
});
const REVISIONS_MODE: &Type = &Type::Union(&Union {
    name: "ListRevisionsMode",
    tags: &[("path", None), ("id", None)],
});
const SEARCH_ORDER: &Type = &Type::Union(&Union {
    name: "SearchOrderBy",
    tags: &[("relevance", None), ("last_modified_time", None)],
});
const FILE_STATUS: &Type = &Type::Union(&Union {
    name: "FileStatus",
    tags: &[("active", None), ("deleted", None)],
});
const FILE_CATEGORY: &Type = &Type::Union(&Union {
    name: "FileCategory",
    tags: &[
        ("image", None),
        ("document", None),
        ("pdf", None),
        ("spreadsheet", None),
        ("presentation", None),
        ("audio", None),
        ("video", None),
        ("folder", None),
        ("paper", None),
        ("others", None),
    ],
});
const USER_SELECTOR: &Type = &Type::Union(&Union {
    name: "UserSelectorArg",
    tags: &[
        ("team_member_id", Some(STRING)),
        (
            "external_id",
            Some(&Type::Text(Text {
                pattern: None,
                min: None,
                max: Some(64),
            })),
        ),
        (
            "email",
            Some(&Type::Text(Text {
                pattern: Some(r"^['#&A-Za-z0-9._%+-]+@[A-Za-z0-9-][A-Za-z0-9.-]*\.[A-Za-z]{2,15}$"),
                min: None,
                max: Some(255),
            })),
        ),
    ],
});
const USER_FEATURE: &Type = &Type::Union(&Union {
    name: "UserFeature",
    tags: &[
        ("paper_as_files", None),
        ("file_locking", None),
        ("team_shared_dropbox", None),
        ("distinct_member_home", None),
    ],
});
/// The `Dropbox-API-Path-Root` header.
pub const PATH_ROOT: &Type = &Type::Union(&Union {
    name: "PathRoot",
    tags: &[
        ("home", None),
        ("root", Some(NAMESPACE_ID)),
        ("namespace_id", Some(NAMESPACE_ID)),
    ],
});

const COMMIT: &[Field] = &[
    must("path", WRITE_PATH_OR_ID),
    or("mode", WRITE_MODE, "\"add\""),
    or("autorename", BOOL, "false"),
    may("client_modified", TIME),
    or("mute", BOOL, "false"),
    may("property_groups", &Type::List(PROPERTY_GROUP, None, None)),
    or("strict_conflict", BOOL, "false"),
];
const CONTENT_HASH: &[Field] = &[may("content_hash", HASH)];
const RELOCATION: &[Field] = &[
    must("from_path", WRITE_PATH_OR_ID),
    must("to_path", WRITE_PATH_OR_ID),
];
const RELOCATION_BATCH: &[Field] = &[
    must("entries", &Type::List(RELOCATION_PATH, Some(1), Some(1000))),
    or("autorename", BOOL, "false"),
];
const GET_METADATA_FIELDS: &[Field] = &[
    must("path", READ_PATH),
    or("include_media_info", BOOL, "false"),
    or("include_deleted", BOOL, "false"),
    or("include_has_explicit_shared_members", BOOL, "false"),
    may("include_property_groups", FILTER),
];
const READ_PATH_FIELD: &[Field] = &[must("path", READ_PATH)];
const READ_PATH_AND_REV: &[Field] = &[must("path", READ_PATH), may("rev", REV)];

structs! {
    PROPERTY_FIELD = "PropertyField" [&[must("name", STRING), must("value", STRING)]];
    PROPERTY_GROUP = "PropertyGroup" [&[must("template_id", TEMPLATE_ID), must("fields", &Type::List(PROPERTY_FIELD, None, None))]];
    COMMIT_INFO = "CommitInfo" [COMMIT];
    UPLOAD = "UploadArg" [COMMIT, CONTENT_HASH];
    SESSION_CURSOR = "UploadSessionCursor" [&[must("session_id", STRING), must("offset", U64)]];
    SESSION_START = "UploadSessionStartArg" [&[or("close", BOOL, "false"), may("session_type", SESSION_TYPE)], CONTENT_HASH];
    SESSION_START_BATCH = "UploadSessionStartBatchArg" [&[may("session_type", SESSION_TYPE), must("num_sessions", &Type::Int("UInt64", 1, 1000))]];
    SESSION_APPEND = "UploadSessionAppendArg" [&[must("cursor", SESSION_CURSOR), or("close", BOOL, "false")], CONTENT_HASH];
    SESSION_APPEND_ENTRY = "UploadSessionAppendBatchArgEntry" [&[must("cursor", SESSION_CURSOR), must("length", U64), or("close", BOOL, "false")]];
    SESSION_APPEND_BATCH = "UploadSessionAppendBatchArg" [&[must("entries", &Type::List(SESSION_APPEND_ENTRY, None, Some(1000)))], CONTENT_HASH];
    SESSION_FINISH = "UploadSessionFinishArg" [&[must("cursor", SESSION_CURSOR), must("commit", COMMIT_INFO)], CONTENT_HASH];
    SESSION_FINISH_BATCH = "UploadSessionFinishBatchArg" [&[must("entries", &Type::List(SESSION_FINISH, None, Some(1000)))]];
    DOWNLOAD = "DownloadArg" [READ_PATH_AND_REV];
    DOWNLOAD_ZIP = "DownloadZipArg" [READ_PATH_FIELD];
    EXPORT = "ExportArg" [&[must("path", READ_PATH), may("export_format", STRING)]];
    TEMPORARY_LINK = "GetTemporaryLinkArg" [READ_PATH_FIELD];
    READ_ONE = "GetCopyReferenceArg" [READ_PATH_FIELD];
    SAVE_REFERENCE = "SaveCopyReferenceArg" [&[must("copy_reference", STRING), must("path", PATH)]];
    GET_METADATA = "GetMetadataArg" [GET_METADATA_FIELDS];
    LIST_FOLDER = "ListFolderArg" [&[
        must("path", PATH_R_OR_ID), or("recursive", BOOL, "false"), or("include_media_info", BOOL, "false"),
        or("include_deleted", BOOL, "false"), or("include_has_explicit_shared_members", BOOL, "false"),
        or("include_mounted_folders", BOOL, "true"), may("limit", &Type::Int("UInt32", 1, 2000)),
        may("shared_link", SHARED_LINK), may("include_property_groups", FILTER),
        or("include_non_downloadable_files", BOOL, "true"), or("include_restorable_info", BOOL, "false"),
    ]];
    SHARED_LINK = "SharedLink" [&[must("url", STRING), may("password", STRING)]];
    LIST_CONTINUE = "ListFolderContinueArg" [&[must("cursor", SOME_STRING)]];
    LONGPOLL = "ListFolderLongpollArg" [&[must("cursor", SOME_STRING), or("timeout", &Type::Int("UInt64", 30, 480), "30")]];
    LIST_REVISIONS = "ListRevisionsArg" [&[
        must("path", PATH_OR_ID), or("mode", REVISIONS_MODE, "\"path\""), or("limit", &Type::Int("UInt64", 1, 100), "10"),
        may("before_rev", REV), or("include_restorable_info", BOOL, "false"),
    ]];
    RESTORE = "RestoreArg" [&[must("path", WRITE_PATH), must("rev", REV)]];
    SAVE_URL = "SaveUrlArg" [&[must("path", PATH), must("url", STRING)]];
    CREATE_FOLDER = "CreateFolderArg" [&[must("path", WRITE_PATH), or("autorename", BOOL, "false")]];
    CREATE_FOLDER_BATCH = "CreateFolderBatchArg" [&[
        must("paths", &Type::List(WRITE_PATH, None, Some(10_000))), or("autorename", BOOL, "false"), or("force_async", BOOL, "false"),
    ]];
    DELETE = "DeleteArg" [&[must("path", WRITE_PATH_OR_ID), may("parent_rev", REV)]];
    DELETE_BATCH = "DeleteBatchArg" [&[must("entries", &Type::List(DELETE, None, Some(1000)))]];
    RELOCATION_PATH = "RelocationPath" [RELOCATION];
    RELOCATE = "RelocationArg" [RELOCATION, &[
        or("allow_shared_folder", BOOL, "false"), or("autorename", BOOL, "false"), or("allow_ownership_transfer", BOOL, "false"),
    ]];
    COPY_BATCH = "RelocationBatchArgBase" [RELOCATION_BATCH];
    MOVE_BATCH = "MoveBatchArg" [RELOCATION_BATCH, &[or("allow_ownership_transfer", BOOL, "false")]];
    POLL = "PollArg" [&[must("async_job_id", SOME_STRING)]];
    SEARCH_OPTIONS = "SearchOptions" [&[
        may("path", PATH_R_OR_ID), or("max_results", &Type::Int("UInt64", 1, 1000), "100"), may("order_by", SEARCH_ORDER),
        or("file_status", FILE_STATUS, "\"active\""), or("filename_only", BOOL, "false"),
        may("file_extensions", &Type::List(STRING, None, None)), may("file_categories", &Type::List(FILE_CATEGORY, None, None)),
        may("account_id", ACCOUNT_ID),
    ]];
    SEARCH_FIELDS = "SearchMatchFieldOptions" [&[or("include_highlights", BOOL, "false")]];
    SEARCH = "SearchV2Arg" [&[
        must("query", &Type::Text(Text { pattern: None, min: None, max: Some(1000) })), may("options", SEARCH_OPTIONS),
        may("match_field_options", SEARCH_FIELDS), may("include_highlights", BOOL),
    ]];
    MEMBERS_GET_INFO_1 = "MembersGetInfoArgs" [&[must("members", &Type::List(USER_SELECTOR, None, None))]];
    MEMBERS_GET_INFO = "MembersGetInfoV2Arg" [&[must("members", &Type::List(USER_SELECTOR, None, None))]];
    GET_ACCOUNT = "GetAccountArg" [&[must("account_id", ACCOUNT_ID)]];
    FEATURES = "UserFeaturesGetValuesBatchArg" [&[must("features", &Type::List(USER_FEATURE, None, None))]];
    ECHO = "EchoArg" [&[or("query", &Type::Text(Text { pattern: None, min: None, max: Some(500) }), "\"\"")]];
}
