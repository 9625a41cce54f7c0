//! `version`, `completion` and `man`: about the program itself.

use clap::Command;
use shared::{exit, failure::Failure};

use crate::report;

/// The arguments of `completion`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: node-tool completion bash > ~/.local/share/bash-completion/completions/node-tool"
)]
pub struct CompletionArgs {
    /// For which shell
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

/// The arguments of `authorize`, whatever they are.
#[derive(Debug, clap::Args)]
pub struct AuthorizeArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _words: Vec<String>,
}

/// Says who does what `rclone authorize` does. The words behind it may hold a secret, and aren't repeated.
pub fn authorize() -> Failure {
    Failure::usage("'authorize' needs a browser: it is what the authorizer does, on your laptop")
        .next("here: node-tool config create dbx   (it prints the line to run on the laptop)")
        .next("or on the laptop: authorizer --ssh USER@LOGIN_NODE dbx")
}

/// Prints the version, and what it was built for.
///
/// # Errors
/// When stdout can't be written.
pub fn version() -> Result<u8, Failure> {
    report::result(&format!(
        "node-tool v{}\n- os/type: {}\n- os/arch: {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    ))?;
    Ok(exit::SUCCESS)
}

/// Prints a shell's completions.
///
/// # Errors
/// When stdout can't be written.
pub fn completion(args: &CompletionArgs, mut program: Command) -> Result<u8, Failure> {
    use clap_complete::{Shell, generate};
    let shell = match args.shell.as_str() {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        _ => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut program, "node-tool", &mut script);
    report::result(&String::from_utf8_lossy(&script))?;
    Ok(exit::SUCCESS)
}

/// Prints the manual page.
///
/// # Errors
/// When stdout can't be written.
pub fn man(program: Command) -> Result<u8, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(program)
        .render(&mut page)
        .map_err(|e| Failure::new("could not write the manual page").why(e))?;
    report::result(&String::from_utf8_lossy(&page))?;
    Ok(exit::SUCCESS)
}
