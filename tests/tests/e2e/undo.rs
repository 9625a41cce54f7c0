//! What was: deleted files, earlier states, and folders as they were at a time.

use std::fs;
use std::time::Duration;

use sandbox::{Fault, Kind, Sandbox};
use serde_json::{Value, json};
use tests::files::write;
use tests::test_env::TestEnv;

const HOUR: Duration = Duration::from_secs(3600);

/// A connected account with files that are an hour old, and the time of then.
fn an_hour_ago(files: &[(&str, &str)]) -> anyhow::Result<(TestEnv, String)> {
    an_hour_ago_with(TestEnv::connected()?, files)
}

fn an_hour_ago_with(env: TestEnv, files: &[(&str, &str)]) -> anyhow::Result<(TestEnv, String)> {
    for (path, text) in files {
        env.sandbox.put_file(path, text.as_bytes(), None)?;
    }
    let then = env.sandbox.now();
    env.sandbox.advance(HOUR);
    env.sandbox.reset_calls();
    Ok((env, then))
}

/// The files of a folder of the sandbox, with their bytes.
fn files(env: &TestEnv, folder: &str) -> Vec<(String, String)> {
    let all = env.sandbox.tree();
    let files = all.iter().filter(|stored| !stored.is_folder);
    files
        .filter_map(|stored| {
            let path = stored.path.strip_prefix(&format!("{folder}/"))?;
            let bytes = env.sandbox.read_file(&stored.path)?;
            Some((path.to_owned(), String::from_utf8(bytes).ok()?))
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn a_wrong_sync_is_undone_in_one_line_and_with_few_calls() -> anyhow::Result<()> {
    let before = [
        ("/p/Raw/Run1.dat", "1"),
        ("/p/notes.txt", "noon"),
        ("/p/same", "s"),
    ];
    let (env, then) = an_hour_ago(&before)?;
    env.sandbox.put_file("/p/notes.txt", b"wrong", None)?;
    env.sandbox.put_file("/p/new", b"n", None)?;
    env.sandbox.remove("/p/Raw")?;
    let end = env.node_tool(["restore", "dbx:p", "--as-of", &then])?;
    assert_eq!(end.code, 0, "{}", end.err);
    for line in [
        "  + Raw/Run1.dat (1 B): bring back",
        "  ~ notes.txt (4 B): change back",
        "  = new (1 B): stays, it came since",
        "1 file to bring back, 1 to change back, 1 came since and stay (5 B), 1 already so; --delete-new deletes",
        "2 files restored (5 B), 1 already so",
    ] {
        assert!(end.err.contains(line), "{line}\n{}", end.err);
    }
    assert_eq!(
        files(&env, "/p"),
        pairs(&[
            ("new", "n"),
            ("notes.txt", "noon"),
            ("Raw/Run1.dat", "1"),
            ("same", "s"),
        ])
    );
    // One listing; of what is deleted (a file and its folder) and of the new file one call, of the changed one two.
    let counts = env.sandbox.counts();
    assert_eq!(counts["files/list_folder"], 1, "{counts:?}");
    assert_eq!(counts["files/list_revisions"], 5, "{counts:?}");
    assert_eq!(counts["files/restore"], 2, "{counts:?}");
    env.sandbox.reset_calls();
    // Again: there is nothing left to do, but for what came since.
    let end = env.node_tool(["restore", "dbx:p", "--as-of", &then, "--delete-new"])?;
    assert!(
        end.code == 0 && end.err.contains("  - new (1 B): delete, it came since"),
        "{}",
        end.err
    );
    assert!(
        end.err
            .contains("0 files restored (0 B), 3 already so, 1 deleted"),
        "{}",
        end.err
    );
    assert_eq!(env.sandbox.count("files/restore"), 0);
    assert_eq!(files(&env, "/p").len(), 3);
    Ok(())
}

#[test]
fn a_plan_is_shown_and_asked_for() -> anyhow::Result<()> {
    let (env, then) = an_hour_ago(&[("/p/a", "a"), ("/p/b", "b")])?;
    env.sandbox.remove("/p/a")?;
    env.sandbox.put_file("/p/c", b"c", None)?;
    let args = ["restore", "dbx:p", "--as-of", &then, "--dry-run"];
    let end = env.node_tool(args)?;
    assert!(
        end.code == 0 && end.err.contains("  + a (1 B): bring back"),
        "{}",
        end.err
    );
    let shown = env
        .node_tool(args.iter().chain(&["--json", "--delete-new"]))?
        .ok()?;
    let lines: Vec<Value> = shown
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!(lines.len(), 3, "{shown}");
    assert_eq!(
        (&lines[0]["action"], &lines[0]["why"]),
        (&"restore".into(), &"deleted".into())
    );
    assert!(lines[0]["rev"].is_string() && lines[0]["size"] == 1, "{shown}");
    let delete = json!({"schema": 1, "type": "step", "action": "delete", "path": "c", "size": 1});
    assert_eq!(lines[1], delete);
    let mut terminal = env.terminal("node-tool", &["restore", "dbx:p", "--as-of", &then])?;
    terminal.expect("Restore this? (y/n) [n]> ")?;
    terminal.send("\r")?;
    let (code, screen) = terminal.end()?;
    assert!(code == 1 && screen.contains("nothing was changed"), "{screen}");
    assert_eq!(files(&env, "/p"), pairs(&[("b", "b"), ("c", "c")]));
    assert_eq!(env.sandbox.count("files/restore"), 0);
    let terminal = env.terminal("node-tool", &["restore", "dbx:p", "--as-of", &then, "-y"])?;
    let (code, screen) = terminal.end()?;
    assert!(code == 0 && screen.contains("1 file restored"), "{screen}");
    // The filters hold here, too.
    env.sandbox.remove("/p/a")?;
    env.sandbox.remove("/p/b")?;
    env.node_tool([
        "restore",
        "dbx:p",
        "--as-of",
        &then,
        "--include",
        "b",
        "--delete-new",
    ])?
    .ok()?;
    assert_eq!(files(&env, "/p"), pairs(&[("b", "b"), ("c", "c")]));
    Ok(())
}

#[test]
fn a_folder_that_is_deleted_comes_back_with_all_in_it() -> anyhow::Result<()> {
    let (env, then) = an_hour_ago(&[("/Team/p/Deep/x", "x"), ("/Team/p/y", "y"), ("/Team/q", "q")])?;
    env.sandbox.remove("/Team")?;
    env.sandbox.put_file("/Team/z", b"z", None)?;
    let end = env.node_tool(["restore", "dbx:Team/p", "--as-of", &then])?;
    assert!(
        end.code == 0 && end.err.contains("2 files restored"),
        "{}",
        end.err
    );
    assert_eq!(files(&env, "/Team/p"), pairs(&[("Deep/x", "x"), ("y", "y")]));
    assert!(
        env.sandbox.read_file("/Team/q").is_none(),
        "only what was asked for"
    );
    let end = env
        .node_tool(["restore", "dbx:never", "--as-of", &then])?
        .fails(3)?;
    assert!(end.contains("'dbx:never' is not there"), "{end}");
    Ok(())
}

#[test]
fn a_folder_is_restored_into_another_one_by_the_server() -> anyhow::Result<()> {
    let (env, then) = an_hour_ago(&[("/p/a", "a"), ("/p/b", "b"), ("/p/d/c", "c")])?;
    env.sandbox.put_file("/p/a", b"new", None)?;
    env.sandbox.remove("/p/b")?;
    env.sandbox.put_file("/p/e", b"e", None)?;
    let all = pairs(&[("a", "a"), ("b", "b"), ("d/c", "c")]);
    let end = env.node_tool(["restore", "dbx:p", "dbx:old/p", "--as-of", &then])?;
    assert!(
        end.code == 0 && end.err.contains("3 files restored (3 B)"),
        "{}",
        end.err
    );
    assert_eq!(files(&env, "/old/p"), all);
    assert_eq!(
        files(&env, "/p"),
        pairs(&[("a", "new"), ("d/c", "c"), ("e", "e")])
    );
    let counts = env.sandbox.counts();
    assert_eq!(counts["files/restore"], 2, "{counts:?}");
    assert_eq!(counts["files/copy_batch_v2"], 1, "{counts:?}");
    assert!(!counts.contains_key("files/download"), "{counts:?}");
    let end = env.node_tool(["restore", "dbx:p", "dbx:old/p", "--as-of", &then])?;
    assert!(
        end.err.contains("0 files restored (0 B), 3 already so"),
        "{}",
        end.err
    );
    // And onto this machine.
    let end = env.node_tool(["restore", "dbx:p", "here", "--as-of", &then])?;
    assert!(
        end.code == 0 && end.err.contains("3 files restored (3 B)"),
        "{}",
        end.err
    );
    assert_eq!(
        fs::read_to_string(env.path("here/a"))? + &fs::read_to_string(env.path("here/d/c"))?,
        "ac"
    );
    env.node_tool(["restore", "dbx:p", "here", "--as-of", &then, "--delete-new"])?
        .fails(2)?;
    Ok(())
}

#[test]
fn what_the_server_does_not_restore_elsewhere_goes_through_the_node() -> anyhow::Result<()> {
    let env = TestEnv::with(Sandbox::builder().restores_in_place())?;
    env.connect("dbx")?;
    let (env, then) = an_hour_ago_with(env, &[("/p/a", "a"), ("/p/b", "b")])?;
    env.sandbox.put_file("/p/a", b"new", None)?;
    let end = env.node_tool(["restore", "dbx:p", "dbx:old", "--as-of", &then])?;
    assert!(
        end.code == 0 && end.err.contains("2 files restored"),
        "{}",
        end.err
    );
    assert_eq!(files(&env, "/old"), pairs(&[("a", "a"), ("b", "b")]));
    assert_eq!(env.sandbox.count("files/download"), 1);
    env.node_tool(["restore", "dbx:p", "--as-of", &then])?.ok()?;
    assert_eq!(files(&env, "/p"), pairs(&[("a", "a"), ("b", "b")]));
    Ok(())
}

#[test]
fn a_folder_that_became_a_file_comes_back_and_a_moved_file_is_where_it_was() -> anyhow::Result<()> {
    let (env, then) = an_hour_ago(&[("/p/a/x", "x"), ("/p/old", "moved"), ("/p/b", "b")])?;
    env.sandbox.remove("/p/a")?;
    env.sandbox.put_file("/p/a", b"a file", None)?;
    env.sandbox.rename("/p/old", "/p/moved")?;
    let end = env.node_tool(["restore", "dbx:p", "--as-of", &then])?;
    assert!(
        end.code == 0 && end.err.contains("  - a (6 B): delete, it came since"),
        "its name is needed: {}",
        end.err
    );
    assert_eq!(
        files(&env, "/p"),
        pairs(&[("a/x", "x"), ("b", "b"), ("moved", "moved"), ("old", "moved"),])
    );
    env.node_tool(["restore", "dbx:p", "--as-of", &then, "--delete-new"])?
        .ok()?;
    assert_eq!(
        files(&env, "/p"),
        pairs(&[("a/x", "x"), ("b", "b"), ("old", "moved")])
    );
    Ok(())
}

#[test]
fn a_file_that_was_not_there_between_two_states_is_not_brought_back() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/p/a", b"first", None)?;
    env.sandbox.put_file("/p/b", b"b", None)?;
    env.sandbox.advance(HOUR);
    env.sandbox.remove("/p/a")?;
    let then = env.sandbox.now();
    env.sandbox.advance(HOUR);
    env.sandbox.put_file("/p/a", b"second", None)?;
    let end = env.node_tool(["restore", "dbx:p", "--as-of", &then])?;
    assert!(
        end.code == 0 && end.err.contains("  = a (6 B): stays, it came since"),
        "{}",
        end.err
    );
    assert_eq!(env.sandbox.read_file("/p/a").as_deref(), Some(&b"second"[..]));
    Ok(())
}

#[test]
fn a_file_with_more_states_than_a_page_is_found() -> anyhow::Result<()> {
    let (env, then) = an_hour_ago(&[("/p/a", "then")])?;
    for number in 0..230 {
        env.sandbox
            .put_file("/p/a", format!("state {number}").as_bytes(), None)?;
    }
    env.node_tool(["restore", "dbx:p", "--as-of", &then])?.ok()?;
    assert_eq!(env.sandbox.read_file("/p/a").as_deref(), Some(&b"then"[..]));
    // Ten, a hundred, a hundred and the rest; and one that says how the state of then ended.
    assert_eq!(env.sandbox.count("files/list_revisions"), 5);
    Ok(())
}

#[test]
fn a_state_that_is_not_kept_any_more_is_reported_and_the_rest_goes_on() -> anyhow::Result<()> {
    let (env, then) = an_hour_ago(&[("/p/a", "a"), ("/p/b", "b"), ("/p/c", "c")])?;
    for name in ["a", "b", "c"] {
        env.sandbox.remove(&format!("/p/{name}"))?;
    }
    let error = json!({".tag": "invalid_revision"});
    env.sandbox
        .fault(Fault::on("files/restore", Kind::Route { error }));
    let end = env.node_tool(["restore", "dbx:p", "--as-of", &then, "--delete-new"])?;
    assert_eq!(end.code, 6, "{}", end.err);
    assert!(
        end.err
            .contains("Dropbox has no such state of it, or not any more")
            && end.err.contains("1 failed"),
        "{}",
        end.err
    );
    assert_eq!(files(&env, "/p").len(), 2);
    // Repeating it does the rest.
    env.sandbox.reset_calls();
    let end = env.node_tool(["restore", "dbx:p", "--as-of", &then])?;
    assert!(
        end.code == 0 && end.err.contains("1 file restored (1 B), 2 already so"),
        "{}",
        end.err
    );
    assert_eq!(env.sandbox.count("files/restore"), 1);
    Ok(())
}

#[test]
fn what_is_older_than_the_plan_keeps_is_gone() -> anyhow::Result<()> {
    let env = TestEnv::with(Sandbox::builder().history(2 * HOUR))?;
    env.connect("dbx")?;
    let (env, then) = an_hour_ago_with(env, &[("/p/a", "a"), ("/p/b", "b")])?;
    env.sandbox.remove("/p/a")?;
    env.sandbox.put_file("/p/b", b"new", None)?;
    env.sandbox.advance(3 * HOUR);
    let end = env.node_tool(["restore", "dbx:p", "--as-of", &then])?;
    assert!(
        end.code == 0 && end.err.contains("  = b (3 B): stays"),
        "{}",
        end.err
    );
    assert_eq!(files(&env, "/p"), pairs(&[("b", "new")]));
    Ok(())
}

#[test]
fn deleted_files_are_listed_with_their_times() -> anyhow::Result<()> {
    let (env, then) = an_hour_ago(&[("/p/Raw/a.dat", "123"), ("/p/b", "b"), ("/p/c", "c")])?;
    env.sandbox.put_shared_folder("/p/shared", false)?;
    env.sandbox.put_file("/p/shared/s", b"s", None)?;
    env.sandbox.remove("/p/Raw")?;
    env.sandbox.remove("/p/b")?;
    env.sandbox.remove("/p/shared/s")?;
    let at = env.sandbox.now().replace('T', " ").replace('Z', "");
    let at = &at[..17]; // the seconds may have gone on
    let zone = |args: &[&str]| -> anyhow::Result<String> {
        let mut command = env.command("node-tool")?;
        command.args(args).env("TZ", "UTC");
        tests::test_env::run(command, "")?.ok()
    };
    let listed = zone(&["ls", "--deleted", "dbx:p"])?;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(
        lines[0].starts_with(&format!("        3 {at}")) && lines[0].ends_with(" Raw/a.dat"),
        "{listed}"
    );
    assert!(lines[2].ends_with(" shared/s  (Ann Example)"), "{listed}");
    let listed = zone(&["lsl", "--deleted", "dbx:p", "--include", "b"])?;
    let then = then.replace('T', " ").replace('Z', "");
    assert!(
        listed.starts_with(&format!("        1 {then} {at}")) && listed.ends_with(" b\n"),
        "{listed}"
    );
    assert_eq!(zone(&["lsf", "--deleted", "dbx:p"])?, "Raw/\nb\n");
    let listed = zone(&["lsf", "--deleted", "-R", "--format", "psdb", "dbx:p"])?;
    assert!(
        listed.contains("shared/s;1;") && listed.contains(";Ann Example\n"),
        "{listed}"
    );
    assert!(listed.contains("Raw/;-1;;\n"), "{listed}");
    assert_eq!(
        zone(&["lsf", "--deleted", "-R", "dbx:p/Raw"])?,
        "a.dat\n",
        "of a deleted folder"
    );
    let json = env
        .node_tool(["lsjson", "--deleted", "-R", "--hash", "dbx:p"])?
        .ok()?;
    let items: Vec<Value> = serde_json::from_str(&json)?;
    let b = items.iter().find(|item| item["Path"] == "b");
    let b = b.unwrap_or(&Value::Null);
    assert!(
        b["DeletedTime"].is_string() && b["Hashes"]["dropbox"].is_string() && b["IsDir"] == false,
        "{json}"
    );
    let bare = env
        .node_tool(["lsjson", "--deleted", "--dirs-only", "--no-mimetype", "dbx:p"])?
        .ok()?;
    assert!(
        bare.contains("\"Path\":\"Raw\"") && !bare.contains("MimeType"),
        "{bare}"
    );
    env.node_tool(["lsjson", "--deleted", "--stat", "dbx:p"])?
        .fails(2)?;
    env.node_tool(["ls", "--deleted", "dbx:p/c"])?.fails(2)?;
    env.node_tool(["ls", "--deleted", "dbx:never"])?.fails(3)?;
    env.node_tool(["ls", "--deleted", "."])?.fails(2)?;
    Ok(())
}

#[test]
fn an_earlier_state_is_printed_and_copied() -> anyhow::Result<()> {
    let (env, _) = an_hour_ago(&[("/p/a.txt", "first\n")])?;
    env.sandbox.put_file("/p/a.txt", b"second\n", None)?;
    let json = env.node_tool(["revisions", "--json", "dbx:p/a.txt"])?.ok()?;
    let states: Vec<Value> = json.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(states.len(), 3, "{json}");
    assert!(
        states[0]["is_current"] == true && states[1]["is_current"] == false,
        "{json}"
    );
    assert!(
        states[1]["size"] == 6 && states[1]["uploaded"].is_string() && states[1]["content_hash"].is_string()
    );
    let rev = states[1]["rev"].as_str().unwrap_or_default();
    let cat = ["cat", "dbx:p/a.txt", "--rev", rev];
    assert_eq!(env.node_tool(cat)?.ok()?, "first\n");
    assert_eq!(env.node_tool(cat.iter().chain(&["--head", "3"]))?.ok()?, "fir");
    env.node_tool(["copyto", "dbx:p/a.txt", "old.txt", "--rev", rev])?
        .ok()?;
    assert_eq!(fs::read_to_string(env.path("old.txt"))?, "first\n");
    env.node_tool(["copyto", "dbx:p/a.txt", "dbx:q/old.txt", "--rev", rev])?
        .ok()?;
    assert_eq!(
        env.sandbox.read_file("/q/old.txt").as_deref(),
        Some(&b"first\n"[..])
    );
    // Also of a file that is gone.
    env.sandbox.remove("/p/a.txt")?;
    assert_eq!(env.node_tool(cat)?.ok()?, "first\n");
    env.node_tool(["copyto", "dbx:p/a.txt", "dbx:q/older.txt", "--rev", rev])?
        .ok()?;
    assert_eq!(
        env.sandbox.read_file("/q/older.txt").as_deref(),
        Some(&b"first\n"[..])
    );
    let err = env
        .node_tool(["copyto", "dbx:p/a.txt", "dbx:p/a.txt", "--rev", rev])?
        .fails(2)?;
    assert!(
        err.contains(&format!("node-tool restore dbx:p/a.txt --rev {rev}")),
        "{err}"
    );
    let err = env
        .node_tool(["cat", "dbx:p/a.txt", "--rev", "0123456789abcdef"])?
        .fails(4)?;
    assert!(err.contains("node-tool revisions dbx:p/a.txt"), "{err}");
    write(&env.path("here"), b"x", 1)?;
    env.node_tool(["cat", "here", "--rev", rev])?.fails(2)?;
    env.node_tool(["restore", "dbx:p/a.txt", rev])?.ok()?;
    assert_eq!(
        env.sandbox.read_file("/p/a.txt").as_deref(),
        Some(&b"first\n"[..])
    );
    Ok(())
}

#[test]
fn a_single_file_is_restored_by_its_revision() -> anyhow::Result<()> {
    let (env, then) = an_hour_ago(&[("/p/a", "first")])?;
    env.sandbox.put_file("/p/a", b"second", None)?;
    let err = env
        .node_tool(["restore", "dbx:p/a", "--as-of", &then])?
        .fails(2)?;
    let next = err.lines().find_map(|line| line.strip_prefix("  next: "));
    let next = next
        .unwrap_or_default()
        .strip_prefix("node-tool ")
        .unwrap_or_default();
    env.node_tool(next.split(' '))?.ok()?;
    assert_eq!(env.sandbox.read_file("/p/a").as_deref(), Some(&b"first"[..]));
    env.node_tool(["restore", "dbx:p", "elsewhere"])?.fails(2)?;
    env.node_tool(["restore", "here", "--as-of", &then])?.fails(2)?;
    env.node_tool(["restore", "dbx:p", "--as-of", "yesterday"])?
        .fails(2)?;
    Ok(())
}
