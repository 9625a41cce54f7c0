//! `--encode-names`: names that Dropbox can't have, in the characters that rclone maps them to (its documentation,
//! "Restricted filenames and characters"), so that trees made by either read back right.
//!
//! Each local name has one name in Dropbox, its image, and comes back from it. A name in Dropbox that is the image of no local name,
//! such as `‛q`, is *odd*: it is shown as it is.

use std::borrow::Cow;

use shared::raw;

/// Marks a character that only looks as if it were mapped, and the digits of a byte.
const QUOTE: char = '\u{201b}';
/// Characters that Dropbox can't have in a name, and what they are mapped to.
const PAIRS: [(char, char); 2] = [('\\', '＼'), ('\u{7f}', '␡')];
/// What a space at the end of a name is mapped to.
const BLANK: char = '␠';

/// Returns a path as Dropbox can have it.
pub fn encode(path: &str) -> String {
    each(path, |name| Cow::Owned(encode_name(name)))
}

/// Returns the path that was meant; odd names stay as they are.
pub fn decode(path: &str) -> String {
    each(path, |name| meant(name).map_or(Cow::Borrowed(name), Cow::Owned))
}

/// Returns whether a name in Dropbox is the image of no local name.
pub fn is_odd(name: &str) -> bool {
    meant(name).is_none()
}

/// Returns the local name whose image `name` is.
fn meant(name: &str) -> Option<String> {
    let meant = decode_name(name);
    (encode_name(&meant) == name && raw::is_sound(&meant)).then_some(meant)
}

/// Changes each name of a path.
fn each<'a>(path: &'a str, change: impl Fn(&'a str) -> Cow<'a, str>) -> String {
    path.split('/').map(change).collect::<Vec<_>>().join("/")
}

/// Returns the image of a local name.
pub fn encode_name(name: &str) -> String {
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
        if c == raw::MARK {
            out.push(QUOTE); // the digits follow
        } else if let Some((_, mapped)) = PAIRS.iter().find(|(bad, _)| *bad == c) {
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

/// Returns what `name` would mean if it were the image of a local name.
fn decode_name(name: &str) -> String {
    let (rest, end) = match name.strip_suffix(BLANK) {
        // Quotes of the name itself come in pairs: a single one belongs to the space.
        Some(rest) => match rest.strip_suffix(QUOTE) {
            Some(shorter) if rest.chars().rev().take_while(|c| *c == QUOTE).count() % 2 == 1 => {
                (shorter, BLANK.to_string())
            }
            _ => (rest, " ".to_owned()),
        },
        None => (name, String::new()),
    };
    let mut out = String::with_capacity(name.len());
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        let is_quoted = |next: &char| *next == QUOTE || PAIRS.iter().any(|(_, m)| m == next);
        match PAIRS.iter().find(|(_, mapped)| *mapped == c) {
            Some((meant, _)) => out.push(*meant),
            None if c == QUOTE && chars.clone().next().as_ref().is_some_and(is_quoted) => {
                out.extend(chars.next());
            }
            None if c == QUOTE && is_byte(chars.as_str()) => out.push(raw::MARK),
            None => out.push(c),
        }
    }
    out + &end
}

/// Returns whether a text begins with the digits of a byte that is no character by itself.
fn is_byte(text: &str) -> bool {
    let digits = text
        .as_bytes()
        .get(..2)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    digits.is_some_and(|digits| u8::from_str_radix(digits, 16).is_ok_and(|byte| byte >= 0x80))
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
            ("␀", "␀"),
            ("a／b", "a／b"),
            ("d /f ", "d␠/f␠"),
            ("gro\0DF", "gro‛DF"),
            ("\0E9 ", "‛E9␠"),
            ("‛E9", "‛‛E9"),
            ("‛q", "‛‛q"),
        ] {
            assert_eq!(encode(name), mapped);
            assert_eq!(decode(mapped), name);
        }
    }

    #[test]
    fn odd_names_stay_as_they_are() {
        for odd in ["‛q", "‛", "a‛", "‛e9", "‛41", "‛C3‛A9", "x\\y", "‛E9‛", "q‛／"] {
            assert!(is_odd(odd), "{odd}");
            assert_eq!(decode(odd), odd);
            assert_eq!(decode(&encode(odd)), odd);
        }
        for name in ["‛E9", "‛‛", "＼", "␠", "a␡", "ü"] {
            assert!(!is_odd(name), "{name}");
        }
        assert_eq!(decode("d␠/‛q/f␠"), "d /‛q/f ");
    }

    proptest! {
        #[test]
        fn every_local_name_comes_back(bytes in prop::collection::vec(local_part(), 1..8)) {
            use std::os::unix::ffi::OsStrExt;
            let bytes = bytes.concat();
            let name = raw::text(std::ffi::OsStr::from_bytes(&bytes));
            prop_assert_eq!(decode(&encode(&name)), &*name);
            prop_assert!(!encode(&name).contains(raw::MARK));
        }

        #[test]
        fn every_name_in_dropbox_leads_back_to_itself(name in "[aE9C3A ./＼␠␡␀．‛]{1,8}") {
            let shown = decode(&name);
            for (own, shown) in name.split('/').zip(shown.split('/')) {
                if is_odd(own) {
                    prop_assert_eq!(shown, own);
                } else {
                    prop_assert_eq!(encode(shown), own);
                }
                // What is shown can be the name of a file here, and is then found under the same text.
                prop_assert!(raw::is_sound(shown));
            }
        }
    }

    fn local_part() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[aE9C3A .＼\\\\␠␡␀‛\u{7f}é]".prop_map(String::into_bytes),
            (0x80_u8..).prop_map(|byte| vec![byte]),
        ]
    }
}
