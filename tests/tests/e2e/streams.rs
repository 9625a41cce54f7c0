//! `rcat` and `copyurl`: files that come as a stream, or that Dropbox fetches itself.

use std::{
    fs,
    io::Write as _,
    process::{Child, Stdio},
};

use anyhow::Context as _;
use sandbox::{Fault, Kind};
use tests::{
    files::noise,
    test_env::{Output, TestEnv, output_of, until},
};

/// Number of bytes of a chunk of a stream.
const CHUNK: usize = 4 << 20;

/// Starts node-tool with a pipe on its standard input.
fn begin(env: &TestEnv, args: &[&str]) -> anyhow::Result<Child> {
    let mut command = env.command("node-tool")?;
    command.args(args).stdin(Stdio::piped());
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

/// Runs node-tool with bytes on its standard input.
fn pipe(env: &TestEnv, args: &[&str], bytes: &[u8]) -> anyhow::Result<Output> {
    let mut child = begin(env, args)?;
    let mut input = child.stdin.take().context("no stdin")?;
    let bytes = bytes.to_vec();
    // One that refuses the input closes its side.
    let writer = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let output = output_of(child);
    let _ = writer.join();
    output
}

#[test]
fn a_small_stream_takes_one_upload() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (name, bytes) in [("empty", &b""[..]), ("small", b"hello"), ("small", b"again")] {
        env.sandbox.reset_calls();
        pipe(&env, &["rcat", &format!("dbx:new/{name}")], bytes)?.ok()?;
        let stored = env.sandbox.read_file(&format!("/new/{name}"));
        assert_eq!(stored.as_deref(), Some(bytes));
        assert_eq!(env.sandbox.count("files/upload"), 1);
        assert_eq!(env.sandbox.count("files/upload_session/start_batch"), 0);
    }
    Ok(())
}

#[test]
fn a_long_stream_goes_in_chunks_of_one_session_and_arrives_whole() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (size, calls) in [(5 * CHUNK + 12_345, 6), (2 * CHUNK, 3)] {
        let bytes = noise(7, size);
        env.sandbox.reset_calls();
        pipe(&env, &["rcat", "dbx:data/long"], &bytes)?.ok()?;
        assert!(env.sandbox.read_file("/data/long") == Some(bytes));
        assert_eq!(env.sandbox.count("files/upload_session/append_v2"), calls);
        assert_eq!(env.sandbox.count("files/upload_session/finish_batch_v2"), 1);
        assert_eq!(env.sandbox.count("files/upload"), 0);
    }
    assert_eq!(env.sandbox.open_sessions(), 0);
    Ok(())
}

#[test]
fn a_tar_goes_straight_to_dropbox() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    tests::files::write(&env.path("dir/deep/file"), b"text", 1_500_000_000)?;
    let mut shell = env.shell("set -o pipefail; tar c dir | node-tool rcat dbx:dir.tar; echo ended $?")?;
    shell.expect("ended 0")?;
    shell.end()?;
    let tar = env.sandbox.read_file("/dir.tar").context("no tar")?;
    assert!(tar.len().is_multiple_of(512) && tar.starts_with(b"dir/"));
    Ok(())
}

/// The most memory that a process had, in KiB.
fn peak_kibibytes(child: &Child) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.context("no VmHWM")?.split_whitespace().next();
    Ok(words.context("no number")?.parse()?)
}

#[test]
fn a_stream_of_any_length_takes_little_memory_and_several_connections() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.fault(
        // While the first chunk waits, others go on.
        Fault::on("files/upload_session/append_v2", Kind::Stall { millis: 300 }).times(4),
    );
    let mut child = begin(&env, &["rcat", "dbx:long"])?;
    let mut input = child.stdin.take().context("no stdin")?;
    let bytes = noise(3, CHUNK);
    for _ in 0..40 {
        input.write_all(&bytes)?;
    }
    input.write_all(b"end")?;
    let appended = || env.sandbox.count("files/upload_session/append_v2");
    until(|| appended() >= 40)?;
    let peak = peak_kibibytes(&child)?;
    drop(input);
    output_of(child)?.ok()?;
    assert!(peak < 64 << 10, "{peak} KiB");
    assert_eq!(
        env.sandbox.read_file("/long").map(|bytes| bytes.len()),
        Some(40 * CHUNK + 3)
    );
    Ok(())
}

