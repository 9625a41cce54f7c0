//! Reads digests from what `md5sum` and similar programs print, and from the receipts of transfers.

use std::{borrow::Cow, collections::BTreeMap};

use engine::digest::Algorithm;
use serde::Deserialize;
use shared::failure::Failure;
use unicode_normalization::UnicodeNormalization;

use crate::report::{
    format::{of_one_line, on_one_line},
    receipt::SCHEMA,
};

/// The digests of files.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// By their names, composed.
    files: BTreeMap<String, Sum>,
    /// Whether names may have pictures in the place of control characters, as those of this program and rclone.
    has_pictures: bool,
    /// What could not be used, in words.
    pub odd: Vec<String>,
}

/// The digest of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    /// In lowercase hexadecimal digits.
    pub digest: String,
    /// Size in bytes, if it is known.
    pub size_bytes: Option<u64>,
}

impl Sums {
    /// Takes the digest of a file out. A sum file of this program or rclone has pictures in the place of control characters, which
    /// `md5sum` and similar programs write as they are.
    pub(super) fn take(&mut self, path: &str) -> Option<Sum> {
        let pictured = self.has_pictures.then(|| composed(&on_one_line(path)));
        let found = pictured.and_then(|name| self.files.remove(&name));
        found.or_else(|| self.files.remove(&composed(path)))
    }

    /// Returns the paths of what was not taken.
    pub(super) fn into_paths(self) -> impl Iterator<Item = String> {
        let has_pictures = self.has_pictures;
        self.files.into_keys().map(move |name| match has_pictures {
            true => of_one_line(&name).into_owned(),
            false => name,
        })
    }
}

fn composed(path: &str) -> String {
    path.nfc().collect()
}

/// A line of a receipt. What a newer version adds is ignored.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Receipt {
        #[serde(default)]
        schema: u32,
    },
    Total {
        #[serde(default)]
        complete: bool,
    },
    File {
        path: String,
        #[serde(default)]
        size: Option<u64>,
        #[serde(default)]
        content_hash: Option<String>,
        #[serde(default)]
        digests: BTreeMap<String, String>,
    },
    #[serde(other)]
    Other,
}

/// Reads a sum file or a receipt.
///
/// # Errors
/// When it is neither, or a receipt without digests of this kind. `name` is what it is called in errors.
pub(super) fn parse(bytes: &[u8], algorithm: Algorithm, name: &str) -> Result<Sums, Failure> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => shared::raw::text(std::os::unix::ffi::OsStrExt::from_bytes(bytes)),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let is_receipt = match serde_json::from_str(first) {
        Ok(Line::Receipt { schema }) if schema > SCHEMA => {
            return Err(
                Failure::new(format!("the receipt '{name}' is of a newer version"))
                    .why(format!("it has schema {schema}; this program knows {SCHEMA}")),
            );
        }
        Ok(Line::Receipt { .. }) => true,
        _ => false,
    };
    let sums = match is_receipt {
        true => receipt(text, algorithm, name)?,
        false => lines(text),
    };
    if sums.files.is_empty() && !sums.odd.is_empty() {
        return Err(Failure::new(format!("'{name}' has no digests"))
            .why("its lines are neither 'DIGEST  FILE', as md5sum prints them, nor those of a receipt"));
    }
    Ok(sums)
}

fn receipt(text: &str, algorithm: Algorithm, name: &str) -> Result<Sums, Failure> {
    let (mut sums, mut known) = (Sums::default(), Vec::new());
    let mut is_complete = false;
    for (at, line) in text.lines().enumerate() {
        match serde_json::from_str(line) {
            Ok(Line::File {
                path,
                size,
                content_hash,
                digests,
            }) => {
                let mut digests: Vec<(Algorithm, String)> = digests
                    .into_iter()
                    .filter_map(|(name, digest)| Some((name.parse().ok()?, digest)))
                    .collect();
                digests.extend(content_hash.map(|hash| (Algorithm::Dropbox, hash)));
                match digests.iter().find(|(kind, _)| *kind == algorithm) {
                    Some((_, digest)) => {
                        let digest = digest.to_ascii_lowercase();
                        let size_bytes = size;
                        sums.files.insert(composed(&path), Sum { digest, size_bytes });
                    }
                    None => sums
                        .odd
                        .push(format!("line {}: no {algorithm} of '{path}'", at + 1)),
                }
                known.extend(digests.into_iter().map(|(kind, _)| kind));
            }
            Ok(Line::Total { complete }) => is_complete = complete,
            Ok(Line::Receipt { .. } | Line::Other) => {}
            Err(_) if line.trim().is_empty() => {}
            Err(_) => sums.odd.push(format!("line {} is no line of a receipt", at + 1)),
        }
    }
    known.sort_unstable();
    known.dedup();
    if sums.files.is_empty() && !sums.odd.is_empty() {
        let known: Vec<&str> = known.into_iter().map(Algorithm::name).collect();
        return Err(
            Failure::new(format!("the receipt '{name}' has no {algorithm} digests"))
                .why(format!("it has: {}", known.join(", "))),
        );
    }
    if !is_complete {
        sums.odd
            .push("the receipt is incomplete: the transfer was stopped, or the file is cut".into());
    }
    Ok(sums)
}

fn lines(text: &str) -> Sums {
    let mut sums = Sums {
        has_pictures: true,
        ..Sums::default()
    };
    for (at, line) in text.lines().enumerate() {
        if line.is_empty() {
            continue;
        }
        let Some((digest, path)) = line_of(line) else {
            sums.odd.push(format!("line {} is not 'DIGEST  FILE'", at + 1));
            continue;
        };
        // Pictures have no control characters beside them, and no escapes.
        sums.has_pictures &= !line.starts_with('\\') && !path.contains(char::is_control);
        let sum = Sum {
            digest: digest.to_ascii_lowercase(),
            size_bytes: None,
        };
        let key = composed(&path);
        match sums.files.contains_key(&key) {
            true => sums.odd.push(format!("line {}: '{path}' is there twice", at + 1)),
            false => drop(sums.files.insert(key, sum)),
        }
    }
    sums
}

