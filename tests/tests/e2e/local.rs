//! What can go wrong on this machine: files that change or vanish while they are read, folders that can't be read, disks that
//! are full or can't be written.

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context as _;
use rustix::process::geteuid;
use sandbox::{Fault, Kind};
use tests::{
    files::{differences, noise, snapshot, write},
    programs::program,
    test_env::{Output, TestEnv, output_of, run, skip, text},
};

/// Starts a copy whose first append waits, and calls `meddle` when the files have been read.
fn meddled(env: &TestEnv, meddle: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Output> {
    let wait = Kind::Stall { millis: 1500 };
    env.sandbox
        .fault(Fault::on("files/upload_session/append_batch", wait.clone()));
    env.sandbox
        .fault(Fault::on("files/upload_session/append_v2", wait).times(3));
    let child = env.start(&["copy", "from", "dbx:to"])?;
    while env.sandbox.open_sessions() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    meddle()?;
    output_of(child)
}

#[test]
fn a_file_that_grows_while_it_is_read_is_sent_as_it_is_in_the_end() -> anyhow::Result<()> {
    for (name, size) in [("small", 1000), ("big", 40 << 20)] {
        let env = TestEnv::connected()?;
        write(&env.path("from/other"), b"other", 1_500_000_000)?;
        write(&env.path("from/third"), b"third", 1_500_000_000)?;
        let path = env.path("from").join(name);
        write(&path, &noise(1, size), 1_500_000_000)?;
        let grown = noise(2, size + 5);
        let end = meddled(&env, || write(&path, &grown, 1_600_000_000))?;
        assert_eq!(end.code, 0, "{name}: {}", end.err);
        assert!(
            env.sandbox.read_file(&format!("/to/{name}")) == Some(grown),
            "{name}: other bytes arrived"
        );
        assert_eq!(env.sandbox.read_file("/to/other").as_deref(), Some(&b"other"[..]));
    }
    Ok(())
}

#[test]
fn a_file_that_vanishes_is_named_and_the_others_arrive() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for name in ["gone", "other", "third"] {
        write(&env.path("from").join(name), name.as_bytes(), 1_500_000_000)?;
    }
    let end = meddled(&env, || Ok(std::fs::remove_file(env.path("from/gone"))?))?;
    assert_eq!(end.code, 1, "{}", end.err);
    assert!(
        end.err.contains("'gone'") && end.err.contains("removed"),
        "{}",
        end.err
    );
    let there: Vec<String> = env.sandbox.tree().into_iter().map(|s| s.path).collect();
    assert_eq!(there, ["/to", "/to/other", "/to/third"]);
    Ok(())
}

/// Runs node-tool as a user without rights, with the env as his.
fn as_nobody(env: &TestEnv, args: &[&str]) -> anyhow::Result<Output> {
    let binary = env.path("node-tool");
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
    env.isolate(&mut command);
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
    let env = TestEnv::connected()?;
    for name in ["good", "closed", "shut/inside"] {
        write(&env.path("from").join(name), name.as_bytes(), 1_500_000_000)?;
    }
    let mode = |name: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(env.path(name), std::fs::Permissions::from_mode(mode))
    };
    mode("from/closed", 0)?;
    mode("from/shut", 0)?;
    let end = as_nobody(&env, &["copy", "from", "dbx:to"])?;
    assert_eq!(end.code, 6, "{}", end.err);
    for name in ["closed", "shut"] {
        assert!(end.err.contains(name), "{name} in {}", end.err);
    }
    assert_eq!(env.sandbox.read_file("/to/good").as_deref(), Some(&b"good"[..]));

    std::fs::create_dir(env.path("down"))?;
    mode("down", 0o555)?;
    let end = as_nobody(&env, &["copy", "dbx:to", "down"])?;
    assert_ne!(end.code, 0, "{}", end.err);
    assert!(end.err.contains("permission denied"), "{}", end.err);
    assert!(snapshot(&env.path("down"))?.is_empty());
    Ok(())
}

