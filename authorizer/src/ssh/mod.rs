//! The login node, reached through the user's own ssh: node-tool there asks for a login and gets its grant through the
//! same channel. ssh's own questions (password, second factor, host key) reach the person as usual.

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

use output::Heard;

mod output;

/// How often a signal is looked for.
const GLANCE: Duration = Duration::from_millis(100);
/// How long what follows a question is listened to before the question is believed.
const SETTLE: Duration = Duration::from_millis(300);
/// How long ssh may take to end when its output has: it has nothing left to do.
const END: Duration = Duration::from_secs(5);
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
    /// What its output says; ends with it.
    heard: Receiver<Heard>,
    /// When everything has to be over.
    deadline: Instant,
}

/// How waiting for ssh ended.
enum Waited {
    Ended(ExitStatus),
    Late,
    Signalled,
    Failed(std::io::Error),
}

impl<'a> Node<'a> {
    /// Starts node-tool there. `gone` is set when its output ends, or can't be trusted.
    ///
    /// # Errors
    /// When ssh can't be started.
    pub fn call(call: Call<'a>, gone: Arc<AtomicBool>, deadline: Instant) -> Result<Self, Failure> {
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
        let (sender, heard) = channel();
        if let Some(out) = child.stdout.take() {
            thread::spawn(move || {
                output::listen(out, |heard| {
                    let bad = !matches!(heard, Heard::Pairing(_));
                    let _ = sender.send(heard); // nobody may be left to hear it
                    if bad {
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
            heard,
            deadline,
        })
    }

    /// Waits for its question, past what the shell there may print before it.
    ///
    /// # Errors
    /// When it ends without one, asks for another app than the person did, or a signal or the deadline comes first.
    pub fn pairing(&mut self, signalled: &AtomicBool) -> Result<Pairing, Failure> {
        loop {
            if signalled.load(Ordering::Relaxed) || Instant::now() >= self.deadline {
                return Err(self.ended(signalled));
            }
            match self.heard.recv_timeout(GLANCE) {
                Ok(Heard::Pairing(pairing)) => {
                    // A second one would come at once: better now than when the browser is open.
                    return match self.heard.recv_timeout(SETTLE) {
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

    /// The question is for the app that the person named, if one was.
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
            .next(format!(
                "if {asked} is the right one: authorizer --ssh {destination} --app-key {asked} {name}"
            ))
            .next(format!(
                "if not, look who answers there: ssh {destination} 'type node-tool'"
            ))),
            _ => Ok(pairing),
        }
    }

    /// Hands the grant over and waits until the account is connected there.
    ///
    /// # Errors
    /// When node-tool there can't use it; it has told why. When something else has asked meanwhile.
    pub fn connect(mut self, grant: &Secret, signalled: &AtomicBool) -> Result<(), Failure> {
        if let Ok(heard) = self.heard.try_recv() {
            return Err(self.distrust(&heard));
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
        let see = format!("see whether it is: {ssh} {destination} {node_tool} config list");
        match ended {
            Waited::Ended(status) if status.success() => Ok(()),
            Waited::Ended(status) => Err(self.failure(status)),
            Waited::Late => Err(Failure::new(format!(
                "{destination} got its grant, but didn't say in time that {name}: is connected"
            ))
            .next(see)
            .next("if not, run this again; --timeout 30m waits longer")),
            Waited::Signalled => Err(Failure::new(format!(
                "stopped while {destination} was connecting {name}:; it may be connected"
            ))
            .next(see)
            .code(exit::INTERRUPTED)),
            Waited::Failed(error) => Err(Failure::new("could not wait for ssh").why(error)),
        }
    }

    /// Why it ended, or is ended now.
    pub fn ended(&mut self, signalled: &AtomicBool) -> Failure {
        if let Some(bad) = self
            .heard
            .try_iter()
            .find(|heard| !matches!(heard, Heard::Pairing(_)))
        {
            return self.distrust(&bad);
        }
        let deadline = self.deadline.min(Instant::now() + END);
        match self.wait(signalled, deadline) {
            Waited::Ended(status) => self.failure(status),
            Waited::Failed(error) => Failure::new("could not wait for ssh").why(error),
            Waited::Signalled => Failure::new("stopped before the login was finished; nothing was granted")
                .next("run this again")
                .code(exit::INTERRUPTED),
            Waited::Late if Instant::now() >= self.deadline => {
                Failure::new(format!("{} didn't answer in time", self.call.destination))
                    .next(format!(
                        "see that this works: {} {} true",
                        self.call.ssh, self.call.destination
                    ))
                    .next("or give it longer: --timeout 30m")
            }
            Waited::Late => Failure::new(format!(
                "{}: was not connected on {}",
                self.call.name, self.call.destination
            ))
            .why("ssh's output ended, though ssh itself goes on")
            .next(format!(
                "see that this ends by itself: {} {} true",
                self.call.ssh, self.call.destination
            )),
        }
    }

    /// Waits for the end, no longer than to `deadline`.
    fn wait(&mut self, signalled: &AtomicBool, deadline: Instant) -> Waited {
        loop {
            if signalled.load(Ordering::Relaxed) {
                return Waited::Signalled;
            }
            match self.child.try_wait() {
                Ok(None) if Instant::now() >= deadline => return Waited::Late,
                Ok(None) => thread::sleep(GLANCE.min(deadline.saturating_duration_since(Instant::now()))),
                Ok(Some(status)) => return Waited::Ended(status),
                Err(error) => return Waited::Failed(error),
            }
        }
    }

    /// Why nothing is granted to one who says this.
    fn distrust(&self, heard: &Heard) -> Failure {
        let Call { destination, .. } = self.call;
        let next = format!(
            "see what your shell prints there: {} {destination} true",
            self.call.ssh
        );
        match heard {
            Heard::TooMuch => Failure::new(format!("{destination} prints without end"))
                .why("16 MiB came, and node-tool's question wasn't among them")
                .next(next),
            Heard::OtherVersion => Failure::new(format!("node-tool on {destination} is of another version"))
                .why("it asks in a way that this authorizer doesn't know")
                .next("install the newest of both programs, then run this again"),
            Heard::TwoPairings | Heard::Pairing(_) => Failure::new(format!(
                "{destination} asked for two different logins"
            ))
            .why("only one of them can be node-tool's, and it can't be told which; nothing was granted")
            .next(next),
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