/// Returns digest and path of a line. GNU's programs put a backslash before a line whose name has escapes.
fn line_of(line: &str) -> Option<(&str, Cow<'_, str>)> {
    let (escaped, rest) = match line.strip_prefix('\\') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (digest, path) = rest.split_once(' ')?;
    let path = path.strip_prefix([' ', '*'])?;
    if digest.is_empty() || path.is_empty() {
        return None;
    }
    let path = match escaped {
        true => Cow::Owned(unescaped(path)),
        false => Cow::Borrowed(path),
    };
    Some((digest, path))
}

fn unescaped(path: &str) -> String {
    let (mut out, mut chars) = (String::with_capacity(path.len()), path.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, algorithm: Algorithm) -> Vec<(String, String, Option<u64>)> {
        let sums = parse(text.as_bytes(), algorithm, "sums").unwrap();
        let files = sums.files.into_iter();
        files
            .map(|(path, sum)| (path, sum.digest, sum.size_bytes))
            .collect()
    }

    #[test]
    fn sum_files_of_several_programs_are_read() {
        let text = "AB01  a b\nab02 *d/c\n\n\\ab03  new\\nline\\\\\nab04  u\u{308}\nno digest\nab05  a b\n";
        let sums = parse(text.as_bytes(), Algorithm::Md5, "sums").unwrap();
        let of = |path: &str| sums.files.get(path).map(|sum| sum.digest.as_str());
        assert_eq!(of("a b"), Some("ab01"));
        assert_eq!(of("d/c"), Some("ab02"));
        assert_eq!(of("new\nline\\"), Some("ab03"));
        assert_eq!(of("\u{fc}"), Some("ab04"), "composed or not");
        assert_eq!(sums.files.len(), 4);
        assert_eq!(
            sums.odd,
            ["line 6 is not 'DIGEST  FILE'", "line 7: 'a b' is there twice"]
        );
        let error = parse(b"hello\n", Algorithm::Md5, "x").unwrap_err().to_string();
        assert!(error.contains("'x' has no digests"), "{error}");
        assert!(parse(b"", Algorithm::Md5, "x").unwrap().files.is_empty());
    }

    #[test]
    fn names_with_control_characters_are_found_whoever_wrote_them() {
        let paths = [
            "a\tb",
            "new\nline",
            "\u{7f}",
            "back\\slash",
            "pic\u{2409}",
            "end\r",
        ];
        let ours = "01  a␉b\n02  new␊line\n03  ␡\n04  back\\slash\n05  pic‛␉\n06  end␍\n";
        let systems = "01  a\tb\n\\02  new\\nline\n03  \u{7f}\n\\04  back\\\\slash\n05  pic␉\n\\06  end\\r\n";
        for text in [ours, systems] {
            let mut sums = parse(text.as_bytes(), Algorithm::Md5, "x").unwrap();
            for (at, path) in paths.iter().enumerate() {
                let digest = sums.take(path).map(|sum| sum.digest);
                assert_eq!(digest, Some(format!("0{}", at + 1)), "{path:?} in {text}");
            }
            assert_eq!(sums.into_paths().count(), 0);
        }
        let left = |text: &str| {
            let sums = parse(text.as_bytes(), Algorithm::Md5, "x").unwrap();
            sums.into_paths().collect::<Vec<_>>()
        };
        assert_eq!(left("01  a␉b\n02  a‛␉b\n"), ["a␉b", "a\tb"]);
        // A receipt has names as they are.
        let receipt = RECEIPT.replace("a/b", "a\u{2409}b");
        let mut sums = parse(receipt.as_bytes(), Algorithm::Dropbox, "x").unwrap();
        assert!(sums.take("a\tb").is_none() && sums.take("a\u{2409}b").is_some());
    }

    const RECEIPT: &str = r#"{"schema":1,"type":"receipt","version":"9.9","source":"a","target":"dbx:b","time":"2026-11-28T20:00:00Z"}
{"type":"file","path":"a/b","size":123,"rev":"015","content_hash":"AA","digests":{"sha256":"BB","blake9":"CC"},"new":[1]}
{"type":"file","path":"c","size":4,"rev":null,"content_hash":"dd"}
{"type":"folder","path":"x"}
{"type":"total","files":2,"complete":true}
"#;

    #[test]
    fn receipts_are_read_with_what_newer_versions_add() {
        assert_eq!(
            found(RECEIPT, Algorithm::Dropbox),
            [
                ("a/b".into(), "aa".into(), Some(123)),
                ("c".into(), "dd".into(), Some(4))
            ]
        );
        assert_eq!(
            found(RECEIPT, Algorithm::Sha256),
            [("a/b".into(), "bb".into(), Some(123))]
        );
        let error = parse(RECEIPT.as_bytes(), Algorithm::Md5, "r")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the receipt 'r' has no md5 digests") && error.contains("it has: sha256, dropbox"),
            "{error}"
        );
    }

    #[test]
    fn fuzz_sum_files() {
        let lines: &[u8] = b"ab01  a b\nab02 *d/c\n\\ab03  new\\nline\n";
        fuzzing::run(&[RECEIPT.as_bytes(), lines], |bytes| {
            let parsed = parse(bytes, Algorithm::Sha256, "sums");
            parsed.map_or(0, |sums| sums.files.len())
        });
    }
}
