//! All verbs of rclone, each with its fate, and words that people type for verbs.

use super::{CONTROL_INSTEAD, NO_CONTROL};

/// What becomes of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is a verb here, and does what rclone's does.
    Same,
    /// It is a verb here, and does something else in this respect.
    Differs(&'static str),
    /// It isn't a verb here.
    Refused {
        /// The reason.
        why: &'static str,
        /// What to do instead, in words.
        instead: &'static str,
    },
}

/// A verb of rclone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verb {
    /// Its name.
    pub name: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

const fn same(name: &'static str) -> Verb {
    Verb {
        name,
        fate: Fate::Same,
    }
}

const fn differs(name: &'static str, how: &'static str) -> Verb {
    Verb {
        name,
        fate: Fate::Differs(how),
    }
}

const fn refused(name: &'static str, why: &'static str, instead: &'static str) -> Verb {
    Verb {
        name,
        fate: Fate::Refused { why, instead },
    }
}

const NO_MOUNT: &str =
    "a file system would need a daemon that outlives the command, and FUSE, which many login nodes lack";
const NO_SERVER: &str = "a server on a login node would open your Dropbox to others";
const NO_CRYPT: &str = "there are no encrypted remotes";

/// The verbs.
pub(crate) const VERBS: &[Verb] = &[
    same("about"),
    differs(
        "archive",
        "the formats are zip, tar, tar.gz and tar.zst; extracting replaces nothing unasked",
    ),
    refused(
        "authorize",
        "it needs a browser: it is what the authorizer does, on your laptop",
        "node-tool config create dbx prints the line to run on the laptop; or on the laptop: authorizer --ssh USER@LOGIN_NODE dbx",
    ),
    refused(
        "backend",
        "Dropbox has no such commands",
        "'node-tool --help' lists what there is",
    ),
    refused(
        "bisync",
        "two sides that both change need somebody who decides between two versions of a file",
        "copy both ways, the newer file wins: node-tool copy A B --update, then node-tool copy B A --update",
    ),
    same("cat"),
    same("check"),
    same("checksum"),
    differs(
        "cleanup",
        "removes what killed downloads left on this machine; a Dropbox needs none",
    ),
    same("completion"),
    differs(
        "config",
        "its file is another; 'config import' reads an rclone.conf",
    ),
    refused(
        "convmv",
        "files keep their names",
        "rename what matters: node-tool moveto dbx:OLD dbx:NEW",
    ),
    same("copy"),
    same("copyto"),
    differs("copyurl", "Dropbox fetches the file itself"),
    refused("cryptcheck", NO_CRYPT, "node-tool check SOURCE DEST"),
    refused("cryptdecode", NO_CRYPT, "rclone itself decodes names"),
    refused(
        "dedupe",
        "a folder of a Dropbox can't hold two files of one name",
        "files of the same content have the same line in: node-tool hashsum dropbox dbx:FOLDER | sort",
    ),
    same("delete"),
    same("deletefile"),
    refused("gendocs", "the manual is built in", "node-tool man --pages DIR"),
    refused(
        "gitannex",
        "git-annex can't use it as a special remote",
        "docs/workflows.md has DataLad's way",
    ),
    refused(
        "gui",
        NO_SERVER,
        "-P shows progress, and the browser shows your Dropbox: https://www.dropbox.com",
    ),
    same("hashsum"),
    same("help"),
    same("link"),
    same("listremotes"),
    same("ls"),
    same("lsd"),
    same("lsf"),
    same("lsjson"),
    same("lsl"),
    same("md5sum"),
    same("mkdir"),
    refused(
        "mount",
        NO_MOUNT,
        "copy what a job needs, and back: node-tool copy dbx:FOLDER /scratch/FOLDER",
    ),
    same("move"),
    same("moveto"),
    differs(
        "ncdu",
        "it is 'du', too, and prints a table where there is no terminal",
    ),
    refused(
        "nfsmount",
        NO_MOUNT,
        "copy what a job needs, and back: node-tool copy dbx:FOLDER /scratch/FOLDER",
    ),
    refused(
        "obscure",
        "an obscured password can be read by anybody",
        "node-tool config password set   encrypts the config",
    ),
    same("purge"),
    refused("rc", NO_CONTROL, CONTROL_INSTEAD),
    differs(
        "rcat",
        "--size is the size that the input must have; a file that others change meanwhile stays",
    ),
    refused("rcd", NO_CONTROL, CONTROL_INSTEAD),
    same("rmdir"),
    same("rmdirs"),
    refused(
        "selfupdate",
        "what was installed is replaced by whoever installed it",
        "node-tool version   says what you have",
    ),
    refused(
        "serve",
        NO_SERVER,
        "copy what is needed, or make a link: node-tool link dbx:FILE",
    ),
    refused(
        "settier",
        "Dropbox keeps all files in one storage class",
        "leave it out: there is nothing to choose",
    ),
    same("sha1sum"),
    same("size"),
    same("sync"),
    refused(
        "test",
        "it is for rclone's developers",
        "node-tool about dbx:   shows that a login works",
    ),
    same("touch"),
    same("tree"),
    same("version"),
];

