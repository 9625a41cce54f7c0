//! rclone's general flags, and those of its log.

use super::{Flag, Guard::Trial, Value, flag, switch, value};
use crate::rclone::{CONTROL_INSTEAD, NO_CONTROL};

/// Flags of every command.
pub(super) const IMPORTANT: &[Flag] = &[
    switch("dry-run").short('n').guard(Trial),
    switch("interactive").short('i').guard(Trial),
    flag("verbose", Value::Count).short('v'),
];

/// General flags.
pub(super) const GENERAL: &[Flag] = &[
    flag("ask-password", Value::Optional),
    switch("auto-confirm"),
    value("cache-dir"),
    value("color"),
    value("config"),
    value("default-time"),
    value("disable")
        .harmless("it turns off ways in which rclone talks to a service, and there are none of them here"),
    switch("error-on-no-transfer"),
    value("fs-cache-expire-duration").harmless("it is about rclone's own cache of remotes"),
    value("fs-cache-expire-interval").harmless("it is about rclone's own cache of remotes"),
    switch("human-readable"),
    value("kv-lock-time").harmless("there is no such database"),
    value("low-level-retries"),
    value("max-buffer-memory"),
    switch("no-console").harmless("it is about Windows"),
    switch("no-unicode-normalization").harmless("Dropbox itself takes both forms of a letter for the same"),
    value("password-command"),
    value("retries"),
    value("retries-sleep"),
    value("temp-dir").harmless("an unfinished download is beside the file that it becomes"),
    switch("use-server-modtime")
        .harmless("Dropbox keeps the modification time that a file had when it was sent"),
    value("metadata-mapper").refused("Dropbox keeps no such metadata", ""),
    value("metadata-set").refused("Dropbox keeps no such metadata", ""),
    switch("rc").refused(NO_CONTROL, CONTROL_INSTEAD),
    switch("help").short('h'),
];

const LAYOUT: &str = "statistics have one layout";

/// Flags of the log.
pub(super) const LOGGING: &[Flag] = &[
    value("log-file"),
    switch("log-file-compress"),
    value("log-file-max-age"),
    value("log-file-max-backups"),
    value("log-file-max-size"),
    value("log-format"),
    value("log-level"),
    switch("log-systemd").harmless("systemd's journal takes lines as they are"),
    value("max-stats-groups").harmless("there is one group"),
    switch("progress").short('P'),
    switch("progress-terminal-title").harmless("the title of the terminal stays as it is"),
    switch("quiet").short('q'),
    value("stats"),
    value("stats-file-name-length").harmless("names are as long as the terminal allows"),
    value("stats-log-level").harmless("statistics are printed if --stats or -P asks for them"),
    switch("stats-one-line")
        .differs("statistics are one line anyway; called as rclone they are a block, and one line with it"),
    switch("stats-one-line-date").harmless(LAYOUT),
    value("stats-one-line-date-format").harmless(LAYOUT),
    value("stats-unit")
        .harmless("rates are in bytes per second")
        .usual("bytes"),
    switch("syslog").refused(SYSLOG, SYSLOG_INSTEAD),
    value("syslog-facility").refused(SYSLOG, SYSLOG_INSTEAD),
    switch("use-json-log"),
    value("metrics-addr").refused(NO_CONTROL, CONTROL_INSTEAD),
    switch("rc-enable-metrics").harmless("it is about --rc, and rclone ignores it without that, too"),
    switch("version").short('V'),
];

const SYSLOG: &str = "the log goes to stderr or a file";
const SYSLOG_INSTEAD: &str = "pass it on: … 2>&1 | logger -t node-tool";

const PROFILE: &str = "it is about the inside of rclone";
const DUMP: &str = "requests can hold the login";
const DUMP_INSTEAD: &str = "-vv names each request, without what is secret";

/// Flags for developers.
pub(super) const DEVELOPERS: &[Flag] = &[
    value("cpuprofile").refused(PROFILE, ""),
    value("memprofile").refused(PROFILE, ""),
    value("dump").refused(DUMP, DUMP_INSTEAD),
    switch("dump-bodies").refused(DUMP, DUMP_INSTEAD),
    switch("dump-headers").refused(DUMP, DUMP_INSTEAD),
];
