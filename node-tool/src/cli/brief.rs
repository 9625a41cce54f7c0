//! What `-h` shows: a command's own flags. `--help` shows those of every command, too.

use std::ffi::OsString;

use clap::Command;

/// Returns whether a command line that asks for help asks for the short one.
pub fn is_asked(args: &[OsString]) -> bool {
    let mut flags = args.iter().take_while(|arg| *arg != "--");
    flags.any(|arg| arg == "-h") && !args.iter().any(|arg| arg == "--help")
}

/// Returns the command line without what is not shown by `-h`.
pub fn brief(program: Command) -> Command {
    let name = program.get_name().to_owned();
    // Commands get these flags from the program, hidden or not.
    let program = program.mut_args(|arg| {
        let is_global = arg.is_global_set();
        arg.hide(is_global)
    });
    with_note(program, &name)
}

/// Adds the way to the other flags.
fn with_note(command: Command, called: &str) -> Command {
    let after = command.get_after_help().map(|text| format!("{text}\n\n"));
    let note = format!(
        "{}Flags of every command: {called} --help",
        after.unwrap_or_default()
    );
    command.after_help(note).mut_subcommands(|below| {
        let called = format!("{called} {}", below.get_name());
        with_note(below, &called)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_help_is_asked_for_by_one_letter() {
        for (line, is_short) in [
            (&["copy", "-h"][..], true),
            (&["-h"], true),
            (&["copy", "--help"], false),
            (&["copy", "-h", "--help"], false),
            (&["ls", "--", "-h"], false),
        ] {
            let args: Vec<OsString> = line.iter().map(OsString::from).collect();
            assert_eq!(is_asked(&args), is_short, "{line:?}");
        }
    }

    #[test]
    fn it_has_a_commands_own_flags_and_the_way_to_the_others() {
        let program = super::super::program::program();
        let error = brief(program).try_get_matches_from(["node-tool", "lsf", "-h"]);
        let help = error.unwrap_err().to_string();
        assert!(
            help.contains("--files-only") && !help.contains("--transfers"),
            "{help}"
        );
        assert!(help.contains("Example: node-tool lsf "), "{help}");
        assert!(
            help.ends_with("Flags of every command: node-tool lsf --help\n"),
            "{help}"
        );
    }
}