/// Runs a script in a mount namespace of its own, where `$1` is node-tool.
fn mounted(env: &TestEnv, script: &str) -> anyhow::Result<Output> {
    let mut command = Command::new("unshare");
    env.isolate(&mut command);
    let path = env.path("steps.sh");
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
    let env = TestEnv::connected()?;
    for (name, size) in [("a", 1000), ("b", 20 << 20), ("c", 50 << 20), ("d", 2000)] {
        env.sandbox.put_file(
            &format!("/from/{name}"),
            &noise(9, size),
            Some("2020-01-01T00:00:00Z"),
        )?;
    }
    let end = mounted(
        &env,
        r#"mkdir small && mount -t tmpfs -o size=8m none small
"$1" copy dbx:from small 2> said; echo "ended $?"; find small -type f | sort; cat said"#,
    )?
    .ok()?;
    let lines: Vec<&str> = end.lines().collect();
    assert_eq!(lines.first(), Some(&"ended 6"), "{end}");
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
        &env,
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
        &env,
        r#"mkdir fixed && mount -t tmpfs -o ro none fixed
"$1" copy dbx:from fixed 2> said; echo "ended $?"; cat said"#,
    )?
    .ok()?;
    assert!(end.starts_with("ended 6"), "{end}");
    assert!(end.contains("read-only"), "{end}");
    Ok(())
}

#[test]
fn following_links_is_meant_for_the_source_and_deletes_nothing_behind_the_targets() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox
        .put_file("/e/file", b"new", Some("2020-01-01T00:00:00Z"))?;
    for name in ["x2/a", "x2/deep/b"] {
        write(&env.path(name), b"precious", 1_500_000_000)?;
    }
    let before = snapshot(&env.path("x2"))?;
    std::fs::create_dir(env.path("t"))?;
    std::os::unix::fs::symlink("../x2", env.path("t/link"))?;
    for words in [
        ["sync", "--copy-links"],
        ["sync", "--links"],
        ["sync", "--skip-links"],
        ["copy", "-L"],
    ] {
        let args = [&words[..], &["dbx:e", "t"]].concat();
        // With --links the link itself is what the source lacks.
        let end = env.node_tool(args.iter())?;
        assert_eq!(end.code, 0, "{args:?}: {}", end.err);
        assert_eq!(snapshot(&env.path("x2"))?, before, "{args:?}");
    }
    Ok(())
}

/// Another process that swaps the folder `t/sub` for a symlink to `victim` and back, until it is told to stop.
struct Swapper {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u64>>,
}

impl Swapper {
    fn start(env: &TestEnv) -> Self {
        let (sub, aside) = (env.path("t/sub"), env.path("t/.aside"));
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut swaps = 0;
            while !is_over.load(Ordering::Relaxed) {
                if std::fs::rename(&sub, &aside).is_ok() {
                    let _ = std::os::unix::fs::symlink("../victim", &sub);
                    std::thread::yield_now();
                    let _ = std::fs::remove_file(&sub);
                    // What was made in its place meanwhile, in the target, is no matter here.
                    let _ = std::fs::remove_dir_all(&sub);
                    swaps += u64::from(std::fs::rename(&aside, &sub).is_ok());
                }
                std::thread::yield_now();
            }
            let _ = std::fs::rename(&aside, &sub);
            swaps
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// How often it swapped them.
    fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    }
}

