//! A newcomer's mistakes at a login: each is named, and none ends the dialogue or wastes what the browser gave.

use anyhow::Context as _;
use sandbox::{Fault, Kind};
use serde_json::json;
use shared::grant::{CodeGrant, Grant};
use shared::secret::Secret;
use tests::browser::consent_address;
use tests::next_lines::{self, all_known};
use tests::terminal::Terminal;
use tests::test_env::TestEnv;
use url::Url;

const REDIRECT: &str = "http://localhost:53682/";

/// `config create NAME` at its prompt, and the address that it printed.
fn create(env: &TestEnv, name: &str) -> anyhow::Result<(Terminal, Url)> {
    let key = env.sandbox.app_key();
    let mut terminal = env.terminal("node-tool", &["config", "create", name, "--app-key", key])?;
    let said = terminal.expect("token> ")?;
    Ok((terminal, Url::parse(&consent_address(&said)?)?))
}

fn challenge(address: &Url) -> anyhow::Result<String> {
    let found = address.query_pairs().find(|(name, _)| name == "code_challenge");
    Ok(found.context("no challenge")?.1.into_owned())
}

/// The code of a login that ends at the redirect, as the authorizer's does, and the address bar then.
fn redirected(env: &TestEnv, address: &Url) -> anyhow::Result<(String, String)> {
    let mut address = address.clone();
    address
        .query_pairs_mut()
        .append_pair("redirect_uri", REDIRECT)
        .append_pair("state", "s-t_a");
    let allowed = env.sandbox.allow(address.as_str())?;
    Ok((allowed.code, allowed.redirect.context("no redirect")?))
}

fn grant(env: &TestEnv, address: &Url) -> anyhow::Result<String> {
    let (code, _) = redirected(env, address)?;
    let grant = Grant::Code(CodeGrant {
        app_key: env.sandbox.app_key().into(),
        code: Secret::new(code),
        challenge: challenge(address)?,
        redirect_uri: Some(REDIRECT.into()),
    });
    Ok(grant.encode().expose().to_owned())
}

fn connected(mut terminal: Terminal, name: &str, env: &TestEnv) -> anyhow::Result<String> {
    terminal.expect(&format!("Connected {name}: Ann Example"))?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    env.node_tool(["lsd", &format!("{name}:")])?.ok()?;
    Ok(screen)
}

/// `config create NAME --token-stdin`, and more.
fn create_with(
    env: &TestEnv,
    name: &str,
    more: &[&str],
    input: &str,
) -> anyhow::Result<tests::test_env::Output> {
    let args = [
        "config",
        "create",
        name,
        "--app-key",
        env.sandbox.app_key(),
        "--token-stdin",
    ];
    env.node_tool_with(args.iter().chain(more), input)
}

fn tokens(env: &TestEnv, with_secret: bool) -> anyhow::Result<(String, String)> {
    let tokens = env.sandbox.grant(env.sandbox.app_key(), None, with_secret)?;
    let json = json!({"access_token": tokens.access_token, "token_type": "bearer", "refresh_token": tokens.refresh_token});
    Ok((json.to_string(), tokens.refresh_token))
}

#[test]
fn every_mistake_is_named_and_the_dialogue_goes_on() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (mut terminal, address) = create(&env, "dbx")?;
    let key = env.sandbox.app_key();
    let challenge = challenge(&address)?;
    let whole = grant(&env, &address)?;
    let (json, refresh) = tokens(&env, false)?;
    let access = json.split('"').nth(3).context("no token")?;
    for (pasted, named) in [
        ("", "nothing was pasted"),
        ("what is this", "not a grant"),
        (key, "this is the app key"),
        (&challenge, "this is the challenge"),
        (
            &format!("authorizer {key} {challenge}"),
            "the line to run on your laptop",
        ),
        (address.as_str(), "the address to open in a browser"),
        (access, "this is an access token"),
        (&refresh, "refresh token"),
        (&whole[5..], "its beginning is missing"),
        ("eyJjbGllbnRfaWQiOiJhYmMifQ", "JSON in base64"),
        (
            "http://localhost:53682/?error=access_denied&state=s",
            "cancelled in the browser",
        ),
        (
            "VofXAX8DO1sAAAAAAAACUKBwkDZyMg1zKT0f_FNONeA",
            "code doesn't exist or has expired",
        ),
        (
            "code=VofXAX8DO1sAAAAAAAACUKBwkDZyMg1zKT0f_FNONeA&state=x",
            "code doesn't exist or has expired",
        ),
    ] {
        terminal.send(&format!("{pasted}\r"))?;
        let said = terminal.expect("Paste it again")?;
        assert!(said.contains(named), "{pasted}: {said}");
        assert!(!said.contains("no longer accepts this login"), "{said}");
        terminal.expect("token> ")?;
    }
    assert_eq!(
        env.sandbox.count("/oauth2/token"),
        1 + 2 + 2,
        "only what may be a code is sent, with each redirect that it may have had"
    );
    terminal.send(&format!("{whole}\r"))?;
    let screen = connected(terminal, "dbx", &env)?;
    assert!(
        !screen.contains(access) && !screen.contains(&refresh),
        "no token is shown"
    );
    Ok(())
}

