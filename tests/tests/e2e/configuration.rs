//! Where the configuration comes from and what happens to it: files that are none, variables, pipes, rclone's file.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::process::Command;

use serde_json::json;
use tests::next_lines;
use tests::programs::program;
use tests::test_env::{Output, TestEnv, output_of, run};

/// Runs node-tool with variables.
fn with(env: &TestEnv, variables: &[(&str, &str)], args: &[&str]) -> anyhow::Result<Output> {
    let mut command = env.command("node-tool")?;
    command.args(args).envs(variables.iter().copied());
    run(command, "")
}

fn token(env: &TestEnv) -> anyhow::Result<String> {
    let tokens = env.sandbox.tokens()?;
    Ok(json!({
        "access_token": tokens.access_token,
        "token_type": "bearer",
        "refresh_token": tokens.refresh_token,
        "expiry": "2001-01-01T00:00:00Z",
    })
    .to_string())
}

#[test]
fn what_is_no_config_file_stays_as_it_is() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let folder = env.path("folder");
    fs::create_dir(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
    let key = env.sandbox.app_key();
    let create = ["config", "create", "dbx", "--app-key", key, "--token-stdin"];
    for (name, is_empty_config) in [
        ("/dev/null", true),
        ("", true),
        (folder.to_str().unwrap_or_default(), false),
    ] {
        let variable = [("NODE_TOOL_CONFIG", name)];
        with(&env, &variable, &["version"])?.ok()?;
        let listed = with(&env, &variable, &["config", "list"])?;
        assert_eq!(listed.code == 0, is_empty_config, "{name}: {}", listed.err);
        // Before anything is asked of the person or of Dropbox.
        let mut command = env.command("node-tool")?;
        command.args(create).envs(variable);
        let err = run(command, &token(&env)?)?.fails(2)?;
        assert!(err.contains("NODE_TOOL_CONFIG=FILE"), "{err}");
        assert_eq!(env.sandbox.count("oauth2/token"), 0);
    }
    assert!(fs::metadata("/dev/null")?.file_type().is_char_device());
    assert_eq!(fs::metadata("/dev/null")?.permissions().mode() & 0o777, 0o666);
    assert_eq!(fs::metadata(&folder)?.permissions().mode() & 0o777, 0o755);
    assert!(!env.config().exists());
    Ok(())
}

#[test]
fn a_refresh_keeps_what_a_person_wrote_and_the_groups_permissions() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let written = format!(
        "# our group's\r\ngroup_access = true\r\n{}later = 1 # of a newer version\r\n",
        fs::read_to_string(env.config())?.replace('\n', "\r\n")
    );
    fs::write(env.config(), &written)?;
    fs::set_permissions(env.config(), fs::Permissions::from_mode(0o640))?;
    env.sandbox.expire_access_tokens();
    let end = env.node_tool(["lsd", "dbx:"])?;
    assert!(
        end.code == 0 && !end.err.contains("could be read by others"),
        "{}",
        end.err
    );
    let now = fs::read_to_string(env.config())?;
    let lines = |text: &str| -> Vec<String> {
        let is_kept = |line: &&str| !line.starts_with("access_token") && !line.starts_with("expires_at");
        text.split("\r\n").filter(is_kept).map(str::to_owned).collect()
    };
    assert_ne!(now, written);
    assert_eq!(lines(&now), lines(&written));
    assert_eq!(fs::metadata(env.config())?.permissions().mode() & 0o777, 0o640);
    Ok(())
}

#[test]
fn a_login_is_not_ended_before_the_remote_can_be_removed() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let before = fs::read(env.config())?;
    let script = "trap '' XFSZ; ulimit -f 0; node-tool config delete dbx; echo ended $?";
    let mut terminal = env.shell(script)?;
    let said = terminal.expect("ended 2")?;
    assert!(
        said.contains("could not write") && next_lines::says_what_to_do(&said),
        "{said}"
    );
    assert_eq!(env.sandbox.count("auth/token/revoke"), 0);
    assert_eq!(fs::read(env.config())?, before);
    Ok(())
}

