//! What pairs, what is left alone, what is in the way: the same on a dry run and on the run, and the same for copy, sync, move
//! and check.

use std::fs;
use std::os::unix::fs::symlink;

use tests::files::{snapshot, write};
use tests::world::World;

const THEN: u64 = 1_600_000_000;

/// The files of the account below a folder.
fn there(world: &World, folder: &str) -> Vec<String> {
    let below = format!("{folder}/");
    let tree = world.sandbox.tree();
    let mut paths: Vec<String> = tree
        .iter()
        .filter(|stored| world.sandbox.read_file(&stored.path).is_some())
        .filter_map(|stored| stored.path.strip_prefix(&below).map(str::to_owned))
        .collect();
    paths.sort();
    paths
}

fn here(world: &World, folder: &str) -> anyhow::Result<Vec<String>> {
    Ok(snapshot(&world.path(folder))?.into_keys().collect())
}

#[test]
fn what_a_filter_leaves_out_of_the_source_stays_in_the_target() -> anyhow::Result<()> {
    let world = World::connected()?;
    for name in ["d/a", "d/e/b", "grown", "k", "old/x"] {
        write(&world.path(&format!("s/{name}")), b"text", THEN)?;
    }
    world.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    let all = there(&world, "/t");
    fs::write(world.path("s/d/.nosync"), "")?;
    write(&world.path("s/grown"), &[7; 20_000], THEN)?;
    fs::remove_dir_all(world.path("s/old"))?;
    for (flag, value) in [("--exclude-if-present", ".nosync"), ("--max-size", "10k")] {
        let dry = world.node_tool(["sync", "s", "dbx:t", flag, value, "--dry-run"])?;
        assert!(
            !dry.err.contains("Skipped delete") || dry.err.contains("old/x"),
            "{}",
            dry.err
        );
        world
            .node_tool(["sync", "s", "dbx:t", flag, value, "--exclude", "grown"])?
            .ok()?;
        assert!(
            all.iter()
                .filter(|path| *path != "old/x")
                .all(|path| there(&world, "/t").contains(path)),
            "{flag}"
        );
    }
    // Down: the mark is in the Dropbox, the folder here is all there is.
    world.sandbox.put_file("/r/d/.nosync", b"", None)?;
    world.sandbox.put_file("/r/k", b"text", None)?;
    write(&world.path("down/d/only here"), b"text", THEN)?;
    write(&world.path("down/extra"), b"text", THEN)?;
    world
        .node_tool(["sync", "dbx:r", "down", "--exclude-if-present", ".nosync"])?
        .ok()?;
    assert_eq!(here(&world, "down")?, ["d/only here", "k"]);
    Ok(())
}

#[test]
fn delete_excluded_takes_what_is_excluded_and_nothing_deeper_than_the_job() -> anyhow::Result<()> {
    let world = World::connected()?;
    for name in ["a/b/x", "cache/y/z", "k"] {
        write(&world.path(&format!("s/{name}")), b"text", THEN)?;
    }
    world.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    world.node_tool(["copy", "dbx:t", "dbx:u"])?.ok()?;
    for (source, target) in [("s", "dbx:t"), ("dbx:t", "dbx:u"), ("dbx:t", "s")] {
        world
            .node_tool(["sync", source, target, "--max-depth", "2", "--delete-excluded"])?
            .ok()?;
    }
    let all = ["a/b/x", "cache/y/z", "k"];
    assert_eq!(
        (there(&world, "/t"), there(&world, "/u"), here(&world, "s")?),
        (
            all.map(Into::into).to_vec(),
            all.map(Into::into).to_vec(),
            all.map(Into::into).to_vec()
        )
    );
    for (source, target) in [("dbx:t", "s"), ("s", "dbx:u")] {
        world
            .node_tool([
                "sync",
                source,
                target,
                "--exclude",
                "cache/**",
                "--delete-excluded",
            ])?
            .ok()?;
    }
    assert_eq!(here(&world, "s")?, ["a/b/x", "k"]);
    assert!(!world.path("s/cache").exists());
    assert_eq!(there(&world, "/u"), ["a/b/x", "k"]);
    Ok(())
}

