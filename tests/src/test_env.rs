//! An environment for a test: a home directory of its own, a sandbox, and both programs, isolated from the rest of the machine.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::programs::program;
use crate::terminal::Terminal;
use sandbox::{Builder, Sandbox};

/// A home directory and a Dropbox, removed when this is dropped.
pub struct TestEnv {
    /// The Dropbox.
    pub sandbox: Sandbox,
    dir: TempDir,
}

/// The output of a program that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The exit code; 128 and more for signals.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    /// Returns the standard output of a program that must have succeeded.
    ///
    /// # Errors
    /// When it ended with another code; the error shows both outputs.
    pub fn ok(self) -> anyhow::Result<String> {
        anyhow::ensure!(
            self.code == 0,
            "exit code {}\nstdout:\n{}\nstderr:\n{}",
            self.code,
            self.out,
            self.err
        );
        Ok(self.out)
    }

    /// Returns the standard error of a program that must have failed with `code`.
    ///
    /// # Errors
    /// When it ended with another code; the error shows both outputs.
    pub fn fails(self, code: i32) -> anyhow::Result<String> {
        anyhow::ensure!(
            self.code == code,
            "exit code {} instead of {code}\nstdout:\n{}\nstderr:\n{}",
            self.code,
            self.out,
            self.err
        );
        Ok(self.err)
    }
}

impl TestEnv {
    /// Returns an environment with a personal account and an empty home directory.
    ///
    /// # Errors
    /// When a port or a directory can't be had.
    pub fn new() -> anyhow::Result<Self> {
        Self::with(Sandbox::builder())
    }

    /// Returns an environment with the sandbox that `builder` describes.
    ///
    /// # Errors
    /// When a port or a directory can't be had.
    pub fn with(builder: Builder) -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("env-")?;
        let sandbox = builder.state_dir(dir.path()).start()?;
        std::fs::create_dir(dir.path().join("home"))?;
        Ok(Self { sandbox, dir })
    }

    /// Returns an environment in which the remote `dbx:` is connected.
    ///
    /// # Errors
    /// When anything fails.
    pub fn connected() -> anyhow::Result<Self> {
        let env = Self::new()?;
        env.connect("dbx")?;
        Ok(env)
    }

    /// Connects a remote with a whole token, as a script would.
    ///
    /// # Errors
    /// When node-tool refuses.
    pub fn connect(&self, name: &str) -> anyhow::Result<()> {
        self.connect_with(name, &[])
    }

    /// Does the same with more arguments of `config create`.
    ///
    /// # Errors
    /// When node-tool refuses.
    pub fn connect_with(&self, name: &str, more: &[&str]) -> anyhow::Result<()> {
        let tokens = self.sandbox.tokens()?;
        let json = serde_json::json!({
            "access_token": tokens.access_token,
            "token_type": "bearer",
            "refresh_token": tokens.refresh_token,
            "expiry": "2099-01-01T00:00:00Z",
        });
        let args = [
            "config",
            "create",
            name,
            "--app-key",
            self.sandbox.app_key(),
            "--token-stdin",
        ];
        self.node_tool_with(args.iter().chain(more), &json.to_string())?
            .ok()?;
        self.sandbox.reset_calls();
        Ok(())
    }

    /// Returns the home directory.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Returns a path beside the home directory, for files to copy.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns the path of the config file.
    pub fn config(&self) -> PathBuf {
        self.home().join(".config/node-tool/config.toml")
    }

    /// Returns a command that runs a program in this environment, still without arguments.
    ///
    /// # Errors
    /// When it can't be built.
    pub fn command(&self, name: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(program(name)?);
        self.isolate(&mut command);
        Ok(command)
    }

    /// Replaces the variables and the directory of a command by those of this environment.
    pub fn isolate(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("TERM", "xterm-256color")
            .env("TZ", "UTC")
            .env("DROPBOX_URL", self.sandbox.origin())
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
    }

    /// Runs node-tool to its end.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn node_tool<I, S>(&self, args: I) -> anyhow::Result<Output>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command("node-tool")?;
        command.args(args);
        run(command, "")
    }

    /// Runs node-tool with `input` on its standard input.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn node_tool_with<I, S>(&self, args: I, input: &str) -> anyhow::Result<Output>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command("node-tool")?;
        command.args(args);
        run(command, input)
    }

    /// Starts a shell that runs `script` on a terminal, with both programs in its `PATH`.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn shell(&self, script: &str) -> anyhow::Result<Terminal> {
        let mut command = Command::new("setsid");
        self.isolate(&mut command);
        let programs = program("node-tool")?;
        let dir = programs.parent().context("no directory")?;
        let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap_or_default());
        command
            .env("PATH", path)
            .args(["--ctty", "--wait", "bash", "-c", script]);
        Terminal::start(command)
    }

    /// Starts a program on a terminal.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn terminal(&self, name: &str, args: &[&str]) -> anyhow::Result<Terminal> {
        let mut command = Command::new("setsid");
        self.isolate(&mut command);
        command.args(["--ctty", "--wait"]).arg(program(name)?).args(args);
        Terminal::start(command)
    }
}

/// Runs a command to its end with `input` on its standard input.
///
/// # Errors
/// When it can't be run.
pub fn run(mut command: Command, input: &str) -> anyhow::Result<Output> {
    command.stdin(if input.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {:?}", command.get_program()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early closes its side; its exit code tells.
        let _ = stdin.write_all(input.as_bytes());
    }
    output_of(child)
}

impl TestEnv {
    /// Starts node-tool with piped outputs.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(&self, args: &[&str]) -> anyhow::Result<Child> {
        let mut command = self.command("node-tool")?;
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command.spawn()?)
    }
}

/// Waits until `is_so` returns true.
///
/// # Errors
/// After five minutes. A test that passes never waits that long.
pub fn until(is_so: impl Fn() -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !is_so() {
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(300),
            "the condition was never met"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Waits for a program with piped outputs to end.
///
/// # Errors
/// When waiting fails.
pub fn output_of(child: Child) -> anyhow::Result<Output> {
    use std::os::unix::process::ExitStatusExt as _;
    let output = child.wait_with_output()?;
    let code = output
        .status
        .code()
        .or_else(|| output.status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1);
    Ok(Output {
        code,
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Waits for the right to use the port that all authorizers of a machine share. It lasts until the file is dropped.
///
/// # Errors
/// When the lock file can't be made.
pub fn only_authorizer() -> anyhow::Result<File> {
    let lock = File::create(std::env::temp_dir().join("authorizer-tests.lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Prints that a test is skipped, and why.
#[allow(
    clippy::print_stderr,
    reason = "a skipped test must not look like one that passed"
)]
pub fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// Returns a path as text, for arguments.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
