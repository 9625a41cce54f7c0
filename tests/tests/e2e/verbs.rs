//! The verbs that rclone has not, and what ours do beyond rclone's: tests/peers holds the rest beside rclone itself.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use anyhow::Context as _;
use tests::test_env::{TestEnv, run};

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn a_link_is_made_once_found_again_and_ended() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/paper.pdf", b"x", None)?;
    let first = env.node_tool(["link", "dbx:paper.pdf"])?.ok()?;
    assert!(first.starts_with("https://www.dropbox.com/scl/"), "{first}");
    assert_eq!(env.node_tool(["link", "dbx:paper.pdf"])?.ok()?, first);
    assert_eq!(
        env.node_tool(["link", "dbx:paper.pdf", "--unlink"])?.err,
        "1 link ended\n"
    );
    assert_eq!(
        env.node_tool(["link", "dbx:paper.pdf", "--unlink"])?.err,
        "0 links ended\n"
    );
    assert_ne!(env.node_tool(["link", "dbx:paper.pdf"])?.ok()?, first);
    Ok(())
}

#[test]
fn deleted_and_replaced_files_come_back() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox
        .put_file("/d/run.txt", b"first", Some("2020-01-01T00:00:00Z"))?;
    env.sandbox
        .put_file("/d/run.txt", b"second!", Some("2021-01-01T00:00:00Z"))?;
    let listed = env.node_tool(["revisions", "dbx:d/run.txt"])?.ok()?;
    let states = lines(&listed);
    assert_eq!(states.len(), 2, "{listed}");
    assert!(
        states[0].ends_with("           7 2021-01-01 00:00:00"),
        "{listed}"
    );
    let first = states[1].split(' ').next().context("no revision")?;
    env.node_tool(["restore", "dbx:d/run.txt", "--rev", first])?
        .ok()?;
    assert_eq!(
        env.sandbox.read_file("/d/run.txt").as_deref(),
        Some(&b"first"[..])
    );
    env.node_tool(["deletefile", "dbx:d/run.txt"])?.ok()?;
    let end = env.node_tool(["revisions", "dbx:d/run.txt"])?;
    assert!(end.err.contains("node-tool restore dbx:d/run.txt"), "{}", end.err);
    env.node_tool(["restore", "dbx:d/run.txt"])?.ok()?;
    assert_eq!(
        env.sandbox.read_file("/d/run.txt").as_deref(),
        Some(&b"first"[..])
    );
    Ok(())
}

#[test]
fn a_check_against_nothing_names_all_that_is_missing() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/d/x", b"x", None)?;
    let end = env.node_tool(["check", "dbx:d", "dbx:no", "--combined", "-"])?;
    assert_eq!((end.code, end.out.as_str()), (1, "+ x\n"), "{}", end.err);
    assert!(end.err.contains("'dbx:no' is not there"), "{}", end.err);
    env.node_tool(["check", "dbx:no", "dbx:d"])?.fails(3)?;
    Ok(())
}

#[test]
fn search_finds_names() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/a/Spectrum one.txt", b"x", None)?;
    env.sandbox.put_folder("/b/spectrum")?;
    env.sandbox.put_file("/c/other", b"x", None)?;
    let found = env.node_tool(["search", "dbx:", "spectrum"])?.ok()?;
    let mut found = lines(&found);
    found.sort_unstable();
    assert_eq!(found, ["a/Spectrum one.txt", "b/spectrum/"]);
    assert_eq!(
        env.node_tool(["search", "dbx:a", "spectrum", "--names-only"])?
            .ok()?,
        "a/Spectrum one.txt\n"
    );
    env.node_tool(["search", "dbx:c", "spectrum"])?.fails(4)?;
    Ok(())
}

#[test]
fn changes_are_told_as_they_come() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/in/old", b"x", None)?;
    let mut command = env.command("node-tool")?;
    command.args(["watch", "dbx:in", "--count", "3"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut told = String::new();
    BufReader::new(child.stderr.take().context("no stderr")?).read_line(&mut told)?;
    assert!(told.contains("watching 'dbx:in'"), "{told}");
    env.sandbox.put_file("/in/New", b"x", None)?;
    env.sandbox.put_folder("/in/folder")?;
    env.sandbox.put_file("/elsewhere", b"x", None)?;
    env.sandbox.remove("/in/old")?;
    let mut out = String::new();
    child
        .stdout
        .take()
        .context("no stdout")?
        .read_to_string(&mut out)?;
    assert!(child.wait()?.success());
    let mut out = lines(&out);
    out.sort_unstable();
    assert_eq!(out, ["+ in/New", "+ in/folder/", "- in/old"]);
    Ok(())
}

#[test]
fn what_would_remove_much_asks_first() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/d/x", b"x", None)?;
    let mut terminal = env.terminal("node-tool", &["purge", "dbx:d"])?;
    terminal.expect("Delete 'dbx:d' and everything in it? (y/n) [n]> ")?;
    terminal.send("\r")?;
    assert_eq!(terminal.end()?.0, 1);
    assert!(env.sandbox.read_file("/d/x").is_some());
    env.node_tool(["purge", "dbx:d", "--dry-run"])?.ok()?;
    assert!(env.sandbox.read_file("/d/x").is_some());
    let terminal = env.terminal("node-tool", &["purge", "dbx:d", "--yes"])?;
    assert_eq!(terminal.end()?.0, 0);
    assert!(env.sandbox.tree().is_empty());
    Ok(())
}

