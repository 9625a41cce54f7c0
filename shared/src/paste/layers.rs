//! Removes one layer of damage after the other.

use super::{characters, escapes, guess::Guess, sequences};

/// Maximum number of layers: a quoted mail, coloured, encoded.
const MAX_LAYERS: usize = 6;

/// Returns `text` without its damage: trimmed lines in ordinary characters, without empty lines.
pub fn plain(text: &str) -> String {
    lines(&layers(text, Guess::default())).join("\n")
}

/// Removes damage that doesn't depend on lines, one layer after the other.
pub(super) fn layers(text: &str, guess: Guess) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_LAYERS {
        let mut next = escapes::undo(&characters::undo(&sequences::undo(&text), guess), guess);
        if next == text {
            // Only at the end, since the escape character may have been encoded.
            next = sequences::undo_unless_bracketed(&text);
            if next == text {
                break;
            }
        }
        text = next;
    }
    text
}

/// Returns the lines with content, without the marks that mails, chats and boxes put around each.
pub(super) fn lines(text: &str) -> Vec<String> {
    let inside = text.lines().map(inner).filter(|line| !is_border(line));
    inside
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Returns a line without quote marks before it and box borders around it.
pub(super) fn inner(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '|'))
        .trim_end_matches(|c: char| c.is_whitespace() || c == '|')
}

/// Returns whether a line is only decoration: `+-----+`, `=====`, `~~~`.
fn is_border(line: &str) -> bool {
    let drawn: Vec<char> = line.chars().filter(|c| !c.is_whitespace()).collect();
    drawn.len() > 4 && drawn.iter().all(|c| "-+=_*~#.:|>\"'()[]".contains(*c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_removed() {
        for (damaged, whole) in [
            ("  abc \r\n", "abc"),
            ("> > abc\n>def", "abc\ndef"),
            ("\u{1b}[1;32mabc\u{1b}[0m", "abc"),
            ("[1;32mabc[0m", "abc"),
            ("[abc]", "[abc]"),
            ("[0mabc]", "[0mabc]"),
            ("^[[32mabc^[[0m^M", "abc"),
            ("\\033[32mabc\\e[0m", "abc"),
            ("\u{1b}]0;login01\u{7}abc", "abc"),
            ("\u{1b}[200~abc\u{1b}[201~", "abc"),
            ("[200~abc[201~", "abc"),
            ("\u{16}a\u{200b}b\u{ad}c\u{feff}", "abc"),
            ("\u{a0}abc\u{3000}", "abc"),
            ("“abc”", "\"abc\""),
            ("‘abc’", "'abc'"),
            ("```text\nabc\n```", "text\nabc"),
            ("┌─────┐\n│ abc │\n└─────┘", "abc"),
            ("+-----+\n| abc |\n+-----+", "abc"),
            ("a=\r\nb=\r\n> c", "abc"),
            ("=E2=80=9Cabc=E2=80=9D=20", "\"abc\""),
            ("&quot;a&amp;b&#46;&nbsp;&quot;", "\"a&b. \""),
            ("abc\\\ndef", "abcdef"),
            ("a\\_b\\-c\\.d", "a_b-c.d"),
            ("abc\\ndef\\r\\n", "abc\ndef"),
            ("a<br>b<wbr>c</p>", "a\nbc"),
            ("ａｂｃ１．", "abc1."),
            ("a\u{2011}b\u{2212}c—d", "a-b-c--d"),
            ("", ""),
        ] {
            assert_eq!(plain(damaged), whole, "{damaged:?}");
        }
    }

    #[test]
    fn an_address_keeps_its_signs() {
        let address = "http://localhost:53682/?code=ABcd12EF&state=2E3d";
        for damaged in [
            address.to_owned(),
            format!("<{address}>"),
            address.replace('&', "&amp;"),
            address.replace('=', "=3D"),
            address.replace("code=", "code=\n"),
        ] {
            let read: String = plain(&damaged).replace(['\n', '<', '>'], "");
            assert_eq!(read, address, "{damaged}");
        }
    }
}
