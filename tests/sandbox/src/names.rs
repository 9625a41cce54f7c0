//! Dropbox's rules for names and paths, written apart from the programs' own: which are refused, how they are stored,
//! and what counts as the same name.

use unicode_normalization::UnicodeNormalization;

/// Names that Dropbox won't keep, in lower case.
const DISALLOWED: &[&str] = &[
    "desktop.ini",
    "thumbs.db",
    ".ds_store",
    "icon\r",
    ".dropbox",
    ".dropbox.attr",
];
/// Longest name, in UTF-16 code units.
const NAME_UNITS: usize = 255;

/// Why a name can't be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not a path at all.
    Malformed,
    /// A path, but the name is one that Dropbox keeps for itself.
    Disallowed,
}

/// Where a path starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At the root that the call is relative to.
    Root,
    /// At the file or folder with this id.
    Id(String),
    /// At the root of a namespace.
    Namespace(String),
    /// A revision of a file.
    Rev(String),
}

/// A path, cut into names but not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where it starts.
    pub anchor: Anchor,
    /// The names below, as they were sent.
    pub names: Vec<String>,
}

/// Cuts a path of any of Dropbox's forms; the schema has checked the form before.
///
/// # Errors
/// For empty names (doubled and trailing slashes) and names that are never right.
pub fn parse(text: &str) -> Result<Path, Refusal> {
    let (anchor, rest) = if let Some(rev) = text.strip_prefix("rev:") {
        return Ok(Path {
            anchor: Anchor::Rev(rev.to_owned()),
            names: Vec::new(),
        });
    } else if let Some(tail) = text.strip_prefix("id:") {
        let (id, rest) = cut(tail);
        (Anchor::Id(format!("id:{id}")), rest)
    } else if let Some(tail) = text.strip_prefix("ns:") {
        let (ns, rest) = cut(tail);
        (Anchor::Namespace(ns.to_owned()), rest)
    } else {
        (Anchor::Root, text)
    };
    if rest.is_empty() || rest == "/" && anchor == Anchor::Root {
        return Ok(Path {
            anchor,
            names: Vec::new(),
        });
    }
    // rclone 1.75 names things in the root `//x`, and the real service has never minded.
    let rest = if anchor == Anchor::Root && rest.starts_with("//") {
        &rest[1..]
    } else {
        rest
    };
    let names: Vec<String> = rest
        .strip_prefix('/')
        .ok_or(Refusal::Malformed)?
        .split('/')
        .map(str::to_owned)
        .collect();
    match names.iter().find_map(|name| look(name).err()) {
        Some(Refusal::Malformed) => Err(Refusal::Malformed),
        _ => Ok(Path { anchor, names }),
    }
}

fn cut(tail: &str) -> (&str, &str) {
    let end = tail.find('/').unwrap_or(tail.len());
    tail.split_at(end)
}

/// Whether a name may be stored.
///
/// # Errors
/// With what is wrong.
pub fn look(name: &str) -> Result<(), Refusal> {
    let malformed = name.is_empty()
        || name == "."
        || name == ".."
        || name.ends_with(' ')
        || name.contains(['/', '\\', '\0', '\u{7f}'])
        || name.encode_utf16().count() > NAME_UNITS;
    if malformed {
        return Err(Refusal::Malformed);
    }
    if DISALLOWED.contains(&name.to_lowercase().as_str()) {
        return Err(Refusal::Disallowed);
    }
    Ok(())
}

/// Whether a name has characters that old back ends refused: those outside the Basic Multilingual Plane.
pub fn has_astral(name: &str) -> bool {
    name.chars().any(|c| u32::from(c) > 0xffff)
}

/// The form in which a name is kept.
pub fn stored(name: &str) -> String {
    name.nfc().collect()
}

/// What a name is found by. Letters go one by one and only where the mapping is one to one; letters younger than
/// Unicode 4.1 stay. Normalisation is *not* done: a decomposed name doesn't find a composed one.
pub fn folded(name: &str) -> String {
    name.chars().map(fold).collect()
}

