//! README.md and docs/guide.md, block by block: what they say to type is typed, and what they show has to come.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use tests::document::{Block, blocks, compare};
use tests::files::write;
use tests::reader::Reader;
use tests::session;
use tests::terminal::Terminal;
use tests::test_env::{only_authorizer, skip};

/// A document that is being followed.
struct Play {
    reader: Reader,
    /// The same person, with whom others share data.
    shares: Option<Reader>,
    /// The prompt that waits for a paste.
    waiting: Option<Terminal>,
    /// What follows the app key in the line to run on the laptop.
    challenge: String,
    grant: String,
    /// Number of lines that were typed.
    count: usize,
}

impl Play {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            reader: Reader::new()?,
            shares: None,
            waiting: None,
            challenge: String::new(),
            grant: String::new(),
            count: 0,
        })
    }

    fn document(&mut self, path: &str) -> anyhow::Result<()> {
        for block in blocks(path)? {
            self.block(&block)
                .with_context(|| format!("in {path}, a block '{}'", block.kind))?;
        }
        Ok(())
    }

    fn block(&mut self, block: &Block) -> anyhow::Result<()> {
        if block.kind == "console" {
            self.ends_the_prompt()?;
        }
        match block.kind.as_str() {
            "console" => types(&self.reader, block).map(|count| self.count += count),
            "console team" => types(&self.reader.in_a_team()?, block).map(|count| self.count += count),
            "console admin" => types(&self.reader.as_an_admin()?, block).map(|count| self.count += count),
            "console shared" => {
                let shares = match self.shares.take() {
                    Some(shares) => shares,
                    None => self.reader.with_shares()?,
                };
                let typed = types(&shares, block);
                self.shares = Some(shares);
                typed.map(|count| self.count += count)
            }
            "console undo" => self.undoes(block),
            "console revoked" => {
                self.reader.env.sandbox.revoke_all();
                types(&self.reader, block).map(|count| self.count += count)
            }
            "console laptop" => self.on_the_laptop(block),
            "console paste" => self.asks_for_a_paste(block),
            "console pasted" => self.pastes(block),
            // A picture of something that moves, or of another system; this very test.
            // A real Slurm runs that in `tests/tests/slurm`.
            "text" | "console test" | "console slurm" => Ok(()),
            kind => match kind.strip_prefix("bash ") {
                Some(name) => write(&self.reader.env.path(name), block.text().as_bytes(), 1),
                None => anyhow::bail!("it is not run by anything"),
            },
        }
    }

    fn on_the_laptop(&mut self, block: &Block) -> anyhow::Result<()> {
        for typed in block.typed() {
            if typed.line.contains("--ssh") && !self.reader.has_ssh() {
                skip("there is no OpenSSH server on this machine");
                continue;
            }
            let said = self.reader.types(&typed.line.replace('…', &self.challenge))?;
            compare(&typed.line, &said, &typed.shown)?;
            let grant = said.lines().find(|line| line.starts_with("dbxgrant1"));
            grant.unwrap_or_default().clone_into(&mut self.grant);
            self.count += 1;
        }
        Ok(())
    }

    /// What the reader goes back to was an hour ago.
    fn undoes(&mut self, block: &Block) -> anyhow::Result<()> {
        let then = self.reader.env.sandbox.now();
        self.reader.env.sandbox.advance(Duration::from_secs(3600));
        for typed in block.typed() {
            let line = typed.line.replace("2026-11-20T12:00", &then);
            compare(&typed.line, &self.reader.types(&line)?, &typed.shown)?;
            self.count += 1;
        }
        Ok(())
    }

    fn asks_for_a_paste(&mut self, block: &Block) -> anyhow::Result<()> {
        // The other way to connect came before.
        let config = self.reader.env.config();
        if config.is_file() {
            fs::rename(&config, config.with_extension("before"))?;
        }
        let typed = block.typed().pop().context("no command")?;
        let mut terminal = self.reader.asks(&typed.line)?;
        let said = terminal.expect("token> ")?;
        compare(&typed.line, &said, &typed.shown)?;
        let after = said.split("  authorizer ").nth(1).context("no line to run")?;
        let challenge = after.split_whitespace().nth(1).context("no challenge")?;
        challenge.clone_into(&mut self.challenge);
        self.waiting = Some(terminal);
        self.count += 1;
        Ok(())
    }

    /// Where a document doesn't say what to paste, the reader has connected in the other way.
    fn ends_the_prompt(&mut self) -> anyhow::Result<()> {
        if self.waiting.take().is_some() {
            let config = self.reader.env.config();
            let before = config.with_extension("before");
            if before.is_file() {
                fs::rename(before, config)?;
            } else {
                self.reader.env.connect("dbx")?; // without ssh
            }
        }
        Ok(())
    }

    fn pastes(&mut self, block: &Block) -> anyhow::Result<()> {
        let mut terminal = self.waiting.take().context("nothing waits for a paste")?;
        terminal.send(&format!("{}\r", self.grant))?;
        let (code, screen) = terminal.end()?;
        assert_eq!(code, 0, "{screen}");
        let after = screen.rsplit('\r').next().unwrap_or_default();
        compare("pasting", &after.replace("\u{1b}[K", ""), &block.lines)?;
        self.count += 1;
        Ok(())
    }
}

fn types(reader: &Reader, block: &Block) -> anyhow::Result<usize> {
    let typed = block.typed();
    for typed in &typed {
        compare(&typed.line, &reader.types(&typed.line)?, &typed.shown)?;
    }
    Ok(typed.len())
}

#[test]
fn the_guide_does_what_it_says() -> anyhow::Result<()> {
    let (_port, mut play) = (only_authorizer()?, Play::new()?);
    play.document("docs/guide.md")?;
    assert!(play.count > 35, "only {} commands", play.count);
    Ok(())
}

#[test]
fn the_readme_does_what_it_says() -> anyhow::Result<()> {
    let (_port, mut play) = (only_authorizer()?, Play::new()?);
    let release = play.reader.env.path("node-tool-0.1.0-linux-x86_64");
    write(&release.join("bin/node-tool"), b"", 1)?;
    let packed = "tar -czf node-tool-0.1.0-linux-x86_64.tar.gz node-tool-0.1.0-linux-x86_64";
    assert_eq!(play.reader.types(packed)?, "");
    write(
        &play.reader.env.path("results/answer.csv"),
        b"42\n",
        1_700_000_000,
    )?;
    play.document("README.md")?;
    assert!(play.count > 8, "only {} commands", play.count);
    assert!(play.reader.env.home().join(".local/bin/node-tool").is_file());
    Ok(())
}

#[test]
fn the_picture_of_the_session_is_what_the_programs_print() -> anyhow::Result<()> {
    if !tests::ssh_server::installed() {
        skip("there is no OpenSSH server on this machine");
        return Ok(());
    }
    let _port = only_authorizer()?;
    let played = session::play()?;
    let kept = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/session.svg"))?;
    let (kept, played) = (session::without_times(&kept), session::without_times(&played));
    let other = kept
        .lines()
        .zip(played.lines())
        .find(|(kept, played)| kept != played);
    assert_eq!(
        other, None,
        "cargo run --bin tour -- --svg docs/session.svg renews it"
    );
    assert_eq!(kept.lines().count(), played.lines().count());
    Ok(())
}
