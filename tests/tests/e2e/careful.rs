//! Nothing of anybody's is lost: not what stands in the target, not what came meanwhile, not what was already sent.

use std::fs;

use anyhow::Context as _;
use sandbox::{Fault, Kind, Sandbox};
use tests::{
    browser::{Button, consent_address, press, shown_code},
    files::{noise, write},
    test_env::{TestEnv, output_of, until},
};

const FINISH: &str = "files/upload_session/finish_batch_v2";
const APPEND: &str = "files/upload_session/append_v2";

fn files_there(env: &TestEnv) -> usize {
    env.sandbox
        .tree()
        .iter()
        .filter(|stored| !stored.is_folder)
        .count()
}

#[test]
fn two_files_with_one_name_here_are_not_written_over_each_other() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_document("/p/notes.paper", "a document")?;
    env.sandbox.put_file("/p/notes.html", b"a page", None)?;
    env.node_tool(["move", "dbx:p", "down"])?.ok()?;
    assert_eq!(fs::read(env.path("down/notes.html"))?, b"a page");
    assert_eq!(fs::read(env.path("down/notes.paper.html"))?, b"a document");
    assert_eq!(
        files_there(&env),
        1,
        "the document stays: {:?}",
        env.sandbox.tree()
    );
    Ok(())
}

#[test]
fn a_kept_listing_is_of_one_folder_only() -> anyhow::Result<()> {
    let env = TestEnv::with(Sandbox::builder().page_limit(5).even_pages())?;
    env.connect("dbx")?;
    // One letter to Rust and two to Dropbox, which is of an older Unicode.
    for n in 0..12 {
        env.sandbox.put_file(&format!("/Ꙋ/upper {n}"), b"x", None)?;
        env.sandbox.put_file(&format!("/ꙋ/lower {n}"), b"x", None)?;
    }
    for (folder, word) in [("Ꙋ", "upper"), ("ꙋ", "lower"), ("Ꙋ", "upper")] {
        let out = env.node_tool(["lsf", "-R", &format!("dbx:{folder}")])?.ok()?;
        assert!(out.lines().all(|line| line.contains(word)), "{folder}: {out}");
    }
    Ok(())
}

#[test]
fn what_is_the_same_after_all_needs_no_backup() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox
        .put_file("/from/file", b"the same", Some("2020-01-01T00:00:00Z"))?;
    write(&env.path("to/file"), b"the same", 1_500_000_000)?;
    env.node_tool(["copy", "dbx:from", "to", "--backup-dir", "kept"])?
        .ok()?;
    assert_eq!(fs::read(env.path("to/file"))?, b"the same");
    assert!(!env.path("kept/file").exists());
    // And up, where it must not change either.
    write(&env.path("to/file"), b"the same", 1_500_000_000)?;
    env.sandbox.reset_calls();
    env.node_tool([
        "copy",
        "to",
        "dbx:from",
        "--backup-dir",
        "dbx:kept",
        "--immutable",
    ])?
    .ok()?;
    assert_eq!(env.sandbox.count("files/upload"), 0);
    assert_eq!(files_there(&env), 1);
    // What differs is kept and replaced.
    write(&env.path("to/file"), b"another!", 1_500_000_000)?;
    env.node_tool(["copy", "to", "dbx:from", "--backup-dir", "dbx:kept"])?
        .ok()?;
    assert_eq!(
        env.sandbox.read_file("/kept/file").as_deref(),
        Some(&b"the same"[..])
    );
    assert_eq!(
        env.sandbox.read_file("/from/file").as_deref(),
        Some(&b"another!"[..])
    );
    Ok(())
}

#[test]
fn a_move_of_what_exists_moves_nothing_where_nothing_is() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/m/file", b"x", None)?;
    env.node_tool(["move", "dbx:m", "dbx:new", "--existing"])?.ok()?;
    assert!(env.sandbox.read_file("/m/file").is_some());
    Ok(())
}

#[test]
fn no_step_of_a_job_goes_through_a_symlink() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox
        .put_file("/e/link/renamed", &noise(1, 500), Some("2020-01-01T00:00:00Z"))?;
    env.sandbox.put_folder("/e/link/empty")?;
    write(&env.path("to/old"), &noise(1, 500), 1_577_836_800)?;
    fs::create_dir(env.path("outside"))?;
    std::os::unix::fs::symlink(env.path("outside"), env.path("to/link"))?;
    let words = [
        "sync",
        "dbx:e",
        "to",
        "--create-empty-src-dirs",
        "--track-renames",
        "--yes",
    ];
    let err = env.node_tool(words)?.fails(6)?;
    assert!(
        err.contains("a symlink to a folder is at 'link' in the target"),
        "{err}"
    );
    assert_eq!(fs::read_dir(env.path("outside"))?.count(), 0);
    assert!(env.path("to/old").exists(), "what can't be renamed stays");
    Ok(())
}

#[test]
fn an_edit_made_here_while_the_other_version_came_is_kept() -> anyhow::Result<()> {
    for (over, is_twin) in [(false, false), (true, false), (false, true)] {
        let env = TestEnv::connected()?;
        env.sandbox
            .put_file("/from/file", b"theirs", Some("2020-01-01T00:00:00Z"))?;
        if over {
            write(&env.path("to/file"), b"mine", 1_500_000_000)?;
        }
        let wait = Kind::Stall { millis: 1000 };
        env.sandbox.fault(Fault::on("files/download", wait));
        let child = env.start(&["copy", "dbx:from", "to"])?;
        let is_partial = |entry: fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".partial");
        until(|| fs::read_dir(env.path("to")).is_ok_and(|mut there| there.any(|e| e.is_ok_and(is_partial))))?;
        if is_twin {
            // Another process has brought the same.
            write(&env.path("to/file"), b"theirs", 1_577_836_800)?;
            assert_eq!(output_of(child)?.code, 0);
            assert_eq!(fs::read_dir(env.path("to"))?.count(), 1, "nothing is left");
            continue;
        }
        write(&env.path("to/file"), b"mine, edited", 1_600_000_000)?;
        let end = output_of(child)?;
        assert_eq!(end.code, 1, "{}", end.err);
        assert!(end.err.contains("meanwhile, and stays"), "{}", end.err);
        assert_eq!(fs::read(env.path("to/file"))?, b"mine, edited");
        env.node_tool(["copy", "dbx:from", "to"])?.ok()?;
        assert_eq!(fs::read(env.path("to/file"))?, b"theirs");
    }
    Ok(())
}

