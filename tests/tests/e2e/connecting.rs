//! The node's side of a login: what it prints, what may be pasted and how, and what it keeps.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::Context as _;
use shared::grant::{BEGIN_MARKER, CodeGrant, END_MARKER, Grant, TokenGrant};
use shared::secret::Secret;
use tests::browser::{Button, consent_address, press, shown_code};
use tests::terminal::Terminal;
use tests::test_env::TestEnv;
use url::Url;

fn create(env: &TestEnv) -> anyhow::Result<(Terminal, String, String)> {
    let mut terminal = env.terminal(
        "node-tool",
        &["config", "create", "dbx", "--app-key", env.sandbox.app_key()],
    )?;
    let said = terminal.expect("token> ")?;
    let line = said
        .lines()
        .find(|line| line.trim().starts_with("authorizer "))
        .context("no authorizer line")?;
    let challenge = line.split_whitespace().last().context("no challenge")?.to_owned();
    Ok((terminal, said, challenge))
}

/// A grant as an authorizer would print it for a challenge, from a login with the redirect.
fn one_time_grant(env: &TestEnv, challenge: &str) -> anyhow::Result<Grant> {
    let mut url = Url::parse(env.sandbox.origin())?.join("/oauth2/authorize")?;
    url.query_pairs_mut()
        .append_pair("client_id", env.sandbox.app_key())
        .append_pair("response_type", "code")
        .append_pair("token_access_type", "offline")
        .append_pair("redirect_uri", "http://localhost:53682/")
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256");
    Ok(Grant::Code(CodeGrant {
        app_key: env.sandbox.app_key().into(),
        code: Secret::new(env.sandbox.allow(url.as_str())?.code),
        challenge: challenge.into(),
        redirect_uri: Some("http://localhost:53682/".into()),
    }))
}

fn line(grant: &Grant) -> String {
    grant.encode().expose().to_owned()
}

fn assert_connected(terminal: Terminal, env: &TestEnv) -> anyhow::Result<()> {
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    assert!(
        screen.contains("Connected dbx: Ann Example <ann@example.org>"),
        "{screen}"
    );
    assert!(screen.contains("node-tool lsd dbx:"), "{screen}");
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    Ok(())
}

#[test]
fn a_pasted_grant_connects() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (mut terminal, said, challenge) = create(&env)?;
    assert!(
        said.contains(&format!("\n  authorizer {} {challenge}\n", env.sandbox.app_key())),
        "{said}"
    );
    let grant = line(&one_time_grant(&env, &challenge)?);
    terminal.send(&format!("{grant}\r"))?;
    terminal.expect("Connected")?;
    assert!(
        !terminal.screen().contains(&grant[20..60]),
        "the paste is not echoed"
    );
    assert_connected(terminal, &env)?;
    assert_eq!(
        std::fs::metadata(env.config())?.permissions().mode() & 0o777,
        0o600
    );
    let dir = env.config().parent().context("dir")?.to_owned();
    assert_eq!(std::fs::metadata(dir)?.permissions().mode() & 0o777, 0o700);
    Ok(())
}

#[test]
fn a_code_from_any_browser_connects() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (mut terminal, said, _) = create(&env)?;
    let address = consent_address(&said)?;
    assert!(!address.contains("redirect_uri"), "{address}");
    let code = shown_code(&press(&address, Button::Allow)?)?;
    terminal.send(&format!("{code}\r"))?;
    assert_connected(terminal, &env)
}

#[test]
fn pastes_survive_what_terminals_do_to_them() -> anyhow::Result<()> {
    let wrap = |text: &str, end: &str| {
        let chars: Vec<char> = text.chars().collect();
        chars
            .chunks(80)
            .map(|piece| piece.iter().collect::<String>())
            .collect::<Vec<_>>()
            .join(end)
    };
    type Form = fn(&str, &dyn Fn(&str, &str) -> String) -> String;
    let forms: [(&str, Form); 6] = [
        ("plain", |grant, _| format!("{grant}\r")),
        ("marker lines", |grant, _| {
            format!("{BEGIN_MARKER}\r{grant}\r{END_MARKER}\r")
        }),
        ("wrapped with CR", |grant, wrap| {
            format!("{}\r", wrap(grant, "\r"))
        }),
        ("wrapped with CR LF", |grant, wrap| {
            format!("{}\r\n", wrap(grant, "\r\n"))
        }),
        ("bracketed", |grant, wrap| {
            format!("\u{1b}[200~{}\u{1b}[201~\r", wrap(grant, "\r"))
        }),
        ("quoted and spaced", |grant, wrap| {
            format!("  \"{}\"  \r", wrap(grant, " "))
        }),
    ];
    for (name, form) in forms {
        let env = TestEnv::new()?;
        let (mut terminal, _, challenge) = create(&env)?;
        let grant = line(&one_time_grant(&env, &challenge)?);
        terminal.send(&form(&grant, &wrap))?;
        terminal.expect("Connected").with_context(|| name.to_owned())?;
        assert_connected(terminal, &env).with_context(|| name.to_owned())?;
    }
    Ok(())
}

