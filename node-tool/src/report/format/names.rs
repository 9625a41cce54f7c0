//! Names in formats of lines: control characters become pictures, as in rclone, so that a file stays on one line.

use std::borrow::Cow;

/// Escapes a character of a name that is a picture already.
const QUOTE: char = '\u{201b}';

/// `path` without control characters: a line's end becomes `␊`, and a `␊` that was there `‛␊`.
pub fn on_one_line(path: &str) -> Cow<'_, str> {
    if !path.contains(|c| picture(c).is_some() || is_picture(c)) {
        return path.into();
    }
    let mut out = String::with_capacity(path.len() * 2);
    for c in path.chars() {
        if is_picture(c) {
            out.push(QUOTE);
        }
        out.push(picture(c).unwrap_or(c));
    }
    out.into()
}

/// Returns the path that [`on_one_line`] has made this of.
pub fn of_one_line(line: &str) -> Cow<'_, str> {
    if !line.contains(is_picture) {
        return line.into();
    }
    let (mut out, mut chars) = (String::with_capacity(line.len()), line.chars().peekable());
    while let Some(c) = chars.next() {
        let quoted = chars.next_if(|next| c == QUOTE && is_picture(*next));
        out.push(quoted.unwrap_or_else(|| control(c).unwrap_or(c)));
    }
    out.into()
}

/// Returns the control character that a picture stands for.
fn control(c: char) -> Option<char> {
    match c {
        QUOTE => None,
        '\u{2421}' => Some('\u{7f}'),
        c if is_picture(c) => char::from_u32(u32::from(c) - 0x2400),
        _ => None,
    }
}

fn picture(c: char) -> Option<char> {
    match u32::from(c) {
        // NUL is in no name: here it precedes the digits of a byte, which is printed as it is.
        control @ 1..=0x1f => char::from_u32(0x2400 + control),
        0x7f => Some('\u{2421}'),
        _ => None,
    }
}

fn is_picture(c: char) -> bool {
    matches!(c, '\u{2401}'..='\u{241f}' | '\u{2421}' | QUOTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_on_one_line() {
        for (path, shown) in [
            ("d/a b\\é", "d/a b\\é"),
            ("new\nline", "new␊line"),
            ("\t\u{1f}\u{7f}", "␉␟␡"),
            ("␊", "\u{201b}␊"),
            ("x\u{201b}\n", "x\u{201b}\u{201b}␊"),
            ("␀␠", "␀␠"),
        ] {
            assert_eq!(on_one_line(path), shown);
            assert_eq!(of_one_line(shown), path);
        }
    }
}