#[test]
fn a_folder_that_is_swapped_for_a_symlink_leads_nothing_out_of_the_target() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..60_u64 {
        let path = format!("/e/sub/{n}");
        env.sandbox
            .put_file(&path, &noise(n, 700), Some("2020-01-01T00:00:00Z"))?;
    }
    env.sandbox
        .put_file("/none/other", b"x", Some("2020-01-01T00:00:00Z"))?;
    // Of the same names, sizes and times as what sync deletes in the target.
    for folder in ["victim", "t/sub"] {
        for n in 0..300_u64 {
            write(
                &env.path(folder).join(n.to_string()),
                &noise(n, 700),
                1_577_836_800,
            )?;
        }
    }
    let before = snapshot(&env.path("victim"))?;
    let swapper = Swapper::start(&env);
    for words in [
        &["copy", "dbx:e", "t", "-I", "--no-zip"][..],
        &["copy", "dbx:e", "t", "-I"],
        &["copy", "dbx:e", "t", "-I", "--backup-dir", "kept"],
        &["sync", "dbx:none", "t", "--yes"],
    ] {
        // What can't be copied or deleted fails; how much that is depends on the moment.
        let end = env.node_tool(words)?;
        assert!(end.code < 128, "{}", end.err);
        assert_eq!(snapshot(&env.path("victim"))?, before, "{words:?}");
    }
    assert!(swapper.stop() > 0);
    Ok(())
}

#[test]
fn links_that_come_along_lead_nothing_out_of_the_target() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let time = Some("2020-01-01T00:00:00Z");
    for (link, to) in [
        ("sub", "../victim"),
        ("good", "sub/1"),
        ("deep/up", "../../victim"),
    ] {
        env.sandbox
            .put_file(&format!("/e/{link}.rclonelink"), to.as_bytes(), time)?;
    }
    for n in 0..200_u64 {
        env.sandbox
            .put_file(&format!("/e/sub/{n}"), &noise(n, 300), time)?;
    }
    env.sandbox.put_file("/e/sub/big", &noise(7, 17 << 20), time)?;
    env.sandbox.put_file("/e/deep/up/file", b"planted", time)?;
    std::fs::create_dir(env.path("victim"))?;
    for _ in 0..2 {
        let end = env.node_tool(["copy", "dbx:e", "t", "--links"])?;
        assert_ne!(end.code, 0, "a link can't be made where a folder is");
        assert!(end.err.contains("sub.rclonelink"), "{}", end.err);
        assert!(snapshot(&env.path("victim"))?.is_empty());
        assert_eq!(std::fs::read_link(env.path("t/good"))?, Path::new("sub/1"));
    }
    assert_eq!(std::fs::read_dir(env.path("t/sub"))?.count(), 201);
    // And a link of an earlier run is no way for the files of the next.
    let env = TestEnv::connected()?;
    std::fs::create_dir(env.path("victim"))?;
    env.sandbox.put_file("/e/sub.rclonelink", b"../victim", time)?;
    env.node_tool(["copy", "dbx:e", "t", "--links"])?.ok()?;
    for n in 0..30_u64 {
        env.sandbox
            .put_file(&format!("/e/sub/{n}"), &noise(n, 300), time)?;
    }
    let end = env.node_tool(["copy", "dbx:e", "t", "--links"])?;
    assert_ne!(end.code, 0);
    assert!(snapshot(&env.path("victim"))?.is_empty());
    Ok(())
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode() -> anyhow::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let env = TestEnv::connected()?;
    let names = ["secret", "script", "open", "big"];
    for (name, mode) in names.iter().zip([0o600, 0o755, 0o666, 0o640]) {
        let size = if *name == "big" { 33 << 20 } else { 500 };
        env.sandbox.put_file(
            &format!("/e/{name}"),
            &noise(1, size),
            Some("2020-01-01T00:00:00Z"),
        )?;
        write(&env.path("t").join(name), b"old", 1_500_000_000)?;
        std::fs::set_permissions(env.path("t").join(name), std::fs::Permissions::from_mode(mode))?;
    }
    env.sandbox.put_file("/e/new", b"new", None)?;
    for zip in ["--no-zip=false", "--no-zip=true"] {
        let mut command = Command::new("bash");
        env.isolate(&mut command);
        let (_, flag) = zip.split_once('=').context("a flag")?;
        command
            .args(["-c", "umask 027; exec \"$@\"", "bash"])
            .arg(program("node-tool")?)
            .args(["copy", "-I", "dbx:e", "t"])
            .env("NODE_TOOL_NO_ZIP", flag);
        run(command, "")?.ok()?;
        let modes = ["secret", "script", "open", "big", "new"].map(|name| {
            let metadata = std::fs::metadata(env.path("t").join(name));
            metadata.map_or(0, |there| there.mode() & 0o7777)
        });
        assert_eq!(modes, [0o600, 0o755, 0o666, 0o640, 0o640], "{zip}");
    }
    Ok(())
}

