//! The login node, through the user's own ssh: node-tool there asks for a login and gets its grant through the same channel.
//! ssh's own questions (password, second factor, host key) reach the person as usual.

use std::{
    io::Write,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use shared::{exit, failure::Failure, pairing::Pairing, secret::Secret};

use crate::{
    command_line,
    wait::{POLL_INTERVAL, Stopped},
};
use reader::Finding;

mod reader;

/// How long the output after a pairing is read before the pairing is believed.
const SECOND_PAIRING_TIME: Duration = Duration::from_millis(300);
/// How long ssh may take to end after its output has ended: it has nothing left to do.
const END_TIME: Duration = Duration::from_secs(5);
/// The exit code of a shell that doesn't find a command.
const NOT_FOUND: i32 = 127;
/// The exit code of ssh for a failure of its own.
const SSH_FAILED: i32 = 255;

/// What to run, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The destination for ssh: `user@host`, or a name in its configuration.
    pub(crate) destination: &'a str,
    /// The ssh command, with its options.
    pub(crate) ssh: &'a str,
    /// The command that starts node-tool there.
    pub(crate) node_tool: &'a str,
    /// The name of the account there.
    pub(crate) name: &'a str,
    /// The app to log in with; `None` for the one that the node names.
    pub(crate) app_key: Option<&'a str>,
}

/// node-tool on the login node, which waits for its grant. Dropping it ends ssh.
pub(crate) struct Node<'a> {
    call: Call<'a>,
    child: Child,
    /// What was found in its output; disconnected when the output ends.
    findings: Receiver<Finding>,
    /// When to give up.
    deadline: Instant,
}

/// How a wait for ssh ended.
enum Waited {
    Ended(ExitStatus),
    Late,
    Signalled,
    Failed(std::io::Error),
}

