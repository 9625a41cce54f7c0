//! The laptop's side: one login, from the address to the printed grant, and every way it can fail.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use sandbox::Sandbox;
use shared::grant::{BEGIN_MARKER, END_MARKER, Grant};
use tests::browser::{Button, consent_address, fetch, press, visit};
use tests::next_lines;
use tests::test_env::{Output, TestEnv, only_authorizer, output_of};
use url::Url;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An authorizer that waits for its browser.
struct Waiting {
    child: Option<Child>,
    consent: String,
    said: String,
    rest: BufReader<std::process::ChildStderr>,
}

fn start(env: &TestEnv, args: &[&str]) -> anyhow::Result<Waiting> {
    let mut command = env.command("authorizer")?;
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
    fn end(mut self) -> anyhow::Result<Output> {
        let child = self.child.take().context("ended before")?;
        self.rest.read_to_string(&mut self.said)?;
        let mut end = output_of(child)?;
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
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key(), "--challenge", CHALLENGE])?;
    let page = press(&waiting.consent, Button::Allow)?;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.url.as_str(),
        "http://localhost:53682/done",
        "the code left the address bar"
    );
    assert!(
        page.body.contains("<h1>One step left: paste the grant</h1>"),
        "{}",
        page.body
    );
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
        env.sandbox.count("/oauth2/token"),
        0,
        "the code is for the node to use"
    );
    Ok(())
}

#[test]
fn the_line_that_node_tool_prints_is_run_as_it_stands() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let mut terminal = env.terminal(
        "node-tool",
        &["config", "create", "dbx", "--app-key", env.sandbox.app_key()],
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
    let waiting = start(&env, &words)?;
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
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let (key, secret) = (env.sandbox.app_key(), env.sandbox.app_secret());
    for line in [vec!["dropbox", "--", key, secret], vec![key, secret]] {
        // clap takes nothing for a flag behind `--`.
        let line = [vec!["--no-browser"], line].concat();
        let mut command = env.command("authorizer")?;
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
        assert!(matches!(
            Grant::parse(&output_of(child)?.ok()?),
            Ok(Grant::Token(_))
        ));
    }
    Ok(())
}

#[test]
fn alone_it_prints_a_whole_token_that_works() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key()])?;
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
        env.sandbox.app_key(),
        "--token-stdin",
    ];
    assert!(
        env.node_tool_with(create, &out)?
            .ok()?
            .contains("Connected dbx: Ann Example <ann@example.org>")
    );
    Ok(())
}

#[test]
fn for_rclone_it_prints_what_rclone_authorize_prints() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key(), "--format", "rclone"])?;
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
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let mut terminal = env.terminal(
        "authorizer",
        &[env.sandbox.app_key(), "--challenge", CHALLENGE, "--no-browser"],
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
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let script = env.path("browser.sh");
    let seen = env.path("seen");
    std::fs::write(
        &script,
        format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", seen.display()),
    )?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode)?;
    let mut command = env.command("authorizer")?;
    command
        .args([env.sandbox.app_key(), "--challenge", CHALLENGE])
        .env("BROWSER", &script);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut rest = BufReader::new(child.stderr.take().context("no stderr")?);
    let mut said = String::new();
    while !said.contains("Waiting") {
        anyhow::ensure!(rest.read_line(&mut said)? > 0, "ended early: {said}");
    }
    // All users of a computer see what programs are started with: neither state nor challenge may stand there.
    tests::test_env::until(|| seen.metadata().is_ok_and(|it| it.len() > 0))?;
    let opened = std::fs::read_to_string(&seen)?;
    let consent = Url::parse(&consent_address(&said)?)?;
    for (name, value) in consent.query_pairs() {
        if name == "state" || name == "code_challenge" {
            assert!(!opened.contains(&*value), "{name} in {opened}");
        }
    }
    let page = fetch(&Url::parse(&opened)?, None)?;
    assert_eq!(
        (page.status, page.headers["location"].as_str()),
        (303, consent.as_str())
    );
    press(consent.as_str(), Button::Allow)?;
    let end = output_of(child)?;
    assert!(Grant::parse(&end.ok()?).is_ok());
    Ok(())
}

#[test]
fn cancel_ends_with_a_message_of_its_own() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key()])?;
    let page = press(&waiting.consent, Button::Cancel)?;
    assert!(page.body.contains("cancelled"), "{}", page.body);
    let end = waiting.end()?;
    assert_eq!(end.out, "");
    let err = end.fails(1)?;
    assert!(
        err.contains("cancelled in the browser") && next_lines::says_what_to_do(&err),
        "{err}"
    );
    Ok(())
}