#[test]
fn one_entry_that_dropbox_cannot_read_does_not_cost_the_others() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..20_u64 {
        write(&env.path(&format!("from/{n}")), &noise(n, 300), 1_500_000_000)?;
    }
    let bad = |times| {
        let kind = Kind::Status {
            status: 400,
            html: false,
        };
        Fault::on(FINISH, kind).times(times)
    };
    env.sandbox.fault(bad(1));
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(files_there(&env), 20);
    // Of a single one the time is left out.
    for name in ["a", "b"] {
        write(&env.path("two").join(name), name.as_bytes(), 1_500_000_000)?;
    }
    env.sandbox.fault(bad(2));
    let end = env.node_tool(["copy", "two", "dbx:two"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(end.err.contains("without its modification time"), "{}", end.err);
    Ok(())
}

#[test]
fn small_files_do_not_wait_for_a_huge_one() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..10_u64 {
        write(&env.path(&format!("from/{n}")), &noise(n, 300), 1_500_000_000)?;
    }
    write(&env.path("from/huge"), &noise(99, 40 << 20), 1_500_000_000)?;
    let slow = Fault::on(APPEND, Kind::Stall { millis: 3_600_000 });
    env.sandbox.fault(slow.times(1000));
    let mut child = env.start(&["copy", "from", "dbx:to"])?;
    let seen = until(|| files_there(&env) == 10);
    child.kill()?;
    child.wait()?;
    seen.context("the small ones are not there")
}

#[test]
fn a_finished_upload_outlives_commits_that_fail() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/big"), &noise(7, 64 << 20), 1_500_000_000)?;
    let unavailable = Kind::Status {
        status: 503,
        html: true,
    };
    env.sandbox.fault(Fault::on(FINISH, unavailable).times(1000));
    let end = env.node_tool(["copy", "from", "dbx:to", "--low-level-retries", "2"])?;
    assert_ne!(end.code, 0, "{}", end.err);
    let sent = env.sandbox.count(APPEND);
    env.sandbox.clear_faults();
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert!(
        env.sandbox.count(APPEND) <= sent + 1,
        "nothing but the closing piece is sent again"
    );
    assert_eq!(env.sandbox.read_file("/to/big"), Some(noise(7, 64 << 20)));
    Ok(())
}

#[test]
fn a_file_that_cannot_be_touched_stays_as_it_is() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.node_tool(["touch", "dbx:done", "-t", "2020-02-03T04:05:06"])?
        .ok()?;
    for route in ["files/upload", "files/delete_batch", "files/move_batch_v2"] {
        let refused = Kind::Status {
            status: 400,
            html: false,
        };
        env.sandbox.fault(Fault::on(route, refused));
        let end = env.node_tool(["touch", "dbx:done"])?;
        assert_eq!(end.code, 1, "{route}: {}", end.err);
        env.sandbox.clear_faults();
        assert_eq!(
            env.node_tool(["lsf", "-F", "tsp", "dbx:"])?.ok()?,
            "2020-02-03 04:05:06;0;done\n",
            "{route}: nothing else, and the old one"
        );
    }
    Ok(())
}

#[test]
fn what_a_killed_process_left_half_written_goes() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/file"), b"text", 1_500_000_000)?;
    let cache = env.home().join(".cache/node-tool");
    write(&cache.join("hashes.4711.new"), &noise(1, 1000), 1_500_000_000)?;
    write(&cache.join("notes.new"), b"somebody's", 1_500_000_000)?;
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert!(!cache.join("hashes.4711.new").exists());
    assert!(cache.join("notes.new").exists());
    Ok(())
}

#[test]
fn a_relay_that_is_stopped_makes_no_more_temporary_folders() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    // More than pass at once.
    for n in 0..1100 {
        env.sandbox
            .put_file(&format!("/from/{n}"), b"x", Some("2020-01-01T00:00:00Z"))?;
    }
    env.sandbox.sit_down("Bob", "Other", "bob@example.org");
    let mut terminal = env.terminal(
        "node-tool",
        &["config", "create", "bob", "--app-key", env.sandbox.app_key()],
    )?;
    let said = terminal.expect("token> ")?;
    let code = shown_code(&press(&consent_address(&said)?, Button::Allow)?)?;
    terminal.send(&format!("{code}\r"))?;
    assert_eq!(terminal.end()?.0, 0);
    fs::create_dir(env.path("tmp"))?;
    let wait = Kind::Stall { millis: 400 };
    env.sandbox.fault(Fault::on("files/download", wait).times(10_000));
    let mut command = env.command("node-tool")?;
    command
        .args(["copy", "dbx:from", "bob:to"])
        .env("TMPDIR", env.path("tmp"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn()?;
    until(|| env.sandbox.count("files/download") >= 1)?;
    // From now on none can be made, and that would be said.
    fs::rename(env.path("tmp"), env.path("tmp-away"))?;
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id())?).context("no process")?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    let end = output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    assert!(!end.err.contains("no temporary folder"), "{}", end.err);
    Ok(())
}
