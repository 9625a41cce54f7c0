//! `sync` and `move`: what protects people, and how few calls it takes. tests/peers compares the outcomes with rclone's.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use sandbox::{Fault, Kind};
use serde_json::{Value, json};
use tests::browser::{Button, consent_address, press, shown_code};
use tests::files::{differences, noise, write};
use tests::test_env::TestEnv;

fn with_files(count: usize) -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    for number in 0..count {
        let path = env.path(&format!("from/d{}/{number}", number % 3));
        write(&path, format!("file {number}").as_bytes(), 1_600_000_000)?;
    }
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    env.sandbox.reset_calls();
    Ok(env)
}

fn there(env: &TestEnv) -> anyhow::Result<Vec<String>> {
    let listed = env.node_tool(["lsf", "-R", "--files-only", "dbx:to"])?.ok()?;
    Ok(listed.lines().map(str::to_owned).collect())
}

#[test]
fn an_empty_or_half_listed_source_deletes_nothing() -> anyhow::Result<()> {
    let env = with_files(3)?;
    fs::create_dir(env.path("empty"))?;
    let err = env.node_tool(["sync", "empty", "dbx:to"])?.fails(1)?;
    assert!(
        err.contains("'empty' is empty; nothing was deleted") && err.contains("node-tool delete dbx:to"),
        "{err}"
    );
    env.node_tool(["sync", "not there", "dbx:to"])?.fails(3)?;
    // A name that Dropbox can't have: the listing is not whole.
    fs::remove_dir_all(env.path("from/d0"))?;
    let odd = env.path("from").join(OsStr::from_bytes(b"\xff"));
    fs::write(&odd, "x")?;
    let err = env.node_tool(["sync", "from", "dbx:to"])?.fails(6)?;
    assert!(
        err.contains("nothing will be deleted") && err.contains("not UTF-8"),
        "{err}"
    );
    assert_eq!(there(&env)?.len(), 3);
    fs::remove_file(odd)?;
    // A file that could not be copied.
    write(&env.path("from/new"), b"new", 1)?;
    env.sandbox.fault(Fault::on("files/upload", Kind::Route {
        error: json!({".tag": "path", "reason": {".tag": "conflict", "conflict": {".tag": "file"}}, "upload_session_id": "s"}),
    }));
    let err = env.node_tool(["sync", "from", "dbx:to"])?.fails(1)?;
    assert!(err.contains("so nothing was deleted"), "{err}");
    assert_eq!(there(&env)?.len(), 3);
    let end = env.node_tool(["sync", "from", "dbx:to"])?;
    assert!(end.code == 0 && end.err.contains("1 deleted"), "{}", end.err);
    assert_eq!(there(&env)?, ["d1/1", "d2/2", "new"]);
    Ok(())
}

#[test]
fn many_deletes_are_asked_for_on_a_terminal_and_limited_anywhere() -> anyhow::Result<()> {
    let env = with_files(20)?;
    fs::remove_dir_all(env.path("from/d0"))?;
    let err = env
        .node_tool(["sync", "from", "dbx:to", "--max-delete", "6"])?
        .fails(7)?;
    assert!(
        err.contains("7 files would be deleted") && err.contains("--max-delete 6"),
        "{err}"
    );
    let mut terminal = env.terminal("node-tool", &["sync", "from", "dbx:to"])?;
    let said = terminal.expect("Delete 7 files from dbx:to? (y/n) [n]> ")?;
    assert!(
        said.contains("  d0/0\n") && said.contains("… and 2 more"),
        "{said}"
    );
    terminal.send("\r")?;
    assert_eq!(terminal.end()?.0, 1);
    assert_eq!(there(&env)?.len(), 20);
    let mut terminal = env.terminal("node-tool", &["sync", "from", "dbx:to"])?;
    terminal.expect("(y/n) [n]> ")?;
    terminal.send("y\r")?;
    let (code, screen) = terminal.end()?;
    assert!(code == 0 && screen.contains("7 deleted"), "{screen}");
    assert_eq!(
        env.node_tool(["lsf", "dbx:to"])?.ok()?,
        "d1/\nd2/\n",
        "its folder went too"
    );
    fs::remove_dir_all(env.path("from/d1"))?;
    let mut terminal = env.terminal("node-tool", &["sync", "from", "dbx:to", "--yes"])?;
    terminal.expect("7 deleted")?;
    assert_eq!(terminal.end()?.0, 0);
    Ok(())
}

