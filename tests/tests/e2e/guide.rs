//! docs/guide.md, block by block: what it says to type is typed, and what it shows has to come.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use sandbox::Sandbox;
use tests::files::write;
use tests::programs::program;
use tests::ssh_server::{SshServer, installed};
use tests::terminal::Terminal;
use tests::test_env::{TestEnv, only_authorizer, run, skip};

/// The key that the guide's reader got.
const KEY: &str = "a1b2c3d4e5f6g7h";

/// A block between fences.
struct Block {
    kind: String,
    lines: Vec<String>,
}

fn blocks() -> anyhow::Result<Vec<Block>> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide.md");
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in fs::read_to_string(guide)?.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => {
                open = Some(Block {
                    kind: kind.to_owned(),
                    lines: Vec::new(),
                });
            }
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    anyhow::ensure!(open.is_none(), "a block has no end");
    Ok(blocks)
}

/// Commands, each with what it shows.
fn commands(block: &Block) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in &block.lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, shown))) => shown.push(line.clone()),
            (None, None) => {}
        }
    }
    commands
}

/// Whether a line is what the guide shows, where `…` is anything.
fn is_shown(line: &str, shown: &str) -> bool {
    if !shown.contains('…') || line == shown {
        return line == shown;
    }
    let mut pieces = shown.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let mut last = "";
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
        last = piece;
    }
    rest.is_empty() || last.is_empty() || line.ends_with(last)
}

fn compare(what: &str, said: &str, shown: &[String]) -> anyhow::Result<()> {
    let said: Vec<&str> = said.trim_end().lines().map(str::trim_end).collect();
    let shown: Vec<&str> = shown.iter().map(|line| line.trim_end()).collect();
    let alike =
        said.len() == shown.len() && said.iter().zip(&shown).all(|(line, shown)| is_shown(line, shown));
    anyhow::ensure!(
        alike,
        "{what}\n--- the guide shows\n{}\n--- it printed\n{}",
        shown.join("\n"),
        said.join("\n")
    );
    Ok(())
}

/// The reader: a home, a folder to work in, programs in the path, and a browser that presses Allow.
struct Reader {
    env: TestEnv,
    server: Option<SshServer>,
    bin: PathBuf,
}

impl Reader {
    fn new() -> anyhow::Result<Self> {
        let env = TestEnv::with(Sandbox::builder().app(KEY, "the0secret"))?;
        let bin = env.path("bin");
        fs::create_dir(&bin)?;
        let script = |name: &str, text: &str| write_script(&bin.join(name), text);
        script(
            "browser",
            &format!(
                "#!/bin/bash\ndropbox=$(curl -s -o /dev/null -w '%{{redirect_url}}' \"$1\")\n\
                 to=$(curl -s '{}/sandbox/allow' -d \"{{\\\"url\\\": \\\"$dropbox\\\"}}\" | sed 's/.*\"redirect\":\"\\([^\"]*\\)\".*/\\1/')\n\
                 curl -sL \"$to\" > /dev/null\n",
                env.sandbox.origin()
            ),
        )?;
        script("sbatch", "#!/bin/bash\nexec bash \"$1\"\n")?;
        script(
            "srun",
            "#!/bin/bash\n[[ $1 == --ntasks=* ]] && shift\nexec \"$@\"\n",
        )?;
        let server = if installed() {
            Some(SshServer::start()?)
        } else {
            None
        };
        if let Some(server) = &server {
            // On the login node the shell finds node-tool, and the centre's key.
            script(
                "ssh",
                &format!(
                    "#!/bin/bash\nargs=()\nfor arg; do\n  [[ $arg == me@login ]] && arg=login\n  \
                     [[ $arg == node-tool\\ * ]] && arg=\"env HOME=$HOME DROPBOX_URL=$DROPBOX_URL NODE_TOOL_APP_KEY={KEY} {}/$arg\"\n  \
                     args+=(\"$arg\")\ndone\nexec /usr/bin/ssh -F {} \"${{args[@]}}\"\n",
                    program("node-tool")?.parent().context("no directory")?.display(),
                    server.config().display()
                ),
            )?;
        }
        for (path, text) in [
            ("project/notes.txt", "measured at noon\n"),
            ("project/raw/run1.dat", "1 2 3 4\n"),
            ("project/raw/run2.dat", "5 6 7 8\n"),
        ] {
            env.sandbox
                .put_file(&format!("/{path}"), text.as_bytes(), Some("2026-11-01T12:00:00Z"))?;
        }
        fs::create_dir(env.path("tmp"))?;
        Ok(Self { env, server, bin })
    }

    /// Another one, whose Dropbox is in a team.
    fn in_a_team(bin: &Path) -> anyhow::Result<Self> {
        let env = TestEnv::with(Sandbox::builder().app(KEY, "the0secret").team_space())?;
        env.sandbox.put_team_folder("TeamData")?;
        env.sandbox.put_file("/results/run7.log", b"well\n", None)?;
        env.connect("dbx")?;
        fs::create_dir(env.path("tmp"))?;
        let (server, bin) = (None, bin.to_owned());
        Ok(Self { env, server, bin })
    }

