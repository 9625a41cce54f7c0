//! Completion in bash, zsh and fish: the script that the shell loads, the question that it asks, and the answer in its format.
//!
//! The programs answer themselves: they know their flags, and node-tool knows the remotes and their content. A script that is
//! generated once knows neither, and clap's script for bash fails for a program with a dash in its name.

use std::{ffi::OsString, path::Path};

use clap::Command;
use clap_complete::engine::complete;

/// The word that turns a program into its own completer: `node-tool __complete SHELL …`.
pub const WORD: &str = "__complete";

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// bash 3.2 (as on macOS) or later.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

/// The names of all shells.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

const BASH: &str = r#"_FUNCTION() {
    COMPREPLY=()
    local word
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <("$1" __complete bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2> /dev/null < /dev/null)
}
complete -o nospace -F _FUNCTION PROGRAM
"#;

const ZSH: &str = r#"#compdef PROGRAM
_FUNCTION() {
    local line entry
    local -a lines open closed
    lines=("${(@f)$("${(@Q)words[1]}" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null < /dev/null)}")
    for line in $lines; do
        entry=${line%%$'\t'*}
        entry=${entry//\\/\\\\}
        entry=${entry//:/\\:}
        case $entry in
            (*[/:=]) open+=("$entry") ;;
            (*) [[ $line == *$'\t'* ]] && entry+=":${line#*$'\t'}"; closed+=("$entry") ;;
        esac
    done
    (( $#open )) && _describe -V value open -S ''
    (( $#closed )) && _describe -V value closed
}
if [ "$funcstack[1]" = _FUNCTION ]; then _FUNCTION "$@"; else compdef _FUNCTION PROGRAM; fi
"#;

const FISH: &str = r#"complete --keep-order --no-files --command PROGRAM --arguments '(PROGRAM __complete fish (commandline --current-process --tokenize --cut-at-cursor)[2..] (commandline --current-token --cut-at-cursor) 2> /dev/null < /dev/null)'
"#;

impl Shell {
    /// Returns the shell of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }

    /// Returns the script that the shell loads to complete the arguments of `program`.
    pub fn script(self, program: &str) -> String {
        let text = match self {
            Self::Bash => BASH,
            Self::Zsh => ZSH,
            Self::Fish => FISH,
        };
        text.replace("FUNCTION", &program.replace('-', "_"))
            .replace("PROGRAM", program)
    }
}

/// A question: the words before the cursor, the last of which is to be completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    shell: Shell,
    /// The words, without the program's own name.
    pub words: Vec<String>,
    /// How many bytes of the last word stay when the shell inserts the answer.
    kept_bytes: usize,
    /// The quote character around the last word, if it is quoted.
    quote: Option<char>,
}

impl Question {
    /// Reads the arguments after [`WORD`]. `None` means that they are not a question.
    pub fn read(args: &[String]) -> Option<Self> {
        let (shell, rest) = args.split_first()?;
        let shell = Shell::named(shell)?;
        match (shell, rest) {
            (Shell::Bash, [breaks, line]) => Some(Self::of_line(line, breaks)),
            (Shell::Bash, _) => None,
            (_, rest) => {
                let (last, before) = rest.split_last()?;
                let mut words = before.to_vec();
                words.push(match shell {
                    Shell::Fish => split(last, "").0.pop().unwrap_or_default(), // it arrives as it was typed, with its escapes
                    _ => last.clone(),
                });
                Some(Self {
                    shell,
                    words,
                    kept_bytes: 0,
                    quote: None,
                })
            }
        }
    }

    /// Reads a whole line: the words that bash passes are split at colons.
    fn of_line(line: &str, breaks: &str) -> Self {
        let (mut words, kept_bytes, quote) = split(line, breaks);
        words.remove(0);
        if words.is_empty() {
            words.push(String::new());
        }
        Self {
            shell: Shell::Bash,
            words,
            kept_bytes,
            quote,
        }
    }

    /// Returns the word that is to be completed.
    pub fn current(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }

    /// Returns the answer in the shell's format: those candidates, each with its description, that begin with the word.
    pub fn answer(&self, candidates: &[(String, String)]) -> String {
        let current = self.current();
        let fits = |value: &str| value.starts_with(current) && !value.chars().any(crate::plain::is_hidden);
        let mut fitting: Vec<_> = candidates.iter().filter(|(value, _)| fits(value)).collect();
        // Flags are offered only after a dash, unless nothing else is possible.
        if current.is_empty() && fitting.iter().any(|(value, _)| !value.starts_with('-')) {
            fitting.retain(|(value, _)| !value.starts_with('-'));
        }
        fitting
            .into_iter()
            .map(|(value, about)| self.line(value, about))
            .collect()
    }

    /// Returns the answer with the candidates that `program` itself has, with completers that look at `current_dir`.
    pub fn answer_for(&self, program: &mut Command, current_dir: Option<&Path>) -> String {
        let name = program.get_name().to_owned();
        let words: Vec<OsString> = std::iter::once(name)
            .chain(self.words.iter().cloned())
            .map(Into::into)
            .collect();
        let at = words.len() - 1;
        let found = complete(program, words, at, current_dir).unwrap_or_default();
        let candidates: Vec<(String, String)> = found
            .iter()
            .filter(|candidate| !candidate.is_hide_set())
            .filter_map(|candidate| {
                let about = candidate.get_help().map(ToString::to_string).unwrap_or_default();
                Some((candidate.get_value().to_str()?.to_owned(), about))
            })
            .collect();
        self.answer(&candidates)
    }

    fn line(&self, value: &str, about: &str) -> String {
        if self.shell == Shell::Bash {
            let rest = value.get(self.kept_bytes..).unwrap_or(value);
            if self.quote.is_some() {
                return format!("{rest}\n");
            }
            let end = if value.ends_with(['/', ':', '=']) { "" } else { " " };
            return format!("{}{end}\n", escaped(rest));
        }
        match about.lines().next() {
            Some(about) => format!("{value}\t{about}\n"),
            None => format!("{value}\n"),
        }
    }
}

/// Returns `text` with a backslash before each character that the shell would interpret.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if " \t\\'\"`$&|;<>()*?[]!{}#~^".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Splits a line into words without quotes and backslashes. Also returns the number of bytes of the last word before the last of
/// `breaks` in it or before its open quote, and that quote.
fn split(line: &str, breaks: &str) -> (Vec<String>, usize, Option<char>) {
    let (mut words, mut kept, mut quote) = (vec![String::new()], 0, None);
    let (mut is_within, mut chars) = (false, line.chars());
    while let Some(c) = chars.next() {
        let Some(word) = words.last_mut() else { break };
        match (c, quote) {
            (' ' | '\t', None) => {
                if is_within {
                    words.push(String::new());
                    (is_within, kept) = (false, 0);
                }
                continue;
            }
            ('\'' | '"', None) => {
                quote = Some(c);
                kept = word.len();
            }
            (_, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.extend(chars.next()),
            _ => {
                word.push(c);
                if quote.is_none() && breaks.contains(c) {
                    kept = word.len();
                }
            }
        }
        is_within = true;
    }
    (words, kept, quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKS: &str = " \t\n\"'><=;|&(:";

    fn bash(line: &str) -> Question {
        Question::read(&["bash".into(), BREAKS.into(), line.into()]).unwrap()
    }

    fn answered(question: &Question, values: &[&str]) -> String {
        let candidates: Vec<_> = values
            .iter()
            .map(|v| ((*v).to_owned(), "about\nit".to_owned()))
            .collect();
        question.answer(&candidates)
    }

    #[test]
    fn words_are_split_as_the_shell_does() {
        for (line, words) in [
            ("node-tool ", vec![""]),
            (
                "node-tool  copy a\\ b 'c d'\"e\" dbx:x",
                vec!["copy", "a b", "c de", "dbx:x"],
            ),
            ("node-tool ls ''", vec!["ls", ""]),
            ("node-tool ls \"a", vec!["ls", "a"]),
            ("node-tool", vec![""]),
        ] {
            assert_eq!(bash(line).words, words, "{line}");
        }
    }

    #[test]
    fn bash_gets_what_follows_its_break() {
        for (line, answer) in [
            ("node-tool ls db", "dbx:\n"),
            ("node-tool ls dbx:", "my\\ folder/\nfile \n"),
            ("node-tool ls dbx:my\\ f", "my\\ folder/\n"),
            ("node-tool ls \"dbx:my f", "dbx:my folder/\n"),
            ("node-tool ls dbx:'my f", "my folder/\n"),
            ("node-tool ls other", ""),
        ] {
            let values: &[&str] = if line.ends_with("db") {
                &["dbx:"]
            } else {
                &["dbx:my folder/", "dbx:file"]
            };
            assert_eq!(answered(&bash(line), values), answer, "{line}");
        }
    }

    #[test]
    fn other_shells_get_whole_words_with_what_they_mean() {
        let zsh = Question::read(&["zsh", "ls", "dbx:m"].map(str::to_owned)).unwrap();
        assert_eq!(
            answered(&zsh, &["dbx:my folder/", "x"]),
            "dbx:my folder/\tabout\n"
        );
        let fish = Question::read(&["fish", "ls", "dbx:my\\ f"].map(str::to_owned)).unwrap();
        assert_eq!(answered(&fish, &["dbx:my folder/"]), "dbx:my folder/\tabout\n");
    }

    #[test]
    fn flags_wait_for_their_dash_and_names_cannot_drive_a_terminal() {
        let question = bash("node-tool ls ");
        assert_eq!(
            answered(&question, &["--all", "dbx:", "\u{1b}[2J", "a\nb"]),
            "dbx:\n"
        );
        assert_eq!(answered(&question, &["--all"]), "--all \n");
        assert_eq!(answered(&bash("node-tool ls --"), &["--all", "dbx:"]), "--all \n");
    }

    #[test]
    fn what_is_no_question_gets_no_answer() {
        for args in [
            vec![],
            vec!["bash"],
            vec!["bash", "x"],
            vec!["csh", "x"],
            vec!["zsh"],
        ] {
            let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
            assert_eq!(Question::read(&args), None, "{args:?}");
        }
    }
}
