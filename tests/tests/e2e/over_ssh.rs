//! `authorizer --ssh`: a real OpenSSH server on loopback is the login node; nothing is pasted.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Stdio};

use anyhow::Context as _;
use tests::browser::{Button, consent_address, press};
use tests::ssh_server::{SshServer, installed};
use tests::world::{Ended, World, ended, only_authorizer, skip, text};

/// How node-tool is called on the login node, whose shell knows nothing of this world.
fn remote_command(world: &World) -> anyhow::Result<String> {
    Ok(format!(
        "echo Welcome to the cluster; env HOME={} DROPBOX_URL={} {}",
        world.home().display(),
        world.sandbox.origin(),
        text(&tests::programs::program("node-tool")?)
    ))
}

struct Calling {
    child: Child,
    said: String,
    rest: BufReader<ChildStderr>,
}

impl Calling {
    fn start(world: &World, server: &SshServer, remote: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut command = world.command("authorizer")?;
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

    fn end(mut self) -> anyhow::Result<Ended> {
        self.rest.read_to_string(&mut self.said)?;
        let mut end = ended(self.child)?;
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
    let (_port, world) = (only_authorizer()?, World::new()?);
    let key = world.sandbox.app_key().to_owned();
    let mut calling = Calling::start(&world, &server, &remote_command(&world)?, &["--app-key", &key])?;
    let consent = calling.consent()?;
    let page = press(&consent, Button::Allow)?;
    assert!(page.body.contains("dbx: is connected on login"), "{}", page.body);
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
    world.node_tool(["lsd", "dbx:"])?.ok()?;
    // Once more: the same name logs in anew, with the app key that the node knows now.
    let mut again = Calling::start(&world, &server, &remote_command(&world)?, &[])?;
    let consent = again.consent()?;
    press(&consent, Button::Allow)?;
    again.end()?.ok()?;
    Ok(())
}

#[test]
fn what_goes_wrong_on_the_way_is_told() -> anyhow::Result<()> {
    let Some(server) = server()? else { return Ok(()) };
    let (_port, world) = (only_authorizer()?, World::new()?);
    let calls: [(&str, &str); 4] = [
        ("/no/such/node-tool", "'/no/such/node-tool' was not found there"),
        ("true;", "ended there without asking for a login"),
        ("false;", "node-tool ended there"),
        (&remote_command(&world)?, "give the authorizer --app-key KEY"),
    ];
    for (remote, message) in calls {
        let remote = if remote.ends_with(';') {
            format!("{remote} exit $?;")
        } else {
            remote.to_owned()
        };
        let err = Calling::start(&world, &server, &remote, &[])?.end()?.fails(1)?;
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
    let err = Calling::start(&world, &gone, "node-tool", &[])?.end()?.fails(1)?;
    assert!(err.contains("ssh could not connect"), "{err}");
    let err = world
        .command("authorizer")?
        .args(["--ssh", "-oProxyCommand=x", "dbx"])
        .output()?;
    assert_eq!(err.status.code(), Some(2));
    assert!(!world.config().exists());
    Ok(())
}

#[test]
fn cancelling_in_the_browser_leaves_the_node_as_it_was() -> anyhow::Result<()> {
    let Some(server) = server()? else { return Ok(()) };
    let (_port, world) = (only_authorizer()?, World::new()?);
    let key = world.sandbox.app_key().to_owned();
    let mut calling = Calling::start(&world, &server, &remote_command(&world)?, &["--app-key", &key])?;
    press(&calling.consent()?, Button::Cancel)?;
    let err = calling.end()?.fails(1)?;
    assert!(err.contains("cancelled in the browser"), "{err}");
    assert!(!world.config().exists());
    Ok(())
}

#[test]
fn a_node_that_goes_away_ends_the_waiting() -> anyhow::Result<()> {
    let Some(server) = server()? else { return Ok(()) };
    let (_port, world) = (only_authorizer()?, World::new()?);
    let key = world.sandbox.app_key();
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let remote = format!("echo pairing1 {key} {challenge}; exit 3;");
    let err = Calling::start(&world, &server, &remote, &[])?.end()?.fails(1)?;
    assert!(err.contains("node-tool ended there"), "{err}");
    Ok(())
}
