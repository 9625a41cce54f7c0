//! Commands as text: what a person can paste into a shell of this system, and what was given as one word.

/// Returns a command of this program, as the shells of this system read it.
pub(crate) fn authorizer(args: &[&str]) -> String {
    let is_windows = cfg!(windows);
    let words = args.iter().map(|word| quoted(word, is_windows));
    format!("authorizer {}", words.collect::<Vec<_>>().join(" "))
}

/// Returns a word in the quotes that it needs: of POSIX shells, or of both cmd and PowerShell.
fn quoted(word: &str, is_windows: bool) -> String {
    if !is_windows {
        return shared::plain::quoted(word);
    }
    let is_plain = |c: char| c.is_alphanumeric() || "_-./@+:".contains(c);
    // At the beginning, '@' means more to PowerShell.
    if !word.is_empty() && !word.starts_with('@') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if word.contains(['"', '$', '`']) {
        // Only PowerShell has quotes for these.
        return format!("'{}'", word.replace('\'', "''"));
    }
    format!("\"{word}\"")
}

/// Splits a command at white space outside of quotes. Backslashes are ordinary: they are in Windows' paths.
pub(crate) fn split(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_quotes_of_the_systems_shells() {
        for (word, posix, windows) in [
            ("dbx", "dbx", "dbx"),
            (
                "ann@login.example.org",
                "ann@login.example.org",
                "ann@login.example.org",
            ),
            ("my box", "'my box'", "\"my box\""),
            ("~/bin/node-tool", "'~/bin/node-tool'", "\"~/bin/node-tool\""),
            ("-PEbfg0lO6F_x", "-PEbfg0lO6F_x", "-PEbfg0lO6F_x"),
            ("@work", "@work", "\"@work\""),
            ("a,b", "a,b", "\"a,b\""),
            ("ann%domain", "ann%domain", "\"ann%domain\""),
            ("$x", "'$x'", "'$x'"),
            ("it's $x", "'it'\\''s $x'", "'it''s $x'"),
            ("", "''", "\"\""),
        ] {
            assert_eq!(quoted(word, false), posix);
            assert_eq!(quoted(word, true), windows);
        }
    }

    #[test]
    fn a_command_is_split_outside_of_quotes() {
        for (command, words) in [
            ("ssh -p 2222", vec!["ssh", "-p", "2222"]),
            ("  ssh  ", vec!["ssh"]),
            (
                r#""C:\Program Files\OpenSSH\ssh.exe" -p 22"#,
                vec![r"C:\Program Files\OpenSSH\ssh.exe", "-p", "22"],
            ),
            (
                "ssh -o 'ProxyCommand nc %h %p'",
                vec!["ssh", "-o", "ProxyCommand nc %h %p"],
            ),
            (r"C:\ssh.exe", vec![r"C:\ssh.exe"]),
            ("ssh ''", vec!["ssh", ""]),
            (" ", vec![]),
        ] {
            assert_eq!(split(command), words, "{command}");
        }
    }
}
