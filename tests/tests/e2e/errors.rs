//! What the programs say when something is wrong, and their exit codes. A page of snapshots for each kind of situation.

use std::{fmt::Write as _, fs, path::Path};

use sandbox::{Fault, Kind};
use serde_json::json;
use tests::{
    files::write,
    next_lines::words,
    snapshots::{check, redacted},
    test_env::{TestEnv, run},
};

/// Where the snapshots are.
const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/snapshots/errors");

/// A situation and the command that meets it. Each has a home directory and a Dropbox of its own, with `dbx:` connected.
struct Case {
    /// What is wrong.
    what: &'static str,
    /// Makes it so.
    given: fn(&TestEnv) -> anyhow::Result<()>,
    /// The command, quoted as for a shell.
    line: &'static str,
    /// Its standard input.
    input: &'static str,
}

/// A case in which nothing has to be prepared.
fn plain(what: &'static str, line: &'static str) -> Case {
    given(what, line, |_| Ok(()))
}

/// A case with something prepared.
fn given(what: &'static str, line: &'static str, given: fn(&TestEnv) -> anyhow::Result<()>) -> Case {
    Case {
        what,
        given,
        line,
        input: "",
    }
}

/// A case with something on the standard input.
fn input(what: &'static str, line: &'static str, input: &'static str) -> Case {
    Case {
        input,
        ..plain(what, line)
    }
}

/// Plays the cases and compares what is said with the snapshot `name`.
fn page(name: &str, cases: &[Case]) -> anyhow::Result<()> {
    let mut page = String::new();
    for case in cases {
        let env = TestEnv::connected()?;
        (case.given)(&env)?;
        let mut words = words(case.line).into_iter();
        let mut command = env.command(&words.next().unwrap_or_default())?;
        command.args(words);
        let end = run(command, case.input)?;
        writeln!(
            page,
            "# {}\n$ {}\n{}[exit code {}]\n",
            case.what,
            case.line,
            redacted(&env, &end.err)?,
            end.code
        )?;
    }
    check(Path::new(DIR), name, &page);
    Ok(())
}

/// Writes a file here.
fn here(env: &TestEnv, path: &str) -> anyhow::Result<()> {
    write(&env.path(path), path.as_bytes(), 1_500_000_000)
}

/// Puts a file into the Dropbox.
fn there(env: &TestEnv, path: &str) -> anyhow::Result<()> {
    env.sandbox
        .put_file(path, path.as_bytes(), Some("2017-07-14T02:40:00Z"))
}

/// Writes the config file.
fn config(env: &TestEnv, text: &str) -> anyhow::Result<()> {
    Ok(fs::write(env.config(), text)?)
}

/// Makes all calls of a route fail.
fn always(env: &TestEnv, route: &str, kind: Kind) {
    env.sandbox.fault(Fault::on(route, kind).times(1000));
}

#[test]
fn arguments() -> anyhow::Result<()> {
    page(
        "arguments",
        &[
            plain("an unknown command", "node-tool cpoy a dbx:"),
            plain("an unknown flag", "node-tool copy --dryrun a dbx:"),
            plain("a missing argument", "node-tool copy a"),
            plain(
                "a word instead of a number",
                "node-tool lsd dbx: --transfers many",
            ),
            plain("a number out of its range", "node-tool lsd dbx: --transfers 1000"),
            plain("a size that is none", "node-tool ls dbx: --min-size big"),
            plain("an age that is none", "node-tool ls dbx: --max-age soon"),
            plain(
                "a duration that is none",
                "node-tool copy a dbx: --max-duration 5x",
            ),
            plain("a rate that is none", "node-tool lsd dbx: --bwlimit fast"),
            plain("an order that is none", "node-tool copy a dbx: --order-by colour"),
            plain("a column that is none", "node-tool lsf dbx: --format q"),
            plain("a hash that is none", "node-tool hashsum md5 dbx:"),
            plain("flags that exclude each other", "node-tool lsd dbx: -q -v"),
            plain("two ways to take symlinks", "node-tool copy -l -L a dbx:"),
            plain("JSON of what has none", "node-tool cat dbx:a --json"),
            plain(
                "a log file that can't be written",
                "node-tool lsd dbx: --log-file no/such/log",
            ),
            plain(
                "authorizer: a key that is none",
                "authorizer a! --no-browser --timeout 1s",
            ),
            plain(
                "authorizer: a duration that is none",
                "authorizer appkey0sandbox1 --no-browser --timeout soon",
            ),
            plain(
                "authorizer: no name for the account there",
                "authorizer --ssh login.example.org",
            ),
        ],
    )
}

