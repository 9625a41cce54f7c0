//! Reads a list of which some entries can't be read.
//!
//! Serde rejects a whole page for one time in the year 9999, half a surrogate pair or a size of `null`. Then the page is cut into
//! its entries without looking into them, and each is read separately.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// An entry that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddEntry {
    /// Its path as the server sent it, or only its name, as far as either can be read.
    pub path: Option<String>,
    /// Its `path_lower`, by which the server identifies it.
    pub path_lower: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads the JSON object `body`, whose list `key` has entries of type `E`. Returns the object with an empty list, the entries
/// that can be read and `is_known`, and the others. `None` means that the object itself can't be read.
pub fn salvage<R: DeserializeOwned, E: DeserializeOwned>(
    body: &[u8],
    key: &str,
    is_known: impl Fn(&E) -> bool,
) -> Option<(R, Vec<E>, Vec<OddEntry>)> {
    let (entries, rest) = split(body, key)?;
    let rest = serde_json::from_slice(&rest).ok()?;
    let (mut good, mut odd) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in entries {
        match serde_json::from_slice::<E>(entry) {
            Ok(read) if is_known(&read) => good.push(read),
            Ok(_) => odd.push(OddEntry::of(
                entry,
                "it is of a kind that this program doesn't know".into(),
            )),
            Err(error) => odd.push(OddEntry::of(entry, plain(&error))),
        }
    }
    Some((rest, good, odd))
}

/// Returns whether `body` is JSON, except for what strings may contain: then the same call would return the same body.
pub fn is_json(body: &[u8]) -> bool {
    match serde_json::from_slice::<Value>(body) {
        Ok(_) => true,
        Err(error) => ["hex escape", "number out of range", "recursion limit"]
            .iter()
            .any(|words| error.to_string().contains(words)),
    }
}

/// Returns serde's message without the position, which is in the middle of a page.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let words = text.split(" at line ").next().unwrap_or(&text);
    format!("what Dropbox says of it can't be used ({words})")
}

impl OddEntry {
    fn of(entry: &[u8], reason: String) -> Self {
        let path_lower = field(entry, "path_lower");
        let path = field(entry, "path_display")
            .or_else(|| path_lower.clone())
            .or_else(|| field(entry, "name"));
        Self {
            path,
            path_lower,
            reason,
        }
    }
}

/// The position in a JSON text: inside a string, or the depth of brackets.
#[derive(Default)]
struct Scanner {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
}

impl Scanner {
    /// Takes a byte, and returns whether it belongs to the structure, outside of strings.
    fn takes(&mut self, byte: u8) -> bool {
        if self.is_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.is_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => return byte == b',' || byte == b':',
        }
        byte != b'"'
    }
}

/// Returns the texts of the list's entries, and the object with an empty list instead.
fn split<'a>(body: &'a [u8], key: &str) -> Option<(Vec<&'a [u8]>, Vec<u8>)> {
    let start = value_of(body, key)?;
    let list = &body[start..];
    if list.first() != Some(&b'[') {
        return None;
    }
    let (mut scanner, mut entries, mut from) = (Scanner::default(), Vec::new(), 1);
    for (at, byte) in list.iter().enumerate() {
        let is_structure = scanner.takes(*byte);
        let is_end = is_structure && *byte == b']' && scanner.depth == 0;
        if is_end || (is_structure && *byte == b',' && scanner.depth == 1) {
            let entry = list[from..at].trim_ascii();
            if !entry.is_empty() {
                entries.push(entry);
            }
            from = at + 1;
        }
        if is_end {
            return Some((entries, [&body[..start], b"[]", &list[from..]].concat()));
        }
    }
    None
}

/// Returns where the value of `key`, a member of the outermost object, begins.
fn value_of(body: &[u8], key: &str) -> Option<usize> {
    let (mut scanner, mut string_at, mut last) = (Scanner::default(), 0, &body[..0]);
    for (at, byte) in body.iter().enumerate() {
        let was_string = scanner.is_string;
        let is_structure = scanner.takes(*byte);
        if !was_string && scanner.is_string {
            string_at = at + 1;
        } else if was_string && !scanner.is_string {
            last = &body[string_at..at];
        } else if is_structure && *byte == b':' && scanner.depth == 1 && last == key.as_bytes() {
            let blanks = body[at + 1..].iter().take_while(|b| b.is_ascii_whitespace());
            return Some(at + 1 + blanks.count());
        }
    }
    None
}

/// Returns a member of an object that is text, with what can't be read of it replaced.
fn field(entry: &[u8], key: &str) -> Option<String> {
    let value = &entry[value_of(entry, key)?..];
    let (mut scanner, mut end) = (Scanner::default(), None);
    for (at, byte) in value.iter().enumerate() {
        scanner.takes(*byte);
        if at == 0 && !scanner.is_string {
            return None;
        }
        if !scanner.is_string {
            end = Some(at);
            break;
        }
    }
    Some(lenient(&String::from_utf8_lossy(&value[1..end?])))
}

