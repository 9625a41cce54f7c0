//! Undoes what terminals, clipboards, mails and chats do to a text on its way: the one function that forgives, for
//! everything that people paste (grants, codes, JSON, addresses, app keys, challenges).
//!
//! [`plain`] takes away what no pasted thing of ours can contain: terminal sequences, invisible characters, quote marks of
//! mails, box borders, encodings of the way. What is left over is text in which the thing stands, perhaps wrapped
//! into lines. [`readings`] adds guesses for text that proves itself whole (a grant has a length and a checksum), so that a
//! wrong guess does no harm. [`word`] is for what can't prove itself: it guesses only where no information is lost.

mod characters;
mod escapes;
mod sequences;
mod words;

pub use words::{label_free, word, words};

/// Damages may lie over one another (a quoted mail, coloured, encoded); so many layers are taken off.
const MOST_LAYERS: usize = 6;

/// Reads pasted bytes as text: UTF-8, or the UTF-16 that PowerShell's `>` writes. What is neither becomes U+FFFD.
pub fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Returns `text` without its damage: trimmed lines without blank ones, in ordinary characters.
pub fn plain(text: &str) -> String {
    lines(&layers(text, Guess::default())).join("\n")
}

/// How to read what has two meanings.
#[derive(Clone, Copy, Default)]
struct Guess {
    /// A long dash stands for one hyphen, rather than for two.
    short_dash: bool,
    /// In quoted-printable, `=` at the end of a line belongs to what follows (`=`, `0D`), rather than to the line end.
    cut_escapes: bool,
}

const SHORT_DASH: Guess = Guess {
    short_dash: true,
    cut_escapes: false,
};
const CUT_ESCAPES: Guess = Guess {
    short_dash: false,
    cut_escapes: true,
};

/// Takes off damages that don't depend on lines, one layer after the other.
fn layers(text: &str, guess: Guess) -> String {
    let mut text = text.to_owned();
    for _ in 0..MOST_LAYERS {
        let mut next = escapes::undo(&characters::undo(&sequences::undo(&text), guess), guess);
        if next == text {
            // Only now: the escape character may have been encoded.
            next = sequences::undo_unless_bracketed(&text);
            if next == text {
                break;
            }
        }
        text = next;
    }
    text
}

/// The lines that say something, without the marks that mails, chats and boxes put around each.
fn lines(text: &str) -> Vec<String> {
    let inside = text.lines().map(inner).filter(|line| !is_border(line));
    inside
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A line without quote marks before it and box borders around it.
fn inner(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '|'))
        .trim_end_matches(|c: char| c.is_whitespace() || c == '|')
}

/// Whether a line is only decoration: `+-----+`, `=====`, `~~~`.
fn is_border(line: &str) -> bool {
    let drawn: Vec<char> = line.chars().filter(|c| !c.is_whitespace()).collect();
    drawn.len() > 4 && drawn.iter().all(|c| "-+=_*~#.:|>\"'()[]".contains(*c))
}

/// Every reading of `text` worth trying, the likeliest first, for what proves itself whole. Only characters for which
/// `belongs` holds are kept.
pub fn readings(text: &str, belongs: impl Fn(char) -> bool) -> impl Iterator<Item = String> {
    let guesses: [fn(&str) -> String; 8] = [
        |text| lines(&layers(text, Guess::default())).concat(),
        |text| layers(text, Guess::default()), // a line of nothing but hyphens may belong to it
        |text| rejoined(text, Guess::default()),
        |text| lines(&layers(text, SHORT_DASH)).concat(),
        |text| rejoined(text, SHORT_DASH),
        |text| rejoined(text, CUT_ESCAPES),
        |text| without_common_prefix(&layers(text, Guess::default())),
        |text| without_numbers(&layers(text, Guess::default())),
    ];
    let text = text.to_owned();
    guesses
        .into_iter()
        .map(move |guess| guess(&text).chars().filter(|c| belongs(*c)).collect())
}

/// The lines put together before the damages are taken off: a wrap may have cut an escape in two.
fn rejoined(text: &str, guess: Guess) -> String {
    let bare = sequences::undo_bare(&layers(text, guess));
    let joined: String = lines(&bare).concat();
    let joined = joined.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    sequences::undo_bare(&layers(&joined, guess))
}

/// The lines without what all of them begin with: `10:32 <ann> `.
fn without_common_prefix(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let Some((first, rest)) = lines.split_first() else {
        return String::new();
    };
    let common = rest.iter().fold(first.len(), |most, line| {
        let same = first
            .bytes()
            .zip(line.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        most.min(same)
    });
    let end = (0..=common).rev().find(|at| {
        let before = first.get(..*at).and_then(|head| head.chars().next_back());
        before.is_none_or(|c| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
    });
    let end = end.unwrap_or_default();
    lines.iter().filter_map(|line| line.get(end..)).collect()
}

/// The lines without numbers before them, as `cat -n` and editors show.
fn without_numbers(text: &str) -> String {
    let bare = text.lines().map(|line| {
        let line = inner(line);
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let gap = rest.starts_with(|c: char| c.is_whitespace() || ":|)".contains(c));
        if rest.len() < line.len() && gap {
            rest
        } else {
            line
        }
    });
    bare.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_powershell_are_read() {
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = "\u{feff}a b\r\n".encode_utf16().flat_map(unit).collect();
            assert_eq!(decode(&bytes), "a b\r\n");
        }
        assert_eq!(decode("\u{feff}ä".as_bytes()), "\u{feff}ä");
        assert_eq!(plain(&decode(b"a\0b\0\xff")), "ab");
    }

    #[test]
    fn what_lies_over_a_text_is_taken_off() {
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