#[test]
fn filters() -> anyhow::Result<()> {
    page(
        "filters",
        &[
            plain("a bracket that is not closed", "node-tool ls dbx: --include '[a'"),
            plain("a brace that is not closed", "node-tool ls dbx: --include '{a,b'"),
            plain(
                "a regular expression that is none",
                "node-tool ls dbx: --exclude '{{(}}'",
            ),
            plain("a rule without a sign", "node-tool ls dbx: --filter '*.txt'"),
            plain(
                "a file of rules that is not there",
                "node-tool ls dbx: --filter-from no",
            ),
            plain(
                "a list of files that is not there",
                "node-tool ls dbx: --files-from no",
            ),
            given(
                "a list of files beside another filter",
                "node-tool ls dbx: --files-from list --include '*.txt'",
                |env| here(env, "list"),
            ),
            plain("a depth that is none", "node-tool ls dbx: --max-depth deep"),
        ],
    )
}

#[test]
fn places() -> anyhow::Result<()> {
    page(
        "places",
        &[
            plain("an unknown remote", "node-tool lsd nobody:"),
            plain("a remote whose name is nearly right", "node-tool lsd dbxx:"),
            given("no remote at all", "node-tool lsd dbx:", |env| {
                Ok(fs::remove_file(env.config())?)
            }),
            plain("a folder that is not in the Dropbox", "node-tool lsd dbx:missing"),
            plain("a folder that is not on this machine", "node-tool ls missing"),
            plain("a file that is not there", "node-tool cat dbx:missing"),
            plain(
                "a source that is not on this machine",
                "node-tool copy missing dbx:to",
            ),
            plain(
                "a source that is not in the Dropbox",
                "node-tool copy dbx:missing to",
            ),
            given("a target that is a file", "node-tool copy from dbx:to", |env| {
                here(env, "from/a")?;
                there(env, "/to")
            }),
            given(
                "a folder instead of a file",
                "node-tool deletefile dbx:d",
                |env| there(env, "/d/a"),
            ),
            given("a file instead of a folder", "node-tool purge dbx:d/a", |env| {
                there(env, "/d/a")
            }),
            given("a folder that is not empty", "node-tool rmdir dbx:d", |env| {
                there(env, "/d/a")
            }),
            given(
                "a file where a folder is to be made",
                "node-tool mkdir dbx:d/a",
                |env| there(env, "/d/a"),
            ),
            plain("a whole Dropbox to remove", "node-tool purge dbx:"),
            plain("half files in a Dropbox", "node-tool cleanup dbx:"),
            plain("room on this machine", "node-tool about here"),
            given(
                "a link to what is on this machine",
                "node-tool link here",
                |env| here(env, "here"),
            ),
            plain("a link to what is not there", "node-tool link dbx:missing"),
            plain(
                "earlier states of what never was",
                "node-tool revisions dbx:never",
            ),
            given("no revision to restore", "node-tool restore dbx:a", |env| {
                there(env, "/a")
            }),
            given(
                "an unknown revision",
                "node-tool restore dbx:a 0123456789abcdef0",
                |env| there(env, "/a"),
            ),
            plain("changes of what is not there", "node-tool watch dbx:missing"),
            plain("changes on this machine", "node-tool watch here"),
            given(
                "the time of a file with content",
                "node-tool touch dbx:a",
                |env| there(env, "/a"),
            ),
        ],
    )
}

