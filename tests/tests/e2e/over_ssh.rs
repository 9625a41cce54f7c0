//! `authorizer --ssh`: a real OpenSSH server on loopback is the login node; nothing is pasted. Where it matters what ssh does, or
//! what a hostile node prints, a script stands in for ssh.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Stdio};

use anyhow::Context as _;
use tests::browser::{Button, consent_address, press};
use tests::next_lines;
use tests::ssh_server::{SshServer, installed};
use tests::test_env::{Output, TestEnv, only_authorizer, output_of, skip, text};

/// How node-tool is called on the login node, whose shell knows nothing of this env.
fn remote_command(env: &TestEnv) -> anyhow::Result<String> {
    Ok(format!(
        "echo Welcome to the cluster; env HOME={} DROPBOX_URL={} {}",
        env.home().display(),
        env.sandbox.origin(),
        text(&tests::programs::program("node-tool")?)
    ))
}

struct Calling {
    child: Child,
    said: String,
    rest: BufReader<ChildStderr>,
}

impl Calling {
    fn start(env: &TestEnv, server: &SshServer, remote: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut command = env.command("authorizer")?;
        command
            .args(["--ssh", "login", "dbx", "--no-browser"])
            .args(["--ssh-command", &format!("ssh -F {}", server.config().display())])
            .args(["--remote-command", remote])
            .args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let rest = BufReader::new(child.stderr.take().context("no stderr")?);
        Ok(Self {
            child,
            said: String::new(),
            rest,
        })
    }

    fn consent(&mut self) -> anyhow::Result<String> {
        while !self.said.contains("Waiting") {
            anyhow::ensure!(
                self.rest.read_line(&mut self.said)? > 0,
                "ended early: {}",
                self.said
            );
        }
        consent_address(&self.said)
    }

    fn end(mut self) -> anyhow::Result<Output> {
        self.rest.read_to_string(&mut self.said)?;
        let mut end = output_of(self.child)?;
        end.err = self.said;
        Ok(end)
    }
}

fn server() -> anyhow::Result<Option<SshServer>> {
    if installed() {
        return SshServer::start().map(Some);
    }
    skip("there is no OpenSSH server on this machine");
    Ok(None)
}

#[test]
fn one_command_on_the_laptop_connects_the_node() -> anyhow::Result<()> {
    let Some(server) = server()? else { return Ok(()) };
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let key = env.sandbox.app_key().to_owned();
    let mut calling = Calling::start(&env, &server, &remote_command(&env)?, &["--app-key", &key])?;
    let consent = calling.consent()?;
    let page = press(&consent, Button::Allow)?;
    assert!(
        page.body.contains("<h1>dbx: is connected on login</h1>"),
        "{}",
        page.body
    );
    // What will be connected is said before the browser opens.
    let (before, _) = calling
        .said
        .split_once("/oauth2/authorize")
        .context("no address")?;
    assert!(
        before.contains("connect dbx: on login") && before.contains(&key),
        "{before}"
    );
    let end = calling.end()?;
    assert_eq!(
        (end.code, end.out.as_str()),
        (0, ""),
        "{}\n{}",
        end.err,
        server.log()
    );
    assert!(
        end.err.contains("Connected dbx: Ann Example <ann@example.org>"),
        "{}",
        end.err
    );
    assert!(end.err.contains("node-tool lsd dbx:"), "{}", end.err);
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    // Once more: the same name logs in anew, with the app key that the node knows now.
    let mut again = Calling::start(&env, &server, &remote_command(&env)?, &[])?;
    let consent = again.consent()?;
    press(&consent, Button::Allow)?;
    again.end()?.ok()?;
    Ok(())
}

#[test]
fn what_goes_wrong_on_the_way_is_told() -> anyhow::Result<()> {
    let Some(server) = server()? else { return Ok(()) };
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let calls: [(&str, &str); 4] = [
        ("/no/such/node-tool", "'/no/such/node-tool' was not found there"),
        ("true;", "ended there without asking for a login"),
        ("false;", "node-tool ended there"),
        (&remote_command(&env)?, "give the authorizer --app-key KEY"),
    ];
    for (remote, message) in calls {
        let remote = if remote.ends_with(';') {
            format!("{remote} exit $?;")
        } else {
            remote.to_owned()
        };
        let err = Calling::start(&env, &server, &remote, &[])?.end()?.fails(1)?;
        assert!(err.contains(message), "{remote}: {err}");
        assert!(err.contains("was not connected on login"), "{err}");
    }
    drop(server);
    let gone = SshServer::start()?;
    let config = gone.config();
    std::fs::write(
        &config,
        "Host login\n  HostName 127.0.0.1\n  Port 1\n  BatchMode yes\n",
    )?;
    let err = Calling::start(&env, &gone, "node-tool", &[])?.end()?.fails(1)?;
    assert!(err.contains("ssh could not connect"), "{err}");
    let err = env
        .command("authorizer")?
        .args(["--ssh", "-oProxyCommand=x", "dbx"])
        .output()?;
    assert_eq!(err.status.code(), Some(2));
    assert!(!env.config().exists());
    Ok(())
}

#[test]
fn cancelling_in_the_browser_leaves_the_node_as_it_was() -> anyhow::Result<()> {
    let Some(server) = server()? else { return Ok(()) };
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let key = env.sandbox.app_key().to_owned();
    let mut calling = Calling::start(&env, &server, &remote_command(&env)?, &["--app-key", &key])?;
    press(&calling.consent()?, Button::Cancel)?;
    let err = calling.end()?.fails(1)?;
    assert!(err.contains("cancelled in the browser"), "{err}");
    assert!(!env.config().exists());
    Ok(())
}