    fn set_up(&self, command: &mut Command) -> anyhow::Result<()> {
        self.env.isolate(command);
        let programs = program("node-tool")?;
        let programs = programs.parent().context("no directory")?.display().to_string();
        let path = format!(
            "{}:{programs}:{}",
            self.bin.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        command
            .env("PATH", path)
            .env("BROWSER", self.bin.join("browser"))
            .env("NODE_TOOL_APP_KEY", KEY)
            .env("TMPDIR", self.env.path("tmp"));
        Ok(())
    }

    /// Types a command; gives all that it shows.
    fn types(&self, line: &str) -> anyhow::Result<String> {
        let mut command = Command::new("bash");
        self.set_up(&mut command)?;
        command.arg("-c").arg(format!("exec 2>&1; {line}"));
        Ok(run(command, "")?.out)
    }
}

fn write_script(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[test]
fn the_guide_does_what_it_says() -> anyhow::Result<()> {
    let (_port, reader) = (only_authorizer()?, Reader::new()?);
    let mut waiting: Option<Terminal> = None;
    let mut challenge = String::new();
    let mut grant = String::new();
    let mut count = 0;
    for block in blocks()? {
        match block.kind.as_str() {
            "console" => {
                for (command, shown) in commands(&block) {
                    compare(&command, &reader.types(&command)?, &shown)?;
                    count += 1;
                }
            }
            "console team" => {
                let reader = Reader::in_a_team(&reader.bin)?;
                for (command, shown) in commands(&block) {
                    compare(&command, &reader.types(&command)?, &shown)?;
                    count += 1;
                }
            }
            "console undo" => {
                // What it goes back to was an hour ago.
                let then = reader.env.sandbox.now();
                reader.env.sandbox.advance(Duration::from_secs(3600));
                for (command, shown) in commands(&block) {
                    let typed = command.replace("2026-11-20T12:00", &then);
                    compare(&command, &reader.types(&typed)?, &shown)?;
                    count += 1;
                }
            }
            "console revoked" => {
                reader.env.sandbox.revoke_all();
                for (command, shown) in commands(&block) {
                    compare(&command, &reader.types(&command)?, &shown)?;
                    count += 1;
                }
            }
            "console laptop" => {
                for (command, shown) in commands(&block) {
                    if command.contains("--ssh") && reader.server.is_none() {
                        skip("there is no OpenSSH server on this machine");
                        continue;
                    }
                    let said = reader.types(&command.replace('…', &challenge))?;
                    compare(&command, &said, &shown)?;
                    grant = said
                        .lines()
                        .find(|line| line.starts_with("dbxgrant1"))
                        .unwrap_or_default()
                        .to_owned();
                    count += 1;
                }
            }
            "console paste" => {
                let _ = fs::remove_file(reader.env.config()); // the other way came before
                let mut command = Command::new("setsid");
                reader.set_up(&mut command)?;
                let (typed, shown) = commands(&block).pop().context("no command")?;
                command.args(["--ctty", "--wait", "bash", "-c", &typed]);
                let mut terminal = Terminal::start(command)?;
                let said = terminal.expect("token> ")?;
                compare(&typed, &said, &shown)?;
                let after = said.split("  authorizer ").nth(1).context("no line to run")?;
                challenge = after
                    .split_whitespace()
                    .nth(1)
                    .context("no challenge")?
                    .to_owned();
                waiting = Some(terminal);
                count += 1;
            }
            "console pasted" => {
                let mut terminal = waiting.take().context("nothing waits for a paste")?;
                terminal.send(&format!("{grant}\r"))?;
                let (code, screen) = terminal.end()?;
                assert_eq!(code, 0, "{screen}");
                let after = screen
                    .rsplit('\r')
                    .next()
                    .unwrap_or_default()
                    .replace("\u{1b}[K", "");
                compare("pasting", &after, &block.lines)?;
                count += 1;
            }
            kind => match kind.strip_prefix("bash ") {
                Some(name) => write(
                    &reader.env.path(name),
                    (block.lines.join("\n") + "\n").as_bytes(),
                    1,
                )?,
                None => anyhow::bail!("a block of kind '{kind}' is not run by anything"),
            },
        }
    }
    assert!(count > 25, "only {count} commands");
    Ok(())
}

#[test]
fn the_comparison_with_the_guide_is_not_lax() {
    for (line, shown, alike) in [
        ("abc", "abc", true),
        ("abc", "abd", false),
        ("a 17 c", "a … c", true),
        ("a 17 d", "a … c", false),
        ("0 files, 1.0 s", "0 files, …", true),
        ("1 files, 1.0 s", "0 files, …", false),
        ("anything", "…", true),
    ] {
        assert_eq!(is_shown(line, shown), alike, "{line} {shown}");
    }
}
