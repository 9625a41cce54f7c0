//! How shared links are opened, by whose login and with which password, and which shared folders are left out.

use std::path::PathBuf;

use shared::{failure::Failure, secret::Secret};
use stores::dropbox::LeavesOut;

use crate::terminal;

/// The variable with the password of a shared link.
pub const LINK_PASSWORD_VARIABLE: &str = "NODE_TOOL_LINK_PASSWORD";

/// The flags of all commands that take places.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct LinkFlags {
    /// Ask for the password of the shared link, which isn't shown; a script sets NODE_TOOL_LINK_PASSWORD instead
    #[arg(long, global = true, help_heading = "Shared links and folders")]
    link_password: bool,
    /// Read the password of the shared link from the first line of FILE
    #[arg(
        long,
        global = true,
        help_heading = "Shared links and folders",
        value_name = "FILE"
    )]
    link_password_file: Option<PathBuf>,
    /// Open shared links by the login of the remote NAME [default: the other place's remote, or the only one]
    #[arg(
        long,
        global = true,
        help_heading = "Shared links and folders",
        value_name = "NAME"
    )]
    link_remote: Option<String>,
    /// Leave out shared folders, with all that is in them
    #[arg(
        long,
        global = true,
        help_heading = "Shared links and folders",
        alias = "dropbox-skip-shared-folders"
    )]
    exclude_shared: bool,
    /// Leave out folders that others share, with all that is in them
    #[arg(
        long,
        global = true,
        help_heading = "Shared links and folders",
        alias = "dropbox-skip-unowned-folders"
    )]
    exclude_not_owned: bool,
}

/// How shared links are opened.
#[derive(Clone, Debug, Default)]
pub struct LinkOptions {
    /// The password, if there is one.
    pub password: Option<Secret>,
    /// The remote whose login opens them.
    pub remote: Option<String>,
}

impl LinkFlags {
    /// Returns which shared folders listings leave out.
    pub fn leaves_out(&self) -> LeavesOut {
        match (self.exclude_shared, self.exclude_not_owned) {
            (true, _) => LeavesOut::Shared,
            (false, true) => LeavesOut::NotOwned,
            (false, false) => LeavesOut::Nothing,
        }
    }

    /// Returns what the flags and the variable say; asks for the password if it is to be asked for.
    ///
    /// # Errors
    /// When the password can't be read.
    pub async fn options(&self) -> Result<LinkOptions, Failure> {
        let variable = std::env::var(LINK_PASSWORD_VARIABLE).ok();
        let password = match (&self.link_password_file, self.link_password) {
            (Some(file), _) => Some(from_file("--link-password-file", file)?),
            (None, true) => Some(ask("--link-password", "password of the link (not shown)> ").await?),
            (None, false) => variable.filter(|text| !text.is_empty()).map(Secret::new),
        };
        let remote = self.link_remote.as_deref();
        Ok(LinkOptions {
            password,
            remote: remote.map(|name| name.trim_end_matches(':').to_owned()),
        })
    }
}

/// Returns the first line of a file that holds a password.
///
/// # Errors
/// When the file can't be read, or its first line is empty.
pub fn from_file(flag: &str, file: &std::path::Path) -> Result<Secret, Failure> {
    let wrong = || Failure::usage(format!("{flag}: could not read '{}'", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong().why(error))?;
    let first = text.lines().next().filter(|line| !line.is_empty());
    first
        .map(Secret::new)
        .ok_or_else(|| wrong().why("its first line, which is to be the password, is empty"))
}

/// Asks for a password, which isn't shown.
///
/// # Errors
/// When there is no terminal, or nothing is typed.
pub async fn ask(flag: &str, prompt: &'static str) -> Result<Secret, Failure> {
    if !terminal::is_there() {
        return Err(
            Failure::usage(format!("{flag} asks for a password, and there is no terminal"))
                .hint(format!("give {flag}-file FILE instead")),
        );
    }
    let typed = terminal::wait(move || terminal::ask_secret(prompt)).await?;
    match typed.is_empty() {
        true => Err(Failure::usage(format!("{flag}: no password was typed"))),
        false => Ok(Secret::new(typed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_file_is_the_password() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        for (text, password) in [
            ("secret\n", Some("secret")),
            ("a b\r\nc", Some("a b")),
            ("\nx", None),
            ("", None),
        ] {
            std::fs::write(&file, text).unwrap();
            let read = from_file("--flag", &file).ok();
            assert_eq!(read, password.map(Secret::new), "{text:?}");
        }
        assert!(from_file("--flag", &directory.path().join("none")).is_err());
    }
}
