//! From what was typed to what clap parses: as in rclone, flags may be before the verb or after it, a switch may have a value, and
//! each flag of rclone is known, whatever the verb. Pure.
//!
//! The order of what isn't a flag never changes, and nothing that is the value of a flag is taken for one.

mod judge;
mod known;
mod scan;
#[cfg(test)]
mod tests;
mod unknown;

use std::ffi::{OsStr, OsString};

use clap::{
    Command,
    error::{ContextKind, ContextValue, ErrorKind},
};
use shared::failure::Failure;

use self::{
    judge::judge,
    known::Known,
    scan::{Token, scan},
};
use crate::rclone::verbs;

pub(super) use unknown::corrected;

/// A command line that clap can parse.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The program's name, the verb, then flags in their order, and other words in theirs.
    pub args: Vec<OsString>,
    /// The last of them, which are neither flags nor verbs.
    pub words: Vec<OsString>,
    /// What is said of flags that are accepted and have no effect.
    pub notes: Vec<String>,
    /// The variables of switches that are turned off, which don't count then.
    pub overruled: Vec<String>,
    /// The switches of rclone that are given, by their long names, whether the verb takes them or not.
    pub given: Vec<&'static str>,
}

impl Line {
    /// Returns what is said of a word too many, if it may be the rest of a name with a blank.
    pub(super) fn about_blanks(&self, error: &clap::Error) -> Option<String> {
        let is_word = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(word)) => !word.starts_with('-'),
            _ => false,
        };
        let is_one_too_many = error.kind() == ErrorKind::UnknownArgument && is_word && self.words.len() > 1;
        let words: Option<Vec<&str>> = self.words.iter().map(|word| word.to_str()).collect();
        let words = words.filter(|words| is_one_too_many && words[0] != "--")?;
        let name = shared::plain::quoted(&words.join(" "));
        Some(format!("  a name with a blank needs quotes: {name}"))
    }

    /// Notes a flag of rclone, whose last value counts.
    fn note_given(&mut self, name: &'static str, value: Option<&OsStr>) {
        self.given.retain(|known| *known != name);
        let is_off = value.is_some_and(|value| judge::is_true("", value).is_ok_and(|is_on| !is_on));
        if !is_off {
            self.given.push(name);
        }
    }

    /// Judges the words behind a verb as a line of their own, which a job will run. What has no effect there is taken out.
    fn judge_rest(&mut self, program: &Command) -> Result<(), Failure> {
        let own = self.words.iter().filter(|word| *word != "--").cloned();
        let typed: Vec<OsString> = self.args.first().cloned().into_iter().chain(own).collect();
        let rest = read(&typed, program)?;
        if !rest.notes.is_empty() {
            self.args.truncate(self.args.len() - self.words.len());
            self.words = rest.args.into_iter().skip(1).collect();
            self.args.extend(self.words.iter().cloned());
            self.notes.extend(rest.notes);
        }
        Ok(())
    }

    /// Returns a line as it was typed.
    fn as_typed(args: &[OsString]) -> Self {
        Self {
            args: args.to_vec(),
            ..Self::default()
        }
    }
}

/// Reads a command line, the first word of which is the program's name.
///
/// # Errors
/// When it holds a verb or a flag of rclone that can't be honoured, or no verb is there.
pub(super) fn read(args: &[OsString], program: &Command) -> Result<Line, Failure> {
    let found = args
        .iter()
        .enumerate()
        .skip(1)
        .filter_map(|(at, word)| Some((at, word.to_str()?)))
        .find_map(|(at, word)| verb_at(args, at, word, program));
    let Some(Verb { known, tokens }) = found else {
        return without_verb(args, program);
    };
    match verbs::named(known.verb()).map(|verb| verb.fate) {
        Some(verbs::Fate::Refused { why, instead }) if !known.is_ours() => {
            Err(unknown::refused_verb(known.verb(), why, instead))
        }
        _ if known.verb() == "help" => Ok(Line::as_typed(args)),
        _ => {
            let mut line = judge(args, &known, tokens)?;
            if known.takes_rest() {
                line.judge_rest(program)?;
            }
            Ok(line)
        }
    }
}

/// A verb, and the line as its flags explain it.
struct Verb<'a> {
    known: Known<'a>,
    tokens: Vec<Token>,
}

/// Returns the verb at a place of the line, if a verb is there: by its own flags, it has to be the first word that is none.
fn verb_at<'a>(args: &[OsString], at: usize, word: &str, program: &'a Command) -> Option<Verb<'a>> {
    let known = Known::of(word, program)?;
    let tokens = scan(args, &known);
    let first = tokens.iter().find_map(|token| match token {
        Token::Word { at, .. } => Some(*at),
        _ => None,
    });
    (first == Some(at)).then_some(Verb { known, tokens })
}

/// Reads a line that has no known verb.
fn without_verb(args: &[OsString], program: &Command) -> Result<Line, Failure> {
    let tokens = scan(args, &Known::of_none(program));
    let first = tokens.iter().find_map(|token| match token {
        Token::Word { word, .. } => Some(word.as_os_str()),
        _ => None,
    });
    match first.and_then(OsStr::to_str).and_then(verbs::line_for) {
        Some(line) => Err(unknown::foreign_word(
            &first.unwrap_or_default().to_string_lossy(),
            line,
        )),
        None => {
            // Clap names the word, and without any it shows the help.
            let mut line = Line::as_typed(&args[..1.min(args.len())]);
            let words = first.map(OsStr::to_owned);
            match words {
                Some(word) => line.args.push(word),
                None => line = Line::as_typed(args),
            }
            Ok(line)
        }
    }
}
