//! rclone's patterns, as regular expressions in Go's syntax.
//!
//! | pattern | matches |
//! |---|---|
//! | `*` | anything within a name |
//! | `**` | anything, slashes too |
//! | `?` | one character of a name |
//! | `[a-z]`, `[^a-z]` | one character of a class; inside, Go's rules hold |
//! | `{a,b}` | one of several patterns, which may be nested |
//! | `{{regexp}}` | a regular expression |
//! | `\x` | the character `x`, or a class such as `\d` |
//!
//! With a leading `/` the pattern must match the whole path, otherwise the last names of it.

use std::iter::Peekable;

use regex::Regex;
use thiserror::Error;

/// Why a pattern can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GlobError {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// `***`
    #[error("it has more than two '*' in a row")]
    TooManyStars,
    /// A bracket without its partner.
    #[error("a '{0}' has no partner")]
    Unpaired(char),
    /// A backslash at the end.
    #[error("it ends in a single backslash")]
    LoneBackslash,
    /// A part that is regular expression already is wrong.
    #[error("{0}")]
    Regexp(String),
}

impl GlobError {
    /// Returns what to type instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "give a pattern, such as '*.jpg'; if it comes from a variable, see that it is set",
            Self::TooManyStars => "write '**' for anything, slashes too, or '*' for anything within a name",
            Self::Unpaired(_) | Self::LoneBackslash => {
                "put a backslash in front of *, ?, [, ], {, }, and \\ that mean themselves"
            }
            Self::Regexp(_) => "fix the class or the {{regexp}}; both follow Go's regular expressions",
        }
    }
}

/// Compiles a pattern for paths; folders' paths end in a slash.
///
/// # Errors
/// When it isn't one.
pub(super) fn compile(glob: &str, ignore_case: bool) -> Result<Regex, GlobError> {
    let go = to_go(glob, ignore_case)?;
    super::regexp::compile(&go).map_err(GlobError::Regexp)
}

