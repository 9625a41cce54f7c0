//! `--encode-names`: names that Dropbox can't have, in the characters that rclone maps them to (its documentation,
//! "Restricted filenames and characters"), so that trees made by either read back right.

use std::borrow::Cow;

/// Stands before a character that only looks as if it were mapped.
const QUOTE: char = '\u{201b}';
/// What Dropbox can't have, and what it is mapped to.
const PAIRS: [(char, char); 3] = [('\0', '␀'), ('\\', '＼'), ('\u{7f}', '␡')];
/// A blank at the end of a name.
const BLANK: char = '␠';

/// A path as Dropbox can have it.
pub fn encode(path: &str) -> String {
    each(path, encode_name)
}

/// The path that was meant.
pub fn decode(path: &str) -> String {
    each(path, decode_name)
}

fn each(path: &str, change: impl Fn(&str) -> String) -> String {
    path.split('/').map(change).collect::<Vec<_>>().join("/")
}

fn encode_name(name: &str) -> String {
    let (rest, end): (&str, Cow<'_, str>) = match name.chars().last() {
        Some(' ') => (&name[..name.len() - 1], BLANK.to_string().into()),
        Some(BLANK) => (
            &name[..name.len() - BLANK.len_utf8()],
            format!("{QUOTE}{BLANK}").into(),
        ),
        _ => (name, "".into()),
    };
    let mut out = String::with_capacity(name.len() + 8);
    for c in rest.chars() {
        if let Some((_, mapped)) = PAIRS.iter().find(|(bad, _)| *bad == c) {
            out.push(*mapped);
        } else {
            if c == QUOTE || PAIRS.iter().any(|(_, mapped)| *mapped == c) {
                out.push(QUOTE);
            }
            out.push(c);
        }
    }
    out + &end
}

fn decode_name(name: &str) -> String {
    let (rest, end) = match name.strip_suffix(BLANK) {
        // Quotes of the name itself come in pairs: a single one belongs to the blank.
        Some(rest) => match rest.strip_suffix(QUOTE) {
            Some(shorter) if rest.chars().rev().take_while(|c| *c == QUOTE).count() % 2 == 1 => {
                (shorter, BLANK.to_string())
            }
            _ => (rest, " ".to_owned()),
        },
        None => (name, String::new()),
    };
    let mut out = String::with_capacity(name.len());
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        let is_quoted = |next: &char| *next == QUOTE || PAIRS.iter().any(|(_, m)| m == next);
        match PAIRS.iter().find(|(_, mapped)| *mapped == c) {
            Some((meant, _)) => out.push(*meant),
            None if c == QUOTE && chars.peek().is_some_and(is_quoted) => out.extend(chars.next()),
            None => out.push(c),
        }
    }
    out + &end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_mapped_as_rclone_maps_them() {
        for (name, mapped) in [
            ("plain", "plain"),
            ("back\\slash", "back＼slash"),
            ("trail ", "trail␠"),
            ("two  ", "two ␠"),
            ("del\u{7f}", "del␡"),
            ("full＼width", "full‛＼width"),
            ("␠", "‛␠"),
            ("．", "．"),
            ("a／b", "a／b"),
            ("d /f ", "d␠/f␠"),
        ] {
            assert_eq!(encode(name), mapped);
            assert_eq!(decode(mapped), name);
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in "[a ./\\\\＼␠␡．‛\u{7f}]{1,8}") {
            prop_assert_eq!(decode(&encode(&name)), name);
        }
    }
}
