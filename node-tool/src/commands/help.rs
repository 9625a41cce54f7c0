//! `version`, `completion` and `man`: about the program itself.

use std::path::PathBuf;

use clap::Command;
use shared::{
    completion::{SHELLS, Shell},
    exit,
    failure::Failure,
    version::VERSION,
};

use crate::report;

/// The arguments of `completion`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: node-tool completion bash > ~/.local/share/bash-completion/completions/node-tool"
)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_parser = SHELLS)]
    shell: String,
}

/// The arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool man | man -l -")]
pub struct ManArgs {
    /// Write a page for each command into DIR instead
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
}

/// The arguments of `authorize`, whatever they are.
#[derive(Debug, clap::Args)]
pub struct AuthorizeArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _words: Vec<String>,
}

/// Explains what to use instead of `rclone authorize`. Its arguments may hold a secret, and aren't repeated.
pub fn authorize() -> Failure {
    Failure::usage("'authorize' needs a browser: it is what the authorizer does, on your laptop")
        .hint("here: node-tool config create dbx   (it prints the line to run on the laptop)")
        .hint("or on the laptop: authorizer --ssh USER@LOGIN_NODE dbx")
}

/// Prints the version, and what it was built for.
///
/// # Errors
/// When stdout can't be written.
pub fn version() -> Result<u8, Failure> {
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
/// When stdout can't be written.
pub fn completion(args: &CompletionArgs) -> Result<u8, Failure> {
    let script = Shell::named(&args.shell).map(|shell| shell.script("node-tool"));
    report::result(&script.unwrap_or_default())?;
    Ok(exit::SUCCESS)
}

/// Prints the manual page, or writes one for each command.
///
/// # Errors
/// When stdout or the directory can't be written.
pub fn man(args: &ManArgs, program: Command) -> Result<u8, Failure> {
    let failed = |e: std::io::Error| Failure::new("could not write the manual page").why(e);
    if let Some(dir) = &args.pages {
        clap_mangen::generate_to(program, dir).map_err(failed)?;
        return Ok(exit::SUCCESS);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(program).render(&mut page).map_err(failed)?;
    report::result(&String::from_utf8_lossy(&page))?;
    Ok(exit::SUCCESS)
}