#[test]
fn a_tree_meets_itself_whatever_the_form_and_case_of_its_names() -> anyhow::Result<()> {
    let world = World::connected()?;
    // As a Mac names them.
    for name in ["Fu\u{308}r/e\u{301}.txt", "nuget/a", "nuget/B"] {
        write(&world.path(&format!("s/{name}")), b"text", THEN)?;
    }
    world.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    world
        .sandbox
        .put_file("/t/NuGet/c", b"new", Some("2020-01-01T00:00:00Z"))?;
    world.node_tool(["moveto", "dbx:t/nuget", "dbx:t/NuGet"])?.ok()?;
    let before = here(&world, "s")?;
    world.node_tool(["copy", "dbx:t", "s"])?.ok()?;
    let mut after = before.clone();
    after.push("nuget/c".into());
    after.sort();
    assert_eq!(here(&world, "s")?, after);
    for (source, target) in [("s", "dbx:t"), ("dbx:t", "s")] {
        world
            .node_tool(["sync", source, target, "--error-on-no-transfer"])?
            .fails(9)?;
        world.node_tool(["check", source, target])?.ok()?;
    }
    assert_eq!(here(&world, "s")?, after);
    // A pattern, or a list, in the other form finds them.
    let list = world.path("list");
    fs::write(&list, "f\u{fc}r/\u{e9}.txt\n")?;
    for words in [
        vec!["lsf", "-R", "--files-only", "s", "--include", "F\u{fc}r/*"],
        vec!["lsf", "-R", "--files-only", "dbx:t", "--files-from", "list"],
    ] {
        let listed = world.node_tool(words)?.ok()?;
        assert_eq!(listed.lines().count(), 1, "{listed}");
    }
    Ok(())
}

#[test]
fn a_name_that_is_a_file_on_one_side_and_a_folder_on_the_other() -> anyhow::Result<()> {
    let world = World::connected()?;
    write(&world.path("s/x"), b"file", THEN)?;
    write(&world.path("s/d/a"), b"file", THEN)?;
    fs::create_dir(world.path("s/empty"))?;
    let seed = || -> anyhow::Result<()> {
        for (path, text) in [
            ("/t/x/below/1", "1"),
            ("/t/d", "d"),
            ("/t/empty", "e"),
            ("/t/gone", "g"),
        ] {
            world
                .sandbox
                .put_file(path, text.as_bytes(), Some("2020-01-01T00:00:00Z"))?;
        }
        Ok(())
    };
    seed()?;
    let err = world.node_tool(["copy", "s", "dbx:t"])?.fails(6)?;
    for said in [
        "a folder of this name is in the target: 'x'",
        "a file is at 'd' in the target: 'd/a'",
        "next: node-tool moveto dbx:t/d dbx:t/d.old",
    ] {
        assert!(err.contains(said), "{err}");
    }
    assert_eq!(there(&world, "/t"), ["d", "empty", "gone", "x/below/1"]);
    let dry = world
        .node_tool(["sync", "s", "dbx:t", "--dry-run", "--json"])?
        .ok()?;
    let deleted = dry.lines().filter(|line| line.contains("\"delete\"")).count();
    assert_eq!(deleted, 4, "{dry}");
    world
        .node_tool(["sync", "s", "dbx:t", "--backup-dir", "dbx:kept"])?
        .ok()?;
    assert_eq!(there(&world, "/t"), ["d/a", "x"]);
    assert_eq!(there(&world, "/kept"), ["d", "empty", "gone", "x/below/1"]);
    world
        .node_tool(["sync", "s", "dbx:t", "--error-on-no-transfer"])?
        .fails(9)?;
    // And downwards.
    write(&world.path("down/x/below/1"), b"1", THEN)?;
    write(&world.path("down/d"), b"d", THEN)?;
    world.node_tool(["sync", "dbx:t", "down"])?.ok()?;
    assert_eq!(here(&world, "down")?, ["d/a", "x"]);
    Ok(())
}

