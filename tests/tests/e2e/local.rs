//! What can go wrong on this machine: files that change or vanish while they are read, folders that can't be read, disks that
//! are full or can't be written.

use std::process::Command;

use anyhow::Context as _;
use rustix::process::geteuid;
use tests::{
    files::{noise, snapshot, write},
    programs::program,
    sandbox::{Fault, Kind},
    world::{Ended, World, ended, run, skip, text},
};

/// Starts a copy whose first append waits, and calls `meddle` when the files have been read.
fn meddled(world: &World, meddle: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Ended> {
    let wait = Kind::Stall { millis: 1500 };
    world
        .sandbox
        .fault(Fault::on("files/upload_session/append_batch", wait.clone()));
    world
        .sandbox
        .fault(Fault::on("files/upload_session/append_v2", wait).times(3));
    let child = world.start(&["copy", "from", "dbx:to"])?;
    while world.sandbox.open_sessions() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    meddle()?;
    ended(child)
}

#[test]
fn a_file_that_grows_while_it_is_read_is_sent_as_it_is_in_the_end() -> anyhow::Result<()> {
    for (name, size) in [("small", 1000), ("big", 40 << 20)] {
        let world = World::connected()?;
        write(&world.path("from/other"), b"other", 1_500_000_000)?;
        write(&world.path("from/third"), b"third", 1_500_000_000)?;
        let path = world.path("from").join(name);
        write(&path, &noise(1, size), 1_500_000_000)?;
        let grown = noise(2, size + 5);
        let end = meddled(&world, || write(&path, &grown, 1_600_000_000))?;
        assert_eq!(end.code, 0, "{name}: {}", end.err);
        assert!(
            world.sandbox.read_file(&format!("/to/{name}")) == Some(grown),
            "{name}: other bytes arrived"
        );
        assert_eq!(
            world.sandbox.read_file("/to/other").as_deref(),
            Some(&b"other"[..])
        );
    }
    Ok(())
}

#[test]
fn a_file_that_vanishes_is_named_and_the_others_arrive() -> anyhow::Result<()> {
    let world = World::connected()?;
    for name in ["gone", "other", "third"] {
        write(&world.path("from").join(name), name.as_bytes(), 1_500_000_000)?;
    }
    let end = meddled(&world, || Ok(std::fs::remove_file(world.path("from/gone"))?))?;
    assert_eq!(end.code, 1, "{}", end.err);
    assert!(
        end.err.contains("'gone'") && end.err.contains("removed"),
        "{}",
        end.err
    );
    let there: Vec<String> = world.sandbox.tree().into_iter().map(|s| s.path).collect();
    assert_eq!(there, ["/to", "/to/other", "/to/third"]);
    Ok(())
}

/// Runs node-tool as a user without rights, with the world as his.
fn as_nobody(world: &World, args: &[&str]) -> anyhow::Result<Ended> {
    let binary = world.path("node-tool");
    if !binary.exists() {
        std::fs::copy(program("node-tool")?, &binary)?;
    }
    let dir = binary.parent().context("no folder")?;
    let owned = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(dir)
        .status()?;
    anyhow::ensure!(owned.success(), "chown failed");
    let mut command = Command::new("setpriv");
    world.settle(&mut command);
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&binary)
        .args(args);
    run(command, "")
}

#[test]
fn what_may_not_be_read_or_written_is_named() -> anyhow::Result<()> {
    if !geteuid().is_root() {
        skip("becoming another user needs root");
        return Ok(());
    }
    let world = World::connected()?;
    for name in ["good", "closed", "shut/inside"] {
        write(&world.path("from").join(name), name.as_bytes(), 1_500_000_000)?;
    }
    let mode = |name: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(world.path(name), std::fs::Permissions::from_mode(mode))
    };
    mode("from/closed", 0)?;
    mode("from/shut", 0)?;
    let end = as_nobody(&world, &["copy", "from", "dbx:to"])?;
    assert_eq!(end.code, 6, "{}", end.err);
    for name in ["closed", "shut"] {
        assert!(end.err.contains(name), "{name} in {}", end.err);
    }
    assert_eq!(world.sandbox.read_file("/to/good").as_deref(), Some(&b"good"[..]));

    std::fs::create_dir(world.path("down"))?;
    mode("down", 0o555)?;
    let end = as_nobody(&world, &["copy", "dbx:to", "down"])?;
    assert_ne!(end.code, 0, "{}", end.err);
    assert!(end.err.contains("permission denied"), "{}", end.err);
    assert!(snapshot(&world.path("down"))?.is_empty());
    Ok(())
}