#[test]
fn what_is_interrupted_or_has_another_size_leaves_nothing() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = noise(5, 2 * CHUNK + 10);
    let mut child = begin(&env, &["rcat", "dbx:file"])?;
    let mut input = child.stdin.take().context("no stdin")?;
    input.write_all(&bytes)?;
    until(|| env.sandbox.count("files/upload_session/append_v2") >= 1)?;
    std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()?;
    output_of(child)?.fails(130)?;
    drop(input);
    for (target, size, bytes) in [
        ("dbx:file", "11", &b"0123456789"[..]),
        ("dbx:file", "9", b"0123456789"),
        ("dbx:file", "8388619", &bytes),
        ("here/file", "11", b"0123456789"),
    ] {
        let said = pipe(&env, &["rcat", target, "--size", size], bytes)?.fails(1)?;
        assert!(said.contains("the input "), "{said}");
    }
    assert!(env.sandbox.tree().is_empty());
    assert!(!env.path("here/file").exists());
    pipe(&env, &["rcat", "dbx:file", "--size", "10"], b"0123456789")?.ok()?;
    pipe(&env, &["rcat", "here/file", "--size", "-1"], b"0123456789")?.ok()?;
    assert_eq!(fs::read(env.path("here/file"))?, b"0123456789");
    assert_eq!(fs::read_dir(env.path("here"))?.count(), 1);
    Ok(())
}

#[test]
fn only_a_files_name_is_written_to() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_folder("/folder")?;
    env.sandbox.put_document("/notes.paper", "text")?;
    fs::create_dir(env.path("local"))?;
    for (target, said) in [
        ("dbx:", "'dbx:' is a folder"),
        ("dbx:folder", "name the file, such as dbx:folder/NAME"),
        ("dbx:new/", "'dbx:new' is a folder"),
        ("dbx:notes.paper", "is a cloud document"),
        ("local", "'local' is a folder"),
    ] {
        let error = pipe(&env, &["rcat", target], b"x")?.fails(2)?;
        assert!(error.contains(said), "{target}: {error}");
    }
    pipe(&env, &["rcat", "dbx:file", "-n"], b"x")?.ok()?;
    assert_eq!(env.sandbox.tree().len(), 2);
    let mut terminal = env.terminal("node-tool", &["rcat", "dbx:x"])?;
    terminal.expect("the standard input is a terminal")?;
    terminal.expect("tar c FOLDER | node-tool rcat dbx:x")?;
    assert_eq!(terminal.end()?.0, 2);
    Ok(())
}

#[test]
fn what_came_there_meanwhile_stays_and_the_stream_is_kept_beside_it() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (before, overwrites) in [(None, false), (Some("old"), false), (Some("old"), true)] {
        if let Some(before) = before {
            env.sandbox.put_file("/f", before.as_bytes(), None)?;
        }
        env.sandbox.reset_calls();
        let args: &[&str] = match overwrites {
            true => &["rcat", "dbx:f", "--overwrite-newer"],
            false => &["rcat", "dbx:f"],
        };
        let mut child = begin(&env, args)?;
        let mut input = child.stdin.take().context("no stdin")?;
        until(|| env.sandbox.count("files/get_metadata") >= 1)?;
        let bytes = noise(9, CHUNK + 1);
        input.write_all(&bytes)?;
        until(|| env.sandbox.count("files/upload_session/append_v2") >= 1)?;
        env.sandbox.put_file("/f", b"theirs", None)?;
        drop(input);
        let end = output_of(child)?;
        if overwrites {
            end.ok()?;
            assert!(env.sandbox.read_file("/f") == Some(bytes));
        } else {
            let said = end.fails(1)?;
            assert!(said.contains("what was read is in 'dbx:f ("), "{said}");
            assert_eq!(env.sandbox.read_file("/f").as_deref(), Some(&b"theirs"[..]));
            let other = env.sandbox.tree().into_iter().find(|entry| entry.path != "/f");
            let other = other.context("not kept")?.path;
            assert!(env.sandbox.read_file(&other) == Some(bytes));
            env.sandbox.remove(&other)?;
        }
        env.sandbox.remove("/f")?;
    }
    Ok(())
}