/// Returns the value of a JSON string, with half surrogate pairs as U+FFFD.
fn lenient(text: &str) -> String {
    let (mut units, mut rest): (Vec<u16>, _) = (Vec::new(), text.chars());
    while let Some(c) = rest.next() {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            continue;
        }
        units.push(match rest.next() {
            Some('u') => {
                let digits: String = rest.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).unwrap_or(0xfffd)
            }
            Some('n') => u16::from(b'\n'),
            Some('t') => u16::from(b'\t'),
            Some('r') => u16::from(b'\r'),
            Some('b') => 8,
            Some('f') => 12,
            Some(c) => u16::try_from(u32::from(c)).unwrap_or(0xfffd),
            None => 0xfffd,
        });
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::api::files::{ListFolderResult, Metadata};

    fn page(entries: &str) -> (Vec<String>, Vec<OddEntry>) {
        let body = format!(r#"{{"cursor":"c [{{","entries": [{entries}], "has_more":false}}"#);
        let page = ListFolderResult::salvage(body.as_bytes()).unwrap();
        assert_eq!((page.cursor.as_str(), page.has_more), ("c [{", false));
        let names = page.entries.iter().map(|entry| match entry {
            Metadata::File(file) => file.name.clone(),
            Metadata::Folder(folder) => folder.name.clone(),
            _ => String::new(),
        });
        (names.collect(), page.odd)
    }

    const GOOD: &str = r#"{".tag":"file","name":"good","path_lower":"/good","path_display":"/good","id":"id:1","client_modified":"2020-01-01T00:00:00Z","rev":"0123456789","size":3}"#;

    #[test]
    fn each_odd_entry_stands_alone_and_has_its_name() {
        for (what, from, to) in [
            ("a time", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
            ("a time", "2020-01-01T00:00:00Z", "0000-13-01T00:00:00Z"),
            ("a time", r#""2020-01-01T00:00:00Z""#, "null"),
            ("a size", r#""size":3"#, r#""size":null"#),
            ("a size", r#""size":3"#, r#""size":-1"#),
            ("a size", r#""size":3"#, r#""size":1e999"#),
            ("a size", r#""size":3"#, r#""size":18446744073709551615"#),
            ("a size", r#""size":3"#, r#""size":3.5"#),
            ("a size", r#","size":3"#, ""),
            ("a revision", r#""rev":"0123456789","#, ""),
            ("a hash", r#""size":3"#, r#""size":3,"content_hash":"short""#),
            ("a kind", r#""file""#, r#""hologram""#),
            (
                "depth",
                r#""size":3"#,
                &format!(r#""size":{}1{}"#, "[".repeat(300), "]".repeat(300)),
            ),
        ] {
            let odd = GOOD.replace("good", "odd, \\\"[{").replacen(from, to, 1);
            let (names, odd) = page(&format!("{GOOD},\n{odd} , {GOOD}"));
            assert_eq!(names, ["good", "good"], "{what}: {to}");
            assert_eq!(odd.len(), 1, "{what}: {to}");
            assert_eq!(odd[0].path.as_deref(), Some("/odd, \"[{"), "{what}: {to}");
        }
        let odd = GOOD.replace("good", r"a\ud83db\u00fc\ud83d\ude00");
        let (names, odd) = page(&format!("{odd},{GOOD},null,7,\"x\",[]"));
        assert_eq!(names, ["good"]);
        assert_eq!(odd.len(), 5);
        assert_eq!(odd[0].path.as_deref(), Some("/a\u{fffd}bü😀"));
        assert_eq!(page("").0, Vec::<String>::new());
    }

    #[test]
    fn what_is_no_page_is_none() {
        for body in [
            "",
            "{",
            "[]",
            r#"{"entries":3}"#,
            r#"{"entries":[{"#,
            r#"{"entries":[]}"#,
            r#"{"x":{"entries":[]},"cursor":"","has_more":false}"#,
        ] {
            assert!(ListFolderResult::salvage(body.as_bytes()).is_none(), "{body}");
        }
        assert!(is_json(br#"{"a":"\ud800"}"#) && is_json(b"null"));
        assert!(!is_json(b"<html>") && !is_json(b"{\"a\":") && !is_json(b""));
    }

    proptest! {
        #[test]
        fn cutting_up_changes_nothing_that_is_right(texts in prop::collection::vec(any::<String>(), 0..6), blank in " *") {
            #[derive(Deserialize)]
            struct Rest { a: String, list: Vec<Value>, b: i32 }
            let value = serde_json::json!({"a": texts.concat(), "list": texts, "b": 7});
            let body = value.to_string().replace("\":", &format!("\"{blank}:{blank}"));
            prop_assume!(serde_json::from_str::<Value>(&body).is_ok_and(|read| read == value));
            let (rest, good, odd) = salvage::<Rest, String>(body.as_bytes(), "list", |_| true).unwrap();
            prop_assert_eq!((rest.a, rest.list.len(), rest.b), (texts.concat(), 0, 7));
            prop_assert_eq!((good, odd.len()), (texts, 0));
        }

        #[test]
        fn nonsense_is_read_without_a_panic(body in prop::collection::vec(prop::sample::select(b"{}[]\",:\\ue1\xff".to_vec()), 0..60)) {
            let _ = ListFolderResult::salvage(&body);
            let _ = OddEntry::of(&body, String::new());
        }
    }
}
