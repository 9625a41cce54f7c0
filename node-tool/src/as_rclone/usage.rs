//! Errors of the command line in rclone's words.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::NAME;

/// Returns an error's message as rclone has it. `verb` is the command that was typed, if there is one.
pub fn usage(error: &Error, verb: Option<&str>) -> String {
    let argument = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let flag = argument.split([' ', '=']).next().unwrap_or_default();
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if flag.starts_with("--") => format!("unknown flag: {flag}"),
        ErrorKind::UnknownArgument if flag.starts_with('-') => {
            let letter = flag.chars().nth(1).unwrap_or_default();
            format!("unknown shorthand flag: '{letter}' in {flag}")
        }
        ErrorKind::UnknownArgument => {
            let verb = verb.unwrap_or(NAME);
            format!("Command {verb} needs fewer arguments: {argument:?} is one too many")
        }
        ErrorKind::InvalidSubcommand => {
            let word = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("unknown command {word:?} for {NAME:?}")
        }
        ErrorKind::MissingRequiredArgument => {
            let verb = verb.unwrap_or(NAME);
            format!("Command {verb} needs more arguments: {argument}")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if !flag.starts_with('-') => {
            format!("invalid argument {value:?} for {argument}: {}", cause(error))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("flag needs an argument: {flag}"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("invalid argument {value:?} for \"{flag}\" flag: {}", cause(error))
        }
        _ => first_line(error),
    }
}

/// Returns the text of a part of an error, or its parts in a row.
fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(all) => Some(all.join(" ")),
        _ => None,
    }
}

/// Returns why a value is none.
fn cause(error: &Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => source.to_string(),
        None => first_line(error),
    }
}

fn first_line(error: &Error) -> String {
    let whole = error.render().to_string();
    let line = whole.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command, value_parser};

    #[test]
    fn they_are_in_rclones_words() {
        let copy = Command::new("copy").arg(Arg::new("SOURCE").required(true)).arg(
            Arg::new("transfers")
                .long("transfers")
                .value_parser(value_parser!(u8)),
        );
        let program = Command::new("rclone").subcommand_required(true).subcommand(copy);
        for (line, said) in [
            (&["nosuch"][..], "unknown command \"nosuch\" for \"rclone\""),
            (&["copy", "a", "--nosuch"], "unknown flag: --nosuch"),
            (&["copy", "a", "--nosuch=x"], "unknown flag: --nosuch"),
            (&["copy", "a", "-y"], "unknown shorthand flag: 'y' in -y"),
            (&["copy"], "Command copy needs more arguments: <SOURCE>"),
            (
                &["copy", "a", "b"],
                "Command copy needs fewer arguments: \"b\" is one too many",
            ),
            (
                &["copy", "a", "--transfers"],
                "flag needs an argument: --transfers",
            ),
            (
                &["copy", "a", "--transfers", "x"],
                "invalid argument \"x\" for \"--transfers\" flag: invalid digit found in string",
            ),
        ] {
            let args = std::iter::once(&"rclone").chain(line);
            let error = program.clone().try_get_matches_from(args).unwrap_err();
            assert_eq!(usage(&error, line.first().copied()), said, "{line:?}");
        }
    }
}