#[test]
fn an_imported_login_is_ended_only_on_request() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let conf = env.home().join(".rclone.conf");
    let key = env.sandbox.app_key();
    for flags in [&[][..], &["--end-login"]] {
        fs::write(
            &conf,
            format!(
                "[dbx]\ntype = dropbox\nclient_id = {key}\ntoken = {}\n",
                token(&env)?
            ),
        )?;
        assert_eq!(
            env.node_tool(["config", "import"])?.ok()?,
            "dbx: imported, works as it is\n"
        );
        let shown = env.node_tool(["config", "show", "dbx"])?.ok()?;
        assert!(
            shown.contains(&format!("imported_from = {}", conf.display())),
            "{shown}"
        );
        let mut args = vec!["config", "delete", "dbx"];
        args.extend(flags);
        let said = env.node_tool(args)?.ok()?;
        let ended = !flags.is_empty();
        assert_eq!(env.sandbox.count("auth/token/revoke") == 1, ended);
        assert_eq!(said.contains("would end rclone's"), !ended, "{said}");
    }
    // The same without an import: the token was taken from rclone's file by hand.
    let json = token(&env)?;
    fs::write(
        &conf,
        format!("[dbx]\ntype = dropbox\nclient_id = {key}\ntoken = {json}\n"),
    )?;
    let create = ["config", "create", "dbx", "--app-key", key, "--token-stdin"];
    env.node_tool_with(create, &json)?.ok()?;
    env.sandbox.reset_calls();
    let said = env.node_tool(["config", "delete", "dbx"])?.ok()?;
    assert!(said.contains(".rclone.conf"), "{said}");
    assert_eq!(env.sandbox.count("auth/token/revoke"), 0);
    Ok(())
}

#[test]
fn what_rclone_reads_is_imported_and_what_differs_is_named() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let conf = env.home().join(".rclone.conf");
    let (key, token) = (env.sandbox.app_key(), token(&env)?);
    let old = env.sandbox.tokens()?.access_token;
    let mut text = b"\xef\xbb\xbf# caf\xe9\r\n".to_vec();
    text.extend(
        format!(
            "[ dbx ]\r\ntype: dropbox\r\nclient_id = `{key}`\r\ntoken = `{token}`\r\nroot_namespace = 42\r\n\
             [plain]\ntype = dropbox\nclient_id = {key}\ntoken = {token}\nencoding = None\n\
             [old]\ntype = dropbox\ntoken = {old}\n\
             [gone]\ntype = dropbox\nclient_id = {key}\ntoken = {}\n\
             [boss]\ntype = dropbox\nclient_id = {key}\ntoken = {token}\nimpersonate = bob@example.org\n\
             [secret]\ntype = crypt\nremote = dbx:Secret\n[disk]\ntype = local\n",
            token.replace("\"refresh_token\":\"", "\"refresh_token\":\"no")
        )
        .bytes(),
    );
    fs::write(&conf, text)?;
    let end = env.node_tool(["config", "import"])?;
    assert_eq!(end.code, 1, "{}", end.err);
    for line in [
        "dbx: imported, works as it is\n",
        "plain: imported, works as it is\n",
        "old: imported, works as it is: its token is of the old kind, which has no end\n",
        "gone: imported, but Dropbox doesn't renew its login",
        "boss: imported, works as it is\n",
        "secret: left out: there are no crypt remotes here, and it wraps dbx:Secret",
    ] {
        assert!(end.out.contains(line), "{line}: {}", end.out);
    }
    assert!(!end.out.contains("disk"), "{}", end.out);
    let shown = |name: &str| env.node_tool(["config", "show", name])?.ok();
    let dbx = shown("dbx")?;
    assert!(
        dbx.contains("namespace_id = 42") && dbx.contains("encode_names = true"),
        "{dbx}"
    );
    assert!(!shown("plain")?.contains("encode_names"));
    env.node_tool(["lsd", "old:"])?.ok()?;
    env.node_tool(["lsd", "plain:"])?.ok()?;
    // Names are mapped as in rclone, without a flag.
    fs::create_dir(env.path("from"))?;
    fs::write(env.path("from/a\\b"), "x")?;
    let err = env.node_tool(["copy", "from", "plain:x"])?;
    assert_ne!(err.code, 0);
    let imported = fs::read_to_string(env.config())?.replace("namespace_id = \"42\"\n", "");
    fs::write(env.config(), imported)?;
    env.node_tool(["copy", "from", "dbx:x"])?.ok()?;
    assert_eq!(env.node_tool(["lsf", "dbx:x"])?.ok()?, "a\\b\n");
    assert_eq!(env.node_tool(["lsf", "plain:x"])?.ok()?, "a＼b\n");
    Ok(())
}

