//! `man`: the manual pages of the program and of each command.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use shared::{exit, failure::Failure, manual::Manual};

use crate::report;

/// The arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "On a terminal the page is shown by man(1); elsewhere its source is printed.\n\n\
                  Examples:\n  node-tool man copy\n  node-tool man config create\n  node-tool man sync | man -l -\n  \
                  node-tool man --all ~/.local/share/man/man1"
)]
pub struct Args {
    /// The command, such as copy, or config create; without it, the program's own page
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
    /// Write the pages of all commands into DIR, which is made if it is missing
    #[arg(long, value_name = "DIR", conflicts_with = "words", alias = "pages")]
    all: Option<PathBuf>,
}

/// What the pages say besides the help.
const MANUAL: Manual = Manual {
    program: "node-tool",
    exit_codes: &[
        exit::SUCCESS,
        exit::ERROR,
        exit::USAGE,
        exit::DIRECTORY_NOT_FOUND,
        exit::FILE_NOT_FOUND,
        exit::TEMPORARY,
        exit::FATAL_FOR_SOME,
        exit::FATAL,
        exit::LIMIT,
        exit::NOTHING_TO_DO,
        exit::DURATION,
        exit::INTERRUPTED,
    ],
    environment: &[
        (
            "NODE_TOOL_<FLAG>",
            "The value of a flag that is not on the command line: NODE_TOOL_MAX_DEPTH is --max-depth. Switches take 1 or 0.",
        ),
        (
            "NODE_TOOL_CONFIG",
            "The config file; empty, or /dev/null: in memory only.",
        ),
        (
            "NODE_TOOL_CONFIG_PASSWORD",
            "The password of an encrypted config.",
        ),
        ("NODE_TOOL_APP_KEY", "The app that new remotes log in with."),
        ("NODE_TOOL_SITE_CONFIG", "The file with the settings of the site."),
        (
            "NODE_TOOL_REMOTE_<NAME>_<KEY>, RCLONE_CONFIG_<NAME>_<KEY>",
            "Remotes without a file, in the words of node-tool and of rclone.",
        ),
        (
            "NODE_TOOL_ACCESS_TOKEN",
            "An access token for every name that is not set up anywhere else.",
        ),
        (
            "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME",
            "Where the files below are, instead of ~/.config, ~/.local/state and ~/.cache.",
        ),
        (
            "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
            "The proxy to Dropbox, and what is reached without it.",
        ),
        (
            "SSL_CERT_FILE",
            "Certificates to trust instead of those of the system.",
        ),
    ],
    files: &[
        (
            "~/.config/node-tool/config.toml",
            "The connected accounts, with their logins: readable by their owner alone.",
        ),
        (
            "/etc/node-tool/config.toml",
            "The settings of the site: an app key, and whom to ask.",
        ),
        (
            "~/.local/state/node-tool",
            "The progress of big files, so that a killed transfer continues.",
        ),
        (
            "~/.cache/node-tool",
            "Listings of large folders, and hashes of local files. It may be deleted at any time.",
        ),
    ],
    see_also: &["node-tool", "authorizer", "rclone"],
};

/// Shows or prints a page, or writes them all.
///
/// # Errors
/// When there is no such command, or stdout or the directory can't be written.
pub fn run(args: &Args, program: clap::Command) -> Result<u8, Failure> {
    if let Some(dir) = &args.all {
        write_all(dir, program)?;
        return Ok(exit::SUCCESS);
    }
    let page = MANUAL.page_of(program, &args.words).ok_or_else(|| {
        Failure::usage(format!("there is no command '{}'", args.words.join(" "))).next("node-tool --help")
    })?;
    if !(io::stdout().is_terminal() && is_shown_by_man(&page)) {
        report::result(&page)?;
    }
    Ok(exit::SUCCESS)
}

fn write_all(dir: &Path, program: clap::Command) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::new(format!("could not write into '{}'", dir.display())).why(e);
    std::fs::create_dir_all(dir).map_err(failed)?;
    for page in MANUAL.pages(program) {
        std::fs::write(dir.join(page.file_name), page.text).map_err(failed)?;
    }
    Ok(())
}

/// Has man(1) show a page. Returns whether it did: not every machine has it, and not every one reads a pipe.
fn is_shown_by_man(page: &str) -> bool {
    let mut command = Command::new("man");
    command
        .args(["-l", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null());
    let Ok(mut viewer) = command.spawn() else {
        return false;
    };
    if let Some(mut pipe) = viewer.stdin.take() {
        let _ = pipe.write_all(page.as_bytes()); // a reader that ended says so below
    }
    viewer.wait().is_ok_and(|ended| ended.success())
}