#[test]
fn what_is_no_file_in_the_target_is_named_before_anything_moves() -> anyhow::Result<()> {
    let world = World::connected()?;
    for path in ["/r/data/big", "/r/file", "/r/pipe", "/r/ok", "/r/gone"] {
        world
            .sandbox
            .put_file(path, b"text", Some("2020-01-01T00:00:00Z"))?;
    }
    fs::create_dir_all(world.path("outside"))?;
    fs::create_dir_all(world.path("t"))?;
    symlink(world.path("outside"), world.path("t/data"))?;
    symlink("nowhere", world.path("t/gone"))?;
    symlink("../outside/precious", world.path("t/file"))?;
    write(&world.path("outside/precious"), b"text", THEN)?;
    rustix_fifo(&world.path("t/pipe"))?;
    world.sandbox.reset_calls();
    let dry = world.node_tool(["copy", "dbx:r", "t", "--dry-run"])?.fails(6)?;
    let err = world.node_tool(["copy", "dbx:r", "t"])?.fails(6)?;
    for said in [
        "'data/big': a symlink to a folder is at 'data' in the target",
        "'file': a symlink to a file of this name is in the target",
        "'gone': a symlink that leads nowhere of this name is in the target",
        "'pipe': a named pipe of this name is in the target",
    ] {
        assert!(dry.contains(said) && err.contains(said), "{said}: {dry}{err}");
    }
    let downloads = world
        .sandbox
        .counts()
        .iter()
        .filter(|(route, _)| route.contains("download"))
        .map(|(_, n)| n)
        .sum::<usize>();
    assert_eq!(downloads, 1, "only what can be placed is fetched");
    assert_eq!(fs::read(world.path("t/ok"))?, b"text");
    let err = world.node_tool(["copyto", "dbx:r/file", "t/file"])?.fails(6)?;
    assert!(err.contains("a symlink to a file"), "{err}");
    assert_eq!(fs::read_dir(world.path("outside"))?.count(), 1);
    Ok(())
}

fn rustix_fifo(path: &std::path::Path) -> anyhow::Result<()> {
    let made = std::process::Command::new("mkfifo").arg(path).status()?;
    anyhow::ensure!(made.success());
    Ok(())
}

#[test]
fn a_dry_run_shows_what_the_run_does() -> anyhow::Result<()> {
    let world = World::connected()?;
    for name in ["a", "d/b", "e/c"] {
        write(&world.path(&format!("s/{name}")), b"text", THEN)?;
    }
    fs::create_dir(world.path("s/f"))?;
    world.node_tool(["copy", "s/a", "dbx:t"])?.ok()?;
    // A move: what is there already goes from the source, and so do its folders.
    let dry = world.node_tool([
        "move",
        "s",
        "dbx:t",
        "--delete-empty-src-dirs",
        "--dry-run",
        "--json",
    ])?;
    let dry = dry.ok()?;
    for step in [
        r#"{"action":"delete-source","path":"a","#,
        r#"{"action":"rmdir-source","path":"f"}"#,
        r#"{"action":"rmdir-source","path":"d"}"#,
        r#""action":"copy","path":"d/b""#,
    ] {
        assert!(dry.contains(step) || step.contains("\"a\""), "{step}: {dry}");
    }
    world
        .node_tool(["move", "s", "dbx:t", "--delete-empty-src-dirs"])?
        .ok()?;
    assert_eq!(fs::read_dir(world.path("s"))?.count(), 0);
    assert_eq!(there(&world, "/t"), ["a", "d/b", "e/c"]);
    // A sync with an obstacle deletes nothing, and doesn't say that it would.
    write(&world.path("s/bad\\name"), b"text", THEN)?;
    write(&world.path("s/a"), b"text", THEN)?;
    let dry = world.node_tool(["sync", "s", "dbx:t", "--dry-run"])?.fails(6)?;
    assert!(
        !dry.contains("Skipped delete") && dry.contains("nothing will be deleted"),
        "{dry}"
    );
    Ok(())
}

