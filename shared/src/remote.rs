//! Names of remotes.

/// Reads the name of a remote by rclone's rule: letters, digits, `_ - . + @` and spaces, but no `-` or space at the beginning
/// and no space at the end. A colon at the end is removed.
///
/// # Errors
/// When the rule forbids the name; the error says what is allowed.
pub fn check_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix(':').unwrap_or(text);
    let legal = |c: char| c.is_alphanumeric() || "_-.+@ ".contains(c);
    if name.is_empty() || name.starts_with(['-', ' ']) || name.ends_with(' ') || !name.chars().all(legal) {
        return Err(format!(
            "'{text}' can't be a remote's name: use letters, digits, '_', '-', '.', '+', '@'"
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_in_rclone() {
        for (text, name) in [
            ("dbx", "dbx"),
            ("dbx:", "dbx"),
            ("my box", "my box"),
            ("a.b+c@d-e_1", "a.b+c@d-e_1"),
        ] {
            assert_eq!(check_name(text).unwrap(), name);
        }
        for bad in ["", ":", "-x", " x", "x ", "a/b", "a:b", "a\nb"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
