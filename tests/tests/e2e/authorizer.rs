//! The laptop's side: one login, from the address to the printed grant, and every way it can fail.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use shared::grant::{BEGIN_MARKER, END_MARKER, Grant};
use tests::browser::{Button, consent_address, fetch, press, visit};
use tests::sandbox::Sandbox;
use tests::world::{Ended, World, ended, only_authorizer};
use url::Url;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An authorizer that waits for its browser.
struct Waiting {
    child: Option<Child>,
    consent: String,
    said: String,
    rest: BufReader<std::process::ChildStderr>,
}

fn start(world: &World, args: &[&str]) -> anyhow::Result<Waiting> {
    let mut command = world.command("authorizer")?;
    command
        .args(args)
        .arg("--no-browser")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut rest = BufReader::new(child.stderr.take().context("no stderr")?);
    let mut said = String::new();
    while !said.contains("Waiting") {
        anyhow::ensure!(rest.read_line(&mut said)? > 0, "ended early: {said}");
    }
    let consent = consent_address(&said)?;
    Ok(Waiting {
        child: Some(child),
        consent,
        said,
        rest,
    })
}

impl Waiting {
    fn end(mut self) -> anyhow::Result<Ended> {
        let child = self.child.take().context("ended before")?;
        self.rest.read_to_string(&mut self.said)?;
        let mut end = ended(child)?;
        end.err.clone_from(&self.said);
        Ok(end)
    }

    /// The address that Dropbox would send the browser to, with other parameters.
    fn redirect(&self, query: &str) -> anyhow::Result<Url> {
        Ok(Url::parse(&format!("http://localhost:53682/?{query}"))?)
    }

    fn state(&self) -> anyhow::Result<String> {
        let url = Url::parse(&self.consent)?;
        let state = url.query_pairs().find(|(name, _)| name == "state");
        Ok(state.context("no state")?.1.into_owned())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_pairing_prints_a_one_time_grant_and_nothing_else() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key(), "--challenge", CHALLENGE])?;
    let page = press(&waiting.consent, Button::Allow)?;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.url.as_str(),
        "http://localhost:53682/done",
        "the code left the address bar"
    );
    assert!(page.body.contains("You are connected"), "{}", page.body);
    assert!(
        page.headers["content-security-policy"].contains("default-src 'none'"),
        "{:?}",
        page.headers
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    let end = waiting.end()?;
    let out = end.ok()?;
    assert_eq!(out.lines().count(), 1, "only the grant and a newline: {out:?}");
    assert!(out.ends_with('\n') && out.len() < 1000, "{out:?}");
    let Ok(Grant::Code(code)) = Grant::parse(&out) else {
        panic!("no one-time grant: {out}")
    };
    assert_eq!(code.challenge, CHALLENGE);
    assert_eq!(code.redirect_uri.as_deref(), Some("http://localhost:53682/"));
    assert_eq!(
        world.sandbox.count("/oauth2/token"),
        0,
        "the code is for the node to use"
    );
    Ok(())
}

#[test]
fn the_line_that_node_tool_prints_is_run_as_it_stands() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let mut terminal = world.terminal(
        "node-tool",
        &["config", "create", "dbx", "--app-key", world.sandbox.app_key()],
    )?;
    let said = terminal.expect("token> ")?;
    let line = said
        .lines()
        .find(|line| line.contains("authorizer "))
        .context("no line")?;
    assert!(line.len() <= 80, "{} columns: {line}", line.len());
    // A line that wraps is copied whole only if nothing stands before or behind it.
    assert!(
        said.lines()
            .any(|line| line.starts_with("http") && !line.contains(' ')),
        "{said}"
    );
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let waiting = start(&world, &words)?;
    assert!(
        waiting.said.lines().any(|line| line == waiting.consent),
        "{}",
        waiting.said
    );
    press(&waiting.consent, Button::Allow)?;
    terminal.send(&format!("{}\r", waiting.end()?.ok()?.trim()))?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    Ok(())
}