impl<'a> Node<'a> {
    /// Starts node-tool there. `gone` is set when its output ends or can't be trusted.
    ///
    /// # Errors
    /// When ssh can't be started.
    pub(crate) fn call(call: Call<'a>, gone: Arc<AtomicBool>, deadline: Instant) -> Result<Self, Failure> {
        if call.destination.starts_with('-') {
            return Err(
                Failure::usage(format!("'{}' is not a destination for ssh", call.destination))
                    .hint("for example: authorizer --ssh user@login.example.org NAME"),
            );
        }
        let words = command_line::split(call.ssh);
        let (program, words) = words
            .split_first()
            .ok_or_else(|| Failure::usage("--ssh-command names no program"))?;
        // A valid name contains no single quote.
        let mut remote = format!("{} config create '{}' --pairing", call.node_tool, call.name);
        if let Some(key) = call.app_key {
            remote += &format!(" --app-key {key}");
        }
        let mut child = Command::new(program)
            .args(words)
            .args(["-T", "--", call.destination, &remote])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| {
                Failure::new(format!("could not start '{program}'"))
                    .why(e)
                    .hint("install OpenSSH's client, or name another with --ssh-command")
            })?;
        let (sender, findings) = channel();
        if let Some(out) = child.stdout.take() {
            thread::spawn(move || {
                reader::read(out, |finding| {
                    let is_bad = !matches!(finding, Finding::Pairing(_));
                    let _ = sender.send(finding); // the receiver may be gone
                    if is_bad {
                        gone.store(true, Ordering::Relaxed);
                    }
                });
                drop(sender);
                gone.store(true, Ordering::Relaxed);
            });
        }
        Ok(Self {
            call,
            child,
            findings,
            deadline,
        })
    }

    /// Waits for its pairing, past what the shell there may print before it.
    ///
    /// # Errors
    /// When it ends without one, asks for another app than `--app-key`, or a signal or the deadline comes first.
    pub(crate) fn pairing(&mut self, signalled: &AtomicBool) -> Result<Pairing, Failure> {
        loop {
            if signalled.load(Ordering::Relaxed) || Instant::now() >= self.deadline {
                return Err(self.ended(signalled));
            }
            match self.findings.recv_timeout(POLL_INTERVAL) {
                Ok(Finding::Pairing(pairing)) => {
                    // A second one would come at once: better now than when the browser is open.
                    return match self.findings.recv_timeout(SECOND_PAIRING_TIME) {
                        Ok(other) => Err(self.distrust(&other)),
                        Err(RecvTimeoutError::Timeout) => self.check(pairing),
                        Err(RecvTimeoutError::Disconnected) => Err(self.ended(signalled)),
                    };
                }
                Ok(other) => return Err(self.distrust(&other)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended(signalled)),
            }
        }
    }

    /// Checks that the pairing is for the app of `--app-key`, if there is one.
    fn check(&self, pairing: Pairing) -> Result<Pairing, Failure> {
        let Call {
            destination, name, ..
        } = self.call;
        let asked = &pairing.app_key;
        match self.call.app_key {
            Some(key) if key != asked => Err(Failure::new(format!(
                "{destination} asks for another app than --app-key"
            ))
            .why(format!(
                "--app-key says {key}, {destination} says {asked}; nothing was granted"
            ))
            .hint(format!(
                "if {asked} is the right one: {}",
                command_line::authorizer(&["--ssh", destination, "--app-key", asked, name])
            ))
            .hint(format!(
                "if not, find out what runs there: ssh {destination} 'type node-tool'"
            ))),
            _ => Ok(pairing),
        }
    }

    /// Hands the grant over and waits until the account is connected there.
    ///
    /// # Errors
    /// When node-tool there can't use it, and has said why; when another pairing came meanwhile.
    pub(crate) fn connect(mut self, grant: &Secret, signalled: &AtomicBool) -> Result<(), Failure> {
        if let Ok(finding) = self.findings.try_recv() {
            return Err(self.distrust(&finding));
        }
        if let Some(mut stdin) = self.child.stdin.take() {
            let sent = writeln!(stdin, "{}", grant.expose()).and_then(|()| stdin.flush());
            drop(stdin);
            if sent.is_err() {
                return Err(self.ended(signalled));
            }
        }
        let deadline = self.deadline;
        let ended = self.wait(signalled, deadline);
        let Call {
            destination,
            name,
            ssh,
            node_tool,
            ..
        } = self.call;
        let check = format!("check whether it is: {ssh} {destination} {node_tool} config list");
        match ended {
            Waited::Ended(status) if status.success() => Ok(()),
            Waited::Ended(status) => Err(self.failure(status)),
            Waited::Late => Err(Failure::new(format!(
                "{destination} got its grant, but didn't report in time that {name}: is connected"
            ))
            .hint(check)
            .hint("if not, run this again; --timeout 30m waits longer")),
            Waited::Signalled => Err(Failure::new(format!(
                "stopped while {destination} was connecting {name}:; it may be connected"
            ))
            .hint(check)
            .code(exit::INTERRUPTED)),
            Waited::Failed(error) => Err(Failure::new("could not wait for ssh").why(error)),
        }
    }

    /// Returns why it ended, or why it is ended now.
    pub(crate) fn ended(&mut self, signalled: &AtomicBool) -> Failure {
        if let Some(bad) = self
            .findings
            .try_iter()
            .find(|finding| !matches!(finding, Finding::Pairing(_)))
        {
            return self.distrust(&bad);
        }
        let deadline = self.deadline.min(Instant::now() + END_TIME);
        match self.wait(signalled, deadline) {
            Waited::Ended(status) => self.failure(status),
            Waited::Failed(error) => Failure::new("could not wait for ssh").why(error),
            Waited::Signalled => Stopped::Interrupted.into(),
            Waited::Late if Instant::now() >= self.deadline => {
                Failure::new(format!("{} didn't answer in time", self.call.destination))
                    .hint(format!(
                        "check that this works: {} {} true",
                        self.call.ssh, self.call.destination
                    ))
                    .hint("or wait longer: --timeout 30m")
            }
            Waited::Late => Failure::new(format!(
                "{}: was not connected on {}",
                self.call.name, self.call.destination
            ))
            .why("ssh's output ended, but ssh itself is still running")
            .hint(format!(
                "check that this ends by itself: {} {} true",
                self.call.ssh, self.call.destination
            )),
        }
    }

    /// Waits for the end of ssh, at most until `deadline`.
    fn wait(&mut self, signalled: &AtomicBool, deadline: Instant) -> Waited {
        loop {
            if signalled.load(Ordering::Relaxed) {
                return Waited::Signalled;
            }
            match self.child.try_wait() {
                Ok(None) if Instant::now() >= deadline => return Waited::Late,
                Ok(None) => {
                    thread::sleep(POLL_INTERVAL.min(deadline.saturating_duration_since(Instant::now())))
                }
                Ok(Some(status)) => return Waited::Ended(status),
                Err(error) => return Waited::Failed(error),
            }
        }
    }

    /// Returns why nothing is granted after this finding.
    fn distrust(&self, finding: &Finding) -> Failure {
        let Call { destination, .. } = self.call;
        let hint = format!(
            "look at what your shell prints there: {} {destination} true",
            self.call.ssh
        );
        match finding {
            Finding::TooMuch => Failure::new(format!("{destination} prints without end"))
                .why("16 MiB came, and node-tool's pairing wasn't in them")
                .hint(hint),
            Finding::OtherVersion => {
                Failure::new(format!("node-tool on {destination} is of another version"))
                    .why("this authorizer doesn't understand its pairing")
                    .hint("install the newest of both programs, then run this again")
            }
            Finding::TwoPairings | Finding::Pairing(_) => {
                Failure::new(format!("{destination} asked for two different logins"))
                    .why("only one of them can be node-tool's, and it isn't known which; nothing was granted")
                    .hint(hint)
            }
        }
    }

    fn failure(&self, status: ExitStatus) -> Failure {
        let Call {
            destination,
            node_tool,
            name,
            ..
        } = self.call;
        let failure = Failure::new(format!("{name}: was not connected on {destination}"));
        match status.code() {
            Some(NOT_FOUND) => failure
                .why(format!("'{node_tool}' was not found there"))
                .hint(format!(
                    "say where it is: {}",
                    command_line::authorizer(&[
                        "--ssh",
                        destination,
                        "--remote-command",
                        "~/bin/node-tool",
                        name
                    ])
                )),
            Some(SSH_FAILED) => failure
                .why("ssh could not connect, or lost the connection; it says why above")
                .hint(format!(
                    "check that this works: {} {destination} true",
                    self.call.ssh
                )),
            Some(0) => failure
                .why(format!("'{node_tool}' ended there without asking for a login"))
                .hint("check that it is node-tool, and of this version: node-tool --version"),
            _ => failure
                .why("node-tool ended there; it says why above")
                .hint("run this again"),
        }
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
    }
}
