//! `config` and its commands: the menu, and changing, renaming, importing and protecting what is kept.

use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use anyhow::Context as _;
use serde_json::json;
use tests::browser::{Button, consent_address, press, shown_code};
use tests::terminal::Terminal;
use tests::test_env::{TestEnv, output_of, run};

fn code_for(said: &str) -> anyhow::Result<String> {
    shown_code(&press(&consent_address(said)?, Button::Allow)?)
}

fn answer(terminal: &mut Terminal, question: &str, reply: &str) -> anyhow::Result<String> {
    let said = terminal.expect(question)?;
    terminal.send(&format!("{reply}\r"))?;
    Ok(said)
}

#[test]
fn the_menu_is_the_one_that_users_of_rclone_know() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let mut terminal = env.terminal("node-tool", &["config"])?;
    let said = answer(&mut terminal, "n/s/q> ", "x")?;
    assert!(
        said.contains("No remotes found, make a new one?\nn) New remote\n"),
        "{said}"
    );
    terminal.expect("type one of n/s/q")?;
    answer(&mut terminal, "n/s/q> ", "n")?;
    answer(&mut terminal, "name [dbx]> ", "")?;
    answer(&mut terminal, "app key> ", "no key!")?;
    terminal.expect("is not an app key")?;
    answer(&mut terminal, "app key> ", env.sandbox.app_key())?;
    let said = terminal.expect("token> ")?;
    terminal.send(&format!("{}\r", code_for(&said)?))?;
    let said = terminal.expect("Try next:")?;
    assert!(
        said.contains("Connected dbx: Ann Example <ann@example.org>\n"),
        "{said}"
    );
    assert!(said.contains("Space used: 0 B of 2.00 TiB\n"), "{said}");
    let said = answer(&mut terminal, "e/n/d/r/c/s/q> ", "c")?;
    assert!(
        said.contains("dbx                  Ann Example <ann@example.org>"),
        "{said}"
    );
    answer(&mut terminal, "remote> ", "7")?;
    answer(&mut terminal, "remote> ", "1")?;
    answer(&mut terminal, "new name> ", "second")?;
    terminal.expect("Copied dbx: to second:")?;
    answer(&mut terminal, "e/n/d/r/c/s/q> ", "r")?;
    answer(&mut terminal, "remote> ", "second")?;
    answer(&mut terminal, "new name> ", "dbx")?;
    terminal.expect("the remote 'dbx:' is there already")?;
    answer(&mut terminal, "e/n/d/r/c/s/q> ", "r")?;
    answer(&mut terminal, "remote> ", "second:")?;
    answer(&mut terminal, "new name> ", "third")?;
    terminal.expect("Renamed second: to third:")?;
    answer(&mut terminal, "e/n/d/r/c/s/q> ", "d")?;
    answer(&mut terminal, "remote> ", "third")?;
    answer(&mut terminal, "(y/n) [n]> ", "")?;
    answer(&mut terminal, "e/n/d/r/c/s/q> ", "d")?;
    answer(&mut terminal, "remote> ", "third")?;
    answer(&mut terminal, "(y/n) [n]> ", "y")?;
    terminal.expect("its login is still used by dbx:")?;
    answer(&mut terminal, "e/n/d/r/c/s/q> ", "e")?;
    answer(&mut terminal, "remote> ", "1")?;
    answer(&mut terminal, "l/r [l]> ", "")?;
    let said = terminal.expect("token> ")?;
    terminal.send(&format!("{}\r", code_for(&said)?))?;
    terminal.expect("Connected dbx:")?;
    answer(&mut terminal, "e/n/d/r/c/s/q> ", "s")?;
    answer(&mut terminal, "(not shown)> ", "pass word")?;
    answer(&mut terminal, "the same again> ", "pass word")?;
    terminal.expect("The config is encrypted")?;
    // It goes on without asking for what was just typed.
    answer(&mut terminal, "e/n/d/r/c/s/q> ", "s")?;
    answer(&mut terminal, "Remove the password? (y/n) [n]> ", "y")?;
    terminal.expect("no longer encrypted")?;
    answer(&mut terminal, "e/n/d/r/c/s/q> ", "q")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("pass word"), "{screen}");
    assert_eq!(
        env.node_tool(["config", "list"])?.ok()?,
        "dbx: Ann Example <ann@example.org>\n"
    );
    Ok(())
}

