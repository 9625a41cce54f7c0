//! rclone's config file as text: an INI file, by the rules of the library that rclone reads it with (tried with rclone 1.75).

use std::collections::BTreeMap;

/// A section's keys and values.
pub type Section = BTreeMap<String, String>;

/// Maximum depth of references from value to value.
const MAX_DEPTH: u32 = 200;
/// Keys outside any section, which others may refer to.
const DEFAULT: &str = "DEFAULT";

/// A line that rclone can't read either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {why}")]
pub struct IniError {
    line: usize,
    why: &'static str,
}

/// Decodes a file's bytes: a byte order mark is skipped, and what isn't UTF-8 (a name in an old comment) is replaced.
pub fn decode(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
}

/// Reads all sections, by name: `a.b` has the keys of `a` too, and `%(key)s` is replaced by another key's value.
///
/// # Errors
/// When rclone couldn't read the file either.
pub fn sections(text: &str) -> Result<BTreeMap<String, Section>, IniError> {
    let raw = raw_sections(text)?;
    let names = raw.keys().filter(|name| *name != DEFAULT);
    Ok(names.map(|name| (name.clone(), resolved(&raw, name))).collect())
}

fn raw_sections(text: &str) -> Result<BTreeMap<String, Section>, IniError> {
    let mut all: BTreeMap<String, Section> = BTreeMap::new();
    let mut current = DEFAULT.to_owned();
    let mut count = 0;
    for (at, line) in text.lines().enumerate() {
        let error = |why| IniError { line: at + 1, why };
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            current = name.trim().to_owned();
            if current.is_empty() {
                return Err(error("has a section without a name"));
            }
            all.entry(current.clone()).or_default();
            count = 0;
            continue;
        }
        let (key, value) = pair(line).ok_or_else(|| error("is neither a section nor a key with a value"))?;
        let key = if key == "-" {
            count += 1;
            format!("#{count}")
        } else {
            key
        };
        all.entry(current.clone()).or_default().insert(key, value);
    }
    Ok(all)
}

/// `key = value` or `key: value`; either may be quoted.
fn pair(line: &str) -> Option<(String, String)> {
    let (key, rest) = match ["\"\"\"", "\"", "`"]
        .iter()
        .find(|quote| line.starts_with(**quote))
    {
        Some(quote) => {
            let (key, rest) = line[quote.len()..].split_once(quote)?;
            let at = rest.find(['=', ':'])?;
            (key, &rest[at + 1..])
        }
        None => {
            let at = line.find(['=', ':']).filter(|at| *at > 0)?;
            (line[..at].trim(), &line[at + 1..])
        }
    };
    let value = rest.trim();
    // Up to the last such quote; what follows is ignored.
    let value = match ["\"\"\"", "`"].iter().find(|quote| value.starts_with(**quote)) {
        Some(quote) => {
            let inner = &value[quote.len()..];
            &inner[..inner.rfind(quote)?]
        }
        None => value,
    };
    Some((key.to_owned(), value.to_owned()))
}

fn resolved(all: &BTreeMap<String, Section>, name: &str) -> Section {
    let mut keys = Section::new();
    let mut ancestor = Some(name);
    while let Some(section) = ancestor {
        for (key, value) in all.get(section).into_iter().flatten() {
            keys.entry(key.clone()).or_insert_with(|| value.clone());
        }
        ancestor = section.rsplit_once('.').map(|(parent, _)| parent);
    }
    let defaults = all.get(DEFAULT);
    let values = keys.iter().map(|(key, value)| {
        let mut value = value.clone();
        for _ in 0..MAX_DEPTH {
            let Some((before, reference, after)) = reference(&value) else {
                break;
            };
            let meant = keys
                .get(reference)
                .or_else(|| defaults.and_then(|all| all.get(reference)));
            let Some(meant) = meant.filter(|meant| meant.len() < 1 << 16) else {
                break;
            };
            value = format!("{before}{meant}{after}");
        }
        (key.clone(), value)
    });
    values.collect()
}

/// Returns the first `%(key)s`, with the text before and after it.
fn reference(value: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = value.split_once("%(")?;
    let (key, after) = rest.split_once(")s")?;
    (!key.is_empty() && !key.contains(')')).then_some((before, key, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rclone;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            text in "([\\[\\]a=:`\"#;%()s. \\r\\n\u{feff}é]|remote|type|dropbox|token|upstreams){0,40}",
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            for bytes in [text.as_bytes(), &bytes] {
                let text = decode(bytes);
                let _ = rclone::sealing(&text);
                if let Ok(sections) = sections(&text) {
                    let _ = rclone::wrappers(&sections);
                    for keys in sections.values() {
                        let _ = rclone::take(keys, 0);
                    }
                }
            }
        }
    }

    fn one(text: &str) -> Section {
        sections(text).unwrap().remove("a").unwrap()
    }

    #[test]
    fn lines_are_read_as_rclone_reads_them() {
        for (line, key, value) in [
            ("type = dropbox", "type", "dropbox"),
            ("  type=dropbox  ", "type", "dropbox"),
            ("type: dropbox", "type", "dropbox"),
            ("type:x=y", "type", "x=y"),
            ("type=x:y", "type", "x:y"),
            ("type\t=\tx", "type", "x"),
            ("type = `dropbox`", "type", "dropbox"),
            ("type = `dropbox` x", "type", "dropbox"),
            ("type = `a`b`", "type", "a`b"),
            ("type = ``", "type", ""),
            ("type = \"\"\"dropbox\"\"\"", "type", "dropbox"),
            ("type = \"dropbox\"", "type", "\"dropbox\""),
            ("type = \"x", "type", "\"x"),
            ("type = 'x'", "type", "'x'"),
            ("`type` = x", "type", "x"),
            ("\"ty=pe\" = x", "ty=pe", "x"),
            ("x = a ; b # c", "x", "a ; b # c"),
            ("- = x", "#1", "x"),
            ("token = {\"a\":\"b=c\"}", "token", "{\"a\":\"b=c\"}"),
        ] {
            assert_eq!(
                one(&format!("[a]\n{line}\n")).get(key).map(String::as_str),
                Some(value),
                "{line}"
            );
        }
        for bad in [
            "no delimiter",
            "=x",
            "type = `x",
            "type = \"\"\"x",
            "[]",
            "[a",
            "[a] # c",
        ] {
            let error = sections(&format!("[a]\n{bad}\n")).unwrap_err();
            assert_eq!(error.line, 2, "{bad}");
        }
    }

    #[test]
    fn sections_are_read_as_rclone_reads_them() {
        let text = "\u{feff}x = 0\r\n# caf\u{fffd}\r\n[ a ]\r\nk = 1\r\nTYPE = q\r\n[a]\r\nk = 2\r\n[a.b]\r\nj = %(k)s-%(x)s-%(no)s\r\n";
        let all = sections(&decode(text.as_bytes())).unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["a", "a.b"]);
        assert_eq!(all["a"]["k"], "2");
        assert!(!all["a"].contains_key("type"));
        assert_eq!((&*all["a.b"]["k"], &*all["a.b"]["j"]), ("2", "2-0-%(no)s"));
        assert!(sections(&decode(b"# caf\xe9\n[a]\nx = \xff\n")).is_ok());
        assert!(one("[a]\nx = %(y)s\ny = %(x)s\n").contains_key("x"), "it ends");
    }
}
