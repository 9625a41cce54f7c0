//! Decides what becomes of each flag of a line.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};
use shared::failure::Failure;

use super::{
    Line,
    known::{Known, Name},
    scan::{Token, Typed, text},
    unknown,
};
use crate::{
    rclone::flags::{Fate, Flag, Guard, Value, family, value_of_service},
    rclone::verbs::{self, of_config},
    report, variables,
};

/// Verbs that change nothing; a new one changes something, unless it is here.
const READING: [&str; 25] = [
    "about",
    "cat",
    "check",
    "checksum",
    "completion",
    "du",
    "hashsum",
    "help",
    "listremotes",
    "ls",
    "lsd",
    "lsf",
    "lsjson",
    "lsl",
    "man",
    "md5sum",
    "ncdu",
    "revisions",
    "search",
    "sha1sum",
    "sha256sum",
    "size",
    "tree",
    "version",
    "watch",
];
/// Verbs that change something and remove no more than an empty folder.
const KEEPING: [&str; 8] = [
    "config", "copy", "copyto", "link", "mkdir", "rmdir", "sync", "touch",
];
/// Commands of `config` that only show something.
const SHOWING: [&str; 7] = ["dump", "file", "list", "path", "paths", "show", "userinfo"];

/// A flag for clap, by its id.
struct Kept<'a> {
    id: &'a str,
    words: Vec<OsString>,
}

/// Judges the flags of a verb, and returns the line for clap.
pub(super) fn judge(args: &[OsString], known: &Known<'_>, tokens: Vec<Token>) -> Result<Line, Failure> {
    let words = tokens.iter().filter_map(|token| match token {
        Token::Word { word, .. } => Some(word.to_str().unwrap_or_default()),
        _ => None,
    });
    let words: Vec<&str> = words.skip(1).collect();
    let path = known.path(words.iter().copied());
    if let Some(failure) = not_below(&path, words.first()) {
        return Err(failure);
    }
    let mut judging = Judging {
        args,
        known,
        path: &path,
        before: Vec::new(),
        flags: Vec::new(),
        words: Vec::new(),
        line: Line::default(),
    };
    let mut verbs_left = path.len();
    for token in tokens {
        match token {
            // They come first, whatever was before them.
            Token::Word { .. } if verbs_left > 0 => verbs_left -= 1,
            Token::Word { word, .. } => judging.words.push(word),
            // No other word can begin with a dash.
            Token::End => judging.words.insert(0, "--".into()),
            Token::Flag(flag) => judging.flag(flag, verbs_left == path.len())?,
        }
    }
    Ok(judging.finish())
}

/// Returns the failure for a command of rclone's `config` that isn't one here.
fn not_below(path: &[&Command], word: Option<&&str>) -> Option<Failure> {
    let is_config = matches!(path, [verb] if verb.get_name() == "config");
    let below = word.filter(|_| is_config)?;
    match of_config(below)?.fate {
        verbs::Fate::Refused { why, instead } => {
            Some(unknown::refused_verb(&format!("config {below}"), why, instead))
        }
        _ => None,
    }
}

struct Judging<'a, 'k> {
    args: &'k [OsString],
    known: &'k Known<'a>,
    /// The commands that are named: the verb, and one below it.
    path: &'k [&'a Command],
    /// What belongs before the verb.
    before: Vec<OsString>,
    flags: Vec<Kept<'a>>,
    /// What isn't a flag, in its order.
    words: Vec<OsString>,
    line: Line,
}