#[test]
fn remotes_come_from_variables_too() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (key, tokens, json) = (env.sandbox.app_key(), env.sandbox.tokens()?, token(&env)?);
    let own = [
        ("NODE_TOOL_REMOTE_MY_BOX_APP_KEY", key),
        ("NODE_TOOL_REMOTE_MY_BOX_REFRESH_TOKEN", &*tokens.refresh_token),
    ];
    let rclones = [
        ("RCLONE_CONFIG_DBX_TYPE", "dropbox"),
        ("RCLONE_CONFIG_DBX_CLIENT_ID", key),
        ("RCLONE_CONFIG_DBX_TOKEN", &*json),
    ];
    let bare = [("NODE_TOOL_ACCESS_TOKEN", &*tokens.access_token)];
    with(&env, &own, &["lsd", "my-box:"])?.ok()?;
    with(&env, &rclones, &["lsd", "dbx:"])?.ok()?;
    with(&env, &bare, &["lsd", "any:"])?.ok()?;
    let listed = with(&env, &[&own[..], &rclones].concat(), &["config", "list"])?.ok()?;
    assert!(listed.contains("dbx:") && listed.contains("my_box:"), "{listed}");
    let shown = with(&env, &rclones, &["config", "show", "dbx"])?.ok()?;
    assert!(shown.contains("(from RCLONE_CONFIG_DBX_TOKEN)"), "{shown}");
    assert!(!shown.contains(&tokens.access_token), "{shown}");
    for command in ["delete", "reconnect"] {
        let err = with(&env, &rclones, &["config", command, "dbx"])?.fails(2)?;
        assert!(err.contains("next: unset RCLONE_CONFIG_DBX_CLIENT_ID"), "{err}");
    }
    assert!(!env.config().exists(), "nothing of it is written");
    let wrong = [("NODE_TOOL_REMOTE_DBX_REFRESH_TOKN", "topsecret")];
    let err = with(&env, &wrong, &["lsd", "dbx:"])?.fails(2)?;
    assert!(
        err.contains("NODE_TOOL_REMOTE_DBX_REFRESH_TOKN") && !err.contains("topsecret"),
        "{err}"
    );
    // A login that can't be renewed says which variable wants a new one.
    env.sandbox.revoke_all();
    let err = with(&env, &bare, &["lsd", "any:"])?.fails(7)?;
    assert!(
        err.contains("NODE_TOOL_ACCESS_TOKEN") && !err.contains("reconnect"),
        "{err}"
    );
    Ok(())
}