#[test]
fn the_address_bar_is_taken_whole_or_in_parts() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    type Cut = fn(&str, &str) -> String;
    let cuts: [(&str, Cut); 5] = [
        ("bar", |_, bar| bar.to_owned()),
        ("noscheme", |_, bar| {
            format!("“{}”", bar.trim_start_matches("http://"))
        }),
        ("query", |code, _| format!("code={code}&state=s-t_a")),
        ("tail", |code, _| format!("{code}&state=s-t_a")),
        ("code", |code, _| code.to_owned()),
    ];
    for (name, cut) in cuts {
        let (mut terminal, address) = create(&env, name)?;
        let (code, bar) = redirected(&env, &address)?;
        terminal.send(&format!("{}\r", cut(&code, &bar)))?;
        connected(terminal, name, &env).with_context(|| name.to_owned())?;
    }
    Ok(())
}

#[test]
fn a_cut_grant_says_so_at_once_and_its_rest_completes_it() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (mut terminal, address) = create(&env, "dbx")?;
    let whole = grant(&env, &address)?;
    terminal.send(&format!("{}\r", &whole[..100]))?;
    let said = terminal.expect("Paste it again")?;
    assert!(
        said.contains(&format!("{} of its characters are missing", whole.len() - 100)),
        "{said}"
    );
    terminal.expect("token> ")?;
    terminal.send(&format!("{}\r", &whole[100..]))?;
    connected(terminal, "dbx", &env)?;
    Ok(())
}

#[test]
fn a_typed_code_is_seen_and_a_pasted_token_is_not() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (mut terminal, address) = create(&env, "dbx")?;
    let code = env.sandbox.allow(address.as_str())?.code;
    let mut typed = String::new();
    for c in code.chars() {
        typed.push(c);
        terminal.send(&c.to_string())?;
        terminal.expect(&format!("token> {typed}"))?;
    }
    terminal.send("\r")?;
    connected(terminal, "dbx", &env)?;
    let (json, refresh) = tokens(&env, false)?;
    let args = [
        "config",
        "create",
        "two",
        "--app-key",
        env.sandbox.app_key(),
        "--token-stdin",
    ];
    let mut terminal = env.terminal("node-tool", &args)?;
    terminal.expect("token> ")?;
    terminal.send(&format!("{json}\r"))?;
    let screen = connected(terminal, "two", &env)?;
    assert!(!screen.contains(&refresh), "{screen}");
    Ok(())
}

#[test]
fn what_would_waste_a_login_is_found_before_the_browser() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let key = env.sandbox.app_key();
    for (variable, value) in [
        ("DROPBOX_URL", "http://127.0.0.1:1"),
        ("NODE_TOOL_CONFIG", "/proc/none/config.toml"),
    ] {
        let mut command = env.command("node-tool")?;
        command
            .args(["config", "create", "dbx", "--app-key", key, "--token-stdin"])
            .env(variable, value);
        let end = tests::test_env::run(command, "nothing\n")?;
        assert_ne!(end.code, 0, "{variable}");
        assert!(
            !end.out.contains("authorizer") && next_lines::says_what_to_do(&end.err),
            "{variable}: {} {}",
            end.out,
            end.err
        );
    }
    assert!(!env.config().exists());
    Ok(())
}