#[test]
fn answers_of_other_logins_are_answered_and_disturb_nothing() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key(), "--challenge", CHALLENGE])?;
    let state = waiting.state()?;
    for query in [
        "code=x".to_owned(),
        "code=abcdefghijklmnop&state=somebody-elses".to_owned(),
        "error=access_denied&state=".to_owned(),
        format!("code=x&state={state}x"),
        format!("code=x&state={state}&state={state}"),
        format!("state={}", state.to_uppercase()),
    ] {
        for host in ["127.0.0.1", "[::1]"] {
            let mut url = waiting.redirect(&query)?;
            url.set_host(Some(host))?;
            let page = fetch(&url, None)?;
            assert_eq!(page.status, 400, "{query}");
            assert!(page.body.contains("another login"), "{query}: {}", page.body);
        }
    }
    // Neither does who comes too early to the page at the end.
    assert_eq!(
        fetch(&Url::parse("http://localhost:53682/done")?, None)?.status,
        404
    );
    assert_eq!(
        fetch(&Url::parse("http://localhost:53682/start/guessed")?, None)?.status,
        404
    );
    press(&waiting.consent, Button::Allow)?;
    let end = waiting.end()?;
    assert_eq!(
        end.err.matches("another login").count(),
        1,
        "told once: {}",
        end.err
    );
    assert!(Grant::parse(&end.ok()?).is_ok());
    Ok(())
}

/// Holds 128 requests open at the listener, 32 of each text, and opens a new one for each that is closed, until dropped.
struct Flood {
    over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Flood {
    fn start(texts: [&'static [u8]; 4]) -> Self {
        let over: Arc<AtomicBool> = Arc::default();
        let (full, held) = std::sync::mpsc::channel();
        let hold = |text| {
            let (over, full) = (Arc::clone(&over), full.clone());
            std::thread::spawn(move || {
                let mut streams: Vec<TcpStream> = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    streams.retain(|stream| matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock));
                    while streams.len() < 32 {
                        let Ok(mut stream) = TcpStream::connect("127.0.0.1:53682") else {
                            break;
                        };
                        let _ = stream.write_all(text);
                        let _ = stream.set_nonblocking(true);
                        streams.push(stream);
                    }
                    let _ = full.send(());
                    std::thread::sleep(Duration::from_millis(5));
                }
            })
        };
        let threads = texts.into_iter().map(hold).collect();
        for _ in 0..8 {
            let _ = held.recv();
        }
        Self { over, threads }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[test]
fn a_flood_of_half_requests_does_not_keep_the_browser_out() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let half = b"GET /?code=x HTTP/1.1\r\nHost: localhost:53682\r\n".as_slice();
    let mixed: [&[u8]; 4] = [
        b"",
        b"GET /?code=x&sta",
        // Whole ones, whose answers nobody reads.
        b"GET /?code=x HTTP/1.1\r\nHost: localhost:53682\r\n\r\n",
        b"GET /done HTTP/1.1\r\nHost: localhost:53682\r\n\r\n",
    ];
    for texts in [[half; 4], mixed] {
        let waiting = start(&env, &[env.sandbox.app_key(), "--challenge", CHALLENGE])?;
        let flood = Flood::start(texts);
        for _ in 0..5 {
            let page = fetch(&waiting.redirect("code=x")?, None)?;
            assert_eq!(page.status, 400);
        }
        let page = press(&waiting.consent, Button::Allow)?;
        assert_eq!(page.status, 200, "{}", page.body);
        let out = waiting.end()?.ok()?;
        assert!(Grant::parse(&out).is_ok(), "{out}");
        drop(flood);
    }
    Ok(())
}

#[test]
fn a_browser_with_foreign_cookies_and_odd_headers_gets_through() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key(), "--challenge", CHALLENGE])?;
    let mut stream = TcpStream::connect("127.0.0.1:53682")?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        stream,
        "GET /?code=x HTTP/1.1\r\nHost: localhost:53682\r\nCookie: other={}; name=Zo\u{eb}\r\nExpect: 100-continue\r\n\
         Content-Length: 7\r\nUpgrade-Insecure-Requests: 1\r\n\r\n",
        "y".repeat(9000)
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("another login"),
        "{answer}"
    );
    press(&waiting.consent, Button::Allow)?;
    waiting.end()?.ok()?;
    Ok(())
}

#[test]
fn what_dropbox_says_is_escaped_on_the_page() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key()])?;
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
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key(), "--challenge", CHALLENGE])?;
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
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key(), "--challenge", CHALLENGE])?;
    let mut second = env.command("authorizer")?;
    second.args([env.sandbox.app_key(), "--no-browser"]);
    let err = tests::test_env::run(second, "")?.fails(1)?;
    assert!(
        err.contains("another program uses the port") && next_lines::says_what_to_do(&err),
        "{err}"
    );
    assert!(err.contains("ssh -L 53682:localhost:53682"), "{err}");
    // With a challenge there is a way that needs no port: an address that shows the code.
    let mut third = env.command("authorizer")?;
    third.args([env.sandbox.app_key(), CHALLENGE, "--no-browser"]);
    let err = tests::test_env::run(third, "")?.fails(1)?;
    let address = Url::parse(&consent_address(&err)?)?;
    assert!(err.lines().any(|line| line == address.as_str()), "{err}");
    let query: HashMap<String, String> = address.query_pairs().into_owned().collect();
    assert!(
        query["code_challenge"] == CHALLENGE && !query.contains_key("redirect_uri"),
        "{err}"
    );
    press(&waiting.consent, Button::Allow)?;
    waiting.end()?.ok()?;
    Ok(())
}