#[test]
fn a_config_through_a_pipe_is_read_once_and_renewed_for_one_run() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.expire_access_tokens();
    let before = fs::read(env.config())?;
    let moved = env.path("elsewhere.toml");
    fs::rename(env.config(), &moved)?;
    let node_tool = program("node-tool")?;
    for script in [
        "\"$0\" --config <(cat \"$1\") lsd dbx:",
        "cat \"$1\" | \"$0\" --config /dev/stdin lsd dbx:",
        "\"$0\" --config /dev/stdin lsd dbx: < \"$1\"",
    ] {
        let mut command = Command::new("bash");
        env.isolate(&mut command);
        command.args(["-c", script]).arg(&node_tool).arg(&moved);
        let end = run(command, "")?;
        assert!(end.code == 0 && end.err.is_empty(), "{script}: {}", end.err);
    }
    assert_eq!(fs::read(&moved)?, before);
    assert!(!env.config().exists());
    Ok(())
}

#[test]
fn variables_of_flags_are_forgiving_and_named_when_wrong() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for variables in [
        [("NODE_TOOL_NO_CACHE", "1"), ("NODE_TOOL_QUIET", "0")],
        [("NODE_TOOL_NO_CACHE", "yes"), ("NODE_TOOL_QUIET", "no")],
        [("NODE_TOOL_NO_CACHE", ""), ("NODE_TOOL_TRANSFERS", "")],
        [("NODE_TOOL_VERBOSE", ""), ("NODE_TOOL_SITE_CONFIG", "")],
        [("NODE_TOOL_APP_KEY", ""), ("DROPBOX_URL", env.sandbox.origin())],
        [("NODE_TOOL_VERBOSE", "true"), ("NODE_TOOL_MAX_DEPTH", "")],
        [("NODE_TOOL_BWLIMIT", ""), ("NODE_TOOL_LOG_FILE", "")],
        // What is typed wins.
        [("NODE_TOOL_QUIET", "1"), ("NODE_TOOL_TRANSFERS", "3")],
    ] {
        with(&env, &variables, &["lsd", "dbx:", "-v"])?.ok()?;
    }
    for (variable, value) in [
        ("NODE_TOOL_NO_CACHE", "maybe"),
        ("NODE_TOOL_TRANSFERS", "many"),
        ("NODE_TOOL_EXPORT_FORMATS", "docx"),
    ] {
        let err = with(&env, &[(variable, value)], &["lsd", "dbx:"])?.fails(2)?;
        assert!(err.contains(variable), "{err}");
    }
    let both = [("NODE_TOOL_QUIET", "1"), ("NODE_TOOL_VERBOSE", "1")];
    let err = with(&env, &both, &["lsd", "dbx:"])?.fails(2)?;
    assert!(
        err.contains("unset NODE_TOOL_QUIET") && err.contains("unset NODE_TOOL_VERBOSE"),
        "{err}"
    );
    let end = with(&env, &[("NODE_TOOL_TRANSFER", "3")], &["lsd", "dbx:"])?;
    assert!(
        end.code == 0 && end.err.contains("NODE_TOOL_TRANSFERS?"),
        "{}",
        end.err
    );
    Ok(())
}

#[test]
fn it_says_what_is_in_force_and_where_it_is_from() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let site = env.path("site.toml");
    fs::write(&site, "transfers = 3\nroot = \"team\"\nhelp_line = \"x\"\n")?;
    let own = fs::read_to_string(env.config())?;
    fs::write(env.config(), format!("help = \"ask me\"\ntransfer = 3\n{own}"))?;
    let variables = [
        ("NODE_TOOL_SITE_CONFIG", site.to_str().unwrap_or_default()),
        ("NODE_TOOL_APP_KEY", "key0of0the0env0"),
    ];
    let shown = with(&env, &variables, &["config", "show"])?;
    for line in [
        format!("config file = {}   (the usual place)", env.config().display()),
        format!("site file = {}   (from NODE_TOOL_SITE_CONFIG)", site.display()),
        "variables = DROPBOX_URL NODE_TOOL_APP_KEY NODE_TOOL_SITE_CONFIG".into(),
        "app_key = key0of0the0env0   (from NODE_TOOL_APP_KEY)".into(),
        format!("root = team   (from '{}')", site.display()),
        format!("transfers = 3   (from '{}')", site.display()),
        format!("help = ask me   (from '{}')", env.config().display()),
        format!("remote dbx:   (from '{}')", env.config().display()),
    ] {
        assert!(shown.out.contains(&format!("{line}\n")), "{line}: {}", shown.out);
    }
    assert!(
        shown.err.contains("'transfer'; did you mean transfers?"),
        "{}",
        shown.err
    );
    assert!(shown.err.contains("'help_line'"), "{}", shown.err);
    let path = with(&env, &variables, &["config", "path"])?;
    assert_eq!(path.out, format!("{}\n", env.config().display()));
    assert!(
        path.err.contains("site.toml") && path.err.contains("NODE_TOOL_APP_KEY"),
        "{}",
        path.err
    );
    let file = env.path("none.toml");
    let err = env
        .node_tool(["lsd", "nope:", "--config", &tests::test_env::text(&file)])?
        .fails(1)?;
    assert!(err.contains("none.toml"), "{err}");
    Ok(())
}

