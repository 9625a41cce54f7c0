//! Characters that replace another one, or nothing.

use super::guess::Guess;

/// Replaces each by the character that was meant.
pub(super) fn undo(text: &str, guess: Guess) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_cr = false;
    for c in text.chars() {
        let second_half = std::mem::replace(&mut after_cr, c == '\r') && c == '\n';
        if !second_half {
            put(&mut out, c, guess);
        }
    }
    out
}

fn put(out: &mut String, c: char, guess: Guess) {
    match c {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
        '\t' => out.push(' '),
        c if is_invisible(c) => {}
        c if c.is_whitespace() => out.push(' '),
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' => out.push('\''),
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' | '«' | '»' => out.push('"'),
        '❯' | '➜' | '➤' | '›' | '→' => out.push('>'),
        '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2212}' | '\u{fe63}' => out.push('-'),
        '\u{2013}'..='\u{2015}' => out.push_str(if guess.short_dash { "-" } else { "--" }),
        // Fullwidth forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => {
            let plain = u32::from(c) - 0xff01 + u32::from('!');
            out.extend(char::from_u32(plain));
        }
        // Boxes, blocks, bullets, wrap signs, quotes of code.
        '\u{2500}'..='\u{25ff}' | '•' | '·' | '…' | '↩' | '↪' | '⏎' | '↵' | '`' | '´' => {
            out.push(' ')
        }
        c => out.push(c),
    }
}

/// Zero width, direction marks, byte order mark, soft hyphen, control characters.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fffd}' | '\u{2800}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e007f}')
}
