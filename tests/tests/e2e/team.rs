//! A team account: which root a remote starts from, and what happens when the team changes.

use sandbox::Sandbox;
use tests::browser::{Button, consent_address, press, shown_code};
use tests::files;
use tests::test_env::{TestEnv, output_of, until};

fn in_a_team() -> anyhow::Result<TestEnv> {
    let env = TestEnv::with(Sandbox::builder().team_space())?;
    env.sandbox.put_file("/mine.txt", b"mine", None)?;
    Ok(env)
}

fn roots(env: &TestEnv) -> anyhow::Result<String> {
    env.node_tool(["lsd", "dbx:"])?.ok()
}

#[test]
fn the_root_is_asked_for_once_and_kept() -> anyhow::Result<()> {
    let env = in_a_team()?;
    let args = ["config", "create", "dbx", "--app-key", env.sandbox.app_key()];
    let mut terminal = env.terminal("node-tool", &args)?;
    let said = terminal.expect("token> ")?;
    let code = shown_code(&press(&consent_address(&said)?, Button::Allow)?)?;
    terminal.send(&format!("{code}\r"))?;
    let said = terminal.expect("root [home]> ")?;
    assert!(
        said.contains(
            "home) your own folder, /Ann Example in the team space\n  team) the whole team space\n"
        ),
        "{said}"
    );
    terminal.send("everything\r")?;
    terminal.expect("answer home or team")?;
    terminal.expect("root [home]> ")?;
    terminal.send("team\r")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    assert!(roots(&env)?.contains("Ann Example"));
    let show = env.node_tool(["config", "show", "dbx"])?.ok()?;
    assert!(show.contains("root = team\n"), "{show}");
    // A new login keeps it.
    let mut terminal = env.terminal("node-tool", &["config", "reconnect", "dbx:"])?;
    let said = terminal.expect("token> ")?;
    let code = shown_code(&press(&consent_address(&said)?, Button::Allow)?)?;
    terminal.send(&format!("{code}\r"))?;
    assert_eq!(terminal.end()?.0, 0);
    assert!(roots(&env)?.contains("Ann Example"));
    // And it can be changed.
    assert_eq!(
        env.node_tool(["config", "edit", "dbx", "--root", "home"])?.ok()?,
        "dbx: starts at your own folder\n"
    );
    assert_eq!(env.node_tool(["ls", "dbx:"])?.ok()?, "        4 mine.txt\n");
    let mut terminal = env.terminal("node-tool", &["config", "edit", "dbx"])?;
    terminal.expect("root (home or team) [home]> ")?;
    terminal.send("team\r")?;
    assert_eq!(terminal.end()?.0, 0);
    assert_eq!(
        env.node_tool(["ls", "dbx:"])?.ok()?,
        "        4 Ann Example/mine.txt\n"
    );
    Ok(())
}

#[test]
fn scripts_give_the_root_as_a_flag() -> anyhow::Result<()> {
    let env = in_a_team()?;
    let tokens = env.sandbox.tokens()?;
    let token =
        serde_json::json!({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token});
    let key = env.sandbox.app_key();
    let create = |name: &str, more: &[&str]| {
        let args = ["config", "create", name, "--app-key", key, "--token-stdin"];
        env.node_tool_with(args.iter().chain(more), &token.to_string())
    };
    let quiet = create("quiet", &[])?;
    assert!(
        quiet.err.contains("node-tool config edit quiet --root team"),
        "{}",
        quiet.err
    );
    assert_eq!(create("team", &["--root", "team"])?.code, 0);
    assert_eq!(create("home", &["--root", "home"])?.err, "");
    assert!(env.node_tool(["lsd", "team:"])?.ok()?.contains("Ann Example"));
    assert_eq!(env.node_tool(["lsd", "home:"])?.ok()?, "");
    let alone = TestEnv::new()?;
    let tokens = alone.sandbox.tokens()?;
    let token = serde_json::json!({"access_token": tokens.access_token}).to_string();
    let args = [
        "config",
        "create",
        "dbx",
        "--app-key",
        alone.sandbox.app_key(),
        "--token-stdin",
        "--root",
        "team",
    ];
    let err = alone.node_tool_with(args, &token)?.fails(2)?;
    assert!(
        err.contains("has no team space") && err.contains("--root home"),
        "{err}"
    );
    assert!(!alone.config().exists());
    Ok(())
}