#[test]
fn a_file_whose_size_is_not_its_length_is_named_and_not_sent() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let mut tried = 0;
    // The first says 0 bytes, the second a page.
    for (path, word) in [
        ("/proc/cpuinfo", "more bytes"),
        ("/sys/devices/system/cpu/online", "fewer bytes"),
    ] {
        if !Path::new(path).exists() {
            skip(&format!("there is no {path}"));
            continue;
        }
        tried += 1;
        let end = env.node_tool(["copy", path, "dbx:to"])?;
        assert_eq!(end.code, 6, "{}", end.err);
        assert!(end.err.contains(word), "{}", end.err);
    }
    assert!(tried > 0);
    assert_eq!(
        env.sandbox
            .tree()
            .iter()
            .filter(|stored| !stored.is_folder)
            .count(),
        0
    );
    Ok(())
}

/// Runs node-tool below a limit of the shell.
fn limited(env: &TestEnv, limit: &str, args: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new("bash");
    env.isolate(&mut command);
    command
        .args(["-c", &format!("ulimit {limit} && exec \"$@\""), "bash"])
        .arg(program("node-tool")?)
        .args(args);
    run(command, "")
}

#[test]
fn few_open_files_are_enough() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..300_u64 {
        let path = env.path(&format!("from/{}/{n}", n % 7));
        write(&path, &noise(n, 900), 1_577_836_800)?;
    }
    for n in 0..3_u64 {
        write(
            &env.path(&format!("from/big{n}")),
            &noise(n, 33 << 20),
            1_577_836_800,
        )?;
    }
    for limit in ["-n 32", "-n 128"] {
        let (there, here) = (format!("dbx:to{}", &limit[3..]), format!("down{}", &limit[3..]));
        limited(&env, limit, &["copy", "from", &there])?.ok()?;
        limited(&env, limit, &["copy", &there, &here])?.ok()?;
        limited(&env, limit, &["copy", &there, &here, "-I", "--no-zip"])?.ok()?;
        assert_eq!(
            differences(&env.path("from"), &env.path(&here))?,
            Vec::<String>::new(),
            "{limit}"
        );
        limited(&env, limit, &["check", "from", &there])?.ok()?;
    }
    Ok(())
}

#[test]
fn a_file_beyond_the_limit_of_sizes_is_named_and_the_others_come() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (name, size) in [
        ("a", 1000),
        ("b", 3 << 20),
        ("c", 20 << 20),
        ("d", 40 << 20),
        ("e", 2000),
    ] {
        env.sandbox.put_file(
            &format!("/e/{name}"),
            &noise(9, size),
            Some("2020-01-01T00:00:00Z"),
        )?;
    }
    for more in [&[][..], &["--no-zip"]] {
        let end = limited(&env, "-f 1024", &[&["copy", "dbx:e", "t", "-I"], more].concat())?;
        assert_eq!(end.code, 6, "{}", end.err);
        for name in ["'b'", "'c'", "'d'"] {
            let line = end.err.lines().find(|line| line.contains(name));
            let line = line.with_context(|| end.err.clone())?;
            assert!(line.contains("ulimit -f"), "{line}");
        }
        let there: Vec<String> = snapshot(&env.path("t"))?.into_keys().collect();
        assert_eq!(there, ["a", "e"]);
    }
    Ok(())
}

