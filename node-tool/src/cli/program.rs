//! The command line as clap knows it.

use clap::{CommandFactory, Parser, builder::ValueParser};

use super::{global::Global, verbs::Command};
use crate::variables;

/// Where flags that every command takes begin in the order of a command's help.
const GLOBAL_ORDER: usize = 200;

/// Lists and copies between Dropbox and this machine.
#[derive(Debug, Parser)]
#[command(
    name = "node-tool",
    version = shared::version::VERSION,
    max_term_width = 100,
    arg_required_else_help = true
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
                // A remote keeps its app: the variable is for new ones, which ask for it themselves.
                let is_apart = |name: &&str| matches!(*name, "help" | "version" | "app-key");
                let is_apart = arg.get_long().is_some_and(|name| is_apart(&name));
                variables::attach(arg, is_apart, ignored)
            })
            .mut_subcommands(|command| with_variables(command, ignored))
    }
    with_variables(Cli::command(), ignored).args_override_self(true)
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
