//! What pairs, what is left alone, what is in the way: the same on a dry run and on the run, and the same for copy, sync, move
//! and check.

use std::fs;
use std::os::unix::fs::symlink;

use tests::files::{snapshot, write};
use tests::test_env::TestEnv;

const THEN: u64 = 1_600_000_000;

/// The files of the account below a folder.
fn there(env: &TestEnv, folder: &str) -> Vec<String> {
    let below = format!("{folder}/");
    let tree = env.sandbox.tree();
    let mut paths: Vec<String> = tree
        .iter()
        .filter(|stored| env.sandbox.read_file(&stored.path).is_some())
        .filter_map(|stored| stored.path.strip_prefix(&below).map(str::to_owned))
        .collect();
    paths.sort();
    paths
}

fn here(env: &TestEnv, folder: &str) -> anyhow::Result<Vec<String>> {
    Ok(snapshot(&env.path(folder))?.into_keys().collect())
}

#[test]
fn what_a_filter_leaves_out_of_the_source_stays_in_the_target() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for name in ["d/a", "d/e/b", "grown", "k", "old/x"] {
        write(&env.path(&format!("s/{name}")), b"text", THEN)?;
    }
    env.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    let all = there(&env, "/t");
    fs::write(env.path("s/d/.nosync"), "")?;
    write(&env.path("s/grown"), &[7; 20_000], THEN)?;
    fs::remove_dir_all(env.path("s/old"))?;
    for (flag, value) in [("--exclude-if-present", ".nosync"), ("--max-size", "10k")] {
        let dry = env.node_tool(["sync", "s", "dbx:t", flag, value, "--dry-run"])?;
        assert!(
            !dry.err.contains("Skipped delete") || dry.err.contains("old/x"),
            "{}",
            dry.err
        );
        env.node_tool(["sync", "s", "dbx:t", flag, value, "--exclude", "grown"])?
            .ok()?;
        assert!(
            all.iter()
                .filter(|path| *path != "old/x")
                .all(|path| there(&env, "/t").contains(path)),
            "{flag}"
        );
    }
    // Down: the mark is in the Dropbox, the folder here is all there is.
    env.sandbox.put_file("/r/d/.nosync", b"", None)?;
    env.sandbox.put_file("/r/k", b"text", None)?;
    write(&env.path("down/d/only here"), b"text", THEN)?;
    write(&env.path("down/extra"), b"text", THEN)?;
    env.node_tool(["sync", "dbx:r", "down", "--exclude-if-present", ".nosync"])?
        .ok()?;
    assert_eq!(here(&env, "down")?, ["d/only here", "k"]);
    Ok(())
}

#[test]
fn delete_excluded_takes_what_is_excluded_and_nothing_deeper_than_the_job() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for name in ["a/b/x", "cache/y/z", "k"] {
        write(&env.path(&format!("s/{name}")), b"text", THEN)?;
    }
    env.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    env.node_tool(["copy", "dbx:t", "dbx:u"])?.ok()?;
    for (source, target) in [("s", "dbx:t"), ("dbx:t", "dbx:u"), ("dbx:t", "s")] {
        env.node_tool(["sync", source, target, "--max-depth", "2", "--delete-excluded"])?
            .ok()?;
    }
    let all = ["a/b/x", "cache/y/z", "k"];
    assert_eq!(
        (there(&env, "/t"), there(&env, "/u"), here(&env, "s")?),
        (
            all.map(Into::into).to_vec(),
            all.map(Into::into).to_vec(),
            all.map(Into::into).to_vec()
        )
    );
    for (source, target) in [("dbx:t", "s"), ("s", "dbx:u")] {
        env.node_tool([
            "sync",
            source,
            target,
            "--exclude",
            "cache/**",
            "--delete-excluded",
        ])?
        .ok()?;
    }
    assert_eq!(here(&env, "s")?, ["a/b/x", "k"]);
    assert!(!env.path("s/cache").exists());
    assert_eq!(there(&env, "/u"), ["a/b/x", "k"]);
    Ok(())
}

