//! `--report`: what is in the target after a transfer, for a check years later.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

use node_tool::report::receipt::{Action, File, Head, Line, Total};
use rustix::process::{Pid, Signal, kill_process};
use sandbox::{Fault, Kind};
use sha2::{Digest as _, Sha256};
use tests::{
    files::{noise, write},
    test_env::{TestEnv, output_of, until},
};

const THEN: u64 = 1_500_000_000;

/// Reads a receipt: its head, its files by their paths, and its total.
fn read(env: &TestEnv, name: &str) -> anyhow::Result<(Head, BTreeMap<String, File>, Total)> {
    let text = fs::read_to_string(env.path(name))?;
    let lines: Vec<Line> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let [Line::Receipt(head), files @ .., Line::Total(total)] = lines.as_slice() else {
        anyhow::bail!("{text}");
    };
    let files = files.iter().map(|line| match line {
        Line::File(file) => Ok((file.path.clone(), file.clone())),
        other => anyhow::bail!("{other:?}"),
    });
    Ok((head.clone(), files.collect::<anyhow::Result<_>>()?, total.clone()))
}

fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Files that travel in all ways: none, several in a call, in chunks, and over several ranges.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = (0..30_u64)
        .map(|n| (format!("many/{n}"), noise(n, 2000)))
        .collect();
    files.insert("empty".into(), Vec::new());
    files.insert("middle".into(), noise(100, 5 << 20));
    files.insert("big".into(), noise(101, (70 << 20) + 77));
    files
}

#[test]
fn digests_are_computed_as_the_bytes_pass() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (path, bytes) in files() {
        write(&env.path("from").join(path), &bytes, THEN)?;
    }
    let digest = ["--report", "up", "--digest", "sha256,md5"];
    let plain = env.node_tool(["copy", "from", "dbx:plain"])?;
    assert_eq!(plain.code, 0, "{}", plain.err);
    let calls = env.sandbox.counts();
    env.sandbox.reset_calls();
    env.node_tool(["copy", "from", "dbx:to"].iter().chain(&digest))?
        .ok()?;
    let with_digests = env.sandbox.counts();
    let commits = |counts: &BTreeMap<String, usize>| counts.get("files/upload_session/append_v2").copied();
    assert_eq!(commits(&with_digests), commits(&calls), "no call more");
    env.node_tool([
        "copy",
        "dbx:to",
        "down",
        "--report",
        "down-receipt",
        "--digest",
        "SHA-256,md5",
    ])?
    .ok()?;
    env.node_tool([
        "copy",
        "dbx:to",
        "single",
        "--no-zip",
        "--report",
        "single-receipt",
        "--digest",
        "sha256,md5",
    ])?
    .ok()?;
    for (name, source, target) in [
        ("up", "from", "dbx:to"),
        ("down-receipt", "dbx:to", "down"),
        ("single-receipt", "dbx:to", "single"),
    ] {
        let (head, found, total) = read(&env, name)?;
        assert_eq!(
            (head.command.as_str(), head.source.as_str(), head.target.as_str()),
            ("copy", source, target)
        );
        assert_eq!((total.files, total.failed, total.complete), (33, 0, true));
        for (path, bytes) in files() {
            let file = &found[&path];
            assert_eq!(
                (file.size, file.action),
                (bytes.len() as u64, Action::Copied),
                "{name} {path}"
            );
            assert_eq!(file.digests["sha256"], sha256(&bytes), "{name} {path}");
            assert_eq!(file.digests["md5"].len(), 32);
            assert!(file.rev.is_some() && file.content_hash.is_some(), "{name} {path}");
        }
    }
    let mode = fs::metadata(env.path("up"))?.permissions().mode() & 0o777;
    let reference = fs::metadata(env.path("from/empty"))?.permissions().mode() & 0o777;
    assert_eq!(mode, reference, "as any new file has it");
    Ok(())
}

#[test]
fn what_is_there_already_and_what_failed_are_counted() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/same"), b"same", THEN)?;
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    write(&env.path("from/new"), b"new", THEN)?;
    write(&env.path("from/touched"), b"touched", THEN)?;
    env.sandbox.put_file("/to/touched", b"touched", None)?;
    write(&env.path("from/bad\\name"), b"2", THEN)?;
    env.node_tool(["copy", "from", "dbx:to", "--report", "receipt"])?
        .fails(6)?;
    let (_, found, total) = read(&env, "receipt")?;
    let actions: Vec<_> = found
        .values()
        .map(|file| (file.path.as_str(), file.action))
        .collect();
    assert_eq!(
        actions,
        [
            ("new", Action::Copied),
            ("same", Action::Unchanged),
            ("touched", Action::Unchanged),
        ]
    );
    assert!(
        found
            .values()
            .all(|file| file.rev.is_some() && file.content_hash.is_some()),
        "{found:?}"
    );
    assert_eq!(
        total,
        Total {
            files: 3,
            bytes: 14,
            failed: 1,
            complete: true
        }
    );
    // A move within the Dropbox in one call lists them, too.
    env.node_tool(["move", "dbx:to", "dbx:moved", "--report", "moved"])?
        .ok()?;
    let (_, found, total) = read(&env, "moved")?;
    assert_eq!((found.len(), total.complete), (3, true));
    assert!(found.values().all(|file| file.content_hash.is_some()));
    Ok(())
}

#[test]
fn a_receipt_that_can_not_be_written_is_named_before_anything_moves() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/a"), b"a", THEN)?;
    fs::create_dir(env.path("folder"))?;
    for more in [
        &["--report", "none/receipt"][..],
        &["--report", "folder"],
        &["--report", "r", "--digest", "blake3"],
        &["--digest", "md5"],
        &["--report", "r", "--dry-run"],
    ] {
        let end = env.node_tool(["copy", "from", "dbx:to"].iter().chain(more))?;
        assert_eq!(end.code, 2, "{more:?}: {}", end.err);
        assert!(
            end.err.contains(more[0]) || end.err.contains("blake3"),
            "{more:?}: {}",
            end.err
        );
    }
    assert!(env.sandbox.read_file("/to/a").is_none());
    // A transfer that doesn't start leaves an older one alone.
    fs::write(env.path("old"), "old")?;
    env.node_tool(["copy", "nothing", "dbx:to", "--report", "old"])?
        .fails(3)?;
    assert_eq!(fs::read_to_string(env.path("old"))?, "old");
    let names =
        fs::read_dir(env.path("."))?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<anyhow::Result<_>>()?;
    assert!(!names.iter().any(|name| name.ends_with(".partial")), "{names:?}");
    Ok(())
}

#[test]
fn a_transfer_that_is_stopped_has_a_receipt_of_what_it_did() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/from/1", b"1", None)?;
    env.sandbox.put_file("/from/2", &noise(2, 600_000), None)?;
    let drip = Kind::Drip { millis: 1000 };
    env.sandbox.fault(Fault::on("files/download", drip).nth(2));
    let args = [
        "copy",
        "dbx:from",
        "to",
        "--no-zip",
        "--transfers",
        "1",
        "--report",
        "receipt",
    ];
    let child = env.start(&args)?;
    until(|| env.sandbox.count("files/download") == 2)?;
    let pid = Pid::from_raw(i32::try_from(child.id())?).expect("a process has a number");
    kill_process(pid, Signal::INT)?;
    kill_process(pid, Signal::TERM)?;
    let end = output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    let (_, found, total) = read(&env, "receipt")?;
    assert_eq!((found.len(), total.complete), (1, false), "{}", end.err);
    Ok(())
}
