//! `hashsum` and its like, `checksum`, `check --checkfile` and `check --download`: digests of what is here and there.

use std::fs;

use tests::{
    files::noise,
    test_env::{TestEnv, run},
};

/// MD5, SHA-1 and SHA-256 of "hello".
const HELLO: [&str; 3] = [
    "5d41402abc4b2a76b9719d911017c592",
    "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
];

fn env_with_files() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    for (path, bytes) in [
        ("a", &b"hello"[..]),
        ("d/b c", b"x y"),
        ("d/big", &noise(3, 9 << 20)),
    ] {
        env.sandbox.put_file(&format!("/t/{path}"), bytes, None)?;
        tests::files::write(&env.path(&format!("t/{path}")), bytes, 1_500_000_000)?;
    }
    Ok(env)
}

/// What the system's own program prints of files in `t`.
fn system(env: &TestEnv, program: &str) -> anyhow::Result<String> {
    let mut command = std::process::Command::new(program);
    env.isolate(&mut command);
    command.args(["a", "d/b c", "d/big"]).current_dir(env.path("t"));
    run(command, "")?.ok()
}

#[test]
fn digests_are_those_of_the_systems_programs() -> anyhow::Result<()> {
    let env = env_with_files()?;
    for verb in ["md5sum", "sha1sum", "sha256sum"] {
        let expected = system(&env, verb)?;
        assert_eq!(env.node_tool([verb, "t"])?.ok()?, expected);
        env.sandbox.reset_calls();
        assert_eq!(env.node_tool([verb, "dbx:t", "--download"])?.ok()?, expected);
        assert_eq!(env.sandbox.count("files/download"), 3, "each file is read once");
    }
    assert_eq!(
        env.node_tool(["hashsum", "SHA-512", "t"])?.ok()?,
        system(&env, "sha512sum")?
    );
    let written = env.node_tool(["md5sum", "t", "--output-file", "sums"])?.ok()?;
    assert_eq!(written, "");
    assert_eq!(fs::read_to_string(env.path("sums"))?, system(&env, "md5sum")?);
    assert_eq!(
        env.node_tool(["md5sum", "t/a", "--base64"])?.ok()?,
        "XUFAKrxLKna5cZ2REBfFkg==  a\n"
    );
    for (args, digest) in [(&["md5sum"][..], HELLO[0]), (&["hashsum", "sha1", "-"], HELLO[1])] {
        let line = env.node_tool_with(args, "hello")?.ok()?;
        assert_eq!(line, format!("{digest}  -\n"));
    }
    Ok(())
}

#[test]
fn dropboxs_own_hash_needs_no_bytes_and_others_do() -> anyhow::Result<()> {
    let env = env_with_files()?;
    env.sandbox.reset_calls();
    let there = env.node_tool(["hashsum", "dropbox", "dbx:t"])?.ok()?;
    let end = env.node_tool(["md5sum", "dbx:t/a"])?;
    assert_eq!(env.sandbox.count("files/download"), 0);
    assert_eq!((end.code, end.out.as_str()), (1, ""));
    assert!(end.err.contains("--download reads the files"), "{}", end.err);
    assert_eq!(env.node_tool(["hashsum", "dropbox", "t"])?.ok()?, there);
    assert_eq!(
        env.node_tool(["hashsum", "dropbox", "dbx:t", "--download"])?
            .ok()?,
        there
    );
    let listed = env.node_tool(["hashsum"])?.ok()?;
    assert!(listed.starts_with("Supported hashes are:\n- md5\n"), "{listed}");
    for (name, said) in [
        ("nope", "there is no digest 'nope' here"),
        ("blake3", "rclone has this one"),
    ] {
        let error = env.node_tool(["hashsum", name, "t"])?.fails(2)?;
        assert!(
            error.contains(said) && error.contains("next: node-tool hashsum"),
            "{error}"
        );
    }
    Ok(())
}