#[test]
fn a_source_goes_only_when_its_content_is_proven_to_be_there() -> anyhow::Result<()> {
    let world = World::connected()?;
    write(&world.path("s/same"), b"text", THEN)?;
    write(&world.path("s/lies"), b"mine", THEN)?;
    for (name, text) in [("same", "text"), ("lies", "them")] {
        world.sandbox.put_file(
            &format!("/t/{name}"),
            text.as_bytes(),
            Some("2020-09-13T12:26:40Z"),
        )?;
    }
    let err = world.node_tool(["move", "s", "dbx:t", "--size-only"])?.fails(6)?;
    assert!(
        err.contains("'lies': the one in the target has another content"),
        "{err}"
    );
    assert_eq!(here(&world, "s")?, ["lies"]);
    world.node_tool(["move", "s", "dbx:t"])?.ok()?;
    assert_eq!(world.sandbox.read_file("/t/lies").as_deref(), Some(&b"mine"[..]));
    // On the server, where both hashes are known.
    world
        .sandbox
        .put_file("/u/lies", b"else", Some("2020-09-13T12:26:40Z"))?;
    world
        .sandbox
        .put_file("/u/same", b"text", Some("2020-09-13T12:26:40Z"))?;
    world.sandbox.reset_calls();
    world.node_tool(["move", "dbx:u", "dbx:t"])?.ok()?;
    assert_eq!(world.sandbox.read_file("/t/lies").as_deref(), Some(&b"else"[..]));
    assert!(there(&world, "/u").is_empty());
    Ok(())
}

#[test]
fn a_server_side_move_removes_nothing_that_the_server_has_moved() -> anyhow::Result<()> {
    let world = World::connected()?;
    for name in ["a", "b"] {
        world
            .sandbox
            .put_file(&format!("/s/{name}"), name.as_bytes(), None)?;
    }
    world.sandbox.put_file("/t/other", b"x", None)?;
    world.sandbox.reset_calls();
    world.node_tool(["move", "dbx:s", "dbx:t"])?.ok()?;
    assert_eq!(world.sandbox.count("files/delete_batch"), 0);
    assert_eq!(there(&world, "/t"), ["a", "b", "other"]);
    Ok(())
}

#[test]
fn letters_alone_can_be_renamed_and_an_overlap_that_is_left_out_is_none() -> anyhow::Result<()> {
    let world = World::connected()?;
    world.sandbox.put_file("/a.bin", b"text", None)?;
    world.sandbox.put_file("/dir/x", b"text", None)?;
    let names = || -> Vec<String> {
        world
            .sandbox
            .tree()
            .into_iter()
            .map(|stored| stored.path)
            .collect()
    };
    let dry = world.node_tool(["moveto", "dbx:a.bin", "dbx:A.bin", "--dry-run"])?;
    assert!(dry.err.contains("Skipped rename"), "{}", dry.err);
    assert!(names().contains(&"/a.bin".to_owned()));
    world.node_tool(["moveto", "dbx:a.bin", "dbx:A.bin"])?.ok()?;
    world.node_tool(["move", "dbx:dir", "dbx:Dir"])?.ok()?;
    assert_eq!(names(), ["/A.bin", "/Dir", "/Dir/x"]);
    world.sandbox.put_file("/p/new", b"text", None)?;
    world.sandbox.put_file("/p/arch/old", b"text", None)?;
    let err = world.node_tool(["move", "dbx:p", "dbx:p/arch"])?.fails(7)?;
    assert!(
        err.contains("hint: leave the inner one out with --exclude '/arch/**'"),
        "{err}"
    );
    world
        .node_tool(["move", "dbx:p", "dbx:p/arch", "--exclude", "/arch/**"])?
        .ok()?;
    assert_eq!(there(&world, "/p"), ["arch/new", "arch/old"]);
    write(&world.path("f"), b"text", THEN)?;
    world.node_tool(["copyto", "f", "dbx:out2/"])?.ok()?;
    assert_eq!(there(&world, "/out2"), ["f"]);
    Ok(())
}

