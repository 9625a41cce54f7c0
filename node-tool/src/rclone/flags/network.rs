//! rclone's flags about the network, and about speed.

use super::{Flag, switch, value};

const HEADERS: &str = "headers that calls set themselves are refused: Authorization, Content-Type and the like, and Dropbox's own";

/// The flags.
pub(super) const NETWORK: &[Flag] = &[
    value("bind"),
    value("buffer-size").harmless("--memory limits all content in memory"),
    value("bwlimit"),
    value("bwlimit-file").refused(
        "the rate of a single file can't be limited",
        "limit all together: --bwlimit RATE",
    ),
    value("ca-cert"),
    value("checkers").harmless("a listing is one recursive call, and comparing is quick"),
    value("client-cert"),
    value("client-key"),
    value("client-pass").refused(
        "all users of this machine can read a command line, and encrypted keys can't be read here",
        "decrypt the key into a file that only you can read: openssl pkey -in KEY -out PLAIN",
    ),
    value("contimeout"),
    switch("disable-http-keep-alives").harmless("connections are kept as long as Dropbox keeps them"),
    switch("disable-http2")
        .always("bytes of files travel over HTTP/1.1; other calls share one HTTP/2 connection"),
    value("dscp").refused("packets can't be marked", "--bwlimit RATE leaves room for others"),
    value("expect-continue-timeout").harmless("no call waits for a '100 Continue'"),
    switch("fast-list").always("a listing is recursive, in as few calls as Dropbox allows"),
    value("header").differs(HEADERS),
    value("header-download").differs(HEADERS),
    value("header-upload").differs(HEADERS),
    value("http-proxy").differs("the proxy is http:// or https://; socks5:// can't be used"),
    value("max-connections"),
    switch("no-check-certificate").refused(
        "anybody between this machine and Dropbox could then take the login",
        "name a file with the certificates to trust: --ca-cert FILE",
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
