//! The guide, played as a person would: both programs as they are built, each command as typed, with its real output.
//!
//! A laptop and a login node (two home directories) and a Dropbox (the sandbox). It ends with a summary, and with an
//! exit code other than 0 if anything differs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser;
use tests::browser::{Button, consent_address, press};
use tests::chromium::{Chromium, installed};
use tests::files::{differences, noise, snapshot, write};
use tests::programs::program;
use tests::session;
use tests::terminal::Terminal;
use tests::test_env::{TestEnv, only_authorizer, run, text};

/// Files of the default tree.
const FILES: usize = 5_000;
/// Bytes of the one big file: more than one call may carry.
const BIG_BYTES: usize = 200 << 20;

/// Play the guide against a Dropbox on this machine: connect, list, copy both ways, expire, revoke, reconnect
#[derive(Parser)]
struct Args {
    /// The folder to copy up and down; by default a few thousand source files of this machine
    #[arg(long, value_name = "PATH")]
    tree: Option<PathBuf>,
    /// Save a picture of the browser's final page here (needs Chromium)
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Play only the README's session, and save its picture here (needs an OpenSSH server)
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Prints what happens, and keeps count of it.
struct Tour {
    env: TestEnv,
    steps: Vec<(String, String)>,
}

fn main() -> ExitCode {
    match play(&Args::parse()) {
        Ok(differences) if differences.is_empty() => ExitCode::SUCCESS,
        Ok(differences) => {
            for line in differences.iter().take(20) {
                say(line);
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&format!("\nthe tour ended early: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn play(args: &Args) -> anyhow::Result<Vec<String>> {
    say("building node-tool and authorizer …");
    program("node-tool")?;
    let _port = only_authorizer()?;
    if let Some(file) = &args.svg {
        fs::write(file, session::play()?).with_context(|| format!("writing {}", file.display()))?;
        return Ok(Vec::new());
    }
    let mut tour = Tour {
        env: TestEnv::new()?,
        steps: Vec::new(),
    };
    say(&format!(
        "a Dropbox on loopback listens at {}",
        tour.env.sandbox.origin()
    ));
    let tree = match &args.tree {
        Some(path) => path
            .canonicalize()
            .with_context(|| format!("no folder {}", path.display()))?,
        None => tour.default_tree()?,
    };
    let big = tour.env.path("big/scan.raw");
    write(&big, &noise(42, BIG_BYTES), 1_700_000_000)?;

    tour.chapter("Connect: the login node prints what to run on the laptop");
    tour.connect(
        &[
            "config",
            "create",
            "dbx",
            "--app-key",
            tour.env.sandbox.app_key().to_owned().as_str(),
        ],
        args,
    )?;

    tour.chapter("Copy a tree and a big file up");
    let (from, raw) = (text(&tree), text(&big));
    tour.node(&["copy", &from, "dbx:project/code", "--dry-run"], 3)?;
    tour.node(&["copy", &from, "dbx:project/code"], 20)?;
    tour.node(&["copy", &raw, "dbx:project/data"], 20)?;

    tour.chapter("Look");
    tour.node(&["lsd", "dbx:project"], 10)?;
    tour.node(&["ls", "dbx:project"], 5)?;
    tour.node(&["lsl", "dbx:project/data"], 5)?;

    tour.chapter("Copy it down elsewhere, and compare byte by byte");
    let (back, back_big) = (tour.env.path("scratch/code"), tour.env.path("scratch/data"));
    tour.node(&["copy", "dbx:project/code", &text(&back)], 20)?;
    tour.node(&["copy", "dbx:project/data", &text(&back_big)], 20)?;
    let mut found = differences(&tree, &back)?;
    found.extend(differences(big.parent().unwrap_or(&big), &back_big)?);
    tour.steps.push((
        "byte by byte".into(),
        format!(
            "{} files compared, {} differ",
            snapshot(&tree)?.len() + 1,
            found.len()
        ),
    ));
    say(&format!(
        "compared {} files with their times: {} differ",
        snapshot(&tree)?.len() + 1,
        found.len()
    ));

    tour.chapter("Four hours later: the access token has expired, and nobody notices");
    tour.env.sandbox.expire_access_tokens();
    tour.node(&["copy", &from, "dbx:project/code"], 5)?;

    tour.chapter("The login is revoked in the browser: the message says what to type");
    tour.env.sandbox.revoke_all();
    tour.node_fails(&["lsd", "dbx:"])?;
    tour.connect(&["config", "reconnect", "dbx:"], args)?;
    tour.node(&["lsd", "dbx:"], 5)?;

    tour.summary();
    Ok(found)
}

impl Tour {
    /// A real source tree: crates that cargo has unpacked on this machine, and some names that have gone wrong before.
    fn default_tree(&self) -> anyhow::Result<PathBuf> {
        let home = std::env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
        let source = home.context("no HOME")?.join("registry/src");
        let tree = self.env.path("code");
        let mut left = FILES;
        let mut crates: Vec<PathBuf> = Vec::new();
        for index in fs::read_dir(&source).with_context(|| format!("listing {}", source.display()))? {
            crates.extend(
                fs::read_dir(index?.path())?
                    .filter_map(Result::ok)
                    .map(|entry| entry.path()),
            );
        }
        crates.sort();
        for dir in crates {
            let name = dir.file_name().unwrap_or_default();
            take(&dir, &tree.join(name), &mut left)?;
        }
        for name in [
            "with space/notes 1.txt",
            "umläute/größe.txt",
            "emoji 😀/👩‍🔬.txt",
            "a.",
            "..b",
            "empty",
        ] {
            let bytes: &[u8] = if name == "empty" { b"" } else { name.as_bytes() };
            write(&tree.join(name), bytes, 1_234_567_890)?;
        }
        Ok(tree)
    }

    fn chapter(&self, title: &str) {
        say(&format!("\n━━ {title}"));
    }

    /// Creates or renews a remote at a terminal, with the authorizer at another.
    fn connect(&mut self, args: &[&str], options: &Args) -> anyhow::Result<()> {
        let began = Instant::now();
        typed("node", "node-tool", args);
        let mut node = self.env.terminal("node-tool", args)?;
        let shown = node.expect("token> ")?;
        say(shown.trim_end_matches("token> "));
        let line = shown
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("authorizer "))
            .context("no line to run")?;

        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        typed("laptop", "authorizer", &words);
        let mut laptop = self
            .env
            .terminal("authorizer", &[words.as_slice(), &["--no-browser"]].concat())?;
        let address = consent_address(&laptop.expect("Waiting")?)?;
        let mut browser = self.allow(&address)?;
        let grant = grant(&mut laptop)?;
        if let (Some((browser, tab)), Some(file)) = (&mut browser, &options.picture) {
            browser.until(tab, "document.title === 'One step left: paste the grant'")?;
            browser.picture(tab, file)?;
        }
        let (code, screen) = laptop.end()?;
        say(screen.trim_end());
        anyhow::ensure!(code == 0, "authorizer ended with {code}");

        say("\n(back on the node, the grant is pasted)");
        node.send(&format!("{grant}\r"))?;
        let (code, screen) = node.end()?;
        say(screen.rsplit("token> ").next().unwrap_or_default().trim_end());
        anyhow::ensure!(code == 0, "node-tool ended with {code}");
        self.steps
            .push((format!("node-tool {}", args[..2].join(" ")), took(began)));
        Ok(())
    }

    /// Presses Allow, in Chromium where there is one.
    fn allow(&self, address: &str) -> anyhow::Result<Option<(Chromium, tests::chromium::Tab)>> {
        if installed().is_none() {
            say("(no Chromium here: a small client presses Allow)");
            let address = address.to_owned();
            // The answer to the redirect comes when the authorizer has finished.
            std::thread::spawn(move || press(&address, Button::Allow));
            return Ok(None);
        }
        say("(in Chromium: Allow)");
        let mut browser = Chromium::start()?;
        let tab = browser.open(address)?;
        browser.press(&tab, "Allow")?;
        Ok(Some((browser, tab)))
    }

    /// Runs a command on the node that must succeed, and shows the first lines of what it prints.
    fn node(&mut self, args: &[&str], lines: usize) -> anyhow::Result<()> {
        let began = Instant::now();
        let (code, said) = self.run(args)?;
        show(&said, lines);
        anyhow::ensure!(code == 0, "it ended with exit code {code}");
        let last = said.lines().last().unwrap_or_default().to_owned();
        let told = if last.contains("copied") {
            last
        } else {
            took(began)
        };
        self.steps.push((format!("node-tool {}", shortened(args)), told));
        Ok(())
    }

    /// Runs a command on the node that must fail.
    fn node_fails(&mut self, args: &[&str]) -> anyhow::Result<()> {
        let (code, said) = self.run(args)?;
        show(&said, 10);
        anyhow::ensure!(code != 0, "it should have failed");
        self.steps.push((
            format!("node-tool {}", shortened(args)),
            format!("exit code {code}, as it should"),
        ));
        Ok(())
    }

    fn run(&self, args: &[&str]) -> anyhow::Result<(i32, String)> {
        typed("node", "node-tool", args);
        let mut command = self.env.command("node-tool")?;
        command.args(args);
        let end = run(command, "")?;
        Ok((end.code, end.out + &end.err))
    }

    fn summary(&self) {
        say("\n━━ Summary");
        let width = self
            .steps
            .iter()
            .map(|(what, _)| what.chars().count())
            .max()
            .unwrap_or(0);
        for (what, result) in &self.steps {
            say(&format!("  {what:width$}  {result}"));
        }
        let calls: usize = self.env.sandbox.counts().values().sum();
        say(&format!(
            "  {calls} calls in all: {:?}",
            self.env.sandbox.counts()
        ));
    }
}

/// The grant between its marker lines.
fn grant(laptop: &mut Terminal) -> anyhow::Result<String> {
    laptop.expect(shared::grant::BEGIN_MARKER)?;
    let shown = laptop.expect(shared::grant::END_MARKER)?;
    Ok(shown
        .trim_end_matches(shared::grant::END_MARKER)
        .trim()
        .to_owned())
}

/// Copies up to `left` plain files, with their times.
fn take(from: &Path, to: &Path, left: &mut usize) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if *left == 0 {
            return Ok(());
        }
        if kind.is_dir() {
            take(&entry.path(), &to.join(entry.file_name()), left)?;
        } else if kind.is_file() {
            fs::create_dir_all(to)?;
            let target = to.join(entry.file_name());
            fs::copy(entry.path(), &target)?;
            fs::File::options()
                .write(true)
                .open(&target)?
                .set_modified(entry.metadata()?.modified()?)?;
            *left -= 1;
        }
    }
    Ok(())
}

fn typed(host: &str, program: &str, args: &[&str]) {
    let words: Vec<String> = args
        .iter()
        .map(|word| {
            if word.contains([' ', '\'']) {
                format!("'{word}'")
            } else {
                (*word).to_owned()
            }
        })
        .collect();
    say(&format!("\n{host}$ {program} {}", words.join(" ")));
}

fn show(said: &str, lines: usize) {
    let all: Vec<&str> = said.lines().collect();
    if all.len() <= lines + 1 {
        all.iter().for_each(|line| say(line));
        return;
    }
    all[..lines].iter().for_each(|line| say(line));
    say(&format!("… {} more lines, and the last:", all.len() - lines - 1));
    say(all.last().unwrap_or(&""));
}

fn shortened(args: &[&str]) -> String {
    let last = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let words: Vec<String> = args
        .iter()
        .map(|word| {
            if word.starts_with('/') {
                format!("…/{}", last(word))
            } else {
                (*word).to_owned()
            }
        })
        .collect();
    words.join(" ")
}

fn took(began: Instant) -> String {
    format!("{:.1} s", began.elapsed().as_secs_f64())
}

#[allow(clippy::print_stdout, reason = "printing is what a tour is for")]
fn say(line: &str) {
    println!("{line}");
}
