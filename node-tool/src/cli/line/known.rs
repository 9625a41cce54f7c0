//! What a verb knows: its own flags, those of all verbs, and those of rclone.

use clap::{Arg, ArgAction, Command};

use crate::rclone::{
    flags::{self, Value},
    verbs,
};

/// The flags that may be on the line of a verb.
#[derive(Debug)]
pub(super) struct Known<'a> {
    verb: String,
    program: &'a Command,
    command: Option<&'a Command>,
}

/// A flag as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'t> {
    /// Behind two dashes.
    Long(&'t str),
    /// Behind one.
    Short(char),
}

impl<'a> Known<'a> {
    /// Returns what is known of the flags of a verb, of ours or of rclone. `None` if it is none.
    pub(super) fn of(verb: &str, program: &'a Command) -> Option<Self> {
        let command = program.find_subcommand(verb);
        let is_known = command.is_some() || verb == "help" || verbs::named(verb).is_some();
        is_known.then(|| Self {
            verb: verb.to_owned(),
            program,
            command,
        })
    }

    /// Returns what is known of flags without a verb.
    pub(super) fn of_none(program: &'a Command) -> Self {
        Self {
            verb: String::new(),
            program,
            command: None,
        }
    }

    /// Returns the verb.
    pub(super) fn verb(&self) -> &str {
        &self.verb
    }

    /// Returns whether the verb is one of ours.
    pub(super) fn is_ours(&self) -> bool {
        self.command.is_some()
    }

    /// Returns whether all that follows its first word belongs to that word, flags too.
    pub(super) fn takes_rest(&self) -> bool {
        let takes = |command: &Command| command.get_positionals().any(Arg::is_trailing_var_arg_set);
        self.command.is_some_and(takes)
    }

    /// Returns the commands that the first words name: the verb, and below it as deep as they go.
    pub(super) fn path<'w>(&self, words: impl Iterator<Item = &'w str>) -> Vec<&'a Command> {
        let mut path = Vec::from_iter(self.command);
        for word in words {
            match path.last().and_then(|command| command.find_subcommand(word)) {
                Some(below) => path.push(below),
                None => break,
            }
        }
        path
    }

    /// Returns the flag of this name that the commands of a path take, or that all take.
    pub(super) fn accepted(&self, name: Name<'_>, path: &[&'a Command]) -> Option<&'a Arg> {
        let of_path = path.iter().rev().find_map(|command| find(command, name));
        of_path.or_else(|| find(self.program, name).filter(|arg| arg.is_global_set()))
    }

    /// Returns whether any command takes a flag of this name.
    pub(super) fn is_of_any(&self, long: &str) -> bool {
        find_below(self.program, Name::Long(long)).is_some()
    }

    /// Returns what follows a flag of this name. `None` if there is no such flag.
    pub(super) fn value(&self, name: Name<'_>) -> Option<Value> {
        let own = self.command.and_then(|command| find_below(command, name));
        let own = own.or_else(|| find(self.program, name)).map(value_of);
        own.or_else(|| self.of_rclone(name).map(|flag| flag.value))
            .or_else(|| match name {
                Name::Long(long) => flags::value_of_service(long),
                Name::Short(_) => None,
            })
    }

    /// Returns the flag of rclone of this name.
    pub(super) fn of_rclone(&self, name: Name<'_>) -> Option<&'static flags::Flag> {
        match name {
            Name::Long(long) => flags::named(long, &self.verb),
            Name::Short(short) => flags::short(short, &self.verb),
        }
    }
}

/// Returns a command's own flag of this name.
fn find<'a>(command: &'a Command, name: Name<'_>) -> Option<&'a Arg> {
    let is_called = |arg: &&Arg| match name {
        Name::Long(long) => {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(long) || aliases.contains(&long)
        }
        Name::Short(short) => {
            let aliases = arg.get_all_short_aliases().unwrap_or_default();
            arg.get_short() == Some(short) || aliases.contains(&short)
        }
    };
    command.get_arguments().find(is_called)
}

/// Returns the flag of this name of a command or one below it.
fn find_below<'a>(command: &'a Command, name: Name<'_>) -> Option<&'a Arg> {
    let below = || {
        command
            .get_subcommands()
            .find_map(|below| find_below(below, name))
    };
    find(command, name).or_else(below)
}

/// Returns what follows a flag.
fn value_of(arg: &Arg) -> Value {
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append if arg.is_require_equals_set() => Value::Optional,
        ArgAction::Set | ArgAction::Append => Value::Needed,
        ArgAction::Count => Value::Count,
        _ => Value::Switch,
    }
}