#[test]
fn sum_files_and_receipts_are_compared() -> anyhow::Result<()> {
    let env = env_with_files()?;
    let sums = system(&env, "sha256sum")?;
    fs::write(env.path("SUMS"), format!("{sums}{}  gone\n", HELLO[2]))?;
    fs::write(env.path("t/extra"), "x")?;
    fs::write(env.path("t/d/b c"), "changed")?;
    let expected = "= a\n* d/b c\n= d/big\n- extra\n+ gone\n";
    for args in [
        &["checksum", "sha256", "SUMS", "t", "--combined", "-"][..],
        &["check", "--checkfile", "SHA256", "SUMS", "t", "--combined", "-"],
        &["sha256sum", "-C", "SUMS", "t"],
    ] {
        let end = env.node_tool(args)?;
        assert_eq!(
            (end.code, end.out.as_str()),
            (1, expected),
            "{args:?} {}",
            end.err
        );
        assert!(
            end.err.contains("3 differences found, 2 matching files"),
            "{}",
            end.err
        );
    }
    let end = env.node_tool([
        "checksum",
        "sha256",
        "SUMS",
        "t",
        "--one-way",
        "--exclude",
        "gone",
        "--exclude",
        "d/b c",
        "--match",
        "same",
    ])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert_eq!(fs::read_to_string(env.path("same"))?, "a\nd/big\n");
    // A sum file may itself be in the Dropbox, and the files of a Dropbox are read only if that is wanted.
    env.sandbox.put_file("/SUMS", sums.as_bytes(), None)?;
    let error = env
        .node_tool(["checksum", "sha256", "dbx:SUMS", "dbx:t"])?
        .fails(1)?;
    assert!(
        error.contains("next: node-tool checksum sha256 dbx:SUMS dbx:t --download"),
        "{error}"
    );
    env.node_tool(["checksum", "sha256", "dbx:SUMS", "dbx:t", "--download"])?
        .ok()?;
    Ok(())
}

#[test]
fn a_receipt_is_compared_with_a_dropbox_without_reading_it() -> anyhow::Result<()> {
    let env = env_with_files()?;
    let hashes = env.node_tool(["hashsum", "dropbox", "t"])?.ok()?;
    let mut receipt =
        r#"{"schema":1,"type":"receipt","version":"9","source":"t","target":"dbx:t","time":"2026-11-28T20:00:00Z"}"#.to_owned();
    for (line, size) in hashes.lines().zip([5, 3, 9 << 20]) {
        let (hash, path) = line.split_once("  ").unwrap_or_default();
        let file = serde_json::json!({"type": "file", "path": path, "size": size, "rev": null, "content_hash": hash, "digests": {}});
        receipt = format!("{receipt}\n{file}");
    }
    receipt += "\n{\"type\":\"total\",\"files\":3}\n";
    fs::write(env.path("receipt"), receipt)?;
    env.sandbox.reset_calls();
    env.node_tool(["checksum", "dropbox", "receipt", "dbx:t"])?.ok()?;
    assert_eq!(env.sandbox.count("files/download"), 0);
    env.sandbox.put_file("/t/a", b"hallo", None)?;
    let end = env.node_tool([
        "check",
        "--checkfile",
        "dropbox",
        "receipt",
        "dbx:t",
        "--differ",
        "-",
    ])?;
    assert_eq!((end.code, end.out.as_str()), (1, "a\n"), "{}", end.err);
    let error = env.node_tool(["checksum", "md5", "receipt", "t"])?.fails(1)?;
    assert!(
        error.contains("has no md5 digests") && error.contains("it has: dropbox"),
        "{error}"
    );
    fs::write(env.path("prose"), "hello\n")?;
    let error = env.node_tool(["checksum", "md5", "prose", "t"])?.fails(1)?;
    assert!(error.contains("'prose' has no digests"), "{error}");
    Ok(())
}

#[test]
fn a_check_by_download_reads_both_sides() -> anyhow::Result<()> {
    let env = env_with_files()?;
    env.sandbox.reset_calls();
    let same = env
        .node_tool(["check", "t", "dbx:t", "--download", "--combined", "-"])?
        .ok()?;
    assert_eq!(same, "= a\n= d/b c\n= d/big\n");
    assert_eq!(env.sandbox.count("files/download"), 3);
    fs::write(env.path("t/a"), "hallo")?;
    let end = env.node_tool(["check", "t", "dbx:t", "--download", "--combined", "-"])?;
    assert_eq!((end.code, end.out.as_str()), (1, "* a\n= d/b c\n= d/big\n"));
    Ok(())
}

#[test]
fn several_files_are_printed_with_a_separator_or_not_at_all() -> anyhow::Result<()> {
    let env = env_with_files()?;
    let args = ["cat", "dbx:t", "--exclude", "big"];
    let both = |more: &[&str]| env.node_tool(args.iter().chain(more))?.ok();
    assert_eq!(both(&["--separator", "\n--\n"])?, "hello\n--\nx y\n--\n");
    assert_eq!(both(&["--count", "2", "--separator", "|"])?, "he|x |");
    assert_eq!(both(&["--count", "-1"])?, "hellox y");
    env.sandbox.reset_calls();
    assert_eq!(both(&["--discard", "--separator", "|"])?, "");
    assert_eq!(env.sandbox.count("files/download"), 2);
    Ok(())
}