#[test]
fn a_paste_of_ten_thousand_characters_is_not_cut() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let tokens = env.sandbox.tokens()?;
    let grant = Grant::Token(TokenGrant {
        app_key: env.sandbox.app_key().into(),
        access_token: Secret::new(tokens.access_token),
        refresh_token: Some(Secret::new(tokens.refresh_token)),
        expires_at: None,
        scopes: (0..400).map(|n| format!("some.scope.number.{n}")).collect(),
        account_id: None,
        app_secret: None,
    });
    let text = line(&grant);
    assert!(text.len() > 10_000, "{}", text.len());
    let (mut terminal, _, _) = create(&env)?;
    terminal.send(&format!("{text}\r"))?;
    assert_connected(terminal, &env)
}

#[test]
fn wrong_pastes_are_explained_and_asked_for_again() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (mut terminal, _, challenge) = create(&env)?;
    let grant = line(&one_time_grant(&env, &challenge)?);
    terminal.send("what is this\r")?;
    terminal.expect("Paste it again")?;
    terminal.expect("token> ")?;
    let mut altered = grant.clone().into_bytes();
    altered[40] = if altered[40] == b'A' { b'B' } else { b'A' };
    terminal.send(&format!("{}\r", String::from_utf8(altered)?))?;
    let said = terminal.expect("Paste it again")?;
    assert!(said.contains("altered"), "{said}");
    terminal.expect("token> ")?;
    let other = one_time_grant(&env, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")?;
    terminal.send(&format!("{}\r", line(&other)))?;
    let said = terminal.expect("Paste it again")?;
    assert!(said.contains("another"), "{said}");
    terminal.expect("token> ")?;
    terminal.send(&format!("{grant}\r"))?;
    assert_connected(terminal, &env)
}

#[test]
fn ctrl_c_at_the_prompt_leaves_no_config() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (mut terminal, _, _) = create(&env)?;
    terminal.send("half a paste\u{3}")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 130, "{screen}");
    assert!(!env.config().exists());
    Ok(())
}

#[test]
fn without_a_terminal_it_says_which_flag_answers() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let err = env
        .node_tool(["config", "create", "dbx", "--app-key", env.sandbox.app_key()])?
        .fails(2)?;
    assert!(err.contains("--token-stdin"), "{err}");
    let err = env.node_tool(["config", "create", "dbx"])?.fails(2)?;
    assert!(err.contains("--app-key"), "{err}");
    Ok(())
}

#[test]
fn stdin_takes_a_one_time_grant_a_token_and_rclones_json() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let key = env.sandbox.app_key();
    let tokens = env.sandbox.tokens()?;
    let json = format!(
        "Paste the following into your remote machine --->\n{{\"access_token\":\"{}\",\"token_type\":\"bearer\",\"refresh_token\":\"{}\",\"expiry\":\"2026-11-23T21:00:00.123456789+01:00\"}}\n<---End paste\n",
        tokens.access_token, tokens.refresh_token
    );
    env.node_tool_with(
        ["config", "create", "one", "--app-key", key, "--token-stdin"],
        &json,
    )?
    .ok()?;
    let bad = env.node_tool_with(
        ["config", "create", "two", "--app-key", key, "--token-stdin"],
        "nonsense\n",
    )?;
    let err = bad.fails(2)?;
    assert!(err.contains("not a grant"), "{err}");
    let other = Grant::Token(TokenGrant {
        app_key: "another0app0key".into(),
        access_token: Secret::new("sl.x"),
        refresh_token: None,
        expires_at: None,
        scopes: Vec::new(),
        account_id: None,
        app_secret: None,
    });
    let input = format!("{}\n", line(&other));
    let err = env
        .node_tool_with(
            ["config", "create", "two", "--app-key", key, "--token-stdin"],
            &input,
        )?
        .fails(2)?;
    assert!(err.contains("another0app0key"), "{err}");
    let list = env.node_tool(["config", "list"])?.ok()?;
    assert_eq!(list, "one: Ann Example <ann@example.org>\n");
    Ok(())
}

#[test]
fn a_taken_name_is_not_overwritten() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let before = std::fs::read(env.config())?;
    let args = [
        "config",
        "create",
        "dbx",
        "--app-key",
        env.sandbox.app_key(),
        "--token-stdin",
    ];
    let err = env.node_tool_with(args, "whatever\n")?.fails(2)?;
    assert!(err.contains("node-tool config reconnect dbx:"), "{err}");
    assert_eq!(std::fs::read(env.config())?, before);
    Ok(())
}

#[test]
fn the_config_can_be_elsewhere() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let tokens = env.sandbox.tokens()?;
    let json = serde_json::json!({"access_token": tokens.access_token, "token_type": "bearer"}).to_string();
    let file = env.path("deep/down/my.toml");
    let create = [
        "config",
        "create",
        "dbx",
        "--app-key",
        env.sandbox.app_key(),
        "--token-stdin",
    ];
    let mut command = env.command("node-tool")?;
    command.args(create).arg("--config").arg(&file);
    tests::test_env::run(command, &json)?.ok()?;
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    assert!(!env.config().exists());
    let mut command = env.command("node-tool")?;
    command.args(["config", "list"]).env("NODE_TOOL_CONFIG", &file);
    assert!(tests::test_env::run(command, "")?.ok()?.starts_with("dbx:"));
    let mut command = env.command("node-tool")?;
    command.args(create).env("XDG_CONFIG_HOME", env.path("xdg"));
    tests::test_env::run(command, &json)?.ok()?;
    assert!(env.path("xdg/node-tool/config.toml").exists());
    Ok(())
}