/// Returns the verb of rclone that is called so.
pub(crate) fn named(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// The commands of `config` of rclone that aren't ones here, or do something else.
pub(crate) const CONFIG: &[Verb] = &[
    differs(
        "encryption",
        "it is 'config password', too: set and remove; 'config show' says whether the config is encrypted",
    ),
    differs(
        "password",
        "it sets and removes the password of the config; no setting is one",
    ),
    refused(
        "providers",
        "there is one kind of remote, Dropbox",
        "node-tool config create dbx connects one, and --help lists its settings",
    ),
    differs("redacted", "it is 'config show', which never shows secrets"),
    differs("show", "secrets are never shown"),
    refused(
        "string",
        "a remote in one word would have its login in it, for all users of this machine to read",
        "name the remote: node-tool lsd dbx:",
    ),
    refused(
        "unset",
        "a setting that has no value here has its default",
        "node-tool config edit NAME --help lists what can be changed",
    ),
];

/// Returns the command of rclone's `config` that is called so, if it isn't the same here.
pub(crate) fn of_config(name: &str) -> Option<&'static Verb> {
    CONFIG.iter().find(|verb| verb.name == name)
}

/// Words of shells and other programs, and the line to type for each.
const WORDS: &[(&str, &str)] = &[
    ("cp", "node-tool copy SOURCE DEST"),
    ("dir", "node-tool lsf dbx:FOLDER"),
    ("download", "node-tool copy dbx:FOLDER FOLDER"),
    ("get", "node-tool copy dbx:FOLDER FOLDER"),
    ("info", "node-tool about dbx:"),
    ("list", "node-tool lsf dbx:FOLDER"),
    ("ll", "node-tool lsl dbx:FOLDER"),
    ("login", "node-tool config create dbx"),
    (
        "logout",
        "node-tool config delete NAME, which also revokes the login",
    ),
    (
        "mv",
        "node-tool move SOURCE DEST, or node-tool moveto for a new name",
    ),
    ("put", "node-tool copy FOLDER dbx:FOLDER"),
    ("quota", "node-tool about dbx:"),
    ("rename", "node-tool moveto dbx:OLD dbx:NEW"),
    (
        "rm",
        "to look first: node-tool delete dbx:FOLDER --dry-run; for one file: node-tool deletefile dbx:FILE --dry-run",
    ),
    ("rsync", "node-tool copy SOURCE DEST"),
    ("scp", "node-tool copy SOURCE DEST"),
    ("share", "node-tool link dbx:FILE"),
    ("stat", "node-tool lsjson --stat dbx:FILE"),
    ("upload", "node-tool copy FOLDER dbx:FOLDER"),
];

/// Returns what to type for a word that is a command elsewhere.
pub(crate) fn line_for(word: &str) -> Option<&'static str> {
    WORDS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, line)| *line)
}
