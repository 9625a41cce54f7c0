//! rclone's flags about the network, and about speed.

use super::{Flag, switch, value};

const MUTUAL: &str = "Dropbox takes no certificates of clients";
const HEADERS: &str = "calls have the headers that Dropbox's documentation names, and no others";

/// The flags.
pub(super) const NETWORK: &[Flag] = &[
    value("bind").refused(
        "the system's routes decide from where connections go",
        "ask who runs this machine for a route",
    ),
    value("buffer-size").harmless("--memory limits all content in memory"),
    value("bwlimit"),
    value("bwlimit-file").refused(
        "the rate of a single file can't be limited",
        "limit all together: --bwlimit RATE",
    ),
    value("ca-cert").refused(
        "certificates come from the system's store",
        "name a file that replaces it: export SSL_CERT_FILE=FILE",
    ),
    value("checkers").harmless("a listing is one recursive call, and comparing is quick"),
    value("client-cert").refused(MUTUAL, ""),
    value("client-key").refused(MUTUAL, ""),
    value("client-pass").refused(MUTUAL, ""),
    value("contimeout"),
    switch("disable-http-keep-alives").harmless("connections are kept as long as Dropbox keeps them"),
    switch("disable-http2")
        .always("bytes of files travel over HTTP/1.1; other calls share one HTTP/2 connection"),
    value("dscp").refused("packets can't be marked", "--bwlimit RATE leaves room for others"),
    value("expect-continue-timeout").harmless("no call waits for a '100 Continue'"),
    switch("fast-list").always("a listing is recursive, in as few calls as Dropbox allows"),
    value("header").refused(HEADERS, ""),
    value("header-download").refused(HEADERS, ""),
    value("header-upload").refused(HEADERS, ""),
    value("http-proxy").refused(
        "the environment names the proxy",
        "export HTTPS_PROXY=http://PROXY:PORT",
    ),
    value("max-connections"),
    switch("no-check-certificate").refused(
        "anybody between this machine and Dropbox could then take the login",
        "name a file with the certificates to trust: export SSL_CERT_FILE=FILE",
    ),
    switch("no-gzip-encoding").harmless("only listings are compressed, and bytes of files never"),
    value("timeout"),
    value("tpslimit"),
    value("tpslimit-burst"),
    value("transfers"),
    switch("use-cookies").harmless("Dropbox sets no cookies"),
    value("user-agent"),
    switch("use-mmap").harmless("memory goes back to the system anyway"),
];
