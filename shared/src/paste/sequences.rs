//! Terminal control sequences, with their escape character, spelled out, or with what is left of them without it.

/// How the escape character is written where it isn't one.
const ESCAPES: [&str; 9] = [
    "\u{1b}", "^[", "\\x1b", "\\x1B", "\\033", "\\e", "\\u001b", "\\u001B", "\u{241b}",
];

/// Takes away all sequences.
pub(super) fn undo(text: &str) -> String {
    without(text, escaped)
}

/// Takes away what looks like a sequence without its escape character. In a pair of brackets, `[0m…` may be the beginning of
/// what stands in them.
pub(super) fn undo_unless_bracketed(text: &str) -> String {
    if text.matches('[').count() == text.matches(']').count() {
        return text.to_owned();
    }
    without(text, bare)
}

/// Takes away what looks like a sequence without its escape character, whatever stands around it.
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

/// The bytes of a whole sequence at the start of `text`.
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
        _ => return None, // the character alone goes with the other invisible ones
    };
    Some(escape.len() + length)
}

/// The bytes of `31;1m` behind `ESC [`.
fn control(text: &str) -> Option<usize> {
    let parameters = text.bytes().take_while(|b| (b' '..=b'?').contains(b)).count();
    let last = *text.as_bytes().get(parameters)?;
    (last.is_ascii_alphabetic() || b"@~".contains(&last)).then_some(parameters + 1)
}

/// The bytes of `]0;title BEL`, which at the latest ends with its line.
fn title(text: &str) -> usize {
    let ends = [("\u{7}", 1), ("\u{1b}\\", 2), ("^G", 2), ("\\a", 2), ("\n", 0)];
    let found = ends
        .iter()
        .filter_map(|(end, length)| Some(text.find(end)? + length));
    found.min().unwrap_or(text.len())
}

/// The bytes of `[1;32m`, `[200~`, `[0K`, `[?25h` without the escape character.
fn bare(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?;
    let parameters = inside
        .bytes()
        .take_while(|b| b.is_ascii_digit() || matches!(b, b';' | b'?'))
        .count();
    let last = *inside.as_bytes().get(parameters)?;
    ((1..=16).contains(&parameters) && b"mKJhl~".contains(&last)).then_some(1 + parameters + 1)
}