#[test]
fn the_line_of_the_old_guide_goes_on_without_the_secret() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let (key, secret) = (world.sandbox.app_key(), world.sandbox.app_secret());
    for line in [vec!["dropbox", "--", key, secret], vec![key, secret]] {
        // clap takes nothing for a flag behind `--`.
        let line = [vec!["--no-browser"], line].concat();
        let mut command = world.command("authorizer")?;
        let mut child = command
            .args(&line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut rest = BufReader::new(child.stderr.take().context("no stderr")?);
        let mut said = String::new();
        while !said.contains("Waiting") {
            anyhow::ensure!(rest.read_line(&mut said)? > 0, "ended early: {said}");
        }
        assert!(said.contains("not needed") && said.contains("history"), "{said}");
        assert!(!said.contains(secret), "{said}");
        press(&consent_address(&said)?, Button::Allow)?;
        assert!(matches!(Grant::parse(&ended(child)?.ok()?), Ok(Grant::Token(_))));
    }
    Ok(())
}

#[test]
fn alone_it_prints_a_whole_token_that_works() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key()])?;
    press(&waiting.consent, Button::Allow)?;
    let out = waiting.end()?.ok()?;
    let Ok(Grant::Token(token)) = Grant::parse(&out) else {
        panic!("no whole token: {out}")
    };
    assert!(token.refresh_token.is_some() && token.expires_at.is_some() && token.account_id.is_some());
    assert!(token.scopes.iter().any(|scope| scope == "files.content.write"));
    let create = [
        "config",
        "create",
        "dbx",
        "--app-key",
        world.sandbox.app_key(),
        "--token-stdin",
    ];
    assert!(
        world
            .node_tool_with(create, &out)?
            .ok()?
            .contains("Connected dbx: Ann Example <ann@example.org>")
    );
    Ok(())
}

#[test]
fn for_rclone_it_prints_what_rclone_authorize_prints() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key(), "--format", "rclone"])?;
    press(&waiting.consent, Button::Allow)?;
    let out = waiting.end()?.ok()?;
    let json: serde_json::Value = serde_json::from_str(&out)?;
    for field in ["access_token", "token_type", "refresh_token", "expiry"] {
        assert!(json[field].is_string(), "{field} in {out}");
    }
    assert_eq!(json["token_type"], "bearer");
    Ok(())
}

#[test]
fn on_a_terminal_there_are_marker_lines() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let mut terminal = world.terminal(
        "authorizer",
        &[world.sandbox.app_key(), "--challenge", CHALLENGE, "--no-browser"],
    )?;
    let said = terminal.expect("Waiting")?;
    press(&consent_address(&said)?, Button::Allow)?;
    terminal.expect(BEGIN_MARKER)?;
    let grant = terminal.expect(END_MARKER)?;
    assert!(Grant::parse(&grant).is_ok(), "{grant}");
    assert_eq!(terminal.end()?.0, 0);
    Ok(())
}

#[test]
fn the_browser_that_the_environment_names_is_opened() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let script = world.path("browser.sh");
    let seen = world.path("seen");
    std::fs::write(
        &script,
        format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", seen.display()),
    )?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode)?;
    let mut command = world.command("authorizer")?;
    command
        .args([world.sandbox.app_key(), "--challenge", CHALLENGE])
        .env("BROWSER", &script);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut rest = BufReader::new(child.stderr.take().context("no stderr")?);
    let mut said = String::new();
    while !said.contains("Waiting") {
        anyhow::ensure!(rest.read_line(&mut said)? > 0, "ended early: {said}");
    }
    press(&consent_address(&said)?, Button::Allow)?;
    let end = ended(child)?;
    assert!(Grant::parse(&end.ok()?).is_ok());
    assert_eq!(std::fs::read_to_string(seen)?, consent_address(&said)?);
    Ok(())
}

