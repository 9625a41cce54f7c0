//! The reader of a document: a home, a folder to work in, programs in the path, and a browser that presses Allow.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use sandbox::Sandbox;

use crate::programs::program;
use crate::ssh_server::{SshServer, installed};
use crate::terminal::Terminal;
use crate::test_env::{TestEnv, run};

/// The app key that the reader has.
pub const KEY: &str = "a1b2c3d4e5f6g7h";

/// A person who types what a document says.
pub struct Reader {
    /// Home and Dropbox.
    pub env: TestEnv,
    server: Option<SshServer>,
    bin: PathBuf,
    /// The address of a folder that somebody has published, for `$LINK`.
    link: String,
}

impl Reader {
    /// Returns a reader whose Dropbox has a folder `project`, whose laptop reaches the login node as `…@login…`, and whose Slurm
    /// runs a job at once.
    ///
    /// # Errors
    /// When something of it can't be made.
    pub fn new() -> anyhow::Result<Self> {
        let env = TestEnv::with(Sandbox::builder().app(KEY, "the0secret"))?;
        let bin = env.path("bin");
        fs::create_dir(&bin)?;
        let server = if installed() {
            Some(SshServer::start()?)
        } else {
            None
        };
        let link = String::new();
        let reader = Self {
            env,
            server,
            bin,
            link,
        };
        reader.make_programs()?;
        for (path, text) in [
            ("project/notes.txt", "measured at noon\n"),
            ("project/raw/run1.dat", "1 2 3 4\n"),
            ("project/raw/run2.dat", "5 6 7 8\n"),
        ] {
            let time = Some("2026-11-01T12:00:00Z");
            reader
                .env
                .sandbox
                .put_file(&format!("/{path}"), text.as_bytes(), time)?;
        }
        fs::create_dir(reader.env.path("tmp"))?;
        Ok(reader)
    }

    /// Returns the same person with a connected Dropbox in a team.
    ///
    /// # Errors
    /// When something of it can't be made.
    pub fn in_a_team(&self) -> anyhow::Result<Self> {
        let env = TestEnv::with(Sandbox::builder().app(KEY, "the0secret").team_space())?;
        env.sandbox.put_team_folder("TeamData")?;
        env.sandbox.put_file("/results/run7.log", b"well\n", None)?;
        env.connect("dbx")?;
        fs::create_dir(env.path("tmp"))?;
        Ok(self.elsewhere(env, String::new()))
    }

    /// Returns the same person with a connected Dropbox, with whom others share data.
    ///
    /// # Errors
    /// When something of it can't be made.
    pub fn with_shares(&self) -> anyhow::Result<Self> {
        let env = TestEnv::with(Sandbox::builder().app(KEY, "the0secret"))?;
        let sandbox = &env.sandbox;
        for (path, text) in [
            ("published/genome.fa", "ACGT\n"),
            ("published/readme.txt", "what is here\n"),
            ("published/variants/chr1.vcf", "a variant\n"),
            ("published/variants/chr1.log", "well\n"),
            ("one.txt", "for you\n"),
        ] {
            let time = Some("2026-11-01T12:00:00Z");
            sandbox.put_file_of_other(&format!("/{path}"), text.as_bytes(), time)?;
        }
        let link = sandbox.publish("/published", &serde_json::Value::Null, false)?;
        sandbox.share_file_of_other("/one.txt")?;
        sandbox.share_folder_of_other("/Reference data", true)?;
        sandbox.put_file_of_other("/Reference data/panel/chr1", b"panel\n", None)?;
        sandbox.put_file("/results/run7.log", b"well\n", None)?;
        env.connect("dbx")?;
        fs::create_dir(env.path("tmp"))?;
        Ok(self.elsewhere(env, link))
    }

    /// Returns the same person with another Dropbox, and without a login node.
    fn elsewhere(&self, env: TestEnv, link: String) -> Self {
        Self {
            env,
            server: None,
            bin: self.bin.clone(),
            link,
        }
    }

