//! The login node, reached through the user's own ssh: node-tool there asks for a login and gets its grant through the
//! same channel. ssh's own questions (password, second factor, host key) reach the person as usual.

use std::{
    io::{BufRead, BufReader, Write},
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

/// How often a signal is looked for.
const GLANCE: Duration = Duration::from_millis(100);
/// A shell's code for a command that isn't there.
const NOT_FOUND: i32 = 127;
/// ssh's code for a failure of its own.
const SSH_FAILED: i32 = 255;

/// What to call, and where.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// For ssh: `user@host`, or a name of its config.
    pub destination: &'a str,
    /// ssh, with options.
    pub ssh: &'a str,
    /// node-tool, as the shell there finds it.
    pub node_tool: &'a str,
    /// What the account will be called there.
    pub name: &'a str,
    /// The app to log in with, if not the one that the node knows.
    pub app_key: Option<&'a str>,
}

/// node-tool on the login node, waiting for its grant. Ended when dropped.
pub struct Node<'a> {
    call: Call<'a>,
    child: Child,
    /// Its output, which ends with it.
    lines: Receiver<String>,
}

impl<'a> Node<'a> {
    /// Starts node-tool there. `gone` is set when it ends.
    ///
    /// # Errors
    /// When ssh can't be started.
    pub fn call(call: Call<'a>, gone: Arc<AtomicBool>) -> Result<Self, Failure> {
        if call.destination.starts_with('-') {
            return Err(
                Failure::usage(format!("'{}' is not a destination for ssh", call.destination))
                    .next("authorizer --ssh user@login.example.org NAME"),
            );
        }
        let mut words = call.ssh.split_whitespace();
        let program = words
            .next()
            .ok_or_else(|| Failure::usage("--ssh-command names no program"))?;
        // The name's rule leaves nothing in it that a quoted word could not hold.
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
                    .next("install OpenSSH's client, or name another with --ssh-command")
            })?;
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    let _ = sender.send(line); // what comes after the pairing is of no interest
                }
                gone.store(true, Ordering::Relaxed);
            });
        }
        Ok(Self { call, child, lines })
    }

    /// Waits for its question, past what the shell there may print before it.
    ///
    /// # Errors
    /// When it ends without one, or a signal or the deadline comes first.
    pub fn pairing(&mut self, signalled: &AtomicBool, deadline: Instant) -> Result<Pairing, Failure> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if signalled.load(Ordering::Relaxed) {
                return Err(self.ended(signalled));
            }
            if left.is_zero() {
                return Err(
                    Failure::new(format!("{} didn't answer in time", self.call.destination))
                        .next("try the same ssh by hand, or give --timeout 30m"),
                );
            }
            match self.lines.recv_timeout(left.min(GLANCE)) {
                Ok(line) => {
                    if let Some(pairing) = Pairing::parse(&line) {
                        return Ok(pairing);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended(signalled)),
            }
        }
    }

    /// Hands the grant over and waits until the account is connected there.
    ///
    /// # Errors
    /// When node-tool there can't use it; it has told why.
    pub fn connect(mut self, grant: &Secret, signalled: &AtomicBool) -> Result<(), Failure> {
        if let Some(mut stdin) = self.child.stdin.take() {
            let sent = writeln!(stdin, "{}", grant.expose()).and_then(|()| stdin.flush());
            drop(stdin);
            if sent.is_err() {
                return Err(self.ended(signalled));
            }
        }
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failure(status)),
            Err(error) => Err(Failure::new("could not wait for ssh").why(error)),
        }
    }

    /// Why it ended.
    pub fn ended(&mut self, signalled: &AtomicBool) -> Failure {
        if signalled.load(Ordering::Relaxed) {
            return Failure::new("stopped before the login was finished; nothing was granted")
                .next("run this again")
                .code(exit::INTERRUPTED);
        }
        match self.child.wait() {
            Ok(status) => self.failure(status),
            Err(error) => Failure::new("could not wait for ssh").why(error),
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
            Some(NOT_FOUND) => failure.why(format!("'{node_tool}' was not found there")).next(format!(
                "say where it is: authorizer --ssh {destination} --remote-command '~/bin/node-tool' {name}"
            )),
            Some(SSH_FAILED) => failure
                .why("ssh could not connect, or lost the connection; it says why above")
                .next(format!("see that this works: {} {destination} true", self.call.ssh)),
            Some(0) => failure
                .why(format!("'{node_tool}' ended there without asking for a login"))
                .next("see that it is node-tool, and of this version: node-tool --version"),
            _ => failure
                .why("node-tool ended there; it says why above")
                .next("run this again"),
        }
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}
