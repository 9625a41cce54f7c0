//! The command line as clap knows it.

use clap::{CommandFactory, Parser, builder::ValueParser};

use super::{global::Global, verbs::Command};
use crate::{as_rclone, variables};

/// Where flags that every command takes begin in the order of a command's help.
const GLOBAL_ORDER: usize = 200;

/// Lists and copies between Dropbox and this machine.
#[derive(Debug, Parser)]
#[command(
    name = "node-tool",
    version = shared::version::VERSION,
    max_term_width = 100,
    after_help = "Examples:\n  node-tool config create dbx\n  node-tool lsd dbx:\n  node-tool copy results dbx:project/results -P\n\n\
                  A command's flags: node-tool copy --help. Its manual: node-tool man copy"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// The command line, each flag with its environment variable: `--max-depth` is `NODE_TOOL_MAX_DEPTH`.
pub fn program() -> clap::Command {
    program_without(&[])
}

/// The command line without some of its variables.
pub fn program_without(ignored: &[String]) -> clap::Command {
    fn with_variables(command: clap::Command, ignored: &[String]) -> clap::Command {
        let mut order = GLOBAL_ORDER;
        command
            .mut_args(|arg| {
                // In help, a command's own flags come before those that every command takes.
                let arg = if arg.is_global_set() {
                    order += 1;
                    arg.display_order(order)
                } else {
                    arg
                };
                let arg = if takes_text(&arg) {
                    arg.allow_hyphen_values(true)
                } else {
                    arg
                };
                // A remote keeps its app: the variable is for new ones, which ask for it themselves. And the variable with the
                // password of a link holds the password.
                let is_apart =
                    |name: &&str| matches!(*name, "help" | "version" | "app-key" | "link-password");
                let is_apart = arg.get_long().is_some_and(|name| is_apart(&name));
                variables::attach(arg, is_apart, ignored)
            })
            .mut_subcommands(|command| with_variables(command, ignored))
    }
    let program = with_variables(Cli::command(), ignored).args_override_self(true);
    match as_rclone::is_on() {
        true => program.name(as_rclone::NAME).bin_name(as_rclone::NAME),
        false => program,
    }
}

/// Whether a flag's value may be any text, and so begin with a dash; what can only be a number or one of a few words may not,
/// so that a forgotten value is noticed.
fn takes_text(arg: &clap::Arg) -> bool {
    let kind = arg.get_value_parser().type_id();
    let is_of = |parser: ValueParser| parser.type_id() == kind;
    !arg.is_positional()
        && arg.get_action().takes_values()
        && arg.get_possible_values().is_empty()
        && (is_of(ValueParser::string()) || is_of(ValueParser::path_buf()))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;
    use crate::completion::is_place;

    /// Positional arguments that name no place, by their ids.
    const NO_PLACES: [&str; 17] = [
        "shell", "words", "_words", "name", "from", "to", "file", "hash", "query", "key", "value", "plan",
        "command", "url", "kind", "settings", "filter",
    ];

    #[test]
    fn every_place_is_completed() {
        fn odd(command: &Command) -> Vec<String> {
            let own = command.get_positionals().filter(|arg| {
                let id = arg.get_id().as_str();
                !is_place(arg) && !NO_PLACES.contains(&id)
            });
            let own = own.map(|arg| format!("{} {}", command.get_name(), arg.get_id()));
            own.chain(command.get_subcommands().flat_map(odd)).collect()
        }
        assert_eq!(odd(&program()), Vec::<String>::new(), "are these completed?");
    }
}