#[test]
fn removing_an_empty_folder_lists_nothing_else() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for number in 0..50 {
        env.sandbox.put_file(&format!("/much/{number}/x"), b"x", None)?;
    }
    env.sandbox.put_folder("/empty")?;
    env.sandbox.put_folder("/hollow/a/b")?;
    env.sandbox.reset_calls();
    env.node_tool(["rmdir", "dbx:empty"])?.ok()?;
    env.node_tool(["rmdirs", "dbx:hollow"])?.ok()?;
    let listed: Vec<String> = env.sandbox.tree().into_iter().map(|entry| entry.path).collect();
    assert!(
        !listed
            .iter()
            .any(|path| path.starts_with("/empty") || path.starts_with("/hollow")),
        "{listed:?}"
    );
    assert_eq!(
        env.sandbox.count("files/list_folder/continue"),
        0,
        "{:?}",
        env.sandbox.counts()
    );
    Ok(())
}

#[test]
fn deleting_takes_few_calls_and_heeds_filters() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for number in 0..1200 {
        env.sandbox
            .put_file(&format!("/d/{}/{number}.tmp", number % 7), b"x", None)?;
    }
    env.sandbox.put_file("/d/3/keep.txt", b"x", None)?;
    let end = env.node_tool(["delete", "dbx:d", "--include", "*.tmp", "--dry-run"])?;
    assert_eq!(
        end.err.matches("Skipped delete as --dry-run is set").count(),
        1200
    );
    env.node_tool(["delete", "dbx:d", "--include", "*.tmp", "--rmdirs"])?
        .ok()?;
    let left = env.node_tool(["lsf", "-R", "dbx:d"])?.ok()?;
    assert_eq!(left, "3/\n3/keep.txt\n");
    assert_eq!(
        env.sandbox.count("files/delete_batch"),
        3,
        "{:?}",
        env.sandbox.counts()
    );
    Ok(())
}

#[test]
fn touch_makes_files_and_says_what_dropbox_cannot() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.node_tool(["touch", "dbx:done", "--timestamp", "2020-02-03T04:05:06"])?
        .ok()?;
    assert_eq!(
        env.node_tool(["lsf", "-F", "tsp", "dbx:"])?.ok()?,
        "2020-02-03 04:05:06;0;done\n"
    );
    env.node_tool(["touch", "dbx:done", "-t", "210203"])?.ok()?;
    assert_eq!(
        env.node_tool(["lsf", "-F", "tsp", "dbx:"])?.ok()?,
        "2021-02-03 00:00:00;0;done\n"
    );
    env.sandbox.put_file("/full", b"x", None)?;
    env.node_tool(["touch", "dbx:none", "--no-create"])?.ok()?;
    assert_eq!(env.node_tool(["lsf", "dbx:"])?.ok()?, "done\nfull\n");
    env.node_tool(["touch", "here", "-t", "2020-02-03"])?.ok()?;
    assert_eq!(
        env.node_tool(["lsf", "-F", "t", "here"])?.ok()?,
        "2020-02-03 00:00:00\n"
    );
    Ok(())
}