impl<'a> Judging<'a, '_> {
    fn finish(self) -> Line {
        let mut line = self.line;
        line.args.extend(self.args.first().cloned());
        line.args.extend(self.before);
        line.args
            .extend(self.path.iter().map(|command| command.get_name().into()));
        // Clap can't count words, of which there may be any number, where flags are between them.
        line.args
            .extend(self.flags.into_iter().flat_map(|flag| flag.words));
        line.args.extend(self.words.iter().cloned());
        line.words = self.words;
        line
    }

    /// Decides about a flag; `is_first` if no verb came before it.
    fn flag(&mut self, flag: Typed, is_first: bool) -> Result<(), Failure> {
        if let Some(known) = self.known.of_rclone(flag.name()) {
            self.line.note_given(known.name, flag.value.as_deref());
        }
        if let Some(arg) = self.known.accepted(flag.name(), self.path) {
            return self.accept(flag, arg);
        }
        match self.known.of_rclone(flag.name()) {
            Some(known) if known.name == "version" && is_first => self.before.extend(flag.words()),
            Some(known) if matches!(known.name, "help" | "version") && known.fate == Fate::Same => {
                self.keep("", flag.words())
            }
            Some(known) => return self.elsewhere(&flag, known),
            None if self.of_family(&flag)? => {}
            // Clap reports it.
            None => self.keep("", flag.words()),
        }
        Ok(())
    }

    fn keep(&mut self, id: &'a str, words: Vec<OsString>) {
        self.flags.push(Kept { id, words });
    }

    /// Removes all that was said of a flag so far.
    fn forget(&mut self, id: &str) {
        self.flags.retain(|kept| kept.id != id);
    }

    /// Passes on a flag that the verb takes. A switch with a value becomes one without, or goes.
    fn accept(&mut self, flag: Typed, arg: &'a Arg) -> Result<(), Failure> {
        let id = arg.get_id().as_str();
        let variables: Vec<String> = arg
            .get_long()
            .map_or_else(Vec::new, |flag| variables::all_of_flag(flag).collect());
        let name = flag.shown();
        match (&flag.value, arg.get_action()) {
            (Some(value), clap::ArgAction::SetTrue) => {
                if is_true(&name, value)? {
                    self.line.overruled.retain(|known| !variables.contains(known));
                    self.keep(id, vec![name.into()]);
                } else {
                    self.forget(id);
                    self.line.overruled.extend(variables);
                }
            }
            (Some(value), clap::ArgAction::Count) => {
                let count = count(&name, value)?;
                self.forget(id);
                for _ in 0..count {
                    self.keep(id, vec![name.clone().into()]);
                }
                if count == 0 {
                    self.line.overruled.extend(variables);
                }
            }
            _ => self.keep(id, flag.words()),
        }
        Ok(())
    }

    /// Decides about a flag of rclone that this verb doesn't take here.
    fn elsewhere(&mut self, flag: &Typed, known: &'static Flag) -> Result<(), Failure> {
        let value = flag.value.as_deref();
        let is_off = match (known.value, value) {
            (Value::Switch, Some(value)) => !is_true(&flag.shown(), value)?,
            (_, Some(value)) => known.usual.is_some_and(|usual| value == usual),
            (_, None) => false,
        };
        if is_off {
            return Ok(());
        }
        let name = format!("--{}", known.name);
        if known.value == Value::Needed && value.is_none() {
            return Err(Failure::usage(format!("{name} needs a value")));
        }
        let verb = self.known.verb();
        match known.fate {
            Fate::Refused { why, instead } => {
                let line = known.guard.is_none().then(|| self.without(flag)).flatten();
                return Err(unknown::refused_flag(&name, why, instead, line));
            }
            _ if self.is_dangerous(known) => {
                return Err(unknown::not_honoured(verb, &name, self.instead(known)));
            }
            Fate::Harmless(why) => self.note(format!("{name} has no effect here: {why}")),
            Fate::Always(why) => self.note(format!("{name} changes nothing: {why}")),
            Fate::Differs(how) if !self.known.is_of_any(known.name) => self.note(format!("{name}: {how}")),
            Fate::Same | Fate::Differs(_) => self.note(format!("{name} has no meaning for '{verb}'")),
        }
        Ok(())
    }

    fn note(&mut self, note: String) {
        if !self.line.notes.contains(&note) {
            self.line.notes.push(note);
        }
    }

    /// Returns whether the verb could do what the flag was to prevent.
    fn is_dangerous(&self, flag: &Flag) -> bool {
        let verb = self.known.verb();
        let below = self.path.get(1).map(|command| command.get_name());
        match flag.guard {
            None => false,
            Some(_) if READING.contains(&verb) => false,
            Some(Guard::Removal) => !KEEPING.contains(&verb),
            Some(Guard::Trial) => !below.is_some_and(|below| SHOWING.contains(&below)),
        }
    }

    /// Returns the line with `delete` instead of a verb that takes no filters.
    fn instead(&self, flag: &Flag) -> Option<String> {
        let is_filter = flag.guard == Some(Guard::Removal) && self.known.verb() == "purge";
        (is_filter && !report::may_hold_secret(self.args)).then(|| {
            let verb = self.args.iter().position(|word| word == "purge");
            let words = self
                .args
                .iter()
                .enumerate()
                .skip(1)
                .map(|(at, word)| match Some(at) == verb {
                    true => "delete".into(),
                    false => quoted(word),
                });
            format!("node-tool {} --dry-run", words.collect::<Vec<_>>().join(" "))
        })
    }

    /// Returns the line without a flag, to be typed. `None` if it may hold a secret.
    fn without(&self, flag: &Typed) -> Option<String> {
        if self.known.verb() == "config" || report::may_hold_secret(self.args) {
            return None;
        }
        let ends = flag.at + 1 + usize::from(flag.is_apart);
        let is_alone = flag.long.is_some();
        let left = self.args.iter().enumerate().skip(1);
        let left = left.filter(|(at, _)| !(flag.at..ends).contains(at));
        let words: Vec<String> = left.map(|(_, word)| quoted(word)).collect();
        is_alone.then(|| format!("node-tool {}", words.join(" ")))
    }

    /// Decides about a flag of something that isn't here. Returns whether it is one.
    fn of_family(&mut self, flag: &Typed) -> Result<bool, Failure> {
        let Name::Long(name) = flag.name() else {
            return Ok(false);
        };
        let Some(family) = family(name) else {
            return Ok(false);
        };
        let shown = format!("--{name}");
        match (family.fate, value_of_service(name)) {
            (Fate::Refused { why, instead }, _) => {
                let about = format!("it is about {}; {why}", family.about);
                Err(unknown::refused_flag(&shown, &about, instead, None))
            }
            (_, None) => Ok(false),
            (_, Some(Value::Needed)) if flag.value.is_none() => {
                Err(Failure::usage(format!("{shown} needs a value")))
            }
            (Fate::Harmless(why) | Fate::Always(why), Some(_)) => {
                self.note(format!(
                    "{shown} has no effect here: it is about {}; {why}",
                    family.about
                ));
                Ok(true)
            }
            (Fate::Same | Fate::Differs(_), Some(_)) => Ok(true),
        }
    }
}

fn quoted(word: &OsStr) -> String {
    shared::plain::quoted(&text(word))
}

/// Returns whether a switch is on, in the words that rclone takes.
pub(super) fn is_true(name: &str, value: &OsStr) -> Result<bool, Failure> {
    match value.to_str() {
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        _ => Err(Failure::usage(format!(
            "{name} takes true or false, not '{}'",
            text(value)
        ))),
    }
}

/// Returns how often a flag counts as given.
fn count(name: &str, value: &OsStr) -> Result<u8, Failure> {
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.ok_or_else(|| Failure::usage(format!("{name} takes a number, not '{}'", text(value))))
}
