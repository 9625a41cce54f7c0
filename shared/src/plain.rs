//! Makes text from elsewhere (names of files and accounts, responses of servers) safe to show.
//!
//! A name may contain anything: escape sequences that control a terminal, marks that reverse the direction of writing, invisible
//! characters. What a terminal shows passes through here; what goes into a pipe or a file doesn't.

use std::fmt::Write as _;

/// Returns whether a terminal must not get this character: it controls the terminal, ends a line, changes the direction of
/// writing, or is invisible.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'                        // soft hyphen
            | '\u{34f}'                     // joins marks, invisible
            | '\u{61c}'                     // Arabic letter mark
            | '\u{115f}' | '\u{1160}'       // Hangul fillers
            | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'       // Mongolian selectors and separator
            | '\u{200b}'..='\u{200f}'       // zero widths, joiners, direction marks
            | '\u{2028}'..='\u{202e}'       // ends of lines and paragraphs; embeddings and overrides
            | '\u{2060}'..='\u{206f}'       // word joiner, invisible operators, isolates
            | '\u{3164}' | '\u{ffa0}'       // Hangul fillers
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'       // interlinear annotation
            | '\u{13430}'..='\u{1345f}'     // Egyptian format controls
            | '\u{1bca0}'..='\u{1bca3}'     // shorthand format controls
            | '\u{1d173}'..='\u{1d17a}'     // musical format controls
            | '\u{e0000}'..='\u{e0fff}') // invisible tags and selectors
}

/// Returns `text` on one line, with what a terminal must not get written as `\n`, `\u{1b}` and so on.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (c, is_hidden) in with_visibility(text) {
        if c == '\0' {
            // The name isn't UTF-8: the digits of a byte follow.
            out.push_str("\\x");
        } else if is_hidden {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Returns `text` like [`printable`], but keeps its lines and tabs.
pub fn printable_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (c, is_hidden) in with_visibility(text) {
        if is_hidden && !matches!(c, '\n' | '\t') {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Returns `text` without the numbers of system errors, which add nothing: `Permission denied (os error 13)`.
pub fn without_error_numbers(text: &str) -> String {
    const BEFORE: &str = " (os error ";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(BEFORE) {
        let (before, number) = rest.split_at(at);
        let number = &number[BEFORE.len()..];
        let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(before);
        rest = match number[digits..].strip_prefix(')') {
            Some(after) if digits > 0 => after,
            _ => {
                out.push_str(BEFORE);
                number
            }
        };
    }
    out + rest
}

/// Returns JSON with the same meaning, without what a terminal must not get. Its line ends and tabs stay.
pub fn printable_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) && !matches!(c, '\n' | '\t') {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}"); // writing to a String can't fail
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Returns `text` as a word of a command line that can be pasted into a shell.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric() || "/_-.,+=:@%".contains(c) || (!c.is_ascii() && !c.is_whitespace())
    };
    if with_visibility(text).any(|(_, is_hidden)| is_hidden) {
        return escaped(text);
    }
    // zsh replaces a leading '=' and the name of a program by its path.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns `text` in the quotes of bash and zsh that allow escapes.
fn escaped(text: &str) -> String {
    let mut out = String::from("$'");
    for (c, is_hidden) in with_visibility(text) {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if is_hidden => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(out, "\\x{byte:02x}"); // as above
                }
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// Returns each character, and whether it is hidden where it is: Persian and Indic words and some emoji need their joiners.
fn with_visibility(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut chars = text.chars().peekable();
    let mut before = None;
    std::iter::from_fn(move || {
        let c = chars.next()?;
        let joins = |side: Option<char>| side.is_some_and(|c| c > '\u{5ff}' && !is_hidden(c));
        let is_joiner = matches!(c, '\u{200c}' | '\u{200d}') && joins(before) && joins(chars.peek().copied());
        before = Some(c);
        Some((c, is_hidden(c) && !is_joiner))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Characters that have to be made visible, whatever surrounds them.
    const HIDDEN: [char; 24] = [
        '\0',
        '\u{7}',
        '\u{8}',
        '\u{1b}',
        '\r',
        '\n',
        '\t',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{e0041}',
    ];

    #[test]
    fn nothing_hidden_is_left() {
        for c in HIDDEN {
            for text in [format!("a{c}b"), format!("{c}"), format!("😀{c}ü")] {
                for shown in [printable(&text), quoted(&text)] {
                    assert!(!shown.contains(is_hidden), "{c:?}: {shown:?}");
                }
            }
            let lines = printable_lines(&format!("a{c}b"));
            assert_eq!(lines.contains(is_hidden), matches!(c, '\n' | '\t'), "{c:?}");
        }
        assert_eq!(printable("a\u{1b}[2J\u{202e}\nb"), "a\\u{1b}[2J\\u{202e}\\nb");
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in [
            "a b",
            "Größe",
            "日本語",
            "می\u{200c}خواهم",
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "a\\b",
        ] {
            assert_eq!(printable(text), text);
        }
        // A joiner that joins nothing only hides.
        assert_eq!(printable("a\u{200d}b"), "a\\u{200d}b");
        assert_eq!(printable("\u{200d}"), "\\u{200d}");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}\u{200d}ü😀\n";
        let json = serde_json::to_string(text).unwrap();
        let shown = printable_json(&json);
        assert!(!shown.contains(is_hidden), "{shown:?}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        assert_eq!(printable_json("{\n\t\"a\": 1\n}\n"), "{\n\t\"a\": 1\n}\n");
    }

    #[test]
    fn errors_of_the_system_lose_their_numbers() {
        for (text, shown) in [
            (
                "a: Permission denied (os error 13), b (os error 2)",
                "a: Permission denied, b",
            ),
            ("nothing", "nothing"),
            ("x (os error )", "x (os error )"),
            ("x (os error 1", "x (os error 1"),
        ] {
            assert_eq!(without_error_numbers(text), shown);
        }
        let error = std::io::Error::from_raw_os_error(13);
        assert_eq!(without_error_numbers(&error.to_string()), "Permission denied");
    }

    #[test]
    fn words_can_be_pasted() {
        for (text, word) in [
            ("dbx:a/b-1_2.txt", "dbx:a/b-1_2.txt"),
            ("dbx:a b", "'dbx:a b'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("$(x)", "'$(x)'"),
            ("~", "'~'"),
            ("dbx:Größe😀", "dbx:Größe😀"),
            ("x\u{a0}y", "'x\u{a0}y'"),
            ("a\u{1b}'\\\n", r"$'a\x1b\'\\\x0a'"),
            ("\u{202e}", r"$'\xe2\x80\xae'"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in [
            "a b",
            "it's",
            "$(x)`y`",
            "a\u{1b}'\\\n\t",
            "\u{202e}ü",
            "*?[a]",
            "!x",
            "~",
            "#a",
            "a;b|c&d<e>",
            "{a,b}",
        ] {
            let output = std::process::Command::new("bash")
                .arg("-c")
                .arg(format!("printf %s {}", quoted(text)))
                .output();
            let Ok(output) = output else { return };
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
    }
}
