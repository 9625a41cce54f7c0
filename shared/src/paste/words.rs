//! Finds the one word in a pasted text that can't prove that it is whole: an app key, a challenge, a code.

use super::layers::plain;

/// Labels before a word on a screen or in a mail; `:` or `>` follows them.
const LABELS: [&str; 6] = ["token", "grant", "code", "key", "challenge", "secret"];
/// A word of this length is whole, whatever surrounds it: Dropbox's codes have 43 characters.
const WHOLE_LENGTH: usize = 43;
/// The marks of bracketed paste where a program doesn't know them and has lost a part of them.
const BRACKETS: [(&str, &str); 3] = [("200~", "201~"), ("00~", "01~"), ("0~", "1~")];

/// Returns the word that `text` contains, joined if it was wrapped. `None` means that it isn't known which word it is.
pub fn word(text: &str) -> Option<String> {
    let lines = words(text);
    let all: Vec<&str> = lines.iter().flatten().map(String::as_str).collect();
    let random: Vec<&str> = all.iter().copied().filter(|word| looks_random(word)).collect();
    match (&all[..], &random[..]) {
        ([], _) => None,
        ([only], _) => Some((*only).to_owned()),
        (_, [whole]) if whole.len() >= WHOLE_LENGTH => Some((*whole).to_owned()),
        (pieces, _) if is_wrapped(pieces) => Some(pieces.concat()),
        (_, [one]) => Some((*one).to_owned()),
        ([first, second], [_, _]) if is_pure(first) && is_pure(second) => Some([*first, *second].concat()),
        _ => None,
    }
}

/// Returns the words of each line of `text`, without labels, prompts and the punctuation around them.
pub fn words(text: &str) -> Vec<Vec<String>> {
    let plain = plain(text);
    let lines = plain.lines().map(label_free).map(|line| {
        let words = line.split_whitespace().map(|word| {
            unbracketed(word)
                .trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                .to_owned()
        });
        // Only the hyphens of a border are left.
        let is_content = |word: &String| word.len() < 5 || word.bytes().any(|b| b.is_ascii_alphanumeric());
        words
            .filter(|word| !word.is_empty() && is_content(word))
            .collect::<Vec<_>>()
    });
    lines.filter(|words| !words.is_empty()).collect()
}

/// Returns a line without the label or the shell prompt before its content.
fn label_free(line: &str) -> &str {
    let lower = line.to_ascii_lowercase();
    let labels = LABELS.iter().flat_map(|label| {
        let lower = &lower;
        lower.match_indices(label).filter_map(move |(at, _)| {
            let rest = lower[at + label.len()..].trim_start();
            let begins = !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let is_option =
                lower[..at].ends_with("--") && rest.starts_with(|c: char| c == '=' || c.is_alphanumeric());
            let sign = rest.starts_with([':', '>']);
            (begins && (sign || is_option))
                .then(|| line.len() - rest.len() + usize::from(rest.starts_with([':', '>', '='])))
        })
    });
    let after = labels.max().unwrap_or(0);
    let rest = &line[after..];
    let prompts = ["$ ", "% ", "# ", "> "];
    let prompt = prompts
        .iter()
        .filter_map(|sign| Some(rest.rfind(sign)? + sign.len()))
        .max();
    let rest = rest[prompt.unwrap_or(0)..].trim();
    let is_prompt = rest.len() == 1 || rest.contains(['@', ' ', '\\']);
    if is_prompt && rest.ends_with(['$', '%', '#', '>']) {
        return ""; // nothing follows it
    }
    rest
}

/// Returns whether the words are pieces of one: of equal length, except the last, which may be shorter.
fn is_wrapped(pieces: &[&str]) -> bool {
    let Some((last, rest)) = pieces.split_last() else {
        return false;
    };
    let Some(width) = rest.first().map(|piece| piece.len()) else {
        return false;
    };
    rest.iter().all(|piece| piece.len() == width)
        && last.len() <= width
        && pieces.iter().all(|piece| is_pure(piece))
        && looks_random(&pieces.concat())
}

fn is_pure(word: &str) -> bool {
    word.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
}

/// Returns whether a word looks random: it mixes letters and digits, or letter cases.
fn looks_random(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|b| test(&b));
    let humps = word
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    is_pure(word)
        && word.len() >= 6
        && ((has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)) || humps.count() > 1)
}