#[test]
fn cancel_ends_with_a_message_of_its_own() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key()])?;
    let page = press(&waiting.consent, Button::Cancel)?;
    assert!(page.body.contains("cancelled"), "{}", page.body);
    let end = waiting.end()?;
    assert_eq!(end.out, "");
    let err = end.fails(1)?;
    assert!(
        err.contains("cancelled in the browser") && err.contains("next:"),
        "{err}"
    );
    Ok(())
}

#[test]
fn an_answer_with_another_state_grants_nothing() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key()])?;
    let page = visit(
        &waiting.redirect("code=abcdefghijklmnop&state=somebody-elses")?,
        None,
    )?;
    assert!(page.body.contains("another login"), "{}", page.body);
    let end = waiting.end()?;
    assert_eq!(end.out, "");
    assert!(end.fails(1)?.contains("belongs to another login"));
    assert_eq!(world.sandbox.count("/oauth2/token"), 0);
    Ok(())
}

#[test]
fn what_dropbox_says_is_escaped_on_the_page() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key()])?;
    let query = format!(
        "error=server_error&error_description=%3Cscript%3Ealert(1)%3C/script%3E&state={}",
        waiting.state()?
    );
    let page = visit(&waiting.redirect(&query)?, None)?;
    assert!(
        !page.body.contains("<script>") && page.body.contains("&lt;script&gt;"),
        "{}",
        page.body
    );
    assert!(waiting.end()?.fails(1)?.contains("server_error"));
    Ok(())
}

#[test]
fn strays_neither_end_it_nor_hang_it() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key(), "--challenge", CHALLENGE])?;
    let half: Vec<TcpStream> = (0..5)
        .map(|_| {
            let mut stream = TcpStream::connect("127.0.0.1:53682")?;
            stream.write_all(b"GET / HT")?;
            anyhow::Ok(stream)
        })
        .collect::<Result<_, _>>()?;
    let _ = TcpStream::connect("127.0.0.1:53682")?
        .write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n");
    let strays = ["/favicon.ico", "/robots.txt", "/.env"];
    for path in strays {
        let page = fetch(&Url::parse(&format!("http://localhost:53682{path}"))?, None)?;
        assert_eq!(page.status, 404, "{path}");
    }
    let rebound = {
        let mut stream = TcpStream::connect("127.0.0.1:53682")?;
        let state = waiting.state()?;
        write!(
            stream,
            "GET /?code=x&state={state} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        answer
    };
    assert!(
        !rebound.starts_with("HTTP/1.1 2") && !rebound.starts_with("HTTP/1.1 3"),
        "{rebound}"
    );
    let posted = fetch(
        &waiting.redirect(&format!("code=x&state={}", waiting.state()?))?,
        Some("a=b"),
    )?;
    assert_eq!(posted.status, 405);
    press(&waiting.consent, Button::Allow)?;
    drop(half);
    assert!(Grant::parse(&waiting.end()?.ok()?).is_ok());
    Ok(())
}

#[test]
fn a_busy_port_is_named() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key(), "--challenge", CHALLENGE])?;
    let mut second = world.command("authorizer")?;
    second.args([world.sandbox.app_key(), "--no-browser"]);
    let err = tests::world::run(second, "")?.fails(1)?;
    assert!(err.contains("53682") && err.contains("next:"), "{err}");
    press(&waiting.consent, Button::Allow)?;
    waiting.end()?.ok()?;
    Ok(())
}

#[test]
fn it_gives_up_in_time_and_hints_at_error_400() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let mut command = world.command("authorizer")?;
    command.args([world.sandbox.app_key(), "--no-browser", "--timeout", "1s"]);
    let err = tests::world::run(command, "")?.fails(1)?;
    assert!(
        err.contains("in time") && err.contains("Error (400)") && err.contains("http://localhost:53682/"),
        "{err}"
    );
    Ok(())
}

