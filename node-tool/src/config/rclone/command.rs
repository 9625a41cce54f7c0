//! The command that prints the password of rclone's config.

use std::process::{Command, Stdio};

use shared::secret::Secret;

use super::words;

/// Returns the password that a command prints. As in rclone, no shell reads the command: it is words, perhaps in double quotes.
///
/// # Errors
/// Returns why there is no password.
pub fn printed_by(command: &str) -> Result<Secret, String> {
    let words = words(command);
    let Some((program, arguments)) = words.split_first() else {
        return Err("it is empty".into());
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output();
    let output = output.map_err(|error| format!("'{program}': {error}"))?;
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("it printed nothing".into()),
        password => Ok(Secret::new(password)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commands_output_is_the_password() {
        assert_eq!(printed_by("printf secret\\n").unwrap(), Secret::new("secret"));
        assert!(printed_by("false").is_err() && printed_by("true").is_err() && printed_by("/none").is_err());
    }
}