#[test]
fn a_tree_meets_itself_whatever_the_form_and_case_of_its_names() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    // As a Mac names them.
    for name in ["Fu\u{308}r/e\u{301}.txt", "nuget/a", "nuget/B"] {
        write(&env.path(&format!("s/{name}")), b"text", THEN)?;
    }
    env.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    env.sandbox
        .put_file("/t/NuGet/c", b"new", Some("2020-01-01T00:00:00Z"))?;
    env.node_tool(["moveto", "dbx:t/nuget", "dbx:t/NuGet"])?.ok()?;
    let before = here(&env, "s")?;
    env.node_tool(["copy", "dbx:t", "s"])?.ok()?;
    let mut after = before.clone();
    after.push("nuget/c".into());
    after.sort();
    assert_eq!(here(&env, "s")?, after);
    for (source, target) in [("s", "dbx:t"), ("dbx:t", "s")] {
        env.node_tool(["sync", source, target, "--error-on-no-transfer"])?
            .fails(9)?;
        env.node_tool(["check", source, target])?.ok()?;
    }
    assert_eq!(here(&env, "s")?, after);
    // A pattern, or a list, in the other form finds them.
    let list = env.path("list");
    fs::write(&list, "f\u{fc}r/\u{e9}.txt\n")?;
    for words in [
        vec!["lsf", "-R", "--files-only", "s", "--include", "F\u{fc}r/*"],
        vec!["lsf", "-R", "--files-only", "dbx:t", "--files-from", "list"],
    ] {
        let listed = env.node_tool(words)?.ok()?;
        assert_eq!(listed.lines().count(), 1, "{listed}");
    }
    Ok(())
}

#[test]
fn a_name_that_is_a_file_on_one_side_and_a_folder_on_the_other() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("s/x"), b"file", THEN)?;
    write(&env.path("s/d/a"), b"file", THEN)?;
    fs::create_dir(env.path("s/empty"))?;
    let seed = || -> anyhow::Result<()> {
        for (path, text) in [
            ("/t/x/below/1", "1"),
            ("/t/d", "d"),
            ("/t/empty", "e"),
            ("/t/gone", "g"),
        ] {
            env.sandbox
                .put_file(path, text.as_bytes(), Some("2020-01-01T00:00:00Z"))?;
        }
        Ok(())
    };
    seed()?;
    let err = env.node_tool(["copy", "s", "dbx:t"])?.fails(6)?;
    for said in [
        "a folder of this name is in the target: 'x'",
        "a file is at 'd' in the target: 'd/a'",
        "next: node-tool moveto dbx:t/d dbx:t/d.old",
    ] {
        assert!(err.contains(said), "{err}");
    }
    assert_eq!(there(&env, "/t"), ["d", "empty", "gone", "x/below/1"]);
    let dry = env
        .node_tool(["sync", "s", "dbx:t", "--dry-run", "--json"])?
        .ok()?;
    let deleted = dry.lines().filter(|line| line.contains("\"delete\"")).count();
    assert_eq!(deleted, 4, "{dry}");
    env.node_tool(["sync", "s", "dbx:t", "--backup-dir", "dbx:kept"])?
        .ok()?;
    assert_eq!(there(&env, "/t"), ["d/a", "x"]);
    assert_eq!(there(&env, "/kept"), ["d", "empty", "gone", "x/below/1"]);
    env.node_tool(["sync", "s", "dbx:t", "--error-on-no-transfer"])?
        .fails(9)?;
    // And downwards.
    write(&env.path("down/x/below/1"), b"1", THEN)?;
    write(&env.path("down/d"), b"d", THEN)?;
    env.node_tool(["sync", "dbx:t", "down"])?.ok()?;
    assert_eq!(here(&env, "down")?, ["d/a", "x"]);
    Ok(())
}

#[test]
fn what_is_no_file_in_the_target_is_named_before_anything_moves() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for path in ["/r/data/big", "/r/file", "/r/pipe", "/r/ok", "/r/gone"] {
        env.sandbox
            .put_file(path, b"text", Some("2020-01-01T00:00:00Z"))?;
    }
    fs::create_dir_all(env.path("outside"))?;
    fs::create_dir_all(env.path("t"))?;
    symlink(env.path("outside"), env.path("t/data"))?;
    symlink("nowhere", env.path("t/gone"))?;
    symlink("../outside/precious", env.path("t/file"))?;
    write(&env.path("outside/precious"), b"text", THEN)?;
    rustix_fifo(&env.path("t/pipe"))?;
    env.sandbox.reset_calls();
    let dry = env.node_tool(["copy", "dbx:r", "t", "--dry-run"])?.fails(6)?;
    let err = env.node_tool(["copy", "dbx:r", "t"])?.fails(6)?;
    for said in [
        "'data/big': a symlink to a folder is at 'data' in the target",
        "'file': a symlink to a file of this name is in the target",
        "'gone': a symlink that leads nowhere of this name is in the target",
        "'pipe': a named pipe of this name is in the target",
    ] {
        assert!(dry.contains(said) && err.contains(said), "{said}: {dry}{err}");
    }
    let downloads = env
        .sandbox
        .counts()
        .iter()
        .filter(|(route, _)| route.contains("download"))
        .map(|(_, n)| n)
        .sum::<usize>();
    assert_eq!(downloads, 1, "only what can be placed is fetched");
    assert_eq!(fs::read(env.path("t/ok"))?, b"text");
    let err = env.node_tool(["copyto", "dbx:r/file", "t/file"])?.fails(6)?;
    assert!(err.contains("a symlink to a file"), "{err}");
    assert_eq!(fs::read_dir(env.path("outside"))?.count(), 1);
    Ok(())
}

