//! Splits a line into flags, their values, and everything else.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use super::known::{Known, Name};
use crate::rclone::flags::Value;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A flag, with its value if it has one.
    Flag(Typed),
    /// Neither a flag nor a value.
    Word {
        /// Its number on the line.
        at: usize,
        /// The word.
        word: OsString,
    },
    /// `--`: no flags follow.
    End,
}

/// A flag that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// Its name, with `-` for `_`.
    pub long: Option<String>,
    /// Its short form.
    pub short: Option<char>,
    /// Its value.
    pub value: Option<OsString>,
    /// Whether the value is a word of its own.
    pub is_apart: bool,
    /// The number of the word that it is in.
    pub at: usize,
}

impl Typed {
    /// Returns the name.
    pub(super) fn name(&self) -> Name<'_> {
        match (&self.long, self.short) {
            (Some(long), _) => Name::Long(long),
            (None, short) => Name::Short(short.unwrap_or_default()),
        }
    }

    /// Returns the flag as a person types it, without its value.
    pub(super) fn shown(&self) -> String {
        match self.name() {
            Name::Long(long) => format!("--{long}"),
            Name::Short(short) => format!("-{short}"),
        }
    }

    /// Returns the words that clap gets.
    pub(super) fn words(&self) -> Vec<OsString> {
        let flag = OsString::from(self.shown());
        match &self.value {
            None => vec![flag],
            Some(value) if self.is_apart => vec![flag, value.clone()],
            Some(value) => {
                let mut word = flag;
                word.push("=");
                word.push(value);
                vec![word]
            }
        }
    }
}

/// Splits a line, without its first word.
pub(super) fn scan(args: &[OsString], known: &Known<'_>) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = args.iter().enumerate().skip(1).peekable();
    let mut is_over = false;
    while let Some((at, word)) = rest.next() {
        let bytes = word.as_bytes();
        let mut following = || rest.next().map(|(_, value)| value.clone());
        match bytes {
            _ if is_over => tokens.push(Token::Word {
                at,
                word: word.clone(),
            }),
            b"--" => {
                is_over = true;
                tokens.push(Token::End);
            }
            [b'-', b'-', flag @ ..] => tokens.push(Token::Flag(long(at, flag, known, &mut following))),
            [b'-', flags @ ..] if !flags.is_empty() => shorts(at, flags, known, &mut following, &mut tokens),
            _ => {
                // The first word is the verb.
                is_over =
                    known.takes_rest() && tokens.iter().any(|token| matches!(token, Token::Word { .. }));
                tokens.push(Token::Word {
                    at,
                    word: word.clone(),
                });
            }
        }
    }
    tokens
}

/// Reads a flag behind two dashes; `following` returns the next word of the line.
fn long(at: usize, flag: &[u8], known: &Known<'_>, following: &mut dyn FnMut() -> Option<OsString>) -> Typed {
    let (name, value) = match flag.iter().position(|byte| *byte == b'=') {
        Some(end) => (&flag[..end], Some(owned(&flag[end + 1..]))),
        None => (flag, None),
    };
    let name = String::from_utf8_lossy(name).replace('_', "-");
    let takes_next = value.is_none() && known.value(Name::Long(&name)) == Some(Value::Needed);
    let value = if takes_next { following() } else { value };
    Typed {
        long: Some(name),
        short: None,
        value,
        is_apart: takes_next,
        at,
    }
}

/// Reads flags behind one dash. The value of the last of them follows at once, after `=`, or as the next word.
fn shorts(
    at: usize,
    flags: &[u8],
    known: &Known<'_>,
    following: &mut dyn FnMut() -> Option<OsString>,
    tokens: &mut Vec<Token>,
) {
    let mut rest = flags;
    while let Some(short) = first_char(rest) {
        rest = &rest[short.len_utf8().min(rest.len())..];
        let kind = known.value(Name::Short(short));
        let attached = match (rest, kind) {
            ([b'=', value @ ..], _) => Some(owned(value)),
            ([], _) | (_, None | Some(Value::Switch | Value::Count | Value::Optional)) => None,
            (value, Some(Value::Needed)) => Some(owned(value)),
        };
        if attached.is_some() {
            rest = &[];
        }
        let is_apart = attached.is_none() && kind == Some(Value::Needed);
        tokens.push(Token::Flag(Typed {
            long: None,
            short: Some(short),
            value: if is_apart { following() } else { attached },
            is_apart,
            at,
        }));
    }
}

/// Returns the first character; a byte that begins none is the replacement character.
fn first_char(bytes: &[u8]) -> Option<char> {
    let chunk = bytes.utf8_chunks().next()?;
    Some(
        chunk
            .valid()
            .chars()
            .next()
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    )
}

fn owned(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

/// Returns a word as text.
pub(super) fn text(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}