fn to_go(glob: &str, ignore_case: bool) -> Result<String, GlobError> {
    let mut out = String::with_capacity(glob.len() * 2);
    if ignore_case {
        out.push_str("(?i)");
    }
    let glob = match glob.strip_prefix('/') {
        Some(rest) => {
            out.push('^');
            rest
        }
        None => {
            out.push_str("(^|/)");
            glob
        }
    };
    let mut rest = glob.chars().peekable();
    let mut open_braces = 0_usize;
    while let Some(c) = rest.next() {
        match c {
            '*' => {
                let more = std::iter::from_fn(|| rest.next_if_eq(&'*')).count();
                out.push_str(match more {
                    0 => "[^/]*",
                    1 => ".*",
                    _ => return Err(GlobError::TooManyStars),
                });
            }
            '?' => out.push_str("[^/]"),
            '[' => class(&mut rest, &mut out)?,
            ']' => return Err(GlobError::Unpaired(']')),
            '{' if rest.next_if_eq(&'{').is_some() => regexp(&mut rest, &mut out)?,
            '{' => {
                open_braces += 1;
                out.push('(');
            }
            '}' => {
                open_braces = open_braces.checked_sub(1).ok_or(GlobError::Unpaired('}'))?;
                out.push(')');
            }
            ',' if open_braces > 0 => out.push('|'),
            '\\' => {
                out.push('\\');
                out.push(rest.next().ok_or(GlobError::LoneBackslash)?);
            }
            '.' | '+' | '(' | ')' | '|' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    if open_braces > 0 {
        return Err(GlobError::Unpaired('{'));
    }
    out.push('$');
    Ok(out)
}

/// A class up to its `]`; brackets inside are counted, so that `[[:alpha:]_]` is one class.
fn class(rest: &mut impl Iterator<Item = char>, out: &mut String) -> Result<(), GlobError> {
    out.push('[');
    let mut depth = 1_usize;
    while depth > 0 {
        let c = rest.next().ok_or(GlobError::Unpaired('['))?;
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        out.push(c);
    }
    Ok(())
}

/// A regular expression up to its `}}`; of `}}}` the first belongs to it.
fn regexp<I: Iterator<Item = char>>(rest: &mut Peekable<I>, out: &mut String) -> Result<(), GlobError> {
    out.push('(');
    let mut closing = 0;
    loop {
        match rest.next().ok_or(GlobError::Unpaired('{'))? {
            '}' => closing += 1,
            c => {
                out.extend(std::iter::repeat_n('}', closing));
                closing = 0;
                out.push(c);
            }
        }
        if closing >= 2 && rest.peek() != Some(&'}') {
            out.extend(std::iter::repeat_n('}', closing - 2));
            out.push(')');
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_the_documentation_says() {
        for (glob, matches, misses) in [
            (
                "file.jpg",
                vec!["file.jpg", "d/file.jpg"],
                vec!["afile.jpg", "d/afile.jpg", "fileXjpg"],
            ),
            ("/file.jpg", vec!["file.jpg"], vec!["afile.jpg", "d/file.jpg"]),
            (
                "*.jpg",
                vec!["file.jpg", "d/file.jpg"],
                vec!["file.png", "x.jpg/y"],
            ),
            ("/*.jpg", vec!["file.jpg"], vec!["d/file.jpg"]),
            (
                "*.{jpg,png}",
                vec!["a.jpg", "d/a.png"],
                vec!["a.gif", "a.jpg,png"],
            ),
            ("{a{b,c}d,e}", vec!["abd", "acd", "e"], vec!["ad", "abce"]),
            ("dir/**", vec!["dir/x", "a/dir/b/x"], vec!["x", "subdir/x"]),
            ("*.t?t", vec!["f.txt", "d/f.tzt"], vec!["f.qxt", "f.t/t"]),
            ("*.[a-z]", vec!["f.a"], vec!["f.0"]),
            ("[^a-z]x", vec!["0x"], vec!["ax"]),
            ("[!a]x", vec!["!x", "ax"], vec!["bx"]), // unlike the documentation, but so it is
            (r"*.\?\?\?", vec!["f.???"], vec!["f.abc"]),
            (r"*.\d\d\d", vec!["f.012"], vec!["f.abc"]),
            ("*.{{jpe?g}}", vec!["f.jpeg", "d/f.jpg"], vec!["f.png", "f.jpeeg"]),
            ("/{{.*\\.jpe?g}}", vec!["f.jpeg", "d/f.jpg"], vec!["f.png"]),
            ("{{a{2}}}", vec!["aa"], vec!["a"]),
            ("??[^[:punct:]]*", vec!["abc"], vec!["ab."]),
            ("a,b", vec!["a,b"], vec!["a", "b"]),
            ("(+|^$)", vec!["(+|^$)"], vec!["+"]),
        ] {
            let regex = compile(glob, false).unwrap_or_else(|e| panic!("{glob}: {e}"));
            for path in matches {
                assert!(regex.is_match(path), "{glob} on {path}");
            }
            for path in misses {
                assert!(!regex.is_match(path), "{glob} on {path}");
            }
        }
    }

    #[test]
    fn case_is_ignored_on_request() {
        assert!(!compile("Über*", false).unwrap().is_match("üBER1"));
        assert!(compile("Über*", true).unwrap().is_match("üBER1"));
    }

    #[test]
    fn slips_are_told_apart() {
        for (glob, error) in [
            ("a***", GlobError::TooManyStars),
            ("a]", GlobError::Unpaired(']')),
            ("[a", GlobError::Unpaired('[')),
            (r"[a\]", GlobError::Regexp("a '[' is not closed".into())),
            ("{a", GlobError::Unpaired('{')),
            ("a}", GlobError::Unpaired('}')),
            ("{{a}", GlobError::Unpaired('{')),
            ("{{a", GlobError::Unpaired('{')),
            ("a\\", GlobError::LoneBackslash),
            ("{{(}}", GlobError::Regexp("unclosed group".into())),
        ] {
            assert_eq!(
                compile(glob, false).map(|r| r.to_string()),
                Err(error.clone()),
                "{glob}"
            );
            assert!(!error.hint().is_empty());
        }
    }

    proptest! {
        #[test]
        fn an_escaped_name_matches_itself_alone(name in "[^/]{1,8}", other in "[^/]{1,8}") {
            let escaped: String = name
                .chars()
                .flat_map(|c| if c.is_ascii_punctuation() { vec!['\\', c] } else { vec![c] })
                .collect();
            let regex = compile(&escaped, false).unwrap();
            prop_assert!(regex.is_match(&name));
            let below = format!("folder/{name}");
            prop_assert!(regex.is_match(&below));
            prop_assert_eq!(regex.is_match(&other), other == name);
        }

        #[test]
        fn no_pattern_makes_it_panic(glob in r"[ab/*?\[\]{},\\^!.d-]{0,12}") {
            let _ = compile(&glob, false);
        }
    }
}
