//! `--backup-dir` and `--suffix`: a backup never costs a file, nor a backup of before.

use std::fs;

use tests::files::{snapshot, write};
use tests::test_env::TestEnv;

const THEN: u64 = 1_600_000_000;

fn texts(env: &TestEnv, folder: &str) -> Vec<(String, String)> {
    let below = format!("{folder}/");
    let tree = env.sandbox.tree();
    let mut texts: Vec<(String, String)> = tree
        .iter()
        .filter_map(|stored| {
            let text = env.sandbox.read_file(&stored.path)?;
            let path = stored.path.strip_prefix(&below)?;
            Some((path.to_owned(), String::from_utf8_lossy(&text).into_owned()))
        })
        .collect();
    texts.sort();
    texts
}

fn pairs(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    texts
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

/// Writes a source and seeds a target.
fn with(source: &[(&str, &str)], target: &[(&str, &str)]) -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    fs::create_dir(env.path("s"))?;
    for (path, text) in source {
        write(&env.path(&format!("s/{path}")), text.as_bytes(), THEN)?;
    }
    for (path, text) in target {
        env.sandbox.put_file(
            &format!("/t/{path}"),
            text.as_bytes(),
            Some("2019-01-01T00:00:00Z"),
        )?;
    }
    Ok(env)
}

#[test]
fn an_empty_suffix_is_none() -> anyhow::Result<()> {
    let env = with(&[("f", "new")], &[("f", "older")])?;
    env.node_tool(["copy", "s", "dbx:t", "--suffix", ""])?.ok()?;
    assert_eq!(texts(&env, "/t"), pairs(&[("f", "new")]));
    Ok(())
}

#[test]
fn a_folder_in_the_place_of_a_backup_stays_and_so_does_the_file() -> anyhow::Result<()> {
    let kept = [("data", "older"), ("data.bak/1", "one"), ("data.bak/2", "two")];
    let env = with(&[("data", "new")], &kept)?;
    let err = env.node_tool(["copy", "s", "dbx:t", "--suffix", ".bak"])?;
    assert_ne!(err.code, 0, "{}", err.err);
    assert!(err.err.contains("'data': could not be kept"), "{}", err.err);
    assert_eq!(texts(&env, "/t"), pairs(&kept));
    env.sandbox.put_file("/bak/data/of before", b"x", None)?;
    for verb in ["copy", "sync"] {
        let ended = env.node_tool([verb, "s", "dbx:t", "--backup-dir", "dbx:bak"])?;
        assert_ne!(ended.code, 0, "{}", ended.err);
        assert_eq!(texts(&env, "/t"), pairs(&kept), "{verb}");
    }
    assert_eq!(texts(&env, "/bak"), pairs(&[("data/of before", "x")]));
    // And here.
    fs::create_dir_all(env.path("down/data.bak"))?;
    write(&env.path("down/data"), b"mine", THEN)?;
    let ended = env.node_tool(["copy", "dbx:t/data", "down", "--suffix", ".bak"])?;
    assert_ne!(ended.code, 0, "{}", ended.err);
    assert_eq!(fs::read(env.path("down/data"))?, b"mine");
    Ok(())
}

#[test]
fn backups_beside_the_files_are_neither_overwritten_nor_deleted() -> anyhow::Result<()> {
    let env = with(&[("f", "2nd"), ("k", "k")], &[("f", "first"), ("k", "k")])?;
    let sync = || env.node_tool(["sync", "s", "dbx:t", "--suffix", ".bak"]);
    sync()?.ok()?;
    assert_eq!(
        texts(&env, "/t"),
        pairs(&[("f", "2nd"), ("f.bak", "first"), ("k", "k")])
    );
    fs::remove_file(env.path("s/f"))?;
    sync()?.ok()?;
    let kept = pairs(&[("f.bak", "2nd"), ("f.bak.bak", "first"), ("k", "k")]);
    assert_eq!(texts(&env, "/t"), kept);
    sync()?.ok()?;
    assert_eq!(texts(&env, "/t"), kept, "another run changes nothing");
    // And here.
    for text in ["first", "second", "third one"] {
        env.sandbox.put_file("/r/f", text.as_bytes(), None)?;
        env.node_tool([
            "copy",
            "dbx:r",
            "down",
            "--suffix",
            "-old",
            "--suffix-keep-extension",
        ])?
        .ok()?;
    }
    let names: Vec<String> = snapshot(&env.path("down"))?.into_keys().collect();
    assert_eq!(names, ["f", "f-old", "f-old-old"]);
    assert_eq!(fs::read(env.path("down/f-old-old"))?, b"first");
    Ok(())
}