#[test]
fn a_code_that_was_exchanged_is_saved_before_anything_else() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let key = env.sandbox.app_key();
    let args = [
        "config",
        "create",
        "dbx",
        "--app-key",
        key,
        "--low-level-retries",
        "1",
    ];
    let mut terminal = env.terminal("node-tool", &args)?;
    let address = consent_address(&terminal.expect("token> ")?)?;
    let code = env.sandbox.allow(&address)?.code;
    env.sandbox.fault(
        Fault::on(
            "users/get_current_account",
            Kind::Status {
                status: 500,
                html: false,
            },
        )
        .times(9),
    );
    terminal.send(&format!("{code}\r"))?;
    let said = terminal.expect("Try next:")?;
    assert!(said.contains("could not ask whose account it is"), "{said}");
    assert_eq!(terminal.end()?.0, 0);
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    Ok(())
}

#[test]
fn a_token_is_proven_to_renew_itself() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (json, _) = tokens(&env, false)?;
    env.sandbox.revoke_all();
    let err = create_with(&env, "dbx", &[], &json)?.fails(7)?;
    assert!(
        err.contains("revoked") && !err.contains("no longer accepts") && !err.contains("reconnect"),
        "{err}"
    );
    assert!(!env.config().exists(), "it was not saved");
    let short = json!({"access_token": env.sandbox.tokens()?.access_token, "expiry": "2099-01-01T00:00:00Z"});
    let end = create_with(&env, "short", &[], &short.to_string())?;
    assert!(
        end.err
            .contains("no refresh token: it ends at 2099-01-01T00:00:00Z"),
        "{}",
        end.err
    );
    all_known(&env, &end.err)?;
    end.ok()?;
    Ok(())
}

#[test]
fn the_secret_of_an_app_that_needs_it_is_asked_for_and_kept() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let secret = env.sandbox.app_secret();
    let (json, _) = tokens(&env, true)?;
    let err = create_with(&env, "dbx", &[], &json)?.fails(7)?;
    assert!(
        err.contains("with the secret of the app") && err.contains("--app-secret-file"),
        "{err}"
    );
    all_known(&env, &err)?;
    let (mut terminal, _) = create(&env, "dbx")?;
    terminal.send(&format!("{json}\r"))?;
    terminal.expect("app secret (not shown)> ")?;
    terminal.send("nonsense0secret\r")?;
    terminal.expect("not the secret of this app")?;
    terminal.expect("app secret (not shown)> ")?;
    terminal.send(&format!("“{secret}”\r"))?;
    let screen = connected(terminal, "dbx", &env)?;
    assert!(!screen.contains(secret), "{screen}");
    let file = env.path("secret");
    std::fs::write(&file, format!("{secret}\n"))?;
    create_with(
        &env,
        "two",
        &["--app-secret-file", &tests::test_env::text(&file)],
        &json,
    )?
    .ok()?;
    env.sandbox.expire_access_tokens();
    for name in ["dbx:", "two:"] {
        env.node_tool(["lsd", name])?.ok()?;
    }
    Ok(())
}

#[test]
fn an_app_for_teams_is_named_and_the_dialogue_goes_on() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let boxes = [
        "account_info.read",
        "files.metadata.read",
        "files.content.read",
        "files.content.write",
    ];
    let with_team: Vec<&str> = boxes.iter().copied().chain(["team_data.member"]).collect();
    env.sandbox.set_app_scopes(&with_team);
    let (json, _) = tokens(&env, false)?;
    let err = create_with(&env, "dbx", &[], &json)?.fails(7)?;
    assert!(err.contains("Team scopes"), "{err}");
    all_known(&env, &err)?;
    let (mut terminal, address) = create(&env, "dbx")?;
    terminal.send(&format!("{}\r", env.sandbox.allow(address.as_str())?.code))?;
    let said = terminal.expect("Paste it again")?;
    assert!(
        said.contains("for a whole team") && said.contains("Team scopes"),
        "{said}"
    );
    env.sandbox.set_app_scopes(&boxes);
    terminal.send(&format!("{}\r", env.sandbox.allow(address.as_str())?.code))?;
    connected(terminal, "dbx", &env)?;
    Ok(())
}