#[test]
fn chunks_and_commits_survive_a_bad_network() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = noise(11, 3 * CHUNK + 5);
    let append = "files/upload_session/append_v2";
    let finish = "files/upload_session/finish_batch_v2";
    for (route, kind) in [
        (append, Kind::CutDuring),
        (append, Kind::CutAfter),
        (append, Kind::Flip),
        (
            append,
            Kind::Status {
                status: 503,
                html: false,
            },
        ),
        (finish, Kind::CutAfter),
        (finish, Kind::CutBefore),
        (finish, Kind::Contention),
        ("files/upload_session/start_batch", Kind::CutBefore),
    ] {
        env.sandbox.fault(Fault::on(route, kind.clone()));
        pipe(&env, &["rcat", "dbx:f"], &bytes)?
            .ok()
            .with_context(|| format!("{route} {kind:?}"))?;
        assert!(
            env.sandbox.read_file("/f") == Some(bytes.clone()),
            "{route} {kind:?}"
        );
        env.sandbox.remove("/f")?;
        env.sandbox.clear_faults();
    }
    // A stream can't be had again: what is lost is an error.
    env.sandbox.fault(Fault::on(append, Kind::LoseSessions).nth(2));
    let said = pipe(&env, &["rcat", "dbx:f"], &bytes)?.fails(1)?;
    assert!(said.contains("could not write 'dbx:f'"), "{said}");
    assert!(env.sandbox.tree().is_empty());
    Ok(())
}

#[test]
fn dropbox_fetches_a_file_itself() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let url = "https://example.org/data/atlas%20one.nii?x=1";
    env.sandbox.serve(url, b"an atlas")?;
    env.node_tool(["copyurl", url, "dbx:new/atlas"])?.ok()?;
    assert_eq!(
        env.sandbox.read_file("/new/atlas").as_deref(),
        Some(&b"an atlas"[..])
    );
    assert_eq!(
        env.sandbox.count("files/download") + env.sandbox.count("files/upload"),
        0
    );
    let named = env.node_tool(["copyurl", url, "dbx:new", "-a", "-p"])?.ok()?;
    assert_eq!(named, "atlas one.nii\n");
    assert!(env.sandbox.read_file("/new/atlas one.nii").is_some());
    // It replaces a file, unless that is not wanted.
    env.sandbox.put_file("/new/old", b"old", None)?;
    let said = env
        .node_tool(["copyurl", url, "dbx:new/old", "--no-clobber"])?
        .fails(1)?;
    assert!(said.contains("is there already, and stays"), "{said}");
    assert_eq!(env.sandbox.read_file("/new/old").as_deref(), Some(&b"old"[..]));
    env.node_tool(["copyurl", url, "dbx:new/old", "-n"])?.ok()?;
    env.node_tool(["copyurl", url, "dbx:new/old"])?.ok()?;
    assert_eq!(
        env.sandbox.read_file("/new/old").as_deref(),
        Some(&b"an atlas"[..])
    );
    assert_eq!(env.sandbox.tree().len(), 4, "{:?}", env.sandbox.tree());
    Ok(())
}

#[test]
fn addresses_that_cannot_be_fetched_say_what_to_do() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_folder("/folder")?;
    let url = "https://example.org/a b";
    for (args, code, said) in [
        (
            &["copyurl", url, "dbx:x"][..],
            1,
            "Dropbox could not fetch the address",
        ),
        (
            &["copyurl", "ftp://example.org/x", "dbx:x"],
            2,
            "is no address that Dropbox can fetch",
        ),
        (
            &["copyurl", url, "here"],
            2,
            "next: curl --location --fail --output here 'https://example.org/a b'",
        ),
        (&["copyurl", url, "--stdout"], 2, "curl --location --fail URL"),
        (&["copyurl", url, "-"], 2, "next: curl --location --fail"),
        (
            &["copyurl", url, "dbx:folder"],
            2,
            "next: node-tool copyurl --auto-filename",
        ),
        (
            &["copyurl", url, "dbx:"],
            2,
            "next: node-tool copyurl --auto-filename",
        ),
        (
            &["copyurl", "https://example.org", "dbx:", "-a"],
            2,
            "has no file's name at its end",
        ),
        (
            &["copyurl", url, "dbx:x", "--header-filename"],
            2,
            "what the server calls it",
        ),
    ] {
        let error = env.node_tool(args)?.fails(code)?;
        assert!(error.contains(said), "{args:?}: {error}");
    }
    assert_eq!(env.sandbox.tree().len(), 1);
    Ok(())
}