#[test]
fn each_step_can_be_asked_for() -> anyhow::Result<()> {
    let env = with_files(4)?;
    fs::remove_file(env.path("from/d1/1"))?;
    for name in ["a", "b", "c", "d"] {
        write(&env.path(&format!("from/{name}")), name.as_bytes(), 1)?;
    }
    let mut terminal = env.terminal("node-tool", &["sync", "-i", "from", "dbx:to"])?;
    for (question, reply) in [
        ("node-tool: copy \"a\"?", "y"),
        ("node-tool: copy \"b\"?", "n"),
        ("node-tool: copy \"c\"?", "what"),
        ("type one of", "!"),
        ("node-tool: delete \"d1/1\"?", "n"),
    ] {
        terminal.expect(question)?;
        terminal.expect("y/n/s/!/q [y]> ")?;
        terminal.send(&format!("{reply}\r"))?;
    }
    assert_eq!(terminal.end()?.0, 0);
    assert_eq!(there(&env)?, ["a", "c", "d", "d0/0", "d0/3", "d1/1", "d2/2"]);
    env.node_tool(["copy", "-i", "from", "dbx:to"])?.fails(2)?;
    Ok(())
}

#[test]
fn a_plan_can_be_read_by_people_and_scripts() -> anyhow::Result<()> {
    let env = with_files(3)?;
    fs::rename(env.path("from/d0/0"), env.path("from/renamed"))?;
    write(&env.path("from/d1/1"), b"longer than before", 1_600_000_000)?;
    write(&env.path("from/d2/2"), b"file 2", 1_700_000_000)?;
    write(&env.path("from/new"), b"new", 1)?;
    let end = env.node_tool(["sync", "from", "dbx:to", "--dry-run"])?;
    for line in [
        "NOTICE: d1/1: Skipped copy as --dry-run is set (size 18 B, size differs)",
        "NOTICE: d2/2: Skipped copy as --dry-run is set (size 6 B, time differs, content would decide)",
        "NOTICE: new: Skipped copy as --dry-run is set (size 3 B, new)",
        "NOTICE: d0/0: Skipped delete as --dry-run is set (size 6 B)",
        "dry run, from to dbx:to: 4 files to copy (33 B), 0 already there, 1 to delete",
    ] {
        assert!(end.err.contains(line), "{line}\n{}", end.err);
    }
    let out = env
        .node_tool(["sync", "from", "dbx:to", "--dry-run", "--json", "--track-renames"])?
        .ok()?;
    let mut steps: Vec<Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    for fields in steps.iter_mut().filter_map(Value::as_object_mut) {
        fields.retain(|name, _| name != "schema" && name != "type");
    }
    assert!(
        steps.contains(
            &json!({"action": "copy", "path": "d1/1", "to": "d1/1", "size": 18, "why": "size-differs"})
        ),
        "{out}"
    );
    assert!(
        steps.contains(&json!({"action": "rename", "path": "d0/0", "to": "renamed", "size": 6})),
        "{out}"
    );
    assert!(
        steps.contains(
            &json!({"action": "copy", "path": "d2/2", "to": "d2/2", "size": 6, "why": "hash-decides"})
        ),
        "{out}"
    );
    assert!(!steps.iter().any(|step| step["action"] == "delete"), "{out}");
    assert_eq!(there(&env)?.len(), 3);
    Ok(())
}

#[test]
fn a_renamed_tree_is_renamed_not_sent() -> anyhow::Result<()> {
    let env = with_files(300)?;
    fs::rename(env.path("from/d0"), env.path("from/other name"))?;
    env.node_tool(["sync", "from", "dbx:to", "--track-renames"])?
        .ok()?;
    let counts = env.sandbox.counts();
    assert_eq!(counts.get("files/move_batch_v2"), Some(&1), "{counts:?}");
    assert!(!counts.keys().any(|route| route.contains("upload")), "{counts:?}");
    env.node_tool(["copy", "dbx:to", "back"])?.ok()?;
    assert_eq!(
        differences(&env.path("from"), &env.path("back"))?,
        Vec::<String>::new()
    );
    Ok(())
}