#[test]
fn ctrl_c_at_any_prompt_leaves_the_config_and_the_terminal_as_they_were() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let before = fs::read(env.config())?;
    let dialogues: [&[(&str, &str)]; 6] = [
        &[],
        &[("q> ", "n")],
        &[("q> ", "n"), ("name [dbx]> ", "other")],
        &[("q> ", "d"), ("remote> ", "1")],
        &[("q> ", "s")],
        &[("q> ", "e"), ("remote> ", "1"), ("l/r [l]> ", "l")],
    ];
    for dialogue in dialogues {
        // A shell that says how it finds the terminal afterwards.
        let mut terminal =
            env.shell("node-tool config; echo ended $?; stty -a | grep -o ' -\\?echo '; exit")?;
        for (question, reply) in dialogue {
            answer(&mut terminal, question, reply)?;
        }
        terminal.expect("> ")?;
        terminal.send("\u{3}")?;
        terminal.expect("ended 130")?;
        let (_, screen) = terminal.end()?;
        assert!(screen.ends_with(" echo \n"), "{dialogue:?}: {screen}");
        assert_eq!(fs::read(env.config())?, before, "{dialogue:?}");
    }
    Ok(())
}

#[test]
fn every_entry_of_the_menu_is_a_command() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let said = |args: &[&str]| -> anyhow::Result<String> { env.node_tool(args)?.ok() };
    assert_eq!(
        said(&["config", "path"])?,
        format!("{}\n", env.config().display())
    );
    assert_eq!(
        said(&["config", "copy", "dbx", "two"])?,
        "Copied dbx: to two:; both use the same login\n"
    );
    assert_eq!(
        said(&["config", "rename", "two:", "three"])?,
        "Renamed two: to three:\n"
    );
    assert_eq!(
        said(&["config", "list"])?,
        "dbx:   Ann Example <ann@example.org>\nthree: Ann Example <ann@example.org>\n"
    );
    assert!(said(&["config", "show", "three"])?.contains("root = home\n"));
    Ok(())
}

#[test]
fn deleting_ends_the_login_unless_it_is_to_be_kept() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.node_tool(["config", "copy", "dbx", "shared"])?.ok()?;
    env.connect("other")?;
    assert_eq!(
        env.node_tool(["config", "delete", "shared"])?.ok()?,
        "Deleted shared:; its login is still used by dbx:\n"
    );
    let config = fs::read_to_string(env.config())?;
    assert_eq!(
        env.node_tool(["config", "delete", "other", "--keep-token"])?
            .ok()?,
        "Deleted other:; its login is still alive\n"
    );
    assert_eq!(env.sandbox.count("auth/token/revoke"), 0);
    assert_eq!(
        env.node_tool(["config", "delete", "dbx"])?.ok()?,
        "Deleted dbx: and ended its login\n"
    );
    assert_eq!(env.sandbox.count("auth/token/revoke"), 1);
    // Put back, the ended login is of no use and the kept one is.
    fs::write(env.config(), config)?;
    let err = env.node_tool(["lsd", "dbx:"])?.fails(7)?;
    assert!(err.contains("node-tool config reconnect dbx:"), "{err}");
    env.node_tool(["lsd", "other:"])?.ok()?;
    // A login that is over can still be deleted, one that can't be asked about is not.
    assert!(
        env.node_tool(["config", "delete", "dbx"])?
            .ok()?
            .starts_with("Deleted dbx:")
    );
    let mut command = env.command("node-tool")?;
    command
        .args(["config", "delete", "other"])
        .env("DROPBOX_URL", "http://127.0.0.1:1");
    let err = run(command, "")?.fails(1)?;
    assert!(err.contains("--keep-token"), "{err}");
    assert!(env.node_tool(["config", "list"])?.ok()?.starts_with("other:"));
    Ok(())
}

