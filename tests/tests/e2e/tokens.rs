//! Tokens that end: they renew by themselves, and when they can't, the message says what to type.

use sandbox::{Fault, Kind};
use tests::browser::{Button, consent_address, press, shown_code};
use tests::files::write;
use tests::test_env::TestEnv;

#[test]
fn an_expired_token_is_renewed_without_a_word() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_folder("/x")?;
    env.sandbox.expire_access_tokens();
    let said = env.node_tool(["lsd", "dbx:"])?;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(env.sandbox.count("/oauth2/token"), 1);
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    assert_eq!(env.sandbox.count("/oauth2/token"), 1, "the new token was kept");
    Ok(())
}

#[test]
fn a_token_about_to_end_is_renewed_before_it_does() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let text = std::fs::read_to_string(env.config())?;
    let soon = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_secs()
        + 60;
    let changed: String = text
        .lines()
        .map(|line| {
            if line.starts_with("expires_at") {
                format!("expires_at = {soon}\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    assert_ne!(text, changed, "{text}");
    std::fs::write(env.config(), changed)?;
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    assert_eq!(env.sandbox.count("/oauth2/token"), 1);
    assert!(
        env.sandbox.calls().iter().all(|call| call.status == 200),
        "no call was refused first"
    );
    Ok(())
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_copy_is_renewed_once() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..200_u64 {
        write(&env.path(&format!("from/f{n}")), b"x", 1_500_000_000)?;
    }
    write(
        &env.path("from/big"),
        &tests::files::noise(1, 40 << 20),
        1_500_000_000,
    )?;
    env.sandbox
        .fault(Fault::on("files/upload_session/append_v2", Kind::Expire).nth(2));
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(
        env.sandbox.count("/oauth2/token"),
        1,
        "all workers shared one renewal"
    );
    Ok(())
}

#[test]
fn a_revoked_login_ends_with_the_command_that_reconnects() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.revoke_all();
    for args in [vec!["lsd", "dbx:"], vec!["copy", "dbx:", "down"]] {
        let said = env.node_tool(&args)?;
        assert_ne!(said.code, 0);
        assert!(
            said.err.contains("node-tool config reconnect dbx:"),
            "{}",
            said.err
        );
    }
    let mut terminal = env.terminal("node-tool", &["config", "reconnect", "dbx:"])?;
    let said = terminal.expect("token> ")?;
    let code = shown_code(&press(&consent_address(&said)?, Button::Allow)?)?;
    terminal.send(&format!("{code}\r"))?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    Ok(())
}

#[test]
fn many_processes_may_renew_at_once() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.connect("two")?;
    env.sandbox.expire_access_tokens();
    let children: Vec<_> = (0..12)
        .map(|n| {
            let mut command = env.command("node-tool")?;
            command.args(["lsd", if n % 2 == 0 { "dbx:" } else { "two:" }]);
            command
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            anyhow::Ok(command.spawn()?)
        })
        .collect::<Result<_, _>>()?;
    for child in children {
        tests::test_env::output_of(child)?.ok()?;
    }
    assert_eq!(env.node_tool(["config", "list"])?.ok()?.lines().count(), 2);
    env.sandbox.reset_calls();
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    env.node_tool(["lsd", "two:"])?.ok()?;
    assert_eq!(env.sandbox.count("/oauth2/token"), 0, "both new tokens were kept");
    Ok(())
}

#[test]
fn a_missing_scope_is_named_with_its_box() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let tokens = env.sandbox.grant(
        env.sandbox.app_key(),
        Some(&["account_info.read", "files.metadata.read"]),
        false,
    )?;
    let json =
        serde_json::json!({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token});
    let args = [
        "config",
        "create",
        "dbx",
        "--app-key",
        env.sandbox.app_key(),
        "--token-stdin",
    ];
    env.node_tool_with(args, &json.to_string())?.ok()?;
    write(&env.path("from/file"), b"x", 1_500_000_000)?;
    let said = env.node_tool(["copy", "from", "dbx:to"])?;
    assert_ne!(said.code, 0);
    assert!(
        said.err.contains("files.content.write") && said.err.contains("next:"),
        "{}",
        said.err
    );
    Ok(())
}