#[test]
fn within_an_account_nothing_travels() -> anyhow::Result<()> {
    let env = with_files(300)?;
    env.node_tool(["move", "dbx:to", "dbx:archive/2026"])?.ok()?;
    let counts = env.sandbox.counts();
    assert_eq!(counts.get("files/move_batch_v2"), Some(&1), "{counts:?}");
    let other = counts
        .iter()
        .filter(|(route, _)| !route.contains("/check"))
        .map(|(_, n)| n)
        .sum::<usize>();
    assert_eq!(other, 3, "a listing, a look at the target, one move: {counts:?}");
    env.sandbox.reset_calls();
    env.node_tool(["copy", "dbx:archive/2026", "dbx:to"])?.ok()?;
    let counts = env.sandbox.counts();
    assert_eq!(counts.get("files/copy_batch_v2"), Some(&1), "{counts:?}");
    assert!(
        !counts
            .keys()
            .any(|route| route.contains("upload") || route.contains("download")),
        "{counts:?}"
    );
    env.node_tool(["check", "dbx:archive/2026", "dbx:to"])?.ok()?;
    // Again, nothing is left to do.
    env.sandbox.reset_calls();
    env.node_tool(["sync", "dbx:archive/2026", "dbx:to"])?.ok()?;
    assert!(!env.sandbox.counts().keys().any(|route| route.contains("batch")));
    for overlap in [
        ["move", "dbx:to", "dbx:to/inner"],
        ["sync", "dbx:to/d1", "dbx:to"],
    ] {
        let err = env.node_tool(overlap)?.fails(7)?;
        assert!(err.contains("one is inside the other"), "{err}");
    }
    let err = env.node_tool(["sync", "dbx:to", "dbx:TO/"])?.fails(7)?;
    assert!(err.contains("the same place"), "{err}");
    let ended = env.node_tool(["copy", "dbx:to", "dbx:to/"])?;
    let said = ended.err.clone();
    ended.ok()?;
    assert!(said.contains("the same place"), "{said}");
    Ok(())
}

#[test]
fn a_file_that_cannot_be_replaced_on_the_server_is_put_back() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/a/x", b"new content", None)?;
    env.sandbox.put_file("/b/x", b"old", None)?;
    env.sandbox.fault(Fault::on(
        "files/copy_batch_v2",
        Kind::Route {
            error: json!({".tag": "other"}),
        },
    ));
    env.node_tool(["copy", "dbx:a", "dbx:b"])?.fails(1)?;
    assert_eq!(env.sandbox.read_file("/b/x").as_deref(), Some(&b"old"[..]));
    env.node_tool(["copy", "dbx:a", "dbx:b"])?.ok()?;
    assert_eq!(
        env.sandbox.read_file("/b/x").as_deref(),
        Some(&b"new content"[..])
    );
    Ok(())
}

#[test]
fn between_two_accounts_files_pass_through_the_node() -> anyhow::Result<()> {
    let env = with_files(30)?;
    write(&env.path("from/big"), &noise(7, 9 << 20), 1_500_000_000)?;
    write(&env.path("from/empty"), b"", 1_500_000_000)?;
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    env.sandbox.sit_down("Bob", "Other", "bob@example.org");
    let mut terminal = env.terminal(
        "node-tool",
        &["config", "create", "bob", "--app-key", env.sandbox.app_key()],
    )?;
    let said = terminal.expect("token> ")?;
    terminal.send(&format!(
        "{}\r",
        shown_code(&press(&consent_address(&said)?, Button::Allow)?)?
    ))?;
    assert_eq!(terminal.end()?.0, 0);
    let end = env.node_tool(["copy", "dbx:to", "bob:from ann", "-v"])?;
    assert!(
        end.code == 0 && end.err.contains("32 files copied"),
        "{}",
        end.err
    );
    assert!(end.err.contains("d1/1: Copied (new)"), "{}", end.err);
    env.node_tool(["copy", "bob:from ann", "back"])?.ok()?;
    assert_eq!(
        differences(&env.path("from"), &env.path("back"))?,
        Vec::<String>::new()
    );
    env.node_tool(["move", "bob:from ann", "dbx:back"])?.ok()?;
    assert_eq!(env.node_tool(["lsf", "-R", "--files-only", "bob:"])?.ok()?, "");
    env.node_tool(["check", "from", "dbx:back"])?.ok()?;
    Ok(())
}