fn rustix_fifo(path: &std::path::Path) -> anyhow::Result<()> {
    let made = std::process::Command::new("mkfifo").arg(path).status()?;
    anyhow::ensure!(made.success());
    Ok(())
}

#[test]
fn a_dry_run_shows_what_the_run_does() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for name in ["a", "d/b", "e/c"] {
        write(&env.path(&format!("s/{name}")), b"text", THEN)?;
    }
    fs::create_dir(env.path("s/f"))?;
    env.node_tool(["copy", "s/a", "dbx:t"])?.ok()?;
    // A move: what seems to be there already goes from the source once its hash shows that it is, and so do its folders.
    let dry = env.node_tool([
        "move",
        "s",
        "dbx:t",
        "--delete-empty-src-dirs",
        "--dry-run",
        "--json",
    ])?;
    let dry = dry.ok()?;
    for step in [
        r#""action":"copy","path":"a","to":"a","size":4,"why":"hash-decides""#,
        r#""action":"rmdir-source","path":"f"}"#,
        r#""action":"rmdir-source","path":"d"}"#,
        r#""action":"copy","path":"d/b""#,
    ] {
        assert!(dry.contains(step), "{step}: {dry}");
    }
    env.node_tool(["move", "s", "dbx:t", "--delete-empty-src-dirs"])?
        .ok()?;
    assert_eq!(fs::read_dir(env.path("s"))?.count(), 0);
    assert_eq!(there(&env, "/t"), ["a", "d/b", "e/c"]);
    // A sync with an obstacle deletes nothing, and doesn't say that it would.
    write(&env.path("s/bad\\name"), b"text", THEN)?;
    write(&env.path("s/a"), b"text", THEN)?;
    let dry = env.node_tool(["sync", "s", "dbx:t", "--dry-run"])?.fails(6)?;
    assert!(
        !dry.contains("Skipped delete") && dry.contains("nothing will be deleted"),
        "{dry}"
    );
    Ok(())
}

#[test]
fn a_source_goes_only_when_its_content_is_proven_to_be_there() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("s/same"), b"text", THEN)?;
    write(&env.path("s/lies"), b"mine", THEN)?;
    for (name, text) in [("same", "text"), ("lies", "them")] {
        env.sandbox.put_file(
            &format!("/t/{name}"),
            text.as_bytes(),
            Some("2020-09-13T12:26:40Z"),
        )?;
    }
    let err = env.node_tool(["move", "s", "dbx:t", "--size-only"])?.fails(6)?;
    assert!(
        err.contains("'lies': the one in the target has another content"),
        "{err}"
    );
    assert_eq!(here(&env, "s")?, ["lies"]);
    env.node_tool(["move", "s", "dbx:t"])?.ok()?;
    assert_eq!(env.sandbox.read_file("/t/lies").as_deref(), Some(&b"mine"[..]));
    // On the server, where both hashes are known.
    env.sandbox
        .put_file("/u/lies", b"else", Some("2020-09-13T12:26:40Z"))?;
    env.sandbox
        .put_file("/u/same", b"text", Some("2020-09-13T12:26:40Z"))?;
    env.sandbox.reset_calls();
    env.node_tool(["move", "dbx:u", "dbx:t"])?.ok()?;
    assert_eq!(env.sandbox.read_file("/t/lies").as_deref(), Some(&b"else"[..]));
    assert!(there(&env, "/u").is_empty());
    Ok(())
}

#[test]
fn a_server_side_move_removes_nothing_that_the_server_has_moved() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for name in ["a", "b"] {
        env.sandbox
            .put_file(&format!("/s/{name}"), name.as_bytes(), None)?;
    }
    env.sandbox.put_file("/t/other", b"x", None)?;
    env.sandbox.reset_calls();
    env.node_tool(["move", "dbx:s", "dbx:t"])?.ok()?;
    assert_eq!(env.sandbox.count("files/delete_batch"), 0);
    assert_eq!(there(&env, "/t"), ["a", "b", "other"]);
    Ok(())
}