#[test]
fn reconnecting_warns_of_another_account() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.sit_down("Bob", "Other", "bob@example.org");
    let mut terminal = env.terminal("node-tool", &["config", "reconnect", "dbx:"])?;
    let said = terminal.expect("token> ")?;
    terminal.send(&format!("{}\r", code_for(&said)?))?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    assert!(
        screen.contains("warning: 'dbx:' was connected as Ann Example <ann@example.org> before"),
        "{screen}"
    );
    assert!(
        screen.contains("Connected dbx: Bob Other <bob@example.org>"),
        "{screen}"
    );
    let show = env.node_tool(["config", "show", "dbx"])?.ok()?;
    assert!(show.contains("account = Bob Other <bob@example.org>"), "{show}");
    Ok(())
}

#[test]
fn missing_boxes_are_named_at_once() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    env.sandbox.set_app_scopes(&["files.metadata.read"]);
    let args = ["config", "create", "dbx", "--app-key", env.sandbox.app_key()];
    let mut terminal = env.terminal("node-tool", &args)?;
    let said = terminal.expect("token> ")?;
    terminal.send(&format!("{}\r", code_for(&said)?))?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    for scope in ["account_info.read", "files.content.read", "files.content.write"] {
        assert!(screen.contains(&format!("\n  {scope}  to ")), "{scope}: {screen}");
    }
    assert!(!screen.contains("  files.metadata.read"), "{screen}");
    assert!(screen.contains("node-tool config reconnect dbx:"), "{screen}");
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    env.sandbox.set_app_scopes(&[
        "account_info.read",
        "files.metadata.read",
        "files.content.read",
        "files.content.write",
    ]);
    let mut terminal = env.terminal("node-tool", &["config", "reconnect", "dbx:"])?;
    let said = terminal.expect("token> ")?;
    terminal.send(&format!("{}\r", code_for(&said)?))?;
    let (_, screen) = terminal.end()?;
    assert!(
        screen.contains("Ann Example") && !screen.contains("warning"),
        "{screen}"
    );
    Ok(())
}

#[test]
fn a_centre_spares_its_users_the_app() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let site = env.path("site.toml");
    let text = format!(
        "app_key = \"{}\"\nroot = \"team\"\ntransfers = 3\nhelp = \"ask help@hpc.example.org\"\n",
        env.sandbox.app_key()
    );
    fs::write(&site, &text)?;
    let mut command = std::process::Command::new("setsid");
    env.isolate(&mut command);
    command
        .env("NODE_TOOL_SITE_CONFIG", &site)
        .args(["--ctty", "--wait"])
        .arg(tests::programs::program("node-tool")?)
        .args(["config", "create", "dbx"]);
    let mut terminal = Terminal::start(command)?;
    let said = terminal.expect("token> ")?;
    assert!(
        said.contains(&format!("authorizer {} ", env.sandbox.app_key())),
        "{said}"
    );
    terminal.send(&format!("{}\r", code_for(&said)?))?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    // The help line comes with errors of authorisation, and with no others.
    env.sandbox.revoke_all();
    let with_site = |args: &[&str]| -> anyhow::Result<_> {
        let mut command = env.command("node-tool")?;
        command.args(args).env("NODE_TOOL_SITE_CONFIG", &site);
        run(command, "")
    };
    let err = with_site(&["lsd", "dbx:"])?.fails(7)?;
    assert!(err.contains("ask help@hpc.example.org"), "{err}");
    let err = with_site(&["lsd", "nope:"])?.fails(1)?;
    assert!(!err.contains("help@hpc"), "{err}");
    // The user's own file wins.
    let own = fs::read_to_string(env.config())?;
    fs::write(env.config(), format!("help = \"ask my neighbour\"\n{own}"))?;
    let err = with_site(&["lsd", "dbx:"])?.fails(7)?;
    assert!(
        err.contains("ask my neighbour") && !err.contains("hpc.example.org"),
        "{err}"
    );
    // A damaged file of the centre stops nobody.
    fs::write(&site, "transfers = \"many\"\n")?;
    let end = with_site(&["config", "list"])?;
    assert!(end.err.contains("site.toml") && end.code == 0, "{}", end.err);
    // The environment's key is above both.
    fs::write(&site, &text)?;
    let mut command = env.command("node-tool")?;
    command
        .args(["config", "create", "env", "--token-stdin"])
        .env("NODE_TOOL_SITE_CONFIG", &site)
        .env("NODE_TOOL_APP_KEY", "key0of0the0env0");
    let out = run(command, "nonsense\n")?;
    assert!(out.out.contains("authorizer key0of0the0env0 "), "{}", out.out);
    Ok(())
}

