//! What is said of verbs and flags that aren't here.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use shared::failure::Failure;

/// Verbs and flags that no guess may name: they remove or replace something.
const DANGEROUS: [&str; 22] = [
    "cleanup",
    "delete",
    "deletefile",
    "move",
    "moveto",
    "purge",
    "restore",
    "rmdir",
    "rmdirs",
    "sync",
    "touch",
    "--all",
    "--auto-confirm",
    "--delete-empty-src-dirs",
    "--delete-excluded",
    "--ignore-errors",
    "--ignore-times",
    "--overwrite-newer",
    "--rmdirs",
    "--unlink",
    "--yes",
    "--ignore-size",
];

/// Returns the failure for a verb of rclone that isn't one here.
pub(super) fn refused_verb(verb: &str, why: &str, instead: &str) -> Failure {
    let failure = Failure::usage(format!("there is no '{verb}' here")).why(why);
    advised(failure, instead)
}

/// Returns the failure for a word that is a command elsewhere.
pub(super) fn foreign_word(word: &str, line: &str) -> Failure {
    Failure::usage(format!("there is no '{word}' here")).hint(line)
}

/// Returns the failure for a flag that can't be honoured. `line` is the line without it.
pub(super) fn refused_flag(name: &str, why: &str, instead: &str, line: Option<String>) -> Failure {
    let failure = advised(
        Failure::usage(format!("{name} can't be honoured here")).why(why),
        instead,
    );
    match line {
        Some(line) => failure.next(format!("{line}   is the line without it")),
        None => failure,
    }
}

/// Returns the failure for a flag that a verb would have to ignore, and must not.
pub(super) fn not_honoured(verb: &str, name: &str, line: Option<String>) -> Failure {
    let failure = Failure::usage(format!("'{verb}' takes no {name}"))
        .why("without it, more could be changed than you want");
    match line {
        Some(line) => failure.next(line),
        None => failure.next(format!("node-tool {verb} --help")),
    }
}

fn advised(failure: Failure, instead: &str) -> Failure {
    match instead {
        "" => failure,
        instead => failure.hint(instead),
    }
}

/// Corrects an error of the parser: no guess names what would remove or replace something.
pub(in crate::cli) fn corrected(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
        let safe: Vec<String> = match error.get(kind) {
            Some(ContextValue::String(guess)) => vec![guess.clone()],
            Some(ContextValue::Strings(guesses)) => guesses.clone(),
            _ => continue,
        };
        let safe: Vec<String> = safe.into_iter().filter(|guess| !is_dangerous(guess)).collect();
        error.remove(kind);
        if safe.is_empty() {
            error.remove(ContextKind::Usage); // it has the guess in it
        }
        match safe.len() {
            0 => {}
            _ => {
                error.insert(kind, ContextValue::Strings(safe));
            }
        }
    }
    name_dest(&mut error);
    error
}

/// Clap takes the only word for DEST, of which there is always one, and misses SOURCE; people miss DEST.
fn name_dest(error: &mut clap::Error) {
    let is_missing = error.kind() == ErrorKind::MissingRequiredArgument;
    let sources = ContextValue::Strings(vec!["<SOURCE>...".into()]);
    if is_missing && error.get(ContextKind::InvalidArg) == Some(&sources) {
        let dest = ContextValue::Strings(vec!["<DEST>".into()]);
        error.insert(ContextKind::InvalidArg, dest);
    }
}

fn is_dangerous(guess: &str) -> bool {
    let name = guess.split([' ', '=']).next().unwrap_or_default();
    DANGEROUS.contains(&name)
}
