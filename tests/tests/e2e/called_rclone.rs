//! node-tool through a link called rclone. tests/peers runs many lines beside rclone itself.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
};

use tests::test_env::{Output, TestEnv, run};

/// node-tool, called as rclone.
fn rclone(env: &TestEnv, args: &[&str]) -> anyhow::Result<Command> {
    let mut command = env.command("node-tool")?;
    command.arg0("/usr/bin/rclone").args(args);
    Ok(command)
}

fn ended(env: &TestEnv, args: &[&str]) -> anyhow::Result<Output> {
    run(rclone(env, args)?, "")
}

/// An env with an rclone.conf and no config of ours.
fn with_rclone_conf(expiry: &str) -> anyhow::Result<TestEnv> {
    let env = TestEnv::new()?;
    let tokens = env.sandbox.tokens()?;
    let (access, refresh) = (tokens.access_token, tokens.refresh_token);
    let token =
        format!("{{\"access_token\":\"{access}\",\"refresh_token\":\"{refresh}\",\"expiry\":\"{expiry}\"}}");
    let dir = env.home().join(".config/rclone");
    fs::create_dir_all(&dir)?;
    let key = env.sandbox.app_key();
    fs::write(
        dir.join("rclone.conf"),
        format!("[dbx]\ntype = dropbox\nclient_id = {key}\ntoken = {token}\n"),
    )?;
    env.sandbox.reset_calls();
    Ok(env)
}

#[test]
fn rclones_file_is_read_and_never_written() -> anyhow::Result<()> {
    let env = with_rclone_conf("2000-01-01T00:00:00Z")?;
    env.sandbox.put_folder("/data")?;
    let conf = env.home().join(".config/rclone/rclone.conf");
    fs::set_permissions(&conf, fs::Permissions::from_mode(0o644))?;
    let before = (fs::read(&conf)?, fs::metadata(&conf)?.modified()?);
    for _ in 0..3 {
        let end = ended(&env, &["lsf", "dbx:"])?;
        assert_eq!((end.code, end.out.as_str(), end.err.as_str()), (0, "data/\n", ""));
    }
    assert_eq!(
        env.sandbox.counts().get("/oauth2/token"),
        Some(&1),
        "the token is kept"
    );
    assert_eq!((fs::read(&conf)?, fs::metadata(&conf)?.modified()?), before);
    assert_eq!(fs::metadata(&conf)?.permissions().mode() & 0o777, 0o644);
    let kept: Vec<_> =
        fs::read_dir(env.home().join(".local/state/node-tool/rclone"))?.collect::<Result<_, _>>()?;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].metadata()?.permissions().mode() & 0o777, 0o600);
    assert!(!env.config().exists());

    let end = ended(&env, &["config", "edit", "dbx", "--root", "home"])?;
    assert!(
        end.code == 2 && end.err.contains("is rclone's, and is never changed here"),
        "{}",
        end.err
    );
    // By its own name, it has nothing to do with that file.
    assert!(
        env.node_tool(["lsf", "dbx:"])?
            .err
            .contains("no remote is set up yet")
    );
    Ok(())
}

#[test]
fn errors_are_in_rclones_words() -> anyhow::Result<()> {
    let env = with_rclone_conf("2099-01-01T00:00:00Z")?;
    for (args, code, said) in [
        (
            &["ls", "nosuch:x"][..],
            1,
            "CRITICAL: Failed to create file system for \"nosuch:\": didn't find section in config file (\"nosuch\")",
        ),
        (
            &["lsjson", "dbx:nothing"],
            3,
            "NOTICE: Failed to lsjson: directory not found",
        ),
        (
            &["nosuchverb"],
            2,
            "Error: unknown command \"nosuchverb\" for \"rclone\"",
        ),
        (
            &["ls", "dbx:", "--nosuch"],
            2,
            "NOTICE: Fatal error: unknown flag: --nosuch",
        ),
        (
            &["copy", "nothing", "dbx:"],
            3,
            "NOTICE: Failed to copy: directory not found",
        ),
    ] {
        let end = ended(&env, args)?;
        assert_eq!(end.code, code, "{args:?} {}", end.err);
        assert!(end.err.contains(said), "{args:?} {}", end.err);
        assert!(!end.err.starts_with("error: "), "{args:?} {}", end.err);
    }
    assert!(ended(&env, &["--version"])?.ok()?.starts_with("rclone v1."));
    Ok(())
}

#[test]
fn progress_goes_to_stdout_and_quiet_is_quiet() -> anyhow::Result<()> {
    let env = with_rclone_conf("2099-01-01T00:00:00Z")?;
    fs::write(env.path("file"), "some text")?;
    let end = ended(&env, &["copy", "file", "dbx:in", "-q", "-P"])?;
    assert_eq!((end.code, end.err.as_str()), (0, ""));
    let lines: Vec<&str> = end.out.lines().collect();
    assert!(
        lines[0].starts_with("Transferred:   \t          9 B / 9 B, 100%, "),
        "{}",
        end.out
    );
    assert_eq!(lines[1], "Transferred:            1 / 1, 100%");
    assert!(lines[2].starts_with("Elapsed time: "), "{}", end.out);
    let end = ended(&env, &["copy", "file", "dbx:more"])?;
    assert_eq!((end.code, end.out.as_str(), end.err.as_str()), (0, "", ""));
    let end = ended(&env, &["copy", "file", "dbx:last", "-v"])?;
    assert!(end.err.contains("INFO  : file: Copied (new)"), "{}", end.err);
    assert!(
        end.err
            .contains("INFO  : \nTransferred:   \t          9 B / 9 B, 100%"),
        "{}",
        end.err
    );
    Ok(())
}

#[test]
fn rclones_variables_are_flags() -> anyhow::Result<()> {
    let env = with_rclone_conf("2099-01-01T00:00:00Z")?;
    fs::write(env.path("file"), "some text")?;
    let mut command = rclone(&env, &["copy", "file", "dbx:in"])?;
    command
        .env("RCLONE_DRY_RUN", "true")
        .env("NODE_TOOL_DRY_RUN", "false");
    run(command, "")?.ok()?;
    assert_eq!(env.sandbox.read_file("/in/file"), None);
    let mut command = env.command("node-tool")?;
    command.env("RCLONE_CONFIG", env.home().join(".config/rclone/rclone.conf"));
    command.args(["lsf", "dbx:"]);
    assert_eq!(
        run(command, "")?.code,
        1,
        "only for a program that is called as rclone"
    );
    Ok(())
}
