//! Terminal control sequences: with their escape character, with a written form of it, or without it.

/// The escape character, and written forms of it.
const ESCAPES: [&str; 9] = [
    "\u{1b}", "^[", "\\x1b", "\\x1B", "\\033", "\\e", "\\u001b", "\\u001B", "\u{241b}",
];

/// Removes all sequences.
pub(super) fn undo(text: &str) -> String {
    without(text, escaped)
}

/// Removes what looks like a sequence without its escape character, unless it may be the beginning of a text in brackets: `[0m…]`.
pub(super) fn undo_unless_bracketed(text: &str) -> String {
    if text.matches('[').count() == text.matches(']').count() {
        return text.to_owned();
    }
    without(text, bare)
}

/// Removes what looks like a sequence without its escape character, whatever surrounds it.
pub(super) fn undo_bare(text: &str) -> String {
    without(text, |rest| escaped(rest).or_else(|| bare(rest)))
}

fn without(text: &str, sequence: impl Fn(&str) -> Option<usize>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if c.is_ascii_alphanumeric() {
            None
        } else {
            sequence(rest)
        };
        match skip {
            Some(length) => rest = &rest[length..],
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

/// Returns the length in bytes of a whole sequence at the start of `text`.
fn escaped(text: &str) -> Option<usize> {
    if let Some(rest) = text.strip_prefix('\u{9b}') {
        return Some(text.len() - rest.len() + control(rest)?);
    }
    let escape = ESCAPES.into_iter().find(|escape| text.starts_with(escape))?;
    let rest = &text[escape.len()..];
    let length = match rest.chars().next()? {
        '[' => 1 + control(&rest[1..])?,
        ']' => title(rest),
        '(' | ')' => 1 + rest[1..].chars().next()?.len_utf8(),
        '=' | '>' => 1,
        _ => return None, // the escape character alone is removed with the invisible characters
    };
    Some(escape.len() + length)
}

/// Returns the length in bytes of `31;1m` after `ESC [`.
fn control(text: &str) -> Option<usize> {
    let parameters = text.bytes().take_while(|b| (b' '..=b'?').contains(b)).count();
    let last = *text.as_bytes().get(parameters)?;
    (last.is_ascii_alphabetic() || b"@~".contains(&last)).then_some(parameters + 1)
}

/// Returns the length in bytes of `]0;title BEL`, which ends with its line at the latest.
fn title(text: &str) -> usize {
    let ends = [("\u{7}", 1), ("\u{1b}\\", 2), ("^G", 2), ("\\a", 2), ("\n", 0)];
    let found = ends
        .iter()
        .filter_map(|(end, length)| Some(text.find(end)? + length));
    found.min().unwrap_or(text.len())
}

/// Returns the length in bytes of `[1;32m`, `[200~`, `[0K`, `[?25h` without the escape character.
fn bare(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?;
    let parameters = inside
        .bytes()
        .take_while(|b| b.is_ascii_digit() || matches!(b, b';' | b'?'))
        .count();
    let last = *inside.as_bytes().get(parameters)?;
    ((1..=16).contains(&parameters) && b"mKJhl~".contains(&last)).then_some(1 + parameters + 1)
}
