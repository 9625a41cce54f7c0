//! rclone's flags of everything that copies, and of `sync`.

use super::{Flag, Guard::Removal, switch, value};

const LIMITED: &str = "if more would be deleted, the run ends before it changes anything; rclone copies, and deletes up to the limit";

/// Flags of everything that copies.
pub(super) const COPY: &[Flag] = &[
    switch("check-first").always("everything is listed and compared before the first file is copied"),
    switch("checksum").short('c'),
    value("compare-dest"),
    value("copy-dest"),
    value("cutoff-mode"),
    switch("ignore-case-sync"),
    switch("ignore-checksum").harmless("each file is compared with its hash all the same"),
    switch("ignore-existing").guard(Removal),
    switch("ignore-size"),
    switch("ignore-times").short('I'),
    switch("immutable").guard(Removal),
    switch("inplace").harmless("a file gets its name when all of it has arrived and its hash is right"),
    switch("links").short('l'),
    value("max-backlog").harmless("the whole plan is in memory, about 0.8 KB per file"),
    value("max-duration"),
    value("max-transfer"),
    switch("metadata").short('M').differs(
        "permissions are kept, in a Dropbox in a small file for each folder; it has no other metadata",
    ),
    value("modify-window"),
    value("multi-thread-chunk-size").harmless("the size of ranges adapts to the link"),
    value("multi-thread-cutoff").harmless("big files travel over many connections as soon as that helps"),
    value("multi-thread-streams").harmless("--transfers limits all connections together"),
    value("multi-thread-write-buffer-size").harmless("--memory limits all content in memory"),
    value("name-transform").refused(
        "files keep their names",
        "rename them before or afterwards, with moveto",
    ),
    switch("no-check-dest"),
    switch("no-traverse").harmless("a few files are looked up one by one anyway, and many by one listing"),
    switch("no-update-dir-modtime").always("times of folders are never set"),
    switch("no-update-modtime"),
    value("order-by"),
    value("partial-suffix").harmless("unfinished downloads have names of their own, which 'cleanup' knows"),
    switch("refresh-times").harmless("Dropbox can't set the time of a file whose content stays"),
    switch("server-side-across-configs")
        .harmless("within an account the server copies anyway, and between two it can't"),
    switch("size-only"),
    value("streaming-upload-cutoff").harmless("what comes from standard input goes into one upload session"),
    switch("update").short('u').guard(Removal),
    switch("create-empty-src-dirs").of(&["copy", "move", "sync", "convmv", "bisync"]),
    switch("delete-empty-src-dirs").of(&["move", "convmv"]),
];

/// Flags of `sync`.
pub(super) const SYNC: &[Flag] = &[
    value("backup-dir").guard(Removal),
    switch("delete-after").always("deletes come last, and only if all else went well"),
    switch("delete-before").harmless("deletes come last: before the copies, a failure would lose files"),
    switch("delete-during").harmless("deletes come last: among the copies, a failure would lose files"),
    switch("fix-case").refused(
        "names of the target keep their letter case",
        "rename what matters: node-tool moveto dbx:Name dbx:name",
    ),
    switch("ignore-errors"),
    value("list-cutoff").harmless("listings are in memory, about 0.8 KB per file"),
    value("max-delete").guard(Removal).differs(LIMITED),
    value("max-delete-size").guard(Removal).differs(LIMITED),
    value("suffix").guard(Removal),
    switch("suffix-keep-extension"),
    switch("track-renames"),
    value("track-renames-strategy").harmless("the content hash always decides what was renamed"),
];