#[test]
fn transfers() -> anyhow::Result<()> {
    page(
        "transfers",
        &[
            given("source and target are one", "node-tool copy dbx:d dbx:d", |env| {
                there(env, "/d/a")
            }),
            given(
                "the target is in the source",
                "node-tool sync dbx:d dbx:d/e",
                |env| there(env, "/d/a"),
            ),
            given(
                "the target is in the source, here",
                "node-tool move d d/e",
                |env| here(env, "d/a"),
            ),
            given("an empty source", "node-tool sync from dbx:to", |env| {
                fs::create_dir(env.path("from"))?;
                there(env, "/to/a")
            }),
            given(
                "a backup folder on the other side",
                "node-tool sync from dbx:to --backup-dir old",
                |env| here(env, "from/a"),
            ),
            given(
                "both places are on this machine",
                "node-tool copy from to",
                |env| here(env, "from/a"),
            ),
            given(
                "a backup folder that is the target",
                "node-tool sync from dbx:to --backup-dir dbx:to",
                |env| here(env, "from/a"),
            ),
            given(
                "a suffix with a slash",
                "node-tool sync from dbx:to --suffix /old",
                |env| here(env, "from/a"),
            ),
            given(
                "a folder where a file is to go",
                "node-tool copy from dbx:to",
                |env| {
                    here(env, "from/a")?;
                    there(env, "/to/a/b")
                },
            ),
            given(
                "a file where a folder is to go",
                "node-tool copy from dbx:to",
                |env| {
                    here(env, "from/a/b")?;
                    there(env, "/to/a")
                },
            ),
            given(
                "a folder where a file is to go, here",
                "node-tool copy dbx:from to",
                |env| {
                    there(env, "/from/a")?;
                    here(env, "to/a/b")
                },
            ),
            given(
                "names that Dropbox refuses",
                "node-tool copy from dbx:to",
                |env| {
                    here(env, "from/back\\slash")?;
                    here(env, "from/desktop.ini")?;
                    here(env, "from/good")
                },
            ),
            given(
                "names that differ in case alone",
                "node-tool copy from dbx:to",
                |env| {
                    here(env, "from/a")?;
                    here(env, "from/A")
                },
            ),
            given("a symlink", "node-tool copy from dbx:to", |env| {
                here(env, "from/a")?;
                Ok(std::os::unix::fs::symlink("a", env.path("from/link"))?)
            }),
            given(
                "an immutable file that differs",
                "node-tool copy from dbx:to --immutable",
                |env| {
                    here(env, "from/a")?;
                    there(env, "/to/a")
                },
            ),
            given(
                "more than is allowed",
                "node-tool copy from dbx:to --max-transfer 1b",
                |env| here(env, "from/a"),
            ),
            given(
                "nothing to copy",
                "node-tool copy from dbx:to --error-on-no-transfer",
                |env| Ok(fs::create_dir(env.path("from"))?),
            ),
            given("files that differ", "node-tool check from dbx:to", |env| {
                here(env, "from/a")?;
                here(env, "from/b")?;
                there(env, "/to/a")
            }),
            given("an account without room", "node-tool copy from dbx:to", |env| {
                env.sandbox.set_quota(3);
                here(env, "from/a")
            }),
            given(
                "a file that Dropbox doesn't give out",
                "node-tool copy dbx:from to",
                |env| {
                    let error = json!({".tag": "path", "path": {".tag": "restricted_content"}});
                    always(env, "files/download", Kind::Route { error });
                    there(env, "/from/a")
                },
            ),
            given(
                "a download that is wrong each time",
                "node-tool copy dbx:from to --low-level-retries 1",
                |env| {
                    always(env, "files/download", Kind::Flip);
                    there(env, "/from/a")
                },
            ),
        ],
    )
}