#[test]
fn it_gives_up_in_time_and_hints_at_error_400() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let mut command = env.command("authorizer")?;
    command.args([env.sandbox.app_key(), "--no-browser", "--timeout", "1s"]);
    let err = tests::test_env::run(command, "")?.fails(1)?;
    assert!(
        err.contains("in time") && err.contains("Error (400)") && err.contains("http://localhost:53682/"),
        "{err}"
    );
    Ok(())
}

#[test]
fn ctrl_c_ends_it_with_130() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let mut terminal = env.terminal("authorizer", &[env.sandbox.app_key(), "--no-browser"])?;
    terminal.expect("Waiting")?;
    terminal.send("\u{3}")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("nothing was granted"), "{screen}");
    Ok(())
}

#[test]
fn a_refused_exchange_is_explained() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let waiting = start(&env, &[env.sandbox.app_key()])?;
    let state = waiting.state()?;
    visit(
        &waiting.redirect(&format!("code=not-a-code-of-this-dropbox&state={state}"))?,
        None,
    )?;
    let err = waiting.end()?.fails(1)?;
    assert!(
        err.contains("code doesn't exist or has expired") && next_lines::says_what_to_do(&err),
        "{err}"
    );
    Ok(())
}

#[test]
fn an_app_without_pkce_is_served_with_its_secret_from_a_file() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::with(Sandbox::builder())?);
    let file = env.path("secret");
    std::fs::write(&file, format!("{}\n", env.sandbox.app_secret()))?;
    let waiting = start(
        &env,
        &[
            env.sandbox.app_key(),
            "--app-secret-file",
            &tests::test_env::text(&file),
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
    let env = TestEnv::new()?;
    for (args, hint) in [
        (vec!["--challenge", "short", "key0key0key0key"], "challenge"),
        (vec!["not a key"], "app key"),
        (vec!["dropbox"], "node-tool config create dbx"),
        (vec!["dbx"], "node-tool config create dbx"),
        (vec!["key0key0key0key", "cutOff0"], "43 characters"),
        (vec!["--ssh", "login", "dbx", "key0key0key0key"], "--app-key"),
        (vec!["key0key0key0key", "--timeout", "soon"], "10m"),
        (
            vec!["key0key0key0key", "--challenge", CHALLENGE, "--format", "rclone"],
            "--format rclone",
        ),
    ] {
        let mut command = env.command("authorizer")?;
        command.args(&args);
        let end = tests::test_env::run(command, "")?;
        assert_eq!(end.code, 2, "{args:?}: {}", end.err);
        assert!(end.err.contains(hint), "{args:?}: {}", end.err);
    }
    let mut command = env.command("authorizer")?;
    command
        .args(["key0key0key0key", "--no-browser"])
        .env("DROPBOX_URL", "http://dropbox.example");
    let end = tests::test_env::run(command, "")?;
    assert_eq!(end.code, 2, "{}", end.err);
    assert!(end.err.contains("https"), "{}", end.err);
    Ok(())
}

#[test]
fn node_tool_sends_those_who_want_to_authorize_to_the_laptop() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    for line in [
        vec!["authorize"],
        vec!["authorize", "dropbox", "--", "key0key0key0key", "the0secret0word"],
        vec!["authorize", "dropbox", "--auth-no-open-browser", "--help"],
    ] {
        let err = env.node_tool(&line)?.fails(2)?;
        assert!(
            err.contains("authorizer --ssh") && err.contains("config create dbx"),
            "{err}"
        );
        assert!(!err.contains("the0secret0word"), "{err}");
    }
    let help = env.node_tool(["--help"])?.ok()?;
    assert!(!help.contains("authorize"), "{help}");
    Ok(())
}

/// A program at a terminal that waits for a secret still obeys, and leaves the terminal as it was.
#[test]
fn a_prompt_for_the_apps_secret_can_be_left() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let program = tests::test_env::text(&tests::programs::program("authorizer")?);
    let key = env.sandbox.app_key();
    let script = format!(
        "stty > before; {program} {key} --app-secret-file - --no-browser; echo code $?; stty > after; cmp before after && echo the same"
    );
    let mut terminal = env.shell(&script)?;
    terminal.expect("not shown")?;
    terminal.send("\u{3}")?;
    terminal.expect("code 130")?;
    terminal.expect("the same")?;
    terminal.end()?;
    let script = format!("{program} {key} --app-secret-file - --no-browser --timeout 1s; echo code $?");
    let mut terminal = env.shell(&script)?;
    terminal.expect("not shown")?;
    terminal.expect("time ran out")?;
    terminal.expect("code 1")?;
    terminal.end()?;
    Ok(())
}
