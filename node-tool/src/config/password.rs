//! Where the password of an encrypted config comes from: the environment, a command, or the person at the terminal.
//! Asked once in a process.

use std::{
    io,
    process::{Command, Stdio},
    sync::Arc,
};

use parking_lot::Mutex;
use shared::secret::Secret;

use super::rclone;

/// The environment variable with the password.
pub const PASSWORD_VARIABLE: &str = "NODE_TOOL_CONFIG_PASSWORD";

/// The password, once it has been asked for.
#[derive(Clone, Debug, Default)]
pub struct Password {
    command: Option<String>,
    /// Whether nobody is asked.
    never_asks: bool,
    known: Arc<Mutex<Option<Secret>>>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// There is no terminal to ask on.
    #[error(
        "it is encrypted, and there is no password: none in {PASSWORD_VARIABLE}, no --password-command, no terminal"
    )]
    Nowhere,
    /// The same for rclone's file.
    #[error(
        "it is encrypted, and there is no password: none in {}, no {}, no terminal",
        rclone::PASSWORD_VARIABLE,
        rclone::COMMAND_VARIABLE
    )]
    NowhereForRclone,
    /// The command.
    #[error("the password command failed: {0}")]
    Command(String),
    /// The terminal.
    #[error("the password could not be read: {0}")]
    Terminal(io::Error),
}

impl Password {
    /// Returns the password of `command`, if one is given, run by the shell; its first line is the password.
    pub fn new(command: Option<String>) -> Self {
        Self {
            command,
            ..Self::default()
        }
    }

    /// Returns the same, without asking anybody at a terminal if not `asks`.
    #[must_use]
    pub fn asking(self, asks: bool) -> Self {
        Self {
            never_asks: !asks,
            ..self
        }
    }

    /// Returns whether there is a person to ask.
    fn can_ask(&self) -> bool {
        !self.never_asks && rustix::termios::isatty(io::stdin())
    }

    /// Returns the password; the first caller asks for it, and others wait.
    ///
    /// # Errors
    /// When there is nowhere to get it from.
    pub fn get(&self) -> Result<Secret, PasswordError> {
        let mut known = self.known.lock();
        if known.is_none() {
            *known = Some(self.find()?);
        }
        Ok(known.clone().unwrap_or_default())
    }

    /// Returns the password of rclone's file, from where rclone takes it.
    ///
    /// # Errors
    /// As [`Password::get`]'s.
    pub(super) fn get_rclones(&self) -> Result<Secret, PasswordError> {
        let mut known = self.known.lock();
        if known.is_none() {
            *known = Some(self.find_rclones()?);
        }
        Ok(known.clone().unwrap_or_default())
    }

    fn find_rclones(&self) -> Result<Secret, PasswordError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        if let Some(command) = self
            .command
            .clone()
            .or_else(|| variable(rclone::COMMAND_VARIABLE))
        {
            return rclone::printed_by(&command).map_err(PasswordError::Command);
        }
        if let Some(text) = variable(rclone::PASSWORD_VARIABLE) {
            return Ok(Secret::new(text));
        }
        if !self.can_ask() {
            return Err(PasswordError::NowhereForRclone);
        }
        let prompt = "password of rclone's config (not shown)> ";
        let text = crate::terminal::ask_secret(prompt).map_err(PasswordError::Terminal)?;
        Ok(Secret::new(text))
    }

    /// Replaces the password.
    pub fn remember(&self, secret: Secret) {
        *self.known.lock() = Some(secret);
    }

    fn find(&self) -> Result<Secret, PasswordError> {
        if let Some(command) = &self.command {
            return run(command);
        }
        if let Some(text) = std::env::var(PASSWORD_VARIABLE)
            .ok()
            .filter(|text| !text.is_empty())
        {
            return Ok(Secret::new(text));
        }
        if !self.can_ask() {
            return Err(PasswordError::Nowhere);
        }
        let text =
            crate::terminal::ask_secret("config password (not shown)> ").map_err(PasswordError::Terminal)?;
        Ok(Secret::new(text))
    }
}

fn run(command: &str) -> Result<Secret, PasswordError> {
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| PasswordError::Command(e.to_string()))?;
    if !output.status.success() {
        return Err(PasswordError::Command(output.status.to_string()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Secret::new(line)),
        None => Err(PasswordError::Command("it printed nothing".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commands_first_line_is_the_password() {
        let get = |command: &str| Password::new(Some(command.into())).get();
        assert_eq!(get("echo first; echo second").unwrap(), Secret::new("first"));
        assert!(get("exit 3").unwrap_err().to_string().contains('3'));
        assert!(get("true").is_err());
    }
}
