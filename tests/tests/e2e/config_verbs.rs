//! The verbs of `config`, and `listremotes`, in the forms that rclone's users type.

use std::fs;

use tests::test_env::TestEnv;

#[test]
fn remotes_and_the_config_are_shown_without_secrets() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.connect("a-long")?;
    assert_eq!(env.node_tool(["listremotes"])?.ok()?, "a-long:\ndbx:\n");
    assert_eq!(
        env.node_tool(["listremotes", "--long"])?.ok()?,
        "a-long: dropbox \ndbx:    dropbox \n"
    );
    assert_eq!(
        env.node_tool(["listremotes", "db", "--json"])?
            .ok()?
            .lines()
            .count(),
        3
    );
    assert_eq!(env.node_tool(["listremotes", "--type", "s3"])?.ok()?, "");
    let file = env.node_tool(["config", "file"])?.ok()?;
    assert_eq!(
        file,
        format!("Configuration file is stored at:\n{}\n", env.config().display())
    );
    let dump = env.node_tool(["config", "dump"])?.ok()?;
    let json: serde_json::Value = serde_json::from_str(&dump)?;
    assert_eq!(json["dbx"]["type"], "dropbox");
    assert_eq!(json["dbx"]["client_id"], env.sandbox.app_key());
    assert_eq!(json["dbx"]["token"], "XXX");
    let kept = fs::read_to_string(env.config())?;
    let secrets = kept.lines().filter(|line| line.contains("_token = "));
    for secret in secrets.filter_map(|line| line.split('"').nth(1)) {
        assert!(!dump.contains(secret), "{dump}");
    }
    let info = env.node_tool(["config", "userinfo", "dbx:"])?.ok()?;
    assert!(info.contains("               email: ann@example.org\n"), "{info}");
    let info = env.node_tool(["config", "userinfo", "dbx:", "--json"])?.ok()?;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&info)?["name"],
        "Ann Example"
    );
    Ok(())
}

#[test]
fn settings_are_changed_in_rclones_form() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.node_tool(["config", "update", "dbx", "export_formats=md"])?
        .ok()?;
    env.node_tool([
        "config",
        "update",
        "dbx",
        "encoding",
        "Slash",
        "batch_mode",
        "async",
    ])?
    .ok()?;
    let kept = fs::read_to_string(env.config())?;
    assert!(kept.contains("export_formats = [\"md\"]"), "{kept}");
    for (args, said) in [
        (
            &["update", "dbx", "token={}"][..],
            "token must not be an argument",
        ),
        (
            &["update", "dbx", "client_id=b1b2c3d4e5f6g7h"],
            "next: node-tool config reconnect dbx: --app-key b1b2c3d4e5f6g7h",
        ),
        (&["update", "dbx", "color=red"], "there is no setting 'color'"),
        (&["update", "dbz", "export_formats=md"], "did you mean dbx: ?"),
        (&["create", "new", "s3", "env_auth=true"], "only Dropbox's"),
        (
            &["create", "new", "dropbox", "token={\"access_token\":\"sl.x\"}"],
            "next: node-tool config create new --token-stdin",
        ),
        (&["create", "new", "dropbox", "client_id=!"], "client_id: "),
    ] {
        let end = env.node_tool(std::iter::once(&"config").chain(args))?;
        assert!(end.code != 0 && end.err.contains(said), "{args:?}: {}", end.err);
        assert!(!end.err.contains("sl.x"), "{}", end.err);
    }
    Ok(())
}

#[test]
fn a_remote_is_made_in_rclones_form() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    env.node_tool(["config", "touch"])?.ok()?;
    assert!(env.config().exists());
    let tokens = env.sandbox.tokens()?;
    let json = serde_json::json!({
        "access_token": tokens.access_token, "token_type": "bearer", "refresh_token": tokens.refresh_token, "expiry": "2099-01-01T00:00:00Z",
    });
    let client_id = format!("client_id={}", env.sandbox.app_key());
    let args = [
        "config",
        "create",
        "dbx",
        "dropbox",
        &client_id,
        "export_formats=md",
        "--token-stdin",
    ];
    env.node_tool_with(args, &json.to_string())?.ok()?;
    let kept = fs::read_to_string(env.config())?;
    assert!(kept.contains("export_formats = [\"md\"]"), "{kept}");
    env.node_tool(["lsf", "dbx:"])?.ok()?;
    Ok(())
}

#[test]
fn a_login_is_ended_and_its_settings_stay() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.node_tool(["config", "update", "dbx", "export_formats=md"])?
        .ok()?;
    env.node_tool(["config", "copy", "dbx", "second"])?.ok()?;
    let error = env.node_tool(["config", "disconnect", "dbx:"])?.fails(2)?;
    assert!(error.contains("is used by second:, too"), "{error}");
    assert_eq!(env.sandbox.count("auth/token/revoke"), 0);
    env.node_tool(["config", "delete", "second"])?.ok()?;
    env.node_tool(["config", "disconnect", "dbx:"])?.ok()?;
    assert_eq!(env.sandbox.count("auth/token/revoke"), 1);
    let kept = fs::read_to_string(env.config())?;
    assert!(
        kept.contains("export_formats") && !kept.contains("_token"),
        "{kept}"
    );
    let error = env.node_tool(["lsf", "dbx:"])?.fails(7)?;
    assert!(error.contains("node-tool config reconnect dbx:"), "{error}");
    Ok(())
}