#[test]
fn service() -> anyhow::Result<()> {
    const LSD: &str = "node-tool lsd dbx: --low-level-retries 1";
    page(
        "service",
        &[
            given("a login that was revoked", LSD, |env| {
                env.sandbox.revoke_all();
                Ok(())
            }),
            given("an app that is gone", LSD, |env| {
                env.sandbox.expire_access_tokens();
                env.sandbox.disable_apps();
                Ok(())
            }),
            given("a box of the app that isn't ticked", LSD, |env| {
                let error = json!({
                    "error_summary": "missing_scope/",
                    "error": {".tag": "missing_scope", "required_scope": "files.metadata.read"},
                });
                let body = error.to_string();
                always(env, "files/list_folder", answer(401, &body));
                Ok(())
            }),
            given("a service that is down", LSD, |env| {
                let (status, html) = (503, true);
                always(env, "files/list_folder", Kind::Status { status, html });
                Ok(())
            }),
            given("a call that Dropbox doesn't understand", LSD, |env| {
                let (status, html) = (400, false);
                always(env, "files/list_folder", Kind::Status { status, html });
                Ok(())
            }),
            given("too many calls", LSD, |env| {
                let (retry_after, plain) = (Some(1), false);
                always(env, "files/list_folder", Kind::TooMany { retry_after, plain });
                Ok(())
            }),
            given("a connection that is cut", LSD, |env| {
                always(env, "files/list_folder", Kind::CutBefore);
                Ok(())
            }),
            given("an answer that ends half way", LSD, |env| {
                always(env, "files/list_folder", Kind::Truncate);
                Ok(())
            }),
            given("an answer that isn't JSON", LSD, |env| {
                always(env, "files/list_folder", Kind::Garbage);
                Ok(())
            }),
            given("the login page of a network", LSD, |env| {
                always(env, "files/list_folder", Kind::Portal);
                Ok(())
            }),
        ],
    )
}

/// An answer made to order.
fn answer(status: u16, body: &str) -> Kind {
    Kind::Answer {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.into(),
    }
}

#[test]
fn configuration() -> anyhow::Result<()> {
    const CREATE: &str = "node-tool config create new --app-key appkey0sandbox1 --token-stdin";
    page(
        "configuration",
        &[
            input("a paste that is no login", CREATE, "good morning\n"),
            input("a paste that was cut", CREATE, "dbxgrant1.c.287.eyJj\n"),
            input("no paste", CREATE, "\n"),
            input("JSON that holds no token", CREATE, "{\"expiry\": 3}\n"),
            plain("no app key", "node-tool config create new --token-stdin"),
            plain(
                "a name with a colon",
                "node-tool config create a:b --app-key appkey0sandbox1 --token-stdin",
            ),
            plain(
                "a name that is taken",
                "node-tool config create dbx --app-key appkey0sandbox1 --token-stdin",
            ),
            plain("a menu without a terminal", "node-tool config"),
            plain(
                "a login of an unknown remote",
                "node-tool config reconnect nobody:",
            ),
            plain("an unknown remote to delete", "node-tool config delete nobody"),
            plain("an unknown remote to show", "node-tool config show nobody"),
            plain(
                "a name that is taken by itself",
                "node-tool config rename dbx dbx",
            ),
            plain("a copy of itself", "node-tool config copy dbx dbx"),
            plain("nothing to change", "node-tool config edit dbx"),
            plain(
                "an rclone.conf that is not there",
                "node-tool config import no.conf",
            ),
            given(
                "an rclone.conf without a Dropbox",
                "node-tool config import r.conf",
                |env| Ok(fs::write(env.path("r.conf"), "[s3]\ntype = s3\n")?),
            ),
            given(
                "an rclone.conf that is none",
                "node-tool config import r.conf",
                |env| Ok(fs::write(env.path("r.conf"), "good morning\n")?),
            ),
            plain("no terminal for a new password", "node-tool config password set"),
            plain("no password to remove", "node-tool config password remove"),
            plain(
                "a config that is not there",
                "node-tool --config no.toml lsd dbx:",
            ),
            given("a config that isn't TOML", "node-tool lsd dbx:", |env| {
                config(env, "remotes = [\n")
            }),
            given("a remote without a token", "node-tool lsd dbx:", |env| {
                config(env, "[remotes.dbx]\napp_key = \"appkey0sandbox1\"\n")
            }),
            given("a value of the wrong type", "node-tool lsd dbx:", |env| {
                config(env, "transfers = \"many\"\n")
            }),
            given("a config of a later version", "node-tool lsd dbx:", |env| {
                config(env, "version = 99\n")
            }),
        ],
    )
}
