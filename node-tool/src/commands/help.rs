//! `version` and `completion`: about the program itself; and what it says to a newcomer who types its name alone.

use std::path::{Path, PathBuf};

use shared::{
    completion::{SHELLS, Shell},
    exit,
    failure::Failure,
    plain::quoted,
    version::VERSION,
};

use crate::{
    as_rclone,
    report::{
        self,
        json::{self, Object, Version},
    },
};

/// The arguments of `completion`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: node-tool completion bash > ~/.local/share/bash-completion/completions/node-tool"
)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_parser = SHELLS)]
    shell: String,
    /// Write it into FILE; '-' is standard output
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Prints the version, and what it was built for.
///
/// # Errors
/// When stdout can't be written.
pub fn version() -> Result<u8, Failure> {
    if as_rclone::is_on() {
        report::result(&as_rclone::version())?;
        return Ok(exit::SUCCESS);
    }
    if json::is_on() {
        json::print(&Object::Version(Version {
            program: "node-tool".to_owned(),
            version: VERSION.to_owned(),
        }))?;
        return Ok(exit::SUCCESS);
    }
    report::result(&format!(
        "node-tool v{VERSION}\n- os/type: {}\n- os/arch: {}\n",
        std::env::consts::OS,
        std::env::consts::ARCH
    ))?;
    Ok(exit::SUCCESS)
}

/// Prints what a shell has to load. It asks the program itself then: see [`crate::completion`].
///
/// # Errors
/// When stdout or the file can't be written.
pub fn completion(args: &CompletionArgs) -> Result<u8, Failure> {
    let program = if as_rclone::is_on() {
        as_rclone::NAME
    } else {
        "node-tool"
    };
    let script = Shell::named(&args.shell).map(|shell| shell.script(program));
    let script = script.unwrap_or_default();
    if args.file == Path::new("-") {
        report::result(&script)?;
    } else {
        let failed = |e| Failure::new(format!("could not write '{}'", args.file.display())).why(e);
        std::fs::write(&args.file, script).map_err(failed)?;
    }
    Ok(exit::SUCCESS)
}

/// Returns what a call without arguments prints: the first step, and the next ones. `remotes` are those that are connected.
pub fn welcome(remotes: &[String]) -> String {
    let first = match remotes {
        [] => "\
To begin, connect your Dropbox. It will be called dbx here; any name will do:
  node-tool config create dbx
Then look at it, and copy; -n only shows what would be done:"
            .to_owned(),
        names => format!(
            "Connected: {}   (another account: node-tool config create NAME)\n\
             Look at it, and copy; -n only shows what would be done:",
            names.join(" ")
        ),
    };
    let remote = quoted(remotes.first().map_or("dbx:", String::as_str));
    let target = quoted(&format!(
        "{}results",
        remotes.first().map_or("dbx:", String::as_str)
    ));
    format!(
        "\
node-tool lists and copies between Dropbox and this machine.

{first}
  node-tool lsd {remote}
  node-tool copy results {target} -n

All commands: node-tool --help        Flags of one: node-tool copy --help
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_is_told_the_first_step_and_others_the_next() {
        let text = welcome(&[]);
        assert!(text.lines().count() <= 10, "{text}");
        assert!(text.contains("\n  node-tool config create dbx\n"), "{text}");
        let text = welcome(&["my box:".into(), "other:".into()]);
        assert!(text.lines().count() <= 10, "{text}");
        assert!(text.contains("Connected: my box: other:"), "{text}");
        assert!(
            text.contains("\n  node-tool copy results 'my box:results' -n\n"),
            "{text}"
        );
    }
}
