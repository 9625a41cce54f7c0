//! rclone's flags of single commands that are here too.

use super::{Flag, Value, flag, switch, value};

const JOBS: &[&str] = &["copy", "copyto", "move", "moveto", "sync"];
const SUMS: &[&str] = &["hashsum", "md5sum", "sha1sum"];
const CONFIG: &[&str] = &["config"];
const LISTS: &[&str] = &["copy", "copyto", "move", "moveto", "sync", "check", "checksum"];

const LIST: &str = "a job doesn't list the target as it is afterwards";
const LIST_INSTEAD: &str =
    "afterwards: node-tool lsf -R DEST; what was done: --combined FILE, or --report FILE";
const QUESTIONS: &str = "config create asks what it has to know, and nothing else";

/// Returns a flag of lists of files.
const fn list(name: &'static str) -> Flag {
    value(name).of(LISTS)
}

/// Returns a flag of a job for the list of the target.
const fn format(flag: Flag) -> Flag {
    flag.of(JOBS).refused(LIST, LIST_INSTEAD)
}

/// Returns a flag of `config create`.
const fn question(name: &'static str) -> Flag {
    switch(name).of(CONFIG).harmless(QUESTIONS)
}

/// The flags, each with the verbs of rclone that have it.
pub(super) const OF_VERBS: &[Flag] = &[
    switch("full").of(&["about"]),
    switch("json").of(&["about", "size", "listremotes", "config"]),
    value("format").of(&["archive"]),
    switch("full-path").of(&["archive", "tree"]),
    value("prefix").of(&["archive"]),
    switch("long").of(&["archive", "listremotes"]),
    switch("plain").of(&["archive"]),
    value("count").of(&["cat"]),
    switch("discard").of(&["cat"]),
    value("head").of(&["cat"]),
    value("offset").of(&["cat"]),
    value("separator").of(&["cat"]),
    value("tail").of(&["cat"]),
    list("combined"),
    list("differ"),
    list("error"),
    list("match"),
    list("missing-on-dst"),
    list("missing-on-src"),
    format(value("dest-after")),
    format(switch("absolute")),
    format(switch("csv")),
    format(switch("dir-slash").short('d')),
    format(switch("dirs-only")),
    format(switch("files-only")),
    format(value("format").short('F')),
    format(value("hash")),
    format(value("separator").short('s')),
    format(value("timeformat").short('t')),
    value("checkfile")
        .short('C')
        .of(&["check", "hashsum", "md5sum", "sha1sum"]),
    switch("download").of(&["check", "checksum", "hashsum", "md5sum", "sha1sum"]),
    switch("one-way").of(&["check", "checksum"]),
    switch("base64").of(SUMS),
    value("output-file").of(SUMS),
    switch("auto-filename").short('a').of(&["copyurl"]),
    switch("header-filename").of(&["copyurl"]).refused(
        "Dropbox fetches the file, and doesn't say what the server calls it",
        "name the file, or take its name from the address: --auto-filename",
    ),
    switch("no-clobber").of(&["copyurl"]),
    switch("print-filename").short('p').of(&["copyurl"]),
    switch("stdout")
        .of(&["copyurl"])
        .refused("Dropbox fetches the file itself", "curl --location --fail URL"),
    switch("urls").of(&["copyurl"]).refused(
        "it is one address at a time",
        "a loop: while read url; do node-tool copyurl --auto-filename \"$url\" dbx:FOLDER; done < FILE",
    ),
    switch("rmdirs").of(&["delete"]),
    value("expire").of(&["link"]),
    switch("unlink").of(&["link"]),
    value("description")
        .of(&["listremotes"])
        .refused("remotes have no descriptions here", ""),
    switch("exact").of(&["listremotes"]),
    value("name").of(&["listremotes"]),
    value("order-by").of(&["listremotes"]),
    value("source").of(&["listremotes"]),
    value("type").of(&["listremotes"]),
    switch("recursive").short('R').of(&["lsd", "lsf", "lsjson"]),
    switch("recursive").short('R').of(&["touch"]).refused(
        "Dropbox sets the time of a file only when its content is uploaded",
        "",
    ),
    switch("absolute").of(&["lsf"]),
    switch("csv").of(&["lsf"]),
    flag("dir-slash", Value::Optional).short('d').of(&["lsf"]),
    switch("dirs-only").of(&["archive", "lsf", "lsjson"]),
    switch("files-only").of(&["archive", "lsf", "lsjson"]),
    value("format").short('F').of(&["lsf"]),
    value("hash").of(&["lsf"]),
    value("separator").short('s').of(&["lsf"]),
    value("time-format").short('t').of(&["lsf"]),
    switch("encrypted")
        .of(&["lsjson"])
        .refused("there are no encrypted remotes", ""),
    switch("hash").of(&["lsjson"]),
    value("hash-type")
        .of(&["lsjson"])
        .refused("Dropbox has one hash", "--hash shows it")
        .usual("dropbox"),
    switch("no-mimetype").of(&["lsjson"]),
    switch("no-modtime").of(&["lsjson"]),
    switch("original")
        .of(&["lsjson"])
        .harmless("the name of a file is its original one"),
    switch("stat").of(&["lsjson"]),
    value("size").of(&["rcat"]),
    switch("leave-root").of(&["rmdirs"]),
    switch("localtime").of(&["touch"]).refused(
        "times are UTC",
        "give the time with its zone: 2026-11-23T17:00:00+01:00",
    ),
    switch("no-create").short('C').of(&["touch"]),
    value("timestamp").short('t').of(&["touch"]),
    switch("all").short('a').of(&["tree"]),
    switch("dirs-only").short('d').of(&["tree"]),
    switch("dirsfirst").of(&["tree"]),
    value("level").of(&["tree"]),
    switch("modtime").short('D').of(&["tree"]),
    switch("noindent").of(&["tree"]),
    switch("noreport").of(&["tree"]),
    value("output")
        .short('o')
        .of(&["tree"])
        .refused("the tree is printed", "> FILE"),
    switch("protections")
        .short('p')
        .of(&["tree"])
        .harmless("Dropbox has no modes"),
    switch("quote").short('Q').of(&["tree"]),
    switch("size").short('s').of(&["tree"]),
    value("sort").of(&["tree"]),
    switch("sort-ctime")
        .of(&["tree"])
        .refused("Dropbox has no such time", "--sort mtime"),
    switch("sort-modtime").short('t').of(&["tree"]),
    switch("sort-reverse").short('r').of(&["tree"]),
    switch("unsorted")
        .short('U')
        .of(&["tree"])
        .harmless("a tree is sorted by name"),
    switch("version").of(&["tree"]).harmless("'version' prints it"),
    switch("check").of(&["version"]).refused(
        "nothing is looked up about new releases",
        "the releases are where this program is from",
    ),
    switch("deps")
        .of(&["version"])
        .refused("Cargo.lock lists what the program is built of", ""),
    question("all"),
    question("continue"),
    question("no-obscure"),
    question("no-output"),
    question("non-interactive"),
    question("obscure"),
    value("result").of(CONFIG).harmless(QUESTIONS),
    value("state").of(CONFIG).harmless(QUESTIONS),
];
