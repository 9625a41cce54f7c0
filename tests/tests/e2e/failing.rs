//! What is said of files that failed, and what the exit code makes of it: whether it helps to repeat the command.

use sandbox::{Fault, Kind};
use serde_json::json;
use tests::{
    files::{noise, write},
    test_env::TestEnv,
};

const DOWNLOAD: &str = "files/download";
const FINISH: &str = "files/upload_session/finish_batch_v2";

fn unavailable() -> Kind {
    Kind::Status {
        status: 503,
        html: true,
    }
}

fn refused() -> Kind {
    Kind::Route {
        error: json!({".tag": "path", "path": {".tag": "restricted_content"}}),
    }
}

fn entry(reason: &serde_json::Value) -> Kind {
    Kind::Entry {
        error: json!({".tag": "path", "path": reason}),
    }
}

#[test]
fn the_exit_code_of_a_download_says_whether_a_repetition_helps() -> anyhow::Result<()> {
    for (kinds, code) in [
        (vec![unavailable()], 5),
        (vec![unavailable(), unavailable()], 5),
        (vec![Kind::CutBefore], 5),
        (vec![refused()], 6),
        (vec![refused(), refused()], 6),
        (vec![refused(), unavailable()], 1),
    ] {
        let env = TestEnv::connected()?;
        for n in 0..3_u64 {
            env.sandbox
                .put_file(&format!("/from/{n}"), &noise(n, 1000), None)?;
        }
        for (place, kind) in (1..).zip(&kinds) {
            env.sandbox.fault(Fault::on(DOWNLOAD, kind.clone()).nth(place));
        }
        let words = ["copy", "dbx:from", "to", "--no-zip", "--low-level-retries", "1"];
        let end = env.node_tool(words)?;
        assert_eq!(end.code, code, "{kinds:?}: {}", end.err);
        assert!(
            end.err.contains(&format!("{} failed", kinds.len())),
            "{kinds:?}: {}",
            end.err
        );
    }
    Ok(())
}

#[test]
fn the_exit_code_of_an_upload_says_whether_a_repetition_helps() -> anyhow::Result<()> {
    for (kind, code) in [
        (entry(&json!({".tag": "malformed_path"})), 6),
        (entry(&json!({".tag": "no_write_permission"})), 6),
        (
            entry(&json!({".tag": "conflict", "conflict": {".tag": "file"}})),
            1,
        ),
        (
            Kind::Route {
                error: json!({".tag": "other"}),
            },
            1,
        ),
    ] {
        let env = TestEnv::connected()?;
        for n in 0..3_u64 {
            write(&env.path(&format!("from/{n}")), &noise(n, 1000), 1_500_000_000)?;
        }
        env.sandbox.fault(Fault::on(FINISH, kind.clone()));
        let end = env.node_tool(["copy", "from", "dbx:to"])?;
        assert_eq!(end.code, code, "{kind:?}: {}", end.err);
    }
    let env = TestEnv::connected()?;
    write(&env.path("from/a"), b"a", 1_500_000_000)?;
    for (kind, code) in [
        (unavailable(), 5),
        (Kind::Contention, 5),
        (
            Kind::TooMany {
                retry_after: Some(1),
                plain: false,
            },
            5,
        ),
    ] {
        env.sandbox.fault(Fault::on("files/upload", kind.clone()));
        let end = env.node_tool(["copy", "from", "dbx:to", "--low-level-retries", "1"])?;
        assert_eq!(end.code, code, "{kind:?}: {}", end.err);
        env.sandbox.clear_faults();
    }
    Ok(())
}

#[test]
fn what_is_printed_is_compared_with_its_hash() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = noise(1, (9 << 20) + 5);
    env.sandbox.put_file("/d/a", &bytes, None)?;
    env.sandbox.put_file("/d/b", b"the second", None)?;
    let flip = || Fault::on(DOWNLOAD, Kind::Flip);

    let mut cat = env.command("node-tool")?;
    let out = cat.args(["cat", "dbx:d/a"]).output()?;
    assert!(out.status.success() && out.stdout == bytes);

    env.sandbox.fault(flip());
    let mut cat = env.command("node-tool")?;
    let out = cat.args(["cat", "dbx:d/a"]).output()?;
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{err}");
    assert_eq!(out.stdout.len(), bytes.len(), "it was printed");
    assert!(
        err.contains("what was printed of 'dbx:d/a' isn't what Dropbox has") && err.contains("content hash"),
        "{err}"
    );

    // Of several the others are printed all the same.
    env.sandbox.fault(flip());
    let mut cat = env.command("node-tool")?;
    let out = cat.args(["cat", "dbx:d"]).output()?;
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(5), "{err}");
    assert!(err.contains("'dbx:d/a'") && !err.contains("'dbx:d/b'"), "{err}");
    assert!(out.stdout.ends_with(b"the second"));

    // What broke on the way and went on is still compared as a whole.
    env.sandbox.fault(Fault::on(DOWNLOAD, Kind::Truncate));
    let mut cat = env.command("node-tool")?;
    let out = cat.args(["cat", "dbx:d/a"]).output()?;
    assert!(out.status.success() && out.stdout == bytes);
    env.sandbox.fault(Fault::on(DOWNLOAD, Kind::Truncate));
    env.sandbox.fault(flip().nth(2));
    let err = env.node_tool(["cat", "dbx:d/b"])?.fails(1)?;
    assert!(err.contains("isn't what Dropbox has"), "{err}");

    // A part has no hash: nothing is claimed.
    let end = env.node_tool(["cat", "dbx:d/b", "--head", "3", "-v"])?;
    assert_eq!((end.code, end.out.as_str()), (0, "the"), "{}", end.err);
    assert!(end.err.contains("without comparing a hash"), "{}", end.err);
    Ok(())
}