fn fold(c: char) -> char {
    if is_young(c) {
        return c;
    }
    if c == '\u{130}' {
        return 'i';
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) if !is_young(one) => one,
        _ => c,
    }
}

/// Cased letters that came after Unicode 4.1, by range.
fn is_young(c: char) -> bool {
    matches!(u32::from(c),
        0x0242..=0x024f | 0x0370..=0x0373 | 0x0376..=0x0377 | 0x037f | 0x03cf | 0x03fd..=0x03ff | 0x04cf
        | 0x04fa..=0x04ff | 0x0510..=0x052f | 0x10c7 | 0x10cd | 0x13a0..=0x13fd | 0x1c80..=0x1cbf | 0x1e9e
        | 0x1efa..=0x1eff | 0x214e | 0x2183..=0x2184 | 0x2c60..=0x2c7f | 0x2ceb..=0x2cf3 | 0xa640..=0xa69f
        | 0xa720..=0xa7ff | 0x104b0..=0x104fb | 0x10c80..=0x10cf2 | 0x118a0..=0x118df | 0x16e40..=0x16e7f
        | 0x1e900..=0x1e943)
}

/// `document (2).txt` for the n-th try; a leading dot doesn't start an extension.
pub fn numbered(name: &str, n: u32) -> String {
    with_suffix(name, &format!(" ({n})"))
}

/// `document (conflicted copy).txt`, and with a number from the second try on.
pub fn conflicted(name: &str, n: u32) -> String {
    if n < 2 {
        with_suffix(name, " (conflicted copy)")
    } else {
        with_suffix(name, &format!(" (conflicted copy {n})"))
    }
}

fn with_suffix(name: &str, suffix: &str) -> String {
    match name.rfind('.') {
        Some(dot) if dot > 0 => format!("{}{suffix}{}", &name[..dot], &name[dot..]),
        _ => format!("{name}{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_names() {
        for name in [
            "",
            ".",
            "..",
            "a ",
            "a\\b",
            "a\0",
            "a\u{7f}",
            &"x".repeat(256),
            &"😀".repeat(128),
        ] {
            assert_eq!(look(name), Err(Refusal::Malformed), "{name:?}");
        }
        for name in [
            "Desktop.INI",
            "thumbs.db",
            ".DS_Store",
            "Icon\r",
            ".dropbox",
            ".dropbox.attr",
        ] {
            assert_eq!(look(name), Err(Refusal::Disallowed), "{name:?}");
        }
        for name in [
            " a",
            "a.",
            "a:b*?",
            "~$x",
            "Icon",
            &"x".repeat(255),
            &"😀".repeat(127),
        ] {
            assert_eq!(look(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn names_are_folded_letter_by_letter() {
        assert_eq!(folded("ΣΣΣ"), "σσσ");
        assert_eq!(folded("ÄÖÜß"), "äöüß");
        assert_eq!(folded("Ꙋ"), "Ꙋ");
        assert_ne!(folded("e\u{301}"), folded("é"));
        assert_eq!(folded(&stored("E\u{301}")), "é");
    }

    #[test]
    fn paths_of_all_forms_are_cut() {
        let names = |text: &str| parse(text).map(|path| path.names);
        assert_eq!(names(""), Ok(vec![]));
        assert_eq!(names("/a/b c"), Ok(vec!["a".into(), "b c".into()]));
        assert_eq!(parse("id:abc/x").unwrap().anchor, Anchor::Id("id:abc".into()));
        assert_eq!(
            parse("ns:12").unwrap(),
            Path {
                anchor: Anchor::Namespace("12".into()),
                names: vec![]
            }
        );
        assert_eq!(names("//a"), Ok(vec!["a".into()]));
        for text in ["/a/", "///a", "/a//b", "/a /b", "ns:12/", "/a\\b"] {
            assert_eq!(names(text), Err(Refusal::Malformed), "{text}");
        }
    }

    #[test]
    fn new_names_on_conflict() {
        assert_eq!(numbered("document.txt", 2), "document (2).txt");
        assert_eq!(numbered(".hidden", 2), ".hidden (2)");
        assert_eq!(conflicted("document.txt", 1), "document (conflicted copy).txt");
    }
}