/// Runs a script in a mount namespace of its own, where `$1` is node-tool.
fn mounted(world: &World, script: &str) -> anyhow::Result<Ended> {
    let mut command = Command::new("unshare");
    world.settle(&mut command);
    let path = world.path("steps.sh");
    std::fs::write(&path, script)?;
    command
        .args(["--mount", "bash", &text(&path)])
        .arg(program("node-tool")?);
    run(command, "")
}

#[test]
fn a_full_or_read_only_disk_is_named_and_nothing_half_is_left() -> anyhow::Result<()> {
    if !geteuid().is_root() {
        skip("mounting small disks needs root");
        return Ok(());
    }
    let world = World::connected()?;
    for (name, size) in [("a", 1000), ("b", 20 << 20), ("c", 50 << 20), ("d", 2000)] {
        world.sandbox.put_file(
            &format!("/from/{name}"),
            &noise(9, size),
            Some("2020-01-01T00:00:00Z"),
        )?;
    }
    let end = mounted(
        &world,
        r#"mkdir small && mount -t tmpfs -o size=8m none small
"$1" copy dbx:from small 2> said; echo "ended $?"; find small -type f | sort; cat said"#,
    )?
    .ok()?;
    let lines: Vec<&str> = end.lines().collect();
    assert_eq!(lines.first(), Some(&"ended 1"), "{end}");
    assert_eq!(lines.get(1..3), Some(&["small/a", "small/d"][..]), "{end}");
    for name in ["'b'", "'c'"] {
        let line = lines
            .iter()
            .find(|line| line.contains(name))
            .with_context(|| end.clone())?;
        assert!(line.contains("disk is full"), "{line}");
    }

    // A file system that can't set room aside.
    let end = mounted(
        &world,
        r#"mkdir plain && mount -t ramfs none plain
"$1" copy dbx:from plain; echo "ended $?"; stat --format '%n %s' plain/*"#,
    )?
    .ok()?;
    let expected = [
        "plain/a 1000",
        "plain/b 20971520",
        "plain/c 52428800",
        "plain/d 2000",
    ];
    assert_eq!(
        end.lines().collect::<Vec<_>>(),
        [&["ended 0"][..], &expected].concat()
    );

    let end = mounted(
        &world,
        r#"mkdir fixed && mount -t tmpfs -o ro none fixed
"$1" copy dbx:from fixed 2> said; echo "ended $?"; cat said"#,
    )?
    .ok()?;
    assert!(end.starts_with("ended 1"), "{end}");
    assert!(end.contains("read-only"), "{end}");
    Ok(())
}

#[test]
fn following_links_is_meant_for_the_source_and_deletes_nothing_behind_the_targets() -> anyhow::Result<()> {
    let world = World::connected()?;
    world
        .sandbox
        .put_file("/e/file", b"new", Some("2020-01-01T00:00:00Z"))?;
    for name in ["x2/a", "x2/deep/b"] {
        write(&world.path(name), b"precious", 1_500_000_000)?;
    }
    let before = snapshot(&world.path("x2"))?;
    std::fs::create_dir(world.path("t"))?;
    std::os::unix::fs::symlink("../x2", world.path("t/link"))?;
    for words in [
        ["sync", "--copy-links"],
        ["sync", "--links"],
        ["sync", "--skip-links"],
        ["copy", "-L"],
    ] {
        let args = [&words[..], &["dbx:e", "t"]].concat();
        // With --links the link itself is what the source lacks.
        let end = world.node_tool(args.iter())?;
        assert_eq!(end.code, 0, "{args:?}: {}", end.err);
        assert_eq!(snapshot(&world.path("x2"))?, before, "{args:?}");
    }
    Ok(())
}
