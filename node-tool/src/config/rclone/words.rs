//! Lists in rclone's settings.

/// Splits words at spaces; one that begins with a double quote ends at the next, and two quotes mean one.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut word = String::new();
        match rest.strip_prefix('"') {
            Some(mut quoted) => {
                while let Some((part, after)) = quoted.split_once('"') {
                    word += part;
                    quoted = after;
                    match quoted.strip_prefix('"') {
                        Some(after) => {
                            word.push('"');
                            quoted = after;
                        }
                        None => break,
                    }
                }
                rest = quoted.trim_start();
            }
            None => {
                let (part, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                word += part;
                rest = after.trim_start();
            }
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_split_as_rclone_splits_it() {
        for (text, expected) in [
            ("echo secret", vec!["echo", "secret"]),
            ("  pass   show  x ", vec!["pass", "show", "x"]),
            (
                "\"/a b/pass\" \"x \"\"y\"\"\" z",
                vec!["/a b/pass", "x \"y\"", "z"],
            ),
            ("echo $X 'a b'", vec!["echo", "$X", "'a", "b'"]),
            ("", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}