#[test]
fn limits_end_a_run_with_their_own_codes() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (name, size) in [("a", 3000), ("b", 1000), ("c", 2000)] {
        write(&env.path(&format!("from/{name}")), &noise(1, size), 1_600_000_000)?;
    }
    let err = env
        .node_tool([
            "copy",
            "from",
            "dbx:to",
            "--max-transfer",
            "3500b",
            "--order-by",
            "size",
        ])?
        .fails(8)?;
    assert!(
        err.contains("2 files copied") && err.contains("repeat the command"),
        "{err}"
    );
    assert_eq!(there(&env)?, ["b", "c"]);
    env.sandbox
        .fault(Fault::on("files/upload", Kind::Stall { millis: 600_000 }));
    let err = env
        .node_tool(["copy", "from", "dbx:to", "--max-duration", "1s"])?
        .fails(10)?;
    assert!(err.contains("--max-duration"), "{err}");
    env.sandbox.clear_faults();
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    env.node_tool(["copy", "from", "dbx:to", "--error-on-no-transfer"])?
        .fails(9)?;
    write(&env.path("from/a"), &noise(2, 3000), 1_600_000_000)?;
    let err = env
        .node_tool(["copy", "from", "dbx:to", "--immutable", "--checksum"])?
        .fails(6)?;
    assert!(err.contains("--immutable is set"), "{err}");
    env.node_tool(["copy", "dbx:to", "down"])?.ok()?;
    write(&env.path("down/a"), &noise(3, 3000), 1_500_000_000)?;
    let err = env
        .node_tool(["copy", "dbx:to", "down", "--immutable"])?
        .fails(6)?;
    assert!(err.contains("--immutable is set"), "{err}");
    Ok(())
}

#[test]
fn what_is_replaced_or_deleted_can_be_kept() -> anyhow::Result<()> {
    let env = with_files(3)?;
    fs::remove_file(env.path("from/d0/0"))?;
    write(&env.path("from/d1/1"), b"changed", 1_600_000_000)?;
    env.node_tool([
        "sync",
        "from",
        "dbx:to",
        "--backup-dir",
        "dbx:to/old",
        "--suffix",
        ".bak",
    ])?
    .ok()?;
    assert_eq!(there(&env)?, ["d1/1", "d2/2", "old/d0/0.bak", "old/d1/1.bak"]);
    assert_eq!(
        env.sandbox.read_file("/to/old/d1/1.bak").as_deref(),
        Some(&b"file 1"[..])
    );
    assert_eq!(
        env.sandbox.read_file("/to/d1/1").as_deref(),
        Some(&b"changed"[..])
    );
    let err = env
        .node_tool(["sync", "from", "dbx:to", "--backup-dir", "here"])?
        .fails(2)?;
    assert!(err.contains("same side as the target"), "{err}");
    for itself in ["dbx:to", "dbx:TO/"] {
        write(&env.path("from/d1/1"), itself.as_bytes(), 1_700_000_000)?;
        let err = env
            .node_tool(["copy", "from", "dbx:to", "--backup-dir", itself])?
            .fails(2)?;
        assert!(err.contains("can't be the target itself"), "{err}");
    }
    assert_eq!(
        env.sandbox.read_file("/to/d1/1").as_deref(),
        Some(&b"changed"[..])
    );
    // And downwards.
    env.node_tool(["copy", "dbx:to/d1", "down"])?.ok()?;
    write(&env.path("down/1"), b"mine", 1)?;
    env.node_tool(["sync", "dbx:to/d1", "down", "--backup-dir", "kept"])?
        .ok()?;
    assert_eq!(fs::read(env.path("kept/1"))?, b"mine");
    assert_eq!(fs::read(env.path("down/1"))?, b"changed");
    Ok(())
}

#[test]
fn a_cloud_document_is_never_written_over() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_document("/to/meeting.paper", "we met")?;
    write(&env.path("from/meeting.html"), b"exported before", 1)?;
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    let stored: Vec<String> = env.sandbox.tree().into_iter().map(|entry| entry.path).collect();
    // The name of its export is free for a file, which has nothing to do with it.
    assert_eq!(stored, ["/to", "/to/meeting.html", "/to/meeting.paper"]);
    let listed = env.node_tool(["lsf", "dbx:to"])?.ok()?;
    assert_eq!(listed, "meeting.html\nmeeting.paper.html\n");
    Ok(())
}