#[test]
fn letters_alone_can_be_renamed_and_an_overlap_that_is_left_out_is_none() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/a.bin", b"text", None)?;
    env.sandbox.put_file("/dir/x", b"text", None)?;
    let names = || -> Vec<String> { env.sandbox.tree().into_iter().map(|stored| stored.path).collect() };
    let dry = env.node_tool(["moveto", "dbx:a.bin", "dbx:A.bin", "--dry-run"])?;
    assert!(dry.err.contains("Skipped rename"), "{}", dry.err);
    assert!(names().contains(&"/a.bin".to_owned()));
    env.node_tool(["moveto", "dbx:a.bin", "dbx:A.bin"])?.ok()?;
    env.node_tool(["move", "dbx:dir", "dbx:Dir"])?.ok()?;
    assert_eq!(names(), ["/A.bin", "/Dir", "/Dir/x"]);
    env.sandbox.put_file("/p/new", b"text", None)?;
    env.sandbox.put_file("/p/arch/old", b"text", None)?;
    let err = env.node_tool(["move", "dbx:p", "dbx:p/arch"])?.fails(7)?;
    assert!(
        err.contains("hint: leave the inner one out with --exclude '/arch/**'"),
        "{err}"
    );
    env.node_tool(["move", "dbx:p", "dbx:p/arch", "--exclude", "/arch/**"])?
        .ok()?;
    assert_eq!(there(&env, "/p"), ["arch/new", "arch/old"]);
    write(&env.path("f"), b"text", THEN)?;
    env.node_tool(["copyto", "f", "dbx:out2/"])?.ok()?;
    assert_eq!(there(&env, "/out2"), ["f"]);
    Ok(())
}

#[test]
fn renames_leave_nothing_for_a_second_run() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox
        .put_file("/r/new", b"some text", Some("2021-01-01T00:00:00Z"))?;
    write(&env.path("t/old"), b"some text", THEN)?;
    env.node_tool(["sync", "dbx:r", "t", "--track-renames"])?.ok()?;
    let kept = snapshot(&env.path("t"))?;
    assert_eq!(kept["new"].modified, 1_609_459_200);
    // Only times were different: nothing was transferred.
    write(&env.path("t/new"), b"some text", THEN)?;
    env.node_tool(["copy", "dbx:r", "t", "--error-on-no-transfer"])?
        .fails(9)?;
    assert_eq!(snapshot(&env.path("t"))?["new"].modified, 1_609_459_200);
    Ok(())
}

#[test]
fn what_the_source_has_as_a_symlink_is_left_alone() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("o/d/x"), b"text", THEN)?;
    write(&env.path("s/k"), b"text", THEN)?;
    symlink("../o/d", env.path("s/d"))?;
    write(&env.path("s/gone"), b"text", THEN)?;
    env.node_tool(["copy", "s", "dbx:t", "-L"])?.ok()?;
    fs::remove_file(env.path("s/gone"))?;
    env.node_tool(["sync", "s", "dbx:t"])?.ok()?;
    assert_eq!(there(&env, "/t"), ["d/x", "k"]);
    env.node_tool(["sync", "s", "dbx:t", "--delete-excluded"])?.ok()?;
    assert_eq!(there(&env, "/t"), ["k"]);
    Ok(())
}

#[test]
fn only_what_is_copied_counts_against_max_transfer() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("s/big"), &[7; 9_000], THEN)?;
    env.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    write(&env.path("s/big"), &[7; 9_000], THEN + 60)?;
    write(&env.path("s/small"), b"text", THEN)?;
    for words in [vec!["--dry-run"], vec![]] {
        let words = ["copy", "s", "dbx:t", "--max-transfer", "1k"]
            .into_iter()
            .chain(words);
        env.node_tool(words)?.ok()?;
    }
    assert_eq!(there(&env, "/t"), ["big", "small"]);
    write(&env.path("s/large"), &[8; 9_000], THEN)?;
    let err = env
        .node_tool(["copy", "s", "dbx:t", "--max-transfer", "1k"])?
        .fails(8)?;
    assert!(err.contains("give a larger --max-transfer"), "{err}");
    Ok(())
}

#[test]
fn a_single_symlink_is_planned_like_many() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/l/a.rclonelink", b"there", None)?;
    write(&env.path("t/a"), b"a file", THEN)?;
    for words in [vec!["--dry-run"], vec![]] {
        let words = ["copy", "dbx:l/a.rclonelink", "t", "--links"]
            .into_iter()
            .chain(words);
        let err = env.node_tool(words)?.fails(6)?;
        assert!(err.contains("a file is at 'a' in the target"), "{err}");
    }
    fs::remove_file(env.path("t/a"))?;
    for _ in 0..2 {
        env.node_tool(["copy", "dbx:l/a.rclonelink", "t", "--links"])?
            .ok()?;
        assert_eq!(fs::read_link(env.path("t/a"))?, std::path::Path::new("there"));
    }
    Ok(())
}