#[test]
fn a_team_space_that_moved_is_found_again() -> anyhow::Result<()> {
    let env = in_a_team()?;
    env.connect("dbx")?;
    env.node_tool(["config", "edit", "dbx", "--root", "team"])?.ok()?;
    std::fs::create_dir(env.path("from"))?;
    std::fs::write(env.path("from/file"), "text")?;
    env.sandbox.change_team(2002);
    let end = env.node_tool(["copy", "from", "dbx:Ann Example/to"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(end.err.contains("the team space has moved"), "{}", end.err);
    assert_eq!(env.sandbox.read_file("/to/file").as_deref(), Some(&b"text"[..]));
    let end = env.node_tool(["lsd", "dbx:"])?;
    assert!(
        end.out.contains("Ann Example") && end.err.is_empty(),
        "it was kept: {}",
        end.err
    );
    Ok(())
}

#[test]
fn one_account_from_two_roots_is_not_mistaken_for_two() -> anyhow::Result<()> {
    let env = in_a_team()?;
    env.connect("home")?;
    env.connect("team")?;
    env.node_tool(["config", "edit", "team", "--root", "team"])?
        .ok()?;
    for verb in ["move", "sync"] {
        let err = env.node_tool([verb, "home:", "team:Ann Example"])?.fails(2)?;
        assert!(err.contains("one account, seen from different roots"), "{err}");
    }
    assert_eq!(env.sandbox.read_file("/mine.txt").as_deref(), Some(&b"mine"[..]));
    Ok(())
}

/// A team with two folders of its own, beside the member's; gives the namespace of the first.
fn with_team_folders() -> anyhow::Result<(TestEnv, String)> {
    let env = in_a_team()?;
    let data = env.sandbox.put_team_folder("TeamData")?;
    let results = env.sandbox.put_team_folder("Results")?;
    env.sandbox.put_file(
        &format!("ns:{data}/run/a.txt"),
        b"theirs",
        Some("2020-01-02T03:04:05Z"),
    )?;
    env.sandbox
        .put_file(&format!("ns:{results}/r.txt"), b"result", None)?;
    env.sandbox.put_file("/TeamData/own.txt", b"own", None)?;
    env.connect("dbx")?;
    files::write(&env.path("a/new.txt"), b"new", 1_600_000_000)?;
    Ok((env, data))
}

/// What the team's folder holds.
fn team_file(env: &TestEnv, data: &str, path: &str) -> Option<String> {
    let bytes = env.sandbox.read_file(&format!("ns:{data}/{path}"))?;
    String::from_utf8(bytes).ok()
}

#[test]
fn a_slash_is_the_teams_root_in_every_verb_that_lists() -> anyhow::Result<()> {
    let (env, _) = with_team_folders()?;
    let out = |args: &[&str]| env.node_tool(args).and_then(|end| end.ok());
    assert_eq!(out(&["lsf", "dbx:"])?, "TeamData/\nmine.txt\n");
    assert_eq!(out(&["lsf", "dbx:/"])?, "Ann Example/\nResults/\nTeamData/\n");
    assert_eq!(out(&["lsf", "-R", "dbx:TeamData"])?, "own.txt\n");
    for typed in ["dbx:/TeamData", "dbx://TeamData/", "dbx:/./teamdata"] {
        assert_eq!(out(&["lsf", "-R", typed])?, "run/\nrun/a.txt\n", "{typed}");
    }
    assert_eq!(out(&["ls", "dbx:/TeamData"])?, "        6 run/a.txt\n");
    assert_eq!(
        out(&["lsl", "dbx:/TeamData/run/a.txt"])?,
        "        6 2020-01-02 03:04:05.000000000 a.txt\n"
    );
    assert!(out(&["lsd", "dbx:/TeamData"])?.ends_with(" run\n"));
    assert!(out(&["lsjson", "--stat", "dbx:/TeamData/run/a.txt"])?.contains("a.txt"));
    assert!(out(&["tree", "dbx:/TeamData"])?.contains("a.txt"));
    assert!(out(&["size", "dbx:/TeamData"])?.contains("Total objects: 1"));
    assert!(out(&["hashsum", "dropbox", "dbx:/TeamData"])?.ends_with("  run/a.txt\n"));
    assert_eq!(out(&["cat", "dbx:/TeamData/run/a.txt"])?, "theirs");
    assert_eq!(
        out(&["search", "dbx:/TeamData", "a.txt"])?,
        "/TeamData/run/a.txt\n"
    );
    assert_eq!(out(&["search", "dbx:TeamData", "own.txt"])?, "TeamData/own.txt\n");
    assert!(out(&["about", "dbx:/"])?.starts_with("Total:"));
    assert_eq!(
        out(&["lsf", "-R", "dbx:/", "--include", "/TeamData/**"])?,
        "TeamData/\nTeamData/run/\nTeamData/run/a.txt\n"
    );
    Ok(())
}

#[test]
fn a_slash_is_the_teams_root_in_every_verb_that_changes() -> anyhow::Result<()> {
    let (env, data) = with_team_folders()?;
    let out = |args: &[&str]| env.node_tool(args).and_then(|end| end.ok());
    let there = |path: &str| team_file(&env, &data, path);
    out(&["copy", "a", "dbx:/TeamData"])?;
    assert_eq!(there("new.txt").as_deref(), Some("new"));
    out(&["copyto", "a/new.txt", "dbx:/TeamData/second.txt"])?;
    assert_eq!(there("second.txt").as_deref(), Some("new"));
    out(&["copy", "dbx:/TeamData", "back"])?;
    assert_eq!(std::fs::read_to_string(env.path("back/run/a.txt"))?, "theirs");
    let end = env.node_tool(["check", "back", "dbx:/TeamData"])?;
    assert!(
        end.code == 0 && end.err.contains("3 matching files"),
        "{}",
        end.err
    );
    out(&["mkdir", "dbx:/TeamData/deep/er"])?;
    assert_eq!(out(&["lsf", "dbx:/TeamData/deep"])?, "er/\n");
    out(&["rmdir", "dbx:/TeamData/deep/er"])?;
    out(&["rmdirs", "dbx:/TeamData/deep"])?;
    out(&["touch", "dbx:/TeamData/touched"])?;
    assert_eq!(there("touched").as_deref(), Some(""));
    out(&["deletefile", "dbx:/TeamData/touched"])?;
    out(&["delete", "dbx:/TeamData", "--include", "/second.txt"])?;
    assert_eq!((there("touched"), there("second.txt")), (None, None));
    out(&["purge", "--yes", "dbx:/TeamData/run"])?;
    assert_eq!(there("run/a.txt"), None);
    let said = env.node_tool(["revisions", "dbx:/TeamData/run/a.txt"])?;
    assert!(
        said.err.contains("node-tool restore dbx:/TeamData/run/a.txt"),
        "{}",
        said.err
    );
    let said = env.node_tool(["restore", "dbx:/TeamData/run/a.txt"])?;
    assert!(
        said.err.contains("restored 'dbx:/TeamData/run/a.txt'"),
        "{}",
        said.err
    );
    assert_eq!(there("run/a.txt").as_deref(), Some("theirs"));
    let link = out(&["link", "dbx:/TeamData/run/a.txt"])?;
    assert!(link.starts_with("https://"), "{link}");
    let said = env.node_tool(["link", "--unlink", "dbx:/TeamData/run/a.txt"])?;
    assert!(said.err.contains("1 link ended"), "{}", said.err);
    out(&["sync", "a", "dbx:/TeamData", "--backup-dir", "dbx:/TeamData/old"])?;
    assert_eq!(
        out(&["lsf", "-R", "dbx:/TeamData"])?,
        "new.txt\nold/\nold/run/\nold/run/a.txt\n"
    );
    out(&["move", "a", "dbx:/TeamData/moved"])?;
    assert_eq!(there("moved/new.txt").as_deref(), Some("new"));
    // None of it was below the member's own folder.
    let own: Vec<String> = env.sandbox.tree().into_iter().map(|at| at.path).collect();
    assert_eq!(own, ["/mine.txt", "/TeamData", "/TeamData/own.txt"]);
    Ok(())
}

#[test]
fn what_was_typed_with_a_slash_is_shown_with_it() -> anyhow::Result<()> {
    let (env, _) = with_team_folders()?;
    let err = |args: &[&str]| env.node_tool(args).map(|end| end.err);
    let said = err(&["ls", "dbx:/TeamData/no/where"])?;
    assert!(
        said.contains("'dbx:/TeamData/no/where' is not there") && said.contains("node-tool lsd dbx:/\n"),
        "{said}"
    );
    let said = err(&["copy", "a", "dbx:/TeamData", "--dry-run"])?;
    assert!(said.contains("dry run, a to dbx:/TeamData:"), "{said}");
    let said = err(&["purge", "dbx:/"])?;
    assert!(said.contains("node-tool delete dbx:/ --rmdirs"), "{said}");
    let said = err(&["deletefile", "dbx:/TeamData/run"])?;
    assert!(said.contains("node-tool purge dbx:/TeamData/run"), "{said}");
    let said = err(&["mkdir", "dbx:/Forbidden"])?;
    assert!(said.contains("could not change 'dbx:/Forbidden'"), "{said}");
    let show = env.node_tool(["config", "show", "dbx"])?.ok()?;
    assert!(show.contains("root = home (dbx:/ is the team space)\n"), "{show}");
    Ok(())
}

#[test]
fn watching_the_teams_root_names_changes_as_they_can_be_typed() -> anyhow::Result<()> {
    let (env, data) = with_team_folders()?;
    let watching = env.start(&["watch", "dbx:/TeamData", "--count", "1"])?;
    until(|| env.sandbox.count("files/list_folder/get_latest_cursor") == 1)?;
    env.sandbox.put_file(&format!("ns:{data}/fresh"), b"1", None)?;
    assert_eq!(output_of(watching)?.ok()?, "+ /TeamData/fresh\n");
    Ok(())
}

#[test]
fn between_both_roots_of_a_login_the_server_copies_and_renames() -> anyhow::Result<()> {
    let (env, data) = with_team_folders()?;
    let there = |path: &str| team_file(&env, &data, path);
    env.sandbox.put_file("/own/one.txt", b"one", None)?;
    env.sandbox.put_file("/own/two.txt", b"two", None)?;
    env.node_tool(["copy", "dbx:own", "dbx:/TeamData/from-own"])?
        .ok()?;
    assert_eq!(there("from-own/one.txt").as_deref(), Some("one"));
    let said = env.node_tool(["move", "dbx:/TeamData/run", "dbx:from-team"])?;
    assert_eq!((said.code, there("run/a.txt")), (0, None), "{}", said.err);
    assert_eq!(
        env.sandbox.read_file("/from-team/a.txt").as_deref(),
        Some(&b"theirs"[..])
    );
    let said = env.node_tool(["sync", "dbx:/TeamData/from-own", "dbx:own", "--dry-run"])?;
    assert!(
        said.err
            .contains("dry run, dbx:/TeamData/from-own to dbx:own: 0 files to copy"),
        "{}",
        said.err
    );
    env.node_tool(["moveto", "dbx:own/two.txt", "dbx:/TeamData/third.txt"])?
        .ok()?;
    assert_eq!(
        (
            there("third.txt").as_deref(),
            env.sandbox.read_file("/own/two.txt")
        ),
        (Some("two"), None)
    );
    assert_eq!(
        env.sandbox.count("files/download") + env.sandbox.count("files/upload"),
        0,
        "nothing travels"
    );
    Ok(())
}

#[test]
fn where_the_own_folder_lies_is_asked_when_it_matters() -> anyhow::Result<()> {
    let (env, _) = with_team_folders()?;
    env.sandbox.change_team(2002);
    let data = env.sandbox.put_team_folder("TeamData")?;
    let end = env.node_tool(["copy", "dbx:mine.txt", "dbx:/TeamData"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert_eq!(team_file(&env, &data, "mine.txt").as_deref(), Some("mine"));
    assert_eq!(env.sandbox.count("users/get_current_account"), 1);
    Ok(())
}

#[test]
fn one_place_is_seen_to_be_one_from_both_roots() -> anyhow::Result<()> {
    let (env, _) = with_team_folders()?;
    env.sandbox.put_file("/p/x", b"x", None)?;
    let before = env.sandbox.tree();
    for (from, to) in [
        ("dbx:p", "dbx:/Ann Example/p"),
        ("dbx:/ann example/P", "dbx:p"),
        ("dbx:p/x", "dbx:/Ann Example/p"),
        ("dbx:", "dbx:/Ann Example"),
    ] {
        for (verb, code) in [("copy", 0), ("move", 7), ("sync", 7)] {
            let err = env.node_tool([verb, from, to])?.fails(code)?;
            assert!(
                err.contains("source and target are the same place"),
                "{verb} {from} {to}: {err}"
            );
        }
    }
    for (from, to) in [
        ("dbx:p", "dbx:/Ann Example/p/deeper"),
        ("dbx:/Ann Example/p", "dbx:p/deeper"),
        ("dbx:/Ann Example/p", "dbx:"),
        ("dbx:/", "dbx:p"),
    ] {
        for verb in ["move", "sync"] {
            let err = env.node_tool([verb, from, to])?.fails(7)?;
            let said = format!("can't {verb} '{from}' and '{to}': one is inside the other");
            assert!(err.contains(&said), "{err}");
        }
    }
    assert_eq!(env.sandbox.tree(), before);
    Ok(())
}

#[test]
fn a_backup_folder_may_be_typed_from_the_other_root() -> anyhow::Result<()> {
    let (env, data) = with_team_folders()?;
    env.sandbox.put_file("/t/gone.txt", b"gone", None)?;
    let sync = |backup: &str| env.node_tool(["sync", "a", "dbx:t", "--backup-dir", backup]);
    // Inside the target, whose backups `sync` leaves alone.
    assert_eq!(sync("dbx:/Ann Example/T/old")?.code, 0);
    assert_eq!(sync("dbx:/Ann Example/T/old")?.code, 0);
    assert_eq!(
        env.node_tool(["lsf", "-R", "dbx:t"])?.ok()?,
        "new.txt\nold/\nold/gone.txt\n"
    );
    // In the team's folder, which is beyond the member's own.
    env.sandbox.put_file("/t/more.txt", b"more", None)?;
    assert_eq!(sync("dbx:/TeamData/kept")?.code, 0);
    assert_eq!(team_file(&env, &data, "kept/more.txt").as_deref(), Some("more"));
    // The target itself.
    let err = sync("dbx:/Ann Example/t")?.fails(2)?;
    assert!(err.contains("--backup-dir can't be the target itself"), "{err}");
    Ok(())
}

#[test]
fn on_a_personal_account_a_slash_changes_nothing() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/p/x", b"x", None)?;
    let out = |args: &[&str]| env.node_tool(args).and_then(|end| end.ok());
    for (plain, slash) in [("dbx:", "dbx:/"), ("dbx:p", "dbx:/p"), ("dbx:p/x", "dbx:/p/x")] {
        assert_eq!(out(&["lsl", plain])?, out(&["lsl", slash])?);
        assert_eq!(out(&["search", plain, "x"])?, out(&["search", slash, "x"])?);
    }
    for (verb, code) in [("copy", 0), ("move", 7), ("sync", 7)] {
        let err = env.node_tool([verb, "dbx:p", "dbx:/p"])?.fails(code)?;
        assert!(err.contains("source and target are the same place"), "{err}");
    }
    env.node_tool(["move", "dbx:p", "dbx:/p/deeper"])?.fails(7)?;
    out(&["move", "dbx:/p", "dbx:q"])?;
    assert_eq!(out(&["lsf", "-R", "dbx:/"])?, "q/\nq/x\n");
    assert!(out(&["config", "show", "dbx"])?.contains("root = home\n"));
    Ok(())
}

#[test]
fn where_a_remote_starts_at_the_team_space_both_forms_are_one_place() -> anyhow::Result<()> {
    let (env, _) = with_team_folders()?;
    env.node_tool(["config", "edit", "dbx", "--root", "team"])?.ok()?;
    env.sandbox.reset_calls();
    for typed in ["dbx:", "dbx:/"] {
        assert_eq!(
            env.node_tool(["lsf", typed])?.ok()?,
            "Ann Example/\nResults/\nTeamData/\n"
        );
    }
    let err = env
        .node_tool(["move", "dbx:TeamData", "dbx:/TeamData"])?
        .fails(7)?;
    assert!(err.contains("source and target are the same place"), "{err}");
    assert_eq!(env.sandbox.count("users/get_current_account"), 0);
    assert!(
        env.node_tool(["config", "show", "dbx"])?
            .ok()?
            .contains("root = team\n")
    );
    Ok(())
}

/// Adds a line to the only remote of the config.
fn add_to_config(env: &TestEnv, line: &str) -> anyhow::Result<()> {
    let config = std::fs::read_to_string(env.config())?;
    Ok(std::fs::write(env.config(), format!("{config}{line}\n"))?)
}

#[test]
fn where_a_remote_has_a_namespace_of_its_own_both_forms_start_there() -> anyhow::Result<()> {
    let (env, data) = with_team_folders()?;
    add_to_config(&env, &format!("namespace_id = \"{data}\""))?;
    for typed in ["dbx:", "dbx:/", "dbx:/run/.."] {
        assert_eq!(env.node_tool(["lsf", typed])?.ok()?, "run/\n");
    }
    env.node_tool(["copy", "a", "dbx:/b"])?.ok()?;
    assert_eq!(team_file(&env, &data, "b/new.txt").as_deref(), Some("new"));
    let err = env.node_tool(["move", "dbx:run", "dbx:/run"])?.fails(7)?;
    assert!(err.contains("source and target are the same place"), "{err}");
    // rclone's root_namespace is the same.
    let tokens = env.sandbox.tokens()?;
    let token =
        serde_json::json!({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token});
    let key = env.sandbox.app_key();
    std::fs::write(
        env.home().join(".rclone.conf"),
        format!("[theirs]\ntype = dropbox\nclient_id = {key}\ntoken = {token}\nroot_namespace = {data}\n"),
    )?;
    env.node_tool(["config", "import"])?.ok()?;
    let listed = env.node_tool(["lsf", "theirs:"])?.ok()?;
    assert_eq!(listed, env.node_tool(["lsf", "dbx:"])?.ok()?);
    // One that can't be seen (any more).
    let config = std::fs::read_to_string(env.config())?;
    std::fs::write(env.config(), config.replace(&format!("\"{data}\""), "\"4711\""))?;
    let err = env.node_tool(["lsf", "dbx:/"])?.fails(7)?;
    assert!(
        err.contains("next: node-tool config edit dbx --root home"),
        "{err}"
    );
    env.node_tool(["config", "edit", "dbx", "--root", "home"])?.ok()?;
    assert_eq!(env.node_tool(["lsf", "dbx:"])?.ok()?, "TeamData/\nmine.txt\n");
    Ok(())
}

#[test]
fn where_the_teams_root_is_is_asked_for_at_most_once() -> anyhow::Result<()> {
    let (env, _) = with_team_folders()?;
    let list = || env.node_tool(["lsf", "dbx:/TeamData"]).and_then(|end| end.ok());
    assert_eq!(list()?, "run/\n");
    assert_eq!(
        env.sandbox.count("users/get_current_account"),
        0,
        "known since the login"
    );
    // A config of before.
    let config = std::fs::read_to_string(env.config())?;
    let old: String = config
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("account_"))
        .collect();
    let old = format!(
        "{old}{}",
        config
            .lines()
            .filter(|line| line.starts_with("account_id"))
            .collect::<String>()
    );
    std::fs::write(env.config(), old)?;
    assert_eq!(env.node_tool(["lsf", "dbx:"])?.ok()?, "TeamData/\nmine.txt\n");
    assert_eq!(
        env.sandbox.count("users/get_current_account"),
        0,
        "no slash, no question"
    );
    for _ in 0..2 {
        assert_eq!(list()?, "run/\n");
        assert_eq!(env.sandbox.count("users/get_current_account"), 1);
    }
    Ok(())
}

#[test]
fn who_changes_or_joins_a_team_is_found_at_its_root_by_a_slash() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/mine.txt", b"mine", None)?;
    for team in [2001, 2002] {
        env.sandbox.change_team(team);
        let data = env.sandbox.put_team_folder("TeamData")?;
        env.sandbox.put_file(&format!("ns:{data}/{team}"), b"x", None)?;
        let end = env.node_tool(["lsf", "dbx:/TeamData"])?;
        assert_eq!(end.out, format!("{team}\n"), "{}", end.err);
        assert!(end.err.contains("the team space has moved"), "{}", end.err);
        let end = env.node_tool(["lsf", "dbx:/TeamData"])?;
        assert_eq!(
            (end.out, end.err),
            (format!("{team}\n"), String::new()),
            "it was kept"
        );
    }
    assert_eq!(env.node_tool(["lsf", "dbx:"])?.ok()?, "mine.txt\n");
    Ok(())
}

#[test]
fn listings_are_kept_for_each_root() -> anyhow::Result<()> {
    let env = TestEnv::with(Sandbox::builder().team_space().page_limit(4))?;
    let data = env.sandbox.put_team_folder("X")?;
    for number in 0..9 {
        env.sandbox.put_file(&format!("/X/own{number}"), b"own", None)?;
        env.sandbox
            .put_file(&format!("ns:{data}/team{number}"), b"team", None)?;
    }
    env.connect("dbx")?;
    for _ in 0..2 {
        for (typed, name) in [("dbx:X", "own"), ("dbx:/X", "team")] {
            let listed = env.node_tool(["lsf", "-R", typed])?.ok()?;
            let expected: String = (0..9).map(|number| format!("{name}{number}\n")).collect();
            assert_eq!(listed, expected, "{typed}");
        }
    }
    assert_eq!(
        env.sandbox.count("files/list_folder"),
        2,
        "the second time only changes are asked for"
    );
    Ok(())
}
