//! Escaped characters: quoted-printable, HTML, backslashes, carets. Nothing that is pasted here contains `\`, `^` or an HTML tag
//! itself; only addresses contain `=` and `&`.

use super::guess::Guess;

/// A text with one of these is an address, where `=` is an ordinary character.
const ADDRESS_WORDS: [&str; 3] = ["code=", "state=", "client_id="];
/// HTML tags that are replaced by a line end; those of the next list are removed.
const BLOCK_TAGS: [&str; 6] = ["br", "p", "div", "pre", "tr", "blockquote"];
const INLINE_TAGS: [&str; 10] = ["wbr", "span", "code", "b", "i", "a", "tt", "font", "td", "kbd"];

/// Replaces each by the character that was meant.
pub(super) fn undo(text: &str, guess: Guess) -> String {
    let text = if is_quoted_printable(text) {
        quoted_printable(text, guess)
    } else {
        text.to_owned()
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let found = match c {
            '&' => entity(rest),
            '\\' => backslash(rest),
            '^' => caret(rest),
            '<' => tag(rest),
            _ => None,
        };
        let (length, put) = found.unwrap_or((c.len_utf8(), Some(c)));
        out.extend(put);
        rest = &rest[length..];
    }
    out
}

/// Returns whether a text is in quoted-printable. In an address, each `=` has to be encoded for that.
fn is_quoted_printable(text: &str) -> bool {
    if !text.contains('=') {
        return false;
    }
    let is_address = ADDRESS_WORDS.iter().any(|word| text.contains(word));
    !is_address
        || (text.contains("=3D")
            && text.match_indices('=').all(|(at, _)| {
                let rest = &text[at + 1..];
                rest.is_empty() || rest.starts_with('\n') || hex_pair(rest).is_some()
            }))
}

fn quoted_printable(text: &str, guess: Guess) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '=' {
            let (length, bytes) = encoded(&rest[1..], guess);
            out.extend(bytes);
            rest = &rest[1 + length..];
        } else {
            out.extend(&rest.as_bytes()[..c.len_utf8()]);
            rest = &rest[c.len_utf8()..];
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads what follows `=`: the number of its bytes, and what they mean.
fn encoded(rest: &str, guess: Guess) -> (usize, Vec<u8>) {
    if let Some(byte) = hex_pair(rest).filter(u8::is_ascii) {
        return (2, vec![byte]);
    }
    // The line continues after the quote marks of the next one; or a line break is inside an encoded character.
    let gap = rest.len()
        - rest
            .trim_start_matches(|c: char| c.is_whitespace() || ">|\\".contains(c))
            .len();
    let is_wrapped = rest[..gap].contains('\n');
    if (gap == 0 || is_wrapped)
        && let Some((length, bytes)) = beyond_ascii(&rest[gap..])
    {
        return (gap + length, bytes);
    }
    if guess.cut_escapes
        && is_wrapped
        && let Some(byte) = hex_pair(&rest[gap..]).filter(|byte| !byte.is_ascii_graphic())
    {
        return (gap + 2, vec![byte]);
    }
    (
        if is_wrapped { gap } else { 0 },
        if is_wrapped || rest.trim().is_empty() {
            vec![]
        } else {
            vec![b'=']
        },
    )
}

/// Reads the bytes of one character beyond ASCII: `E2=80=8B`.
fn beyond_ascii(text: &str) -> Option<(usize, Vec<u8>)> {
    let first = hex_pair(text)?;
    let count = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let (mut bytes, mut at) = (vec![first], 2);
    while bytes.len() < count {
        let rest = text.get(at..)?.strip_prefix('=')?;
        let soft = rest.strip_prefix('\n').and_then(|rest| rest.strip_prefix('=')); // split by a soft line end
        let pair = soft.unwrap_or(rest);
        bytes.push(hex_pair(pair)?);
        at = text.len() - pair.len() + 2;
    }
    std::str::from_utf8(&bytes).ok()?;
    Some((at, bytes))
}

fn hex_pair(text: &str) -> Option<u8> {
    let digits = text
        .get(..2)
        .filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

/// A number of bytes of the text, and the character that they mean.
type Read = Option<(usize, Option<char>)>;

fn entity(text: &str) -> Read {
    let end = text.bytes().take(10).position(|b| b == b';')?;
    let name = text.get(1..end)?;
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let c = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => number(digits, 16)?,
            None => number(digits, 10)?,
        },
        None => match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" | "ldquo" | "rdquo" => '"',
            "apos" | "lsquo" | "rsquo" => '\'',
            "nbsp" => ' ',
            "shy" | "zwnj" | "zwj" => return Some((end + 1, None)),
            _ => return None,
        },
    };
    Some((end + 1, Some(c)))
}

fn backslash(text: &str) -> Read {
    let rest = &text[1..];
    let Some(next) = rest.chars().next() else {
        return Some((1, None));
    };
    let code = |digits: Option<&str>| {
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
    };
    Some(match next {
        'n' | 'r' => (2, Some('\n')),
        't' => (2, Some(' ')),
        'u' if code(rest.get(1..5)).is_some() => (6, code(rest.get(1..5))),
        'x' if code(rest.get(1..3)).is_some() => (4, code(rest.get(1..3))),
        // The line continues in the next one.
        c if c.is_whitespace() => {
            let gap = rest.len()
                - rest
                    .trim_start_matches(|c: char| c.is_whitespace() || ">|".contains(c))
                    .len();
            (1 + gap, (!rest[..gap].contains('\n')).then_some(' '))
        }
        c if c.is_ascii_punctuation() => (2, Some(c)),
        _ => (1, None),
    })
}

/// Reads `^M`, `^V`: `cat -v` and terminals show control characters so.
fn caret(text: &str) -> Read {
    let next = text[1..].chars().next();
    match next {
        Some('M' | 'J') => Some((2, Some('\n'))),
        Some('@'..='_') => Some((2, None)),
        _ => Some((1, None)),
    }
}

fn tag(text: &str) -> Read {
    let inside = text[1..].trim_start_matches('/');
    let name: String = inside
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let after = inside.get(name.len()..)?;
    let end = text
        .find('>')
        .filter(|_| after.starts_with(['>', '/', ' ', '\n']))?;
    if BLOCK_TAGS.contains(&name.as_str()) {
        return Some((end + 1, Some('\n')));
    }
    INLINE_TAGS.contains(&name.as_str()).then_some((end + 1, None))
}