#[test]
fn a_backup_folder_that_overlaps_the_job_is_refused_before_anything_is_listed() -> anyhow::Result<()> {
    let env = with(&[("sub", "new")], &[("sub/sub", "older"), ("p", "unrelated")])?;
    let before = texts(&env, "/t");
    env.sandbox.reset_calls();
    for (source, target, backup) in [
        ("s", "dbx:t/sub", "dbx:t"),
        ("s", "dbx:t/sub", "dbx:"),
        ("s", "dbx:t/sub", "dbx:T/SUB"),
        ("dbx:t", "dbx:u", "dbx:t"),
        ("dbx:t", "dbx:u", "dbx:t/old"),
        ("dbx:t/sub", "dbx:u", "dbx:t"),
        ("dbx:t", "here", "."),
        ("dbx:t", "here", "here"),
    ] {
        for dry in [true, false] {
            let mut words = vec!["copy", source, target, "--backup-dir", backup];
            if dry {
                words.push("--dry-run");
            }
            let err = env.node_tool(words)?.fails(2)?;
            assert!(
                err.contains("overlaps") || err.contains("the target itself"),
                "{backup}: {err}"
            );
        }
    }
    assert_eq!(env.sandbox.count("files/list_folder"), 0);
    assert_eq!(texts(&env, "/t"), before);
    Ok(())
}

#[test]
fn a_backup_folder_in_the_target_is_left_alone_however_it_is_spelled() -> anyhow::Result<()> {
    let env = with(
        &[("f", "3rd")],
        &[
            ("f", "2nd"),
            ("Old/f", "first"),
            ("Old/g", "gone"),
            ("q", "q"),
            ("Older/x", "x"),
        ],
    )?;
    env.node_tool(["sync", "s", "dbx:t", "--backup-dir", "dbx:/T/old/"])?
        .ok()?;
    assert_eq!(
        texts(&env, "/t"),
        pairs(&[
            ("Old/Older/x", "x"),
            ("Old/f", "2nd"),
            ("Old/g", "gone"),
            ("Old/q", "q"),
            ("f", "3rd")
        ])
    );
    env.node_tool([
        "sync",
        "s",
        "dbx:t",
        "--backup-dir",
        "dbx:t/OLD",
        "--error-on-no-transfer",
    ])?
    .fails(9)?;
    write(&env.path("s/old/f"), b"mine", THEN)?;
    let err = env
        .node_tool(["sync", "s", "dbx:t", "--backup-dir", "dbx:t/Old"])?
        .fails(2)?;
    assert!(err.contains("'old/f' would be copied into --backup-dir"), "{err}");
    // And here, by an absolute path.
    write(&env.path("down/f"), b"mine", THEN)?;
    let absolute = env.path("down/old");
    let absolute = absolute.to_string_lossy();
    for _ in 0..2 {
        env.node_tool([
            "sync",
            "dbx:t",
            "down",
            "--exclude",
            "/old/**",
            "--ignore-case",
            "--backup-dir",
            &*absolute,
        ])?
        .ok()?;
    }
    let names: Vec<String> = snapshot(&env.path("down"))?.into_keys().collect();
    assert_eq!(names, ["f", "old/f"]);
    Ok(())
}

#[test]
fn a_backup_folder_in_the_target_is_known_by_whatever_name_it_has() -> anyhow::Result<()> {
    // Mapped, as the listing shows it.
    let env = with(&[("k", "k")], &[])?;
    for n in 1..4 {
        write(&env.path("s/x"), format!("version {n}").as_bytes(), THEN + 9 * n)?;
        let args = ["--encode-names", "--backup-dir", "dbx:t/a:b"];
        env.node_tool([&["sync", "s", "dbx:t"], &args[..]].concat())?
            .ok()?;
    }
    let told: Vec<String> = env
        .node_tool(["lsf", "-R", "--files-only", "--encode-names", "dbx:t"])?
        .ok()?
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(told, ["a:b/x", "k", "x"]);
    // Behind a symlink that the job goes through.
    fs::create_dir_all(env.path("elsewhere"))?;
    fs::create_dir_all(env.path("here"))?;
    std::os::unix::fs::symlink("../elsewhere", env.path("here/link"))?;
    for text in ["1", "22", "333"] {
        env.sandbox.put_file("/r/link/f", text.as_bytes(), None)?;
        let args = ["-K", "--backup-dir", "here/link/old"];
        env.node_tool([&["sync", "dbx:r", "here"], &args[..]].concat())?
            .ok()?;
    }
    let names: Vec<String> = snapshot(&env.path("elsewhere"))?.into_keys().collect();
    assert_eq!(names, ["f", "old/link/f"]);
    assert_eq!(fs::read(env.path("elsewhere/old/link/f"))?, b"22");
    Ok(())
}

#[test]
fn a_backup_is_never_in_the_place_of_a_file_of_the_source() -> anyhow::Result<()> {
    let env = with(
        &[("x", "new"), ("x.bak", "mine"), ("y.bak", "mine"), ("k", "k")],
        &[("x", "older"), ("x.bak", "other"), ("y", "gone"), ("z", "gone")],
    )?;
    for _ in 0..2 {
        let err = env
            .node_tool(["sync", "s", "dbx:t", "--suffix", ".bak"])?
            .fails(6)?;
        for said in [
            "'x': its backup would be where 'x.bak'",
            "'y': its backup would be where 'y.bak'",
        ] {
            assert!(err.contains(said), "{err}");
        }
    }
    assert_eq!(
        texts(&env, "/t"),
        pairs(&[
            ("k", "k"),
            ("x", "older"),
            ("x.bak", "mine"),
            ("x.bak.bak", "other"),
            ("y", "gone"),
            ("y.bak", "mine"),
            ("z", "gone"),
        ])
    );
    Ok(())
}