#[test]
fn symlinks_to_folders_of_the_target_are_gone_through_where_the_user_says_so() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for name in ["data/a", "data/deep/b", "c"] {
        env.sandbox.put_file(
            &format!("/e/{name}"),
            name.as_bytes(),
            Some("2020-01-01T00:00:00Z"),
        )?;
    }
    std::fs::create_dir_all(env.path("scratch"))?;
    std::fs::create_dir(env.path("t"))?;
    std::os::unix::fs::symlink("../scratch", env.path("t/data"))?;
    let end = env.node_tool(["copy", "dbx:e", "t"])?;
    assert_eq!(end.code, 6, "{}", end.err);
    assert!(end.err.contains("-K"), "the way out is named: {}", end.err);
    assert!(snapshot(&env.path("scratch"))?.is_empty());
    env.node_tool(["copy", "dbx:e", "t", "-K"])?.ok()?;
    let there: Vec<String> = snapshot(&env.path("scratch"))?.into_keys().collect();
    assert_eq!(there, ["a", "deep/b"]);
    // A second run has nothing to do, and sync removes what the source lacks.
    let end = env.node_tool(["copy", "dbx:e", "t", "-K", "--error-on-no-transfer"])?;
    assert_eq!(end.code, 9, "{}", end.err);
    write(&env.path("scratch/extra"), b"x", 1_500_000_000)?;
    env.node_tool(["sync", "dbx:e", "t", "--keep-dirlinks", "--yes"])?
        .ok()?;
    let there: Vec<String> = snapshot(&env.path("scratch"))?.into_keys().collect();
    assert_eq!(there, ["a", "deep/b"]);
    assert_eq!(std::fs::read_link(env.path("t/data"))?, Path::new("../scratch"));
    Ok(())
}

#[test]
fn what_was_copied_with_links_can_be_listed_and_checked_with_them() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/sub/file"), b"text", 1_577_836_800)?;
    write(&env.path("away/other"), b"other", 1_577_836_800)?;
    std::os::unix::fs::symlink("sub/file", env.path("from/link"))?;
    std::os::unix::fs::symlink("../away", env.path("from/folder"))?;
    let listed = |flags: &[&str]| -> anyhow::Result<String> {
        env.node_tool([&["lsf", "-R", "--files-only", "from"][..], flags].concat())?
            .ok()
    };
    assert_eq!(listed(&[])?, "sub/file\n");
    assert_eq!(listed(&["-L"])?, "folder/other\nlink\nsub/file\n");
    assert_eq!(
        listed(&["--links"])?,
        "folder.rclonelink\nlink.rclonelink\nsub/file\n"
    );
    // Nothing is left out in silence, unless that is wanted.
    for verb in [
        &["ls"][..],
        &["lsl"],
        &["lsd"],
        &["lsf"],
        &["lsjson"],
        &["tree"],
        &["size"],
        &["hashsum", "dropbox"],
        &["cat"],
    ] {
        let run = |flags: &[&str]| env.node_tool([verb, flags, &["from"]].concat());
        let end = run(&[])?;
        assert!(
            end.err.contains("link: skipped, it is a symlink"),
            "{verb:?}: {}",
            end.err
        );
        for flag in ["--skip-links", "-L", "-l"] {
            let end = run(&[flag])?;
            assert_eq!((end.code, end.err.as_str()), (0, ""), "{verb:?} {flag}");
        }
    }
    assert_eq!(env.node_tool(["cat", "-l", "from"])?.ok()?, "../awaysub/filetext");
    for (flag, to) in [
        ("-l", "dbx:links"),
        ("-L", "dbx:followed"),
        ("--skip-links", "dbx:plain"),
    ] {
        env.node_tool(["copy", flag, "from", to])?.ok()?;
        env.node_tool(["check", flag, "from", to])?.ok()?;
        let end = env.node_tool(["check", "from", to])?;
        assert_eq!(end.code == 0, flag == "--skip-links", "{flag}: {}", end.err);
        assert!(end.err.contains("it is a symlink"), "{}", end.err);
    }
    if Path::new("/proc/cpuinfo").exists() {
        assert!(!env.node_tool(["cat", "/proc/cpuinfo"])?.ok()?.is_empty());
    }
    Ok(())
}