#[test]
fn ctrl_c_ends_it_with_130() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let mut terminal = world.terminal("authorizer", &[world.sandbox.app_key(), "--no-browser"])?;
    terminal.expect("Waiting")?;
    terminal.send("\u{3}")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("nothing was granted"), "{screen}");
    Ok(())
}

#[test]
fn a_refused_exchange_is_explained() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::new()?);
    let waiting = start(&world, &[world.sandbox.app_key()])?;
    let state = waiting.state()?;
    visit(
        &waiting.redirect(&format!("code=not-a-code-of-this-dropbox&state={state}"))?,
        None,
    )?;
    let err = waiting.end()?.fails(1)?;
    assert!(
        err.contains("code doesn't exist or has expired") && err.contains("next:"),
        "{err}"
    );
    Ok(())
}

#[test]
fn an_app_without_pkce_is_served_with_its_secret_from_a_file() -> anyhow::Result<()> {
    let (_port, world) = (only_authorizer()?, World::with(Sandbox::builder())?);
    let file = world.path("secret");
    std::fs::write(&file, format!("{}\n", world.sandbox.app_secret()))?;
    let waiting = start(
        &world,
        &[
            world.sandbox.app_key(),
            "--app-secret-file",
            &tests::world::text(&file),
        ],
    )?;
    assert!(!waiting.consent.contains("code_challenge"), "{}", waiting.consent);
    press(&waiting.consent, Button::Allow)?;
    let Ok(Grant::Token(token)) = Grant::parse(&waiting.end()?.ok()?) else {
        panic!("no whole token")
    };
    assert!(token.refresh_token.is_some());
    Ok(())
}

#[test]
fn bad_arguments_are_named() -> anyhow::Result<()> {
    let world = World::new()?;
    for (args, hint) in [
        (vec!["--challenge", "short", "key0key0key0key"], "challenge"),
        (vec!["not a key"], "app key"),
        (vec!["dropbox"], "node-tool config create dbx"),
        (vec!["dbx"], "node-tool config create dbx"),
        (vec!["key0key0key0key", "cut0off"], "43 characters"),
        (vec!["--ssh", "login", "dbx", "key0key0key0key"], "--app-key"),
        (vec!["key0key0key0key", "--timeout", "soon"], "10m"),
        (
            vec!["key0key0key0key", "--challenge", CHALLENGE, "--format", "rclone"],
            "--format rclone",
        ),
    ] {
        let mut command = world.command("authorizer")?;
        command.args(&args);
        let end = tests::world::run(command, "")?;
        assert_eq!(end.code, 2, "{args:?}: {}", end.err);
        assert!(end.err.contains(hint), "{args:?}: {}", end.err);
    }
    let mut command = world.command("authorizer")?;
    command
        .args(["key0key0key0key", "--no-browser"])
        .env("DROPBOX_URL", "http://dropbox.example");
    let end = tests::world::run(command, "")?;
    assert_eq!(end.code, 2, "{}", end.err);
    assert!(end.err.contains("https"), "{}", end.err);
    Ok(())
}

#[test]
fn node_tool_sends_those_who_want_to_authorize_to_the_laptop() -> anyhow::Result<()> {
    let world = World::new()?;
    for line in [
        vec!["authorize"],
        vec!["authorize", "dropbox", "--", "key0key0key0key", "the0secret0word"],
        vec!["authorize", "dropbox", "--auth-no-open-browser", "--help"],
    ] {
        let err = world.node_tool(&line)?.fails(2)?;
        assert!(
            err.contains("authorizer --ssh") && err.contains("config create dbx"),
            "{err}"
        );
        assert!(!err.contains("the0secret0word"), "{err}");
    }
    let help = world.node_tool(["--help"])?.ok()?;
    assert!(!help.contains("authorize"), "{help}");
    Ok(())
}
