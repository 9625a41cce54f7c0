//! No secret is seen: not in the process list, not in logs, not in messages, not in files that others may read.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use tests::browser::{Button, consent_address, press, shown_code};
use tests::files::{noise, write};
use tests::terminal::Terminal;
use tests::test_env::{TestEnv, only_authorizer};

fn secrets(env: &TestEnv) -> anyhow::Result<Vec<String>> {
    let config: toml::Table = fs::read_to_string(env.config())?.parse()?;
    let mut found = Vec::new();
    collect(&toml::Value::Table(config), &mut found);
    anyhow::ensure!(found.len() >= 2, "no tokens in the config");
    Ok(found)
}

fn collect(value: &toml::Value, found: &mut Vec<String>) {
    for (name, value) in value.as_table().into_iter().flatten() {
        match value.as_str() {
            Some(text) if name.ends_with("_token") => found.push(text.to_owned()),
            _ => collect(value, found),
        }
    }
}

/// All processes' arguments and environments that can be read.
fn process_list() -> String {
    let mut out = String::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .bytes()
            .all(|b| b.is_ascii_digit())
        {
            for file in ["cmdline", "environ"] {
                out += &String::from_utf8_lossy(&fs::read(entry.path().join(file)).unwrap_or_default());
            }
        }
    }
    out
}

fn files_below(dir: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files_below(&entry.path(), out)
        } else {
            out.push(entry.path())
        }
    }
}

#[test]
fn tokens_are_seen_nowhere_but_in_the_config() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/big"), &noise(1, 60 << 20), 1_500_000_000)?;
    let mut command = env.command("node-tool")?;
    command
        .args(["copy", "from", "dbx:to", "-vv", "-P"])
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn()?;
    let seen = process_list();
    let end = tests::test_env::output_of(child)?;
    let mut said = end.out.clone() + &end.err + &seen;
    env.sandbox.expire_access_tokens();
    for args in [
        vec!["lsd", "dbx:", "-vv"],
        vec!["config", "show", "dbx"],
        vec!["config", "list"],
        vec!["ls", "dbx:no", "-vv"],
    ] {
        let end = env.node_tool(&args)?;
        said += &(end.out + &end.err);
    }
    let secrets = secrets(&env)?;
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()), "a secret was seen");
    }
    let mut files = Vec::new();
    files_below(&env.home(), &mut files);
    for file in files.iter().filter(|file| **file != env.config()) {
        let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
        assert!(
            secrets.iter().all(|secret| !text.contains(secret.as_str())),
            "{}",
            file.display()
        );
    }
    Ok(())
}

#[test]
fn nothing_of_a_login_is_logged() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let mut terminal = env.terminal(
        "node-tool",
        &[
            "config",
            "create",
            "dbx",
            "-vv",
            "--app-key",
            env.sandbox.app_key(),
        ],
    )?;
    let said = terminal.expect("token> ")?;
    let code = shown_code(&press(&consent_address(&said)?, Button::Allow)?)?;
    terminal.send(&format!("{code}\r"))?;
    let (status, screen) = terminal.end()?;
    assert_eq!(status, 0, "{screen}");
    assert!(screen.contains("users/get_current_account: HTTP 200"), "{screen}");
    let mut all = secrets(&env)?;
    all.push(code);
    for secret in all {
        assert!(!screen.contains(&secret), "a secret was seen");
    }
    assert!(
        !screen.contains("Bearer") && !screen.contains("code_verifier"),
        "{screen}"
    );
    Ok(())
}

#[test]
fn no_dump_of_a_crash_can_hold_a_secret() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let key = env.sandbox.app_key();
    // Wherever they were started from, dumps are off before there is a secret.
    for (script, waits_at) in [
        (
            format!("ulimit -c unlimited 2>/dev/null; exec node-tool config create dbx --app-key {key}"),
            "token> ",
        ),
        (
            format!("ulimit -c unlimited 2>/dev/null; exec authorizer {key} --no-browser"),
            "Waiting",
        ),
    ] {
        let mut terminal = env.shell(&script)?;
        terminal.expect(waits_at)?;
        let limits = fs::read_to_string(format!("/proc/{}/limits", terminal.program()?))?;
        let core = limits.lines().find(|line| line.starts_with("Max core file size"));
        let values: Vec<_> = core
            .unwrap_or_default()
            .split_whitespace()
            .skip(4)
            .take(2)
            .collect();
        assert_eq!(values, ["0", "0"], "{script}: {limits}");
        terminal.send("\u{3}")?;
        assert_eq!(terminal.end()?.0, 130);
    }
    Ok(())
}

#[test]
fn the_listener_is_on_this_computer_only() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let mut terminal = env.terminal("authorizer", &[env.sandbox.app_key(), "--no-browser"])?;
    terminal.expect("Waiting")?;
    let mut found = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines() {
            let fields: Vec<_> = line.split_whitespace().collect();
            // 53682, listening
            if let [_, local, _, "0A", ..] = fields[..]
                && let Some((address, "D1B2")) = local.split_once(':')
            {
                found.push(address.to_owned());
            }
        }
    }
    assert!(!found.is_empty());
    for address in found {
        let loopback = ["0100007F", "00000000000000000000000001000000"];
        assert!(loopback.contains(&address.as_str()), "listens on {address}");
    }
    terminal.send("\u{3}")?;
    assert_eq!(terminal.end()?.0, 130);
    Ok(())
}

#[test]
fn every_login_has_its_own_state_and_verifier_and_a_grant_works_once() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let key = env.sandbox.app_key();
    let mut seen = BTreeSet::new();
    for _ in 0..4 {
        let mut terminal = env.terminal("authorizer", &[key, "--no-browser"])?;
        let said = terminal.expect("Waiting")?;
        let address = url::Url::parse(&consent_address(&said)?)?;
        for (name, value) in address.query_pairs() {
            if name == "state" || name == "code_challenge" {
                assert_eq!(value.len(), 43, "256 bits of {name}");
                assert!(seen.insert(value.into_owned()), "{name} came twice");
            }
        }
        terminal.send("\u{3}")?;
        terminal.end()?;
    }
    assert_eq!(seen.len(), 8);
    // A grant for one pairing is of no use to another, nor a second time to anyone.
    let create = |name: &str| -> anyhow::Result<(Terminal, String)> {
        let mut terminal = env.terminal("node-tool", &["config", "create", name, "--app-key", key])?;
        let said = terminal.expect("token> ")?;
        Ok((terminal, said))
    };
    let (mut first, said) = create("one")?;
    let challenge = said
        .split("  authorizer ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().nth(1));
    let mut authorizer = env.command("authorizer")?;
    authorizer.args([key, "--no-browser", challenge.unwrap_or_default()]);
    let mut child = authorizer
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?);
    let mut told = String::new();
    while !told.contains("Waiting") {
        anyhow::ensure!(lines.read_line(&mut told)? > 0, "ended early: {told}");
    }
    press(&consent_address(&told)?, Button::Allow)?;
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    let grant = tests::test_env::output_of(child)?.ok()?;
    let (mut second, _) = create("two")?;
    second.send(&format!("{}\r", grant.trim()))?;
    second.expect("another")?;
    second.expect("token> ")?;
    second.send("\u{3}")?;
    assert_eq!(second.end()?.0, 130);
    first.send(&format!("{}\r", grant.trim()))?;
    assert_eq!(first.end()?.0, 0);
    Ok(())
}