#[test]
fn the_menu_has_a_way_back_and_checks_names_first() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let key = env.sandbox.app_key();
    let mut terminal = env.terminal("node-tool", &["config"])?;
    let menu = "e/n/d/r/c/s/q> ";
    let offered = format!("app key [{key}]> ");
    for dialogue in [
        &[("remote> ", "e"), ("", "")][..],
        &[("remote> ", "e"), ("l/r [l]> ", "1"), ("", "b")],
        &[("remote> ", "d"), ("", "")],
        &[("remote> ", "r"), ("new name> ", "1"), ("", "")],
        &[("(not shown)> ", "s"), ("", "")],
        &[("name [dbx]> ", "n"), ("the remote 'dbx:' is there already", "")],
        &[("name [dbx]> ", "n"), (&offered, "other"), ("token> ", "")],
    ] {
        terminal.expect(menu).with_context(|| format!("{dialogue:?}"))?;
        for (shown, reply) in dialogue {
            terminal.send(&format!("{reply}\r"))?;
            if shown.is_empty() {
                continue; // the menu comes
            }
            terminal.expect(shown).with_context(|| format!("{dialogue:?}"))?;
        }
    }
    terminal.send("\u{3}")?;
    assert_eq!(terminal.end()?.0, 130);
    Ok(())
}

#[test]
fn a_disabled_app_is_named_and_not_advised_again() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.expire_access_tokens();
    env.sandbox.disable_apps();
    let err = env.node_tool(["lsd", "dbx:"])?.fails(7)?;
    assert!(
        err.contains("the app") && err.contains("node-tool config reconnect dbx: --app-key KEY"),
        "{err}"
    );
    all_known(&env, &err)?;
    let (json, _) = (
        json!({"access_token": "sl.x", "refresh_token": "r"}).to_string(),
        (),
    );
    let err = create_with(&env, "new", &[], &json)?.fails(7)?;
    assert!(err.contains("doesn't know the app key"), "{err}");
    Ok(())
}

#[test]
fn every_next_line_of_the_config_verbs_is_a_command_that_works() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let key = env.sandbox.app_key();
    let (json, _) = tokens(&env, false)?;
    let file = env.path("grant");
    std::fs::write(&file, &json)?;
    let file = tests::test_env::text(&file);
    for args in [
        &["config"][..],
        &["config", "create", "new"],
        &["config", "create", "new", "--app-key", key],
        &["config", "create", "new", "--token-stdin"],
        &["config", "create", "dbx", "--app-key", key],
        &[
            "config",
            "create",
            "new",
            "--app-key",
            key,
            "--root",
            "team",
            "--token-stdin",
        ],
        &["config", "reconnect", "dbx:"],
        &["config", "reconnect", "none:"],
        &["config", "edit", "dbx"],
        &["config", "edit", "dbx", "--root", "team"],
        &["config", "edit", "none", "--root", "team"],
        &["config", "rename", "dbx", "dbx"],
        &["config", "copy", "dbx", "dbx:"],
        &["config", "delete", "none"],
        &["config", "show", "none"],
        &["config", "password", "set"],
        &["config", "password", "remove"],
        &["config", "import", "none.conf"],
    ] {
        let input = if args.contains(&"--root") && args.contains(&"--token-stdin") {
            json.as_str()
        } else {
            ""
        };
        let end = env.node_tool_with(args, input)?;
        assert_ne!(end.code, 0, "{args:?}: {}", end.out);
        for advice in all_known(&env, &end.err).with_context(|| format!("{args:?}"))? {
            let name = format!("new{}", advice.args.len());
            let filled = advice.filled(&[("KEY", key), ("FILE", &file), ("NAME", &name)]);
            if filled
                .args
                .iter()
                .any(|word| word == "import" || word == "--new-password-file")
            {
                continue;
            }
            // On a terminal it asks for what is missing, or it is done.
            let words: Vec<&str> = filled.args.iter().map(String::as_str).collect();
            if filled.program == "authorizer" {
                continue;
            }
            if filled.input.is_some() {
                filled.run(&env)?.ok().with_context(|| format!("{args:?}"))?;
                let _ = env.node_tool(["config", "delete", "new", "--keep-token"])?;
                continue;
            }
            let mut terminal = env.terminal("node-tool", &words)?;
            match terminal.expect("> ") {
                Ok(_) => terminal.send("\u{3}")?,
                Err(_) => assert_eq!(terminal.end()?.0, 0, "{args:?}: {words:?}"),
            }
        }
    }
    Ok(())
}