#[test]
fn a_node_that_goes_away_ends_the_waiting() -> anyhow::Result<()> {
    let Some(server) = server()? else { return Ok(()) };
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let key = env.sandbox.app_key();
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let remote = format!("echo pairing1 {key} {challenge}; exit 3;");
    let err = Calling::start(&env, &server, &remote, &[])?.end()?.fails(1)?;
    assert!(err.contains("node-tool ended there"), "{err}");
    Ok(())
}

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const OTHER: &str = "DPebfg0lO6FXzxXzywikEQm4i5dB5ykwE9u-oyln3lo";

/// Starts the authorizer with a script in the place of ssh; `$remote` is what the node's shell would get.
fn with_script(env: &TestEnv, script: &str, more: &[&str]) -> anyhow::Result<Calling> {
    let path = env.path("ssh.sh");
    std::fs::write(&path, format!("#!/bin/bash\nremote=${{@: -1}}\n{script}\n"))?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut command = env.command("authorizer")?;
    command
        .args(["--ssh", "login", "dbx", "--no-browser"])
        .args(["--ssh-command", &text(&path)])
        .args(more);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let rest = BufReader::new(child.stderr.take().context("no stderr")?);
    Ok(Calling {
        child,
        said: String::new(),
        rest,
    })
}

fn signal(calling: &Calling, name: &str) -> anyhow::Result<()> {
    let status = std::process::Command::new("kill")
        .args([format!("-{name}"), calling.child.id().to_string()])
        .status()?;
    anyhow::ensure!(status.success(), "kill: {status}");
    Ok(())
}

#[test]
fn whatever_the_nodes_shell_prints_the_question_is_found() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let node_tool = tests::programs::program("node-tool")?;
    let programs = node_tool.parent().context("no directory")?;
    let key = env.sandbox.app_key();
    let greetings = [
        "head -c 300000 /dev/zero",
        r"printf 'Gr\374\337e vom Cluster\n'",
        "echo pairing1 is what node-tool says",
        r"printf '\033]0;ann@login: ~\007\033[0m\033[?2004l'",
        "echo -n 'Last login: today '",
    ];
    let script = format!(
        "{}\nPATH={}:$PATH eval \"$remote\"",
        greetings.join("\n"),
        programs.display()
    );
    let mut calling = with_script(&env, &script, &["--app-key", key])?;
    press(&calling.consent()?, Button::Allow)?;
    let end = calling.end()?;
    assert_eq!(end.code, 0, "{}", end.err);
    env.node_tool(["lsd", "dbx:"])?.ok()?;
    Ok(())
}

#[test]
fn a_node_that_cannot_be_believed_gets_nothing() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let key = env.sandbox.app_key();
    let ask = |key: &str, challenge: &str| format!("pairing1 {key} {challenge}");
    let (one, other) = (ask(key, CHALLENGE), ask(key, OTHER));
    for (script, hint) in [
        (
            format!("cat <<< '{one}\n{other}'; exec sleep 1000"),
            "two different logins",
        ),
        (
            format!("echo {}; exec sleep 1000", ask("another0app0key", CHALLENGE)),
            "another app than --app-key",
        ),
        ("exec yes".to_owned(), "without end"),
        ("exec tr '\\0' x < /dev/zero".to_owned(), "without end"),
    ] {
        let err = with_script(&env, &script, &["--app-key", key])?.end()?.fails(1)?;
        assert!(
            err.contains(hint) && next_lines::says_what_to_do(&err),
            "{script}: {err}"
        );
        assert!(!err.contains("/oauth2/authorize"), "no browser was opened: {err}");
    }
    // The second question comes when the browser is open already: what it brings goes nowhere.
    let got = env.path("got");
    let go = env.path("go");
    let script = format!(
        "echo '{one}'; until [ -e {} ]; do sleep 0.01; done; echo '{other}'; exec cat > {}",
        go.display(),
        got.display()
    );
    let mut calling = with_script(&env, &script, &[])?;
    calling.consent()?;
    std::fs::write(&go, "")?;
    let err = calling.end()?.fails(1)?;
    assert!(err.contains("two different logins"), "{err}");
    assert!(
        std::fs::read_to_string(&got).unwrap_or_default().is_empty(),
        "no grant"
    );
    Ok(())
}

#[test]
fn an_ssh_that_hangs_is_left_in_time_and_on_signals() -> anyhow::Result<()> {
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let key = env.sandbox.app_key();
    // The scripts outlive any patience of a test: only the authorizer ends them.
    for script in [
        "exec sleep 1000",
        "exec >&-; exec sleep 1000",
        r"printf 'Gr\374\337e\n'; exec sleep 1000",
    ] {
        let err = with_script(&env, script, &["--timeout", "1s"])?.end()?.fails(1)?;
        assert!(
            err.contains("in time") && next_lines::says_what_to_do(&err),
            "{script}: {err}"
        );
        let mut calling = with_script(&env, script, &[])?;
        calling.rest.read_line(&mut calling.said)?;
        signal(&calling, "TERM")?;
        calling.end()?.fails(130)?;
    }
    // Also when it has its grant, and then it isn't said that nothing was granted.
    let got = env.path("got");
    let script = format!(
        "echo pairing1 {key} {CHALLENGE}; head -n 1 > {}; exec sleep 1000",
        got.display()
    );
    let mut calling = with_script(&env, &script, &[])?;
    let consent = calling.consent()?;
    let pressed = std::thread::spawn(move || press(&consent, Button::Allow));
    tests::test_env::until(|| got.metadata().is_ok_and(|it| it.len() > 0))?;
    signal(&calling, "TERM")?;
    let err = calling.end()?.fails(130)?;
    assert!(
        err.contains("may be connected") && !err.contains("nothing was granted"),
        "{err}"
    );
    let _ = pressed.join();
    Ok(())
}