#[test]
fn a_remote_keeps_its_app_whatever_the_environment_says() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let mut command = env.command("node-tool")?;
    command
        .args(["config", "reconnect", "dbx:", "--token-stdin"])
        .env("NODE_TOOL_APP_KEY", "key0of0the0env0");
    let end = run(command, "nonsense\n")?;
    let own = format!("authorizer {} ", env.sandbox.app_key());
    assert!(end.code == 2 && end.out.contains(&own), "{}", end.out);
    Ok(())
}

#[test]
fn a_password_protects_the_config() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let plain = fs::read_to_string(env.config())?;
    fs::write(env.path("new"), "correct horse\n")?;
    let set = ["config", "password", "set", "--new-password-file"];
    let file = env.path("new");
    let mut command = env.command("node-tool")?;
    command.args(set).arg(&file);
    run(command, "")?.ok()?;
    let closed = fs::read_to_string(env.config())?;
    assert!(
        closed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"),
        "{closed}"
    );
    for line in plain.lines() {
        assert!(!closed.contains(line), "{line}");
    }
    assert_eq!(fs::metadata(env.config())?.permissions().mode() & 0o777, 0o600);
    let with = |args: &[&str], variable: &str, value: &str| -> anyhow::Result<_> {
        let mut command = env.command("node-tool")?;
        command.args(args).env(variable, value);
        run(command, "")
    };
    let password = "NODE_TOOL_CONFIG_PASSWORD";
    // No terminal and no password: it doesn't wait.
    let err = env.node_tool(["lsd", "dbx:"])?.fails(2)?;
    assert!(
        err.contains("NODE_TOOL_CONFIG_PASSWORD") && err.contains("--password-command"),
        "{err}"
    );
    // A wrong one changes nothing.
    for command in [
        &["lsd", "dbx:"][..],
        &["config", "password", "remove"],
        &["config", "delete", "dbx"],
    ] {
        let err = with(command, password, "wrong horse")?.fails(2)?;
        assert!(err.contains("the password is wrong"), "{err}");
    }
    assert_eq!(fs::read_to_string(env.config())?, closed);
    // Batch jobs: the environment or a command.
    with(&["lsd", "dbx:"], password, "correct horse")?.ok()?;
    env.node_tool(["lsd", "dbx:", "--password-command", "echo correct horse"])?
        .ok()?;
    with(&["lsd", "dbx:"], "NODE_TOOL_PASSWORD_COMMAND", "cat new")?.ok()?;
    let err = env
        .node_tool(["lsd", "dbx:", "--password-command", "exit 3"])?
        .fails(2)?;
    assert!(err.contains("the password command failed"), "{err}");
    // A refreshed token is saved, encrypted.
    env.sandbox.expire_access_tokens();
    with(&["lsd", "dbx:"], password, "correct horse")?.ok()?;
    let refreshed = fs::read_to_string(env.config())?;
    assert!(refreshed.starts_with("-----BEGIN AGE") && refreshed != closed);
    // A person at the terminal.
    let mut terminal = env.terminal("node-tool", &["config", "list"])?;
    answer(&mut terminal, "config password (not shown)> ", "correct horse")?;
    let (code, screen) = terminal.end()?;
    assert!(
        code == 0 && screen.contains("Ann Example") && !screen.contains("horse"),
        "{screen}"
    );
    // Where it is needs no password.
    env.node_tool(["config", "path"])?.ok()?;
    with(&["config", "password", "remove"], password, "correct horse")?.ok()?;
    assert!(fs::read_to_string(env.config())?.contains("[remotes.dbx]"));
    Ok(())
}

