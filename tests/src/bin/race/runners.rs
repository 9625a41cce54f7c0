//! Who races, and what a run of theirs costs.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tests::{programs::program, test_env::TestEnv};
use wait4::Wait4 as _;

/// A program with its flags.
#[derive(Clone, Debug)]
pub struct Runner {
    /// Its name in the table.
    pub name: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Flags behind every command.
    pub flags: Vec<&'static str>,
}

/// What a run cost.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// From start to end.
    pub took: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// The largest resident set, in bytes.
    pub peak_bytes: u64,
    /// Standard output.
    pub out: String,
    /// The commands that failed, and how.
    pub failed: Vec<String>,
}

/// Every expert flag.
const TUNED: [&str; 16] = [
    "--transfers",
    "32",
    "--checkers",
    "32",
    "--dropbox-batch-mode",
    "sync",
    "--dropbox-batch-size",
    "1000",
    "--dropbox-chunk-size",
    "128M",
    "--dropbox-pacer-min-sleep",
    "1ms",
    "--multi-thread-streams",
    "16",
    "--multi-thread-cutoff",
    "64M",
];

impl Runner {
    /// All of them; `other` is another build of node-tool.
    ///
    /// # Errors
    /// When node-tool can't be built.
    pub fn all(rclone: &Path, other: Option<&Path>) -> anyhow::Result<Vec<Self>> {
        let ours = program("node-tool")?;
        let runner = |name, program: &Path, flags: &[&'static str]| Self {
            name,
            program: program.to_owned(),
            flags: flags.to_vec(),
        };
        let mut all = vec![runner("node-tool", &ours, &[])];
        all.extend(other.map(|path| runner("other build", path, &[])));
        all.extend([
            runner("without zip", &ours, &["--no-zip"]),
            // So few calls at once are too few for listing side by side.
            runner("one cursor", &ours, &["--transfers", "3"]),
            runner("rclone tuned", rclone, &TUNED),
            runner("rclone default", rclone, &[]),
        ]);
        Ok(all)
    }

    /// Whether it is one of ours.
    pub fn is_ours(&self) -> bool {
        self.program.ends_with("node-tool")
    }

    /// Name and version, in a line.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn version(&self) -> anyhow::Result<String> {
        let output = Command::new(&self.program).arg("--version").output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    /// Makes the remote `dbx:` known to it.
    ///
    /// # Errors
    /// When that fails.
    pub fn connect(&self, env: &TestEnv) -> anyhow::Result<()> {
        if self.is_ours() {
            return env.connect("dbx");
        }
        let sandbox = &env.sandbox;
        let tokens = sandbox.grant(sandbox.app_key(), None, true)?;
        let token = serde_json::json!({
            "access_token": tokens.access_token,
            "token_type": "bearer",
            "refresh_token": tokens.refresh_token,
            "expiry": "2099-01-01T00:00:00Z",
        });
        let config = env.home().join(".config/rclone/rclone.conf");
        std::fs::create_dir_all(config.parent().context("no parent")?)?;
        let (key, secret) = (sandbox.app_key(), sandbox.app_secret());
        let text =
            format!("[dbx]\ntype = dropbox\nclient_id = {key}\nclient_secret = {secret}\ntoken = {token}\n");
        Ok(std::fs::write(config, text)?)
    }

    /// Runs commands at the same time, each to its end, with a file on stdin if they read one. The cost is that of all together; memory is that of the largest.
    ///
    /// # Errors
    /// When one can't be started.
    pub fn run(
        &self,
        env: &TestEnv,
        ca: &Path,
        (commands, input): (&[Vec<String>], Option<&Path>),
        verbose: bool,
    ) -> anyhow::Result<Cost> {
        let began = Instant::now();
        let mut running = Vec::new();
        for (number, words) in commands.iter().enumerate() {
            running.push(self.start(env, ca, (words, input), number)?);
        }
        let mut cost = Cost::default();
        for process in running {
            process.wait(verbose, &mut cost)?;
        }
        cost.took = began.elapsed();
        Ok(cost)
    }

    fn start(
        &self,
        env: &TestEnv,
        ca: &Path,
        (words, input): (&[String], Option<&Path>),
        number: usize,
    ) -> anyhow::Result<Running> {
        let input = match input {
            Some(path) => Stdio::from(std::fs::File::open(path)?),
            None => Stdio::null(),
        };
        let mut command = Command::new(&self.program);
        env.isolate(&mut command);
        let (out, err) = (
            env.path(&format!("out-{number}")),
            env.path(&format!("err-{number}")),
        );
        command
            .args(words.iter().map(OsString::from))
            .args(&self.flags)
            .env_remove("DROPBOX_URL")
            .env("SSL_CERT_FILE", ca)
            .stdin(input)
            .stdout(Stdio::from(std::fs::File::create(&out)?))
            .stderr(Stdio::from(std::fs::File::create(&err)?));
        let child = command.spawn()?;
        let (over, pid) = (Arc::new(AtomicBool::new(false)), child.id());
        let watcher = std::thread::spawn({
            let over = Arc::clone(&over);
            move || watch(pid, &over)
        });
        Ok(Running {
            name: format!("{} {words:?}", self.name),
            child,
            over,
            watcher,
            out,
            err,
        })
    }
}

/// A process that is being measured.
struct Running {
    /// Its command, for messages.
    name: String,
    child: Child,
    /// Whether it has ended.
    over: Arc<AtomicBool>,
    watcher: JoinHandle<u64>,
    /// Where its outputs go.
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// Waits for its end and adds what it cost.
    fn wait(self, verbose: bool, cost: &mut Cost) -> anyhow::Result<()> {
        let used = self.child.wait4()?;
        self.over.store(true, Ordering::Relaxed);
        let peak_bytes = self.watcher.join().unwrap_or_default();
        let (out, err) = (
            std::fs::read_to_string(self.out)?,
            std::fs::read_to_string(self.err)?,
        );
        if verbose {
            super::table::say(&format!("{out}{err}"));
        }
        cost.cpu += used.rusage.utime + used.rusage.stime;
        cost.peak_bytes = cost.peak_bytes.max(peak_bytes);
        cost.out += &out;
        if !used.status.success() {
            let last = err.lines().last().unwrap_or_default();
            cost.failed
                .push(format!("{} ended with {}: {last}", self.name, used.status));
        }
        Ok(())
    }
}

/// The largest resident set of a process while it lives, in bytes. What wait4 tells is no less than ours was when the
/// process began.
fn watch(pid: u32, over: &AtomicBool) -> u64 {
    let mut peak_kib = 0;
    while !over.load(Ordering::Relaxed) {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let kib = status.lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        });
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    peak_kib * 1024
}