#[test]
fn renames_leave_nothing_for_a_second_run() -> anyhow::Result<()> {
    let world = World::connected()?;
    world
        .sandbox
        .put_file("/r/new", b"some text", Some("2021-01-01T00:00:00Z"))?;
    write(&world.path("t/old"), b"some text", THEN)?;
    world.node_tool(["sync", "dbx:r", "t", "--track-renames"])?.ok()?;
    let kept = snapshot(&world.path("t"))?;
    assert_eq!(kept["new"].modified, 1_609_459_200);
    // Only times were different: nothing was transferred.
    write(&world.path("t/new"), b"some text", THEN)?;
    world
        .node_tool(["copy", "dbx:r", "t", "--error-on-no-transfer"])?
        .fails(9)?;
    assert_eq!(snapshot(&world.path("t"))?["new"].modified, 1_609_459_200);
    Ok(())
}

#[test]
fn what_the_source_has_as_a_symlink_is_left_alone() -> anyhow::Result<()> {
    let world = World::connected()?;
    write(&world.path("o/d/x"), b"text", THEN)?;
    write(&world.path("s/k"), b"text", THEN)?;
    symlink("../o/d", world.path("s/d"))?;
    write(&world.path("s/gone"), b"text", THEN)?;
    world.node_tool(["copy", "s", "dbx:t", "-L"])?.ok()?;
    fs::remove_file(world.path("s/gone"))?;
    world.node_tool(["sync", "s", "dbx:t"])?.ok()?;
    assert_eq!(there(&world, "/t"), ["d/x", "k"]);
    world
        .node_tool(["sync", "s", "dbx:t", "--delete-excluded"])?
        .ok()?;
    assert_eq!(there(&world, "/t"), ["k"]);
    Ok(())
}

#[test]
fn only_what_is_copied_counts_against_max_transfer() -> anyhow::Result<()> {
    let world = World::connected()?;
    write(&world.path("s/big"), &[7; 9_000], THEN)?;
    world.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    write(&world.path("s/big"), &[7; 9_000], THEN + 60)?;
    write(&world.path("s/small"), b"text", THEN)?;
    for words in [vec!["--dry-run"], vec![]] {
        let words = ["copy", "s", "dbx:t", "--max-transfer", "1k"]
            .into_iter()
            .chain(words);
        world.node_tool(words)?.ok()?;
    }
    assert_eq!(there(&world, "/t"), ["big", "small"]);
    write(&world.path("s/large"), &[8; 9_000], THEN)?;
    let err = world
        .node_tool(["copy", "s", "dbx:t", "--max-transfer", "1k"])?
        .fails(8)?;
    assert!(err.contains("give a larger --max-transfer"), "{err}");
    Ok(())
}

#[test]
fn a_single_symlink_is_planned_like_many() -> anyhow::Result<()> {
    let world = World::connected()?;
    world.sandbox.put_file("/l/a.rclonelink", b"there", None)?;
    write(&world.path("t/a"), b"a file", THEN)?;
    for words in [vec!["--dry-run"], vec![]] {
        let words = ["copy", "dbx:l/a.rclonelink", "t", "--links"]
            .into_iter()
            .chain(words);
        let err = world.node_tool(words)?.fails(6)?;
        assert!(err.contains("a file is at 'a' in the target"), "{err}");
    }
    fs::remove_file(world.path("t/a"))?;
    for _ in 0..2 {
        world
            .node_tool(["copy", "dbx:l/a.rclonelink", "t", "--links"])?
            .ok()?;
        assert_eq!(fs::read_link(world.path("t/a"))?, std::path::Path::new("there"));
    }
    Ok(())
}
