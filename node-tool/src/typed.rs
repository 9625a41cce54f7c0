//! The command line as it was typed, to be repeated with a change.

use shared::plain::quoted;

use crate::report;

/// Returns the line with the word `old` replaced by `new`, to be typed. `None` if there is no such word, or the line may hold a
/// secret.
pub(crate) fn with_word(old: &str, new: &str) -> Option<String> {
    let args: Vec<_> = std::env::args_os().collect();
    if report::may_hold_secret(&args) {
        return None;
    }
    let words = args.iter().skip(1);
    with_word_of(words.map(|word| word.to_string_lossy().into_owned()), old, new)
}

fn with_word_of(words: impl Iterator<Item = String>, old: &str, new: &str) -> Option<String> {
    let mut words: Vec<String> = words.collect();
    if words.iter().any(|word| word == "config") {
        return None;
    }
    let found = words.iter_mut().rev().find(|word| *word == old)?;
    new.clone_into(found);
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    Some(format!("node-tool {}", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_of_the_line_is_another() {
        for (line, expected) in [
            ("copy a dbx", Some("node-tool copy a dbx:")),
            ("copy dbx dbx", Some("node-tool copy dbx dbx:")),
            ("copy a dbx:", None),
            ("config delete dbx", None),
        ] {
            let words = line.split(' ').map(str::to_owned);
            assert_eq!(with_word_of(words, "dbx", "dbx:").as_deref(), expected, "{line}");
        }
        let words = ["copy", "a b", "dbx"].map(str::to_owned);
        let line = with_word_of(words.into_iter(), "dbx", "dbx:c d");
        assert_eq!(line.as_deref(), Some("node-tool copy 'a b' 'dbx:c d'"));
    }
}