fn unbracketed(word: &str) -> &str {
    let inside = BRACKETS
        .iter()
        .find_map(|(before, after)| word.strip_prefix(before)?.strip_suffix(after));
    inside.unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "VofXAX8DO1sAAAAAAAACUKBwkDZyMg1zKT0f_FNONeA";

    /// Returns text in lines of `width` characters.
    fn wrap(text: &str, width: usize, end: &str) -> String {
        let pieces: Vec<&str> = (0..text.len())
            .step_by(width)
            .map(|at| &text[at..(at + width).min(text.len())])
            .collect();
        pieces.join(end)
    }

    #[test]
    fn a_word_is_found_in_what_surrounds_it() {
        for damaged in [
            CODE.to_owned(),
            format!("  {CODE} \r\n"),
            format!("token> {CODE}"),
            format!("Code: {CODE}"),
            format!("code:{CODE}"),
            format!("Grant: {CODE}"),
            format!("Authorization code: `{CODE}`."),
            format!("({CODE})"),
            format!("[{CODE}]"),
            format!("<{CODE}>"),
            format!("\"{CODE}\","),
            format!("“{CODE}”"),
            format!("«{CODE}»."),
            format!("{CODE}."),
            format!("\u{a0}{CODE}\u{a0}"),
            format!("\u{feff}{CODE}\u{200b}"),
            format!("\u{16}{CODE}"),
            format!("> {CODE}"),
            format!("```\n{CODE}\n```"),
            format!("```text\n{CODE}\n```\n"),
            format!("\u{1b}[1m{CODE}\u{1b}[0m"),
            format!("[1m{CODE}[0m"),
            format!("\u{1b}[200~{CODE}\u{1b}[201~"),
            format!("00~{CODE}01~"),
            format!("0~{CODE}1~"),
            format!("ann@login01:~$ {CODE}"),
            format!("[ann@login01 ~]$ {CODE}"),
            format!("PS C:\\Users\\ann> {CODE}"),
            format!("Access code generated\nEnter this code into the app to finish the process.\n{CODE}\n"),
            format!("here it is: {CODE} thanks"),
            format!("┌────┐\n│ {CODE} │\n└────┘"),
            format!("+----+\n| {CODE} |\n+----+"),
            CODE.replace('_', "\\_"),
            CODE.replace('_', "=5F"),
            format!("{}=\r\n{}", &CODE[..20], &CODE[20..]),
            wrap(CODE, 20, "\n"),
            wrap(CODE, 20, "\r\n> "),
            wrap(CODE, 11, "\r"),
            wrap(CODE, 30, " "),
            wrap(CODE, 1, "\n"),
            wrap(CODE, 7, "\u{200b}"),
            wrap(CODE, 16, "\\\n"),
        ] {
            assert_eq!(word(&damaged).as_deref(), Some(CODE), "{damaged:?}");
        }
    }

    /// Returns a code after something that may happen to it without a loss; `which` is the number of the damage.
    fn damage(text: &str, which: u8, width: usize) -> String {
        let each = |before: &str, after: &str| {
            let lines: Vec<String> = text
                .lines()
                .map(|line| format!("{before}{line}{after}"))
                .collect();
            lines.join("\n")
        };
        match which {
            0 => format!("“{text}”"),
            1 => format!("({text})."),
            2 => format!("Code: {text}"),
            3 => format!("token> {text}"),
            4 => format!("[ann@login01 ~]$ {text}"),
            5 => each("> ", ""),
            6 => each("| ", " |"),
            7 => format!("+-----+\n{text}\n+-----+"),
            8 => format!("\u{1b}[1m{text}\u{1b}[0m"),
            9 => format!("```\n{text}\n```"),
            10 => format!("\u{a0}{text}\u{feff}\r\n"),
            11 => format!("\u{16}{text}"),
            12 => format!("\u{1b}[200~{text}\u{1b}[201~"),
            13 => text.chars().flat_map(|c| [c, '\u{200b}']).collect(),
            14 => text.replace('_', "=5F").replace("\n", "\r\n"),
            _ => wrap(text, width, "\n"),
        }
    }

    proptest::proptest! {
        #[test]
        fn a_code_survives_what_loses_no_information(
            code in "[A-Za-z0-9_][A-Za-z0-9_-]{36}[A-Za-z0-9]{6}",
            width in 10usize..43,
            is_wrapped in proptest::bool::ANY,
            damages in proptest::collection::vec(0u8..15, 0..4),
        ) {
            proptest::prop_assume!(looks_random(&code));
            let whole = if is_wrapped { damage(&code, 15, width) } else { code.clone() };
            let damaged = damages.iter().fold(whole, |text, which| damage(&text, *which, width));
            proptest::prop_assert_eq!(word(&damaged), Some(code), "{:?} {}", damages, damaged);
        }
    }

    #[test]
    fn what_is_not_one_word_is_none() {
        for text in [
            "",
            " \n",
            "a b",
            "what is this now please",
            "abc123def ghi789jkl012 mno345",
        ] {
            assert_eq!(word(text), None, "{text:?}");
        }
    }
}