#[test]
fn writers_through_two_names_of_one_file_lose_nothing() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let link = env.path("link.toml");
    std::os::unix::fs::symlink(env.config(), &link)?;
    let mut children = Vec::new();
    for number in 0..16 {
        let mut command = env.command("node-tool")?;
        command.args(["config", "copy", "dbx", &format!("copy{number}")]);
        if number % 2 == 0 {
            command.env("NODE_TOOL_CONFIG", &link);
        }
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        children.push(command.spawn()?);
    }
    for child in children {
        output_of(child)?.ok()?;
    }
    assert_eq!(env.node_tool(["config", "list"])?.ok()?.lines().count(), 17);
    assert!(link.is_symlink());
    Ok(())
}

#[test]
fn a_login_that_a_group_shares_stays_its_owners() -> anyhow::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    const GROUP: u32 = 4100;
    let (ann, bob) = (4001, 4002);
    let env = TestEnv::connected()?;
    if fs::metadata(env.home())?.uid() != 0 {
        tests::test_env::skip("only root can act as two users");
        return Ok(());
    }
    let shared = env.path("shared");
    let (file, copy) = (shared.join("config.toml"), shared.join("node-tool"));
    fs::create_dir(&shared)?;
    fs::copy(env.config(), &file)?;
    fs::copy(program("node-tool")?, &copy)?;
    chown(&file, Some(ann), Some(GROUP))?;
    chown(&shared, Some(ann), Some(GROUP))?;
    let set = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set(&env.path(""), 0o755)?;
    set(&file, 0o640)?;
    set(&shared, 0o2775)?;
    let as_user = |user: u32| -> anyhow::Result<Output> {
        let home = env.path(&format!("home{user}"));
        fs::create_dir_all(&home)?;
        chown(&home, Some(user), Some(GROUP))?;
        let mut command = Command::new(&copy);
        env.isolate(&mut command);
        command
            .args(["lsd", "dbx:", "--config"])
            .arg(&file)
            .env("HOME", home);
        command.uid(user).gid(GROUP);
        run(command, "")
    };
    for (user, is_saved) in [(bob, false), (ann, true)] {
        env.sandbox.expire_access_tokens();
        let before = fs::read(&file)?;
        let end = as_user(user)?;
        assert!(end.code == 0 && end.err.is_empty(), "{}", end.err);
        assert_eq!(fs::read(&file)? != before, is_saved);
        let found = fs::metadata(&file)?;
        assert_eq!(
            (found.uid(), found.gid(), found.mode() & 0o777),
            (ann, GROUP, 0o640)
        );
    }
    let mut command = Command::new(&copy);
    env.isolate(&mut command);
    command
        .args(["config", "delete", "dbx", "--config"])
        .arg(&file)
        .uid(bob)
        .gid(GROUP);
    let err = run(command, "")?.fails(2)?;
    assert!(err.contains("belongs to another user"), "{err}");
    assert_eq!(env.sandbox.count("auth/token/revoke"), 0);
    Ok(())
}