#[test]
fn open_permissions_are_closed_with_a_warning() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let dir = env.config().parent().context("no directory")?.to_owned();
    fs::set_permissions(env.config(), fs::Permissions::from_mode(0o644))?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755))?;
    let end = env.node_tool(["config", "list"])?;
    assert_eq!(
        end.err.matches("it is closed to them now").count(),
        2,
        "{}",
        end.err
    );
    assert_eq!(fs::metadata(env.config())?.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&dir)?.permissions().mode() & 0o777, 0o700);
    assert_eq!(env.node_tool(["config", "list"])?.err, "");
    Ok(())
}

#[test]
fn a_full_disk_leaves_the_old_config() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let before = fs::read(env.config())?;
    // No file may grow: what a full disk or a quota does.
    let script = "trap '' XFSZ; ulimit -f 0; node-tool config copy dbx two; echo ended $?";
    let mut terminal = env.shell(script)?;
    let said = terminal.expect("ended 2")?;
    assert!(
        said.contains("could not write") && said.contains("config.toml"),
        "{said}"
    );
    drop(terminal);
    assert_eq!(fs::read(env.config())?, before);
    let dir = env.config().parent().context("no directory")?.to_owned();
    assert_eq!(fs::read_dir(dir)?.count(), 1, "no half file and no lock is left");
    env.node_tool(["config", "copy", "dbx", "two"])?.ok()?;
    Ok(())
}

#[test]
fn fifty_processes_at_once_lose_nothing() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for name in ["spare", "gone"] {
        env.connect(name)?;
    }
    // Whoever relied on the file system's locks would wait here for ever.
    let dir = File::open(env.config().parent().context("no directory")?)?;
    dir.lock()?;
    let file = File::open(env.config())?;
    file.lock()?;
    env.sandbox.expire_access_tokens();
    let mut children = Vec::new();
    for number in 0..50 {
        let mut command = env.command("node-tool")?;
        let tokens = env.sandbox.tokens()?;
        let mut input = None;
        match number % 5 {
            0 | 1 => command.args(["lsd", "dbx:"]),
            2 => command.args(["config", "copy", "spare", &format!("copy{number}")]),
            3 => command.args(["config", "delete", "gone", "--keep-token"]),
            _ => {
                input =
                    Some(json!({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}));
                let name = format!("new{number}");
                let key = env.sandbox.app_key();
                command.args(["config", "create", &name, "--app-key", key, "--token-stdin"])
            }
        };
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        if let Some(input) = input {
            std::io::Write::write_all(&mut stdin, format!("{input}\n").as_bytes())?;
        }
        children.push((number, child));
    }
    let mut deleted = 0;
    for (number, child) in children {
        let end = output_of(child)?;
        if number % 5 == 3 {
            // One of them deletes it, the others find it gone.
            assert!(end.code <= 1, "{number}: {}", end.err);
            deleted += i32::from(end.code == 0);
        } else {
            assert_eq!(end.code, 0, "{number}: {}", end.err);
        }
    }
    assert!(deleted >= 1);
    let list = env.node_tool(["config", "list"])?.ok()?;
    let names: Vec<_> = list.lines().filter_map(|line| line.split(':').next()).collect();
    let mut expected: Vec<String> = ["dbx", "spare"].map(str::to_owned).to_vec();
    for number in 0..50 {
        match number % 5 {
            2 => expected.push(format!("copy{number}")),
            4 => expected.push(format!("new{number}")),
            _ => {}
        }
    }
    expected.sort();
    assert_eq!(names, expected);
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    let left: Vec<_> = fs::read_dir(env.config().parent().context("no directory")?)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    assert_eq!(left, ["config.toml"], "no lock and no half file is left");
    Ok(())
}