#[test]
fn a_file_is_never_moved_onto_itself() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/a/File.txt", b"the only one", None)?;
    env.node_tool(["config", "copy", "dbx", "alias"])?.ok()?;
    for (verb, source, dest) in [
        ("sync", "dbx:a", "dbx:A"),
        ("sync", "dbx:a", "dbx:a/"),
        ("move", "dbx:a/File.txt", "dbx:a"),
        ("move", "dbx:a", "alias:a"),
        ("move", "alias:a/File.txt", "dbx:a"),
        ("sync", "dbx:a", "alias:a"),
    ] {
        let err = env.node_tool([verb, source, dest])?.fails(7)?;
        assert!(err.contains("the same place"), "{verb} {source} {dest}: {err}");
    }
    for (verb, source, dest) in [("move", "dbx:a", "alias:a/b"), ("sync", "alias:", "dbx:a")] {
        let err = env.node_tool([verb, source, dest])?.fails(7)?;
        assert!(
            err.contains("one is inside the other"),
            "{verb} {source} {dest}: {err}"
        );
    }
    assert_eq!(
        env.sandbox.read_file("/a/File.txt").as_deref(),
        Some(&b"the only one"[..])
    );
    // A file may go up into a folder around it.
    env.node_tool(["move", "dbx:a/File.txt", "dbx:"])?.ok()?;
    env.node_tool(["move", "dbx:File.txt", "dbx:a"])?.ok()?;
    // By one name or by two, the server does the work.
    env.sandbox.reset_calls();
    env.node_tool(["move", "dbx:a", "alias:b"])?.ok()?;
    assert_eq!(env.sandbox.count("files/move_batch_v2"), 1);
    assert_eq!(
        env.sandbox.read_file("/b/File.txt").as_deref(),
        Some(&b"the only one"[..])
    );
    Ok(())
}

#[test]
fn files_that_dropbox_cannot_tell_apart_never_replace_each_other() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    // Few, which are looked at one by one, and in two folders that become one.
    for (folder, one, other) in [("few", "A", "a"), ("nested", "D/x", "d/x")] {
        write(&env.path(&format!("{folder}/{one}")), b"one", 1_600_000_000)?;
        write(&env.path(&format!("{folder}/{other}")), b"other", 1_600_000_000)?;
        let target = format!("dbx:{folder}");
        for _ in 0..3 {
            let copied = env.node_tool(["copy", folder, &target])?;
            assert_eq!(copied.code, 6, "{}", copied.err);
            let there = env.sandbox.read_file(&format!("/{folder}/{one}"));
            assert_eq!(there.as_deref(), Some(&b"one"[..]), "{}", copied.err);
        }
        let moved = env.node_tool(["move", folder, &target])?;
        assert_eq!(moved.code, 6, "{}", moved.err);
        assert!(env.path(&format!("{folder}/{other}")).exists());
    }
    Ok(())
}

#[test]
fn a_renamed_symlink_is_made_again() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/p/l1.rclonelink", b"there", None)?;
    env.sandbox.put_file("/p/f", b"f", None)?;
    env.node_tool(["sync", "dbx:p", "down", "--links"])?.ok()?;
    env.sandbox.rename("/p/l1.rclonelink", "/p/l2.rclonelink")?;
    env.node_tool(["sync", "dbx:p", "down", "--links", "--track-renames"])?
        .ok()?;
    let names: Vec<String> = tests::files::snapshot(&env.path("down"))?.into_keys().collect();
    assert_eq!(names, ["f", "l2"]);
    Ok(())
}

#[test]
fn check_compares_what_sync_would() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for path in ["s/d/x", "s/k", "s/grown"] {
        write(&env.path(path), b"1", 1_600_000_000)?;
    }
    env.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    write(&env.path("s/d/.nosync"), b"", 1_600_000_000)?;
    write(&env.path("s/grown"), &[0; 5000], 1_600_000_000)?;
    let filter = ["--exclude-if-present", ".nosync", "--max-size", "1k"];
    let check = |source, dest| env.node_tool([&["check", source, dest], &filter[..]].concat());
    // The source has them, and leaves them out.
    let told = check("s", "dbx:t")?;
    assert!(
        told.err.contains("0 differences found, 1 matching"),
        "{}",
        told.err
    );
    told.ok()?;
    // The target has it, in another size; and so it would be replaced.
    let told = check("dbx:t", "s")?.fails(1)?;
    assert!(told.contains("grown: sizes differ"), "{told}");
    assert!(!told.contains("not in"), "{told}");
    Ok(())
}