    /// Another one, who is the admin of a team and has connected its app.
    ///
    /// # Errors
    /// When something of it can't be made.
    pub fn as_an_admin(&self) -> anyhow::Result<Self> {
        let env = TestEnv::with(Sandbox::builder().app(KEY, "the0secret").team_app())?;
        env.sandbox.add_member("Bob", "Leaver", "bob@example.org");
        env.sandbox
            .put_file_of("bob@example.org", "/thesis/data.csv", b"1,2,3\n")?;
        env.connect_with("lab", &["--team"])?;
        fs::create_dir(env.path("tmp"))?;
        Ok(self.elsewhere(env, String::new()))
    }

    /// Returns whether the laptop has a login node to reach by ssh.
    pub fn has_ssh(&self) -> bool {
        self.server.is_some()
    }

    /// Types a line, and returns all that it shows.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn types(&self, line: &str) -> anyhow::Result<String> {
        let mut command = Command::new("bash");
        self.set_up(&mut command)?;
        command.arg("-c").arg(format!("exec 2>&1; {line}"));
        Ok(run(command, "")?.out)
    }

    /// Types a line at a terminal, where it can ask.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn asks(&self, line: &str) -> anyhow::Result<Terminal> {
        let mut command = Command::new("setsid");
        self.set_up(&mut command)?;
        command.args(["--ctty", "--wait", "bash", "-c", line]);
        Terminal::start(command)
    }

    fn set_up(&self, command: &mut Command) -> anyhow::Result<()> {
        self.env.isolate(command);
        let programs = programs_dir()?;
        let path = format!(
            "{}:{}:{}",
            self.bin.display(),
            programs.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        command
            .env("PATH", path)
            .env("BROWSER", self.bin.join("browser"))
            .env("NODE_TOOL_APP_KEY", KEY)
            .env("LINK", &self.link)
            .env("TMPDIR", self.env.path("tmp"));
        Ok(())
    }

    /// Makes the programs that the reader's computers have.
    fn make_programs(&self) -> anyhow::Result<()> {
        let script = |name: &str, text: &str| write_script(&self.bin.join(name), text);
        script(
            "browser",
            &format!(
                "#!/bin/bash\ndropbox=$(curl -s -o /dev/null -w '%{{redirect_url}}' \"$1\")\n\
                 to=$(curl -s '{}/sandbox/allow' -d \"{{\\\"url\\\": \\\"$dropbox\\\"}}\" | sed 's/.*\"redirect\":\"\\([^\"]*\\)\".*/\\1/')\n\
                 curl -sL \"$to\" > /dev/null\n",
                self.env.sandbox.origin()
            ),
        )?;
        script("sbatch", "#!/bin/bash\nexec bash \"$1\"\n")?;
        script(
            "srun",
            "#!/bin/bash\n[[ $1 == --ntasks=* ]] && shift\nexec \"$@\"\n",
        )?;
        if let Some(server) = &self.server {
            // On the login node the shell finds node-tool, and the centre's key.
            script(
                "ssh",
                &format!(
                    "#!/bin/bash\nargs=()\nfor arg; do\n  [[ $arg == *@login* ]] && arg=login\n  \
                     [[ $arg == node-tool\\ * ]] && arg=\"env HOME=$HOME DROPBOX_URL=$DROPBOX_URL NODE_TOOL_APP_KEY={KEY} {}/$arg\"\n  \
                     args+=(\"$arg\")\ndone\nexec /usr/bin/ssh -F {} \"${{args[@]}}\"\n",
                    programs_dir()?.display(),
                    server.config().display()
                ),
            )?;
        }
        Ok(())
    }
}

fn programs_dir() -> anyhow::Result<PathBuf> {
    let program = program("node-tool")?;
    Ok(program.parent().context("no directory")?.to_owned())
}

fn write_script(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