#[test]
fn flags_come_from_the_environment_and_logs_go_where_they_should() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    fs::create_dir_all(env.path("from/deep"))?;
    fs::write(env.path("from/a: b.txt"), "x")?;
    fs::write(env.path("from/deep/c"), "x")?;
    let mut command = env.command("node-tool")?;
    command
        .args(["copy", "from", "dbx:to"])
        .env("NODE_TOOL_MAX_DEPTH", "1")
        .env("NODE_TOOL_DRY_RUN", "true");
    let end = run(command, "")?;
    assert!(end.err.contains("1 file to copy") && end.code == 0, "{}", end.err);
    let mut command = env.command("node-tool")?;
    command.args([
        "copy",
        "from",
        "dbx:to",
        "-v",
        "--log-file",
        "log",
        "--use-json-log",
    ]);
    let end = run(command, "")?;
    assert_eq!(end.code, 0, "{}", end.err);
    let log = fs::read_to_string(env.path("log"))?;
    let lines: Vec<serde_json::Value> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let copied = lines
        .iter()
        .find(|line| line["object"] == "a: b.txt")
        .context("not logged")?;
    assert_eq!(
        (&copied["msg"], &copied["level"]),
        (&"Copied (new)".into(), &"info".into()),
        "{log}"
    );
    assert!(
        !end.err.contains("Copied (new)") && end.err.contains("2 files copied"),
        "{}",
        end.err
    );
    // A second run writes behind it.
    let mut command = env.command("node-tool")?;
    command.args([
        "copy",
        "from",
        "dbx:to",
        "-v",
        "--log-file",
        "log",
        "--checkers",
        "8",
        "--fast-list",
    ]);
    run(command, "")?.ok()?;
    let longer = fs::read_to_string(env.path("log"))?;
    assert!(
        longer.starts_with(&log) && longer.contains("INFO  : --checkers has no effect here: "),
        "{longer}"
    );
    Ok(())
}

#[test]
fn leftovers_of_killed_downloads_are_found_and_removed() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let old = env.path("down/deep/.node-tool.0123456789abcdef.partial");
    tests::files::write(&old, b"half", 1_500_000_000)?;
    let fresh = env.path("down/.node-tool.fedcba9876543210.partial");
    fs::write(&fresh, "half")?;
    let other = env.path("down/.node-tool.notes.partial");
    tests::files::write(&other, b"mine", 1_500_000_000)?;
    let end = env.node_tool(["cleanup", "down", "--dry-run"])?;
    assert!(
        end.err.contains("1 file (4 B) could be removed") && old.exists(),
        "{}",
        end.err
    );
    let end = env.node_tool(["cleanup", "down"])?;
    assert!(
        end.err.contains("fedcba9876543210.partial' is fresh and stays"),
        "{}",
        end.err
    );
    assert!(!old.exists() && fresh.exists() && other.exists());
    env.node_tool(["cleanup", "down", "--all"])?.ok()?;
    assert!(!fresh.exists() && other.exists());
    Ok(())
}

#[test]
fn a_dumb_terminal_sees_no_control_sequences() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    tests::files::write(&env.path("from/a"), &tests::files::noise(1, 9 << 20), 1)?;
    let mut terminal = env.shell("TERM=dumb node-tool copy from dbx:to -P; echo ended $?")?;
    terminal.expect("ended 0")?;
    let (_, screen) = terminal.end()?;
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    Ok(())
}

#[test]
fn without_a_terminal_lines_tell_how_far_it_is() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    tests::files::write(&env.path("from/a"), &tests::files::noise(1, 40 << 20), 1)?;
    let end = env.node_tool(["copy", "from", "dbx:to", "--stats", "1ms", "--stats-one-line"])?;
    assert!(
        end.code == 0 && end.err.contains(" MiB of 40.00 MiB, 0 of 1 files\n"),
        "{}",
        end.err
    );
    let end = env.node_tool(["copy", "dbx:to", "back", "--stats", "0", "-P"])?;
    assert_eq!(end.err.lines().count(), 1, "{}", end.err);
    Ok(())
}

#[test]
fn rates_are_kept() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = tests::files::noise(1, 3 << 20);
    tests::files::write(&env.path("from/a"), &bytes, 1)?;
    let timed = |args: &[&str]| -> anyhow::Result<std::time::Duration> {
        let began = std::time::Instant::now();
        env.node_tool(args)?.ok()?;
        Ok(began.elapsed())
    };
    // The last chunk may go when those before it have had their time.
    let least = std::time::Duration::from_millis(1300);
    assert!(timed(&["copy", "from", "dbx:to", "--bwlimit", "2M"])? >= least);
    assert!(timed(&["copy", "dbx:to", "down", "--bwlimit", "off:2M"])? >= least);
    assert!(fs::read(env.path("down/a"))? == bytes);
    // Three calls: the third may begin after two intervals.
    env.sandbox.reset_calls();
    let took = timed(&["copy", "from", "dbx:again", "--tpslimit", "2"])?;
    let calls = u32::try_from(env.sandbox.calls().len())?;
    assert!(
        calls >= 2 && took >= std::time::Duration::from_millis(490) * (calls - 1),
        "{calls} calls in {took:?}"
    );
    for bad in [
        ["--bwlimit", "fast"],
        ["--tpslimit", "-1"],
        ["--bwlimit", "1M:2M:3M"],
    ] {
        let err = env.node_tool(["lsd", "dbx:", bad[0], bad[1]])?;
        assert_eq!(err.code, 2, "{bad:?}: {}", err.err);
    }
    Ok(())
}
